//! SIGKILL and EIO at every single system call of a look at a backlog: each change is told, and told once.

use crate::rig::{Rig, have};
use crate::strace;
use serde_json::Value;
use std::fs;

const SIGKILL: i32 = 128 + 9;

/// A project with one task, seen.
fn project() -> Rig {
    let rig = Rig::new();
    fs::create_dir_all(rig.path("work/backlog/tasks")).unwrap();
    fs::create_dir_all(rig.path("work/.git")).unwrap();
    fs::write(rig.path("work/.git/HEAD"), "ref: refs/heads/main\n").unwrap();
    fs::write(rig.path("work/backlog/config.yml"), "project_name: x\n").unwrap();
    status(&rig, "s0");
    rig.obs(["reconcile"]).fine();
    rig
}

fn status(rig: &Rig, status: &str) {
    let text = format!("---\nid: TASK-1\ntitle: A\nstatus: {status}\n---\n");
    fs::write(rig.path("work/backlog/tasks/task-1 - A.md"), text).unwrap();
}

/// Every whole event in the journal, spill included, doubled ones twice.
fn events(rig: &Rig) -> Vec<Value> {
    let mut events = Vec::new();
    for folder in ["home", "home/spill"] {
        for name in rig.names(folder) {
            let text = match name.starts_with("events") {
                true => fs::read_to_string(rig.path(folder).join(&name)).unwrap_or_default(),
                false => continue,
            };
            events.extend(
                text.lines()
                    .filter_map(|line| serde_json::from_str(line).ok()),
            );
        }
    }
    events
}

/// Runs a look with this fault at each of its calls, and a whole look after each; the answer is how many were killed.
fn look_through(rig: &Rig, fault: &str) -> usize {
    status(rig, "first");
    let calls = strace::calls(rig, &["reconcile"]);
    let (mut killed, mut from) = (0, "first".to_owned());
    for (step, call) in calls.iter().enumerate() {
        let before = events(rig);
        let to = format!("step{step}");
        status(rig, &to);
        let run = strace::run(
            rig,
            &format!("{}:{fault}:when={}", call.name, call.number),
            &["reconcile"],
        );
        killed += usize::from(run.code == SIGKILL);
        rig.obs(["reconcile"]).fine();
        let all = events(rig);
        assert_eq!(all.len(), before.len() + 1, "{fault} at {}", call.text);
        let told: Vec<(&str, &str)> = all
            .iter()
            .filter(|event| !before.contains(event))
            .map(|event| {
                let text = |name: &str| event["data"][name].as_str().unwrap_or_default();
                (text("from_state"), text("to_state"))
            })
            .collect();
        assert_eq!(
            told,
            [(from.as_str(), to.as_str())],
            "{fault} at {}",
            call.text
        );
        from = to;
    }
    killed
}

#[test]
fn kill_anywhere_in_a_look() {
    if !have("strace") {
        return;
    }
    let rig = project();
    let killed = look_through(&rig, "signal=SIGKILL");
    assert!(killed > 60, "only {killed}");
}

#[test]
fn error_anywhere_in_a_look() {
    if !have("strace") {
        return;
    }
    let rig = project();
    look_through(&rig, "error=EIO");
}
