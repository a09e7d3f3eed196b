//! Readers and followers beside writers: rotation, external moves and truncation. A reader sees what was acknowledged
//! before it began, a follower sees every record once, nobody sees half a line.

use crate::rig::{self, Rig, Running, have};
use crate::strace::Stopped;
use rustix::process::Signal;
use std::collections::HashMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Longer than a follower waits between two looks.
const A_LOOK: Duration = Duration::from_millis(300);

/// The id of a journalled log line.
fn id(line: &str) -> Option<&str> {
    line.split("\"id\":\"").nth(1)?.split('"').next()
}

/// Ids of printed lines, each with how often it is there.
fn counts(text: &str) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for line in text.lines() {
        let id = id(line).filter(|_| line.starts_with('{') && line.ends_with('}'));
        *counts.entry(id.expect(line).to_owned()).or_default() += 1;
    }
    counts
}

/// `obs logs --follow --json`, its output in a file.
struct Follower {
    running: Running,
    out: PathBuf,
}

impl Follower {
    fn start(rig: &Rig, name: &str) -> Self {
        let out = rig.path(name);
        let mut command = rig.command(rig::program());
        command.args(["logs", "--follow", "--json"]);
        let running = Running::start(command.stdout(File::create(&out).unwrap()));
        Self { running, out }
    }

    /// Stops it while something happens.
    fn looking_away(&self, happens: impl FnOnce()) {
        self.running.signal(Signal::STOP);
        happens();
        self.running.signal(Signal::CONT);
    }

    /// Asserts that it printed these ids, each once.
    #[track_caller]
    fn saw(self, ids: &[String]) {
        judge(&watched(&self.out, ids.len()), ids);
    }
}

/// What a follower prints; it gets the time to print that many lines, and one look more.
fn watched(out: &Path, lines: usize) -> String {
    let mut text = String::new();
    for _ in 0..20 {
        std::thread::sleep(A_LOOK);
        text = fs::read_to_string(out).unwrap();
        if text.lines().count() >= lines {
            break;
        }
    }
    std::thread::sleep(A_LOOK);
    fs::read_to_string(out).unwrap_or(text)
}

#[track_caller]
fn judge(text: &str, ids: &[String]) {
    let counts = counts(text);
    let missing = ids.iter().filter(|id| !counts.contains_key(*id)).count();
    let twice = counts.values().filter(|count| **count > 1).count();
    assert_eq!(
        (missing, twice),
        (0, 0),
        "missing and doubled of {}",
        ids.len()
    );
}

/// Records `count` messages, one process each, and notes each id as soon as its process has ended.
fn write(rig: &Rig, count: usize, size: usize, acked: &Mutex<Vec<String>>) {
    let message = "m".repeat(size);
    for _ in 0..count {
        let run = rig.obs(["log", "--print-id", "--", &message]).fine();
        acked.lock().unwrap().push(run.stdout.trim().to_owned());
    }
}

fn small_files() -> Rig {
    Rig::new()
        .with("OBS_STRICT", "1")
        .with("OBS_ROTATE_BYTES", "4096")
}

#[test]
fn readers_beside_rotations_miss_nothing() {
    let rig = small_files();
    let acked = Mutex::new(Vec::new());
    let done = AtomicBool::new(false);
    write(&rig, 1, 10, &acked);
    let follower = Follower::start(&rig, "followed");
    rig::until("the follower is up", || {
        fs::metadata(&follower.out).unwrap().len() > 0
    });
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| write(&rig, 200, 10, &acked)))
            .collect();
        let reader = scope.spawn(|| {
            let mut reads = 0;
            while !done.load(Ordering::Relaxed) {
                let before = acked.lock().unwrap().clone();
                let (lines, said) = rig.lines("logs");
                assert_eq!(said, "");
                let counts = counts(&lines.join("\n"));
                let missing = before
                    .iter()
                    .filter(|id| counts.get(*id) != Some(&1))
                    .count();
                assert_eq!(missing, 0, "of {}", before.len());
                reads += 1;
            }
            reads
        });
        writers
            .into_iter()
            .for_each(|writer| writer.join().unwrap());
        done.store(true, Ordering::Relaxed);
        assert!(reader.join().unwrap() > 5);
    });
    assert!(rig.names("home/sealed").len() > 30);
    follower.saw(&acked.into_inner().unwrap());
}

#[test]
fn follower_of_nothing_misses_nothing() {
    let rig = small_files();
    let follower = Follower::start(&rig, "followed");
    std::thread::sleep(A_LOOK);
    let acked = Mutex::new(Vec::new());
    follower.looking_away(|| write(&rig, 100, 10, &acked));
    assert!(rig.names("home/sealed").len() > 3);
    follower.saw(&acked.into_inner().unwrap());
}

#[test]
fn follower_beside_writers_doubles_nothing() {
    let rig = Rig::new().with("OBS_STRICT", "1");
    let acked = Mutex::new(Vec::new());
    write(&rig, 1, 10, &acked);
    let followers: Vec<Follower> = std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| write(&rig, 150, 10, &acked));
        }
        let start = |n| {
            std::thread::sleep(Duration::from_millis(10));
            Follower::start(&rig, &format!("followed-{n}"))
        };
        (0..12).map(start).collect()
    });
    let acked = acked.into_inner().unwrap();
    for follower in followers {
        follower.saw(&acked);
    }
}

#[test]
fn record_while_opening_is_shown_once() {
    if !have("strace") {
        return;
    }
    let rig = Rig::new().with("OBS_STRICT", "1");
    let acked = Mutex::new(Vec::new());
    write(&rig, 1, 10, &acked);
    let active = rig.home("logs.log").to_str().unwrap().to_owned();
    for (n, call) in ["open,openat", "pread64"].iter().enumerate() {
        let fault = format!("{call}:signal=SIGSTOP:when=1");
        let name = format!("followed-{n}");
        let args = ["logs", "--follow", "--json"];
        let follower = Stopped::start(&rig, &name, &[&fault, &active], &args);
        write(&rig, 1, 10, &acked);
        follower.resume();
        let acked = acked.lock().unwrap().clone();
        let text = watched(&rig.path(&name), acked.len());
        drop(follower);
        judge(&text, &acked);
    }
}

#[test]
fn follower_crosses_an_external_move() {
    let rig = small_files();
    let acked = Mutex::new(Vec::new());
    write(&rig, 1, 10, &acked);
    let follower = Follower::start(&rig, "followed");
    rig::until("the follower is up", || {
        fs::metadata(&follower.out).unwrap().len() > 0
    });
    for n in 0..3 {
        write(&rig, 3, 10, &acked);
        // what logrotate does, then more than one file's worth before the follower looks again
        follower.looking_away(|| {
            let _ = fs::rename(rig.home("logs.log"), rig.path(&format!("moved-{n}")));
            write(&rig, 60, 10, &acked);
        });
        std::thread::sleep(A_LOOK);
    }
    follower.saw(&acked.into_inner().unwrap());
}

#[test]
fn large_records_are_never_seen_half() {
    let rig = Rig::new().with("OBS_STRICT", "1");
    let acked = Mutex::new(Vec::new());
    let done = AtomicBool::new(false);
    write(&rig, 1, 10, &acked);
    let text = "x".repeat(200_000);
    fs::write(rig.path("large"), format!("{text}\n").repeat(40)).unwrap();
    let follower = Follower::start(&rig, "followed");
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let run = rig.obs_from(&rig.path("large"), &["log", "--stdin", "--print-id"]);
                    let ids = run.fine().stdout;
                    acked.lock().unwrap().extend(ids.lines().map(str::to_owned));
                })
            })
            .collect();
        let reader = scope.spawn(|| {
            let mut reads = 0;
            while !done.load(Ordering::Relaxed) {
                let (lines, said) = rig.lines("logs");
                assert_eq!(said, "", "a line in the making is no damage");
                for line in &lines {
                    let whole = line.len() < 1_000 || line.contains(&text);
                    assert!(whole && line.ends_with('}'), "{} bytes", line.len());
                }
                reads += 1;
            }
            reads
        });
        writers
            .into_iter()
            .for_each(|writer| writer.join().unwrap());
        done.store(true, Ordering::Relaxed);
        assert!(reader.join().unwrap() > 0);
    });
    follower.saw(&acked.into_inner().unwrap());
}

#[test]
fn external_moves_beside_writers_lose_nothing() {
    let rig = Rig::new().with("OBS_STRICT", "1");
    let acked = Mutex::new(Vec::new());
    let moved = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| write(&rig, 150, 10, &acked)))
            .collect();
        let mut moved = 0;
        while writers.iter().any(|writer| !writer.is_finished()) {
            let away = rig.path(&format!("moved-{moved}"));
            moved += usize::from(fs::rename(rig.home("logs.log"), away).is_ok());
            std::thread::sleep(Duration::from_millis(4));
        }
        moved
    });
    let mut text = rig.lines("logs").0.join("\n");
    for n in 0..moved {
        text.push('\n');
        text.push_str(&fs::read_to_string(rig.path(&format!("moved-{n}"))).unwrap());
    }
    let text: String = text
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| format!("{line}\n"))
        .collect();
    let counts = counts(&text);
    let acked = acked.into_inner().unwrap();
    let wrong = acked
        .iter()
        .filter(|id| counts.get(*id) != Some(&1))
        .count();
    assert_eq!(wrong, 0, "of {} with {moved} moves", acked.len());
    assert!(moved > 10);
}

#[test]
fn truncation_beside_writers_leaves_no_hole() {
    let rig = Rig::new().with("OBS_STRICT", "1");
    let acked = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| write(&rig, 150, 10, &acked)))
            .collect();
        while writers.iter().any(|writer| !writer.is_finished()) {
            let journal = File::options().write(true).open(rig.home("logs.log"));
            let _ = journal.map(|file| file.set_len(0));
            let (_, said) = rig.lines("logs");
            assert_eq!(said, "");
        }
    });
    let bytes = fs::read(rig.home("logs.log")).unwrap();
    assert!(!bytes.contains(&0));
    rig.obs(["fsck"]).fine();
    write(&rig, 3, 10, &acked);
    let acked = acked.into_inner().unwrap();
    let found = counts(&rig.lines("logs").0.join("\n"));
    assert!(
        acked[acked.len() - 3..]
            .iter()
            .all(|id| found.contains_key(id))
    );
}
