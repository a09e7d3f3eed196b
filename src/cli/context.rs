//! `obs context`: the trace context that a record made now would have, a new one, a CI job's, a coding agent's.

mod agent;
mod exports;
mod job;
mod named_file;
mod show;

pub(super) use job::{no_ci, no_run};

use super::page::reflow;
use crate::capture;
use crate::error::{Error, Exit};
use crate::settings::Settings;
use crate::world::World;
use clap::{ArgMatches, Args as _, Command, FromArgMatches, Subcommand};
use exports::{Exports, Target};

/// Words of the command.
#[derive(Debug, clap::Args)]
struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Print what puts a coding agent's whole session into one trace
    #[command(after_help = reflow(agent::MORE))]
    Agent(agent::Args),
    /// Print what puts every step and job of a CI run into one trace
    #[command(after_help = reflow(job::MORE))]
    Ci(job::Args),
    /// Print what begins a new trace in the calling shell
    #[command(after_help = reflow(NEW))]
    New(Target),
    /// Show the current trace context and what else a record made now would carry
    #[command(after_help = reflow(show::MORE))]
    Show(show::Args),
}

const NEW: &str = "\
The context is the root of a trace that nobody has recorded yet: `obs span start NAME --as \"$TRACEPARENT\"` records its
span.

Examples:
  eval \"$(obs context new)\"
  obs context new --json | jq -r .traceparent";

/// The command.
pub(super) fn command() -> Command {
    Args::augment_args(Command::new("context"))
        .about("Show or make the trace context: show, new, ci, agent")
        .disable_help_subcommand(true)
}

/// Runs it.
pub(super) fn run(matches: &ArgMatches, world: &World, settings: &Settings) -> Result<Exit, Error> {
    let args = Args::from_arg_matches(matches).map_err(|error| Error::usage(error.to_string()))?;
    match args.what {
        What::Agent(args) => agent::run(&args, world, settings),
        What::Ci(args) => job::run(&args, world, settings),
        What::New(target) => new(&target, world),
        What::Show(args) => show::run(&args, world, settings),
    }
}

fn new(target: &Target, world: &World) -> Result<Exit, Error> {
    let context = capture::fresh_trace(world)
        .ok_or_else(|| Error::failure("no random bytes for a trace id"))?;
    let mut exports = Exports::of(&context);
    exports.unset("TRACESTATE"); // it belongs to the trace before
    exports.give(target, world)?;
    Ok(Exit::Done)
}
