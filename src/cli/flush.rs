//! `obs flush`: sends what waits, now. Says what is left and why.

use super::gc::keep_within_bounds;
use super::page::{Page, Style, reflow};
use super::select::Form;
use super::{behind, print_out};
use crate::capture;
use crate::error::{Error, Exit};
use crate::journal::Journal;
use crate::model::Signal;
use crate::model::shown::escape;
use crate::redact;
use crate::settings::{Settings, SinkKind, SinkSettings, sinks};
use crate::ship::{self, Drained, Patience, Rounds, State};
use crate::world::World;
use clap::{ArgMatches, Args as _, Command, FromArgMatches};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Words of the command.
#[derive(Debug, clap::Args)]
struct Args {
    /// Send to this sink only; may be given again
    #[arg(long, value_name = "NAME")]
    sink: Vec<String>,
    /// Seconds after which nothing more is tried; each sink is tried once at least
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    timeout: u64,
    /// For ourselves: drain in the background, and look until nothing can have been left behind
    #[arg(long, hide = true)]
    behind: bool,
    #[command(flatten)]
    form: Form,
}

const MORE: &str = "\
Reads the journal from where each sink's cursor stands, and moves the cursor only after the sink has acknowledged what it got: nothing is
lost, and what is sent twice has the same id both times. The sinks are the endpoint of OTEL_EXPORTER_OTLP_ENDPOINT and the [[sink]] entries
of config.toml (`obs print config` shows their keys). Where no sink is configured nothing is sent, and that is no failure.

Records that a sink refuses for good go to rejected/<sink>.jsonl in the home, with the reason. In CI, run it as a last step that always runs.

With `console` or `otlp/stdout` in OTEL_TRACES_EXPORTER and its like, records go to standard output, and what else is said to standard error.

Exits 1 when something is left, 2 when a sink or the other side is not configured as it must be.";

/// The command.
pub(super) fn command() -> Command {
    Args::augment_args(Command::new("flush"))
        .about("Send what waits in the journal now, and say what is left")
        .after_help(reflow(MORE))
}

/// The sinks of this call and what their drains need.
pub(super) struct Drains<'a> {
    pub(super) sinks: Vec<SinkSettings>,
    pub(super) world: &'a World,
    journal: Box<dyn Fn() -> Journal + Sync + 'a>,
    stop: &'a (dyn Fn() -> bool + Sync),
}

impl<'a> Drains<'a> {
    pub(super) fn new(
        sinks: Vec<SinkSettings>,
        world: &'a World,
        settings: &'a Settings,
        stop: &'a (dyn Fn() -> bool + Sync),
    ) -> Self {
        Self {
            sinks,
            world,
            journal: Box::new(move || capture::open(world, settings)),
            stop,
        }
    }

    pub(super) fn rounds(&self) -> Rounds<'_> {
        Rounds {
            sinks: &self.sinks,
            world: self.world,
            journal: &*self.journal,
            stop: self.stop,
        }
    }

    /// Journals spans that nobody will end any more, so that they are sent too.
    pub(super) fn sweep(&self, settings: &Settings) {
        let abandon = |span| capture::abandoned(span, settings.record_bytes);
        // what cannot be swept is swept the next time, and `obs doctor` says why
        let _ = (self.journal)().sweep_live(self.world, self.world.now(), abandon);
    }

    /// One attempt for each sink that may be tried now.
    pub(super) fn once(&self, end: Instant, settings: &Settings) -> Vec<Result<Drained, Error>> {
        self.sweep(settings);
        let patience = Patience {
            until: end,
            is_eager: false,
            is_once: true,
        };
        self.rounds().flush(patience)
    }

    /// Says a line of the result. Standard output belongs to the records where they go there.
    fn tell(&self, line: &str) -> Result<(), Error> {
        let mut sinks = self.sinks.iter();
        match sinks.any(|sink| sink.kind == SinkKind::Stdout) {
            true => self.world.say(line),
            false => print_out(self.world, line.as_bytes()).map(drop)?,
        }
        Ok(())
    }

    /// True where one of the sinks that are there has records in front of it.
    pub(super) fn is_anything_waiting(&self, there: &[bool]) -> bool {
        let journal = (self.journal)();
        self.sinks
            .iter()
            .zip(there)
            .any(|(sink, is_there)| *is_there && !waiting(&journal, sink, self.world).is_empty())
    }
}

/// What a sink has not acknowledged: records by signal, where there are any.
pub(super) fn waiting(journal: &Journal, sink: &SinkSettings, world: &World) -> Vec<(Signal, u64)> {
    let all = journal.waiting(&sink.name).unwrap_or_default();
    let mut left: Vec<(Signal, u64)> = all
        .into_iter()
        .filter(|one| one.records > 0)
        .map(|one| (one.signal, one.records))
        .collect();
    if !left.is_empty() {
        // what a list of exporters leaves out waits for nobody
        let taken = ship::taken(sink, world);
        left.retain(|(signal, _)| taken.contains(signal));
    }
    left
}

/// Says what of the exporter's variables is ignored, as their specification asks.
pub(super) fn warn(sinks: &[SinkSettings], world: &World) {
    if sinks.iter().any(|sink| sink.is_from_variables) {
        for warning in ship::otlp::warnings(world) {
            world.say(&format!("obs: {warning}\n"));
        }
    }
}

/// Runs it.
pub(super) fn run(matches: &ArgMatches, world: &World, settings: &Settings) -> Result<Exit, Error> {
    let args = Args::from_arg_matches(matches).map_err(|error| Error::usage(error.to_string()))?;
    let (mut all, mut wrong) = sinks(settings.home.as_deref(), world);
    if let Err(error) = choose(&mut all, &args.sink) {
        return Err(wrong.into_iter().next().unwrap_or(error));
    }
    if !args.sink.is_empty() {
        wrong.clear(); // of others
    }
    if world.says_true("OTEL_SDK_DISABLED") {
        all.clear();
    }
    let never = || false;
    let mut drains = Drains::new(all, world, settings, &never);
    if args.behind {
        drains.sinks.retain(|sink| sink.kind != SinkKind::Stdout); // nobody stands in front of us
        return behind::run(&drains, &wrong, world, settings).map(|()| Exit::Done);
    }
    if world.says_true("OTEL_SDK_DISABLED") {
        world.say("obs: nothing is sent: OTEL_SDK_DISABLED is true\n");
        return Ok(Exit::Done);
    }
    if drains.sinks.is_empty() && !wrong.is_empty() {
        return wrong.into_iter().next().map_or(Ok(Exit::Done), Err);
    }
    if drains.sinks.is_empty() {
        world.say("obs: nothing is sent: no sink is configured\nhint: set OTEL_EXPORTER_OTLP_ENDPOINT, or see `obs print config`\n");
        return Ok(Exit::Done);
    }
    warn(&drains.sinks, world);
    drains.sweep(settings);
    let patience = Patience {
        until: world.moment() + Duration::from_secs(args.timeout),
        is_eager: true,
        is_once: false,
    };
    let done = drains.rounds().flush(patience);
    // only now: what was sent may go
    let kept = keep_within_bounds(world, settings);
    wrong.extend(kept.err());
    report(&drains, done, wrong, args.form)
}

/// Says what became of each sink; `untold` stands on no line of theirs. The answer is the worst of it.
fn report(
    drains: &Drains<'_>,
    done: Vec<Result<Drained, Error>>,
    mut untold: Vec<Error>,
    form: Form,
) -> Result<Exit, Error> {
    let world = drains.world;
    let journal = (drains.journal)();
    let (mut exit, mut first) = (Exit::Done, None);
    for (sink, drained) in drains.sinks.iter().zip(done) {
        let left = waiting(&journal, sink, world);
        match drained {
            Ok(drained) => {
                if !left.is_empty() || matches!(drained.state, State::Wrong(_)) {
                    exit = Exit::No;
                }
                if let State::Wrong(error) = &drained.state {
                    first.get_or_insert_with(|| error.clone());
                }
                let line = match form.is_human(world) {
                    true => human(&sink.name, &drained, &left, Page::of(world)),
                    false => machine(&sink.name, &drained, &left),
                };
                drains.tell(&line)?;
            }
            Err(error) => untold.push(error),
        }
    }
    // what stands on no line comes first
    let mut untold = untold.into_iter();
    let last = untold.next().or(first);
    untold.for_each(|error| world.say(&error.report()));
    last.map_or(Ok(exit), Err)
}

/// Keeps the sinks that were named.
pub(super) fn choose(all: &mut Vec<SinkSettings>, named: &[String]) -> Result<(), Error> {
    for name in named {
        if !all.iter().any(|sink| sink.name == *name) {
            let names: Vec<&str> = all.iter().map(|sink| sink.name.as_str()).collect();
            let there = match names.is_empty() {
                true => "none is configured".to_owned(),
                false => format!("there are {}", names.join(", ")),
            };
            return Err(Error::usage(format!("no sink `{name}`")).hint(there));
        }
    }
    if !named.is_empty() {
        all.retain(|sink| named.contains(&sink.name));
    }
    Ok(())
}

/// Why something is left.
fn reason(state: &State) -> Option<String> {
    let why = match state {
        State::Busy => "another process is sending to it".to_owned(),
        State::Done => return None,
        State::Later { why, .. } | State::Wrong(why) => why.to_string(),
        State::Stopped => "the time was up".to_owned(),
    };
    Some(redact::text(&why).into_owned())
}

fn total(left: &[(Signal, u64)]) -> u64 {
    left.iter().map(|(_, records)| records).sum()
}

fn human(name: &str, drained: &Drained, left: &[(Signal, u64)], page: Page) -> String {
    let left = total(left);
    let is_well = left == 0 && !matches!(drained.state, State::Wrong(_));
    let mark = match is_well {
        true => page.paint(Style::Good, "ok"),
        false => page.paint(Style::Bad, "!!"),
    };
    let mut text = format!("{mark} {name:<16} {} sent", drained.sent);
    for (count, what) in [
        (drained.rejected, "rejected"),
        (drained.dropped, "dropped by the receiver"),
        (left, "left"),
    ] {
        if count > 0 {
            text.push_str(&format!(", {count} {what}"));
        }
    }
    if let Some(why) = reason(&drained.state).filter(|_| !is_well) {
        text.push_str(&format!(": {}", escape(&why)));
    }
    text.push('\n');
    let notes = [
        drained.said.as_deref(),
        drained.doubt.as_deref(),
        hint(&drained.state),
    ];
    for note in notes.into_iter().flatten() {
        text.push_str(&format!(
            "   {}\n",
            page.paint(Style::Dim, &escape(&redact::text(note)))
        ));
    }
    text
}

fn hint(state: &State) -> Option<&str> {
    match state {
        State::Later { why, .. } => why.advice(),
        // what is wrong is said at the end, with its remedy
        State::Busy | State::Done | State::Stopped | State::Wrong(_) => None,
    }
}

fn machine(name: &str, drained: &Drained, left: &[(Signal, u64)]) -> String {
    let left: serde_json::Map<String, Value> = left
        .iter()
        .map(|(signal, records)| (signal.name().to_owned(), (*records).into()))
        .collect();
    let (state, next) = match drained.state {
        State::Busy => ("busy", None),
        State::Done => ("done", None),
        State::Later { next, .. } => ("later", Some(crate::model::time::micros_text(next))),
        State::Stopped => ("stopped", None),
        State::Wrong(_) => ("wrong", None),
    };
    let line = json!({
        "sink": name, "sent": drained.sent, "dropped": drained.dropped, "rejected": drained.rejected,
        "damaged": drained.damaged, "left": left, "state": state, "why": reason(&drained.state), "next": next,
        "said": drained.said,
    });
    format!("{line}\n")
}
