//! `obs trace`: one trace with its spans, logs, events and metric points together.

use super::page::Page;
use super::page::reflow;
use super::records::say_damaged;
use super::select::Form;
use super::{print_records, started, view};
use crate::capture;
use crate::error::{Error, Exit};
use crate::journal::{Journal, Signal};
use crate::model::{Record, ids, time};
use crate::query::{Piece, Trace, TraceId};
use crate::settings::Settings;
use crate::world::World;
use clap::{ArgMatches, Args as _, Command, FromArgMatches};
use memchr::memmem;
use std::collections::BTreeSet;

/// Words of the command.
#[derive(Debug, clap::Args)]
struct Args {
    /// The trace: its id, the beginning of it, a traceparent, or `latest`
    #[arg(value_name = "ID", default_value = "latest")]
    id: String,
    #[command(flatten)]
    form: Form,
}

const MORE: &str = "\
On a terminal: the tree of spans with times and bars, everything else in its place. Elsewhere one JSON object
{trace_id, start, end, duration_ms, spans, logs, events, metrics} with the records as journalled; spans that are not
ended stand under `live`. Exits 1 when there is no such trace.

Examples:
  obs trace
  obs trace 4bf92f35
  obs trace latest --json | jq '.logs[].message'";

/// The command.
pub(super) fn command() -> Command {
    Args::augment_args(Command::new("trace"))
        .about("Show one trace: its spans, logs, events and metric points together")
        .after_help(reflow(MORE))
}

/// Runs it.
pub(super) fn run(matches: &ArgMatches, world: &World, settings: &Settings) -> Result<Exit, Error> {
    let args = Args::from_arg_matches(matches).map_err(|error| Error::usage(error.to_string()))?;
    let journal = capture::open(world, settings);
    show(&args.id, args.form, world, &journal)
}

/// Finds a trace and prints it.
pub(super) fn show(id: &str, form: Form, world: &World, journal: &Journal) -> Result<Exit, Error> {
    let id = match TraceId::parse(id)? {
        TraceId::Prefix(prefix) => Some(prefix),
        TraceId::Latest => latest(journal),
    };
    let found = id
        .map(|id| collect(journal, &id, world))
        .transpose()?
        .flatten();
    let Some(trace) = found else {
        world.say("obs: no such trace\nhint: records belong to a trace inside `eval \"$(obs span start NAME)\"`\n");
        return Ok(Exit::No);
    };
    let bytes = match form.is_human(world) {
        true => view::draw(&trace, Page::of(world)).into_bytes(),
        false => json(&trace),
    };
    print_records(world, &bytes)?;
    Ok(Exit::Done)
}

/// The trace of the newest record.
fn latest(journal: &Journal) -> Option<String> {
    let mut newest: Option<(i64, String)> = None;
    let mut consider = |time: i64, id: &str| {
        // a foreign line may hold anything
        if ids::TraceId::parse(id).is_some()
            && newest.as_ref().is_none_or(|(best, _)| time >= *best)
        {
            newest = Some((time, id.to_owned()));
        }
    };
    for live in journal.live_spans() {
        consider(live.changed, &live.span.trace_id);
    }
    for signal in Signal::ALL {
        journal.reader(signal).newest(|line| {
            let record = signal.read(line.bytes).ok()?;
            let time = match &record {
                Record::Span(span) => span.end,
                other => other.time(),
            };
            consider(time, record.trace_id());
            (!record.trace_id().is_empty()).then_some(())
        });
    }
    newest.map(|(_, id)| id)
}

/// Reads every record of the trace whose id begins so; none where there is none.
fn collect(journal: &Journal, prefix: &str, world: &World) -> Result<Option<Trace>, Error> {
    let mut pieces = Vec::new();
    let mut damaged = 0;
    let needle = format!("\"trace_id\":\"{prefix}");
    let finder = memmem::Finder::new(&needle);
    for signal in Signal::ALL {
        let mut reader = journal.reader(signal);
        reader.for_each(|line| {
            if finder.find(line.bytes).is_none() {
                return line.looks_whole();
            }
            let Ok(record) = signal.read(line.bytes) else {
                return false;
            };
            if record.trace_id().starts_with(prefix)
                && ids::TraceId::parse(record.trace_id()).is_some()
            {
                let line = line.bytes.trim_ascii_end().to_vec();
                pieces.push(Piece {
                    record,
                    line,
                    running: false,
                });
            }
            true
        });
        damaged += reader.damaged;
    }
    say_damaged(world, damaged);
    let here = |piece: &Piece| piece.record.trace_id().starts_with(prefix);
    pieces.extend(started::pieces(journal, world).filter(here));
    let ids: BTreeSet<&str> = pieces.iter().map(|piece| piece.record.trace_id()).collect();
    match ids.len() {
        0 => Ok(None),
        1 => {
            let id = ids.first().copied().unwrap_or_default().to_owned();
            Ok(Some(Trace::of(id, pieces)))
        }
        count => Err(
            Error::usage(format!("`{prefix}` is the beginning of {count} traces"))
                .hint(ids.iter().take(5).copied().collect::<Vec<_>>().join(", ")),
        ),
    }
}

/// The contract: one object, records as journalled.
fn json(trace: &Trace) -> Vec<u8> {
    let (start, end) = trace.extent();
    let mut text = format!(
        "{{\"trace_id\":\"{}\",\"start\":\"{}\",\"end\":\"{}\",\"duration_ms\":{}",
        trace.id,
        time::nanos_text(start),
        time::nanos_text(end),
        time::millis(end - start),
    )
    .into_bytes();
    let (live, ended): (Vec<&Piece>, Vec<&Piece>) =
        trace.spans.iter().partition(|piece| piece.running);
    let mut lists = vec![
        ("spans", ended),
        ("logs", trace.logs.iter().collect()),
        ("events", trace.events.iter().collect()),
        ("metrics", trace.metrics.iter().collect()),
    ];
    if !live.is_empty() {
        lists.push(("live", live));
    }
    for (name, pieces) in lists {
        let lines: Vec<&[u8]> = pieces.iter().map(|piece| piece.line.as_slice()).collect();
        text.extend_from_slice(format!(",\"{name}\":[").as_bytes());
        text.extend_from_slice(&lines.join(&b','));
        text.push(b']');
    }
    text.extend_from_slice(b"}\n");
    text
}
