//! Secrets from around a call: variables, the working directory, git, script names; and names that tell a secret.

use super::corpus::{Watch, all, bundle, bundles};
use super::roomy;
use crate::capture::PARENT;
use crate::sandbox::{Outcome, Sandbox, outcome, program};
use serde_json::json;
use std::fs;
use std::path::Path;

/// One call of every signal.
const CALLS: &[&[&str]] = &[
    &["log", "error", "m"],
    &["emit", "x"],
    &["metric", "inc", "n", "1"],
    &["span", "record", "s", "--start", "1"],
];

/// Runs obs with variables of its own.
fn obs(sandbox: &Sandbox, words: &[&str], variables: &[(&str, &str)]) -> Outcome {
    let mut command = sandbox.command(program());
    command.args(words).envs(variables.iter().copied());
    outcome(&command.output().unwrap())
}

/// Runs obs in a folder.
fn inside(sandbox: &Sandbox, folder: &Path) -> Outcome {
    let mut command = sandbox.command(program());
    command.args(["emit", "x"]).current_dir(folder);
    outcome(&command.output().unwrap())
}

/// All bytes but letters and digits as percent escapes.
fn encoded(text: &str) -> String {
    let escape = |byte: u8| match byte.is_ascii_alphanumeric() {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}

#[test]
fn nothing_leaks_through_names_of_the_service() {
    let sandbox = roomy();
    let mut watch = Watch::new(&sandbox);
    for at in 0..bundles() {
        let named = [
            "OTEL_SERVICE_NAME",
            "OTEL_SERVICE_VERSION",
            "OTEL_DEPLOYMENT_ENVIRONMENT",
        ];
        let variables = [0, 1, 2].map(|place| (named[place], bundle(at, place)));
        for words in CALLS {
            watch.saw(obs(&sandbox, words, &variables));
        }
    }
    watch.done();
}

#[test]
fn nothing_leaks_through_resource_attributes() {
    const NAME: &str = "OTEL_RESOURCE_ATTRIBUTES";
    let sandbox = roomy();
    let mut watch = Watch::new(&sandbox);
    let pair = |(at, text): (usize, String)| format!("k{at}={text},{text}=x");
    let whole: Vec<String> = all()
        .iter()
        .map(|secret| encoded(&secret.carrier))
        .enumerate()
        .map(pair)
        .collect();
    for words in CALLS {
        watch.saw(obs(&sandbox, words, &[(NAME, &whole.join(","))]));
    }
    for at in 0..bundles() {
        let text = encoded(bundle(at, 0));
        let named = format!("host.name={text},service.name={text},service.version={text}");
        for words in CALLS {
            watch.saw(obs(&sandbox, words, &[(NAME, &named)]));
        }
    }
    for secret in all().iter().step_by(3) {
        watch.saw(obs(
            &sandbox,
            &["emit", "x"],
            &[(NAME, &format!("k=%zz{}", secret.carrier))],
        ));
        // an equals sign would make two attributes of one secret
        if !secret.carrier.contains('=') {
            watch.saw(obs(
                &sandbox,
                &["emit", "x"],
                &[(NAME, &format!("{}%zz=x", secret.carrier))],
            ));
            watch.saw(obs(&sandbox, &["emit", "x"], &[(NAME, &secret.carrier)]));
        }
    }
    watch.done();
}

/// Valid values of TRACESTATE that hold every carrier that one can hold.
fn states() -> Vec<String> {
    let fits = |text: &&str| {
        text.len() < 256
            && text
                .bytes()
                .all(|byte| (b' '..=b'~').contains(&byte) && !b",=".contains(&byte))
    };
    let mut states = vec![String::new()];
    for (at, text) in all()
        .iter()
        .map(|secret| secret.carrier.as_str())
        .filter(fits)
        .enumerate()
    {
        let member = format!("k{at}={text}");
        match states
            .last_mut()
            .filter(|state| state.len() + member.len() < 500)
        {
            Some(state) => *state += &format!(",{member}"),
            None => states.push(member),
        }
    }
    states
}

#[test]
fn nothing_leaks_through_context_variables() {
    let sandbox = roomy();
    let mut watch = Watch::new(&sandbox);
    for state in states() {
        let variables = [("TRACEPARENT", PARENT), ("TRACESTATE", state.as_str())];
        watch.saw(obs(&sandbox, CALLS[3], &variables));
    }
    assert!(
        sandbox
            .records("spans")
            .iter()
            .filter(|span| span.get("trace_state").is_some())
            .count()
            > 8
    );
    for at in 0..bundles() {
        let names = ["TRACEPARENT", "TRACESTATE", "_OBS_STACK"].map(|name| (name, bundle(at, 0)));
        for words in [
            CALLS[0],
            &["span", "start", "s", "--owner", "0"],
            &["span", "end"],
        ] {
            watch.saw(obs(&sandbox, words, &names));
        }
    }
    watch.done();
}

#[test]
fn nothing_leaks_through_actor_and_flow() {
    let sandbox = roomy();
    let mut watch = Watch::new(&sandbox);
    let ci = [
        "GITHUB_ACTIONS",
        "GITHUB_ACTOR",
        "GITHUB_WORKFLOW",
        "GITHUB_RUN_ID",
        "GITHUB_REF_NAME",
    ];
    for at in 0..bundles() {
        for names in [&["OBS_ACTOR", "OBS_CORRELATION_ID"][..], &["USER"], &ci] {
            let variables: Vec<(&str, &str)> =
                names.iter().map(|name| (*name, bundle(at, 0))).collect();
            watch.saw(obs(&sandbox, CALLS[1], &variables));
        }
    }
    watch.done();
}

#[test]
fn nothing_leaks_through_the_pipeline() {
    let sandbox = roomy();
    let mut watch = Watch::new(&sandbox);
    let names = [
        "GITHUB_WORKFLOW",
        "GITHUB_REF_NAME",
        "GITHUB_REPOSITORY",
        "GITHUB_EVENT_NAME",
        "OTEL_SERVICE_NAME",
    ];
    for at in 0..bundles() {
        let run = at.to_string();
        let mut variables = vec![("GITHUB_ACTIONS", "true"), ("GITHUB_RUN_ATTEMPT", "1")];
        variables.push(("GITHUB_RUN_ID", &run));
        variables.extend(names.map(|name| (name, bundle(at, 0))));
        for words in [
            &["context", "ci", "--json"][..],
            &["context", "show"],
            &["context", "show", "--human"],
            &["ci", "started", "--name", bundle(at, 0)],
            &["ci", "finished"],
        ] {
            watch.saw(obs(&sandbox, words, &variables));
        }
    }
    watch.done();
}

#[test]
fn nothing_leaks_through_settings_that_are_wrong() {
    let sandbox = roomy();
    let mut watch = Watch::new(&sandbox);
    let names = [
        "OBS_LOG_LEVEL",
        "OBS_LOG_STREAM",
        "OBS_LOG_FORMAT",
        "OBS_LOCK_TIMEOUT",
        "OBS_ROTATE_BYTES",
        "OBS_STRICT",
        "OBS_DURABLE",
        "OBS_ACTOR_TYPE",
        "OTEL_ATTRIBUTE_COUNT_LIMIT",
        "OTEL_SPAN_EVENT_COUNT_LIMIT",
        "OTEL_TRACES_SAMPLER",
        "OTEL_TRACES_SAMPLER_ARG",
        "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT",
    ];
    for secret in all().iter().step_by(6) {
        let carrier = secret.carrier.as_str();
        let variables = names.map(|name| (name, carrier));
        for words in [CALLS[0], CALLS[3], &["spans", "--json"]] {
            watch.saw(obs(&sandbox, words, &variables));
        }
        let ratio = [
            ("OTEL_TRACES_SAMPLER", "traceidratio"),
            ("OTEL_TRACES_SAMPLER_ARG", carrier),
        ];
        watch.saw(obs(&sandbox, CALLS[3], &ratio));
    }
    watch.done();
}

/// The carriers that can be the name of a file.
fn names() -> impl Iterator<Item = &'static str> {
    let carriers = all().iter().map(|secret| secret.carrier.as_str());
    carriers.filter(|name| !name.starts_with('-') && !name.contains('/') && name.len() < 250)
}

#[test]
fn nothing_leaks_through_names_of_folders() {
    let sandbox = roomy();
    let mut watch = Watch::new(&sandbox);
    assert!(names().count() > 150);
    for name in names() {
        let folder = sandbox.path("work").join(name);
        fs::create_dir_all(folder.join(".git")).unwrap();
        fs::write(folder.join(".git/HEAD"), "ref: refs/heads/main\n").unwrap();
        watch.saw(inside(&sandbox, &folder));
    }
    watch.done();
}

#[test]
fn nothing_leaks_through_git() {
    let sandbox = roomy();
    let mut watch = Watch::new(&sandbox);
    let dot = sandbox.path("work/.git");
    fs::create_dir(&dot).unwrap();
    for pair in all().chunks(2) {
        let (branch, origin) = (&pair[0].carrier, &pair[pair.len() - 1].carrier);
        fs::write(dot.join("HEAD"), format!("ref: refs/heads/{branch}\n")).unwrap();
        fs::write(
            dot.join("config"),
            format!("[remote \"origin\"]\n\turl = {origin}\n"),
        )
        .unwrap();
        watch.saw(sandbox.obs(["emit", "x"]));
    }
    watch.done();
}

#[test]
fn nothing_leaks_through_the_name_of_the_script() {
    let sandbox = roomy();
    let mut watch = Watch::new(&sandbox);
    let text = "obs log error m; obs emit x; obs metric inc n; obs span record s --start 1; true\n";
    for name in names().step_by(5) {
        let script = sandbox.path("work").join(name);
        fs::write(&script, text).unwrap();
        let mut command = sandbox.command("sh");
        watch.saw(outcome(&command.arg("--").arg(script).output().unwrap()));
    }
    watch.done();
}

/// Names that tell a secret, with a value that no rule would know.
#[test]
fn secret_names_hide_any_text_in_every_form() {
    let value = "harmless looking words";
    for name in [
        "password",
        "api_key",
        "authToken",
        "DB_PASSWORD",
        "client-secret",
        "db.passwd",
    ] {
        let sandbox = roomy();
        fs::write(sandbox.path("work/f"), value).unwrap();
        let more = [
            format!("{name}={value}"),
            format!("a.{name}:={}", json!(value)),
            format!("b.{name}@=f"),
            json!({"c": {name: value}}).to_string(),
            json!({"d": {name: {"deep": [value]}}}).to_string(),
            format!("e.{name}:={value}"),
        ];
        let resource = format!("{name}={}", encoded(value));
        for call in CALLS {
            let words: Vec<&str> = call
                .iter()
                .copied()
                .chain(more.iter().map(String::as_str))
                .collect();
            let said = obs(&sandbox, &words, &[("OTEL_RESOURCE_ATTRIBUTES", &resource)]);
            assert_eq!(said.code, 0, "{}", said.shown());
            let everything = said.shown() + &String::from_utf8_lossy(&sandbox.all_bytes());
            assert!(
                !everything.contains("looking"),
                "{name} {call:?}: {everything}"
            );
        }
        let line = json!({"message": "m", name: value, "context": {name: value}}).to_string();
        let said = sandbox.obs_with(line.as_bytes(), &["log", "--stdin", "--json"]);
        let everything = said.shown() + &String::from_utf8_lossy(&sandbox.all_bytes());
        assert!(!everything.contains("looking"), "{name}: {everything}");
    }
}
