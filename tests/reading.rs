//! `obs logs|events|spans|metrics-points` and `obs fsck` against journals written by hand: what is found, in which
//! order, in which form.

mod damage;
mod filters;
mod follow;
mod human;

use crate::sandbox::Sandbox;
use std::fs;
use std::path::Path;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// Writes a file of the journal, `sealed/` and other folders with it.
fn put(sandbox: &Sandbox, name: &str, content: impl AsRef<[u8]>) {
    let path = sandbox.journal().join(name);
    fs::create_dir_all(sandbox.journal().join("sealed")).unwrap();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// A log record's line; the seconds are its moment and its id.
fn log(second: u32, message: &str, rest: &str) -> String {
    format!(
        "{{\"timestamp\":\"{}\",\"level\":\"INFO\",\"message\":\"{message}\"{rest},\"id\":\"01KBM0000000000000000{second:05}\"}}\n",
        at(second)
    )
}

/// A moment: so many seconds after ten o'clock.
fn at(second: u32) -> String {
    format!(
        "2025-12-04T10:{:02}:{:02}.000000Z",
        second / 60,
        second % 60
    )
}

/// The bytes of a journal's file.
fn bytes(path: impl AsRef<Path>) -> Vec<u8> {
    fs::read(path).unwrap()
}

#[test]
fn records_come_oldest_first_from_all_files() {
    let sandbox = Sandbox::new();
    let (late, early, same) = (log(9, "late", ""), log(1, "early", ""), log(5, "same", ""));
    let twin = same.replace("00005\"", "00006\"");
    let spilled = log(3, "spilled", "");
    put(
        &sandbox,
        "sealed/logs-00000001.jsonl",
        format!("{late}{same}"),
    );
    put(&sandbox, "sealed/logs-00000010.jsonl", &early);
    put(&sandbox, "sealed/events-00000002.jsonl", &early);
    // what was spilled and appended after all is one record
    put(
        &sandbox,
        "spill/logs-00000000000000000007-1-00000000.jsonl",
        &spilled,
    );
    put(
        &sandbox,
        "spill/logs-00000000000000000008-1-00000000.jsonl",
        &early,
    );
    put(
        &sandbox,
        "spill/.logs-00000000000000000009-1-00000000.tmp",
        log(2, "unfinished", ""),
    );
    put(&sandbox, "logs.log", format!("{twin}{spilled}"));
    let outcome = sandbox.obs(["logs"]).quiet();
    assert_eq!(
        outcome.stdout,
        format!("{early}{spilled}{same}{twin}{late}")
    );
}

#[test]
fn lines_are_printed_as_journalled() {
    let sandbox = Sandbox::new();
    let odd = concat!(
        "{ \"timestamp\" : \"2025-12-04T11:00:00+01:00\",\"level\":\"INFO\",\"message\":\"caf\\u00e9 \\ud83d\\ude80 \u{202e}\",",
        "\"context\":{\"n\":1.0e2,\"big\":123456789012345678901234567890,\"n\":2},\"future\":[{\"a\":null}],\"id\":\"1\"}\n"
    );
    put(&sandbox, "logs.log", odd);
    assert_eq!(sandbox.obs(["logs", "--json"]).quiet().stdout, odd);
    assert_eq!(sandbox.obs(["logs"]).quiet().stdout, odd);
}

#[test]
fn nothing_found_is_one() {
    let sandbox = Sandbox::new();
    for command in ["logs", "events", "spans", "metrics-points"] {
        let outcome = sandbox.obs([command]);
        assert_eq!(
            (outcome.code, outcome.stdout, outcome.stderr),
            (1, String::new(), String::new())
        );
    }
    put(&sandbox, "logs.log", log(1, "here", ""));
    assert_eq!(sandbox.obs(["logs"]).quiet().code, 0);
    assert_eq!(sandbox.obs(["logs", "--grep", "nowhere"]).code, 1);
    assert!(
        !sandbox.path("journal/events.log").exists(),
        "reading creates nothing"
    );
}

#[test]
fn closed_pipe_ends_quietly() {
    let sandbox = Sandbox::new();
    let many: String = (0..3_000)
        .map(|n| log(n, "filler that is long enough to fill a pipe", ""))
        .collect();
    put(&sandbox, "logs.log", many);
    for command in ["obs logs", "obs logs --human", "obs logs --follow"] {
        let outcome = sandbox.script(
            "bash",
            &format!("{command} | head -n 1 | wc -l\necho \"${{PIPESTATUS[*]}}\"\n"),
        );
        assert_eq!(outcome.quiet().stdout, "1\n0 0 0\n", "{command}");
    }
    let full = sandbox.script("bash", "obs logs > /dev/full\n");
    assert_eq!(full.code, 3, "{}", full.shown());
    assert!(
        full.stderr
            .starts_with("obs: could not write to standard output: no space left"),
        "{}",
        full.stderr
    );
}
