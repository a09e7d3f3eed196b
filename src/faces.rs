//! The one table of faces: which name the program was called by, and what that face does. An unknown name is plain `obs`.

use crate::error::{Error, Exit};
use crate::world::World;
use crate::{capture, cli, git, redact};
use std::ffi::{OsStr, OsString};
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;

/// What a call is, by its name and its first words: found before anything is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Face {
    /// The real Backlog.md CLI with its events: the words behind `obs backlog`, or all of them.
    Backlog {
        /// It was called by its own name.
        by_name: bool,
    },
    /// A subcommand that is run when asked for.
    Cold,
    /// A git hook: `obs hook NAME`, or a link of that name.
    Hook,
    /// A hot command, which never fails its caller.
    Hot,
    /// A tool that a link of ours in a folder of shims stands for.
    Shim,
    /// `obs span exec`.
    SpanExec,
    /// `obs statusline`, which every prompt waits for.
    Statusline,
}

impl Face {
    /// The face of this call. The name is the whole file stem of argv[0], never a part of it.
    pub fn of(world: &World) -> Self {
        let name = called(world);
        if name == Some(OsStr::new(cli::BACKLOG)) {
            return Self::Backlog { by_name: true };
        }
        if is_shim(world) {
            return Self::Shim;
        }
        let words = world.args().get(1..).unwrap_or_default();
        if hook(name, words).is_some() {
            return Self::Hook;
        }
        if words.first().is_some_and(|word| word == cli::BACKLOG) {
            return Self::Backlog { by_name: false };
        }
        if words.first().is_some_and(|word| word == cli::STATUSLINE) {
            return Self::Statusline;
        }
        match capture::find(words) {
            Some((hot, rest)) if capture::wants_help(hot, rest) => Self::Cold,
            Some((hot, _)) if hot.name == capture::words::EXEC.name => Self::SpanExec,
            Some(_) => Self::Hot,
            None => Self::Cold,
        }
    }

    /// True where a failure of ours must not end the caller's script.
    pub fn is_hot(self) -> bool {
        matches!(self, Self::Hook | Self::Hot)
    }

    /// True where somebody else's command runs inside us, which must get descriptors and signals as we got them.
    pub fn wraps(self) -> bool {
        matches!(self, Self::Backlog { .. } | Self::Shim | Self::SpanExec)
    }

    /// Runs the face; the answer is the exit code.
    pub fn run(self, world: &World) -> u8 {
        let words = world.args().get(1..).unwrap_or_default();
        let done =
            match self {
                Self::Backlog { by_name: true } => Ok(cli::backlog(world, words, "")),
                Self::Backlog { by_name: false } => Ok(cli::backlog(
                    world,
                    words.get(1..).unwrap_or_default(),
                    "obs: ",
                )),
                Self::Hook => Ok(hook(called(world), words)
                    .map_or(0, |(name, args)| cli::hook(name, args, world))),
                Self::Cold => cli::run(world, words).map(Exit::code),
                Self::Hot => hot(world, words).map(Exit::code),
                Self::Shim => Ok(cli::tool(world)),
                Self::SpanExec => cli::exec(world, words.get(2..).unwrap_or_default()),
                Self::Statusline => {
                    cli::statusline(world, words.get(1..).unwrap_or_default()).map(Exit::code)
                }
            };
        done.unwrap_or_else(|error| {
            world.say(&redact::text(&error.report()));
            error.code()
        })
    }
}

/// The file stem of argv[0].
fn called(world: &World) -> Option<&OsStr> {
    world
        .args()
        .first()
        .map(Path::new)
        .and_then(Path::file_stem)
}

/// The git hook of this call and its arguments: by name in a folder of hooks, or by the words.
fn hook<'a>(name: Option<&OsStr>, words: &'a [OsString]) -> Option<(&'static str, &'a [OsString])> {
    let hooks = git::hooks::NAMES.iter();
    let named = hooks.copied().find(|hook| name == Some(OsStr::new(hook)));
    named
        .map(|hook| (hook, words))
        .or_else(|| cli::find_hook(words))
}

/// True for a link of ours in a folder of shims, by whatever path it was reached and whatever `OBS_HOME` says now.
fn is_shim(world: &World) -> bool {
    if world.called_name() == Some(OsStr::new("obs")) {
        return false;
    }
    let folder = world.called_path().and_then(Path::parent);
    let named = |folder: &Path| folder.file_name() == Some(OsStr::new(cli::SHIMS));
    folder.is_some_and(|folder| {
        let real = || {
            let folder = if folder.as_os_str().is_empty() {
                Path::new(".")
            } else {
                folder
            };
            std::fs::canonicalize(folder).is_ok_and(|real| named(&real))
        };
        named(folder) || real()
    })
}

/// A hot command goes straight to its room, before anything is set up.
fn hot(world: &World, words: &[OsString]) -> Result<Exit, Error> {
    let Some((hot, rest)) = capture::find(words) else {
        return cli::run(world, words);
    };
    panic::set_hook(Box::new(|_| {})); // it would print into somebody else's terminal
    panic::catch_unwind(AssertUnwindSafe(|| {
        let ran = capture::run(hot, rest, world)?;
        if let Some(program) = world.program().filter(|_| ran.wants_drain) {
            cli::start_drain(&program, world);
        }
        Ok(ran.exit)
    }))
    .unwrap_or_else(|_| broken(world))
}

/// A bug of ours must not end the caller's script.
fn broken(world: &World) -> Result<Exit, Error> {
    match world.says_true("OBS_STRICT") || world.var("OBS_STRICT") == Some("1") {
        true => Err(Error::failure("a bug in obs kept it from recording")
            .hint("please report it with the command's words")),
        false => Ok(Exit::Done),
    }
}
