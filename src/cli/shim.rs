//! `obs shim`: links in `OBS_HOME/shims` that stand for tools, each of whose calls becomes a span.

use super::page::{Page, Style, reflow};
use super::print_out;
use super::select::Form;
use crate::capture;
use crate::child::{self, Lookup};
use crate::error::{Error, Exit};
use crate::model::shown::escape;
use crate::settings::Settings;
use crate::world::World;
use clap::{ArgMatches, Args as _, Command, FromArgMatches, Subcommand};
use serde_json::json;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// The folder in the home.
pub const FOLDER: &str = "shims";

/// Words of the command.
#[derive(Debug, clap::Args)]
struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Link tools into the folder of shims, so that each call becomes a span
    Add {
        /// Names of tools, such as npm
        #[arg(required = true)]
        tool: Vec<OsString>,
    },
    /// Print shell aliases for tools, for those who prefer them to PATH
    Alias {
        /// Names of tools, such as backlog
        #[arg(required = true)]
        tool: Vec<String>,
    },
    /// List the shims, what each would run, and whether PATH reaches them
    List {
        #[command(flatten)]
        form: Form,
    },
    /// Take tools out of the folder of shims
    Remove {
        /// Names of tools
        #[arg(required = true)]
        tool: Vec<OsString>,
    },
}

const MORE: &str = "\
A shim runs the next program of its name on PATH, as if the shim were not there, inside a span. `backlog` also tells
what changed on the board.

It works where the folder stands before the tool's own on PATH:

  export PATH=\"$HOME/.specify/shims:$PATH\"

OBS_SHIM=off runs the tool alone. A shim whose tool is gone ends 127, as the shell does.";

/// The command.
pub(super) fn command() -> Command {
    Args::augment_args(Command::new("shim"))
        .about("Make every call of a tool a span, by a link on PATH")
        .after_help(reflow(MORE))
        .disable_help_subcommand(true)
}

/// Runs it.
pub(super) fn run(matches: &ArgMatches, world: &World, settings: &Settings) -> Result<Exit, Error> {
    let args = Args::from_arg_matches(matches).map_err(|error| Error::usage(error.to_string()))?;
    match args.what {
        What::Add { tool } => add(&tool, world, settings),
        What::Alias { tool } => alias(&tool, world),
        What::List { form } => list(&form, world, settings),
        What::Remove { tool } => remove(&tool, world, settings),
    }
}

/// The folder of shims, whether or not it is there.
pub(super) fn folder(settings: &Settings) -> Result<PathBuf, Error> {
    let home = settings.home.as_ref().ok_or_else(|| {
        Error::failure("there is no home folder for shims").hint("set HOME or OBS_HOME")
    })?;
    Ok(home.join(FOLDER))
}

fn checked(tool: &OsStr) -> Result<(), Error> {
    let name = tool.to_string_lossy();
    let plain = Path::new(tool).file_name() == Some(tool) && !name.starts_with('-');
    match plain && name != "obs" {
        true => Ok(()),
        false => Err(Error::usage(format!("`{name}` is no name for a shim"))
            .hint("give the bare name of a tool other than obs, such as npm")),
    }
}

/// Links tools into the folder of shims.
pub(super) fn add(tools: &[OsString], world: &World, settings: &Settings) -> Result<Exit, Error> {
    tools.iter().try_for_each(|tool| checked(tool))?;
    let own = world
        .program()
        .ok_or_else(|| Error::failure("could not find the program's own file"))?;
    let wrong = |error| Error::failure("could not make the folder of shims").because(error);
    let folder = capture::open(world, settings)
        .folder(FOLDER)
        .map_err(wrong)?;
    for tool in tools {
        let link = folder.join(tool);
        place(&own, &link)?;
        say(world, &format!("{} -> {}", link.display(), own.display()))?;
        if let Err(missing) = child::find(tool, world) {
            world.say(&format!(
                "obs: {}: {}; the shim ends the same way\n",
                tool.display(),
                missing.why
            ));
        }
    }
    let first = tools.first().map_or(OsStr::new(""), |tool| tool);
    if Lookup::of(first, world).first.as_deref() != Some(&*folder.join(first)) {
        let path = folder.display();
        world.say(&format!(
            "hint: put the folder first on PATH: export PATH=\"{path}:$PATH\"\n"
        ));
    }
    Ok(Exit::Done)
}

/// Makes the link; one that leads to another copy of obs is replaced whole, anything else is not ours.
fn place(own: &Path, link: &Path) -> Result<(), Error> {
    let wrong =
        |error| Error::failure(format!("could not make `{}`", link.display())).because(error);
    match fs::symlink_metadata(link) {
        Ok(found) if !found.is_symlink() => {
            return Err(
                Error::usage(format!("`{}` is no link of ours", link.display()))
                    .hint("move it away first"),
            );
        }
        Ok(_) if fs::read_link(link).is_ok_and(|target| target == own) => return Ok(()),
        _ => {}
    }
    let temporary = link.with_extension("new");
    let _ = fs::remove_file(&temporary);
    symlink(own, &temporary).map_err(wrong)?;
    fs::rename(&temporary, link).map_err(wrong)
}

/// Takes tools out of the folder of shims.
pub(super) fn remove(
    tools: &[OsString],
    world: &World,
    settings: &Settings,
) -> Result<Exit, Error> {
    tools.iter().try_for_each(|tool| checked(tool))?;
    let folder = folder(settings)?;
    let mut exit = Exit::Done;
    for tool in tools {
        let link = folder.join(tool);
        if !link.is_symlink() {
            world.say(&format!("obs: there is no shim `{}`\n", tool.display()));
            exit = Exit::No;
            continue;
        }
        fs::remove_file(&link).map_err(|error| {
            Error::failure(format!("could not remove `{}`", link.display())).because(error)
        })?;
        say(world, &format!("removed {}", link.display()))?;
    }
    Ok(exit)
}

fn say(world: &World, line: &str) -> Result<(), Error> {
    print_out(world, format!("{}\n", escape(line)).as_bytes()).map(drop)
}

fn alias(tools: &[String], world: &World) -> Result<Exit, Error> {
    for tool in tools {
        checked(OsStr::new(tool))?;
        if !tool
            .chars()
            .all(|c| c.is_alphanumeric() || "._+-".contains(c))
        {
            return Err(Error::usage(format!("`{tool}` cannot be an alias")));
        }
        let line = match tool.as_str() {
            "backlog" => "alias backlog='obs backlog'".to_owned(),
            tool => format!("alias {tool}='obs span exec -- {tool}'"),
        };
        say(world, &line)?;
    }
    Ok(Exit::Done)
}

/// A shim, and what PATH makes of it.
pub(super) struct Shim {
    pub(super) tool: OsString,
    /// The program it runs; none where there is none.
    pub(super) real: Option<PathBuf>,
    /// What its name runs now, where that is not the shim.
    pub(super) instead: Option<PathBuf>,
    /// The link leads to a program.
    pub(super) whole: bool,
}

impl Shim {
    /// Why a call of the tool does not become a span; none where it does.
    pub(super) fn trouble(&self) -> Option<String> {
        match (&self.real, &self.instead) {
            _ if !self.whole => Some("the link leads nowhere: add it again".to_owned()),
            (None, _) => Some("there is no such tool on PATH".to_owned()),
            (_, Some(first)) => Some(format!("PATH finds {} first", first.display())),
            (Some(_), None) => None,
        }
    }
}

/// All shims of the home.
pub(super) fn all(world: &World, settings: &Settings) -> Vec<Shim> {
    let Ok(folder) = folder(settings) else {
        return Vec::new();
    };
    let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
    let mut shims: Vec<_> = entries
        .filter(|entry| entry.path().is_symlink())
        .map(|entry| {
            let tool = entry.file_name();
            let lookup = Lookup::of(&tool, world);
            let link = entry.path();
            Shim {
                real: lookup.real,
                instead: lookup.first.filter(|first| *first != link),
                whole: link.exists(),
                tool,
            }
        })
        .collect();
    shims.sort_by(|a, b| a.tool.cmp(&b.tool));
    shims
}

fn list(form: &Form, world: &World, settings: &Settings) -> Result<Exit, Error> {
    let shims = all(world, settings);
    let page = Page::of(world);
    let mut text = String::new();
    for shim in &shims {
        let tool = shim.tool.to_string_lossy();
        let real = shim.real.as_ref().map(|real| real.to_string_lossy());
        let trouble = shim.trouble();
        if form.is_human(world) {
            let (style, note) = match &trouble {
                None => (Style::Good, "ok"),
                Some(trouble) => (Style::Bad, trouble.as_str()),
            };
            let real = real.as_deref().unwrap_or("-");
            let (tool, real, note) = (
                escape(&tool),
                escape(real),
                page.paint(style, &escape(note)),
            );
            text.push_str(&format!("{tool:<16} {real}  {note}\n"));
        } else {
            let line =
                json!({ "tool": tool, "real": real, "ok": trouble.is_none(), "trouble": trouble });
            text.push_str(&format!("{line}\n"));
        }
    }
    print_out(world, text.as_bytes())?;
    if shims.is_empty() && form.is_human(world) {
        world.say("obs: there are no shims\nhint: `obs shim add npm` makes one\n");
    }
    match shims.is_empty() || shims.iter().any(|shim| shim.trouble().is_some()) {
        true => Ok(Exit::No),
        false => Ok(Exit::Done),
    }
}
