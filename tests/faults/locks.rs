//! Who waits for a lock and what happens meanwhile: a holder that is stopped, a rotation, a change by somebody else.

use crate::rig::{self, Rig, Running, have};
use crate::strace::{self, Stopped};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Stdio;

/// Starts obs and waits until it has `file` open, which somebody else holds the lock of.
fn waiting_for(rig: &Rig, file: &Path, args: &[&str]) -> Running {
    let mut command = rig.command(rig::program());
    command
        .env("OBS_LOCK_TIMEOUT", "30000")
        .env("OBS_STRICT", "1");
    let running = Running::start(command.args(args).stdout(Stdio::null()));
    rig::until("the file is open", || running.has_open(file));
    running
}

#[test]
fn stopped_holder_delays_nobody() {
    if !have("strace") {
        return;
    }
    let rig = Rig::new();
    rig.obs(["log", "first"]).fine();
    let fault = "flock:signal=SIGSTOP:when=1";
    let holder = Stopped::start(&rig, "holder", &[fault], &["log", "holder"]);
    let mut expected = vec!["first".to_owned()];
    for n in 0..20 {
        let message = format!("beside {n}");
        rig.obs(["log", &message]).fine();
        expected.push(message);
    }
    assert_eq!(rig.names("home/spill").len(), 20);
    assert!(rig.home(".stuck").exists());
    rig.holds(&expected);

    assert_eq!(holder.end(), 0);
    rig.obs(["log", "after"]).fine();
    expected.extend(["holder".to_owned(), "after".to_owned()]);
    rig.holds(&expected);
    assert_eq!(rig.names("home/spill").len(), 20);
}

#[test]
fn dead_holder_leaves_no_lock() {
    if !have("strace") {
        return;
    }
    let rig = Rig::new();
    rig.obs(["log", "first"]).fine();
    strace::run(&rig, "flock:signal=SIGKILL:when=1", &["log", "holder"]);
    rig.obs(["log", "after"]).fine();
    rig.holds(&["first", "after"]);
    assert!(rig.names("home/spill").is_empty());
}

#[test]
fn waiting_writer_follows_a_rotation() {
    let rig = Rig::new();
    rig.obs(["log", "first"]).fine();
    let active = rig.home("logs.log");
    let holder = rig::hold(&active);
    let mut writers: Vec<Running> = ["a", "b"]
        .iter()
        .map(|message| waiting_for(&rig, &active, &["log", message]))
        .collect();
    let sealed = rig.home("sealed/logs-00000001.jsonl");
    fs::rename(&active, &sealed).unwrap();
    let length = fs::metadata(&sealed).unwrap().len();
    drop(holder);
    for writer in &mut writers {
        assert_eq!(writer.ended(), 0);
    }
    assert_eq!(
        fs::metadata(&sealed).unwrap().len(),
        length,
        "sealed files never grow"
    );
    rig.holds(&["first", "a", "b"]);
}

#[test]
fn waiting_writer_follows_an_external_move() {
    let rig = Rig::new();
    rig.obs(["log", "first"]).fine();
    let active = rig.home("logs.log");
    let holder = rig::hold(&active);
    let mut writer = waiting_for(&rig, &active, &["log", "a"]);
    fs::rename(&active, rig.path("moved")).unwrap();
    fs::write(&active, "").unwrap();
    drop(holder);
    assert_eq!(writer.ended(), 0);
    rig.holds(&["a"]);
}

#[test]
fn rotating_a_moved_file_deletes_nothing() {
    if !have("strace") {
        return;
    }
    let rig = Rig::new()
        .with("OBS_STRICT", "1")
        .with("OBS_ROTATE_BYTES", "4096");
    let long = "x".repeat(4_096);
    // each stops once it has written, with the lock, and finds its file full when it goes on
    let fault = "write:signal=SIGSTOP:when=1";
    let first = Stopped::start(&rig, "first", &[fault], &["log", "--print-id", &long]);
    fs::rename(rig.home("logs.log"), rig.path("moved")).unwrap();
    let second = Stopped::start(&rig, "second", &[fault], &["log", "--print-id", &long]);
    // the first one seals what the path names now: the file of the second one
    assert_eq!(first.end(), 0);
    rig.obs(["log", "third"]).fine();
    assert_eq!(second.end(), 0);
    let messages = rig.messages();
    assert!(messages.contains(&"third".to_owned()), "the third is lost");
    assert_eq!(messages.len(), 2);
}

#[test]
fn waiting_change_sees_the_one_before() {
    let rig = Rig::new();
    let started = rig.obs(["span", "start", "s", "--owner", "0"]).fine();
    let id = started.stdout.split('-').nth(2).unwrap();
    let live = rig.home("live").join(format!("{id}.json"));
    let holder = rig::hold(&live);
    let mut change = waiting_for(&rig, &live, &["span", "set", "--span", id, "second=2"]);
    // the first change, as the program makes it: a new file under the old name
    let mut span: Value = serde_json::from_slice(&fs::read(&live).unwrap()).unwrap();
    span["span"]["attributes"]["first"] = Value::from("1");
    fs::write(rig.path("new"), span.to_string()).unwrap();
    fs::rename(rig.path("new"), &live).unwrap();
    drop(holder);
    assert_eq!(change.ended(), 0);
    rig.obs(["span", "end", "--span", id]).fine();
    let spans = rig.records("spans");
    let attributes = &spans[0]["attributes"];
    assert_eq!(
        (&attributes["first"], &attributes["second"]),
        (&Value::from("1"), &Value::from("2"))
    );
}

#[test]
fn waiting_change_finds_the_span_ended() {
    let rig = Rig::new();
    let started = rig.obs(["span", "start", "s", "--owner", "0"]).fine();
    let id = started.stdout.split('-').nth(2).unwrap();
    let live = rig.home("live").join(format!("{id}.json"));
    let holder = rig::hold(&live);
    let mut change = waiting_for(&rig, &live, &["span", "set", "--span", id, "late=1"]);
    fs::remove_file(&live).unwrap();
    drop(holder);
    assert_eq!(change.ended(), 3);
    assert!(!live.exists(), "nothing brings an ended span back");
}

#[test]
fn twenty_changes_at_once_all_count() {
    let rig = Rig::new()
        .with("OBS_LOCK_TIMEOUT", "30000")
        .with("OBS_STRICT", "1");
    let started = rig.obs(["span", "start", "s", "--owner", "0"]).fine();
    let id = started.stdout.split('-').nth(2).unwrap();
    std::thread::scope(|scope| {
        for n in 0..20 {
            let rig = &rig;
            scope.spawn(move || {
                let attribute = format!("k{n}=v");
                rig.obs(["span", "set", "--span", id, &attribute]).fine();
                rig.obs(["span", "event", "--span", id, "moment"]).fine();
            });
        }
    });
    rig.obs(["span", "end", "--span", id]).fine();
    let spans = rig.records("spans");
    assert_eq!(spans.len(), 1);
    assert_eq!(spans[0]["attributes"].as_object().unwrap().len(), 20);
    assert_eq!(spans[0]["events"].as_array().unwrap().len(), 20);
    assert!(rig.names("home/live").is_empty());
}

#[test]
fn ends_at_once_make_one_record() {
    let rig = Rig::new().with("OBS_LOCK_TIMEOUT", "30000");
    for _ in 0..20 {
        let started = rig.obs(["span", "start", "s", "--owner", "0"]).fine();
        let id = started.stdout.split('-').nth(2).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| rig.obs(["span", "end", "--span", id]).fine());
            }
        });
    }
    let text = fs::read_to_string(rig.home("spans.log")).unwrap();
    assert_eq!(text.lines().count(), 20, "{text}");
    assert_eq!(fs::metadata(rig.home("spans.log")).unwrap().nlink(), 1);
}
