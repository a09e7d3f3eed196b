//! `-f`: everything that is recorded, once, in order, across rotation and spill.

use super::{log, put};
use crate::sandbox::{Sandbox, have, program};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// A running `obs … -f`; dropping it ends it.
struct Following {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Following {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    fn of(sandbox: &Sandbox, words: &[&str]) -> Self {
        let mut command = sandbox.command(program());
        command.args(words);
        Self::start(command)
    }

    /// Messages up to and with this one.
    fn up_to(&mut self, last: &str) -> Vec<String> {
        let mut messages = Vec::new();
        for line in &mut self.lines {
            let record: Value = serde_json::from_str(&line.unwrap()).unwrap();
            messages.push(record["message"].as_str().unwrap().to_owned());
            if messages.last().is_some_and(|message| message == last) {
                break;
            }
        }
        messages
    }

    /// Waits until it has opened a file.
    fn has_open(&self, name: &str) {
        let hang = Instant::now() + Duration::from_secs(20);
        loop {
            let open = fs::read_dir(format!("/proc/{}/fd", self.child.id()))
                .into_iter()
                .flatten()
                .flatten();
            let mut open = open.filter_map(|entry| fs::read_link(entry.path()).ok());
            if open.any(|path| path.ends_with(name)) {
                return;
            }
            assert!(Instant::now() < hang, "never opened {name}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn numbered(from: u32, to: u32) -> (String, Vec<String>) {
    let all: Vec<String> = (from..=to).map(|n| format!("m{n}")).collect();
    (
        all.iter().map(|message| format!("{message}\n")).collect(),
        all,
    )
}

#[test]
fn following_crosses_rotation() {
    let sandbox = Sandbox::new()
        .with("OBS_ROTATE_BYTES", "4096")
        .with("OBS_LOG_STREAM", "off");
    let (input, mut expected) = numbered(1, 20);
    sandbox
        .obs_with(input.as_bytes(), &["log", "--stdin"])
        .quiet();
    let mut following = Following::of(&sandbox, &["logs", "-f", "--json"]);
    assert_eq!(following.up_to("m20"), expected);
    for (from, to) in [(21, 25), (26, 140), (141, 142)] {
        let (input, more) = numbered(from, to);
        sandbox
            .obs_with(input.as_bytes(), &["log", "--stdin"])
            .quiet();
        expected = more;
        assert_eq!(following.up_to(&format!("m{to}")), expected);
    }
    let sealed = fs::read_dir(sandbox.path("journal/sealed"))
        .unwrap()
        .count();
    assert!(sealed >= 5, "only {sealed} sealed files");
}

#[test]
fn following_starts_before_the_first_record() {
    let sandbox = Sandbox::new()
        .with("OBS_ROTATE_BYTES", "4096")
        .with("OBS_LOG_STREAM", "off");
    let mut following = Following::of(&sandbox, &["logs", "-f", "--json"]);
    // a record of another signal shows that it runs and sees nothing yet
    sandbox.obs(["emit", "other.signal"]).quiet();
    std::thread::sleep(Duration::from_millis(50));
    let (input, expected) = numbered(1, 60);
    sandbox
        .obs_with(input.as_bytes(), &["log", "--stdin"])
        .quiet();
    assert_eq!(following.up_to("m60"), expected);
}

#[test]
fn following_starts_right_after_a_rotation() {
    let sandbox = Sandbox::new()
        .with("OBS_ROTATE_BYTES", "4096")
        .with("OBS_LOG_STREAM", "off");
    put(&sandbox, "sealed/logs-00000001.jsonl", log(1, "old", ""));
    let mut following = Following::of(&sandbox, &["logs", "-f", "--json"]);
    assert_eq!(following.up_to("old"), ["old"]);
    let (input, expected) = numbered(1, 60);
    sandbox
        .obs_with(input.as_bytes(), &["log", "--stdin"])
        .quiet();
    assert_eq!(following.up_to("m60"), expected);
}

#[test]
fn following_shows_a_record_of_the_start_once() {
    if !have("strace") {
        return;
    }
    let sandbox = Sandbox::new().with("OBS_LOG_STREAM", "off");
    put(&sandbox, "logs.log", log(1, "old", ""));
    // held for a moment between opening the journal and reading it
    let mut command = sandbox.command("strace");
    command.args(["-D", "-qq", "-o", "/dev/null", "-e", "trace=pread64"]);
    command.args(["-e", "inject=pread64:delay_enter=700000:when=1", "-P"]);
    command.arg(sandbox.path("journal/logs.log"));
    command.args([program(), "logs", "-f", "--json"]);
    let mut following = Following::start(command);
    following.has_open("logs.log");
    std::thread::sleep(Duration::from_millis(100));
    sandbox.obs(["log", "meanwhile"]).quiet();
    assert_eq!(following.up_to("meanwhile"), ["old", "meanwhile"]);
    sandbox.obs(["log", "last"]).quiet();
    assert_eq!(following.up_to("last"), ["last"]);
}

#[test]
fn following_filters_and_reads_spill() {
    let sandbox = Sandbox::new().with("OBS_LOG_STREAM", "off");
    put(&sandbox, "logs.log", log(1, "old", ""));
    let mut following = Following::of(
        &sandbox,
        &["logs", "-f", "--json", "--limit", "1", "--level", "error"],
    );
    let spill = "spill/logs-00000000000000000001-1-00000000";
    sandbox.obs(["log", "info", "not asked for"]).quiet();
    sandbox.obs(["log", "error", "appended"]).quiet();
    assert_eq!(following.up_to("appended"), ["appended"]);
    put(
        &sandbox,
        &format!("{spill}.tmp"),
        log(2, "spilled", "").replace("INFO", "ERROR"),
    );
    let (from, to) = (format!("{spill}.tmp"), format!("{spill}.jsonl"));
    fs::rename(sandbox.journal().join(from), sandbox.journal().join(to)).unwrap();
    assert_eq!(following.up_to("spilled"), ["spilled"]);
}
