//! Replacing a file of the user's whole: by a new file beside it and a rename, so that nobody ever sees half of it. The
//! new one has the old one's mode and owner; a symbolic link stays, and what it leads to is replaced.

use crate::error::Error;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

/// More links in a row are a circle.
const MOST_LINKS: usize = 40;

/// A file as it was found.
#[derive(Debug)]
pub(super) struct Whole {
    /// What it is known by.
    pub(super) path: PathBuf,
    /// Where that leads to.
    real: PathBuf,
    /// Its bytes; none where there is no such file.
    pub(super) text: Option<Vec<u8>>,
    found: Option<Metadata>,
}

impl Whole {
    /// Reads a file, whether or not it is there.
    pub(super) fn read(path: PathBuf) -> Result<Self, Error> {
        let wrong = |error| failed("read", &path).because(error);
        let real = leads_to(&path).map_err(wrong)?;
        let found = match fs::metadata(&real) {
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            other => Some(other.map_err(wrong)?),
        };
        if found.as_ref().is_some_and(|found| !found.is_file()) {
            return Err(failed("read", &path).because("it is no regular file"));
        }
        let text = found.as_ref().map(|_| fs::read(&real).map_err(wrong));
        Ok(Self {
            text: text.transpose()?,
            path,
            real,
            found,
        })
    }

    /// Puts a new text into its place. `mark` keeps the temporary file's name apart from others.
    pub(super) fn replace(&self, text: &[u8], mark: &str) -> Result<(), Error> {
        self.may_change()?;
        let wrong = |error| failed("write", &self.path).because(error);
        let folder = self.real.parent().unwrap_or(Path::new("/"));
        fs::create_dir_all(folder).map_err(wrong)?;
        let name = self.real.file_name().unwrap_or_default().to_string_lossy();
        let temporary = folder.join(format!(".{name}.obs-{mark}"));
        let written = self.write(&temporary, text).and_then(|()| {
            self.is_as_it_was()?;
            fs::rename(&temporary, &self.real)
        });
        if written.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        written.map_err(wrong)
    }

    /// Takes the file away.
    pub(super) fn remove(&self) -> Result<(), Error> {
        self.may_change()?;
        let removed = self
            .is_as_it_was()
            .and_then(|()| fs::remove_file(&self.real));
        removed.map_err(|error| failed("remove", &self.path).because(error))
    }

    fn write(&self, temporary: &Path, text: &[u8]) -> io::Result<()> {
        // nobody else may read it before it has its mode
        let mode = if self.found.is_some() { 0o600 } else { 0o644 };
        let mut options = OpenOptions::new();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(temporary)?;
        file.write_all(text)?;
        if let Some(found) = &self.found {
            keep_owner(&file, found)?;
            file.set_permissions(fs::Permissions::from_mode(found.mode() & 0o7777))?;
        }
        file.sync_all()
    }

    /// A file that its owner made read-only, or that has further names, is not for us to replace.
    fn may_change(&self) -> Result<(), Error> {
        let Some(found) = &self.found else {
            return Ok(());
        };
        let may = rustix::fs::access(&self.real, rustix::fs::Access::WRITE_OK);
        let why = match (found.mode() & 0o200 == 0 || may.is_err(), found.nlink() > 1) {
            (true, _) => "it is read-only",
            (_, true) => "it has further hard links, which a new file would lose",
            _ => return Ok(()),
        };
        Err(failed("change", &self.path)
            .because(why)
            .hint("`obs init` shows the line: put it there by hand"))
    }

    fn is_as_it_was(&self) -> io::Result<()> {
        let now = match fs::read(&self.real) {
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            other => Some(other?),
        };
        match now == self.text {
            true => Ok(()),
            false => Err(io::Error::other("somebody else changed it just now")),
        }
    }
}

fn keep_owner(file: &File, found: &Metadata) -> io::Result<()> {
    let own = file.metadata()?;
    match (own.uid(), own.gid()) == (found.uid(), found.gid()) {
        true => Ok(()),
        false => fchown(file, Some(found.uid()), Some(found.gid())),
    }
}

/// The end of a chain of symbolic links, which need not be there.
fn leads_to(path: &Path) -> io::Result<PathBuf> {
    let mut real = path.to_owned();
    for _ in 0..MOST_LINKS {
        match fs::read_link(&real) {
            Ok(target) => real = real.parent().unwrap_or(Path::new("/")).join(target),
            Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::NotFound) => {
                return Ok(real);
            }
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("its links go in a circle"))
}

fn failed(what: &str, path: &Path) -> Error {
    Error::failure(format!("could not {what} `{}`", path.display()))
}
