//! What happens to a Backlog.md project: tasks and drafts, documents, decisions, milestones.
//! Ids are as Backlog.md writes them and paths start at the backlog folder.

use schemars::JsonSchema;
use serde::Deserialize;

use super::terms::Timestamp;

/// Declares the data of a task event: what every one of them may say, then its own fields.
macro_rules! task_data {
    ($(#[$about:meta])* $name:ident { $($own:tt)* }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Deserialize, JsonSchema)]
        pub struct $name {
            /// Id of the task as Backlog.md writes it, e.g. `TASK-302`; compared without case.
            pub task_id: String,
            /// Title of the task.
            pub title: Option<String>,
            /// State the task is in now.
            pub status: Option<String>,
            /// The one assignee, or the first of several.
            pub assignee: Option<String>,
            /// All assignees, as written in the file.
            pub assignees: Option<Vec<String>>,
            /// Labels, in the order of the file.
            pub labels: Option<Vec<String>>,
            /// Priority, one of those the project configured.
            pub priority: Option<String>,
            /// Id or name of the milestone.
            pub milestone: Option<String>,
            /// File of the task, from the backlog folder.
            pub path: Option<String>,
            /// Whether the task is a draft.
            pub draft: Option<bool>,
            $($own)*
        }
    };
}

task_data! {
    /// Data of `backlog.task.created`.
    TaskCreated {
        /// Id of the parent task.
        pub parent: Option<String>,
        /// Ids of the tasks this one waits for.
        pub dependencies: Option<Vec<String>>,
        /// Creation time the file states, RFC 3339, exact to the minute or the day.
        pub created_time: Option<Timestamp>,
    }
}

task_data! {
    /// Data of `backlog.task.updated`.
    TaskUpdated {
        /// Names of the fields that changed, e.g. `title`, `labels`, `acceptance_criteria`, `body`, `location`.
        pub changed: Option<Vec<String>>,
        /// Id before a promotion, a demotion or a renumbering.
        pub previous_id: Option<String>,
        /// Folder before a move, e.g. `tasks`.
        pub from: Option<String>,
        /// Folder after a move, e.g. `completed`.
        pub to: Option<String>,
    }
}

task_data! {
    /// Data of `backlog.task.state_changed`.
    TaskStateChanged {
        /// State before.
        pub from_state: String,
        /// State after.
        pub to_state: String,
        /// Milliseconds the task spent in `from_state`.
        pub state_duration_ms: Option<f64>,
    }
}

task_data! {
    /// Data of `backlog.task.assigned`.
    TaskAssigned {
        /// Assignees gained.
        pub added: Option<Vec<String>>,
        /// Assignees lost at the same time.
        pub removed: Option<Vec<String>>,
    }
}

task_data! {
    /// Data of `backlog.task.completed`.
    TaskCompleted {
        /// Creation time the file states, RFC 3339, exact to the minute or the day.
        pub created_time: Option<Timestamp>,
        /// Milliseconds from creation to completion.
        pub lead_time_ms: Option<f64>,
        /// Milliseconds from the first start of work to completion.
        pub cycle_time_ms: Option<f64>,
    }
}

task_data! {
    /// Data of `backlog.task.archived`.
    TaskArchived {
        /// Folder before, e.g. `tasks`.
        pub from: Option<String>,
        /// Folder after, e.g. `archive/tasks`.
        pub to: Option<String>,
    }
}

task_data! {
    /// Data of `backlog.task.ac_checked`.
    TaskAcChecked {
        /// Number of the criterion in its list now, from 1.
        pub index: Option<u64>,
        /// Text of the criterion.
        pub text: Option<String>,
        /// True when checked, false when unchecked.
        pub checked: Option<bool>,
        /// Criteria of the task that are checked now.
        pub done: Option<u64>,
        /// Criteria the task has.
        pub total: Option<u64>,
    }
}

task_data! {
    /// Data of `backlog.task.deleted`.
    TaskDeleted {}
}

/// Data of `backlog.task.updated_via_commit`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct TaskUpdatedViaCommit {
    /// Full id of the commit.
    pub commit_sha: String,
    /// Whole commit message.
    pub commit_message: String,
    /// Paths the commit touches, from the top of the repository.
    pub changed_files: Vec<String>,
    /// Ids of the tasks whose files the commit touches.
    pub task_ids: Option<Vec<String>>,
    /// Branch the commit was made on.
    pub branch: Option<String>,
}

/// Data of `backlog.document.created`, `.updated` and `.deleted`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct Document {
    /// Id as Backlog.md writes it, e.g. `doc-1`.
    pub document_id: Option<String>,
    /// Title of the document.
    pub title: Option<String>,
    /// Kind of document the file states: `readme`, `guide`, `specification` or `other`.
    pub document_type: Option<String>,
    /// Tags, in the order of the file.
    pub tags: Option<Vec<String>>,
    /// Names of the fields that changed, e.g. `title`, `tags`, `body`, `path`.
    pub changed: Option<Vec<String>>,
    /// File of the document, from the backlog folder.
    pub path: Option<String>,
    /// File before a move or a renaming.
    pub previous_path: Option<String>,
}

/// Data of `backlog.decision.created`, `.updated` and `.deleted`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct Decision {
    /// Id as Backlog.md writes it, e.g. `decision-1`.
    pub decision_id: Option<String>,
    /// Title of the decision.
    pub title: Option<String>,
    /// State of the decision, e.g. `proposed`, `accepted`.
    pub status: Option<String>,
    /// Names of the fields that changed.
    pub changed: Option<Vec<String>>,
    /// File of the decision, from the backlog folder.
    pub path: Option<String>,
}

/// Data of `backlog.milestone.created`, `.updated` and `.deleted`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct Milestone {
    /// Id as Backlog.md writes it, e.g. `m-0`.
    pub milestone_id: Option<String>,
    /// Title of the milestone.
    pub title: Option<String>,
    /// Due date as Backlog.md writes it, e.g. `2027-01-31`.
    pub due_date: Option<String>,
    /// Names of the fields that changed; `location` when it was archived.
    pub changed: Option<Vec<String>>,
    /// File of the milestone, from the backlog folder.
    pub path: Option<String>,
}
