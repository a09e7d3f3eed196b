//! Signals from elsewhere: to the wrapper's process alone, to the whole group, in a handler's count and in a death.

use crate::live::TIMEOUT;
use crate::row::Row;
use crate::stage::Stage;
use crate::system::number;

/// Those that are sent and counted.
const SENT: [&str; 9] = [
    "ALRM", "CONT", "HUP", "INT", "QUIT", "TERM", "USR1", "USR2", "WINCH",
];
/// Those of them that end a program without a handler.
const DEADLY: [&str; 7] = ["ALRM", "HUP", "INT", "QUIT", "TERM", "USR1", "USR2"];

pub(super) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for name in SENT {
        rows.push(counted(name, false));
        rows.push(counted(name, true));
    }
    for name in DEADLY {
        rows.push(deadly(name, false));
        rows.push(deadly(name, true));
    }
    rows.push(
        Row::new("a handler that ends 0 after TERM", polite)
            .alone()
            .in_modes(),
    );
    rows.push(Row::new("KILL to its process: orphans", |stage| {
        killed(stage, false)
    }));
    rows.push(Row::new("KILL to its group: orphans", |stage| {
        killed(stage, true)
    }));
    rows.push(Row::new("STOP and CONT to its group", stopped).alone());
    rows.push(Row::bash(
        "timeout 1",
        "timeout -s TERM 1 WRAP sleep 30; echo $?",
    ));
    rows.push(Row::bash(
        "timeout --foreground",
        "timeout --foreground 0.3 WRAP sleep 30; echo $?",
    ));
    rows.push(Row::bash(
        "timeout -k",
        "timeout -k 0.2 0.2 WRAP sh -c 'trap \"\" TERM; sleep 30'; echo $?",
    ));
    rows
}

/// Waits until the child counts, sends, and gives what it counted.
fn counted(name: &'static str, to_group: bool) -> Row {
    let to = if to_group { "its group" } else { "its process" };
    let row = Row::new(format!("{name} to {to}: count"), move |stage| {
        let live = stage.go(&["probe", "count", name]);
        if live.until("READY").is_none() {
            return TIMEOUT.to_owned();
        }
        match to_group {
            true => live.signal_group(number(name)),
            false => live.signal(number(name)),
        }
        let done = live.done();
        let (_, got) = done.out.split_once('\n').unwrap_or_default();
        format!("{}, {}{}", done.ended, got.trim_end(), done.err)
    });
    if name == "TERM" && !to_group {
        row.in_modes()
    } else {
        row
    }
}

fn deadly(name: &'static str, to_group: bool) -> Row {
    let to = if to_group { "its group" } else { "its process" };
    let row = Row::new(format!("{name} to {to}: death"), move |stage| {
        let mut live = stage.go(&["sleep", "30"]);
        if stage.find("sleep").is_none() {
            return TIMEOUT.to_owned();
        }
        match to_group {
            true => live.signal_group(number(name)),
            false => live.signal(number(name)),
        }
        format!("{}, left {}", live.end(), stage.left("sleep"))
    });
    if name == "HUP" && !to_group {
        row.in_modes()
    } else {
        row
    }
}

fn polite(stage: &Stage) -> String {
    let live = stage.go(&[
        "sh",
        "-c",
        "trap 'echo bye; exit 0' TERM; echo READY; while :; do sleep 0.05; done",
    ]);
    if live.until("READY").is_none() {
        return TIMEOUT.to_owned();
    }
    live.signal(libc::SIGTERM);
    stage.told(&live.done())
}

fn killed(stage: &Stage, to_group: bool) -> String {
    let mut live = stage.go(&["sleep", "30"]);
    if stage.find("sleep").is_none() {
        return TIMEOUT.to_owned();
    }
    match to_group {
        true => live.signal_group(libc::SIGKILL),
        false => live.signal(libc::SIGKILL),
    }
    format!("{}, left {}", live.end(), stage.left("sleep"))
}

/// All stand still together and go on together. No shell: one that is stopped in vfork(2) does not look stopped.
fn stopped(stage: &Stage) -> String {
    let live = stage.go(&["probe", "count", "CONT"]);
    if live.until("READY").is_none() {
        return TIMEOUT.to_owned();
    }
    live.signal_group(libc::SIGSTOP);
    let stopped = live.is_stopped();
    live.signal_group(libc::SIGCONT);
    let done = live.done();
    let (_, got) = done.out.split_once('\n').unwrap_or_default();
    format!("stopped {stopped}, {}, {}", done.ended, got.trim())
}
