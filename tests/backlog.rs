//! `obs reconcile` on task files that change behind its back: each change becomes one event, whoever looks and dies.

use crate::sandbox::{Outcome, Sandbox, have, program};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::Duration;

const TASK: &str = "work/backlog/tasks/task-1 - A.md";

/// A project in the folder `work`, with one task.
fn project() -> Sandbox {
    let sandbox = Sandbox::new();
    fs::create_dir_all(sandbox.path("work/backlog/tasks")).unwrap();
    fs::write(sandbox.path("work/backlog/config.yml"), "project_name: x\n").unwrap();
    status(&sandbox, "To Do");
    sandbox
}

fn status(sandbox: &Sandbox, status: &str) {
    let text = format!("---\nid: TASK-1\ntitle: First task\nstatus: {status}\n---\n");
    fs::write(sandbox.path(TASK), text).unwrap();
}

fn reconcile(sandbox: &Sandbox, more: &[&str]) -> Outcome {
    sandbox.obs([&["reconcile"], more].concat())
}

/// From and to of every change of state in the journal.
fn steps(sandbox: &Sandbox) -> Vec<(String, String)> {
    let events = sandbox.records("events");
    let changes = events
        .iter()
        .filter(|event| event["event_type"] == "backlog.task.state_changed");
    let text = |event: &Value, name: &str| event["data"][name].as_str().unwrap().to_owned();
    changes
        .map(|event| (text(event, "from_state"), text(event, "to_state")))
        .collect()
}

#[test]
fn first_look_remembers_and_the_next_tells() {
    let sandbox = project();
    let first = reconcile(&sandbox, &["--human"]).quiet();
    assert!(
        first
            .stdout
            .ends_with("work/backlog: seen for the first time\n"),
        "{}",
        first.shown()
    );
    assert_eq!(reconcile(&sandbox, &[]).quiet().stdout, "");
    status(&sandbox, "Done");
    let told = reconcile(&sandbox, &["--human"]).quiet();
    assert_eq!(
        told.stdout,
        "TASK-1 task.state_changed To Do -> Done\nTASK-1 task.completed First task\n"
    );
    assert_eq!(steps(&sandbox), [("To Do".to_owned(), "Done".to_owned())]);
}

#[test]
fn what_is_printed_is_what_is_journalled() {
    let sandbox = project();
    reconcile(&sandbox, &[]).quiet();
    status(&sandbox, "Done");
    let printed = reconcile(&sandbox, &["--json"]).quiet().stdout;
    let journalled = fs::read_to_string(sandbox.journal().join("events.log")).unwrap();
    assert_eq!(printed, journalled);
    let event: Value = serde_json::from_str(printed.lines().next().unwrap()).unwrap();
    assert_eq!(event["metadata"]["origin"], "observed");
    assert_eq!(event["data"]["task_id"], "TASK-1");
}

#[test]
fn no_project_is_the_answer_no() {
    let sandbox = Sandbox::new();
    let outcome = reconcile(&sandbox, &[]);
    assert_eq!(
        outcome.shown(),
        "exit 1\n--- stdout\n--- stderr\nobs: no Backlog.md project found\nhint: `backlog init` makes one\n"
    );
}

#[test]
fn project_is_found_as_the_cli_finds_it() {
    let sandbox = project();
    fs::create_dir_all(sandbox.path("work/src/deep")).unwrap();
    let mut inside = sandbox.command(program());
    let inside = inside
        .arg("reconcile")
        .current_dir(sandbox.path("work/src/deep"));
    assert!(inside.status().unwrap().success());
    let work = sandbox.path("work");
    let sandbox = sandbox.with("BACKLOG_CWD", work.to_str().unwrap());
    status(&sandbox, "Done");
    let mut outside = sandbox.command(program());
    let outside = outside.arg("reconcile").current_dir("/").output().unwrap();
    assert!(outside.status.success());
    assert_eq!(steps(&sandbox).len(), 1);
    let sandbox = sandbox.with("BACKLOG_CWD", "/nowhere");
    assert_eq!(reconcile(&sandbox, &[]).code, 1);
    assert_eq!(reconcile(&sandbox, &["."]).code, 0);
}

#[test]
fn many_who_look_tell_once() {
    let sandbox = project();
    reconcile(&sandbox, &[]).quiet();
    for round in 0..5 {
        status(&sandbox, &format!("s{round}"));
        let look = || {
            let mut command = sandbox.command(program());
            command
                .arg("reconcile")
                .stdout(Stdio::null())
                .spawn()
                .unwrap()
        };
        let children: Vec<_> = (0..8).map(|_| look()).collect();
        for mut child in children {
            assert!(child.wait().unwrap().success());
        }
    }
    assert_eq!(steps(&sandbox).len(), 5);
}

#[test]
fn whoever_dies_leaves_nothing_untold_or_told_twice() {
    let sandbox = project();
    reconcile(&sandbox, &[]).quiet();
    for round in 0..60 {
        status(&sandbox, &format!("s{round}"));
        let mut command = sandbox.command(program());
        let mut child = command
            .arg("reconcile")
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_micros(round * 150 % 6_000));
        let _ = child.kill();
        child.wait().unwrap();
    }
    reconcile(&sandbox, &[]).quiet();
    let mut at = "To Do".to_owned();
    for (from, to) in steps(&sandbox) {
        assert_eq!(from, at, "a step is missing or doubled");
        at = to;
    }
    assert_eq!(at, "s59");
    let journal = fs::read_to_string(sandbox.journal().join("events.log")).unwrap();
    let whole = journal
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut ids: Vec<String> = whole.map(|event| event["event_id"].to_string()).collect();
    let all = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), all);
}

#[test]
fn unreadable_task_is_noted_and_told_when_it_is_readable() {
    let sandbox = project();
    reconcile(&sandbox, &[]).quiet();
    fs::write(sandbox.path(TASK), "<<<<<<< HEAD\n").unwrap();
    assert_eq!(reconcile(&sandbox, &[]).quiet().stdout, "");
    let noted = fs::read_to_string(sandbox.journal().join("diagnostics.log")).unwrap();
    assert!(noted.contains("task-1 - A.md cannot be read"), "{noted}");
    status(&sandbox, "Done");
    reconcile(&sandbox, &[]).quiet();
    assert_eq!(steps(&sandbox), [("To Do".to_owned(), "Done".to_owned())]);
}

#[test]
fn terminal_is_not_for_a_task_to_write_to() {
    let sandbox = project();
    reconcile(&sandbox, &[]).quiet();
    status(&sandbox, "\"\\e[2J\\u202e\"");
    let told = reconcile(&sandbox, &["--human"]).quiet().stdout;
    assert!(
        told.starts_with("TASK-1 task.state_changed To Do -> "),
        "{told}"
    );
    assert!(!told.contains(['\u{1b}', '\u{202e}']), "{told:?}");
}

fn git(sandbox: &Sandbox, words: &str) {
    let mut command = sandbox.command("git");
    command.args(["-c", "user.name=t", "-c", "user.email=t@example.org"]);
    let output = command.args(words.split(' ')).output().unwrap();
    assert!(output.status.success(), "git {words}: {output:?}");
}

#[test]
fn branches_merges_and_work_trees_tell_nothing_twice() {
    if !have("git") {
        return;
    }
    let sandbox = project();
    git(&sandbox, "init --quiet --initial-branch=main");
    git(&sandbox, "add .");
    git(&sandbox, "commit --quiet -m one");
    reconcile(&sandbox, &[]).quiet();
    git(&sandbox, "checkout --quiet -b side");
    reconcile(&sandbox, &[]).quiet();
    status(&sandbox, "Done");
    assert_eq!(reconcile(&sandbox, &[]).quiet().stdout.lines().count(), 2);
    git(&sandbox, "commit --quiet -am two");
    for words in [
        "checkout --quiet main",
        "checkout --quiet side",
        "checkout --quiet main",
        "merge --quiet side",
    ] {
        git(&sandbox, words);
        assert_eq!(
            reconcile(&sandbox, &[]).quiet().stdout,
            "",
            "after git {words}"
        );
    }
    git(&sandbox, "worktree add --quiet ../other -b other");
    let other = sandbox.path("other");
    assert_eq!(
        reconcile(&sandbox, &[other.to_str().unwrap()])
            .quiet()
            .stdout,
        ""
    );
    status(&sandbox, "To Do");
    assert_eq!(reconcile(&sandbox, &[]).quiet().stdout.lines().count(), 1);
    assert_eq!(
        reconcile(&sandbox, &[other.to_str().unwrap()])
            .quiet()
            .stdout,
        ""
    );
    assert_eq!(steps(&sandbox).len(), 2);
}

#[test]
fn lock_of_git_at_the_end_takes_no_events_away() {
    let sandbox = project();
    fs::create_dir(sandbox.path("work/.git")).unwrap();
    fs::write(sandbox.path("work/.git/HEAD"), "ref: refs/heads/main\n").unwrap();
    let fake = "#!/bin/sh\nsed -i 's/To Do/Done/' backlog/tasks/*.md\n: >.git/index.lock\n\
                (sleep 0.2; rm .git/index.lock) >/dev/null 2>&1 &\n";
    let path = sandbox.path("bin/backlog");
    fs::write(&path, fake).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    reconcile(&sandbox, &[]).quiet();
    sandbox.obs(["backlog", "task", "edit"]).quiet();
    let events = sandbox.records("events");
    assert_eq!(events.len(), 2, "{events:?}");
    let span = &sandbox.records("spans")[0];
    for event in events {
        assert_eq!(event["metadata"]["origin"], Value::Null, "{event}");
        assert_eq!(
            event["trace_context"]["span_id"], span["span_id"],
            "{event}"
        );
    }
}
