//! The one table of faces: which name the program was called by, and what that face does. An unknown name is plain `obs`.

use crate::error::{Error, Exit};
use crate::world::World;
use crate::{capture, cli, redact};
use std::ffi::{OsStr, OsString};
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;

type Entry = fn(&World, &[OsString]) -> Result<Exit, Error>;

/// Name and entry. The name is the whole file stem of argv[0], never a part of it.
const FACES: &[(&str, Entry)] = &[("obs", obs)];

/// Runs the face that argv[0] names; the answer is the exit code.
pub fn run(world: &World) -> u8 {
    let args = world.args();
    let name = args.first().map(Path::new).and_then(Path::file_stem);
    let face = FACES
        .iter()
        .find(|(face, _)| name == Some(OsStr::new(face)));
    let entry = face.map_or(obs as Entry, |(_, entry)| *entry);
    let words = args.get(1..).unwrap_or_default();
    match entry(world, words) {
        Ok(exit) => exit.code(),
        Err(error) => {
            world.say(&redact::text(&error.report()));
            error.code()
        }
    }
}

/// True where the words are a hot command, which never fails its caller.
pub fn is_hot(world: &World) -> bool {
    capture::find(world.args().get(1..).unwrap_or_default()).is_some()
}

/// `obs`: a hot command goes straight to its room, before anything is set up; all others to the cold side.
fn obs(world: &World, words: &[OsString]) -> Result<Exit, Error> {
    match capture::find(words) {
        Some((hot, rest)) if !capture::wants_help(hot, rest) => {
            panic::set_hook(Box::new(|_| {})); // it would print into somebody else's terminal
            panic::catch_unwind(AssertUnwindSafe(|| capture::run(hot, rest, world)))
                .unwrap_or_else(|_| broken(world))
        }
        _ => cli::run(world, words),
    }
}

/// A bug of ours must not end the caller's script.
fn broken(world: &World) -> Result<Exit, Error> {
    match world.says_true("OBS_STRICT") || world.var("OBS_STRICT") == Some("1") {
        true => Err(Error::failure("a bug in obs kept it from recording")
            .hint("please report it with the command's words")),
        false => Ok(Exit::Done),
    }
}
