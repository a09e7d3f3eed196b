//! Short-lived writers by the dozen while processes are killed and stopped at random, files rotate, and somebody moves
//! the active file away. Afterwards every acknowledged record is there, once, and no line holds two.

use crate::rig::{self, Dice, Rig, Running};
use rustix::process::Signal;
use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

const AT_ONCE: usize = 24;
const LENGTH: Duration = Duration::from_millis(2_500);

/// A running writer.
struct Writer {
    running: Running,
    /// When it goes on, where it is stopped.
    resumes: Option<Instant>,
}

struct Storm {
    rig: Rig,
    dice: Dice,
    /// Length of a message.
    size: usize,
    /// How many records a writer may be asked for.
    counts: &'static [usize],
    writers: Vec<Writer>,
    started: usize,
    killed: usize,
    stopped: usize,
    moved: usize,
}

/// The text of a record: who wrote it, and a padding that no other writer's text can continue.
fn message(writer: usize, number: usize, size: usize) -> String {
    let letter = char::from(b'a' + (writer % 26) as u8);
    format!("{writer}-{number} {}", letter.to_string().repeat(size))
}

/// A member of a journalled line whose text has nothing to escape.
fn member<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(&format!("\"{name}\":\""))?;
    rest.split_once('"').map(|(text, _)| text)
}

impl Storm {
    fn new(folder: &Path, size: usize, rotate: usize, counts: &'static [usize]) -> Self {
        let rig = Rig::within(folder)
            .with("OBS_STRICT", "1")
            .with("OBS_ROTATE_BYTES", &rotate.to_string());
        for folder in ["acks", "input"] {
            fs::create_dir(rig.path(folder)).unwrap();
        }
        Self {
            rig,
            dice: Dice::new(size as u64),
            size,
            counts,
            writers: Vec::new(),
            started: 0,
            killed: 0,
            stopped: 0,
            moved: 0,
        }
    }

    fn start(&mut self) {
        let number = self.started;
        self.started += 1;
        let count = self.counts[self.dice.roll(self.counts.len())];
        let name = number.to_string();
        let (input, acks) = (
            self.rig.path("input").join(&name),
            self.rig.path("acks").join(&name),
        );
        let lines: String = (0..count)
            .map(|n| format!("{}\n", message(number, n, self.size)))
            .collect();
        fs::write(&input, lines).unwrap();
        let mut errors = OpenOptions::new();
        let errors = errors
            .create(true)
            .append(true)
            .open(self.rig.path("errors"));
        let mut command: Command = self.rig.command(rig::program());
        command
            .args(["log", "--stdin", "--print-id"])
            .stdin(File::open(&input).unwrap())
            .stdout(File::create(acks).unwrap())
            .stderr(errors.unwrap());
        let running = Running::start(&mut command);
        fs::remove_file(input).unwrap();
        self.writers.push(Writer {
            running,
            resumes: None,
        });
    }

    /// One round: writers that ended are replaced, then something may happen to one of them.
    fn round(&mut self) {
        self.writers.retain_mut(|writer| !writer.running.is_over());
        for _ in self.writers.len()..AT_ONCE {
            self.start();
            self.strike();
        }
        self.strike();
        self.resume(false);
        std::thread::sleep(Duration::from_millis(2));
    }

    /// What logrotate does.
    fn move_away(&mut self) {
        let away = self.rig.home(&format!("moved-{}.log", self.moved));
        let moved = fs::rename(self.rig.home("logs.log"), away);
        self.moved += usize::from(moved.is_ok());
    }

    /// Maybe kills or stops a writer.
    fn strike(&mut self) {
        let victim = self.dice.roll(self.writers.len());
        match self.dice.roll(100) {
            0..25 => {
                self.writers[victim].running.signal(Signal::KILL);
                self.killed += 1;
            }
            25..32 => {
                let pause = Duration::from_millis(50 + self.dice.roll(750) as u64);
                let writer = &mut self.writers[victim];
                writer.running.signal(Signal::STOP);
                writer.resumes = Some(Instant::now() + pause);
                self.stopped += 1;
            }
            _ => {}
        }
    }

    fn resume(&mut self, all: bool) {
        for writer in &mut self.writers {
            if writer.resumes.is_some_and(|at| all || at <= Instant::now()) {
                writer.running.signal(Signal::CONT);
                writer.resumes = None;
            }
        }
    }

    fn rage(mut self) {
        let begin = Instant::now();
        let mut next_move = begin;
        while begin.elapsed() < LENGTH {
            self.round();
            if next_move <= Instant::now() {
                self.move_away();
                next_move = Instant::now() + LENGTH / 20;
            }
        }
        self.resume(true);
        for writer in &mut self.writers {
            writer.running.ended();
        }
        let acked = self.acked();
        println!(
            "{} writers, {} killed, {} stopped, {} moves, {} acknowledged, {} sealed, {} spilled",
            self.started,
            self.killed,
            self.stopped,
            self.moved,
            acked.len(),
            self.rig.names("home/sealed").len(),
            self.rig.names("home/spill").len()
        );
        assert!(acked.len() > 20 && self.killed > 5 && self.stopped > 0 && self.moved > 0);
        let errors = fs::read_to_string(self.rig.path("errors")).unwrap_or_default();
        assert!(!errors.contains("UNSAVED"), "{errors}");
        self.judge(&acked);
        self.no_line_holds_two();
    }

    /// Ids that were printed, which they are once the record is kept.
    fn acked(&self) -> Vec<String> {
        let names = self.rig.names("acks");
        let texts = names
            .iter()
            .map(|name| fs::read_to_string(self.rig.path("acks").join(name)).unwrap());
        texts
            .flat_map(|text| {
                let whole = text.rfind('\n').map_or(0, |end| end + 1);
                text[..whole].lines().map(str::to_owned).collect::<Vec<_>>()
            })
            .collect()
    }

    fn judge(&self, acked: &[String]) {
        let (mut lines, _) = self.rig.lines("logs");
        for n in 0..self.moved {
            let moved = fs::read(self.rig.home(&format!("moved-{n}.log"))).unwrap();
            let whole = moved
                .iter()
                .rposition(|byte| *byte == b'\n')
                .map_or(0, |end| end + 1);
            let text = String::from_utf8_lossy(&moved[..whole]).into_owned();
            lines.extend(
                text.lines()
                    .filter(|line| line.ends_with('}'))
                    .map(str::to_owned),
            );
        }
        let mut ids = HashMap::<&str, usize>::new();
        let mut texts = HashMap::<&str, usize>::new();
        for line in &lines {
            let text = member(line, "message").expect(line);
            *ids.entry(member(line, "id").expect(line)).or_default() += 1;
            let key = text.split(' ').next().unwrap();
            *texts.entry(key).or_default() += 1;
            let (writer, number) = key.split_once('-').unwrap();
            let whole = message(writer.parse().unwrap(), number.parse().unwrap(), self.size);
            assert!(text == whole, "mixed: {line}");
        }
        let lost: Vec<&String> = acked
            .iter()
            .filter(|id| !ids.contains_key(id.as_str()))
            .collect();
        assert!(lost.is_empty(), "{} lost: {lost:?}", lost.len());
        let twice = |counts: &HashMap<&str, usize>| counts.values().filter(|n| **n > 1).count();
        assert_eq!(
            (twice(&ids), twice(&texts)),
            (0, 0),
            "records that are there twice"
        );
    }

    /// In no file does a torn line swallow the record behind it.
    fn no_line_holds_two(&self) {
        for folder in ["home", "home/sealed", "home/spill"] {
            for name in self.rig.names(folder) {
                let path: PathBuf = self.rig.path(folder).join(&name);
                if path.is_dir() || !name.contains('-') && name != "logs.log" {
                    continue;
                }
                let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
                for line in text.lines() {
                    let starts = line.matches("{\"timestamp\":").count();
                    assert!(starts <= 1, "{name}: {line}");
                }
            }
        }
    }
}

#[test]
fn storm_of_small_records_on_disk() {
    Storm::new(&std::env::temp_dir(), 300, 65_536, &[1, 1, 5, 40, 200]).rage();
}

#[test]
fn storm_of_mixed_rotations_in_memory() {
    if Path::new("/dev/shm").is_dir() {
        Storm::new(Path::new("/dev/shm"), 300, 4_096, &[1, 1, 5, 40]).rage();
    }
}

#[test]
fn storm_of_large_records_on_disk() {
    Storm::new(&std::env::temp_dir(), 20_000, 65_536, &[1, 1, 5, 20]).rage();
}

#[test]
fn storm_of_huge_records_in_memory() {
    if Path::new("/dev/shm").is_dir() {
        Storm::new(Path::new("/dev/shm"), 200_000, 65_536, &[1, 2, 4]).rage();
    }
}
