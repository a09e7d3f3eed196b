//! What has been told, each once: `.ids` among held files has an id on every line, oldest first; when it is full it
//! becomes `.old`, which is looked at too.

use super::Held;
use std::io;

const IDS: &str = "ids";
const OLDER: &str = "old";

impl Held<'_> {
    /// True where this id is remembered.
    pub fn knows(&self, id: &str) -> bool {
        let files = [IDS, OLDER].into_iter();
        files.filter_map(|file| self.read(file).ok()?).any(|ids| {
            ids.split(|byte| *byte == b'\n')
                .any(|line| line == id.as_bytes())
        })
    }

    /// Remembers an id, and at least `most` before it, if they are as long.
    pub fn remember(&self, id: &str, most: usize) -> io::Result<()> {
        let line = format!("{id}\n");
        let ids = self.read(IDS)?;
        if ids.is_some_and(|ids| ids.len() >= line.len() * most) {
            self.rename(IDS, OLDER)?;
        }
        self.append(IDS, line.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::fresh;
    use std::time::Duration;

    #[test]
    fn newest_ids_are_remembered() {
        let (_dir, journal) = fresh();
        let held = journal.hold_files("ledger", "x", Duration::ZERO);
        let held = held.unwrap().unwrap();
        assert!(!held.knows("00"));
        for number in 0..7 {
            held.remember(&format!("{number:02}"), 3).unwrap();
        }
        let known = |number: i32| held.knows(&format!("{number:02}"));
        assert!(!known(2), "the oldest are forgotten");
        assert!((3..7).all(known));
        assert!(!held.knows("0") && !held.knows("030"), "whole lines only");
    }
}
