//! What a span says: status, exit code, limits, wrong data, and spans that are recorded afterwards.

use crate::capture::{PARENT, SPAN, TRACE, notes, silent};
use crate::span::{on, only_span, start};
use serde_json::{Value, json};

#[test]
fn exit_code_makes_the_status() {
    for (code, status, kind, noted) in [
        (
            "0",
            json!({"code": "unset"}),
            json!({"process.exit.code": 0}),
            "",
        ),
        (
            "3",
            json!({"code": "error", "message": "exit code 3"}),
            json!({"process.exit.code": 3, "error.type": "3"}),
            "",
        ),
        (
            "x",
            json!({"code": "unset"}),
            Value::Null,
            r#"{"invalid":["exit-code=x"]}"#,
        ),
    ] {
        let sandbox = silent();
        let span = start(&sandbox, &["s"]);
        on(&sandbox, &span, &["end", "--exit-code", code]);
        let found = only_span(&sandbox);
        assert_eq!(
            json!([found["status"], found["attributes"]]),
            json!([status, kind]),
            "{code}"
        );
        assert_eq!(notes(&found), noted);
    }
}

#[test]
fn status_follows_the_order_of_opentelemetry() {
    for (steps, expected) in [
        (
            &[&["status", "error", "a"][..], &["end"]][..],
            json!({"code": "error", "message": "a"}),
        ),
        (
            &[&["status", "ok"], &["status", "error", "late"], &["end"]],
            json!({"code": "ok"}),
        ),
        (
            &[&["status", "error", "a"], &["end", "unset"]],
            json!({"code": "error", "message": "a"}),
        ),
        (
            &[&["status", "error", "a"], &["end", "ok"]],
            json!({"code": "ok"}),
        ),
        (&[&["end", "ok", "k=v"]], json!({"code": "ok"})),
        (
            &[&["end", "failure", "why not", "k=v"]],
            json!({"code": "error", "message": "why not"}),
        ),
        (
            &[&["status", "ok"], &["end", "--exit-code", "1"]],
            json!({"code": "ok"}),
        ),
    ] {
        let sandbox = silent();
        let span = start(&sandbox, &["s"]);
        for step in steps {
            on(&sandbox, &span, step);
        }
        assert_eq!(only_span(&sandbox)["status"], expected, "{steps:?}");
    }
}

#[test]
fn limits_drop_and_count() {
    let sandbox = silent()
        .with("OTEL_SPAN_EVENT_COUNT_LIMIT", "2")
        .with("OTEL_SPAN_LINK_COUNT_LIMIT", "1")
        .with("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "3")
        .with("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "1")
        .with("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "4");
    let span = start(
        &sandbox,
        &["s", "a=äöüßé", "b=1", r#"c:=["123456",{"x":"123456"}]"#],
    );
    on(&sandbox, &span, &["set", "d=1", "e=1"]);
    for name in ["one", "two", "three"] {
        on(&sandbox, &span, &["event", name, "k=v", "l=w"]);
    }
    on(&sandbox, &span, &["link", PARENT]);
    on(&sandbox, &span, &["link", PARENT]);
    on(&sandbox, &span, &["end"]);
    let found = only_span(&sandbox);
    assert_eq!(
        found["attributes"],
        json!({"a": "äöüß", "b": "1", "c": ["1234", {"x": "1234"}]})
    );
    let events: Vec<(&Value, &Value)> = found["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| (&event["name"], &event["attributes"]))
        .collect();
    let kept = json!({"k": "v"});
    assert_eq!(events, [(&json!("one"), &kept), (&json!("two"), &kept)]);
    assert_eq!(found["links"].as_array().unwrap().len(), 1);
    // two attributes, one event, one attribute of each kept event, one link
    assert_eq!(found["obs"]["dropped"], 6);
}

#[test]
fn links_have_a_limit_of_their_own() {
    let sandbox = silent().with("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "1");
    let span = start(&sandbox, &["s"]);
    on(&sandbox, &span, &["link", PARENT, "a=1", "b=2"]);
    on(&sandbox, &span, &["end"]);
    let found = only_span(&sandbox);
    assert_eq!(found["links"][0]["attributes"], json!({"a": "1"}));
    assert_eq!(found["obs"]["dropped"], 1);
}

#[test]
fn general_limit_stands_behind_the_special_ones() {
    let sandbox = silent()
        .with("OTEL_ATTRIBUTE_COUNT_LIMIT", "1")
        .with("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "1");
    sandbox
        .obs(["span", "record", "s", "--start", "1", "a=12", "b=12"])
        .quiet();
    sandbox
        .obs(["log", "info", "long message", "a=12", "b=12"])
        .quiet();
    let span = only_span(&sandbox);
    assert_eq!(
        (&span["attributes"], notes(&span)),
        (&json!({"a": "1"}), r#"{"dropped":1}"#.to_owned())
    );
    let log = sandbox.only_log();
    assert_eq!(
        (&log["message"], &log["context"]),
        (&json!("long message"), &json!({"a": "1"}))
    );
}

#[test]
fn past_spans_are_recorded_whole() {
    let sandbox = silent().with("TRACEPARENT", PARENT);
    #[rustfmt::skip]
    let printed = sandbox.obs([
        "span", "record", "archive", "--start", "1764843330000000001", "--end", "2025-12-04T10:15:31.5Z",
        "--kind", "server", "--status", "error", "--message", "boom", "--span", "1234567890abcdef", "--print-id", "k=v",
    ]).quiet().stdout;
    assert_eq!(printed, format!("00-{TRACE}-1234567890abcdef-03\n"));
    let span = only_span(&sandbox);
    assert_eq!(
        json!([
            span["timestamp"],
            span["end"],
            span["duration_ms"],
            span["kind"],
            span["status"],
            span["parent_span_id"]
        ]),
        json!(["2025-12-04T10:15:30.000000001Z", "2025-12-04T10:15:31.500000000Z", 1499.999, "server", {"code": "error", "message": "boom"}, SPAN])
    );
}

#[test]
fn wrong_data_is_noted_not_refused() {
    let sandbox = silent();
    #[rustfmt::skip]
    sandbox.obs([
        "span", "record", "s", "--start", "1764843330", "--end", "1764843329", "--kind", "odd", "--status", "odd",
        "--span", "xyz", "--attributes", "{",
    ]).quiet();
    let span = only_span(&sandbox);
    assert_eq!(
        (&span["timestamp"], &span["duration_ms"]),
        (&span["end"], &json!(0))
    );
    assert_eq!(
        notes(&span),
        r#"{"invalid":["{","kind=odd","span=xyz","status=odd","end=2025-12-04T10:15:29.000000000Z"]}"#
    );
    let span = start(&sandbox, &["s", "--start", "soon"]);
    on(&sandbox, &span, &["link", "junk"]);
    on(&sandbox, &span, &["end", "--end", "later"]);
    let span = sandbox.records("spans").pop().unwrap();
    assert_eq!(
        notes(&span),
        r#"{"invalid":["start=soon","link=junk","end=later"]}"#
    );
}
