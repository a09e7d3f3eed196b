//! `obs metric inc|set|observe`: kinds, values and their text, labels, unit, help, buckets, trace ids.

use crate::capture::{PARENT, SPAN, TRACE, file, notes, stable};
use crate::sandbox::{Outcome, Sandbox};
use serde_json::{Value, json};
use snapbox::{assert_data_eq, str};

/// The point of one call with these words, and what was said.
fn point(words: &[&str]) -> (Value, Outcome) {
    let sandbox = Sandbox::new();
    let outcome = sandbox.obs([&["metric"], words].concat());
    let mut points = sandbox.records("metrics-points");
    assert_eq!(points.len(), 1, "{words:?}: {}", outcome.shown());
    (points.remove(0), outcome)
}

/// The point of a call that says nothing.
#[track_caller]
fn quiet(words: &[&str]) -> Value {
    let (point, outcome) = point(words);
    assert_eq!(outcome.quiet().stdout, "", "{words:?}");
    point
}

#[test]
fn keys_stand_in_the_order_of_the_contract() {
    let sandbox = Sandbox::new()
        .with("TRACEPARENT", PARENT)
        .with("OTEL_RESOURCE_ATTRIBUTES", "service.name=api,team=core");
    #[rustfmt::skip]
    sandbox.obs([
        "metric", "observe", "job_duration_seconds", "1.70", "--unit", "s", "--help-text", "How long a job takes",
        "--buckets", "0.1,1,10", "--labels", r#"{"queue":"mail","shard":1}"#, "status=ok", "--time", "1764843330123",
        "l:=oops",
    ]).quiet();
    assert_data_eq!(
        stable(&sandbox, &file(&sandbox, "metrics.log")),
        str![[r#"
{"timestamp":"[MICROS]","name":"job_duration_seconds","type":"histogram","value":1.70,"labels":{"queue":"mail","shard":1,"status":"ok","l":"oops"},"unit":"s","help":"How long a job takes","buckets":[0.1,1,10],"trace_id":"[TRACE]","span_id":"[SPAN]","service":"api","host":"[HOST]","id":"[ULID]","resource":{"team":"core"},"obs":{"invalid":["l:=oops"]}}

"#]]
    );
    let point = sandbox.records("metrics-points").remove(0);
    assert_eq!(
        (&point["trace_id"], &point["span_id"]),
        (&json!(TRACE), &json!(SPAN))
    );
    assert_eq!(point["timestamp"], "2025-12-04T10:15:30.123000Z");
}

#[test]
fn kinds_are_those_of_the_commands() {
    for (words, kind, value) in [
        (&["inc", "n"][..], "counter", "1"),
        (&["inc", "n", "5"], "counter", "5"),
        (&["inc", "n", "k=v"], "counter", "1"),
        (&["inc", "n", "0"], "counter", "0"),
        (&["set", "n", "-3"], "gauge", "-3"),
        (&["observe", "n", "0.25"], "histogram", "0.25"),
        (&["observe", "n", "-1"], "histogram", "-1"),
    ] {
        let point = quiet(words);
        assert_eq!(
            (&point["type"], point["value"].to_string().as_str()),
            (&json!(kind), value),
            "{words:?}"
        );
    }
}

#[test]
fn numbers_keep_their_text() {
    for (given, kept) in [
        ("1.70", "1.70"),
        ("18446744073709551616", "18446744073709551616"),
        (
            "0.1000000000000000055511151231257827",
            "0.1000000000000000055511151231257827",
        ),
        ("1e3", "1e+3"),
        ("-0", "-0"),
        (" 7\n", "7"),
        ("+5", "5.0"),
        (".5", "0.5"),
    ] {
        let line = {
            let sandbox = Sandbox::new();
            sandbox.obs(["metric", "set", "n", "--", given]).quiet();
            file(&sandbox, "metrics.log")
        };
        let kept = [format!("\"value\":{kept},"), format!("\"value\":{given},")];
        assert!(
            kept.iter().any(|kept| line.contains(kept)),
            "{given:?}: {line}"
        );
    }
}

#[test]
fn wrong_values_are_named_and_kept_aside() {
    for (words, why) in [
        (
            ["set", "n", "abc"],
            "`abc` is no value for this metric: expected a finite number",
        ),
        (
            ["set", "n", ""],
            "`` is no value for this metric: expected a finite number",
        ),
        (
            ["set", "n", "NaN"],
            "`NaN` is no value for this metric: expected a finite number",
        ),
        (
            ["observe", "n", "inf"],
            "`inf` is no value for this metric: expected a finite number",
        ),
        (
            ["observe", "n", "1e999"],
            "`1e999` is no value for this metric: expected a finite number",
        ),
        (
            ["set", "n", "1,5"],
            "`1,5` is no value for this metric: expected a finite number",
        ),
        (
            ["set", "n", "0x10"],
            "`0x10` is no value for this metric: expected a finite number",
        ),
        (
            ["inc", "n", "-1"],
            "`-1` is no value for this metric: a counter only rises",
        ),
    ] {
        let (point, outcome) = point(&words);
        assert_eq!(
            (outcome.code, outcome.stdout.as_str()),
            (0, ""),
            "{words:?}"
        );
        assert_eq!(outcome.stderr, format!("obs: {why}\n"));
        assert_eq!(point.get("value"), None, "{words:?}");
        assert_eq!(
            notes(&point),
            json!({"invalid": [format!("value={}", words[2])]}).to_string()
        );
    }
}

#[test]
fn labels_come_in_every_form() {
    let sandbox = Sandbox::new();
    std::fs::write(sandbox.path("work/l.json"), r#"{"a":"file","n":1}"#).unwrap();
    std::fs::write(sandbox.path("work/v"), "from file\n").unwrap();
    let input = br#"{"a":"input"}"#;
    for given in ["@l.json", "-", r#"{"a":"text"}"#] {
        let words = [
            "metric",
            "inc",
            "n",
            "--labels",
            given,
            "b=x",
            "c:=true",
            "d@=v",
            r#"{"e":1.0}"#,
        ];
        sandbox.obs_with(input, &words).quiet();
    }
    let labels: Vec<String> = sandbox
        .records("metrics-points")
        .iter()
        .map(|point| point["labels"].to_string())
        .collect();
    let rest = r#""b":"x","c":true,"d":"from file","e":1.0}"#;
    assert_eq!(
        labels,
        [
            format!(r#"{{"a":"file","n":1,{rest}"#),
            format!(r#"{{"a":"input",{rest}"#),
            format!(r#"{{"a":"text",{rest}"#),
        ]
    );
}

#[test]
fn buckets_are_finite_and_rising() {
    for (given, kept, noted) in [
        ("0.1,1,10", json!([0.1, 1, 10]), ""),
        ("-1, 0, 1.50", json!([-1, 0, 1.5]), ""),
        ("1,1", Value::Null, r#"{"invalid":["buckets=1,1"]}"#),
        ("2,1", Value::Null, r#"{"invalid":["buckets=2,1"]}"#),
        ("1,x", Value::Null, r#"{"invalid":["buckets=1,x"]}"#),
        ("1,inf", Value::Null, r#"{"invalid":["buckets=1,inf"]}"#),
        ("", Value::Null, r#"{"invalid":["buckets="]}"#),
    ] {
        let point = quiet(&["observe", "n", "1", "--buckets", given]);
        let found: Vec<f64> = point["buckets"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_f64)
            .collect();
        let kept: Vec<f64> = kept
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_f64)
            .collect();
        assert_eq!(found, kept, "{given}");
        assert_eq!(notes(&point), noted, "{given}");
    }
}

#[test]
fn outside_of_a_trace_there_are_no_ids() {
    for header in ["", "00-short"] {
        let sandbox = Sandbox::new().with("TRACEPARENT", header);
        sandbox.obs(["metric", "inc", "n"]).quiet();
        let point = sandbox.records("metrics-points").remove(0);
        assert_eq!(
            (point.get("trace_id"), point.get("span_id")),
            (None, None),
            "{header:?}"
        );
    }
}

#[test]
fn many_labels_are_all_kept() {
    let labels: Vec<String> = (0..200).map(|n| format!("l{n}=x")).collect();
    let words: Vec<&str> = ["inc", "n"]
        .into_iter()
        .chain(labels.iter().map(String::as_str))
        .collect();
    assert_eq!(quiet(&words)["labels"].as_object().unwrap().len(), 200);
}
