//! A drain that runs: sends each part, moves the cursor behind what was answered for, and halves what nobody takes whole.

use super::super::backoff::{self, Backoff};
use super::super::{Answer, Form, Load, Sink, rejected};
use super::ahead::{Part, Read, read};
use super::{Drained, Job, State};
use crate::error::Error;
use crate::journal::{Batches, From, Held, Journal, Outbox};
use crate::metrics::Fold;
use crate::model::{Record, Signal};
use crate::settings::Start;
use std::io::ErrorKind;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// Spans first: a backend that gets a log wants to show its trace.
const ORDER: [Signal; 4] = [Signal::Spans, Signal::Logs, Signal::Events, Signal::Metrics];
/// The cursor is put on disk no more often than this while a drain lasts.
const SAVE_EVERY: Duration = Duration::from_millis(100);
/// When to come back where something of our own was in the way.
const SOON: i64 = 1_000_000_000;
/// Not again by itself: a hundred years.
const FOR_GOOD: Duration = Duration::from_secs(100 * 365 * 86_400);
/// A new sink begins so far back.
const DAY: i64 = 24 * 3600 * 1_000_000_000;

/// A drain that runs.
pub(super) struct Run<'a> {
    pub(super) job: &'a Job<'a>,
    pub(super) journal: &'a Journal,
    pub(super) files: Held<'a>,
    pub(super) backoff: Backoff,
    pub(super) sink: Box<dyn Sink>,
    pub(super) fold: Fold,
    /// The fold as it was when its points were acknowledged last, where that is not on disk yet.
    pub(super) memory: Option<Vec<u8>>,
    pub(super) outbox: Outbox,
    pub(super) drained: Drained,
    pub(super) saved: Instant,
    pub(super) is_saved: bool,
    /// It is too early for the signals that the other side did not know; the others go.
    pub(super) must_wait: bool,
}

/// How a load ended before its end: so many of its records are done.
struct Cut {
    done: usize,
    state: State,
}

impl Run<'_> {
    /// Sends all that waits, or as much as the sink takes.
    pub(super) fn all(&mut self) -> Result<(), Error> {
        self.drained.doubt = self.outbox.doubt().map(str::to_owned);
        let mut readers = Vec::new();
        for signal in ORDER {
            if self.job.settings.signals().contains(&signal) && self.sink.takes(signal).is_some() {
                if !self.outbox.has(signal) {
                    let begun = self.outbox.begin(signal, self.from());
                    begun.map_err(unreadable)?;
                    self.is_saved = false;
                }
                match self.must_wait && self.backoff.holds(signal) {
                    true => {
                        self.drained.state = State::Wrong(Error::usage(&self.backoff.why));
                    }
                    false => readers.push((signal, self.outbox.reader(signal))),
                }
            }
        }
        let most = self.sink.most();
        let taken = thread::scope(|scope| {
            let (sender, receiver) = sync_channel(1);
            let reading = move || read(readers, most, &sender);
            let started = thread::Builder::new().spawn_scoped(scope, reading);
            started.map_err(|cause| Error::failure("could not start a thread").because(cause))?;
            self.take(&receiver)
        });
        // what is acknowledged is, whatever failed behind it
        taken.and(self.save())
    }

    /// Where a sink begins that was never here. One whose cursor is not believed was: it may not pass over anything.
    fn from(&self) -> From {
        if self.outbox.doubt().is_some() {
            return From::Everything;
        }
        match self.job.settings.start() {
            Start::All => From::Everything,
            Start::Day => From::Since(self.job.world.now() - DAY),
            Start::Now => From::Now,
        }
    }

    /// Takes what the reader hands over, until there is no more or the sink does not take it.
    fn take(&mut self, chunks: &Receiver<std::io::Result<Read>>) -> Result<(), Error> {
        let mut wrong = Vec::new();
        while let Ok(chunk) = chunks.recv() {
            let part = match chunk {
                // spill that could not be gathered now: all else was handed over
                Err(cause) if cause.kind() == ErrorKind::TimedOut => {
                    let next = self.job.world.now() + SOON;
                    self.drained.state = State::Later {
                        next,
                        why: unreadable(cause),
                    };
                    return Ok(());
                }
                other => Part::of(other.map_err(unreadable)?),
            };
            // where only the mark moved, nobody is asked
            let is_empty = part.records.is_empty();
            if !is_empty && (self.job.stop)() {
                // what is wrong with another signal is the better reason
                if wrong.is_empty() {
                    self.drained.state = State::Stopped;
                }
                return Ok(());
            }
            if wrong.contains(&part.signal) {
                continue;
            }
            self.drained.damaged += part.damaged;
            let Err(cut) = self.deliver(&part)? else {
                self.outbox.acknowledge(part.signal, part.mark);
                self.is_saved = false;
                if !is_empty {
                    self.recovered(part.signal);
                }
                if self.job.world.moment() - self.saved >= SAVE_EVERY {
                    self.save()?;
                }
                continue;
            };
            self.keep_prefix(&part, cut.done)?;
            let is_wrong = matches!(cut.state, State::Wrong(_));
            self.drained.state = cut.state;
            if !is_wrong {
                return Ok(());
            }
            // a backend may take traces and know nothing of metrics
            wrong.push(part.signal);
        }
        Ok(())
    }

    /// Sends one part in the form that the sink wants.
    fn deliver(&mut self, part: &Part) -> Result<Result<(), Cut>, Error> {
        match self.sink.takes(part.signal) {
            Some(Form::Points { delta }) => {
                for stored in &part.records {
                    if let Record::Metric(metric) = &stored.record {
                        self.fold.add(metric);
                    }
                }
                let points = self.fold.take(delta);
                let sent = self.send(Load::Points(&points), 0)?;
                // points are no records: where some are missing, all are sent again
                if sent.is_ok() {
                    self.drained.sent += part.records.len() as u64;
                    self.memory = Some(self.fold.to_bytes());
                }
                Ok(sent.map_err(|cut| Cut { done: 0, ..cut }))
            }
            _ => self.send(Load::Records(part.signal, &part.records), 0),
        }
    }

    /// Sends a load, halved where nobody takes it whole; `done` records were sent before it.
    fn send(&mut self, load: Load<'_>, done: usize) -> Result<Result<(), Cut>, Error> {
        if load.is_empty() {
            return Ok(Ok(()));
        }
        match self.sink.send(load) {
            Answer::Delivered => self.count(load),
            Answer::Partial { rejected, why } => {
                self.count(load);
                self.drained.sent = self.drained.sent.saturating_sub(rejected);
                self.drained.dropped += rejected;
                self.drained.says(&why);
            }
            Answer::Permanent(why) => return self.refused(load, done, &why),
            Answer::Failing(why) if self.is_over() => {
                let why = why.to_string();
                return self.refused(load, done, &why);
            }
            Answer::Failing(why) => {
                self.backoff.signals.clear();
                let next = self.failed(None, None, &why)?;
                let state = State::Later { next, why };
                return Ok(Err(Cut { done, state }));
            }
            Answer::Gone(error) => {
                self.backoff.signals.clear();
                self.failed(None, Some(FOR_GOOD), &error)?;
                let state = State::Wrong(error);
                return Ok(Err(Cut { done, state }));
            }
            Answer::Misconfigured(error) => {
                self.backoff.hold(load.signal());
                self.failed(None, None, &error)?;
                return Ok(Err(Cut {
                    done,
                    state: State::Wrong(error),
                }));
            }
            Answer::Retry { after, why } => {
                self.backoff.signals.clear();
                let next = self.failed(after, None, &why)?;
                let state = State::Later { next, why };
                return Ok(Err(Cut { done, state }));
            }
        }
        Ok(Ok(()))
    }

    /// A load that nobody takes as it is: halved, or the one record is set aside.
    fn refused(
        &mut self,
        load: Load<'_>,
        done: usize,
        why: &str,
    ) -> Result<Result<(), Cut>, Error> {
        let Some((first, second)) = load.halves() else {
            return self.reject(load, why).map(Ok);
        };
        if let Err(cut) = self.send(first, done)? {
            return Ok(Err(cut));
        }
        let done = done + first.len();
        if (self.job.stop)() {
            let state = State::Stopped;
            return Ok(Err(Cut { done, state }));
        }
        self.send(second, done)
    }

    /// True where the schedule of the sink's protocol has been gone through in vain.
    fn is_over(&self) -> bool {
        let schedule = self.sink.schedule().unwrap_or_default();
        self.backoff.is_over(self.job.world.now(), schedule)
    }

    fn count(&mut self, load: Load<'_>) {
        if let Load::Records(_, records) = load {
            self.drained.sent += records.len() as u64;
        }
    }

    /// One record that nobody takes.
    fn reject(&mut self, load: Load<'_>, why: &str) -> Result<(), Error> {
        let why = crate::redact::text(why);
        self.drained.rejected += 1;
        self.drained.says(&why);
        let (signal, record) = match load {
            Load::Records(signal, [stored]) => (signal, String::from_utf8_lossy(&stored.line)),
            Load::Points([point]) => (Signal::Metrics, rejected::text_of(point).into()),
            _ => return Ok(()),
        };
        let name = &self.job.settings.name;
        rejected::note(
            self.journal,
            name,
            (signal, record.trim_end()),
            &why,
            self.job.world.now(),
        )
    }

    /// Notes a failure on disk; the answer is when to come back.
    fn failed(
        &mut self,
        after: Option<Duration>,
        wait: Option<Duration>,
        why: &Error,
    ) -> Result<i64, Error> {
        let random = u64::from_le_bytes(self.job.world.random());
        let schedule = self.sink.schedule().unwrap_or_default();
        let by_schedule = || backoff::wait(self.backoff.attempts, schedule, random);
        let wait = wait.unwrap_or_else(by_schedule);
        let text = crate::redact::text(&why.to_string()).into_owned();
        self.backoff.fail(self.job.world.now(), after, wait, &text);
        self.store_backoff()?;
        Ok(self.backoff.next)
    }

    fn recovered(&mut self, signal: Signal) {
        let is_about_others = !self.backoff.signals.is_empty() && !self.backoff.holds(signal);
        if self.backoff.attempts > 0 && !is_about_others {
            self.backoff.attempts = 0;
            self.backoff.signals.clear();
            // what is not removed only makes a later drain wait
            let _ = self.store_backoff();
        }
    }

    fn store_backoff(&self) -> Result<(), Error> {
        let stored = self.backoff.store(&self.files);
        stored.map_err(|cause| Error::failure("could not note when to try again").because(cause))
    }

    /// Moves the cursor behind the first records of a part.
    fn keep_prefix(&mut self, part: &Part, done: usize) -> Result<(), Error> {
        let Some(lines) = done.checked_sub(1).and_then(|last| part.lines.get(last)) else {
            return Ok(());
        };
        let mut again: Batches = self.outbox.reader(part.signal);
        let chunk = again.next((*lines, usize::MAX));
        // what was spilled meanwhile stands before them now: then they come again
        if let Some(chunk) = chunk.map_err(unreadable)?
            && part.begins_with(&chunk.lines, done)
        {
            self.outbox.acknowledge(part.signal, chunk.mark);
            self.is_saved = false;
        }
        Ok(())
    }

    /// Puts the cursor on disk, and the fold with it.
    fn save(&mut self) -> Result<(), Error> {
        if self.is_saved {
            return Ok(());
        }
        let saved = self
            .outbox
            .save(self.memory.as_deref(), self.job.world.now());
        saved.map_err(|cause| {
            let name = &self.job.settings.name;
            Error::failure(format!("could not save the cursor of sink `{name}`")).because(cause)
        })?;
        self.memory = None;
        (self.saved, self.is_saved) = (self.job.world.moment(), true);
        Ok(())
    }
}

fn unreadable(cause: std::io::Error) -> Error {
    Error::failure("could not read the journal").because(cause)
}
