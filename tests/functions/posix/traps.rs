//! `obs_trace_script`: the script does what it does without it, to the letter, and its span says how it ended.

use super::{journalled, line, shells, silent, with};
use crate::sandbox::{Outcome, Sandbox};
use serde_json::Value;
use std::fs;

/// The user's own traps.
const TRAPS: &[&str] = &[
    "",
    "trap 'echo \"exit $? $*\"' EXIT",
    "trap 'code=$?; echo cleanup; exit $code' 0",
    "trap 'echo \"it'\\''s\nterm\"; exit 5' TERM INT HUP; trap -- 'echo \"exit $?\"' EXIT",
    "trap '' TERM INT; trap 'false; echo exit' EXIT",
    "trap 'echo one' EXIT; trap 'echo two' EXIT; trap 'echo term; trap - TERM; kill -TERM $$' TERM",
    "trap 'echo gone' EXIT TERM; trap - EXIT TERM",
    "trap 'echo \"usr1 $?\"' USR1; trap 'echo x' INT; trap 2",
];

/// How a script goes on and ends.
const ENDINGS: &[&str] = &[
    "echo end",
    "exit 3",
    "set -e; f() { false; }; f; echo not",
    "f() { exit 4; }; f; echo not",
    "f() { return 6; }; f",
    "set -u; : \"$nowhere\"; echo not",
    "(echo sub; exit 7); echo $?; (trap 'echo subexit' EXIT; exit 8)",
    "echo \"$(trap 'echo subexit' EXIT; echo inner)\"; exit 9",
    "{ exit 2; } & wait $!; echo $?; exit 1",
    "echo x | { read -r line; exit 3; }; exec true",
    "kill -USR1 $$; trap; exit 1",
    "if false; then :; fi; false || true; ! true; exit 0",
];

/// Signals that the script gets.
const SIGNALS: &[&str] = &["TERM", "INT", "HUP", "QUIT", "ALRM", "KILL"];

fn run(shell: &str, text: &str) -> (Sandbox, Outcome) {
    let sandbox = silent();
    let outcome = sandbox.script(shell, &format!("ulimit -c 0\n{text}"));
    (sandbox, outcome)
}

/// The script without us, and with its traps before and after.
fn equal(shell: &str, traps: &str, ending: &str) -> [(Sandbox, Outcome); 2] {
    let (_, bare) = run(shell, &format!("{traps}\nset -- a b\n{ending}\n"));
    let one = line("sh");
    [
        format!("{traps}\n{one}obs_trace_script\nset -- a b\n{ending}\n"),
        format!("{one}obs_trace_script\n{traps}\nset -- a b\n{ending}\n"),
    ]
    .map(|text| {
        let (sandbox, outcome) = run(shell, &text);
        // a shell's own messages name the line, which differs
        let plain = |outcome: &Outcome| {
            let digits = |c: char| if c.is_ascii_digit() { '#' } else { c };
            let errors: String = outcome.stderr.chars().map(digits).collect();
            let errors = errors.replace("##", "#").replace("##", "#");
            let words: Vec<&str> = errors.split_whitespace().collect();
            let path = |word: &&&str| !word.contains("/work/script") && !word.contains("__obs_");
            (
                outcome.code,
                outcome.stdout.clone(),
                words.iter().filter(path).count(),
            )
        };
        assert_eq!(
            plain(&outcome),
            plain(&bare),
            "{shell}:\n{text}\n{}\nwithout us {}",
            outcome.shown(),
            bare.shown()
        );
        (sandbox, outcome)
    })
}

/// The script's own span, as journalled.
fn root(sandbox: &Sandbox) -> Value {
    let spans = journalled(sandbox, "spans.log");
    assert_eq!(spans.len(), 1, "{spans:#?}");
    with(&spans, "name", "script").clone()
}

/// Each trap with each of a few endings, and a few traps with all.
fn pairs<'a>(all: &'a [&'a str], few: &'a [&'a str]) -> impl Iterator<Item = (&'a str, &'a str)> {
    let whole = TRAPS[..2]
        .iter()
        .flat_map(|traps| all.iter().map(move |ending| (*traps, *ending)));
    let rest = TRAPS[2..]
        .iter()
        .flat_map(|traps| few.iter().map(move |ending| (*traps, *ending)));
    whole.chain(rest)
}

#[test]
fn endings_are_as_without_us() {
    for shell in shells() {
        for (traps, ending) in pairs(ENDINGS, &ENDINGS[1..3]) {
            for (sandbox, outcome) in equal(shell, traps, ending) {
                // the program that the shell has become tells nothing
                if ending.contains("exec ") {
                    continue;
                }
                let root = root(&sandbox);
                let code = &root["attributes"]["process.exit.code"];
                // its own EXIT trap sees no other status either
                if shell == "ksh93" && ending.contains("set -u") {
                    continue;
                }
                if ending.contains("USR1") && outcome.code != 1 {
                    let signal = &root["attributes"]["process.exit.signal"];
                    assert_eq!(signal, "SIGUSR1", "{shell}: {traps}");
                    continue;
                }
                assert_eq!(code, outcome.code, "{shell}: {traps}\n{ending}\n{root:#}");
                let status = if outcome.code == 0 { "unset" } else { "error" };
                assert_eq!(root["status"]["code"], status, "{shell}: {traps}\n{ending}");
            }
        }
    }
}

#[test]
fn signals_end_as_without_us() {
    for shell in shells() {
        for (traps, signal) in pairs(SIGNALS, &SIGNALS[..2]) {
            let ending = format!("echo before; kill -{signal} $$; echo survived; exit 1");
            for (sandbox, outcome) in equal(shell, traps, &ending) {
                if signal == "KILL" {
                    continue;
                }
                let root = root(&sandbox);
                let told = &root["attributes"]["process.exit.signal"];
                let case = format!("{shell}: {traps}\n{signal}\n{root:#}");
                match outcome.stdout.contains("survived") || outcome.stdout.contains("it's\nterm") {
                    // ignored, or ended by the trap that is the script's own
                    true => assert!(told.is_null(), "{case}"),
                    false => assert_eq!(told, &format!("SIG{signal}"), "{case}"),
                }
            }
        }
    }
}

#[test]
fn open_spans_end_innermost_first() {
    for shell in shells() {
        let sandbox = silent();
        let text = format!(
            "set -eu\n{}obs_trace_script main\nspan_start outer\nspan_start inner\n( exit 3 )\necho not\n",
            line("sh")
        );
        let outcome = sandbox.script(shell, &text);
        assert_eq!((outcome.code, outcome.stderr.as_str()), (3, ""), "{shell}");
        let spans = journalled(&sandbox, "spans.log");
        let names: Vec<&str> = spans
            .iter()
            .filter_map(|span| span["name"].as_str())
            .collect();
        assert_eq!(names, ["inner", "outer", "main"], "{shell}");
        for span in &spans {
            assert_eq!(span["attributes"]["process.exit.code"], 3, "{shell}");
            assert_eq!(span["status"]["code"], "error", "{shell}");
        }
    }
}

#[test]
fn nested_scripts_are_children() {
    for shell in shells() {
        let sandbox = silent();
        let child = format!(
            "{}obs_trace_script\nobs_trace_script again\nlog_info deep\n",
            line("sh")
        );
        fs::write(sandbox.path("work/child"), child).unwrap();
        let text = format!(
            "{0}obs_trace_script\n{shell} ./child\n( {shell} ./child )\nx=$({shell} ./child; exit 2)\n{shell} ./child & wait\n( exit 1 )\n:\n",
            line("sh")
        );
        sandbox.script(shell, &text).quiet();
        let spans = journalled(&sandbox, "spans.log");
        assert_eq!(spans.len(), 5, "{shell}: {spans:#?}");
        let root = spans.last().unwrap();
        assert_eq!(
            (&root["name"], root.get("parent_span_id")),
            (&"script".into(), None),
            "{shell}"
        );
        assert_eq!(root["attributes"]["process.exit.code"], 0, "{shell}");
        for child in &spans[..4] {
            assert_eq!(child["name"], "child", "{shell}");
            assert_eq!(child["parent_span_id"], root["span_id"], "{shell}");
            assert_eq!(child["trace_id"], root["trace_id"], "{shell}");
        }
        let logs = journalled(&sandbox, "logs.log");
        assert_eq!(logs[0]["span_id"], spans[0]["span_id"], "{shell}");
    }
}

#[test]
fn ignored_signals_stay_ignored() {
    for shell in shells() {
        let sandbox = silent();
        let script = format!(
            "{}obs_trace_script\nkill -TERM $$\nkill -INT $$\necho alive\n",
            line("sh")
        );
        fs::write(sandbox.path("work/child"), script).unwrap();
        let text = format!("trap '' TERM INT\n{shell} ./child\n");
        let outcome = sandbox.script("dash", &text).quiet();
        assert_eq!(outcome.stdout, "alive\n", "{shell}");
        let spans = journalled(&sandbox, "spans.log");
        assert_eq!(spans[0]["status"]["code"], "unset", "{shell}");
    }
}

#[test]
fn traps_are_shown_as_the_scripts_own() {
    for shell in shells() {
        let traps = "trap 'echo \"it'\\''s\ntwo\"' EXIT\ntrap 'echo hup' HUP\ntrap '' TERM\n";
        let (_, bare) = run(shell, &format!("{traps}trap\ntrap - EXIT\ntrap\n"));
        let one = line("sh");
        for text in [
            format!("{traps}{one}obs_trace_script\ntrap\ntrap - EXIT\ntrap\n"),
            format!("{one}obs_trace_script\n{traps}trap\ntrap - EXIT\ntrap\n"),
        ] {
            let (_, outcome) = run(shell, &text);
            assert_eq!(outcome.stdout, bare.stdout, "{shell}: {text}");
            assert_eq!(outcome.stderr, "", "{shell}: {text}");
        }
    }
}

#[test]
fn nothing_of_ours_stays_on_disk() {
    for shell in shells() {
        let sandbox = silent();
        let text = format!("trap 'echo bye' EXIT\n{}obs_trace_script\n", line("sh"));
        sandbox.script(shell, &text).quiet();
        for folder in ["tmp", "journal"] {
            let left = fs::read_dir(sandbox.path(folder)).unwrap().flatten();
            let mut ours =
                left.filter(|entry| entry.file_name().to_string_lossy().contains("traps"));
            assert!(ours.next().is_none(), "{shell}: {folder}");
        }
    }
}

#[test]
fn failure_traps_are_as_without_us() {
    let traps = [
        "trap 'echo \"err $?\"' ERR",
        "trap 'echo \"err $?\"' ERR; trap 'echo \"exit $?\"' EXIT",
        "trap 'echo \"err $?\"; exit 9' ERR",
        "trap 'echo gone' ERR; trap - ERR; trap",
    ];
    let endings = [
        "set -e; f() { (exit 4); }; f; echo not",
        "false; if false; then :; fi; false || true; (exit 3); echo on",
        "set -e; echo x | (exit 2); echo not",
    ];
    for shell in shells().filter(|shell| !matches!(*shell, "dash" | "busybox ash")) {
        for traps in traps {
            // a function of bash cannot take away an ERR trap
            if shell.starts_with("bash") && traps.contains("- ERR") {
                continue;
            }
            for ending in endings {
                equal(shell, traps, ending);
            }
        }
    }
}
