//! `obs export`: records of a time range in the forms that others read.

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
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::PathBuf;

/// Words of the command.
#[derive(Debug, clap::Args)]
struct Args {
    /// The form
    #[arg(long, value_enum, default_value_t = Form::Jsonl)]
    format: Form,
    /// Signals; all that the form has, where none is named
    #[arg(value_enum, value_name = "SIGNAL")]
    signals: Vec<Which>,
    /// Not before TIME: RFC 3339, epoch, or an age such as 15m, 2h, 7d
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Before TIME
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Write into this folder, a file for each signal; none of them may be there
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
Reads the whole journal, sealed files included, in its order; a record that stands there twice is written once. Nothing is marked
as sent: that is what `obs flush` does. Metric points are folded to sums, gauges and histograms in otlp-json.

To standard output, or with --output into files DIR/events.jsonl and so on, whole or not at all. CSV on standard output takes one signal.

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
    let mut written = 0;
    for signal in signals {
        let mut export = Export {
            world,
            form: args.format,
            signal,
            file: None,
            batch: Vec::new(),
            fold: Fold::default(),
            written: 0,
            refused: None,
        };
        written += match &args.output {
            None => export.all(&journal, &filter).map(|()| export.written)?,
            Some(folder) => export.write_folder(&journal, &filter, folder)?,
        };
        if let Some((count, why)) = export.refused {
            world.say(&format!(
                "obs: {count} {} were left out, the first: {why}\n",
                signal.name()
            ));
        }
    }
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
        return Err(Error::usage(format!("{} have no such form", signal.name()))
            .hint("cloudevents and cdevents are for events"));
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
    fold: Fold,
    written: usize,
    refused: Option<(usize, String)>,
}

impl Export<'_> {
    /// Into `<folder>/<signal>.<extension>`, by a temporary file that gets the name when it is whole.
    fn write_folder(
        &mut self,
        journal: &Journal,
        filter: &Filter,
        folder: &std::path::Path,
    ) -> Result<usize, Error> {
        let path = folder.join(format!("{}.{}", self.signal.name(), self.form.extension()));
        let failed = |cause: std::io::Error| {
            Error::failure(format!("could not write `{}`", path.display())).because(cause)
        };
        if path.symlink_metadata().is_ok() {
            return Err(
                Error::usage(format!("`{}` is there already", path.display()))
                    .hint("name another folder, or remove it"),
            );
        }
        fs::create_dir_all(folder).map_err(failed)?;
        let temporary = path.with_extension(format!("{}.tmp", self.world.pid()));
        self.file = Some(BufWriter::new(
            File::create_new(&temporary).map_err(failed)?,
        ));
        let done = self.all(journal, filter).and_then(|()| {
            let file = self
                .file
                .take()
                .map(|file| file.into_inner().map_err(|e| e.into_error()));
            file.transpose().map_err(failed)?;
            fs::hard_link(&temporary, &path).map_err(failed)
        });
        let _ = fs::remove_file(&temporary);
        done.map(|()| self.written)
    }

    fn all(&mut self, journal: &Journal, filter: &Filter) -> Result<(), Error> {
        if self.form == Form::Csv {
            self.write(&super::csv::header(self.signal))?;
        }
        let mut seen = Seen::default();
        let mut failed = None;
        let mut reader = journal.reader(self.signal);
        reader.for_each(|line| {
            let Ok(record) = self.signal.read(line.bytes) else {
                return false;
            };
            if failed.is_none()
                && filter.matches(&record, line.bytes)
                && seen.first(&record).is_some()
            {
                failed = self.take(line.bytes, record).err();
            }
            true
        });
        super::records::say_damaged(self.world, reader.damaged);
        failed.map_or_else(|| self.rest(), Err)
    }

    fn take(&mut self, line: &[u8], record: Record) -> Result<(), Error> {
        self.written += 1;
        if let (Form::OtlpJson, Record::Metric(metric)) = (self.form, &record) {
            self.fold.add(metric);
            return Ok(());
        }
        let line = line.to_vec();
        self.batch.push(Stored { line, record });
        match self.batch.len() {
            BATCH => self.rest(),
            _ => Ok(()),
        }
    }

    /// Writes what was gathered.
    fn rest(&mut self) -> Result<(), Error> {
        let batch = std::mem::take(&mut self.batch);
        let Some(format) = self.form.lines() else {
            let rows: Vec<u8> = batch
                .iter()
                .flat_map(|stored| super::csv::row(&stored.record))
                .collect();
            return self.write(&rows);
        };
        let folded = self.fold.take(false);
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
            None => print_out(self.world, text).map(drop),
            Some(file) => file
                .write_all(text)
                .map_err(|cause| Error::failure("could not write the export").because(cause)),
        }
    }
}
