//! `obs export`: records of a time range in the forms that others read.

mod folder;

use super::select::moment;
use super::{page::reflow, print_out, records::Seen};
use crate::capture;
use crate::error::{Error, Exit};
use crate::journal::Journal;
use crate::metrics::Fold;
use crate::model::{Record, Signal};
use crate::query::Filter;
use crate::settings::Settings;
use crate::ship::{Format, Load, Stored};
use crate::world::World;
use clap::{ArgMatches, Args as _, Command, FromArgMatches, ValueEnum};
use folder::Folder;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

/// Words of the command.
#[derive(Debug, clap::Args)]
struct Args {
    /// What each record is written as
    #[arg(long, value_enum, default_value_t = Form::Jsonl)]
    format: Form,
    /// What to write; where none is named, all that the format can hold
    #[arg(value_enum, value_name = "SIGNAL")]
    signals: Vec<Which>,
    /// Not before TIME: RFC 3339, epoch, or an age such as 15m, 2h, 7d
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Before TIME
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Write into this folder, a file for each signal; no such file may be there yet
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// CDEvents 0.5.1, a line each; events only
    Cdevents,
    /// CloudEvents 1.0, a line each; events only
    Cloudevents,
    /// Comma-separated values with a header, RFC 4180
    Csv,
    /// The lines of the journal
    Jsonl,
    /// Requests of OTLP/JSON, as OpenTelemetry's file exporter writes them
    OtlpJson,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Which {
    Events,
    Logs,
    Metrics,
    Spans,
}

impl Which {
    fn signal(self) -> Signal {
        match self {
            Self::Events => Signal::Events,
            Self::Logs => Signal::Logs,
            Self::Metrics => Signal::Metrics,
            Self::Spans => Signal::Spans,
        }
    }
}

impl Form {
    fn lines(self) -> Option<Format> {
        Some(match self {
            Self::Cdevents => Format::Cdevents,
            Self::Cloudevents => Format::Cloudevents,
            Self::Csv => return None,
            Self::Jsonl => Format::Obs,
            Self::OtlpJson => Format::OtlpJson,
        })
    }

    fn takes(self, signal: Signal) -> bool {
        self.lines()
            .is_none_or(|format| format.takes(&Signal::ALL, signal).is_some())
    }

    fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            _ => "jsonl",
        }
    }
}

const MORE: &str = "\
Reads the whole journal, sealed files included, in its order; a record that stands there twice is written once, and a span that was
given up as abandoned gives way to its real end. Nothing is marked as sent: that is what `obs flush` does. Metric points are folded to
sums, gauges and histograms in otlp-json.

Writes to standard output, or with --output into DIR/events.jsonl and so on: all files are there in the end, or none. CSV on standard
output takes one signal. A record that the format cannot hold is left out, and standard error says how many and why.

Exits 1 when there was nothing to write.";

/// The command.
pub(super) fn command() -> Command {
    Args::augment_args(Command::new("export"))
        .about("Write records as OTLP JSON, CloudEvents, CDEvents, CSV or JSON lines")
        .after_help(reflow(MORE))
}

/// How many records are one line of OTLP/JSON, and one write.
const BATCH: usize = 512;

/// Runs it.
pub(super) fn run(matches: &ArgMatches, world: &World, settings: &Settings) -> Result<Exit, Error> {
    let args = Args::from_arg_matches(matches).map_err(|error| Error::usage(error.to_string()))?;
    let signals = signals(&args)?;
    let time = |option, given: &Option<String>| {
        let given = given.as_deref();
        given
            .map(|text| moment(option, text, world.now()))
            .transpose()
    };
    let filter = Filter {
        since: time("since", &args.since)?,
        until: time("until", &args.until)?,
        ..Filter::default()
    };
    let journal = capture::open(world, settings);
    let extension = args.format.extension();
    let folder = args.output.as_deref();
    let mut folder = folder
        .map(|path| Folder::claim(path, &signals, extension, world))
        .transpose()?;
    let mut written = 0;
    for signal in signals {
        let file = folder.as_mut().map(|folder| folder.file(signal));
        let mut export = Export {
            world,
            form: args.format,
            signal,
            file: file.transpose()?,
            batch: Vec::new(),
            abandoned: Vec::new(),
            fold: Fold::default(),
            written: 0,
            refused: None,
            is_closed: false,
        };
        export.all(&journal, &filter)?;
        written += export.written;
        if let Some((count, why)) = export.refused {
            world.say(&format!(
                "obs: {count} {} were left out, the first: {why}\n",
                signal.name()
            ));
        }
    }
    folder.map_or(Ok(()), Folder::publish)?;
    Ok(if written > 0 { Exit::Done } else { Exit::No })
}

fn signals(args: &Args) -> Result<Vec<Signal>, Error> {
    let mut signals: Vec<Signal> = args.signals.iter().map(|which| which.signal()).collect();
    if signals.is_empty() {
        signals.extend(
            Signal::ALL
                .into_iter()
                .filter(|signal| args.format.takes(*signal)),
        );
    }
    if let Some(signal) = signals.iter().find(|signal| !args.format.takes(**signal)) {
        return Err(Error::usage(format!(
            "{} cannot be written in this format",
            signal.name()
        ))
        .hint("cloudevents and cdevents are for events; otlp-json, csv and jsonl for all"));
    }
    if args.format == Form::Csv && args.output.is_none() && signals.len() > 1 {
        return Err(Error::usage("CSV of several signals needs a folder")
            .hint("name one signal, or give --output DIR"));
    }
    Ok(signals)
}

/// The export of one signal.
struct Export<'a> {
    world: &'a World,
    form: Form,
    signal: Signal,
    /// None: standard output.
    file: Option<BufWriter<File>>,
    batch: Vec<Stored>,
    /// Spans that were given up, by identity: a real end may stand behind them.
    abandoned: Vec<(String, Stored)>,
    fold: Fold,
    written: usize,
    refused: Option<(usize, String)>,
    /// Nobody reads standard output any more.
    is_closed: bool,
}

impl Export<'_> {
    fn all(&mut self, journal: &Journal, filter: &Filter) -> Result<(), Error> {
        if self.form == Form::Csv {
            self.write(&super::csv::header(self.signal))?;
        }
        let mut seen = Seen::default();
        let mut failed = None;
        let mut reader = journal.reader(self.signal);
        reader.for_each(|line| {
            if self.is_closed || failed.is_some() {
                return true;
            }
            let Ok(record) = self.signal.read(line.bytes) else {
                return false;
            };
            if filter.matches(&record, line.bytes)
                && let Some(abandoned) = seen.first(&record)
            {
                let line = line.bytes.to_vec();
                let stored = Stored { line, record };
                match abandoned {
                    Some(identity) => self.abandoned.push((identity, stored)),
                    None => failed = self.take(stored).err(),
                }
            }
            true
        });
        super::records::say_damaged(self.world, reader.damaged);
        failed.map_or(Ok(()), Err)?;
        for (identity, stored) in std::mem::take(&mut self.abandoned) {
            if !seen.has_ended(&identity) {
                self.take(stored)?;
            }
        }
        self.rest()?;
        self.file
            .as_mut()
            .map_or(Ok(()), Write::flush)
            .map_err(unwritten)
    }

    fn take(&mut self, stored: Stored) -> Result<(), Error> {
        if let (Form::OtlpJson, Record::Metric(metric)) = (self.form, &stored.record) {
            self.fold.add(metric);
            return Ok(());
        }
        self.batch.push(stored);
        match self.batch.len() {
            BATCH => self.rest(),
            _ => Ok(()),
        }
    }

    /// Writes what was gathered.
    fn rest(&mut self) -> Result<(), Error> {
        let batch = std::mem::take(&mut self.batch);
        self.written += batch.len();
        let Some(format) = self.form.lines() else {
            let rows: Vec<u8> = batch
                .iter()
                .flat_map(|stored| super::csv::row(&stored.record))
                .collect();
            return self.write(&rows);
        };
        let folded = self.fold.take(false);
        self.written += folded.len();
        let loads = [Load::Records(self.signal, &batch), Load::Points(&folded)];
        for load in loads.into_iter().filter(|load| !load.is_empty()) {
            let lines = self.lines(format, load);
            self.write(&lines)?;
        }
        Ok(())
    }

    /// The lines of a load; where one of its records has none, those of its halves.
    fn lines(&mut self, format: Format, load: Load<'_>) -> Vec<u8> {
        match (format.lines(load), load.halves()) {
            (Ok(lines), _) => lines,
            (Err(_), Some((first, second))) => {
                let mut lines = self.lines(format, first);
                lines.extend(self.lines(format, second));
                lines
            }
            (Err(why), None) => {
                self.written = self.written.saturating_sub(1);
                self.refused.get_or_insert((0, why)).0 += 1;
                Vec::new()
            }
        }
    }

    fn write(&mut self, text: &[u8]) -> Result<(), Error> {
        match &mut self.file {
            None => {
                self.is_closed |= !print_out(self.world, text)?;
                Ok(())
            }
            Some(file) => file.write_all(text).map_err(unwritten),
        }
    }
}

fn unwritten(cause: std::io::Error) -> Error {
    Error::failure("could not write the export").because(cause)
}
