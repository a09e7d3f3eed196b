//! Finding the files of a backlog and reading them: from disk, where a stamp saves most of the reading, and from the
//! files of a commit. Symbolic links are followed, but not in circles; pipes and devices are never opened for long.

use super::board::{Board, Entry, Stamp, State, key};
use super::entity::Entity;
use super::place::{Folder, Kind};
use rustix::fs::{Mode, OFlags};
use std::collections::BTreeSet;
use std::fs::{self, DirEntry, File, Metadata};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// Of a longer file only this much is read.
const MOST_BYTES: u64 = 4 << 20;
/// Files and folders that are looked at, which ends what links could make endless.
const MOST_FILES: usize = 100_000;
const DEEPEST: usize = 16;
/// A file changed this shortly before it was read may change again and keep its stamp: some file systems count in
/// seconds. (<https://git-scm.com/docs/racy-git>)
const RACY: i64 = 2_000_000_000;
/// A file changed this shortly before it was read may be half written: the CLI writes over the old text, and cuts off
/// what is left of it afterwards. In nanoseconds, longer than the tick in which kernels date files.
const WET: i64 = 5_000_000;
/// How often a file is read until it holds still, and the time between.
const READS: usize = 4;
const PAUSE: Duration = Duration::from_millis(2);

/// What a look at the disk found.
#[derive(Debug, Default)]
pub struct Scan {
    /// All files, those unreadable in their last good state.
    pub board: Board,
    /// Files that became unreadable since the last look, from the backlog folder.
    pub unreadable: Vec<PathBuf>,
    /// Why the board is not whole: a folder that could not be read is not empty.
    pub failed: Option<io::Error>,
    /// When the youngest of the files that were read was changed, in nanoseconds since the epoch.
    pub youngest: Option<i64>,
}

/// Looks at the disk. What `before` says of a file holds where its stamp is the same. `clock` gives nanoseconds since the
/// epoch.
pub fn disk(backlog: &Path, before: Option<&Board>, clock: &dyn Fn() -> i64) -> Scan {
    let mut walk = Walk {
        backlog,
        before,
        clock,
        begun: clock(),
        entries: Vec::with_capacity(before.map_or(64, Board::len)),
        scan: Scan::default(),
        left: MOST_FILES,
    };
    for folder in Folder::ALL {
        let mut above = Vec::new();
        walk.folder(folder, Path::new(folder.path()), &mut above);
    }
    let mut scan = walk.scan;
    scan.board = Board::of(walk.entries);
    scan
}

/// The board of files that are not on disk: paths from the backlog folder, and their bytes.
pub fn blobs<'a>(files: impl IntoIterator<Item = (&'a [u8], &'a [u8])>) -> Board {
    let entries = files.into_iter().filter_map(|(path, bytes)| {
        let folder = Folder::of(path)?;
        let state = match Entity::read(folder, path, bytes) {
            Some(entity) => good(&entity),
            None => State::Broken,
        };
        Some(Entry {
            key: key(path),
            stamp: None,
            seen: Vec::new(),
            state,
        })
    });
    Board::of(entries.collect())
}

/// The ids of the tasks among files that are not on disk, each once, in order.
pub fn task_ids<'a>(files: impl IntoIterator<Item = (&'a [u8], &'a [u8])>) -> Vec<String> {
    let ids = files.into_iter().filter_map(|(path, bytes)| {
        let folder = Folder::of(path).filter(|folder| folder.kind() == Kind::Task)?;
        Some(Entity::read(folder, path, bytes)?.id)
    });
    let ids: BTreeSet<String> = ids.filter(|id| !id.is_empty()).collect();
    ids.into_iter().collect()
}

/// The state in which an entity's file is now.
pub(super) fn one(backlog: &Path, entity: &Entity) -> State {
    let read = open(&backlog.join(&entity.path)).and_then(|file| content(&file));
    let read = read
        .ok()
        .and_then(|bytes| Entity::read(entity.folder, entity.path.as_bytes(), &bytes));
    read.map_or(State::Broken, |entity| good(&entity))
}

struct Walk<'a> {
    backlog: &'a Path,
    before: Option<&'a Board>,
    clock: &'a dyn Fn() -> i64,
    begun: i64,
    entries: Vec<Entry>,
    scan: Scan,
    left: usize,
}

impl Walk<'_> {
    /// `above` are the folders we came through, by device and inode.
    fn folder(&mut self, folder: Folder, path: &Path, above: &mut Vec<(u64, u64)>) {
        let full = self.backlog.join(path);
        let opened = fs::metadata(&full).and_then(|found| Ok((found, fs::read_dir(&full)?)));
        let (found, entries) = match opened {
            Ok(opened) => opened,
            Err(error) => return self.fail_unless_gone(error),
        };
        let identity = (found.dev(), found.ino());
        if above.contains(&identity) || above.len() > DEEPEST {
            return;
        }
        above.push(identity);
        for entry in entries {
            match (entry, self.left.checked_sub(1)) {
                (Ok(entry), Some(left)) => {
                    self.left = left;
                    self.entry(folder, path, &entry, above);
                }
                (Err(error), _) => self.scan.failed = Some(error),
                (Ok(_), None) => {
                    self.scan.failed = Some(io::Error::other("too many files"));
                    break;
                }
            }
        }
        above.pop();
    }

    fn entry(
        &mut self,
        folder: Folder,
        path: &Path,
        entry: &DirEntry,
        above: &mut Vec<(u64, u64)>,
    ) {
        let name = entry.file_name();
        let below = path.join(&name);
        if folder.takes(name.as_bytes()) && self.file(folder, &below) {
            return;
        }
        let may_be_folder = entry.file_type().is_ok_and(|kind| !kind.is_file());
        if folder.is_deep() && may_be_folder && !name.as_bytes().starts_with(b".") {
            self.folder(folder, &below, above);
        }
    }

    fn fail_unless_gone(&mut self, error: io::Error) {
        if !is_gone(&error) {
            self.scan.failed = Some(error);
        }
    }

    /// Looks at one file; false where it is none.
    fn file(&mut self, folder: Folder, path: &Path) -> bool {
        let full = self.backlog.join(path);
        let found = match fs::metadata(&full) {
            Ok(found) if found.is_file() => Some(stamp(&found)),
            Ok(_) => return false,
            Err(error) if is_gone(&error) => return true,
            Err(_) => None,
        };
        let name = path.as_os_str().as_bytes();
        let key = key(name);
        let before = self.before.and_then(|board| board.entry(&key));
        if let Some(known) = before.filter(|known| found.is_some() && known.stamp == found) {
            self.entries.push(known.clone());
            return true;
        }
        let read = match self.still(&full) {
            Err(error) if is_gone(&error) => return true,
            read => read.ok(),
        };
        let touched = read.as_ref().map(|(stamp, _)| stamp.touched());
        self.scan.youngest = self.scan.youngest.max(touched);
        let settled = touched.is_some_and(|touched| touched < self.begun - RACY);
        let (stamp, state) = match read {
            Some((_, None)) => (None, self.last_good(before)),
            Some((stamp, Some(bytes))) => {
                let entity = Entity::read(folder, name, &bytes);
                let state = entity.map(|entity| good(&entity));
                (
                    Some(stamp).filter(|_| settled),
                    state.unwrap_or_else(|| self.unreadable(path, before)),
                )
            }
            None => (None, self.unreadable(path, before)),
        };
        let mut entry = Entry {
            key,
            stamp,
            seen: Vec::new(),
            state,
        };
        if let Some(before) = before {
            entry.follow(before);
        }
        self.entries.push(entry);
        true
    }

    /// A file's bytes once it holds still, none where it does not, and the stamp of what was opened.
    fn still(&self, path: &Path) -> io::Result<(Stamp, Option<Vec<u8>>)> {
        let mut left = READS;
        loop {
            let file = open(path)?;
            let before = stamp(&file.metadata()?);
            let bytes = content(&file)?;
            let after = stamp(&file.metadata()?);
            // a date to come is of another clock: it tells nothing
            let is_wet = (0..WET).contains(&(self.clock)().saturating_sub(after.touched()));
            left -= 1;
            match (before == after && !is_wet, left) {
                (true, _) => return Ok((after, Some(bytes))),
                (false, 0) => return Ok((after, None)),
                (false, _) => thread::sleep(PAUSE),
            }
        }
    }

    /// The state of a file that cannot be read.
    fn unreadable(&mut self, path: &Path, before: Option<&Entry>) -> State {
        let known = before.is_some_and(|before| before.state.text().is_none());
        if !known {
            self.scan.unreadable.push(path.to_owned());
        }
        self.last_good(before)
    }

    fn last_good(&self, before: Option<&Entry>) -> State {
        match (before, self.before) {
            (Some(before), _) => before.state.clone(),
            (None, Some(_)) => State::Pending,
            (None, None) => State::Broken,
        }
    }
}

fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn good(entity: &Entity) -> State {
    // an entity is texts and lists of them: nothing that serialising can refuse
    let text = serde_json::to_string(entity).unwrap_or_default();
    State::Good(text.into())
}

fn stamp(found: &Metadata) -> Stamp {
    let nanos = |seconds: i64, nanos: i64| seconds.saturating_mul(1_000_000_000) + nanos;
    Stamp {
        size: found.size(),
        modified: nanos(found.mtime(), found.mtime_nsec()),
        changed: nanos(found.ctime(), found.ctime_nsec()),
        inode: found.ino(),
        device: found.dev(),
    }
}

/// Opens a file to read; a pipe that took its place in between does not make us wait.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other("not a regular file")),
    }
}

/// A file's bytes, up to a limit; what is behind it counts by its length alone.
pub(super) fn content(file: &File) -> io::Result<Vec<u8>> {
    let size = file.metadata()?.len();
    let mut bytes = Vec::with_capacity(usize::try_from(size.min(MOST_BYTES)).unwrap_or_default());
    file.take(MOST_BYTES).read_to_end(&mut bytes)?;
    if size > MOST_BYTES {
        bytes.extend_from_slice(format!("\n{size}").as_bytes());
    }
    Ok(bytes)
}
