//! What sourcing does, and does not do: in any mode of a shell it is silent, starts no process, changes nothing.

use super::{ALL, from_disk, left_all, line, shells, silent};
use crate::sandbox::have;
use crate::terminal::on_terminal;
use std::collections::BTreeSet;
use std::fs;

const OUTER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// Modes that a script may be in.
const MODES: &[&str] = &[
    "set -euC; set -a; unset -v USER HOME; CDPATH=/:/usr POSIXLY_CORRECT=1 LC_ALL=C",
    "set -f; set -- -x --help '*' ''; IFS=0123456789abcdef-_:",
    "IFS=",
    "unset IFS",
    "alias read='echo bad' printf='echo bad' test='echo bad' command='echo bad' set='echo bad' shift='echo bad'\n\
     alias unset='echo bad' return='echo bad' export='echo bad' log_info='echo bad'",
    "TRACEPARENT=; export TRACEPARENT",
    "TRACEPARENT='00-00000000000000000000000000000000-00f067aa0ba902b7-01'; export TRACEPARENT",
    "TRACEPARENT=\"$(printf 'bad\\n00-')\"; TRACESTATE=a=b; export TRACEPARENT TRACESTATE",
];

#[test]
fn every_mode_is_borne() {
    for shell in shells() {
        for (at, mode) in MODES.iter().enumerate() {
            let first = if at % 2 == 0 { line("sh") } else { from_disk() };
            let sandbox = silent();
            let text = format!("{mode}\n{first}{ALL}");
            sandbox.script(shell, &text).quiet();
            left_all(&sandbox, &format!("{shell}, {mode}"));
        }
    }
}

#[test]
fn valid_context_is_kept() {
    let future = "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what the future";
    for shell in shells() {
        for context in [OUTER, future] {
            let sandbox = silent()
                .with("TRACEPARENT", context)
                .with("TRACESTATE", "a=b");
            let text = format!(
                "{}{}echo \"$TRACEPARENT $TRACESTATE $TRACE_ID $SPAN_ID\"\n",
                from_disk(),
                from_disk()
            );
            let outcome = sandbox.script(shell, &text).quiet();
            let expected =
                format!("{context} a=b 4bf92f3577b34da6a3ce929d0e0e4736 00f067aa0ba902b7\n");
            assert_eq!(outcome.stdout, expected, "{shell}");
        }
    }
}

#[test]
fn broken_context_is_replaced() {
    let long = format!("{OUTER}-x");
    let broken = [
        "junk",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
        &long,
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473--00f067aa0ba902b7-01",
    ];
    let text = r#"
echo "$TRACEPARENT ${TRACESTATE-none}"
env | grep -c "^TRACEPARENT=$TRACEPARENT$"
"#;
    for shell in shells() {
        let mut seen = BTreeSet::new();
        for context in broken {
            let sandbox = silent()
                .with("TRACEPARENT", context)
                .with("TRACESTATE", "a=b");
            let outcome = sandbox
                .script(shell, &format!("{}{text}", from_disk()))
                .quiet();
            let (made, rest) = outcome.stdout.split_once(' ').unwrap();
            assert_eq!(rest, "none\n1\n", "{shell}: {context}");
            let valid = obs::model::context::parse_traceparent(made.as_bytes());
            assert!(valid.is_some() && made.ends_with("-03"), "{shell}: {made}");
            assert!(seen.insert(made.to_owned()), "{shell}: {made} came twice");
        }
    }
}

#[test]
fn status_before_is_status_after() {
    for shell in shells() {
        let text = format!(
            "(exit 3)\n{}echo $?\nset -e\n! true\n{}echo alive\n",
            from_disk(),
            from_disk()
        );
        let outcome = silent().script(shell, &text).quiet();
        assert_eq!(outcome.stdout, "3\nalive\n", "{shell}");
    }
}

#[test]
fn second_sourcing_changes_nothing() {
    for shell in shells() {
        for (first, second) in [(line("sh"), from_disk()), (from_disk(), line("sh"))] {
            let sandbox = silent();
            let text = format!(
                "{first}before=$TRACEPARENT\n{second}[ \"$TRACEPARENT\" = \"$before\" ] || exit 9\n{ALL}"
            );
            sandbox.script(shell, &text).quiet();
            left_all(&sandbox, shell);
            let spans = sandbox.records("spans");
            let kept = super::with(&spans, "name", "kept");
            assert!(
                kept.get("parent_span_id").is_none(),
                "{shell}: the promise is forgotten"
            );
        }
    }
}

#[test]
fn readonly_context_kills_nobody() {
    for shell in shells() {
        for context in ["bad", OUTER] {
            let text = format!(
                "TRACEPARENT={context}\nreadonly TRACEPARENT\n{}\
                 span_start x && span_end && obs_trace_script && log_info hi && span_run y true && echo whole\n",
                from_disk()
            );
            let sandbox = silent();
            let outcome = sandbox.script(shell, &text);
            assert_eq!(
                (outcome.code, outcome.stdout.as_str()),
                (0, "whole\n"),
                "{shell}: {}",
                outcome.shown()
            );
            assert_eq!(sandbox.only_log()["message"], "hi", "{shell}");
        }
    }
}

/// The names and values that `set` shows, without those that are the shell's own or ours.
fn variables(text: &str) -> BTreeSet<String> {
    let own = [
        "_=",
        "LINENO=",
        "SECONDS=",
        "RANDOM=",
        "EPOCHREALTIME=",
        "EPOCHSECONDS=",
        "SRANDOM=",
        "BASH_",
        "PIPESTATUS=",
        "FUNCNAME=",
        "PPID=",
        "TTYIDLE=",
        "status=",
        "pipestatus=",
        "'?'=",
        "?=",
        "!=",
        "COLUMNS=",
        "LINES=",
        "_AST_FEATURES=",
        "BASHPID=",
    ];
    let ours = [
        "__obs_",
        "TRACE_ID=",
        "SPAN_ID=",
        "TRACEPARENT=",
        "_OBS_MADE=",
        "log_",
        "span_",
        "metric_",
        "obs_",
        "emit_event",
        "send_span",
    ];
    // what sourcing loads in zsh is empty outside of functions
    let loaded = ["funcstack", "funcfiletrace"];
    text.lines()
        .filter(|line| line.starts_with(|c: char| !c.is_whitespace() && !"{}".contains(c)))
        .filter(|line| line.contains('='))
        .filter(|line| {
            !own.iter()
                .chain(&ours)
                .chain(&loaded)
                .any(|name| line.starts_with(name))
        })
        .map(str::to_owned)
        .collect()
}

#[test]
fn nothing_else_leaks() {
    for shell in shells() {
        let sandbox = silent();
        let text = format!(
            "unset x\nwork() {{ :; }}\n(set; set +o; alias; pwd) >before\necho \"$-\" >>before\n{}{ALL}\n(set; set +o; pwd) >after\necho \"$-\" >>after\n\
             set | grep '^__obs_' | cut -d= -f1 >left\n",
            line("sh")
        );
        sandbox.script(shell, &text).quiet();
        let read = |name: &str| fs::read_to_string(sandbox.path("work").join(name)).unwrap();
        let (before, after) = (read("before"), read("after"));
        let added: Vec<String> = variables(&after)
            .difference(&variables(&before))
            .cloned()
            .collect();
        assert_eq!(added, Vec::<String>::new(), "{shell}");
        let options = |text: &str| text.lines().last().unwrap().to_owned();
        assert_eq!(options(&before), options(&after), "{shell}");
        // what is known of the shell stays; what one call needs does not
        let left = read("left");
        for name in left.lines().filter(|name| !name.contains(['(', ' '])) {
            let stays = [
                "able",
                "base",
                "bin",
                "made",
                "me",
                "root",
                "script",
                "shell",
                "single",
                "told",
                "user_exit",
                "version",
            ];
            let known = name
                .strip_prefix("__obs_")
                .is_some_and(|name| stays.contains(&name));
            assert!(known, "{shell} keeps {name}");
        }
    }
}

/// How many processes were made and programs started.
fn processes(shell: &str, text: &str) -> (usize, usize) {
    let sandbox = silent();
    fs::write(sandbox.path("work/script"), text).unwrap();
    let mut command = sandbox.command("strace");
    command.args([
        "-f",
        "-qq",
        "-o",
        "trace",
        "-e",
        "trace=clone,clone3,fork,vfork,execve",
    ]);
    let output = command
        .args(shell.split(' '))
        .arg("script")
        .output()
        .unwrap();
    assert!(output.status.success(), "{shell}: {output:?}");
    let trace = fs::read_to_string(sandbox.path("work/trace")).unwrap();
    let count = |calls: &[&str]| {
        let is = |line: &&str| calls.iter().any(|call| line.contains(&format!(" {call}(")));
        trace.lines().filter(is).count()
    };
    (
        count(&["clone", "clone3", "fork", "vfork"]),
        count(&["execve"]),
    )
}

#[test]
fn one_process_a_call_and_none_besides() {
    if !have("strace") {
        return;
    }
    let bin = format!("__obs_bin='{}'\n{}", crate::sandbox::program(), from_disk());
    for shell in shells() {
        assert_eq!(processes(shell, &bin), (0, 1), "{shell}");
        let calls = [
            "log_info hi a=b",
            "log_json info hi '{}'",
            "emit_event some.type a=b",
            "metric_inc a_total",
            "metric_set a 1",
            "metric_observe a 1",
            "span_start a",
            "span_event a",
            "span_attr a=b",
            "span_end",
            "send_span a 1 2",
        ];
        let text = format!("{bin}{}\n:\n", calls.join("\n"));
        let count = calls.len();
        assert_eq!(processes(shell, &text), (count, count + 1), "{shell}");
        let text = format!("{bin}span_run a :\n:\n");
        assert_eq!(processes(shell, &text), (2, 3), "{shell}: span_run");
        let text = format!("{bin}obs_time a_seconds :\n:\n");
        let clock = match shell {
            "dash" | "zsh --emulate sh" => 2,
            _ => 0,
        };
        assert_eq!(
            processes(shell, &text),
            (1 + clock, 2 + clock),
            "{shell}: obs_time"
        );
    }
}

#[test]
fn systems_without_proc_are_borne() {
    let text = fs::read_to_string(format!("{}/shell/obs.sh", env!("CARGO_MANIFEST_DIR"))).unwrap();
    for shell in shells() {
        let sandbox = silent();
        let functions = text.replace("/proc/", "/nowhere/");
        fs::write(sandbox.path("work/functions"), functions).unwrap();
        let text = format!(
            "set -eu\n. ./functions\nobs_trace_script main\ntrap 'echo bye' EXIT\n{ALL}( span_start sub; span_end )\necho \"$TRACE_ID\"\n"
        );
        let outcome = sandbox.script(shell, &text).quiet();
        let (trace, rest) = outcome.stdout.split_once('\n').unwrap();
        assert_eq!((trace.len(), rest), (32, "bye\n"), "{shell}");
        let spans = super::journalled(&sandbox, "spans.log");
        assert_eq!(spans.len(), 6, "{shell}: {spans:#?}");
        assert!(
            spans.iter().all(|span| span["trace_id"] == trace),
            "{shell}"
        );
    }
}

#[test]
fn interactive_shells_show_nothing_of_it() {
    if !have("script") {
        return;
    }
    for shell in shells() {
        let sandbox = silent();
        let text = format!(
            "{}obs_trace_script\nspan_run x true\nlog_info hi\necho done\n",
            line("sh")
        );
        fs::write(sandbox.path("work/typed"), text).unwrap();
        let outcome = on_terminal(&sandbox, 80, &format!("{shell} -ic '. ./typed'"));
        let bare = on_terminal(&silent(), 80, &format!("{shell} -ic 'echo done'"));
        assert_eq!(outcome.stdout, bare.stdout, "{shell}");
        assert_eq!(sandbox.only_log()["message"], "hi", "{shell}");
    }
}
