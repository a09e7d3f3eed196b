//! `obs_trace_script`: the script behaves as without it, whatever its traps and however it ends; its root span tells how.

use super::{run, silent};
use crate::sandbox::{Outcome, Sandbox, have};
use serde_json::{Value, json};

/// The span of this name, as its record or its live file has it.
#[track_caller]
fn span(spans: &[Value], name: &str) -> Value {
    let found: Vec<&Value> = spans.iter().filter(|span| span["name"] == name).collect();
    assert_eq!(found.len(), 1, "{name} in {spans:#?}");
    found[0].clone()
}

/// Runs a text in which `TRACE` stands for the call, and again for nothing: the two must be alike.
#[track_caller]
fn traced(text: &str) -> (Sandbox, Outcome) {
    let alone = silent();
    let bare = run(&alone, &text.replace("TRACE", ":"));
    let sandbox = silent();
    let ended = run(&sandbox, &text.replace("TRACE", "obs_trace_script"));
    let shown = |sandbox: &Sandbox, outcome: &Outcome| {
        let here = sandbox.path("work").to_string_lossy().into_owned();
        outcome.shown().replace(&here, "work")
    };
    assert_eq!(shown(&sandbox, &ended), shown(&alone, &bare), "{text}");
    (sandbox, ended)
}

/// The commands of the `error` events of a span with their lines.
fn faults(span: &Value) -> Vec<(String, Option<u64>)> {
    let events = span["events"].as_array().into_iter().flatten();
    let named = events.filter(|event| event["name"] == "error");
    named
        .map(|event| {
            let attributes = &event["attributes"];
            (
                attributes["process.command_line"]
                    .as_str()
                    .unwrap()
                    .to_owned(),
                attributes["code.line.number"].as_u64(),
            )
        })
        .collect()
}

const USERS: &str = r#"trap 'echo "E $? $BASH_COMMAND"; echo $LINENO' EXIT; trap 'echo "R $? $LINENO"' ERR
"#;

/// A command that an `error` event names, and its line, counted from the text, where there is one.
type Fault = (&'static str, Option<u64>);

/// Ways to end: the text, the status, and the failure that the root span tells.
const WAYS: &[(&str, i32, Option<Fault>)] = &[
    (":", 0, None),
    ("exit 3", 3, None),
    ("f() { return 4; }; f", 4, Some(("return 4", Some(0)))),
    ("set -e; false x; echo never", 1, Some(("false x", Some(0)))),
    (
        "set -e; f() { false y; echo no; }; f",
        1,
        Some(("false y", None)),
    ),
    (
        "set -eE; f() { false z; echo no; }; f",
        1,
        Some(("false z", Some(0))),
    ),
    ("f() { exit 5; }; f; echo never", 5, None),
    ("(exit 6)", 6, Some(("( exit 6 )", Some(0)))),
    (
        "( trap 'echo sub' EXIT; exit 7 ); exit 8",
        8,
        Some(("( trap 'echo sub' EXIT; exit 7 )", Some(0))),
    ),
    (
        "{ exit 9; } & wait $!; exit 2",
        2,
        Some(("wait $!", Some(0))),
    ),
    (
        "if false; then :; fi; false || true; ! true; exit 0",
        0,
        None,
    ),
    (
        "trap 'echo T; exit 10' TERM; kill -TERM $$; echo never",
        10,
        None,
    ),
    ("trap '' TERM; kill -TERM $$; exit 11", 11, None),
    ("f() { kill -TERM $$; sleep 60; }; f", 143, None),
    ("f() { kill -HUP $$; sleep 60; }; f", 129, None),
    (
        "out=$(exit 12; echo x); exit 13",
        13,
        Some(("out=$(exit 12; echo x)", Some(0))),
    ),
    ("source /dev/null; eval 'exit 14'", 14, None),
    ("set -u; echo $nope", 1, Some(("echo $nope", None))),
    ("set -eu; echo $nope", 1, Some(("echo $nope", None))),
    // a word of the command is no exit; bash is ended only when it waits, and the child lives longer
    (
        "sh -c 'until grep -q State:.S /proc/$0/status; do :; done; kill -TERM $0; n=0; while kill -0 $0 && [ $n -lt 1000000 ]; do n=$((n+1)); done; : exit' $$ >/dev/null 2>&1; echo never",
        143,
        None,
    ),
    // a job of several lines still runs
    (
        "sh -c 'while kill -0 $0\ndo :\ndone\n[ x ]' $$ >/dev/null 2>&1 &\n:",
        0,
        None,
    ),
    ("e=exit; f() { $e 0; }; f; echo never", 0, None),
    (
        "quit() { A=1 command \"$@\"; }; f() { quit exit 0; }; f; echo never",
        0,
        None,
    ),
    ("f() { command exit 0; }; f; echo never", 0, None),
];

#[test]
fn every_end_is_as_without_us() {
    for (way, code, fault) in WAYS {
        for (before, after) in [("", ""), (USERS, ""), ("", USERS), (USERS, USERS)] {
            let text = format!("{before}TRACE\n:\n{after}{way}\n");
            let (sandbox, ended) = traced(&text);
            assert_eq!(ended.code, *code, "{text}: {}", ended.shown());
            let spans = sandbox.records("spans");
            let root = span(&spans, "script");
            let killed = *code > 128;
            let status = if *code == 0 { "unset" } else { "error" };
            assert_eq!(root["status"]["code"], status, "{text}");
            match killed {
                true => assert_eq!(root["attributes"]["error.type"], "signal", "{text}"),
                false => assert_eq!(root["attributes"]["process.exit.code"], *code, "{text}"),
            }
            let line = 1 + text.lines().count() as u64;
            let expected = fault.map(|(command, at)| (command.to_owned(), at.map(|_| line)));
            assert_eq!(faults(&root), Vec::from_iter(expected), "{text}");
        }
    }
}

#[test]
fn interrupt_from_the_keyboard_is_no_success() {
    // both get it, as there; whether bash then runs an ERR trap is chance, so the script has none
    let both =
        "until grep -q State:.S /proc/$PPID/status; do :; done; kill -INT $PPID; kill -INT $$";
    let (sandbox, ended) = traced(&format!("TRACE\n:\nsh -c '{both}'; echo never\n"));
    assert_eq!(ended.code, 130, "{}", ended.shown());
    let root = span(&sandbox.records("spans"), "script");
    assert_eq!(root["status"]["code"], "error");
    assert_eq!(root["attributes"]["error.type"], "signal");
}

#[test]
fn traps_are_listed_as_the_user_set_them() {
    for text in [
        "trap -p; trap",
        "trap 'a \"b\" '\\''c'\\''\nd' EXIT; trap -p; trap -p EXIT; trap -p 0",
        "trap '' EXIT; trap -p; trap - EXIT; trap -p",
        "trap x ERR; trap -p ERR; trap - ERR; trap -p",
        "trap 'echo x' 0; trap -p; trap 0; trap -p; trap 'echo y' exit; trap -p; trap EXIT; trap -p",
        "trap : INT TERM; trap -p INT; trap - INT; trap -p; trap '' HUP; trap",
        "trap 'echo x' EXIT; out=$(trap -p EXIT; trap); echo \"$out\"; (trap -p)",
        "trap 'echo R' RETURN; f() { :; }; f; trap -p RETURN; trap - RETURN; f",
        "trap 'echo D' DEBUG; echo one; trap - DEBUG; echo two; trap -p",
        "trap -- 'echo dashes' EXIT; trap -l",
        "saved=$(trap -p EXIT); trap 'echo new' EXIT; eval \"$saved\"; trap -p",
        "set -o posix\ntrap 'echo p' EXIT\ntrap -p",
    ] {
        traced(&format!("TRACE\n{text}\n:\n"));
        traced(&format!(
            "trap 'echo first' EXIT\ntrap 'echo err' ERR\nTRACE\n{text}\n:\n"
        ));
    }
}

#[test]
fn first_command_may_fail() {
    let (sandbox, ended) = traced("set -e\nTRACE\nfalse first\n");
    assert_eq!(ended.code, 1);
    let root = span(&sandbox.records("spans"), "script");
    assert_eq!(faults(&root), [("false first".to_owned(), Some(4))]);
}

#[test]
fn exit_in_the_trap_counts() {
    let (sandbox, ended) = traced("TRACE\ntrap 'echo bye; exit 9' EXIT\nexit 2\n");
    assert_eq!(ended.code, 9);
    let root = span(&sandbox.records("spans"), "script");
    assert_eq!(root["attributes"]["process.exit.code"], 9);
    for own in [
        "exit() { builtin exit \"$@\"; }",
        "exit() { echo mine; builtin exit \"${1-4}\"; }",
    ] {
        let (sandbox, ended) = traced(&format!("{own}\nTRACE\ntrap 'exit 6' EXIT\nexit 3\n"));
        assert_eq!(ended.code, 6, "{own}");
        let root = span(&sandbox.records("spans"), "script");
        assert_eq!(root["attributes"]["process.exit.code"], 6, "{own}");
    }
    let (sandbox, _) = traced("set -e\nTRACE\ntrap 'echo a; false; echo never' EXIT\nexit 3\n");
    let root = span(&sandbox.records("spans"), "script");
    assert_eq!(root["attributes"]["process.exit.code"], 1);
}

#[test]
fn open_spans_end_innermost_first() {
    let sandbox = silent();
    let text = "set -e\nobs_trace_script\nspan_start outer\nspan_start inner\nf() { false; }\nspan_run third f\n";
    assert_eq!(run(&sandbox, text).code, 1);
    let spans = sandbox.records("spans");
    let ended = |name: &str| span(&spans, name)["end"].as_str().unwrap().to_owned();
    let order = ["third", "inner", "outer", "script"];
    for pair in order.windows(2) {
        assert!(ended(pair[0]) < ended(pair[1]), "{spans:#?}");
        assert_eq!(
            span(&spans, pair[0])["parent_span_id"],
            span(&spans, pair[1])["span_id"]
        );
        assert_eq!(span(&spans, pair[0])["status"]["code"], "error");
    }
    assert_eq!(faults(&span(&spans, "third")), [("false".to_owned(), None)]);
}

#[test]
fn subshells_jobs_and_children_leave_the_root_alone() {
    let sandbox = silent();
    std::fs::write(
        sandbox.path("work/child"),
        format!(
            "{}obs_trace_script\nlog_info child\n",
            crate::functions::stage::line("bash")
        ),
    )
    .unwrap();
    let text = r#"obs_trace_script mine
obs_trace_script again
( span_start s; log_info s; span_end 0; exit 0 )
( exit 0 ) & wait
x=$(log_info c; exit 0)
bash ./child
span_end; span_end
log_info last
"#;
    run(&sandbox, text).quiet();
    let spans = sandbox.records("spans");
    let root = span(&spans, "mine");
    assert_eq!(spans.len(), 3, "{spans:#?}");
    assert!(root.get("parent_span_id").is_none());
    for name in ["s", "child"] {
        assert_eq!(span(&spans, name)["parent_span_id"], root["span_id"]);
    }
    let logs = sandbox.records("logs");
    let of = |message: &str| {
        let found = logs.iter().find(|log| log["message"] == message);
        found.unwrap()["span_id"].clone()
    };
    assert_eq!(of("last"), root["span_id"]);
    assert_eq!(of("c"), root["span_id"]);
    assert_eq!(of("child"), span(&spans, "child")["span_id"]);
    assert_eq!(root["attributes"], json!({"process.exit.code": 0}));
}

#[test]
fn inherited_context_is_the_parent() {
    let outer = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let sandbox = silent().with("TRACEPARENT", outer);
    run(&sandbox, "obs_trace_script\n").quiet();
    let root = span(&sandbox.records("spans"), "script");
    assert_eq!(root["trace_id"], &outer[3..35]);
    assert_eq!(root["parent_span_id"], &outer[36..52]);
}

#[test]
fn replaced_shell_leaves_its_span_behind() {
    let (sandbox, _) = traced("TRACE\nexec echo replaced\n");
    let root = span(&sandbox.records("spans"), "script");
    assert_eq!(root["status"]["message"], "abandoned");
}

#[test]
fn script_that_replaces_the_shell_is_traced() {
    let sandbox = silent();
    let line = crate::functions::stage::line("bash");
    std::fs::write(
        sandbox.path("work/other"),
        format!("{line}obs_trace_script other\n"),
    )
    .unwrap();
    // all that is set is exported, and the number of the process stays
    run(
        &sandbox,
        "set -a\nobs_trace_script one\nset -a\nexec bash ./other\n",
    )
    .quiet();
    let spans = sandbox.records("spans");
    let other = span(&spans, "other");
    assert_eq!(other["attributes"]["process.exit.code"], 0);
    assert_eq!(other["parent_span_id"], span(&spans, "one")["span_id"]);
}

#[test]
fn posix_mode_keeps_traps_by_an_alias() {
    let (sandbox, ended) = traced("set -o posix\nTRACE\ntrap 'echo bye $?' EXIT\nexit 3\n");
    assert_eq!(ended.stdout, "bye 3\n");
    let root = span(&sandbox.records("spans"), "script");
    assert_eq!(root["attributes"]["process.exit.code"], 3);
}

#[test]
fn secrets_of_failing_commands_are_redacted() {
    let sandbox = silent();
    let secret = ["ghp", "_16C7e42F292c6912E7710c838347Ae178B4a"].concat();
    let text = format!("obs_trace_script\n:\nfalse --token {secret}\n");
    run(&sandbox, &text);
    let bytes = String::from_utf8_lossy(&sandbox.all_bytes()).into_owned();
    assert!(bytes.contains("false --token"), "{bytes}");
    assert!(!bytes.contains(&secret), "{bytes}");
}

#[test]
fn interactive_shell_shows_nothing() {
    if !have("script") {
        return;
    }
    let sandbox = silent();
    let typed = |trace: &str| {
        let text = format!(
            "PS1='$ '\n{}{trace}\ntrap 'echo bye' EXIT\nfalse\nexit 4\n",
            crate::functions::stage::line("bash")
        );
        std::fs::write(sandbox.path("work/typed"), text).unwrap();
        let mut command = sandbox.command("script");
        command.args(["-qec", "bash --norc --noprofile -i <typed", "/dev/null"]);
        crate::sandbox::outcome(&command.output().unwrap())
    };
    let bare = typed(":");
    let traced = typed("obs_trace_script work");
    assert_eq!(traced.code, 4, "{}", traced.shown());
    assert_eq!(
        traced.shown().replace("obs_trace_script work", ":"),
        bare.shown()
    );
    let root = span(&sandbox.records("spans"), "work");
    assert_eq!(root["attributes"]["process.exit.code"], 4);
}

#[test]
fn vanished_binary_holds_no_script() {
    let sandbox = silent();
    let obs = sandbox.path("work/obs");
    std::os::unix::fs::symlink(crate::sandbox::program(), &obs).unwrap();
    let text = format!(
        "__obs_bin={}\n. '{}/shell/obs.bash'\nobs_trace_script\nspan_start x\nrm ./obs\nexit 3\n",
        obs.display(),
        env!("CARGO_MANIFEST_DIR")
    );
    let outcome = sandbox.with("OBS_BUILTIN", "0").script("bash", &text);
    assert_eq!(outcome.code, 3, "{}", outcome.shown());
}
