//! The subcommands that are run when asked for: their words, help and output. One file each; this one is the tree of
//! them all and the way from its errors to ours. The only room that composes others.

mod backlog;
mod behind;
mod board;
mod ci;
mod context;
mod csv;
mod demo;
mod doctor;
mod export;
mod flush;
mod fsck;
mod gc;
mod hook;
mod hook_json;
mod hook_run;
mod hot;
mod init;
mod page;
mod print;
mod reconcile;
mod records;
mod relay;
mod rows;
mod select;
mod shim;
mod started;
mod statusline;
mod trace;
mod view;
mod wrap;

pub use backlog::{NAME as BACKLOG, backlog};
pub use behind::start_drain;
pub use hook_run::find as find_hook;
pub use shim::FOLDER as SHIMS;
pub use statusline::{NAME as STATUSLINE, statusline};
pub use wrap::{exec, tool};

use crate::child::{self, Behind, Ended};
use crate::error::{Error, Exit};
use crate::settings::Settings;
use crate::world::{Stream, World};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgMatches, Command};
use std::ffi::OsString;
use std::time::Duration;

const ABOUT: &str =
    "Typed logs, spans, events and metrics from shell scripts, in a journal that loses nothing";

const MORE: &str = "\
Recording never fails the script: hot commands (log, span, emit, metric) exit 0 whatever happens to the record, and
with OBS_STRICT=1 exit 3 when it was not accepted. Reading commands print for a human on a terminal and JSON elsewhere.

Exit codes: 0 done; 1 worked, but the answer is no; 2 wrong use or settings; 3 our failure (disk, permissions).
Settings: `obs print config`. The journal: OBS_HOME, default ~/.specify.";

/// How long git waits for a hook; then the hook goes on behind its back.
const HOOK_PATIENCE: Duration = Duration::from_millis(800);

/// Runs a git hook, which never fails: git and its user are not to notice.
pub fn hook(name: &str, args: &[OsString], world: &World) -> u8 {
    child::close_inherited(&[]);
    let behind = Behind::after(HOOK_PATIENCE, Ended::Code(0));
    let settings = Settings::load(world);
    hook_run::run(name, args, world, &settings);
    behind::start_if_due(world, &settings);
    drop(behind);
    0
}

/// Runs a command line that is no hot command, or asks for help.
pub fn run(world: &World, words: &[OsString]) -> Result<Exit, Error> {
    let argv = [OsString::from("obs")]
        .into_iter()
        .chain(words.iter().cloned());
    let matches = match tree().try_get_matches_from(argv) {
        Ok(matches) => matches,
        Err(error) => return explain(world, words, &error),
    };
    let settings = Settings::load(world);
    for complaint in &settings.complaints {
        world.say(&crate::redact::text(&complaint.report()));
    }
    dispatch(world, &settings, &matches)
}

fn dispatch(world: &World, settings: &Settings, matches: &ArgMatches) -> Result<Exit, Error> {
    match matches.subcommand() {
        Some(("trace", args)) => trace::run(args, world, settings),
        Some(("ci", args)) => ci::run(args, world, settings),
        Some(("context", args)) => context::run(args, world, settings),
        Some(("demo", args)) => demo::run(args, world, settings),
        Some(("doctor", args)) => doctor::run(args, world, settings),
        Some(("gc", args)) => gc::run(args, world, settings),
        Some(("export", args)) => export::run(args, world, settings),
        Some(("flush", args)) => flush::run(args, world, settings),
        Some(("relay", args)) => relay::run(args, world, settings),
        Some(("fsck", args)) => fsck::run(args, world, settings),
        Some(("hook", args)) => hook::run(args, world, settings),
        Some(("init", args)) => init::run(args, world, settings),
        Some(("print", args)) => print::run(args, world),
        Some(("shim", args)) => shim::run(args, world, settings),
        Some(("reconcile", args)) => reconcile::run(args, world, settings),
        Some((name, args)) => records::run(name, args, world, settings),
        None => Err(Error::usage("no command given")
            .hint("`obs --help` lists them; `obs demo` shows what it is for")),
    }
}

/// The tree of all commands, hot ones included: the source of help, man pages and completions.
pub(crate) fn tree() -> Command {
    let mut tree = Command::new("obs")
        .version(env!("CARGO_PKG_VERSION"))
        .about(ABOUT)
        .after_help(page::reflow(MORE))
        .max_term_width(100)
        .subcommand_required(false)
        .disable_help_subcommand(true);
    for command in hot::commands() {
        tree = tree.subcommand(command);
    }
    tree.subcommand(trace::command())
        .subcommands(records::commands())
        .subcommand(context::command())
        .subcommand(ci::command())
        .subcommand(demo::command())
        .subcommand(init::command())
        .subcommand(backlog::command())
        .subcommand(shim::command())
        .subcommand(flush::command())
        .subcommand(relay::command())
        .subcommand(export::command())
        .subcommand(doctor::command())
        .subcommand(gc::command())
        .subcommand(statusline::command())
        .subcommand(fsck::command())
        .subcommand(reconcile::command())
        .subcommand(hook::command())
        .subcommand(print::command())
}

/// Help and version are answers; everything else is wrong use, said in our words.
fn explain(world: &World, words: &[OsString], error: &clap::Error) -> Result<Exit, Error> {
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    ) {
        let text = match world.wants_colours(Stream::Out) {
            true => error.render().ansi().to_string(),
            false => error.render().to_string(),
        };
        return print_out(world, text.as_bytes()).map(|_| Exit::Done);
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        let command = command_words(words);
        return Err(Error::usage(format!("`obs{command}` needs another word"))
            .hint(format!("`obs{command} --help` shows which there are")));
    }
    let text = error.render().to_string();
    let first = text.lines().next().unwrap_or_default();
    let what = first
        .strip_prefix("error: ")
        .unwrap_or(first)
        .replace('\'', "`");
    let missing: Vec<&str> = text
        .lines()
        .skip(1)
        .map_while(|line| line.strip_prefix("  "))
        .collect();
    let what = match missing.is_empty() {
        true => what,
        false => format!("{} {}", what.trim_end_matches(':'), missing.join(" ")),
    };
    let hint = suggestion(error)
        .unwrap_or_else(|| format!("`obs{} --help` shows what there is", command_words(words)));
    Err(Error::usage(what).hint(hint))
}

fn suggestion(error: &clap::Error) -> Option<String> {
    let kinds = [
        ContextKind::SuggestedSubcommand,
        ContextKind::SuggestedArg,
        ContextKind::SuggestedValue,
    ];
    let found = kinds.iter().find_map(|kind| error.get(*kind))?;
    let word = match found {
        ContextValue::String(word) => word,
        ContextValue::Strings(words) => words.last()?,
        _ => return None,
    };
    Some(format!("did you mean `{word}`?"))
}

/// The leading words that name a command, for a hint.
fn command_words(words: &[OsString]) -> String {
    let mut command = &tree();
    let mut text = String::new();
    for word in words {
        let Some(next) = word.to_str().and_then(|word| command.find_subcommand(word)) else {
            break;
        };
        text = format!("{text} {}", next.get_name());
        command = next;
    }
    text
}

/// Prints records, which hold what anybody said.
fn print_records(world: &World, bytes: &[u8]) -> Result<bool, Error> {
    print_out(world, &world.shown(bytes))
}

/// Prints data. False: the reader went away (`| head`), which ends us quietly.
fn print_out(world: &World, bytes: &[u8]) -> Result<bool, Error> {
    match world.write(Stream::Out, bytes) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Error::failure("could not write to standard output").because(error)),
        Ok(()) => Ok(true),
    }
}
