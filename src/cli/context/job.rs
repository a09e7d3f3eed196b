//! `obs context ci`: the one trace that all steps and jobs of a run are in, with what the CI tells about the run.

use super::exports::{Exports, Form, Target};
use crate::capture::{Ci, OF_TASK, Origin};
use crate::error::{Error, Exit};
use crate::model::resource::{parse_resource, write_resource};
use crate::redact;
use crate::settings::Settings;
use crate::world::World;
use serde_json::Value;
use std::path::Path;

/// Words of the command.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    target: Target,
    /// Append to the file that $GITHUB_ENV names, for all later steps of a GitHub Actions job
    #[arg(long, conflicts_with_all = ["shell", "json", "env_file"])]
    github_env: bool,
}

pub(super) const MORE: &str = "\
Known are GitHub Actions, GitLab, Buildkite, CircleCI, Azure Pipelines, Bitbucket, Woodpecker, Drone, Travis, TeamCity,
Tekton and Jenkins. A valid TRACEPARENT (on Buildkite also BUILDKITE_TRACING_TRACEPARENT) is continued, unless it
is one that sourcing the functions of `obs print shell` made and nobody has recorded; else the trace follows from the
run's id, so that every job of the run gets the same one without passing anything on. On GitHub it is the trace of the
OpenTelemetry Collector's githubreceiver; OBS_CI_IDS=grafana or runner makes it that of Grafana's exporter or of the
runner's own. The span in it is the pipeline's own, which `obs ci started` and `obs ci finished` record.

Set are TRACEPARENT, OTEL_RESOURCE_ATTRIBUTES with what the CI tells about the run (what is there already stays and
wins; --env-file, whose lines may go to other jobs, leaves out what is true of this job only), and OBS_CORRELATION_ID
where it is not set. Exits 1 outside a CI, and makes nothing up.

Tekton gives a step no variables. Set them for all steps in the Task's stepTemplate, from the labels of its pod:
  env:
    - name: TEKTON_PIPELINE_RUN_UID
      valueFrom:
        fieldRef:
          fieldPath: \"metadata.labels['tekton.dev/pipelineRunUID']\"

and likewise TEKTON_PIPELINE_RUN (tekton.dev/pipelineRun), TEKTON_PIPELINE (tekton.dev/pipeline), TEKTON_PIPELINE_TASK
(tekton.dev/pipelineTask), TEKTON_TASK_RUN (tekton.dev/taskRun), and in a finally task TEKTON_STATUS as $(tasks.status). Where Tekton is too old for the first label, pass
$(context.pipelineRun.uid) as a parameter.

Examples:
  # in any job, before the first span
  eval \"$(obs context ci)\"
  eval (obs context ci | string collect)      # the same in fish
  # once in a GitHub job, for its later steps
  obs context ci --github-env
  # once in a GitLab job with artifacts: reports: dotenv: build.env
  obs context ci --env-file build.env
  # once in a CircleCI job, for its later steps
  obs context ci --shell sh >> \"$BASH_ENV\"";

/// Runs it.
pub(super) fn run(args: &Args, world: &World, settings: &Settings) -> Result<Exit, Error> {
    let Some(ci) = Ci::detect(world) else {
        return Ok(no_ci(world));
    };
    let Some(trace) = ci.trace(world, settings) else {
        return Ok(no_run(ci, world));
    };
    let mut exports = Exports::of(&trace.context);
    // a state belongs to the header that it came with
    let is_kept = crate::model::context::parse_traceparent(
        world.var("TRACEPARENT").unwrap_or_default().as_bytes(),
    ) == Some(trace.context);
    if !is_kept && world.raw_var("TRACESTATE").is_some() {
        exports.unset("TRACESTATE");
    }
    let without = match args.target.env_file {
        Some(_) => OF_TASK,
        None => &[],
    };
    if let Some(attributes) = completed(ci, world, without).filter(|text| !text.is_empty()) {
        exports.set("OTEL_RESOURCE_ATTRIBUTES", attributes);
    }
    if settings.correlation_id.is_none()
        && let Some(flow) = ci.correlation(world)
    {
        exports.set("OBS_CORRELATION_ID", flow);
    }
    let origin = match trace.origin {
        Origin::Inherited => "TRACEPARENT",
        Origin::Provider => "provider",
        Origin::Run => "run",
    };
    let about = [
        ("trace_from", Value::from(origin)),
        ("provider", Value::from(ci.name())),
        ("run", ci.shown_run(world).into()),
        (
            "pipeline_span_id",
            trace.pipeline.span_id.to_string().into(),
        ),
    ];
    exports.about = about
        .map(|(key, value)| (key.to_owned(), value))
        .into_iter()
        .collect();
    match args.github_env {
        true => exports.append(github_file(world)?, Form::Github, world)?,
        false => exports.give(&args.target, world)?,
    }
    Ok(Exit::Done)
}

/// Says that this is no CI.
pub(in crate::cli) fn no_ci(world: &World) -> Exit {
    world.say("obs: this is no job of a CI that obs knows\nhint: `obs context ci --help` lists them; `obs context new` begins a trace anywhere\n");
    Exit::No
}

/// Says why a run has no trace.
pub(in crate::cli) fn no_run(ci: Ci, world: &World) -> Exit {
    world.say(&format!(
        "obs: nothing names the run of this {} job: {} not set\nhint: a container or sudo may keep the CI's variables out\n",
        ci.name(),
        ci.missing(world).join(", ")
    ));
    Exit::No
}

fn github_file(world: &World) -> Result<&Path, Error> {
    world.var_os("GITHUB_ENV").map(Path::new).ok_or_else(|| {
        Error::usage("GITHUB_ENV is not set, which names the file for later steps")
            .hint("GitHub Actions sets it in every step; elsewhere use `eval` or --env-file")
    })
}

/// OTEL_RESOURCE_ATTRIBUTES with what the CI tells and nobody has set. None where it cannot be read: then no reader takes
/// anything from it, and it is not for us to decide what was meant.
fn completed(ci: Ci, world: &World, without: &[&str]) -> Option<String> {
    let given = world.var_os("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default();
    let Some(given) = given.to_str() else {
        world.say("obs: OTEL_RESOURCE_ATTRIBUTES is not UTF-8, and stays as it is\n");
        return None;
    };
    let known = match parse_resource(given) {
        Ok(known) => known,
        Err(cause) => {
            world.say(&redact::text(&format!("obs: {cause}\n")));
            return None;
        }
    };
    let found = ci.attributes(world);
    let more = found
        .iter()
        .filter(|(key, _)| !without.contains(key) && !known.iter().any(|(name, _)| name == key));
    let more: Vec<(&str, std::borrow::Cow<'_, str>)> = more
        .map(|(key, value)| (*key, redact::text(value)))
        .collect();
    let more = write_resource(more.iter().map(|(key, value)| (*key, value.as_ref())));
    let given = given.trim_end().trim_end_matches(',');
    Some(match (given, more.as_str()) {
        ("", more) => more.to_owned(),
        (given, "") => given.to_owned(),
        (given, more) => format!("{given},{more}"),
    })
}
