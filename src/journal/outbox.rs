//! The journal as the outbox of one sink: its cursor, held by a lock as long as one drain works, and what the sink remembers.
//! Memory first, then the cursor that names it: a kill in between leaves the pair from before.

use super::batches::{self, Batches};
use super::cursor::{self, Cursor, Mark};
use super::{Journal, Signal, file};
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// From where a signal of a sink begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// All that is there.
    Everything,
    /// Only what comes.
    Now,
    /// The first record that is not older than this, in nanoseconds since the epoch, and all behind it.
    Since(i64),
}

/// What one sink has acknowledged, until it is dropped under its lock.
#[derive(Debug)]
pub struct Outbox {
    journal: Journal,
    file: File,
    cursor: Cursor,
    generation: u64,
    slot: usize,
    doubt: Option<String>,
    memory: Option<Vec<u8>>,
    /// The two files of the memory, and which of them is in use.
    memories: [PathBuf; 2],
    current: usize,
    lock: File,
}

impl Drop for Outbox {
    fn drop(&mut self) {
        // closing does it too, unless a child that is just starting has a copy of the descriptor
        file::unlock(&self.lock);
    }
}

impl Journal {
    /// Opens the outbox of a sink. None: another drain has it.
    pub fn outbox(&self, sink: &str) -> io::Result<Option<Outbox>> {
        if !is_name(sink) {
            return Err(io::Error::other("no name for a file"));
        }
        let folder = self.folder("cursors")?;
        let lock = file::open_append(&folder.join(format!("{sink}.lock")), self.place.user)?;
        if !file::try_lock(&lock)? {
            return Ok(None);
        }
        let memories = ["0", "1"].map(|end| format!("{sink}.{end}"));
        let fold = self.folder("fold")?;
        let memories = memories.map(|name| fold.join(name));
        let last = memories
            .iter()
            .filter_map(|path| file::open_read(path).ok());
        let last = last.map(|file| cursor::memory_generation(&file)).max();
        let path = folder.join(sink);
        let (file, found) = self.open_cursor(&path, last.unwrap_or_default())?;
        let mut outbox = Outbox {
            journal: self.copy(),
            file,
            generation: found.generation.max(last.unwrap_or_default()),
            slot: found.slot,
            doubt: found.doubt.map(str::to_owned),
            memory: None,
            memories,
            current: 0,
            lock,
            cursor: found.cursor,
        };
        outbox.recall();
        Ok(Some(outbox))
    }

    fn open_cursor(&self, path: &Path, last: u64) -> io::Result<(File, cursor::Found)> {
        match file::open_change(path, self.place.user) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            other => {
                let file = other?;
                let found = cursor::read(&file)?;
                cursor::allocate(&file)?;
                return Ok((file, found));
            }
        }
        // whole before it has its name: a file that is short or blank is always a damaged one
        let temporary = path.with_extension("tmp");
        let _ = fs::remove_file(&temporary);
        let file = file::create_new(&temporary)?;
        cursor::allocate(&file)?;
        let found = cursor::Found {
            generation: last + 1,
            ..cursor::Found::default()
        };
        cursor::write(&file, found.slot, found.generation, &found.cursor)?;
        fs::rename(&temporary, path)?;
        file::sync_folder(path.parent().unwrap_or(path))?;
        Ok((file, found))
    }

    /// The cursors of all sinks. One that cannot be believed was used when its file changed, and has finished nothing.
    pub(super) fn cursors(&self) -> io::Result<Vec<Cursor>> {
        let folder = self.ready()?.join("cursors");
        let entries = match fs::read_dir(folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            other => other?,
        };
        let mut cursors = Vec::new();
        for entry in entries {
            let entry = entry?;
            if is_name(&entry.file_name().to_string_lossy()) {
                let file = file::open_read(&entry.path())?;
                let found = cursor::read(&file)?;
                let changed = file.metadata()?.mtime().saturating_mul(1_000_000_000);
                cursors.push(match found.doubt {
                    None => found.cursor,
                    Some(_) => Cursor::lost(changed),
                });
            }
        }
        Ok(cursors)
    }
}

/// True for what may be a sink's file: no path, and none of the other files that stand beside it.
fn is_name(sink: &str) -> bool {
    let beside = [".lock", ".tmp"].iter().any(|end| sink.ends_with(end));
    !sink.is_empty() && !sink.starts_with('.') && !sink.contains(['/', '\0']) && !beside
}

impl Outbox {
    /// Why the cursor was not believed, so that all is read again; for a warning.
    pub fn doubt(&self) -> Option<&str> {
        self.doubt.as_deref()
    }

    /// True where nothing was begun yet. A cursor that was not believed is not new: it begins with everything.
    pub fn is_new(&self) -> bool {
        self.doubt.is_none() && Signal::ALL.iter().all(|signal| !self.has(*signal))
    }

    /// True where this signal was begun.
    pub fn has(&self, signal: Signal) -> bool {
        self.cursor.mark(signal).is_some()
    }

    /// When it was last saved, in nanoseconds since the epoch; 0 is never.
    pub fn used(&self) -> i64 {
        self.cursor.used
    }

    /// What the sink remembers, as it was saved with the cursor.
    pub fn memory(&self) -> Option<&[u8]> {
        self.memory.as_deref()
    }

    /// Begins a signal.
    pub fn begin(&mut self, signal: Signal, from: From) -> io::Result<()> {
        let mark = match from {
            From::Everything => Mark::default(),
            From::Now => batches::end(&self.journal, signal)?,
            From::Since(time) => Mark {
                since: Some(time),
                ..Mark::default()
            },
        };
        self.cursor.set(signal, mark);
        Ok(())
    }

    /// Reads what is not acknowledged. It owns what it reads from: another thread may have it.
    pub fn reader(&self, signal: Signal) -> Batches {
        let mark = self.cursor.mark(signal).cloned().unwrap_or_default();
        Batches::new(self.journal.copy(), signal, mark)
    }

    /// Acknowledges what came with this mark and all before it; durable with the next `save`.
    pub fn acknowledge(&mut self, signal: Signal, upto: Mark) {
        self.cursor.set(signal, upto);
    }

    /// Makes durable what is acknowledged, together with what the sink remembers now; none: that stays as it is.
    pub fn save(&mut self, memory: Option<&[u8]>, now: i64) -> io::Result<()> {
        let generation = self.generation + 1;
        let mut cursor = self.cursor.clone();
        cursor.used = now;
        if let Some(memory) = memory {
            self.write_memory(generation, memory)?;
            cursor.memory = generation;
        }
        let slot = 1 - self.slot;
        cursor::write(&self.file, slot, generation, &cursor)?;
        self.cursor = cursor;
        self.slot = slot;
        self.generation = generation;
        if let Some(memory) = memory {
            self.current = 1 - self.current;
            self.memory = Some(memory.to_owned());
        }
        Ok(())
    }

    /// Into the file that the cursor on disk does not name.
    fn write_memory(&self, generation: u64, memory: &[u8]) -> io::Result<()> {
        let [zero, one] = &self.memories;
        let path = if self.current == 0 { one } else { zero };
        let file = match file::open_change(path, self.journal.place.user) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let file = file::create_new(path)?;
                file::sync_folder(path.parent().unwrap_or(path))?;
                file
            }
            other => other?,
        };
        cursor::write_memory(&file, generation, memory)
    }

    fn recall(&mut self) {
        if self.cursor.memory == 0 {
            return;
        }
        let read = |path: &PathBuf| {
            let file = file::open_read(path).ok()?;
            cursor::read_memory(&file, self.cursor.memory)
        };
        let found = self.memories.iter().enumerate();
        match found
            .filter_map(|(at, path)| Some((at, read(path)?)))
            .next()
        {
            Some((at, memory)) => {
                self.current = at;
                self.memory = Some(memory);
            }
            None => self.doubt = Some("what its sink remembered is damaged".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests;
