//! Which commits have been told: each once, whatever hooks, installations of them and crashes come together.
//!
//! `ledger/commits-<hash of the common folder>.ids` holds ids, one a line, oldest first; when it is full it becomes `.old`.
//! `.lock` is the lock; between the beginning and the end of a telling `.pending` holds `<id> <length> <time>` and the
//! lines. Order: pending, journal, id, pending removed. So a crash leaves nothing, or a pending that the next hook
//! finishes: it appends only what the journal lacks. No file is replaced on the way (ext4 would flush it to disk).

use crate::error::Error;
use crate::journal::{Held, Journal, Kept, Signal};
use sha2::{Digest, Sha256};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

/// An event: its id and its line.
pub(super) type Line = (String, Vec<u8>);

const FOLDER: &str = "ledger";
const PENDING: &str = "pending";

/// How many commits are remembered at least.
const MOST: usize = 512;

/// How far the clocks of two file systems may be apart, in nanoseconds.
const APART: i64 = 60 * 1_000_000_000;

/// The ledger of one repository, locked.
pub(super) struct Told<'a> {
    journal: &'a Journal,
    held: Held<'a>,
}

impl<'a> Told<'a> {
    /// Opens the ledger of a repository under its lock.
    pub(super) fn open(
        journal: &'a Journal,
        common_dir: &Path,
        patience: Duration,
    ) -> Result<Self, Error> {
        let real = fs::canonicalize(common_dir).map_err(broken)?;
        let hash = Sha256::digest(real.as_os_str().as_bytes());
        let hash = hash.iter().take(8).map(|byte| format!("{byte:02x}"));
        let name = format!("commits-{}", hash.collect::<String>());
        let held = journal.hold_files(FOLDER, &name, patience);
        match held.map_err(broken)? {
            Some(held) => Ok(Self { journal, held }),
            None => Err(broken(io::Error::other("other hooks held it all the time"))),
        }
    }

    /// Finishes what a crash left behind.
    pub(super) fn recover(&self, now: i64) -> Result<(), Error> {
        let Some(bytes) = self.held.read(PENDING).map_err(broken)? else {
            return Ok(());
        };
        if let Some(mut begun) = Pending::read(&bytes) {
            let events = begun.lines.iter().map(|(event, _)| event.clone());
            let events: Vec<String> = events.collect();
            let ids = events.iter().map(String::as_str);
            let since = begun.at.saturating_sub(APART);
            let missing = self.journal.unwritten(Signal::Events, since, ids);
            let missing = missing.map_err(broken)?;
            begun
                .lines
                .retain(|(event, _)| missing.contains(event.as_str()));
            append(self.journal, &begun.lines, now)?;
            self.remember(begun.id)?;
        }
        self.held.remove(PENDING).map_err(broken)
    }

    /// True where the commit has been told.
    pub(super) fn knows(&self, id: &str) -> bool {
        self.held.knows(id)
    }

    /// Appends a commit's lines to the journal and remembers it. After an error no other commit may be told: what is
    /// pending would be lost, and the next hook begins with it.
    pub(super) fn tell(&self, id: &str, lines: &[Line], now: i64) -> Result<(), Error> {
        let noted = self.note(id, lines, now);
        append(self.journal, lines, now)?;
        let done = [
            noted,
            self.held.remember(id, MOST),
            self.held.remove(PENDING),
        ];
        done.into_iter().collect::<io::Result<()>>().map_err(broken)
    }

    fn note(&self, id: &str, lines: &[Line], now: i64) -> io::Result<()> {
        let body: Vec<u8> = lines.iter().flat_map(|(_, line)| line.clone()).collect();
        let head = format!("{id} {} {now}\n", body.len());
        self.held.write(PENDING, &[head.as_bytes(), &body].concat())
    }

    /// Adds a commit to those that have been told.
    pub(super) fn remember(&self, id: &str) -> Result<(), Error> {
        self.held.remember(id, MOST).map_err(broken)
    }
}

/// True where the home has ledgers; asking makes none.
pub(super) fn is_begun(journal: &Journal) -> bool {
    let home = journal.home();
    home.is_some_and(|home| home.join(FOLDER).is_dir())
}

fn broken(cause: io::Error) -> Error {
    Error::failure("could not keep the ledger of commits").because(cause)
}

/// Appends lines to the journal; the first that nothing keeps ends it.
pub(super) fn append(journal: &Journal, lines: &[Line], now: i64) -> Result<(), Error> {
    for (_, line) in lines {
        if let Kept::Nowhere(error) = journal.append(Signal::Events, line, now) {
            return Err(error);
        }
    }
    Ok(())
}

/// A telling that was begun.
struct Pending<'p> {
    id: &'p str,
    lines: Vec<Line>,
    /// When it was begun, in nanoseconds since the epoch.
    at: i64,
}

impl<'p> Pending<'p> {
    /// None where its writer did not come to the end, and so told nothing.
    fn read(bytes: &'p [u8]) -> Option<Self> {
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let (head, body) = bytes.split_at_checked(end + 1)?;
        let mut words = std::str::from_utf8(head).ok()?.split_ascii_whitespace();
        let (id, length, at) = (words.next()?, words.next()?, words.next()?);
        if length.parse() != Ok(body.len()) {
            return None;
        }
        let lines = body
            .split_inclusive(|byte| *byte == b'\n')
            .filter_map(|line| Some((event_id(line)?, line.to_vec())));
        Some(Self {
            id,
            lines: lines.collect(),
            at: at.parse().ok()?,
        })
    }
}

/// The id that an event's line begins with.
fn event_id(line: &[u8]) -> Option<String> {
    let rest = line.strip_prefix(b"{\"event_id\":\"")?;
    let end = rest.iter().position(|byte| *byte == b'"')?;
    Some(String::from_utf8_lossy(rest.get(..end)?).into_owned())
}
