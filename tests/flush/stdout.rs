//! Standard output as a sink: `console` and `otlp/stdout` in the lists of OTEL_*_EXPORTER.

use super::{is_behind, json, sandbox, until};
use crate::receiver::{OK, Receiver};
use crate::sandbox::Sandbox;
use serde_json::Value;

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(json).collect()
}

fn filled(endpoint: &str) -> Sandbox {
    let sandbox = sandbox(endpoint);
    sandbox.obs(["log", "info", "one"]);
    sandbox.obs(["emit", "my.own", "x=1"]);
    sandbox.obs(["metric", "inc", "runs"]);
    sandbox.obs(["span", "exec", "-n", "build", "--", "true"]);
    sandbox
}

#[test]
fn console_shows_records_once() {
    let sandbox = filled("").with("OTEL_TRACES_EXPORTER", "console");
    let outcome = sandbox.obs(["flush"]);
    assert_eq!(outcome.code, 0);
    assert_eq!(lines(&outcome.stdout), sandbox.records("spans"));
    let said = json(&outcome.stderr);
    assert_eq!(
        (&said["sink"], &said["sent"], &said["state"]),
        (&"env-console".into(), &1.into(), &"done".into())
    );
    sandbox.obs(["span", "exec", "-n", "later", "--", "true"]);
    let outcome = sandbox.obs(["flush", "--human"]);
    let shown = lines(&outcome.stdout);
    assert_eq!((shown.len(), &shown[0]["name"]), (1, &"later".into()));
    assert!(outcome.stderr.contains("1 sent"), "{}", outcome.stderr);
    assert_eq!(sandbox.obs(["flush"]).stdout, "");
}

#[test]
fn otlp_lines_are_requests() {
    let sandbox = filled("")
        .with("OTEL_LOGS_EXPORTER", "otlp/stdout")
        .with("OTEL_METRICS_EXPORTER", "otlp/stdout")
        .with("OTEL_TRACES_EXPORTER", "none");
    let outcome = sandbox.obs(["flush"]);
    let mut kinds: Vec<String> = lines(&outcome.stdout)
        .iter()
        .flat_map(|line| line.as_object().unwrap().keys().cloned())
        .collect();
    kinds.sort();
    // events are log records, in a request of their own
    assert_eq!(kinds, ["resourceLogs", "resourceLogs", "resourceMetrics"]);
    for shown in ["\"one\"", "\"my.own\"", "\"runs\""] {
        assert!(outcome.stdout.contains(shown), "{}", outcome.stdout);
    }
    assert!(!outcome.stdout.contains("\"build\""), "{}", outcome.stdout);
    assert_eq!(json(&outcome.stderr)["sink"], "env-stdout");
    assert_eq!(sandbox.obs(["flush"]).stdout, "");
}

#[test]
fn list_reaches_both_of_its_exporters() {
    let receiver = Receiver::start(|_, _| OK);
    let sandbox = filled(&receiver.url()).with("OTEL_TRACES_EXPORTER", "otlp, console");
    let outcome = sandbox.obs(["flush"]);
    assert_eq!(outcome.code, 0, "{}", outcome.shown());
    assert_eq!(lines(&outcome.stdout), sandbox.records("spans"));
    assert_eq!(receiver.spans(), ["build"]);
    assert_eq!(lines(&outcome.stderr).len(), 2, "{}", outcome.stderr);
}

#[test]
fn console_exporter_of_a_variable_alone_is_no_other() {
    let receiver = Receiver::start(|_, _| OK);
    let sandbox = filled(&receiver.url()).with("OTEL_TRACES_EXPORTER", "console");
    assert_eq!(sandbox.obs(["flush"]).code, 0);
    assert_eq!(receiver.messages(), ["one"]);
    assert_eq!(receiver.spans(), Vec::<String>::new());
}

#[test]
fn signal_that_is_not_exported_waits_for_nobody() {
    let receiver = Receiver::start(|_, _| OK);
    let sandbox = filled("").with(
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        &format!("{}/v1/traces", receiver.url()),
    );
    let outcome = sandbox.obs(["flush"]);
    assert_eq!(outcome.code, 0, "{}", outcome.shown());
    assert_eq!(json(&outcome.stdout)["left"], serde_json::json!({}));
    assert_eq!(receiver.spans(), ["build"]);
    // the drain behind a script finds nothing to do, and ends
    let sandbox = sandbox.with("OBS_FLUSH", "");
    sandbox.obs(["log", "info", "two"]);
    sandbox.obs(["span", "exec", "-n", "last", "--", "true"]);
    until("the last is sent", || receiver.spans() == ["build", "last"]);
    until("the drain ends", || !is_behind(&sandbox.journal()));
}

#[test]
fn background_prints_nothing() {
    let receiver = Receiver::start(|_, _| OK);
    let sandbox = sandbox(&receiver.url())
        .with("OBS_FLUSH", "")
        .with("OTEL_TRACES_EXPORTER", "otlp,console");
    let outcome = sandbox
        .script("bash", "obs span exec -n build -- true; obs log info one")
        .quiet();
    assert_eq!(outcome.stdout, "");
    until("the background has sent", || {
        receiver.spans() == ["build"] && receiver.messages() == ["one"]
    });
    until("the drain ends", || !is_behind(&sandbox.journal()));
    // what only somebody in front can be shown still waits for that
    let outcome = sandbox.obs(["flush"]);
    assert_eq!(lines(&outcome.stdout), sandbox.records("spans"));
    assert_eq!(receiver.spans(), ["build"]);
}

#[test]
fn full_output_keeps_what_was_not_shown() {
    let sandbox = filled("").with("OTEL_TRACES_EXPORTER", "console");
    let outcome = sandbox.script("bash", "obs flush --timeout 0 --json > /dev/full");
    assert_eq!(outcome.code, 1, "{}", outcome.shown());
    let said = json(&outcome.stderr);
    assert_eq!(said["left"]["spans"], 1);
    assert!(
        said["why"].as_str().unwrap().contains("no space left"),
        "{said}"
    );
}
