//! The same again and again: what depends on the moment at which a signal comes.

use crate::caller::Caller;
use crate::live::TIMEOUT;
use crate::row::Row;
use crate::stage::Stage;
use std::collections::BTreeMap;
use std::ffi::c_int;
use std::time::Duration;

const TIMES: usize = 100;

pub(super) fn rows() -> Vec<Row> {
    let hundred = |name: &str, act: fn(&Stage, usize) -> String| {
        Row::new(format!("100 times {name}"), move |stage| many(stage, act)).alone()
    };
    vec![
        hundred("^C", key).on_terminal(),
        hundred("TERM to its process, at any moment", |stage, turn| {
            sent(stage, turn, libc::SIGTERM)
        }),
        hundred("USR1 to its process once it listens", |stage, _| {
            heard(stage, libc::SIGUSR1)
        }),
        hundred("exit 3", |stage, _| stage.run(&["sh", "-c", "exit 3"])),
        hundred("STOP and CONT at any moment", paused),
        Row::new("20 times ^Z and fg", resumed)
            .on_terminal()
            .alone(),
    ]
}

/// How often which answer came.
fn many(stage: &Stage, act: fn(&Stage, usize) -> String) -> String {
    let mut answers = BTreeMap::<String, usize>::new();
    for turn in 0..TIMES {
        let answer = act(stage, turn);
        // one that hangs is enough to tell
        let hangs = answer.contains(TIMEOUT);
        *answers.entry(answer).or_default() += 1;
        if hangs {
            break;
        }
    }
    let lines = answers
        .iter()
        .map(|(answer, count)| format!("{count} × {answer}"));
    lines.collect::<Vec<_>>().join("; ")
}

/// Sooner or later in the life of the wrapper, up to a time at which it surely waits.
fn moment(turn: usize) {
    std::thread::sleep(Duration::from_micros(turn as u64 * 60));
}

fn key(stage: &Stage, turn: usize) -> String {
    let mut live = stage.go(&["sleep", "30"]);
    moment(turn);
    live.send("\x03");
    live.end()
}

fn sent(stage: &Stage, turn: usize, signal: c_int) -> String {
    let mut live = stage.go(&["sleep", "30"]);
    moment(turn);
    live.signal(signal);
    live.end()
}

fn heard(stage: &Stage, signal: c_int) -> String {
    let mut live = stage.go(&[
        "sh",
        "-c",
        "trap 'exit 7' USR1; echo READY; while :; do sleep 0.01; done",
    ]);
    if live.until("READY").is_none() {
        return TIMEOUT.to_owned();
    }
    live.signal(signal);
    live.end()
}

fn paused(stage: &Stage, turn: usize) -> String {
    let mut live = stage.go(&["sh", "-c", "sleep 0.01; exit 4"]);
    moment(turn);
    live.signal_group(libc::SIGSTOP);
    live.signal_group(libc::SIGCONT);
    live.end()
}

/// In one interactive shell; the answer is how often each status came.
fn resumed(stage: &Stage) -> String {
    let words = ["/bin/bash", "--norc", "--noprofile", "--noediting", "-i"];
    let live = stage.start(&words, Caller::default());
    let mut answers = BTreeMap::<String, usize>::new();
    for _ in 0..20 {
        live.until("PROMPT");
        live.send(&(stage.expand("WRAP probe answer CONT") + "\n"));
        live.until("READY");
        live.send("\x1a");
        live.until("PROMPT");
        live.send("fg\n");
        live.until("GOT");
        live.send("\x03");
        live.until("PROMPT");
        live.send("echo STATUS $?; kill -KILL %% 2>/dev/null\n");
        let Some(answer) = live.until("STATUS") else {
            return TIMEOUT.to_owned();
        };
        *answers.entry(answer).or_default() += 1;
    }
    format!("{answers:?}")
}
