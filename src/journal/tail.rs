//! A look at the end of the journal that costs the same however long it is: for what is shown again and again. Bytes are
//! searched by hand: `memchr` asks the processor what it can do, which costs a short process more than it saves.

use super::{Journal, LiveSpan, Signal, file, live, survey};
use crate::model::ids::SpanId;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

impl Journal {
    /// Calls back with the whole lines among the last `most` bytes of the active file, newest first, until one is what
    /// was looked for. Lines may come twice: what is looked for is mostly near the end, and the rest is read after that.
    pub fn newest_lines<T>(
        &self,
        signal: Signal,
        most: u64,
        mut each: impl FnMut(&[u8]) -> Option<T>,
    ) -> Option<T> {
        let path = self.home()?.join(format!("{}.log", signal.name()));
        [most / 8, most].into_iter().find_map(|most| {
            let bytes = end(&path, most).ok()?;
            // what stands behind the last line end is being written
            let whole = bytes.get(..bytes.iter().rposition(|byte| *byte == b'\n')?)?;
            whole.rsplit(|byte| *byte == b'\n').find_map(&mut each)
        })
    }

    /// How many records wait in spill.
    pub fn spilled(&self) -> usize {
        let places = self.own_spill_places();
        places.iter().map(|place| survey::spilled(place)).sum()
    }

    /// A span that was started and has not ended.
    pub fn live_span(&self, id: &SpanId) -> Option<LiveSpan> {
        let found = self.live_paths(id).into_iter();
        let mut read = found.filter_map(|path| live::parse(&file::open_read(&path).ok()?).ok());
        read.next().filter(|live| !live.done)
    }
}

/// The lines that begin among the last `most` bytes of a file.
fn end(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let file = file::open_read(path)?;
    let length = file.metadata()?.len();
    // with the byte before, which may end a line
    let from = length.saturating_sub(most.saturating_add(1));
    let mut bytes = vec![0; usize::try_from(length - from).unwrap_or_default()];
    file.read_exact_at(&mut bytes, from)?;
    if from > 0 {
        let first = bytes.iter().position(|byte| *byte == b'\n');
        bytes.drain(..first.map_or(bytes.len(), |at| at + 1));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::super::Place;
    use super::*;

    fn lines(text: &str, most: u64) -> Vec<String> {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("logs.log"), text).unwrap();
        let journal = Journal::new(Place {
            home: Some(home.path().to_owned()),
            temp: home.path().join("tmp"),
            user: 0,
            pid: 1,
            random: 1,
        });
        let mut lines: Vec<String> = Vec::new();
        let found: Option<()> = journal.newest_lines(Signal::Logs, most, |line| {
            let line = String::from_utf8_lossy(line).into_owned();
            if !lines.contains(&line) {
                lines.push(line);
            }
            None
        });
        assert_eq!((found, journal.spilled()), (None, 0));
        lines
    }

    #[test]
    fn whole_lines_come_newest_first() {
        assert_eq!(lines("one\ntwo\nthr", 100), ["two", "one"]);
        assert_eq!(lines("one\ntwo\nthree\n", 10), ["three", "two"]);
        assert_eq!(lines("one\ntwo\nthree\n", 9), ["three"]);
        assert_eq!(lines("a line longer than that\n", 10), [""; 0]);
        assert_eq!(lines("unfinished", 100), [""; 0]);
        assert_eq!(lines("", 100), [""; 0]);
    }
}
