//! Shells as callers: statuses, `set -e`, job tables, `wait`, functions and pipelines.

use crate::caller::Caller;
use crate::live::TIMEOUT;
use crate::row::{Row, SKIPPED, have};
use crate::stage::Stage;

const SHELLS: [&str; 6] = [
    "bash --norc",
    "dash",
    "zsh -f",
    "fish -N",
    "busybox ash",
    "mksh",
];

/// What all but fish understand.
const SCRIPTS: [(&str, &str); 7] = [
    (
        "status",
        "WRAP sh -c 'exit 1'; echo $?; WRAP sh -c 'exit 42'; echo $?",
    ),
    (
        "set -e",
        "set -e; WRAP sh -c :; echo one; WRAP sh -c 'exit 1'; echo two",
    ),
    (
        "&& and ||",
        "WRAP sh -c 'exit 1' || echo no; WRAP sh -c : && echo yes; if WRAP sh -c 'exit 1'; then echo a; else echo b; fi; ! WRAP sh -c 'exit 1'; echo $?",
    ),
    (
        "death by TERM",
        "WRAP sh -c 'kill -TERM $$' 2>/dev/null; echo $?",
    ),
    (
        "death by SEGV",
        "WRAP sh -c 'kill -SEGV $$' 2>/dev/null; echo $?",
    ),
    (
        "kill and wait",
        "WRAP sleep 30 & p=$!; sleep 0.1; kill $p; wait $p 2>/dev/null; echo $?",
    ),
    (
        "pipeline and $(…)",
        "x=$(WRAP expr 5); echo $x; WRAP sh -c 'exit 3' | cat; echo $?; seq 3 | WRAP tail -1",
    ),
];

const FISH: [(&str, &str); 4] = [
    (
        "status",
        "WRAP sh -c 'exit 1'; echo $status; WRAP sh -c 'exit 42'; echo $status",
    ),
    (
        "death by TERM",
        "WRAP sh -c 'kill -TERM $fish_pid$$' 2>/dev/null; echo $status",
    ),
    (
        "kill and wait",
        "WRAP sleep 30 & ; set p $last_pid; sleep 0.1; kill $p; wait $p; echo $status",
    ),
    (
        "pipeline and $(…)",
        "set x (WRAP expr 5); echo $x; WRAP sh -c 'exit 3' | cat; echo $pipestatus",
    ),
];

pub(super) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for shell in SHELLS {
        let fish = shell.starts_with("fish");
        let scripts: &[_] = if fish { &FISH } else { &SCRIPTS };
        for (name, script) in scripts {
            rows.push(Row::new(format!("{shell}: {name}"), move |stage| {
                run(stage, shell, &script.replace("$fish_pid$$", "$$"))
            }));
        }
        rows.push(
            Row::new(format!("{shell}: ^Z and fg"), move |stage| {
                resumed(stage, shell)
            })
            .on_terminal()
            .alone(),
        );
    }
    rows
}

fn missing(shell: &str) -> Option<String> {
    let tool = shell.split(' ').next().unwrap();
    (!have(tool)).then(|| format!("{SKIPPED}`{tool}` is missing"))
}

fn run(stage: &Stage, shell: &str, script: &str) -> String {
    let done = || stage.told(&stage.shell(shell, script).done());
    missing(shell).unwrap_or_else(done)
}

/// Stops a job by the terminal's key and takes it up again; only what the job says and the end are looked at, since
/// shells paint their prompts.
fn resumed(stage: &Stage, shell: &str) -> String {
    if let Some(why) = missing(shell) {
        return why;
    }
    let words: Vec<&str> = shell.split(' ').chain(["-i"]).collect();
    let live = stage.start(&words, Caller::default());
    // what is typed before a shell asks may be dropped; some ask in their own words, but keep it
    let own_words = match shell.split(' ').next() {
        Some("fish") => Some("has stopped"),
        Some("mksh") => Some("Stopped"),
        Some("zsh") => Some("suspended"),
        _ => None,
    };
    let asked = || own_words.map_or_else(|| live.until("PROMPT").is_some(), |_| true);
    asked();
    live.send(&(stage.expand("WRAP probe count CONT") + "\n"));
    live.until("READY");
    live.send("\x1a");
    let stopped = own_words.map_or_else(asked, |words| live.until(words).is_some());
    live.send("fg\n");
    let got = live.until("GOT").unwrap_or_else(|| TIMEOUT.to_owned());
    asked();
    // of what is typed nothing must look like what is said: some shells echo by themselves
    let status = if shell.starts_with("fish") {
        "$status"
    } else {
        "$?"
    };
    live.send(&format!("echo STA''TUS {status}\n"));
    let status = live.until("STATUS ").unwrap_or_else(|| TIMEOUT.to_owned());
    format!("stopped {stopped}, got{got}, status {status}")
}
