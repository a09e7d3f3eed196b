//! The last of what a command wrote, for `--output-tail`: its streams become pipes that are copied on as they come.
//! Only an explicit choice, for a pipe is no terminal.

use super::signals::{self, Received};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;
use std::collections::VecDeque;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

/// Longest text that is kept, whatever the number of lines.
const MOST: usize = 16 * 1024;

/// How often signals are looked for while pipes are waited for.
const STEP: Duration = Duration::from_millis(10);

/// After the command's end a process that it left behind may hold its pipes: it is not waited for longer than this.
const PATIENCE: Duration = Duration::from_millis(50);

/// One stream on its way.
struct Stream {
    from: OwnedFd,
    to: OwnedFd,
    open: bool,
}

/// Copies a command's output on, and keeps the end of it.
pub struct Tail {
    streams: Vec<Stream>,
    writers: Vec<OwnedFd>,
    kept: VecDeque<u8>,
    lines: usize,
}

impl Tail {
    /// Pipes for standard output and error, keeping the last `lines` lines.
    pub fn new(lines: usize) -> std::io::Result<Self> {
        let mut tail = Self {
            streams: Vec::new(),
            writers: Vec::new(),
            kept: VecDeque::new(),
            lines,
        };
        for to in [rustix::stdio::stdout(), rustix::stdio::stderr()] {
            let (from, writer) = std::io::pipe()?;
            let (from, writer) = (OwnedFd::from(from), OwnedFd::from(writer));
            fcntl_setfl(&from, fcntl_getfl(&from)? | OFlags::NONBLOCK)?;
            tail.streams.push(Stream {
                from,
                to: rustix::io::fcntl_dupfd_cloexec(to, 3)?,
                open: true,
            });
            tail.writers.push(writer);
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

    /// Copies what is left after the command's end.
    pub(super) fn drain(&mut self) {
        let until = Instant::now() + PATIENCE;
        while self.streams.iter().any(|stream| stream.open) {
            let copied = self.copy(Duration::from_millis(5));
            if !copied && Instant::now() >= until {
                break;
            }
        }
    }

    /// Waits for output and copies it; false where there was none.
    fn copy(&mut self, most: Duration) -> bool {
        let mut watched: Vec<_> = self
            .streams
            .iter()
            .filter(|stream| stream.open)
            .map(|stream| PollFd::new(&stream.from, PollFlags::IN))
            .collect();
        let limit = Timespec {
            tv_sec: 0,
            tv_nsec: i64::from(most.subsec_nanos()),
        };
        if !matches!(poll(&mut watched, Some(&limit)), Ok(count) if count > 0) {
            return false;
        }
        let mut buffer = [0_u8; 16 * 1024];
        for stream in self.streams.iter_mut().filter(|stream| stream.open) {
            match rustix::io::read(&stream.from, &mut buffer) {
                Ok(0) => stream.open = false,
                Ok(count) => {
                    let bytes = buffer.get(..count).unwrap_or_default();
                    // a reader that went away: closing the pipe gives the command the SIGPIPE that it would have had
                    stream.open = write_all(&stream.to, bytes);
                    keep(&mut self.kept, bytes);
                }
                Err(Errno::AGAIN | Errno::INTR) => {}
                Err(_) => stream.open = false,
            }
        }
        self.close_ended();
        true
    }

    fn close_ended(&mut self) {
        self.streams.retain(|stream| stream.open);
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

fn keep(kept: &mut VecDeque<u8>, bytes: &[u8]) {
    kept.extend(bytes);
    let excess = kept.len().saturating_sub(MOST);
    kept.drain(..excess);
}

fn write_all(to: &OwnedFd, mut bytes: &[u8]) -> bool {
    while !bytes.is_empty() {
        match rustix::io::write(to, bytes) {
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => wait_writable(to),
            Err(_) => return false,
        }
    }
    true
}

/// A descriptor that somebody else made non-blocking.
fn wait_writable(to: &OwnedFd) {
    // SAFETY: the descriptor is open as long as `to`
    let borrowed = unsafe { BorrowedFd::borrow_raw(to.as_raw_fd()) };
    let mut watched = [PollFd::new(&borrowed, PollFlags::OUT)];
    let _ = poll(&mut watched, None);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_lines_are_kept() {
        let mut tail = Tail::new(2).unwrap();
        keep(&mut tail.kept, b"one\ntwo\nthree\xff\n");
        assert_eq!(tail.text(), "two\nthree\u{FFFD}");
        keep(&mut tail.kept, &[b'x'; MOST]);
        assert_eq!(tail.kept.len(), MOST);
    }
}
