//! The ledger tells once: whatever dies, is damaged or full.

use super::*;
use crate::backlog::stored::{self, Stored};
use crate::journal::{Journal, Place, Signal};
use std::time::Duration;
use tempfile::TempDir;

const AT: i64 = 1_795_000_000_000_000_000;

struct Rig {
    dir: TempDir,
    key: Key,
}

impl Rig {
    fn new() -> Self {
        let key = Key::of(
            Path::new("/w"),
            Path::new("/w/backlog"),
            "refs/heads/main".as_ref(),
        );
        Self {
            dir: tempfile::tempdir().unwrap(),
            key,
        }
    }

    fn journal(&self) -> Journal {
        Journal::new(Place {
            home: Some(self.dir.path().join("home")),
            temp: self.dir.path().join("tmp"),
            user: rustix::process::geteuid().as_raw(),
            pid: std::process::id(),
            random: 7,
        })
    }

    fn file(&self, extension: &str) -> PathBuf {
        let folder = self.dir.path().join("home/ledger");
        let found = fs::read_dir(&folder)
            .unwrap()
            .flatten()
            .map(|entry| entry.path());
        let mut found = found.filter(|path| path.extension().is_some_and(|found| found == "lock"));
        found.next().unwrap().with_extension(extension)
    }

    fn settle(&self, board: Board, events: &[&str]) -> Result<(), crate::error::Error> {
        let journal = self.journal();
        let ledger = Ledger::hold(&journal, &self.key, Duration::ZERO, AT)
            .unwrap()
            .unwrap();
        ledger.settle(board, events.iter().map(|id| event(id)).collect(), AT)
    }

    fn board(&self) -> Option<Board> {
        let journal = self.journal();
        let ledger = Ledger::hold(&journal, &self.key, Duration::ZERO, AT)
            .unwrap()
            .unwrap();
        ledger.board().cloned()
    }

    fn told(&self) -> Vec<String> {
        let mut told = Vec::new();
        self.journal().reader(Signal::Events).for_each(|line| {
            let value: Value = serde_json::from_slice(line.bytes).unwrap();
            told.push(value["event_id"].as_str().unwrap().to_owned());
            true
        });
        told
    }
}

fn event(id: &str) -> (String, Vec<u8>) {
    let line = format!(
        "{{\"event_id\":\"{id}\",\"event_type\":\"x\",\"event_version\":\"1.0\",\"timestamp\":\"2026-11-22T10:00:00.000000Z\",\"source\":\"s\",\"actor\":{{\"type\":\"user\",\"id\":\"u\"}}}}\n"
    );
    (id.to_owned(), line.into_bytes())
}

fn one(status: &str) -> Board {
    board(&[(
        "tasks/task-1.md",
        &task("TASK-1", "A", &format!("status: {status}")),
    )])
}

/// What a process that died left: the next state and its events.
fn leave_next(rig: &Rig, board: Board, events: &[&str]) {
    let lines = events.iter().map(|id| {
        let (id, line) = event(id);
        (id, String::from_utf8(line).unwrap().trim().to_owned())
    });
    let stored = Stored {
        at: AT,
        board,
        events: lines.collect(),
    };
    fs::write(rig.file("next"), stored::encode(&stored)).unwrap();
}

#[test]
fn nothing_is_known_before_the_first_look() {
    let rig = Rig::new();
    assert_eq!(rig.board(), None);
    rig.settle(Board::default(), &[]).unwrap();
    assert_eq!(rig.board(), Some(Board::default()));
}

#[test]
fn state_and_events_are_kept() {
    let rig = Rig::new();
    rig.settle(one("To Do"), &["evt_1", "evt_2"]).unwrap();
    assert_eq!(rig.board(), Some(one("To Do")));
    assert_eq!(rig.told(), ["evt_1", "evt_2"]);
    assert!(!rig.file("next").exists());
}

#[test]
fn what_did_not_change_is_not_written() {
    let rig = Rig::new();
    rig.settle(one("To Do"), &[]).unwrap();
    fs::remove_file(rig.file("board")).unwrap();
    let journal = rig.journal();
    let ledger = Ledger::hold(&journal, &rig.key, Duration::ZERO, AT)
        .unwrap()
        .unwrap();
    ledger.settle(one("To Do"), Vec::new(), AT).unwrap();
    let before = fs::metadata(rig.file("board")).unwrap();
    rig.settle(one("To Do"), &[]).unwrap();
    let after = fs::metadata(rig.file("board")).unwrap();
    assert_eq!(before.modified().unwrap(), after.modified().unwrap());
}

#[test]
fn events_of_the_dead_are_told_once() {
    for already in 0..=3 {
        let rig = Rig::new();
        rig.settle(one("To Do"), &["evt_0"]).unwrap();
        leave_next(&rig, one("Done"), &["evt_1", "evt_2", "evt_3"]);
        for id in ["evt_1", "evt_2", "evt_3"].iter().take(already) {
            rig.journal().append(Signal::Events, &event(id).1, AT);
        }
        assert_eq!(rig.board(), Some(one("Done")), "{already}");
        assert_eq!(
            rig.told(),
            ["evt_0", "evt_1", "evt_2", "evt_3"],
            "{already}"
        );
        assert!(!rig.file("next").exists());
    }
}

#[test]
fn sealed_and_spilled_events_count_as_told() {
    let rig = Rig::new();
    rig.settle(one("To Do"), &[]).unwrap();
    leave_next(&rig, one("Done"), &["evt_1", "evt_2", "evt_3"]);
    rig.journal()
        .rotate_bytes(1)
        .append(Signal::Events, &event("evt_1").1, AT);
    let spill = rig.dir.path().join("home/spill");
    fs::create_dir(&spill).unwrap();
    fs::write(spill.join("events-1-1-1.jsonl"), event("evt_2").1).unwrap();
    assert_eq!(rig.board(), Some(one("Done")));
    let mut told = rig.told();
    told.sort();
    assert_eq!(told, ["evt_1", "evt_2", "evt_3"]);
}

#[test]
fn torn_event_is_told_again() {
    let rig = Rig::new();
    rig.settle(one("To Do"), &["evt_0"]).unwrap();
    leave_next(&rig, one("Done"), &["evt_1"]);
    let active = rig.dir.path().join("home/events.log");
    let torn = [fs::read(&active).unwrap(), event("evt_1").1[..60].to_vec()].concat();
    fs::write(&active, torn).unwrap();
    assert_eq!(rig.board(), Some(one("Done")));
    let journal = fs::read_to_string(&active).unwrap();
    assert!(journal.ends_with(std::str::from_utf8(&event("evt_1").1).unwrap()));
}

#[test]
fn id_in_somebodys_data_is_not_the_event() {
    let rig = Rig::new();
    rig.settle(one("To Do"), &[]).unwrap();
    leave_next(&rig, one("Done"), &["evt_1"]);
    let (_, line) = event("evt_9");
    let line = String::from_utf8(line)
        .unwrap()
        .replace("}}\n", "},\"causation_id\":\"evt_1\"}\n");
    rig.journal().append(Signal::Events, line.as_bytes(), AT);
    assert_eq!(rig.board(), Some(one("Done")));
    assert_eq!(rig.told(), ["evt_9", "evt_1"]);
}

#[test]
fn event_that_nothing_keeps_is_told_later() {
    let rig = Rig::new();
    rig.settle(one("To Do"), &["evt_0"]).unwrap();
    let home = rig.dir.path().join("home");
    let aside = rig.dir.path().join("aside");
    fs::rename(home.join("events.log"), &aside).unwrap();
    fs::create_dir(home.join("events.log")).unwrap();
    fs::write(home.join("spill"), "").unwrap();
    fs::write(rig.dir.path().join("tmp"), "").unwrap();
    assert!(rig.settle(one("Done"), &["evt_1"]).is_err());
    let journal = rig.journal();
    assert!(Ledger::hold(&journal, &rig.key, Duration::ZERO, AT).is_err());
    fs::remove_dir(home.join("events.log")).unwrap();
    fs::rename(&aside, home.join("events.log")).unwrap();
    assert_eq!(rig.board(), Some(one("Done")));
    assert_eq!(rig.told(), ["evt_0", "evt_1"]);
}

#[test]
fn damaged_ledger_is_a_first_sight() {
    let rig = Rig::new();
    rig.settle(one("To Do"), &[]).unwrap();
    fs::write(rig.file("board"), "obs ledger 1 garbage").unwrap();
    assert_eq!(rig.board(), None);
    let troubles = fs::read_to_string(rig.dir.path().join("home/diagnostics.log")).unwrap();
    assert!(troubles.contains("\"what\":\"ledger\""), "{troubles}");
    rig.settle(one("To Do"), &[]).unwrap();
    fs::write(rig.file("next"), "").unwrap();
    assert_eq!(rig.board(), Some(one("To Do")));
}

#[test]
fn held_ledger_is_not_waited_for_longer_than_asked() {
    let rig = Rig::new();
    let (one, other) = (rig.journal(), rig.journal());
    let held = Ledger::hold(&one, &rig.key, Duration::ZERO, AT).unwrap();
    let wait = Duration::from_millis(30);
    assert!(Ledger::hold(&other, &rig.key, wait, AT).unwrap().is_none());
    drop(held);
    assert!(Ledger::hold(&other, &rig.key, wait, AT).unwrap().is_some());
}

#[test]
fn other_refs_of_the_work_tree_are_known() {
    let rig = Rig::new();
    let journal = rig.journal();
    let key =
        |tree: &str, name: &str| Key::of(Path::new(tree), Path::new("/w/backlog"), name.as_ref());
    let store = |key: &Key, status: &str, at: i64| {
        let ledger = Ledger::hold(&journal, key, Duration::ZERO, at)
            .unwrap()
            .unwrap();
        ledger.settle(one(status), Vec::new(), at).unwrap();
    };
    store(&rig.key, "To Do", AT);
    store(&key("/w", "refs/heads/side"), "Done", AT + 1);
    store(&key("/v", "refs/heads/side"), "Else", AT + 1);
    let ledger = Ledger::hold(&journal, &rig.key, Duration::ZERO, AT)
        .unwrap()
        .unwrap();
    let others = ledger.others();
    assert!(others.newer);
    for (status, left) in [("Done", 0), ("Else", 1), ("Doing", 1)] {
        let after = one(status);
        let mut difference = Difference::of(ledger.board().unwrap(), &after);
        difference.silence(&after, &others.known);
        assert_eq!(difference.pairs.len(), left, "{status}");
    }
}
