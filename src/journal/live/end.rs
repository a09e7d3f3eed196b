//! Ending a live span: the final record goes into its file, then into the journal, then the file goes.

use super::{LiveSpan, LockedLive, parse};
use crate::error::Error;
use crate::journal::append::Kept;
use crate::journal::{Journal, Signal, file};
use crate::model::ids::SpanId;
use crate::model::to_line;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The live file of a span that its own process ends.
#[derive(Debug)]
pub struct OwnLive {
    path: PathBuf,
    file: File,
    id: SpanId,
    live: LiveSpan,
}

impl Journal {
    /// Leaves the live file of a span that this process alone will end.
    pub fn start_own(&self, id: SpanId, live: LiveSpan) -> Result<OwnLive, Error> {
        let _mask = file::Mask::all();
        let (path, file) = self.leave(&id, &live)?;
        file::unlock(&file);
        Ok(OwnLive {
            path,
            file,
            id,
            live,
        })
    }

    /// Ends a span that this process started: as `end_live`, but nothing is looked up or read again where nobody has
    /// changed it meanwhile.
    pub fn end_own(
        &self,
        own: OwnLive,
        now: i64,
        finish: impl FnOnce(&mut LiveSpan) -> Vec<u8>,
    ) -> Result<Kept, Error> {
        let OwnLive {
            path,
            file,
            id,
            mut live,
        } = own;
        let deadline = || Instant::now() + self.lock_timeout;
        let locked = file::lock(file, deadline, || self.random()).ok().flatten();
        let same = |locked: &file::Locked| {
            let found = locked.file.metadata();
            found.is_ok_and(|found| file::still_named(&found, &path).unwrap_or(false))
        };
        if let Some(locked) = locked.filter(same) {
            let held = LockedLive { live, locked };
            return Ok(self.end_held(held, &path, now, finish).1);
        }
        let mut finish = Some(finish);
        let ended = self.end_live(&id, now, |live| match finish.take() {
            Some(finish) => finish(live),
            None => Vec::new(),
        });
        match (ended, finish) {
            (Ok(Some((_, kept))), _) => Ok(kept),
            // gone with its folder, or ended from inside the command: twice is once
            (_, Some(finish)) => Ok(self.append(Signal::Spans, &finish(&mut live), now)),
            (Ok(None), None) => Ok(Kept::Journal),
            (Err(error), None) => Err(error),
        }
    }

    /// Ends a live span: the final record goes into the live file, then into the journal, then the file goes.
    /// None: there is no such span. `finish` gets the span and answers its line.
    pub fn end_live(
        &self,
        span_id: &SpanId,
        now: i64,
        finish: impl FnOnce(&mut LiveSpan) -> Vec<u8>,
    ) -> Result<Option<(Vec<u8>, Kept)>, Error> {
        let wrong =
            |error| Error::failure(format!("could not end the span {span_id}")).because(error);
        let found = match self.hold(span_id) {
            Err(error) if error.kind() == ErrorKind::TimedOut => {
                return self.end_unlocked(span_id, now, finish).map(Some);
            }
            other => other.map_err(wrong)?,
        };
        let Some((path, held)) = found else {
            return Ok(None);
        };
        Ok(Some(self.end_held(held, &path, now, finish)))
    }

    fn end_held(
        &self,
        mut held: LockedLive,
        path: &Path,
        now: i64,
        finish: impl FnOnce(&mut LiveSpan) -> Vec<u8>,
    ) -> (Vec<u8>, Kept) {
        let line = match held.live.done {
            true => to_line(&held.live.span), // a crash kept it from the journal: what was decided stands
            false => finish(&mut held.live),
        };
        held.live.done = true;
        // a further line, not a file renamed over it, which ext4 would flush; where even this cannot be written the
        // journal still gets the line
        let _ = held.add(&to_line(&held.live), self.durable);
        let kept = self.append(Signal::Spans, &line, now);
        if kept.accepted() {
            let _ = fs::remove_file(path);
        }
        (line, kept)
    }

    /// Ends a span whose live file somebody holds: files are replaced whole, so what is read without the lock is whole;
    /// the file stays, and the real end in the journal beats whatever is made of it.
    fn end_unlocked(
        &self,
        span_id: &SpanId,
        now: i64,
        finish: impl FnOnce(&mut LiveSpan) -> Vec<u8>,
    ) -> Result<(Vec<u8>, Kept), Error> {
        let read = |path: &PathBuf| parse(&file::open_read(path).ok()?).ok();
        let found = self.live_paths(span_id).iter().find_map(read);
        let mut live = found.ok_or_else(|| {
            Error::failure(format!("could not end the span {span_id}")).because("its file is held")
        })?;
        let line = match live.done {
            true => to_line(&live.span),
            false => finish(&mut live),
        };
        let kept = self.append(Signal::Spans, &line, now);
        Ok((line, kept))
    }
}

impl LockedLive {
    /// Adds a line behind what stands there; a torn line is sealed first.
    fn add(&self, line: &[u8], durable: bool) -> io::Result<()> {
        file::write_all(&self.locked.file, &[b"\n", line].concat())?;
        match durable {
            true => self.locked.file.sync_data(),
            false => Ok(()),
        }
    }
}
