//! Drains of several sinks at once, each on a thread of its own, so that one that is not there keeps no other waiting.

use super::drain::{Drained, Job, State, drain};
use crate::error::Error;
use crate::journal::Journal;
use crate::settings::SinkSettings;
use crate::world::World;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How often a waiting thread looks whether it is to end.
const TICK: Duration = Duration::from_millis(50);
/// How often a relay looks for new records.
const POLL: Duration = Duration::from_millis(500);
/// How long a relay leaves a sink alone whose settings are wrong: the other side may be set right.
const WRONG: Duration = Duration::from_secs(60);

/// What all of them need.
pub struct Rounds<'a> {
    /// The sinks.
    pub sinks: &'a [SinkSettings],
    /// The process.
    pub world: &'a World,
    /// Makes a journal for a thread.
    pub journal: &'a (dyn Fn() -> Journal + Sync),
    /// True when it is time to end.
    pub stop: &'a (dyn Fn() -> bool + Sync),
}

/// How patient they are.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// No new attempt after this.
    pub until: Instant,
    /// The first attempt does not wait for an earlier failure's time.
    pub is_eager: bool,
    /// One attempt and no more.
    pub is_once: bool,
}

impl Rounds<'_> {
    /// Sends what waits, trying again until the time is up. One answer for each sink, in their order.
    pub fn flush(&self, patience: Patience) -> Vec<Result<Drained, Error>> {
        let patient = |settings| move || self.flush_one(settings, patience);
        thread::scope(|scope| {
            let threads: Vec<_> = self
                .sinks
                .iter()
                .map(|settings| thread::Builder::new().spawn_scoped(scope, patient(settings)))
                .collect();
            threads
                .into_iter()
                .map(|one| match one {
                    Ok(one) => one.join().unwrap_or_else(|_| Err(broken())),
                    Err(cause) => Err(Error::failure("could not start a thread").because(cause)),
                })
                .collect()
        })
    }

    fn flush_one(&self, settings: &SinkSettings, patience: Patience) -> Result<Drained, Error> {
        let is_tried = AtomicBool::new(false);
        // however little time there is, the first batch is tried
        let is_over = || {
            let is_late =
                is_tried.swap(true, Ordering::Relaxed) && self.world.moment() >= patience.until;
            (self.stop)() || is_late
        };
        let mut whole: Option<Drained> = None;
        let mut is_eager = patience.is_eager;
        loop {
            let drained = drain(&Job {
                settings,
                world: self.world,
                journal: self.journal,
                stop: &is_over,
                is_eager,
            })?;
            let drained = match whole {
                Some(before) => before.and(drained),
                None => drained,
            };
            // where another process had the sink, nothing was tried yet
            is_eager &= matches!(drained.state, State::Busy);
            let wait = match drained.state {
                State::Busy => TICK,
                State::Later { next, .. } => self.until(next),
                State::Done | State::Stopped | State::Wrong(_) => return Ok(drained),
            };
            let is_last = patience.is_once || self.world.moment() + wait >= patience.until;
            if is_last || !self.sleep(wait) {
                return Ok(drained);
            }
            whole = Some(drained);
        }
    }

    /// Keeps sending until it is told to end; `told` hears of every drain that did something or failed.
    pub fn relay(&self, told: &(dyn Fn(&str, &Result<Drained, Error>) + Sync)) {
        thread::scope(|scope| {
            for settings in self.sinks {
                scope.spawn(move || {
                    while !(self.stop)() {
                        let drained = drain(&Job {
                            settings,
                            world: self.world,
                            journal: self.journal,
                            stop: self.stop,
                            is_eager: false,
                        });
                        told(&settings.name, &drained);
                        self.sleep(match drained.map(|drained| drained.state) {
                            // no longer, or the journal would not be looked after
                            Ok(State::Later { next, .. }) => self.until(next).clamp(POLL, WRONG),
                            Err(_) => WRONG,
                            // what is wrong with one signal keeps no other waiting; when it is tried again stands on disk
                            Ok(State::Busy | State::Done | State::Stopped | State::Wrong(_)) => {
                                POLL
                            }
                        });
                    }
                });
            }
        });
    }

    fn until(&self, next: i64) -> Duration {
        let left = next.saturating_sub(self.world.now());
        Duration::from_nanos(u64::try_from(left).unwrap_or_default())
    }

    /// False: it was told to end.
    fn sleep(&self, length: Duration) -> bool {
        let end = self.world.moment() + length;
        while !(self.stop)() {
            let left = end.saturating_duration_since(self.world.moment());
            if left.is_zero() {
                return true;
            }
            thread::sleep(left.min(TICK));
        }
        false
    }
}

fn broken() -> Error {
    Error::failure("a drain ended by a bug of ours; nothing is lost")
}
