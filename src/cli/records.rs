//! `obs logs|events|spans|metrics-points`: the journalled records of one signal, filtered, oldest first, or followed.

use super::page::{Page, Style, duration, fit, reflow};
use super::print_records;
use super::rows::row;
use super::select::{Form, Select};
use super::started;
use crate::capture;
use crate::error::{Error, Exit};
use crate::journal::{Journal, Reader, Signal};
use crate::model::{Record, time};
use crate::query::Filter;
use crate::settings::Settings;
use crate::world::World;
use clap::{ArgMatches, Args as _, Command, FromArgMatches};
use std::collections::HashSet;
use std::path::Path;
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
    let command = |(name, signal, about): &(&'static str, Signal, &'static str)| {
        let command = Args::augment_args(Command::new(*name))
            .about(*about)
            .after_help(reflow(MORE));
        let others = Select::foreign(*signal).iter();
        others.fold(command, |command, id| {
            command.mut_arg(id, |arg| arg.hide(true))
        })
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
    for id in Select::foreign(signal) {
        if matches.contains_id(id) {
            let option = if *id == "kind" { "type" } else { id };
            return Err(Error::usage(format!("`--{option}` does not filter {name}"))
                .hint(format!("`obs {name} --help` shows what does")));
        }
    }
    let filter = args.select.filter(world.now())?;
    let journal = capture::open(world, settings);
    let view = View {
        world,
        signal,
        filter,
        page: args.form.is_human(world).then(|| Page::of(world)),
    };
    let mut reader = journal.reader(signal);
    let found = view.past(&mut reader, &journal, args.limit)?;
    if found == 0 && !args.follow && view.page.is_some() {
        let home = settings.home.as_deref().unwrap_or(Path::new("?"));
        world.say(&format!("obs: no such {name} in {}\n", home.display()));
    }
    if !args.follow {
        return Ok(if found > 0 { Exit::Done } else { Exit::No });
    }
    // from where the reader stopped: what came meanwhile is shown, and shown once
    let mut follower = journal.follower(signal, reader);
    loop {
        let mut block = Vec::new();
        follower.poll(&journal, |line| view.fresh(line, &mut block));
        if !print_records(world, &block)? || !world.pause(Duration::from_millis(100)) {
            return Ok(Exit::Done);
        }
    }
}

struct View<'a> {
    world: &'a World,
    signal: Signal,
    filter: Filter,
    page: Option<Page>,
}

/// A record that is asked for: where it stands, to be read again when it is printed, so that memory holds no text;
/// or its line, where it is in no file of the journal.
struct Found {
    time: i64,
    place: Place,
}

enum Place {
    Here(Vec<u8>),
    Journal {
        file: usize,
        offset: u64,
        length: usize,
    },
}

impl View<'_> {
    /// Prints what is in the journal; the answer is how many records.
    fn past(
        &self,
        reader: &mut Reader,
        journal: &Journal,
        limit: Option<usize>,
    ) -> Result<usize, Error> {
        let mut found = self.search(reader, journal);
        found.sort_by_key(|found| found.time); // stable: records of one moment keep their order in the journal
        let skipped = found.len().saturating_sub(limit.unwrap_or(usize::MAX));
        let mut block = Vec::new();
        for one in found.iter().skip(skipped) {
            match &one.place {
                Place::Here(line) => self.render(line, &mut block),
                Place::Journal {
                    file,
                    offset,
                    length,
                } => {
                    if let Some(line) = reader.line_at(*file, *offset, *length) {
                        self.render(&line, &mut block);
                    }
                }
            }
            if block.len() > 1 << 16 {
                if !print_records(self.world, &block)? {
                    return Ok(found.len());
                }
                block.clear();
            }
        }
        print_records(self.world, &block)?;
        say_damaged(self.world, reader.damaged);
        Ok(found.len())
    }

    fn search(&self, reader: &mut Reader, journal: &Journal) -> Vec<Found> {
        let mut found = Vec::new();
        let mut seen = Seen::default();
        reader.for_each(|line| {
            if !self.filter.may_match(line.bytes) {
                // not read further: only what cannot be a whole record is seen to be damaged
                return line.looks_whole();
            }
            let Ok(record) = self.signal.read(line.bytes) else {
                return false;
            };
            if self.filter.matches(&record, line.bytes)
                && let Some(abandoned) = seen.first(&record)
            {
                let place = Place::Journal {
                    file: line.file,
                    offset: line.offset,
                    length: line.bytes.len(),
                };
                let time = record.time();
                found.push((Found { time, place }, abandoned));
            }
            true
        });
        if self.signal == Signal::Spans {
            for mut piece in started::pieces(journal, self.world).filter(|piece| !piece.running) {
                piece.line.push(b'\n');
                if self.filter.may_match(&piece.line)
                    && self.filter.matches(&piece.record, &piece.line)
                    && let Some(abandoned) = seen.first(&piece.record)
                {
                    let time = piece.record.time();
                    let place = Place::Here(piece.line);
                    found.push((Found { time, place }, abandoned));
                }
            }
        }
        let current = |(found, abandoned): (Found, Option<String>)| match abandoned {
            Some(identity) if seen.has_ended(&identity) => None,
            _ => Some(found),
        };
        found.into_iter().filter_map(current).collect()
    }

    /// Renders one record that just came, if it is asked for.
    fn fresh(&self, line: &[u8], block: &mut Vec<u8>) {
        let read = self.signal.read(line);
        if self.filter.may_match(line)
            && read.is_ok_and(|record| self.filter.matches(&record, line))
        {
            self.render(line, block);
        }
    }

    fn render(&self, line: &[u8], block: &mut Vec<u8>) {
        match (self.page, self.signal.read(line)) {
            (Some(page), Ok(record)) => block.extend_from_slice(human(page, &record).as_bytes()),
            _ => block.extend_from_slice(line),
        }
    }
}

/// What was shown already. A span that was reported as abandoned and then ended for real is shown once, as it ended.
#[derive(Default)]
pub(super) struct Seen {
    ended: HashSet<String>,
    abandoned: HashSet<String>,
}

impl Seen {
    /// True for a span whose real end was noted.
    pub(super) fn has_ended(&self, identity: &str) -> bool {
        self.ended.contains(identity)
    }

    /// Notes a record; none if it was there before, else its identity if it is an abandoned span.
    pub(super) fn first(&mut self, record: &Record) -> Option<Option<String>> {
        let identity = record.identity();
        match record {
            Record::Span(span) if span.obs.abandoned => {
                let new = self.abandoned.insert(identity.clone());
                new.then_some(Some(identity))
            }
            _ => self.ended.insert(identity).then_some(None),
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
