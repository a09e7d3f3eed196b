//! `obs log --stdin`: a record of every line as it comes, plain or as the objects of a JSON formatter.

use crate::capture::{file, notes, silent};
use crate::sandbox::{Sandbox, have, outcome, program};
use serde_json::{Value, json};
use std::io::Write;
use std::process::Stdio;
use std::time::Duration;

/// What the seed design's Python formatter writes (its own examples, run with Python 3.11).
const PYTHON: &str = r#"{"timestamp": "2025-12-04T10:15:30.123456Z", "level": "INFO", "logger": "specify_cli.backlog", "message": "Task created successfully", "module": "tasks", "function": "create", "line": 12}
{"timestamp": "2025-12-04T10:15:30.200000Z", "level": "INFO", "logger": "specify_cli.backlog", "message": "Task state transition", "module": "tasks", "function": "move", "line": 20, "context": {"task_id": "task-302", "from_state": "To Do", "to_state": "In Progress", "assignee": "galway"}}
{"timestamp": "2025-12-04T10:15:30.300000Z", "level": "ERROR", "logger": "specify_cli.backlog", "message": "Failed to load task", "module": "tasks", "function": "load", "line": 31, "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "span_id": "00f067aa0ba902b7", "context": {"task_id": "task-999"}, "exception": "Traceback (most recent call last):\n  File \"tasks.py\", line 29, in load\n    raise TaskNotFoundError(\"task-999\")\ntasks.TaskNotFoundError: task-999"}
"#;

/// A program with that formatter.
const PROGRAM: &str = r#"
import logging, json, sys
from datetime import datetime
class Formatter(logging.Formatter):
    def format(self, record):
        data = {"timestamp": datetime.utcnow().isoformat() + "Z", "level": record.levelname, "logger": record.name,
                "message": record.getMessage(), "module": record.module, "function": record.funcName, "line": record.lineno}
        if hasattr(record, "context"):
            data["context"] = record.context
        if record.exc_info:
            data["exception"] = self.formatException(record.exc_info)
        return json.dumps(data)
handler = logging.StreamHandler(sys.stdout)
handler.setFormatter(Formatter())
log = logging.getLogger("specify_cli")
log.addHandler(handler)
log.setLevel(logging.DEBUG)
def work():
    log.debug("hidden")
    log.warning("été %d%%", 5, extra={"context": {"n": 1.5}})
    try:
        {}["x"]
    except KeyError:
        log.critical("failed", exc_info=True)
work()
"#;

fn messages(sandbox: &Sandbox) -> Vec<Value> {
    sandbox
        .records("logs")
        .iter()
        .map(|log| log["message"].clone())
        .collect()
}

#[test]
fn every_line_is_a_record() {
    let sandbox = silent();
    let input = b"one\n\n  two \r\nnul \0 and \xff\nlast without an end";
    sandbox
        .obs_with(
            input,
            &["log", "--stdin", "warning", "step=build", "--status", "x"],
        )
        .quiet();
    assert_eq!(
        messages(&sandbox),
        [
            "one",
            "",
            "  two ",
            "nul \0 and \u{fffd}",
            "last without an end"
        ]
    );
    for log in sandbox.records("logs") {
        assert_eq!(
            (&log["level"], &log["context"]),
            (&json!("WARNING"), &json!({"step": "build"}))
        );
        assert_eq!(log["status"], "x");
        let bad = log["message"].as_str().unwrap().contains('\u{fffd}');
        assert_eq!(notes(&log), if bad { r#"{"lossy":true}"# } else { "" });
    }
    let ids: std::collections::BTreeSet<String> = sandbox
        .records("logs")
        .iter()
        .map(|log| log["id"].to_string())
        .collect();
    assert_eq!(ids.len(), 5);
}

#[test]
fn lines_are_shown_as_they_are_journalled() {
    let sandbox = Sandbox::new();
    let shown = sandbox
        .obs_with(b"a\nb\n", &["log", "--stdin"])
        .quiet()
        .stdout;
    assert_eq!(shown, file(&sandbox, "logs.log"));
    assert_eq!(shown.lines().count(), 2);
}

#[test]
fn empty_input_makes_no_record() {
    let sandbox = silent();
    sandbox.obs_with(b"", &["log", "--stdin", "info"]).quiet();
    assert_eq!(messages(&sandbox), [""; 0]);
}

#[test]
fn records_stream_while_the_writer_lives() {
    let sandbox = silent();
    let mut child = sandbox
        .command(program())
        .args(["log", "--stdin"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    for (count, line) in ["one\n", "two\n"].into_iter().enumerate() {
        input.write_all(line.as_bytes()).unwrap();
        // ten seconds tell a buffer that waits for the end of the input from a slow machine
        let arrived = (0..1000).any(|_| {
            std::thread::sleep(Duration::from_millis(10));
            file(&sandbox, "logs.log").lines().count() == count + 1
        });
        assert!(arrived, "{line}");
    }
    drop(input);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn lines_below_the_threshold_are_drained() {
    let sandbox = Sandbox::new();
    let script = "set -eu\n{ head -c 300000 /dev/zero | tr '\\0' '\\n' || echo died; } | obs log --stdin debug\necho ok\n";
    assert_eq!(sandbox.script("sh", script).quiet().stdout, "ok\n");
    assert_eq!(file(&sandbox, "logs.log"), "");
}

#[test]
fn python_formatter_is_taken_over_whole() {
    let sandbox = silent();
    sandbox
        .obs_with(PYTHON.as_bytes(), &["log", "--stdin", "--json", "run=7"])
        .quiet();
    let logs = sandbox.records("logs");
    assert_eq!(logs.len(), 3);
    for (log, line) in logs.iter().zip(PYTHON.lines()) {
        let mut given: Value = serde_json::from_str(line).unwrap();
        let mut context = json!({"run": "7"});
        if let Some(Value::Object(own)) = given.as_object_mut().unwrap().remove("context") {
            context.as_object_mut().unwrap().extend(own);
        }
        assert_eq!(log["context"], context);
        for (key, value) in given.as_object().unwrap() {
            assert_eq!(&log[key], value, "{key}");
        }
        assert_eq!(notes(log), "");
    }
}

#[test]
fn python_itself_is_taken_over() {
    if !have("python3") {
        return;
    }
    let sandbox = silent();
    std::fs::write(sandbox.path("work/x.py"), PROGRAM).unwrap();
    let ran = sandbox.script("sh", "python3 -W ignore x.py | obs log --stdin --json\n");
    ran.quiet();
    let logs = sandbox.records("logs");
    let found: Vec<Value> = logs
        .iter()
        .map(|log| {
            json!([
                log["level"],
                log["message"],
                log["context"],
                log["logger"],
                log["module"],
                log["function"]
            ])
        })
        .collect();
    assert_eq!(
        found,
        [
            json!(["WARNING", "été 5%", {"n": 1.5}, "specify_cli", "x", "work"]),
            json!(["CRITICAL", "failed", null, "specify_cli", "x", "work"]),
        ]
    );
    assert!(
        logs[1]["exception"]
            .as_str()
            .unwrap()
            .ends_with("KeyError: 'x'")
    );
    assert!(logs.iter().all(|log| notes(log).is_empty()), "{logs:?}");
}

#[test]
fn other_formatters_and_wrong_members_lose_nothing() {
    for (line, kept, noted) in [
        (
            r#"{"time":1764843330.5,"msg":"m","levelname":"warn","name":"n","lineno":3,"funcName":"f","extra":{"a":1},"b":[2]}"#,
            json!(["WARNING", "m", {"a": 1, "b": [2]}, "n", 3, "f"]),
            "",
        ),
        (
            r#"{"message":"m","level":"LOUD","line":-1,"trace_id":"xyz","span_id":7}"#,
            json!(["INFO", "m", null, "x", null, null]),
            r#"{"invalid":["level=LOUD","line=-1","trace_id=xyz","span_id=7"]}"#,
        ),
        (
            r#"{"message":{"a":1},"timestamp":"soon","duration_ms":"1"}"#,
            json!(["INFO", r#"{"a":1}"#, null, "x", null, null]),
            r#"{"invalid":["timestamp=soon","duration_ms=1"]}"#,
        ),
        (
            "no json",
            json!(["INFO", "no json", null, "x", null, null]),
            "",
        ),
        (
            r#"{"message":"a","message":"b"}"#,
            json!([
                "INFO",
                r#"{"message":"a","message":"b"}"#,
                null,
                "x",
                null,
                null
            ]),
            "",
        ),
        (
            r#"{"id":"forged","pid":1,"host":"h","service":"s","resource":{},"obs":{}}"#,
            json!(["INFO", "", {"id": "forged", "pid": 1, "host": "h", "service": "s", "resource": {}, "obs": {}}, "x", null, null]),
            "",
        ),
    ] {
        let sandbox = silent();
        sandbox
            .obs_with(
                line.as_bytes(),
                &["log", "--stdin", "--json", "--logger", "x"],
            )
            .quiet();
        let log = sandbox.only_log();
        let found = json!([
            log["level"],
            log["message"],
            log["context"],
            log["logger"],
            log["line"],
            log["function"]
        ]);
        assert_eq!(found, kept, "{line}");
        assert_eq!(notes(&log), noted, "{line}");
    }
}

#[test]
fn threshold_is_asked_of_every_object() {
    let sandbox = silent();
    let input = br#"{"level":"DEBUG","message":"a"}
{"level":"ERROR","message":"b"}
{"message":"c"}
"#;
    sandbox
        .obs_with(input, &["log", "--stdin", "--json", "debug"])
        .quiet();
    assert_eq!(messages(&sandbox), ["b"]);
}

/// The seed's own wrapper hung on a writer that never ends.
#[test]
fn reader_that_goes_away_ends_nobody() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command("sh");
    command.args([
        "-c",
        "seq 1 2000 | obs log --stdin | head -n 1 >/dev/null; echo $?",
    ]);
    assert_eq!(outcome(&command.output().unwrap()).quiet().stdout, "0\n");
    assert_eq!(file(&sandbox, "logs.log").lines().count(), 2000);
}
