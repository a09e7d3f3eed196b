//! Reading a signal's sealed, spill and active files as one stream of whole lines, without a lock.

use super::append::{sealed_number, sealed_numbers};
use super::{Journal, Signal, damage, file};
use std::cell::RefCell;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

const CHUNK: usize = 1 << 20;

/// One whole line and where it stands.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    /// The bytes, newline included.
    pub bytes: &'a [u8],
    /// The file's place in the stream; with the offset it is the record's position.
    pub file: usize,
    /// Offset in that file.
    pub offset: u64,
}

impl Line<'_> {
    /// Without reading it: false where it cannot be a whole record.
    pub fn looks_whole(&self) -> bool {
        self.bytes.starts_with(b"{\"") && self.bytes.ends_with(b"}\n")
    }
}

#[derive(Debug)]
pub(super) struct Source {
    pub(super) path: PathBuf,
    /// The active file, which may get another name. Closed ones keep theirs and are opened when they are read: there
    /// may be more of them than a process may have open.
    file: Option<File>,
    pub(super) identity: (u64, u64),
    /// Nobody appends any more: an unterminated rest is damage, not work in progress.
    pub(super) closed: bool,
}

/// All files of a signal, opened, in the order of the stream: sealed by number, spill by name, active.
#[derive(Debug)]
pub struct Reader {
    pub(super) sources: Vec<Source>,
    /// Damaged lines met so far.
    pub damaged: u64,
    /// Where `for_each` stopped in each source.
    pub(super) ends: Vec<u64>,
    /// Where spill goes, and whose: it may be gathered meanwhile.
    sealed: Option<(PathBuf, Signal)>,
    /// The file that was read again last.
    again: RefCell<Option<(usize, File)>>,
}

impl Journal {
    /// Opens all files of a signal; what cannot be opened is not there.
    pub fn reader(&self, signal: Signal) -> Reader {
        let home = self.place.home.as_deref();
        let active =
            home.and_then(|home| Source::open(&home.join(format!("{}.log", signal.name())), false));
        let mut spilled: Vec<PathBuf> = self
            .own_spill_places()
            .iter()
            .flat_map(|folder| spill_files(folder, signal))
            .collect();
        spilled.sort_by(|a, b| a.file_name().cmp(&b.file_name()));
        let mut sources: Vec<Source> = home
            .map(|home| open_sealed(&home.join("sealed"), signal, 0))
            .unwrap_or_default();
        if !spilled.is_empty()
            && let Ok(Some((number, gathered))) = self.gathered(signal)
            && sources
                .iter()
                .any(|source| source.number(signal) == Some(number))
        {
            spilled.retain(|path| !gathered.contains(path));
        }
        sources.extend(spilled.iter().filter_map(|path| Source::open(path, true)));
        if let Some(active) = active
            && !sources
                .iter()
                .any(|source| source.identity == active.identity)
        {
            sources.push(active);
        }
        Reader {
            sources,
            damaged: 0,
            ends: Vec::new(),
            sealed: home.map(|home| (home.join("sealed"), signal)),
            again: RefCell::new(None),
        }
    }
}

impl Source {
    /// A file that nobody writes to while it is read.
    pub(super) fn closed(path: &Path) -> Option<Self> {
        Self::open(path, true)
    }

    pub(super) fn open(path: &Path, closed: bool) -> Option<Self> {
        let (file, found) = match closed {
            true => (None, fs::symlink_metadata(path).ok()?),
            false => match file::open_read(path) {
                Ok(file) => {
                    let found = file.metadata().ok()?;
                    (Some(file), found)
                }
                // reading it will say so
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                    (None, fs::symlink_metadata(path).ok()?)
                }
                Err(_) => return None,
            },
        };
        found.is_file().then(|| Self {
            path: path.to_owned(),
            file,
            identity: (found.dev(), found.ino()),
            closed,
        })
    }

    fn reopened(&self) -> io::Result<File> {
        match &self.file {
            Some(file) => file.try_clone(),
            None => file::open_read(&self.path),
        }
    }

    /// The number of a sealed file.
    pub(super) fn number(&self, signal: Signal) -> Option<u64> {
        let name = self.path.file_name()?.to_str()?;
        sealed_number(name, signal).filter(|_| {
            self.path
                .parent()
                .is_some_and(|folder| folder.ends_with("sealed"))
        })
    }

    /// True for a file of one record that was not appended.
    pub(super) fn is_spill(&self) -> bool {
        let folder = self.path.parent();
        self.closed && folder.is_some_and(|folder| !folder.ends_with("sealed"))
    }

    pub(super) fn length(&self) -> u64 {
        let found = self.file.as_ref().map(File::metadata);
        found.and_then(Result::ok).map_or(0, |found| found.len())
    }

    /// Calls back with every whole line from `offset` on; the answer is the offset behind the last one.
    pub(super) fn lines(
        &self,
        mut offset: u64,
        each: &mut dyn FnMut(&[u8], u64),
    ) -> io::Result<u64> {
        let file = self.reopened()?;
        let mut buffer = vec![0; CHUNK];
        loop {
            let count = match file.read_at(&mut buffer, offset) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let have = buffer.get(..count).unwrap_or_default();
            // an unfinished rest is read again with what follows: its writer may take it back in between
            match whole_lines(have, offset, each) {
                0 if count == buffer.len() => buffer.resize(buffer.len() * 2, 0),
                0 if self.closed && count > 0 => {
                    each(have, offset);
                    return Ok(offset + count as u64);
                }
                0 => return Ok(offset),
                taken => offset += taken as u64,
            }
        }
    }
}

/// Calls back with the lines that are whole; the answer is how many bytes they are.
fn whole_lines(bytes: &[u8], offset: u64, each: &mut dyn FnMut(&[u8], u64)) -> usize {
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', bytes) {
        if let Some(line) = bytes.get(start..=end) {
            each(line, offset + start as u64);
        }
        start = end + 1;
    }
    start
}

impl Reader {
    /// Calls back with every line but blanked ones. The callback says whether the line was a record; if not it is
    /// counted as damaged. A file that cannot be read to its end counts as damaged too.
    pub fn for_each(&mut self, mut each: impl FnMut(Line<'_>) -> bool) {
        self.ends.clear();
        if self.read_on(&mut each) {
            self.find_gathered();
            self.read_on(&mut each);
        }
    }

    /// Reads the sources that were not yet read; true where spill is gone: then it was gathered.
    fn read_on(&mut self, each: &mut impl FnMut(Line<'_>) -> bool) -> bool {
        let mut damaged = 0;
        let mut is_gone = false;
        for (index, source) in self.sources.iter().enumerate().skip(self.ends.len()) {
            let read = source.lines(0, &mut |bytes, offset| {
                let line = Line {
                    bytes,
                    file: index,
                    offset,
                };
                let good = damage::is_blank(bytes) || bytes.ends_with(b"\n") && each(line);
                damaged += u64::from(!good);
            });
            let missing = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
            match source.is_spill() && read.as_ref().is_err_and(missing) {
                true => is_gone = true,
                false => damaged += u64::from(read.is_err()),
            }
            self.ends.push(read.unwrap_or_else(|_| source.length()));
        }
        self.damaged += damaged;
        is_gone
    }

    /// Adds the files that were sealed since the reader was opened.
    fn find_gathered(&mut self) {
        let Some((folder, signal)) = &self.sealed else {
            return;
        };
        let numbers = self
            .sources
            .iter()
            .filter_map(|source| source.number(*signal));
        let mut newer = open_sealed(folder, *signal, numbers.max().unwrap_or_default());
        let known = |other: &Source| {
            self.sources
                .iter()
                .any(|own| own.identity == other.identity)
        };
        newer.retain(|source| !known(source));
        self.sources.append(&mut newer);
    }

    /// Calls back with the lines of the newest files, each file from its beginning, until a file that is not spill
    /// had a line for which the callback answers something.
    pub fn newest(&self, mut each: impl FnMut(Line<'_>) -> Option<()>) {
        for (index, source) in self.sources.iter().enumerate().rev() {
            let mut found = false;
            let _ = source.lines(0, &mut |bytes, offset| {
                let line = Line {
                    bytes,
                    file: index,
                    offset,
                };
                found |= each(line).is_some();
            });
            if found && !source.is_spill() {
                return;
            }
        }
    }

    /// Reads a line again.
    pub fn line_at(&self, file: usize, offset: u64, length: usize) -> Option<Vec<u8>> {
        let mut again = self.again.borrow_mut();
        if again.as_ref().is_none_or(|(last, _)| *last != file) {
            *again = Some((file, self.sources.get(file)?.reopened().ok()?));
        }
        let mut line = vec![0; length];
        let (_, open) = again.as_ref()?;
        open.read_exact_at(&mut line, offset).ok()?;
        Some(line)
    }
}

pub(super) fn open_sealed(folder: &Path, signal: Signal, above: u64) -> Vec<Source> {
    let mut numbers = sealed_numbers(folder, signal);
    numbers.sort();
    numbers
        .into_iter()
        .filter(|(number, _)| *number > above)
        .filter_map(|(_, name)| Source::open(&folder.join(name), true))
        .collect()
}

pub(super) fn spill_files(folder: &Path, signal: Signal) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let ours = |path: &PathBuf| {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        let rest = name.strip_prefix(signal.name()).unwrap_or_default();
        rest.starts_with('-') && rest.ends_with(".jsonl")
    };
    entries
        .flatten()
        .map(|entry| entry.path())
        .filter(ours)
        .collect()
}
