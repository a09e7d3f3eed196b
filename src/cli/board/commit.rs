//! A look at what a commit, or a step between two trees, changed in a backlog: from its blobs, because the work tree may
//! be ahead of it.

use super::{Board, Found};
use crate::backlog::{self, Board as Files, Committed};
use crate::capture::{self, Telling};
use crate::error::Error;
use crate::model::to_line;
use std::time::Duration;

/// Commits tell their time in seconds: one that is younger than this, in nanoseconds, happens now.
const RECENT: i64 = 5_000_000_000;

/// A file: its path from the backlog folder, and its bytes.
pub(in crate::cli) type Blob = (Vec<u8>, Vec<u8>);

/// A commit, in plain values.
#[derive(Debug, Default)]
pub(in crate::cli) struct Commit<'c> {
    /// Its full id: with it each event has one id, however often it is found.
    pub(in crate::cli) id: &'c str,
    /// When it was made, in nanoseconds since the epoch.
    pub(in crate::cli) time: Option<i64>,
    /// Files of the backlog that it changed or removed, as they were.
    pub(in crate::cli) before: Vec<Blob>,
    /// Files of the backlog that it changed or added, as they are.
    pub(in crate::cli) after: Vec<Blob>,
    /// It replays or merges others: what another ref of the work tree has told is no news.
    pub(in crate::cli) is_replay: bool,
    /// How long to wait for others who look.
    pub(in crate::cli) wait: Duration,
}

impl Board<'_> {
    /// Tells what a commit did that no look has told. `tree` gives every file of the backlog in its parent, none where
    /// there is no parent: where nothing was seen yet, that is what was known.
    pub(in crate::cli) fn commit(
        &self,
        commit: &Commit<'_>,
        tree: &dyn Fn() -> Vec<Blob>,
    ) -> Result<Found, Error> {
        if self.teller.is_disabled() {
            return Ok(Found::Told(Vec::new()));
        }
        let now = self.world.now();
        let place = self.place();
        let Some(ledger) = self.hold(&place, commit.wait, now)? else {
            return Ok(Found::Busy);
        };
        let baseline = match ledger.board() {
            Some(_) => Files::default(),
            None => files(&tree()),
        };
        let (old, new) = (files(&commit.before), files(&commit.after));
        let judged = Committed {
            ledger: ledger.board().unwrap_or(&baseline),
            old: &old,
            new: &new,
            folder: &self.project.folder,
        };
        let (mut difference, board) = judged.judge();
        if commit.is_replay && !difference.is_empty() {
            difference.silence(&board, &ledger.others().known.with_history());
        }
        let changes = difference.changes(&self.terminal());
        let events = changes.iter().map(|change| {
            let time = commit.time.unwrap_or(now);
            let said = to_line(&(commit.id, change.event_type, &change.data));
            self.teller.event(Telling {
                event_type: change.event_type,
                data: change.data.clone(),
                time: commit.time.filter(|time| now - time > RECENT),
                id: Some(capture::event_id(time, &said)),
                ..Telling::default()
            })
        });
        let events: Vec<(String, Vec<u8>)> = events.collect();
        ledger.settle(board, events.clone(), now)?;
        Ok(Found::told(changes, events))
    }
}

fn files(blobs: &[Blob]) -> Files {
    let blobs = blobs.iter();
    backlog::blobs(blobs.map(|(path, bytes)| (path.as_slice(), bytes.as_slice())))
}
