//! The drain in the background: who starts it, and what it does. At most one runs for a home, for a bounded time. It looks
//! for records the last time no sooner than a hot call would start the next one, and once more when others may start one
//! again: what a script says last is never left behind.

use super::flush::Drains;
use super::gc::keep_within_bounds;
use crate::capture;
use crate::child::{self, Program};
use crate::error::Error;
use crate::journal::Journal;
use crate::redact;
use crate::settings::Settings;
use crate::ship::State;
use crate::world::World;
use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// The word that asks for it, for ourselves only.
pub(super) const WORD: &str = "--behind";

/// A hot call within 5 s of the stamp starts nothing; a second more for what it is about to append.
const LAST_LOOK: i64 = 6_000_000_000;
/// It ends after this long, whatever is left: the next call starts another.
const LONGEST: Duration = Duration::from_secs(600);
/// The word for what went wrong with a sink.
const WHAT: &str = "sink";
const HOUR: i64 = 3_600_000_000_000;
/// The name of its lock, which no sink can have.
const LOCK: &str = ".behind";
/// A batch without a time limit may hang longer than `LONGEST`: then the process is ended, and the batch comes again.
const GRACE: Duration = Duration::from_secs(60);
/// How long another one is waited for.
const PATIENCE: Duration = Duration::from_millis(50);

/// Starts it, in a process that has nothing to do with us.
pub fn start_drain(program: &Path, world: &World) {
    let words = ["obs", "flush", WORD].map(OsString::from);
    let env: Vec<Cow<'_, OsStr>> = world.env().iter().map(|pair| placed(pair, world)).collect();
    // the builtin finds it by the shell's PATH, which may be relative
    let program = world.absolute(program);
    if let Some(program) = Program::new(&program, &words, &env) {
        program.detach();
    }
}

/// A variable as it means the same in another folder.
fn placed<'a>(pair: &'a OsStr, world: &World) -> Cow<'a, OsStr> {
    let bytes = pair.as_bytes();
    let parts = bytes.split_at_checked(bytes.iter().take_while(|byte| **byte != b'=').count() + 1);
    match parts {
        Some((name, path)) if is_path(name) && !path.is_empty() && !path.starts_with(b"/") => {
            let path = world.absolute(Path::new(OsStr::from_bytes(path)));
            let mut placed = OsStr::from_bytes(name).to_owned();
            placed.push(path);
            Cow::Owned(placed)
        }
        _ => Cow::Borrowed(pair),
    }
}

/// True for a variable, its `=` included, that names a file or a folder of ours.
fn is_path(name: &[u8]) -> bool {
    let is_tls = name.starts_with(b"OTEL_EXPORTER_OTLP_")
        && (name.ends_with(b"CERTIFICATE=") || name.ends_with(b"CLIENT_KEY="));
    is_tls || matches!(name, b"OBS_HOME=" | b"TMPDIR=")
}

/// The same after a command that was wrapped or a hook, where it is time.
pub(super) fn start_if_due(world: &World, settings: &Settings) {
    let journal = capture::open(world, settings);
    if capture::wants_drain(settings, &journal, world)
        && let Some(program) = world.program()
    {
        start_drain(&program, world);
    }
}

/// What the process does. `wrong` is what is wrong with sinks that are none.
pub(super) fn run(
    drains: &Drains<'_>,
    wrong: &[Error],
    world: &World,
    settings: &Settings,
) -> Result<(), Error> {
    let end = world.moment() + LONGEST;
    child::end_after(LONGEST + GRACE);
    let journal = capture::open(world, settings);
    let failed = |cause| Error::failure("could not hold the background's lock").because(cause);
    for error in wrong {
        note(&journal, world, &error.to_string());
    }
    let mut is_again = false;
    loop {
        let held = journal
            .hold_files("drain", LOCK, PATIENCE)
            .map_err(failed)?;
        let Some(held) = held else {
            return Ok(()); // another one runs, and looks after us
        };
        let (well, sent) = until_stamp_is_old(drains, &journal, settings, end);
        // only now: what was sent may go
        let _ = keep_within_bounds(world, settings);
        drop(held);
        // between its last look and this a call may have appended, and found somebody running
        let is_in_vain = is_again && sent == 0;
        if is_in_vain || world.moment() >= end || !drains.is_anything_waiting(&well) {
            return Ok(());
        }
        is_again = true;
    }
}

/// Drains until the stamp is so old that a call would start another one. One answer for each sink: whether it is there;
/// and how many records were sent.
fn until_stamp_is_old(
    drains: &Drains<'_>,
    journal: &Journal,
    settings: &Settings,
    end: Instant,
) -> (Vec<bool>, u64) {
    let world = drains.world;
    let mut sent = 0;
    loop {
        let stamp = journal.drain_claimed().unwrap_or_default();
        let left = (stamp + LAST_LOOK)
            .saturating_sub(world.now())
            .clamp(0, LAST_LOOK);
        let mut well = Vec::new();
        for drained in drains.once(end, settings) {
            // one that takes something is there, though it may not know every signal
            let mut is_there = false;
            let trouble = match drained {
                Ok(drained) => {
                    sent += drained.sent;
                    is_there = drained.sent > 0;
                    match drained.state {
                        State::Busy | State::Done => None,
                        State::Later { why, .. } | State::Wrong(why) => Some(why),
                        State::Stopped => return (well, sent),
                    }
                }
                Err(error) => Some(error),
            };
            well.push(is_there || trouble.is_none());
            if let Some(error) = trouble {
                note(journal, world, &error.to_string());
            }
        }
        let is_last = left == 0 && journal.drain_claimed().unwrap_or_default() == stamp;
        if is_last || world.moment() >= end || !well.contains(&true) {
            return (well, sent);
        }
        thread::sleep(Duration::from_nanos(
            u64::try_from(left).unwrap_or_default(),
        ));
    }
}

/// Notes what nobody sees, the same once an hour.
fn note(journal: &Journal, world: &World, why: &str) {
    let (now, why) = (world.now(), redact::text(why));
    let is_known = journal
        .troubles()
        .iter()
        .any(|one| one.what == WHAT && one.why == why && now - one.timestamp < HOUR);
    if !is_known {
        journal.trouble(now, WHAT, &why);
    }
}
