//! As process 1 of a container: signals that only a handler makes effective, and zombies of others.

use crate::row::{Row, SKIPPED};
use crate::stage::Stage;
use std::sync::OnceLock;

pub(super) fn rows() -> Vec<Row> {
    let first = |name: &str, script: &'static str| {
        Row::new(format!("as process 1: {name}"), move |stage| {
            inside(stage, script)
        })
    };
    vec![
        first("exit code", "WRAP sh -c 'exit 42'"),
        first("death by KILL", "WRAP sh -c 'kill -KILL $$'"),
        first(
            "death by TERM",
            "WRAP sh -c '/bin/sh -c \"kill -TERM \\$PPID\"; exit 7'",
        ),
        first("what process it is", "WRAP sh -c 'echo ran; exit 0'"),
        Row::new(
            "as process 1: TERM from outside, with a handler",
            terminated,
        ),
        Row::new(
            "as process 1: TERM from outside, without a handler",
            unhandled,
        ),
        Row::new("as process 1: zombies of others are reaped", reaped),
    ]
}

fn may() -> bool {
    static MAY: OnceLock<bool> = OnceLock::new();
    let tried = || {
        let mut command = std::process::Command::new("unshare");
        let done = command.args(["-pf", "--mount-proc", "true"]).output();
        done.is_ok_and(|done| done.status.success())
    };
    *MAY.get_or_init(tried)
}

const REFUSED: &str = "unshare -pf is not permitted";

fn inside(stage: &Stage, script: &str) -> String {
    if !may() {
        return format!("{SKIPPED}{REFUSED}");
    }
    stage.bash(&format!("unshare -pf --mount-proc {script}; echo $?"))
}

/// The first process of the namespace is the child of `unshare`.
fn first_process(stage: &Stage, script: &str, signal: i32) -> String {
    if !may() {
        return format!("{SKIPPED}{REFUSED}");
    }
    let live = stage.shell(
        "/bin/bash",
        &format!("exec unshare -pf --mount-proc {script}"),
    );
    live.until("READY");
    let children = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", live.pid()));
    let first = children.unwrap_or_default();
    let first = first
        .split_whitespace()
        .next()
        .and_then(|pid| pid.parse().ok());
    let Some(first) = first else {
        return crate::live::TIMEOUT.to_owned();
    };
    crate::system::kill(first, signal);
    stage.told(&live.done())
}

fn terminated(stage: &Stage) -> String {
    let script =
        "WRAP sh -c 'trap \"echo bye; exit 3\" TERM; echo READY; while :; do sleep 0.05; done'";
    first_process(stage, script, libc::SIGTERM)
}

/// The kernel keeps it from a first process that has no handler.
fn unhandled(stage: &Stage) -> String {
    first_process(
        stage,
        "WRAP sh -c 'echo READY; sleep 0.5; echo lives; exit 4'",
        libc::SIGTERM,
    )
}

/// A grandchild whose parent has ended; a shell reaps what it did not start.
fn reaped(stage: &Stage) -> String {
    inside(
        stage,
        "WRAP bash -c '(sleep 0.05 &) ; for i in $(seq 40); do sleep 0.02; done; grep -l \"^State:.Z\" /proc/[0-9]*/status 2>/dev/null | wc -l'",
    )
}
