//! Appending one record: the algorithm of the room's header, and the chain of places behind it.

use super::{Journal, Signal, file};
use crate::error::Error;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long nobody waits for a lock after somebody waited in vain.
const BREAKER: Duration = Duration::from_secs(5);

/// Where a record was kept.
#[derive(Debug)]
pub enum Kept {
    /// In the active file.
    Journal,
    /// Nowhere; the caller prints it.
    Nowhere(Error),
    /// In a spill file, because of this.
    Spill(io::Error),
}

impl Kept {
    /// True where the record survives us.
    pub fn accepted(&self) -> bool {
        !matches!(self, Self::Nowhere(_))
    }
}

impl Journal {
    /// Appends one line, newline included. `now` names a spill file.
    pub fn append(&self, signal: Signal, line: &[u8], now: i64) -> Kept {
        let kept = match self.try_append(signal, line) {
            Ok(()) => return Kept::Journal,
            Err(cause) => self.spill(signal, line, now, cause),
        };
        match &kept {
            Kept::Spill(cause) => self.trouble(now, "spilled", &cause.to_string()),
            Kept::Nowhere(error) => self.trouble(now, "unsaved", &error.to_string()),
            Kept::Journal => {}
        }
        kept
    }

    fn try_append(&self, signal: Signal, line: &[u8]) -> io::Result<()> {
        let home = self.ready()?;
        let path = home.join(format!("{}.log", signal.name()));
        let start = Instant::now();
        loop {
            let active = file::open_append(&path, self.place.user)?;
            let patience = || start + self.patience(home);
            let Some(held) = file::lock(active, patience, || self.random())? else {
                self.mark_stuck(home);
                let held = "the journal's lock is held";
                return Err(io::Error::new(ErrorKind::TimedOut, held));
            };
            let found = held.file.metadata()?;
            if !file::still_named(&found, &path)? {
                if Instant::now() >= start + self.lock_timeout {
                    let moved = "the journal is rotated too fast";
                    return Err(io::Error::new(ErrorKind::TimedOut, moved));
                }
                continue;
            }
            let written = self.write_locked(&held.file, found.len(), line, &path);
            let full = matches!(written, Ok(length) if length >= self.rotate_bytes);
            if full || found.nlink() > 1 {
                self.seal(signal, &path, &found, full);
            }
            written?;
            return self.release(held, home, found.len() == 0);
        }
    }

    /// Gives the lock back, then waits for the disk if that was asked for.
    fn release(&self, held: file::Locked, home: &Path, created: bool) -> io::Result<()> {
        let again = match self.durable {
            true => Some(held.file.try_clone()),
            false => None,
        };
        drop(held);
        let Some(active) = again else {
            return Ok(());
        };
        active?.sync_data()?;
        match created {
            true => file::sync_folder(home),
            false => Ok(()),
        }
    }

    /// Writes under the lock; the answer is the file's new length.
    fn write_locked(
        &self,
        active: &File,
        length: u64,
        line: &[u8],
        path: &Path,
    ) -> io::Result<u64> {
        let mut last = [b'\n'];
        match length {
            0 => file::private(active)?,
            _ => active.read_exact_at(&mut last, length - 1)?,
        }
        let guarded;
        let bytes = if last == [b'\n'] {
            line
        } else {
            guarded = [b"\n", line].concat();
            &guarded
        };
        if let Err(error) = file::write_all(active, bytes) {
            // its own failure is covered by the guard: the next writer seals the torn line
            let _ = active.set_len(length);
            return Err(io::Error::new(
                error.kind(),
                format!("{}: {error}", path.display()),
            ));
        }
        Ok(length + bytes.len() as u64)
    }

    /// Gives a full active file the next sealed name. Failing is no loss: the next append tries again.
    fn seal(&self, signal: Signal, path: &Path, found: &fs::Metadata, full: bool) {
        // after an external `mv` another writer may have sealed our file, and the path may name a third
        if !file::still_named(found, path).unwrap_or(false) {
            return;
        }
        let folder = path.with_file_name("sealed");
        let mut last = 0;
        for (number, name) in sealed_numbers(&folder, signal) {
            last = last.max(number);
            // a rotation by link and unlink that was cut between the two: finish it
            let same =
                |sealed: fs::Metadata| sealed.ino() == found.ino() && sealed.dev() == found.dev();
            if found.nlink() > 1 && fs::symlink_metadata(folder.join(name)).is_ok_and(same) {
                let _ = fs::remove_file(path);
                return;
            }
        }
        if !full {
            return; // a link that somebody else made
        }
        let _ = give_number(path, &folder, signal, last);
    }

    /// How long to wait for the lock: not at all while somebody stuck holds it.
    pub(super) fn patience(&self, home: &Path) -> Duration {
        let stuck = fs::symlink_metadata(home.join(".stuck"))
            .and_then(|found| found.modified())
            .ok()
            .and_then(|at| at.elapsed().ok())
            .is_some_and(|age| age < BREAKER);
        match stuck {
            true => Duration::ZERO,
            false => self.lock_timeout,
        }
    }

    pub(super) fn mark_stuck(&self, home: &Path) {
        if self.patience(home).is_zero() {
            return; // not renewed while it holds: after 5 s somebody tries again
        }
        let path = home.join(".stuck");
        let _ = fs::remove_file(&path);
        let _ = file::create_new(&path);
    }
}

/// Gives a file the next free number of a signal above the last, under the lock of the active file.
pub(super) fn give_number(
    from: &Path,
    folder: &Path,
    signal: Signal,
    last: u64,
) -> io::Result<u64> {
    for number in last + 1..last + 100 {
        let to = folder.join(format!("{}-{number:08}.jsonl", signal.name()));
        match file::rename_new(from, &to) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            other => return other.map(|()| number),
        }
    }
    Err(io::Error::from(ErrorKind::AlreadyExists))
}

/// The sealed files of a signal: number and name, in no order. A folder that cannot be read has none.
pub(super) fn sealed_numbers(folder: &Path, signal: Signal) -> Vec<(u64, String)> {
    list_sealed(folder, signal).unwrap_or_default()
}

/// The same, where it matters that none is missed.
pub(super) fn list_sealed(folder: &Path, signal: Signal) -> io::Result<Vec<(u64, String)>> {
    let mut sealed = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().into_string();
        let found = name.ok().and_then(|name| {
            let number = sealed_number(&name, signal)?;
            Some((number, name))
        });
        sealed.extend(found);
    }
    Ok(sealed)
}

/// The number in the name of a sealed file.
pub(super) fn sealed_number(name: &str, signal: Signal) -> Option<u64> {
    let rest = name.strip_prefix(signal.name())?.strip_prefix('-')?;
    let (digits, extension) = rest.split_once('.')?;
    let number = digits.parse().ok()?;
    (extension == "jsonl").then_some(number)
}
