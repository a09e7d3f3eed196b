//! Signals that arrive while the lock is held: they wait for the unlock, so that nobody ends or stops with it.

use crate::rig::{self, Rig, have};
use crate::strace::{self, Call, Stopped};
use std::fs;

/// The calls that an append makes while it holds the lock, the one that takes it included.
fn locked(rig: &Rig, args: &[&str]) -> Vec<Call> {
    let calls = strace::calls(rig, args);
    let at = |word: &str| calls.iter().position(|call| call.text.contains(word));
    let (taken, given) = (at("LOCK_EX").unwrap(), at("LOCK_UN").unwrap());
    assert!(given > taken + 3, "{calls:?}");
    calls[taken..given].to_vec()
}

#[test]
fn terminate_waits_for_the_unlock() {
    if !have("strace") {
        return;
    }
    let rig = Rig::new();
    rig.obs(["log", "first"]).fine();
    let mut expected = vec!["first".to_owned(), "mine".to_owned()];
    for call in locked(&rig, &["log", "mine"]) {
        let message = format!("during {}", call.text);
        let fault = format!("{}:signal=SIGTERM:when={}", call.name, call.number);
        let run = strace::run(&rig, &fault, &["log", &message]);
        assert_eq!(run.code, 128 + 15, "{message}: {}", run.shown());
        expected.push(message);
    }
    rig.holds(&expected);
}

#[test]
fn stop_key_waits_for_the_unlock() {
    if !have("strace") {
        return;
    }
    let rig = Rig::new();
    rig.obs(["log", "first"]).fine();
    let mut expected = vec!["first".to_owned(), "mine".to_owned()];
    for call in locked(&rig, &["log", "mine"]) {
        let message = format!("during {}", call.text);
        let fault = format!("{}:signal=SIGTSTP:when={}", call.name, call.number);
        let stopped = Stopped::start(&rig, "stopped", &[&fault], &["log", &message]);
        drop(rig::hold(&rig.home("logs.log")));
        expected.push(message);
        rig.holds(&expected);
        assert_eq!(stopped.end(), 0);
        fs::remove_file(rig.path("stopped-calls")).unwrap();
    }
}

#[test]
fn terminate_waits_for_span_end() {
    if !have("strace") {
        return;
    }
    let rig = Rig::new();
    let start = || {
        let started = rig.obs(["span", "start", "s", "--owner", "0"]).fine();
        started.stdout.split('-').nth(2).unwrap().to_owned()
    };
    rig.obs(["span", "end", "--span", &start()]).fine(); // the first record of a file takes more calls
    let id = start();
    let calls = strace::calls(&rig, &["span", "end", "--span", &id]);
    // from the live file's lock to its end: the live file is held as long as that
    let at = |word: &str| calls.iter().position(|call| call.text.starts_with(word));
    let (first, last) = (at("flock(").unwrap(), at("unlink").unwrap());
    // how often the parent's command line is read depends on how long it is: reads cannot be counted
    let held = calls[first..last].iter().filter(|call| call.name != "read");
    let held: Vec<&Call> = held.collect();
    assert!(held.len() > 15, "{held:?}");
    for (n, call) in held.iter().enumerate() {
        let id = start();
        let fault = format!("{}:signal=SIGTERM:when={}", call.name, call.number);
        let run = strace::run(&rig, &fault, &["span", "end", "--span", &id]);
        assert_eq!(run.code, 128 + 15, "{}: {}", call.text, run.shown());
        assert_eq!(rig.records("spans").len(), n + 3, "{}", call.text);
        assert!(rig.names("home/live").is_empty(), "{}", call.text);
    }
}
