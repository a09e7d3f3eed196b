//! `obs emit`: the envelope, known and unknown types, wrong data, published schemas, `OTEL_SDK_DISABLED`.

use crate::capture::{PARENT, SPAN, TRACE, file, notes, silent, stable};
use crate::sandbox::{Sandbox, have, outcome};
use obs::model::catalog;
use serde_json::{Value, json};
use snapbox::{assert_data_eq, str};
use std::fs;

/// The one event that there is.
fn only_event(sandbox: &Sandbox) -> Value {
    let mut events = sandbox.records("events");
    assert_eq!(events.len(), 1, "{events:?}");
    events.remove(0)
}

#[test]
fn keys_stand_in_the_order_of_the_contract() {
    let sandbox = Sandbox::new()
        .with("TRACEPARENT", PARENT)
        .with("OTEL_SERVICE_NAME", "backlog")
        .with("OTEL_SERVICE_VERSION", "1.2.3")
        .with("OTEL_DEPLOYMENT_ENVIRONMENT", "staging");
    #[rustfmt::skip]
    let outcome = sandbox.obs([
        "emit", "my.type", "--causation", "evt_1", "--time", "1764843330", "--print-id", "s=1", "n:=1.0", "x:=oops",
    ]).quiet();
    assert_data_eq!(
        stable(&sandbox, &file(&sandbox, "events.log")),
        str![[r#"
{"event_id":"evt_[ULID]","event_type":"my.type","event_version":"1.0","timestamp":"[MICROS]","source":"backlog","source_version":"1.2.3","correlation_id":"corr_[ULID]","causation_id":"evt_1","trace_context":{"trace_id":"[TRACE]","span_id":"[SPAN]"},"actor":{"type":"user","id":"tester","host":"[HOST]"},"data":{"s":"1","n":1.0,"x":"oops"},"metadata":{"working_directory":"[DIR]/work"},"resource":{"service.version":"1.2.3","deployment.environment.name":"staging"},"obs":{"invalid":["x:=oops"]}}

"#]]
    );
    let event = only_event(&sandbox);
    assert_eq!(outcome.stdout.trim_end(), event["event_id"]);
    assert_eq!(event["timestamp"], "2025-12-04T10:15:30.000000Z");
    assert_eq!(
        event["trace_context"],
        json!({"trace_id": TRACE, "span_id": SPAN})
    );
}

#[test]
fn every_example_of_the_catalogue_goes_through() {
    let sandbox = Sandbox::new();
    for known in catalog::all() {
        let outcome = sandbox.obs_with(
            known.example.as_bytes(),
            &["emit", known.name, "--data", "-"],
        );
        assert_eq!(outcome.quiet().stdout, "", "{}", known.name);
    }
    let events = sandbox.records("events");
    assert_eq!(events.len(), catalog::all().len());
    for (event, known) in events.iter().zip(catalog::all()) {
        assert_eq!(event["event_type"], known.name);
        assert_eq!(event["event_version"], known.version);
        assert_eq!(event["data"].to_string(), known.example, "{}", known.name);
        assert_eq!(notes(event), "");
    }
}

#[test]
fn printed_catalogue_is_the_one_that_checks() {
    let sandbox = Sandbox::new();
    let list = sandbox.obs(["print", "schema"]).quiet().stdout;
    let names: Vec<&str> = list
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    let known: Vec<&str> = catalog::all().iter().map(|known| known.name).collect();
    assert_eq!(names, known);
    let schema = sandbox
        .obs(["print", "schema", "git.commit"])
        .quiet()
        .stdout;
    let schema: Value = serde_json::from_str(&schema).unwrap();
    assert_eq!(schema, catalog::find("git.commit").unwrap().schema());
}

#[test]
fn wrong_data_is_named_and_kept_inside_an_event() {
    for (words, said, original) in [
        (
            &["git.commit", "branch=main"][..],
            "obs: wrong data for the event `git.commit`: missing field `commit_sha`\n",
            json!({"branch": "main"}),
        ),
        (
            &["ci.test.failed", "suite=a", "test=b", "line=12"],
            "obs: wrong data for the event `ci.test.failed`: `line`: expected an integer, found string \"12\"\n",
            json!({"suite": "a", "test": "b", "line": "12"}),
        ),
        (
            &["obs.dropped", r#"{"signal":"smoke","records":1}"#],
            "obs: wrong data for the event `obs.dropped`: `signal`",
            json!({"signal": "smoke", "records": 1}),
        ),
    ] {
        let sandbox = Sandbox::new();
        let outcome = sandbox.obs([&["emit"], words].concat());
        assert_eq!((outcome.code, outcome.stdout.as_str()), (0, ""));
        assert!(outcome.stderr.starts_with(said), "{}", outcome.stderr);
        assert!(outcome.stderr.ends_with(&format!(
            "\nhint: `obs print schema {}` shows what it takes\n",
            words[0]
        )));
        let event = only_event(&sandbox);
        assert_eq!(event["event_type"], "obs.event.invalid");
        assert_eq!(event["data"]["event_type"], words[0]);
        assert_eq!(event["data"]["data"], original);
        let cause = event["data"]["error"].as_str().unwrap();
        assert!(outcome.stderr.contains(cause), "{cause}");
    }
}

#[test]
fn broken_json_of_a_known_type_is_kept_as_text() {
    let sandbox = Sandbox::new();
    let outcome = sandbox.obs([
        "emit",
        "git.commit",
        "commit_sha=1f0c9a7e",
        "--data",
        "{\"branch\":",
    ]);
    assert_eq!(outcome.code, 0);
    assert!(
        outcome.stderr.starts_with(
            "obs: wrong data for the event `git.commit`: no JSON object: {\"branch\":"
        )
    );
    let event = only_event(&sandbox);
    assert_eq!(event["event_type"], "obs.event.invalid");
    assert_eq!(event["data"]["data"], json!({"commit_sha": "1f0c9a7e"}));
    assert_eq!(notes(&event), r#"{"invalid":["{\"branch\":"]}"#);
}

#[test]
fn strict_refuses_wrong_data_and_journals_nothing() {
    let sandbox = Sandbox::new().with("OBS_STRICT", "1");
    let outcome = sandbox.obs(["emit", "git.commit", "branch=main", "--print-id"]);
    assert_data_eq!(
        outcome.shown(),
        str![[r#"
exit 2
--- stdout
--- stderr
obs: wrong data for the event `git.commit`: missing field `commit_sha`
hint: `obs print schema git.commit` shows what it takes

"#]]
    );
    assert_eq!(file(&sandbox, "events.log"), "");
    sandbox
        .obs(["emit", "git.commit", "commit_sha=1f0c9a7e"])
        .quiet();
    assert_eq!(sandbox.records("events").len(), 1);
}

#[test]
fn unknown_types_take_any_data() {
    let sandbox = Sandbox::new().with("OBS_STRICT", "1");
    for kind in ["deploy", "Großes.Ereignis", "git.commit.x", "a b\nc"] {
        sandbox.obs(["emit", kind, "x:=[1]"]).quiet();
    }
    let events = sandbox.records("events");
    let kinds: Vec<&Value> = events.iter().map(|event| &event["event_type"]).collect();
    assert_eq!(
        kinds,
        ["deploy", "Großes.Ereignis", "git.commit.x", "a b\nc"]
    );
    assert!(
        events
            .iter()
            .all(|event| event["data"] == json!({"x": [1]}))
    );
}

#[test]
fn data_comes_as_text_file_or_input_and_words_win() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("work/d.json"), r#"{"a":"file","b":1}"#).unwrap();
    for given in [r#"{"a":"text","b":1}"#, "@d.json", "-"] {
        sandbox
            .obs_with(
                br#"{"a":"input","b":1}"#,
                &["emit", "x", "--data", given, "b:=2"],
            )
            .quiet();
    }
    let data: Vec<String> = sandbox
        .records("events")
        .iter()
        .map(|event| event["data"].to_string())
        .collect();
    assert_eq!(
        data,
        [
            r#"{"a":"text","b":2}"#,
            r#"{"a":"file","b":2}"#,
            r#"{"a":"input","b":2}"#
        ]
    );
}

#[test]
fn secret_names_hide_text_and_keep_numbers() {
    let sandbox = Sandbox::new();
    sandbox
        .obs(["emit", "x", "token=abc", "tokens_in:=5"])
        .quiet();
    assert_eq!(
        only_event(&sandbox)["data"],
        json!({"token": "[REDACTED:name]", "tokens_in": 5})
    );
}

#[test]
fn published_schemas_accept_every_journalled_event() {
    // by a name that no folder holds, so that a missing package skips or fails as a missing tool does
    let sandbox = Sandbox::new()
        .with("TRACEPARENT", PARENT)
        .with("OTEL_SERVICE_VERSION", "1");
    let mut import = sandbox.command("python3");
    import.args(["-c", "import jsonschema"]);
    if !have("python3")
        || !import.output().is_ok_and(|ran| ran.status.success()) && !have("python3-jsonschema")
    {
        return;
    }
    for known in catalog::all() {
        sandbox
            .obs_with(
                known.example.as_bytes(),
                &["emit", known.name, "--data", "-"],
            )
            .quiet();
    }
    sandbox
        .obs(["emit", "some.other", "--causation", "x", "bad:=", "é=\u{1}"])
        .quiet();
    sandbox.obs(["emit", "git.commit", "wrong=1"]);
    let mut checks = Vec::new();
    for event in sandbox.records("events") {
        if let Some(known) = catalog::find(event["event_type"].as_str().unwrap()) {
            checks.push(json!([known.schema(), event["data"]]));
        }
        checks.push(json!([catalog::envelope_schema(), event]));
    }
    assert_eq!(checks.len(), 2 * catalog::all().len() + 3);
    fs::write(
        sandbox.path("work/checks.json"),
        Value::from(checks).to_string(),
    )
    .unwrap();
    let mut python = sandbox.command("python3");
    python.args([
        "-c",
        "import json, jsonschema
checks = json.load(open('checks.json'))
for schema, instance in checks:
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(instance)
try:
    jsonschema.Draft202012Validator(checks[0][0]).validate({'decision_id': 1})
except jsonschema.ValidationError:
    print(len(checks))",
    ]);
    let ran = outcome(&python.output().unwrap()).quiet();
    assert_eq!(ran.stdout, format!("{}\n", 2 * catalog::all().len() + 3));
}

#[test]
fn disabled_sdk_stops_journalling_and_nothing_else() {
    for (value, stops) in [
        ("true", true),
        ("TRUE", true),
        ("1", false),
        ("false", false),
    ] {
        let sandbox = Sandbox::new()
            .with("OTEL_SDK_DISABLED", value)
            .with("TRACEPARENT", "nonsense");
        assert!(
            sandbox
                .obs(["log", "info", "shown"])
                .quiet()
                .stdout
                .contains("shown")
        );
        assert!(
            sandbox
                .obs(["emit", "x", "--print-id"])
                .quiet()
                .stdout
                .starts_with("evt_")
        );
        sandbox.obs(["metric", "inc", "n"]).quiet();
        let started = sandbox.obs(["span", "start", "s"]).quiet().stdout;
        assert!(started.starts_with("export TRACEPARENT='00-"), "{started}");
        let ended = sandbox
            .script(
                "sh",
                "eval \"$(obs span start s)\"\nobs span event e\nobs span end\n",
            )
            .quiet();
        assert!(
            ended.stdout.starts_with("unset TRACEPARENT;\n"),
            "{}",
            ended.stdout
        );
        sandbox.obs(["span", "record", "s", "--start", "1"]).quiet();
        assert_eq!(sandbox.journal().exists(), !stops, "{value}");
        assert_eq!(
            sandbox.records("logs").len(),
            usize::from(!stops),
            "{value}"
        );
    }
}

#[test]
fn strict_tells_what_was_not_accepted() {
    let sandbox = silent()
        .with("OBS_HOME", "/dev/null/x")
        .with("TMPDIR", "/dev/null");
    for words in [
        &["log", "m"][..],
        &["emit", "x"],
        &["metric", "inc", "n"],
        &["span", "record", "s", "--start", "1"],
    ] {
        let lax = sandbox.obs(words);
        assert_eq!((lax.code, lax.stdout.as_str()), (0, ""), "{words:?}");
        assert!(lax.stderr.starts_with("obs: UNSAVED {\""), "{}", lax.stderr);
        assert_eq!(lax.stderr.lines().count(), 1);
        let mut strict = sandbox.command(crate::sandbox::program());
        let strict = outcome(&strict.args(words).env("OBS_STRICT", "1").output().unwrap());
        assert_eq!(strict.code, 3, "{words:?}");
        assert!(
            strict.stderr.starts_with("obs: UNSAVED {\""),
            "{}",
            strict.stderr
        );
    }
}
