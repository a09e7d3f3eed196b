//! What may go: sealed files, oldest first, while a signal is over a limit and every live cursor has finished them. What is
//! not acknowledged is kept unless the hard cap or free space says otherwise, and every such drop is a record of its own,
//! written before. The newest sealed file never goes: numbers rise from it.

use super::append::list_sealed;
use super::cursor::Cursor;
use super::waiting::read_up_to;
use super::{Journal, Kept, Signal, file};
use crate::model::{Actor, Event, ids, to_line};
use serde_json::json;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::Duration;

const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400 * SECOND;
/// A sink that did not use its cursor for so long no longer holds anything.
const LIVE: i64 = 7 * DAY;

/// How much is kept.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of a signal that may be kept once they are acknowledged.
    pub keep_bytes: u64,
    /// Days after its last record that a sealed file may be kept.
    pub keep_days: u64,
    /// Percent of the file system that must stay free.
    pub keep_free: u64,
    /// Bytes of a signal above which even what is not acknowledged goes.
    pub hard_bytes: u64,
}

/// What went.
#[derive(Debug, Default)]
pub struct Retained {
    /// Sealed files removed.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What nobody had acknowledged; each is a record too.
    pub dropped: Vec<Dropped>,
}

/// A sealed file that went before every sink had it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// Whose records.
    pub signal: Signal,
    /// Name of the file.
    pub file: String,
    /// Lines that were not acknowledged.
    pub records: u64,
    /// Their bytes.
    pub bytes: u64,
}

struct Rule<'a> {
    limits: &'a Limits,
    now: i64,
    /// Those that are in use.
    cursors: Vec<Cursor>,
}

struct Candidate {
    number: u64,
    name: String,
    path: PathBuf,
    bytes: u64,
    /// Of its last record.
    written: i64,
}

impl Journal {
    /// Removes what is over the limits. `now` in nanoseconds since the epoch.
    pub fn retain(&self, limits: &Limits, now: i64) -> io::Result<Retained> {
        let mut retained = Retained::default();
        let Some(_held) = self.hold_files("spill", "retention", Duration::ZERO)? else {
            return Ok(retained);
        };
        let rule = Rule {
            limits,
            now,
            cursors: self.live_cursors(now)?,
        };
        for signal in Signal::ALL {
            self.retain_signal(signal, &rule, &mut retained)?;
        }
        Ok(retained)
    }

    fn live_cursors(&self, now: i64) -> io::Result<Vec<Cursor>> {
        let cursors = self.cursors()?.into_iter();
        let live = cursors.filter(|cursor| now.saturating_sub(cursor.used) < LIVE);
        Ok(live.collect())
    }

    fn retain_signal(
        &self,
        signal: Signal,
        rule: &Rule<'_>,
        retained: &mut Retained,
    ) -> io::Result<()> {
        let (files, mut total) = self.candidates(signal)?;
        for found in files {
            let lagging: Vec<&Cursor> = rule
                .cursors
                .iter()
                .filter(|cursor| cursor.lags(signal, found.number))
                .collect();
            let is_over = match lagging.is_empty() {
                true => rule.is_over(&found, total),
                false => total > rule.limits.hard_bytes,
            };
            if !is_over && !self.is_tight(rule.limits)? {
                break; // none behind it is older or further acknowledged
            }
            let dropped = self.loss(signal, &found, &lagging)?;
            self.remove(&found, dropped.as_ref(), rule.now)?;
            retained.dropped.extend(dropped);
            total = total.saturating_sub(found.bytes);
            retained.files += 1;
            retained.bytes += found.bytes;
        }
        Ok(())
    }

    /// The sealed files that may go, oldest first, and the bytes of all files.
    fn candidates(&self, signal: Signal) -> io::Result<(Vec<Candidate>, u64)> {
        let home = self.ready()?;
        let folder = home.join("sealed");
        let active = fs::symlink_metadata(home.join(format!("{}.log", signal.name())));
        let mut total = active.map_or(0, |found| found.len());
        let mut files = Vec::new();
        for (number, name) in list_sealed(&folder, signal)? {
            let path = folder.join(&name);
            let found = match fs::symlink_metadata(&path) {
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                other => other?,
            };
            total += found.len();
            files.push(Candidate {
                number,
                name,
                path,
                bytes: found.len(),
                written: found.mtime().saturating_mul(SECOND),
            });
        }
        files.sort_by_key(|found| found.number);
        files.pop(); // the newest
        Ok((files, total))
    }

    fn is_tight(&self, limits: &Limits) -> io::Result<bool> {
        let home = self.ready()?;
        let (free, all) = (fs2::available_space(home)?, fs2::total_space(home)?);
        Ok(u128::from(free) * 100 < u128::from(all) * u128::from(limits.keep_free))
    }

    /// What is lost with a file; none where all of it is acknowledged.
    fn loss(
        &self,
        signal: Signal,
        found: &Candidate,
        lagging: &[&Cursor],
    ) -> io::Result<Option<Dropped>> {
        if lagging.is_empty() {
            return Ok(None);
        }
        let file = file::open_read(&found.path)?;
        let mut least = found.bytes;
        for cursor in lagging {
            let mark = cursor.mark(signal).cloned().unwrap_or_default();
            least = least.min(read_up_to(&file, signal, &mark, Some(found.number))?);
        }
        let mut records = 0;
        super::waiting::newlines(&file, least, |count| {
            records += count;
            true
        })?;
        Ok(Some(Dropped {
            signal,
            file: found.name.clone(),
            records,
            bytes: found.bytes.saturating_sub(least),
        }))
    }

    /// The record first: a kill in between leaves one that says too much. Where there is no room for it, it follows.
    fn remove(&self, found: &Candidate, dropped: Option<&Dropped>, now: i64) -> io::Result<()> {
        let record = dropped.map(|dropped| self.drop_record(dropped, now));
        let append = |line: &Vec<u8>| self.append(Signal::Events, line, now);
        let kept = record.as_ref().map(append);
        match fs::remove_file(&found.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        if let (Some(Kept::Nowhere(_)), Some(line)) = (&kept, &record)
            && let Kept::Nowhere(error) = append(line)
        {
            return Err(io::Error::other(error.to_string()));
        }
        Ok(())
    }

    fn drop_record(&self, dropped: &Dropped, now: i64) -> Vec<u8> {
        let mut random = [0; 10];
        let bits = [self.random().to_le_bytes(), self.random().to_le_bytes()].concat();
        random
            .iter_mut()
            .zip(bits)
            .for_each(|(to, from)| *to = from);
        let millis = u64::try_from(now / 1_000_000).unwrap_or_default();
        let data = json!({
            "signal": dropped.signal.name(),
            "records": dropped.records,
            "bytes": dropped.bytes,
            "file": dropped.file,
            "reason": "not acknowledged in time",
        });
        to_line(&Event {
            event_id: format!("evt_{}", ids::ulid(millis, random)),
            event_type: "obs.dropped".to_owned(),
            event_version: "1.0".to_owned(),
            timestamp: now,
            source: "obs".to_owned(),
            source_version: env!("CARGO_PKG_VERSION").to_owned(),
            actor: Actor {
                kind: "agent".to_owned(),
                id: "obs".to_owned(),
                host: String::new(),
            },
            data: data.as_object().cloned().unwrap_or_default(),
            ..Event::default()
        })
    }
}

impl Rule<'_> {
    /// True where what is acknowledged goes.
    fn is_over(&self, found: &Candidate, total: u64) -> bool {
        let days = i64::try_from(self.limits.keep_days).unwrap_or(i64::MAX);
        let age = self.now.saturating_sub(found.written);
        total > self.limits.keep_bytes || age > DAY.saturating_mul(days)
    }
}

impl Cursor {
    /// True where its sink takes a signal and has not finished the file of this number.
    fn lags(&self, signal: Signal, number: u64) -> bool {
        self.mark(signal).is_some_and(|mark| mark.finished < number)
    }
}

#[cfg(test)]
mod tests;
