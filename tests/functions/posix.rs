//! The functions in POSIX shells: dash, busybox ash, ksh93, mksh, and bash and zsh where they pose as sh.

mod calls;

use super::stage::sourced;
use crate::sandbox::{Outcome, Sandbox, have};
use serde_json::Value;

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

/// The strictest mode of a shell.
fn strict(shell: &str) -> &'static str {
    match shell {
        "dash" => "set -eu\n",
        _ => "set -eu -o pipefail\n",
    }
}

/// A sandbox in which `obs log` writes to the journal only.
fn silent() -> Sandbox {
    Sandbox::new().with("OBS_LOG_STREAM", "off")
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
