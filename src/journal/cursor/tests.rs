//! A cursor in every state that a crash or somebody else can leave it in.

use super::super::tests::{append, fresh};
use super::super::{From, Journal, Outbox};
use super::*;
use std::fs;
use std::path::PathBuf;

fn open(journal: &Journal) -> Outbox {
    journal.outbox("s").unwrap().unwrap()
}

fn path(journal: &Journal) -> PathBuf {
    journal.home().unwrap().join("cursors/s")
}

fn all(outbox: &Outbox) -> usize {
    let mut batches = outbox.reader(Signal::Logs);
    let mut lines = 0;
    while let Some(chunk) = batches.next((10, 1 << 20)).unwrap() {
        lines += chunk.lines.len();
    }
    lines
}

/// Three records, of which one and then two are acknowledged; the bytes of the cursor then.
fn two_saves() -> (tempfile::TempDir, Journal, Vec<u8>) {
    let (dir, journal) = fresh();
    for id in ["a", "b", "c"] {
        append(&journal, id);
    }
    let mut outbox = open(&journal);
    assert!(outbox.is_new() && outbox.doubt().is_none());
    outbox.begin(Signal::Logs, From::Everything).unwrap();
    let mut batches = outbox.reader(Signal::Logs);
    for now in 1..3 {
        let chunk = batches.next((1, 1 << 20)).unwrap().unwrap();
        outbox.acknowledge(Signal::Logs, chunk.mark);
        outbox.save(None, now).unwrap();
    }
    drop(outbox);
    let bytes = fs::read(path(&journal)).unwrap();
    (dir, journal, bytes)
}

/// Where the newest slot begins, and how much of it is used.
fn newest(bytes: &[u8]) -> (usize, usize) {
    let generation = |slot: usize| bytes[slot * SLOT + 8];
    let slot = usize::from(generation(1) > generation(0));
    let length = u32::from_le_bytes(
        bytes[slot * SLOT + 16..slot * SLOT + 20]
            .try_into()
            .unwrap(),
    );
    (slot * SLOT, HEAD + length as usize)
}

#[test]
fn saved_cursor_is_taken_up() {
    let (_dir, journal, _) = two_saves();
    let outbox = open(&journal);
    assert!(!outbox.is_new() && outbox.doubt().is_none());
    assert_eq!((outbox.used(), all(&outbox)), (2, 1));
    assert!(outbox.has(Signal::Logs) && !outbox.has(Signal::Spans));
}

#[test]
fn damaged_newest_slot_leaves_the_older() {
    let (_dir, journal, good) = two_saves();
    let (start, used) = newest(&good);
    for at in 0..used {
        for state in ["torn", "zeroed", "flipped"] {
            let mut bytes = good.clone();
            match state {
                // the older content of this slot is not there behind a torn write: zeros are
                "torn" => bytes[start + at..start + SLOT].fill(0),
                "zeroed" => bytes[start..=start + at].fill(0),
                _ => bytes[start + at] ^= 0x10,
            }
            if bytes == good {
                continue;
            }
            fs::write(path(&journal), &bytes).unwrap();
            let outbox = open(&journal);
            assert_eq!((outbox.used(), all(&outbox)), (1, 2), "{state} at {at}");
            assert!(outbox.doubt().is_none() && !outbox.is_new());
        }
    }
}

#[test]
fn cursor_that_cannot_be_believed_reads_everything() {
    let (_dir, journal, good) = two_saves();
    let garbage: Vec<u8> = (0..good.len()).map(|n| (n * 7 % 251) as u8).collect();
    let states: [&[u8]; 6] = [
        &[],
        &good[..20],
        &good[..90],
        &[0; 2 * SLOT],
        &garbage,
        b"x",
    ];
    for (number, bytes) in states.into_iter().enumerate() {
        fs::write(path(&journal), bytes).unwrap();
        for _ in 0..2 {
            // the doubt stays until something is saved
            let outbox = open(&journal);
            assert!(outbox.doubt().is_some() && !outbox.is_new(), "{number}");
            assert_eq!(all(&outbox), 3, "{number}");
        }
        let mut outbox = open(&journal);
        outbox.save(None, 9).unwrap();
        drop(outbox);
        assert_eq!(fs::metadata(path(&journal)).unwrap().len(), 2 * SLOT as u64);
        let outbox = open(&journal);
        assert_eq!((outbox.used(), outbox.doubt()), (9, None));
    }
}

#[test]
fn killed_creation_is_no_cursor() {
    let (_dir, journal) = fresh();
    append(&journal, "a");
    drop(open(&journal));
    fs::remove_file(path(&journal)).unwrap();
    fs::write(path(&journal).with_extension("tmp"), "half").unwrap();
    let outbox = open(&journal);
    assert!(outbox.is_new() && outbox.doubt().is_none());
}

#[test]
fn longest_cursor_fits_its_slot() {
    let (_dir, journal) = fresh();
    append(&journal, "a");
    let file = fs::File::open(journal.home().unwrap().join("logs.log")).unwrap();
    let tail = Tail::before(&file, 40, 40).unwrap();
    let identity = Identity::of(&file, Signal::Logs).unwrap().unwrap();
    let mut cursor = Cursor::default();
    (cursor.used, cursor.memory) = (i64::MIN, u64::MAX);
    for signal in Signal::ALL {
        let mut mark = Mark::default();
        for number in 0..100 {
            mark.keep(Place {
                identity,
                number: Some(u64::MAX - number),
                offset: u64::MAX,
                tail,
            });
        }
        mark.finished = u64::MAX;
        mark.last = Some(identity);
        mark.since = Some(i64::MIN);
        assert_eq!(mark.partial.len(), PARTIAL);
        cursor.set(signal, mark);
    }
    let file = tempfile::tempfile().unwrap();
    write(&file, 1, u64::MAX, &cursor).unwrap();
    assert_eq!(read(&file).unwrap().cursor, cursor);
}

#[test]
fn place_of_another_number_is_another_file() {
    let (_dir, journal) = fresh();
    append(&journal, "a");
    let file = fs::File::open(journal.home().unwrap().join("logs.log")).unwrap();
    let identity = Identity::of(&file, Signal::Logs).unwrap().unwrap();
    let place = |number, offset| Place {
        identity,
        number,
        offset,
        tail: Tail::default(),
    };
    let mut mark = Mark::default();
    mark.keep(place(None, 10));
    assert!(mark.place(identity, Some(3)).is_some(), "it was rotated");
    mark.keep(place(Some(3), 20));
    assert!(mark.place(identity, Some(4)).is_none());
    mark.keep(place(Some(4), 30));
    mark.keep(place(Some(4), 40));
    assert_eq!(mark.place(identity, Some(3)).unwrap().offset, 20);
    assert_eq!(mark.place(identity, Some(4)).unwrap().offset, 40);
    mark.finish(3, Some(identity));
    assert!(mark.place(identity, Some(3)).is_none());
    assert!(mark.place(identity, Some(4)).is_some());
}
