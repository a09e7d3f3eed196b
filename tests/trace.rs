//! `obs trace`: which trace is found, the JSON object that is a contract, and the tree that a human reads.

mod tree;

use crate::sandbox::Sandbox;
use serde_json::Value;
use std::fs;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// Writes a file of the journal.
fn put<T: AsRef<str>>(sandbox: &Sandbox, name: &str, lines: &[T]) {
    let path = sandbox.journal().join(name);
    fs::create_dir_all(sandbox.journal().join("sealed")).unwrap();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let lines = lines.iter().map(|line| format!("{}\n", line.as_ref()));
    fs::write(path, lines.collect::<String>()).unwrap();
}

/// A span's line: id and parent as numbers, start and end in milliseconds after ten o'clock.
fn span(id: u32, parent: u32, name: &str, times: (u32, u32), rest: &str) -> String {
    let parent = match parent {
        0 => String::new(),
        parent => format!(",\"parent_span_id\":\"{parent:016x}\""),
    };
    format!(
        "{{\"timestamp\":\"{}000Z\",\"end\":\"{}000Z\",\"name\":\"{name}\",\"trace_id\":\"{TRACE}\",\"span_id\":\"{id:016x}\"{parent}{rest}}}",
        at(times.0),
        at(times.1)
    )
}

fn at(millis: u32) -> String {
    format!(
        "2025-12-04T10:{:02}:{:02}.{:03}000",
        millis / 60_000,
        millis / 1_000 % 60,
        millis % 1_000
    )
}

fn log(at_millis: u32, id: u32, level: &str, message: &str, rest: &str) -> String {
    format!(
        "{{\"timestamp\":\"{}Z\",\"level\":\"{level}\",\"message\":\"{message}\",\"trace_id\":\"{TRACE}\",\"span_id\":\"{id:016x}\"{rest},\"id\":\"{message}{at_millis}\"}}",
        at(at_millis)
    )
}

fn event(at_millis: u32, id: u32, kind: &str, data: &str) -> String {
    format!(
        "{{\"event_id\":\"evt_{at_millis}\",\"event_type\":\"{kind}\",\"event_version\":\"1.0\",\"timestamp\":\"{}Z\",\"trace_context\":{{\"trace_id\":\"{TRACE}\",\"span_id\":\"{id:016x}\"}},\"actor\":{{\"type\":\"user\",\"id\":\"u\"}},\"data\":{data}}}",
        at(at_millis)
    )
}

fn point(at_millis: u32, id: u32, rest: &str) -> String {
    format!(
        "{{\"timestamp\":\"{}Z\",{rest},\"trace_id\":\"{TRACE}\",\"span_id\":\"{id:016x}\",\"id\":\"{at_millis}\"}}",
        at(at_millis)
    )
}

#[test]
fn object_holds_lines_as_journalled() {
    let sandbox = Sandbox::new();
    let odd = r#","future":{ "kept" :1.0e3 },"status":{"code":"ok"}"#;
    let root = span(1, 0, "root", (0, 2_500), odd);
    let child = span(2, 1, "child", (500, 900), r#","attributes":{"é":"\u00e9"}"#);
    let (one, two) = (
        log(100, 1, "INFO", "one", ""),
        log(600, 2, "ERROR", "two", r#","pid":1"#),
    );
    let event = event(700, 2, "a.b", r#"{"n":12345678901234567890123}"#);
    let early = point(800, 2, r#""name":"jobs_total","type":"counter","value":1"#);
    let late = point(3_000, 1, r#""name":"queue","type":"gauge","value":7.50"#);
    // in whatever order and file they came, by time they are shown; a record kept twice is one
    put(&sandbox, "sealed/spans-00000001.jsonl", &[&child]);
    put(&sandbox, "spans.log", &[&child, &root]);
    put(
        &sandbox,
        "spill/logs-00000000000000000001-1-00000000.jsonl",
        &[&two],
    );
    let other = log(0, 1, "INFO", "other", "").replace(TRACE, &TRACE.replace('4', "5"));
    put(&sandbox, "logs.log", &[&two, &one, &other]);
    put(&sandbox, "events.log", &[&event]);
    put(&sandbox, "metrics.log", &[&late, &early]);
    let expected = format!(
        r#"{{"trace_id":"{TRACE}","start":"2025-12-04T10:00:00.000000000Z","end":"2025-12-04T10:00:03.000000000Z","#
    ) + &format!(
        r#""duration_ms":3000,"spans":[{root},{child}],"logs":[{one},{two}],"events":[{event}],"metrics":[{early},{late}]}}"#
    ) + "\n";
    for words in [vec!["trace", TRACE], vec!["trace", TRACE, "--json"]] {
        assert_eq!(sandbox.obs(words).quiet().stdout, expected);
    }
}

#[test]
fn recorded_trace_has_the_contract() {
    let sandbox = Sandbox::new().with("OBS_LOG_STREAM", "off");
    let text = r#"
eval "$(obs span start outer n:=1)"
eval "$(obs span start inner)"
obs log info 'a "quoted" message' k=v
obs emit some.thing
obs metric observe took_seconds 0.25
eval "$(obs span end)"
obs trace latest --json
"#;
    let outcome = sandbox.script("sh", text).quiet();
    assert_eq!(outcome.stdout.lines().count(), 1);
    let trace: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let keys: Vec<&str> = trace
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let expected = [
        "trace_id",
        "start",
        "end",
        "duration_ms",
        "spans",
        "logs",
        "events",
        "metrics",
        "live",
    ];
    assert_eq!(keys, expected);
    assert_eq!(trace["live"][0]["name"], "outer");
    for (key, signal) in [
        ("spans", "spans"),
        ("logs", "logs"),
        ("events", "events"),
        ("metrics", "metrics"),
    ] {
        let journalled =
            fs::read_to_string(sandbox.path(&format!("journal/{signal}.log"))).unwrap();
        let line = journalled.trim_end();
        assert!(
            !line.contains('\n') && outcome.stdout.contains(&format!("\"{key}\":[{line}]")),
            "{key}: {line}"
        );
    }
}

/// Two traces that begin alike, an hour apart, and a third.
fn three() -> Sandbox {
    let sandbox = Sandbox::new();
    let [first, second, third] =
        ["4bf92f35aaaa", "4bf92f35bbbb", "5bf92f35aaaa"].map(|id| format!("{id:0<32}"));
    let one = |id: &str, minute: u32| log(minute * 60_000, 1, "INFO", "m", "").replace(TRACE, id);
    let untraced = log(3_000_000, 1, "INFO", "late", "").replace(
        &format!("\"trace_id\":\"{TRACE}\",\"span_id\":\"{:016x}\",", 1),
        "",
    );
    put(
        &sandbox,
        "sealed/logs-00000001.jsonl",
        &[one(&third, 59), one(&second, 2)],
    );
    put(&sandbox, "logs.log", &[untraced]);
    put(
        &sandbox,
        "metrics.log",
        &[point(
            0,
            1,
            "\"name\":\"a_total\",\"type\":\"counter\",\"value\":1",
        )
        .replace(TRACE, &first)],
    );
    sandbox
}

/// The id of the trace that the words find.
#[track_caller]
fn id(sandbox: &Sandbox, words: &[&str]) -> String {
    let outcome = sandbox.obs([&["trace", "--json"], words].concat()).quiet();
    let trace: Value = serde_json::from_str(&outcome.stdout).unwrap();
    trace["trace_id"].as_str().unwrap().to_owned()
}

#[test]
fn traces_are_found_by_any_name() {
    let sandbox = three();
    let first = format!("{:0<32}", "4bf92f35aaaa");
    for name in [
        &first,
        "4bf92f35a",
        "4BF92F35AAAA",
        &format!("00-{first}-00f067aa0ba902b7-01"),
    ] {
        assert_eq!(id(&sandbox, &[name]), first, "{name}");
    }
    let third = format!("{:0<32}", "5bf92f35aaaa");
    assert_eq!(id(&sandbox, &["5bf9"]), third);
    for latest in [&["latest"][..], &[]] {
        assert_eq!(id(&sandbox, latest), third);
    }
    // a span that just started is the newest record
    sandbox
        .obs(["span", "start", "new", "--owner", "0"])
        .quiet();
    assert_eq!(id(&sandbox, &["latest"]), sandbox_live(&sandbox));
}

fn sandbox_live(sandbox: &Sandbox) -> String {
    let live = fs::read_dir(sandbox.path("journal/live"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    let live: Value = serde_json::from_slice(&fs::read(live.path()).unwrap()).unwrap();
    live["span"]["trace_id"].as_str().unwrap().to_owned()
}

#[test]
fn unknown_and_ambiguous_names_are_said() {
    let sandbox = three();
    let hint = format!("hint: {:0<32}, {:0<32}\n", "4bf92f35aaaa", "4bf92f35bbbb");
    for (name, code, said) in [
        (
            "4bf9",
            2,
            format!("obs: `4bf9` is the beginning of 2 traces\n{hint}"),
        ),
        ("4bf", 2, "obs: `4bf` is no trace id\n".to_owned()),
        ("newest", 2, "obs: `newest` is no trace id\n".to_owned()),
        ("ffff", 1, "obs: no such trace\n".to_owned()),
    ] {
        let outcome = sandbox.obs(["trace", name]);
        assert_eq!(
            (outcome.code, outcome.stdout.as_str()),
            (code, ""),
            "{}",
            outcome.shown()
        );
        assert!(outcome.stderr.starts_with(&said), "{}", outcome.stderr);
    }
    assert_eq!(Sandbox::new().obs(["trace"]).code, 1);
}

#[test]
fn damage_is_counted_in_a_trace_too() {
    let sandbox = Sandbox::new();
    let torn = log(2, 1, "INFO", "torn", "");
    put(
        &sandbox,
        "logs.log",
        &[
            "junk".to_owned(),
            log(1, 1, "INFO", "whole", ""),
            torn[..torn.len() - 9].to_owned(),
        ],
    );
    let outcome = sandbox.obs(["trace", "4bf9", "--json"]);
    assert_eq!(outcome.code, 0);
    assert_eq!(
        outcome.stderr,
        "obs: skipped 2 damaged lines\nhint: `obs fsck` shows where\n"
    );
    let trace: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(trace["logs"].as_array().unwrap().len(), 1);
}

#[test]
fn ten_thousand_records_are_one_trace() {
    let sandbox = Sandbox::new();
    let logs: Vec<String> = (0..5_000).map(|n| log(n, 2, "INFO", "m", "")).collect();
    let spans: Vec<String> = (2..5_000)
        .map(|n| span(n, 1, "s", (n, n + 1), ""))
        .collect();
    put(&sandbox, "logs.log", &logs);
    put(
        &sandbox,
        "spans.log",
        &[vec![span(1, 0, "root", (0, 9_000), "")], spans].concat(),
    );
    let outcome = sandbox.obs(["trace", "--json"]).quiet();
    let trace: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(
        (
            trace["spans"].as_array().unwrap().len(),
            trace["logs"].as_array().unwrap().len()
        ),
        (4_999, 5_000)
    );
    let human = sandbox.obs(["trace", "--human"]).quiet().stdout;
    assert!(
        human.contains("4999 spans, 5000 logs\n"),
        "{}",
        &human[..200]
    );
    assert_eq!(human.lines().count(), 3 + 4_999 + 5_000);
}
