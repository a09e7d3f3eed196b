//! Which commits have been told: each once, whatever hooks, installations of them and crashes come together.
//!
//! `ledger/commits-<hash of the common folder>` holds ids, one a line, oldest first; when it is full it becomes `….old`.
//! `….pending` is the lock, and between the beginning and the end of a telling it holds `<id> <length>` and the lines.
//! Order: pending, journal, id, pending emptied. So a crash leaves nothing, or a pending that the next hook finishes: it
//! appends only what the journal does not hold. No file is replaced on the way (ext4 would flush it to disk).

use crate::error::Error;
use crate::journal::{Journal, Signal};
use fs2::FileExt;
use sha2::{Digest, Sha256};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// An event: its id and its line.
pub(super) type Line = (String, Vec<u8>);

/// How many ids a file holds; two files are looked at.
const MOST: usize = 512;

/// How long to wait before the lock is tried again.
const PAUSE: Duration = Duration::from_millis(5);

/// The ledger of one repository, locked.
pub(super) struct Told {
    ids: PathBuf,
    pending: File,
}

impl Told {
    /// Opens the ledger of a repository under its lock.
    pub(super) fn open(folder: &Path, common_dir: &Path, patience: Duration) -> io::Result<Self> {
        let real = fs::canonicalize(common_dir)?;
        let hash = Sha256::digest(real.as_os_str().as_bytes());
        let hash: String = hash
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let ids = folder.join(format!("commits-{hash}"));
        let pending = private()
            .read(true)
            .write(true)
            .open(ids.with_extension("pending"))?;
        let mut waited = Duration::ZERO;
        while let Err(error) = FileExt::try_lock_exclusive(&pending) {
            if error.kind() != ErrorKind::WouldBlock || waited >= patience {
                return Err(error);
            }
            thread::sleep(PAUSE);
            waited += PAUSE;
        }
        Ok(Self { ids, pending })
    }

    /// Finishes what a crash left behind.
    pub(super) fn recover(&mut self, journal: &Journal, now: i64) -> io::Result<()> {
        let mut bytes = Vec::new();
        self.pending.read_to_end(&mut bytes)?;
        if let Some((id, lines)) = whole(&bytes) {
            let missing: Vec<Line> = lines
                .into_iter()
                .filter(|(event, _)| !holds(journal, event))
                .collect();
            if !append(journal, &missing, now) {
                return Err(io::Error::other("a commit could not be told again"));
            }
            self.remember(id)?;
        }
        match bytes.is_empty() {
            true => Ok(()),
            false => self.pending.set_len(0),
        }
    }

    /// True where the commit has been told.
    pub(super) fn knows(&self, id: &str) -> bool {
        let files = [self.ids.clone(), self.ids.with_extension("old")];
        files
            .iter()
            .filter_map(|path| fs::read_to_string(path).ok())
            .any(|text| text.lines().any(|line| line == id))
    }

    /// Appends a commit's lines to the journal and remembers it.
    pub(super) fn tell(
        &mut self,
        journal: &Journal,
        id: &str,
        lines: &[Line],
        now: i64,
    ) -> Result<(), Error> {
        let noted = self.note(id, lines);
        if !append(journal, lines, now) {
            return Ok(()); // the journal has said why; what is pending is told by the next hook
        }
        let done = [noted, self.remember(id), self.pending.set_len(0)];
        done.into_iter()
            .collect::<io::Result<()>>()
            .map_err(|cause| Error::failure("could not write the ledger of commits").because(cause))
    }

    fn note(&mut self, id: &str, lines: &[Line]) -> io::Result<()> {
        let body: Vec<u8> = lines.iter().flat_map(|(_, line)| line.clone()).collect();
        let bytes = [format!("{id} {}\n", body.len()).into_bytes(), body].concat();
        self.pending.rewind()?;
        self.pending.write_all(&bytes)
    }

    pub(super) fn remember(&self, id: &str) -> io::Result<()> {
        let line = format!("{id}\n");
        let mut ids = private().append(true).open(&self.ids)?;
        if ids.metadata()?.len() >= (line.len() * MOST) as u64 {
            fs::rename(&self.ids, self.ids.with_extension("old"))?;
            ids = private().append(true).open(&self.ids)?;
        }
        ids.write_all(line.as_bytes())
    }
}

/// Appends lines to the journal; true where each is kept.
pub(super) fn append(journal: &Journal, lines: &[Line], now: i64) -> bool {
    let kept = |(_, line): &Line| journal.append(Signal::Events, line, now).accepted();
    lines.iter().all(kept)
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true).mode(0o600);
    options
}

/// The commit and the lines of a pending telling; none where its writer did not come to the end, and so told nothing.
fn whole(bytes: &[u8]) -> Option<(&str, Vec<Line>)> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let (head, body) = bytes.split_at_checked(end + 1)?;
    let (id, length) = std::str::from_utf8(head).ok()?.trim_end().split_once(' ')?;
    if length.parse() != Ok(body.len()) {
        return None;
    }
    let lines = body
        .split_inclusive(|byte| *byte == b'\n')
        .filter_map(|line| {
            let event = String::from_utf8_lossy(event_id(line)?).into_owned();
            Some((event, line.to_vec()))
        });
    Some((id, lines.collect()))
}

/// The id that an event's line begins with.
fn event_id(line: &[u8]) -> Option<&[u8]> {
    let rest = line.strip_prefix(b"{\"event_id\":\"")?;
    let end = rest.iter().position(|byte| *byte == b'"')?;
    rest.get(..end)
}

/// True where the journal holds an event. Ids begin with their time: no file older than the event is read.
fn holds(journal: &Journal, event: &str) -> bool {
    let mut found = false;
    journal.reader(Signal::Events).newest(|line| {
        let id = event_id(line.bytes)?;
        found |= id == event.as_bytes();
        (id <= event.as_bytes()).then_some(())
    });
    found
}
