//! What a human reads: one row a record, cut to the terminal, with nothing hostile in it.

use super::{log, put};
use crate::sandbox::{Sandbox, have};
use crate::terminal::{is_tame, on_terminal};

fn hostile() -> Sandbox {
    let sandbox = Sandbox::new();
    let nasty = r"\u001b[2J\u001b]0;title\u0007\r\n\t\u009b1m\u202egnp.exe\u2066\u200b\u007f end";
    let context = format!(",\"context\":{{\"{nasty}\":\"{nasty}\"}}");
    let long = "wide 日本語のタイトル 🚀 ".repeat(20);
    let lines = [
        log(1, nasty, ""),
        log(2, "short", &context),
        log(3, &long, &context),
        log(4, "plain", ",\"context\":{\"n\":1,\"text\":\"two words\"}"),
    ];
    put(&sandbox, "logs.log", lines.concat());
    sandbox.with("TERM", "xterm-256color")
}

#[test]
fn rows_are_escaped_and_cut() {
    let sandbox = hostile();
    for (columns, asked) in [("80", 80), ("40", 40), ("200", 200), ("7", 40), ("", 80)] {
        let sandbox = hostile().with("COLUMNS", columns);
        let outcome = sandbox.obs(["logs", "--human"]).quiet();
        assert_eq!(outcome.stdout.lines().count(), 4, "{}", outcome.shown());
        assert!(!outcome.stdout.contains('\u{1b}'), "{}", outcome.shown());
        is_tame(&outcome.stdout, asked);
    }
    let outcome = sandbox
        .with("COLUMNS", "100")
        .obs(["logs", "--human", "--limit", "1"])
        .quiet();
    let row = "2025-12-04 10:00:04.000 INFO     plain n=1 text=\"two words\"\n";
    assert_eq!(outcome.stdout, row);
}

#[test]
fn terminal_gets_colours_and_its_width() {
    if !have("script") {
        return;
    }
    for columns in [80, 43, 120] {
        let outcome = on_terminal(&hostile(), columns, "obs logs");
        assert_eq!(outcome.stdout.lines().count(), 4, "{}", outcome.shown());
        assert!(
            outcome.stdout.contains("\u{1b}[32mINFO"),
            "{}",
            outcome.shown()
        );
        is_tame(&outcome.stdout, columns);
    }
    let json = on_terminal(&hostile(), 80, "obs logs --json");
    assert!(
        json.stdout.starts_with("{\"timestamp\""),
        "{}",
        json.shown()
    );
    assert!(!json.stdout.contains('\u{1b}'), "{}", json.shown());
    let quiet = on_terminal(&hostile().with("NO_COLOR", "1"), 80, "obs logs");
    assert!(!quiet.stdout.contains('\u{1b}'), "{}", quiet.shown());
    is_tame(&quiet.stdout, 80);
}

#[test]
fn emoji_are_as_wide_as_shown() {
    let sandbox = Sandbox::new().with("COLUMNS", "80");
    put(
        &sandbox,
        "logs.log",
        log(1, &"\u{2764}\u{fe0f}\u{26a0}\u{fe0f}".repeat(40), ""),
    );
    is_tame(&sandbox.obs(["logs", "--human"]).quiet().stdout, 80);
}

#[test]
fn every_signal_has_its_row() {
    let sandbox = Sandbox::new().with("COLUMNS", "100");
    let start = "2025-12-04T10:00:00Z";
    let end = "2025-12-04T10:00:01.5Z";
    sandbox
        .obs([
            "span",
            "record",
            "pack",
            "--start",
            start,
            "--end",
            end,
            "--status",
            "error",
            "--message",
            "tar failed",
            "n:=2",
        ])
        .quiet();
    sandbox
        .obs(["emit", "backup.finished", "--time", start, "target=/srv"])
        .quiet();
    sandbox
        .obs([
            "metric",
            "inc",
            "jobs_total",
            "2",
            "--time",
            start,
            "status=ok",
        ])
        .quiet();
    sandbox
        .obs([
            "metric", "set", "queue", "7", "--time", start, "--unit", "By",
        ])
        .quiet();
    sandbox
        .obs(["metric", "observe", "took_seconds", "0.5", "--time", start])
        .quiet();
    let rows = |command: &str| sandbox.obs([command, "--human"]).quiet().stdout;
    let all = [rows("spans"), rows("events"), rows("metrics-points")].concat();
    let all: Vec<&str> = all.lines().map(str::trim_end).collect();
    let expected = [
        "2025-12-04 10:00:00.000 span     1.50 s pack ✗ tar failed n=2",
        "2025-12-04 10:00:00.000 event    backup.finished target=/srv",
        "2025-12-04 10:00:00.000 metric   jobs_total +2 status=ok",
        "2025-12-04 10:00:00.000 metric   queue = 7 By",
        "2025-12-04 10:00:00.000 metric   took_seconds ~ 0.5",
    ];
    assert_eq!(all, expected);
}

#[test]
fn errors_show_nothing_hostile() {
    let sandbox = Sandbox::new();
    let nasty = "\u{1b}[2J\u{202e}\r";
    for words in [
        vec!["trace", nasty],
        vec!["logs", "--since", nasty],
        vec!["logs", "--where", nasty],
        vec!["print", "schema", nasty],
    ] {
        let outcome = sandbox.obs(&words);
        assert_eq!(outcome.code, 2, "{words:?}: {}", outcome.shown());
        is_tame(&outcome.stderr, 200);
    }
}
