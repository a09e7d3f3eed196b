//! Following a signal: what is appended from now on, across rotation, truncation, spill and its gathering.

use super::read::{Reader, Source, open_sealed, spill_files};
use super::{Journal, Signal};
use std::collections::HashSet;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

impl Journal {
    /// Follows a signal from where a reader, that was read to its end, stopped.
    pub fn follower(&self, signal: Signal, reader: Reader) -> Follower {
        let home = self.place.home.as_deref().unwrap_or(Path::new(""));
        let path = home.join(format!("{}.log", signal.name()));
        let mut follower = Follower {
            signal,
            path,
            active: None,
            offset: 0,
            sealed: 0,
            seen: HashSet::new(),
            told: HashSet::new(),
        };
        for (source, end) in reader.sources.into_iter().zip(reader.ends) {
            if source.path == follower.path {
                follower.offset = end;
                follower.active = Some(source);
            } else if let Some(number) = source.number(signal) {
                follower.sealed = follower.sealed.max(number);
            } else {
                let _ = source.lines(0, &mut |line, _| {
                    follower.told.insert(hash(line));
                });
                follower.seen.insert(source.path);
            }
        }
        follower
    }
}

/// Yields what is appended to a signal from now on, across rotations, truncation and spill.
#[derive(Debug)]
pub struct Follower {
    signal: Signal,
    path: PathBuf,
    active: Option<Source>,
    offset: u64,
    /// The highest sealed number whose file was read.
    sealed: u64,
    seen: HashSet<PathBuf>,
    /// Lines from spill, which come again in the file that they are gathered into.
    told: HashSet<u64>,
}

fn hash(line: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    line.hash(&mut hasher);
    hasher.finish()
}

impl Follower {
    /// Calls back with every line that came since the last poll.
    pub fn poll(&mut self, journal: &Journal, mut each: impl FnMut(&[u8])) {
        self.drain(&mut each);
        let named = fs::symlink_metadata(&self.path).map(|found| (found.dev(), found.ino()));
        let moved = match (&self.active, named) {
            (Some(active), Ok(identity)) => active.identity != identity,
            (None, Ok(_)) => true,
            (_, Err(_)) => false,
        };
        if moved {
            self.drain(&mut each); // whoever renamed it was the last writer: now it is complete
            self.skip_to_active(&mut each);
        }
        self.new_spill(journal, &mut each);
        self.new_gathered(&mut each);
    }

    /// Reads what was gathered while the active file stayed: spill that we never saw may be in it.
    fn new_gathered(&mut self, each: &mut impl FnMut(&[u8])) {
        let folder = self.path.with_file_name("sealed");
        let sealed = open_sealed(&folder, self.signal, self.sealed);
        let ours = self.active.as_ref().map(|active| active.identity);
        if sealed.iter().any(|source| Some(source.identity) == ours) {
            return; // rotated a moment ago: the next poll reads all of them
        }
        for source in sealed {
            self.sealed = source.number(self.signal).unwrap_or(self.sealed);
            self.tell(&source, each);
        }
    }

    fn tell(&self, source: &Source, each: &mut impl FnMut(&[u8])) {
        let _ = source.lines(0, &mut |line, _| {
            if self.told.is_empty() || !self.told.contains(&hash(line)) {
                each(line);
            }
        });
    }

    fn drain(&mut self, each: &mut impl FnMut(&[u8])) {
        if let Some(active) = &self.active {
            let length = active.length();
            if length < self.offset {
                // one byte: the newline before a record that was taken back; else truncated behind our back
                self.offset = if length + 1 == self.offset { length } else { 0 };
            }
            let read = active.lines(self.offset, &mut |line, _| each(line));
            self.offset = read.unwrap_or(self.offset);
        }
    }

    /// Reads the files sealed after ours, then takes up the new active one.
    fn skip_to_active(&mut self, each: &mut impl FnMut(&[u8])) {
        let next = Source::open(&self.path, false);
        let sealed = open_sealed(
            &self.path.with_file_name("sealed"),
            self.signal,
            self.sealed,
        );
        let ours = self.active.as_ref().map(|active| active.identity);
        for source in &sealed {
            self.sealed = self
                .sealed
                .max(source.number(self.signal).unwrap_or_default());
            if Some(source.identity) == ours {
                continue;
            }
            let again = next
                .as_ref()
                .is_some_and(|next| next.identity == source.identity);
            if !again {
                self.tell(source, each);
            }
        }
        self.active = next;
        self.offset = 0;
        self.drain(each);
    }

    fn new_spill(&mut self, journal: &Journal, each: &mut impl FnMut(&[u8])) {
        for folder in journal.own_spill_places() {
            for path in spill_files(&folder, self.signal) {
                if self.seen.contains(&path) {
                    continue;
                }
                if let Some(source) = Source::open(&path, true) {
                    let _ = source.lines(0, &mut |line, _| {
                        self.told.insert(hash(line));
                        each(line);
                    });
                }
                self.seen.insert(path);
            }
        }
    }
}
