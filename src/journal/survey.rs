//! What is in the home, for those who explain it: sizes and counts, nothing read but our own troubles.

use super::{Journal, file};
use crate::model::time;
use rustix::fs::Access;
use serde_json::Value;
use std::fs;
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// What is in the home.
#[derive(Debug, Default)]
pub struct Survey {
    /// Bytes of all files.
    pub bytes: u64,
    /// Bytes that are free where it stands.
    pub free: u64,
    /// Records in spill files, in both places.
    pub spilled: usize,
    /// Files that were there before us.
    pub legacy: usize,
    /// The lock was waited for in vain a moment ago.
    pub stuck: bool,
    /// Other users can enter it.
    pub open_to_others: bool,
}

/// One of our own troubles.
#[derive(Debug)]
pub struct Trouble {
    /// When, in nanoseconds since the epoch.
    pub timestamp: i64,
    /// One of few words.
    pub what: String,
    /// Free text.
    pub why: String,
}

impl Journal {
    /// What is in the home; none where there is none yet. An error is why no record can be written there.
    pub fn survey(&self) -> io::Result<Option<Survey>> {
        let Some(home) = self.home() else {
            return Ok(None);
        };
        let found = match fs::metadata(home) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return can_be_made(home).map(|()| None);
            }
            other => other?,
        };
        if !found.is_dir() {
            return Err(io::Error::from(ErrorKind::NotADirectory));
        }
        if found.uid() != self.place.user {
            return Err(io::Error::other("the folder belongs to another user"));
        }
        rustix::fs::access(home, Access::WRITE_OK | Access::EXEC_OK)?;
        let count =
            |folder: &Path| fs::read_dir(folder).map_or(0, |entries| entries.flatten().count());
        Ok(Some(Survey {
            bytes: size(home),
            free: fs2::available_space(home)?,
            spilled: self
                .own_spill_places()
                .iter()
                .map(|place| spilled(place))
                .sum(),
            legacy: count(&home.join("legacy")),
            stuck: self.patience(home).is_zero(),
            open_to_others: found.permissions().mode() & 0o077 != 0,
        }))
    }

    /// The second place, and how many records wait there.
    pub fn second(&self) -> (PathBuf, usize) {
        let place = self.second_place();
        let count = if self.is_own(&place) {
            spilled(&place)
        } else {
            0
        };
        (place, count)
    }

    /// Our own troubles, oldest first.
    pub fn troubles(&self) -> Vec<Trouble> {
        let Some(home) = self.home() else {
            return Vec::new();
        };
        let mut text = String::new();
        for name in ["diagnostics.log.1", "diagnostics.log"] {
            if let Ok(mut log) = file::open_read(&home.join(name)) {
                let _ = log.read_to_string(&mut text);
            }
        }
        text.lines().filter_map(trouble).collect()
    }
}

/// Why a folder that is not there cannot be made.
fn can_be_made(folder: &Path) -> io::Result<()> {
    let above = folder.ancestors().skip(1).find(|above| above.exists());
    let above = above.unwrap_or(Path::new("/"));
    rustix::fs::access(above, Access::WRITE_OK | Access::EXEC_OK).map_err(|error| {
        let why = io::Error::from(error);
        io::Error::new(
            why.kind(),
            format!("it cannot be made in {}: {why}", above.display()),
        )
    })
}

fn trouble(line: &str) -> Option<Trouble> {
    let line: Value = serde_json::from_str(line).ok()?;
    let text = |key: &str| line.get(key)?.as_str().map(str::to_owned);
    Some(Trouble {
        timestamp: time::parse(&text("timestamp")?)?,
        what: text("what")?,
        why: text("why")?,
    })
}

/// How many records a spill place holds.
pub(super) fn spilled(place: &Path) -> usize {
    let entries = fs::read_dir(place).into_iter().flatten().flatten();
    entries
        .filter(|entry| {
            Path::new(&entry.file_name())
                .extension()
                .is_some_and(|end| end == "jsonl")
        })
        .count()
}

/// Bytes of a folder's files; links are not followed.
fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| Some((entry.path(), entry.metadata().ok()?)))
        .map(|(path, found)| match found.is_dir() {
            true => size(&path),
            false => found.size(),
        })
        .sum()
}
