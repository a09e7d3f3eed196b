//! Reading a signal in the order of the journal, in batches of whole lines with a mark behind each: sealed files by number
//! above what is finished, then the active file. Spill is gathered before. Whatever is not what the mark says (a file cut
//! short, written anew or unknown, numbers that began again) is read from its start: nothing is ever passed over. Whether
//! a file is sealed is decided before it is read: an unended rest is damage in a sealed one and work in progress in ours.

use super::append::list_sealed;
use super::cursor::{Mark, Place};
use super::identity::{Identity, Tail};
use super::lines::{Buffer, Open, Stopped, Taken};
use super::{Journal, Signal, file};
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

/// So many lines, none longer than that, are kept to be written over.
const SPARE: (usize, usize) = (8_192, 1_024);

/// Some lines, and how far the signal is read with them.
#[derive(Debug)]
pub struct Chunk {
    /// Whole lines, newline included; empty where only the mark moved.
    pub lines: Vec<Vec<u8>>,
    /// What to acknowledge once they are.
    pub mark: Mark,
    /// Lines passed over because they cannot be records.
    pub damaged: u64,
}

/// Yields what a sink has not acknowledged.
#[derive(Debug)]
pub struct Batches {
    journal: Journal,
    signal: Signal,
    mark: Mark,
    open: Option<Open>,
    buffer: Buffer,
    spare: Vec<Vec<u8>>,
    /// The finished file was looked at: the mark is of this journal.
    is_checked: bool,
}

impl Batches {
    pub(super) fn new(journal: Journal, signal: Signal, mark: Mark) -> Self {
        Self {
            journal,
            signal,
            mark,
            open: None,
            buffer: Buffer::default(),
            spare: Vec::new(),
            is_checked: false,
        }
    }

    /// The next lines, at most so many records and bytes; a longer line comes alone. None: nothing more now; there may be
    /// later. After an error all since the last chunk comes again.
    pub fn next(&mut self, most: (usize, usize)) -> io::Result<Option<Chunk>> {
        let before = self.mark.clone();
        let mut taken = Taken::most(most, std::mem::take(&mut self.spare));
        let mut trouble = None;
        let filled = self.fill(&mut taken, &mut trouble);
        self.spare = std::mem::take(&mut taken.spare);
        let kept = self.keep_place();
        // what stands before an error is worth having: the error comes again
        let filled = filled.or_else(|error| match taken.lines.is_empty() {
            true => Err(error),
            false => Ok(()),
        });
        if let Err(error) = filled.and(kept) {
            self.mark = before;
            self.open = None;
            return Err(error);
        }
        if !taken.lines.is_empty() || taken.damaged > 0 || self.mark != before {
            return Ok(Some(Chunk {
                lines: taken.lines,
                mark: self.mark.clone(),
                damaged: taken.damaged,
            }));
        }
        // what cannot be gathered keeps back nothing else
        trouble.map_or(Ok(None), Err)
    }

    /// Takes back the lines of a chunk, to be written over: optional; fresh memory takes most of the time.
    pub fn reuse(&mut self, lines: impl IntoIterator<Item = Vec<u8>>) {
        let (most, longest) = SPARE;
        let room = most.saturating_sub(self.spare.len());
        let short = |line: &Vec<u8>| line.capacity() <= longest;
        self.spare
            .extend(lines.into_iter().filter(short).take(room));
    }

    fn fill(&mut self, taken: &mut Taken, trouble: &mut Option<io::Error>) -> io::Result<()> {
        self.review()?;
        loop {
            if self.open.is_none() {
                *trouble = self.journal.gather(self.signal).err();
                if !self.open_next()? {
                    self.mark.since = None;
                    break;
                }
            }
            let Some(open) = &mut self.open else { break };
            if let Stopped::Full = open.take(&mut self.buffer, &mut self.mark, taken)? {
                return Ok(());
            }
            match open.number {
                Some(number) => {
                    open.name(self.signal)?;
                    self.mark.finish(number, open.identity);
                    self.open = None;
                }
                None => {
                    if !self.is_left_behind(trouble)? {
                        // what comes is new, whatever its clock says
                        self.mark.since = None;
                        break;
                    }
                    // whoever renamed it was the last writer: now it is complete
                    let Some(open) = &mut self.open else { break };
                    if let Stopped::Full = open.take(&mut self.buffer, &mut self.mark, taken)? {
                        return Ok(());
                    }
                    self.keep_place()?;
                    self.open = None;
                }
            }
        }
        Ok(())
    }

    /// True where something comes before the rest of the active file that is open.
    fn is_left_behind(&self, trouble: &mut Option<io::Error>) -> io::Result<bool> {
        match self.journal.gather(self.signal) {
            Ok(0) => {}
            Ok(_) => return Ok(true),
            Err(error) => *trouble = Some(error),
        }
        let Some(open) = &self.open else {
            return Ok(false);
        };
        if !file::still_named(&open.file.metadata()?, &self.active_path()?)? {
            return Ok(true);
        }
        let sealed = list_sealed(&self.folder()?, self.signal)?;
        Ok(sealed
            .iter()
            .any(|(number, _)| *number > self.mark.finished))
    }

    fn folder(&self) -> io::Result<PathBuf> {
        Ok(self.journal.ready()?.join("sealed"))
    }

    fn active_path(&self) -> io::Result<PathBuf> {
        let name = format!("{}.log", self.signal.name());
        Ok(self.journal.ready()?.join(name))
    }

    /// Opens what comes next; false where there is nothing.
    fn open_next(&mut self) -> io::Result<bool> {
        let active = match file::open_read(&self.active_path()?) {
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            other => Some(other?),
        };
        let folder = self.folder()?;
        let mut sealed = list_sealed(&folder, self.signal)?;
        sealed.sort();
        self.check(&sealed)?;
        for (number, name) in sealed {
            if number <= self.mark.finished {
                continue;
            }
            let file = match file::open_read(&folder.join(name)) {
                Err(error) if error.kind() == ErrorKind::NotFound => continue, // retention was faster
                other => other?,
            };
            let mut open = Open::new(file, Some(number));
            open.name(self.signal)?;
            if self.is_older(&open.file)? {
                self.mark.finish(number, open.identity);
                continue;
            }
            return self.begin(open).map(|()| true);
        }
        let Some(active) = active else {
            return Ok(false);
        };
        let mut open = Open::new(active, None);
        open.name(self.signal)?;
        // all other files are finished or gone
        let own = open.identity;
        self.mark
            .partial
            .retain(|place| Some(place.identity) == own);
        self.begin(open).map(|()| true)
    }

    /// Numbers only rise, and the newest file is never removed: else the mark is of another journal.
    fn check(&mut self, sealed: &[(u64, String)]) -> io::Result<()> {
        let finished = self.mark.finished;
        let newest = sealed.last().map_or(0, |(number, _)| *number);
        let mut is_strange = newest < finished;
        if !self.is_checked
            && let Some((_, name)) = sealed.iter().find(|(number, _)| *number == finished)
            && let Ok(file) = file::open_read(&self.folder()?.join(name))
        {
            is_strange = Identity::of(&file, self.signal)? != self.mark.last;
        }
        self.is_checked = true;
        if is_strange {
            self.mark.finished = 0;
            self.mark.last = None;
        }
        Ok(())
    }

    /// True where a sealed file was written to for the last time before what is looked for.
    fn is_older(&self, file: &File) -> io::Result<bool> {
        let Some(since) = self.mark.since else {
            return Ok(false);
        };
        let found = file.metadata()?;
        let seconds = found.mtime().saturating_mul(1_000_000_000);
        Ok(seconds.saturating_add(found.mtime_nsec()) < since)
    }

    fn begin(&mut self, mut open: Open) -> io::Result<()> {
        self.buffer.clear();
        if let Some(identity) = open.identity
            && let Some(place) = self.mark.place(identity, open.number)
            && place.tail.holds(&open.file, place.offset)?
        {
            open.offset = place.offset;
            open.kept = place.offset;
            open.tail = place.tail;
        }
        self.open = Some(open);
        Ok(())
    }

    /// Looks whether the active file is still what it was: it may have been cut or written anew since the last time.
    fn review(&mut self) -> io::Result<()> {
        let Some(open) = self.open.as_mut().filter(|open| open.number.is_none()) else {
            return Ok(());
        };
        let length = open.file.metadata()?.len();
        if length + 1 == open.offset && open.offset == open.kept {
            // only the newline before a record that was taken back
            open.offset = length;
            open.last = open.last.saturating_sub(1).max(1);
            self.buffer.clear();
            return Ok(());
        }
        if length < open.offset || !open.tail.holds(&open.file, open.kept)? {
            let file = open.file.try_clone()?;
            let mut again = Open::new(file, None);
            again.name(self.signal)?;
            self.buffer.clear();
            self.mark.partial.clear();
            self.open = Some(again);
        }
        Ok(())
    }

    /// Says in the mark how far the open file is read.
    fn keep_place(&mut self) -> io::Result<()> {
        let Some(open) = self.open.as_mut().filter(|open| open.kept != open.offset) else {
            return Ok(());
        };
        open.name(self.signal)?;
        open.tail = Tail::before(&open.file, open.offset, open.last)?;
        open.kept = open.offset;
        if let Some(identity) = open.identity {
            self.mark.keep(Place {
                identity,
                number: open.number,
                offset: open.offset,
                tail: open.tail,
            });
        }
        Ok(())
    }
}

/// Where what is there now ends.
pub(super) fn end(journal: &Journal, signal: Signal) -> io::Result<Mark> {
    let mark = Mark {
        since: Some(i64::MAX),
        ..Mark::default()
    };
    let mut batches = Batches::new(journal.copy(), signal, mark);
    while batches.mark.since.is_some() && batches.next((1, 1))?.is_some() {}
    Ok(batches.mark)
}

#[cfg(test)]
mod tests;
