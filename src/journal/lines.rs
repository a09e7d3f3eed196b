//! Taking whole lines from one file: buffered, bounded, judged by their look only. What cannot be a record is counted.

use super::cursor::Mark;
use super::identity::{Identity, LONGEST, Tail, read_some};
use super::{Signal, damage};
use crate::model::time;
use std::fs::File;
use std::io;

const BUFFER: usize = 1 << 20;

/// The file that is being read.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) file: File,
    /// The number of a sealed one; the active file has none.
    pub(super) number: Option<u64>,
    pub(super) identity: Option<Identity>,
    /// Behind the last line that was taken.
    pub(super) offset: u64,
    /// Up to here the mark has it.
    pub(super) kept: u64,
    pub(super) tail: Tail,
    /// Length of the last line that was taken.
    pub(super) last: u64,
    /// Inside a line that is too long to be a record.
    is_skipping: bool,
}

/// What was read from the open file behind its offset.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

/// A chunk in the making.
pub(super) struct Taken {
    pub(super) lines: Vec<Vec<u8>>,
    bytes: usize,
    most: (usize, usize),
    pub(super) damaged: u64,
    pub(super) spare: Vec<Vec<u8>>,
}

/// Why no more lines were taken.
pub(super) enum Stopped {
    End,
    Full,
}

impl Open {
    pub(super) fn new(file: File, number: Option<u64>) -> Self {
        Self {
            file,
            number,
            identity: None,
            offset: 0,
            kept: 0,
            tail: Tail::default(),
            last: 0,
            is_skipping: false,
        }
    }

    /// Learns the identity, once there is one.
    pub(super) fn name(&mut self, signal: Signal) -> io::Result<()> {
        if self.identity.is_none() {
            self.identity = Identity::of(&self.file, signal)?;
        }
        Ok(())
    }

    /// Takes lines until there are enough or no more.
    pub(super) fn take(
        &mut self,
        buffer: &mut Buffer,
        mark: &mut Mark,
        taken: &mut Taken,
    ) -> io::Result<Stopped> {
        loop {
            while let Some(line) = buffer.line() {
                let length = line.len();
                if self.is_skipping {
                    self.is_skipping = false;
                } else if !taken.has_room(length) {
                    return Ok(Stopped::Full);
                } else {
                    taken.judge(line, mark);
                }
                self.last = length as u64;
                self.offset += self.last;
                buffer.start += length;
            }
            let rest = buffer.end - buffer.start;
            if rest >= LONGEST {
                taken.damaged += u64::from(!self.is_skipping);
                self.is_skipping = true;
                self.pass(rest, buffer);
            } else if buffer.more(&self.file, self.offset)? == 0 {
                if self.number.is_some() && rest > 0 {
                    taken.damaged += u64::from(!self.is_skipping);
                    self.pass(rest, buffer);
                }
                // an unfinished rest is read again with what follows: its writer may take it back in between
                buffer.clear();
                return Ok(Stopped::End);
            }
        }
    }

    /// Leaves behind what is no line.
    fn pass(&mut self, rest: usize, buffer: &mut Buffer) {
        self.last = rest as u64;
        self.offset += self.last;
        buffer.clear();
    }
}

impl Buffer {
    /// The first whole line.
    fn line(&self) -> Option<&[u8]> {
        let have = self.bytes.get(self.start..self.end)?;
        have.get(..=memchr::memchr(b'\n', have)?)
    }

    /// Reads on behind what is there, which begins at `offset` of the file.
    fn more(&mut self, file: &File, offset: u64) -> io::Result<usize> {
        self.bytes.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        let room = (self.end * 2).clamp(BUFFER, LONGEST);
        if self.bytes.len() != room {
            self.bytes.resize(room.max(self.end), 0);
            self.bytes.shrink_to(room);
        }
        let free = self.bytes.get_mut(self.end..).unwrap_or_default();
        let count = read_some(file, free, offset + self.end as u64)?;
        self.end += count;
        Ok(count)
    }

    pub(super) fn clear(&mut self) {
        self.start = 0;
        self.end = 0;
    }
}

impl Taken {
    /// Nothing yet, and at most so many records and bytes. Lines are written over spare ones as long as there are some:
    /// fresh memory costs more than all the rest.
    pub(super) fn most(most: (usize, usize), spare: Vec<Vec<u8>>) -> Self {
        Self {
            lines: Vec::new(),
            bytes: 0,
            most,
            damaged: 0,
            spare,
        }
    }

    fn has_room(&self, line: usize) -> bool {
        let (records, bytes) = self.most;
        self.lines.is_empty() || self.lines.len() < records && self.bytes + line <= bytes
    }

    fn judge(&mut self, line: &[u8], mark: &mut Mark) {
        if !line.starts_with(b"{\"") || !line.ends_with(b"}\n") {
            self.damaged += u64::from(!damage::is_blank(line));
            return;
        }
        if let Some(since) = mark.since {
            match timestamp(line) {
                Some(time) if time >= since => mark.since = None,
                Some(_) => return,
                None => {
                    self.damaged += 1;
                    return;
                }
            }
        }
        self.bytes += line.len();
        let mut taken = self.spare.pop().unwrap_or_default();
        taken.clear();
        taken.extend_from_slice(line);
        self.lines.push(taken);
    }
}

/// A record's time, by its first key of this name: inside a value it could not stand like that.
fn timestamp(line: &[u8]) -> Option<i64> {
    const KEY: &[u8] = b"\"timestamp\":\"";
    let from = memchr::memmem::find(line, KEY)? + KEY.len();
    let rest = line.get(from..)?;
    let text = rest.get(..memchr::memchr(b'"', rest)?)?;
    time::parse(std::str::from_utf8(text).ok()?)
}
