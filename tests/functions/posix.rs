//! The functions in POSIX shells: dash, busybox ash, ksh93, mksh, and bash and zsh where they pose as sh.

mod caller;
mod calls;
mod hostile;
mod sourcing;
mod traps;

use super::stage::{self, line};
use crate::capture::silent;
use crate::sandbox::{Outcome, Sandbox, have, outcome};
use crate::shells::strict;
use serde_json::Value;
use std::ffi::OsStr;
use std::fs;

/// Those shells that are there.
fn shells() -> impl Iterator<Item = &'static str> {
    let all = [
        "dash",
        "busybox ash",
        "ksh93",
        "mksh",
        "bash --posix",
        "zsh --emulate sh",
    ];
    all.into_iter()
        .filter(|shell| have(shell.split(' ').next().unwrap()))
}

/// Runs a script that begins with the one line. Shells that pose as sh are not taken for themselves.
fn sourced(sandbox: &Sandbox, shell: &str, text: &str) -> Outcome {
    match shell {
        "bash --posix" | "zsh --emulate sh" => {
            sandbox.script(shell, &format!("{}{text}", line("sh")))
        }
        _ => stage::sourced(sandbox, shell, text),
    }
}

/// Runs a script in a shell's strictest mode, behind the one line; it must end whole and say nothing else.
#[track_caller]
fn whole(sandbox: &Sandbox, shell: &str, text: &str) -> Outcome {
    let text = format!("{}{text}\nprintf 'whole\\n'\n", strict(shell));
    let outcome = sourced(sandbox, shell, &text);
    assert_eq!(
        (
            outcome.code,
            outcome.stdout.as_str(),
            outcome.stderr.as_str()
        ),
        (0, "whole\n", ""),
        "{shell}: {text}"
    );
    outcome
}

/// The record whose member has this value.
#[track_caller]
fn with<'a>(records: &'a [Value], key: &str, value: &str) -> &'a Value {
    let found = records.iter().find(|record| record[key] == value);
    found.unwrap_or_else(|| panic!("no {key}={value} in {records:#?}"))
}

/// Runs a script with words of its own.
fn given(sandbox: &Sandbox, shell: &str, text: &str, args: &[&OsStr]) -> Outcome {
    let file = sandbox.path("work/script");
    fs::write(&file, text).unwrap();
    let mut words = shell.split(' ');
    let mut command = sandbox.command(words.next().unwrap());
    outcome(&command.args(words).arg(file).args(args).output().unwrap())
}

/// The line that sources the file in the repository.
fn from_disk() -> String {
    format!(". '{}/shell/obs.sh'\n", env!("CARGO_MANIFEST_DIR"))
}

/// Calls of every function that leave a log, an event, three points and four spans.
const ALL: &str = r#"
log_info 'a message' k=v
emit_event some.type n:=1
metric_inc jobs_total 1 k=v
metric_set depth 2
span_start outer k=v
span_event halfway k=v
span_attr more=x
span_end 0
work() { return "$1"; }
span_run ran work 0
obs_time took_seconds k=v -- work 0
send_span kept 1764843330 1764843331
send_span child 1764843330123 1764843331123 k=v
"#;

/// Asserts that the calls of `ALL` have left what they should.
#[track_caller]
fn left_all(sandbox: &Sandbox, case: &str) {
    let names = |file: &str, key: &str| -> Vec<String> {
        let records = journalled(sandbox, file);
        let text = |record: &Value| record[key].as_str().unwrap_or_default().to_owned();
        let mut names: Vec<String> = records.iter().map(text).collect();
        names.sort();
        names
    };
    assert_eq!(names("logs.log", "message"), ["a message"], "{case}");
    assert_eq!(names("events.log", "event_type"), ["some.type"], "{case}");
    let spans = names("spans.log", "name");
    assert_eq!(spans, ["child", "kept", "outer", "ran"], "{case}");
    let points = names("metrics.log", "name");
    assert_eq!(points, ["depth", "jobs_total", "took_seconds"], "{case}");
}

/// The records of a file of the journal.
fn journalled(sandbox: &Sandbox, file: &str) -> Vec<Value> {
    let text = fs::read_to_string(sandbox.journal().join(file)).unwrap_or_default();
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}
