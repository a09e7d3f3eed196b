//! The pipeline's own span and its events: told once, by whatever job says so.

use super::{context, events, job, json, names, spans};
use crate::capture::{PARENT, SPAN, TRACE};
use crate::sandbox::Sandbox;
use serde_json::{Value, json};

#[test]
fn pipeline_is_the_root_of_its_steps() {
    for name in names() {
        let sandbox = job(name);
        let context = context(&sandbox);
        sandbox.script("sh", WHOLE).quiet();
        let spans = spans(&sandbox);
        assert_eq!(spans.len(), 2, "{name}");
        let (step, pipeline) = (&spans[0], &spans[1]);
        assert_eq!(pipeline["span_id"], context["span_id"], "{name}");
        assert_eq!(pipeline["trace_id"], context["trace_id"], "{name}");
        assert_eq!(pipeline["parent_span_id"], Value::Null, "{name}");
        assert_eq!(pipeline["kind"], "server", "{name}");
        assert_eq!(step["parent_span_id"], pipeline["span_id"], "{name}");
        let resource = &pipeline["resource"];
        let action = format!("RUN {}", resource["cicd.pipeline.name"].as_str().unwrap());
        assert_eq!(pipeline["name"], action, "{name}");
        assert_eq!(pipeline["attributes"]["cicd.pipeline.action.name"], "RUN");
        assert_eq!(resource["cicd.pipeline.task.name"], Value::Null, "{name}");
        let types: Vec<Value> = events(&sandbox)
            .iter()
            .map(|event| event["event_type"].clone())
            .collect();
        assert_eq!(
            types,
            ["ci.pipeline.started", "ci.pipeline.completed"],
            "{name}"
        );
        let shown = json(&sandbox.obs(["trace", "latest", "--json"]).quiet());
        assert!(shown.get("live").is_none(), "{name}");
    }
}

/// Each word twice: the second changes nothing.
const WHOLE: &str = r#"set -eu
eval "$(obs context ci)"
obs ci started
obs ci started --start 2001-01-01T00:00:00Z
obs span exec -n step -- true
obs ci finished
obs ci finished --status failure
obs ci started
"#;

#[test]
fn ids_are_the_same_without_the_context() {
    let sandbox = job("github");
    sandbox.obs(["ci", "finished"]).quiet();
    assert_eq!(spans(&sandbox)[0]["span_id"], context(&sandbox)["span_id"]);
}

#[test]
fn events_say_what_the_run_is() {
    let sandbox = job("drone");
    sandbox.obs(["ci", "started"]).quiet();
    sandbox.obs(["ci", "finished"]).quiet();
    let events = events(&sandbox);
    let run = json!({
        "pipeline": "octocat/hello-world", "job": "test", "run_id": "42", "branch": "main", "default_branch": true,
        "url": "https://drone.company.com/octocat/hello-world/42",
        "commit_sha": "bcdd4bf0245c82c060407b3b24b9b87301d15ac1",
    });
    let mut started = run.clone();
    let object = started.as_object_mut().unwrap();
    object.insert("trigger".to_owned(), json!("push"));
    object.insert(
        "queued_time".to_owned(),
        json!("2019-07-13T21:59:10.000000Z"),
    );
    object.insert("queue_ms".to_owned(), json!(37_000));
    assert_eq!(events[0]["data"], started);
    let mut completed = events[1]["data"].clone();
    let object = completed.as_object_mut().unwrap();
    assert!(object.remove("duration_ms").unwrap().as_f64().unwrap() > 0.0);
    assert_eq!(object.remove("status"), Some(json!("failure")));
    assert_eq!(object.remove("outcome"), Some(json!("failure")));
    assert_eq!(object.remove("error_type"), Some(json!("failure")));
    assert_eq!(
        object.remove("started_time"),
        Some(json!("2019-07-13T21:59:47.000000Z"))
    );
    assert_eq!(completed, run);
    let context = &events[1]["trace_context"];
    assert_eq!(context["span_id"], spans(&sandbox)[0]["span_id"]);
}

#[test]
fn start_is_given_or_the_cis_or_now() {
    let start = |sandbox: &Sandbox, words: &[&str]| {
        sandbox.obs([&["ci", "finished"], words].concat()).quiet();
        spans(sandbox)[0]["timestamp"].as_str().unwrap().to_owned()
    };
    for (name, at) in [
        ("azure", "2021-03-12T10:04:05"),
        ("drone", "2019-07-13T21:59:47"),
        ("gitlab", "2022-01-31T16:47:55"),
        ("woodpecker", "2024-08-02T16:52:02"),
    ] {
        assert!(start(&job(name), &[]).starts_with(at), "{name}");
        assert!(
            start(&job(name), &["--start", "1700000000"]).starts_with("2023-11-14T22:13:20"),
            "{name}"
        );
    }
    let sandbox = job("github");
    let now = start(&sandbox, &[]);
    let span = &spans(&sandbox)[0];
    assert!(span["end"].as_str().unwrap() >= now.as_str());
    assert!(span["duration_ms"].as_f64().unwrap() < 60_000.0);
}

#[test]
fn clock_ahead_makes_no_negative_length() {
    let sandbox = job("gitlab").with("CI_PIPELINE_CREATED_AT", "2190-01-01T00:00:00Z");
    sandbox.obs(["ci", "finished"]).quiet();
    let span = &spans(&sandbox)[0];
    assert!(span["end"].as_str() >= span["timestamp"].as_str());
    assert!(span["timestamp"].as_str().unwrap() < "2190");
    let started = job("woodpecker")
        .with("CI_PIPELINE_STARTED", "0")
        .with("CI_PIPELINE_CREATED", "0");
    started.obs(["ci", "finished"]).quiet();
    assert!(spans(&started)[0]["timestamp"].as_str().unwrap() > "2020");
}

/// Status as `obs ci finished` says it, in span and event.
fn status(sandbox: &Sandbox, words: &[&str]) -> [Value; 4] {
    sandbox.obs([&["ci", "finished"], words].concat()).quiet();
    let (span, event) = (&spans(sandbox)[0], &events(sandbox)[0]);
    [
        span["status"]["code"].clone(),
        span["attributes"]["cicd.pipeline.result"].clone(),
        event["data"]["status"].clone(),
        event["data"]["outcome"].clone(),
    ]
}

#[test]
fn status_is_given_in_any_cis_words() {
    for (word, expected) in [
        ("success", ["unset", "success", "success", "success"]),
        ("failure", ["error", "failure", "failure", "failure"]),
        ("Canceled", ["unset", "cancellation", "cancelled", "cancel"]),
        ("skipped", ["unset", "skip", "skipped", ""]),
        ("error", ["error", "error", "failure", "error"]),
        ("timeout", ["error", "timeout", "failure", "error"]),
        ("7", ["error", "failure", "failure", "failure"]),
    ] {
        let found = status(&job("github"), &["--status", word]);
        let expected = expected.map(|text| {
            if text.is_empty() {
                Value::Null
            } else {
                json!(text)
            }
        });
        assert_eq!(found, expected, "{word}");
    }
}

#[test]
fn status_is_what_the_ci_says() {
    for (name, result) in [
        ("azure", "success"),
        ("bitbucket", "failure"),
        ("circleci", "success"),
        ("drone", "failure"),
        ("gitlab", "success"),
        ("tekton", "failure"),
        ("travis", "success"),
    ] {
        assert_eq!(status(&job(name), &[])[1], result, "{name}");
    }
    for (name, variable, word, result) in [
        ("gitlab", "CI_JOB_STATUS", "failed", "failure"),
        ("gitlab", "CI_JOB_STATUS", "canceled", "cancellation"),
        ("azure", "AGENT_JOBSTATUS", "Failed", "failure"),
        ("azure", "AGENT_JOBSTATUS", "Canceled", "cancellation"),
        (
            "buildkite",
            "BUILDKITE_COMMAND_EXIT_STATUS",
            "137",
            "failure",
        ),
        // a signal, or an agent that was lost
        (
            "buildkite",
            "BUILDKITE_COMMAND_EXIT_STATUS",
            "-1",
            "failure",
        ),
        (
            "buildkite",
            "BUILDKITE_COMMAND_EXIT_STATUS",
            "300",
            "failure",
        ),
        ("buildkite", "BUILDKITE_COMMAND_EXIT_STATUS", "0", "success"),
        ("travis", "TRAVIS_TEST_RESULT", "1", "failure"),
        ("woodpecker", "CI_PIPELINE_STATUS", "failure", "failure"),
    ] {
        assert_eq!(
            status(&job(name).with(variable, word), &[])[1],
            result,
            "{name} {word}"
        );
        assert_eq!(
            status(&job(name).with(variable, word), &["--status", "skipped"])[1],
            "skip"
        );
    }
}

#[test]
fn word_that_is_no_end_is_said() {
    let sandbox = job("gitlab").with("CI_JOB_STATUS", "running");
    let outcome = sandbox.obs(["ci", "finished"]);
    assert_eq!(outcome.code, 0, "{}", outcome.shown());
    assert!(
        outcome
            .stderr
            .starts_with("obs: CI_JOB_STATUS is `running`, which is no end"),
        "{}",
        outcome.shown()
    );
    assert_eq!(
        spans(&sandbox)[0]["attributes"]["cicd.pipeline.result"],
        "success"
    );
}

/// What a crash before the last step leaves: the span lives, and no ledger knows of it.
#[test]
fn crash_tells_the_same_event_again() {
    let sandbox = job("github");
    sandbox.obs(["ci", "started"]).quiet();
    std::fs::remove_file(sandbox.journal().join("ledger/ci.ids")).unwrap();
    sandbox.obs(["ci", "started"]).quiet();
    let ids: Vec<Value> = events(&sandbox)
        .iter()
        .map(|event| event["event_id"].clone())
        .collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(ids[0], ids[1]);
}

#[test]
fn wrong_words_are_refused() {
    let sandbox = job("github");
    for words in [["--status", "fine"], ["--start", "soon"]] {
        let outcome = sandbox.obs([&["ci", "finished"], &words[..]].concat());
        assert_eq!(outcome.code, 2, "{}", outcome.shown());
    }
    assert!(spans(&sandbox).is_empty());
}

/// A trace from outside has a root already: the pipeline is a child in it, the same one for every step that asks.
#[test]
fn pipeline_in_another_trace_is_a_child() {
    let sandbox = job("jenkins")
        .with("TRACEPARENT", PARENT)
        .with("TRACESTATE", "a=b");
    sandbox.obs(["ci", "started"]).quiet();
    let later = format!("00-{TRACE}-00f067aa0ba902b9-01");
    let sandbox = sandbox
        .with("TRACEPARENT", &later)
        .with("STAGE_NAME", "Deploy");
    sandbox.obs(["ci", "finished"]).quiet();
    let spans = spans(&sandbox);
    assert_eq!(spans.len(), 1);
    assert_eq!(
        (&spans[0]["trace_id"], &spans[0]["parent_span_id"]),
        (&json!(TRACE), &json!(SPAN))
    );
    assert_eq!(spans[0]["trace_state"], "a=b");
    let context = context(&sandbox);
    assert_eq!(context["pipeline_span_id"], spans[0]["span_id"]);
    assert_eq!(context["traceparent"], later);
    let derived = super::context(&sandbox.with("TRACEPARENT", ""));
    assert_ne!(derived["span_id"], spans[0]["span_id"]);
}

#[test]
fn attempts_are_pipelines_of_their_own() {
    let first = job("github");
    first.obs(["ci", "finished", "--status", "failure"]).quiet();
    let second = first.with("GITHUB_RUN_ATTEMPT", "4");
    second.obs(["ci", "finished"]).quiet();
    let spans = spans(&second);
    assert_eq!(spans.len(), 2);
    assert_ne!(spans[0]["trace_id"], spans[1]["trace_id"]);
}

#[test]
fn open_pipeline_is_not_abandoned() {
    let sandbox = job("github");
    sandbox
        .script("sh", "obs ci started --name nightly\n")
        .quiet();
    let swept = sandbox.obs(["fsck", "--repair"]);
    assert_eq!(swept.code, 0, "{}", swept.shown());
    assert!(spans(&sandbox).is_empty());
    let shown = json(&sandbox.obs(["trace", "latest", "--json"]).quiet());
    assert_eq!(shown["live"][0]["name"], "RUN nightly");
    assert_eq!(
        shown["live"][0]["attributes"]["cicd.pipeline.name"],
        "nightly"
    );
    assert_eq!(shown["live"][0]["status"]["code"], "unset");
}

#[test]
fn disabled_sdk_keeps_nothing_but_the_context() {
    let sandbox = job("github").with("OTEL_SDK_DISABLED", "true");
    sandbox.script("sh", WHOLE).quiet();
    assert!(spans(&sandbox).is_empty() && events(&sandbox).is_empty());
    assert_eq!(context(&sandbox)["trace_from"], "run");
}

/// Another machine has another journal: what both tell of one run has the same ids, so whoever gathers them has it once.
#[test]
fn other_machines_tell_the_same_run() {
    let told = || {
        let sandbox = job("gitlab");
        sandbox.obs(["ci", "started"]).quiet();
        sandbox.obs(["ci", "finished"]).quiet();
        let events: Vec<Value> = events(&sandbox)
            .iter()
            .map(|event| event["event_id"].clone())
            .collect();
        (spans(&sandbox)[0]["span_id"].clone(), events)
    };
    let (first, second) = (told(), told());
    assert_eq!(first, second);
    assert_ne!(first.1[0], first.1[1]);
}

#[test]
fn jobs_at_once_tell_it_once() {
    let sandbox = job("azure");
    let words = [
        "started", "finished", "started", "finished", "finished", "started",
    ];
    let jobs: Vec<_> = words
        .iter()
        .map(|word| {
            sandbox
                .command(crate::sandbox::program())
                .args(["ci", word])
                .spawn()
        })
        .collect();
    for job in jobs {
        assert!(job.unwrap().wait().unwrap().success());
    }
    sandbox.obs(["ci", "finished"]).quiet();
    assert_eq!(spans(&sandbox).len(), 1);
    let completed = |event: &&Value| event["event_type"] == "ci.pipeline.completed";
    assert_eq!(events(&sandbox).iter().filter(completed).count(), 1);
    assert!(events(&sandbox).len() <= 2);
}

/// A job lives on where the journal cannot: what is said goes to the second place.
#[test]
fn journal_without_a_place_fails_no_job() {
    let sandbox = job("github").with("OBS_HOME", "/dev/null/journal");
    for word in ["started", "finished"] {
        assert_eq!(sandbox.obs(["ci", word]).quiet().stdout, "");
    }
    let kept = sandbox.records("spans");
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert_eq!(kept[0]["span_id"], context(&sandbox)["span_id"]);
}
