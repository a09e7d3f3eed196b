//! obs in real shells: what `eval` leaves behind, where spans may be started, what a shell's names and refusals look
//! like in records. Owners, endings and the archive script have files of their own.

mod archive;
mod endings;
mod owners;
mod stages;

use crate::capture::silent;
use crate::sandbox::{Sandbox, have};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// Those shells for POSIX scripts that are there.
fn posix() -> impl Iterator<Item = &'static str> {
    let all = ["bash", "zsh", "dash", "busybox ash", "ksh93", "mksh"];
    all.into_iter()
        .filter(|shell| have(shell.split(' ').next().unwrap()))
}

/// The strictest mode of a shell.
pub(crate) fn strict(shell: &str) -> &'static str {
    match shell {
        "dash" => "set -eu\n",
        _ => "set -eu -o pipefail\n",
    }
}

/// The newest trace.
fn trace(sandbox: &Sandbox) -> Value {
    let outcome = sandbox.obs(["trace", "latest", "--json"]).quiet();
    serde_json::from_str(&outcome.stdout).unwrap()
}

/// The names of the spans below a key of a trace, sorted.
fn names(trace: &Value, key: &str) -> Vec<String> {
    let spans = trace[key].as_array().into_iter().flatten();
    let mut names: Vec<String> = spans
        .map(|span| span["name"].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

/// The record whose member has this value.
#[track_caller]
fn with<'a>(records: &'a [Value], key: &str, value: &str) -> &'a Value {
    let found = records.iter().find(|record| record[key] == value);
    found.unwrap_or_else(|| panic!("no {key}={value} in {records:#?}"))
}

const OUTER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

const NESTED: &str = r#"
before=${TRACEPARENT-none}
eval "$(obs span start build)"
outer=$TRACEPARENT
obs log info outside
eval "$(obs span start compile target=all)"
[ "$TRACEPARENT" != "$outer" ]
obs log warning inside warnings:=2
obs emit build.step n:=1
obs metric inc steps_total
obs span event halfway
eval "$(obs span end)"
[ "$TRACEPARENT" = "$outer" ]
eval "$(obs span end)"
[ "${TRACEPARENT-none}" = "$before" ]
[ -z "${_OBS_STACK+x}" ]
echo whole
"#;

const NESTED_IN_FISH: &str = r#"
set -q TRACEPARENT; and set before $TRACEPARENT; or set before none
eval (obs span start build | string collect); or exit 1
set outer $TRACEPARENT
obs log info outside; or exit 1
eval (obs span start compile target=all | string collect)
test $TRACEPARENT != $outer; or exit 1
obs log warning inside warnings:=2
obs emit build.step n:=1
obs metric inc steps_total
obs span event halfway
eval (obs span end | string collect); or exit 1
test $TRACEPARENT = $outer; or exit 1
eval (obs span end | string collect)
set -q TRACEPARENT; and set after $TRACEPARENT; or set after none
test $after = $before; or exit 1
set -q _OBS_STACK; and exit 1
echo whole
"#;

/// Every shell with the nested script in its own words.
fn nested() -> Vec<(&'static str, String)> {
    let mut all: Vec<(&str, String)> = posix()
        .map(|shell| (shell, format!("{}{NESTED}", strict(shell))))
        .collect();
    if have("fish") {
        all.push(("fish", NESTED_IN_FISH.to_owned()));
    }
    all
}

#[test]
fn spans_nest_and_restore_the_context() {
    for (shell, text) in nested() {
        for before in ["", OUTER] {
            let sandbox = silent().with("TRACEPARENT", before);
            let outcome = sandbox.script(shell, &text);
            assert_eq!(outcome.stdout, "whole\n", "{shell}: {}", outcome.shown());
            outcome.quiet();
            let trace = trace(&sandbox);
            let spans = trace["spans"].as_array().unwrap();
            let (build, compile) = (with(spans, "name", "build"), with(spans, "name", "compile"));
            assert_eq!(spans.len(), 2, "{shell}");
            assert_eq!(compile["parent_span_id"], build["span_id"], "{shell}");
            assert_eq!(compile["attributes"]["target"], "all", "{shell}");
            assert_eq!(compile["events"][0]["name"], "halfway", "{shell}");
            assert!(trace.get("live").is_none(), "{shell}: {trace:#}");
            match before {
                "" => assert!(build.get("parent_span_id").is_none(), "{shell}"),
                _ => {
                    assert_eq!(trace["trace_id"], &OUTER[3..35], "{shell}");
                    assert_eq!(build["parent_span_id"], &OUTER[36..52], "{shell}");
                    assert_eq!(build["trace_flags"], "00", "{shell}");
                }
            }
            let logs = trace["logs"].as_array().unwrap();
            assert_eq!(
                with(logs, "message", "outside")["span_id"],
                build["span_id"]
            );
            assert_eq!(
                with(logs, "message", "inside")["span_id"],
                compile["span_id"]
            );
            assert_eq!(
                trace["events"][0]["trace_context"]["span_id"],
                compile["span_id"]
            );
            assert_eq!(
                trace["metrics"][0]["span_id"], compile["span_id"],
                "{shell}"
            );
        }
    }
}

#[test]
fn spans_work_wherever_a_shell_forks() {
    let text = r#"
work() { eval "$(obs span start "$1")"; obs log "in $1"; eval "$(obs span end)"; }
eval "$(obs span start main)"
before=$TRACEPARENT
work function
( work subshell )
( ( ( work deep ) ) )
out=$(work substitution || true)
out=$( ( work both; echo "$out" ) | cat )
echo line | while read -r line; do work pipeline; done
{ work group; } | cat
if work condition; then :; fi
work background & wait
( eval "$(obs span start early)"; eval "$(obs span end)"; exit 4 ) || [ $? -eq 4 ]
[ "$TRACEPARENT" = "$before" ]
eval "$(obs span end)"
echo whole
"#;
    let places =
        "background both condition deep early function group main pipeline subshell substitution";
    for shell in posix() {
        let sandbox = silent();
        let outcome = sandbox.script(shell, &format!("{}{text}", strict(shell)));
        assert_eq!(outcome.stdout, "whole\n", "{shell}: {}", outcome.shown());
        let trace = trace(&sandbox);
        let spans = trace["spans"].as_array().unwrap();
        assert_eq!(names(&trace, "spans").join(" "), places, "{shell}");
        let main = &with(spans, "name", "main")["span_id"];
        for log in trace["logs"].as_array().unwrap() {
            let name = log["message"]
                .as_str()
                .unwrap()
                .strip_prefix("in ")
                .unwrap();
            let span = with(spans, "name", name);
            assert_eq!(log["span_id"], span["span_id"], "{shell}: {name}");
            assert_eq!(&span["parent_span_id"], main, "{shell}: {name}");
            assert_eq!(span["status"]["code"], "unset", "{shell}: {name}");
        }
        let left = fs::read_dir(sandbox.path("journal/live")).unwrap().count();
        assert_eq!(left, 0, "{shell} left live files");
    }
}

#[test]
fn loggers_are_named_after_shell_and_script() {
    let sandbox = silent();
    let script = |name: &str, first: &str| {
        let file = sandbox.path(&format!("work/{name}"));
        fs::write(&file, format!("#!{first}\nobs log hi\n")).unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(0o700)).unwrap();
    };
    script("deploy.sh", "/usr/bin/env bash");
    script("posix.sh", "/bin/sh -e");
    let cases = [
        ("bash", "bash -x ./deploy.sh", "bash.deploy.sh", "deploy.sh"),
        ("bash", "./deploy.sh --now", "bash.deploy.sh", "deploy.sh"),
        ("zsh", "zsh -f deploy.sh", "zsh.deploy.sh", "deploy.sh"),
        ("dash", "dash posix.sh", "sh.posix.sh", "posix.sh"),
        ("dash", "./posix.sh", "sh.posix.sh", "posix.sh"),
        ("busybox", "busybox ash posix.sh", "sh.posix.sh", "posix.sh"),
        ("mksh", "mksh ./posix.sh", "sh.posix.sh", "posix.sh"),
        (
            "fish",
            "fish --no-config posix.sh",
            "fish.posix.sh",
            "posix.sh",
        ),
        (
            "bash",
            "bash -c 'obs log hi; :'",
            "bash",
            "unknown_service:bash",
        ),
        ("dash", "dash < posix.sh", "sh", "unknown_service:dash"),
        (
            "zsh",
            "zsh -fc 'obs log hi; :'",
            "zsh",
            "unknown_service:zsh",
        ),
    ];
    for (tool, line, logger, service) in cases {
        if !have(tool) {
            continue;
        }
        let status = sandbox.command("sh").args(["-c", line]).output().unwrap();
        assert!(status.status.success(), "{line}");
        let outcome = sandbox.obs(["logs", "--limit", "1"]).quiet();
        let log: Value = serde_json::from_str(&outcome.stdout).unwrap();
        assert_eq!(
            (&log["logger"], &log["service"]),
            (&logger.into(), &service.into()),
            "{line}"
        );
    }
}

#[test]
fn scripts_live_on_without_a_journal() {
    let text = r#"
eval "$(obs span start one)"
obs span set a=b
[ $? -eq 0 ]
obs span event x
obs log info 'nobody keeps this'
obs emit some.type
obs metric inc x_total
eval "$(obs span end)"
[ -z "${TRACEPARENT+x}" ]
echo whole
"#;
    let file = Sandbox::new().path("file");
    let below_a_file = file.join("journal");
    for home in ["/proc/nowhere", "/dev/null", below_a_file.to_str().unwrap()] {
        for shell in posix() {
            let sandbox = silent()
                .with("OBS_HOME", home)
                .with("TMPDIR", "/proc/nowhere");
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, "").unwrap();
            let outcome = sandbox.script(shell, &format!("{}{text}", strict(shell)));
            assert_eq!(
                (outcome.code, outcome.stdout.as_str()),
                (0, "whole\n"),
                "{shell}, {home}: {}",
                outcome.shown()
            );
            let unsaved = |line: &&str| line.starts_with("obs: UNSAVED {");
            assert_eq!(
                outcome.stderr.lines().filter(unsaved).count(),
                4,
                "{shell}, {home}: {}",
                outcome.shown()
            );
        }
        fs::remove_dir_all(file.parent().unwrap()).unwrap();
    }
}

#[test]
fn refused_start_ends_no_parent() {
    let sandbox = silent();
    for shell in posix() {
        let text = r#"
eval "$(obs span start main)"
before=$TRACEPARENT
eval "$(obs span start --no-such-option x 2>/dev/null)"
eval "$(obs span start nested)"
eval "$(obs span end)"
eval "$(obs span end)"
[ "$TRACEPARENT" = "$before" ]
obs span status nonsense
eval "$(obs span end skipped)"
[ -z "${TRACEPARENT+x}" ]
"#;
        sandbox.script(shell, text).quiet();
        let trace = sandbox.obs(["trace", "--json"]);
        let trace: serde_json::Value = serde_json::from_str(&trace.stdout).unwrap();
        let spans = trace["spans"].as_array().unwrap();
        assert_eq!(spans.len(), 2, "{shell}: {trace:#}");
        let noted = &spans[0]["obs"]["invalid"];
        assert_eq!(noted[0], "status=nonsense", "{shell}");
        assert_eq!(noted[1], "status=skipped", "{shell}");
    }
}
