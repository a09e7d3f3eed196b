//! Secrets through spans: recorded ones, started ones while they live in a file, and the wrong words of all commands.

use super::corpus::{Watch, bundle, bundles};
use super::{attributes, call, options, roomy};
use serde_json::{Value, json};

#[test]
fn nothing_leaks_through_recorded_spans() {
    let sandbox = roomy();
    let mut watch = Watch::new(&sandbox);
    for at in 0..bundles() {
        let names = [
            "start",
            "end",
            "kind",
            "message",
            "span",
            "parent",
            "attributes",
        ];
        let words = call(&["span", "record", "--status=error"], options(at, &names));
        watch.saw(sandbox.obs([words, call(&["--", bundle(at, 7)], vec![])].concat()));
    }
    for at in 0..bundles() {
        let status = format!("--status={}", bundle(at, 0));
        watch.saw(sandbox.obs(["span", "record", "s", "--start=1", &status]));
    }
    watch.done();
}

/// Starts a span; the answer is the option that names it.
fn start(sandbox: &crate::sandbox::Sandbox, watch: &mut Watch<'_>, more: Vec<String>) -> String {
    let words = call(&["span", "start", "--owner=0", "--json"], more);
    let outcome = sandbox.obs(words);
    let started: Value = serde_json::from_str(&outcome.stdout).unwrap();
    watch.saw(outcome);
    format!("--span={}", started["span_id"].as_str().unwrap())
}

#[test]
fn nothing_leaks_through_attributes_of_started_spans() {
    let sandbox = roomy();
    let mut watch = Watch::new(&sandbox);
    let mut words = attributes(&sandbox);
    words.retain(|word| !word.starts_with("text") && !word.starts_with("file"));
    let span = start(
        &sandbox,
        &mut watch,
        [vec!["s".to_owned()], words.clone()].concat(),
    );
    watch.look();
    let other = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03";
    for command in [
        &["span", "set", &span][..],
        &["span", "event", &span, "e"],
        &["span", "link", &span, other],
    ] {
        watch.saw(sandbox.obs(call(command, words.clone())));
        watch.look();
    }
    watch.saw(sandbox.obs(call(&["span", "end", &span, "error", "m"], words)));
    assert_eq!(sandbox.records("spans").len(), 1);
    watch.done();
}

#[test]
fn nothing_leaks_through_fields_of_started_spans() {
    let sandbox = roomy();
    let mut watch = Watch::new(&sandbox);
    for at in 0..bundles() {
        let given = call(
            &[
                "--kind",
                bundle(at, 0),
                "--start",
                bundle(at, 1),
                "--",
                bundle(at, 2),
            ],
            vec![],
        );
        let span = start(&sandbox, &mut watch, given);
        let note = json!({"note": bundle(at, 3)}).to_string();
        for words in [
            &[
                "span",
                "event",
                &span,
                "--time",
                bundle(at, 4),
                "--",
                bundle(at, 5),
            ][..],
            &["span", "set", &span, "--name", bundle(at, 6)],
            &["span", "link", &span, "--", bundle(at, 7), &note],
            &["span", "status", &span, "error", "--", bundle(at, 8)],
        ] {
            watch.saw(sandbox.obs(words));
        }
        if at % 20 == 0 {
            watch.look();
        }
        let end = [
            "span",
            "end",
            &span,
            "--end",
            bundle(at, 9),
            "--exit-code",
            bundle(at, 10),
            "--",
            "error",
            bundle(at, 11),
        ];
        watch.saw(sandbox.obs(end));
    }
    watch.done();
}

#[test]
fn nothing_leaks_through_wrong_words() {
    let sandbox = roomy().with("OBS_STRICT", "1");
    let mut watch = Watch::new(&sandbox);
    for at in (0..bundles()).step_by(2) {
        let carrier = bundle(at, 0);
        let option = |name: &str| format!("--{name}={carrier}");
        for words in [
            &["emit", "x", carrier][..],
            &["emit", carrier, "word"],
            &[
                "emit",
                "x",
                &format!("--{}", carrier.trim_start_matches('-')),
            ],
            &["metric", "inc", "n", "1", carrier],
            &["span", "start", "s", carrier],
            &["span", "start", "s", &option("ttl")],
            &["span", "start", "s", &option("owner")],
            &["span", "start", "s", &option("shell")],
            &["span", "end", carrier],
            &["span", "end", &option("span")],
            &["span", "status", carrier],
            &["span", "status", "ok", "m", carrier],
            &["span", carrier],
            &["metric", carrier],
            &[carrier],
        ] {
            watch.saw(sandbox.obs(words));
        }
    }
    watch.done();
}
