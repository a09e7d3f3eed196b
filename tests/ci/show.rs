//! `obs context show` and `obs context new`.

use super::{events, job, json};
use crate::capture::PARENT;
use crate::sandbox::{Sandbox, have};
use serde_json::{Value, json};
use std::fs;

#[test]
fn show_says_what_a_record_carries() {
    let sandbox = job("github")
        .with("TRACEPARENT", PARENT)
        .with("TRACESTATE", "a=b")
        .with("BAGGAGE", "user=jo,tier=gold;x=y")
        .with("OTEL_SERVICE_NAME", "deploy");
    let shown = json(&sandbox.obs(["context", "show"]).quiet());
    assert_eq!(shown["traceparent"], PARENT);
    assert_eq!(
        (&shown["trace_flags"], &shown["sampled"]),
        (&json!("03"), &json!(true))
    );
    assert_eq!(
        (&shown["tracestate"], &shown["baggage"]),
        (&json!("a=b"), &json!(["user", "tier"]))
    );
    assert!(!shown.to_string().contains("gold"));
    sandbox.obs(["emit", "x"]).quiet();
    let event = events(&sandbox).pop().unwrap();
    for (shown, recorded) in [
        (&shown["correlation_id"], &event["correlation_id"]),
        (&shown["actor"], &event["actor"]),
        (&shown["service"], &event["source"]),
        (&shown["resource"], &event["resource"]),
        (&shown["trace_id"], &event["trace_context"]["trace_id"]),
    ] {
        assert_eq!(shown, recorded);
    }
    assert_eq!(
        shown["from"],
        json!({"trace": "TRACEPARENT", "correlation_id": "CI run", "actor.type": "CI", "actor.id": "CI",
            "service": "OTEL_SERVICE_NAME"})
    );
}

#[test]
fn show_says_where_it_comes_from() {
    let from = |variables: &[(&str, &str)], key: &str| {
        let sandbox = variables
            .iter()
            .fold(Sandbox::new(), |sandbox, (name, value)| {
                sandbox.with(name, value)
            });
        json(&sandbox.obs(["context", "show"]))["from"][key].clone()
    };
    let trace = ("TRACEPARENT", PARENT);
    for (variables, key, expected) in [
        (&[][..], "trace", "none"),
        (
            &[("TRACEPARENT", "00-junk")],
            "trace",
            "TRACEPARENT is not valid",
        ),
        (&[trace], "correlation_id", "trace"),
        (&[], "correlation_id", "none"),
        (
            &[("OBS_CORRELATION_ID", "c")],
            "correlation_id",
            "OBS_CORRELATION_ID",
        ),
        (&[], "actor.type", "default"),
        (
            &[("OBS_ACTOR_TYPE", "agent")],
            "actor.type",
            "OBS_ACTOR_TYPE",
        ),
        (&[("CLAUDECODE", "1")], "actor.type", "CLAUDECODE"),
        (&[], "actor.id", "USER"),
        (&[("USER", "")], "actor.id", "user id"),
        (&[("OBS_ACTOR", "me")], "actor.id", "OBS_ACTOR"),
        (
            &[("OTEL_RESOURCE_ATTRIBUTES", "service.name=s")],
            "service",
            "OTEL_RESOURCE_ATTRIBUTES",
        ),
    ] {
        assert_eq!(from(variables, key), expected, "{variables:?}");
    }
    let script = Sandbox::new()
        .script("sh", "obs context show; true\n")
        .quiet();
    assert_eq!(json(&script)["from"]["service"], "script");
}

#[test]
fn show_without_a_context_is_no() {
    let outcome = Sandbox::new().obs(["context", "show", "--json"]);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (1, ""));
    assert_eq!(json(&outcome)["traceparent"], Value::Null);
    let outcome = Sandbox::new().obs(["context", "show", "--human"]);
    assert_eq!(outcome.code, 1);
    assert!(
        outcome.stdout.starts_with("trace        none\n"),
        "{}",
        outcome.stdout
    );
}

#[test]
fn show_shows_no_secret() {
    let sandbox = Sandbox::new().with("OTEL_RESOURCE_ATTRIBUTES", "db.password=hunter2,x=1");
    for form in ["--json", "--human"] {
        let outcome = sandbox.obs(["context", "show", form]);
        assert!(!outcome.stdout.contains("hunter2"), "{}", outcome.stdout);
        assert!(outcome.stdout.contains("db.password"), "{}", outcome.stdout);
    }
}

#[test]
fn show_escapes_for_humans() {
    let sandbox = job("github").with("GITHUB_WORKFLOW", "a\u{1b}[31m\u{202e}b");
    let outcome = sandbox.obs(["context", "show", "--human"]);
    assert!(
        !outcome.stdout.contains(['\u{1b}', '\u{202e}']),
        "{}",
        outcome.stdout
    );
    assert!(outcome.stdout.contains("CI run"), "{}", outcome.stdout);
}

#[test]
fn new_begins_another_trace() {
    let script = "set -eu\neval \"$(obs context new)\"\n[ -z \"${TRACESTATE+x}\" ]\nobs emit one\neval \"$(obs context new)\"\nobs emit two\n";
    for shell in ["bash", "zsh", "dash", "mksh"] {
        if !have(shell) {
            continue;
        }
        let sandbox = Sandbox::new()
            .with("TRACEPARENT", PARENT)
            .with("TRACESTATE", "a=b");
        sandbox.script(shell, script).quiet();
        let ids: Vec<Value> = events(&sandbox)
            .iter()
            .map(|event| event["trace_context"]["trace_id"].clone())
            .collect();
        assert_eq!(ids.len(), 2);
        assert_ne!(ids[0], ids[1]);
        assert!(!PARENT.contains(ids[0].as_str().unwrap()));
    }
}

#[test]
fn new_speaks_fish_where_asked() {
    let printed = |sandbox: &Sandbox| {
        sandbox
            .obs(["context", "new", "--shell", "fish"])
            .quiet()
            .stdout
    };
    let plain = printed(&Sandbox::new());
    assert!(
        plain.starts_with("set -gx TRACEPARENT '00-") && plain.lines().count() == 1,
        "{plain}"
    );
    let state = printed(&Sandbox::new().with("TRACESTATE", "a=b"));
    assert!(state.ends_with("\nset -e TRACESTATE;\n"), "{state}");
    let refused = Sandbox::new().obs(["context", "new", "--shell", "csh"]);
    assert_eq!((refused.code, refused.stdout.as_str()), (2, ""));
}

#[test]
fn new_writes_lines_of_a_file() {
    let sandbox = Sandbox::new();
    let said = sandbox.obs(["context", "new", "--env-file", "env"]).quiet();
    assert_eq!(said.stdout, "");
    let text = fs::read_to_string(sandbox.path("work/env")).unwrap();
    assert!(
        text.starts_with("TRACEPARENT=00-") && text.len() == 68,
        "{text:?}"
    );
    let outcome = sandbox.obs(["context", "new", "--env-file", "no/such/folder"]);
    assert_eq!(outcome.code, 3, "{}", outcome.shown());
}
