//! What git hooks say about commits.

use schemars::JsonSchema;
use serde::Deserialize;

use super::terms::Timestamp;

/// Data of `git.commit`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct Commit {
    /// Full id of the commit.
    pub commit_sha: String,
    /// Whole commit message.
    pub commit_message: Option<String>,
    /// Paths the commit touches against its first parent, from the top of the repository.
    pub changed_files: Option<Vec<String>>,
    /// Number of touched files, also where the list was cut short.
    pub changed_file_count: Option<u64>,
    /// Lines added.
    pub insertions: Option<u64>,
    /// Lines removed.
    pub deletions: Option<u64>,
    /// Full ids of the parents, first parent first.
    pub parent_shas: Option<Vec<String>>,
    /// Branch the commit was made on; absent on a detached HEAD.
    pub branch: Option<String>,
    /// Whether that branch is the repository's default branch.
    pub default_branch: Option<bool>,
    /// Author time, RFC 3339; survives a rebase.
    pub authored_time: Option<Timestamp>,
    /// Committer time, RFC 3339.
    pub committed_time: Option<Timestamp>,
    /// What made the commit: `commit`, `amend`, `merge`, `rebase`, `cherry-pick`, `revert`, …
    pub operation: Option<String>,
    /// Full id of the commit this one replaces, after an amend or a rebase.
    pub previous_sha: Option<String>,
    /// Backlog.md ids of the tasks whose files the commit touches or whose ids its message names.
    pub task_ids: Option<Vec<String>>,
}
