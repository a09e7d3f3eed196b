//! The drain of one sink, from its cursor to the end of the journal. It never waits for a sink that is not there: it notes
//! when to come back, and whoever runs it decides whether to wait.

use super::backoff::{self, Backoff};
use super::{Answer, Form, Load, Most, Sink, Stored, open, rejected};
use crate::error::Error;
use crate::journal::{Batches, From, Held, Journal, Mark, Outbox};
use crate::metrics::Fold;
use crate::model::{Record, Signal};
use crate::settings::{SinkSettings, Start};
use crate::world::World;
use std::io::ErrorKind;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// Spans first: a backend that gets a log wants to show its trace.
const ORDER: [Signal; 4] = [Signal::Spans, Signal::Logs, Signal::Events, Signal::Metrics];
/// The cursor is put on disk no more often than this while a drain lasts.
const SAVE_EVERY: Duration = Duration::from_millis(100);
/// The cursor tells that its sink is used, no more often than this where nothing else changed.
const TELL_EVERY: i64 = 3600 * 1_000_000_000;
/// When to come back where something of our own was in the way.
const SOON: i64 = 1_000_000_000;
/// Not again by itself: a hundred years.
const FOR_GOOD: Duration = Duration::from_secs(100 * 365 * 86_400);
/// A new sink begins so far back.
const DAY: i64 = 24 * 3600 * 1_000_000_000;

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
        self.said.get_or_insert_with(|| why.to_owned());
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
        Error::failure(format!("could not read the cursor of sink `{name}`")).because(cause)
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
    if must_wait && job.world.now() < backoff.next {
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
        saved: Instant::now(),
        is_saved: is_told,
    };
    run.all()?;
    Ok(run.drained)
}

/// A drain that runs.
struct Run<'a> {
    job: &'a Job<'a>,
    journal: &'a Journal,
    files: Held<'a>,
    backoff: Backoff,
    sink: Box<dyn Sink>,
    fold: Fold,
    /// The fold as it was when its points were acknowledged last, where that is not on disk yet.
    memory: Option<Vec<u8>>,
    outbox: Outbox,
    drained: Drained,
    saved: Instant,
    is_saved: bool,
}

/// What the reader hands over: some records of a signal, and where the cursor stands behind them.
struct Part {
    signal: Signal,
    records: Vec<Stored>,
    /// For each record, how many lines end with it: what is no record is among them.
    lines: Vec<usize>,
    mark: Mark,
    damaged: u64,
}

/// How a load ended before its end: so many of its records are done.
struct Cut {
    done: usize,
    state: State,
}

impl Run<'_> {
    fn all(&mut self) -> Result<(), Error> {
        self.drained.doubt = self.outbox.doubt().map(str::to_owned);
        let mut readers = Vec::new();
        for signal in ORDER {
            if self.job.settings.signals().contains(&signal) && self.sink.takes(signal).is_some() {
                // a cursor that is not believed has begun: with everything
                if !self.outbox.has(signal) && self.outbox.doubt().is_none() {
                    let begun = self.outbox.begin(signal, self.from());
                    begun.map_err(unreadable)?;
                    self.is_saved = false;
                }
                readers.push((signal, self.outbox.reader(signal)));
            }
        }
        let most = self.sink.most();
        thread::scope(|scope| {
            let (sender, receiver) = sync_channel(1);
            scope.spawn(move || read(readers, most, &sender));
            self.take(&receiver)
        })?;
        self.save()
    }

    /// Where a sink begins that was never here.
    fn from(&self) -> From {
        match self.job.settings.start() {
            Start::All => From::Everything,
            Start::Day => From::Since(self.job.world.now() - DAY),
            Start::Now => From::Now,
        }
    }

    /// Takes what the reader hands over, until there is no more or the sink does not take it.
    fn take(&mut self, parts: &Receiver<std::io::Result<Part>>) -> Result<(), Error> {
        let mut wrong = Vec::new();
        while let Ok(part) = parts.recv() {
            let part = match part {
                // spill that could not be gathered now: all else was handed over
                Err(cause) if cause.kind() == ErrorKind::TimedOut => {
                    let next = self.job.world.now() + SOON;
                    self.drained.state = State::Later {
                        next,
                        why: unreadable(cause),
                    };
                    return Ok(());
                }
                other => other.map_err(unreadable)?,
            };
            if (self.job.stop)() {
                self.drained.state = State::Stopped;
                return Ok(());
            }
            if wrong.contains(&part.signal) {
                continue;
            }
            self.drained.damaged += part.damaged;
            let Err(cut) = self.deliver(&part)? else {
                self.outbox.acknowledge(part.signal, part.mark);
                self.is_saved = false;
                self.recovered();
                if self.saved.elapsed() >= SAVE_EVERY {
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
                let next = self.failed(None, None, &why)?;
                let state = State::Later { next, why };
                return Ok(Err(Cut { done, state }));
            }
            Answer::Gone(error) => {
                self.failed(None, Some(FOR_GOOD), &error)?;
                let state = State::Wrong(error);
                return Ok(Err(Cut { done, state }));
            }
            Answer::Misconfigured(error) => {
                self.failed(None, None, &error)?;
                return Ok(Err(Cut {
                    done,
                    state: State::Wrong(error),
                }));
            }
            Answer::Retry { after, why } => {
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
        match self.send(first, done)? {
            Err(cut) => Ok(Err(cut)),
            Ok(()) => self.send(second, done + first.len()),
        }
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

    fn recovered(&mut self) {
        if self.backoff.attempts > 0 {
            self.backoff.attempts = 0;
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
        if let Some(chunk) = chunk.map_err(unreadable)? {
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
        (self.saved, self.is_saved) = (Instant::now(), true);
        Ok(())
    }
}

fn unreadable(cause: std::io::Error) -> Error {
    Error::failure("could not read the journal").because(cause)
}

/// Reads ahead: one part waits while another is on its way. Ends when there is no more, or when nobody takes it.
fn read(readers: Vec<(Signal, Batches)>, most: Most, sender: &SyncSender<std::io::Result<Part>>) {
    for (signal, mut batches) in readers {
        loop {
            let part = match batches.next((most.records, most.bytes)) {
                Ok(Some(chunk)) => {
                    let mut part = Part {
                        signal,
                        records: Vec::with_capacity(chunk.lines.len()),
                        lines: Vec::with_capacity(chunk.lines.len()),
                        mark: chunk.mark,
                        damaged: chunk.damaged,
                    };
                    for (index, line) in chunk.lines.into_iter().enumerate() {
                        match signal.read(&line) {
                            Ok(record) => {
                                part.records.push(Stored { line, record });
                                part.lines.push(index + 1);
                            }
                            Err(_) => part.damaged += 1,
                        }
                    }
                    Ok(part)
                }
                Ok(None) => break,
                Err(error) => Err(error),
            };
            let is_failed = part.is_err();
            if sender.send(part).is_err() || is_failed {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests;
