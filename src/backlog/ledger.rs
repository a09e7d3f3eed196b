//! The last seen state of a backlog on a ref, and how it moves so that each event is told once: under the lock the new
//! state and its events are written as one file, `next`; then the events are appended; then `next` becomes the state.
//! Whoever finds a `next` appends those of its events that are not in the journal yet, and goes on from there.

use super::board::{Board, Known, digest};
use super::stored::{self, Pending, Stored};
use crate::error::Error;
use crate::journal::{Held, Journal, Kept, Signal};
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

const FOLDER: &str = "ledger";
/// The file of the state.
const STATE: &str = "board";
/// The file of a state that is not settled.
const NEXT: &str = "next";
/// How many refs of a work tree are asked what they know.
const MOST_REFS: usize = 8;
/// Stamps that are not stored for themselves: reading so many files again costs less.
const FEW: usize = 32;
/// How far the clocks of two file systems may be apart, in nanoseconds.
const APART: i64 = 60 * 1_000_000_000;

/// Names a ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The work tree and the backlog folder in it.
    place: String,
    /// The ref.
    reference: String,
}

impl Key {
    /// The ledger of a backlog folder in a work tree on a ref: its full name, `HEAD` where none is checked out, `-`
    /// outside of git. Paths are real ones.
    pub fn of(work_tree: &Path, folder: &Path, reference: &OsStr) -> Self {
        let (tree, folder) = (work_tree.as_os_str(), folder.as_os_str());
        let place = [tree.as_bytes(), folder.as_bytes()].join(&0);
        Self {
            place: hex(&digest(&place)),
            reference: hex(&digest(reference.as_bytes())),
        }
    }

    fn name(&self) -> String {
        format!("{}-{}", self.place, self.reference)
    }
}

/// A ledger under its lock.
#[derive(Debug)]
pub struct Ledger<'a> {
    journal: &'a Journal,
    held: Held<'a>,
    key: Key,
    stored: Option<Stored>,
    /// How many fresher stamps are not stored for themselves.
    spared: usize,
}

impl<'a> Ledger<'a> {
    /// Takes a ledger's lock and finishes what a crash left undone. None: others held it all the time.
    pub fn hold(
        journal: &'a Journal,
        key: &Key,
        wait: Duration,
        now: i64,
    ) -> Result<Option<Self>, Error> {
        let Some(held) = journal
            .hold_files(FOLDER, &key.name(), wait)
            .map_err(broken)?
        else {
            return Ok(None);
        };
        let mut ledger = Self {
            journal,
            held,
            key: key.clone(),
            stored: None,
            spared: FEW,
        };
        ledger.recover(now)?;
        ledger.stored = ledger.read(STATE, now)?;
        Ok(Some(ledger))
    }

    /// The last seen state; none where nothing was seen yet.
    pub fn board(&self) -> Option<&Board> {
        self.stored.as_ref().map(|stored| &stored.board)
    }

    /// What the last seen states of other refs of this work tree hold. Their states are no news here where this ledger
    /// is the older one: the work tree has been there since.
    pub fn others(&self) -> Others {
        let beginning = format!("{}-", self.key.place);
        let files = self.held.others(&beginning, STATE, MOST_REFS);
        let found: Vec<Stored> = files
            .iter()
            .filter_map(|file| stored::decode(file))
            .collect();
        let own = self.stored.as_ref().map_or(0, |stored| stored.at);
        Others {
            newer: found.iter().any(|other| other.at > own),
            known: Known::of(found.into_iter().map(|other| other.board).collect()),
        }
    }

    /// From now on every stamp is stored: what was noted of a file must not be found again at the next look.
    pub fn spare_nothing(&mut self) {
        self.spared = 0;
    }

    /// Moves to a new state and tells what happened, once. After an error the next holder goes on where this one
    /// stopped: with the old state, or with the new one and the events that are not told yet. `events` are ids and lines.
    pub fn settle(
        self,
        board: Board,
        events: Vec<(String, Vec<u8>)>,
        now: i64,
    ) -> Result<(), Error> {
        let same = self.board().is_some_and(|old| {
            old.says_the_same(&board) && board.fresher_stamps(old) <= self.spared
        });
        if same && events.is_empty() {
            return Ok(());
        }
        let file = if events.is_empty() { STATE } else { NEXT };
        let stored = Stored {
            at: now,
            board,
            events: events.into_iter().map(pending).collect(),
        };
        self.held
            .write(file, &stored::encode(&stored))
            .map_err(broken)?;
        if stored.events.is_empty() {
            return Ok(());
        }
        self.tell(stored.events.iter().map(|(_, line)| line), now)?;
        self.held.rename(NEXT, STATE).map_err(broken)
    }

    /// Appends lines; the first that nothing keeps ends it.
    fn tell<'l>(&self, lines: impl Iterator<Item = &'l String>, now: i64) -> Result<(), Error> {
        for line in lines {
            let line = format!("{line}\n");
            let kept = self.journal.append(Signal::Events, line.as_bytes(), now);
            if let Kept::Nowhere(error) = kept {
                return Err(error);
            }
        }
        Ok(())
    }

    fn recover(&self, now: i64) -> Result<(), Error> {
        let Some(begun) = self.read(NEXT, now)? else {
            return Ok(());
        };
        let ids = begun.events.iter().map(|(id, _)| id.as_str());
        let untold = self
            .journal
            .unwritten(Signal::Events, begun.at - APART, ids)
            .map_err(broken)?;
        let untold = begun
            .events
            .iter()
            .filter(|(id, _)| untold.contains(id.as_str()));
        self.tell(untold.map(|(_, line)| line), now)?;
        self.held.rename(NEXT, STATE).map_err(broken)
    }

    /// A file of the ledger. A damaged one goes: what it held is seen anew, silently.
    fn read(&self, file: &str, now: i64) -> Result<Option<Stored>, Error> {
        let Some(bytes) = self.held.read(file).map_err(broken)? else {
            return Ok(None);
        };
        let stored = stored::decode(&bytes);
        if stored.is_none() {
            let name = self.key.name();
            let why = format!("{FOLDER}/{name}.{file} is damaged; the backlog is looked at anew");
            self.journal.trouble(now, "ledger", &why);
            self.held.remove(file).map_err(broken)?;
        }
        Ok(stored)
    }
}

/// What other refs of a work tree know.
#[derive(Debug)]
pub struct Others {
    /// Their last seen states.
    pub known: Known,
    /// True where one of them was looked at later than this one.
    pub newer: bool,
}

fn pending((id, line): (String, Vec<u8>)) -> Pending {
    let line = String::from_utf8_lossy(&line);
    (id, line.trim_end_matches('\n').to_owned())
}

fn broken(error: io::Error) -> Error {
    Error::failure("could not keep the backlog's ledger").because(error)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
