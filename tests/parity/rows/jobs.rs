//! Job control: keys of the terminal, stopped jobs, foreground and background, as an interactive bash sees them.

use crate::caller::Caller;
use crate::live::{Live, TIMEOUT};
use crate::row::Row;
use crate::stage::Stage;
use crate::system::kill;
use std::ffi::c_int;

const INTERRUPT: &str = "\x03";
const QUIT: &str = "\x1c";
/// A stopped job is stopped until the shell has seen its end.
const GONE: &str = "while jobs -s | grep -q .; do sleep 0.02; done; wait %1; echo was $?";
const SUSPEND: &str = "\x1a";

pub(super) fn rows() -> Vec<Row> {
    let rows = keys().into_iter().chain(stops());
    rows.map(Row::on_terminal).map(Row::alone).collect()
}

fn keys() -> Vec<Row> {
    vec![
        Row::new("^C without a shell: count", |stage| {
            key_count(stage, "INT", INTERRUPT)
        })
        .in_modes(),
        Row::new("^\\ without a shell: count", |stage| {
            key_count(stage, "QUIT", QUIT)
        }),
        Row::new("^C without a shell: death", |stage| {
            key_death(stage, INTERRUPT)
        })
        .in_modes(),
        Row::new("^\\ without a shell: death", |stage| key_death(stage, QUIT)),
        Row::new("^C stops a loop", |stage| in_loop(stage, INTERRUPT)).in_modes(),
        Row::new("^\\ in a loop", |stage| in_loop(stage, QUIT)),
        Row::new(
            "^C on one that handles it and ends 0, in a loop",
            polite_loop,
        ),
        Row::new("^C in an interactive shell", |stage| {
            at_prompt(stage, INTERRUPT)
        }),
        Row::new("^\\ in an interactive shell", |stage| {
            at_prompt(stage, QUIT)
        }),
    ]
}

fn stops() -> Vec<Row> {
    vec![
        Row::new("^Z, jobs, fg, count of CONT", |stage| {
            suspended(stage, "fg")
        })
        .in_modes(),
        Row::new("^Z, jobs, bg, count of CONT", |stage| {
            suspended(stage, "bg; wait")
        }),
        Row::new("^Z, then kill %1", |stage| suspended_sleep(stage, "kill")),
        Row::new("^Z, then kill -KILL %1", |stage| {
            suspended_sleep(stage, "kill -KILL")
        }),
        Row::new("^Z, fg, ^C", |stage| suspended_again(stage, INTERRUPT)),
        Row::new("^Z, fg, ^Z", |stage| suspended_again(stage, SUSPEND)),
        Row::new(
            "STOP to the child alone: the shell has a stopped job",
            |stage| stopped_alone(stage, libc::SIGSTOP),
        ),
        Row::new(
            "TSTP to the child alone: the shell has a stopped job",
            |stage| stopped_alone(stage, libc::SIGTSTP),
        ),
        Row::new("a child that stops itself by TSTP, then fg", |stage| {
            stops_itself(stage, "kill -TSTP $$")
        }),
        Row::new("a child that stops itself by STOP, then fg", |stage| {
            stops_itself(stage, "kill -STOP $$")
        }),
        Row::new("a background job that reads the terminal", |stage| {
            background(stage, "read x; echo $x", "line\n")
        }),
        Row::new(
            "a background job that writes where tostop is set",
            |stage| background(stage, "stty tostop; echo written", ""),
        ),
        Row::new("a terminal that hangs up", hang_up),
    ]
}

/// An interactive bash with job control, without a line editor, that runs a command of this way.
fn bash(stage: &Stage, script: &str) -> Live {
    let words = ["/bin/bash", "--norc", "--noprofile", "--noediting", "-i"];
    let live = stage.start(&words, Caller::default());
    live.until("PROMPT");
    live.send(&(stage.expand(script) + "\n"));
    live
}

/// Types a line once the shell asks for one.
fn then(live: &Live, line: &str) {
    live.until("PROMPT");
    live.send(&format!("{line}\n"));
}

/// What was said until the shell asks again, without its questions.
fn close(stage: &Stage, live: &Live) -> String {
    let asked = live.until("PROMPT").is_some();
    let said = stage.plain(&live.said());
    let asides = ["PROMPT", "READY", "job control", "wait_for_job"];
    let ours = |line: &&str| !line.is_empty() && !asides.iter().any(|aside| line.contains(aside));
    let shown: Vec<&str> = said.lines().filter(ours).collect();
    let shown = shown.join(" / ");
    if asked {
        shown
    } else {
        format!("{TIMEOUT}: {shown}")
    }
}

fn key_count(stage: &Stage, name: &str, key: &str) -> String {
    let live = stage.go(&["probe", "count", name]);
    if live.until("READY").is_none() {
        return TIMEOUT.to_owned();
    }
    live.send(key);
    let done = live.done();
    let (_, got) = done.out.split_once('\n').unwrap_or_default();
    format!("{}, {}", done.ended, got.trim())
}

fn key_death(stage: &Stage, key: &str) -> String {
    let mut live = stage.go(&["sh", "-c", "echo READY; exec sleep 30"]);
    if live.until("READY").is_none() {
        return TIMEOUT.to_owned();
    }
    live.send(key);
    format!("{}, left {}", live.end(), stage.left("sleep"))
}

/// A key in each turn of a loop in a script, as long as it turns.
fn in_loop(stage: &Stage, key: &str) -> String {
    let script = "for i in 1 2; do WRAP sh -c 'echo RE\"AD\"Y; exec sleep 30'; echo after $i; done; echo end";
    let live = stage.shell("/bin/bash", script);
    for _ in 1..=if key == QUIT { 2 } else { 1 } {
        live.until("READY");
        live.send(key);
    }
    stage.told(&live.done())
}

fn polite_loop(stage: &Stage) -> String {
    let script = "for i in 1 2; do WRAP probe count INT; echo after $i $?; done; echo end";
    let live = stage.shell("/bin/bash", script);
    for _ in 1..=2 {
        live.until("READY");
        live.send(INTERRUPT);
    }
    let done = live.done();
    let lines = done.out.lines().filter(|line| !line.starts_with("READY"));
    format!("{}: {}", done.ended, lines.collect::<Vec<_>>().join(" / "))
}

fn at_prompt(stage: &Stage, key: &str) -> String {
    let live = bash(
        stage,
        "WRAP sh -c 'echo READY; exec sleep 30'; echo list goes on",
    );
    live.until("READY");
    live.send(key);
    then(&live, "echo status $?");
    close(stage, &live)
}

/// Suspends a counting program, looks at the jobs, and lets it go on.
fn suspended(stage: &Stage, resume: &str) -> String {
    let live = bash(stage, "WRAP probe count CONT");
    live.until("READY");
    live.send(SUSPEND);
    then(&live, "echo status $?; jobs");
    then(&live, &format!("{resume}; echo then $?"));
    close(stage, &live)
}

/// Suspends a program and ends it.
fn suspended_sleep(stage: &Stage, end: &str) -> String {
    let live = bash(stage, "WRAP sh -c 'echo READY; exec sleep 30'");
    live.until("READY");
    live.send(SUSPEND);
    then(&live, &format!("{end} %1; {GONE}"));
    format!("{}, left {}", close(stage, &live), stage.left("sleep"))
}

fn suspended_again(stage: &Stage, key: &str) -> String {
    // a shell that forks in a loop may be stopped in vfork(2), which its parent does not survive
    let live = bash(stage, "WRAP probe answer CONT");
    live.until("READY");
    live.send(SUSPEND);
    then(&live, "fg");
    live.until("GOT");
    live.send(key);
    then(&live, "echo status $?");
    then(&live, &format!("jobs; kill -KILL %1; {GONE}"));
    close(stage, &live)
}

fn stopped_alone(stage: &Stage, signal: c_int) -> String {
    let live = bash(stage, "WRAP probe count CONT");
    let Some(child) = live.until("READY ").and_then(|pid| pid.parse().ok()) else {
        return TIMEOUT.to_owned();
    };
    kill(child, signal);
    then(&live, "echo status $?; jobs");
    then(&live, "fg; echo then $?");
    close(stage, &live)
}

fn stops_itself(stage: &Stage, how: &str) -> String {
    let live = bash(stage, &format!("WRAP sh -c '{how}; echo gone on; exit 3'"));
    then(&live, "echo status $?");
    then(&live, "fg; echo then $?");
    close(stage, &live)
}

/// A background job that the terminal stops, and that goes on in the foreground.
fn background(stage: &Stage, what: &str, input: &str) -> String {
    let live = bash(
        stage,
        &format!("WRAP sh -c '{what}' & wait %1; echo status $?; jobs %1"),
    );
    then(&live, "fg; echo then $?");
    live.send(input);
    close(stage, &live)
}

/// All of the session ends with its terminal.
fn hang_up(stage: &Stage) -> String {
    let mut live = stage.go(&["sh", "-c", "echo READY; exec sleep 30"]);
    live.until("READY");
    live.hang_up();
    format!("{}, left {}", live.end(), stage.left("sleep"))
}
