//! Files that another room keeps in the home, such as the ledger: held by a lock file of their own, replaced whole or
//! appended to. No signal is blocked meanwhile: a holder may be stopped or die at any instruction, and waiting for it ends.

use super::{Journal, file};
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, UNIX_EPOCH};

/// A file longer than this is not read.
const MOST: u64 = 256 << 20;

/// The files of one name, under their lock until it is dropped.
#[derive(Debug)]
pub struct Held<'a> {
    journal: &'a Journal,
    folder: PathBuf,
    name: String,
    lock: File,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        // closing does it too, unless a child that is just starting has a copy of the descriptor
        let _ = fs2::FileExt::unlock(&self.lock);
    }
}

impl Journal {
    /// Takes the lock of the files of this name in a folder of the home. None: others had it all the time.
    pub fn hold_files(
        &self,
        folder: &str,
        name: &str,
        wait: Duration,
    ) -> io::Result<Option<Held<'_>>> {
        let folder = self.ready()?.join(folder);
        self.spill_folder(&folder)?;
        let lock = file::open_append(&folder.join(format!("{name}.lock")), self.place.user)?;
        let deadline = Instant::now() + wait;
        let mut pause = 200;
        while !file::try_lock(&lock)? {
            if Instant::now() >= deadline {
                return Ok(None);
            }
            std::thread::sleep(Duration::from_micros(pause / 2 + self.random() % pause));
            pause = (pause * 3 / 2).min(8_000);
        }
        Ok(Some(Held {
            journal: self,
            folder,
            name: name.to_owned(),
            lock,
        }))
    }
}

impl Held<'_> {
    /// The content of the file with this extension, if there is one.
    pub fn read(&self, extension: &str) -> io::Result<Option<Vec<u8>>> {
        read(&self.path(extension))
    }

    /// The size of the file with this extension; one that is not there has none.
    pub fn size(&self, extension: &str) -> u64 {
        fs::symlink_metadata(self.path(extension)).map_or(0, |found| found.len())
    }

    /// Puts a file in place of the one with this extension: whole, or not at all.
    pub fn write(&self, extension: &str, content: &[u8]) -> io::Result<()> {
        let written = self.journal.replace(&self.path(extension), content);
        written.map(drop)
    }

    /// Appends to the file with this extension, or begins it.
    pub fn append(&self, extension: &str, content: &[u8]) -> io::Result<()> {
        let file = file::open_append(&self.path(extension), self.journal.place.user)?;
        file::write_all(&file, content)?;
        match self.journal.durable {
            true => file.sync_data(),
            false => Ok(()),
        }
    }

    /// Gives a file the place of another.
    pub fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path(from), self.path(to))?;
        match self.journal.durable {
            true => file::sync_folder(&self.folder),
            false => Ok(()),
        }
    }

    /// Removes a file; one that is not there is no error.
    pub fn remove(&self, extension: &str) -> io::Result<()> {
        match fs::remove_file(self.path(extension)) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    /// The contents of the files with this extension of other names that begin alike, the last changed first, at most
    /// `most` of them.
    pub fn others(&self, beginning: &str, extension: &str, most: usize) -> Vec<Vec<u8>> {
        let own = self.path(extension);
        let alike = |path: &PathBuf| {
            let name = path.file_name().and_then(|name| name.to_str());
            let ours = path.extension().is_some_and(|found| found == extension);
            ours && *path != own && name.is_some_and(|name| name.starts_with(beginning))
        };
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let paths = entries.map(|entry| entry.path()).filter(alike);
        let mut dated: Vec<(Duration, PathBuf)> = paths
            .filter_map(|path| {
                let changed = fs::symlink_metadata(&path).ok()?.modified().ok()?;
                Some((changed.duration_since(UNIX_EPOCH).unwrap_or_default(), path))
            })
            .collect();
        dated.sort_by(|one, other| other.cmp(one));
        let newest = dated.into_iter().take(most);
        newest.filter_map(|(_, path)| read(&path).ok()?).collect()
    }

    fn path(&self, extension: &str) -> PathBuf {
        self.folder.join(format!("{}.{extension}", self.name))
    }
}

fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match file::open_read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    let size = file.metadata()?.len().min(MOST);
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
    file.take(MOST).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}
