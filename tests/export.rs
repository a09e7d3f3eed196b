//! `obs export`: every form reads back as what it says it is, to standard output or to a folder that is whole or not there.

use crate::sandbox::{Outcome, Sandbox, have, outcome};
use serde_json::Value;
use std::fs;
use std::process::Stdio;

/// Text that is hostile to a table: quotes, separators, line ends, blanks, what a spreadsheet would run.
const HOSTILE: &str =
    "=cmd|' /C calc'!A0 \"quoted\", semi;colon\ttab\r\nsecond line\n, \u{2028}é \"\"";

fn sandbox() -> Sandbox {
    Sandbox::new()
        .with("OBS_LOG_STREAM", "off")
        .with("OBS_FLUSH", "manual")
}

/// A journal with two records of each signal.
fn full() -> Sandbox {
    let sandbox = sandbox();
    for words in [
        &["log", "info", "one", "k=v"][..],
        &["log", "error", "two"],
        &["emit", "backlog.task.created", "task_id=TASK-1", "title=t"],
        &["emit", "my.own", "x=1"],
        &["metric", "inc", "runs", "2", "a=b"],
        &["metric", "inc", "runs", "3", "a=b"],
        &["span", "exec", "-n", "first", "--", "true"],
        &["span", "exec", "-n", "second", "--", "true"],
    ] {
        sandbox.obs(words).quiet();
    }
    sandbox
}

/// Appends to an active file what obs did not write.
fn append(sandbox: &Sandbox, signal: &str, text: &str) {
    let path = sandbox.journal().join(format!("{signal}.log"));
    let mut bytes = fs::read(&path).unwrap_or_default();
    bytes.extend_from_slice(text.as_bytes());
    fs::write(path, bytes).unwrap();
}

fn lines(text: &str) -> Vec<Value> {
    let read = |line| serde_json::from_str(line).unwrap();
    text.lines().map(read).collect()
}

/// The texts at these places of each line.
fn texts<'a>(lines: &'a [Value], pointer: &str) -> Vec<&'a str> {
    let text = |line: &'a Value| line.pointer(pointer).and_then(Value::as_str);
    lines.iter().map(|line| text(line).unwrap()).collect()
}

/// The rows of CSV as Python reads them.
fn rows(sandbox: &Sandbox, csv: &str) -> Vec<Vec<String>> {
    let file = sandbox.path("work/table.csv");
    fs::write(&file, csv).unwrap();
    let code = "import csv, json, sys; print(json.dumps(list(csv.reader(open(sys.argv[1], newline='', encoding='utf-8'), strict=True))))";
    let mut python = sandbox.command("python3");
    let python = python.args(["-c", code]).arg(file).output().unwrap();
    let read = outcome(&python).quiet();
    serde_json::from_str(&read.stdout).unwrap()
}

#[track_caller]
fn refused(outcome: &Outcome, code: i32, said: &str) {
    assert!(
        outcome.code == code && outcome.stdout.is_empty() && outcome.stderr.contains(said),
        "{}",
        outcome.shown()
    );
}

#[test]
fn journal_lines_come_as_they_stand() {
    let sandbox = full();
    let all = sandbox.obs(["export"]).quiet().stdout;
    let journalled: String = ["events", "logs", "metrics", "spans"]
        .map(|signal| {
            let path = sandbox.journal().join(format!("{signal}.log"));
            fs::read_to_string(path).unwrap()
        })
        .concat();
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&all), sorted(&journalled));
    for signal in ["events", "logs", "metrics", "spans"] {
        let one = sandbox.obs(["export", signal]).quiet().stdout;
        let path = sandbox.journal().join(format!("{signal}.log"));
        assert_eq!(one, fs::read_to_string(path).unwrap());
    }
}

#[test]
fn otlp_json_lines_are_requests() {
    let sandbox = full();
    let export = |signal| {
        let words = ["export", "--format", "otlp-json", signal];
        lines(&sandbox.obs(words).quiet().stdout)
    };
    let logs = export("logs");
    assert_eq!(
        texts(
            &logs,
            "/resourceLogs/0/scopeLogs/0/logRecords/1/body/stringValue"
        ),
        ["two"]
    );
    let events = export("events");
    let name = "/resourceLogs/0/scopeLogs/0/logRecords/0/eventName";
    assert_eq!(texts(&events, name), ["backlog.task.created"]);
    let spans = export("spans");
    let names = spans[0].to_string();
    for name in ["\"name\":\"first\"", "\"name\":\"second\""] {
        assert!(names.contains(name), "{names}");
    }
    let metrics = export("metrics");
    let sum = metrics[0]
        .pointer("/resourceMetrics/0/scopeMetrics/0/metrics/0/sum/dataPoints/0/asDouble")
        .unwrap();
    assert_eq!((metrics.len(), sum), (1, &5.0.into()));
}

#[test]
fn cloudevents_and_cdevents_are_events_only() {
    let sandbox = full();
    for (format, pointer, expected) in [
        (
            "cloudevents",
            "/type",
            ["dev.obs.backlog.task.created.v1", "dev.obs.my.own.v1"],
        ),
        (
            "cdevents",
            "/context/type",
            [
                "dev.cdevents.ticket.created.0.2.0",
                "dev.cdeventsx.obs-my.own.0.1.0",
            ],
        ),
    ] {
        let named = sandbox
            .obs(["export", "--format", format, "events"])
            .quiet();
        let all = sandbox.obs(["export", "--format", format]).quiet();
        assert_eq!(named.stdout, all.stdout);
        assert_eq!(texts(&lines(&all.stdout), pointer), expected);
        for signal in ["logs", "metrics", "spans"] {
            let outcome = sandbox.obs(["export", "--format", format, signal]);
            let said = format!("obs: {signal} cannot be written in this format\nhint: ");
            refused(&outcome, 2, &said);
        }
    }
}

#[test]
fn hostile_text_survives_a_table() {
    if !have("python3") {
        return;
    }
    let sandbox = sandbox();
    let pair = format!("k,\"={HOSTILE}");
    sandbox.obs(["log", "info", HOSTILE, &pair]).quiet();
    sandbox.obs(["span", "exec", "-n", HOSTILE, "--", "true"]);
    let journalled = sandbox.only_log();
    let csv = sandbox
        .obs(["export", "--format", "csv", "logs"])
        .quiet()
        .stdout;
    let rows = rows(&sandbox, &csv);
    let [header, row] = rows.as_slice() else {
        panic!("{rows:?}")
    };
    assert_eq!(header.len(), row.len());
    let field = |name| &row[header.iter().position(|one| one == name).unwrap()];
    for name in ["timestamp", "id", "level", "logger", "message", "service"] {
        assert_eq!(field(name), &journalled[name], "{name}");
    }
    let context: Value = serde_json::from_str(field("context")).unwrap();
    assert_eq!(context, journalled["context"]);
    let csv = sandbox
        .obs(["export", "--format", "csv", "spans"])
        .quiet()
        .stdout;
    let spans = self::rows(&sandbox, &csv);
    assert_eq!(spans[1][3], sandbox.records("spans")[0]["name"]);
}

#[test]
fn table_of_several_signals_needs_a_folder() {
    let sandbox = full();
    let outcome = sandbox.obs(["export", "--format", "csv"]);
    refused(&outcome, 2, "name one signal, or give --output DIR");
    let folder = sandbox.path("work/tables");
    let words = ["export", "--format", "csv", "-o", folder.to_str().unwrap()];
    sandbox.obs(words).quiet();
    for signal in ["events", "logs", "metrics", "spans"] {
        let text = fs::read_to_string(folder.join(format!("{signal}.csv"))).unwrap();
        assert_eq!(text.matches("\r\n").count(), 3, "{text}");
    }
}

#[test]
fn folder_gets_all_files_or_none() {
    let sandbox = full();
    let folder = sandbox.path("work/deep/out");
    let words = ["export", "-o", folder.to_str().unwrap()];
    sandbox.obs(words).quiet();
    let names = || {
        let entries = fs::read_dir(&folder).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(
        names(),
        ["events.jsonl", "logs.jsonl", "metrics.jsonl", "spans.jsonl"]
    );
    for signal in ["events", "logs", "metrics", "spans"] {
        let text = fs::read_to_string(folder.join(format!("{signal}.jsonl"))).unwrap();
        assert_eq!(text, sandbox.obs(["export", signal]).stdout);
    }
    // the last of them is there: the others are not written either, and it stays as it is
    for signal in ["events", "logs", "metrics"] {
        fs::remove_file(folder.join(format!("{signal}.jsonl"))).unwrap();
    }
    fs::write(folder.join("spans.jsonl"), "mine").unwrap();
    refused(&sandbox.obs(words), 2, "spans.jsonl` is there already");
    assert_eq!(names(), ["spans.jsonl"]);
    assert_eq!(
        fs::read_to_string(folder.join("spans.jsonl")).unwrap(),
        "mine"
    );
    // another signal has room beside it
    sandbox
        .obs(["export", "logs", "-o", folder.to_str().unwrap()])
        .quiet();
    assert_eq!(names(), ["logs.jsonl", "spans.jsonl"]);
}

#[test]
fn folder_that_is_a_file_is_refused() {
    let sandbox = full();
    let file = sandbox.path("work/file");
    fs::write(&file, "mine").unwrap();
    let outcome = sandbox.obs(["export", "-o", file.to_str().unwrap()]);
    refused(&outcome, 3, "could not write `");
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
}

#[test]
fn time_range_holds_its_ends() {
    let sandbox = sandbox();
    let line = |time: &str| {
        format!(
            r#"{{"timestamp":"2026-01-0{time}T12:00:00.000000Z","level":"INFO","logger":"bash.x","message":"day {time}","id":"{time}"}}"#
        ) + "\n"
    };
    sandbox.obs(["log", "info", "now"]).quiet();
    append(&sandbox, "logs", &["1", "2", "3"].map(line).concat());
    let days = |words: &[&str]| {
        let all = [&["export", "logs"], words].concat();
        let lines = lines(&sandbox.obs(all).quiet().stdout);
        texts(&lines, "/message").join(" ")
    };
    let (second, third) = ("2026-01-02T12:00:00Z", "2026-01-03T12:00:00Z");
    assert_eq!(days(&["--until", third]), "day 1 day 2");
    assert_eq!(days(&["--since", second, "--until", third]), "day 2");
    assert_eq!(days(&["--since", "1h"]), "now");
    let outcome = sandbox.obs(["export", "--until", "2020-01-01T00:00:00Z"]);
    assert_eq!(
        (
            outcome.code,
            outcome.stdout.as_str(),
            outcome.stderr.as_str()
        ),
        (1, "", "")
    );
    refused(
        &sandbox.obs(["export", "--since", "soon"]),
        2,
        "`--since soon` is no time",
    );
}

#[test]
fn record_that_stands_twice_is_written_once() {
    let sandbox = full();
    for signal in ["events", "logs", "metrics", "spans"] {
        let path = sandbox.journal().join(format!("{signal}.log"));
        append(&sandbox, signal, &fs::read_to_string(path).unwrap());
        let exported = sandbox.obs(["export", signal]).quiet().stdout;
        assert_eq!(exported.lines().count(), 2, "{exported}");
    }
    let words = ["export", "--format", "otlp-json", "metrics"];
    let metrics = sandbox.obs(words).quiet().stdout;
    assert!(metrics.contains("\"asDouble\":5.0"), "{metrics}");
}

#[test]
fn real_end_beats_an_abandoned_span() {
    let sandbox = sandbox();
    sandbox.obs(["span", "exec", "-n", "other", "--", "true"]);
    let line = |end: u8, name: &str, abandoned: &str| {
        format!(
            r#"{{"timestamp":"2026-01-02T12:00:00.000000000Z","end":"2026-01-02T12:00:0{end}.000000000Z","name":"{name}","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"00f067aa0ba902b{end}","trace_flags":"01"{abandoned}}}"#
        ) + "\n"
    };
    let mark = r#","obs":{"abandoned":true}"#;
    append(&sandbox, "spans", &line(1, "given up", mark));
    append(&sandbox, "spans", &line(2, "never ended", mark));
    append(&sandbox, "spans", &line(1, "really ended", ""));
    let lines = lines(&sandbox.obs(["export", "spans"]).quiet().stdout);
    assert_eq!(
        texts(&lines, "/name"),
        ["other", "really ended", "never ended"]
    );
}

#[test]
fn damaged_lines_are_counted_and_left_out() {
    let sandbox = full();
    append(&sandbox, "logs", "torn {\n");
    let outcome = sandbox.obs(["export", "logs"]);
    assert_eq!(outcome.code, 0);
    assert_eq!(lines(&outcome.stdout).len(), 2);
    assert!(outcome.stderr.contains("1 damaged"), "{}", outcome.stderr);
}

#[test]
fn record_without_such_a_form_is_told() {
    let sandbox = full();
    let line = r#"{"timestamp":"2026-01-02T12:00:00.000000000Z","end":"2026-01-02T12:00:01.000000000Z","name":"odd","trace_id":"xyz","span_id":"00f067aa0ba902b7"}"#;
    append(&sandbox, "spans", &format!("{line}\n"));
    let outcome = sandbox.obs(["export", "--format", "otlp-json", "spans"]);
    assert_eq!(outcome.code, 0);
    let said = "obs: 1 spans were left out, the first: `xyz` is no trace id\n";
    assert_eq!(outcome.stderr, said);
    for name in ["first", "second"] {
        assert!(outcome.stdout.contains(name), "{}", outcome.stdout);
    }
    assert!(!outcome.stdout.contains("odd"), "{}", outcome.stdout);
}

#[test]
fn empty_journal_is_no_success() {
    let sandbox = sandbox();
    for format in ["jsonl", "otlp-json", "cloudevents", "cdevents"] {
        let outcome = sandbox.obs(["export", "--format", format]);
        assert_eq!(
            (
                outcome.code,
                outcome.stdout.as_str(),
                outcome.stderr.as_str()
            ),
            (1, "", "")
        );
    }
    for words in [&["export", "nope"][..], &["export", "--format", "xml"]] {
        assert_eq!(sandbox.obs(words).code, 2, "{words:?}");
    }
}

#[test]
fn reader_that_leaves_is_no_failure() {
    let sandbox = full();
    let outcome = sandbox.script("bash", "obs export | head -n 1; exit ${PIPESTATUS[0]}");
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""));
    if !std::path::Path::new("/dev/full").exists() {
        return;
    }
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let mut command = sandbox.command(crate::sandbox::program());
    let command = command.arg("export").stdout(Stdio::from(full));
    let outcome = crate::sandbox::outcome(&command.output().unwrap());
    refused(&outcome, 3, "no space left on device");
}
