//! SIGKILL at every single system call of an append, of every step of a started span, and of a repair. What was there
//! stays, what was acknowledged is there, the next call works, nothing is doubled.

use crate::rig::{Outcome, Rig, have};
use crate::stage::{Stage, Supply};
use crate::strace::{self, Call};
use serde_json::Value;
use std::fs;

const SIGKILL: i32 = 128 + 9;
const SPAN: &str = "00f067aa0ba902b7";
const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn kill(rig: &Rig, call: &Call, args: &[&str]) -> Outcome {
    let fault = format!("{}:signal=SIGKILL:when={}", call.name, call.number);
    strace::run(rig, &fault, args)
}

#[test]
fn kill_anywhere_in_an_append() {
    if !have("strace") {
        return;
    }
    let args = ["log", "--print-id", "mine"];
    let mut faults = Vec::new();
    for stage in Stage::ALL {
        let rig = stage.rig();
        let supply = Supply::new(&rig);
        let watched = stage.set(&rig, &supply);
        let calls = strace::calls(&rig, &args);
        drop(watched);
        let renames = calls.iter().any(|call| call.name.starts_with("rename"));
        assert_eq!(renames, [Stage::Full, Stage::Held].contains(&stage));
        let mut killed = 0;
        for call in &calls {
            let mut scene = stage.set(&rig, &supply);
            let run = kill(&rig, call, &args);
            killed += usize::from(run.code == SIGKILL);
            // the id is printed once the record is kept
            let acked = run.code == 0 || !run.stdout.is_empty();
            for fault in scene.faults(&rig, acked) {
                faults.push(format!("{stage:?}, {}: {fault}", call.text));
            }
        }
        assert!(killed > 25, "{stage:?}: only {killed} of {}", calls.len());
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// A home with one started span that belongs to nobody, so that no repair may call it abandoned.
struct Started {
    rig: Rig,
    live: Vec<u8>,
}

impl Started {
    fn new() -> Self {
        let rig = Rig::new().with("OBS_STRICT", "1");
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-1111111111111111-01";
        let args = ["span", "start", "s", "--owner", "0", "--parent", parent];
        let started = rig.obs(args).fine();
        let id = started.stdout.split('-').nth(2).unwrap().to_owned();
        let live = fs::read_to_string(rig.home("live").join(format!("{id}.json"))).unwrap();
        let live = live.replace(&id, SPAN).into_bytes();
        let rig = rig.with("TRACEPARENT", TRACEPARENT);
        Self { rig, live }
    }

    fn set(&self) {
        fs::remove_dir_all(self.rig.path("home")).unwrap();
        for folder in ["sealed", "live"] {
            fs::create_dir_all(self.rig.home(folder)).unwrap();
        }
        fs::write(
            self.rig.home("live").join(format!("{SPAN}.json")),
            &self.live,
        )
        .unwrap();
    }

    /// The span as its live file has it; none where there is no file. A torn one is a fault.
    fn live(&self) -> Option<Value> {
        let text = fs::read(self.rig.home("live").join(format!("{SPAN}.json"))).ok()?;
        let mut lines = text.rsplit(|byte| *byte == b'\n'); // the last whole line counts
        let whole = lines.find_map(|line| serde_json::from_slice(line).ok());
        Some(whole.expect("a torn live file"))
    }

    fn calls(&self, args: &[&str]) -> Vec<Call> {
        self.set();
        strace::calls(&self.rig, args)
    }
}

#[test]
fn kill_anywhere_in_a_span_start() {
    if !have("strace") {
        return;
    }
    let rig = Rig::new().with("OBS_STRICT", "1");
    let args = ["span", "start", "s", "--owner", "0"];
    let calls = strace::calls(&rig, &args);
    for call in &calls {
        let _ = fs::remove_dir_all(rig.path("home"));
        let run = kill(&rig, call, &args);
        let files = rig.names("home/live");
        let lives: Vec<&String> = files
            .iter()
            .filter(|name| name.ends_with(".json"))
            .collect();
        for name in &lives {
            let text = fs::read(rig.home("live").join(name)).unwrap();
            serde_json::from_slice::<Value>(&text).expect(&call.text);
        }
        // what the shell must eval is printed once the live file is there
        if !run.stdout.is_empty() {
            assert_eq!(lives.len(), 1, "{}: {}", call.text, run.shown());
        }
        let again = rig.obs(args).fine();
        let id = again.stdout.split('-').nth(2).unwrap();
        rig.obs(["span", "end", "--span", id]).fine();
        assert_eq!(rig.records("spans").len(), 1, "{}", call.text);
    }
}

#[test]
fn kill_anywhere_in_a_span_change() {
    if !have("strace") {
        return;
    }
    let started = Started::new();
    let rig = &started.rig;
    for args in [&["span", "set", "k=v"][..], &["span", "event", "moment"]] {
        for call in started.calls(args) {
            started.set();
            let run = kill(rig, &call, args);
            let live = started.live().expect(&call.text);
            let span = &live["span"];
            let changed = span["attributes"]["k"] == "v" || span["events"][0]["name"] == "moment";
            assert!(changed || run.code == SIGKILL, "{}", call.text);
            assert_ne!(live["done"], true, "{}", call.text);
            rig.obs(["span", "end"]).fine();
            let spans = rig.records("spans");
            assert_eq!(spans.len(), 1, "{}", call.text);
            let span = &spans[0];
            let kept = span["attributes"]["k"] == "v" || span["events"][0]["name"] == "moment";
            assert_eq!(kept, changed, "{}", call.text);
        }
    }
}

#[test]
fn kill_anywhere_in_a_span_end() {
    if !have("strace") {
        return;
    }
    let started = Started::new();
    let rig = &started.rig;
    let args = ["span", "end", "error", "why"];
    let calls = started.calls(&args);
    assert!(calls.len() > 40, "{calls:?}");
    for after in [&["fsck", "--repair"][..], &["span", "end", "ok"]] {
        for call in &calls {
            started.set();
            let run = kill(rig, call, &args);
            let live = started.live();
            let spans = rig.records("spans");
            let shown = || format!("{}, then {after:?}: {}", call.text, run.shown());
            assert!(spans.len() <= 1, "{}", shown());
            assert!(!spans.is_empty() || live.is_some(), "lost: {}", shown());
            rig.obs(after);
            let spans = rig.records("spans");
            let ended = after[0] == "span" || live.is_none_or(|live| live["done"] == true);
            assert_eq!(spans.len(), usize::from(ended), "{}", shown());
            assert_eq!(started.live().is_some(), !ended, "{}", shown());
            // what the first end decided stands
            if run.code == 0 {
                assert_eq!(spans[0]["status"]["message"], "why", "{}", shown());
            }
        }
    }
}

#[test]
fn kill_anywhere_in_a_repair() {
    if !have("strace") {
        return;
    }
    let stage = Stage::Torn;
    let rig = stage.rig();
    let supply = Supply::new(&rig);
    let damaged = || {
        let scene = stage.set(&rig, &supply);
        rig.obs(["log", "mine"]).fine();
        scene
    };
    let watched = damaged();
    let calls = strace::calls(&rig, &["fsck", "--repair"]);
    drop(watched);
    // before the first lock nothing is changed
    let first = calls.iter().position(|call| call.name == "flock").unwrap();
    for call in &calls[first..] {
        let mut scene = damaged();
        let torn = fs::read(rig.home("logs.log")).unwrap();
        kill(&rig, call, &["fsck", "--repair"]);
        rig.obs(["fsck", "--repair"]).fine();
        let faults = scene.faults(&rig, true);
        assert!(faults.is_empty(), "{}: {}", call.text, faults.join("\n"));
        assert_eq!(rig.lines("logs").1, "", "{}", call.text);
        let kept = rig.names("home/quarantine").into_iter().any(|name| {
            let copy = fs::read(rig.home("quarantine").join(name)).unwrap();
            copy.len() == 60 && torn.windows(60).any(|bytes| bytes == copy)
        });
        assert!(kept, "{}", call.text);
    }
}
