//! A process that runs: what it says, its signals, its end. Waits are for a condition, never for a time.

use crate::system;
use std::cell::Cell;
use std::ffi::c_int;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What a wait that was in vain says. A result that holds it counts for nothing.
pub(crate) const TIMEOUT: &str = "TIMED OUT";

/// How long others may hold the streams of a process that has ended.
const GRACE: Duration = Duration::from_secs(3);

/// A process of a test, leader of a session of its own.
pub(crate) struct Live {
    pid: c_int,
    out: Heard,
    err: Option<Heard>,
    terminal: Option<File>,
    ended: Option<String>,
    /// How much of what it said was waited for.
    heard: Cell<usize>,
}

/// How a process ended and what it wrote; on a terminal all stands in `out`.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) ended: String,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// What came out of a descriptor so far.
#[derive(Clone)]
struct Heard {
    bytes: Arc<Mutex<Vec<u8>>>,
    is_over: Arc<AtomicBool>,
    is_unwanted: Arc<AtomicBool>,
}

impl Heard {
    fn new(mut source: impl Read + AsRawFd + Send + 'static) -> Self {
        let heard = Self {
            bytes: Arc::default(),
            is_over: Arc::default(),
            is_unwanted: Arc::default(),
        };
        let own = heard.clone();
        std::thread::spawn(move || {
            let mut block = vec![0; 1 << 16];
            while !own.is_unwanted.load(Ordering::SeqCst) {
                if !system::is_readable(&source) {
                    continue;
                }
                // a terminal that was hung up answers with an error
                let Ok(count @ 1..) = source.read(&mut block) else {
                    break;
                };
                own.bytes.lock().unwrap().extend(&block[..count]);
            }
            drop(source);
            own.is_over.store(true, Ordering::SeqCst);
        });
        heard
    }

    fn text(&self) -> String {
        let bytes = self.bytes.lock().unwrap();
        let text = bytes.utf8_chunks().map(|chunk| {
            let odd = chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}"));
            chunk.valid().to_owned() + &odd.collect::<String>()
        });
        text.collect::<String>().replace('\r', "")
    }
}

impl Live {
    pub(crate) fn piped(mut child: std::process::Child) -> Self {
        Self {
            pid: c_int::try_from(child.id()).unwrap(),
            out: Heard::new(child.stdout.take().unwrap()),
            err: Some(Heard::new(child.stderr.take().unwrap())),
            terminal: None,
            ended: None,
            heard: Cell::default(),
        }
    }

    pub(crate) fn on_terminal(child: &std::process::Child, master: File) -> Self {
        Self {
            pid: c_int::try_from(child.id()).unwrap(),
            out: Heard::new(master.try_clone().unwrap()),
            err: None,
            terminal: Some(master),
            ended: None,
            heard: Cell::default(),
        }
    }

    pub(crate) const fn pid(&self) -> c_int {
        self.pid
    }

    /// All that it wrote to standard output, or to the terminal.
    pub(crate) fn said(&self) -> String {
        self.out.text()
    }

    /// Waits until it has said this behind what was waited for before, and gives the rest of that line.
    pub(crate) fn until(&self, words: &str) -> Option<String> {
        let begin = self.heard.get();
        let mut found = None;
        system::until(|| {
            let said = self.said();
            let behind = said.get(begin..).and_then(|said| said.find(words));
            let line = behind.map(|at| begin + at + words.len());
            let end = line.and_then(|line| said[line..].find('\n').map(|end| line + end));
            found = line.zip(end).map(|(line, end)| said[line..end].to_owned());
            self.heard.set(end.map_or(begin, |end| end + 1));
            found.is_some()
        });
        found
    }

    /// Types on its terminal.
    pub(crate) fn send(&self, keys: &str) {
        let mut terminal = self.terminal.as_ref().unwrap();
        // one that has ended meanwhile shows in the result
        let _ = terminal.write_all(keys.as_bytes());
    }

    /// Takes its terminal away.
    pub(crate) fn hang_up(&mut self) {
        self.terminal = None;
        self.out.is_unwanted.store(true, Ordering::SeqCst);
        system::until(|| self.out.is_over.load(Ordering::SeqCst));
    }

    pub(crate) fn terminal(&self) -> &File {
        self.terminal.as_ref().unwrap()
    }

    /// Sends a signal to this process alone.
    pub(crate) fn signal(&self, signal: c_int) {
        system::kill(self.pid, signal);
    }

    /// Sends a signal to its whole group.
    pub(crate) fn signal_group(&self, signal: c_int) {
        system::kill(-self.pid, signal);
    }

    /// Waits until it is stopped, as its parent sees it.
    pub(crate) fn is_stopped(&self) -> bool {
        let is_stopped = |state: String| state == "stopped";
        system::until(|| system::state(self.pid, libc::WSTOPPED).is_some_and(is_stopped))
    }

    /// Waits for its end.
    pub(crate) fn end(&mut self) -> String {
        if self.ended.is_none() {
            system::until(|| {
                self.ended = system::state(self.pid, 0);
                self.ended.is_some()
            });
        }
        self.ended.clone().unwrap_or_else(|| TIMEOUT.to_owned())
    }

    /// Waits for its end and for all that it had to say; others may still hold its streams.
    pub(crate) fn done(mut self) -> Done {
        let ended = self.end();
        let begin = Instant::now();
        let streams = [Some(&self.out), self.err.as_ref()];
        let is_over = |heard: &&Heard| heard.is_over.load(Ordering::SeqCst);
        while !streams.iter().flatten().all(is_over) && begin.elapsed() < GRACE {
            std::thread::sleep(Duration::from_millis(1));
        }
        Done {
            ended,
            out: self.out.text(),
            err: self.err.as_ref().map(Heard::text).unwrap_or_default(),
        }
    }
}

impl Done {
    /// All of it in one line.
    pub(crate) fn text(&self) -> String {
        let part = |name, text: &str| match text.trim_end() {
            "" => String::new(),
            text => format!(", {name}: {}", text.replace('\n', " / ")),
        };
        let (out, err) = (part("out", &self.out), part("err", &self.err));
        format!("{}{out}{err}", self.ended)
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        for heard in [Some(&self.out), self.err.as_ref()].into_iter().flatten() {
            heard.is_unwanted.store(true, Ordering::SeqCst);
        }
    }
}
