//! The functions in fish: their records, the place of the caller, what is left behind, how a script ends.

use super::stage::{line, sourced};
use super::zsh::{named, places};
use crate::capture::silent;
use crate::sandbox::{Sandbox, have, outcome};
use std::fs;

/// fish without the files of a user.
const FISH: &str = "fish --no-config";

/// The file as it stands in the repository.
fn file() -> String {
    format!("{}/shell/obs.fish", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn fish_runs_builtins_in_the_scope_of_the_caller() {
    if !have("fish") {
        return;
    }
    let text = r#"
span_run run builtin set made here
echo $made
function scoped; span_run run set inside 1; echo $inside; end
scoped
function echo; builtin echo not this; end
span_run run builtin echo 'one  $x' two
span_run run command printf '%s\n' 'one  $x'
functions -e echo
obs_time timed builtin echo timed
set -q inside; and echo leaked
span_run nothing
obs_time nothing
"#;
    let sandbox = silent();
    let outcome = sourced(&sandbox, FISH, text).quiet();
    assert_eq!(outcome.stdout, "here\n1\none  $x two\none  $x\ntimed\n");
    assert_eq!(sandbox.records("spans").len(), 5);
    assert_eq!(sandbox.records("metrics-points").len(), 2);
}

/// A file that the script sources.
const OTHER: &str = "log_info in-file\nfunction inner\n  echo\n  log_info in-other\nend\n";

/// Calls from everywhere.
const CALLS: &str = "log_info top
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
set out (
  log_info in-long-substitution
  begin
    log_info (log_info deep)
  end
)
";

#[test]
fn fish_names_the_place_of_its_caller() {
    if !have("fish") {
        return;
    }
    for way in [line("fish"), format!("source {}\n", file())] {
        let sandbox = silent();
        fs::write(sandbox.path("work/other.fish"), OTHER).unwrap();
        let outcome = sandbox.script(FISH, &format!("{way}{CALLS}")).quiet();
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
continued {work}/script 23 -
in-long-substitution {work}/script 27 -
deep {work}/script 29 -
 {work}/script 29 -"
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

/// What is said of a state, bit by bit.
fn parts(sandbox: &Sandbox, name: &str) -> Vec<String> {
    let text = fs::read_to_string(sandbox.path(&format!("work/{name}"))).unwrap();
    let parts = text.split([',', '\n']);
    parts.map(|part| part.trim().to_owned()).collect()
}

/// What may be new: our names, and what every shell counts by itself.
const OURS: &str = r"^\$?(kept|status|pipestatus|TRACE_ID|SPAN_ID|TRACEPARENT|__obs_\w+|(log|span|metric|obs)_\w+|send_span|emit_event|history)(\[\d+\])?(:|$)";

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
    let (before, after) = (parts(&sandbox, "before"), parts(&sandbox, "after"));
    let ours = regex::Regex::new(OURS).unwrap();
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
