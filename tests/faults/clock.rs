//! A clock that stands still or jumps back: ids stay unique, the order of a moment is the order of writing. The clock
//! is preloaded, so the program is always the dynamic build.

use crate::rig::{self, Outcome, Rig, built, have};
use std::collections::HashSet;
use std::fs;

/// Runs obs at a moment that does not pass.
fn at(rig: &Rig, moment: &str, args: &[&str]) -> Outcome {
    let mut command = rig.command("faketime");
    // the monotonic clock stays real: a deadline must come
    command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    rig::run(command.args(["-f", moment, built()]).args(args)).fine()
}

fn ids(text: &str) -> HashSet<&str> {
    text.split("\"id\":\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect()
}

#[test]
fn standing_clock_keeps_the_order() {
    if !have("faketime") {
        return;
    }
    let rig = Rig::new().with("OBS_STRICT", "1");
    let messages: Vec<String> = (0..30).map(|n| n.to_string()).collect();
    for message in &messages {
        at(&rig, "2026-01-02 03:04:05", &["log", message]);
    }
    assert_eq!(rig.messages(), messages);
    let text = fs::read_to_string(rig.home("logs.log")).unwrap();
    assert_eq!(text.matches("2026-01-02T03:04:05.000000Z").count(), 30);
    assert_eq!(ids(&text).len(), 30);
}

#[test]
fn clock_jumping_back_loses_nothing() {
    if !have("faketime") {
        return;
    }
    let rig = Rig::new()
        .with("OBS_STRICT", "1")
        .with("OBS_ROTATE_BYTES", "4096");
    let mut written = Vec::new();
    for round in 0..10 {
        for day in ["2026-01-03", "2026-01-02", "1999-12-31", "2037-01-01"] {
            let message = format!("{day} {round}");
            at(&rig, &format!("{day} 00:00:00"), &["log", &message]);
            written.push(message);
        }
    }
    let sealed = rig.names("home/sealed");
    let files = sealed.iter().map(|name| rig.home("sealed").join(name));
    let text: String = files
        .chain([rig.home("logs.log")])
        .filter_map(|path| fs::read_to_string(path).ok())
        .collect();
    let on_disk: Vec<&str> = text
        .split("\"message\":\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    assert_eq!(on_disk, written, "positions are in the order of writing");
    assert_eq!(ids(&text).len(), written.len());
    let mut by_time = written;
    by_time.sort(); // stable, and rounds rise
    assert_eq!(rig.messages(), by_time);
}

#[test]
fn spans_survive_a_clock_jumping_back() {
    if !have("faketime") {
        return;
    }
    let rig = Rig::new().with("OBS_LOCK_TIMEOUT", "1");
    let started = at(
        &rig,
        "2026-01-02 00:00:00",
        &["span", "start", "s", "--owner", "0"],
    );
    let id = started.stdout.split('-').nth(2).unwrap();
    at(&rig, "2026-01-01 00:00:00", &["span", "end", "--span", id]);
    let spans = rig.records("spans");
    assert_eq!(spans.len(), 1);
    assert!(
        spans[0]["duration_ms"].as_f64().unwrap() >= 0.0,
        "{}",
        spans[0]
    );

    rig.obs(["log", "first"]).fine();
    let journal = rig::hold(&rig.home("logs.log"));
    for message in ["a", "b", "c"] {
        at(&rig, "2026-01-01 00:00:00", &["log", message]);
    }
    drop(journal);
    assert_eq!(rig.names("home/spill").len(), 3);
    // the breaker was touched long ago by this clock, and in the future by the next one: neither stops appending
    at(&rig, "2025-01-01 00:00:00", &["log", "after"]);
    rig.holds(&["first", "a", "b", "c", "after"]);
    let text = fs::read_to_string(rig.home("logs.log")).unwrap();
    assert!(text.contains("after"));
}
