//! Scripts that source the functions of their shell, and what they leave in the journal.

use crate::sandbox::{Outcome, Sandbox};

/// The dialect of a shell such as `busybox ash`.
fn dialect(shell: &str) -> &str {
    match shell.split(' ').next() {
        _ if shell.ends_with(" --posix") || shell.ends_with(" --emulate sh") => "sh",
        Some(own @ ("bash" | "fish" | "zsh")) => own,
        _ => "sh",
    }
}

/// The one line that a user pastes.
pub(super) fn line(shell: &str) -> String {
    match dialect(shell) {
        "fish" => "obs print shell fish | source\n".to_owned(),
        dialect => format!("eval \"$(obs print shell {dialect})\"\n"),
    }
}

/// Runs a script that begins with the one line, in a shell such as `busybox ash`.
pub(super) fn sourced(sandbox: &Sandbox, shell: &str, text: &str) -> Outcome {
    sandbox.script(shell, &format!("{}{text}", line(shell)))
}
