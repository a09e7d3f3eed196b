//! The journal as an outbox under a storm: writers are killed and stopped, files rotate, acknowledged ones are removed,
//! and the consumer is killed too. Afterwards it has every record that was acknowledged to its writer.

use crate::rig::{self, Dice, Rig, Running};
use obs::journal::{Journal, Limits, Outbox, Place, Signal as Stream};
use rustix::process::Signal;
use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

const AT_ONCE: usize = 16;
const LENGTH: Duration = Duration::from_secs(4);
/// Names the folder of the storm to its consumer.
const FOLDER: &str = "OBS_STORM_FOLDER";

/// A writer that has been started, and when it goes on where it is stopped.
struct Writer {
    running: Running,
    resumes: Option<Instant>,
}

struct Storm {
    rig: Rig,
    dice: Dice,
    writers: Vec<Writer>,
    consumer: Running,
    started: usize,
    kills: usize,
    next_kill: Instant,
    /// Somebody who holds the lock of the active file, and until when.
    holder: Option<(File, Instant)>,
    /// So many records waited in spill at most.
    spilled: usize,
}

/// How many records wait in spill.
fn spill(rig: &Rig) -> usize {
    if !rig.home("spill").is_dir() {
        return 0;
    }
    let names = rig.names("home/spill").into_iter();
    names
        .filter(|name| name.starts_with("logs-") && name.ends_with(".jsonl"))
        .count()
}

fn consumer_of(rig: &Rig) -> Running {
    let own = std::env::current_exe().unwrap();
    let mut command = rig.command(own);
    command
        .args(["outbox::consumer_takes_all_there_is", "--exact"])
        .env(FOLDER, rig.path(""))
        .stdout(Stdio::null());
    Running::start(&mut command)
}

impl Storm {
    fn new(folder: &Path) -> Self {
        let rig = Rig::within(folder)
            .with("OBS_STRICT", "1")
            .with("OBS_ROTATE_BYTES", "65536")
            .with("OBS_LOG_STREAM", "off");
        fs::create_dir(rig.path("acks")).unwrap();
        let consumer = consumer_of(&rig);
        Self {
            rig,
            dice: Dice::new(11),
            writers: Vec::new(),
            consumer,
            started: 0,
            kills: 0,
            next_kill: Instant::now(),
            holder: None,
            spilled: 0,
        }
    }

    fn start(&mut self) {
        let name = self.started.to_string();
        self.started += 1;
        let count = [1, 1, 5, 40, 200][self.dice.roll(5)];
        let padding = "p".repeat(200);
        let lines: String = (0..count)
            .map(|n| format!("{name}-{n} {padding}\n"))
            .collect();
        let input = self.rig.path("input");
        fs::write(&input, lines).unwrap();
        let mut command = self.rig.command(rig::program());
        command
            .args(["log", "--stdin", "--print-id"])
            .stdin(File::open(&input).unwrap())
            .stdout(File::create(self.rig.path("acks").join(&name)).unwrap())
            .stderr(Stdio::null());
        let running = Running::start(&mut command);
        fs::remove_file(input).unwrap();
        self.writers.push(Writer {
            running,
            resumes: None,
        });
    }

    fn round(&mut self) {
        self.writers.retain_mut(|writer| !writer.running.is_over());
        while self.writers.len() < AT_ONCE {
            self.start();
        }
        let victim = self.dice.roll(AT_ONCE);
        let writer = &mut self.writers[victim];
        match self.dice.roll(100) {
            0..25 => writer.running.signal(Signal::KILL),
            25..35 => {
                writer.running.signal(Signal::STOP);
                let pause = Duration::from_millis(50 + self.dice.roll(600) as u64);
                writer.resumes = Some(Instant::now() + pause);
            }
            35..50 => self.hold_lock(),
            _ => {}
        }
        self.spilled = self.spilled.max(spill(&self.rig));
        self.release_lock(false);
        self.resume(false);
        if self.next_kill <= Instant::now() {
            self.kill_consumer();
        }
        std::thread::sleep(Duration::from_millis(3));
    }

    /// So that writers give up waiting and spill.
    fn hold_lock(&mut self) {
        let active = File::open(self.rig.home("logs.log"));
        if let (None, Ok(active)) = (&self.holder, active)
            && active.try_lock().is_ok()
        {
            self.holder = Some((active, Instant::now() + Duration::from_millis(400)));
        }
    }

    fn release_lock(&mut self, always: bool) {
        let over = |(_, until): &mut (File, Instant)| always || *until <= Instant::now();
        if let Some((active, _)) = self.holder.take_if(over) {
            active.unlock().unwrap();
        }
    }

    fn kill_consumer(&mut self) {
        self.consumer.signal(Signal::KILL);
        self.consumer.ended();
        self.consumer = consumer_of(&self.rig);
        self.kills += 1;
        self.next_kill = Instant::now() + Duration::from_millis(40 + self.dice.roll(160) as u64);
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
        // on a slow machine longer: until something has happened at all
        let is_calm = |storm: &Self| storm.kills < 5 || storm.spilled == 0;
        while begin.elapsed() < LENGTH || is_calm(&self) && begin.elapsed() < 10 * LENGTH {
            self.round();
        }
        self.release_lock(true);
        self.resume(true);
        for writer in &mut self.writers {
            writer.running.ended();
        }
        File::create(self.rig.path("stop")).unwrap();
        assert_eq!(self.consumer.ended(), 0);
        self.judge();
    }

    fn judge(&self) {
        let received = fs::read_to_string(self.rig.path("received")).unwrap();
        let mut times: HashMap<&str, usize> = HashMap::new();
        for line in received.lines().filter(|line| line.ends_with('}')) {
            let id = line.rsplit_once("\"id\":\"").expect(line).1;
            *times.entry(id.split('"').next().unwrap()).or_default() += 1;
        }
        let names = self.rig.names("acks");
        let acks = names
            .iter()
            .map(|name| fs::read_to_string(self.rig.path("acks").join(name)).unwrap());
        let acks: String = acks
            .map(|text| text[..text.rfind('\n').map_or(0, |end| end + 1)].to_owned())
            .collect();
        let lost: Vec<&str> = acks.lines().filter(|id| !times.contains_key(id)).collect();
        let twice: usize = times.values().map(|times| times - 1).sum();
        let sealed = self.rig.names("home/sealed").len();
        println!(
            "{} writers, {} consumers killed, {} acknowledged, {twice} twice, {} spilled, {sealed} left",
            self.started,
            self.kills,
            acks.lines().count(),
            self.spilled,
        );
        assert!(lost.is_empty(), "{} lost: {lost:?}", lost.len());
        assert!(acks.lines().count() > 100 && self.spilled > 0);
        assert!(
            sealed <= 2,
            "{sealed} files left: what was acknowledged was not removed"
        );
        assert_eq!(spill(&self.rig), 0);
    }
}

#[test]
fn storm_loses_nothing_on_its_way_out_of_a_disk() {
    Storm::new(&std::env::temp_dir()).rage();
}

#[test]
fn storm_loses_nothing_on_its_way_out_of_memory() {
    if Path::new("/dev/shm").is_dir() {
        Storm::new(Path::new("/dev/shm")).rage();
    }
}

#[test]
fn acknowledging_needs_no_free_space() {
    if !rig::may_mount() {
        return;
    }
    let rig = Rig::new();
    let own = std::env::current_exe().unwrap();
    let script = format!(
        "mount -t tmpfs -o size=256k,mode=700 tmpfs \"$OBS_HOME\"\n\
         for n in 1 2 3; do \"$OBS\" log -- \"$n\"; done >/dev/null\n\
         {FOLDER}={} {} outbox::cursor_is_saved_on_any_disk --exact",
        rig.path("").display(),
        own.display()
    );
    let run = crate::disks::unshared(&rig, &script);
    assert_eq!(run.code, 0, "{}", run.shown());
    assert!(run.stdout.contains("1 passed"), "{}", run.shown());
}

/// Also the process that the test above starts on a disk of its own, which it fills.
#[test]
fn cursor_is_saved_on_any_disk() {
    let own = Rig::new();
    let folder = given_folder();
    for text in ["1", "2", "3"] {
        own.obs(["log", "--", text]).fine();
    }
    let journal = journal_in(folder.as_deref().unwrap_or(&own.path("")));
    let mut outbox = opened(&journal);
    let mut batches = outbox.reader(Stream::Logs);
    let memory = vec![b'm'; 20_000];
    // both slots and both files of the memory are there once
    for now in 1..3 {
        let chunk = batches.next((1, 1 << 16)).unwrap().unwrap();
        outbox.acknowledge(Stream::Logs, chunk.mark);
        outbox.save(Some(&memory), now).unwrap();
    }
    if let Some(folder) = folder {
        fill(&folder.join("home/ballast"));
    }
    let chunk = batches.next((1, 1 << 16)).unwrap().unwrap();
    outbox.acknowledge(Stream::Logs, chunk.mark);
    outbox.save(Some(&memory), 3).unwrap();
    drop(outbox);
    let outbox = opened(&journal);
    assert_eq!((outbox.used(), outbox.doubt()), (3, None));
    assert!(outbox.reader(Stream::Logs).next((1, 1)).unwrap().is_none());
}

/// Writes until there is no room.
fn fill(ballast: &Path) {
    let mut ballast = File::create(ballast).unwrap();
    let full = loop {
        match ballast.write_all(&[1; 512]) {
            Ok(()) => {}
            Err(error) => break error.kind(),
        }
    };
    assert_eq!(full, std::io::ErrorKind::StorageFull);
}

/// Opens the outbox; the consumer that was killed before us may still be held by the kernel.
fn opened(journal: &Journal) -> Outbox {
    let mut outbox = None;
    rig::until("the lock of the outbox", || {
        outbox = journal.outbox("storm").unwrap();
        outbox.is_some()
    });
    outbox.unwrap()
}

/// The folder of the rig whose test started this process.
fn given_folder() -> Option<PathBuf> {
    std::env::var_os(FOLDER).map(PathBuf::from)
}

fn journal_in(folder: &Path) -> Journal {
    Journal::new(Place {
        home: Some(folder.join("home")),
        temp: folder.join("tmp"),
        user: rustix::process::geteuid().as_raw(),
        pid: std::process::id(),
        random: u64::from(std::process::id()) << 20,
    })
}

/// Also the process that storms start and kill.
#[test]
fn consumer_takes_all_there_is() {
    if let Some(folder) = given_folder() {
        return consume(&folder);
    }
    let rig = Rig::new().with("OBS_ROTATE_BYTES", "4096");
    for text in 0..30 {
        rig.obs(["log", "--", &text.to_string()]).fine();
    }
    File::create(rig.path("stop")).unwrap();
    consume(&rig.path(""));
    let received = fs::read_to_string(rig.path("received")).unwrap();
    assert_eq!(received.lines().filter(|line| !line.is_empty()).count(), 30);
}

/// Takes and acknowledges until it is told to stop and nothing is left.
fn consume(folder: &Path) {
    let journal = journal_in(folder);
    let mut outbox = opened(&journal);
    assert_eq!(outbox.doubt(), None);
    let mut received = OpenOptions::new();
    let received = received
        .create(true)
        .append(true)
        .open(folder.join("received"));
    let mut received = received.unwrap();
    // the one before may have been killed in the middle of a line
    received.write_all(b"\n").unwrap();
    let mut batches = outbox.reader(Stream::Logs);
    let limits = Limits {
        keep_bytes: 0,
        keep_days: 0,
        keep_free: 0,
        hard_bytes: u64::MAX,
    };
    for now in 1.. {
        let is_last = folder.join("stop").exists();
        let chunk = match batches.next((50, 1 << 16)) {
            Ok(None) if is_last => return,
            Ok(Some(chunk)) => chunk,
            Ok(None) => {
                std::thread::sleep(Duration::from_millis(2));
                continue;
            }
            // a stopped writer holds the lock: spill cannot be gathered now
            Err(error) => {
                assert_eq!(error.kind(), std::io::ErrorKind::TimedOut, "{error}");
                continue;
            }
        };
        received.write_all(&chunk.lines.concat()).unwrap();
        // as long as a network takes: most kills come here
        std::thread::sleep(Duration::from_millis(2));
        outbox.acknowledge(Stream::Logs, chunk.mark);
        outbox.save(None, now).unwrap();
        let retained = journal.retain(&limits, now).unwrap();
        assert!(retained.dropped.is_empty());
    }
}
