//! What each function records, and in which trace.

use super::shells;
use crate::capture::silent;
use crate::functions::stage::sourced;
use crate::functions::zsh::named;
use serde_json::{Value, json};

/// The script that uses every function, in each shell's own words.
fn every(shell: &str) -> String {
    let shared = r#"
log_debug unseen
log_info plain a=1 n:=2
log_warning 'with object' '{"a":[1]}'
log_error -dash
log_critical
log_json WARN json '{"b":2}'
log_json loud other
emit_event build.done n:=1
emit_event other.done '{"m":2}'
span_start build target=all
span_event halfway at=2
span_attr files:=12
span_start compile
span_end 3
span_end error 'no space' left:=0
metric_inc jobs_total
metric_inc jobs_total 2 queue=mail
metric_set temperature -5 room=a
metric_observe size_bytes 1.5 --unit By
"#;
    let own = match shell.starts_with("fish") {
        true => {
            "function work; log_info working; return 7; end
span_run run work one; or echo $status
obs_time work_seconds step=a -- work; or echo $status
obs_time true_seconds true
"
        }
        false => {
            "work() { log_info working; return 7; }
span_run run work one || print -r -- $?
obs_time work_seconds step=a -- work || print -r -- $?
obs_time true_seconds true
"
        }
    };
    format!("{shared}{own}")
}

#[test]
fn functions_make_their_records() {
    for shell in shells() {
        let sandbox = silent();
        let outcome = sourced(&sandbox, shell, &every(shell)).quiet();
        assert_eq!(outcome.stdout, "7\n7\n", "{shell}");
        let logs = sandbox.records("logs");
        let logs = logs
            .iter()
            .map(|log| json!([log["level"], log["message"], log["context"]]));
        assert_eq!(
            logs.collect::<Value>(),
            json!([
                ["INFO", "plain", {"a": "1", "n": 2}],
                ["WARNING", "with object", {"a": [1]}],
                ["ERROR", "-dash", null],
                ["CRITICAL", "", null],
                ["WARNING", "json", {"b": 2}],
                ["INFO", "other", null],
                ["INFO", "working", null],
                ["INFO", "working", null],
            ]),
            "{shell}"
        );
        let events = sandbox.records("events");
        assert_eq!(events[0]["data"], json!({"n": 1}), "{shell}");
        assert_eq!(events[1]["data"], json!({"m": 2}), "{shell}");
        spans_are_whole(&sandbox.records("spans"));
        points_are_whole(&sandbox.records("metrics-points"));
    }
}

#[track_caller]
fn spans_are_whole(spans: &[Value]) {
    assert_eq!(spans.len(), 3, "{spans:#?}");
    let (build, compile) = (named(spans, "build"), named(spans, "compile"));
    assert_eq!(compile["parent_span_id"], build["span_id"]);
    assert_eq!(compile["attributes"]["process.exit.code"], 3);
    assert_eq!(
        build["attributes"],
        json!({"target": "all", "files": 12, "left": 0})
    );
    assert_eq!(build["status"]["message"], "no space");
    assert_eq!(build["events"][0]["name"], "halfway");
    assert_eq!(named(spans, "run")["status"]["message"], "exit code 7");
}

#[track_caller]
fn points_are_whole(points: &[Value]) {
    let values = points.iter().take(4).map(|point| {
        json!([
            point["name"],
            point["value"],
            point["labels"],
            point["unit"]
        ])
    });
    assert_eq!(
        values.collect::<Value>(),
        json!([
            ["jobs_total", 1, null, null],
            ["jobs_total", 2, {"queue": "mail"}, null],
            ["temperature", -5, {"room": "a"}, null],
            ["size_bytes", 1.5, null, "By"],
        ])
    );
    for (name, labels) in [
        ("work_seconds", json!({"step": "a"})),
        ("true_seconds", Value::Null),
    ] {
        let point = named(points, name);
        assert_eq!(
            (&point["type"], &point["unit"], &point["labels"]),
            (&json!("histogram"), &json!("s"), &labels)
        );
        let value = point["value"].as_f64().unwrap();
        assert!((0.0..3600.0).contains(&value), "{value}");
    }
}

/// Contexts that a shell may find, and whether they hold.
const FOUND: &[(&str, bool)] = &[
    (
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        true,
    ),
    (
        "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        true,
    ),
    ("", false),
    ("junk", false),
    (
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        false,
    ),
    (
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        false,
    ),
    (
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        false,
    ),
    (
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        false,
    ),
    (
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        false,
    ),
];

#[test]
fn context_is_made_or_kept() {
    for shell in shells() {
        let say = match shell.starts_with("fish") {
            true => {
                "set -q TRACESTATE; or set TRACESTATE none\necho $TRACEPARENT $TRACESTATE 00-$TRACE_ID-$SPAN_ID\n"
            }
            false => "print -r -- $TRACEPARENT ${TRACESTATE-none} 00-$TRACE_ID-$SPAN_ID\n",
        };
        for (given, kept) in FOUND {
            let sandbox = silent()
                .with("TRACEPARENT", given)
                .with("TRACESTATE", "a=b");
            let text = format!("log_info m\n{say}env | grep -c '^TRACEPARENT='\n");
            let outcome = sourced(&sandbox, shell, &text).quiet();
            let words: Vec<&str> = outcome.stdout.split_whitespace().collect();
            let [header, state, ids, exported] = words[..] else {
                panic!("{shell}, {given}: {}", outcome.shown());
            };
            let log = sandbox.only_log();
            assert_eq!(exported, "1", "{shell}, {given}");
            assert_eq!(log["trace_id"], header[3..35], "{shell}, {given}");
            assert_eq!(log["span_id"], header[36..52], "{shell}, {given}");
            assert_eq!(ids[3..], header[3..52], "{shell}, {given}");
            match kept {
                true => assert_eq!((header, state), (*given, "a=b"), "{shell}"),
                false => {
                    let ours = header.starts_with("00-") && header.ends_with("-03");
                    assert!(ours, "{shell}, {given}: {header}");
                    assert_eq!(state, "none", "{shell}, {given}");
                }
            }
        }
    }
}

#[test]
fn promise_is_kept_once() {
    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";
    for shell in shells() {
        let (before, set) = match shell.starts_with("fish") {
            true => ("", format!("set TRACE_ID {TRACE}; set SPAN_ID {SPAN}")),
            false => (
                "(send_span sub 1 2)\n",
                format!("TRACE_ID={TRACE} SPAN_ID={SPAN}"),
            ),
        };
        let text = format!(
            "{before}send_span first 1764843330123456789 1764843330223456789 a=b\nsend_span second 1 2\n\
             echo $TRACE_ID $SPAN_ID\n{set}\nsend_span own 1 2\nsend_span child 1 2\n"
        );
        let sandbox = silent();
        let outcome = sourced(&sandbox, shell, &text).quiet();
        let (trace, span) = outcome.stdout.trim().split_once(' ').unwrap();
        let spans = sandbox.records("spans");
        let ids = |name: &str| {
            let found = named(&spans, name);
            let text = |key: &str| found[key].as_str().unwrap_or("-").to_owned();
            [text("trace_id"), text("span_id"), text("parent_span_id")]
        };
        assert_eq!(ids("first"), [trace, span, "-"], "{shell}");
        assert_eq!(named(&spans, "first")["duration_ms"], 100, "{shell}");
        assert_eq!(ids("second")[2], span, "{shell}");
        if !before.is_empty() {
            assert_eq!(ids("sub")[2], span, "{shell}: a subshell keeps no promise");
        }
        assert_eq!(ids("own"), [TRACE, SPAN, "-"], "{shell}");
        let child = ids("child");
        assert_eq!([&child[0], &child[2]], [TRACE, SPAN], "{shell}");
    }
}
