//! The drain in the background: who starts it, and what it does. At most one runs for a home, for a bounded time. It looks
//! for records the last time no sooner than a hot call would start the next one, and once more when others may start one
//! again: what a script says last is never left behind.

use super::flush::Drains;
use super::gc::keep_within_bounds;
use crate::capture;
use crate::child::Program;
use crate::error::Error;
use crate::settings::Settings;
use crate::ship::State;
use crate::world::World;
use std::ffi::OsString;
use std::path::Path;
use std::time::{Duration, Instant};

/// The word that asks for it, for ourselves only.
pub(super) const WORD: &str = "--behind";

/// A hot call within 5 s of the stamp starts nothing; a second more for what it is about to append.
const LAST_LOOK: i64 = 6_000_000_000;
/// It ends after this long, whatever is left: the next call starts another.
const LONGEST: Duration = Duration::from_secs(600);
/// How long another one is waited for.
const PATIENCE: Duration = Duration::from_millis(50);

/// Starts it, in a process that has nothing to do with us.
pub fn start_drain(program: &Path, world: &World) {
    let words = ["obs", "flush", WORD].map(OsString::from);
    if let Some(program) = Program::new(program, &words, world.env()) {
        program.detach();
    }
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

/// What the process does.
pub(super) fn run(drains: &Drains<'_>, world: &World, settings: &Settings) -> Result<(), Error> {
    let end = world.moment() + LONGEST;
    let journal = capture::open(world, settings);
    let failed = |cause| Error::failure("could not hold the background's lock").because(cause);
    loop {
        let held = journal
            .hold_files("drain", "behind", PATIENCE)
            .map_err(failed)?;
        let Some(held) = held else {
            return Ok(()); // another one runs, and looks after us
        };
        let is_well = until_stamp_is_old(drains, world, settings, end);
        // only now: what was sent may go
        let _ = keep_within_bounds(world, settings);
        drop(held);
        // between its last look and this a call may have appended, and found somebody running
        if !is_well || world.moment() >= end || !drains.is_anything_waiting() {
            return Ok(());
        }
    }
}

/// Drains until the stamp is old enough that a call would start another one. False: a sink is not there.
fn until_stamp_is_old(
    drains: &Drains<'_>,
    world: &World,
    settings: &Settings,
    end: Instant,
) -> bool {
    let journal = capture::open(world, settings);
    loop {
        let stamp = journal.drain_claimed().unwrap_or_default();
        let left = (stamp + LAST_LOOK)
            .saturating_sub(world.now())
            .clamp(0, LAST_LOOK);
        let is_last = left == 0;
        let is_well = drains.once(end, settings).iter().all(|drained| {
            drained
                .as_ref()
                .is_ok_and(|drained| matches!(drained.state, State::Done | State::Busy))
        });
        if !is_well || world.moment() >= end {
            return is_well;
        }
        if is_last {
            if journal.drain_claimed().unwrap_or_default() == stamp {
                return true;
            }
        } else {
            std::thread::sleep(Duration::from_nanos(
                u64::try_from(left).unwrap_or_default(),
            ));
        }
    }
}
