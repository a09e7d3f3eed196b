//! `obs_trace_script`: the script does what it does without it, to the letter, and its span says how it ended.

use super::{from_disk, journalled, line, shells, silent};
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
    "exit 3",
    "echo end",
    "set -e; f() { false; }; f; echo not",
    "f() { exit 4; }; f; echo not",
    "f() { return 6; }; f",
    "set -u; : \"$nowhere\"; echo not",
    "(echo sub; exit 7); echo $?; (trap 'echo subexit' EXIT; exit 8); echo $?; { exit 2; } & wait $!; echo $?\n\
     echo \"$(trap 'echo subexit' EXIT; echo inner)\"; if false; then :; fi; false || true; ! true; trap; exit 9",
    "echo x | { read -r line; exit 3; }; exec true",
];

/// Signals that the script gets.
const SIGNALS: &[&str] = &["TERM", "INT", "HUP", "USR1"];

fn run(shell: &str, text: &str) -> (Sandbox, Outcome) {
    let sandbox = silent();
    let outcome = sandbox.script(shell, &format!("ulimit -c 0\n{text}"));
    (sandbox, outcome)
}

/// What traces a script: sourced from the disk, which starts no process.
fn traced() -> String {
    let bin = crate::sandbox::program();
    format!("__obs_bin='{bin}'\n{}obs_trace_script\n", from_disk())
}

/// What a script says and ends with. A shell's own messages name the line and the place, which differ.
fn plain(outcome: &Outcome) -> (i32, &str, usize) {
    let words = outcome.stderr.split_whitespace();
    let place = |word: &&str| {
        let is = |c: char| !c.is_ascii_digit() && c != ':' && c != '[' && c != ']';
        word.contains("/work/script") || word.contains("__obs_") || !word.contains(is)
    };
    let words = words.filter(|word| !place(word)).count();
    (outcome.code, &outcome.stdout, words)
}

/// The script without us, and with its traps before and after.
fn equal(shell: &str, traps: &str, ending: &str) -> Vec<(Sandbox, Outcome)> {
    let ending = format!("set -- a b\n{ending}\n");
    let (_, bare) = run(shell, &format!("{traps}\n{ending}"));
    let mut texts = vec![format!("{traps}\n{}{ending}", traced())];
    if !traps.is_empty() {
        texts.push(format!("{}{traps}\n{ending}", traced()));
    }
    let alike = |text: String| {
        let (sandbox, outcome) = run(shell, &text);
        let (ours, theirs) = (outcome.shown(), bare.shown());
        let case = format!("{shell}:\n{text}\n{ours}\nwithout us {theirs}");
        assert_eq!(plain(&outcome), plain(&bare), "{case}");
        (sandbox, outcome)
    };
    texts.into_iter().map(alike).collect()
}

/// The record of the script's own span; none where the shell has died without its EXIT trap.
fn ended(sandbox: &Sandbox) -> Option<Value> {
    let mut spans = journalled(sandbox, "spans.log");
    assert!(spans.len() < 2, "{spans:#?}");
    spans
        .pop()
        .inspect(|span| assert_eq!(span["name"], "script"))
}

/// Two traps with each of all endings, the others with one.
fn pairs<'a>(endings: &'a [&'a str]) -> impl Iterator<Item = (&'a str, &'a str)> {
    let whole = |traps| endings.iter().map(move |ending| (traps, *ending));
    let rest = TRAPS[2..].iter().map(|traps| (*traps, endings[0]));
    TRAPS[..2].iter().copied().flat_map(whole).chain(rest)
}

#[test]
fn endings_are_as_without_us() {
    for shell in shells() {
        for (traps, ending) in pairs(ENDINGS) {
            for (sandbox, outcome) in equal(shell, traps, ending) {
                // the program that the shell has become tells nothing
                if ending.contains("exec ") {
                    continue;
                }
                let root = ended(&sandbox).unwrap();
                // its own EXIT trap sees no other status either
                if shell == "ksh93" && ending.contains("set -u") {
                    continue;
                }
                let code = &root["attributes"]["process.exit.code"];
                assert_eq!(code, outcome.code, "{shell}: {traps}\n{ending}\n{root:#}");
                let status = if outcome.code == 0 { "unset" } else { "error" };
                assert_eq!(root["status"]["code"], status, "{shell}: {traps}\n{ending}");
            }
        }
    }
}

/// True for a ksh93 which does not die of a signal where there is an EXIT trap, but exits with its number.
fn outlives_signals(shell: &str) -> bool {
    shell == "ksh93" && run(shell, "trap : EXIT; kill -TERM $$; :").1.code < 128
}

#[test]
fn signals_end_as_without_us() {
    for shell in shells() {
        let outlives = outlives_signals(shell);
        for (traps, signal) in pairs(SIGNALS) {
            // there our trap is no different from anybody's
            let none = if outlives && signal != "INT" { ":" } else { "" };
            let traps = match traps {
                "" if !none.is_empty() => "trap : EXIT",
                traps if none.is_empty() || traps.ends_with("EXIT") => traps,
                _ => continue,
            };
            let ending = format!("echo before; kill -{signal} $$; echo survived; exit 1");
            for (sandbox, outcome) in equal(shell, traps, &ending) {
                // what the EXIT trap sees: mksh ends with what is left of it
                let said = |text: &str| outcome.stdout.contains(text);
                let expected = match (said("survived"), said("it's\nterm")) {
                    (true, _) => Some("1"),
                    (_, true) => Some("5"),
                    _ => told(shell, signal),
                };
                let found = ended(&sandbox).map(|root| match root["status"]["message"].as_str() {
                    Some("ended by a signal") => "signal".to_owned(),
                    _ => root["attributes"]["process.exit.code"].to_string(),
                });
                assert_eq!(found.as_deref(), expected, "{shell}: {traps}\n{signal}");
            }
        }
    }
}

/// What a shell's EXIT trap knows when it is killed between two commands; none where it does not run.
fn told(shell: &str, signal: &str) -> Option<&'static str> {
    match (shell, signal) {
        ("ksh93", "INT") => Some("signal"),
        ("bash --posix" | "ksh93", _) => Some("0"),
        ("mksh", "INT") => Some("130"),
        ("mksh", "TERM") => Some("143"),
        ("zsh --emulate sh", "HUP") => Some("1"),
        _ => None,
    }
}

/// The program in front runs until the shell is gone: a shell that waited for it would wait for a minute. It waits until
/// the shell sleeps: ksh93 with any EXIT trap misses what comes earlier.
#[test]
fn signal_ends_the_shell_at_once() {
    let front = "sh -c 'until grep -q State:.S /proc/$1/status; do :; done; kill -HUP $1; n=0; while kill -0 $1; do n=$((n + 1)); [ $n -lt 600 ] || : >late; [ $n -lt 600 ] || exit; sleep 0.1; done' x $$ </dev/null >out 2>&1\necho not\n";
    for shell in shells() {
        let (sandbox, outcome) = run(shell, &format!("{}{front}", traced()));
        let code = if outlives_signals(shell) { 1 } else { 129 };
        // zsh exits with 1 by itself
        let code = if shell.starts_with("zsh") { 1 } else { code };
        assert_eq!(plain(&outcome), (code, "", 0), "{shell}");
        assert!(!sandbox.path("work/late").exists(), "{shell} waited");
        let trace = sandbox.obs(["trace", "latest", "--json"]).quiet();
        let trace: Value = serde_json::from_str(&trace.stdout).unwrap();
        let root = &trace["spans"][0];
        let told = match shell {
            "bash --posix" => "ended by a signal",
            "dash" | "busybox ash" | "mksh" => "abandoned",
            "ksh93" => continue,
            _ => "exit code 1",
        };
        assert_eq!(root["status"]["message"], told, "{shell}: {root:#}");
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

#[test]
fn vanished_binary_holds_no_script() {
    for shell in shells() {
        let sandbox = silent();
        let obs = sandbox.path("work/obs");
        std::os::unix::fs::symlink(crate::sandbox::program(), &obs).unwrap();
        let text = format!(
            "__obs_bin={}\n{}\nobs_trace_script\nspan_start x\nrm ./obs\nexit 3\n",
            obs.display(),
            from_disk()
        );
        assert_eq!(sandbox.script(shell, &text).code, 3, "{shell}");
    }
}
