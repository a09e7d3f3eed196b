//! `obs span`: one span across many commands and processes; its life, and what is printed for the shell.

use crate::capture::{PARENT, SPAN, TRACE, file, silent, stable};
use crate::sandbox::Sandbox;
use serde_json::{Value, json};
use snapbox::{assert_data_eq, str};
use std::fs;

/// Starts a span that nobody owns; the answer is what `--json` printed.
pub(crate) fn start(sandbox: &Sandbox, words: &[&str]) -> Value {
    let words = [&["span", "start", "--json", "--owner", "0"], words].concat();
    serde_json::from_str(&sandbox.obs(words).quiet().stdout).unwrap()
}

/// Runs a span command on a started span.
pub(crate) fn on(sandbox: &Sandbox, span: &Value, words: &[&str]) -> String {
    let id = span["span_id"].as_str().unwrap();
    sandbox
        .obs([&["span", words[0], "--span", id], &words[1..]].concat())
        .quiet()
        .stdout
}

/// The one span that there is.
pub(crate) fn only_span(sandbox: &Sandbox) -> Value {
    let mut spans = sandbox.records("spans");
    assert_eq!(spans.len(), 1, "{spans:?}");
    spans.remove(0)
}

/// The names in `live/`.
fn live(sandbox: &Sandbox) -> Vec<String> {
    let entries = fs::read_dir(sandbox.journal().join("live"))
        .into_iter()
        .flatten()
        .flatten();
    entries
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect()
}

#[test]
fn keys_stand_in_the_order_of_the_contract() {
    let sandbox = silent()
        .with("TRACEPARENT", PARENT)
        .with("TRACESTATE", "a=b")
        .with("OTEL_SERVICE_NAME", "api")
        .with("OTEL_RESOURCE_ATTRIBUTES", "team=core");
    let span = start(&sandbox, &["build", "--kind", "client", "target=all"]);
    on(
        &sandbox,
        &span,
        &["event", "cache miss", "key=abc", "--time", "1764843330"],
    );
    on(&sandbox, &span, &["link", PARENT, "reason=retry"]);
    on(&sandbox, &span, &["set", "n:=1.0", "x:=oops"]);
    on(&sandbox, &span, &["end", "error", "no space left"]);
    assert_data_eq!(
        stable(&sandbox, &file(&sandbox, "spans.log"))
            .replace(env!("CARGO_PKG_VERSION"), "[VERSION]"),
        str![[r#"
{"timestamp":"[NANOS]","end":"[NANOS]","duration_ms":"[MS]","name":"build","trace_id":"[TRACE]","span_id":"[SPAN]","parent_span_id":"[SPAN]","trace_state":"a=b","trace_flags":"03","kind":"client","status":{"code":"error","message":"no space left"},"attributes":{"target":"all","n":1.0,"x":"oops"},"events":[{"timestamp":"[NANOS]","name":"cache miss","attributes":{"key":"abc"}}],"links":[{"trace_id":"[TRACE]","span_id":"[SPAN]","attributes":{"reason":"retry"}}],"service":"api","host":"[HOST]","pid":"[PID]","resource":{"team":"core"},"scope":{"name":"obs","version":"[VERSION]"},"obs":{"invalid":["x:=oops"]}}

"#]]
    );
    assert_eq!(live(&sandbox), [""; 0]);
}

#[test]
fn life_is_one_file_and_then_one_line() {
    let sandbox = silent();
    let span = start(&sandbox, &["build"]);
    let id = span["span_id"].as_str().unwrap();
    assert_eq!(live(&sandbox), [format!("{id}.json")]);
    assert_eq!(file(&sandbox, "spans.log"), "");
    on(&sandbox, &span, &["end"]);
    assert_eq!(live(&sandbox), [""; 0]);
    let found = only_span(&sandbox);
    assert_eq!(
        (&found["span_id"], &found["trace_id"]),
        (&span["span_id"], &span["trace_id"])
    );
    assert_eq!(found["status"], json!({"code": "unset"}));
    assert!(found["timestamp"].as_str() <= found["end"].as_str());
}

#[test]
fn nested_spans_restore_their_parent() {
    let sandbox = silent();
    let script = r#"set -eu
eval "$(obs span start outer)"; outer=$TRACEPARENT
eval "$(obs span start inner)"; inner=$TRACEPARENT
[ "$outer" != "$inner" ]
obs log info inside
eval "$(obs span end)"; [ "$TRACEPARENT" = "$outer" ]
obs log info outside
eval "$(obs span start second)"
eval "$(obs span end)"; [ "$TRACEPARENT" = "$outer" ]
eval "$(obs span end)"
echo "${TRACEPARENT-none} ${_OBS_STACK-none}"
"#;
    assert_eq!(
        sandbox.script("/bin/sh", script).quiet().stdout,
        "none none\n"
    );
    let spans = sandbox.records("spans");
    let by = |name: &str| spans.iter().find(|span| span["name"] == name).unwrap();
    let (outer, inner) = (by("outer"), by("inner"));
    assert_eq!((outer.get("parent_span_id"), spans.len()), (None, 3));
    for child in [inner, by("second")] {
        assert_eq!(child["parent_span_id"], outer["span_id"]);
        assert_eq!(child["trace_id"], outer["trace_id"]);
    }
    let logs = sandbox.records("logs");
    assert_eq!(
        [&logs[0]["span_id"], &logs[1]["span_id"]],
        [&inner["span_id"], &outer["span_id"]]
    );
}

#[test]
fn given_context_is_the_parent_and_comes_back() {
    let sandbox = silent().with("TRACEPARENT", PARENT);
    let script = "eval \"$(obs span start s)\"\neval \"$(obs span end)\"\necho \"$TRACEPARENT\"\n";
    assert_eq!(
        sandbox.script("sh", script).quiet().stdout,
        format!("{PARENT}\n")
    );
    let span = only_span(&sandbox);
    assert_eq!(
        (&span["trace_id"], &span["parent_span_id"]),
        (&json!(TRACE), &json!(SPAN))
    );
}

#[test]
fn any_process_may_change_and_end_it() {
    let sandbox = silent();
    let script = "obs span start --owner 0 --json s | jq -r .traceparent\n";
    if !crate::sandbox::have("jq") {
        return;
    }
    let header = sandbox.script("sh", script).quiet().stdout;
    let elsewhere = "(obs span set --span $1 --name renamed a=1)\nsh -c \"obs span event --span $1 e\"\n\
                     env -i \"OBS_HOME=$OBS_HOME\" PATH=\"$PATH\" obs span end --span $1\n";
    let mut command = sandbox.command("sh");
    command.args(["-c", elsewhere, "sh", header.trim()]);
    let outcome = crate::sandbox::outcome(&command.output().unwrap()).quiet();
    assert_eq!(
        outcome.stdout, "",
        "what is not the current span changes no environment"
    );
    let span = only_span(&sandbox);
    assert_eq!(
        (&span["name"], &span["attributes"]),
        (&json!("renamed"), &json!({"a": "1"}))
    );
    assert_eq!(span["events"][0]["name"], "e");
}

#[test]
fn second_end_is_no_second_record() {
    let sandbox = silent();
    let span = start(&sandbox, &["s"]);
    on(&sandbox, &span, &["end", "ok"]);
    on(&sandbox, &span, &["end", "error", "late"]);
    on(&sandbox, &span, &["event", "late"]);
    assert_eq!(only_span(&sandbox)["status"]["code"], "ok");
}

#[test]
fn unknown_span_fails_only_under_strict() {
    let strict = Sandbox::new().with("OBS_STRICT", "1");
    for words in [
        &["end"][..],
        &["event", "e"],
        &["set", "a=1"],
        &["link", PARENT],
        &["status", "ok"],
    ] {
        let words = [
            &["span", words[0], "--span", "00f067aa0ba902b7"],
            &words[1..],
        ]
        .concat();
        let lax = Sandbox::new();
        assert_eq!(lax.obs(&words).quiet().stdout, "", "{words:?}");
        let outcome = strict.obs(&words);
        assert_eq!(outcome.code, 3, "{words:?}");
        assert!(
            outcome
                .stderr
                .starts_with("obs: there is no started span 00f067aa0ba902b7\nhint: ")
        );
    }
    for (words, said) in [
        (&["span", "end"][..], "obs: there is no current span\n"),
        (
            &["span", "end", "--span", "xyz"],
            "obs: `--span xyz` is no span id\n",
        ),
    ] {
        Sandbox::new().obs(words).quiet();
        let outcome = strict.obs(words);
        assert!(
            outcome.code == 3 && outcome.stderr.starts_with(said),
            "{}",
            outcome.shown()
        );
    }
}

#[test]
fn each_shell_gets_its_own_words() {
    let sandbox = silent().with("TRACEPARENT", PARENT);
    for (shell, expected) in [
        (
            "sh",
            "export TRACEPARENT='00-[TRACE]-[SPAN]-03';\nexport _OBS_STACK='00-[TRACE]-[SPAN]-03';\n",
        ),
        (
            "fish",
            "set -gx TRACEPARENT '00-[TRACE]-[SPAN]-03';\nset -gx _OBS_STACK '00-[TRACE]-[SPAN]-03';\n",
        ),
    ] {
        let printed = sandbox
            .obs(["span", "start", "s", "--shell", shell])
            .quiet()
            .stdout;
        assert_eq!(stable(&sandbox, &printed), expected);
    }
    let ended = sandbox
        .obs(["span", "end", "--shell", "fish"])
        .quiet()
        .stdout;
    assert_eq!(ended, "set -e TRACEPARENT;\n");
    let json = sandbox.obs(["span", "end", "--json"]).quiet().stdout;
    assert_eq!(
        json,
        "{\"traceparent\":null,\"trace_id\":null,\"span_id\":null}\n"
    );
}

#[test]
fn stack_of_a_stranger_is_no_shell_code() {
    for stack in [
        "$(touch hit)",
        "';touch hit;'",
        "`touch hit`",
        "-,';touch hit;'",
    ] {
        let sandbox = silent()
            .with("TRACEPARENT", PARENT)
            .with("_OBS_STACK", stack);
        let script =
            "eval \"$(obs span start s)\"\neval \"$(obs span end)\"\neval \"$(obs span end)\"\n";
        sandbox.script("sh", script).quiet();
        assert!(!sandbox.path("work/hit").exists(), "{stack}");
    }
}

#[test]
fn promised_ids_are_taken() {
    let promised = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03";
    let sandbox = Sandbox::new().with("TRACEPARENT", promised);
    let script = format!(
        "eval \"$(obs span start deploy --as {promised})\"; eval \"$(obs span end)\"; echo $TRACEPARENT"
    );
    let outcome = sandbox.script("bash", &script).quiet();
    assert_eq!(outcome.stdout, format!("{promised}\n"));
    let span = &sandbox.records("spans")[0];
    assert_eq!(span["span_id"], "00f067aa0ba902b7");
    assert_eq!(span["trace_id"], &promised[3..35]);
    assert_eq!(span["trace_flags"], "03");
    assert!(span.get("parent_span_id").is_none());
}
