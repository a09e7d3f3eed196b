//! Whether records are in the journal already: asked after a crash, by whoever finishes what was begun.

use super::{Journal, Signal, damage};
use std::collections::HashSet;
use std::fs;
use std::io;
use std::time::UNIX_EPOCH;

/// Records begin with their id: further in it is somebody's data.
const HEAD: usize = 96;

impl Journal {
    /// Those of these ids that no whole record has. Files last written before `since`, in nanoseconds since the epoch,
    /// are not read; a file that cannot be read is an error, because the record may be in it.
    pub fn unwritten<'a>(
        &self,
        signal: Signal,
        since: i64,
        ids: impl IntoIterator<Item = &'a str>,
    ) -> io::Result<HashSet<&'a str>> {
        let mut left: HashSet<&str> = ids.into_iter().collect();
        for source in &self.reader(signal).sources {
            let written = fs::symlink_metadata(&source.path).and_then(|found| found.modified());
            let age = written
                .ok()
                .and_then(|at| at.duration_since(UNIX_EPOCH).ok());
            let written = age.and_then(|age| i64::try_from(age.as_nanos()).ok());
            if left.is_empty() || written.is_some_and(|written| written < since) {
                continue;
            }
            source.lines(0, &mut |line, _| {
                let head = line.get(..line.len().min(HEAD)).unwrap_or_default();
                let found = left.iter().find(|id| has_quoted(head, id)).copied();
                if let Some(id) = found.filter(|_| damage::reason(signal, line).is_none()) {
                    left.remove(id);
                }
            })?;
        }
        Ok(left)
    }
}

/// Whether an id stands in the text as a whole JSON string.
fn has_quoted(text: &[u8], id: &str) -> bool {
    memchr::memmem::find_iter(text, id.as_bytes()).any(|at| {
        let before = at.checked_sub(1).and_then(|at| text.get(at));
        before == Some(&b'"') && text.get(at + id.len()) == Some(&b'"')
    })
}
