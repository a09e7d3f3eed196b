//! How many lines a commit adds and removes, counted as `git log --numstat -M100%` does: a binary file has none, a file
//! that was only moved changes none, a submodule is one line. Attributes of the repository are not consulted.

use super::changes::{Change, Entry};
use super::effort;
use super::objects::Objects;
use crate::error::Error;
use gix::diff::blob::{Algorithm, Diff, InternedInput, sources::byte_lines};

/// The longest file whose lines are counted.
const LONGEST: u64 = 2 << 20;

/// How much text is compared for one commit.
const MOST: u64 = 16 << 20;

/// How far git looks for a NUL, which makes a file binary.
const LOOK: usize = 8_000;

/// How many steps of comparison are made for one commit: a tenth of a second.
const STEPS: u64 = 30_000_000;

/// What may still be spent on a commit.
pub(super) struct Budget {
    text: u64,
    steps: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            text: MOST,
            steps: STEPS,
        }
    }
}

impl Budget {
    /// Lines added and removed; none where counting them costs too much.
    pub(super) fn count(
        mut self,
        objects: &Objects,
        changes: &[Change],
    ) -> Result<Option<(u64, u64)>, Error> {
        let (mut added, mut removed) = (0, 0);
        for (old, new) in without_moves(changes) {
            let (Some(before), Some(after)) = (self.text(objects, old)?, self.text(objects, new)?)
            else {
                return Ok(None);
            };
            if is_binary(&before) || is_binary(&after) {
                continue;
            }
            let input = InternedInput::new(byte_lines(&before), byte_lines(&after));
            let Some(left) = effort::take(&input, self.steps) else {
                return Ok(None);
            };
            self.steps = left;
            let diff = Diff::compute(Algorithm::Myers, &input);
            added += u64::from(diff.count_additions());
            removed += u64::from(diff.count_removals());
        }
        Ok(Some((added, removed)))
    }

    /// The text of an entry; none where it is too long.
    fn text(&mut self, objects: &Objects, entry: Option<Entry>) -> Result<Option<Vec<u8>>, Error> {
        let Some(entry) = entry else {
            return Ok(Some(Vec::new()));
        };
        if entry.mode.is_commit() {
            return Ok(Some(
                format!("Subproject commit {}\n", entry.id).into_bytes(),
            ));
        }
        let text = objects.blob(entry.id, LONGEST.min(self.text))?;
        self.text -= text.as_ref().map_or(0, |text| text.len() as u64);
        Ok(text)
    }
}

fn is_binary(bytes: &[u8]) -> bool {
    bytes.iter().take(LOOK).any(|byte| *byte == 0)
}

/// The two sides of every change of content. What went from one path to another unchanged is left out.
fn without_moves(changes: &[Change]) -> Vec<(Option<Entry>, Option<Entry>)> {
    let mut gone: Vec<Entry> = changes
        .iter()
        .filter(|change| change.new.is_none())
        .filter_map(|change| change.old)
        .collect();
    let mut pairs = Vec::new();
    for change in changes {
        match (change.old, change.new) {
            (None, Some(new)) => {
                let same = |old: &Entry| old.id == new.id && old.mode.kind() == new.mode.kind();
                match gone.iter().position(same) {
                    Some(at) => drop(gone.swap_remove(at)),
                    None => pairs.push((None, Some(new))),
                }
            }
            (Some(old), Some(new)) if old.id != new.id => pairs.push((Some(old), Some(new))),
            _ => {}
        }
    }
    pairs.extend(gone.into_iter().map(|old| (Some(old), None)));
    pairs
}
