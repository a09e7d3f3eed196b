//! What a backlog was found to be: one entry a file, ordered by the file's key, each with its state as one line of text.
//! The text is read again only where it changed, so that thousands of tasks cost little more than their names.

use super::entity::Entity;
use sha2::{Digest, Sha256};
use std::rc::Rc;

/// Earlier states that an entry remembers.
const MOST_SEEN: usize = 8;

/// Names a file by a hash of its path from the backlog folder: a name may hold any byte, and a secret.
pub(super) type Key = [u8; 16];

/// What tells, without reading it, that a file has not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) size: u64,
    pub(super) modified: i64,
    pub(super) changed: i64,
    pub(super) inode: u64,
    pub(super) device: u64,
}

impl Stamp {
    /// When the file was last changed in any way.
    pub(super) fn touched(&self) -> i64 {
        self.modified.max(self.changed)
    }
}

/// What is known of a file's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    /// It was there and unreadable when we first looked: should it be repaired, nothing happened to the task.
    Broken,
    /// The last good state, an [`Entity`] as JSON.
    Good(Rc<str>),
    /// It came later and was never readable: once it is, it is new.
    Pending,
}

impl State {
    /// The state's text, where it ever was good.
    pub(super) fn text(&self) -> Option<&Rc<str>> {
        match self {
            Self::Good(text) => Some(text),
            Self::Broken | Self::Pending => None,
        }
    }

    /// What the text says; none where it never was good.
    pub(super) fn entity(&self) -> Option<Entity> {
        serde_json::from_str(self.text()?).ok()
    }
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) key: Key,
    /// None where the file must be read again whatever it looks like.
    pub(super) stamp: Option<Stamp>,
    /// Hashes of earlier states, the newest last.
    pub(super) seen: Vec<u64>,
    pub(super) state: State,
}

impl Entry {
    /// Whether this is or was the file's state.
    pub(super) fn has_seen(&self, text: &str) -> bool {
        self.state.text().is_some_and(|own| **own == *text) || self.seen.contains(&mark(text))
    }

    /// Remembers the states of the entry that stood here before.
    pub(super) fn follow(&mut self, before: &Self) {
        self.seen.clone_from(&before.seen);
        if let (Some(old), new) = (before.state.text(), self.state.text())
            && new != Some(old)
        {
            self.remember(mark(old));
        }
    }

    /// Remembers a state that was passed over.
    pub(super) fn pass(&mut self, text: &str) {
        self.remember(mark(text));
    }

    fn remember(&mut self, mark: u64) {
        self.seen.retain(|seen| *seen != mark);
        self.seen.push(mark);
        let excess = self.seen.len().saturating_sub(MOST_SEEN);
        self.seen.drain(..excess);
    }
}

/// All files of a backlog, as they were found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Board {
    /// Ordered by key.
    pub(super) entries: Vec<Entry>,
}

impl Board {
    /// A board of these entries; of two with one key the first counts.
    pub(super) fn of(mut entries: Vec<Entry>) -> Self {
        entries.sort_by_key(|entry| entry.key);
        entries.dedup_by_key(|entry| entry.key);
        Self { entries }
    }

    /// How many files it has.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True where it has none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Ids that more than one task or draft in use has.
    pub fn repeated_ids(&self) -> Vec<String> {
        let entities = self.entries.iter().filter_map(|entry| entry.state.entity());
        let used = entities.filter(|entity| {
            matches!(entity.folder.path(), "tasks" | "drafts") && !entity.id.is_empty()
        });
        let mut ids: Vec<String> = used.map(|entity| entity.canonical_id()).collect();
        ids.sort_unstable();
        let twice = ids.windows(2).filter(|pair| pair.first() == pair.last());
        let mut twice: Vec<String> = twice.filter_map(|pair| pair.first().cloned()).collect();
        twice.dedup();
        twice
    }

    /// The entry of a file.
    pub(super) fn entry(&self, key: &Key) -> Option<&Entry> {
        self.entries.get(self.place(key).ok()?)
    }

    /// Puts an entry in, in place of the one with its key.
    pub(super) fn put(&mut self, entry: Entry) {
        match self.place(&entry.key) {
            Ok(at) => {
                if let Some(place) = self.entries.get_mut(at) {
                    *place = entry;
                }
            }
            Err(at) => self.entries.insert(at, entry),
        }
    }

    /// Takes a file's entry out.
    pub(super) fn remove(&mut self, key: &Key) -> Option<Entry> {
        let at = self.place(key).ok()?;
        Some(self.entries.remove(at))
    }

    fn place(&self, key: &Key) -> Result<usize, usize> {
        self.entries.binary_search_by(|entry| entry.key.cmp(key))
    }

    /// True where both have the same files in the same states; stamps make no difference.
    pub(super) fn says_the_same(&self, other: &Self) -> bool {
        let alike = |(one, other): (&Entry, &Entry)| {
            one.key == other.key && one.state == other.state && one.seen == other.seen
        };
        self.len() == other.len() && self.entries.iter().zip(&other.entries).all(alike)
    }

    /// How many files of `stored`, which says the same, are read again until these stamps are stored.
    pub(super) fn fresher_stamps(&self, stored: &Self) -> usize {
        let pairs = self.entries.iter().zip(&stored.entries);
        let fresher = |(own, old): &(&Entry, &Entry)| own.stamp.is_some() && own.stamp != old.stamp;
        pairs.filter(fresher).count()
    }
}

/// What other boards hold: a state among them is no news.
#[derive(Debug, Default)]
pub struct Known {
    boards: Vec<Board>,
    with_history: bool,
}

impl Known {
    /// Knows what these boards hold.
    pub fn of(boards: Vec<Board>) -> Self {
        Self {
            boards,
            with_history: false,
        }
    }

    /// Knows also what they held: history is being replayed.
    #[must_use]
    pub fn with_history(self) -> Self {
        Self {
            with_history: true,
            ..self
        }
    }

    /// Whether it is no news that a file is in this state.
    pub(super) fn has(&self, key: &Key, text: &str) -> bool {
        let mut entries = self.boards.iter().filter_map(|board| board.entry(key));
        entries.any(|entry| {
            let now = entry.state.text().is_some_and(|own| **own == *text);
            now || self.with_history && entry.has_seen(text)
        })
    }

    /// Whether it is no news that there is no such file.
    pub(super) fn lacks(&self, key: &Key) -> bool {
        self.boards.iter().any(|board| board.entry(key).is_none())
    }
}

/// The first half of a SHA-256.
pub(super) fn digest(bytes: &[u8]) -> [u8; 16] {
    let whole = Sha256::digest(bytes);
    whole.first_chunk().copied().unwrap_or_default()
}

/// The key of a path from the backlog folder.
pub(super) fn key(path: &[u8]) -> Key {
    digest(path)
}

fn mark(text: &str) -> u64 {
    let whole = digest(text.as_bytes());
    whole.first_chunk().copied().map_or(0, u64::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str, text: &str) -> Entry {
        Entry {
            key: key(path.as_bytes()),
            stamp: None,
            seen: Vec::new(),
            state: State::Good(text.into()),
        }
    }

    #[test]
    fn entries_are_found_by_key() {
        let mut board = Board::of(vec![entry("b", "1"), entry("a", "2"), entry("b", "3")]);
        assert_eq!(board.len(), 2);
        board.put(entry("c", "4"));
        board.put(entry("a", "5"));
        assert_eq!(board.entry(&key(b"a")), Some(&entry("a", "5")));
        assert_eq!(board.remove(&key(b"c")), Some(entry("c", "4")));
        assert_eq!(board.len(), 2);
    }

    #[test]
    fn earlier_states_are_remembered_for_a_while() {
        let mut now = entry("a", "0");
        for step in 1..20 {
            let mut next = entry("a", &step.to_string());
            next.follow(&now);
            now = next;
        }
        assert!(now.has_seen("19") && now.has_seen("18") && now.has_seen("11"));
        assert!(!now.has_seen("10") && !now.has_seen("20"));
        assert_eq!(now.seen.len(), MOST_SEEN);
    }

    #[test]
    fn other_boards_make_a_state_no_news() {
        let mut later = entry("a", "2");
        later.follow(&entry("a", "1"));
        let boards = vec![Board::of(vec![later]), Board::of(vec![entry("b", "3")])];
        let known = Known::of(boards.clone());
        let key = |path: &str| key(path.as_bytes());
        assert!(known.has(&key("a"), "2") && known.has(&key("b"), "3"));
        assert!(!known.has(&key("a"), "1"));
        assert!(Known::of(boards).with_history().has(&key("a"), "1"));
        assert!(!known.has(&key("a"), "3"));
        assert!(known.lacks(&key("a")) && !Known::default().lacks(&key("a")));
    }
}
