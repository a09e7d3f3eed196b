//! What commits do to a board: told from their blobs, every state once, whatever replays or amends them.

use super::{hook, hooked};
use crate::git::Work;
use serde_json::json;
use std::fs;
use std::os::unix::fs::PermissionsExt;

const TASK: &str = "backlog/tasks/task-1 - One.md";

fn task(id: usize, status: &str) -> String {
    format!(
        "---\nid: TASK-{id}\ntitle: Number {id}\nstatus: {status}\nassignee: []\ncreated_date: '2026-01-0{id} 10:00'\n---\n\nText.\n"
    )
}

/// A repository with hooks and a board of one task, committed.
fn board() -> Work {
    let work = hooked(Work::new());
    work.write("backlog/config.yml", "project_name: x\n");
    work.commit(TASK, task(1, "To Do"), "board");
    work
}

/// Type, task and states of every event of the board.
fn events(work: &Work) -> Vec<String> {
    let events = work.sandbox.records("events").into_iter();
    let told = events.filter_map(|event| {
        let kind = event["event_type"]
            .as_str()?
            .strip_prefix("backlog.task.")?
            .to_owned();
        let data = &event["data"];
        let text = |key: &str| data[key].as_str().unwrap_or_default();
        (kind != "updated_via_commit").then(|| {
            format!(
                "{} {kind} {}>{}",
                text("task_id"),
                text("from_state"),
                text("to_state")
            )
        })
    });
    told.collect()
}

#[test]
fn first_commit_of_a_board_tells_its_tasks() {
    assert_eq!(events(&board()), ["TASK-1 created >"]);
}

#[test]
fn first_sight_is_the_parent_commit() {
    let work = Work::new();
    work.write("backlog/config.yml", "project_name: x\n");
    work.write("backlog/tasks/task-2 - Two.md", task(2, "To Do"));
    work.commit(TASK, task(1, "To Do"), "before there was a hook");
    let work = hooked(work);
    work.commit(TASK, task(1, "Done"), "done");
    assert_eq!(
        events(&work),
        ["TASK-1 state_changed To Do>Done", "TASK-1 completed >"]
    );
}

#[test]
fn commit_tells_what_it_holds_and_not_the_work_tree() {
    let work = board();
    work.write(TASK, task(1, "In Progress"));
    work.git(&["add", "-A"]);
    work.write(TASK, task(1, "Done"));
    work.git(&["commit", "-q", "-m", "begin"]);
    assert_eq!(
        events(&work)[1..],
        ["TASK-1 state_changed To Do>In Progress"]
    );
    work.obs(&["reconcile"]).quiet();
    assert_eq!(
        events(&work)[2..],
        [
            "TASK-1 state_changed In Progress>Done",
            "TASK-1 completed >"
        ]
    );
}

#[test]
fn what_a_look_has_told_its_commit_does_not_tell_again() {
    let work = board();
    work.obs(&["reconcile"]).quiet();
    work.write(TASK, task(1, "In Progress"));
    work.obs(&["reconcile"]).quiet();
    work.write(TASK, task(1, "Done"));
    work.obs(&["reconcile"]).quiet();
    let before = events(&work);
    work.git(&["commit", "-q", "-am", "all of it"]);
    work.git(&["commit", "-q", "--amend", "-m", "all of it, better"]);
    assert_eq!(events(&work), before);
}

#[test]
fn touched_tasks_are_named_with_the_commit() {
    let work = board();
    let id = work.commit(TASK, task(1, "Done"), "TASK-1: ship");
    let all = work.sandbox.records("events");
    let event = all
        .iter()
        .rfind(|event| event["event_type"] == "backlog.task.updated_via_commit");
    let data = &event.unwrap()["data"];
    assert_eq!(data["commit_sha"], id);
    assert_eq!(data["commit_message"], "TASK-1: ship");
    assert_eq!(data["changed_files"][0], TASK);
    assert_eq!(data["task_ids"][0], "TASK-1");
    assert_eq!(data["branch"], "main");
    work.commit("code", "x", "no board");
    let count = |all: Vec<serde_json::Value>| {
        all.iter()
            .filter(|event| event["event_type"] == "backlog.task.updated_via_commit")
            .count()
    };
    assert_eq!(count(work.sandbox.records("events")), count(all));
}

#[test]
fn board_is_found_behind_folders_of_other_texts() {
    let work = hooked(Work::new());
    for name in ["a", "b", "c", "d", "e/f"] {
        work.write(&format!("docs/{name}/text.md"), "text\n");
        work.write(&format!("docs/{name}/text"), "text\n");
    }
    work.write("sub/backlog/config.yml", "project_name: x\n");
    work.commit(&format!("sub/{TASK}"), task(1, "To Do"), "all of it");
    assert_eq!(events(&work), ["TASK-1 created >"]);
}

#[test]
fn ids_in_a_message_have_the_prefix_of_the_board() {
    let work = board();
    let ids = || super::told(&work).pop().unwrap()["task_ids"].take();
    work.commit("code", "1", "task-1 and JIRA-2");
    assert_eq!(ids(), json!(["TASK-1"]));
    work.commit(
        "backlog/config.yml",
        "project_name: x\ntask_prefix: \"jira\"\n",
        "task-1 and JIRA-2",
    );
    assert_eq!(ids(), json!(["JIRA-2"]));
    work.commit("code", "2", "task-1");
    assert_eq!(ids(), json!(null));
}

#[test]
fn merge_and_rebase_replay_nothing() {
    let work = board();
    work.git(&["checkout", "-q", "-b", "side"]);
    work.commit(TASK, task(1, "In Progress"), "begin");
    work.commit("backlog/tasks/task-2 - Two.md", task(2, "To Do"), "another");
    work.git(&["checkout", "-q", "main"]);
    work.commit("code", "x", "meanwhile");
    let told = [
        "TASK-1 created >",
        "TASK-1 state_changed To Do>In Progress",
        "TASK-2 created >",
    ];
    assert_eq!(events(&work), told);
    work.git(&["merge", "-q", "--no-edit", "side"]);
    assert_eq!(events(&work), told, "merge");
    work.git(&["checkout", "-q", "side"]);
    work.git(&["reset", "-q", "--hard", "side"]);
    work.git(&["rebase", "-q", "--force-rebase", "main~1"]);
    assert_eq!(events(&work), told, "rebase");
    work.git(&["checkout", "-q", "main"]);
    work.obs(&["reconcile"]).quiet();
    assert_eq!(events(&work), told, "look");
}

#[test]
fn pulled_states_are_told_once() {
    let work = board();
    work.git(&["checkout", "-q", "-b", "other"]);
    // a commit that no hook of ours saw
    work.write(TASK, task(1, "Done"));
    work.git(&[
        "-c",
        "core.hooksPath=/dev/null",
        "commit",
        "-q",
        "-am",
        "elsewhere",
    ]);
    work.git(&["-c", "core.hooksPath=/dev/null", "checkout", "-q", "main"]);
    work.git(&["merge", "-q", "other"]);
    let told = [
        "TASK-1 created >",
        "TASK-1 state_changed To Do>Done",
        "TASK-1 completed >",
    ];
    assert_eq!(events(&work), told);
    work.obs(&["reconcile"]).quiet();
    assert_eq!(events(&work), told);
}

#[test]
fn new_branch_begins_with_what_is_committed() {
    let work = board();
    work.obs(&["reconcile"]).quiet();
    work.git(&["checkout", "-q", "-b", "feature"]);
    assert_eq!(work.obs(&["reconcile", "--human"]).quiet().stdout, "");
    work.write(TASK, task(1, "Done"));
    work.obs(&["reconcile"]).quiet();
    assert_eq!(
        events(&work)[1..],
        ["TASK-1 state_changed To Do>Done", "TASK-1 completed >"]
    );
}

#[test]
fn commit_whose_hook_was_killed_is_told_by_the_next() {
    let work = board();
    let path = work.top().join(".git/hooks/post-commit");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    work.commit(TASK, task(1, "In Progress"), "missed");
    work.commit("code", "x", "missed too");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    work.commit(TASK, task(1, "Done"), "seen");
    let told = super::told(&work);
    let subjects: Vec<_> = told
        .iter()
        .map(|data| data["commit_message"].clone())
        .collect();
    assert_eq!(subjects, ["board", "missed", "missed too", "seen"]);
    assert_eq!(
        events(&work)[1..],
        [
            "TASK-1 state_changed To Do>In Progress",
            "TASK-1 state_changed In Progress>Done",
            "TASK-1 completed >"
        ]
    );
}

#[test]
fn hook_is_not_seen_by_git_whatever_goes_wrong() {
    let work = board();
    fs::write(work.top().join(TASK), task(1, "Done")).unwrap();
    work.git(&["commit", "-q", "-am", "done"]);
    for words in [
        &["post-commit"][..],
        &["post-merge", "0"],
        &["post-checkout", "a", "b", "1"],
        &["post-rewrite", "rebase"],
    ] {
        let outcome = hook(&work, words).quiet();
        assert_eq!(outcome.stdout, "");
    }
    let broken = work.sandbox.path("file");
    fs::write(&broken, "").unwrap();
    let mut command = work.sandbox.command("obs");
    let command = command.env("OBS_HOME", broken).current_dir(work.top());
    let outcome = crate::sandbox::outcome(&command.args(["hook", "post-commit"]).output().unwrap());
    assert_eq!(outcome.quiet().stdout, "");
}
