//! The corpus of invented secrets through the words and the input of every command: none may be in a file, on standard
//! output or on standard error. `secrets/corpus.rs` has the corpus and looks; the other ways in are beside it.

mod corpus;
mod halves;
mod places;
mod spans;

use crate::capture::feed;
use crate::sandbox::Sandbox;
use corpus::{Secret, Watch, all, bundle, bundles};
use serde_json::json;
use std::fs;

/// A sandbox in which many attributes stay, and all that obs has to say is said.
fn roomy() -> Sandbox {
    Sandbox::new()
        .with("OTEL_ATTRIBUTE_COUNT_LIMIT", "100000")
        .with("OBS_RECORD_BYTES", "4000000")
        .with("OBS_DEBUG", "1")
}

/// These words and more.
fn call(words: &[&str], more: Vec<String>) -> Vec<String> {
    words
        .iter()
        .map(|word| (*word).to_owned())
        .chain(more)
        .collect()
}

/// Options of a command, each with a carrier of its own.
fn options(at: usize, names: &[&str]) -> Vec<String> {
    let each = names.iter().enumerate();
    each.map(|(place, name)| format!("--{name}={}", bundle(at, place)))
        .collect()
}

/// All carriers in every form that attributes have: plain, typed, as JSON, as a key, in lists, from files.
fn attributes(sandbox: &Sandbox) -> Vec<String> {
    let mut words = Vec::new();
    for (at, Secret { carrier, .. }) in all().iter().enumerate() {
        fs::write(sandbox.path(&format!("work/f{at}")), carrier).unwrap();
        words.push(format!("plain{at}={carrier}"));
        words.push(format!("typed{at}:={carrier}"));
        words.push(format!("text{at}:={}", json!(carrier)));
        words.push(format!("file{at}@=f{at}"));
        words.push(
            json!({format!("o{at}"): {carrier: [carrier, {"deep": carrier}]}, carrier: 1})
                .to_string(),
        );
    }
    words
}

#[test]
fn nothing_leaks_through_attributes() {
    for words in [
        &["log", "error", "m"][..],
        &["emit", "x"],
        &["emit", "git.commit"],
        &["metric", "inc", "n", "1"],
        &["span", "record", "s", "--start", "1"],
    ] {
        let sandbox = roomy();
        let mut watch = Watch::new(&sandbox);
        watch.saw(sandbox.obs(call(words, attributes(&sandbox))));
        watch.done();
    }
}

#[test]
fn nothing_leaks_through_further_words_of_log() {
    let sandbox = roomy();
    let mut watch = Watch::new(&sandbox);
    let carriers: Vec<String> = all().iter().map(|secret| secret.carrier.clone()).collect();
    watch.saw(sandbox.obs(call(&["log", "error", "--", "m"], carriers.clone())));
    let keys = carriers
        .iter()
        .map(|carrier| format!("{carrier}=x"))
        .collect();
    watch.saw(sandbox.obs(call(&["log", "error", "--", "m"], keys)));
    watch.done();
}

#[test]
fn nothing_leaks_through_fields_of_log() {
    let sandbox = roomy().with("OBS_LOG_FORMAT", "pretty");
    let mut watch = Watch::new(&sandbox);
    for at in 0..bundles() {
        let names = [
            "source",
            "exception",
            "logger",
            "status",
            "time",
            "duration-ms",
            "context",
        ];
        let words = call(&["log"], options(at, &names));
        watch.saw(sandbox.obs(call(
            &[],
            [words, call(&["error", "--", bundle(at, 7)], vec![])].concat(),
        )));
    }
    watch.done();
}

/// Every member of a log object, known and unknown, right and wrong; and lines that are none.
fn objects() -> String {
    let members = [
        "message",
        "exception",
        "logger",
        "status",
        "module",
        "function",
        "level",
        "timestamp",
        "trace_id",
        "span_id",
        "line",
        "duration_ms",
        "other",
        "host",
        "service",
        "resource",
        "name",
        "msg",
    ];
    let mut lines = String::new();
    for at in 0..bundles() {
        let (note, key) = (bundle(at, 0), bundle(at, 1));
        let mut object = json!({"context": {"note": note, key: [note]}, key: "x"});
        for (place, member) in members.iter().enumerate() {
            object[member] = json!(bundle(at, place));
        }
        lines += &format!(
            "{object}\n{}\n",
            json!({"message": [note], "context": note})
        );
    }
    for Secret { carrier, .. } in all() {
        lines += &format!("{{\"message\":{}\n{carrier}\n", json!(carrier));
    }
    lines
}

#[test]
fn nothing_leaks_through_input_of_log() {
    let carriers: Vec<&str> = all().iter().map(|secret| secret.carrier.as_str()).collect();
    let lines = carriers.join("\n");
    for form in ["pretty", "json", "logfmt", "github"] {
        let sandbox = roomy().with("OBS_LOG_FORMAT", form);
        let mut watch = Watch::new(&sandbox);
        watch.saw(feed(
            &sandbox,
            lines.as_bytes(),
            &["log", "--stdin", "error"],
        ));
        watch.saw(feed(
            &sandbox,
            lines.as_bytes(),
            &["log", "--exception", "-", "error", "m"],
        ));
        watch.done();
    }
    let sandbox = roomy().with("OBS_LOG_STREAM", "off");
    let mut watch = Watch::new(&sandbox);
    watch.saw(feed(
        &sandbox,
        objects().as_bytes(),
        &["log", "--stdin", "--json", "error"],
    ));
    watch.done();
}

#[test]
fn nothing_leaks_through_fields_of_events() {
    let sandbox = roomy();
    let strict = roomy().with("OBS_STRICT", "1");
    let (mut watch, mut refused) = (Watch::new(&sandbox), Watch::new(&strict));
    for at in 0..bundles() {
        let words = call(
            &["emit"],
            options(at, &["causation", "correlation", "time", "data"]),
        );
        watch.saw(sandbox.obs([words.clone(), call(&["--", bundle(at, 4)], vec![])].concat()));
        let wrong = format!("insertions={}", bundle(at, 5));
        let words = [words, call(&["--", "git.commit", &wrong], vec![])].concat();
        watch.saw(sandbox.obs(&words));
        refused.saw(strict.obs(&words));
    }
    watch.done();
    refused.done();
}

#[test]
fn nothing_leaks_through_fields_of_metrics() {
    let sandbox = roomy();
    let mut watch = Watch::new(&sandbox);
    for at in 0..bundles() {
        let names = ["unit", "help-text", "buckets", "time", "labels"];
        let words = call(&["metric", "observe"], options(at, &names));
        watch.saw(
            sandbox.obs([words, call(&["--", bundle(at, 5), bundle(at, 6)], vec![])].concat()),
        );
    }
    watch.done();
}

#[test]
fn nothing_leaks_when_nothing_can_be_kept() {
    let sandbox = roomy()
        .with("OBS_HOME", "/dev/null/x")
        .with("TMPDIR", "/dev/null/y")
        .with("OBS_LOG_STREAM", "off");
    let mut watch = Watch::new(&sandbox);
    for words in [
        &["log", "error", "m"][..],
        &["emit", "x"],
        &["emit", "git.commit"],
        &["metric", "inc", "n", "1"],
        &["span", "record", "s", "--start", "1"],
    ] {
        let outcome = sandbox.obs(call(words, attributes(&sandbox)));
        assert!(outcome.stderr.contains("obs: UNSAVED {\""), "{words:?}");
        watch.saw(outcome);
    }
    watch.saw(feed(
        &sandbox,
        objects().as_bytes(),
        &["log", "--stdin", "--json", "error"],
    ));
    watch.done();
}

#[test]
fn nothing_leaks_into_spill() {
    let sandbox = roomy();
    let mut watch = Watch::new(&sandbox);
    for name in ["logs.log", "events.log", "metrics.log", "spans.log"] {
        fs::create_dir_all(sandbox.journal().join(name)).unwrap();
    }
    for words in [
        &["log", "error", "m"][..],
        &["emit", "x"],
        &["metric", "inc", "n", "1"],
        &["span", "record", "s", "--start", "1"],
    ] {
        watch.saw(sandbox.obs(call(words, attributes(&sandbox))));
    }
    assert_eq!(
        fs::read_dir(sandbox.journal().join("spill"))
            .unwrap()
            .count(),
        4
    );
    watch.done();
}

/// The test itself must be able to see: what is not redacted is found, in a file and in what was said.
#[test]
fn watch_sees_what_is_there() {
    for text in [
        "hunter2",
        "it's \"so\" \\ bad",
        "geheim\n🔐",
        "0123456789abcdef0123456789abcdef",
    ] {
        let sandbox = roomy();
        let secret = Secret {
            carrier: String::new(),
            secret: text.to_owned(),
        };
        let mut watch = Watch::of(&sandbox, std::slice::from_ref(&secret));
        watch.look();
        assert!(watch.found().is_empty());
        fs::create_dir_all(sandbox.journal().join("live")).unwrap();
        let inner = json!({"k": text}).to_string();
        fs::write(
            sandbox.journal().join("live/x"),
            json!({"a": [{inner: 1}]}).to_string(),
        )
        .unwrap();
        watch.look();
        assert!(!watch.found().is_empty(), "{text}");
        let mut watch = Watch::of(&sandbox, &[secret]);
        watch.saw(sandbox.obs(["log", "--", text]));
        assert!(!watch.found().is_empty(), "{text}");
    }
}
