//! Spill: a file of its own for a record that could not be appended; first in the home, then in the second place.

use super::append::Kept;
use super::{Journal, Signal, file, home};
use crate::error::Error;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

impl Journal {
    /// Keeps a line in a spill file, because of `cause`.
    pub(super) fn spill(&self, signal: Signal, line: &[u8], now: i64, cause: io::Error) -> Kept {
        let _mask = file::Mask::all();
        let name = format!(
            "{}-{now:020}-{}-{:08x}",
            signal.name(),
            self.place.pid,
            self.random() >> 32
        );
        let mut last = None;
        for place in self.spill_places() {
            match self.spill_into(&place, &name, line) {
                Ok(()) => return Kept::Spill(cause),
                Err(error) => last = Some(error),
            }
        }
        let error = Error::failure(format!("could not keep a record of {}", signal.name()));
        Kept::Nowhere(match last {
            Some(spill) => error.because(format!("{cause}; spill: {spill}")),
            None => error.because(cause),
        })
    }

    /// The folders that may hold spill files of this home.
    pub(super) fn spill_places(&self) -> Vec<PathBuf> {
        let first = self.place.home.as_ref().map(|home| home.join("spill"));
        first.into_iter().chain([self.second_place()]).collect()
    }

    /// Those of them that nobody else can write to: in a shared place somebody may have made them first.
    pub(super) fn own_spill_places(&self) -> Vec<PathBuf> {
        let places = self.spill_places().into_iter();
        places.filter(|place| self.is_own(place)).collect()
    }

    pub(super) fn is_own(&self, place: &Path) -> bool {
        let root = self.second_root();
        let private = |folder: &Path| is_private(folder, self.place.user);
        !place.starts_with(&root) || private(&root) && private(place)
    }

    fn spill_into(&self, folder: &Path, name: &str, line: &[u8]) -> io::Result<()> {
        self.spill_folder(folder)?;
        let temporary = folder.join(format!(".{name}.tmp"));
        let written = file::create_new(&temporary).and_then(|file| {
            file::write_all(&file, line)?;
            match self.durable {
                true => file.sync_data(),
                false => Ok(()),
            }
        });
        let named =
            written.and_then(|()| fs::rename(&temporary, folder.join(format!("{name}.jsonl"))));
        if named.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        named?;
        match self.durable {
            true => file::sync_folder(folder),
            false => Ok(()),
        }
    }

    /// Makes a folder of the home or of the second place, and refuses one that is not ours alone.
    pub(super) fn spill_folder(&self, folder: &Path) -> io::Result<()> {
        match folder.starts_with(self.second_root()) {
            true => self.private_folder(&self.second_root())?,
            false => drop(self.ready()?),
        }
        self.private_folder(folder)
    }

    /// A folder of ours that nobody else can enter; others may have made one of this name in a shared place.
    fn private_folder(&self, folder: &Path) -> io::Result<()> {
        home::make_folder(folder)?;
        match is_private(folder, self.place.user) {
            true => Ok(()),
            false => Err(io::Error::other(format!(
                "{} is not ours alone",
                folder.display()
            ))),
        }
    }
}

fn is_private(folder: &Path, user: u32) -> bool {
    fs::symlink_metadata(folder)
        .is_ok_and(|found| found.is_dir() && found.uid() == user && found.mode() & 0o077 == 0)
}
