//! Records that are too long, too deep or too many: kept all the same, cut to size, and they say so.

use crate::capture::{file, notes, silent};
use crate::sandbox::{Sandbox, have, program};
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

/// The longest record by default (design 5: cut at 256 KiB).
const MOST: usize = 256 << 10;

/// The one line of a file of the journal, which is no longer than `most`.
#[track_caller]
fn fitted(sandbox: &Sandbox, name: &str, most: usize) -> Value {
    let text = file(sandbox, name);
    assert_eq!(text.matches('\n').count(), 1);
    assert!(text.len() <= most, "{} bytes", text.len());
    serde_json::from_str(&text).unwrap()
}

#[test]
fn ten_megabytes_are_cut_and_their_length_kept() {
    let big = vec![b'x'; 10 << 20];
    let sandbox = silent();
    sandbox
        .obs_with(&[&big[..], b"\nnext\n"].concat(), &["log", "--stdin"])
        .quiet();
    let logs = sandbox.records("logs");
    assert_eq!((logs.len(), &logs[1]["message"]), (2, &json!("next")));
    assert!(logs[0].to_string().len() <= MOST);
    assert!(logs[0]["message"].as_str().unwrap().len() > MOST - 4096);
    let length = logs[0]["obs"]["truncated"].as_u64().unwrap();
    assert!(length >= 10 << 20, "{length}");
}

#[test]
fn long_fields_of_every_kind_are_cut() {
    let big = vec![b'y'; 1 << 20];
    for words in [
        &["log", "--exception", "@big", "error", "m"][..],
        &["log", "info", "m", "k@=big"],
        &["log", "--context", "@big", "info", "m"],
    ] {
        let sandbox = silent();
        fs::write(sandbox.path("work/big"), &big).unwrap();
        sandbox.obs(words).quiet();
        let log = fitted(&sandbox, "logs.log", MOST);
        assert!(
            log["obs"]["truncated"].as_u64().unwrap() >= 1 << 20,
            "{words:?}"
        );
        assert_eq!(log["message"], "m");
    }
    let sandbox = silent();
    fs::write(sandbox.path("work/big"), &big).unwrap();
    sandbox.obs(["emit", "x", "k@=big"]).quiet();
    sandbox.obs(["metric", "inc", "n", "k@=big"]).quiet();
    sandbox
        .obs(["span", "record", "s", "--start", "1", "k@=big"])
        .quiet();
    for name in ["events.log", "metrics.log", "spans.log"] {
        fitted(&sandbox, name, MOST);
    }
}

#[test]
fn attribute_of_300_kilobytes_is_cut_not_dropped() {
    let sandbox = silent();
    fs::write(sandbox.path("work/f"), "é".repeat(150_000)).unwrap();
    sandbox
        .obs(["log", "info", "m", "before=1", "big@=f", "after=1"])
        .quiet();
    let log = fitted(&sandbox, "logs.log", MOST);
    let big = log["context"]["big"].as_str().unwrap();
    assert!(big.len() > 250_000 && big.chars().all(|c| c == 'é'));
    assert_eq!(
        (&log["context"]["before"], &log["context"]["after"]),
        (&json!("1"), &json!("1"))
    );
    assert!(log["obs"]["truncated"].as_u64().unwrap() >= 300_000);
}

#[test]
fn every_member_of_a_log_object_can_be_cut() {
    for member in [
        "logger",
        "status",
        "module",
        "function",
        "exception",
        "message",
        "other",
    ] {
        let sandbox = silent();
        let line = json!({member: "z".repeat(400_000), "level": "ERROR"}).to_string() + "\n";
        sandbox
            .obs_with(line.as_bytes(), &["log", "--stdin", "--json"])
            .quiet();
        let text = file(&sandbox, "logs.log");
        assert!(text.len() <= MOST, "{member}: {} bytes", text.len());
        assert_eq!(sandbox.only_log()["level"], "ERROR", "{member}");
    }
}

#[test]
fn long_words_together_are_cut() {
    let long = "w".repeat(120_000);
    let sandbox = silent().with("OTEL_SERVICE_NAME", &long);
    sandbox
        .obs(["emit", &long, "--causation", &long, "--correlation", &long])
        .quiet();
    fitted(&sandbox, "events.log", MOST);
    sandbox
        .obs([
            "log", "--logger", &long, "--status", &long, "--source", &long, "m",
        ])
        .quiet();
    fitted(&sandbox, "logs.log", MOST);
    sandbox
        .obs([
            "metric",
            "inc",
            &long,
            "--unit",
            &long,
            "--help-text",
            &long,
        ])
        .quiet();
    fitted(&sandbox, "metrics.log", MOST);
}

#[test]
fn thousands_of_small_members_fit() {
    if !have("timeout") {
        return;
    }
    let members: serde_json::Map<String, Value> = (0..20_000)
        .map(|n| (format!("key{n}"), json!("v".repeat(80))))
        .collect();
    let data = Value::from(members).to_string();
    for words in [
        &["emit", "x", "--data", "@data"][..],
        &["metric", "inc", "n", "--labels", "@data"],
    ] {
        let sandbox = silent();
        fs::write(sandbox.path("work/data"), &data).unwrap();
        let mut command = sandbox.command("timeout");
        // ten seconds tell a loop over every member from a slow machine
        command.arg("10").arg(program()).args(words);
        crate::sandbox::outcome(&command.output().unwrap()).quiet();
        let name = if words[0] == "emit" {
            "events.log"
        } else {
            "metrics.log"
        };
        assert!(
            fitted(&sandbox, name, MOST)["obs"]["dropped"]
                .as_u64()
                .unwrap()
                > 10_000
        );
    }
}

#[test]
fn length_is_a_setting() {
    let sandbox = silent().with("OBS_RECORD_BYTES", "4096");
    sandbox.obs(["log", "info", &"x".repeat(100_000)]).quiet();
    let log = fitted(&sandbox, "logs.log", 4096);
    assert!(log["message"].as_str().unwrap().len() > 3000);
}

#[test]
fn escapes_that_grow_fit_too() {
    let sandbox = silent();
    fs::write(sandbox.path("work/f"), "\u{1}\u{202e}\"\\".repeat(50_000)).unwrap();
    sandbox.obs(["log", "info", "m", "k@=f"]).quiet();
    fitted(&sandbox, "logs.log", MOST);
}

#[test]
fn attributes_over_the_limit_are_counted() {
    let words: Vec<String> = (0..200).map(|n| format!("k{n}=v")).collect();
    let call: Vec<&str> = ["log", "info", "m"]
        .into_iter()
        .chain(words.iter().map(String::as_str))
        .collect();
    for (name, value, most) in [
        ("NOTHING", "x", 128),
        ("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "5", 5),
        ("OTEL_ATTRIBUTE_COUNT_LIMIT", "7", 7),
        ("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "300", 200),
        ("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "many", 128),
    ] {
        let sandbox = silent().with(name, value);
        sandbox.obs(&call).quiet();
        let log = sandbox.only_log();
        let kept: Vec<&String> = log["context"].as_object().unwrap().keys().collect();
        assert_eq!(kept.len(), most, "{name}={value}");
        assert_eq!(kept[most - 1], &format!("k{}", most - 1));
        assert_eq!(
            log["obs"]["dropped"].as_u64().unwrap_or_default(),
            200 - most as u64
        );
    }
}

#[test]
fn values_are_cut_by_characters_and_the_message_is_not() {
    let sandbox = silent().with("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "3");
    sandbox
        .obs([
            "log",
            "info",
            "message",
            "a=äöüß",
            r#"b:={"c":["12345",12345]}"#,
        ])
        .quiet();
    let log = sandbox.only_log();
    assert_eq!(log["message"], "message");
    assert_eq!(
        log["context"],
        json!({"a": "äöü", "b": {"c": ["123", 12345]}})
    );
}

#[test]
fn depth_ends_at_sixty_four() {
    let nested = |depth: usize| {
        format!(
            "{{\"a\":{}1{}}}",
            "[".repeat(depth - 1),
            "]".repeat(depth - 1)
        )
    };
    let sandbox = silent();
    sandbox
        .obs(["log", "--context", &nested(64), "info", "m"])
        .quiet();
    sandbox
        .obs(["log", "--context", &nested(65), "info", "m"])
        .quiet();
    sandbox
        .obs(["log", "info", "m", &format!("k:={}", "[".repeat(50_000))])
        .quiet();
    let logs = sandbox.records("logs");
    assert_eq!(
        (logs[0]["context"].to_string(), notes(&logs[0]).as_str()),
        (nested(64), "")
    );
    assert_eq!(
        (logs[1].get("context"), notes(&logs[1])),
        (None, json!({"invalid": [nested(65)]}).to_string())
    );
    assert_eq!(logs[2]["context"]["k"].as_str().unwrap().len(), 50_000);
}

#[test]
fn duplicate_keys_are_kept_as_text() {
    let sandbox = silent();
    sandbox
        .obs([
            "log",
            "info",
            "m",
            r#"{"a":{"b":1,"b":2}}"#,
            r#"c:={"d":1,"d":2}"#,
        ])
        .quiet();
    let log = sandbox.only_log();
    assert_eq!(log["context"], json!({"c": r#"{"d":1,"d":2}"#}));
    assert_eq!(
        log["obs"]["invalid"],
        json!([r#"{"a":{"b":1,"b":2}}"#, r#"c:={"d":1,"d":2}"#])
    );
}

#[test]
fn replaced_bytes_are_noted_wherever_they_stood() {
    let bad = OsStr::from_bytes(b"b\xff");
    for (words, signal) in [
        (&["log", "BAD"][..], "logs"),
        (&["log", "m", "--logger", "BAD"], "logs"),
        (&["log", "m", "--source", "BAD"], "logs"),
        (&["log", "m", "--status", "BAD"], "logs"),
        (&["emit", "BAD"], "events"),
        (&["emit", "x", "--causation", "BAD"], "events"),
        (&["metric", "inc", "BAD"], "metrics-points"),
        (&["metric", "inc", "n", "--unit", "BAD"], "metrics-points"),
        (&["span", "record", "BAD", "--start", "1"], "spans"),
        (
            &[
                "span",
                "record",
                "s",
                "--start",
                "1",
                "--status",
                "error",
                "--message",
                "BAD",
            ],
            "spans",
        ),
    ] {
        let sandbox = silent();
        let call = words.iter().map(|word| {
            if *word == "BAD" {
                bad
            } else {
                OsStr::new(word)
            }
        });
        sandbox.obs(call).quiet();
        let record = sandbox.records(signal).remove(0);
        assert!(record.to_string().contains("b\u{fffd}"), "{words:?}");
        assert_eq!(notes(&record), r#"{"lossy":true}"#, "{words:?}");
    }
}
