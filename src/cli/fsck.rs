//! `obs fsck`: every damaged range of the journal, and its repair.

use super::page::reflow;
use super::print_out;
use super::select::Form;
use crate::capture;
use crate::error::{Error, Exit};
use crate::journal::Report;
use crate::model::shown::escape;
use crate::settings::Settings;
use crate::world::World;
use clap::{ArgMatches, Args as _, Command, FromArgMatches};
use serde_json::json;

/// Words of the command.
#[derive(Debug, clap::Args)]
struct Args {
    /// Copy damage to quarantine/ and blank it in place; finish spans that a crash or a lost owner left
    #[arg(long)]
    repair: bool,
    #[command(flatten)]
    form: Form,
}

const MORE: &str = "\
Damage never hides other records: readers skip it. Repairing takes it out of their way, keeps a copy, and leaves every
other byte where it is. Exits 1 when damage was found and not repaired.";

/// The command.
pub(super) fn command() -> Command {
    Args::augment_args(Command::new("fsck"))
        .about("Check the journal for damage, and repair it")
        .after_help(reflow(MORE))
}

/// Runs it.
pub(super) fn run(matches: &ArgMatches, world: &World, settings: &Settings) -> Result<Exit, Error> {
    let args = Args::from_arg_matches(matches).map_err(|error| Error::usage(error.to_string()))?;
    let journal = capture::open(world, settings);
    let now = world.now();
    let mut report = journal.check(args.repair, now)?;
    if args.repair {
        let most = settings.record_bytes;
        let (spans, failed) = journal.sweep_live(world, now, |span| capture::abandoned(span, most));
        report.spans = spans;
        for error in failed {
            world.say(&error.report());
        }
        report.leftovers = journal.remove_leftovers(now);
    }
    let text = match args.form.is_human(world) {
        true => human(&report),
        false => machine(&report),
    };
    print_out(world, text.as_bytes())?;
    let clean = report.findings.iter().all(|finding| finding.copy.is_some());
    Ok(if clean { Exit::Done } else { Exit::No })
}

fn human(report: &Report) -> String {
    let mut text = String::new();
    for finding in &report.findings {
        let path = finding.path.to_string_lossy().into_owned();
        let at = format!("{}:{}+{}", escape(&path), finding.offset, finding.length);
        let done = finding
            .copy
            .as_ref()
            .map(|copy| format!(" -> {}", copy.display()))
            .unwrap_or_default();
        text.push_str(&format!("{at}: {}{done}\n", escape(&finding.reason)));
    }
    let damaged = report.findings.len();
    text.push_str(&format!(
        "{} records in {} files, {damaged} damaged ranges\n",
        report.records, report.files
    ));
    if report.spans > 0 {
        text.push_str(&format!("{} unfinished spans journalled\n", report.spans));
    }
    if report.leftovers > 0 {
        text.push_str(&format!("{} temporary files removed\n", report.leftovers));
    }
    text
}

fn machine(report: &Report) -> String {
    let findings: Vec<_> = report
        .findings
        .iter()
        .map(|finding| {
            json!({
                "path": finding.path.to_string_lossy(), "offset": finding.offset, "length": finding.length,
                "reason": finding.reason, "copy": finding.copy.as_ref().map(|copy| copy.to_string_lossy()),
            })
        })
        .collect();
    let report = json!({
        "files": report.files, "records": report.records, "damaged": findings,
        "spans_journalled": report.spans, "leftovers_removed": report.leftovers,
    });
    format!("{report}\n")
}
