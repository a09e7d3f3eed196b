//! The folder that an export goes into: a file for each signal, all of them or none. They are written under temporary
//! names and get their own when all are whole; what is there already is never replaced.

use crate::error::Error;
use crate::model::Signal;
use crate::world::World;
use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

/// The folder.
pub(super) struct Folder {
    path: PathBuf,
    extension: &'static str,
    pid: u32,
    /// Temporary names of what is written so far, and the names they are to get.
    begun: Vec<(PathBuf, PathBuf)>,
}

impl Folder {
    /// Makes the folder where it is missing; refuses where one of the files is there.
    pub(super) fn claim(
        path: &Path,
        signals: &[Signal],
        extension: &'static str,
        world: &World,
    ) -> Result<Self, Error> {
        let folder = Self {
            path: path.to_owned(),
            extension,
            pid: world.pid(),
            begun: Vec::new(),
        };
        fs::create_dir_all(path).map_err(|cause| failed(path, cause))?;
        let mut files = signals.iter().map(|signal| folder.place(*signal));
        match files.find(|file| file.symlink_metadata().is_ok()) {
            Some(file) => Err(is_there(&file)),
            None => Ok(folder),
        }
    }

    /// Begins the file of a signal.
    pub(super) fn file(&mut self, signal: Signal) -> Result<BufWriter<File>, Error> {
        let path = self.place(signal);
        let temporary = path.with_extension(format!("{}.tmp", self.pid));
        let file = File::create_new(&temporary).map_err(|cause| failed(&temporary, cause))?;
        self.begun.push((temporary, path));
        Ok(BufWriter::new(file))
    }

    /// Gives the files their names. Where one cannot get it, those that did lose theirs.
    pub(super) fn publish(self) -> Result<(), Error> {
        for (number, (temporary, path)) in self.begun.iter().enumerate() {
            // a link, because a rename would replace what came meanwhile
            if let Err(cause) = fs::hard_link(temporary, path) {
                for (_, published) in self.begun.iter().take(number) {
                    let _ = fs::remove_file(published);
                }
                return Err(match cause.kind() {
                    io::ErrorKind::AlreadyExists => is_there(path),
                    _ => failed(path, cause),
                });
            }
        }
        Ok(())
    }

    fn place(&self, signal: Signal) -> PathBuf {
        self.path
            .join(format!("{}.{}", signal.name(), self.extension))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        for (temporary, _) in &self.begun {
            let _ = fs::remove_file(temporary);
        }
    }
}

fn is_there(path: &Path) -> Error {
    Error::usage(format!("`{}` is there already", path.display()))
        .hint("name another folder, or remove it")
}

fn failed(path: &Path, cause: io::Error) -> Error {
    Error::failure(format!("could not write `{}`", path.display())).because(cause)
}
