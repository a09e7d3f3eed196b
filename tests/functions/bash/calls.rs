//! Each function with its words: one record, the right one.

use super::{STRICT, run, silent};
use serde_json::{Value, json};

/// The record of a signal whose member has this value.
#[track_caller]
fn with<'a>(records: &'a [Value], key: &str, value: &str) -> &'a Value {
    let found = records.iter().find(|record| record[key] == value);
    found.unwrap_or_else(|| panic!("no {key}={value} in {records:#?}"))
}

#[test]
fn log_functions_name_their_caller() {
    let sandbox = silent().with("DEBUG", "true");
    let text = r#"
log_debug one
f() { log_info two a=1 b:=2; g; }
g() { log_warning three '{"c": {"d": 3}}'; }
main() { log_error four; }
f
main
log_critical -five --stdin
. ./lib
"#;
    std::fs::write(sandbox.path("work/lib"), "log_info sourced\n").unwrap();
    run(&sandbox, &format!("{STRICT}{text}")).quiet();
    let logs = sandbox.records("logs");
    let script = sandbox.path("work/script");
    let script = Value::from(script.to_str().unwrap());
    let library = Value::from("./lib");
    for (message, level, function, line) in [
        ("one", "DEBUG", None, 4),
        ("two", "INFO", Some("f"), 5),
        ("three", "WARNING", Some("g"), 6),
        ("four", "ERROR", Some("main"), 7),
        ("-five", "CRITICAL", None, 10),
        ("sourced", "INFO", None, 1),
    ] {
        let log = with(&logs, "message", message);
        assert_eq!(log["level"], level, "{message}");
        assert_eq!(log["line"], line, "{message}");
        assert_eq!(log["function"].as_str(), function, "{message}");

        match message {
            "sourced" => assert_eq!(
                (&log["module"], &log["logger"]),
                (&library, &"bash.lib".into())
            ),
            _ => assert_eq!(
                (&log["module"], &log["logger"]),
                (&script, &"bash.script".into())
            ),
        }
    }
    assert_eq!(
        with(&logs, "message", "two")["context"],
        json!({"a": "1", "b": 2})
    );
    assert_eq!(
        with(&logs, "message", "three")["context"],
        json!({"c": {"d": 3}})
    );
    assert_eq!(
        with(&logs, "message", "-five")["context"]["args"],
        json!(["--stdin"])
    );
    assert_eq!(logs.len(), 6);
}

#[test]
fn callers_of_what_calls_are_named() {
    let sandbox = silent();
    let text = r#"
span_run s log_info one a=1
f() { obs_time m span_run s log_warning two; }
f
span_run s obs_time m log_json error three '{"a": 1}'
g() { log_info four; }
span_run s g
span_run s . ./lib
main() { obs_time m log_critical; }; main
"#;
    std::fs::write(sandbox.path("work/lib"), "obs_time m log_info five\n").unwrap();
    run(&sandbox, &format!("{STRICT}{text}")).quiet();
    let script = sandbox.path("work/script");
    let script = script.to_str().unwrap();
    let logs = sandbox.records("logs");
    let told: Vec<Value> = logs
        .iter()
        .map(|log| json!([log["message"], log["function"], log["line"], log["module"]]))
        .collect();
    assert_eq!(
        Value::from(told),
        json!([
            ["one", null, 4, script],
            ["two", "f", 5, script],
            ["three", null, 7, script],
            ["four", "g", 8, script],
            ["five", null, 1, "./lib"],
            ["", "main", 11, script],
        ])
    );
    assert_eq!(logs[0]["context"], json!({"a": "1"}));
    assert_eq!(logs[2]["context"], json!({"a": 1}));
}

#[test]
fn any_level_in_any_case() {
    let sandbox = silent().with("DEBUG", "true");
    let levels = "DEBUG debug Info WARN warning Error CRITICAL fatal nonsense ''";
    let text = format!(
        "{STRICT}for level in {levels}; do log_json \"$level\" m '{{\"a\": 1}}'; done\nlog_json info bare\nlog_json\n"
    );
    run(&sandbox, &text).quiet();
    let logs = sandbox.records("logs");
    let told: Vec<&str> = logs
        .iter()
        .map(|log| log["level"].as_str().unwrap())
        .collect();
    assert_eq!(
        told.join(" "),
        "DEBUG DEBUG INFO WARNING WARNING ERROR CRITICAL CRITICAL INFO INFO INFO INFO"
    );
    assert_eq!(logs[9]["context"], json!({"a": 1}));
    assert!(
        logs.iter()
            .all(|log| log["message"].is_string() || log.get("message").is_none())
    );
}

#[test]
fn no_words_are_an_empty_message() {
    let sandbox = silent();
    let text = "set -u; log_info; log_info ''; log_info '' a=1; log_info -- b\n";
    run(&sandbox, text).quiet();
    let logs = sandbox.records("logs");
    let messages: Vec<&str> = logs
        .iter()
        .map(|log| log["message"].as_str().unwrap_or_default())
        .collect();
    assert_eq!(messages, ["", "", "", "--"]);
}

#[test]
fn events_and_metrics_are_recorded() {
    let sandbox = silent();
    let text = r#"
emit_event backlog.task.created '{"task_id": "task-1", "title": "a \"b\""}'
emit_event -dashed k=v n:=2
metric_inc jobs_total
metric_inc jobs_total 2 status=ok
metric_set depth -5 queue=mail
metric_observe took_seconds 1.5
"#;
    run(&sandbox, &format!("{STRICT}{text}")).quiet();
    let events = sandbox.records("events");
    let data = &with(&events, "event_type", "backlog.task.created")["data"];
    assert_eq!(data, &json!({"task_id": "task-1", "title": "a \"b\""}));
    let data = &with(&events, "event_type", "-dashed")["data"];
    assert_eq!(data, &json!({"k": "v", "n": 2}));
    let points = sandbox.records("metrics-points");
    let told: Vec<Value> = points
        .iter()
        .map(|point| {
            json!([
                point["name"],
                point["type"],
                point["value"],
                point["labels"]
            ])
        })
        .collect();
    assert_eq!(
        Value::from(told),
        json!([
            ["jobs_total", "counter", 1, null],
            ["jobs_total", "counter", 2, {"status": "ok"}],
            ["depth", "gauge", -5, {"queue": "mail"}],
            ["took_seconds", "histogram", 1.5, null],
        ])
    );
}

#[test]
fn spans_nest_in_the_calling_shell() {
    let sandbox = silent();
    let text = r#"
before=$TRACEPARENT
span_start outer a=1
[ "$TRACEPARENT" != "$before" ]; [ "$SPAN_ID" = "${TRACEPARENT:36:16}" ]; [ "$TRACE_ID" = "${before:3:32}" ]
span_start -inner
span_event half k=v
span_attr n:=2 s=t
log_info inside
span_end 3
span_end ok
[ "$TRACEPARENT" = "$before" ]; [ "$SPAN_ID" = "${before:36:16}" ]; [ -z "${_OBS_STACK+x}" ]
span_end; span_end 1; span_end error no
[ "$TRACEPARENT" = "$before" ]
echo whole
"#;
    assert_eq!(
        run(&sandbox, &format!("{STRICT}{text}")).quiet().stdout,
        "whole\n"
    );
    let spans = sandbox.records("spans");
    assert_eq!(spans.len(), 2, "{spans:#?}");
    let (outer, inner) = (
        with(&spans, "name", "outer"),
        with(&spans, "name", "-inner"),
    );
    assert_eq!(inner["parent_span_id"], outer["span_id"]);
    assert_eq!(outer["status"]["code"], "ok");
    assert_eq!(
        inner["status"],
        json!({"code": "error", "message": "exit code 3"})
    );
    assert_eq!(
        (&inner["attributes"]["n"], &inner["attributes"]["s"]),
        (&json!(2), &json!("t"))
    );
    assert_eq!(inner["events"][0]["name"], "half");
    assert_eq!(sandbox.only_log()["span_id"], inner["span_id"]);
}

#[test]
fn span_end_takes_every_form_of_status() {
    crate::functions::stage::every_status(silent, "bash");
}

#[test]
fn inherited_spans_are_not_ended() {
    let sandbox = silent();
    let child = format!(
        "{}span_end; span_end 3; span_start mine; span_end; span_end\n",
        crate::functions::stage::line("bash")
    );
    std::fs::write(sandbox.path("work/child"), child).unwrap();
    run(
        &sandbox,
        "span_start outer\nbash ./child\nlog_info after\nspan_end 0\n",
    )
    .quiet();
    let spans = sandbox.records("spans");
    assert_eq!(spans.len(), 2, "{spans:#?}");
    let outer = with(&spans, "name", "outer");
    assert_eq!(outer["status"]["code"], "unset");
    assert_eq!(
        with(&spans, "name", "mine")["parent_span_id"],
        outer["span_id"]
    );
    assert_eq!(sandbox.only_log()["span_id"], outer["span_id"]);
}

#[test]
fn span_run_runs_in_this_shell() {
    let sandbox = silent();
    let text = r#"
work() { kept=$1; cd /; read -r line; log_info inside; return 5; }
code=0
span_run work work 'two words' <<<'from stdin' || code=$?
echo "$code $kept $PWD $line"
span_run builtin read -r word <<<'typed'; echo "$word"
span_run program sh -c 'cat; exit 6' <<<'through' || echo "$?"
span_run missing no-such-program 2>/dev/null || echo "$?"
span_run outer span_run inner true
span_run open span_start left
span_run closed span_end
span_run alone
"#;
    let ended = run(&sandbox, text);
    assert_eq!(
        ended.stdout,
        "5 two words / from stdin\ntyped\nthrough\n6\n127\n",
        "{}",
        ended.shown()
    );
    let spans = sandbox.records("spans");
    for (name, code) in [
        ("work", 5),
        ("builtin", 0),
        ("program", 6),
        ("missing", 127),
        ("inner", 0),
        ("open", 0),
        ("alone", 0),
    ] {
        assert_eq!(
            with(&spans, "name", name)["attributes"]["process.exit.code"],
            code,
            "{name}"
        );
    }
    assert_eq!(
        with(&spans, "name", "inner")["parent_span_id"],
        with(&spans, "name", "outer")["span_id"]
    );
    assert_eq!(
        with(&spans, "name", "left")["parent_span_id"],
        with(&spans, "name", "open")["span_id"]
    );
    assert_eq!(with(&spans, "name", "closed")["status"]["code"], "unset");
    assert_eq!(
        sandbox.only_log()["span_id"],
        with(&spans, "name", "work")["span_id"]
    );
    assert_eq!(
        std::fs::read_dir(sandbox.path("journal/live"))
            .unwrap()
            .count(),
        0
    );
}

#[test]
fn errexit_is_as_in_a_direct_call() {
    for (call, stdout, code) in [
        ("span_run s f", "in\n", 1),
        ("obs_time m f", "in\n", 1),
        ("span_run s f || echo caught", "in\nout\n", 0),
        ("if obs_time m f; then echo fine; fi", "in\nout\nfine\n", 0),
    ] {
        let sandbox = silent();
        let text = format!("set -e\nf() {{ echo in; false; echo out; }}\n{call}\n");
        let ended = run(&sandbox, &text);
        assert_eq!(
            (ended.stdout.as_str(), ended.code),
            (stdout, code),
            "{call}"
        );
    }
}

#[test]
fn obs_time_observes_seconds() {
    let sandbox = silent();
    let text = r#"
work() { kept=$1; return 3; }
obs_time one work x || echo "$? $kept"
obs_time two a=1 b:=2 -- work y || echo "$? $kept"
obs_time three a=1 sh -c 'exit 4' || echo "$?"
unset EPOCHREALTIME
obs_time four true
"#;
    assert_eq!(run(&sandbox, text).quiet().stdout, "3 x\n3 y\n4\n");
    let points = sandbox.records("metrics-points");
    for (name, labels) in [
        ("one", json!(null)),
        ("two", json!({"a": "1", "b": 2})),
        ("three", json!({"a": "1"})),
        ("four", json!(null)),
    ] {
        let point = with(&points, "name", name);
        assert_eq!(
            (&point["type"], &point["unit"]),
            (&json!("histogram"), &json!("s"))
        );
        assert_eq!(point["labels"], labels, "{name}");
        assert!(
            (0.0..60.0).contains(&point["value"].as_f64().unwrap()),
            "{name}"
        );
    }
}

#[test]
fn first_sent_span_keeps_the_promise() {
    let sandbox = silent();
    let text = r#"
send_span first 1764843330 1764843331
send_span second 1764843330123 1764843331123
promise=$SPAN_ID
span_start open; send_span third 1764843330123456789 1764843331123456789 ok=1; span_end
echo "$promise"
"#;
    let ended = run(&sandbox, &format!("{STRICT}{text}")).quiet();
    let spans = sandbox.records("spans");
    let of = |name: &str| with(&spans, "name", name);
    assert_eq!(of("first")["span_id"], ended.stdout.trim());
    assert!(of("first").get("parent_span_id").is_none());
    for name in ["second", "open"] {
        assert_eq!(of(name)["parent_span_id"], of("first")["span_id"], "{name}");
    }
    assert_eq!(of("third")["parent_span_id"], of("open")["span_id"]);
    assert_eq!(of("third")["timestamp"], "2025-12-04T10:15:30.123456789Z");
    assert_eq!(of("second")["duration_ms"], 1000);
    assert!(
        spans.iter().all(|span| span.get("obs").is_none()),
        "{spans:#?}"
    );
}

#[test]
fn ids_of_the_script_itself_win() {
    let sandbox = silent().with(
        "TRACEPARENT",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    );
    let text = r#"
send_span inherited 1764843330 1764843331
TRACE_ID=5bf92f3577b34da6a3ce929d0e0e4736 SPAN_ID=10f067aa0ba902b7
send_span own 1764843330 1764843331
send_span below 1764843330 1764843331
TRACE_ID=nonsense SPAN_ID=10f067aa0ba902b7
send_span wrong 1764843330 1764843331
"#;
    run(&sandbox, &format!("{STRICT}{text}")).quiet();
    let spans = sandbox.records("spans");
    let of = |name: &str| with(&spans, "name", name);
    for name in ["inherited", "wrong"] {
        assert_eq!(
            of(name)["trace_id"],
            "4bf92f3577b34da6a3ce929d0e0e4736",
            "{name}"
        );
        assert_eq!(of(name)["parent_span_id"], "00f067aa0ba902b7", "{name}");
    }
    assert_eq!(of("own")["trace_id"], "5bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(of("own")["span_id"], "10f067aa0ba902b7");
    assert!(of("own").get("parent_span_id").is_none());
    assert_eq!(of("below")["trace_id"], of("own")["trace_id"]);
    assert_eq!(of("below")["parent_span_id"], of("own")["span_id"]);
}
