//! Job control: keys of the terminal, stopped jobs, foreground and background, as an interactive bash sees them.

use crate::caller::Caller;
use crate::live::{Live, TIMEOUT};
use crate::row::Row;
use crate::stage::Stage;
use crate::system::{self, kill};

const INTERRUPT: &str = "\x03";
const QUIT: &str = "\x1c";
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
        Row::new("^C stops a loop", |stage| {
            in_loop(stage, "sleep 5", INTERRUPT)
        })
        .in_modes(),
        Row::new("^\\ in a loop", |stage| in_loop(stage, "sleep 5", QUIT)),
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
        Row::new("^Z, then kill %1", |stage| {
            suspended_sleep(stage, "kill %1; sleep 0.2; jobs; wait %1; echo was $?")
        }),
        Row::new("^Z, then kill -KILL %1", |stage| {
            suspended_sleep(stage, "kill -KILL %1; sleep 0.2; wait %1; echo was $?")
        }),
        Row::new("^Z, fg, ^C", |stage| suspended_again(stage, INTERRUPT)),
        Row::new("^Z, fg, ^Z", |stage| suspended_again(stage, SUSPEND)),
        Row::new(
            "STOP to the child alone: the shell has a stopped job",
            stopped_alone,
        ),
        Row::new(
            "TSTP to the child alone: the shell has a stopped job",
            |stage| stops_itself(stage, "kill -TSTP $$"),
        ),
        Row::new("a child that stops itself by STOP, then fg", |stage| {
            stops_itself(stage, "kill -STOP $$")
        }),
        Row::new("a background job that reads the terminal", |stage| {
            background(stage, "read x; echo $x")
        }),
        Row::new(
            "a background job that writes where tostop is set",
            |stage| background(stage, "stty tostop; echo written"),
        ),
        Row::new("a terminal that hangs up", hang_up),
    ]
}

/// An interactive bash with job control, without a line editor.
fn bash(stage: &Stage) -> Live {
    let words = ["/bin/bash", "--norc", "--noprofile", "--noediting", "-i"];
    let live = stage.start(&words, Caller::default());
    live.send("echo PROMPT\n");
    live.until("PROMPT");
    live
}

/// Types a command of this way.
fn enter(stage: &Stage, live: &Live, script: &str) {
    live.send(&(stage.expand(script) + "\n"));
}

/// Ends the shell; the answer is what was said behind the first prompt.
fn close(stage: &Stage, live: Live) -> String {
    live.send("echo END\n");
    if live.until("END").is_none() {
        return format!("{TIMEOUT}: {}", live.said());
    }
    let said = live.said();
    let (_, said) = said.split_once("PROMPT\n").unwrap_or_default();
    let (said, _) = said.split_once("END").unwrap_or_default();
    let plain = stage.plain(said);
    let shown = plain.lines().filter(|line| !line.starts_with("READY"));
    shown.collect::<Vec<_>>().join(" / ")
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

/// A key that reaches the second turn of a loop in a script.
fn in_loop(stage: &Stage, command: &str, key: &str) -> String {
    let script = format!(
        "for i in 1 2; do WRAP sh -c 'echo READY; exec {command}'; echo after $i; done; echo end"
    );
    let live = stage.shell("/bin/bash", &script);
    if live.until("READY").is_none() {
        return TIMEOUT.to_owned();
    }
    live.send(key);
    if key == QUIT {
        live.until("after 1");
        system::until(|| live.said().matches("READY").count() == 2);
        live.send(key);
    }
    stage.told(&live.done())
}

fn polite_loop(stage: &Stage) -> String {
    let script = "for i in 1 2; do WRAP probe count INT; echo after $i $?; done; echo end";
    let live = stage.shell("/bin/bash", script);
    for turn in 1..=2 {
        system::until(|| live.said().matches("READY").count() == turn);
        live.send(INTERRUPT);
    }
    let text = stage.told(&live.done());
    let words = text
        .split(' ')
        .filter(|word| word.parse::<u32>().is_ok_and(|n| n < 100) || word.parse::<u32>().is_err());
    words.collect::<Vec<_>>().join(" ")
}

fn at_prompt(stage: &Stage, key: &str) -> String {
    let live = bash(stage);
    enter(
        stage,
        &live,
        "WRAP sh -c 'echo READY; exec sleep 30'; echo not reached",
    );
    live.until("READY");
    live.send(key);
    live.send("echo status $?\n");
    live.until("status");
    close(stage, live)
}

/// Suspends a counting program, looks at the jobs, and lets it go on.
fn suspended(stage: &Stage, resume: &str) -> String {
    let live = bash(stage);
    enter(stage, &live, "WRAP probe count CONT");
    live.until("READY");
    live.send(SUSPEND);
    live.until("Stopped");
    live.send("echo status $?; jobs\n");
    live.until("status");
    live.send(&format!("{resume}; echo then $?\n"));
    live.until("then");
    close(stage, live)
}

fn suspended_sleep(stage: &Stage, then: &str) -> String {
    let live = bash(stage);
    enter(stage, &live, "WRAP sh -c 'echo READY; exec sleep 30'");
    live.until("READY");
    live.send(SUSPEND);
    live.until("Stopped");
    live.send(&format!("{then}\n"));
    live.until("was");
    format!("{}, left {}", close(stage, live), stage.left("sleep"))
}

fn suspended_again(stage: &Stage, key: &str) -> String {
    let live = bash(stage);
    enter(
        stage,
        &live,
        "WRAP sh -c 'trap \"echo GONE ON\" CONT; echo READY; while :; do sleep 0.05; done'",
    );
    live.until("READY");
    live.send(SUSPEND);
    live.until("Stopped");
    live.send("fg\n");
    live.until("GONE ON");
    live.send(key);
    live.send("echo status $?\n");
    live.until("status");
    live.send("jobs; kill -KILL %1; echo killed $?\n");
    live.until("killed");
    close(stage, live)
}

fn stopped_alone(stage: &Stage) -> String {
    let live = bash(stage);
    enter(stage, &live, "WRAP probe count CONT");
    let Some(child) = live.until("READY ").and_then(|pid| pid.parse().ok()) else {
        return TIMEOUT.to_owned();
    };
    kill(child, libc::SIGSTOP);
    live.until("Stopped");
    live.send("echo status $?; fg; echo then $?\n");
    live.until("then");
    close(stage, live)
}

fn stops_itself(stage: &Stage, how: &str) -> String {
    let live = bash(stage);
    enter(
        stage,
        &live,
        &format!("WRAP sh -c '{how}; echo gone on; exit 3'"),
    );
    live.until("Stopped");
    live.send("echo status $?; fg; echo then $?\n");
    live.until("then");
    close(stage, live)
}

/// A background job that the terminal stops, and that goes on in the foreground.
fn background(stage: &Stage, what: &str) -> String {
    let live = bash(stage);
    enter(
        stage,
        &live,
        &format!("WRAP sh -c '{what}' & wait %1; echo status $?; jobs %1"),
    );
    live.until("status");
    live.send("fg; echo then $?\nline\n");
    live.until("then");
    let said = close(stage, live);
    // the number of the job's process
    let words = said
        .split(' ')
        .filter(|word| word.len() < 3 || word.parse::<u32>().is_err());
    words.collect::<Vec<_>>().join(" ")
}

/// All of the session ends with its terminal.
fn hang_up(stage: &Stage) -> String {
    let mut live = stage.go(&["sh", "-c", "echo READY; exec sleep 30"]);
    live.until("READY");
    live.hang_up();
    format!("{}, left {}", live.end(), stage.left("sleep"))
}
