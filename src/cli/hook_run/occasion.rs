//! Why git runs a hook: which kind of commit was made, or that none was. HEAD's reflog tells; where no log is kept, what
//! can be seen of a rebase or a merge must do.

use super::Hook;
use crate::git::{Commit, Entry, Repo};

/// A merge without a log is taken for one of ours if it is as young as this, in nanoseconds.
const JUST_NOW: i64 = 10_000_000_000;

/// A commit that somebody made, as opposed to one that a rebase replays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Occasion {
    /// What made it, such as `commit` or `amend`.
    pub(super) operation: String,
    /// The commit that it replaces.
    pub(super) previous: Option<String>,
    /// Only a merge commit counts; and, where no log says that it was made here, only a young one.
    merge: Option<Age>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Age {
    Any,
    JustNow,
}

impl Occasion {
    /// Reads the occasion of a hook; `entry` is the newest of the log, if it is about HEAD. None: there is no commit to
    /// tell.
    pub(super) fn of(hook: &Hook<'_>, repo: &Repo, entry: Option<&Entry>) -> Option<Self> {
        match (hook.name, hook.first()) {
            ("post-commit", _) | ("post-rewrite", Some("amend")) => {
                let made = made(entry, repo.is_rebasing());
                made.filter(|made| made.operation != "squash" || is_last_squash(repo))
            }
            // 1 is for --squash, which commits nothing
            ("post-merge", Some("1")) => None,
            ("post-merge", _) => merged(entry),
            _ => None,
        }
    }

    /// What made an earlier commit, whose own hook may have been late or killed.
    pub(super) fn earlier(entry: &Entry) -> Option<Self> {
        let verb = entry.action.split(" (").next();
        let is_commit = matches!(verb, Some("commit" | "cherry-pick" | "revert"));
        made(Some(entry), false).filter(|_| is_commit)
    }

    /// True where the commit brings what others did.
    pub(super) fn is_merge(&self) -> bool {
        self.operation == "merge"
    }

    /// True where the commit is one that the occasion makes; settles what only the commit knows.
    pub(super) fn fits(&self, commit: &Commit, now: i64) -> bool {
        match self.merge {
            None => true,
            Some(Age::Any) => commit.is_merge(),
            Some(Age::JustNow) => {
                commit.is_merge() && (now - commit.committer.time).abs() < JUST_NOW
            }
        }
    }
}

/// False where a rebase goes on to squash more into the commit that it just made.
fn is_last_squash(repo: &Repo) -> bool {
    let next = repo.next_of_rebase();
    !matches!(next.as_deref(), Some("f" | "fixup" | "s" | "squash"))
}

/// `commit`, `commit (amend)`, `cherry-pick`, `rebase (pick)`, `pull --rebase (squash)`: what made a commit.
fn made(entry: Option<&Entry>, rebasing: bool) -> Option<Occasion> {
    let Some(entry) = entry else {
        let commit = || Occasion::plain("commit");
        return (!rebasing).then(commit);
    };
    let (verb, detail) = match entry.action.split_once(" (") {
        Some((verb, detail)) => (verb, detail.trim_end_matches(')')),
        None => (entry.action.as_str(), ""),
    };
    let in_rebase = verb.contains("rebase") || rebasing && matches!(detail, "continue" | "pick");
    let operation = match (verb, detail) {
        (_, "fixup" | "squash") => "squash",
        (_, "reword") => "reword",
        _ if in_rebase => return None,
        ("commit", "amend" | "cherry-pick" | "merge" | "revert") => detail,
        ("cherry-pick" | "revert", _) => verb,
        _ => "commit",
    };
    Some(Occasion {
        previous: entry.old.clone().filter(|_| operation == "amend"),
        ..Occasion::plain(operation)
    })
}

/// A merge that made a commit; a fast-forward makes none.
fn merged(entry: Option<&Entry>) -> Option<Occasion> {
    if entry.is_some_and(|entry| entry.about.starts_with("Fast-forward")) {
        return None;
    }
    Some(Occasion {
        merge: Some(entry.map_or(Age::JustNow, |_| Age::Any)),
        ..Occasion::plain("merge")
    })
}

impl Occasion {
    fn plain(operation: &str) -> Self {
        Self {
            operation: operation.to_owned(),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(message: &str) -> Entry {
        let (action, about) = message.split_once(": ").unwrap_or((message, ""));
        Entry {
            old: Some("a".to_owned()),
            new: "b".to_owned(),
            action: action.to_owned(),
            about: about.to_owned(),
        }
    }

    #[test]
    fn reflog_tells_what_made_a_commit() {
        for (message, operation) in [
            ("commit: x", Some("commit")),
            ("commit (initial): x", Some("commit")),
            ("commit (amend): x", Some("amend")),
            ("commit (merge): x", Some("merge")),
            ("commit (cherry-pick): x", Some("cherry-pick")),
            ("cherry-pick: x", Some("cherry-pick")),
            ("revert: Revert \"x\"", Some("revert")),
            ("rebase (pick): x", None),
            ("rebase (continue): x", None),
            ("rebase (merge): x", None),
            ("rebase: x", None),
            ("pull --rebase origin main (pick): x", None),
            ("pull -r (pick): x", None),
            ("rebase -i (squash): x", Some("squash")),
            ("rebase (fixup): x", Some("squash")),
            ("rebase (reword): x", Some("reword")),
            ("a tool of somebody's: x", Some("commit")),
            ("", Some("commit")),
        ] {
            let made = made(Some(&entry(message)), message.contains("pull"));
            assert_eq!(
                made.as_ref().map(|made| &*made.operation),
                operation,
                "{message}"
            );
            let previous = made.and_then(|made| made.previous);
            assert_eq!(previous.is_some(), message.contains("amend"), "{message}");
        }
    }

    #[test]
    fn without_a_log_a_rebase_is_seen() {
        assert_eq!(made(None, true), None);
        assert_eq!(made(None, false), Some(Occasion::plain("commit")));
    }

    #[test]
    fn fast_forward_makes_no_commit() {
        assert_eq!(merged(Some(&entry("merge side: Fast-forward"))), None);
        assert_eq!(
            merged(Some(&entry(
                "pull: Fast-forward (no commit created; -m option ignored)"
            ))),
            None
        );
        assert!(
            merged(Some(&entry(
                "merge side: Merge made by the 'ort' strategy."
            )))
            .is_some()
        );
    }
}
