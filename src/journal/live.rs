//! Started spans: a file each, changed by lock, inode check, new file, rename; ended in place, then in the journal.

mod end;

pub use end::OwnLive;

use super::{Journal, Signal, file};
use crate::error::Error;
use crate::model::ids::SpanId;
use crate::model::{Span, StatusCode, to_line};
use crate::world::World;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// How long an abandoned span may still be ended for real, in nanoseconds: 7 days.
const GRACE: i64 = 7 * 86_400 * 1_000_000_000;

/// The process that a span lives with; its pid means something only in its own space.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Process id.
    pub pid: u32,
    /// Start time in clock ticks since boot.
    pub start: u64,
    /// Boot id and pid namespace.
    pub space: String,
    /// The machine: a home may be shared by several, each with a boot id of its own.
    #[serde(default)]
    pub host: String,
}

/// A span that was started, as its live file holds it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LiveSpan {
    /// The span so far.
    pub span: Span,
    /// Whom it lives with, as long as one of them lives; empty when only `expires` ends it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owners: Vec<Owner>,
    /// When it counts as abandoned whatever its owner does, in nanoseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<i64>,
    /// Last change, in nanoseconds since the epoch.
    pub changed: i64,
    /// Ended: the span is the final record, to be appended and the file removed.
    #[serde(default)]
    pub done: bool,
    /// Journalled as abandoned at this time; kept in case a real end comes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported: Option<i64>,
}

/// What a live file says about its span now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Its owner is gone or its time is up.
    Abandoned,
    /// Ended; a crash kept it from the journal.
    Done,
    /// Started and not ended.
    Running,
}

/// What to do with a live span after looking at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Store it and go on.
    Keep,
    /// Nothing.
    Leave,
    /// Remove the file.
    Remove,
}

impl LiveSpan {
    /// What it is now.
    pub fn state(&self, world: &World, now: i64) -> State {
        if self.done {
            return State::Done;
        }
        let expired = self.expires.is_some_and(|at| at <= now);
        let gone = !self.owners.is_empty() && self.owners.iter().all(|owner| owner.is_gone(world));
        match expired || gone {
            true => State::Abandoned,
            false => State::Running,
        }
    }

    /// The record of an abandoned span: an error that ends with its last change.
    pub fn abandoned(&self) -> Span {
        let mut span = self.span.clone();
        span.finish(self.changed);
        span.set_status(StatusCode::Error, "abandoned");
        span.obs.abandoned = true;
        span
    }
}

impl Owner {
    /// The identity of a living process.
    pub fn of(pid: u32, world: &World) -> Option<Self> {
        Some(Self {
            pid,
            start: world.process(pid)?.start,
            space: world.pid_space()?,
            host: world.host(),
        })
    }

    /// True only where it can be known: another boot, or the same pid space without this process.
    fn is_gone(&self, world: &World) -> bool {
        let Some(here) = world.pid_space() else {
            return false;
        };
        if !self.host.is_empty() && self.host != world.host() {
            return false;
        }
        let boot = |space: &str| space.split(' ').next().map(str::to_owned);
        if boot(&here) != boot(&self.space) {
            return true;
        }
        let same = match world.process(self.pid) {
            Some(found) => found.start == self.start,
            None => world.may_live(self.pid), // not told is not gone
        };
        here == self.space && !same
    }
}

impl Journal {
    /// The folders that may hold live files: in the home, else in the second place, as spill.
    fn live_folders(&self) -> Vec<PathBuf> {
        let first = self.place.home.as_ref().map(|home| home.join("live"));
        first.into_iter().chain([self.second_place()]).collect()
    }

    /// Those of them that nobody else can write to.
    fn own_live_folders(&self) -> impl Iterator<Item = PathBuf> {
        let folders = self.live_folders().into_iter();
        folders.filter(|folder| self.is_own(folder))
    }

    /// Where a span's live file may be.
    pub(super) fn live_paths(&self, span_id: &SpanId) -> Vec<PathBuf> {
        let name = format!("{span_id}.json");
        let own = self.own_live_folders();
        own.map(|folder| folder.join(&name)).collect()
    }

    /// True where a live file of this span is there.
    pub fn has_live(&self, span_id: &SpanId) -> bool {
        self.live_paths(span_id).iter().any(|path| path.exists())
    }

    /// Leaves the live file of a new span.
    pub fn start_live(&self, span_id: &SpanId, live: &LiveSpan) -> Result<(), Error> {
        let _mask = file::Mask::all();
        self.leave(span_id, live).map(drop)
    }

    /// Leaves a new live file in the first place that takes it; it comes locked.
    fn leave(&self, span_id: &SpanId, live: &LiveSpan) -> Result<(PathBuf, File), Error> {
        let mut last = io::Error::other("no place for it");
        for folder in self.live_folders() {
            let path = folder.join(format!("{span_id}.json"));
            match self
                .spill_folder(&folder)
                .and_then(|()| self.replace(&path, &to_line(live)))
            {
                Ok(file) => return Ok((path, file)),
                Err(error) => last = error,
            }
        }
        Err(Error::failure(format!("could not keep the started span {span_id}")).because(last))
    }

    /// Changes a live span under its lock. False: there is no such span.
    pub fn change_live(
        &self,
        span_id: &SpanId,
        change: impl FnOnce(&mut LiveSpan) -> Change,
    ) -> Result<bool, Error> {
        let wrong =
            |error| Error::failure(format!("could not change the span {span_id}")).because(error);
        let Some((path, mut held)) = self.hold(span_id).map_err(wrong)? else {
            return Ok(false);
        };
        match change(&mut held.live) {
            Change::Keep => drop(self.replace(&path, &to_line(&held.live)).map_err(wrong)?),
            Change::Leave => {}
            Change::Remove => fs::remove_file(&path).map_err(wrong)?,
        }
        Ok(true)
    }

    /// All live spans; a file that is none is skipped.
    pub fn live_spans(&self) -> Vec<LiveSpan> {
        let paths = self
            .live_ids()
            .into_iter()
            .flat_map(|id| self.live_paths(&id));
        paths
            .filter_map(|path| parse(&file::open_read(&path).ok()?).ok())
            .collect()
    }

    fn live_ids(&self) -> Vec<SpanId> {
        self.own_live_folders()
            .filter_map(|folder| fs::read_dir(folder).ok())
            .flatten()
            .flatten()
            .filter_map(|entry| SpanId::parse(entry.file_name().to_str()?.strip_suffix(".json")?))
            .collect()
    }

    /// Finishes what its owners could not: journals ended spans that a crash kept back and spans without an owner,
    /// which `abandon` makes a line of; removes live files whose time for a real end has passed. The answer is how many
    /// records it journalled, and what could not be done.
    pub fn sweep_live(
        &self,
        world: &World,
        now: i64,
        abandon: impl Fn(Span) -> Vec<u8>,
    ) -> (u64, Vec<Error>) {
        let (mut journalled, mut failed) = (0, Vec::new());
        for id in self.live_ids() {
            match self.sweep_one(&id, world, now, &abandon) {
                Ok(count) => journalled += count,
                Err(error) => failed.push(error),
            }
        }
        (journalled, failed)
    }

    fn sweep_one(
        &self,
        id: &SpanId,
        world: &World,
        now: i64,
        abandon: &impl Fn(Span) -> Vec<u8>,
    ) -> Result<u64, Error> {
        let (mut ended, mut kept) = (false, false);
        self.change_live(id, |live| match (live.state(world, now), live.reported) {
            (State::Running, _) => Change::Leave,
            (State::Done, _) => {
                ended = true;
                Change::Leave
            }
            (State::Abandoned, None) => {
                let line = abandon(live.abandoned());
                kept = self.append(Signal::Spans, &line, now).accepted();
                live.reported = Some(now);
                if kept { Change::Keep } else { Change::Leave }
            }
            (State::Abandoned, Some(at)) if now - at > GRACE => Change::Remove,
            (State::Abandoned, Some(_)) => Change::Leave,
        })?;
        if ended {
            let done = self.end_live(id, now, |live| to_line(&live.span))?;
            kept = done.is_some_and(|(_, kept)| kept.accepted());
        }
        Ok(u64::from(kept))
    }

    /// The live file and what it holds, under its lock; none when it is gone.
    fn hold(&self, span_id: &SpanId) -> io::Result<Option<(PathBuf, LockedLive)>> {
        let mut failed = None;
        for path in self.live_paths(span_id) {
            match self.hold_file(&path) {
                Ok(Some(held)) => return Ok(Some((path, held))),
                Ok(None) => {}
                Err(error) => failed = Some(error), // a home that cannot be entered: the file is elsewhere
            }
        }
        failed.map_or(Ok(None), Err)
    }

    fn hold_file(&self, path: &Path) -> io::Result<Option<LockedLive>> {
        let deadline = Instant::now() + self.lock_timeout;
        loop {
            let open = match file::open_change(path, self.place.user) {
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
                other => other?,
            };
            let Some(locked) = file::lock(open, || deadline, || self.random())? else {
                return Err(io::Error::new(ErrorKind::TimedOut, "its lock is held"));
            };
            if file::still_named(&locked.file.metadata()?, path)? {
                let live = parse(&locked.file)?;
                return Ok(Some(LockedLive { live, locked }));
            }
        }
    }

    /// Puts new content under a name by temporary file and rename; the new file comes locked.
    pub(super) fn replace(&self, path: &Path, content: &[u8]) -> io::Result<File> {
        let temporary = path.with_extension(format!(
            "{}-{:08x}.tmp",
            self.place.pid,
            self.random() >> 32
        ));
        let written = file::create_new(&temporary).and_then(|file| {
            file::try_lock(&file)?;
            file::write_all(&file, content)?;
            if self.durable {
                file.sync_data()?;
            }
            fs::rename(&temporary, path)?;
            if let Some(folder) = path.parent().filter(|_| self.durable) {
                file::sync_folder(folder)?;
            }
            Ok(file)
        });
        if written.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        written
    }
}

/// A live file under its lock, and what it holds.
struct LockedLive {
    live: LiveSpan,
    locked: file::Locked,
}

/// The last whole line counts: `span end` adds one, and may have died while it did.
pub(super) fn parse(mut file: &File) -> io::Result<LiveSpan> {
    let mut text = Vec::new();
    file.read_to_end(&mut text)?;
    let mut lines = text.rsplit(|byte| *byte == b'\n');
    lines
        .find_map(|line| serde_json::from_slice(line).ok())
        .ok_or_else(|| io::Error::other("no live span"))
}
