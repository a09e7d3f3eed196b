//! Reading in order, whatever happens to the files meanwhile.

use super::super::tests::{append, fresh};
use super::super::{Journal, Signal, tests};
use super::*;
use crate::model::{Log, to_line};
use std::fs::{self, OpenOptions};
use std::io::Write;

fn batches(journal: &Journal, mark: &Mark) -> Batches {
    Batches::new(journal.copy(), Signal::Logs, mark.clone())
}

fn identities(lines: &[Vec<u8>]) -> Vec<String> {
    let records = lines.iter().map(|line| Signal::Logs.read(line));
    records.map(|record| record.unwrap().identity()).collect()
}

/// All that is there now: ids, the last mark, damage.
fn rest(batches: &mut Batches, most: (usize, usize)) -> (Vec<String>, Mark, u64) {
    let (mut ids, mut damaged) = (Vec::new(), 0);
    while let Some(chunk) = batches.next(most).unwrap() {
        assert!(chunk.lines.len() <= most.0);
        ids.extend(identities(&chunk.lines));
        damaged += chunk.damaged;
    }
    (ids, batches.mark.clone(), damaged)
}

fn ids_after(journal: &Journal, mark: &Mark) -> Vec<String> {
    rest(&mut batches(journal, mark), (3, 1 << 20)).0
}

fn active(journal: &Journal) -> PathBuf {
    journal.home().unwrap().join("logs.log")
}

fn scribble(journal: &Journal, bytes: &[u8]) {
    let file = OpenOptions::new().append(true).open(active(journal));
    file.unwrap().write_all(bytes).unwrap();
}

fn names(from: usize, to: usize) -> Vec<String> {
    (from..to).map(|n| format!("{n:03}")).collect()
}

fn fill(journal: &Journal, from: usize, to: usize) {
    for name in names(from, to) {
        append(journal, &name);
    }
}

const MOST: (usize, usize) = (7, 1 << 20);

#[test]
fn every_cut_goes_on_where_it_was() {
    let (_dir, journal) = fresh();
    let journal = journal.rotate_bytes(600);
    fill(&journal, 0, 40);
    for cut in 1..20 {
        let mut reader = batches(&journal, &Mark::default());
        let mut seen = Vec::new();
        for _ in 0..cut {
            if let Some(chunk) = reader.next((3, 1 << 20)).unwrap() {
                seen.extend(identities(&chunk.lines));
            }
        }
        seen.extend(ids_after(&journal, &reader.mark));
        assert_eq!(seen, names(0, 40), "{cut}");
    }
}

#[test]
fn same_reader_goes_on_across_rotations() {
    let (_dir, journal) = fresh();
    let journal = journal.rotate_bytes(1_000);
    let mut reader = batches(&journal, &Mark::default());
    let mut seen = Vec::new();
    for n in 0..60 {
        fill(&journal, n, n + 1);
        if n % 4 == 0 {
            let (ids, mark, _) = rest(&mut reader, MOST);
            seen.extend(ids);
            assert_eq!(ids_after(&journal, &mark), [""; 0], "{n}");
        }
    }
    seen.extend(rest(&mut reader, MOST).0);
    assert_eq!(seen, names(0, 60));
    assert!(reader.next(MOST).unwrap().is_none());
}

#[test]
fn half_read_active_file_is_found_when_sealed() {
    let (_dir, journal) = fresh();
    fill(&journal, 0, 5);
    let mut reader = batches(&journal, &Mark::default());
    let chunk = reader.next((2, 1 << 20)).unwrap().unwrap();
    let journal = journal.rotate_bytes(1);
    fill(&journal, 5, 8);
    assert_eq!(ids_after(&journal, &chunk.mark), names(2, 8));
    assert_eq!(rest(&mut reader, MOST).0, names(2, 8));
}

#[test]
fn bounds_of_a_batch_hold() {
    let (_dir, journal) = fresh();
    let length = tests::line("000").len();
    fill(&journal, 0, 9);
    let big = to_line(&Log {
        id: "big".to_owned(),
        message: "x".repeat(3 << 20),
        ..Log::default()
    });
    journal.append(Signal::Logs, &big, 1);
    append(&journal, "end");
    let mut reader = batches(&journal, &Mark::default());
    let mut sizes = Vec::new();
    while let Some(chunk) = reader.next((4, length * 3)).unwrap() {
        sizes.push(chunk.lines.len());
    }
    assert_eq!(sizes, [3, 3, 3, 1, 1]);
    let mut reader = batches(&journal, &Mark::default());
    assert_eq!(reader.next((2, 1 << 20)).unwrap().unwrap().lines.len(), 2);
}

#[test]
fn damage_is_counted_and_blanks_are_not() {
    let (_dir, journal) = fresh();
    scribble_new(&journal, b"noise\n      \n\0\0\0\n");
    append(&journal, "a");
    scribble(&journal, b"{\"torn\":");
    let mut reader = batches(&journal, &Mark::default());
    assert_eq!(rest(&mut reader, MOST).0, ["a"]);
    append(&journal, "b");
    let (ids, mark, damaged) = rest(&mut reader, MOST);
    assert_eq!((ids, damaged), (vec!["b".to_owned()], 1));
    let (ids, _, damaged) = rest(&mut batches(&journal, &Mark::default()), MOST);
    assert_eq!((ids.len(), damaged), (2, 3));
    assert_eq!(ids_after(&journal, &mark), [""; 0]);
}

fn scribble_new(journal: &Journal, bytes: &[u8]) {
    append(journal, "x");
    fs::write(active(journal), bytes).unwrap();
}

#[test]
fn damage_alone_moves_the_mark() {
    let (_dir, journal) = fresh();
    append(&journal, "a");
    let mut reader = batches(&journal, &Mark::default());
    let before = rest(&mut reader, MOST).1;
    scribble(&journal, b"noise\n");
    let chunk = reader.next(MOST).unwrap().unwrap();
    assert_eq!((chunk.lines.len(), chunk.damaged), (0, 1));
    assert_ne!(chunk.mark, before);
    assert!(reader.next(MOST).unwrap().is_none());
}

#[test]
fn unended_rest_waits_in_active_and_is_damage_in_sealed() {
    let (_dir, journal) = fresh();
    append(&journal, "a");
    let whole = tests::line("b");
    let (head, tail) = whole.split_at(20);
    scribble(&journal, head);
    let mut reader = batches(&journal, &Mark::default());
    assert_eq!(
        rest(&mut reader, MOST),
        (vec!["a".to_owned()], reader.mark.clone(), 0)
    );
    scribble(&journal, tail);
    assert_eq!(rest(&mut reader, MOST).0, ["b"]);
    scribble(&journal, head);
    fs::rename(
        active(&journal),
        journal.home().unwrap().join("sealed/logs-00000001.jsonl"),
    )
    .unwrap();
    append(&journal, "c");
    let (ids, mark, damaged) = rest(&mut reader, MOST);
    assert_eq!((ids, damaged), (vec!["c".to_owned()], 1));
    assert_eq!(mark.finished, 1);
}

#[test]
fn truncated_file_is_read_again() {
    let (_dir, journal) = fresh();
    fill(&journal, 0, 6);
    let mut reader = batches(&journal, &Mark::default());
    let mark = rest(&mut reader, MOST).1;
    let length = fs::metadata(active(&journal)).unwrap().len();
    let file = OpenOptions::new()
        .write(true)
        .open(active(&journal))
        .unwrap();
    file.set_len(length / 2).unwrap();
    assert_eq!(ids_after(&journal, &mark), names(0, 3));
    assert_eq!(rest(&mut reader, MOST).0, names(0, 3));
    file.set_len(0).unwrap();
    fill(&journal, 10, 12);
    assert_eq!(ids_after(&journal, &mark), names(10, 12));
    assert_eq!(rest(&mut reader, MOST).0, names(10, 12));
    // written anew, and longer than before
    file.set_len(0).unwrap();
    fill(&journal, 20, 30);
    assert_eq!(rest(&mut reader, MOST).0, names(20, 30));
}

#[test]
fn changed_last_line_reads_the_file_again() {
    let (_dir, journal) = fresh();
    fill(&journal, 0, 3);
    let mut reader = batches(&journal, &Mark::default());
    let mark = rest(&mut reader, MOST).1;
    let mut bytes = fs::read(active(&journal)).unwrap();
    let at = bytes.len() - tests::line("002").len();
    let changed = tests::line("00X");
    bytes[at..].copy_from_slice(&changed);
    let file = OpenOptions::new()
        .write(true)
        .open(active(&journal))
        .unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, &bytes, 0).unwrap();
    assert_eq!(ids_after(&journal, &mark), ["000", "001", "00X"]);
    assert_eq!(rest(&mut reader, MOST).0, ["000", "001", "00X"]);
}

#[test]
fn newline_that_was_taken_back_repeats_nothing() {
    let (_dir, journal) = fresh();
    append(&journal, "a");
    scribble(&journal, b"{\"torn\":");
    let length = fs::metadata(active(&journal)).unwrap().len();
    scribble(&journal, b"\n");
    let mut reader = batches(&journal, &Mark::default());
    assert_eq!(rest(&mut reader, MOST).0, ["a"]);
    let file = OpenOptions::new()
        .write(true)
        .open(active(&journal))
        .unwrap();
    file.set_len(length).unwrap();
    assert_eq!(rest(&mut reader, MOST).0, [""; 0]);
    append(&journal, "b");
    assert_eq!(rest(&mut reader, MOST).0, ["b"]);
}

#[test]
fn file_of_another_journal_is_read_from_its_start() {
    let (_dir, journal) = fresh();
    let journal = journal.rotate_bytes(1);
    fill(&journal, 0, 4);
    let mark = rest(&mut batches(&journal, &Mark::default()), MOST).1;
    assert_eq!((mark.finished, ids_after(&journal, &mark).len()), (4, 0));
    let sealed = journal.home().unwrap().join("sealed");
    fs::remove_dir_all(&sealed).unwrap();
    fill(&journal, 10, 12);
    assert_eq!(
        ids_after(&journal, &mark),
        names(10, 12),
        "numbers are lower"
    );
    fill(&journal, 12, 15);
    assert_eq!(
        ids_after(&journal, &mark),
        names(10, 15),
        "the file is another"
    );
}

#[test]
fn removed_sealed_files_are_passed_over() {
    let (_dir, journal) = fresh();
    let journal = journal.rotate_bytes(1);
    fill(&journal, 0, 5);
    let sealed = journal.home().unwrap().join("sealed");
    for number in [1, 3] {
        fs::remove_file(sealed.join(format!("logs-{number:08}.jsonl"))).unwrap();
    }
    assert_eq!(ids_after(&journal, &Mark::default()), ["001", "003", "004"]);
}

#[test]
fn moved_active_file_is_read_to_its_end() {
    let (_dir, journal) = fresh();
    fill(&journal, 0, 2);
    let mut reader = batches(&journal, &Mark::default());
    assert_eq!(rest(&mut reader, MOST).0, names(0, 2));
    fill(&journal, 2, 4);
    fs::rename(active(&journal), active(&journal).with_extension("1")).unwrap();
    assert_eq!(rest(&mut reader, MOST).0, names(2, 4));
    fill(&journal, 4, 6);
    assert_eq!(rest(&mut reader, MOST).0, names(4, 6));
}

#[test]
fn older_records_are_passed_over() {
    let (_dir, journal) = fresh();
    let write = |time: i64, id: &str| {
        let line = to_line(&Log {
            timestamp: time * 1_000_000_000,
            id: id.to_owned(),
            message: "\"timestamp\":\"2030-01-01T00:00:00Z\"".to_owned(),
            ..Log::default()
        });
        assert!(journal.append(Signal::Logs, &line, 1).accepted());
    };
    for (time, id) in [(1, "a"), (2, "b"), (5, "c"), (3, "d"), (6, "e")] {
        write(time, id);
    }
    let mark = Mark {
        since: Some(4_000_000_000),
        ..Mark::default()
    };
    let mut reader = batches(&journal, &mark);
    let first = reader.next((1, 1 << 20)).unwrap().unwrap();
    assert_eq!(identities(&first.lines), ["c"]);
    assert_eq!(ids_after(&journal, &first.mark), ["d", "e"]);
    // a sink that began while the clock was ahead
    let mark = Mark {
        since: Some(9_000_000_000),
        ..Mark::default()
    };
    let (none, mark, _) = rest(&mut batches(&journal, &mark), MOST);
    assert_eq!(none, [""; 0]);
    write(7, "f");
    assert_eq!(ids_after(&journal, &mark), ["f"]);
}

#[test]
fn unreadable_file_is_an_error_and_skips_nothing() {
    let (_dir, journal) = fresh();
    let journal = journal.rotate_bytes(1);
    fill(&journal, 0, 2);
    let second = journal.home().unwrap().join("sealed/logs-00000002.jsonl");
    let away = second.with_extension("away");
    fs::rename(&second, &away).unwrap();
    fs::create_dir(&second).unwrap();
    let mut reader = batches(&journal, &Mark::default());
    assert_eq!(
        identities(&reader.next(MOST).unwrap().unwrap().lines),
        ["000"]
    );
    assert!(reader.next(MOST).is_err() && reader.next(MOST).is_err());
    fs::remove_dir(&second).unwrap();
    fs::rename(&away, &second).unwrap();
    assert_eq!(rest(&mut reader, MOST).0, ["001"]);
}

#[test]
fn lines_that_are_reused_hold_only_the_new() {
    let (_dir, journal) = fresh();
    fill(&journal, 0, 20);
    let mut reader = batches(&journal, &Mark::default());
    let mut seen = Vec::new();
    while let Some(chunk) = reader.next((3, 1 << 20)).unwrap() {
        seen.extend(identities(&chunk.lines));
        reader.reuse(chunk.lines.into_iter().chain([vec![b'x'; 700]]));
    }
    assert_eq!(seen, names(0, 20));
}

#[test]
fn readers_may_work_on_another_thread() {
    fn is_send<T: Send>(_: &T) {}
    let (_dir, journal) = fresh();
    is_send(&batches(&journal, &Mark::default()));
}
