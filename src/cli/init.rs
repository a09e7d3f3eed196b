//! `obs init`: the home, the line in the shell's start-up file, and what else there is to set up; and the way back.

mod made;
mod rc;
mod undo;
mod whole;

use super::page::reflow;
use super::{hook, print_out, shim};
use crate::capture;
use crate::child::Lookup;
use crate::error::{Error, Exit};
use crate::model::shown::escape;
use crate::settings::Settings;
use crate::world::World;
use clap::{ArgMatches, Args as _, Command, FromArgMatches, ValueEnum};
use made::Made;
use rc::Put;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use whole::Whole;

/// Words of the command.
#[derive(Debug, clap::Args)]
struct Args {
    /// bash, zsh, fish or sh; default your login shell
    #[arg(long, value_enum, hide_possible_values = true)]
    shell: Option<Shell>,
    /// Put the line into the shell's start-up file, instead of showing it
    #[arg(long, conflicts_with = "undo")]
    write: bool,
    /// Take out what --write, --hooks and --shim put in; with --shell only that shell's line
    #[arg(long)]
    undo: bool,
    /// Install the git hooks of the repository one stands in, too
    #[arg(long)]
    hooks: bool,
    /// Make shims for these tools, too
    #[arg(long, value_name = "TOOL", num_args = 1..)]
    shim: Vec<OsString>,
}

const MORE: &str = "\
Makes the home (OBS_HOME, default ~/.specify) where it is missing, for you alone. Then it shows the line that brings
log_info and the other functions into every new shell. Its place:

  bash  ~/.bashrc
  zsh   .zshrc in ZDOTDIR, else in the home folder
  fish  ~/.config/fish/conf.d/obs.fish (XDG_CONFIG_HOME holds)
  sh    ~/.profile

With --write it goes there, between two lines that mark it, once: the file is replaced whole or not at all, and keeps its
mode, its owner and the link that leads to it. Where obs is gone later the line does nothing.

--undo takes out exactly what was written, whatever was written around it since, and the hooks and shims that init put
in, wherever one stands. Hooks of `obs hook install` and shims of `obs shim add` go only where --hooks and --shim name
them. The home and its records stay.

Scripts need no init: `eval \"$(obs print shell bash)\"` in the script itself does.";

/// The command.
pub(super) fn command() -> Command {
    Args::augment_args(Command::new("init"))
        .about("Set up the home and the shell")
        .after_help(reflow(MORE))
}

/// A shell with a start-up file of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Shell {
    Bash,
    Fish,
    Sh,
    Zsh,
}

impl Shell {
    const ALL: [Self; 4] = [Self::Bash, Self::Zsh, Self::Fish, Self::Sh];

    /// The shell of a program's name; a login shell's begins with a dash.
    fn named(program: &OsStr) -> Option<Self> {
        let name = Path::new(program).file_name()?.to_str()?;
        match name.trim_start_matches('-') {
            "bash" => Some(Self::Bash),
            "fish" => Some(Self::Fish),
            "sh" | "dash" | "ash" | "ksh" | "mksh" => Some(Self::Sh),
            "zsh" => Some(Self::Zsh),
            _ => None,
        }
    }

    /// The user's: by SHELL, else who called us.
    fn of(world: &World) -> Result<Self, Error> {
        let caller = || world.command_line(world.parent_pid()).into_iter().next();
        let named = world.var_os("SHELL").and_then(Self::named);
        let found = named.or_else(|| Self::named(OsStr::new(&caller()?)));
        found.ok_or_else(|| {
            Error::usage("could not tell which shell you use")
                .hint("say it: --shell bash, zsh, fish or sh")
        })
    }

    /// What brings the functions into the shell, and does nothing where obs is not there.
    fn line(self) -> &'static str {
        match self {
            Self::Bash => {
                "if command -v obs >/dev/null 2>&1; then eval \"$(obs print shell bash)\"; fi"
            }
            Self::Fish => "if type -q obs; obs print shell fish | source; end",
            Self::Sh => {
                "if command -v obs >/dev/null 2>&1; then eval \"$(obs print shell sh)\"; fi"
            }
            Self::Zsh => {
                "if command -v obs >/dev/null 2>&1; then eval \"$(obs print shell zsh)\"; fi"
            }
        }
    }

    /// The file that it starts with.
    fn file(self, world: &World) -> Result<PathBuf, Error> {
        let home = world.user_home().ok_or_else(|| {
            Error::failure("there is no home folder for a start-up file").hint("set HOME")
        })?;
        let folder = |variable: &str| {
            let folder = world.var_os(variable).map(PathBuf::from);
            folder.filter(|folder| folder.is_absolute())
        };
        Ok(match self {
            Self::Bash => home.join(".bashrc"),
            Self::Fish => folder("XDG_CONFIG_HOME")
                .unwrap_or_else(|| home.join(".config"))
                .join("fish/conf.d/obs.fish"),
            Self::Sh => home.join(".profile"),
            Self::Zsh => folder("ZDOTDIR").unwrap_or(home).join(".zshrc"),
        })
    }
}

/// Runs it.
pub(super) fn run(matches: &ArgMatches, world: &World, settings: &Settings) -> Result<Exit, Error> {
    let args = Args::from_arg_matches(matches).map_err(|error| Error::usage(error.to_string()))?;
    if args.undo {
        return undo::undo(&args, world, settings);
    }
    let shell = args.shell.map_or_else(|| Shell::of(world), Ok)?;
    let file = shell.file(world)?;
    home(world, settings)?;
    match args.write {
        true => write(shell, file, world)?,
        false => show(shell, &file, world)?,
    }
    beside(&args, world, settings)?;
    offer(&args, shell, world)?;
    Ok(Exit::Done)
}

/// Hooks and shims, and that they came from here.
fn beside(args: &Args, world: &World, settings: &Settings) -> Result<(), Error> {
    let remember = |made: Made| match &settings.home {
        Some(home) => made.remember(home),
        None => Ok(()),
    };
    if args.hooks {
        let hooks = hook::put_in(world, settings)?.into_iter().collect();
        let shims = Vec::new();
        remember(Made { hooks, shims })?;
    }
    if args.shim.is_empty() {
        return Ok(());
    }
    let folder = shim::folder(settings)?;
    let there = |tool: &&OsString| folder.join(tool).is_symlink();
    let new = args.shim.iter().filter(|tool| !there(tool));
    let new: Vec<OsString> = new.cloned().collect();
    let added = shim::add(&args.shim, world, settings);
    // those before the one that failed, too
    let shims = new.iter().filter(there).cloned().collect();
    let hooks = Vec::new();
    remember(Made { hooks, shims })?;
    added.map(drop)
}

fn home(world: &World, settings: &Settings) -> Result<(), Error> {
    let was = settings.home.as_ref().is_some_and(|home| home.exists());
    // a folder of the home makes the home, as the first record would
    let made = capture::open(world, settings).folder("sealed");
    let made = made.map_err(|error| Error::failure("could not make the home").because(error))?;
    let path = made.parent().unwrap_or(&made);
    let did = if was { "is there" } else { "made" };
    say(world, &format!("home: {} {did}", path.display()))
}

fn show(shell: Shell, file: &Path, world: &World) -> Result<(), Error> {
    say(
        world,
        &format!(
            "line: for {}, or `obs init --write` puts it there:",
            file.display()
        ),
    )?;
    say(world, &format!("  {}", shell.line()))
}

fn write(shell: Shell, file: PathBuf, world: &World) -> Result<(), Error> {
    let file = Whole::read(file)?;
    let put = rc::put(file.text.as_deref(), shell.line()).map_err(|open| unclosed(&open, &file))?;
    let did = match put {
        Put::Added(text) => {
            file.replace(&text, &mark(world))?;
            "written to"
        }
        Put::Off => "left alone, it is commented out in",
        Put::Own => "left out, one of your own is in",
        Put::Renewed(text) => {
            file.replace(&text, &mark(world))?;
            "brought up to date in"
        }
        Put::There => "is in",
    };
    say(world, &format!("line: {did} {}", file.path.display()))
}

/// What else there is, a line each; and what keeps the line from working.
fn offer(args: &Args, shell: Shell, world: &World) -> Result<(), Error> {
    if Lookup::of(OsStr::new("obs"), world).first.is_none() {
        world.say("obs: `obs` is not on PATH, so the line does nothing yet\nhint: put the program's folder on PATH");
    }
    if args.write {
        say(
            world,
            &format!("next: start a new shell, or here: {}", shell.line()),
        )?;
    }
    if !args.hooks {
        say(
            world,
            "next: `obs hook install` in a repository makes its commits events",
        )?;
    }
    if args.shim.is_empty() {
        say(
            world,
            "next: `obs shim add npm` makes each call of a tool a span",
        )?;
    }
    say(
        world,
        "next: `obs demo` shows what it is for, `obs doctor` whether all is well",
    )
}

fn unclosed(open: &rc::Unclosed, file: &Whole) -> Error {
    let path = file.path.display();
    Error::failure(format!("could not change `{path}`"))
        .because(format!(
            "the mark in line {} has no other that ends it",
            open.0
        ))
        .hint("take out the mark and our line by hand, then `obs init` again")
}

fn mark(world: &World) -> String {
    format!("{}-{:08x}", world.pid(), u32::from_le_bytes(world.random()))
}

fn say(world: &World, line: &str) -> Result<(), Error> {
    print_out(world, format!("{}\n", escape(line)).as_bytes()).map(drop)
}
