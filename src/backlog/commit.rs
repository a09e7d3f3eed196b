//! What a commit did to a backlog, of which looks at the disk may have told a part: the hook runs inside the wrapped
//! command, after it, and again for every replayed commit of a rebase. What the ledger has seen is not told again.

use super::board::{Board, Entry};
use super::compare::Difference;
use super::entity::Entity;
use super::pairs::{Pair, Side, pairs};
use super::scan;
use std::path::Path;

/// A commit, or two trees, next to what is known and what lies in the work tree.
#[derive(Debug)]
pub struct Committed<'a> {
    /// The ledger's state.
    pub ledger: &'a Board,
    /// The changed files before.
    pub old: &'a Board,
    /// The changed files after.
    pub new: &'a Board,
    /// The backlog folder of the work tree, which may be ahead.
    pub folder: &'a Path,
}

impl Committed<'_> {
    /// What is to be told, and the ledger's state after it.
    pub fn judge(&self) -> (Difference, Board) {
        let mut board = self.ledger.clone();
        let mut told = Vec::new();
        for pair in pairs(self.old, self.new) {
            let news = match (&pair.before, &pair.after) {
                (before, Some(after)) => self.changed(before.as_ref(), after, &mut board),
                (Some(before), None) => self.deleted(before, &mut board),
                (None, None) => None,
            };
            told.extend(news);
        }
        (Difference { pairs: told }, board)
    }

    fn changed(&self, old: Option<&Side>, new: &Side, board: &mut Board) -> Option<Pair> {
        let committed = self.new.entry(&new.key)?;
        let text = committed.state.text()?;
        let here = board.entry(&new.key);
        if here.is_some_and(|entry| entry.state == committed.state) {
            return None;
        }
        let base = self.base(old, new, board).cloned();
        let before = base.as_ref().and_then(Side::of);
        // from where the ledger stands even an earlier state is news: a task may be opened again
        let moved_on = base.as_ref().is_some_and(|base| !self.is_old(base, old));
        if moved_on && here.is_some_and(|entry| entry.has_seen(text)) {
            return None;
        }
        if let Some(base) = base.as_ref().filter(|_| moved_on)
            && self.lies_in_work_tree(base)
        {
            // the commit is of an earlier state than what was told already
            let mut passed = base.clone();
            passed.pass(text);
            board.put(passed);
            return None;
        }
        let mut entry = Entry {
            stamp: None,
            ..committed.clone()
        };
        if let Some(base) = &base {
            entry.follow(base);
            board.remove(&base.key);
        }
        board.put(entry);
        Some(Pair {
            before: before.or_else(|| old.cloned()),
            after: Some(new.clone()),
        })
    }

    /// What the ledger has of an entity: where it is now, where it was, or wherever it went.
    fn base<'b>(&self, old: Option<&Side>, new: &Side, board: &'b Board) -> Option<&'b Entry> {
        let at = |side: &Side| {
            let entry = board.entry(&side.key);
            entry.filter(|entry| entry.state.text().is_some())
        };
        let side = old.unwrap_or(new);
        at(new)
            .or_else(|| at(side))
            .or_else(|| elsewhere(board, &side.entity))
    }

    fn is_old(&self, base: &Entry, old: Option<&Side>) -> bool {
        let old = old.and_then(|old| self.old.entry(&old.key));
        old.is_some_and(|old| old.state == base.state)
    }

    fn lies_in_work_tree(&self, base: &Entry) -> bool {
        let Some(entity) = base.state.entity() else {
            return false;
        };
        scan::one(self.folder, &entity) == base.state
    }

    fn deleted(&self, old: &Side, board: &mut Board) -> Option<Pair> {
        let base = Side::of(board.entry(&old.key)?)?;
        if self.folder.join(&base.entity.path).exists() {
            return None; // only git forgot it
        }
        board.remove(&old.key);
        Some(Pair {
            before: Some(base),
            after: None,
        })
    }
}

/// The entry of the same identity under another path.
fn elsewhere<'b>(board: &'b Board, entity: &Entity) -> Option<&'b Entry> {
    let id = serde_json::to_string(&entity.id).ok()?;
    let id = format!("\"id\":{id},");
    let alike = |entry: &&Entry| {
        let text = entry.state.text();
        text.is_some_and(|text| memchr::memmem::find(text.as_bytes(), id.as_bytes()).is_some())
    };
    let same = |entry: &&Entry| {
        let found = entry.state.entity();
        found.is_some_and(|found| {
            let same = found.folder.kind() == entity.folder.kind();
            let says_it = found.title == entity.title || found.body == entity.body;
            same && says_it && found.created == entity.created
        })
    };
    board.entries.iter().filter(alike).find(same)
}
