//! The drain of one sink, from its cursor to the end of the journal. It never waits for a sink that is not there: it notes
//! when to come back, and whoever runs it decides whether to wait.

mod ahead;
mod run;

use super::backoff::Backoff;
use super::{Sink, open};
use crate::error::Error;
use crate::journal::Journal;
use crate::metrics::Fold;
use crate::settings::SinkSettings;
use crate::world::World;
use run::Run;
use std::time::Duration;

/// The cursor tells that its sink is used, no more often than this where nothing else changed.
const TELL_EVERY: i64 = 3600 * 1_000_000_000;

/// What a drain works with.
pub struct Job<'a> {
    /// The sink.
    pub settings: &'a SinkSettings,
    /// The process.
    pub world: &'a World,
    /// Makes a journal for a thread.
    pub journal: &'a (dyn Fn() -> Journal + Sync),
    /// True when it is time to end: after the batch that is on its way.
    pub stop: &'a (dyn Fn() -> bool + Sync),
    /// Tries even where an earlier failure says to wait, unless the receiver said so itself.
    pub is_eager: bool,
}

/// Why a drain ended.
#[derive(Debug)]
pub enum State {
    /// Another process drains this sink.
    Busy,
    /// Nothing was left when it looked last.
    Done,
    /// The sink is not there: not before this time, in nanoseconds since the epoch.
    Later {
        /// When to come back.
        next: i64,
        /// What happened.
        why: Error,
    },
    /// It was told to end.
    Stopped,
    /// The settings or the other side must change first.
    Wrong(Error),
}

/// What a drain did.
#[derive(Debug)]
pub struct Drained {
    /// Records acknowledged.
    pub sent: u64,
    /// Records that the receiver said it dropped.
    pub dropped: u64,
    /// Records that nobody takes, now in `rejected/`.
    pub rejected: u64,
    /// Lines that were no records.
    pub damaged: u64,
    /// What the receiver said about what it dropped or rejected, the first time.
    pub said: Option<String>,
    /// Why the cursor was not believed: some records may have been sent twice.
    pub doubt: Option<String>,
    /// Why it ended.
    pub state: State,
}

impl Drained {
    fn new(state: State) -> Self {
        Self {
            sent: 0,
            dropped: 0,
            rejected: 0,
            damaged: 0,
            said: None,
            doubt: None,
            state,
        }
    }

    /// What this drain and a later one did together.
    pub(super) fn and(self, later: Self) -> Self {
        Self {
            sent: self.sent + later.sent,
            dropped: self.dropped + later.dropped,
            rejected: self.rejected + later.rejected,
            damaged: self.damaged + later.damaged,
            said: self.said.or(later.said),
            doubt: self.doubt.or(later.doubt),
            state: later.state,
        }
    }

    fn says(&mut self, why: &str) {
        self.said
            .get_or_insert_with(|| crate::redact::text(why).into_owned());
    }
}

/// Sends what waits for one sink. An error is a failure of our own disk, or settings that make no sink.
pub fn drain(job: &Job<'_>) -> Result<Drained, Error> {
    drain_into(job, || open(job.settings, job.world))
}

/// The same into a sink that is opened only when it is to be tried.
fn drain_into(
    job: &Job<'_>,
    open: impl FnOnce() -> Result<Box<dyn Sink>, Error>,
) -> Result<Drained, Error> {
    let name = &job.settings.name;
    let failed = |cause: std::io::Error| {
        Error::failure(format!("could not open the cursor of sink `{name}`")).because(cause)
    };
    let journal = (job.journal)();
    let Some(outbox) = journal.outbox(name).map_err(failed)? else {
        return Ok(Drained::new(State::Busy));
    };
    let files = journal.hold_files("drain", name, Duration::from_secs(1));
    let Some(files) = files.map_err(failed)? else {
        return Ok(Drained::new(State::Busy));
    };
    let backoff = Backoff::load(&files).for_settings(job.settings);
    let must_wait = backoff.is_asked || !job.is_eager;
    let must_wait = must_wait && !backoff.is_due(job.world.now());
    if must_wait && backoff.signals.is_empty() {
        let next = backoff.next;
        let why = Error::failure(format!("sink `{name}` is not tried before its time"));
        let why = why.because(&backoff.why);
        return Ok(Drained::new(State::Later { next, why }));
    }
    let sink = open()?;
    let fold = outbox.memory().map(Fold::from_bytes);
    let is_told = (job.world.now() - outbox.used()).abs() < TELL_EVERY;
    let mut run = Run {
        job,
        journal: &journal,
        files,
        backoff,
        sink,
        fold: fold.flatten().unwrap_or_default(),
        memory: None,
        drained: Drained::new(State::Done),
        outbox,
        saved: job.world.moment(),
        is_saved: is_told,
        must_wait,
    };
    run.all()?;
    Ok(run.drained)
}

#[cfg(test)]
mod tests;
