//! The last lines of a reflog: which commands moved HEAD or a branch, and from where.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// How much of the end of the log is read; a line holds one subject.
const TAIL: u64 = 64 << 10;

/// One move of HEAD.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Full id before, zeros before the first commit; none where the log does not reach so far.
    pub old: Option<String>,
    /// Full id after.
    pub new: String,
    /// What moved it, such as `commit (amend)` or `rebase (pick)`.
    pub action: String,
    /// What the action says about itself, mostly a subject.
    pub about: String,
}

/// Reads the newest entries of a log, at most `most`, the newest first.
pub(super) fn newest(path: &Path, most: usize) -> Vec<Entry> {
    let lines = tail(path).unwrap_or_default();
    let lines = lines.trim_ascii_end().rsplit(|byte| *byte == b'\n');
    lines.take(most).map_while(parse).collect()
}

fn tail(path: &Path) -> Option<Vec<u8>> {
    let mut file = File::open(path).ok()?;
    let found = file.metadata().ok()?;
    if !found.is_file() {
        return None;
    }
    file.seek(SeekFrom::Start(found.len().saturating_sub(TAIL)))
        .ok()?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// `<old> <new> <name> <email> <time> <zone>\t<action>: <about>`.
fn parse(line: &[u8]) -> Option<Entry> {
    let old = line.split(|byte| *byte == b' ').next()?;
    entry(old, line.get(old.len() + 1..)?)
}

/// An entry of the id before and of the id after with what follows it, the message behind a tab.
pub(super) fn entry(old: &[u8], rest: &[u8]) -> Option<Entry> {
    let (old, rest) = (String::from_utf8_lossy(old), String::from_utf8_lossy(rest));
    let (who, message) = rest.split_once('\t').unwrap_or((&rest, ""));
    let new = who.split(' ').next()?;
    let (action, about) = message.split_once(": ").unwrap_or((message, ""));
    let hex = |id: &str| matches!(id.len(), 40 | 64) && id.bytes().all(|b| b.is_ascii_hexdigit());
    hex(new).then(|| Entry {
        old: Some(old.into_owned()).filter(|old| hex(old)),
        new: new.to_owned(),
        action: action.to_owned(),
        about: about.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entry_is_read_from_its_line() {
        let (a, b) = ("a".repeat(40), "b".repeat(40));
        let line = format!("{a} {b} A <a@x> 1 +0000\tcommit (amend): fix: it");
        let entry = parse(line.as_bytes()).unwrap();
        assert_eq!(
            (
                entry.old.unwrap(),
                entry.new,
                entry.action.as_str(),
                entry.about.as_str()
            ),
            (a.clone(), b.clone(), "commit (amend)", "fix: it")
        );
        let bare = parse(format!("{a} {b} A <a@x> 1 +0000").as_bytes()).unwrap();
        assert_eq!(bare.action, "");
        assert_eq!(parse(b"torn line"), None);
    }
}
