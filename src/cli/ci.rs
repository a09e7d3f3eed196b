//! `obs ci`: the pipeline's own span and its events.

use super::context::{no_ci, no_run};
use super::page::reflow;
use crate::capture::Ci;
use crate::ci::{Outcome, Pipeline};
use crate::error::{Error, Exit};
use crate::model::time;
use crate::redact;
use crate::settings::Settings;
use crate::world::World;
use clap::{ArgMatches, Args as _, Command, FromArgMatches, Subcommand};

/// Words of the command.
#[derive(Debug, clap::Args)]
struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Record that the pipeline has ended: its own span, and ci.pipeline.completed
    #[command(after_help = reflow(FINISHED))]
    Finished {
        /// success, failure, cancelled, skipped, error or timeout, in any CI's words; default what the CI says, else success
        #[arg(long, value_name = "STATUS")]
        status: Option<String>,
        #[command(flatten)]
        run: Run,
    },
    /// Record that the pipeline has begun: its own span, still open, and ci.pipeline.started
    #[command(after_help = reflow(STARTED))]
    Started {
        #[command(flatten)]
        run: Run,
    },
}

#[derive(Debug, clap::Args)]
struct Run {
    /// When the pipeline began: RFC 3339, or epoch s, ms, µs, ns; default what the CI says, else now
    #[arg(long, value_name = "TIME")]
    start: Option<String>,
    /// The pipeline's name; default what the CI calls it
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

const STARTED: &str = "\
The span has the ids that `obs context ci` gives to every step for a parent. It lives without an owner, for a day at most,
until `obs ci finished` ends it, in any later step of the same machine. Once is enough; again changes nothing.";

const FINISHED: &str = "\
Call it once, in the last job. Where the pipeline began on another machine the whole span is recorded here: with the
start that the CI tells (GitLab, Azure, Drone, Woodpecker), else --start, such as an output of the first job. The status
comes from --status, else from CI_JOB_STATUS (GitLab, after_script), AGENT_JOBSTATUS (Azure), DRONE_BUILD_STATUS,
CI_PIPELINE_STATUS (Woodpecker), BITBUCKET_EXIT_CODE (after-script), BUILDKITE_COMMAND_EXIT_STATUS (hooks),
TRAVIS_TEST_RESULT, TEKTON_STATUS; the other CIs have no variable for it.

Examples:
  # GitHub, in a step with `if: always()`
  obs ci finished --status '${{ job.status }}'
  # GitLab, in after_script
  obs ci finished --status \"$CI_JOB_STATUS\"";

/// The command.
pub(super) fn command() -> Command {
    Args::augment_args(Command::new("ci"))
        .about("Record the CI pipeline's own span and events: started, finished")
        .disable_help_subcommand(true)
}

/// Runs it.
pub(super) fn run(matches: &ArgMatches, world: &World, settings: &Settings) -> Result<Exit, Error> {
    let args = Args::from_arg_matches(matches).map_err(|error| Error::usage(error.to_string()))?;
    let (run, status) = match args.what {
        What::Finished { status, run } => (run, Some(status)),
        What::Started { run } => (run, None),
    };
    let Some(ci) = Ci::detect(world) else {
        return Ok(no_ci(world));
    };
    let Some(mut pipeline) = Pipeline::of(ci, world, settings) else {
        return Ok(no_run(ci, world));
    };
    pipeline.name = run.name.filter(|name| !name.is_empty());
    let given = run.start.filter(|text| !text.is_empty());
    let start = given.map(|text| {
        time::parse(&text).ok_or_else(|| {
            Error::usage(format!("`--start {text}` is no time"))
                .hint("RFC 3339, or seconds, milliseconds, nanoseconds since the epoch")
        })
    });
    pipeline.start = start.transpose()?;
    let told = match status {
        None => pipeline.started(),
        Some(given) => pipeline.finished(outcome(given, ci, world)?),
    };
    match told {
        // a full disk is not to end somebody's deployment
        Err(error) if error.code() == 3 && !settings.strict => world.say(&error.report()),
        other => other?,
    }
    Ok(Exit::Done)
}

/// How it ended: as given, else as the CI says; what the CI says and we do not know is not for its caller to fail by.
fn outcome(given: Option<String>, ci: Ci, world: &World) -> Result<Outcome, Error> {
    if let Some(text) = given.filter(|text| !text.is_empty()) {
        return Outcome::parse(&text).ok_or_else(|| {
            Error::usage(format!("`--status {text}` is no status"))
                .hint("success, failure, cancelled, skipped, error or timeout")
        });
    }
    let Some((variable, said)) = ci.status(world) else {
        return Ok(Outcome::Success);
    };
    let known = Outcome::parse(said);
    if known.is_none() {
        world.say(&format!(
            "obs: {variable} is `{}`, which is no end: the pipeline is recorded as a success\nhint: --status says how it ended\n",
            redact::text(said)
        ));
    }
    Ok(known.unwrap_or(Outcome::Success))
}
