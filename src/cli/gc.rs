//! `obs gc`: keeps the journal within its bounds. Drains do the same when they have sent something.

use super::page::reflow;
use super::print_out;
use super::select::Form;
use crate::capture;
use crate::error::{Error, Exit};
use crate::journal::{Limits, Retained};
use crate::settings::{Keep, Settings};
use crate::world::World;
use clap::{ArgMatches, Args as _, Command, FromArgMatches};
use serde_json::json;

/// Words of the command.
#[derive(Debug, clap::Args)]
struct Args {
    #[command(flatten)]
    form: Form,
}

const MORE: &str = "\
Removes sealed files, the oldest first, while a signal has more bytes than journal.keep_bytes or files older than journal.keep_days. What a
sink has not acknowledged stays, unless a signal has more bytes than journal.hard_bytes or the disk has less free than journal.keep_free percent;
each such drop is an event, obs.dropped, which names the file. A sink that was not used for 7 days holds nothing back. The newest sealed file of
a signal always stays. Spans that nobody will end any more are journalled as abandoned.

`obs flush`, `obs relay` and the drain in the background do the same.";

/// The command.
pub(super) fn command() -> Command {
    Args::augment_args(Command::new("gc"))
        .about("Keep the journal within its bounds")
        .after_help(reflow(MORE))
}

/// Runs it.
pub(super) fn run(matches: &ArgMatches, world: &World, settings: &Settings) -> Result<Exit, Error> {
    let args = Args::from_arg_matches(matches).map_err(|error| Error::usage(error.to_string()))?;
    let journal = capture::open(world, settings);
    let abandon = |span| capture::abandoned(span, settings.record_bytes);
    let (abandoned, failed) = journal.sweep_live(world, world.now(), abandon);
    let gone = keep_within_bounds(world, settings)?;
    let text = match args.form.is_human(world) {
        true => format!(
            "{} sealed files removed, {} bytes; {abandoned} abandoned spans journalled\n",
            gone.files, gone.bytes
        ),
        false => {
            let dropped: u64 = gone.dropped.iter().map(|one| one.records).sum();
            let line = json!({"files": gone.files, "bytes": gone.bytes, "dropped": dropped, "abandoned": abandoned});
            format!("{line}\n")
        }
    };
    print_out(world, text.as_bytes())?;
    failed.into_iter().next().map_or(Ok(Exit::Done), Err)
}

/// Removes what may go.
pub(super) fn keep_within_bounds(world: &World, settings: &Settings) -> Result<Retained, Error> {
    let keep = Keep::load(world);
    let limits = Limits {
        keep_bytes: keep.bytes,
        keep_days: keep.days,
        keep_free: keep.free,
        hard_bytes: keep.hard,
    };
    let journal = capture::open(world, settings);
    if journal.home().is_none_or(|home| !home.is_dir()) {
        return Ok(Retained::default());
    }
    let gone = journal.retain(&limits, world.now());
    gone.map_err(|cause| {
        Error::failure("could not keep the journal within its bounds").because(cause)
    })
}
