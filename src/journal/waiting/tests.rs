//! What waits is what a drain would read.

use super::super::From;
use super::super::tests::{append, fresh, line};
use super::*;

fn logs(journal: &Journal) -> (u64, u64, bool) {
    let waiting = journal.waiting("s").unwrap();
    let logs = waiting
        .iter()
        .find(|waiting| waiting.signal == Signal::Logs);
    logs.map(|logs| (logs.bytes, logs.records, logs.is_more))
        .unwrap()
}

#[test]
fn waiting_follows_the_cursor() {
    let (_dir, journal) = fresh();
    assert!(journal.waiting("s").unwrap().is_empty(), "nothing is there");
    let journal = journal.rotate_bytes(line("0").len() as u64 * 3);
    for n in 0..8 {
        append(&journal, &n.to_string());
    }
    let length = line("0").len() as u64;
    assert_eq!(logs(&journal), (8 * length, 8, false));
    let mut outbox = journal.outbox("s").unwrap().unwrap();
    outbox.begin(Signal::Logs, From::Everything).unwrap();
    let mut batches = outbox.reader(Signal::Logs);
    for left in [6, 4, 2, 0] {
        let chunk = batches.next((2, 1 << 20)).unwrap().unwrap();
        outbox.acknowledge(Signal::Logs, chunk.mark);
        outbox.save(None, 1).unwrap();
        assert_eq!(logs(&journal), (left * length, left, false));
    }
    journal.spill(Signal::Logs, &line("9"), 1, std::io::Error::other("test"));
    assert_eq!(logs(&journal), (length, 1, false));
}

#[test]
fn noise_alone_waits_for_nobody() {
    let (_dir, journal) = fresh();
    append(&journal, "a");
    let path = journal.home().unwrap().join("logs.log");
    fs::write(&path, "no record\n{\"torn\"\n").unwrap();
    assert_eq!(logs(&journal), (0, 0, false));
    append(&journal, "b");
    assert_eq!(logs(&journal).1, 3);
}

#[test]
fn only_so_many_lines_are_counted() {
    let (_dir, journal) = fresh();
    append(&journal, "a");
    let path = journal.home().unwrap().join("logs.log");
    let lines = line("b").repeat(12_000);
    fs::write(&path, &lines).unwrap();
    assert_eq!(logs(&journal), (lines.len() as u64, 10_000, true));
}
