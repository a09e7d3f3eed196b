//! Which entity of one board is which of the other: by place, else by id, else by what it says under another id.

use super::board::{Board, Entry, Key, State, key};
use super::entity::Entity;
use super::place::{Folder, Kind};
use std::collections::HashMap;

/// One entity before and after; it came where there is no before, and is gone where there is no after.
#[derive(Debug, Clone)]
pub(super) struct Pair {
    pub(super) before: Option<Side>,
    pub(super) after: Option<Side>,
}

/// One side of a pair.
#[derive(Debug, Clone)]
pub(super) struct Side {
    pub(super) key: Key,
    pub(super) entity: Entity,
}

impl Side {
    pub(super) fn of(entry: &Entry) -> Option<Self> {
        Some(Self {
            key: entry.key,
            entity: entry.state.entity()?,
        })
    }

    fn kind(&self) -> Kind {
        self.entity.folder.kind()
    }

    fn order(&self) -> (usize, &str) {
        (self.entity.folder.rank(), &self.entity.path)
    }

    /// Equal ids are one identity only with the same creation time: Backlog.md gives numbers of archived tasks away again.
    fn may_be(&self, other: &Self) -> bool {
        let (one, other) = (&self.entity, &other.entity);
        one.created == other.created || one.created.is_empty() || other.created.is_empty()
    }

    fn says_the_same(&self, other: &Self) -> bool {
        let (one, other) = (&self.entity, &other.entity);
        let said = !one.title.is_empty() || !one.created.is_empty();
        said && (&one.created, &one.title, &one.body) == (&other.created, &other.title, &other.body)
    }
}

/// Pairs everything that differs; what is equal on both sides is in no pair.
pub(super) fn pairs(before: &Board, after: &Board) -> Vec<Pair> {
    let mut matching = Matching::of(before, after);
    matching.part_reused_places();
    matching.part_overwritten();
    matching.pair_moved();
    matching.pair_overwriting(before, after);
    matching.finish()
}

#[derive(Default)]
struct Matching {
    gone: Vec<Side>,
    came: Vec<Side>,
    pairs: Vec<(Side, Side)>,
}

impl Matching {
    /// First by place: both boards are ordered by key.
    fn of(before: &Board, after: &Board) -> Self {
        let mut matching = Self::default();
        let mut olds = before.entries.iter().peekable();
        for new in &after.entries {
            while let Some(old) = olds.next_if(|old| old.key < new.key) {
                matching.gone.extend(Side::of(old));
            }
            match olds.next_if(|old| old.key == new.key) {
                Some(old) => matching.same_place(old, new),
                None => matching.came.extend(Side::of(new)),
            }
        }
        matching.gone.extend(olds.filter_map(Side::of));
        matching
            .gone
            .sort_by(|one, other| one.order().cmp(&other.order()));
        matching
            .came
            .sort_by(|one, other| one.order().cmp(&other.order()));
        matching
    }

    fn same_place(&mut self, old: &Entry, new: &Entry) {
        if old.state == new.state {
            return;
        }
        match (&old.state, Side::of(old), Side::of(new)) {
            (_, Some(old), Some(new)) => self.pairs.push((old, new)),
            (State::Pending, None, Some(new)) => self.came.push(new),
            _ => {} // unreadable now, or repaired
        }
    }

    /// An id given to a new task of the same title takes the place of the old one, which was moved.
    fn part_reused_places(&mut self) {
        let moved = |old: &Side, came: &[Side]| {
            let is_it = |new: &&Side| {
                let same_id = new.entity.canonical_id() == old.entity.canonical_id();
                new.kind() == old.kind() && same_id && new.entity.created == old.entity.created
            };
            came.iter().any(|new| is_it(&new))
        };
        for (old, new) in std::mem::take(&mut self.pairs) {
            match !old.may_be(&new) && moved(&old, &self.came) {
                true => {
                    self.gone.push(old);
                    self.came.push(new);
                }
                false => self.pairs.push((old, new)),
            }
        }
    }

    /// Moving a task replaces an older one of the same name: what stood there did not change into it.
    fn part_overwritten(&mut self) {
        let is_it = |new: &Side, old: &Side| {
            let same_id = new.entity.canonical_id() == old.entity.canonical_id();
            let same_name = new.entity.file_name() == old.entity.file_name();
            new.kind() == old.kind() && same_id && same_name && new.says_the_same(old)
        };
        for (old, new) in std::mem::take(&mut self.pairs) {
            let mover = match takes_moved(new.entity.folder) {
                true => self.gone.iter().position(|gone| is_it(&new, gone)),
                false => None,
            };
            let from = mover.map_or(old, |mover| self.gone.remove(mover));
            self.pairs.push((from, new));
        }
    }

    /// Renamed and moved ones: by id, and by what they say where the id is new (promoted, demoted, renumbered).
    fn pair_moved(&mut self) {
        let mut by_id: HashMap<(Kind, String), Vec<usize>> = HashMap::new();
        for (at, side) in self.came.iter().enumerate() {
            let id = side.entity.canonical_id();
            by_id.entry((side.kind(), id)).or_default().push(at);
        }
        let mut taken = vec![false; self.came.len()];
        let mut still_gone = Vec::new();
        for old in std::mem::take(&mut self.gone) {
            let id = (old.kind(), old.entity.canonical_id());
            let same_id = by_id.get(&id).map_or(&[] as &[usize], Vec::as_slice);
            match self.successor(&old, same_id, &taken) {
                Some(at) => self.take(old, at, &mut taken),
                None => still_gone.push(old),
            }
        }
        for old in still_gone {
            let says_it = |at: &usize| self.came.get(*at).is_some_and(|new| renumbered(&old, new));
            let free = (0..taken.len()).filter(|at| taken.get(*at) == Some(&false));
            match free.into_iter().find(says_it) {
                Some(at) => self.take(old, at, &mut taken),
                None => self.gone.push(old),
            }
        }
        let mut taken = taken.into_iter();
        self.came.retain(|_| taken.next() != Some(true));
    }

    fn take(&mut self, old: Side, at: usize, taken: &mut [bool]) {
        if let (Some(new), Some(flag)) = (self.came.get(at), taken.get_mut(at)) {
            *flag = true;
            self.pairs.push((old, new.clone()));
        }
    }

    /// The best of those with the same id.
    fn successor(&self, old: &Side, same_id: &[usize], taken: &[bool]) -> Option<usize> {
        let free = same_id.iter().filter(|at| taken.get(**at) == Some(&false));
        let rated = free.filter_map(|at| Some((rating(old, self.came.get(*at)?), *at)));
        // of equal ones the first
        let (rating, best) = rated.rev().max_by_key(|(rating, _)| *rating)?;
        let new = self.came.get(best)?;
        let other_title = old.entity.title != new.entity.title;
        if !old.may_be(new) && other_title {
            return None; // the number was given away again
        }
        let other_in_all = other_title && old.entity.body != new.entity.body;
        let lives_on = || self.came.iter().any(|came| renumbered(old, came));
        (!other_in_all || rating.1 || !lives_on()).then_some(best)
    }

    /// Gone, and a file of its name is where moved ones go, and was there before: it was moved over it.
    fn pair_overwriting(&mut self, before: &Board, after: &Board) {
        let mut gone = Vec::new();
        for old in std::mem::take(&mut self.gone) {
            let there = |folder: Folder| {
                let key = key(format!("{}/{}", folder.path(), old.entity.file_name()).as_bytes());
                before.entry(&key)?;
                Side::of(after.entry(&key)?)
            };
            let places = [
                Folder::ArchivedTasks,
                Folder::Completed,
                Folder::ArchivedDrafts,
            ];
            let new = places
                .into_iter()
                .filter(|_| old.kind() == Kind::Task)
                .find_map(there);
            match new {
                Some(new) => self.pairs.push((old, new)),
                None => gone.push(old),
            }
        }
        self.gone = gone;
    }

    fn finish(self) -> Vec<Pair> {
        let moved = self.pairs.into_iter().map(|(old, new)| Pair {
            before: Some(old),
            after: Some(new),
        });
        let gone = self.gone.into_iter().map(|old| Pair {
            before: Some(old),
            after: None,
        });
        let came = self.came.into_iter().map(|new| Pair {
            before: None,
            after: Some(new),
        });
        moved.chain(gone).chain(came).collect()
    }
}

/// How well an entity continues another: the same creation time, the same content, still being worked on.
fn rating(old: &Side, new: &Side) -> (bool, bool, bool) {
    (
        old.entity.created == new.entity.created,
        old.says_the_same(new),
        !new.entity.folder.is_archive(),
    )
}

/// The same task under another id.
fn renumbered(old: &Side, new: &Side) -> bool {
    old.kind() == new.kind()
        && old.entity.canonical_id() != new.entity.canonical_id()
        && old.says_the_same(new)
}

fn takes_moved(folder: Folder) -> bool {
    matches!(
        folder,
        Folder::ArchivedDrafts | Folder::ArchivedTasks | Folder::Completed
    )
}
