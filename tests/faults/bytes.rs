//! Hostile bytes in every argument, in the environment and on standard input: each call makes one line, which parses
//! and has our envelope.

use crate::rig::{self, Dice, Rig};
use serde_json::Value;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// Bytes that break things somewhere: quotes, controls, ends of lines, half and forbidden characters.
const NASTY: &[&[u8]] = &[
    b"",
    b" ",
    b"\"",
    b"\\",
    b"\n",
    b"\r\n{\"level\":\"CRITICAL\"}\n",
    b"\",\"level\":\"CRITICAL",
    b"\x1b[2J\x07\x7f",
    b"\xff\xfe",
    b"\xc3",
    b"\xed\xa0\x80",
    b"\xe2\x80\xa8\xe2\x80\xae",
    b"\xf4\x90\x80\x80",
    b"--",
    b"-",
    b"--nonsense",
    b"=",
    b"k=",
    b"=v",
    b":=",
    b"k:={",
    b"k@=/nonexistent",
    b"{",
    b"{\"a\":{\"a\":1},\"a\":2}",
    b"critical",
    b"%s%n$(id)`id`",
];

fn word(dice: &mut Dice) -> Vec<u8> {
    let nasty = NASTY[dice.roll(NASTY.len())].to_vec();
    match dice.roll(3) {
        0 => nasty,
        1 => {
            let length = dice.roll(200);
            dice.bytes(length)
        }
        _ => [nasty, dice.bytes(8)].concat(),
    }
}

/// The only new line of an active file; it must be whole and an object with these members.
#[track_caller]
fn only_line(rig: &Rig, file: &str, members: &[&str], shown: &dyn std::fmt::Debug) -> Value {
    let text = fs::read(rig.home(file)).unwrap_or_default();
    assert_eq!(
        text.iter().filter(|byte| **byte == b'\n').count(),
        1,
        "{shown:?}"
    );
    assert!(text.ends_with(b"}\n") && text.len() <= 262_144, "{shown:?}");
    let value: Value = serde_json::from_slice(&text).unwrap_or_else(|_| panic!("{shown:?}"));
    for member in members {
        assert!(value.get(member).is_some(), "no {member}: {shown:?}");
    }
    fs::remove_file(rig.home(file)).unwrap();
    value
}

#[test]
fn any_words_make_one_log_line() {
    let rig = Rig::new()
        .with("OBS_STRICT", "1")
        .with("OBS_LOG_STREAM", "off");
    let mut dice = Dice::new(23);
    for _ in 0..400 {
        let mut words: Vec<OsString> = vec!["log".into(), "info".into(), "--".into()];
        for _ in 0..1 + dice.roll(5) {
            words.push(OsString::from_vec(word(&mut dice)));
        }
        rig.obs(&words).fine();
        let line = only_line(
            &rig,
            "logs.log",
            &["timestamp", "level", "message", "id"],
            &words,
        );
        assert_eq!(line["level"], "INFO", "{words:?}");
        let message = words[3].to_string_lossy();
        if words[3].to_str().is_some() && words[3] != "--" {
            assert_eq!(line["message"], message.as_ref(), "{words:?}");
        }
    }
}

#[test]
fn any_bare_words_make_one_line() {
    let rig = Rig::new()
        .with("OBS_STRICT", "1")
        .with("OBS_LOG_LEVEL", "debug");
    let mut dice = Dice::new(24);
    for _ in 0..200 {
        let mut words: Vec<OsString> = vec!["log".into()];
        for _ in 0..1 + dice.roll(4) {
            words.push(OsString::from_vec(word(&mut dice)));
        }
        rig.obs(&words).fine();
        only_line(&rig, "logs.log", &["timestamp", "level", "id"], &words);
    }
}

#[test]
fn any_values_make_one_line_each() {
    let rig = Rig::new().with("OBS_STRICT", "1");
    let mut dice = Dice::new(25);
    for _ in 0..100 {
        let mut value = || [b"k=", &word(&mut dice)[..]].concat();
        let (a, b, c, d) = (value(), value(), value(), value());
        let name = OsStr::from_bytes(&a[1..]); // begins with `=`: no option
        rig.obs([
            OsStr::new("emit"),
            OsStr::new("some.event"),
            OsStr::from_bytes(&b),
        ])
        .fine();
        only_line(&rig, "events.log", &["event_id", "event_type", "data"], &b);
        let metric = ["metric", "inc", "some_total", "2"].map(OsStr::new);
        rig.obs(metric.into_iter().chain([OsStr::from_bytes(&c)]))
            .fine();
        only_line(&rig, "metrics.log", &["timestamp", "name", "value"], &c);
        let span = ["span", "record", "--start", "1"].map(OsStr::new);
        rig.obs(span.into_iter().chain([name, OsStr::from_bytes(&d)]))
            .fine();
        only_line(
            &rig,
            "spans.log",
            &["timestamp", "end", "name", "span_id"],
            &(name, &d),
        );
    }
}

#[test]
fn any_environment_makes_one_line() {
    let rig = Rig::new().with("OBS_STRICT", "1");
    let mut dice = Dice::new(26);
    let names = [
        "BAGGAGE",
        "COLUMNS",
        "ENV",
        "GITHUB_ACTIONS",
        "LANG",
        "OBS_ACTOR",
        "OBS_LOG_FORMAT",
        "OBS_LOG_LEVEL",
        "OBS_LOG_STREAM",
        "OBS_LOCK_TIMEOUT",
        "OBS_RECORD_BYTES",
        "OBS_ROTATE_BYTES",
        "OTEL_ATTRIBUTE_COUNT_LIMIT",
        "OTEL_RESOURCE_ATTRIBUTES",
        "OTEL_SERVICE_NAME",
        "OTEL_TRACES_SAMPLER",
        "TRACEPARENT",
        "TRACESTATE",
        "USER",
    ];
    for _ in 0..100 {
        let mut command = rig.command(rig::program());
        let mut set = Vec::new();
        for name in names {
            let value = word(&mut dice);
            command.env(name, OsStr::from_bytes(&value));
            set.push((name, value));
        }
        let run = rig::run(command.args(["log", "error", "mine", "k=v"])).fine();
        let line = only_line(&rig, "logs.log", &["timestamp", "level", "id"], &set);
        assert_eq!(
            (&line["message"], &line["level"]),
            (&"mine".into(), &"ERROR".into()),
            "{}",
            run.shown()
        );
    }
}

#[test]
fn longest_words_are_cut_and_counted() {
    let rig = Rig::new()
        .with("OBS_STRICT", "1")
        .with("OBS_LOG_STREAM", "off");
    let long = "x".repeat(131_000);
    let words = [
        "log",
        &long,
        &format!("a={}", &long[2..]),
        &format!("b={}", &long[2..]),
        "k=v",
    ];
    rig.obs(words).fine();
    let line = only_line(
        &rig,
        "logs.log",
        &["message", "context", "obs"],
        &"long words",
    );
    assert!(
        line["obs"]["truncated"].as_u64().unwrap() > 390_000,
        "{}",
        line["obs"]
    );
    assert_eq!(line["context"]["k"], "v");
}

#[test]
fn ten_megabytes_become_one_record() {
    let rig = Rig::new()
        .with("OBS_STRICT", "1")
        .with("OBS_LOG_STREAM", "off");
    let input = rig.path("input");
    fs::write(
        &input,
        [vec![b'x'; 10_000_000], b"\nnext\n".to_vec()].concat(),
    )
    .unwrap();
    rig.obs_from(&input, &["log", "--stdin"]).fine();
    let logs = rig.records("logs");
    assert_eq!(logs.len(), 2);
    assert!(logs[0]["message"].as_str().unwrap().len() > 200_000);
    assert!(
        logs[0]["obs"]["truncated"].as_u64().unwrap() >= 10_000_000,
        "{}",
        logs[0]["obs"]
    );
    assert_eq!(logs[1]["message"], "next");
    let line = fs::read(rig.home("logs.log")).unwrap();
    assert!(line.len() < 263_000, "{}", line.len());
}

#[test]
fn any_bytes_on_standard_input() {
    let rig = Rig::new()
        .with("OBS_STRICT", "1")
        .with("OBS_LOG_STREAM", "off");
    let mut dice = Dice::new(27);
    let mut input = Vec::new();
    for _ in 0..500 {
        let mut line = word(&mut dice);
        line.retain(|byte| *byte != b'\n');
        line.push(0);
        input.extend_from_slice(&line);
        input.push(b'\n');
    }
    fs::write(rig.path("input"), &input).unwrap();
    for args in [&["log", "--stdin"][..], &["log", "--stdin", "--json"]] {
        let _ = fs::remove_file(rig.home("logs.log"));
        rig.obs_from(&rig.path("input"), args).fine();
        let text = fs::read_to_string(rig.home("logs.log")).unwrap();
        assert_eq!(text.lines().count(), 500);
        for line in text.lines() {
            assert!(
                serde_json::from_str::<Value>(line).is_ok_and(|value| value.is_object()),
                "{line}"
            );
        }
    }
}
