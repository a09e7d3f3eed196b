//! The last line of HEAD's reflog: which command moved HEAD, and from where.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// How much of the end of the log is read; a line holds one subject.
const TAIL: u64 = 64 << 10;

/// One move of HEAD.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Full id before; zeros before the first commit.
    pub old: String,
    /// Full id after.
    pub new: String,
    /// What moved it, such as `commit (amend)` or `rebase (pick)`.
    pub action: String,
    /// What the action says about itself, mostly a subject.
    pub about: String,
}

/// Reads the last entry of a log.
pub(super) fn last(path: &Path) -> Option<Entry> {
    let mut file = File::open(path).ok()?;
    let found = file.metadata().ok()?;
    if !found.is_file() {
        return None;
    }
    file.seek(SeekFrom::Start(found.len().saturating_sub(TAIL)))
        .ok()?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes).ok()?;
    parse(
        bytes
            .trim_ascii_end()
            .rsplit(|byte| *byte == b'\n')
            .next()?,
    )
}

/// `<old> <new> <name> <email> <time> <zone>\t<action>: <about>`.
fn parse(line: &[u8]) -> Option<Entry> {
    let text = String::from_utf8_lossy(line);
    let (ids, message) = text.split_once('\t').unwrap_or((&text, ""));
    let mut ids = ids.split(' ');
    let hex = |id: &str| matches!(id.len(), 40 | 64) && id.bytes().all(|b| b.is_ascii_hexdigit());
    let (old, new) = (ids.next()?, ids.next()?);
    let (action, about) = message.split_once(": ").unwrap_or((message, ""));
    (hex(old) && hex(new)).then(|| Entry {
        old: old.to_owned(),
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
                entry.old,
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
