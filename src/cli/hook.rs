//! `obs hook install|uninstall|status`: our git hooks in a repository, or for all of them.

use super::hook_run;
use super::page::reflow;
use super::print_out;
use super::select::Form;
use crate::capture;
use crate::error::{Error, Exit};
use crate::git::hooks::{self, Change, Done, Folder, NAMES, Scope, State};
use crate::model::shown::escape;
use crate::settings::Settings;
use crate::world::World;
use clap::{Arg, ArgMatches, Command, FromArgMatches, Subcommand};
use serde_json::json;
use std::path::{Path, PathBuf};

// Words of the commands that people type; what the group does is said where it is made.
#[derive(Debug, Subcommand)]
enum Words {
    /// Install the hooks, in front of those that are there
    Install(Where),
    /// Show which hooks are installed
    Status(Asked),
    /// Take the hooks out again, and give back what was there
    Uninstall(Where),
}

#[derive(Debug, clap::Args)]
struct Where {
    /// For all repositories, by core.hooksPath of your own git configuration
    #[arg(long)]
    global: bool,
}

#[derive(Debug, clap::Args)]
struct Asked {
    #[command(flatten)]
    place: Where,
    #[command(flatten)]
    form: Form,
}

const MORE: &str = "\
Every commit becomes one `git.commit` event, however it is made: commit, amend, merge, squash, cherry-pick, revert. What a
rebase replays is not told again. The hooks print nothing, never fail, and take about as long as `git rev-parse HEAD`.

They go where git looks for hooks, which core.hooksPath may say. A hook that is there runs first, with git's arguments and
standard input, and its status counts; it stays beside ours as NAME.obs-earlier, and uninstalling gives it back
unchanged. All work trees of a repository share its hooks. A tool that writes its own hooks anew (husky does, at every
`npm install`) replaces ours: `obs hook status` says so, and installing again puts ours in front.

With --global and no core.hooksPath yet, it is set to OBS_HOME/hooks, from where each repository's own hooks are run as
before, but for proc-receive and push-to-checkout. A repository with its own core.hooksPath needs its own installation.";

/// What the hooks say about themselves.
const RUN: &str = "\
Git runs this with its own arguments, by the hook that `obs hook install` put into place. It prints nothing and exits 0
whatever happens.";

/// The command.
pub(super) fn command() -> Command {
    let group = Command::new("hook")
        .about("Record what git does, by git hooks")
        .after_help(reflow(MORE))
        .subcommand_required(true)
        .disable_help_subcommand(true);
    let run = |name: &&'static str| {
        let args = Arg::new("ARG")
            .num_args(0..)
            .help("What git gives the hook");
        Command::new(*name)
            .about(format!("Run by git as its {name} hook"))
            .after_help(reflow(RUN))
            .arg(args)
    };
    Words::augment_subcommands(group).subcommands(NAMES.iter().map(run))
}

/// Runs what a person asked for.
pub(super) fn run(matches: &ArgMatches, world: &World, settings: &Settings) -> Result<Exit, Error> {
    let words =
        Words::from_arg_matches(matches).map_err(|error| Error::usage(error.to_string()))?;
    match words {
        Words::Install(place) => install(&place, world, settings).map(|_| Exit::Done),
        Words::Uninstall(place) => {
            take_out(&folder(&place, world, settings)?, world).map(|()| Exit::Done)
        }
        Words::Status(asked) => status(&asked, world, settings),
    }
}

/// The folder of hooks of the repository one stands in.
pub(super) fn here(world: &World, settings: &Settings) -> Result<Folder, Error> {
    folder(&Where { global: false }, world, settings)
}

/// Installs the hooks of the repository one stands in; their folder, if it had none of ours.
pub(super) fn put_in(world: &World, settings: &Settings) -> Result<Option<PathBuf>, Error> {
    let (folder, changes) = install(&Where { global: false }, world, settings)?;
    let fresh = |(_, done): &Change| matches!(done, Done::Chained | Done::Installed);
    let fresh = !changes.is_empty() && changes.iter().all(fresh);
    Ok(fresh.then_some(folder.path))
}

/// Takes the hooks out of a folder.
pub(super) fn take_out(folder: &Folder, world: &World) -> Result<(), Error> {
    let changes = hooks::uninstall(folder)?;
    print_out(world, changed(folder, &changes).as_bytes()).map(drop)
}

fn install(
    place: &Where,
    world: &World,
    settings: &Settings,
) -> Result<(Folder, Vec<Change>), Error> {
    let folder = folder(place, world, settings)?;
    if folder.scope == Scope::OwnGlobal {
        let made = capture::open(world, settings).folder("hooks");
        made.map_err(|cause| {
            Error::failure("could not make a folder for the hooks").because(cause)
        })?;
    }
    let program = world.program().unwrap_or_else(|| PathBuf::from("obs"));
    let changes = hooks::install(&folder, &program)?;
    print_out(world, changed(&folder, &changes).as_bytes())?;
    note(&folder, &changes, world);
    if !place.global
        && let Err(error) = hook_run::begin(world, settings)
    {
        world.say(&crate::redact::text(&error.report()));
    }
    Ok((folder, changes))
}

fn folder(place: &Where, world: &World, settings: &Settings) -> Result<Folder, Error> {
    let start = world.cwd().unwrap_or_else(|| PathBuf::from("."));
    if !place.global {
        return Folder::of_repository(&start);
    }
    let home = settings
        .home
        .as_deref()
        .ok_or_else(|| Error::failure("there is no place for global hooks").hint("set OBS_HOME"))?;
    Ok(Folder::of_all(&start, home.join("hooks"), world))
}

/// What was done, a line each.
fn changed(folder: &Folder, changes: &[Change]) -> String {
    let line = |(path, done): &Change| {
        let did = match done {
            Done::Chained => "installed; runs the hook that was there first",
            Done::Installed => "installed",
            Done::Left => "not ours any more; its .obs-earlier was left",
            Done::Removed => "removed",
            Done::Restored => "removed; the hook that was there is back",
            Done::Updated => "brought up to date",
        };
        format!("{}: {did}\n", shown(path))
    };
    match changes.is_empty() {
        true => format!("{}: nothing to do\n", shown(&folder.path)),
        false => changes.iter().map(line).collect(),
    }
}

/// What somebody who just installed hooks may not expect.
fn note(folder: &Folder, changes: &[Change], world: &World) {
    if changes.is_empty() {
        return;
    }
    let path = shown(&folder.path);
    match folder.scope {
        Scope::Global => world.say(&format!(
            "obs: core.hooksPath of your git configuration names {path}: this is for every repository that uses it"
        )),
        Scope::OwnGlobal => world.say(&format!("obs: core.hooksPath of your git configuration is now {path}")),
        Scope::Repository if folder.is_seen => world.say(&format!(
            "obs: {path} is in the work tree: git lists what is new there; .git/info/exclude can hide it"
        )),
        Scope::Repository => {}
    }
}

fn status(asked: &Asked, world: &World, settings: &Settings) -> Result<Exit, Error> {
    let folder = folder(&asked.place, world, settings)?;
    let found = hooks::status(&folder);
    let good = |state: State| matches!(state, State::Chained | State::Installed);
    let text = match asked.form.is_human(world) {
        true => human(&folder.path, &found),
        false => {
            let hooks: Vec<_> = found
                .iter()
                .map(|(name, state)| json!({"name": name, "installed": good(*state), "state": word(*state)}))
                .collect();
            let path = folder.path.to_string_lossy();
            let all = folder.scope != Scope::Repository;
            format!(
                "{}\n",
                json!({"folder": path, "global": all, "hooks": hooks})
            )
        }
    };
    print_out(world, text.as_bytes())?;
    let whole = found.iter().all(|(_, state)| good(*state));
    Ok(if whole { Exit::Done } else { Exit::No })
}

fn human(folder: &Path, found: &[(&str, State)]) -> String {
    let line = |(name, state): &(&str, State)| {
        let text = match state {
            State::Absent => "not installed",
            State::Chained => "installed, in front of another hook",
            State::Foreign => "not installed; another hook is there",
            State::Installed => "installed",
        };
        format!("{name:<13}  {text}\n")
    };
    let lines: String = found.iter().map(line).collect();
    format!("{}\n{lines}", shown(folder))
}

/// A state as programs read it.
fn word(state: State) -> &'static str {
    match state {
        State::Absent => "absent",
        State::Chained => "chained",
        State::Foreign => "foreign",
        State::Installed => "installed",
    }
}

fn shown(path: &Path) -> String {
    escape(&path.to_string_lossy()).into_owned()
}
