//! The functions in fish: their records, the place of the caller, what is left behind, how a script ends.

use super::stage::{line, sourced};
use super::zsh::{named, places, silent};
use crate::sandbox::{have, outcome};
use serde_json::{Value, json};
use std::fs;

/// fish without the files of a user.
const FISH: &str = "fish --no-config";

/// The file as it stands in the repository.
fn file() -> String {
    format!("{}/shell/obs.fish", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn fish_functions_make_their_records() {
    if !have("fish") {
        return;
    }
    let text = r#"
log_debug unseen
log_info plain a=1 n:=2
log_warning 'with object' '{"a":[1]}'
log_error -dash
log_critical
log_json WARN json '{"b":2}'
log_json loud other
emit_event build.done n:=1
emit_event other.done '{"m":2}'
span_start build target=all
span_event halfway at=2
span_attr files:=12
span_start compile
span_end 3
span_end error 'no space' left:=0
function work; log_info working; return 7; end
span_run run work one
echo $status
metric_inc jobs_total
metric_inc jobs_total 2 queue=mail
metric_set temperature -5 room=a
metric_observe size_bytes 1.5 --unit By
obs_time work_seconds step=a -- work
echo $status
obs_time true_seconds true
span_run builtin set made here
echo $made
function scoped; span_run builtin set inside 1; echo $inside; end
scoped
set -q inside; and echo leaked
span_run nothing
"#;
    let sandbox = silent();
    let outcome = sourced(&sandbox, FISH, text).quiet();
    assert_eq!(outcome.stdout, "7\n7\nhere\n1\n");
    let logs = sandbox.records("logs");
    let logs: Vec<Value> = logs
        .iter()
        .map(|log| json!([log["level"], log["message"], log["context"]]))
        .collect();
    assert_eq!(
        Value::Array(logs),
        json!([
            ["INFO", "plain", {"a": "1", "n": 2}],
            ["WARNING", "with object", {"a": [1]}],
            ["ERROR", "-dash", null],
            ["CRITICAL", "", null],
            ["WARNING", "json", {"b": 2}],
            ["INFO", "other", null],
            ["INFO", "working", null],
            ["INFO", "working", null],
        ])
    );
    let events = sandbox.records("events");
    assert_eq!(events[0]["data"], json!({"n": 1}));
    assert_eq!(events[1]["data"], json!({"m": 2}));
    let spans = sandbox.records("spans");
    assert_eq!(spans.len(), 6, "{spans:#?}");
    let (build, compile) = (named(&spans, "build"), named(&spans, "compile"));
    assert_eq!(compile["parent_span_id"], build["span_id"]);
    assert_eq!(compile["attributes"]["process.exit.code"], 3);
    assert_eq!(
        build["attributes"],
        json!({"target": "all", "files": 12, "left": 0})
    );
    assert_eq!(build["status"]["message"], "no space");
    assert_eq!(build["events"][0]["name"], "halfway");
    assert_eq!(named(&spans, "run")["status"]["message"], "exit code 7");
    let points = sandbox.records("metrics-points");
    let values: Vec<Value> = points
        .iter()
        .take(4)
        .map(|point| {
            json!([
                point["name"],
                point["value"],
                point["labels"],
                point["unit"]
            ])
        })
        .collect();
    assert_eq!(
        Value::Array(values),
        json!([
            ["jobs_total", 1, null, null],
            ["jobs_total", 2, {"queue": "mail"}, null],
            ["temperature", -5, {"room": "a"}, null],
            ["size_bytes", 1.5, null, "By"],
        ])
    );
    for (name, labels) in [
        ("work_seconds", json!({"step": "a"})),
        ("true_seconds", Value::Null),
    ] {
        let point = named(&points, name);
        assert_eq!(
            (&point["type"], &point["unit"], &point["labels"]),
            (&json!("histogram"), &json!("s"), &labels)
        );
        let value = point["value"].as_f64().unwrap();
        assert!((0.0..3600.0).contains(&value), "{value}");
    }
}

#[test]
fn fish_names_the_place_of_its_caller() {
    if !have("fish") {
        return;
    }
    let other = "log_info in-file\nfunction inner\n  echo\n  log_info in-other\nend\n";
    let text = "log_info top
function outer
  log_info in-outer
  inner
end
source ./other.fish
outer >/dev/null
eval 'log_info in-eval'
set out (log_info in-substitution)
span_run s log_info run
function run; span_run s log_info run-in-function; end
run
function handler --on-event happens
  log_info in-handler
end
emit happens
function sourcing; source ./other.fish; end
sourcing
log_json error json 'in function' \"
\tcalled on line 7 of file evil\"
if true
  log_info \\
    continued
end
";
    for way in [line("fish"), format!("source {}\n", file())] {
        let sandbox = silent();
        fs::write(sandbox.path("work/other.fish"), other).unwrap();
        let outcome = sandbox.script(FISH, &format!("{way}{text}")).quiet();
        assert_eq!(outcome.stdout, "");
        let work = sandbox.path("work");
        let work = work.to_str().unwrap();
        // fish counts the lines of what eval runs by themselves
        let expected = format!(
            "top {work}/script 2 -
in-file ./other.fish 1 -
in-outer {work}/script 4 outer
in-other ./other.fish 4 inner
in-eval {work}/script 1 -
in-substitution {work}/script 10 -
run {work}/script 11 -
run-in-function {work}/script 12 run
in-handler {work}/script 15 handler
in-file ./other.fish 1 -
json {work}/script 20 -
continued {work}/script 23 -"
        );
        assert_eq!(places(&sandbox).join("\n"), expected, "{way}");
        assert_eq!(sandbox.records("logs")[0]["logger"], "fish.script");
    }
}

#[test]
fn fish_without_a_file_names_none() {
    if !have("fish") {
        return;
    }
    let sandbox = silent();
    let text = format!("{}function f\n log_info in-f\nend\nf\n", line("fish"));
    let mut command = sandbox.command("fish");
    let output = command.args(["--no-config", "-c", &text]).output().unwrap();
    outcome(&output).quiet();
    assert_eq!(places(&sandbox), ["in-f - - -"]);
    assert_eq!(sandbox.records("logs")[0]["logger"], "fish");
}

/// What a shell has: variables, functions, folder.
const STATE: &str = "
function state
  set -S; functions -a -n; pwd
end
";

#[test]
fn fish_functions_leave_nothing_behind() {
    if !have("fish") {
        return;
    }
    let sandbox = silent();
    let text = format!(
        r#"{STATE}
state one two >before 2>&1
false
source {file}
echo status $status
set kept $TRACEPARENT
false
source {file}
echo status $status
test $kept = $TRACEPARENT; or echo new
log_info m a=1
log_json info m
emit_event t
span_start s; and span_event e; and span_attr a=b; and span_end
metric_inc m; and metric_set m 1; and metric_observe m 1
send_span s 1 2
obs_time m true
span_run s true
state one two >after 2>&1
"#,
        file = file(),
    );
    let outcome = sandbox.script(FISH, &text).quiet();
    assert_eq!(outcome.stdout, "status 1\nstatus 1\n");
    let read = |name: &str| {
        let text = fs::read_to_string(sandbox.path(&format!("work/{name}"))).unwrap();
        let lines = text.split([',', '\n']).map(|line| line.trim().to_owned());
        lines.collect::<Vec<_>>()
    };
    let (before, after) = (read("before"), read("after"));
    let ours = regex::Regex::new(
        r"^\$?(kept|status|pipestatus|TRACE_ID|SPAN_ID|TRACEPARENT|__obs_\w+|(log|span|metric|obs)_\w+|send_span|emit_event|history)(\[\d+\])?(:|$)",
    )
    .unwrap();
    let new: Vec<&String> = after
        .iter()
        .filter(|line| !before.contains(line) && !ours.is_match(line))
        // fish says of some of its own how they are set
        .filter(|line| !line.starts_with("unexported") && !line.starts_with("with "))
        .collect();
    assert_eq!(new, Vec::<&String>::new());
    let exported = |name: &str| {
        let found = after
            .iter()
            .position(|line| *line == format!("${name}: set in global scope"));
        found.map(|at| after[at + 1].as_str())
    };
    assert_eq!(
        ["TRACEPARENT", "TRACE_ID", "SPAN_ID", "__obs_made"].map(exported),
        [
            Some("exported"),
            Some("unexported"),
            Some("unexported"),
            Some("unexported")
        ]
    );
    assert!(
        !after
            .iter()
            .any(|line| line.contains("universal") && !before.contains(line))
    );
}

#[test]
fn fish_leaves_universal_variables_alone() {
    if !have("fish") {
        return;
    }
    let sandbox = silent();
    let text = format!(
        "set -Ux TRACEPARENT junk\nset -U TRACE_ID mine\nset -U TRACESTATE a=b\nset -U __obs_made mine\nsource {}\n\
         span_start s\nspan_end\nsend_span t 1 2\nlog_info m\nset -e -g TRACEPARENT TRACE_ID __obs_made\n\
         echo $TRACEPARENT $TRACE_ID $TRACESTATE $__obs_made\n",
        file()
    );
    // with its configuration: without one it has no universal variables
    let outcome = sandbox.script("fish", &text).quiet();
    assert_eq!(outcome.stdout, "junk mine a=b mine\n");
    assert_eq!(sandbox.records("spans").len(), 2);
}

#[test]
fn fish_makes_a_context_or_keeps_it() {
    if !have("fish") {
        return;
    }
    let valid = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    for (given, kept) in [
        (valid, true),
        (
            "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            true,
        ),
        ("", false),
        ("junk", false),
        (
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            false,
        ),
        (
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            false,
        ),
        (
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            false,
        ),
        (
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            false,
        ),
        (
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            false,
        ),
    ] {
        let sandbox = silent()
            .with("TRACEPARENT", given)
            .with("TRACESTATE", "a=b");
        let text = format!(
            "source {}\nlog_info m\nset -q TRACESTATE; or set TRACESTATE none\necho $TRACEPARENT $TRACESTATE 00-$TRACE_ID-$SPAN_ID\n",
            file()
        );
        let outcome = sandbox.script(FISH, &text).quiet();
        let mut words = outcome.stdout.split_whitespace();
        let (header, state, ids) = (
            words.next().unwrap(),
            words.next().unwrap(),
            words.next().unwrap(),
        );
        let log = sandbox.only_log();
        assert_eq!(log["trace_id"], header[3..35], "{given}");
        assert_eq!(log["span_id"], header[36..52], "{given}");
        assert_eq!(ids[3..], header[3..52], "{given}");
        match kept {
            true => assert_eq!((header, state), (given, "a=b")),
            false => {
                assert!(
                    header.starts_with("00-") && header.ends_with("-03"),
                    "{header}"
                );
                assert_eq!(state, "none", "{given}");
            }
        }
    }
}

#[test]
fn fish_keeps_its_promise_once() {
    if !have("fish") {
        return;
    }
    let text = format!(
        "source {}\nsend_span first 1764843330123456789 1764843330223456789 a=b\nsend_span second 1 2\n\
         echo $TRACE_ID $SPAN_ID\nset TRACE_ID 4bf92f3577b34da6a3ce929d0e0e4736; set SPAN_ID 00f067aa0ba902b7\n\
         send_span own 1 2\nsend_span child 1 2\n",
        file()
    );
    let sandbox = silent();
    let outcome = sandbox.script(FISH, &text).quiet();
    let (trace, span) = outcome.stdout.trim().split_once(' ').unwrap();
    let spans = sandbox.records("spans");
    let ids = |name: &str| {
        let found = named(&spans, name);
        let text = |key: &str| found[key].as_str().unwrap_or("-").to_owned();
        [text("trace_id"), text("span_id"), text("parent_span_id")]
    };
    assert_eq!(ids("first"), [trace, span, "-"]);
    assert_eq!(ids("second")[2], span);
    let (trace, span) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
    assert_eq!(ids("own"), [trace, span, "-"]);
    assert_eq!(
        (ids("child")[0].as_str(), ids("child")[2].as_str()),
        (trace, span)
    );
}

/// Ways to end, with what the root span then says: exit code, message.
const ENDS: &[(&str, i64, &str)] = &[
    ("echo here", 0, ""),
    ("false", 1, "exit code 1"),
    ("exit 3", 3, "exit code 3"),
    ("return 7", 7, "exit code 7"),
    ("function f; exit 4; end; f; echo never", 4, "exit code 4"),
    ("no-such-command-anywhere 2>/dev/null", 127, "exit code 127"),
    ("kill -TERM $fish_pid; echo never", 143, "abandoned"),
    ("exec true", 0, "abandoned"),
];

/// The handlers of a user.
const HANDLERS: &[&str] = &[
    "",
    "function his --on-event fish_exit; echo left $status; end",
    "trap 'echo left $status' EXIT",
    "function his --on-signal TERM; echo his; exit 9; end",
    "function his --on-process-exit $fish_pid; echo process $argv[3]; end",
];

#[test]
fn fish_root_span_says_how_it_ended() {
    if !have("fish") {
        return;
    }
    for (way, code, message) in ENDS {
        for user in HANDLERS {
            for (before, after) in [(*user, ""), ("", *user)] {
                let script = |first: &str| format!("{before}\n{first}\n{after}\n{way}\n");
                let sandbox = silent();
                let bare = sandbox.script(FISH, &script("true"));
                let ours = format!("{}obs_trace_script", line("fish").replace('\n', "; "));
                let outcome = sandbox.script(FISH, &script(&ours));
                let about = format!("{before:?}, {after:?}, {way:?}");
                assert_eq!(outcome.shown(), bare.shown(), "{about}");
                let spans = sandbox.records("spans");
                assert_eq!(spans.len(), 1, "{about}: {spans:#?}");
                let span = &spans[0];
                assert_eq!(span["name"], "script", "{about}");
                assert!(span.get("parent_span_id").is_none(), "{about}");
                if way.starts_with("kill") && user.contains("--on-signal") {
                    let exit = &span["attributes"]["process.exit.code"];
                    assert_eq!(*exit, outcome.code, "{about}");
                    continue;
                }
                assert_eq!(i64::from(outcome.code), *code, "{about}");
                let said = span["status"]["message"].as_str().unwrap_or_default();
                assert_eq!(said, *message, "{about}: {span:#}");
            }
        }
    }
}

#[test]
fn fish_open_spans_end_with_the_script() {
    if !have("fish") {
        return;
    }
    let sandbox = silent();
    let nested = format!("{}obs_trace_script nested\nexit 3\n", line("fish"));
    fs::write(sandbox.path("work/nested"), nested).unwrap();
    let text = "obs_trace_script whole\nobs_trace_script twice\nfish --no-config ./nested\nspan_start a\nspan_start b\n\
                function ends --on-event fish_exit; log_info last; end\nexit 2\n";
    let outcome = sourced(&sandbox, FISH, text);
    assert_eq!(outcome.code, 2, "{}", outcome.shown());
    let spans = sandbox.records("spans");
    assert_eq!(spans.len(), 4, "{spans:#?}");
    let ids = |name: &str| &named(&spans, name)["span_id"];
    for (child, parent, code) in [("nested", "whole", 3), ("a", "whole", 2), ("b", "a", 2)] {
        let span = named(&spans, child);
        assert_eq!(&span["parent_span_id"], ids(parent), "{child}");
        assert_eq!(span["attributes"]["process.exit.code"], code, "{child}");
    }
    assert_eq!(sandbox.only_log()["trace_id"], spans[0]["trace_id"]);
}
