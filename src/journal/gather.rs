//! Spill becomes a sealed file of its own, so that a reader of sealed and active files misses nothing. The copy is written
//! under a temporary name and is on disk; a note beside the spill says what is in it; then it gets the next number under the
//! lock of the active file, so that no file ever gets a number below one that somebody finished; then the spill files go,
//! and the note. After a kill the note tells whether the copy has its name: who reads the journal passes over those spill
//! files, and who gathers next removes them first.

use super::append::{give_number, list_sealed};
use super::identity::Identity;
use super::read::spill_files;
use super::{Held, Journal, Signal, file};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// At most so many spill files, and about so many bytes, go into one sealed file.
const FILES: usize = 1_000;
const BYTES: u64 = 16 << 20;

const NOTE: &str = "note";

/// What a note says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Note {
    identity: Option<Identity>,
    length: u64,
    spill: Vec<PathBuf>,
}

impl Journal {
    /// Gathers the spill of a signal; the answer is how many files.
    pub(super) fn gather(&self, signal: Signal) -> io::Result<usize> {
        if self.spill_of(signal).is_empty() {
            return Ok(0);
        }
        let Some(held) = self.hold_gathering(signal, self.lock_timeout)? else {
            let held = "somebody else gathers what was spilled";
            return Err(io::Error::new(ErrorKind::TimedOut, held));
        };
        self.remove_gathered(signal, &held)?;
        let mut spill = self.spill_of(signal).into_iter().peekable();
        let mut gathered = 0;
        while spill.peek().is_some() {
            let Some((copy, note)) = self.copy_spill(signal, &mut spill)? else {
                break;
            };
            held.write(NOTE, &serde_json::to_vec(&note)?)?;
            self.name_copy(signal, &copy)?;
            remove_all(&note.spill)?;
            held.remove(NOTE)?;
            gathered += note.spill.len();
        }
        Ok(gathered)
    }

    fn hold_gathering(&self, signal: Signal, wait: Duration) -> io::Result<Option<Held<'_>>> {
        self.hold_files("spill", &format!("gather-{}", signal.name()), wait)
    }

    /// The spill files of a signal, oldest first.
    fn spill_of(&self, signal: Signal) -> Vec<PathBuf> {
        let places = self.own_spill_places();
        let mut files: Vec<PathBuf> = places
            .iter()
            .flat_map(|folder| spill_files(folder, signal))
            .collect();
        files.sort_by(|a, b| a.file_name().cmp(&b.file_name()));
        files
    }

    /// The first step: what was spilled in one file, on disk. None: nothing that could be read.
    pub(super) fn copy_spill(
        &self,
        signal: Signal,
        spill: &mut dyn Iterator<Item = PathBuf>,
    ) -> io::Result<Option<(PathBuf, Note)>> {
        let copy = self.copy_path(signal)?;
        let _ = fs::remove_file(&copy); // of somebody who was killed: only one gathers
        let target = file::create_new(&copy)?;
        let mut taken = Vec::new();
        let mut length = 0;
        while taken.len() < FILES && length < BYTES {
            let Some(path) = spill.next() else { break };
            // one that cannot be read stays where it is
            if let Ok(source) = file::open_read(&path) {
                length += append_whole(source, &target)?;
                taken.push(path);
            }
        }
        if taken.is_empty() {
            fs::remove_file(&copy)?;
            return Ok(None);
        }
        target.sync_all()?;
        let note = Note {
            identity: Identity::of(&target, signal)?,
            length,
            spill: taken,
        };
        Ok(Some((copy, note)))
    }

    fn copy_path(&self, signal: Signal) -> io::Result<PathBuf> {
        let name = format!(".{}-gathered.tmp", signal.name());
        Ok(self.ready()?.join("sealed").join(name))
    }

    /// The second step: the copy gets the next number.
    pub(super) fn name_copy(&self, signal: Signal, copy: &Path) -> io::Result<u64> {
        let home = self.ready()?;
        let path = home.join(format!("{}.log", signal.name()));
        let folder = home.join("sealed");
        let deadline = Instant::now() + self.lock_timeout;
        loop {
            let active = file::open_append(&path, self.place.user)?;
            let held = file::lock(active, || deadline, || self.random())?;
            let Some(held) = held.filter(|_| Instant::now() <= deadline) else {
                let held = "the journal's lock is held";
                return Err(io::Error::new(ErrorKind::TimedOut, held));
            };
            if !file::still_named(&held.file.metadata()?, &path)? {
                continue;
            }
            file::private(&held.file)?; // it may be new
            let sealed = list_sealed(&folder, signal)?;
            let last = sealed.iter().map(|(number, _)| *number).max();
            let number = give_number(copy, &folder, signal, last.unwrap_or_default())?;
            drop(held);
            file::sync_folder(&folder)?;
            return Ok(number);
        }
    }

    /// The last step of somebody who was killed before it: what a named copy holds leaves spill.
    pub(super) fn remove_gathered(&self, signal: Signal, held: &Held<'_>) -> io::Result<()> {
        let (_, spill) = self.gathered(signal)?.unwrap_or_default();
        remove_all(&spill)?;
        held.remove(NOTE)
    }

    /// Spill files that are in a sealed file already, and its number.
    pub(super) fn gathered(&self, signal: Signal) -> io::Result<Option<(u64, Vec<PathBuf>)>> {
        let Some(home) = self.home() else {
            return Ok(None);
        };
        let note = home
            .join("spill")
            .join(format!("gather-{}.{NOTE}", signal.name()));
        let mut bytes = Vec::new();
        match file::open_read(&note) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            other => other?.read_to_end(&mut bytes)?,
        };
        let Ok(note) = serde_json::from_slice::<Note>(&bytes) else {
            return Ok(None); // torn by a lost disk: then all comes twice
        };
        let folder = home.join("sealed");
        for (number, name) in list_sealed(&folder, signal)? {
            let Ok(file) = file::open_read(&folder.join(name)) else {
                continue;
            };
            let same = note.identity.is_some()
                && file.metadata()?.len() == note.length
                && Identity::of(&file, signal)? == note.identity;
            if same {
                return Ok(Some((number, note.spill)));
            }
        }
        Ok(None)
    }
}

/// Removes what is left of these files.
fn remove_all(spill: &[PathBuf]) -> io::Result<()> {
    for path in spill {
        match fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Appends a file, ended with a newline; the answer is how many bytes.
fn append_whole(mut source: File, target: &File) -> io::Result<u64> {
    let mut buffer = [0; 64 << 10];
    let (mut length, mut last) = (0, b'\n');
    loop {
        let count = match source.read(&mut buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            other => other?,
        };
        let bytes = buffer.get(..count).unwrap_or_default();
        let Some(end) = bytes.last() else { break };
        last = *end;
        file::write_all(target, bytes)?;
        length += count as u64;
    }
    if last != b'\n' {
        file::write_all(target, b"\n")?;
        length += 1;
    }
    Ok(length)
}

#[cfg(test)]
mod tests;
