//! The last of what a command wrote, for `--output-tail`: its streams become pipes that are copied on as they come.
//! Only an explicit choice, for a pipe is no terminal. Nothing here waits for a reader: the command does, as it would.

use super::signals::{self, Received};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::{Errno, fcntl_dupfd_cloexec, fcntl_getfd};
use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

/// Longest text that is kept, whatever the number of lines.
const MOST: usize = 16 * 1024;

/// What is written at once: a pipe that poll calls writable takes this much without waiting (pipe(7), PIPE_BUF).
const CHUNK: usize = 4096;

/// How often signals are looked for while pipes are waited for.
const STEP: Duration = Duration::from_millis(10);

/// What a pipe holds at most, and so what may be left in one when the command has ended; more is somebody else's.
const PIPE: usize = 1 << 16;

/// The first descriptor that is not a standard stream.
const FIRST: RawFd = 3;

/// One stream on its way.
struct Stream {
    from: OwnedFd,
    to: OwnedFd,
    /// Read and not written yet.
    waiting: Vec<u8>,
    is_open: bool,
}

/// Copies a command's output on, and keeps the end of it.
pub struct Tail {
    streams: Vec<Stream>,
    writers: Vec<OwnedFd>,
    kept: VecDeque<u8>,
    lines: usize,
}

impl Tail {
    /// Pipes for standard output and error, keeping the last `lines` lines. An error where one of them is closed: a
    /// command that is not to have a stream must not get one.
    pub fn new(lines: usize) -> io::Result<Self> {
        let mut tail = Self {
            streams: Vec::new(),
            writers: Vec::new(),
            kept: VecDeque::new(),
            lines,
        };
        let standard = [rustix::stdio::stdout(), rustix::stdio::stderr()];
        for to in standard {
            fcntl_getfd(to)?;
        }
        for to in standard {
            let (from, writer) = io::pipe()?;
            // above the standard streams, should one of those have been closed
            let from = fcntl_dupfd_cloexec(&from, FIRST)?;
            fcntl_setfl(&from, fcntl_getfl(&from)? | OFlags::NONBLOCK)?;
            tail.streams.push(Stream {
                from,
                to: fcntl_dupfd_cloexec(to, FIRST)?,
                waiting: Vec::new(),
                is_open: true,
            });
            tail.writers.push(fcntl_dupfd_cloexec(&writer, FIRST)?);
        }
        Ok(tail)
    }

    /// What the command gets as standard output and error.
    pub fn writers(&self) -> Option<[RawFd; 2]> {
        match self.writers.as_slice() {
            [out, err] => Some([out.as_raw_fd(), err.as_raw_fd()]),
            _ => None,
        }
    }

    /// Closes our copies of the command's ends; the answer is what must stay open.
    pub fn started(&mut self) -> Vec<RawFd> {
        self.writers.clear();
        let own = self.streams.iter();
        own.flat_map(|stream| [stream.from.as_raw_fd(), stream.to.as_raw_fd()])
            .collect()
    }

    /// Copies until a signal comes or the time is up.
    pub(super) fn pump(&mut self, most: Option<Duration>) -> Option<Received> {
        let until = most.map(|most| Instant::now() + most);
        loop {
            let left = until.map_or(STEP, |until| {
                until.saturating_duration_since(Instant::now())
            });
            self.copy(left.min(STEP));
            if let Some(received) = signals::next(Some(Duration::ZERO)) {
                return Some(received);
            }
            if left.is_zero() {
                return None;
            }
        }
    }

    /// Copies what the command left in its pipes when it ended. A reader that does not read is waited for as the command
    /// would have been, until a signal says otherwise.
    pub(super) fn drain(&mut self) {
        let mut left = PIPE * self.streams.len();
        loop {
            let copied = self.copy(STEP);
            left = left.saturating_sub(copied.unwrap_or_default());
            let is_waiting = self.streams.iter().any(|stream| !stream.waiting.is_empty());
            let is_done = !is_waiting && (copied.is_none() || left == 0);
            if is_done || signals::next(Some(Duration::ZERO)).is_some_and(|one| ends_us(one.signal))
            {
                return;
            }
        }
    }

    /// Waits for something to read or to write, and does it; the answer is how much was read, none where nothing could be
    /// done.
    fn copy(&mut self, most: Duration) -> Option<usize> {
        let mut watched: Vec<_> = self
            .streams
            .iter()
            .filter_map(|stream| match stream.waiting.is_empty() {
                true if !stream.is_open => None,
                true => Some(PollFd::from_borrowed_fd(stream.from.as_fd(), PollFlags::IN)),
                false => Some(PollFd::from_borrowed_fd(stream.to.as_fd(), PollFlags::OUT)),
            })
            .collect();
        let limit = Timespec {
            tv_sec: 0,
            tv_nsec: i64::from(most.subsec_nanos()),
        };
        let ready = poll(&mut watched, Some(&limit));
        if !matches!(ready, Ok(count) if count > 0) {
            return None;
        }
        let mut read = 0;
        for stream in &mut self.streams {
            let bytes = stream.step();
            read += bytes.len();
            self.kept.extend(bytes);
        }
        let excess = self.kept.len().saturating_sub(MOST);
        self.kept.drain(..excess);
        // closing a pipe whose reader went away gives the command the SIGPIPE that it would have had
        self.streams
            .retain(|stream| stream.is_open || !stream.waiting.is_empty());
        Some(read)
    }

    /// The last lines, as text.
    pub fn text(&self) -> String {
        let bytes: Vec<u8> = self.kept.iter().copied().collect();
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.lines().collect();
        let from = lines.len().saturating_sub(self.lines);
        lines.get(from..).unwrap_or_default().join("\n")
    }
}

impl Stream {
    /// Writes what waits, or reads what there is; the answer is what was read.
    fn step(&mut self) -> Vec<u8> {
        if !self.waiting.is_empty() {
            self.write();
            return Vec::new();
        }
        let mut buffer = vec![0_u8; CHUNK];
        match rustix::io::read(&self.from, &mut buffer) {
            Ok(0) => self.is_open = false,
            Ok(count) => {
                buffer.truncate(count);
                self.waiting.clone_from(&buffer);
                self.write();
                return buffer;
            }
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(_) => self.is_open = false,
        }
        Vec::new()
    }

    /// Writes some of what waits, if that does not have to wait itself.
    fn write(&mut self) {
        let mut watched = [PollFd::from_borrowed_fd(self.to.as_fd(), PollFlags::OUT)];
        let now = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        if !matches!(poll(&mut watched, Some(&now)), Ok(count) if count > 0) {
            return;
        }
        let chunk = self.waiting.get(..CHUNK).unwrap_or(&self.waiting);
        match rustix::io::write(&self.to, chunk) {
            Ok(count) => drop(self.waiting.drain(..count)),
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(_) => {
                self.waiting.clear();
                self.is_open = false;
            }
        }
    }
}

/// True for a signal that ends a program which does not catch it, and was sent for that.
fn ends_us(signal: i32) -> bool {
    [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGTERM].contains(&signal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_lines_are_kept() {
        let mut tail = Tail::new(2).unwrap();
        tail.kept.extend(b"one\ntwo\nthree\xff\n");
        assert_eq!(tail.text(), "two\nthree\u{FFFD}");
    }
}
