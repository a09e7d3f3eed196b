//! `obs gc`: what every sink has goes when a signal is over its limit; what one still needs stays.

use crate::receiver::{OK, Receiver};
use crate::sandbox::Sandbox;
use serde_json::Value;
use std::fs;

/// A journal whose logs are sealed after a few records, and which is over its limit.
fn crowded(endpoint: &str) -> Sandbox {
    let sandbox = Sandbox::new()
        .with("OBS_LOG_STREAM", "off")
        .with("OBS_FLUSH", "manual")
        .with("OBS_ROTATE_BYTES", "4096")
        .with("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
    fill(&sandbox);
    sandbox
}

fn fill(sandbox: &Sandbox) {
    let long = "x".repeat(1000);
    for number in 0..20 {
        sandbox
            .obs(["log", "info", &format!("m{number}"), &format!("k={long}")])
            .quiet();
    }
}

fn sealed(sandbox: &Sandbox) -> Vec<String> {
    let files = fs::read_dir(sandbox.journal().join("sealed"))
        .into_iter()
        .flatten();
    let mut names: Vec<String> = files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("logs-"))
        .collect();
    names.sort();
    names
}

fn gc(sandbox: &Sandbox, more: &[(&str, &str)]) -> Value {
    let mut command = sandbox.command(crate::sandbox::program());
    let command = command.args(["gc", "--json"]).envs(more.to_vec());
    let outcome = crate::sandbox::outcome(&command.output().unwrap()).quiet();
    serde_json::from_str(&outcome.stdout).unwrap()
}

/// Nothing is kept for its own sake, and a disk that is full elsewhere changes nothing.
const TIGHT: [(&str, &str); 2] = [("OBS_KEEP_BYTES", "0"), ("OBS_KEEP_FREE", "0")];

#[test]
fn journal_within_its_bounds_stays() {
    let sandbox = crowded("");
    let before = sealed(&sandbox);
    assert!(before.len() > 2, "{before:?}");
    let gone = gc(&sandbox, &[("OBS_KEEP_FREE", "0")]);
    assert_eq!(
        gone,
        serde_json::json!({"files": 0, "bytes": 0, "dropped": 0, "abandoned": 0})
    );
    assert_eq!(sealed(&sandbox), before);
    let human = sandbox
        .with("OBS_KEEP_FREE", "0")
        .obs(["gc", "--human"])
        .quiet();
    assert!(
        human.stdout.starts_with("0 sealed files removed, 0 bytes;"),
        "{}",
        human.stdout
    );
}

#[test]
fn acknowledged_files_go_oldest_first() {
    let receiver = Receiver::start(|_, _| OK);
    let sandbox = crowded(&receiver.url());
    assert_eq!(sandbox.obs(["flush"]).code, 0);
    let before = sealed(&sandbox);
    let bytes = |name: &String| {
        let path = sandbox.journal().join("sealed").join(name);
        fs::metadata(path).unwrap().len()
    };
    let sizes: u64 = before.iter().rev().skip(1).map(bytes).sum();
    let gone = gc(&sandbox, &TIGHT);
    assert_eq!(
        (&gone["files"], &gone["bytes"], &gone["dropped"]),
        (&(before.len() - 1).into(), &sizes.into(), &0.into())
    );
    // numbers rise from the newest, which stays
    assert_eq!(sealed(&sandbox), before[before.len() - 1..]);
    assert_eq!(gc(&sandbox, &TIGHT)["files"], 0);
    assert_eq!(sandbox.records("events").len(), 0);
}

#[test]
fn what_a_sink_has_not_stays() {
    let receiver = Receiver::start(|_, _| OK);
    let sandbox = crowded(&receiver.url());
    assert_eq!(sandbox.obs(["flush"]).code, 0);
    let sent = sealed(&sandbox);
    fill(&sandbox);
    let all = sealed(&sandbox);
    assert!(all.len() > sent.len() + 1, "{all:?}");
    let gone = gc(&sandbox, &TIGHT);
    assert_eq!(gone["dropped"], 0);
    // the file that was active at the flush is sealed since, and held for what came into it afterwards
    let stays = &all[sent.len()..];
    assert_eq!(sealed(&sandbox), stays);
    assert_eq!(sandbox.obs(["flush"]).code, 0);
    let mut messages = receiver.messages();
    messages.sort();
    messages.dedup();
    assert_eq!(messages.len(), 20);
    assert_eq!(receiver.messages().len(), 40);
}

#[test]
fn drop_that_is_forced_is_an_event() {
    let receiver = Receiver::start(|_, _| OK);
    let sandbox = crowded(&receiver.url());
    assert_eq!(sandbox.obs(["flush"]).code, 0);
    fill(&sandbox);
    let hard = [&TIGHT[..], &[("OBS_HARD_BYTES", "1")]].concat();
    let gone = gc(&sandbox, &hard);
    let dropped = gone["dropped"].as_u64().unwrap();
    assert!(dropped > 0, "{gone}");
    assert_eq!(sealed(&sandbox).len(), 1);
    let events = sandbox.records("events");
    let told: u64 = events
        .iter()
        .filter(|event| event["event_type"] == "obs.dropped")
        .map(|event| event["data"]["records"].as_u64().unwrap())
        .sum();
    assert_eq!(told, dropped);
}
