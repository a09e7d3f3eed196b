//! The tree that a human reads: spans with bars, everything else in its place, never wider than the page.

use super::{event, log, point, put, span};
use crate::sandbox::{Sandbox, have};
use crate::terminal::{is_tame, on_terminal, plain};
use snapbox::{assert_data_eq, str};

/// A build that retries its packing, with every kind of record in it.
fn build() -> Sandbox {
    let sandbox = Sandbox::new();
    let moment = ",\"events\":[{\"timestamp\":\"2025-12-04T10:00:00.450Z\",\"name\":\"cache miss\",\"attributes\":{\"key\":\"a b\"}}]";
    let failed = ",\"status\":{\"code\":\"error\",\"message\":\"exit code 2\"},\"attributes\":{\"attempt\":1}";
    let spans = [
        span(2, 1, "compile", (100, 1_300), moment),
        span(4, 3, "tar", (1_400, 1_405), failed),
        span(3, 1, "pack", (1_350, 1_900), failed),
        span(
            5,
            1,
            "upload 日本語のタイトルはとても長いのです",
            (2_000, 2_900),
            ",\"attributes\":{\"url\":\"https://example.com/a/very/long/path\"}",
        ),
        span(
            1,
            99,
            "build",
            (0, 3_000),
            ",\"attributes\":{\"target\":\"all\"}",
        ),
    ];
    put(&sandbox, "spans.log", &spans);
    let logs = [
        log(50, 1, "INFO", "started", ",\"context\":{\"files\":12}"),
        log(400, 2, "DEBUG", "cc -O2", ""),
        log(
            1_410,
            4,
            "ERROR",
            "tar could not write the archive because the disk is full",
            "",
        ),
        log(1_950, 1, "WARNING", "trying again", ""),
        log(2_950, 77, "CRITICAL", "from nowhere", ""),
    ];
    put(&sandbox, "logs.log", &logs);
    put(
        &sandbox,
        "events.log",
        &[event(
            2_910,
            1,
            "build.finished",
            "{\"outcome\":\"success\"}",
        )],
    );
    let points = [point(
        2_920,
        1,
        "\"name\":\"jobs_total\",\"type\":\"counter\",\"value\":1,\"labels\":{\"status\":\"ok\"}",
    )];
    put(&sandbox, "metrics.log", &points);
    sandbox
}

#[test]
fn tree_reads_well_at_80_columns() {
    let text = build()
        .with("COLUMNS", "80")
        .obs(["trace", "--human"])
        .quiet()
        .stdout;
    is_tame(&text, 80);
    assert_data_eq!(
        text,
        str![[r#"
trace 4bf92f3577b34da6a3ce929d0e0e4736
2025-12-04 10:00:00Z, 3.00 s, 5 spans, 5 logs, 1 event, 1 point, 4 errors

build target=all                                     3.00 s ████████████████████
├ INFO started files=12                            +50.0 ms
├ compile                                            1.20 s ████████
│ ├ DEBUG cc -O2                                    +400 ms
│ └ • cache miss key="a b"                          +450 ms
├ pack ✗ exit code 2 attempt=1                       550 ms          ███
│ └ tar ✗ exit code 2 attempt=1                     5.00 ms          ▏
│   └ ERROR tar could not write the archive beca…   +1.41 s
├ WARNING trying again                              +1.95 s
├ upload 日本語のタイトルはとても長いのです          900 ms              ██████
├ event build.finished outcome=success              +2.91 s
└ metric jobs_total +1 status=ok                    +2.92 s
CRITICAL from nowhere                               +2.95 s

"#]]
    );
}

#[test]
fn tree_reads_well_at_40_columns() {
    let text = build()
        .with("COLUMNS", "40")
        .obs(["trace", "--human"])
        .quiet()
        .stdout;
    let (heading, tree) = text.split_once("\n\n").unwrap();
    is_tame(heading, 40);
    is_tame(tree, 40);
    assert_data_eq!(
        tree,
        str![[r#"
build target=all       3.00 s ██████████
├ INFO started       +50.0 ms
├ compile              1.20 s ████
│ ├ DEBUG cc -O2      +400 ms
│ └ • cache miss      +450 ms
├ pack ✗ exit code…    550 ms     ██
│ └ tar ✗ exit cod…   5.00 ms     ▏
│   └ ERROR tar co…   +1.41 s
├ WARNING trying a…   +1.95 s
├ upload 日本語の…     900 ms       ███
├ event build.fini…   +2.91 s
└ metric jobs_tota…   +2.92 s
CRITICAL from nowh…   +2.95 s

"#]]
    );
}

#[test]
fn running_and_abandoned_spans_are_marked() {
    let sandbox = Sandbox::new().with("COLUMNS", "80");
    let text = r#"
eval "$(obs span start outer)"
sh -c 'eval "$(obs span start lost)"'
obs trace --human | sed 's/  .*//'
"#;
    let outcome = sandbox.script("sh", text).quiet();
    let tree = outcome.stdout.split_once("\n\n").unwrap().1;
    assert_data_eq!(
        tree,
        str![[r#"
outer …
└ lost ✗ abandoned

"#]]
    );
    assert!(
        outcome.stdout.contains("2 spans, 1 error\n"),
        "{}",
        outcome.shown()
    );
}

#[test]
fn terminal_gets_the_tree() {
    if !have("script") {
        return;
    }
    for columns in [80, 40] {
        let expected = build()
            .with("COLUMNS", &columns.to_string())
            .obs(["trace", "--human"])
            .quiet()
            .stdout;
        let sandbox = build().with("TERM", "xterm-256color");
        let coloured = on_terminal(&sandbox, columns, "obs trace");
        assert!(
            coloured.stdout.contains("\u{1b}[31mpack ✗"),
            "{}",
            coloured.shown()
        );
        assert_eq!(plain(&coloured.stdout), expected);
        let bare = on_terminal(&sandbox.with("NO_COLOR", "1"), columns, "obs trace");
        assert_eq!(bare.stdout.replace("\r\n", "\n"), expected);
    }
}

#[test]
fn tree_shows_nothing_hostile() {
    let sandbox = Sandbox::new().with("COLUMNS", "80");
    let nasty = r"\u001b[2J\r\n\u202e\u200b\u009b";
    let attributes = format!(
        ",\"attributes\":{{\"{nasty}\":\"{nasty}\"}},\"status\":{{\"code\":\"error\",\"message\":\"{nasty}\"}}"
    );
    put(
        &sandbox,
        "spans.log",
        &[span(1, 0, nasty, (0, 9), &attributes)],
    );
    put(&sandbox, "logs.log", &[log(1, 1, "INFO", nasty, "")]);
    put(
        &sandbox,
        "events.log",
        &[event(
            2,
            1,
            nasty,
            &format!("{{\"{nasty}\":[\"{nasty}\"]}}"),
        )],
    );
    let text = sandbox.obs(["trace", "--human"]).quiet().stdout;
    assert_eq!(text.lines().count(), 6, "{text}");
    is_tame(&text, 80);
}

/// Spans in each other, as a loop that never ends them leaves behind.
fn deep(depth: u32) -> Sandbox {
    let sandbox = Sandbox::new().with("COLUMNS", "80");
    let spans: Vec<String> = (1..=depth)
        .map(|n| span(n, n - 1, &format!("s{n}"), (n, n + 1), ""))
        .collect();
    put(&sandbox, "spans.log", &spans);
    sandbox
}

#[test]
fn deep_tree_stays_on_the_page() {
    let sandbox = deep(300);
    let text = sandbox.obs(["trace", "--human"]).quiet().stdout;
    assert_eq!(text.lines().count(), 303);
    is_tame(&text, 80);
    for n in 1..=300 {
        assert!(
            text.contains(&format!(" s{n} ")) || text.contains(&format!("\ns{n} ")),
            "s{n} is not shown:\n{text}"
        );
    }
    let json: serde_json::Value =
        serde_json::from_str(&sandbox.obs(["trace", "--json"]).quiet().stdout).unwrap();
    assert_eq!(json["spans"].as_array().unwrap().len(), 300);
}

#[test]
fn bottomless_tree_is_drawn() {
    let outcome = deep(20_000).obs(["trace", "--human"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    assert_eq!(outcome.stdout.lines().count(), 20_003);
}
