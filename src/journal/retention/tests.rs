//! What goes and what stays.

use super::super::tests::{append, fresh};
use super::super::{From, Place};
use super::*;
use crate::model::Record;
use std::path::Path;

const NOW: i64 = 2_000_000_000 * SECOND;
const LOOSE: Limits = Limits {
    keep_bytes: u64::MAX,
    keep_days: 1_000_000,
    keep_free: 0,
    hard_bytes: u64::MAX,
};

/// Six sealed files of one record each.
fn six() -> (tempfile::TempDir, Journal) {
    let (dir, journal) = fresh();
    let journal = journal.rotate_bytes(1);
    for n in 0..6 {
        append(&journal, &n.to_string());
    }
    (dir, journal)
}

fn numbers(journal: &Journal) -> Vec<u64> {
    let folder = journal.home().unwrap().join("sealed");
    let mut sealed = list_sealed(&folder, Signal::Logs).unwrap();
    sealed.sort();
    sealed.into_iter().map(|(number, _)| number).collect()
}

/// A sink that has acknowledged so many records at this time.
fn sink(journal: &Journal, name: &str, records: usize, used: i64) {
    let mut outbox = journal.outbox(name).unwrap().unwrap();
    outbox.begin(Signal::Logs, From::Everything).unwrap();
    let mut batches = outbox.reader(Signal::Logs);
    if records > 0 {
        let chunk = batches.next((records, 1 << 20)).unwrap().unwrap();
        outbox.acknowledge(Signal::Logs, chunk.mark);
    }
    outbox.save(None, used).unwrap();
}

fn drops(journal: &Journal) -> Vec<String> {
    let mut found = Vec::new();
    journal.reader(Signal::Events).for_each(|line| {
        if let Ok(Record::Event(event)) = Signal::Events.read(line.bytes) {
            let known = crate::model::catalog::find(&event.event_type).unwrap();
            known
                .check(&serde_json::Value::Object(event.data.clone()))
                .unwrap();
            found.push(event.data["file"].as_str().unwrap().to_owned());
        }
        true
    });
    found
}

#[test]
fn nothing_goes_within_the_limits() {
    let (_dir, journal) = six();
    assert_eq!(journal.retain(&LOOSE, NOW).unwrap().files, 0);
    assert_eq!(numbers(&journal), [1, 2, 3, 4, 5, 6]);
}

#[test]
fn without_a_sink_the_oldest_go() {
    let (_dir, journal) = six();
    let one = fs::metadata(journal.home().unwrap().join("sealed/logs-00000001.jsonl"));
    let tight = Limits {
        keep_bytes: one.unwrap().len() * 3,
        ..LOOSE
    };
    let retained = journal.retain(&tight, NOW).unwrap();
    assert_eq!((retained.files, retained.dropped.len()), (3, 0));
    assert_eq!(numbers(&journal), [4, 5, 6]);
}

#[test]
fn newest_sealed_file_stays() {
    let (_dir, journal) = six();
    let nothing = Limits {
        keep_bytes: 0,
        hard_bytes: 0,
        keep_days: 0,
        keep_free: 100,
    };
    journal.retain(&nothing, NOW).unwrap();
    assert_eq!(numbers(&journal), [6]);
}

/// Makes these sealed files changed last at this time, in seconds since the epoch.
fn change(journal: &Journal, numbers: impl IntoIterator<Item = u64>, seconds: u64) {
    let time = std::time::UNIX_EPOCH + Duration::from_secs(seconds);
    for number in numbers {
        let path = format!("sealed/logs-{number:08}.jsonl");
        let path = journal.home().unwrap().join(path);
        let file = fs::File::options().append(true).open(path).unwrap();
        file.set_modified(time).unwrap();
    }
}

#[test]
fn old_files_go_by_age() {
    let (_dir, journal) = six();
    change(&journal, [1, 2], 2_000_000_000 - 3 * 86_400);
    change(&journal, 3..7, 2_000_000_000);
    let limits = |days| Limits {
        keep_days: days,
        ..LOOSE
    };
    journal.retain(&limits(4), NOW).unwrap();
    assert_eq!(numbers(&journal).len(), 6);
    journal.retain(&limits(2), NOW).unwrap();
    assert_eq!(numbers(&journal), [3, 4, 5, 6]);
}

#[test]
fn slowest_live_sink_holds_the_rest() {
    let (_dir, journal) = six();
    sink(&journal, "fast", 6, NOW);
    sink(&journal, "slow", 3, NOW - LIVE + 1);
    let limits = Limits {
        keep_bytes: 0,
        keep_days: 0,
        ..LOOSE
    };
    journal.retain(&limits, NOW).unwrap();
    assert_eq!(numbers(&journal), [4, 5, 6]);
    assert_eq!(drops(&journal), [""; 0]);
    journal.retain(&limits, NOW + SECOND).unwrap();
    assert_eq!(numbers(&journal), [6], "the slow one is forgotten");
}

#[test]
fn damaged_cursor_holds_everything() {
    let (_dir, journal) = six();
    sink(&journal, "s", 6, NOW);
    fs::write(journal.home().unwrap().join("cursors/s"), "x").unwrap();
    let limits = Limits {
        keep_bytes: 0,
        ..LOOSE
    };
    let now = fs::metadata(journal.home().unwrap().join("cursors/s")).unwrap();
    let now = now.mtime() * SECOND;
    journal.retain(&limits, now).unwrap();
    assert_eq!(numbers(&journal).len(), 6);
    journal.retain(&limits, now + LIVE).unwrap();
    assert_eq!(numbers(&journal), [6]);
}

#[test]
fn sink_of_other_signals_holds_nothing() {
    let (_dir, journal) = six();
    let mut outbox = journal.outbox("s").unwrap().unwrap();
    outbox.begin(Signal::Spans, From::Everything).unwrap();
    outbox.save(None, NOW).unwrap();
    let limits = Limits {
        keep_bytes: 0,
        ..LOOSE
    };
    journal.retain(&limits, NOW).unwrap();
    assert_eq!(numbers(&journal), [6]);
}

#[test]
fn hard_cap_drops_with_a_record() {
    let (_dir, journal) = six();
    sink(&journal, "s", 2, NOW);
    let length = fs::metadata(journal.home().unwrap().join("sealed/logs-00000001.jsonl"));
    let limits = Limits {
        keep_bytes: 0,
        hard_bytes: length.unwrap().len() * 2,
        ..LOOSE
    };
    let retained = journal.retain(&limits, NOW).unwrap();
    assert_eq!(numbers(&journal), [5, 6]);
    let lost: Vec<(u64, bool)> = retained
        .dropped
        .iter()
        .map(|dropped| (dropped.records, dropped.bytes > 0))
        .collect();
    let files: Vec<String> = retained
        .dropped
        .iter()
        .map(|dropped| dropped.file.clone())
        .collect();
    assert_eq!(drops(&journal), files);
    assert_eq!(lost, [(1, true), (1, true)]);
    let outbox = journal.outbox("s").unwrap().unwrap();
    let chunk = outbox
        .reader(Signal::Logs)
        .next((9, 1 << 20))
        .unwrap()
        .unwrap();
    assert_eq!((outbox.doubt(), chunk.lines.len()), (None, 2));
}

#[test]
fn full_disk_drops_what_is_not_acknowledged() {
    let (_dir, journal) = six();
    sink(&journal, "s", 0, NOW);
    let limits = Limits {
        keep_free: 101,
        ..LOOSE
    };
    let retained = journal.retain(&limits, NOW).unwrap();
    assert_eq!((retained.files, drops(&journal).len()), (5, 5));
}

#[test]
fn drop_is_told_where_it_cannot_be_written_first() {
    let (dir, journal) = six();
    let found = journal.candidates(Signal::Logs).unwrap().0.remove(0);
    let dropped = Dropped {
        signal: Signal::Logs,
        file: found.name.clone(),
        records: 1,
        bytes: 2,
    };
    // no place for a record at all
    let blocked = dir.path().join("file");
    fs::write(&blocked, "x").unwrap();
    let place = Place {
        home: Some(blocked.join("home")),
        temp: blocked,
        ..journal.place
    };
    let nowhere = Journal::new(place);
    assert!(nowhere.remove(&found, Some(&dropped), NOW).is_err());
    assert!(!Path::new(&found.path).exists());
}
