//! A board as a file: a head, one line an entry, one line an event that goes with it, and a check of it all.
//!
//! `obs ledger 1 <stored> <entries> <events>`, then `<key> <stamp> <seen> <state>` a line, then `<event id> <record>` a
//! line, then `end <check>`. A stamp is `size.modified.changed.inode.device`; `-` is none. A state is an entity as JSON,
//! `?` for one that never was readable and `+` for one that never was and came later.

use super::board::{Board, Entry, Key, Stamp, State};
use std::fmt::Write;

const HEAD: &str = "obs ledger 1";

/// An event to append: its id, and its line without the newline.
pub(super) type Pending = (String, String);

/// What a file holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Stored {
    /// When it was stored, in nanoseconds since the epoch.
    pub(super) at: i64,
    pub(super) board: Board,
    pub(super) events: Vec<Pending>,
}

/// The bytes of a file.
pub(super) fn encode(stored: &Stored) -> Vec<u8> {
    let entries = &stored.board.entries;
    let texts = entries.iter().filter_map(|entry| entry.state.text());
    let room = texts.map(|text| text.len() + 192).sum::<usize>();
    let mut text = String::with_capacity(room + 256);
    // writing to memory cannot fail
    let counts = (entries.len(), stored.events.len());
    let _ = writeln!(text, "{HEAD} {} {} {}", stored.at, counts.0, counts.1);
    for entry in entries {
        let _ = write_entry(&mut text, entry);
    }
    for (id, line) in &stored.events {
        let _ = writeln!(text, "{id} {line}");
    }
    let _ = writeln!(text, "end {:016x}", check(text.as_bytes()));
    text.into_bytes()
}

/// Reads a file; none where it is not whole.
pub(super) fn decode(bytes: &[u8]) -> Option<Stored> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (body, end) = text.strip_suffix('\n')?.rsplit_once("\nend ")?;
    let body = text.get(..=body.len())?;
    if end != format!("{:016x}", check(body.as_bytes())) {
        return None;
    }
    let mut lines = body.split_terminator('\n');
    let mut head = lines.next()?.strip_prefix(HEAD)?.split_ascii_whitespace();
    let at = head.next()?.parse().ok()?;
    let count: usize = head.next()?.parse().ok()?;
    let events: usize = head.next()?.parse().ok()?;
    let entries: Option<Vec<Entry>> = lines.by_ref().take(count).map(read_entry).collect();
    let pending: Option<Vec<Pending>> = lines
        .map(|line| {
            let (id, line) = line.split_once(' ')?;
            Some((id.to_owned(), line.to_owned()))
        })
        .collect();
    let (entries, pending) = (entries?, pending?);
    let whole = entries.len() == count && pending.len() == events;
    whole.then(|| Stored {
        at,
        board: Board::of(entries),
        events: pending,
    })
}

fn write_entry(text: &mut String, entry: &Entry) -> std::fmt::Result {
    for byte in entry.key {
        write!(text, "{byte:02x}")?;
    }
    text.push(' ');
    match entry.stamp {
        None => text.push('-'),
        Some(stamp) => write!(
            text,
            "{}.{}.{}.{}.{}",
            stamp.size, stamp.modified, stamp.changed, stamp.inode, stamp.device
        )?,
    }
    text.push(' ');
    match entry.seen.as_slice() {
        [] => text.push('-'),
        [first, rest @ ..] => {
            write!(text, "{first:x}")?;
            rest.iter().try_for_each(|mark| write!(text, ",{mark:x}"))?;
        }
    }
    let state = match &entry.state {
        State::Broken => "?",
        State::Good(state) => state,
        State::Pending => "+",
    };
    writeln!(text, " {state}")
}

fn read_entry(line: &str) -> Option<Entry> {
    let mut parts = line.splitn(4, ' ');
    let (key, stamp) = (parts.next()?, parts.next()?);
    let (seen, state) = (parts.next()?, parts.next()?);
    let seen: Option<Vec<u64>> = match seen {
        "-" => Some(Vec::new()),
        marks => {
            let marks = marks.split(',');
            marks
                .map(|mark| u64::from_str_radix(mark, 16).ok())
                .collect()
        }
    };
    Some(Entry {
        key: read_key(key)?,
        stamp: match stamp {
            "-" => None,
            stamp => Some(read_stamp(stamp)?),
        },
        seen: seen?,
        state: match state {
            "?" => State::Broken,
            "+" => State::Pending,
            state => State::Good(state.into()),
        },
    })
}

fn read_key(text: &str) -> Option<Key> {
    let number = u128::from_str_radix(text, 16).ok()?;
    (text.len() == 32).then(|| number.to_be_bytes())
}

fn read_stamp(text: &str) -> Option<Stamp> {
    let mut parts = text.split('.');
    Some(Stamp {
        size: parts.next()?.parse().ok()?,
        modified: parts.next()?.parse().ok()?,
        changed: parts.next()?.parse().ok()?,
        inode: parts.next()?.parse().ok()?,
        device: parts.next()?.parse().ok()?,
    })
}

/// FNV-1a over words of eight bytes: it has to find what broke, not what somebody forged.
fn check(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let words = words.iter().map(|word| u64::from_le_bytes(*word));
    let rest = rest.iter().map(|byte| u64::from(*byte));
    let start = 0xCBF2_9CE4_8422_2325_u64 ^ bytes.len() as u64;
    words.chain(rest).fold(start, |hash, word| {
        let hash = (hash ^ word).wrapping_mul(0x0100_0000_01B3);
        hash ^ (hash >> 32)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backlog::board::key;

    fn stored() -> Stored {
        let entry = |path: &str, stamp: Option<Stamp>, seen: &[u64], state: State| Entry {
            key: key(path.as_bytes()),
            stamp,
            seen: seen.to_vec(),
            state,
        };
        let stamp = Stamp {
            size: 5,
            modified: -7,
            changed: i64::MAX,
            inode: u64::MAX,
            device: 0,
        };
        let good = State::Good(r#"{"id":"a b","title":"é 🚀"}"#.into());
        Stored {
            at: 1_795_000_000_000_000_000,
            board: Board::of(vec![
                entry("a", Some(stamp), &[1, u64::MAX], good),
                entry("b", None, &[], State::Broken),
                entry("c", None, &[], State::Pending),
            ]),
            events: vec![("evt_1".to_owned(), r#"{"event_id":"evt_1"}"#.to_owned())],
        }
    }

    #[test]
    fn what_was_stored_is_read_again() {
        assert_eq!(decode(&encode(&stored())), Some(stored()));
        let empty = Stored::default();
        assert_eq!(decode(&encode(&empty)), Some(empty));
    }

    #[test]
    fn every_damage_is_noticed() {
        let whole = encode(&stored());
        for end in 0..whole.len() {
            assert_eq!(decode(&whole[..end]), None, "cut at {end}");
        }
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 4;
            assert_eq!(decode(&damaged), None, "byte {at}");
        }
        assert_eq!(decode(&[whole.clone(), whole].concat()), None);
    }
}
