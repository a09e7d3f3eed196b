//! Faults at system calls, by strace: which calls a command makes, and the same command with one of them failing or
//! bringing a signal. Calls before the program's own entry are the loader's and are left alone.

use crate::rig::{self, Outcome, Rig, Running};
use rustix::process::{Pid, Signal, kill_process_group};
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// One system call of a run that was watched.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) name: String,
    /// Which of the calls of this name it is, counted from 1 as strace counts.
    pub(crate) number: usize,
    /// The call as strace writes it.
    pub(crate) text: String,
}

/// The calls of `obs <args>`, from the program's entry on, in order.
pub(crate) fn calls(rig: &Rig, args: &[&str]) -> Vec<Call> {
    let out = output(rig);
    let mut command = rig.command("strace");
    command.arg("-qq").arg("-o").arg(&out).arg(rig::program());
    let run = rig::run(command.args(args));
    assert!(run.code <= 1, "{}", run.shown());
    let text = fs::read_to_string(out).unwrap();
    let mut counts = std::collections::HashMap::<String, usize>::new();
    let mut calls = Vec::new();
    let mut entered = false;
    for line in text.lines() {
        let Some((name, _)) = line.split_once('(') else {
            continue;
        };
        // the entry sets this disposition before anything else
        entered |= line.starts_with("rt_sigaction(SIGXFSZ");
        let count = counts.entry(name.to_owned()).or_default();
        *count += 1;
        if entered && name != "exit_group" {
            calls.push(Call {
                name: name.to_owned(),
                number: *count,
                text: line.to_owned(),
            });
        }
    }
    assert!(calls.len() > 10, "{text}");
    calls
}

/// Runs `obs <args>` with a fault, written as strace does, such as `write:error=EIO:when=1`.
pub(crate) fn run(rig: &Rig, fault: &str, args: &[&str]) -> Outcome {
    rig::run(&mut command(rig, &output(rig), &[fault], args))
}

/// What strace wrote of the last run.
pub(crate) fn output(rig: &Rig) -> PathBuf {
    rig.path("calls")
}

/// `obs <args>` under strace; of the faults the first is injected, a second is a path that it is limited to.
fn command(rig: &Rig, out: &Path, faults: &[&str], args: &[&str]) -> Command {
    let mut command = rig.command("strace");
    command.arg("-qq").arg("-o").arg(out);
    command.arg("-e").arg(format!("inject={}", faults[0]));
    for path in &faults[1..] {
        command.arg("-P").arg(path);
    }
    command.arg(rig::program()).args(args);
    command
}

/// A process that a fault has stopped.
#[derive(Debug)]
pub(crate) struct Stopped(Running);

impl Stopped {
    /// Starts `obs <args>` and waits until the fault, a stopping signal, has stopped it. Its output goes to the file
    /// `name` of the rig. A second fault is the path that the calls must be about.
    pub(crate) fn start(rig: &Rig, name: &str, faults: &[&str], args: &[&str]) -> Self {
        let out = rig.path(&format!("{name}-calls"));
        let mut command = command(rig, &out, faults, args);
        command.stdout(File::create(rig.path(name)).unwrap());
        command.process_group(0); // of its own, or the kernel ignores the stop key
        let stopped = Self(Running::start(&mut command));
        rig::until("the stop", || {
            let text = fs::read_to_string(&out).unwrap_or_default();
            text.contains("--- stopped by ")
        });
        stopped
    }

    /// Lets it go on.
    pub(crate) fn resume(&self) {
        self.signal(Signal::CONT);
    }

    /// Lets it go on to its end; the answer is its exit code.
    pub(crate) fn end(mut self) -> i32 {
        self.resume();
        self.0.ended()
    }

    /// strace and what it traces.
    fn signal(&self, signal: Signal) {
        let group = Pid::from_raw(self.0.id().cast_signed()).unwrap();
        let _ = kill_process_group(group, signal);
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}
