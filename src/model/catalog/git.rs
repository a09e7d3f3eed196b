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
    /// Lines added; absent where the commit is too large to count. A file moved whole adds and removes none.
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
    /// Author's name.
    pub author_name: Option<String>,
    /// Author's mail address.
    pub author_email: Option<String>,
    /// What made the commit: `commit`, `amend`, `merge`, `squash`, `reword`, `cherry-pick`, `revert`, …
    pub operation: Option<String>,
    /// Full id of the commit this one replaces, after an amend or a rebase.
    pub previous_sha: Option<String>,
    /// Backlog.md ids of the tasks whose files the commit touches or whose ids its message names.
    pub task_ids: Option<Vec<String>>,
    /// Trailers of the message, such as `Co-authored-by`, in order.
    pub trailers: Option<Vec<Trailer>>,
}

/// A trailer of a commit message.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct Trailer {
    /// What stands before the colon.
    pub key: String,
    /// What stands behind it; folded lines are joined.
    pub value: Option<String>,
}
