//! `obs doctor`: what is well and what is not, each with what to do about it. It looks and changes nothing.

mod here;
mod journal;
mod sinks;
mod tools;

use super::page::{Page, Style, reflow};
use super::print_out;
use super::select::Form;
use crate::error::{Error, Exit};
use crate::model::shown::escape;
use crate::redact;
use crate::settings::Settings;
use crate::world::World;
use clap::{ArgMatches, Args as _, Command, FromArgMatches};
use serde_json::json;

/// Words of the command.
#[derive(Debug, clap::Args)]
struct Args {
    /// Send each sink a record of each signal, a canary, which says of itself that it is one
    #[arg(long)]
    send: bool,
    #[command(flatten)]
    form: Form,
}

const MORE: &str = "\
Looks at the home, the journal, spilled records, started spans, PATH, the library that bash can load, shims, git hooks,
the board of the working directory, whether each configured sink can be reached and what silent commands noted. Exits 1 when something needs you; notes marked with - do not.";

/// The command.
pub(super) fn command() -> Command {
    Args::augment_args(Command::new("doctor"))
        .about("Explain what is well and what is not, and what to do")
        .after_help(reflow(MORE))
}

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Bad,
    Good,
    Note,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Bad => "bad",
            Self::Good => "ok",
            Self::Note => "note",
        }
    }
}

/// One thing found.
#[derive(Debug)]
struct Finding {
    check: &'static str,
    state: State,
    what: String,
    advice: Option<String>,
}

/// What was found, in the order of looking.
#[derive(Debug, Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn good(&mut self, check: &'static str, what: impl Into<String>) {
        self.add(check, State::Good, what.into(), None);
    }

    fn note(&mut self, check: &'static str, what: impl Into<String>, advice: impl Into<String>) {
        self.add(check, State::Note, what.into(), Some(advice.into()));
    }

    fn bad(&mut self, check: &'static str, what: impl Into<String>, advice: impl Into<String>) {
        self.add(check, State::Bad, what.into(), Some(advice.into()));
    }

    fn add(&mut self, check: &'static str, state: State, what: String, advice: Option<String>) {
        self.0.push(Finding {
            check,
            state,
            what: redact::text(&what).into_owned(),
            advice: advice.filter(|advice| !advice.is_empty()),
        });
    }
}

/// Runs it.
pub(super) fn run(matches: &ArgMatches, world: &World, settings: &Settings) -> Result<Exit, Error> {
    let args = Args::from_arg_matches(matches).map_err(|error| Error::usage(error.to_string()))?;
    let mut found = Findings::default();
    journal::look(&mut found, world, settings);
    tools::look(&mut found, world, settings);
    here::look(&mut found, world);
    sinks::look(&mut found, world, settings, args.send);
    let text: String = match args.form.is_human(world) {
        true => found
            .0
            .iter()
            .map(|one| human(one, Page::of(world)))
            .collect(),
        false => found.0.iter().map(machine).collect(),
    };
    print_out(world, text.as_bytes())?;
    match found.0.iter().any(|one| one.state == State::Bad) {
        true => Ok(Exit::No),
        false => Ok(Exit::Done),
    }
}

fn human(finding: &Finding, page: Page) -> String {
    let mark = match finding.state {
        State::Bad => page.paint(Style::Bad, "!!"),
        State::Good => page.paint(Style::Good, "ok"),
        State::Note => page.paint(Style::Warn, " -"),
    };
    let mut text = format!("{mark} {:<12} {}\n", finding.check, escape(&finding.what));
    if let Some(advice) = &finding.advice {
        text.push_str(&format!(
            "{:16}{}\n",
            "",
            page.paint(Style::Dim, &escape(advice))
        ));
    }
    text
}

fn machine(finding: &Finding) -> String {
    let line = json!({
        "check": finding.check, "state": finding.state.name(), "what": finding.what, "advice": finding.advice,
    });
    format!("{line}\n")
}
