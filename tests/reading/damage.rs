//! Damage: skipped and counted by readers, named and mended by `obs fsck`; links and foreign files.

use super::{bytes, log, put};
use crate::sandbox::Sandbox;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::symlink;

const GARBAGE: &[u8] =
    b"not a record\n\x00\xff\xfe\n{\"timestamp\":\"2025-12-04T10:00:00Z\",\"lev\n{}\n[]\n";

/// Five damaged lines between two whole ones, in the active file; one torn line in a sealed and a spilled file.
fn damaged() -> Sandbox {
    let sandbox = Sandbox::new();
    let (first, second) = (log(1, "first", ""), log(4, "fourth", ""));
    put(
        &sandbox,
        "logs.log",
        [first.as_bytes(), GARBAGE, second.as_bytes()].concat(),
    );
    put(
        &sandbox,
        "sealed/logs-00000001.jsonl",
        format!("{}{{\"torn", log(2, "second", "")),
    );
    put(
        &sandbox,
        "spill/logs-00000000000000000001-1-00000000.jsonl",
        format!("torn\n{}", log(3, "third", "")),
    );
    sandbox
}

const WHOLE: [&str; 4] = ["first", "second", "third", "fourth"];

#[track_caller]
fn messages(sandbox: &Sandbox, stderr: &str) -> Vec<String> {
    let outcome = sandbox.obs(["logs", "--json"]);
    assert_eq!(outcome.stderr, stderr);
    let lines = outcome.stdout.lines().map(|line| {
        let record: Value = serde_json::from_str(line).unwrap();
        record["message"].as_str().unwrap().to_owned()
    });
    lines.collect()
}

#[test]
fn damage_is_skipped_and_counted() {
    let sandbox = damaged();
    let said = "obs: skipped 7 damaged lines\nhint: `obs fsck` shows where\n";
    assert_eq!(messages(&sandbox, said), WHOLE);
    // a line still being written is no damage
    let line = log(1, "whole", "");
    put(&sandbox, "logs.log", format!("{line}{{\"timestamp\""));
    fs::remove_dir_all(sandbox.path("journal/sealed")).unwrap();
    fs::remove_dir_all(sandbox.path("journal/spill")).unwrap();
    assert_eq!(messages(&sandbox, ""), ["whole"]);
    put(&sandbox, "logs.log", format!("junk\n{line}"));
    let said = "obs: skipped 1 damaged line\nhint: `obs fsck` shows where\n";
    assert_eq!(messages(&sandbox, said), ["whole"]);
}

#[test]
fn check_names_every_range() {
    let sandbox = damaged();
    let outcome = sandbox.obs(["fsck"]);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (1, ""));
    let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let keys: Vec<&String> = report.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "files",
            "records",
            "damaged",
            "spans_journalled",
            "leftovers_removed"
        ]
    );
    assert_eq!(
        (&report["files"], &report["records"]),
        (&3.into(), &4.into())
    );
    let ranges = report["damaged"].as_array().unwrap();
    assert_eq!(ranges.len(), 7, "{report:#}");
    for range in ranges {
        let content = bytes(range["path"].as_str().unwrap());
        let (offset, length) = (
            range["offset"].as_u64().unwrap(),
            range["length"].as_u64().unwrap(),
        );
        let found = &content[offset as usize..][..length as usize];
        let known = GARBAGE
            .split(|byte| *byte == b'\n')
            .chain([&b"{\"torn"[..], b"torn"]);
        assert!(known.clone().any(|line| line == found), "{range}");
        assert!(
            range["copy"].is_null() && range["reason"].as_str().is_some_and(|why| !why.is_empty()),
            "{range}"
        );
    }
    let human = sandbox.obs(["fsck", "--human"]);
    assert_eq!(human.code, 1);
    let end = "4 records in 3 files, 7 damaged ranges\n";
    assert!(
        human.stdout.ends_with(end) && human.stdout.lines().count() == 8,
        "{}",
        human.shown()
    );
    let at = format!("{}:", sandbox.path("journal/logs.log").display());
    assert!(human.stdout.contains(&at), "{}", human.shown());
    assert!(!sandbox.path("journal/quarantine").exists());
}

#[test]
fn repair_copies_and_blanks() {
    let sandbox = damaged();
    let before = bytes(sandbox.path("journal/logs.log"));
    let outcome = sandbox.obs(["fsck", "--repair", "--json"]).quiet();
    let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let after = bytes(sandbox.path("journal/logs.log"));
    assert_eq!(before.len(), after.len(), "offsets hold");
    let mut mended = before.clone();
    for range in report["damaged"].as_array().unwrap() {
        let copy = bytes(range["copy"].as_str().unwrap());
        assert_eq!(range["length"], copy.len());
        if range["path"].as_str().unwrap().ends_with("/logs.log") {
            let offset = range["offset"].as_u64().unwrap() as usize;
            assert_eq!(copy, &before[offset..offset + copy.len()]);
            mended[offset..offset + copy.len()].fill(b' ');
        }
    }
    assert_eq!(after, mended, "every other byte is where it was");
    assert_eq!(messages(&sandbox, ""), WHOLE);
    let again = sandbox.obs(["fsck", "--human"]).quiet();
    assert_eq!(again.stdout, "4 records in 3 files, 0 damaged ranges\n");
    sandbox.obs(["log", "error", "appended"]);
    assert_eq!(messages(&sandbox, "").len(), 5);
}

#[test]
fn links_are_never_followed() {
    let sandbox = Sandbox::new();
    let elsewhere = sandbox.path("work/elsewhere");
    fs::write(&elsewhere, log(1, "elsewhere", "")).unwrap();
    put(&sandbox, "sealed/logs-00000002.jsonl", log(2, "ours", ""));
    for name in [
        "logs.log",
        "sealed/logs-00000001.jsonl",
        "spill/logs-00000000000000000001-1-00000000.jsonl",
    ] {
        let path = sandbox.journal().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(&elsewhere, path).unwrap();
    }
    assert_eq!(messages(&sandbox, ""), ["ours"]);
    sandbox.obs(["fsck", "--repair"]).quiet();
    let sandbox = sandbox.with("OBS_LOG_STREAM", "off");
    sandbox.obs(["log", "spilled"]).quiet();
    assert_eq!(messages(&sandbox, ""), ["ours", "spilled"]);
    assert_eq!(bytes(&elsewhere), log(1, "elsewhere", "").as_bytes());
}

#[test]
fn spill_that_others_can_write_is_not_read() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::new();
    // spilled to the second place, as the home cannot be made
    fs::write(sandbox.path("work/file"), "").unwrap();
    let home = sandbox.path("work/file/journal");
    let sandbox = sandbox
        .with("OBS_HOME", home.to_str().unwrap())
        .with("OBS_LOG_STREAM", "off");
    sandbox.obs(["log", "spilled"]).quiet();
    assert_eq!(messages(&sandbox, ""), ["spilled"]);
    let root = fs::read_dir(sandbox.path("tmp"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    fs::set_permissions(&root, fs::Permissions::from_mode(0o777)).unwrap();
    assert_eq!(messages(&sandbox, ""), Vec::<String>::new());
}

/// What the seed design's `emit_event` wrote.
const SEED: &str = r#"{
      "event_type": "backlog.task.created",
      "timestamp": "2025-12-04T10:15:30.123Z",
      "data": {"task_id": "task-302"}
    }
"#;

#[test]
fn older_events_go_to_legacy() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.journal()).unwrap();
    fs::write(sandbox.path("journal/events.log"), SEED).unwrap();
    sandbox
        .obs(["emit", "backlog.task.updated", "task_id=task-302"])
        .quiet();
    let events = sandbox.obs(["events", "--json"]).quiet();
    assert_eq!(events.stdout.lines().count(), 1);
    let legacy: Vec<_> = fs::read_dir(sandbox.path("journal/legacy"))
        .unwrap()
        .flatten()
        .collect();
    assert_eq!(legacy.len(), 1);
    assert_eq!(bytes(legacy[0].path()), SEED.as_bytes());
    // the old function still in use: its lines are skipped and counted, no obstacle
    let mine = bytes(sandbox.path("journal/events.log"));
    put(
        &sandbox,
        "events.log",
        [mine.as_slice(), SEED.as_bytes()].concat(),
    );
    sandbox
        .obs(["emit", "backlog.task.archived", "task_id=task-302"])
        .quiet();
    let events = sandbox.obs(["events", "--json"]);
    assert_eq!((events.code, events.stdout.lines().count()), (0, 2));
    assert_eq!(
        events.stderr,
        "obs: skipped 5 damaged lines\nhint: `obs fsck` shows where\n"
    );
    assert_eq!(
        fs::read_dir(sandbox.path("journal/legacy"))
            .unwrap()
            .count(),
        1
    );
}
