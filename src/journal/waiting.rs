//! What waits for a sink, without reading more than a few records: for who explains, and for who shows it again and again.

use super::append::list_sealed;
use super::cursor::{self, Mark};
use super::identity::{Identity, read_some};
use super::read::spill_files;
use super::{Journal, Signal, file};
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::PathBuf;

/// So many lines are counted at most.
const COUNTED: u64 = 10_000;

/// What waits of one signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// Whose.
    pub signal: Signal,
    /// Bytes that are not acknowledged.
    pub bytes: u64,
    /// Lines among them.
    pub records: u64,
    /// There are more lines; they were not counted.
    pub is_more: bool,
}

impl Journal {
    /// What this sink has not acknowledged, of each signal. One that never worked has acknowledged nothing.
    pub fn waiting(&self, sink: &str) -> io::Result<Vec<Waiting>> {
        let Some(home) = self.home().filter(|home| home.join("sealed").is_dir()) else {
            return Ok(Vec::new());
        };
        let found = match file::open_read(&home.join("cursors").join(sink)) {
            Err(error) if error.kind() == ErrorKind::NotFound => cursor::Found::default(),
            other => cursor::read(&other?)?,
        };
        let of = |signal| {
            let mark = found.cursor.mark(signal).cloned().unwrap_or_default();
            self.waiting_after(signal, &mark)
        };
        Signal::ALL.into_iter().map(of).collect()
    }

    /// What is not read when this mark is.
    pub(super) fn waiting_after(&self, signal: Signal, mark: &Mark) -> io::Result<Waiting> {
        let home = self.ready()?;
        let mut waiting = Waiting {
            signal,
            bytes: 0,
            records: 0,
            is_more: false,
        };
        let places = self.own_spill_places();
        for path in places.iter().flat_map(|place| spill_files(place, signal)) {
            let length = fs::symlink_metadata(path).map_or(0, |found| found.len());
            waiting.bytes += length;
            waiting.records += u64::from(length > 0);
        }
        let folder = home.join("sealed");
        let mut sealed = list_sealed(&folder, signal)?;
        sealed.sort();
        let newest = sealed.last().map_or(0, |(number, _)| *number);
        let finished = if newest < mark.finished {
            0
        } else {
            mark.finished
        };
        let left = sealed.into_iter().filter(|(number, _)| *number > finished);
        let mut files: Vec<(Option<u64>, PathBuf)> = left
            .map(|(number, name)| (Some(number), folder.join(name)))
            .collect();
        files.push((None, home.join(format!("{}.log", signal.name()))));
        for (number, path) in files {
            let Ok(file) = file::open_read(&path) else {
                continue; // gone, or reading it will say so
            };
            let offset = read_up_to(&file, signal, mark, number)?;
            waiting.bytes += file.metadata()?.len().saturating_sub(offset);
            waiting.count(&file, offset)?;
        }
        Ok(waiting)
    }
}

/// How far a file is read.
pub(super) fn read_up_to(
    file: &File,
    signal: Signal,
    mark: &Mark,
    number: Option<u64>,
) -> io::Result<u64> {
    let length = file.metadata()?.len();
    let Some(identity) = Identity::of(file, signal)? else {
        return Ok(length); // nothing in it is a record, and no place in it can be kept
    };
    Ok(mark
        .place(identity, number)
        .map(|place| place.offset)
        .filter(|offset| *offset <= length)
        .unwrap_or_default())
}

impl Waiting {
    /// Counts the lines of a file from an offset, as long as there are not too many.
    fn count(&mut self, file: &File, offset: u64) -> io::Result<()> {
        let mut records = self.records;
        let is_all = newlines(file, offset, |count| {
            records += count;
            records <= COUNTED
        })?;
        self.is_more |= !is_all;
        self.records = records.min(COUNTED);
        Ok(())
    }
}

/// Counts newlines behind an offset, some at a time, until there are no more or it is enough: then false.
pub(super) fn newlines(
    file: &File,
    mut offset: u64,
    mut each: impl FnMut(u64) -> bool,
) -> io::Result<bool> {
    let mut buffer = vec![0; 256 << 10];
    loop {
        let count = read_some(file, &mut buffer, offset)?;
        let have = buffer.get(..count).unwrap_or_default();
        if count == 0 {
            return Ok(true);
        }
        offset += count as u64;
        if !each(memchr::memchr_iter(b'\n', have).count() as u64) {
            return Ok(false);
        }
    }
}

#[cfg(test)]
mod tests;
