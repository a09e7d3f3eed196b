//! One drain a sink, and memory that moves together with its cursor.

use super::super::tests::{append, fresh};
use super::*;

fn open(journal: &Journal) -> Outbox {
    journal.outbox("s").unwrap().unwrap()
}

fn ids(outbox: &Outbox) -> Vec<String> {
    let mut batches = outbox.reader(Signal::Logs);
    let mut ids = Vec::new();
    while let Some(chunk) = batches.next((10, 1 << 20)).unwrap() {
        let records = chunk.lines.iter().map(|line| Signal::Logs.read(line));
        ids.extend(records.map(|record| record.unwrap().identity()));
    }
    ids
}

#[test]
fn second_drain_is_turned_away() {
    let (_dir, journal) = fresh();
    let first = open(&journal);
    assert!(journal.outbox("s").unwrap().is_none());
    assert!(journal.outbox("other").unwrap().is_some());
    drop(first);
    assert!(journal.outbox("s").unwrap().is_some());
}

#[test]
fn only_names_are_taken_for_sinks() {
    let (_dir, journal) = fresh();
    for name in ["", ".x", "../x", "a/b", "s.lock", "s.tmp"] {
        assert!(journal.outbox(name).is_err(), "{name}");
    }
}

#[test]
fn memory_moves_with_the_cursor() {
    let (_dir, journal) = fresh();
    append(&journal, "a");
    let mut outbox = open(&journal);
    assert_eq!(outbox.memory(), None);
    outbox.save(Some(b"one"), 1).unwrap();
    outbox.save(None, 2).unwrap();
    outbox.save(None, 3).unwrap();
    drop(outbox);
    let mut outbox = open(&journal);
    assert_eq!(outbox.memory(), Some(&b"one"[..]));
    // a kill between the memory and the cursor: the pair from before
    for text in [&b"never"[..], b"nor this"] {
        outbox.write_memory(outbox.generation + 1, text).unwrap();
        drop(outbox);
        outbox = open(&journal);
        assert_eq!((outbox.memory(), outbox.used()), (Some(&b"one"[..]), 3));
    }
    outbox.save(Some(b"a second and longer one"), 4).unwrap();
    outbox.save(Some(b"3"), 5).unwrap();
    outbox.save(Some(b""), 6).unwrap();
    drop(outbox);
    assert_eq!(open(&journal).memory(), Some(&b""[..]));
}

#[test]
fn damaged_memory_is_told() {
    let (_dir, journal) = fresh();
    append(&journal, "a");
    let mut outbox = open(&journal);
    outbox.save(Some(b"remembered"), 1).unwrap();
    drop(outbox);
    let path = journal.home().unwrap().join("fold/s.1");
    let good = fs::read(&path).unwrap();
    for at in 0..good.len() {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        // what stands between the checksum and the memory is nothing
        let is_read = (20..24).contains(&at);
        fs::write(&path, bytes).unwrap();
        let outbox = open(&journal);
        assert_eq!(outbox.memory().is_some(), is_read, "{at}");
        assert_eq!(outbox.doubt().is_none(), is_read, "{at}");
    }
    fs::remove_file(&path).unwrap();
    assert_eq!(open(&journal).memory(), None);
}

#[test]
fn lost_cursor_does_not_revive_old_memory() {
    let (_dir, journal) = fresh();
    append(&journal, "a");
    let mut outbox = open(&journal);
    outbox.save(Some(b"old"), 1).unwrap();
    outbox.save(Some(b"older"), 2).unwrap();
    drop(outbox);
    fs::remove_file(journal.home().unwrap().join("cursors/s")).unwrap();
    let mut outbox = open(&journal);
    assert_eq!((outbox.memory(), outbox.is_new()), (None, true));
    outbox.save(Some(b"new"), 3).unwrap();
    drop(outbox);
    assert_eq!(open(&journal).memory(), Some(&b"new"[..]));
}

#[test]
fn sink_begins_where_it_is_told() {
    let (_dir, journal) = fresh();
    append(&journal, "a");
    append(&journal, "b");
    let mut outbox = open(&journal);
    assert_eq!(ids(&outbox), ["a", "b"]);
    outbox.begin(Signal::Logs, From::Now).unwrap();
    assert_eq!(ids(&outbox), [""; 0]);
    append(&journal, "c");
    assert_eq!(ids(&outbox), ["c"]);
    outbox.begin(Signal::Logs, From::Everything).unwrap();
    assert_eq!(ids(&outbox), ["a", "b", "c"]);
    assert!(!outbox.is_new());
}

#[test]
fn saving_needs_no_longer_file() {
    let (_dir, journal) = fresh();
    append(&journal, "a");
    let mut outbox = open(&journal);
    let length = || {
        fs::metadata(journal.home().unwrap().join("cursors/s"))
            .unwrap()
            .len()
    };
    let before = length();
    for now in 0..5 {
        outbox.save(None, now).unwrap();
    }
    assert_eq!((before, length()), (8192, 8192));
}
