//! `span start -v` and `end -v`: the shell's own variables, without a subshell.

use super::loaded;
use crate::capture::{PARENT, TRACE};
use crate::sandbox::Sandbox;

#[test]
fn variables_are_set_and_restored() {
    let sandbox = Sandbox::new()
        .with("TRACEPARENT", PARENT)
        .with("TRACESTATE", "a=b")
        .with("OBS_LOG_STREAM", "off");
    let text = r#"
set -eu
obs span start -v outer
bash -c 'echo "$TRACEPARENT $_OBS_STACK"' >../inside
obs span start -v inner k=v
obs log info m
obs span end -v
obs span end -v --exit-code 2
echo "$TRACEPARENT ${_OBS_STACK-none} $TRACESTATE"
"#;
    let Some(outcome) = loaded(&sandbox, text) else {
        return;
    };
    assert_eq!(outcome.quiet().stdout, format!("{PARENT} none a=b\n"));
    let spans = sandbox.records("spans");
    assert_eq!(
        (&spans[0]["name"], &spans[1]["name"]),
        (&"outer".into(), &"inner".into())
    );
    assert_eq!(spans[1]["parent_span_id"], spans[0]["span_id"]);
    assert_eq!(spans[0]["attributes"]["process.exit.code"], 2);
    assert_eq!(sandbox.only_log()["span_id"], spans[1]["span_id"]);
    let inside = std::fs::read_to_string(sandbox.path("inside")).unwrap();
    let id = spans[0]["span_id"].as_str().unwrap();
    assert_eq!(inside, format!("00-{TRACE}-{id}-03 {PARENT}\n"));
}

#[test]
fn refused_start_does_not_end_its_parent() {
    let sandbox = Sandbox::new();
    let text = r#"
obs span start -v outer
obs span start -v 2>/dev/null
echo "status $?"
obs span end -v
obs span start -v --nope inner 2>/dev/null
obs span end -v
obs spans --json | wc -l
obs span end -v
obs spans --json | wc -l
echo "${TRACEPARENT-none} ${_OBS_STACK-none}"
"#;
    let Some(outcome) = loaded(&sandbox, text) else {
        return;
    };
    assert_eq!(outcome.quiet().stdout, "status 2\n0\n1\nnone none\n");
    assert_eq!(sandbox.records("spans")[0]["name"], "outer");
}

#[test]
fn read_only_variable_stays() {
    let sandbox = Sandbox::new().with("TRACEPARENT", PARENT);
    let text =
        "readonly TRACEPARENT\nobs span start -v a\nobs span end -v\necho \"$TRACEPARENT\"\n";
    let Some(outcome) = loaded(&sandbox, text) else {
        return;
    };
    assert_eq!(outcome.quiet().stdout, format!("{PARENT}\n"));
}

#[test]
fn process_cannot_set_its_caller_s_variables() {
    let sandbox = Sandbox::new();
    for words in [
        ["span", "start", "-v", "a"].as_slice(),
        &["span", "end", "-v"],
    ] {
        let outcome = sandbox.obs(words);
        assert_eq!(outcome.code, 2, "{}", outcome.shown());
        assert!(
            outcome
                .stderr
                .starts_with("obs: `-v` needs the loadable builtin")
        );
    }
    // alone it is the option, and a name may begin so
    let outcome = sandbox.obs(["span", "start", "-verbose"]);
    assert!(
        outcome.stdout.starts_with("export TRACEPARENT="),
        "{}",
        outcome.shown()
    );
}
