//! The git hooks: what they tell of each kind of commit, and how they come into a repository and out of it.

mod boards;
mod global;
mod installing;
mod telling;

use crate::git::Work;
use crate::sandbox::Outcome;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Writes an executable file.
fn executable(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Puts plain hooks that only call obs into a repository.
fn hooked(work: Work) -> Work {
    for hook in ["post-commit", "post-merge", "post-rewrite", "post-checkout"] {
        let path = work.top().join(".git/hooks").join(hook);
        executable(&path, &format!("#!/bin/sh\nexec obs hook {hook} \"$@\"\n"));
    }
    work
}

/// The data of the commits that were told, oldest first.
fn told(work: &Work) -> Vec<Value> {
    let events = work.sandbox.records("events").into_iter();
    events
        .filter(|event| event["event_type"] == "git.commit")
        .map(|mut event| event["data"].take())
        .collect()
}

/// What was told since the last look: operation and subject of each commit.
fn news(work: &Work, seen: &mut usize) -> String {
    let all = told(work);
    let new = all[*seen..].iter().map(|data| {
        let text = |key: &str| {
            data[key]
                .as_str()
                .unwrap()
                .lines()
                .next()
                .unwrap_or_default()
                .to_owned()
        };
        format!("{}: {}", text("operation"), text("commit_message"))
    });
    let news = new.collect::<Vec<_>>().join(" | ");
    *seen = all.len();
    news
}

/// Runs `obs hook WORD…` in the work tree.
fn hook(work: &Work, words: &[&str]) -> Outcome {
    work.obs(&[&["hook"], words].concat())
}
