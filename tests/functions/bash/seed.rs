//! The seed design's own bash examples, word for word from `tests/data/seed`: their function definitions give way to the
//! one line, the rest runs unchanged.

use super::silent;
use crate::functions::stage::line;
use crate::sandbox::{Outcome, Sandbox, outcome};
use serde_json::json;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// An example without its functions, behind the one line; the names that were defined.
fn migrated(name: &str) -> (String, Vec<String>) {
    let text = fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/data/seed")
            .join(name),
    )
    .unwrap();
    let mut script = Vec::new();
    let mut functions = Vec::new();
    let mut inside = false;
    let mut document = false;
    for text in text.lines().filter(|text| !text.starts_with("```")) {
        match text.strip_suffix("() {") {
            Some(function) if !inside => {
                if functions.is_empty() {
                    script.push(line("bash"));
                }
                functions.push(function.to_owned());
                inside = true;
            }
            _ if !inside => script.push(format!("{text}\n")),
            _ => {
                inside = document || text != "}";
                document = (document || text.ends_with("<<EOF")) && text != "EOF";
            }
        }
    }
    (script.concat(), functions)
}

/// A program on PATH.
fn program(sandbox: &Sandbox, name: &str, text: &str) {
    let file = sandbox.path("bin").join(name);
    fs::write(&file, text).unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Runs an example with words of its own.
fn run(sandbox: &Sandbox, example: &str, words: &[&str]) -> Outcome {
    let file = sandbox.path("work/example.sh");
    fs::write(&file, example).unwrap();
    outcome(
        &sandbox
            .command("bash")
            .arg(file)
            .args(words)
            .output()
            .unwrap(),
    )
}

#[test]
fn logging_example_runs_unchanged() {
    let (example, functions) = migrated("logging.md");
    assert_eq!(
        functions,
        [
            "log_json",
            "log_info",
            "log_error",
            "log_warning",
            "log_debug"
        ]
    );
    let sandbox = Sandbox::new();
    let ended = run(&sandbox, &example, &[]);
    let logs = sandbox.records("logs");
    assert_eq!(logs.len(), 2, "{logs:#?}");
    // as the seed's functions did: one line of JSON each, errors on standard error
    assert_eq!(ended.stdout, format!("{}\n", logs[0]));
    assert_eq!(ended.stderr, format!("{}\n", logs[1]));
    for (log, level, message, context) in [
        (
            &logs[0],
            "INFO",
            "Starting archive process",
            json!({"dry_run": false, "filter": "Done"}),
        ),
        (
            &logs[1],
            "ERROR",
            "Archive failed",
            json!({"reason": "permission denied", "file": "/tmp/archive.tar.gz"}),
        ),
    ] {
        assert_eq!(
            (&log["level"], &log["message"]),
            (&json!(level), &json!(message))
        );
        assert_eq!(log["context"], context);
        assert_eq!(log["logger"], "bash.example.sh");
        assert!(log["trace_id"].is_string() && log.get("obs").is_none());
    }
}

#[test]
fn tracing_example_runs_unchanged() {
    let (example, functions) = migrated("tracing.md");
    assert_eq!(functions, ["send_span"]);
    let sandbox = silent();
    program(
        &sandbox,
        "openssl",
        "#!/bin/sh\n[ \"$1 $2\" = 'rand -hex' ] && head -c $(($3 * 2)) <<.\n4bf92f3577b34da6a3ce929d0e0e4736\n.\n",
    );
    program(
        &sandbox,
        "archive_tasks",
        "#!/bin/sh\nexec obs log archiving\n",
    );
    run(&sandbox, &example, &[]).quiet();
    let spans = sandbox.records("spans");
    assert_eq!(spans.len(), 1, "{spans:#?}");
    let span = &spans[0];
    assert_eq!(span["name"], "archive_tasks");
    assert_eq!(span["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(span["span_id"], "4bf92f3577b34da6");
    assert_eq!(span["kind"], "internal");
    assert!(span.get("parent_span_id").is_none() && span.get("obs").is_none());
    // between the clock readings that the script took
    let logged = sandbox.only_log()["timestamp"].as_str().unwrap().to_owned();
    let at = |text: &str| chrono::DateTime::parse_from_rfc3339(text).unwrap();
    let of = |key: &str| at(span[key].as_str().unwrap());
    assert!(
        of("timestamp") <= at(&logged) && at(&logged) <= of("end"),
        "{span:#}"
    );
}

#[test]
fn wrapper_example_runs_unchanged() {
    let (example, functions) = migrated("backlog-wrapper.md");
    assert_eq!(functions, ["emit_event"]);
    let sandbox = silent();
    program(
        &sandbox,
        "backlog",
        "#!/bin/sh\ncase \"$1 $2 $3\" in\n'task create Forbidden') echo no >&2; exit 4 ;;\n'task create '*) echo \"Created task-302\" ;;\n*) echo \"$@\" ;;\nesac\n",
    );
    for (words, code, stdout) in [
        (&["task", "create", "A title"][..], 0, "Created task-302\n"),
        (&["task", "create", "Forbidden"], 4, "no\n"),
        (
            &["task", "edit", "task-7", "-s", "Done"],
            0,
            "task edit task-7 -s Done\n",
        ),
        (&["board"], 0, "board\n"),
    ] {
        let ended = run(&sandbox, &example, words);
        assert_eq!(
            (ended.code, ended.stdout.as_str()),
            (code, stdout),
            "{}",
            ended.shown()
        );
        assert_eq!(ended.stderr, "", "{words:?}");
    }
    let events = sandbox.records("events");
    let told: Vec<_> = events
        .iter()
        .map(|event| (event["event_type"].as_str().unwrap(), &event["data"]))
        .collect();
    assert_eq!(
        told,
        [
            ("backlog.task.created", &json!({"task_id": "task-302"})),
            ("backlog.task.updated", &json!({"task_id": "task-7"})),
        ]
    );
    for event in &events {
        assert_eq!(event["source"], "example.sh");
        assert!(event["trace_context"]["trace_id"].is_string());
    }
}
