//! The journal's folder: creating it, refusing one that is not ours, and the decision about an older `events.log`.

use super::{Journal, damage, file};
use crate::journal::Signal;
use std::fs::{self, DirBuilder};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// How much of a foreign-looking file is searched for a record of ours.
const LOOK: u64 = 1 << 20;

impl Journal {
    /// The folder, ready to be appended in. One `stat` when it is.
    pub(super) fn ready(&self) -> io::Result<&Path> {
        let home = self
            .place
            .home
            .as_deref()
            .ok_or_else(|| io::Error::other("no home folder: set OBS_HOME"))?;
        match fs::metadata(home.join("sealed")) {
            Ok(sealed) if sealed.uid() != self.place.user => {
                Err(io::Error::other("the folder belongs to another user"))
            }
            Ok(_) => Ok(home),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.create(home)?;
                Ok(home)
            }
            Err(error) => Err(error),
        }
    }

    /// A folder inside, such as `ledger`, ready to be written in.
    pub fn folder(&self, name: &str) -> io::Result<PathBuf> {
        let folder = self.ready()?.join(name);
        make_folder(&folder)?;
        Ok(folder)
    }

    fn create(&self, home: &Path) -> io::Result<()> {
        self.refuse_foreign(home)?;
        make_folder(home)?;
        self.set_legacy_aside(home)?;
        make_folder(&home.join("sealed"))
    }

    /// Root with another user's `HOME` must leave no root-owned files there.
    fn refuse_foreign(&self, home: &Path) -> io::Result<()> {
        let found = home
            .ancestors()
            .find_map(|dir| Some((dir, fs::metadata(dir).ok()?)));
        let Some((dir, found)) = found else {
            return Ok(());
        };
        let foreign = found.uid() != self.place.user;
        if foreign && (dir == home || self.place.user == 0) {
            return Err(io::Error::other("the folder belongs to another user"));
        }
        Ok(())
    }

    /// Moves an `events.log` that holds no record of ours to `legacy/`. Decided once: before `sealed/` exists.
    fn set_legacy_aside(&self, home: &Path) -> io::Result<()> {
        let path = home.join("events.log");
        let Ok(old) = file::open_change(&path, self.place.user) else {
            return Ok(()); // none, or not ours to touch: appending will say so
        };
        let deadline = Instant::now() + self.lock_timeout;
        let Some(held) = file::lock(old, || deadline, || self.random())? else {
            return Err(io::Error::from(ErrorKind::TimedOut));
        };
        let found = held.file.metadata()?;
        let decided = home.join("sealed").exists() || !file::still_named(&found, &path)?;
        if decided || found.len() == 0 || has_record(&held.file)? {
            return Ok(());
        }
        let legacy = home.join("legacy");
        make_folder(&legacy)?;
        let moved = (1..10_000)
            .map(|n| legacy.join(format!("events-{n:04}.log")))
            .find_map(|to| match file::rename_new(&path, &to) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => None,
                other => Some(other),
            });
        moved.unwrap_or_else(|| Err(io::Error::from(ErrorKind::AlreadyExists)))
    }

    /// The second spill place of this home.
    pub(super) fn second_place(&self) -> PathBuf {
        let home = self.place.home.as_deref().unwrap_or(Path::new(""));
        // FNV-1a, 64 bits: std's hasher may change between versions, and the place must be found again
        let hash = home
            .as_os_str()
            .as_encoded_bytes()
            .iter()
            .fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
                (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3)
            });
        self.second_root().join(format!("{hash:016x}"))
    }

    /// The folder of all second places of this user.
    pub(super) fn second_root(&self) -> PathBuf {
        self.place
            .temp
            .join(format!("obs-spill-{}", self.place.user))
    }
}

fn has_record(file: &fs::File) -> io::Result<bool> {
    let mut head = Vec::new();
    file.take(LOOK).read_to_end(&mut head)?;
    let ours = head
        .split_inclusive(|byte| *byte == b'\n')
        .any(|line| damage::reason(Signal::Events, line).is_none() && !damage::is_blank(line));
    Ok(ours)
}

/// Creates a folder, with its parents, as 0700; one that is there stays as it is.
pub(super) fn make_folder(path: &Path) -> io::Result<()> {
    match make_one(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => match path.parent() {
            Some(parent) if parent != path => {
                make_folder(parent)?;
                make_one(path) // not once more: in /proc a folder that is there takes none and says so
            }
            _ => Err(error),
        },
        other => other,
    }
}

fn make_one(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => fs::set_permissions(path, fs::Permissions::from_mode(0o700)),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            match fs::metadata(path)?.is_dir() {
                true => Ok(()),
                false => Err(io::Error::from(ErrorKind::NotADirectory)),
            }
        }
        Err(error) => Err(error),
    }
}
