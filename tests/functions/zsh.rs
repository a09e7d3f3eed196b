//! The functions in zsh: every option that could change what they are, the place of the caller, what is left behind.

mod endings;
mod options;

use super::stage::{line, sourced};
use crate::sandbox::{Sandbox, have};
use serde_json::{Value, json};
use std::fs;

/// A sandbox in which `log_info` writes to the journal only.
pub(super) fn silent() -> Sandbox {
    Sandbox::new().with("OBS_LOG_STREAM", "off")
}

/// The file as it stands in the repository.
fn file() -> String {
    format!("{}/shell/obs.zsh", env!("CARGO_MANIFEST_DIR"))
}

/// The span of this name.
#[track_caller]
pub(super) fn named<'a>(records: &'a [Value], name: &str) -> &'a Value {
    let found = records.iter().find(|record| record["name"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {records:#?}"))
}

/// Message, file, line and function of every log record.
pub(super) fn places(sandbox: &Sandbox) -> Vec<String> {
    let part = |log: &Value, key: &str| match &log[key] {
        Value::String(text) => text.clone(),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    };
    let one = |log: &Value| {
        ["message", "module", "line", "function"]
            .map(|key| part(log, key))
            .join(" ")
    };
    sandbox.records("logs").iter().map(one).collect()
}

#[test]
fn zsh_functions_make_their_records() {
    if !have("zsh") {
        return;
    }
    let text = r#"
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
work() { log_info working; return 7; }
span_run run work one || code=$?
metric_inc jobs_total
metric_inc jobs_total 2 queue=mail
metric_set temperature -5 room=a
metric_observe size_bytes 1.5 --unit By
obs_time work_seconds step=a -- work || code=$((code + $?))
obs_time true_seconds true
print -r -- $code
"#;
    let sandbox = silent();
    let outcome = sourced(&sandbox, "zsh -f", text).quiet();
    assert_eq!(outcome.stdout, "14\n");
    let logs = sandbox.records("logs");
    let logs: Vec<Value> = logs
        .iter()
        .map(|log| json!([log["level"], log["message"], log["context"]]))
        .collect();
    assert_eq!(
        Value::Array(logs),
        json!([
            ["INFO", "plain", {"a": "1", "n": 2}],
            ["WARNING", "with object", {"a": [1]}],
            ["ERROR", "-dash", null],
            ["CRITICAL", "", null],
            ["WARNING", "json", {"b": 2}],
            ["INFO", "other", null],
            ["INFO", "working", null],
            ["INFO", "working", null],
        ])
    );
    let events = sandbox.records("events");
    assert_eq!(events[0]["data"], json!({"n": 1}));
    assert_eq!(events[1]["data"], json!({"m": 2}));
    let spans = sandbox.records("spans");
    assert_eq!(spans.len(), 3, "{spans:#?}");
    let (build, compile) = (named(&spans, "build"), named(&spans, "compile"));
    assert_eq!(compile["parent_span_id"], build["span_id"]);
    assert_eq!(compile["attributes"]["process.exit.code"], 3);
    assert_eq!(
        build["attributes"],
        json!({"target": "all", "files": 12, "left": 0})
    );
    assert_eq!(build["status"]["message"], "no space");
    assert_eq!(build["events"][0]["name"], "halfway");
    assert_eq!(named(&spans, "run")["status"]["message"], "exit code 7");
    let points = sandbox.records("metrics-points");
    let values: Vec<Value> = points
        .iter()
        .take(4)
        .map(|point| {
            json!([
                point["name"],
                point["value"],
                point["labels"],
                point["unit"]
            ])
        })
        .collect();
    assert_eq!(
        Value::Array(values),
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
        let point = named(&points, name);
        assert_eq!(
            (&point["type"], &point["unit"], &point["labels"]),
            (&json!("histogram"), &json!("s"), &labels)
        );
        let value = point["value"].as_f64().unwrap();
        assert!((0.0..3600.0).contains(&value), "{value}");
    }
}

#[test]
fn zsh_names_the_place_of_its_caller() {
    if !have("zsh") {
        return;
    }
    let sandbox = silent();
    let other = "log_info in-file\ninner() {\n  :\n  log_info in-other\n}\n";
    fs::write(sandbox.path("work/other.zsh"), other).unwrap();
    fs::create_dir(sandbox.path("work/lazy")).unwrap();
    fs::write(sandbox.path("work/lazy/loaded"), "\nlog_info in-loaded\n").unwrap();
    let text = "log_info top
outer() {
  log_info in-outer
  inner
}
. ./other.zsh
outer
eval 'log_info in-eval'
both() { eval 'log_info eval-in-function'; }
both
() { log_info anonymous; }
( log_info in-subshell )
out=$(log_info in-substitution)
span_run s log_info run
run() { span_run s log_info run-in-function; }
run
TRAPUSR1() { log_info in-trap; }
kill -USR1 $$
fpath=(./lazy); autoload -Uz loaded; loaded
sourcing() { . ./other.zsh; }
sourcing
log_json error json
if true; then
  log_info \\
    continued
fi
";
    sourced(&sandbox, "zsh -f", text).quiet();
    let work = sandbox.path("work");
    let work = work.to_str().unwrap();
    let expected = format!(
        "top {work}/script 2 -
in-file ./other.zsh 1 -
in-outer {work}/script 4 outer
in-other ./other.zsh 4 inner
in-eval {work}/script 9 -
eval-in-function {work}/script 10 both
anonymous {work}/script 12 -
in-subshell {work}/script 13 -
in-substitution {work}/script 14 -
run {work}/script 15 -
run-in-function {work}/script 16 run
in-trap {work}/script 18 TRAPUSR1
in-loaded {work}/lazy/loaded 2 loaded
in-file ./other.zsh 1 -
json {work}/script 23 -
continued {work}/script 25 -"
    );
    assert_eq!(places(&sandbox).join("\n"), expected);
    let logs = sandbox.records("logs");
    assert_eq!(logs[0]["logger"], "zsh.script");
    assert_eq!(logs[3]["logger"], "zsh.other.zsh");
}

#[test]
fn zsh_without_a_file_names_none() {
    if !have("zsh") {
        return;
    }
    let text = format!("{}f() {{\n log_info in-f\n}}\nf", line("zsh"));
    for args in [&["-fc", &text][..], &["-fc", &text, "name"]] {
        let sandbox = silent();
        let output = sandbox.command("zsh").args(args).output().unwrap();
        crate::sandbox::outcome(&output).quiet();
        assert_eq!(places(&sandbox), ["in-f - 3 f"], "{args:?}");
        assert_eq!(sandbox.records("logs")[0]["logger"], "zsh");
    }
    let sandbox = silent();
    fs::write(sandbox.path("work/piped"), &text).unwrap();
    let mut command = sandbox.command("zsh");
    let input = fs::File::open(sandbox.path("work/piped")).unwrap();
    let output = command.arg("-f").stdin(input).output().unwrap();
    crate::sandbox::outcome(&output).quiet();
    assert_eq!(places(&sandbox), ["in-f - 3 f"]);
}
