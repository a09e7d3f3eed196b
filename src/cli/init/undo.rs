//! `obs init --undo`: the way back, of the line in each shell's file, and of the hooks and shims that init put in.

use super::super::{hook, shim};
use super::made::Made;
use super::rc::{self, Taken};
use super::whole::Whole;
use super::{Args, Shell, mark, say, unclosed};
use crate::error::{Error, Exit};
use crate::git::hooks::Folder;
use crate::redact;
use crate::settings::Settings;
use crate::world::World;
use std::ffi::OsString;
use std::path::Path;

/// Takes it all out; with a shell only that one's line and what is named. One thing in the way is none for the others.
pub(super) fn undo(args: &Args, world: &World, settings: &Settings) -> Result<Exit, Error> {
    let mut troubles = Troubles {
        count: 0,
        last: None,
        world,
    };
    let shells = args
        .shell
        .map_or_else(|| Shell::ALL.to_vec(), |shell| vec![shell]);
    let mut found = false;
    for shell in shells {
        found |= troubles.or(take(shell, world), true);
    }
    if !found {
        say(world, "line: there is none to take out")?;
    }
    let home = settings.home.as_deref().filter(|home| home.exists());
    let made = home.map_or_else(|| Ok(Made::default()), Made::of);
    let made = troubles.or(made, Made::default());
    let exit = match args.shell {
        None => all(args, (&made, home), &mut troubles, settings)?,
        Some(_) => {
            if !made.is_empty() {
                say(
                    world,
                    "hooks and shims stay: `obs init --undo` without --shell takes out those that it put in",
                )?;
            }
            beside(args, &Made::default(), &mut troubles, settings)
        }
    };
    if let Some(home) = home {
        say(
            world,
            &format!("home: {} stays, with its records", home.display()),
        )?;
    }
    troubles.last.map_or(Ok(exit), Err)
}

/// Takes the line out of a shell's file. False: it was not in.
fn take(shell: Shell, world: &World) -> Result<bool, Error> {
    let file = Whole::read(shell.file(world)?)?;
    let text = file.text.as_deref().unwrap_or_default();
    let did = match rc::take(text).map_err(|open| unclosed(&open, &file))? {
        Taken::Nothing => return Ok(false),
        Taken::Text(text) => {
            file.replace(&text, &mark(world))?;
            "taken out of"
        }
        Taken::Whole => {
            file.remove()?;
            "taken out, and with it"
        }
    };
    say(world, &format!("line: {did} {}", file.path.display()))?;
    Ok(true)
}

/// Hooks and shims, remembered or named; then what is left of them is said.
fn all(
    args: &Args,
    (made, home): (&Made, Option<&Path>),
    troubles: &mut Troubles<'_>,
    settings: &Settings,
) -> Result<Exit, Error> {
    let world = troubles.world;
    let before = troubles.count;
    let exit = beside(args, made, troubles, settings);
    // what is still there is tried again the next time
    if let Some(home) = home.filter(|_| troubles.count == before) {
        troubles.or(Made::forget(home), ());
    }
    let left: Vec<_> = shim::all(world, settings)
        .into_iter()
        .map(|shim| shim.tool)
        .collect();
    if !left.is_empty() {
        let names = left.join(std::ffi::OsStr::new(" "));
        say(
            world,
            &format!(
                "shims stay that init did not make: `obs shim remove {}`",
                names.display()
            ),
        )?;
    }
    Ok(exit)
}

fn beside(args: &Args, made: &Made, troubles: &mut Troubles<'_>, settings: &Settings) -> Exit {
    let world = troubles.world;
    let mut folders: Vec<Folder> = made.hooks.iter().cloned().map(Folder::known).collect();
    if args.hooks
        && let Some(here) = troubles.or(hook::here(world, settings).map(Some), None)
        && folders.iter().all(|folder| folder.path != here.path)
    {
        folders.push(here);
    }
    for folder in folders {
        troubles.or(hook::take_out(&folder, world), ());
    }
    let gone = |tool: &&OsString| {
        shim::folder(settings).is_ok_and(|folder| folder.join(tool).is_symlink())
    };
    let remembered = made
        .shims
        .iter()
        .filter(gone)
        .filter(|tool| !args.shim.contains(tool));
    let tools: Vec<OsString> = remembered.chain(&args.shim).cloned().collect();
    troubles.or(shim::remove(&tools, world, settings), Exit::Done)
}

/// What went wrong: all but the last is said at once.
struct Troubles<'a> {
    count: usize,
    last: Option<Error>,
    world: &'a World,
}

impl Troubles<'_> {
    /// The value, or else another and one trouble more.
    fn or<T>(&mut self, result: Result<T, Error>, other: T) -> T {
        result.unwrap_or_else(|error| {
            self.count += 1;
            if let Some(earlier) = self.last.replace(error) {
                self.world.say(&redact::text(&earlier.report()));
            }
            other
        })
    }
}
