//! Many at once and much at rest: 64 writers, a soak of every hot command, and how much memory one process takes.

use crate::rig::{self, Rig, Running, is_release};
use std::collections::HashSet;
use std::fs::{self, File};
use std::io::Write;
use std::process::Stdio;
use std::time::{Duration, Instant};

const WRITERS: usize = 64;

#[test]
fn sixty_four_writers_lose_nothing() {
    let rig = Rig::new()
        .with("OBS_STRICT", "1")
        .with("OBS_LOG_STREAM", "off");
    let each = if is_release() { 500 } else { 50 };
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let rig = &rig;
            scope.spawn(move || {
                for n in 0..each {
                    let message = format!("{writer}-{n}");
                    let mut command = rig.command(rig::program());
                    let status = command.args(["log", &message, "k=v", "n:=1"]).status();
                    assert!(status.unwrap().success(), "{message}");
                }
            });
        }
    });
    let (lines, said) = rig.lines("logs");
    assert_eq!((lines.len(), said.as_str()), (WRITERS * each, ""));
    let messages: HashSet<&str> = lines
        .iter()
        .map(|line| {
            line.split("\"message\":\"")
                .nth(1)
                .unwrap()
                .split('"')
                .next()
                .unwrap()
        })
        .collect();
    assert_eq!(messages.len(), WRITERS * each);
}

#[test]
fn soak_of_every_hot_command() {
    let rig = Rig::new()
        .with("OBS_STRICT", "1")
        .with("OBS_ROTATE_BYTES", "100000");
    let commands: [&[&str]; 4] = [
        &["log", "m", "k=v"],
        &["emit", "soak.done", "k=v"],
        &["metric", "inc", "soaks_total", "k=v"],
        &["span", "record", "soak", "--start", "1"],
    ];
    let end = Instant::now() + Duration::from_secs(5);
    let made: Vec<usize> = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (rig, args) = (&rig, commands[writer % commands.len()]);
                scope.spawn(move || {
                    let mut made = 0;
                    while Instant::now() < end {
                        rig.obs(args).fine();
                        made += 1;
                    }
                    made
                })
            })
            .collect();
        writers
            .into_iter()
            .map(|writer| writer.join().unwrap())
            .collect()
    });
    for (index, signal) in ["logs", "events", "metrics-points", "spans"]
        .iter()
        .enumerate()
    {
        let expected: usize = made.iter().skip(index).step_by(commands.len()).sum();
        let (lines, said) = rig.lines(signal);
        assert_eq!((lines.len(), said.as_str()), (expected, ""), "{signal}");
    }
    rig.obs(["fsck"]).fine();
}

#[test]
fn one_call_stays_below_four_megabytes() {
    if !is_release() {
        return rig::skip("memory is a promise of the release build; set OBS_RELEASE");
    }
    let rig = Rig::new().with("OBS_LOCK_TIMEOUT", "30000");
    rig.obs(["log", "first"]).fine();
    let holder = rig::hold(&rig.home("logs.log"));
    // it waits for the lock with the record made: there is no more memory to come
    let mut command = rig.command(rig::program());
    command.args(["log", "mine", "a=1", "b:=2", "c=3"]);
    let mut running = Running::start(command.stdout(Stdio::null()));
    let active = rig.home("logs.log");
    rig::until("the journal is open", || running.has_open(&active));
    let peak = running.peak();
    drop(holder);
    assert_eq!(running.ended(), 0);
    assert!(peak <= 4 * 1024, "{peak} kB");
}

#[test]
fn filtered_reading_streams_a_large_journal() {
    let rig = Rig::new();
    rig.obs(["log", "needle", "hay=no"]).fine();
    let needle = fs::read_to_string(rig.home("logs.log")).unwrap();
    let hay = needle
        .replace("needle", "straw")
        .replace("\"no\"", "\"yes\"");
    let block = hay.repeat(4_000);
    let mut written = 0;
    for number in 1..=2 {
        let sealed = rig.home(&format!("sealed/logs-{number:08}.jsonl"));
        let mut file = File::create(sealed).unwrap();
        while written < number * 25_000_000 {
            file.write_all(block.as_bytes()).unwrap();
            written += block.len();
        }
    }
    // following keeps the process there after it has read everything
    let out = rig.path("out");
    let mut command = rig.command(rig::program());
    command.args(["logs", "--json", "--follow", "--where", "hay=no"]);
    let running = Running::start(command.stdout(File::create(&out).unwrap()));
    rig::until("the needle", || fs::read_to_string(&out).unwrap() == needle);
    let peak = running.peak();
    assert!(peak <= 64 * 1024, "{peak} kB for {written} bytes");
}
