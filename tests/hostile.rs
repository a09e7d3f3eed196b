//! Any bytes in, exactly one line out: it parses, its envelope is ours, and nothing in it acts on a terminal.

use crate::capture::{file, silent};
use crate::sandbox::{Outcome, Sandbox, outcome, program};
use obs::model::{json, shown};
use obs::redact;
use proptest::prelude::*;
use serde_json::Value;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

const LOG: &str = "timestamp level logger message context exception trace_id span_id duration_ms status service host \
                   pid module function line id resource obs";
const EVENT: &str = "event_id event_type event_version timestamp source source_version correlation_id causation_id \
                     trace_context actor data metadata resource obs";
const METRIC: &str = "timestamp name type value labels unit help buckets trace_id span_id service host id resource obs";
const SPAN: &str = "timestamp end duration_ms name trace_id span_id parent_span_id trace_state trace_flags kind status \
                    attributes events links service host pid resource scope obs";

/// Texts that once broke somebody.
pub(crate) const FRAGMENTS: &[&[u8]] = &[
    b"\"",
    b"\\",
    b"\\\"",
    b"\n",
    b"\r",
    b"\t",
    b"\x1b[2K",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"=",
    b":=",
    b"@",
    b"-",
    b"--",
    b"'",
    b"$(x)",
    b"`",
    b"%",
    b"\x7f",
    "\u{9b}".as_bytes(),
    "\u{202e}".as_bytes(),
    "\u{2028}".as_bytes(),
    "\u{feff}".as_bytes(),
    "\u{fffd}".as_bytes(),
    "😀".as_bytes(),
    b"\xff",
    b"\xc3",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\",\"level\":\"CRITICAL\",\"id\":\"",
    b"\"}\n{\"level\":\"CRITICAL\"}",
    b"null",
    b"1e999",
    b"\\u0000",
    b"\\ud800",
    b"::error::",
    b"level",
    b"$serde_json::private::Number",
    b" ",
    b"a",
    b"0",
    b"::warning",
];

/// Any bytes that can stand in argv: none is NUL.
fn bytes() -> impl Strategy<Value = OsString> {
    let piece = prop_oneof![
        3 => prop::sample::select(FRAGMENTS).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(1..=u8::MAX, 0..12),
    ];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| OsString::from_vec(pieces.concat()))
}

fn many(count: usize) -> impl Strategy<Value = Vec<OsString>> {
    prop::collection::vec(bytes(), count)
}

/// An option or attribute: its words and the bytes behind them.
fn joined(prefix: &str, bytes: &OsStr) -> OsString {
    OsString::from_vec([prefix.as_bytes(), bytes.as_bytes()].concat())
}

/// A JSON object with these bytes as key and as value, as far as they are text.
fn object(bytes: &OsStr) -> OsString {
    let text = bytes.to_string_lossy();
    serde_json::json!({text.clone(): {text.clone(): [text]}})
        .to_string()
        .into()
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn run(sandbox: &Sandbox, words: &[OsString], variables: &[(&str, &OsStr)]) -> Outcome {
    let mut command = sandbox.command(program());
    outcome(
        &command
            .args(words)
            .envs(variables.iter().copied())
            .output()
            .unwrap(),
    )
}

fn words(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}

/// The lines of a file of the journal; each is checked to be a record of ours, only ours.
fn lines(sandbox: &Sandbox, name: &str, envelope: &str) -> Vec<Value> {
    let text = file(sandbox, name);
    assert!(text.is_empty() || text.ends_with('\n'), "{text:?}");
    text.split_terminator('\n')
        .map(|line| record(line, envelope))
        .collect()
}

/// A line as the strictest reader takes it.
fn record(line: &str, envelope: &str) -> Value {
    assert!(!line.chars().any(shown::is_hostile), "{line:?}");
    let value = json::parse(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    let known: Vec<&str> = envelope.split_whitespace().collect();
    let keys = value.as_object().unwrap().keys();
    let order: Vec<Option<usize>> = keys
        .map(|key| known.iter().position(|known| known == key))
        .collect();
    assert!(!order.contains(&None) && order.is_sorted(), "{line}");
    value
}

/// What a text of these bytes is in a record.
fn kept(bytes: &OsStr) -> String {
    redact::text(&bytes.to_string_lossy()).into_owned()
}

fn is_ulid(value: &Value, prefix: &str) -> bool {
    let digits = value
        .as_str()
        .and_then(|text| text.strip_prefix(prefix))
        .unwrap_or_default();
    digits.len() == 26
        && digits
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
}

proptest! {
    #![proptest_config(config(64))]

    #[test]
    fn log_of_any_bytes_is_one_record(given in many(12), format in prop::sample::select(&["json", "pretty", "logfmt", "github"][..])) {
        let sandbox = Sandbox::new().with("OBS_LOG_FORMAT", format);
        let mut call = words(&["log"]);
        for (option, bytes) in ["source", "exception", "logger", "status", "time", "duration-ms", "context"].iter().zip(&given) {
            call.push(joined(&format!("--{option}="), bytes));
        }
        call.extend([OsString::from("info"), OsString::from("--"), given[7].clone()]);
        call.extend([joined("k=", &given[8]), joined("t:=", &given[9]), given[10].clone(), object(&given[11])]);
        let ended = run(&sandbox, &call, &[]);
        prop_assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
        prop_assert!(!ended.stdout.chars().any(|c| c != '\n' && shown::is_hostile(c)), "{:?}", ended.stdout);
        let found = lines(&sandbox, "logs.log", LOG);
        prop_assert_eq!(found.len(), 1);
        prop_assert_eq!(&found[0]["level"], "INFO");
        prop_assert_eq!(found[0]["message"].as_str().unwrap(), kept(&given[7]));
        prop_assert!(is_ulid(&found[0]["id"], ""));
        prop_assert_eq!(&found[0]["pid"], std::process::id());
    }

    #[test]
    fn variables_of_any_bytes_forge_nothing(given in many(13)) {
        let sandbox = silent();
        let names = [
            "TRACEPARENT", "TRACESTATE", "OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES", "OTEL_SERVICE_VERSION",
            "OTEL_DEPLOYMENT_ENVIRONMENT", "OBS_ACTOR", "OBS_CORRELATION_ID", "OBS_LOG_LEVEL", "GITHUB_ACTIONS", "GITHUB_ACTOR",
            "OBS_ACTOR_TYPE", "AI_AGENT",
        ];
        let variables: Vec<(&str, &OsStr)> = names.into_iter().zip(given.iter().map(OsString::as_os_str)).collect();
        run(&sandbox, &words(&["log", "critical", "m"]), &variables).quiet();
        run(&sandbox, &words(&["emit", "x"]), &variables).quiet();
        let log = lines(&sandbox, "logs.log", LOG).remove(0);
        prop_assert_eq!((&log["level"], &log["message"]), (&Value::from("CRITICAL"), &Value::from("m")));
        let event = lines(&sandbox, "events.log", EVENT).remove(0);
        prop_assert!(is_ulid(&event["event_id"], "evt_"));
        for line in file(&sandbox, "diagnostics.log").lines() {
            record(line, "timestamp what why pid");
        }
    }

    #[test]
    fn event_of_any_bytes_is_one_record(given in many(6), known in any::<bool>()) {
        let sandbox = silent();
        let mut call = words(&["emit"]);
        for (option, bytes) in ["causation", "correlation", "time", "data"].iter().zip(&given) {
            call.push(joined(&format!("--{option}="), bytes));
        }
        let kind = if known { OsString::from("git.commit") } else { given[4].clone() };
        call.extend([OsString::from("--"), kind.clone(), joined("k=", &given[5]), object(&given[5])]);
        let ended = run(&sandbox, &call, &[]);
        prop_assert_eq!(ended.code, 0);
        let found = lines(&sandbox, "events.log", EVENT);
        prop_assert_eq!(found.len(), 1);
        let expected = if known { "obs.event.invalid".to_owned() } else { kept(&kind) };
        prop_assert_eq!(found[0]["event_type"].as_str().unwrap(), expected);
        prop_assert!(is_ulid(&found[0]["event_id"], "evt_"));
    }

    #[test]
    fn metric_of_any_bytes_is_one_record(given in many(7)) {
        let sandbox = silent();
        let mut call = words(&["metric", "observe"]);
        for (option, bytes) in ["unit", "help-text", "buckets", "time"].iter().zip(&given) {
            call.push(joined(&format!("--{option}="), bytes));
        }
        call.extend([joined("--labels=", &object(&given[4])), OsString::from("--"), given[5].clone()]);
        call.extend([joined("v", &given[6]), joined("k=", &given[6])]);
        let ended = run(&sandbox, &call, &[]);
        let found = lines(&sandbox, "metrics.log", METRIC);
        // a value with an equals sign is a label, or no word at all
        prop_assert_eq!((ended.code, found.len()), if given[6].as_bytes().contains(&b'=') { (2, 0) } else { (0, 1) });
        prop_assert!(found.iter().all(|point| point["type"] == "histogram" && is_ulid(&point["id"], "")));
    }

    #[test]
    fn span_of_any_bytes_is_one_record(given in many(9)) {
        let sandbox = silent();
        let mut call = words(&["span", "record"]);
        let options = ["start", "end", "kind", "status", "message", "span", "parent", "attributes"];
        for (option, bytes) in options.iter().zip(&given) {
            call.push(joined(&format!("--{option}="), bytes));
        }
        call.extend([OsString::from("--"), given[8].clone(), object(&given[4]), joined("k=", &given[5])]);
        run(&sandbox, &call, &[]).quiet();
        let found = lines(&sandbox, "spans.log", SPAN);
        prop_assert_eq!(found.len(), 1);
        prop_assert_eq!(found[0]["name"].as_str().unwrap(), kept(&given[8]));
        prop_assert_eq!(&found[0]["scope"]["name"], "obs");
    }

    #[test]
    fn every_line_of_any_input_is_one_record(input in prop::collection::vec(any::<u8>(), 0..400), objects in any::<bool>()) {
        let sandbox = silent();
        let mut input = input;
        input.extend_from_slice(b"\n{\"level\":\"ERROR\",\"message\":7,\"id\":\"x\"}\n");
        let call: &[&str] = if objects { &["log", "--stdin", "--json"] } else { &["log", "--stdin"] };
        sandbox.obs_with(&input, call).quiet();
        let found = lines(&sandbox, "logs.log", LOG);
        prop_assert_eq!(found.len(), input.iter().filter(|byte| **byte == b'\n').count());
        prop_assert!(found.iter().all(|log| is_ulid(&log["id"], "")));
        prop_assert_eq!(&found[found.len() - 1]["level"], if objects { "ERROR" } else { "INFO" });
    }
}

proptest! {
    #![proptest_config(config(24))]

    #[test]
    fn live_span_of_any_bytes_stays_readable(given in many(8)) {
        let sandbox = silent();
        let mut start = words(&["span", "start", "--owner=0", "--json"]);
        start.extend([joined("--kind=", &given[0]), OsString::from("--"), given[1].clone(), object(&given[0])]);
        let started: Value = serde_json::from_str(&run(&sandbox, &start, &[]).quiet().stdout).unwrap();
        let id = OsString::from(started["span_id"].as_str().unwrap());
        for (command, more) in [
            ("event", vec![given[2].clone(), object(&given[3])]),
            ("set", vec![joined("k=", &given[4])]),
            ("link", vec![given[5].clone(), object(&given[3])]),
            ("status", vec![OsString::from("error"), given[6].clone()]),
            ("end", vec![object(&given[7])]),
        ] {
            let live = file(&sandbox, &format!("live/{}.json", id.to_str().unwrap()));
            prop_assert_eq!(live.matches('\n').count(), 1);
            record(live.trim_end(), "span owners expires changed done reported");
            let call = [words(&["span", command]), vec![joined("--span=", &id), OsString::from("--")], more].concat();
            run(&sandbox, &call, &[]).quiet();
        }
        let found = lines(&sandbox, "spans.log", SPAN);
        prop_assert_eq!(found.len(), 1);
        prop_assert_eq!(&found[0]["status"]["code"], "error");
        prop_assert_eq!(&found[0]["span_id"], &started["span_id"]);
    }
}
