//! One run is one trace, whatever job asks; what the CI tells about it; and what is continued instead.

use super::{PROVIDERS, context, events, job, names, spans};
use crate::capture::PARENT;
use crate::sandbox::{Sandbox, have};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

#[test]
fn every_environment_has_its_row() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/ci");
    let files = fs::read_dir(folder).unwrap().map(|entry| {
        let text = fs::read_to_string(entry.as_ref().unwrap().path()).unwrap();
        assert!(text.starts_with("# "), "names no source: {entry:?}");
        entry.unwrap().file_name().into_string().unwrap()
    });
    let rows = names().into_iter().map(|name| format!("{name}.env"));
    assert_eq!(files.collect::<BTreeSet<_>>(), rows.collect());
}

#[test]
fn jobs_of_a_run_are_one_trace() {
    let mut seen = BTreeSet::new();
    for (name, run, other_job) in PROVIDERS {
        let here = context(&job(name));
        assert_eq!(here["provider"], *name);
        assert_eq!(here["trace_from"], "run", "{name}");
        assert_eq!(here["pipeline_span_id"], here["span_id"], "{name}");
        let there = context(&job(name).with(other_job, "another"));
        let flow = |context: &Value| context["environment"]["OBS_CORRELATION_ID"].clone();
        assert_eq!(here["traceparent"], there["traceparent"], "{name}");
        assert_eq!(flow(&here), flow(&there), "{name}");
        let next = context(&job(name).with(run, "4711"));
        assert_ne!(here["trace_id"], next["trace_id"], "{name} {run}");
        assert_ne!(here["span_id"], next["span_id"], "{name} {run}");
        assert_ne!(flow(&here), flow(&next), "{name} {run}");
        seen.insert(here["trace_id"].to_string());
    }
    assert_eq!(seen.len(), names().len());
}

/// `printf 16588214933t | sha256sum | cut -c1-32` and `printf 16588214933s | sha256sum | cut -c17-32`: what the receiver's
/// newTraceID and newParentSpanID make of run 1658821493, attempt 3.
#[test]
fn github_trace_is_the_collectors() {
    let context = context(&job("github"));
    assert_eq!(
        context["traceparent"],
        "00-cbf089e761c5f04635049ec35d0c54d3-f9d69ffe9da3881c-01"
    );
    assert_eq!(context["run"], "github/octocat/Hello-World/1658821493/3");
}

#[test]
fn github_trace_is_whose_the_setting_says() {
    let of = |ids: &str| {
        let sandbox = job("github")
            .with("GITHUB_REPOSITORY", "grafana/grafana")
            .with("GITHUB_RUN_ID", "20137834310")
            .with("GITHUB_RUN_ATTEMPT", "1");
        context(&sandbox.with("OBS_CI_IDS", ids))["trace_id"].clone()
    };
    assert_eq!(of("grafana"), "29f022cfd2ef0bec231e3facb2e5e888");
    assert_eq!(of(""), of("collector"));
    assert_ne!(of("runner"), of("collector"));
    assert_ne!(of("runner"), of("grafana"));
}

/// Whoever of them hands a context to the step: it is the run's own trace, in which the pipeline is no child of a step.
#[test]
fn every_contract_is_known_again() {
    for ids in ["collector", "grafana", "runner"] {
        let own = context(&job("github").with("OBS_CI_IDS", ids));
        let step = format!(
            "00-{}-00f067aa0ba902b7-01",
            own["trace_id"].as_str().unwrap()
        );
        let sandbox = job("github").with("TRACEPARENT", &step);
        let found = context(&sandbox);
        assert_eq!(
            (&found["traceparent"], &found["trace_from"]),
            (&json!(step), &json!("run"))
        );
        assert_eq!(found["pipeline_span_id"], own["span_id"], "{ids}");
        sandbox.obs(["ci", "finished"]).quiet();
        let span = super::spans(&sandbox).remove(0);
        assert_eq!(
            (&span["span_id"], &span["parent_span_id"]),
            (&own["span_id"], &Value::Null)
        );
    }
}

/// Every Gitea counts its runs from 1: the contract of GitHub would give many runs one trace.
#[test]
fn other_forges_do_not_pass_for_github() {
    let of = |server: &str| {
        let sandbox = job("github").with("GITEA_ACTIONS", "true");
        context(&sandbox.with("GITHUB_SERVER_URL", server))["trace_id"].clone()
    };
    let (one, two) = (of("https://git.one.example"), of("https://git.two.example"));
    assert_ne!(one, two);
    assert_ne!(one, context(&job("github"))["trace_id"]);
    assert_eq!(one, of("https://git.one.example"));
}

/// Every server counts its runs from 1. Where several variables say which it is the first does.
#[test]
fn runs_of_two_servers_are_two_traces() {
    for (name, servers) in [
        ("drone", &["DRONE_SYSTEM_HOST", "DRONE_SYSTEM_HOSTNAME"][..]),
        ("teamcity", &["BUILD_URL"]),
        ("woodpecker", &["CI_SYSTEM_URL", "CI_FORGE_URL"]),
    ] {
        let of = |set: &[(&str, &str)]| {
            let bare = servers.iter().map(|server| (*server, ""));
            let all = bare.chain(set.iter().copied());
            context(&all.fold(job(name), |sandbox, (name, value)| {
                sandbox.with(name, value)
            }))
        };
        for server in servers {
            let (one, two) = (
                of(&[(server, "one.example")]),
                of(&[(server, "two.example")]),
            );
            assert_ne!(one["trace_id"], two["trace_id"], "{server}");
            assert_ne!(one["run"], two["run"], "{server}");
        }
        if let [first, other] = servers {
            let of =
                |value: &str| of(&[(first, "one.example"), (other, value)])["trace_id"].clone();
            assert_eq!(of("two.example"), of("three.example"), "{other}");
        }
        // old servers do not say it
        assert_eq!(of(&[])["trace_from"], "run", "{name}");
    }
}

/// `printf 'obs gitlab/example.com/1000' | sha256sum`: no later version may derive another trace.
#[test]
fn other_traces_follow_from_provider_and_run() {
    let context = context(&job("gitlab"));
    assert_eq!(context["traceparent"], GITLAB);
}

const GITLAB: &str = "00-90f8575eb6be8b4f02cbc68f554f4aaf-d2f96387b707c333-01";

#[test]
fn job_records_are_in_the_runs_trace() {
    for name in names() {
        let sandbox = job(name);
        let before = said_by_an_event(&sandbox, "obs emit before\n");
        let after = said_by_an_event(
            &sandbox,
            "eval \"$(obs context ci)\"\neval \"$(obs context ci)\"\nobs emit after\n",
        );
        // what events said by themselves is what the variables say
        for key in ["resource", "correlation_id", "actor"] {
            assert_eq!(before[key], after[key], "{name} {key}");
        }
        assert_eq!(before["actor"]["type"], "ci", "{name}");
        let context = context(&sandbox);
        assert_eq!(
            after["trace_context"]["trace_id"], context["trace_id"],
            "{name}"
        );
        assert_eq!(
            after["trace_context"]["span_id"], context["span_id"],
            "{name}"
        );
    }
}

fn said_by_an_event(sandbox: &Sandbox, script: &str) -> Value {
    sandbox.script("sh", &format!("set -eu\n{script}")).quiet();
    events(sandbox).pop().unwrap()
}

#[test]
fn run_is_told_by_the_conventions() {
    for (name, expected) in [
        (
            "azure",
            json!({"cicd.pipeline.name": "fabrikam-ci", "vcs.ref.head.name": "feature/tools",
            "cicd.pipeline.run.url.full": "https://dev.azure.com/fabrikamfiber/6ce954b1-ce1f-45d1-b94d-e6bf2464ba2c/_build/results?buildId=1234"}),
        ),
        (
            "bitbucket",
            json!({"cicd.pipeline.run.id": "82", "vcs.repository.url.full": "http://bitbucket.org/acme/shop"}),
        ),
        (
            "buildkite",
            json!({"cicd.pipeline.task.name": "🔨 Specs", "vcs.change.id": null}),
        ),
        (
            "circleci",
            json!({"cicd.pipeline.task.run.url.full": "https://circleci.com/gh/acme/foo/418"}),
        ),
        (
            "drone",
            json!({"cicd.pipeline.run.url.full": "https://drone.company.com/octocat/hello-world/42"}),
        ),
        (
            "github",
            json!({"cicd.pipeline.name": "My test workflow", "vcs.ref.head.name": "feature-branch-1",
            "vcs.repository.url.full": "https://github.com/octocat/Hello-World",
            "cicd.pipeline.run.url.full": "https://github.com/octocat/Hello-World/actions/runs/1658821493"}),
        ),
        (
            "gitlab",
            json!({"cicd.pipeline.task.run.id": "50", "vcs.ref.head.revision": "1ecfd275763eff1d6b4844ea3168962458c9f27a"}),
        ),
        (
            "jenkins",
            json!({"cicd.pipeline.name": "MyJobName", "vcs.ref.head.name": "main", "cicd.pipeline.task.name": "Build"}),
        ),
        (
            "teamcity",
            json!({"cicd.pipeline.name": "Build", "cicd.pipeline.run.id": "53"}),
        ),
        (
            "tekton",
            json!({"cicd.pipeline.name": "build-and-deploy", "cicd.pipeline.task.name": "unit-tests"}),
        ),
        (
            "travis",
            json!({"cicd.pipeline.run.id": "112233445", "vcs.change.id": null}),
        ),
        (
            "woodpecker",
            json!({"cicd.pipeline.task.name": "build package", "vcs.repository.url.full": "https://git.example.com/john-doe/my-repo"}),
        ),
    ] {
        let event = said_by_an_event(&job(name), "obs emit x\n");
        for (key, value) in expected.as_object().unwrap() {
            let found = event["resource"].get(key).unwrap_or(&Value::Null);
            assert_eq!(found, value, "{name} {key}");
        }
    }
}

#[test]
fn actor_is_who_started_the_run() {
    for (name, actor) in [
        ("azure", "Johnnie McLeod"),
        ("bitbucket", "{7a1d0b5e-0000-4000-8000-1234567890ab}"),
        ("buildkite", "Jason Liebowitz"),
        ("circleci", "octocat"),
        ("drone", "octocat"),
        ("github", "octocat"),
        ("gitlab", "jane"),
        ("jenkins", "jane"),
        ("teamcity", "tester"), // these have no variable for it
        ("tekton", "tester"),
        ("travis", "tester"),
        ("woodpecker", "john-doe"),
    ] {
        let event = said_by_an_event(&job(name), "obs emit x\n");
        let expected = json!({"type": "ci", "id": actor, "host": event["actor"]["host"]});
        assert_eq!(event["actor"], expected, "{name}");
    }
    // which is no variable of its documentation
    let sandbox = job("teamcity").with("TEAMCITY_BUILD_TRIGGERED_BY", "VCS trigger");
    let event = said_by_an_event(&sandbox, "obs emit x\n");
    assert_eq!(event["actor"]["id"], "tester");
}

#[test]
fn twice_says_the_same() {
    for name in names() {
        let first = context(&job(name).with("OTEL_RESOURCE_ATTRIBUTES", "mine=1"));
        let taken = first["environment"].as_object().unwrap();
        let sandbox = taken.iter().fold(job(name), |sandbox, (name, value)| {
            sandbox.with(name, value.as_str().unwrap())
        });
        let mut expected = first["environment"].clone();
        expected
            .as_object_mut()
            .unwrap()
            .remove("OBS_CORRELATION_ID"); // it is set now
        assert_eq!(context(&sandbox)["environment"], expected, "{name}");
    }
}

#[test]
fn change_has_its_own_branch() {
    let sandbox = job("github")
        .with("GITHUB_HEAD_REF", "feature/x")
        .with("GITHUB_REF_NAME", "7/merge");
    let event = said_by_an_event(&sandbox, "obs emit x\n");
    assert_eq!(event["resource"]["vcs.ref.head.name"], "feature/x");
    let sandbox = job("jenkins")
        .with("BRANCH_NAME", "")
        .with("GIT_BRANCH", "origin/feature/y");
    let event = said_by_an_event(&sandbox, "obs emit x\n");
    assert_eq!(event["resource"]["vcs.ref.head.name"], "feature/y");
    let sandbox = job("gitlab").with("CI_MERGE_REQUEST_IID", "12");
    let event = said_by_an_event(&sandbox, "obs emit x\n");
    assert_eq!(event["resource"]["vcs.change.id"], "12");
}

#[test]
fn users_attributes_stay_and_win() {
    const GIVEN: &str = "a=x%2Cy,cicd.pipeline.name=mine,b=c d,";
    let context = context(&job("github").with("OTEL_RESOURCE_ATTRIBUTES", GIVEN));
    let attributes = context["environment"]["OTEL_RESOURCE_ATTRIBUTES"]
        .as_str()
        .unwrap();
    let more = attributes
        .strip_prefix("a=x%2Cy,cicd.pipeline.name=mine,b=c d,")
        .unwrap();
    assert!(!more.contains("cicd.pipeline.name"), "{more}");
    assert!(
        more.starts_with("cicd.pipeline.run.id=1658821493,"),
        "{more}"
    );
}

#[test]
fn broken_attributes_are_left_alone() {
    let sandbox = job("github").with("OTEL_RESOURCE_ATTRIBUTES", "a=1,broken");
    let outcome = sandbox.obs(["context", "ci", "--json"]);
    assert!(
        outcome.stderr.contains("no `=` in \"broken\""),
        "{}",
        outcome.shown()
    );
    assert_eq!(outcome.code, 0);
    assert!(
        !outcome.stdout.contains("OTEL_RESOURCE_ATTRIBUTES"),
        "{}",
        outcome.shown()
    );
}

/// What has another encoding is somebody's all the same.
#[test]
fn attributes_of_other_bytes_are_left_alone() {
    use std::os::unix::ffi::OsStrExt;
    let sandbox = job("github");
    let mut command = sandbox.command(crate::sandbox::program());
    command.args(["context", "ci", "--shell", "sh"]).env(
        "OTEL_RESOURCE_ATTRIBUTES",
        std::ffi::OsStr::from_bytes(b"mine=\xff"),
    );
    let outcome = crate::sandbox::outcome(&command.output().unwrap());
    assert_eq!(outcome.code, 0);
    assert!(
        outcome.stdout.contains("TRACEPARENT") && !outcome.stdout.contains("OTEL_RESOURCE"),
        "{}",
        outcome.shown()
    );
    assert!(
        outcome
            .stderr
            .starts_with("obs: OTEL_RESOURCE_ATTRIBUTES is not UTF-8"),
        "{}",
        outcome.shown()
    );
}

#[test]
fn given_flow_stays() {
    let context = context(&job("github").with("OBS_CORRELATION_ID", "my flow"));
    assert!(context["environment"].get("OBS_CORRELATION_ID").is_none());
}

#[test]
fn valid_context_goes_on_with_its_state() {
    let sandbox = job("github")
        .with("TRACEPARENT", PARENT)
        .with("TRACESTATE", "a=b");
    let inherited = context(&sandbox);
    assert_eq!(inherited["traceparent"], PARENT);
    assert_eq!(inherited["trace_from"], "TRACEPARENT");
    assert!(inherited["environment"].get("TRACESTATE").is_none());
    let broken = job("github")
        .with("TRACEPARENT", "00-junk")
        .with("TRACESTATE", "a=b");
    let context = context(&broken);
    assert_eq!(context["trace_from"], "run");
    assert_eq!(context["environment"]["TRACESTATE"], Value::Null);
    assert!(
        context["environment"]
            .as_object()
            .unwrap()
            .contains_key("TRACESTATE")
    );
}

#[test]
fn buildkite_hands_out_its_own_trace() {
    let ours = job("buildkite").with("BUILDKITE_TRACING_TRACEPARENT", PARENT);
    let context = context(&ours);
    assert_eq!(context["traceparent"], PARENT);
    assert_eq!(context["trace_from"], "provider");
    assert_ne!(context["pipeline_span_id"], context["span_id"]);
}

#[test]
fn sampler_decides_as_for_any_root() {
    let sandbox = job("drone").with("OTEL_TRACES_SAMPLER", "always_off");
    let header = context(&sandbox)["traceparent"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(header.ends_with("-00"), "{header}");
}

#[test]
fn outside_a_ci_nothing_is_made_up() {
    for args in [["context", "ci"], ["ci", "started"], ["ci", "finished"]] {
        let sandbox = Sandbox::new();
        let outcome = sandbox.obs(args);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (1, ""), "{args:?}");
        assert!(
            outcome.stderr.starts_with("obs: this is no job of a CI"),
            "{}",
            outcome.stderr
        );
        assert!(!sandbox.journal().join("spans.log").exists());
    }
}

#[test]
fn nameless_run_says_what_is_missing() {
    let outcome = Sandbox::new()
        .with("GITLAB_CI", "true")
        .with("CI_SERVER_HOST", "h")
        .obs(["context", "ci"]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (1, ""));
    assert!(
        outcome
            .stderr
            .contains("gitlab job: CI_PIPELINE_ID not set"),
        "{}",
        outcome.stderr
    );
}

/// The repository is not needed for the trace of a run on GitHub.
#[test]
fn only_what_is_needed_is_missing() {
    let marked = || Sandbox::new().with("GITHUB_ACTIONS", "true");
    let outcome = marked().obs(["context", "ci"]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (1, ""));
    assert!(
        outcome
            .stderr
            .starts_with("obs: nothing names the run of this github job: GITHUB_RUN_ID not set\n"),
        "{}",
        outcome.stderr
    );
    let found = context(&marked().with("GITHUB_RUN_ID", "7"));
    assert_eq!(found["trace_from"], "run");
}

#[test]
fn mark_that_says_no_is_none() {
    for no in ["false", "False", "0"] {
        let sandbox = job("github").with("GITHUB_ACTIONS", no);
        let outcome = sandbox.obs(["context", "ci"]);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (1, ""), "{no}");
        let event = said_by_an_event(&sandbox, "obs emit x\n");
        assert_eq!(event["actor"]["type"], "user", "{no}");
    }
    assert_eq!(
        context(&job("gitlab").with("GITHUB_ACTIONS", "false"))["provider"],
        "gitlab"
    );
}

#[test]
fn nameless_run_goes_on_with_a_given_context() {
    let sandbox = Sandbox::new()
        .with("GITLAB_CI", "true")
        .with("TRACEPARENT", PARENT);
    let found = context(&sandbox);
    assert_eq!(
        (&found["traceparent"], &found["run"]),
        (&json!(PARENT), &Value::Null)
    );
    assert!(found["environment"].get("OBS_CORRELATION_ID").is_none());
}

#[test]
fn fish_takes_the_context_over() {
    if !have("fish") {
        return;
    }
    let sandbox = job("gitlab").with("TRACESTATE", "a=b");
    let script = "eval (obs context ci | string collect); or exit 1\nset -q TRACESTATE; and exit 2\nobs emit x; or exit 3\n";
    sandbox.script("fish", script).quiet();
    let event = events(&sandbox).pop().unwrap();
    assert_eq!(
        event["trace_context"]["trace_id"],
        context(&sandbox)["trace_id"]
    );
}

/// What sourcing makes is a promise that nobody has kept: the run's own trace goes before it, until it is kept.
#[test]
fn sourced_functions_do_not_hide_the_run() {
    for (shell, dialect) in [
        ("bash", "bash"),
        ("bash", "sh"),
        ("dash", "sh"),
        ("zsh", "zsh"),
    ] {
        if !have(shell) {
            continue;
        }
        let source = format!("eval \"$(obs print shell {dialect})\"\n");
        let take = "eval \"$(obs context ci)\"\n";
        let sent = "send_span x 1764843330 1764843331\n";
        let run = context(&job("gitlab"));
        for before in [format!("{source}{take}"), format!("{take}{source}")] {
            let sandbox = job("gitlab");
            sandbox
                .script(shell, &format!("set -eu\n{before}{sent}span_run y true\n"))
                .quiet();
            for span in spans(&sandbox) {
                let found = (&span["trace_id"], &span["parent_span_id"]);
                assert_eq!(
                    found,
                    (&run["trace_id"], &run["span_id"]),
                    "{shell} {before}"
                );
            }
            assert_eq!(spans(&sandbox).len(), 2, "{shell} {before}");
        }
        for kept in [sent, "obs_trace_script\n"] {
            let sandbox = job("gitlab");
            let text = format!(
                "set -eu\n{source}{kept}before=$TRACE_ID\n{take}obs emit x\n[ \"${{_OBS_MADE+x}}\" = '' ]\nprintf %s \"$before\"\n"
            );
            let outcome = sandbox.script(shell, &text).quiet();
            let event = events(&sandbox).pop().unwrap();
            assert_eq!(
                event["trace_context"]["trace_id"], outcome.stdout,
                "{shell} {kept}"
            );
        }
    }
}

#[test]
fn sourced_functions_of_fish_do_not_either() {
    if !have("fish") {
        return;
    }
    let source = "obs print shell fish | source\n";
    let take = "eval (obs context ci | string collect)\n";
    let sandbox = job("gitlab");
    let sent = "send_span x 1764843330 1764843331\n";
    sandbox
        .script("fish", &format!("{source}{take}{sent}span_run y true\n"))
        .quiet();
    let run = context(&job("gitlab"));
    assert_eq!(spans(&sandbox).len(), 2);
    for span in spans(&sandbox) {
        let found = (&span["trace_id"], &span["parent_span_id"]);
        assert_eq!(found, (&run["trace_id"], &run["span_id"]), "{span}");
    }
    for kept in [sent, "obs_trace_script\n"] {
        let sandbox = job("gitlab");
        let text = format!("{source}{kept}echo $TRACE_ID\n{take}obs emit x\n");
        let outcome = sandbox.script("fish", &text).quiet();
        let event = events(&sandbox).pop().unwrap();
        let trace = &event["trace_context"]["trace_id"];
        assert_eq!(trace, outcome.stdout.trim_end(), "{kept}");
    }
}
