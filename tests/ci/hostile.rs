//! What a branch is called, or what a commit's author thought of, stays data: in code to eval, in the file of GITHUB_ENV,
//! in a dotenv file.

use super::{context, events, job};
use crate::sandbox::{Sandbox, have};
use serde_json::Value;
use std::fs;

/// Values that would be code, another variable, or the end of a block, if anything took them for more than data.
const HOSTILE: &[&str] = &[
    "$(touch pwned)",
    "`touch pwned`",
    "'; touch pwned; '",
    "\"; touch pwned; \"",
    "a\ntouch pwned\n",
    "a\nTRACEPARENT=00-11111111111111111111111111111111-1111111111111111-01",
    "OBS\nPATH=/nowhere\nOBS",
    "a,cicd.pipeline.run.id=forged",
    "%2C%zz;=\\",
    "\\'; touch pwned #",
    "((touch pwned))",
    "é 🚀 \u{202e}x",
    "-n",
    "  spaces  ",
];

/// Where a hostile value gets in: the pipeline's name, a branch, and what the user's own attributes may hold.
fn attacked(value: &str) -> Sandbox {
    job("github")
        .with("GITHUB_WORKFLOW", value)
        .with("GITHUB_HEAD_REF", value)
}

/// The event that a script emits last is what it would be without any code to eval.
#[track_caller]
fn check(sandbox: &Sandbox, shell: &str, script: &str, value: &str) {
    sandbox.obs(["emit", "before"]).quiet();
    let outcome = sandbox.script(shell, script);
    assert_eq!(outcome.code, 0, "{shell} {value:?} {}", outcome.shown());
    assert_eq!(outcome.stdout, "", "{shell} {value:?}");
    assert!(!sandbox.path("work/pwned").exists(), "{shell} {value:?}");
    let events = events(sandbox);
    let [.., before, after] = &events[..] else {
        panic!("{shell} {value:?}: {}", outcome.shown());
    };
    assert_eq!(after["event_type"], "after", "{shell} {value:?}");
    assert_eq!(before["resource"], after["resource"], "{shell} {value:?}");
    assert_eq!(
        after["trace_context"]["span_id"],
        context(sandbox)["span_id"],
        "{shell} {value:?}"
    );
}

#[test]
fn evaluated_code_runs_nothing() {
    for shell in ["bash", "zsh", "dash", "busybox ash", "mksh"] {
        if !have(shell.split(' ').next().unwrap()) {
            continue;
        }
        for value in HOSTILE {
            let script = "set -eu\neval \"$(obs context ci)\"\nobs emit after\n";
            check(&attacked(value), shell, script, value);
        }
    }
}

#[test]
fn evaluated_code_runs_nothing_in_fish() {
    if !have("fish") {
        return;
    }
    for value in HOSTILE {
        let script =
            "eval (obs context ci | string collect); or exit 1\nobs emit after; or exit 1\n";
        check(&attacked(value), "fish", script, value);
    }
}

/// The variable with all that a run tells must leave room for what a command is started with (128 KiB a word).
#[test]
fn long_values_are_cut() {
    let secret = "ghp_0123456789abcdefghijABCDEFGHIJ456789";
    let spaces = " ".repeat(60_000);
    let letters = "é🚀".repeat(60_000 / 6);
    let hidden = format!("{}{secret}", "x ".repeat(505));
    for value in [spaces, letters, hidden] {
        let sandbox = attacked(&value);
        let script = "set -eu\neval \"$(obs context ci)\"\n/bin/true\nobs emit after\n";
        check(&sandbox, "sh", script, "a long value");
        let event = events(&sandbox).pop().unwrap();
        let name = event["resource"]["cicd.pipeline.name"].as_str().unwrap();
        assert!((1000..=1024).contains(&name.len()), "{}", name.len());
        let head = name.trim_end_matches('…');
        assert!(value.starts_with(head) || name.contains("[REDACTED"));
        assert!(!name.contains("ghp_0"), "{name}");
    }
}

/// Reads a file as the runner does: `NAME=value`, or `NAME<<END` and lines until END
/// (actions/runner, src/Runner.Worker/FileCommandManager.cs, EnvFileKeyValuePairs).
fn read_github(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let (equals, heredoc) = (line.find('='), line.find("<<"));
        match (equals, heredoc) {
            (Some(at), None) => found.push((line[..at].to_owned(), line[at + 1..].to_owned())),
            (Some(at), Some(other)) if at < other => {
                found.push((line[..at].to_owned(), line[at + 1..].to_owned()));
            }
            (_, Some(at)) => {
                let end = &line[at + 2..];
                let value: Vec<&str> = lines.by_ref().take_while(|line| *line != end).collect();
                found.push((line[..at].to_owned(), value.join("\n")));
            }
            (None, None) => panic!("no variable: {line:?}"),
        }
    }
    found
}

#[test]
fn github_file_holds_values_whole() {
    for value in HOSTILE {
        // what the user's own attributes hold comes through as it is, line ends too
        let sandbox = attacked(value).with("OTEL_RESOURCE_ATTRIBUTES", "mine=a\nOBS\nPATH=x\nb");
        let expected = context(&sandbox);
        let file = sandbox.path("work/github_env");
        fs::write(&file, "EARLIER=1\n").unwrap();
        let sandbox = sandbox.with("GITHUB_ENV", file.to_str().unwrap());
        for _ in 0..2 {
            let outcome = sandbox.obs(["context", "ci", "--github-env"]).quiet();
            assert_eq!(outcome.stdout, "");
        }
        let mut found = read_github(&fs::read_to_string(&file).unwrap());
        assert_eq!(found.remove(0), ("EARLIER".to_owned(), "1".to_owned()));
        let expected = expected["environment"].as_object().unwrap().iter();
        let expected: Vec<(String, String)> = expected
            .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
            .collect();
        assert_eq!(found, expected, "{value:?}");
    }
}

#[test]
fn github_file_is_needed() {
    let outcome = job("github").obs(["context", "ci", "--github-env"]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""));
    assert!(
        outcome.stderr.starts_with("obs: GITHUB_ENV is not set"),
        "{}",
        outcome.stderr
    );
    let nowhere = job("github").with("GITHUB_ENV", "/nowhere/at/all");
    let outcome = nowhere.obs(["context", "ci", "--github-env"]);
    assert_eq!(outcome.code, 3, "{}", outcome.shown());
}

#[test]
fn dotenv_file_has_one_line_each() {
    for value in HOSTILE {
        let sandbox = attacked(value).with("OTEL_RESOURCE_ATTRIBUTES", "mine=a\nPATH=x");
        for _ in 0..2 {
            let outcome = sandbox
                .obs(["context", "ci", "--env-file", "build.env"])
                .quiet();
            assert_eq!(outcome.stdout, "");
        }
        let text = fs::read_to_string(sandbox.path("work/build.env")).unwrap();
        let names: Vec<&str> = text
            .lines()
            .map(|line| line.split_once('=').unwrap().0)
            .collect();
        assert_eq!(
            names,
            [
                "TRACEPARENT",
                "OTEL_RESOURCE_ATTRIBUTES",
                "OBS_CORRELATION_ID"
            ],
            "{value:?}"
        );
        assert!(
            text.contains("OTEL_RESOURCE_ATTRIBUTES=mine=a%0APATH=x,"),
            "{text}"
        );
    }
}

/// A dotenv report goes to later jobs, in which what was true of this one would win over what is.
#[test]
fn dotenv_file_leaves_the_job_out() {
    let sandbox = job("gitlab");
    sandbox
        .obs(["context", "ci", "--env-file", "build.env"])
        .quiet();
    let text = fs::read_to_string(sandbox.path("work/build.env")).unwrap();
    assert!(
        !text.contains("cicd.pipeline.task") && text.contains("cicd.pipeline.run.id=1000"),
        "{text}"
    );
    let later = text.lines().fold(
        job("gitlab").with("CI_JOB_NAME", "deploy"),
        |sandbox, line| {
            let (name, value) = line.split_once('=').unwrap();
            sandbox.with(name, value)
        },
    );
    later.obs(["emit", "x"]).quiet();
    let event = events(&later).pop().unwrap();
    assert_eq!(event["resource"]["cicd.pipeline.task.name"], "deploy");
    assert_ne!(event["correlation_id"], Value::Null);
}
