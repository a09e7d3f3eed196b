//! Context in CI: the environment of every CI, as its documentation gives it, through `obs context ci` and `obs ci`.
//! One trace for a run in `trace`, the pipeline's own span in `pipeline`, odd values in `hostile`, coding agents in `agent`,
//! `obs context show` and `new` in `show`, what is not waited for in `waiting`.

mod agent;
mod hostile;
mod pipeline;
mod show;
mod trace;
mod waiting;

use crate::sandbox::{Outcome, Sandbox};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// A CI: its file in `tests/data/ci`, the variable that another run has another value of, and the one that another job
/// of the same run does.
type Provider = (&'static str, &'static str, &'static str);

const PROVIDERS: &[Provider] = &[
    ("azure", "BUILD_BUILDID", "AGENT_JOBNAME"),
    ("bitbucket", "BITBUCKET_BUILD_NUMBER", "BITBUCKET_STEP_UUID"),
    ("buildkite", "BUILDKITE_BUILD_ID", "BUILDKITE_JOB_ID"),
    ("circleci", "CIRCLE_WORKFLOW_ID", "CIRCLE_JOB"),
    ("drone", "DRONE_BUILD_NUMBER", "DRONE_STEP_NAME"),
    ("github", "GITHUB_RUN_ID", "GITHUB_JOB"),
    ("github", "GITHUB_RUN_ATTEMPT", "RUNNER_NAME"),
    ("gitlab", "CI_PIPELINE_ID", "CI_JOB_NAME"),
    ("jenkins", "BUILD_NUMBER", "STAGE_NAME"),
    ("jenkins", "JOB_NAME", "NODE_NAME"),
    ("teamcity", "BUILD_NUMBER", "TEAMCITY_BUILD_PROPERTIES_FILE"),
    ("teamcity", "TEAMCITY_BUILDCONF_NAME", "BUILD_VCS_NUMBER"),
    ("tekton", "TEKTON_PIPELINE_RUN_UID", "TEKTON_PIPELINE_TASK"),
    ("travis", "TRAVIS_BUILD_ID", "TRAVIS_JOB_NAME"),
    ("woodpecker", "CI_PIPELINE_NUMBER", "CI_STEP_NAME"),
];

/// The names of all CIs, each once.
fn names() -> Vec<&'static str> {
    let mut names: Vec<&str> = PROVIDERS.iter().map(|(name, ..)| *name).collect();
    names.dedup();
    names
}

/// A sandbox in a job of this CI.
fn job(name: &str) -> Sandbox {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/ci/{name}.env"));
    let text = fs::read_to_string(path).unwrap();
    let mut sandbox = Sandbox::new().with("OBS_LOG_STREAM", "off");
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.split_once('=').unwrap();
        sandbox = sandbox.with(name, value);
    }
    sandbox
}

/// What a command that prints JSON says.
fn said(sandbox: &Sandbox, args: &[&str]) -> Value {
    json(&sandbox.obs(args).quiet())
}

fn json(outcome: &Outcome) -> Value {
    serde_json::from_str(&outcome.stdout).unwrap()
}

/// `obs context ci --json`.
fn context(sandbox: &Sandbox) -> Value {
    said(sandbox, &["context", "ci", "--json"])
}

/// The spans of the journal, as they stand in the file: no reader has dropped any.
fn spans(sandbox: &Sandbox) -> Vec<Value> {
    lines(sandbox, "spans.log")
}

fn events(sandbox: &Sandbox) -> Vec<Value> {
    lines(sandbox, "events.log")
}

fn lines(sandbox: &Sandbox, file: &str) -> Vec<Value> {
    let text = fs::read_to_string(sandbox.journal().join(file)).unwrap_or_default();
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}
