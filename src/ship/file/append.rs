//! One append: open, lock, see that it is still the file of that name, rotate if it is full, write, wait for the disk.

use fs2::FileExt as _;
use rustix::fs::{Gid, Mode, OFlags, RawMode, fchmod, fchown};
use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// Between two tries for a lock.
const PAUSE: Duration = Duration::from_millis(5);
/// Tries where no timeout is set: ten minutes.
const TRIES: u64 = 120_000;
/// How often the file may be another one after its lock was had.
const MOVES: u32 = 100;

/// How a file is made and how far it grows.
pub(super) struct Appending {
    pub(super) mode: RawMode,
    pub(super) group: Option<Gid>,
    pub(super) user: u32,
    pub(super) rotate_bytes: u64,
    pub(super) keep: u64,
    /// How long the lock is waited for; 0: long.
    pub(super) patience_ms: u64,
}

impl Appending {
    /// Appends whole lines; after an error the file is as it was before.
    pub(super) fn append(&self, path: &Path, lines: &[u8]) -> io::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        for _ in 0..MOVES {
            let (file, is_new) = self.open(path)?;
            self.lock(&file)?;
            let found = file.metadata()?;
            if !is_still_named(&found, path)? {
                continue; // rotated while we waited
            }
            let full = found.len() > 0 && found.len() + lines.len() as u64 > self.rotate_bytes;
            if full {
                self.rotate(path)?;
                continue;
            }
            write(&file, found.len(), lines)?;
            file.sync_data()?;
            if is_new {
                sync_folder(path)?;
            }
            return Ok(()); // closing gives the lock back
        }
        let why = "it is rotated faster than it can be written";
        Err(io::Error::new(ErrorKind::TimedOut, why))
    }

    /// Opens it, or makes it with its mode and group; true: it was made.
    fn open(&self, path: &Path) -> io::Result<(File, bool)> {
        let flags = OFlags::RDWR | OFlags::APPEND | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        // a FIFO is not waited for
        let flags = flags | OFlags::NONBLOCK;
        for _ in 0..MOVES {
            match rustix::fs::open(path, flags, Mode::empty()) {
                Ok(file) => {
                    let file = File::from(file);
                    self.is_plain(&file.metadata()?)?;
                    return Ok((file, false));
                }
                Err(rustix::io::Errno::NOENT) => {}
                Err(error) => return Err(error.into()),
            }
            let new = flags | OFlags::CREATE | OFlags::EXCL;
            match rustix::fs::open(path, new, Mode::RUSR | Mode::WUSR) {
                Ok(file) => {
                    let file = File::from(file);
                    if let Err(error) = self.give(&file) {
                        let _ = fs::remove_file(path); // found later, it would pass for one that was given
                        return Err(error);
                    }
                    return Ok((file, true));
                }
                Err(rustix::io::Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(io::Error::new(
            ErrorKind::TimedOut,
            "it comes and goes too fast",
        ))
    }

    fn give(&self, file: &File) -> io::Result<()> {
        if let Some(group) = self.group {
            fchown(file, None, Some(group)).map_err(|error| {
                let error = io::Error::from(error);
                io::Error::new(error.kind(), format!("its group cannot be set: {error}"))
            })?;
        }
        // exactly, whatever the umask; and last, so that nobody of the old group reads it meanwhile
        Ok(fchmod(file, Mode::from_raw_mode(self.mode))?)
    }

    fn is_plain(&self, found: &Metadata) -> io::Result<()> {
        let wrong = |why| Err(io::Error::new(ErrorKind::Unsupported, why));
        match found {
            _ if !found.is_file() => wrong("not a regular file"),
            _ if found.uid() != self.user && found.uid() != 0 => wrong("owned by another user"),
            _ if found.nlink() > 1 => wrong("it has a second name"),
            _ => Ok(()),
        }
    }

    fn lock(&self, file: &File) -> io::Result<()> {
        let tries = match self.patience_ms {
            0 => TRIES,
            millis => millis / PAUSE.as_millis() as u64 + 1,
        };
        for _ in 0..tries {
            match file.try_lock_exclusive() {
                Ok(()) => return Ok(()),
                Err(error)
                    if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => {}
                Err(error) => return Err(error),
            }
            thread::sleep(PAUSE);
        }
        let why = "another process holds its lock";
        Err(io::Error::new(ErrorKind::TimedOut, why))
    }

    /// Moves it and those before it one number on. Called under its lock; the next file is nobody's yet.
    fn rotate(&self, path: &Path) -> io::Result<()> {
        let name = |number: u64| {
            let mut name = path.as_os_str().to_owned();
            name.push(format!(".{number}"));
            PathBuf::from(name)
        };
        if self.keep == 0 {
            fs::remove_file(path)?;
            return sync_folder(path);
        }
        // a gap, which a crash in here leaves, takes what stands before it: nothing goes before its time
        let is_free = |number: &u64| fs::symlink_metadata(name(*number)).is_err();
        let last = (1..self.keep).find(is_free).unwrap_or(self.keep);
        for number in (1..last).rev() {
            fs::rename(name(number), name(number + 1))?;
        }
        fs::rename(path, name(1))?;
        sync_folder(path)
    }
}

/// True where the path still names this very file.
fn is_still_named(found: &Metadata, path: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(named) => Ok(named.ino() == found.ino() && named.dev() == found.dev()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn write(file: &File, length: u64, lines: &[u8]) -> io::Result<()> {
    let mut last = [b'\n'];
    if length > 0 {
        file.read_exact_at(&mut last, length - 1)?;
    }
    let mut writer = file;
    let guard: &[u8] = if last == [b'\n'] { b"" } else { b"\n" };
    let written = writer
        .write_all(guard)
        .and_then(|()| writer.write_all(lines));
    if let Err(error) = written {
        // its own failure is covered by the guard
        let _ = file.set_len(length);
        return Err(error);
    }
    Ok(())
}

/// Waits until its name is on disk.
fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent().map(File::open) {
        Some(Ok(folder)) => folder.sync_all(),
        // a folder may be for writing only; then its names are its owner's affair
        Some(Err(error)) if error.kind() != ErrorKind::PermissionDenied => Err(error),
        _ => Ok(()),
    }
}
