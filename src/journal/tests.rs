//! The journal's promises in one process; kills, errno and full disks are in `tests/faults`.

use super::{Change, Journal, Kept, LiveSpan, Owner, Place, Signal, file, home};
use crate::model::ids::SpanId;
use crate::model::{Log, Record, Span, to_line};
use crate::world::World;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;

fn journal_in(home: &Path, temp: &Path) -> Journal {
    let world = World::of(&[]);
    Journal::new(Place {
        home: Some(home.to_owned()),
        temp: temp.to_owned(),
        user: world.user_id(),
        pid: world.pid(),
        random: u64::from_le_bytes(world.random()),
    })
    .lock_timeout(Duration::from_millis(60))
}

pub(super) fn fresh() -> (TempDir, Journal) {
    let dir = tempfile::tempdir().unwrap();
    let journal = journal_in(&dir.path().join("home"), dir.path());
    (dir, journal)
}

pub(super) fn line(id: &str) -> Vec<u8> {
    to_line(&Log {
        timestamp: 1,
        message: "m".repeat(40),
        id: id.to_owned(),
        ..Log::default()
    })
}

pub(super) fn append(journal: &Journal, id: &str) {
    let kept = journal.append(Signal::Logs, &line(id), 1);
    assert!(matches!(kept, Kept::Journal), "{kept:?}");
}

/// Ids read back, in order, and the number of damaged lines.
fn read(journal: &Journal) -> (Vec<String>, u64) {
    let mut reader = journal.reader(Signal::Logs);
    let mut ids = Vec::new();
    reader.for_each(|line| match Signal::Logs.read(line.bytes) {
        Ok(record) => {
            ids.push(record.identity());
            true
        }
        Err(_) => false,
    });
    (ids, reader.damaged)
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o777
}

#[test]
fn folders_and_files_are_private() {
    let (_dir, journal) = fresh();
    append(&journal, "a");
    let home = journal.home().unwrap();
    assert_eq!(mode(home), 0o700);
    assert_eq!(mode(&home.join("sealed")), 0o700);
    assert_eq!(mode(&home.join("logs.log")), 0o600);
}

#[test]
fn torn_tail_is_sealed_off() {
    let (_dir, journal) = fresh();
    append(&journal, "a");
    let path = journal.home().unwrap().join("logs.log");
    let whole = fs::read(&path).unwrap();
    for cut in 1..whole.len() - 1 {
        fs::write(&path, [&whole[..], &whole[..cut]].concat()).unwrap();
        append(&journal, "b");
        assert_eq!(
            read(&journal),
            (vec!["a".to_owned(), "b".to_owned()], 1),
            "cut at {cut}"
        );
    }
}

#[test]
fn rotation_numbers_rise_and_nothing_is_lost() {
    let (_dir, journal) = fresh();
    let journal = journal.rotate_bytes(300);
    let ids: Vec<String> = (0..30).map(|n| format!("{n:02}")).collect();
    ids.iter().for_each(|id| append(&journal, id));
    let mut sealed: Vec<String> = fs::read_dir(journal.home().unwrap().join("sealed"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    sealed.sort();
    assert_eq!(sealed[0], "logs-00000001.jsonl");
    assert_eq!(
        sealed.last().unwrap(),
        &format!("logs-{:08}.jsonl", sealed.len())
    );
    assert_eq!(read(&journal), (ids, 0));
}

#[test]
fn rotation_cut_between_link_and_unlink_is_finished() {
    let (_dir, journal) = fresh();
    append(&journal, "a");
    let home = journal.home().unwrap();
    fs::hard_link(
        home.join("logs.log"),
        home.join("sealed/logs-00000001.jsonl"),
    )
    .unwrap();
    append(&journal, "b");
    append(&journal, "c");
    assert_eq!(read(&journal).0, ["a", "b", "c"]);
    assert_eq!(
        fs::symlink_metadata(home.join("logs.log")).unwrap().nlink(),
        1
    );
}

#[test]
fn external_rename_and_truncate_lose_nothing_new() {
    let (_dir, journal) = fresh();
    append(&journal, "a");
    let path = journal.home().unwrap().join("logs.log");
    fs::rename(&path, path.with_extension("old")).unwrap();
    append(&journal, "b");
    fs::File::create(&path).unwrap();
    append(&journal, "c");
    assert_eq!(read(&journal), (vec!["c".to_owned()], 0));
}

#[test]
fn held_lock_spills_and_trips_the_breaker() {
    let (_dir, journal) = fresh();
    append(&journal, "a");
    let path = journal.home().unwrap().join("logs.log");
    let holder = fs::File::open(&path).unwrap();
    fs2::FileExt::lock_exclusive(&holder).unwrap();
    let begin = Instant::now();
    assert!(matches!(
        journal.append(Signal::Logs, &line("b"), 5),
        Kept::Spill(_)
    ));
    let waited = begin.elapsed();
    assert!(waited >= Duration::from_millis(60), "{waited:?}");
    let begin = Instant::now();
    assert!(matches!(
        journal.append(Signal::Logs, &line("c"), 6),
        Kept::Spill(_)
    ));
    assert!(begin.elapsed() < waited);
    drop(holder);
    append(&journal, "d");
    assert_eq!(
        read(&journal),
        (
            vec!["b", "c", "a", "d"]
                .into_iter()
                .map(String::from)
                .collect(),
            0
        )
    );
}

#[test]
fn links_pipes_and_folders_are_refused() {
    let (dir, journal) = fresh();
    append(&journal, "a");
    let path = journal.home().unwrap().join("logs.log");
    let outside = dir.path().join("outside");
    fs::write(&outside, "mine\n").unwrap();
    let swap = |make: &dyn Fn()| {
        let _ = fs::remove_file(&path);
        let _ = fs::remove_dir(&path);
        make();
        let kept = journal.append(Signal::Logs, &line("b"), 5);
        assert!(matches!(kept, Kept::Spill(_)), "{kept:?}");
    };
    swap(&|| symlink(&outside, &path).unwrap());
    swap(&|| symlink("/dev/full", &path).unwrap());
    swap(&|| fs::create_dir(&path).unwrap());
    let mut places = 3;
    #[cfg(target_os = "linux")] // elsewhere there is no mknodat to call safely
    {
        use rustix::fs::{CWD, FileType, Mode, mknodat};
        let mode = Mode::RUSR | Mode::WUSR;
        swap(&|| mknodat(CWD, &path, FileType::Fifo, mode, 0).unwrap());
        places += 1;
    }
    assert_eq!(fs::read_to_string(&outside).unwrap(), "mine\n");
    assert_eq!(read(&journal).0.len(), places);
}

#[test]
fn no_home_at_all_uses_the_second_place() {
    let dir = tempfile::tempdir().unwrap();
    let blocked = dir.path().join("file");
    fs::write(&blocked, "x").unwrap();
    let journal = journal_in(&blocked.join("home"), dir.path());
    assert!(matches!(
        journal.append(Signal::Logs, &line("a"), 5),
        Kept::Spill(_)
    ));
    assert_eq!(read(&journal), (vec!["a".to_owned()], 0));
    let nowhere = journal_in(&blocked.join("home"), &blocked);
    let Kept::Nowhere(error) = nowhere.append(Signal::Logs, &line("b"), 5) else {
        panic!("kept nowhere");
    };
    assert!(
        error
            .to_string()
            .starts_with("could not keep a record of logs: "),
        "{error}"
    );
}

#[test]
fn span_without_a_home_lives_in_the_second_place() {
    let dir = tempfile::tempdir().unwrap();
    let blocked = dir.path().join("file");
    fs::write(&blocked, "x").unwrap();
    let journal = journal_in(&blocked.join("home"), dir.path());
    let (id, live) = live(None);
    journal.start_live(&id, &live).unwrap();
    assert_eq!(journal.live_spans().len(), 1);
    assert!(journal.change_live(&id, |_| Change::Keep).unwrap());
    let ended = journal.end_live(&id, 30, |live| to_line(&live.span));
    assert!(ended.unwrap().unwrap().1.accepted());
    assert_eq!((spans(&journal).len(), journal.live_spans().len()), (1, 0));
}

#[test]
fn second_place_of_somebody_else_is_refused() {
    let (dir, journal) = fresh();
    let root = journal.second_root();
    fs::create_dir(&root).unwrap();
    fs::set_permissions(&root, fs::Permissions::from_mode(0o777)).unwrap();
    let blocked = dir.path().join("file");
    fs::write(&blocked, "x").unwrap();
    let journal = journal_in(&blocked.join("home"), dir.path());
    assert!(!journal.append(Signal::Logs, &line("a"), 5).accepted());
}

#[test]
fn foreign_events_log_goes_to_legacy_untouched() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    fs::create_dir(&home).unwrap();
    let seed = "{\n  \"event_type\": \"x\",\n  \"data\": {}\n}\n";
    fs::write(home.join("events.log"), seed).unwrap();
    let journal = journal_in(&home, dir.path());
    append(&journal, "a");
    assert_eq!(
        fs::read_to_string(home.join("legacy/events-0001.log")).unwrap(),
        seed
    );
    assert!(!home.join("events.log").exists());
    // decided once: foreign lines that come later are skipped and counted
    fs::write(home.join("events.log"), seed).unwrap();
    append(&journal, "b");
    assert!(home.join("events.log").exists());
    let mut reader = journal.reader(Signal::Events);
    reader.for_each(|line| Signal::Events.read(line.bytes).is_ok());
    assert_eq!(reader.damaged, 4);
}

#[test]
fn own_events_log_stays() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    fs::create_dir(&home).unwrap();
    let event = to_line(&crate::model::Event {
        event_id: "evt_1".to_owned(),
        event_type: "t".to_owned(),
        event_version: "1.0".to_owned(),
        ..crate::model::Event::default()
    });
    fs::write(home.join("events.log"), [b"junk\n", &event[..]].concat()).unwrap();
    append(&journal_in(&home, dir.path()), "a");
    assert!(home.join("events.log").exists() && !home.join("legacy").exists());
}

#[test]
fn foreign_owner_is_refused() {
    let (_dir, journal) = fresh();
    append(&journal, "a");
    let mut place = journal.place;
    place.user += 1;
    assert!(Journal::new(place).ready().is_err());
}

#[test]
fn reader_takes_only_whole_lines() {
    let (_dir, journal) = fresh();
    append(&journal, "a");
    let path = journal.home().unwrap().join("logs.log");
    let mut bytes = fs::read(&path).unwrap();
    bytes.extend_from_slice(b"\0\0\0\nnot json\n{\"torn\":");
    fs::write(&path, &bytes).unwrap();
    assert_eq!(read(&journal), (vec!["a".to_owned()], 2));
}

#[test]
fn line_longer_than_the_buffer_is_read() {
    let (_dir, journal) = fresh();
    let big = to_line(&Log {
        id: "big".to_owned(),
        message: "x".repeat(3 << 20),
        ..Log::default()
    });
    assert!(journal.append(Signal::Logs, &big, 1).accepted());
    append(&journal, "a");
    assert_eq!(read(&journal), (vec!["big".to_owned(), "a".to_owned()], 0));
}

#[test]
fn follower_crosses_rotations_and_sees_spill() {
    let (_dir, journal) = fresh();
    let journal = journal.rotate_bytes(200);
    append(&journal, "before");
    let mut reader = journal.reader(Signal::Logs);
    reader.for_each(|_| true);
    let mut follower = journal.follower(Signal::Logs, reader);
    let mut seen = Vec::new();
    let mut expected = Vec::new();
    for n in 0..20 {
        append(&journal, &format!("{n:02}"));
        expected.push(format!("{n:02}"));
        if n % 7 == 0 {
            follower.poll(&journal, |line| {
                seen.push(Signal::Logs.read(line).unwrap().identity())
            });
        }
    }
    journal.spill(
        Signal::Logs,
        &line("spilled"),
        9,
        std::io::Error::other("test"),
    );
    expected.push("spilled".to_owned());
    follower.poll(&journal, |line| {
        seen.push(Signal::Logs.read(line).unwrap().identity())
    });
    assert_eq!(seen, expected);
}

#[test]
fn fsck_copies_then_blanks_in_place() {
    let (_dir, journal) = fresh();
    append(&journal, "a");
    let path = journal.home().unwrap().join("logs.log");
    let mut bytes = fs::read(&path).unwrap();
    let damage = b"{\"torn\":\x00\xff";
    bytes.extend_from_slice(damage);
    fs::write(&path, &bytes).unwrap();
    append(&journal, "b");
    let length = fs::metadata(&path).unwrap().len();

    let found = journal.check(false, 7).unwrap();
    assert_eq!((found.records, found.findings.len()), (2, 1));
    assert_eq!(found.findings[0].length, damage.len() as u64);
    let mended = journal.check(true, 7).unwrap();
    let copy = mended.findings[0].copy.as_ref().unwrap();
    assert_eq!(fs::read(copy).unwrap(), damage);
    assert_eq!(fs::metadata(&path).unwrap().len(), length);
    assert_eq!(read(&journal), (vec!["a".to_owned(), "b".to_owned()], 0));
    assert!(journal.check(false, 8).unwrap().findings.is_empty());
}

fn live(owner: Option<Owner>) -> (SpanId, LiveSpan) {
    let id = SpanId::parse("00f067aa0ba902b7").unwrap();
    let span = Span {
        timestamp: 10,
        name: "s".to_owned(),
        trace_id: "4bf92f3577b34da6a3ce929d0e0e4736".to_owned(),
        span_id: id.to_string(),
        ..Span::default()
    };
    let live = LiveSpan {
        span,
        owners: owner.into_iter().collect(),
        expires: None,
        changed: 20,
        done: false,
        reported: None,
    };
    (id, live)
}

fn spans(journal: &Journal) -> Vec<Span> {
    let mut found = Vec::new();
    journal.reader(Signal::Spans).for_each(|line| {
        if let Ok(Record::Span(span)) = Signal::Spans.read(line.bytes) {
            found.push(*span);
        }
        true
    });
    found
}

#[test]
fn live_span_changes_and_ends_once() {
    let (_dir, journal) = fresh();
    let (id, live) = live(None);
    journal.start_live(&id, &live).unwrap();
    let changed = journal.change_live(&id, |live| {
        live.span.name = "renamed".to_owned();
        Change::Keep
    });
    assert!(changed.unwrap());
    let finish = |live: &mut LiveSpan| {
        live.span.finish(30);
        to_line(&live.span)
    };
    assert!(
        journal
            .end_live(&id, 30, finish)
            .unwrap()
            .unwrap()
            .1
            .accepted()
    );
    assert!(journal.end_live(&id, 31, finish).unwrap().is_none());
    assert!(!journal.change_live(&id, |_| Change::Keep).unwrap());
    let found = spans(&journal);
    assert_eq!(
        (found.len(), found[0].name.as_str(), found[0].end),
        (1, "renamed", 30)
    );
    assert_eq!(
        fs::read_dir(journal.home().unwrap().join("live"))
            .unwrap()
            .count(),
        0
    );
}

#[test]
fn ended_span_that_a_crash_kept_back_is_appended() {
    let (_dir, journal) = fresh();
    let (id, mut live) = live(None);
    live.done = true;
    live.span.finish(30);
    journal.start_live(&id, &live).unwrap();
    assert_eq!(
        journal
            .sweep_live(&World::of(&[]), 99, |span| to_line(&span))
            .0,
        1
    );
    assert_eq!(spans(&journal)[0].end, 30);
    assert!(journal.live_spans().is_empty());
}

#[test]
#[cfg(target_os = "linux")] // owners are known by /proc
fn abandoned_span_is_reported_once_and_may_still_end() {
    let (_dir, journal) = fresh();
    let world = World::of(&[]);
    let mut owner = Owner::of(world.pid(), &world).unwrap();
    let (id, running) = live(Some(owner.clone()));
    assert_eq!(running.state(&world, 99), super::State::Running);
    owner.start += 1; // the pid was given to another process
    let (_, lost) = live(Some(owner));
    assert_eq!(lost.state(&world, 99), super::State::Abandoned);
    journal.start_live(&id, &lost).unwrap();
    assert_eq!(journal.sweep_live(&world, 99, |span| to_line(&span)).0, 1);
    assert_eq!(journal.sweep_live(&world, 99, |span| to_line(&span)).0, 0);
    let found = spans(&journal);
    assert!(found[0].obs.abandoned && found[0].end == 20 && found[0].status.message == "abandoned");
    let ended = journal.end_live(&id, 120, |live| {
        live.span.finish(120);
        to_line(&live.span)
    });
    assert!(ended.unwrap().unwrap().1.accepted());
    assert!(!spans(&journal)[1].obs.abandoned);
    assert!(journal.live_spans().is_empty());
}

#[test]
#[cfg(target_os = "linux")] // owners are known by /proc
fn owner_elsewhere_is_never_called_gone() {
    let world = World::of(&[]);
    let owner = Owner::of(world.pid(), &world).unwrap();
    let boot = owner.space.split(' ').next().unwrap().to_owned();
    let elsewhere = Owner {
        pid: u32::MAX,
        space: format!("{boot} pid:[1]"),
        start: owner.start,
        host: owner.host.clone(),
    };
    assert_eq!(
        live(Some(elsewhere)).1.state(&world, 99),
        super::State::Running
    );
    let before_reboot = Owner {
        space: "other pid:[1]".to_owned(),
        ..owner
    };
    assert_eq!(
        live(Some(before_reboot)).1.state(&world, 99),
        super::State::Abandoned
    );
    let (_, mut timed) = live(None);
    timed.expires = Some(50);
    assert_eq!(
        (timed.state(&world, 49), timed.state(&world, 50)),
        (super::State::Running, super::State::Abandoned)
    );
}

#[test]
fn rename_never_replaces() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (dir.path().join("a"), dir.path().join("b"));
    fs::write(&a, "a").unwrap();
    fs::write(&b, "b").unwrap();
    assert_eq!(
        file::rename_new(&a, &b).unwrap_err().kind(),
        std::io::ErrorKind::AlreadyExists
    );
    assert_eq!(fs::read_to_string(&b).unwrap(), "b");
    home::make_folder(&dir.path().join("x/y")).unwrap();
    assert_eq!(mode(&dir.path().join("x")), 0o700);
}

#[test]
fn troubles_are_noted_and_bounded() {
    let (_dir, journal) = fresh();
    let why = "w".repeat(1000);
    for _ in 0..600 {
        journal.trouble(1, "spilled", &why);
    }
    let home = journal.home().unwrap();
    let size = |name: &str| fs::metadata(home.join(name)).map_or(0, |found| found.len());
    assert!(size("diagnostics.log") + size("diagnostics.log.1") < 600 * 1024);
    assert!(size("diagnostics.log.1") > 0);
}
