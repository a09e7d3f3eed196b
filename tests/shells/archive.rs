//! The seed design's archive script and backlog wrapper, written with obs as a user writes them: one trace of it all.

use super::{names, posix, silent, trace, with};
use crate::sandbox::{Outcome, Sandbox};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// A backlog that answers as the seed design's wrapper expects, and refuses one title.
const BACKLOG: &str = r#"#!/bin/sh
case "$1 $2 $3" in
"task create Forbidden") echo 'cannot create that' >&2; exit 4 ;;
"task create "*) echo "Created task-302" ;;
"task edit "*) echo "Updated $3" ;;
esac
"#;

/// Runs the script with a backlog of three tasks, two of them done.
fn run(sandbox: &Sandbox, shell: &str, args: &[&str]) -> Outcome {
    let backlog = sandbox.path("bin/backlog");
    fs::write(&backlog, BACKLOG).unwrap();
    fs::set_permissions(backlog, fs::Permissions::from_mode(0o700)).unwrap();
    let tasks = sandbox.path("work/backlog/tasks");
    fs::create_dir_all(&tasks).unwrap();
    let done = [("task-1", "Done"), ("task-2", "To Do"), ("task-3", "Done")];
    for (id, status) in done {
        fs::write(
            tasks.join(format!("{id}.md")),
            format!("id: {id}\nstatus: {status}\n"),
        )
        .unwrap();
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/archive-tasks.sh");
    let mut words = shell.split(' ');
    let mut command = sandbox.command(words.next().unwrap());
    crate::sandbox::outcome(&command.args(words).arg(script).args(args).output().unwrap())
}

#[test]
fn archive_script_yields_one_trace() {
    for shell in posix() {
        let sandbox = silent();
        run(&sandbox, shell, &["archive.tar"]).quiet();
        let trace = trace(&sandbox);
        for signal in ["spans", "logs", "events", "metrics"] {
            let all = match signal {
                "metrics" => sandbox.records("metrics-points"),
                other => sandbox.records(other),
            };
            assert_eq!(
                trace[signal],
                Value::Array(all),
                "{shell}: {signal} outside the trace"
            );
        }
        spans(shell, &trace);
        records(shell, &trace);
    }
}

fn spans(shell: &str, trace: &Value) {
    assert!(trace.get("live").is_none(), "{shell}");
    let expected = [
        "archive-tasks",
        "archive_tasks",
        "backlog task create",
        "backlog task create",
        "backlog task edit",
        "pack",
    ];
    assert_eq!(names(trace, "spans"), expected, "{shell}");
    let spans = trace["spans"].as_array().unwrap();
    let root = with(spans, "name", "archive-tasks");
    assert!(root.get("parent_span_id").is_none(), "{shell}");
    assert_eq!(
        root["attributes"],
        json!({"filter": "Done", "process.exit.code": 0}),
        "{shell}"
    );
    for span in spans.iter().filter(|span| span["name"] != "archive-tasks") {
        assert_eq!(span["parent_span_id"], root["span_id"], "{shell}: {span:#}");
    }
    let failed: Vec<&Value> = spans
        .iter()
        .filter(|span| span["status"]["code"] == "error")
        .collect();
    assert_eq!(failed.len(), 1, "{shell}");
    assert_eq!(failed[0]["status"]["message"], "exit code 4", "{shell}");
}

fn records(shell: &str, trace: &Value) {
    let logs = trace["logs"].as_array().unwrap();
    let first = with(logs, "message", "Starting archive process");
    assert_eq!(
        first["context"],
        json!({"dry_run": false, "filter": "Done"}),
        "{shell}"
    );
    assert_eq!(first["service"], "archive-tasks.sh", "{shell}");
    let refused = with(logs, "message", "backlog refused");
    assert_eq!(refused["level"], "ERROR", "{shell}");
    assert_eq!(refused["exception"], "cannot create that", "{shell}");
    let events: Vec<(&str, &Value)> = trace["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| {
            (
                event["event_type"].as_str().unwrap(),
                &event["data"]["task_id"],
            )
        })
        .collect();
    let expected = [
        ("backlog.task.created", &json!("task-302")),
        ("backlog.task.updated", &json!("task-302")),
        ("backlog.task.archived", &json!("task-1")),
        ("backlog.task.archived", &json!("task-3")),
    ];
    assert_eq!(events, expected, "{shell}");
    let metrics = trace["metrics"].as_array().unwrap();
    assert_eq!(
        with(metrics, "name", "backlog_tasks")["value"],
        2,
        "{shell}"
    );
    assert_eq!(
        with(metrics, "name", "archive_duration_seconds")["type"],
        "histogram",
        "{shell}"
    );
}

#[test]
fn failing_archive_script_says_so_in_its_trace() {
    let sandbox = silent();
    let outcome = run(&sandbox, "sh", &["/proc/nowhere/archive.tar"]);
    assert_ne!(outcome.code, 0, "{}", outcome.shown());
    let trace = trace(&sandbox);
    let spans = trace["spans"].as_array().unwrap();
    for name in ["archive-tasks", "pack"] {
        let span = with(spans, "name", name);
        assert_eq!(span["status"]["code"], "error", "{name}");
        assert_eq!(
            span["attributes"]["process.exit.code"], outcome.code,
            "{name}"
        );
    }
    let failed = with(
        trace["logs"].as_array().unwrap(),
        "message",
        "Archive failed",
    );
    assert_eq!(failed["context"]["file"], "/proc/nowhere/archive.tar");
    assert_eq!(names(&trace, "live"), Vec::<String>::new());
}
