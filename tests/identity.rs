//! Who and which flow: correlation, causation, actor, service, resource, and the CI that all of it may come from.

use crate::capture::{PARENT, TRACE, silent};
use crate::sandbox::Sandbox;
use serde_json::{Value, json};

/// One CI with the variables of a job: its mark, what names the run, who started it, one that differs between jobs.
type Provider = (
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static str,
    &'static str,
);

#[rustfmt::skip]
const PROVIDERS: &[Provider] = &[
    ("github", &[("GITHUB_ACTIONS", "true"), ("GITHUB_REPOSITORY", "o/r"), ("GITHUB_RUN_ATTEMPT", "1"), ("GITHUB_RUN_ID", "77"), ("GITHUB_ACTOR", "jo")], "GITHUB_RUN_ID", "GITHUB_JOB"),
    ("gitlab", &[("GITLAB_CI", "true"), ("CI_SERVER_HOST", "h"), ("CI_PIPELINE_ID", "77"), ("GITLAB_USER_LOGIN", "jo")], "CI_PIPELINE_ID", "CI_JOB_NAME"),
    ("buildkite", &[("BUILDKITE", "true"), ("BUILDKITE_BUILD_ID", "77"), ("BUILDKITE_BUILD_CREATOR", "jo")], "BUILDKITE_BUILD_ID", "BUILDKITE_LABEL"),
    ("circleci", &[("CIRCLECI", "true"), ("CIRCLE_WORKFLOW_ID", "77"), ("CIRCLE_USERNAME", "jo")], "CIRCLE_WORKFLOW_ID", "CIRCLE_JOB"),
    ("azure", &[("TF_BUILD", "True"), ("SYSTEM_COLLECTIONURI", "u"), ("SYSTEM_TEAMPROJECTID", "p"), ("BUILD_BUILDID", "77"), ("BUILD_REQUESTEDFOR", "jo")], "BUILD_BUILDID", "AGENT_JOBNAME"),
    ("drone", &[("DRONE", "true"), ("DRONE_REPO", "o/r"), ("DRONE_BUILD_NUMBER", "77"), ("DRONE_BUILD_TRIGGER", "jo")], "DRONE_BUILD_NUMBER", "DRONE_STEP_NAME"),
    ("travis", &[("TRAVIS", "true"), ("TRAVIS_REPO_SLUG", "o/r"), ("TRAVIS_BUILD_ID", "77"), ("TRAVIS_EVENT_TYPE", "jo")], "TRAVIS_BUILD_ID", "TRAVIS_JOB_NAME"),
    ("jenkins", &[("JENKINS_URL", "u"), ("JOB_NAME", "j"), ("BUILD_NUMBER", "77"), ("BUILD_USER_ID", "jo")], "BUILD_NUMBER", "STAGE_NAME"),
    ("woodpecker", &[("CI", "woodpecker"), ("CI_REPO", "o/r"), ("CI_PIPELINE_NUMBER", "77"), ("CI_COMMIT_AUTHOR", "jo")], "CI_PIPELINE_NUMBER", "CI_STEP_NAME"),
];

/// The one event of a call with these variables.
fn emitted(variables: &[(&str, &str)], words: &[&str]) -> Value {
    let mut sandbox = silent();
    for (name, value) in variables {
        sandbox = sandbox.with(name, value);
    }
    sandbox.obs([&["emit", "x"], words].concat()).quiet();
    sandbox.records("events").pop().unwrap()
}

/// 128 bits as 26 Crockford digits, worked out by hand.
fn crockford(hex: &str) -> String {
    let number = u128::from_str_radix(hex, 16).unwrap();
    (0..26)
        .rev()
        .map(|digit| {
            char::from(b"0123456789ABCDEFGHJKMNPQRSTVWXYZ"[(number >> (5 * digit)) as usize & 31])
        })
        .collect()
}

#[test]
fn correlation_is_given_or_the_run_or_the_trace() {
    let given = ("OBS_CORRELATION_ID", "my flow/1");
    let ci = [
        ("GITLAB_CI", "true"),
        ("CI_SERVER_HOST", "h"),
        ("CI_PIPELINE_ID", "1"),
    ];
    let trace = ("TRACEPARENT", PARENT);
    let of = |variables: &[(&str, &str)], words: &[&str]| {
        emitted(variables, words)["correlation_id"].clone()
    };
    let all = [ci.as_slice(), &[given, trace]].concat();
    assert_eq!(of(&all, &["--correlation", "word"]), "word");
    assert_eq!(of(&all, &[]), "my flow/1");
    let run = of(&[ci.as_slice(), &[trace]].concat(), &[]);
    assert_eq!(run, of(&ci, &[]));
    assert_eq!(of(&[trace], &[]), format!("corr_{}", crockford(TRACE)));
    assert_ne!(run, of(&[trace], &[]));
    assert_eq!(of(&[], &[]), Value::Null);
    assert_eq!(of(&[("TRACEPARENT", "bad")], &[]), Value::Null);
}

#[test]
fn correlation_has_the_form_of_a_ulid() {
    let id = emitted(&[("BUILDKITE", "true"), ("BUILDKITE_BUILD_ID", "1")], &[])["correlation_id"]
        .clone();
    let digits = id.as_str().unwrap().strip_prefix("corr_").unwrap();
    assert_eq!(digits.len(), 26);
    assert!(digits.as_bytes()[0] <= b'7', "{digits}");
    assert!(
        digits
            .bytes()
            .all(|digit| b"0123456789ABCDEFGHJKMNPQRSTVWXYZ".contains(&digit))
    );
}

#[test]
fn jobs_of_a_run_share_its_flow_and_actor() {
    for (name, variables, run, job) in PROVIDERS {
        let of = |more: &[(&str, &str)]| {
            let event = emitted(&[variables, more].concat(), &[]);
            assert_eq!(event["actor"]["type"], "ci", "{name}");
            // two of them tell a step nobody: then it is the user
            let nobody = ["teamcity", "travis"].contains(name);
            let actor = if nobody { "tester" } else { "jo" };
            assert_eq!(event["actor"]["id"], actor, "{name}");
            event["correlation_id"].as_str().unwrap().to_owned()
        };
        let (one, two) = (of(&[(job, "build")]), of(&[(job, "test")]));
        assert_eq!(one, two, "{name}");
        assert!(one.starts_with("corr_"), "{name}");
        assert_ne!(one, of(&[(run, "78")]), "{name}");
    }
}

#[test]
fn same_number_elsewhere_is_another_run() {
    let run = |mark: &'static str, names: &[&'static str]| {
        let variables: Vec<(&str, &str)> = names
            .iter()
            .map(|name| (*name, "7"))
            .chain([(mark, "true")])
            .collect();
        emitted(&variables, &[])["correlation_id"].to_string()
    };
    let buildkite = run("BUILDKITE", &["BUILDKITE_BUILD_ID"]);
    assert_ne!(buildkite, run("CIRCLECI", &["CIRCLE_WORKFLOW_ID"]));
}

#[test]
fn ci_context_is_the_resource() {
    let event = emitted(
        &[
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_REPOSITORY", "o/r"),
            ("GITHUB_RUN_ID", "7"),
            ("GITHUB_RUN_ATTEMPT", "2"),
            ("GITHUB_WORKFLOW", "build"),
            ("GITHUB_JOB", "test"),
            ("GITHUB_SHA", "1f0c9a7e"),
            ("GITHUB_REF_NAME", "main"),
            ("OTEL_RESOURCE_ATTRIBUTES", "cicd.pipeline.name=mine"),
        ],
        &[],
    );
    assert_eq!(
        event["resource"],
        json!({
            "cicd.pipeline.name": "mine",
            "cicd.pipeline.run.id": "7",
            "cicd.pipeline.task.name": "test",
            "vcs.ref.head.revision": "1f0c9a7e",
            "vcs.ref.head.name": "main",
            "vcs.repository.url.full": "https://github.com/o/r",
            "cicd.pipeline.run.url.full": "https://github.com/o/r/actions/runs/7",
        })
    );
}

#[test]
fn causation_is_kept_as_given() {
    assert_eq!(
        emitted(&[], &["--causation", "evt_é 1"])["causation_id"],
        "evt_é 1"
    );
    let sandbox = silent();
    let script = "id=$(obs emit a --print-id)\nobs emit b --causation \"$id\"\n";
    sandbox.script("sh", script).quiet();
    let events = sandbox.records("events");
    assert_eq!(events[1]["causation_id"], events[0]["event_id"]);
}

#[test]
fn actor_is_named_in_order() {
    let ci = [("GITHUB_ACTIONS", "true"), ("GITHUB_ACTOR", "ci-jo")];
    let uid = emitted(&[("USER", "")], &[])["actor"]["id"].clone();
    assert!(uid.as_str().unwrap().parse::<u32>().is_ok(), "{uid}");
    for (variables, kind, id) in [
        (&[][..], "user", "tester"),
        (&[("USER", "jo")], "user", "jo"),
        (&[("OBS_ACTOR", "me")], "user", "me"),
        (&ci, "ci", "ci-jo"),
        (&[ci[0]], "ci", "tester"),
        (&[ci[0], ci[1], ("OBS_ACTOR", "me")], "ci", "me"),
    ] {
        let actor = &emitted(variables, &[])["actor"];
        assert_eq!(
            (&actor["type"], &actor["id"]),
            (&json!(kind), &json!(id)),
            "{variables:?}"
        );
    }
}

/// `service` and `resource` of a log with these variables.
fn resource(variables: &[(&str, &str)]) -> Value {
    let mut sandbox = silent();
    for (name, value) in variables {
        sandbox = sandbox.with(name, value);
    }
    sandbox.script("sh", "obs log m; true\n").quiet();
    let log = sandbox.only_log();
    json!([log["service"], log["resource"]])
}

#[test]
fn resource_variables_have_their_exact_meaning() {
    const ATTRIBUTES: &str = "OTEL_RESOURCE_ATTRIBUTES";
    for (variables, expected) in [
        (&[][..], json!(["script", null])),
        (
            &[("OTEL_SERVICE_NAME", "a"), (ATTRIBUTES, "service.name=b")],
            json!(["a", null]),
        ),
        (
            &[(ATTRIBUTES, "service.name=b,x=1")],
            json!(["b", {"x": "1"}]),
        ),
        (
            &[(ATTRIBUTES, "x=a%2Cb%20c,y=é=1,x=2")],
            json!(["script", {"x": "2", "y": "é=1"}]),
        ),
        (&[(ATTRIBUTES, "x=1,broken,y=2")], json!(["script", null])),
        (&[(ATTRIBUTES, "x=%zz")], json!(["script", null])),
        (
            &[("OTEL_SERVICE_VERSION", "1.2")],
            json!(["script", {"service.version": "1.2"}]),
        ),
        (
            &[("ENV", "production")],
            json!(["script", {"deployment.environment.name": "production"}]),
        ),
        (&[("ENV", "/etc/shrc")], json!(["script", null])),
        (&[("ENV", "~/.shrc")], json!(["script", null])),
        (
            &[
                ("ENV", "production"),
                ("OTEL_DEPLOYMENT_ENVIRONMENT", "staging"),
            ],
            json!(["script", {"deployment.environment.name": "staging"}]),
        ),
    ] {
        assert_eq!(resource(variables), expected, "{variables:?}");
    }
}

#[test]
fn broken_resource_is_said_where_doctor_looks() {
    let sandbox = silent().with("OTEL_RESOURCE_ATTRIBUTES", "x=1,broken");
    sandbox.obs(["log", "m"]).quiet();
    let said = crate::capture::file(&sandbox, "diagnostics.log");
    assert!(said.contains("no `=` in \\\"broken\\\""), "{said}");
}

#[test]
fn host_of_the_resource_is_the_host() {
    let sandbox: Sandbox = silent().with("OTEL_RESOURCE_ATTRIBUTES", "host.name=galway,x=1");
    sandbox.obs(["metric", "inc", "n"]).quiet();
    let point = sandbox.records("metrics-points").pop().unwrap();
    assert_eq!(
        (&point["host"], &point["resource"]),
        (&json!("galway"), &json!({"x": "1"}))
    );
}
