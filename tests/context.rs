//! Trace context by the environment carriers: what continues a trace, what begins a new one, what is handed on.

use crate::capture::{PARENT, SPAN, TRACE, file, silent};
use crate::sandbox::Sandbox;
use serde_json::Value;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// A handful of each class of the W3C suite (w3c/trace-context, test/test.py); the whole table is a unit test.
const CONTINUE: &[&str] = &[
    "00-12345678901234567890123456789012-1234567890123456-01",
    "00-12345678901234567890123456789012-1234567890123456-00",
    "00-12345678901234567890123456789012-1234567890123456-ff",
    "cc-12345678901234567890123456789012-1234567890123456-01",
    "cc-12345678901234567890123456789012-1234567890123456-01-what-the-future-will-be-like",
    " \t00-12345678901234567890123456789012-1234567890123456-01\t ",
];
const RESTART: &[&str] = &[
    "00-12345678901234567890123456789012-1234567890123456-01.",
    "00-12345678901234567890123456789012-1234567890123456-01-what-the-future-will-be-like",
    "cc-12345678901234567890123456789012-1234567890123456-01.what-the-future-will-be-like",
    "ff-12345678901234567890123456789012-1234567890123456-01",
    "0-12345678901234567890123456789012-1234567890123456-01",
    "000-12345678901234567890123456789012-1234567890123456-01",
    "00-00000000000000000000000000000000-1234567890123456-01",
    "00-12345678901234567890123456789012-0000000000000000-01",
    "00-1234567890123456789012345678901.-1234567890123456-01",
    "00-123456789012345678901234567890123-1234567890123456-01",
    "00-1234567890123456789012345678901-1234567890123456-01",
    "00-12345678901234567890123456789012-12345678901234567-01",
    "00-12345678901234567890123456789012-1234567890123456-001",
    "00-12345678901234567890123456789012-1234567890123456-1",
    "00-12345678901234567890123456789012-1234567890123456-.0",
    "00-ABCDEFABCDEFABCDEFABCDEFABCDEFAB-1234567890123456-01",
    "00-12345678901234567890123456789012-1234567890123456-01\n",
    "00-12345678901234567890123456789012-1234567890123456-01,00-12345678901234567890123456789012-1234567890123456-01",
    "nonsense",
    "-",
];

/// The span that one `span start` and `span end` journal.
fn spanned(sandbox: &Sandbox) -> Value {
    let script = "eval \"$(obs span start s)\"\nenv | grep '^TRACE' >env.txt || true\neval \"$(obs span end)\"\n";
    sandbox.script("sh", script).quiet();
    sandbox.records("spans").pop().unwrap()
}

/// A variable that a child of the span got.
fn handed_on(sandbox: &Sandbox, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(sandbox.path("work/env.txt")).unwrap();
    let prefix = format!("{name}=");
    text.lines()
        .find_map(|line| line.strip_prefix(&prefix))
        .map(str::to_owned)
}

#[test]
fn valid_header_continues_its_trace() {
    for header in CONTINUE {
        let sandbox = silent().with("TRACEPARENT", header);
        let span = spanned(&sandbox);
        assert_eq!(
            span["trace_id"], "12345678901234567890123456789012",
            "{header}"
        );
        assert_eq!(span["parent_span_id"], "1234567890123456", "{header}");
        let flags = span["trace_flags"].as_str().unwrap();
        let given = header.trim().split('-').nth(3).unwrap();
        let given = u8::from_str_radix(given, 16).unwrap() & 3;
        assert_eq!(flags, format!("{given:02x}"), "{header}");
        let out = handed_on(&sandbox, "TRACEPARENT").unwrap();
        let id = span["span_id"].as_str().unwrap();
        assert_eq!(
            out,
            format!("00-12345678901234567890123456789012-{id}-{flags}"),
            "{header}"
        );
        assert_eq!(file(&sandbox, "diagnostics.log"), "", "{header}");
    }
}

#[test]
fn bad_header_begins_a_new_trace_and_is_counted() {
    for header in RESTART {
        let sandbox = silent()
            .with("TRACEPARENT", header)
            .with("TRACESTATE", "a=b");
        let span = spanned(&sandbox);
        assert_ne!(
            span["trace_id"], "12345678901234567890123456789012",
            "{header}"
        );
        assert_eq!(
            (span.get("parent_span_id"), span.get("trace_state")),
            (None, None),
            "{header}"
        );
        assert_eq!(span["trace_flags"], "03", "{header}");
        assert_eq!(handed_on(&sandbox, "TRACESTATE"), None, "{header}");
        let said = file(&sandbox, "diagnostics.log");
        assert_eq!(
            said.matches("\"what\":\"traceparent\"").count(),
            1,
            "{header}: {said}"
        );
    }
}

#[test]
fn only_spans_make_trace_ids() {
    for header in ["", "nonsense"] {
        let sandbox = silent().with("TRACEPARENT", header);
        sandbox.obs(["log", "m"]).quiet();
        sandbox.obs(["emit", "x"]).quiet();
        sandbox.obs(["metric", "inc", "n"]).quiet();
        let log = sandbox.only_log();
        let event = sandbox.records("events").remove(0);
        let point = sandbox.records("metrics-points").remove(0);
        assert_eq!((log.get("trace_id"), log.get("span_id")), (None, None));
        assert_eq!(
            (event.get("trace_context"), point.get("trace_id")),
            (None, None)
        );
    }
}

#[test]
fn header_that_is_no_text_begins_a_new_trace() {
    let sandbox = silent();
    let mut command = sandbox.command(crate::sandbox::program());
    command
        .args(["span", "record", "s", "--start", "1"])
        .env("TRACEPARENT", OsStr::from_bytes(b"00-\xff"));
    crate::sandbox::outcome(&command.output().unwrap()).quiet();
    assert_eq!(sandbox.records("spans")[0].get("parent_span_id"), None);
    assert!(file(&sandbox, "diagnostics.log").contains("traceparent"));
}

#[test]
fn variable_in_lower_case_is_no_carrier() {
    let sandbox = silent().with("traceparent", PARENT);
    assert_ne!(spanned(&sandbox)["trace_id"], TRACE);
}

#[test]
fn random_bit_stays_as_it_came() {
    for flags in ["00", "01", "02", "03"] {
        let header = format!("00-{TRACE}-{SPAN}-{flags}");
        let sandbox = silent().with("TRACEPARENT", &header);
        assert_eq!(spanned(&sandbox)["trace_flags"], flags);
    }
    assert_eq!(spanned(&silent())["trace_flags"], "03");
}

#[test]
fn sampler_changes_the_flag_and_nothing_else() {
    const NONE: &str = "";
    let unsampled = format!("00-{TRACE}-{SPAN}-02");
    for (sampler, argument, header, flags) in [
        ("always_on", "", NONE, "03"),
        ("always_off", "", NONE, "02"),
        ("parentbased_always_off", "", NONE, "02"),
        ("parentbased_always_off", "", PARENT, "03"),
        ("parentbased_always_on", "", &unsampled, "02"),
        ("always_on", "", &unsampled, "03"),
        ("always_off", "", PARENT, "02"),
        ("traceidratio", "0", NONE, "02"),
        ("traceidratio", "1", NONE, "03"),
        ("traceidratio", "0", PARENT, "02"),
        ("parentbased_traceidratio", "0.0", PARENT, "03"),
        ("traceidratio", "nonsense", NONE, "03"),
        ("nonsense", "0", NONE, "03"),
    ] {
        let sandbox = silent()
            .with("OTEL_TRACES_SAMPLER", sampler)
            .with("OTEL_TRACES_SAMPLER_ARG", argument)
            .with("TRACEPARENT", header);
        let span = spanned(&sandbox);
        assert_eq!(span["trace_flags"], flags, "{sampler} {argument} {header}");
        assert!(
            handed_on(&sandbox, "TRACEPARENT")
                .unwrap()
                .ends_with(&format!("-{flags}"))
        );
        let complained = file(&sandbox, "diagnostics.log").contains("\"what\":\"sampler\"");
        assert_eq!(
            complained,
            sampler == "nonsense" || argument == "nonsense",
            "{sampler} {argument}"
        );
    }
}

#[test]
fn state_is_kept_or_dropped_whole() {
    let longest = format!("{}={}", "k".repeat(256), "v".repeat(255));
    let many: String = (0..32).map(|n| format!("k{n}=v,")).collect();
    let too_many = format!("{many}k32=v");
    for (state, kept) in [
        ("a=b", Some("a=b")),
        ("a=b,c@d=e/f", Some("a=b,c@d=e/f")),
        (" a=b , ,c=d ", Some("a=b , ,c=d")),
        (&longest, Some(longest.as_str())),
        (many.trim_end_matches(','), Some(many.trim_end_matches(','))),
        (&too_many, None),
        ("a", None),
        ("A=b", None),
        ("a=", None),
        ("a=b=c", None),
        ("a=b,c.d=e", None),
        ("a=\u{1}", None),
    ] {
        let sandbox = silent()
            .with("TRACEPARENT", PARENT)
            .with("TRACESTATE", state);
        let span = spanned(&sandbox);
        assert_eq!(
            span.get("trace_state").and_then(Value::as_str),
            kept,
            "{state}"
        );
        assert_eq!(span["trace_id"], TRACE, "{state}");
    }
}

#[test]
fn valid_state_is_handed_on_untouched() {
    let sandbox = silent()
        .with("TRACEPARENT", PARENT)
        .with("TRACESTATE", "a=b , c=d");
    spanned(&sandbox);
    assert_eq!(
        handed_on(&sandbox, "TRACESTATE").as_deref(),
        Some("a=b , c=d")
    );
}

/// W3C: a state that cannot be parsed is not propagated.
#[test]
fn broken_state_is_not_handed_on() {
    let sandbox = silent()
        .with("TRACEPARENT", PARENT)
        .with("TRACESTATE", "A=b");
    spanned(&sandbox);
    assert_eq!(handed_on(&sandbox, "TRACESTATE"), None);
}

/// The state belongs to the header that it came with.
#[test]
fn other_parent_does_not_inherit_the_state() {
    let sandbox = silent()
        .with("TRACEPARENT", PARENT)
        .with("TRACESTATE", "a=b");
    let other = "00-12345678901234567890123456789012-1234567890123456-01";
    sandbox
        .obs(["span", "record", "s", "--start", "1", "--parent", other])
        .quiet();
    let span = sandbox.records("spans").remove(0);
    assert_eq!(span["trace_id"], "12345678901234567890123456789012");
    assert_eq!(span.get("trace_state"), None);
    let printed = sandbox
        .obs(["span", "start", "s", "--parent", other])
        .quiet()
        .stdout;
    assert!(printed.contains("unset TRACESTATE;"), "{printed}");
}

#[test]
fn bad_parent_option_begins_a_new_trace() {
    let sandbox = silent().with("TRACEPARENT", PARENT);
    sandbox
        .obs(["span", "record", "s", "--start", "1", "--parent", "junk"])
        .quiet();
    let span = sandbox.records("spans").remove(0);
    assert_ne!(span["trace_id"], TRACE);
    assert_eq!(span.get("parent_span_id"), None);
    assert!(file(&sandbox, "diagnostics.log").contains("--parent is not valid: junk"));
}

#[test]
fn unsampled_trace_is_journalled_all_the_same() {
    let header = format!("00-{TRACE}-{SPAN}-00");
    let sandbox = silent()
        .with("TRACEPARENT", &header)
        .with("OTEL_TRACES_SAMPLER", "always_off");
    spanned(&sandbox);
    sandbox.obs(["log", "m"]).quiet();
    sandbox.obs(["metric", "inc", "n"]).quiet();
    assert_eq!(sandbox.only_log()["trace_id"], TRACE);
    assert_eq!(sandbox.records("metrics-points")[0]["trace_id"], TRACE);
}
