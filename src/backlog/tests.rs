//! The corpus: real files written by the real CLI, before and after a command, with what happened in between.

mod commits;
mod disks;
mod identities;
mod ledgers;

use super::*;
use crate::model::catalog;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// Later than anything: every stamp can be trusted.
fn late() -> i64 {
    i64::MAX
}

fn corpus(path: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/backlog-corpus");
    root.join(path)
}

/// What happened between two copies of a project.
fn happened(before: &Path, after: &Path) -> Vec<Change> {
    let folder = |root: &Path| Project::find(root, None).unwrap();
    let (before, after) = (folder(before), folder(after));
    let (old, new) = (
        disk(&before.folder, None, &late),
        disk(&after.folder, None, &late),
    );
    let difference = Difference::of(&old.board, &new.board);
    difference.changes(after.terminal())
}

/// The corpus' name of a field in our data.
fn renamed<'a>(event_type: &str, field: &'a str) -> &'a str {
    match (event_type, field) {
        (event_type, "id") if event_type.starts_with("backlog.task.") => "task_id",
        (event_type, "id") if event_type.starts_with("backlog.document.") => "document_id",
        (event_type, "id") if event_type.starts_with("backlog.decision.") => "decision_id",
        (_, "id") => "milestone_id",
        ("backlog.task.state_changed", "from") => "from_state",
        ("backlog.task.state_changed", "to") => "to_state",
        _ => field,
    }
}

/// What every event may say about its task besides what the corpus expects.
const CONTEXT: &[&str] = &[
    "task_id",
    "title",
    "status",
    "assignee",
    "assignees",
    "labels",
    "priority",
    "milestone",
    "path",
    "draft",
    "parent",
    "dependencies",
    "created_time",
    "document_id",
    "document_type",
    "tags",
    "decision_id",
    "milestone_id",
    "due_date",
];

fn assert_expected(changes: &[Change], expected: &Value, case: &str) {
    let expected = expected["events"].as_array().unwrap();
    let types: Vec<&str> = changes.iter().map(|change| change.event_type).collect();
    let wanted: Vec<&str> = expected
        .iter()
        .map(|event| event["type"].as_str().unwrap())
        .collect();
    assert_eq!(types, wanted, "{case}");
    for (change, event) in changes.iter().zip(expected) {
        let fields = event.as_object().unwrap().iter();
        let fields = fields.filter(|(name, _)| !matches!(name.as_str(), "type" | "extra"));
        let mut told: Vec<&str> = CONTEXT.to_vec();
        for (name, wanted) in fields {
            let name = renamed(change.event_type, name);
            let empty = wanted.as_array().is_some_and(Vec::is_empty) || wanted == "";
            let ours = change.data.get(name);
            let same = if empty {
                ours.is_none()
            } else {
                ours == Some(wanted)
            };
            assert!(same, "{case}: {name} is {ours:?}, not {wanted}");
            told.push(name);
        }
        let extra: Vec<&String> = change
            .data
            .keys()
            .filter(|key| !told.contains(&key.as_str()))
            .collect();
        assert!(
            extra.is_empty(),
            "{case}: {extra:?} in {}",
            change.event_type
        );
    }
}

fn assert_in_catalogue(changes: &[Change]) {
    for change in changes {
        let known = catalog::find(change.event_type).unwrap();
        let data = Value::Object(change.data.clone());
        assert_eq!(known.check(&data), Ok(()), "{}: {data}", change.event_type);
        let undeclared = change
            .data
            .keys()
            .find(|key| !known.fields().contains(&key.as_str()));
        assert_eq!(undeclared, None, "{}", change.event_type);
    }
}

#[test]
fn pairs_of_the_corpus_tell_what_happened() {
    let mut cases = 0;
    for entry in fs::read_dir(corpus("pairs"))
        .unwrap()
        .chain(fs::read_dir(corpus("variants")).unwrap())
    {
        let folder = entry.unwrap().path();
        let Ok(expected) = fs::read(folder.join("expect.json")) else {
            continue;
        };
        let own = folder.join("before");
        let before = if own.exists() {
            own
        } else {
            corpus("pairs/_base")
        };
        let changes = happened(&before, &folder.join("after"));
        let case = folder.file_name().unwrap().to_string_lossy().into_owned();
        assert_expected(&changes, &serde_json::from_slice(&expected).unwrap(), &case);
        assert_in_catalogue(&changes);
        cases += 1;
    }
    assert_eq!(cases, 42);
}

#[test]
fn every_pair_backwards_fits_the_catalogue() {
    for entry in fs::read_dir(corpus("pairs")).unwrap() {
        let after = entry.unwrap().path().join("after");
        if after.exists() {
            assert_in_catalogue(&happened(&after, &corpus("pairs/_base")));
        }
    }
}

#[test]
fn blobs_and_disk_are_the_same_board() {
    let folder = corpus("pairs/doc-create/after/backlog");
    let mut files = Vec::new();
    collect(&folder, &folder, &mut files);
    let files = files
        .iter()
        .map(|(path, bytes)| (path.as_bytes(), bytes.as_slice()));
    let stored = blobs(files);
    let found = disk(&folder, None, &late).board;
    assert!(found.len() > 8 && stored.says_the_same(&found));
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, files);
            continue;
        }
        let inside = path
            .strip_prefix(root)
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        files.push((inside, fs::read(&path).unwrap()));
    }
}

/// A task file.
fn task(id: &str, title: &str, rest: &str) -> String {
    format!("---\nid: {id}\ntitle: {title}\n{rest}\n---\n\nbody of {title}\n")
}

/// The board of these files.
fn board(files: &[(&str, &str)]) -> Board {
    blobs(
        files
            .iter()
            .map(|(path, text)| (path.as_bytes(), text.as_bytes())),
    )
}

/// Type, id, and what it says changed, in short.
fn short(changes: &[Change]) -> Vec<String> {
    let word = |change: &Change, name: &str| match change.data.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) => {
            let items = items.iter().filter_map(Value::as_str);
            items.collect::<Vec<_>>().join(",")
        }
        _ => String::new(),
    };
    let line = |change: &Change| {
        let kind = change.event_type.strip_prefix("backlog.").unwrap();
        let names = [
            "task_id",
            "document_id",
            "decision_id",
            "previous_id",
            "from_state",
            "to_state",
        ];
        let words = names
            .iter()
            .chain(&["changed", "from", "to"])
            .map(|name| word(change, name));
        let words: Vec<String> = words.filter(|word| !word.is_empty()).collect();
        format!("{kind} {}", words.join(" "))
    };
    changes.iter().map(line).collect()
}

fn between(before: &[(&str, &str)], after: &[(&str, &str)]) -> Vec<String> {
    let difference = Difference::of(&board(before), &board(after));
    short(&difference.changes("Done"))
}
