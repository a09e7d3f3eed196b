//! What `obs init` put in beside the line: hooks and shims. A file in the home remembers them for the way back: entries of a
//! word and a name, each ended by NUL, as names hold anything else. What was there before is not ours to take out.

use crate::error::Error;
use std::ffi::{OsStr, OsString};
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The file in the home.
const FILE: &str = "init";
const HOOKS: &[u8] = b"hooks ";
const SHIM: &[u8] = b"shim ";

/// Hooks and shims that are to go.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Made {
    /// Folders with hooks of ours.
    pub(super) hooks: Vec<PathBuf>,
    /// Names of tools.
    pub(super) shims: Vec<OsString>,
}

impl Made {
    /// What the home remembers.
    pub(super) fn of(home: &Path) -> Result<Self, Error> {
        match fs::read(home.join(FILE)) {
            Ok(bytes) => Ok(Self::parse(&bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(failed("read", home, &error)),
        }
    }

    fn parse(bytes: &[u8]) -> Self {
        let mut made = Self::default();
        for entry in bytes.split(|byte| *byte == 0) {
            let name = |name: &[u8]| OsString::from_vec(name.to_vec());
            if let Some(folder) = entry.strip_prefix(HOOKS).map(name).map(PathBuf::from) {
                if !made.hooks.contains(&folder) {
                    made.hooks.push(folder);
                }
            } else if let Some(tool) = entry.strip_prefix(SHIM).map(name)
                && !made.shims.contains(&tool)
            {
                made.shims.push(tool);
            }
        }
        made
    }

    /// True where there is nothing to take out.
    pub(super) fn is_empty(&self) -> bool {
        self.hooks.is_empty() && self.shims.is_empty()
    }

    /// Remembers these, too.
    pub(super) fn remember(&self, home: &Path) -> Result<(), Error> {
        let entry = |word: &[u8], name: &OsStr| [word, name.as_bytes(), b"\0"].concat();
        let hooks = self.hooks.iter().map(|path| entry(HOOKS, path.as_os_str()));
        let shims = self.shims.iter().map(|tool| entry(SHIM, tool));
        let bytes: Vec<u8> = hooks.chain(shims).flatten().collect();
        if bytes.is_empty() {
            return Ok(());
        }
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(home.join(FILE));
        let written = file.and_then(|mut file| file.write_all(&bytes));
        written.map_err(|error| failed("write", home, &error))
    }

    /// Forgets all, once they are gone.
    pub(super) fn forget(home: &Path) -> Result<(), Error> {
        match fs::remove_file(home.join(FILE)) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(failed("remove", home, &error))
            }
            _ => Ok(()),
        }
    }
}

fn failed(what: &str, home: &Path, error: &io::Error) -> Error {
    let path = home.join(FILE);
    Error::failure(format!("could not {what} `{}`", path.display())).because(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_names_are_remembered_once() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Made::of(dir.path()).unwrap(), Made::default());
        let made = Made {
            hooks: vec![PathBuf::from(OsString::from_vec(
                b"/a b\n\xff/hooks".to_vec(),
            ))],
            shims: vec![OsString::from("x\ny"), OsString::from("hooks z")],
        };
        made.remember(dir.path()).unwrap();
        made.remember(dir.path()).unwrap();
        assert_eq!(Made::of(dir.path()).unwrap(), made);
        Made::forget(dir.path()).unwrap();
        Made::forget(dir.path()).unwrap();
        assert!(Made::of(dir.path()).unwrap().is_empty());
    }
}
