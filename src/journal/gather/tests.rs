//! Spill that is gathered, with a kill at every step, and what readers see meanwhile.

use super::super::tests::{append, fresh, line};
use super::super::{From, Outbox};
use super::*;
use std::io::Error;

fn spill(journal: &Journal, id: &str, now: i64) {
    let kept = journal.spill(Signal::Logs, &line(id), now, Error::other("test"));
    assert!(kept.accepted());
}

fn ids(journal: &Journal) -> Vec<String> {
    let mut reader = journal.reader(Signal::Logs);
    let mut ids = Vec::new();
    reader.for_each(|line| match Signal::Logs.read(line.bytes) {
        Ok(record) => {
            ids.push(record.identity());
            true
        }
        Err(_) => false,
    });
    assert_eq!(reader.damaged, 0);
    ids
}

fn sent(outbox: &Outbox) -> Vec<String> {
    let mut batches = outbox.reader(Signal::Logs);
    let mut ids = Vec::new();
    while let Some(chunk) = batches.next((2, 1 << 20)).unwrap() {
        let records = chunk.lines.iter().map(|line| Signal::Logs.read(line));
        ids.extend(records.map(|record| record.unwrap().identity()));
    }
    ids
}

fn outbox(journal: &Journal) -> Outbox {
    let mut outbox = journal.outbox("s").unwrap().unwrap();
    outbox.begin(Signal::Logs, From::Everything).unwrap();
    outbox
}

fn spill_count(journal: &Journal) -> usize {
    journal.spill_of(Signal::Logs).len()
}

#[test]
fn spill_is_sent_and_gone() {
    let (_dir, journal) = fresh();
    append(&journal, "a");
    spill(&journal, "c", 2);
    spill(&journal, "b", 1);
    assert_eq!(sent(&outbox(&journal)), ["b", "c", "a"]);
    assert_eq!(spill_count(&journal), 0);
    assert_eq!(ids(&journal), ["b", "c", "a"]);
    let left = std::fs::read_dir(journal.home().unwrap().join("sealed")).unwrap();
    assert_eq!(left.count(), 1, "no temporary file");
}

#[test]
fn spill_beside_a_half_read_active_file_is_sent() {
    let (_dir, journal) = fresh();
    append(&journal, "a");
    let outbox = outbox(&journal);
    let mut batches = outbox.reader(Signal::Logs);
    assert_eq!(batches.next((9, 1 << 20)).unwrap().unwrap().lines.len(), 1);
    assert!(batches.next((9, 1 << 20)).unwrap().is_none());
    spill(&journal, "b", 1);
    append(&journal, "c");
    let chunk = batches.next((9, 1 << 20)).unwrap().unwrap();
    assert_eq!(chunk.lines, [line("c"), line("b")]);
    assert!(batches.next((9, 1 << 20)).unwrap().is_none());
    // another drain gathered it
    spill(&journal, "d", 2);
    assert_eq!(journal.gather(Signal::Logs).unwrap(), 1);
    assert_eq!(
        batches.next((9, 1 << 20)).unwrap().unwrap().lines,
        [line("d")]
    );
}

#[test]
fn both_spill_places_are_gathered() {
    let (dir, journal) = fresh();
    spill(&journal, "a", 1);
    let place = journal.second_place();
    journal.spill_folder(&place).unwrap();
    std::fs::write(place.join("logs-0002-1-x.jsonl"), line("b")).unwrap();
    std::fs::write(place.join("logs-0003-1-x.jsonl"), b"torn").unwrap();
    assert_eq!(journal.gather(Signal::Logs).unwrap(), 3);
    assert_eq!(spill_count(&journal), 0);
    let sealed = dir.path().join("home/sealed/logs-00000001.jsonl");
    let text = [&line("a")[..], &line("b"), b"torn\n"].concat();
    let mut expected = std::fs::read(&sealed).unwrap();
    expected.sort_unstable();
    let mut text = text;
    text.sort_unstable();
    assert_eq!(expected, text);
}

#[test]
fn kill_at_any_step_loses_and_doubles_nothing() {
    for step in 0_usize..5 {
        let (_dir, journal) = fresh();
        append(&journal, "active");
        for (now, id) in [(1, "a"), (2, "b"), (3, "c")] {
            spill(&journal, id, now);
        }
        let held = journal.hold_gathering(Signal::Logs, Duration::ZERO);
        let held = held.unwrap().unwrap();
        let mut files = journal.spill_of(Signal::Logs).into_iter();
        let (copy, note) = journal
            .copy_spill(Signal::Logs, &mut files)
            .unwrap()
            .unwrap();
        if step > 0 {
            held.write(NOTE, &serde_json::to_vec(&note).unwrap())
                .unwrap();
        }
        if step > 1 {
            assert_eq!(journal.name_copy(Signal::Logs, &copy).unwrap(), 1);
        }
        for path in note.spill.iter().take(step.saturating_sub(2)) {
            fs::remove_file(path).unwrap();
        }
        drop(held);
        let all = ["a", "b", "c", "active"];
        assert_eq!(ids(&journal), all, "read after step {step}");
        spill(&journal, "later", 9);
        assert_eq!(
            sent(&outbox(&journal)),
            ["a", "b", "c", "later", "active"],
            "{step}"
        );
        assert_eq!(spill_count(&journal), 0);
        assert!(
            !journal
                .home()
                .unwrap()
                .join("spill/gather-logs.note")
                .exists()
        );
    }
}

#[test]
fn damaged_spill_is_gathered_once() {
    let (_dir, journal) = fresh();
    append(&journal, "a");
    spill(&journal, "b", 1);
    let path = journal.spill_of(Signal::Logs).remove(0);
    fs::write(path, "no record\n").unwrap();
    let outbox = outbox(&journal);
    let chunk = outbox
        .reader(Signal::Logs)
        .next((9, 1 << 20))
        .unwrap()
        .unwrap();
    assert_eq!((chunk.lines, chunk.damaged), (vec![line("a")], 1));
    assert_eq!(
        (spill_count(&journal), journal.gather(Signal::Logs).unwrap()),
        (0, 0)
    );
}

#[test]
fn more_spill_than_one_file_takes() {
    let (_dir, journal) = fresh();
    for n in 0..FILES + 3 {
        spill(&journal, &n.to_string(), n as i64);
    }
    assert_eq!(journal.gather(Signal::Logs).unwrap(), FILES + 3);
    assert_eq!((spill_count(&journal), ids(&journal).len()), (0, FILES + 3));
    let sealed = list_sealed(&journal.home().unwrap().join("sealed"), Signal::Logs);
    assert_eq!(sealed.unwrap().len(), 2);
}

#[test]
fn held_lock_leaves_spill_and_sends_the_rest() {
    let (_dir, journal) = fresh();
    append(&journal, "a");
    spill(&journal, "b", 1);
    let holder = File::open(journal.home().unwrap().join("logs.log")).unwrap();
    fs2::FileExt::lock_exclusive(&holder).unwrap();
    let outbox = outbox(&journal);
    let mut batches = outbox.reader(Signal::Logs);
    assert_eq!(
        batches.next((9, 1 << 20)).unwrap().unwrap().lines,
        [line("a")]
    );
    let error = batches.next((9, 1 << 20)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert_eq!(ids(&journal), ["b", "a"]);
    drop(holder);
    assert_eq!(
        batches.next((9, 1 << 20)).unwrap().unwrap().lines,
        [line("b")]
    );
}

#[test]
fn gathering_of_another_is_told() {
    let (_dir, journal) = fresh();
    spill(&journal, "a", 1);
    let held = journal.hold_gathering(Signal::Logs, Duration::ZERO);
    let outbox = outbox(&journal);
    let mut batches = outbox.reader(Signal::Logs);
    let error = batches.next((9, 1 << 20)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    drop(held);
    assert_eq!(sent(&outbox), ["a"]);
}

#[test]
fn gathering_never_goes_below_a_number() {
    let (_dir, journal) = fresh();
    let journal = journal.rotate_bytes(1);
    append(&journal, "a");
    append(&journal, "b");
    spill(&journal, "c", 1);
    let sealed = journal.home().unwrap().join("sealed");
    fs::remove_file(sealed.join("logs-00000001.jsonl")).unwrap();
    journal.gather(Signal::Logs).unwrap();
    let mut numbers = list_sealed(&sealed, Signal::Logs).unwrap();
    numbers.sort();
    let numbers: Vec<u64> = numbers.into_iter().map(|(number, _)| number).collect();
    assert_eq!(numbers, [2, 3]);
}

#[test]
fn reader_that_was_opened_before_misses_nothing() {
    let (_dir, journal) = fresh();
    append(&journal, "a");
    spill(&journal, "b", 1);
    let mut reader = journal.reader(Signal::Logs);
    journal.gather(Signal::Logs).unwrap();
    let mut lines = Vec::new();
    reader.for_each(|line| {
        lines.push(line.bytes.to_vec());
        true
    });
    assert_eq!((lines, reader.damaged), (vec![line("a"), line("b")], 0));
}

#[test]
fn follower_tells_gathered_records_once() {
    let (_dir, journal) = fresh();
    append(&journal, "a");
    spill(&journal, "old", 1);
    let mut reader = journal.reader(Signal::Logs);
    reader.for_each(|_| true);
    let mut follower = journal.follower(Signal::Logs, reader);
    let mut seen = Vec::new();
    let mut poll = || follower.poll(&journal, |line| seen.push(line.to_vec()));
    spill(&journal, "b", 2);
    poll();
    spill(&journal, "c", 3);
    journal.gather(Signal::Logs).unwrap();
    poll();
    append(&journal, "d");
    poll();
    assert_eq!(seen, [line("b"), line("c"), line("d")]);
}
