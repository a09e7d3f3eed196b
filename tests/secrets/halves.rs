//! Secrets that are cut, or parted over words, items and lines: half a secret is one too.

use super::corpus::{Secret, Watch, all};
use super::roomy;
use obs::redact;
use serde_json::json;
use std::fs;

/// Long secrets that show by their own form, not by a name before them.
fn tokens() -> Vec<&'static Secret> {
    let shows = |secret: &&Secret| {
        (24..200).contains(&secret.secret.len()) && redact::text(&secret.secret) != secret.secret
    };
    all().iter().filter(shows).collect()
}

#[test]
fn limits_cut_no_secret_in_half() {
    let attributes: Vec<String> = tokens()
        .iter()
        .enumerate()
        .map(|(at, token)| format!("k{at}={}", token.carrier))
        .collect();
    assert!(attributes.len() > 40);
    for limit in (14..120).step_by(7) {
        let sandbox = roomy().with("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", &limit.to_string());
        let mut watch = Watch::new(&sandbox);
        for words in [
            &["log", "error", "m"][..],
            &["span", "record", "s", "--start", "1"],
        ] {
            let words = words.iter().map(|word| (*word).to_owned());
            watch.saw(sandbox.obs(words.chain(attributes.clone())));
        }
        let start = sandbox
            .obs(["span", "start", "s", "--owner=0", "--json"])
            .stdout;
        let started: serde_json::Value = serde_json::from_str(&start).unwrap();
        let span = format!("--span={}", started["span_id"].as_str().unwrap());
        for command in ["event", "end"] {
            let name = if command == "event" { "e" } else { "ok" };
            let words = ["span", command, &span, name].map(str::to_owned);
            watch.saw(sandbox.obs(words.into_iter().chain(attributes.clone())));
        }
        watch.done();
    }
}

#[test]
fn cut_records_hold_no_secret_in_half() {
    let token = tokens()[0];
    for length in (3300..4000).step_by(11) {
        let sandbox = roomy().with("OBS_RECORD_BYTES", "4096");
        let mut watch = Watch::of(&sandbox, std::slice::from_ref(token));
        let message = format!("{} {}", "x".repeat(length), token.secret.repeat(3));
        watch.saw(sandbox.obs(["log", "error", &message]));
        watch.done();
    }
}

#[test]
fn cut_lines_hold_no_secret_in_half() {
    let token = tokens()[0];
    let sandbox = roomy();
    let mut watch = Watch::of(&sandbox, std::slice::from_ref(token));
    for before in [1, 8, 14, 20, 30] {
        let line = format!("{} {}\n", "x".repeat((1 << 20) - before - 1), token.secret);
        watch.saw(sandbox.obs_with(line.as_bytes(), &["log", "--stdin"]));
    }
    watch.done();
}

/// Messages of our own that quote a part of what was wrong.
#[test]
fn quoted_parts_hold_no_secret_in_half() {
    let mut leaks = Vec::new();
    for token in tokens().into_iter().step_by(4) {
        let sandbox = roomy().with(
            "OTEL_RESOURCE_ATTRIBUTES",
            &format!("{} {}", "x".repeat(14), token.secret.replace('=', "")),
        );
        let mut watch = Watch::of(&sandbox, std::slice::from_ref(token));
        watch.saw(sandbox.obs(["emit", "x"]));
        for before in [0, 10, 20, 30] {
            let wrong = format!("insertions={}{}", "y ".repeat(before / 2), token.secret);
            watch.saw(sandbox.obs(["emit", "git.commit", "commit_sha=1f0c9a7e", &wrong]));
            let wrong = format!("authored_time={}{}", "y ".repeat(before / 2), token.secret);
            watch.saw(sandbox.obs(["emit", "git.commit", "commit_sha=1f0c9a7e", &wrong]));
        }
        watch.look();
        leaks.extend(watch.found());
    }
    assert!(leaks.is_empty(), "{}\n{}", leaks.len(), leaks.join("\n"));
}

/// A command line that was given as words of its own, or as a list.
#[test]
fn flag_and_value_in_two_words_are_one_secret() {
    let secret = "quite-harmless-looking";
    for line in [
        &["tool", "--password", secret][..],
        &["tool", "--token", secret],
        &["curl", "-u", "bob:quite-harmless-looking", "https://x"],
        &["docker", "login", "-u", "bob", "-p", secret],
        &["mysql", "-pquite-harmless-looking", "db"],
        &["env", "DB_PASSWORD=quite-harmless-looking", "psql"],
    ] {
        let list = format!("process.command_args:={}", json!(line));
        let object = json!({"argv": line}).to_string();
        let mut leaks = Vec::new();
        for (what, words) in [
            ("words", [&["log", "info", "--", "running"], line].concat()),
            ("list", vec!["log", "info", "running", &list]),
            ("object", vec!["log", "info", "running", &object]),
            ("data", vec!["emit", "x", &list]),
        ] {
            let sandbox = roomy();
            let outcome = sandbox.obs(words);
            let everything = outcome.shown() + &String::from_utf8_lossy(&sandbox.all_bytes());
            if everything.contains(secret) {
                leaks.push(what);
            }
        }
        assert_eq!(leaks, [""; 0], "{line:?}");
    }
}

/// A private key that comes line by line, as `cat` and stack traces give it.
#[test]
fn key_over_many_lines_of_input_is_one_secret() {
    let body = "MIIEpAIBAAKCAQEA3Tz2mr7SZiAMfQyuvBjM9Oiv9Pu4";
    let key = [
        "-----BEGIN RSA PRIV",
        "ATE KEY-----\n",
        body,
        "\n",
        body,
        "\n-----END RSA PRIV",
        "ATE KEY-----\n",
    ]
    .concat();
    for words in [
        &["log", "--stdin"][..],
        &["log", "--stdin", "--json"],
        &["log", "--exception", "-", "error", "m"],
    ] {
        let sandbox = roomy();
        let input = format!("before\n{key}after\n");
        let outcome = sandbox.obs_with(input.as_bytes(), words);
        let everything = outcome.shown() + &String::from_utf8_lossy(&sandbox.all_bytes());
        assert!(!everything.contains(&body[..20]), "{words:?}: {everything}");
        assert!(
            everything.contains("before") && everything.contains("after"),
            "{words:?}"
        );
    }
}

/// The corpus with its line ends as line ends, and each text as a file.
#[test]
fn real_line_ends_hide_no_secret() {
    let sandbox = roomy();
    let mut watch = Watch::new(&sandbox);
    let mut words = vec!["log".to_owned(), "error".to_owned(), "m".to_owned()];
    for (at, secret) in all()
        .iter()
        .enumerate()
        .filter(|(_, secret)| secret.carrier.contains("\\n"))
    {
        let text = secret.carrier.replace("\\r", "\r").replace("\\n", "\n");
        fs::write(sandbox.path(&format!("work/f{at}")), &text).unwrap();
        words.push(format!("plain{at}={text}"));
        words.push(format!("file{at}@=f{at}"));
    }
    assert!(words.len() > 10);
    watch.saw(sandbox.obs(words));
    watch.done();
}

/// Texts that were quoted before they came: their line ends are two characters, the second a letter.
#[test]
fn escaped_line_ends_hide_no_secret() {
    let mut leaks = Vec::new();
    for text in [
        r"first\ncredential: hunter2 next",
        r"PASSWORD=abc123\ntoken = hunter2",
        r#"{"level":"ERROR","message":"connect failed\nuser: bob\nprivate_key: hunter2"#,
        r#"stderr was "a\r\nclient_secret = 'hunter2'\r\n""#,
    ] {
        let sandbox = roomy();
        let outcome = sandbox.obs_with(text.as_bytes(), &["log", "--stdin", "--json"]);
        let everything = outcome.shown() + &String::from_utf8_lossy(&sandbox.all_bytes());
        if everything.contains("hunter2") {
            leaks.push(text);
        }
    }
    assert_eq!(leaks, [""; 0]);
}
