//! `obs logs|events|spans|metrics-points`: the journalled records of one signal, filtered, oldest first, or followed.

use super::page::{Page, Style, duration, fit};
use super::print_out;
use super::rows::row;
use super::select::{Form, Select};
use crate::capture;
use crate::error::{Error, Exit};
use crate::journal::{Journal, Reader, Signal};
use crate::model::{Record, time};
use crate::query::Filter;
use crate::settings::Settings;
use crate::world::{Stream, World};
use clap::{ArgMatches, Args as _, Command, FromArgMatches};
use std::collections::HashSet;
use std::time::Duration;

/// Words of the command.
#[derive(Debug, clap::Args)]
struct Args {
    #[command(flatten)]
    select: Select,
    /// Only the newest N
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Go on with what is recorded from now on
    #[arg(long, short)]
    follow: bool,
    #[command(flatten)]
    form: Form,
}

const COMMANDS: &[(&str, Signal, &str)] = &[
    ("logs", Signal::Logs, "Show log records, oldest first"),
    ("events", Signal::Events, "Show domain events, oldest first"),
    ("spans", Signal::Spans, "Show ended spans, oldest first"),
    (
        "metrics-points",
        Signal::Metrics,
        "Show metric points as recorded, oldest first",
    ),
];

const MORE: &str = "\
Prints the journalled lines as they are, or one row each on a terminal. Exits 1 when nothing was found.

Example:
  obs logs --since 1h --level warning --where task_id=TASK-7";

/// The four commands.
pub(super) fn commands() -> Vec<Command> {
    let command = |(name, _, about): &(&'static str, Signal, &'static str)| {
        Args::augment_args(Command::new(*name).about(*about).after_help(MORE))
    };
    COMMANDS.iter().map(command).collect()
}

/// Runs one of them.
pub(super) fn run(
    name: &str,
    matches: &ArgMatches,
    world: &World,
    settings: &Settings,
) -> Result<Exit, Error> {
    let args = Args::from_arg_matches(matches).map_err(|error| Error::usage(error.to_string()))?;
    let signal = COMMANDS
        .iter()
        .find(|(command, ..)| *command == name)
        .map_or(Signal::Logs, |(_, signal, _)| *signal);
    let filter = args.select.filter(world.now())?;
    let journal = capture::open(world, settings);
    let view = View {
        world,
        signal,
        filter,
        page: args.form.is_human(world).then(|| Page::of(world)),
    };
    // opened before the journal is read: what comes in between is in one of the two, and shown once
    let follower = args.follow.then(|| journal.follower(signal));
    let found = view.past(&journal, args.limit)?;
    let Some(mut follower) = follower else {
        return Ok(if found > 0 { Exit::Done } else { Exit::No });
    };
    loop {
        let mut shown = Ok(());
        follower.poll(|line| {
            if shown.is_ok() {
                shown = view.fresh(line);
            }
        });
        match shown {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(Exit::Done),
            Err(error) => {
                return Err(Error::failure("could not write to standard output").because(error));
            }
            Ok(()) => world.sleep(Duration::from_millis(100)),
        }
    }
}

struct View<'a> {
    world: &'a World,
    signal: Signal,
    filter: Filter,
    page: Option<Page>,
}

/// Where a record that is asked for stands: read again when it is printed, so that memory holds no text.
struct Found {
    time: i64,
    file: usize,
    offset: u64,
    length: usize,
}

impl View<'_> {
    /// Prints what is in the journal; the answer is how many records.
    fn past(&self, journal: &Journal, limit: Option<usize>) -> Result<usize, Error> {
        let mut reader = journal.reader(self.signal);
        let mut found = self.search(&mut reader);
        found.sort_by_key(|found| found.time); // stable: records of one moment keep their order in the journal
        let skipped = found.len().saturating_sub(limit.unwrap_or(usize::MAX));
        let mut block = Vec::new();
        for place in found.iter().skip(skipped) {
            if let Some(line) = reader.line_at(place.file, place.offset, place.length) {
                self.render(&line, &mut block);
            }
            if block.len() > 1 << 16 {
                match self.world.write(Stream::Out, &block) {
                    Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {
                        return Ok(found.len());
                    }
                    _ => block.clear(),
                }
            }
        }
        print_out(self.world, &block)?;
        say_damaged(self.world, reader.damaged);
        Ok(found.len())
    }

    fn search(&self, reader: &mut Reader) -> Vec<Found> {
        let mut found = Vec::new();
        let mut seen = HashSet::new();
        let mut ended: HashSet<String> = HashSet::new();
        reader.for_each(|line| {
            if !self.filter.may_match(line.bytes) {
                // not read further: only what cannot be a whole record is seen to be damaged
                return line.bytes.starts_with(b"{\"") && line.bytes.ends_with(b"}\n");
            }
            let Ok(record) = self.signal.read(line.bytes) else {
                return false;
            };
            let abandoned = matches!(&record, Record::Span(span) if span.obs.abandoned);
            let identity = record.identity();
            if !abandoned && self.signal == Signal::Spans {
                ended.insert(identity.clone());
            }
            if self.filter.matches(&record, line.bytes)
                && seen.insert((identity.clone(), abandoned))
            {
                let place = Found {
                    time: record.time(),
                    file: line.file,
                    offset: line.offset,
                    length: line.bytes.len(),
                };
                found.push((place, abandoned.then_some(identity)));
            }
            true
        });
        // a span that was reported as abandoned and then ended for real is shown once
        let current = |(place, abandoned): (Found, Option<String>)| match abandoned {
            Some(identity) if ended.contains(&identity) => None,
            _ => Some(place),
        };
        found.into_iter().filter_map(current).collect()
    }

    /// Prints one record that just came, if it is asked for.
    fn fresh(&self, line: &[u8]) -> std::io::Result<()> {
        let wanted = self.filter.may_match(line)
            && self
                .signal
                .read(line)
                .is_ok_and(|record| self.filter.matches(&record, line));
        if !wanted {
            return Ok(());
        }
        let mut block = Vec::new();
        self.render(line, &mut block);
        self.world.write(Stream::Out, &block)
    }

    fn render(&self, line: &[u8], block: &mut Vec<u8>) {
        match (self.page, self.signal.read(line)) {
            (Some(page), Ok(record)) => block.extend_from_slice(human(page, &record).as_bytes()),
            _ => block.extend_from_slice(line),
        }
    }
}

/// One row: time, mark, text, attributes, cut to the page.
fn human(page: Page, record: &Record) -> String {
    let row = row(record);
    let stamp = time::micros_text(record.time());
    let stamp = stamp.get(..23).unwrap_or(&stamp).replace('T', " ");
    let mut text = row.text.clone();
    if let Record::Span(span) = record {
        text = format!("{} {}", duration(span.end - span.timestamp), text);
    }
    let left = page.columns.saturating_sub(stamp.len() + 11);
    let text = fit(&text, left);
    let rest = left.saturating_sub(unicode_width::UnicodeWidthStr::width(text.as_str()) + 1);
    format!(
        "{} {} {text} {}\n",
        page.paint(Style::Dim, &stamp),
        page.paint(row.style, &format!("{:<8}", row.mark)),
        page.paint(Style::Dim, &fit(&row.attributes, rest)),
    )
}

/// Says how much was skipped.
pub(super) fn say_damaged(world: &World, damaged: u64) {
    if damaged > 0 {
        let lines = if damaged == 1 { "line" } else { "lines" };
        world.say(&format!(
            "obs: skipped {damaged} damaged {lines}\nhint: `obs fsck` shows where\n"
        ));
    }
}
