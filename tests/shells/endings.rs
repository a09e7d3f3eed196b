//! How spans end: by traps, by other processes, by child scripts; and what the script's own exit status still is.

use super::{names, posix, silent, strict, trace};
use crate::sandbox::have;

#[test]
fn exit_trap_ends_with_the_status() {
    let ways = [
        (":", 0, "unset"),
        ("exit 3", 3, "error"),
        ("fails() { return 7; }; fails; echo never", 7, "error"),
        ("(exit 9); echo never", 9, "error"),
        ("out=$(exit 5); echo \"never $out\"", 5, "error"),
    ];
    for shell in posix() {
        for (way, code, status) in ways {
            if shell == "zsh" && way.starts_with("fails") {
                continue; // zsh 5.9 runs no EXIT trap where errexit strikes inside a function
            }
            let sandbox = silent();
            let text = format!(
                r#"{mode}
eval "$(obs span start job)"
trap 'eval "$(obs span end --exit-code $?)"' EXIT
( : ); out=$(echo inner)
{way}
"#,
                mode = strict(shell)
            );
            let outcome = sandbox.script(shell, &text);
            assert_eq!(
                (outcome.code, outcome.stdout.as_str()),
                (code, ""),
                "{shell}, {way}: {}",
                outcome.shown()
            );
            let spans = sandbox.records("spans");
            assert_eq!(spans.len(), 1, "{shell}, {way}: {spans:?}");
            assert_eq!(
                spans[0]["attributes"]["process.exit.code"], code,
                "{shell}, {way}"
            );
            assert_eq!(spans[0]["status"]["code"], status, "{shell}, {way}");
            let message = (code != 0).then(|| format!("exit code {code}"));
            assert_eq!(
                spans[0]["status"]["message"].as_str(),
                message.as_deref(),
                "{shell}, {way}"
            );
        }
    }
}

#[test]
fn nested_spans_end_in_the_trap() {
    let text = r#"
eval "$(obs span start job)"
trap 'code=$?; while [ -n "${_OBS_STACK-}" ]; do eval "$(obs span end --exit-code $code)"; done' EXIT
eval "$(obs span start step)"
eval "$(obs span start detail)"
exit 4
"#;
    for shell in posix() {
        let sandbox = silent();
        let outcome = sandbox.script(shell, &format!("{}{text}", strict(shell)));
        assert_eq!(outcome.code, 4, "{shell}: {}", outcome.shown());
        let trace = trace(&sandbox);
        assert_eq!(names(&trace, "spans"), ["detail", "job", "step"], "{shell}");
        for span in trace["spans"].as_array().unwrap() {
            assert_eq!(span["status"]["message"], "exit code 4", "{shell}");
        }
    }
}

#[test]
fn error_trap_of_bash_ends_once() {
    if !have("bash") {
        return;
    }
    let ways = [
        ("fails() { return 7; }; fails", 7),
        ("fails() { false; echo never; }; fails", 1),
        ("(exit 9)", 9),
        ("out=$(exit 5)", 5),
        ("false | cat", 1),
    ];
    for (way, code) in ways {
        let sandbox = silent();
        let text = format!(
            r#"set -Eeuo pipefail
eval "$(obs span start deploy)"
trap 'eval "$(obs span end --exit-code $?)"' ERR
true || false
{way}
echo never
"#
        );
        let outcome = sandbox.script("bash", &text);
        assert_eq!(
            (outcome.code, outcome.stdout.as_str()),
            (code, ""),
            "{way}: {}",
            outcome.shown()
        );
        let spans = sandbox.records("spans");
        assert_eq!(spans.len(), 1, "{way}: {spans:?}");
        assert_eq!(spans[0]["attributes"]["process.exit.code"], code, "{way}");
        assert_eq!(spans[0]["status"]["code"], "error", "{way}");
    }
}

#[test]
fn any_process_may_change_and_end_a_span() {
    let sandbox = silent();
    sandbox
        .script("sh", "obs span start batch --owner 0 > env; cat env\n")
        .quiet();
    let seen = trace(&sandbox);
    let id = seen["live"][0]["span_id"].as_str().unwrap();
    let header = format!("00-{}-{id}-01", seen["trace_id"].as_str().unwrap());
    sandbox
        .obs(["span", "set", "--span", id, "from=outside"])
        .quiet();
    sandbox
        .obs(["span", "event", "--span", &header, "seen"])
        .quiet();
    // a span that is not the current one changes no environment
    let ended = sandbox
        .obs(["span", "end", "--span", &header, "error", "stopped by hand"])
        .quiet();
    assert_eq!(ended.stdout, "");
    let spans = sandbox.records("spans");
    assert_eq!(spans[0]["attributes"]["from"], "outside");
    assert_eq!(spans[0]["events"][0]["name"], "seen");
    assert_eq!(spans[0]["status"]["message"], "stopped by hand");
    // ending it again is no second record, and no error to a script
    sandbox.obs(["span", "end", "--span", id]).quiet();
    assert_eq!(sandbox.records("spans").len(), 1);
}

#[test]
fn child_script_may_end_the_span() {
    let text = r#"
eval "$(obs span start outer)"
before=$TRACEPARENT
eval "$(obs span start job)"
sh -c 'eval "$(obs span end ok)"; obs log "child is in $TRACEPARENT"'
eval "$(obs span end --exit-code 1)"
[ "$TRACEPARENT" = "$before" ]
eval "$(obs span end)"
echo whole
"#;
    for shell in posix() {
        let sandbox = silent();
        let outcome = sandbox.script(shell, &format!("{}{text}", strict(shell)));
        assert_eq!(outcome.stdout, "whole\n", "{shell}: {}", outcome.shown());
        let trace = trace(&sandbox);
        assert_eq!(names(&trace, "spans"), ["job", "outer"], "{shell}");
        let job = super::with(trace["spans"].as_array().unwrap(), "name", "job");
        assert_eq!(job["status"]["code"], "ok", "{shell}: the first end stands");
        let outer = super::with(trace["spans"].as_array().unwrap(), "name", "outer");
        assert_eq!(trace["logs"][0]["span_id"], outer["span_id"], "{shell}");
    }
}

#[test]
fn fish_ends_with_the_status_it_is_given() {
    if !have("fish") {
        return;
    }
    let sandbox = silent();
    let text = r#"
eval (obs span start job | string collect)
function finish --on-event fish_exit
    eval (obs span end --exit-code $code | string collect)
end
eval (obs span start step | string collect)
false
set -g code $status
eval (obs span end --exit-code $code | string collect)
exit $code
"#;
    let outcome = sandbox.script("fish", text);
    assert_eq!(outcome.code, 1, "{}", outcome.shown());
    let spans = sandbox.records("spans");
    assert_eq!(spans.len(), 2, "{spans:?}");
    assert!(
        spans
            .iter()
            .all(|span| span["status"]["message"] == "exit code 1")
    );
}
