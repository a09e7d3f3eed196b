//! `obs_trace_script`: however a script ends, its root span says so, and the script ends as it would have without us.

use super::silent;
use crate::sandbox::{Outcome, have};
use serde_json::Value;

/// Ways to end, with what the root span then says: exit code, message.
const ENDS: &[(&str, i64, &str)] = &[
    ("echo here", 0, ""),
    ("exit 3", 3, "exit code 3"),
    ("return 7", 7, "exit code 7"),
    ("f() { exit 4; }; f; echo never", 4, "exit code 4"),
    (
        "g() { f; }; f() { exit 4; }; g; echo never",
        4,
        "exit code 4",
    ),
    ("( exit 5 )", 5, "exit code 5"),
    ("( exit 5 ) || out=$(exit 6) || exit 2", 2, "exit code 2"),
    ("kill -TERM $$; echo never", 143, "ended by SIGTERM"),
    ("kill -INT $$; echo never", 130, "ended by SIGINT"),
    ("kill -USR1 $$; echo never", 138, "ended by SIGUSR1"),
    (
        "if false; then :; fi; f() { false || return 9; }; f || true; ! true; echo here",
        0,
        "",
    ),
];

/// Ways to end under errexit.
const FAILURES: &[(&str, i64)] = &[
    ("false; echo never", 1),
    ("f() {\n  ( exit 9 )\n  echo never\n}\nf\necho never", 9),
    ("out=$(exit 5); echo never", 5),
    ("true | false; echo never", 1),
];

/// The traps of a user; those for signals are none of these.
const TRAPS: &[&str] = &[
    "",
    "trap 'echo left $?' EXIT",
    "TRAPEXIT() { echo left $?; }",
    "zshexit() { echo left $?; }",
    "trap 'echo err $?' ZERR",
    "TRAPZERR() { echo err $?; }",
];

/// Runs a script with and without us; both must end alike. The answer is the root span.
#[track_caller]
fn ended(before: &str, after: &str, way: &str) -> (Outcome, Value) {
    let script = |first: &str| format!("{before}\n{first}\n{after}\n{way}\n");
    let sandbox = silent();
    let bare = sandbox.script("zsh -f", &script(":;"));
    let outcome = sandbox.script(
        "zsh -f",
        // from the file: a TRAPEXIT function runs in `$(…)` too, and what it prints would be evaluated
        &script(&format!(". {}; obs_trace_script", super::file())),
    );
    assert_eq!(
        outcome.shown(),
        bare.shown(),
        "{before:?}, {after:?}, {way:?}"
    );
    let mut spans = sandbox.records("spans");
    assert_eq!(spans.len(), 1, "{before:?}, {after:?}, {way:?}: {spans:#?}");
    (outcome, spans.remove(0))
}

#[test]
fn zsh_root_span_says_how_it_ended() {
    if !have("zsh") {
        return;
    }
    for (way, code, message) in ENDS {
        for user in TRAPS {
            for (before, after) in [(*user, ""), ("", *user)] {
                let (outcome, span) = ended(before, after, way);
                let about = format!("{before:?}, {after:?}, {way:?}: {span:#}");
                assert_eq!(i64::from(outcome.code), *code, "{about}");
                if way.starts_with("kill") && after.starts_with("trap ") {
                    // the first trap of the user gave the signals back
                    assert_eq!(span["status"]["message"], "abandoned", "{about}");
                    continue;
                }
                assert_eq!(span["name"], "script", "{about}");
                assert_eq!(span["attributes"]["process.exit.code"], *code, "{about}");
                let said = span["status"]["message"].as_str().unwrap_or_default();
                assert_eq!(said, *message, "{about}");
                assert!(span.get("parent_span_id").is_none(), "{about}");
            }
        }
    }
}

#[test]
fn zsh_root_span_tells_what_failed() {
    if !have("zsh") {
        return;
    }
    for (way, code) in FAILURES {
        for user in TRAPS {
            for (before, after) in [(*user, ""), ("", *user)] {
                // the user's own ZERR trap stands instead of ours
                let told = !user.contains("ERR");
                let (outcome, span) = ended(&format!("set -euo pipefail\n{before}"), after, way);
                let about = format!("{before:?}, {after:?}, {way:?}: {span:#}");
                assert_eq!(i64::from(outcome.code), *code, "{about}");
                assert_eq!(span["attributes"]["process.exit.code"], *code, "{about}");
                assert_eq!(
                    span["status"]["message"],
                    format!("exit code {code}"),
                    "{about}"
                );
                let events = span["events"].as_array().map_or(0, Vec::len);
                assert_eq!(events, usize::from(told), "{about}");
                if told {
                    let event = &span["events"][0];
                    assert_eq!(event["name"], "error", "{about}");
                    let failed = &event["attributes"];
                    assert_eq!(failed["process.exit.code"], *code, "{about}");
                    let in_function = way.starts_with("f()");
                    let name = in_function.then_some("f");
                    assert_eq!(failed["code.function.name"].as_str(), name, "{about}");
                    let line = if in_function { 6 } else { 5 };
                    assert_eq!(failed["code.line.number"], line, "{about}");
                    let text = if in_function { "( exit 9 )" } else { *way };
                    assert_eq!(failed["process.command_line"], text, "{about}");
                }
            }
        }
    }
}

#[test]
fn zsh_signals_of_the_user_are_his() {
    if !have("zsh") {
        return;
    }
    let traps = [
        "trap 'echo his; exit 9' TERM",
        "TRAPTERM() { echo his; exit 9; }",
        "trap '' TERM",
        "TRAPINT() { echo unused; }",
        "f() { trap 'echo his; exit 9' TERM; }; f",
        "trap 'echo his' TERM INT; trap - TERM",
    ];
    for user in traps {
        for (before, after) in [(user, ""), ("", user)] {
            let (_, span) = ended(before, after, "kill -TERM $$; echo here; exit 9");
            let ignored = user == "trap '' TERM";
            let died = !ignored && !user.contains("exit 9");
            let told = user == "TRAPINT() { echo unused; }" && before.is_empty();
            let message = match (died, told) {
                (true, true) => "ended by SIGTERM",
                (true, false) => "abandoned",
                (false, _) => "exit code 9",
            };
            assert_eq!(span["status"]["message"], message, "{user}, {before:?}");
        }
    }
    // with nothing of his the shell waits for no child, and what is ignored stays so
    let sandbox = silent();
    let child = "kill -TERM $PPID; exec >/dev/null 2>&1; sleep 30; : >late";
    let text = format!(". {}; obs_trace_script\nsh -c '{child}'\n", super::file());
    assert_eq!(sandbox.script("zsh -f", &text).code, 143);
    assert!(!sandbox.path("work/late").exists());
    let spans = sandbox.records("spans");
    assert_eq!(spans[0]["attributes"]["process.exit.signal"], "SIGTERM");
    let sandbox = silent();
    let text = "eval \"$(obs print shell zsh)\"; obs_trace_script\nkill -TERM $$; echo here\n";
    std::fs::write(sandbox.path("work/inner"), text).unwrap();
    let outcome = sandbox
        .script("sh", "trap '' TERM; exec zsh -f ./inner")
        .quiet();
    assert_eq!(outcome.stdout, "here\n");
}

#[test]
fn zsh_open_spans_end_with_the_script() {
    if !have("zsh") {
        return;
    }
    let script = |text: &str| {
        let sandbox = silent();
        let text = format!(
            "set -e\neval \"$(obs print shell zsh)\"; obs_trace_script whole\nobs_trace_script twice\n{text}\n"
        );
        let outcome = sandbox.script("zsh -f", &text);
        (outcome, sandbox)
    };
    let (outcome, sandbox) =
        script("trap 'log_info last' EXIT\nspan_start a\nspan_start b\nspan_run c f || exit 1\n");
    assert_eq!(outcome.code, 1, "{}", outcome.shown());
    let spans = sandbox.records("spans");
    let ids = |name: &str| &super::named(&spans, name)["span_id"];
    assert_eq!(spans.len(), 4, "{spans:#?}");
    for (child, parent) in [("a", "whole"), ("b", "a"), ("c", "b")] {
        let span = super::named(&spans, child);
        assert_eq!(&span["parent_span_id"], ids(parent));
        assert!(span.get("obs").is_none(), "{span:#}");
    }
    assert_eq!(
        super::named(&spans, "c")["attributes"]["process.exit.code"],
        127
    );
    assert_eq!(&sandbox.only_log()["trace_id"], &spans[0]["trace_id"]);

    // subshells, jobs and nested scripts end their own only
    let (outcome, sandbox) = script(
        r#"print -r -- 'eval "$(obs print shell zsh)"; obs_trace_script nested; exit 3' >nested
( log_info subshell; exit 4 ) || true
out=$(span_run substitution true; exit 4) || true
{ span_run job true; exit 4; } & wait $! || true
zsh -f ./nested || true
zsh -f ./nested &
wait
echo here"#,
    );
    assert_eq!(outcome.quiet().stdout, "here\n");
    let spans = sandbox.records("spans");
    let names: Vec<&str> = spans
        .iter()
        .map(|span| span["name"].as_str().unwrap())
        .collect();
    assert_eq!(spans.len(), 5, "{names:?}");
    let root = super::named(&spans, "whole");
    assert_eq!(root["attributes"]["process.exit.code"], 0);
    for span in spans.iter().filter(|span| span["name"] != "whole") {
        assert_eq!(span["parent_span_id"], root["span_id"], "{span:#}");
    }
}
