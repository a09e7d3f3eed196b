//! `obs relay`: keeps sending until it is told to end.

use super::flush::{Drains, choose, warn};
use super::gc::keep_within_bounds;
use super::page::{fit, reflow};
use crate::capture;
use crate::child;
use crate::error::{Error, Exit};
use crate::model::shown::escape;
use crate::redact;
use crate::settings::{Settings, sinks};
use crate::ship::{self, Drained, State};
use crate::world::{Stream, World};
use clap::{ArgMatches, Args as _, Command, FromArgMatches};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

/// How often it looks after the journal.
const UPKEEP: Duration = Duration::from_secs(5);

/// Words of the command.
#[derive(Debug, clap::Args)]
struct Args {
    /// Send to this sink only; may be given again
    #[arg(long, value_name = "NAME")]
    sink: Vec<String>,
}

const MORE: &str = "\
Does what `obs flush` does, again and again, and keeps the journal within its bounds. SIGTERM, SIGINT and SIGHUP end it cleanly, after the
batch that is on its way; where it is killed nothing is lost, and the last batch may be sent twice. On a terminal it keeps one line
up to date; otherwise it says a line whenever a sink stops taking records or takes them again.

`obs print unit` prints a systemd user unit that runs it. Where no relay runs, calls start a short drain in the background, once in 5 s
at most, unless OBS_FLUSH=manual.";

/// The command.
pub(super) fn command() -> Command {
    Args::augment_args(Command::new("relay"))
        .about("Keep sending what comes into the journal")
        .after_help(reflow(MORE))
}

/// Runs it.
pub(super) fn run(matches: &ArgMatches, world: &World, settings: &Settings) -> Result<Exit, Error> {
    let args = Args::from_arg_matches(matches).map_err(|error| Error::usage(error.to_string()))?;
    let (mut all, wrong) = sinks(settings.home.as_deref(), world);
    if let Some(error) = wrong.into_iter().next() {
        return Err(error);
    }
    choose(&mut all, &args.sink)?;
    if all.is_empty() || world.says_true("OTEL_SDK_DISABLED") {
        return Err(Error::usage("nothing to send to: no sink is configured")
            .hint("set OTEL_EXPORTER_OTLP_ENDPOINT, or see `obs print config`"));
    }
    warn(&all, world);
    for sink in &all {
        // what is wrong with settings does not become right while it runs
        ship::open(sink, world)?;
    }
    child::note_wishes();
    let names: Vec<&str> = all.iter().map(|sink| sink.name.as_str()).collect();
    world.say(&format!("obs: sending to {}\n", names.join(", ")));
    let drains = Drains::new(all.clone(), world, settings, &child::is_wished);
    let board = Board {
        world,
        is_terminal: world.is_terminal(Stream::Err),
        sinks: Mutex::default(),
    };
    let kept = Mutex::new(world.moment());
    let told = |name: &str, drained: &Result<Drained, Error>| {
        if let Ok(mut kept) = kept.try_lock()
            && world.moment() - *kept > UPKEEP
        {
            *kept = world.moment();
            drains.sweep(settings);
            // what went wrong is for `obs gc` to say
            let _ = keep_within_bounds(world, settings);
        }
        board.tell(name, drained);
    };
    drains.rounds().relay(&told);
    let journal = capture::open(world, settings);
    let left: u64 = all
        .iter()
        .flat_map(|sink| super::flush::waiting(&journal, sink, world))
        .map(|(_, records)| records)
        .sum();
    board.end(left);
    Ok(Exit::Done)
}

/// What is known of one sink.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Seen {
    sent: u64,
    rejected: u64,
    trouble: Option<String>,
}

/// One line of state.
struct Board<'a> {
    world: &'a World,
    is_terminal: bool,
    sinks: Mutex<BTreeMap<String, Seen>>,
}

impl Board<'_> {
    fn tell(&self, name: &str, drained: &Result<Drained, Error>) {
        let Ok(mut sinks) = self.sinks.lock() else {
            return;
        };
        let seen = sinks.entry(name.to_owned()).or_default();
        let before = seen.clone();
        let trouble = match drained {
            Ok(drained) => {
                seen.sent += drained.sent;
                seen.rejected += drained.rejected;
                match &drained.state {
                    // until it is tried again, the last word stands
                    State::Later { .. } if drained.sent == 0 && seen.trouble.is_some() => {
                        seen.trouble.clone()
                    }
                    State::Later { why, .. } | State::Wrong(why) => Some(why.to_string()),
                    State::Busy => Some("another process is sending to it".to_owned()),
                    State::Done | State::Stopped => None,
                }
            }
            Err(error) => Some(error.to_string()),
        };
        seen.trouble = trouble.map(|trouble| redact::text(&trouble).into_owned());
        let (is_new, is_turn) = (*seen != before, seen.trouble != before.trouble);
        if self.is_terminal && is_new {
            self.rewrite(&line(&sinks));
        } else if is_turn {
            let text = match sinks.get(name).and_then(|seen| seen.trouble.as_deref()) {
                Some(trouble) => format!("obs: {name}: {}\n", escape(trouble)),
                None => format!("obs: {name}: sending again\n"),
            };
            self.world.say(&text);
        }
    }

    fn end(&self, left: u64) {
        let Ok(sinks) = self.sinks.lock() else {
            return;
        };
        if self.is_terminal {
            self.rewrite("");
        }
        self.world
            .say(&format!("obs: {}, {left} left\n", line(&sinks)));
    }

    /// Puts a text on the line where the last one stands, cut so that it stays one line.
    fn rewrite(&self, text: &str) {
        let text = fit(text, self.world.columns().saturating_sub(1));
        let _ = self
            .world
            .write(Stream::Err, format!("\r\x1b[K{text}").as_bytes());
    }
}

fn line(sinks: &BTreeMap<String, Seen>) -> String {
    let texts: Vec<String> = sinks
        .iter()
        .map(|(name, seen)| {
            let rejected = match seen.rejected {
                0 => String::new(),
                count => format!(", {count} rejected"),
            };
            let trouble = seen
                .trouble
                .as_ref()
                .map_or_else(String::new, |trouble| format!(" ({})", escape(trouble)));
            format!("{name} {} sent{rejected}{trouble}", seen.sent)
        })
        .collect();
    texts.join(" · ")
}
