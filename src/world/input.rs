//! Standard input of a caller that may never come to its end: what has not come in time does not come.

use super::World;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use std::io::{self, BufRead, BufReader, IsTerminal, Read};
use std::time::{Duration, Instant};

impl World {
    /// Standard input, buffered; after `length` reading it fails as timed out. Nobody is waited for at a terminal.
    pub fn stdin_within(&self, length: Duration) -> Box<dyn BufRead> {
        if io::stdin().is_terminal() {
            return Box::new(io::empty());
        }
        let until = Instant::now().checked_add(length);
        Box::new(BufReader::new(Patient { until }))
    }
}

/// Standard input until a time.
struct Patient {
    /// None is for ever.
    until: Option<Instant>,
}

impl Read for Patient {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let input = rustix::stdio::stdin();
        loop {
            let left = self.until.map(|until| {
                let left = until.saturating_duration_since(Instant::now());
                super::limit(left)
            });
            let mut watched = [PollFd::new(&input, PollFlags::IN)];
            match poll(&mut watched, left.as_ref()) {
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
                Ok(0) => return Err(io::ErrorKind::TimedOut.into()),
                Ok(_) => break,
            }
        }
        match rustix::io::read(input, buffer) {
            Err(Errno::BADF) => Ok(0), // closed, which is an end too
            other => Ok(other?),
        }
    }
}
