//! `obs relay` in front of somebody: its line on a terminal, and the signals that it was told to ignore.

use super::{json, sandbox, until};
use crate::receiver::{OK, Receiver, Reply};
use crate::sandbox::{Sandbox, have, program};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::process::{Child, Command, Stdio};

/// Runs with its output in a file below the sandbox.
fn started(sandbox: &Sandbox, command: &mut Command) -> Child {
    let file = fs::File::create(sandbox.path("work/said")).unwrap();
    let copy = file.try_clone().unwrap();
    command.stdout(file).stderr(copy).spawn().unwrap()
}

fn said(sandbox: &Sandbox) -> String {
    fs::read_to_string(sandbox.path("work/said")).unwrap()
}

/// What stands on a line of a terminal in the end.
fn standing(shown: &str) -> Vec<&str> {
    let last = |line| str::rsplit(line, "\r\u{1b}[K").next().unwrap();
    shown.trim_end().split("\r\n").map(last).collect()
}

#[test]
fn terminal_keeps_one_line() {
    if !have("script") {
        return;
    }
    let receiver = Receiver::start(|_, _| OK);
    let sandbox = sandbox(&receiver.url());
    let mut script = sandbox.command("script");
    let script = script.args(["-qec", "echo $$ > pid; exec obs relay", "/dev/null"]);
    let mut relay = started(&sandbox, script);
    until("it says where to", || said(&sandbox).contains("sending to"));
    for (number, message) in ["a", "b", "c"].into_iter().enumerate() {
        sandbox.obs(["log", "info", message]);
        let line = format!(" {} sent", number + 1);
        until("it counts", || said(&sandbox).contains(&line));
    }
    let pid = fs::read_to_string(sandbox.path("work/pid")).unwrap();
    let pid = Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    assert_eq!(relay.wait().unwrap().code(), Some(0));
    let shown = said(&sandbox);
    let lines = standing(&shown);
    let [first, last] = lines.as_slice() else {
        panic!("{shown:?}")
    };
    assert!(first.starts_with("obs: sending to env-"), "{first}");
    assert!(
        last.starts_with("obs: env-") && last.ends_with(" 3 sent, 0 left"),
        "{last}"
    );
}

#[test]
fn file_gets_a_line_for_each_turn() {
    let receiver = Receiver::start(|number, _| match number {
        0 => Reply::Status("503 Service Unavailable\r\n"),
        _ => OK,
    });
    let sandbox = sandbox(&receiver.url());
    sandbox.obs(["log", "info", "a"]);
    let mut relay = started(&sandbox, sandbox.command(program()).arg("relay"));
    until("it is sent", || said(&sandbox).contains("sending again"));
    kill_process(Pid::from_child(&relay), Signal::INT).unwrap();
    assert_eq!(relay.wait().unwrap().code(), Some(0));
    let shown = said(&sandbox);
    let lines: Vec<&str> = shown.lines().collect();
    let [_, trouble, again, end] = lines.as_slice() else {
        panic!("{shown}")
    };
    assert!(trouble.contains("503"), "{trouble}");
    assert!(again.ends_with(": sending again"), "{again}");
    assert!(end.ends_with(" 1 sent, 0 left"), "{end}");
    assert!(!shown.contains('\u{1b}'), "{shown:?}");
}

#[test]
fn ignored_hangup_stays_ignored() {
    let receiver = Receiver::start(|_, _| OK);
    let sandbox = sandbox(&receiver.url());
    let mut bash = sandbox.command("bash");
    let bash = bash.args(["-c", "trap '' HUP; exec obs relay"]);
    let mut relay = started(&sandbox, bash);
    until("it says where to", || said(&sandbox).contains("sending to"));
    kill_process(Pid::from_child(&relay), Signal::HUP).unwrap();
    sandbox.obs(["log", "info", "after the terminal went"]);
    until("it sends on", || {
        receiver.messages() == ["after the terminal went"]
    });
    kill_process(Pid::from_child(&relay), Signal::TERM).unwrap();
    assert_eq!(relay.wait().unwrap().code(), Some(0));
}

#[test]
fn hangup_that_is_not_ignored_ends_it() {
    let receiver = Receiver::start(|_, _| OK);
    let sandbox = sandbox(&receiver.url());
    let mut relay = started(&sandbox, sandbox.command(program()).arg("relay"));
    // the line is said once signals are noted
    until("it says where to", || said(&sandbox).contains("sending to"));
    kill_process(Pid::from_child(&relay), Signal::HUP).unwrap();
    assert_eq!(relay.wait().unwrap().code(), Some(0));
}

#[test]
fn two_relays_send_once() {
    let receiver = Receiver::start(|_, _| OK);
    let sandbox = sandbox(&receiver.url());
    let relay = || {
        let mut command = sandbox.command(program());
        command.arg("relay").stderr(Stdio::null()).spawn().unwrap()
    };
    let mut relays = [relay(), relay()];
    for number in 0..20 {
        sandbox.obs(["log", "info", &format!("m{number}")]);
    }
    until("all are sent", || receiver.messages().len() >= 20);
    for relay in &mut relays {
        kill_process(Pid::from_child(relay), Signal::TERM).unwrap();
        assert_eq!(relay.wait().unwrap().code(), Some(0));
    }
    let mut sent = receiver.messages();
    sent.sort();
    let mut expected: Vec<String> = (0..20).map(|number| format!("m{number}")).collect();
    expected.sort();
    assert_eq!(sent, expected);
    assert_eq!(json(&sandbox.obs(["flush"]).stdout)["sent"], 0);
}
