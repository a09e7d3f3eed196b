//! Looking at a disk on which anything may lie.

use super::*;
use crate::backlog::scan::Scan;
use std::cell::Cell;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, symlink};
use std::time::{Duration, Instant, SystemTime};
use tempfile::TempDir;

fn folder() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for folder in ["tasks", "drafts", "docs", "archive/tasks"] {
        fs::create_dir_all(dir.path().join(folder)).unwrap();
    }
    dir
}

fn now() -> i64 {
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_nanos();
    i64::try_from(now).unwrap()
}

fn told(before: &Scan, after: &Scan) -> Vec<String> {
    short(&Difference::of(&before.board, &after.board).changes("Done"))
}

#[test]
fn malformed_files_of_the_corpus_are_told_from_good_ones() {
    let scan = disk(&corpus("variants/malformed/backlog"), None, &late);
    let mut broken: Vec<String> = scan
        .unreadable
        .iter()
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    broken.sort();
    assert_eq!(
        broken,
        [
            "task-11 - unclosed.md",
            "task-13 - noid.md",
            "task-16 - linked.md",
            "task-2 - conflict.md",
            "task-3 - nofm.md",
            "task-7 - empty.md"
        ]
    );
    assert!(scan.failed.is_none());
}

#[test]
fn unchanged_files_are_not_read_again() {
    let dir = folder();
    let path = dir.path().join("tasks/task-1 - A.md");
    fs::write(&path, task("TASK-1", "A", "status: To Do")).unwrap();
    let first = disk(dir.path(), None, &late);
    // the same stamp with another content: only reading would tell
    let mut trick = first.board.clone();
    trick.entries[0].state = crate::backlog::board::State::Good("{}".into());
    assert_eq!(disk(dir.path(), Some(&trick), &late).board, trick);
    fs::write(&path, task("TASK-1", "A", "status: Done")).unwrap();
    let second = disk(dir.path(), Some(&first.board), &late);
    assert_eq!(
        told(&first, &second),
        [
            "task.state_changed TASK-1 To Do Done",
            "task.completed TASK-1"
        ]
    );
}

#[test]
fn young_file_is_read_again_though_its_stamp_is_the_same() {
    let dir = folder();
    let path = dir.path().join("tasks/task-1 - A.md");
    fs::write(&path, task("TASK-1", "A", "status: To Do")).unwrap();
    let first = disk(dir.path(), None, &now);
    assert!(first.board.entries[0].stamp.is_none());
    assert!(first.youngest.unwrap() <= now());
    let second = disk(dir.path(), Some(&first.board), &|| now() + 3_000_000_000);
    assert!(second.board.entries[0].stamp.is_some());
    assert!(first.board.says_the_same(&second.board));
}

/// When a file was last changed.
fn date(path: &Path) -> i64 {
    let found = fs::metadata(path).unwrap();
    found.ctime() * 1_000_000_000 + found.ctime_nsec()
}

#[test]
fn half_written_text_is_no_state() {
    let dir = folder();
    let path = dir.path().join("tasks/task-1 - A.md");
    let new = task("TASK-1", "A", "status: Done");
    let old = task("TASK-1", "A", "status: To Do") + &"- [ ] one more\n".repeat(40);
    fs::write(&path, &old).unwrap();
    let first = disk(dir.path(), None, &late);
    // as the CLI writes: over what is there, and the rest is cut off while we look
    fs::write(&path, new.clone() + &old[new.len()..]).unwrap();
    let (written, calls) = (date(&path), Cell::new(0));
    let clock = || {
        calls.set(calls.get() + 1);
        if calls.get() != 2 {
            return now();
        }
        let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
        file.set_len(new.len() as u64).unwrap();
        written
    };
    let second = disk(dir.path(), Some(&first.board), &clock);
    fs::write(&path, &new).unwrap();
    let whole = disk(dir.path(), Some(&first.board), &late);
    assert_eq!(told(&first, &second), told(&first, &whole));
    assert_eq!(told(&second, &whole), [""; 0]);
}

#[test]
fn file_that_does_not_hold_still_keeps_its_last_good_state() {
    let dir = folder();
    let path = dir.path().join("tasks/task-1 - A.md");
    fs::write(&path, task("TASK-1", "A", "status: To Do")).unwrap();
    let first = disk(dir.path(), None, &late);
    fs::write(&path, task("TASK-1", "A", "status: Done")).unwrap();
    let moving = disk(dir.path(), Some(&first.board), &|| date(&path));
    assert_eq!(told(&first, &moving), [""; 0]);
    assert!(moving.unreadable.is_empty() && moving.board.entries[0].stamp.is_none());
    let still = disk(dir.path(), Some(&moving.board), &late);
    assert_eq!(told(&moving, &still).len(), 2);
}

#[test]
fn file_of_another_clock_is_read_at_once() {
    let dir = folder();
    let path = dir.path().join("tasks/task-1 - A.md");
    fs::write(&path, task("TASK-1", "A", "status: To Do")).unwrap();
    let scan = disk(dir.path(), None, &|| date(&path) - 1);
    assert!(scan.board.entries[0].state.text().is_some());
}

#[test]
fn unreadable_file_keeps_its_last_good_state() {
    let dir = folder();
    let path = dir.path().join("tasks/task-1 - A.md");
    fs::write(&path, task("TASK-1", "A", "status: To Do")).unwrap();
    let good = disk(dir.path(), None, &late);
    fs::write(&path, "<<<<<<< HEAD").unwrap();
    let broken = disk(dir.path(), Some(&good.board), &late);
    assert_eq!(told(&good, &broken), [""; 0]);
    assert_eq!(broken.unreadable, [Path::new("tasks/task-1 - A.md")]);
    fs::write(&path, task("TASK-1", "A", "status: In Progress")).unwrap();
    let again = disk(dir.path(), Some(&broken.board), &late);
    assert_eq!(
        told(&broken, &again),
        ["task.state_changed TASK-1 To Do In Progress"]
    );
}

#[test]
fn half_written_new_file_is_created_once_it_is_whole() {
    let dir = folder();
    let empty = disk(dir.path(), None, &late);
    let path = dir.path().join("tasks/task-1 - A.md");
    fs::write(&path, "---\nid: TASK-1\n").unwrap();
    let half = disk(dir.path(), Some(&empty.board), &late);
    let still = disk(dir.path(), Some(&half.board), &late);
    assert_eq!((half.unreadable.len(), still.unreadable.len()), (1, 0));
    assert_eq!(told(&empty, &half), [""; 0]);
    fs::write(&path, task("TASK-1", "A", "")).unwrap();
    let whole = disk(dir.path(), Some(&still.board), &late);
    assert_eq!(told(&still, &whole), ["task.created TASK-1"]);
}

#[test]
fn file_that_was_broken_at_first_sight_is_no_news_when_repaired() {
    let dir = folder();
    let path = dir.path().join("tasks/task-1 - A.md");
    fs::write(&path, "no front matter").unwrap();
    let broken = disk(dir.path(), None, &late);
    fs::write(&path, task("TASK-1", "A", "")).unwrap();
    let repaired = disk(dir.path(), Some(&broken.board), &late);
    assert_eq!(told(&broken, &repaired), [""; 0]);
}

#[test]
fn any_name_and_any_thing_may_lie_there() {
    let dir = folder();
    let odd = dir
        .path()
        .join("tasks")
        .join(OsStr::from_bytes(b"task-1 - \xFF\n'\".md"));
    fs::write(odd, task("TASK-1", "A", "")).unwrap();
    fs::create_dir(dir.path().join("tasks/task-2 - folder.md")).unwrap();
    symlink("nowhere", dir.path().join("tasks/task-3 - dangling.md")).unwrap();
    symlink("/dev/zero", dir.path().join("tasks/task-4 - device.md")).unwrap();
    symlink(dir.path().join("docs"), dir.path().join("docs/loop")).unwrap();
    fs::create_dir(dir.path().join("docs/deep")).unwrap();
    symlink("..", dir.path().join("docs/deep/up")).unwrap();
    fs::write(dir.path().join("docs/a.md"), "---\nid: doc-1\n---\n").unwrap();
    let pipe = dir.path().join("tasks/task-5 - pipe.md");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RWXU,
        0,
    )
    .unwrap();
    let scan = disk(dir.path(), None, &late);
    assert!(scan.failed.is_none() && scan.unreadable.is_empty());
    assert_eq!(scan.board.len(), 2);
    let empty = Scan::default();
    assert_eq!(
        told(&empty, &scan),
        ["task.created TASK-1", "document.created doc-1"]
    );
}

#[test]
fn linked_task_is_followed() {
    let dir = folder();
    fs::write(dir.path().join("elsewhere.md"), task("TASK-1", "A", "")).unwrap();
    symlink("../elsewhere.md", dir.path().join("tasks/task-1 - A.md")).unwrap();
    assert_eq!(disk(dir.path(), None, &late).board.len(), 1);
}

#[test]
fn huge_file_costs_nothing_much() {
    let dir = folder();
    let path = dir.path().join("tasks/task-1 - A.md");
    fs::write(&path, task("TASK-1", "A", "")).unwrap();
    let file = fs::OpenOptions::new().append(true).open(&path).unwrap();
    file.set_len(100 << 20).unwrap();
    let start = Instant::now();
    let scan = disk(dir.path(), None, &late);
    assert!(
        start.elapsed() < Duration::from_secs(2),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(scan.board.len(), 1);
}

#[test]
fn folder_that_is_none_is_not_empty() {
    let dir = folder();
    fs::remove_dir(dir.path().join("drafts")).unwrap();
    symlink("drafts", dir.path().join("drafts")).unwrap();
    assert!(disk(dir.path(), None, &late).failed.is_some());
    fs::remove_file(dir.path().join("drafts")).unwrap();
    assert!(disk(dir.path(), None, &late).failed.is_none());
}
