//! `obs print`: what is generated from our own tables: man pages, completions, schemas, the settings.

mod shell;
mod unit;

use super::{page, print_out, tree};
use crate::error::{Error, Exit};
use crate::model::catalog;
use crate::settings::{SETTINGS, SINK_KEYS, Setting, Shape, SinkKind};
use crate::world::World;
use clap::{ArgMatches, Args as _, Command, FromArgMatches, Subcommand};
use clap_complete::Shell;
use std::fs;
use std::path::{Path, PathBuf};

/// The day that the man pages bear, by hand: a page must be the same whenever it is made.
const DATE: &str = "2026-11-27";

/// Words of the command.
#[derive(Debug, clap::Args)]
struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Print completions for a shell
    Completions {
        /// bash, zsh, fish, elvish or powershell
        shell: Shell,
    },
    /// Print every setting with its default, as a config.toml
    Config,
    /// Print a man page, or write them all into a folder
    Man {
        /// The command, such as `span start`; default obs itself
        command: Vec<String>,
        /// Write all pages into this folder
        #[arg(long, value_name = "DIR", conflicts_with = "command")]
        all: Option<PathBuf>,
    },
    /// Print the JSON Schema of an event type, or list the known types
    Schema {
        /// The event type, or `event` for the whole record; none lists all
        #[arg(value_name = "TYPE")]
        kind: Option<String>,
    },
    /// Print the functions for a shell's scripts, to be evaluated by it
    #[command(after_help = page::reflow(shell::MORE))]
    Shell {
        /// bash, zsh, fish or sh (dash, busybox ash, ksh)
        shell: shell::Dialect,
    },
    /// Print a systemd user unit for `obs relay`
    Unit,
}

/// The command.
pub(super) fn command() -> Command {
    Args::augment_args(Command::new("print"))
        .about("Print shell functions, man pages, completions, schemas, settings or a unit")
        .disable_help_subcommand(true)
}

/// Runs it.
pub(super) fn run(matches: &ArgMatches, world: &World) -> Result<Exit, Error> {
    let args = Args::from_arg_matches(matches).map_err(|error| Error::usage(error.to_string()))?;
    let text = match args.what {
        What::Completions { shell } => completions(shell),
        What::Config => config().into_bytes(),
        What::Man {
            all: Some(folder), ..
        } => return write_all(&folder),
        What::Man { command, all: None } => man(&command)?,
        What::Shell { shell } => shell.functions(world),
        What::Unit => unit::unit(world).into_bytes(),
        What::Schema { kind: None } => list().into_bytes(),
        What::Schema { kind: Some(kind) } => schema(&kind)?.into_bytes(),
    };
    print_out(world, &text)?;
    Ok(Exit::Done)
}

fn completions(shell: Shell) -> Vec<u8> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut tree(), "obs", &mut text);
    match (shell, String::from_utf8(text)) {
        // a colon ends the name of a value in zsh, and is not escaped for us
        (Shell::Zsh, Ok(text)) => text
            .replace(":FILE:LINE:FUNCTION:", ":FILE\\:LINE\\:FUNCTION:")
            .into_bytes(),
        (Shell::Fish, Ok(text)) => (text + &choices_for_fish()).into_bytes(),
        (_, Ok(text)) => text.into_bytes(),
        (_, Err(bytes)) => bytes.into_bytes(),
    }
}

/// The choices of words that are no option, which the generator leaves out for fish.
fn choices_for_fish() -> String {
    let tree = tree();
    let mut lines = String::new();
    for group in tree.get_subcommands() {
        for command in group.get_subcommands() {
            let words = command.get_positionals();
            let choices: Vec<String> = words
                .flat_map(clap::Arg::get_possible_values)
                .map(|choice| choice.get_name().to_owned())
                .collect();
            if !choices.is_empty() {
                lines += &format!(
                    "complete -c obs -n \"__fish_obs_using_subcommand {}; and __fish_seen_subcommand_from {}\" -f -a '{}'\n",
                    group.get_name(),
                    command.get_name(),
                    choices.join(" ")
                );
            }
        }
    }
    lines
}

/// Every page: its file name and text.
pub(crate) fn pages() -> Vec<(String, Vec<u8>)> {
    let mut pages = Vec::new();
    walk(tree(), "obs", &mut pages);
    pages
}

fn walk(command: Command, name: &str, pages: &mut Vec<(String, Vec<u8>)>) {
    let inside: Vec<Command> = command.get_subcommands().cloned().collect();
    let title = name.replace(' ', "-");
    pages.push((format!("{title}.1"), page(command, name, title)));
    for sub in inside {
        let name = format!("{name} {}", sub.get_name());
        walk(sub, &name, pages);
    }
}

fn page(command: Command, name: &str, title: String) -> Vec<u8> {
    let command = command
        // subcommands know no `--version`; their pages bear it only at the foot
        .disable_version_flag(name != "obs")
        .name(title)
        .bin_name(name)
        .version(env!("CARGO_PKG_VERSION"));
    let mut text = Vec::new();
    let written = clap_mangen::Man::new(command)
        .date(DATE)
        .manual("obs manual")
        .render(&mut text);
    match written {
        Ok(()) => unfilled(tidy(&String::from_utf8_lossy(&text)).as_bytes()),
        Err(_) => Vec::new(),
    }
}

/// The page without what only looks like nothing: breaks around empty lines, blanks at line ends.
fn tidy(page: &str) -> String {
    let page = page.replace(".br\n\n.br\n", ".sp\n");
    let lines = page.lines().map(|line| match line.trim_end() {
        escaped if escaped.ends_with('\\') => line,
        plain => plain,
    });
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// Examples and tables, which begin with spaces, as they stand: a command that is filled and justified cannot be copied.
fn unfilled(page: &[u8]) -> Vec<u8> {
    let (mut text, mut open) = (Vec::with_capacity(page.len()), false);
    for line in page.split_inclusive(|byte| *byte == b'\n') {
        let stands = line.starts_with(b" ");
        if stands != open {
            text.extend_from_slice(if stands { b".nf\n" } else { b".fi\n" });
            open = stands;
        }
        text.extend_from_slice(line);
    }
    text
}

fn man(words: &[String]) -> Result<Vec<u8>, Error> {
    let name = [&["obs".to_owned()], words]
        .concat()
        .join("-")
        .replace(' ', "-");
    let file = format!("{name}.1");
    let found = pages().into_iter().find(|(page, _)| *page == file);
    found.map(|(_, text)| text).ok_or_else(|| {
        Error::usage(format!("there is no command `{}`", words.join(" ")))
            .hint("`obs --help` lists them")
    })
}

fn write_all(folder: &Path) -> Result<Exit, Error> {
    let wrong = |error| {
        Error::failure(format!(
            "could not write man pages to `{}`",
            folder.display()
        ))
        .because(error)
    };
    fs::create_dir_all(folder).map_err(wrong)?;
    for (name, text) in pages() {
        fs::write(folder.join(name), text).map_err(wrong)?;
    }
    Ok(Exit::Done)
}

fn list() -> String {
    let width = catalog::all()
        .iter()
        .map(|kind| kind.name.len())
        .max()
        .unwrap_or_default();
    let row = |kind: &catalog::EventType| format!("{:<width$}  {}\n", kind.name, kind.summary);
    catalog::all().iter().map(row).collect()
}

fn schema(kind: &str) -> Result<String, Error> {
    let schema = match (kind, catalog::find(kind)) {
        ("event", _) => catalog::envelope_schema(),
        (_, Some(known)) => known.schema(),
        (_, None) => {
            return Err(
                Error::usage(format!("there is no known event type `{kind}`"))
                    .hint("`obs print schema` lists them; unknown types take any data"),
            );
        }
    };
    serde_json::to_string_pretty(&schema)
        .map(|text| text + "\n")
        .map_err(|error| Error::failure("could not print the schema").because(error))
}

/// The settings as a config.toml in which everything is commented out.
fn config() -> String {
    let mut text = String::from(
        "# obs: every setting with its default. Environment variables win over this file.\n",
    );
    let tables: [(&str, &str); 3] = [
        ("", ""),
        ("log.", "\n[log]\n"),
        ("journal.", "\n[journal]\n"),
    ];
    for (prefix, heading) in tables {
        text.push_str(heading);
        for row in SETTINGS {
            match row.key.and_then(|key| key.strip_prefix(prefix)) {
                Some(key) if !key.contains('.') => text.push_str(&entry(row, key)),
                _ => {}
            }
        }
    }
    text.push_str(&sinks());
    text.push_str("\n# Only in the environment:\n");
    for row in SETTINGS.iter().filter(|row| row.key.is_none()) {
        text.push_str(&format!(
            "#   {:<20} {} (default: {})\n",
            row.variable,
            row.help,
            shown(row.default)
        ));
    }
    text
}

/// The keys of a sink, by what it speaks.
fn sinks() -> String {
    let mut text = "\n# Where records are sent: any number of these, each with a name of its own.\n# [[sink]]\n".to_owned();
    for row in SINK_KEYS {
        let words = match row.shape {
            Shape::Choice(words) => format!(": {}", words.join(", ")),
            _ => String::new(),
        };
        let kinds = match row.kinds.len() {
            all if all == SinkKind::ALL.len() => String::new(),
            _ => format!(
                " ({})",
                row.kinds
                    .iter()
                    .map(|kind| kind.name())
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
        };
        let value = match (row.is_list, row.shape) {
            (true, _) => "[]".to_owned(),
            (_, Shape::Bool | Shape::Bytes(_) | Shape::Millis | Shape::Number(_)) => {
                row.default.to_owned()
            }
            (_, Shape::Choice(_) | Shape::Text) => format!("\"{}\"", row.default),
        };
        text.push_str(&format!(
            "#   {:<34} # {}{words}{kinds}\n",
            format!("{} = {value}", row.key),
            row.help
        ));
    }
    text
}

fn entry(row: &Setting, key: &str) -> String {
    let value = match row.shape {
        Shape::Bool | Shape::Bytes(_) | Shape::Millis | Shape::Number(_) => row.default.to_owned(),
        Shape::Choice(_) | Shape::Text => format!("\"{}\"", row.default),
    };
    let words = match row.shape {
        Shape::Choice(words) => format!(": {}", words.join(", ")),
        _ => String::new(),
    };
    format!(
        "# {}{words} ({})\n# {key} = {value}\n",
        row.help, row.variable
    )
}

fn shown(default: &str) -> &str {
    match default {
        "" => "none",
        other => other,
    }
}
