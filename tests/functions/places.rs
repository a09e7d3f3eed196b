//! The functions where a script does not run as usual: at a prompt, and where no file may grow.

use super::stage::{line, sourced};
use crate::sandbox::{Sandbox, have, outcome};

const SHELLS: &[&str] = &[
    "bash",
    "zsh",
    "fish",
    "dash",
    "busybox ash",
    "mksh",
    "ksh93",
];

/// Those that are there.
fn shells() -> impl Iterator<Item = &'static str> {
    let all = SHELLS.iter().copied();
    all.filter(|shell| have(shell.split(' ').next().unwrap()))
}

#[test]
fn prompt_has_no_trace_of_its_own() {
    for shell in shells() {
        let sandbox = Sandbox::new();
        let (quiet, ask) = match shell {
            "bash" => (&["--norc"][..], "echo \"[${TRACEPARENT-}]\"\n"),
            "zsh" => (&["-f"][..], "echo \"[${TRACEPARENT-}]\"\n"),
            "fish" => (&["--no-config"][..], "echo \"[$TRACEPARENT]\"\n"),
            _ => (&[][..], "echo \"[${TRACEPARENT-}]\"\n"),
        };
        let text = format!("{}{ask}", line(shell));
        let mut words = shell.split(' ');
        let mut command = sandbox.command(words.next().unwrap());
        command.args(words).args(quiet).args(["-i", "-c", &text]);
        // a terminal is missing, which some say
        let ended = outcome(&command.output().unwrap());
        assert!(ended.stdout.ends_with("[]\n"), "{shell}: {}", ended.shown());
        let ended = sourced(&sandbox, shell, ask).quiet();
        assert!(
            ended.stdout.starts_with("[00-"),
            "{shell}: {}",
            ended.shown()
        );
    }
}

#[test]
fn script_lives_where_no_file_may_grow() {
    // fish has no such limit to set; ksh93 writes what `$(…)` gives into a file, and dies of that
    for shell in shells().filter(|shell| !["fish", "ksh93"].contains(shell)) {
        for trap in ["", "trap 'echo bye' EXIT\n"] {
            let sandbox = Sandbox::new().with("OBS_LOG_STREAM", "off");
            let text = format!(
                "{}ulimit -f 0\n{trap}obs_trace_script\nlog_info hello\necho alive\nexit 3\n",
                line(shell)
            );
            let ended = sandbox.script(shell, &text);
            let bye = if trap.is_empty() { "" } else { "bye\n" };
            assert_eq!(ended.code, 3, "{shell} {trap}: {}", ended.shown());
            assert_eq!(ended.stdout, format!("alive\n{bye}"), "{shell}");
        }
    }
}
