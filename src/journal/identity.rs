//! What a file is, whatever its name: 128 bits of the SHA-256 of its first whole record of ours. Kept through rotation and
//! by what mends damage. And what stood before an offset, so that a file that was written anew is told from its forerunner.

use super::{Signal, damage};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;

/// How much of the last line is hashed.
const TAIL: u64 = 64 << 10;
/// A line longer than this is no record.
pub(super) const LONGEST: usize = 32 << 20;

/// A file's identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity(u128);

impl Identity {
    /// Of a file; none before it has a record.
    pub(super) fn of(file: &File, signal: Signal) -> io::Result<Option<Self>> {
        let mut offset = 0;
        let mut buffer = vec![0; 8 << 10];
        loop {
            let count = read_some(file, &mut buffer, offset)?;
            let have = buffer.get(..count).unwrap_or_default();
            let mut taken = 0;
            for line in have.split_inclusive(|byte| *byte == b'\n') {
                if !line.ends_with(b"\n") {
                    break;
                }
                if damage::reason(signal, line).is_none() {
                    return Ok(Some(Self::of_line(line)));
                }
                taken += line.len();
            }
            match taken {
                0 if count < buffer.len() => return Ok(None),
                0 if buffer.len() >= LONGEST => taken = count,
                0 => buffer.resize(buffer.len() * 4, 0),
                _ => {}
            }
            offset += taken as u64;
        }
    }

    fn of_line(line: &[u8]) -> Self {
        let mut first = [0; 16];
        first
            .iter_mut()
            .zip(Sha256::digest(line))
            .for_each(|(to, from)| *to = from);
        Self(u128::from_be_bytes(first))
    }
}

impl Serialize for Identity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:032x}", self.0))
    }
}

impl<'de> Deserialize<'de> for Identity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let number = u128::from_str_radix(&text, 16);
        number.map(Self).map_err(D::Error::custom)
    }
}

/// What stands before an offset: the end of the last line that was taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tail {
    #[serde(rename = "n")]
    length: u64,
    #[serde(rename = "h")]
    hash: u64,
}

impl Tail {
    /// Of the line of this length that ends at the offset.
    pub(super) fn before(file: &File, offset: u64, line: u64) -> io::Result<Self> {
        let length = line.min(TAIL).min(offset);
        let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
        file.read_exact_at(&mut bytes, offset - length)?;
        let mut first = [0; 8];
        first
            .iter_mut()
            .zip(Sha256::digest(&bytes))
            .for_each(|(to, from)| *to = from);
        Ok(Self {
            length,
            hash: u64::from_be_bytes(first),
        })
    }

    /// True where the same still stands there.
    pub(super) fn holds(self, file: &File, offset: u64) -> io::Result<bool> {
        if self.length > offset {
            return Ok(false);
        }
        match Self::before(file, offset, self.length) {
            Ok(found) => Ok(found == self),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// One read that no signal cuts short.
pub(super) fn read_some(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    loop {
        match file.read_at(buffer, offset) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::line;
    use super::*;
    use std::fs;

    fn file(bytes: &[u8]) -> (tempfile::TempDir, File) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        fs::write(&path, bytes).unwrap();
        (dir, File::open(path).unwrap())
    }

    fn identity(bytes: &[u8]) -> Option<Identity> {
        Identity::of(&file(bytes).1, Signal::Logs).unwrap()
    }

    #[test]
    fn first_whole_record_is_the_identity() {
        let (one, two) = (line("a"), line("b"));
        let own = identity(&one);
        assert!(own.is_some());
        assert_eq!(own, identity(&[&one[..], &two].concat()));
        assert_ne!(own, identity(&[&two[..], &one].concat()));
        let damaged = [b"{\"torn\":\n   \n", &one[..]].concat();
        assert_eq!(own, identity(&damaged));
        let long = [&vec![b'x'; 100_000][..], b"\n", &one].concat();
        assert_eq!(own, identity(&long));
    }

    #[test]
    fn file_without_a_record_has_none() {
        assert_eq!(identity(b""), None);
        assert_eq!(identity(b"{\"a\":1}\nnoise\n"), None);
        let unfinished = line("a");
        assert_eq!(identity(&unfinished[..unfinished.len() - 1]), None);
    }

    #[test]
    fn changed_last_line_is_seen() {
        let text = b"one\ntwo\n";
        let tail = Tail::before(&file(text).1, 8, 4).unwrap();
        assert!(tail.holds(&file(b"ONE\ntwo\nthree\n").1, 8).unwrap());
        assert!(!tail.holds(&file(b"one\nTwo\n").1, 8).unwrap());
        assert!(!tail.holds(&file(b"one\ntwo").1, 8).unwrap());
        assert!(!tail.holds(&file(text).1, 3).unwrap());
    }

    #[test]
    fn identity_is_kept_as_hex_digits() {
        let text = serde_json::to_string(&Identity(10)).unwrap();
        assert_eq!(text, format!("\"{:0>32}\"", "a"));
        assert_eq!(
            serde_json::from_str::<Identity>(&text).unwrap(),
            Identity(10)
        );
    }
}
