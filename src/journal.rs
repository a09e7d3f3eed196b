//! The journal: files on disk that lose no accepted record and let none damage another. This header is the specification.
//!
//! Files. `<home>/{events,logs,spans,metrics}.log` are active: the only files ever appended to, one record a line.
//! `<home>/sealed/<signal>-<n:08>.jsonl` are immutable. `<home>/spill/<signal>-<ns>-<pid>-<rnd>.jsonl` hold one record
//! that could not be appended in time. `<home>/live/<span_id>.json` are started spans. The second spill place is
//! `$TMPDIR/obs-spill-$UID/<hash of the home>/`. We create folders as 0700 and files as 0600, whatever the umask.
//!
//! Invariants.
//! 1. A record is one line. Bytes are taken only up to a `\n`; what stands before one and is no record is damage, is
//!    skipped and counted, and never hides its neighbours.
//! 2. Only the holder of the exclusive lock on the active file's own inode writes to it, and only while that inode is
//!    still what the path names (checked after the lock: a rotation or an external `mv` may have come between).
//! 3. An append that fails is taken back by truncating to the length found under the lock. If even that fails, or the
//!    writer dies, the next writer sees a last byte that is no `\n` and writes one first (the newline guard).
//! 4. While the lock is held every signal but the synchronous ones is blocked: ^Z and TERM cannot stop or end a holder.
//!    The lock is released before the mask. A SIGXFSZ raised by our own write is consumed in between.
//! 5. Nobody waits for ever: the lock is tried without blocking, with a jittered backoff, up to a deadline (250 ms).
//!    Past it the record is spilled and `.stuck` touched; for 5 s after that nobody waits at all (circuit breaker).
//! 6. A record that cannot be appended goes to spill (temporary name, then rename), then to the second place; if both
//!    fail the caller is told and prints it. It is accepted when it is whole in one of the three.
//! 7. Rotation happens under the lock, at a size: rename without replacing to the last sealed number + 1.
//! 8. Active files are opened with O_NOFOLLOW and O_NONBLOCK, and must be regular files of ours. Readers
//!    never follow a symlink either.
//! 9. Readers take no lock. They open the active file, then list spill, then sealed; a sealed file of an inode already
//!    open is the same file. So a rotation meanwhile neither hides nor doubles a record.
//! 10. `fsync` is for `--durable` only: after the unlock; if it fails the record is written again elsewhere, never
//!     synced again on the old file (Linux forgets the failed pages).
//! 11. A live file changes by lock, inode check, new file, rename; the new file is locked before it gets the name.
//!     Ending adds the final record as a further line of the file it holds (the last whole line counts; a rename over
//!     it would be flushed to disk by ext4), appends that same record, unlinks. Whoever finds a final one appends it.
//! 12. Held files are kept for other rooms: under a lock file of their own that is never removed, replaced whole by
//!     temporary file and rename. Their holder may be stopped or die: whoever comes next finds the old or the new.
//!
//! 13. What a sink remembers is durable before its cursor, that before anything it acknowledges may go. In any doubt all is
//!     read again: a cursor damaged, a file shorter than it was, other or unknown. Who holds `cursors/<sink>.lock` reads.
//! 14. A file is known by its first whole record, whatever its name. Numbers are given under the active file's lock and
//!     only rise; the newest sealed file never goes, others once every live sink has them, or else with a record of it.
//! 15. Spill is gathered in `sealed/`: copied, noted in `spill/gather-<signal>.note` for readers, numbered, removed.
//!
//! An `events.log` that holds no record of ours when `sealed/` is created is not ours: it moves to `legacy/` untouched.

mod append;
mod batches;
mod cursor;
mod damage;
mod file;
mod follow;
mod fsck;
mod gather;
mod held;
mod home;
mod identity;
mod ids;
mod lines;
mod live;
mod outbox;
mod read;
mod retention;
mod search;
mod spill;
mod stamp;
mod survey;
mod tail;
mod trouble;
mod waiting;

pub use append::Kept;
pub use batches::{Batches, Chunk};
pub use cursor::Mark;
pub use follow::Follower;
pub use fsck::{Finding, Report};
pub use held::Held;
pub use live::{Change, LiveSpan, OwnLive, Owner, State};
pub use outbox::{From, Outbox};
pub use read::{Line, Reader};
pub use retention::{Dropped, Limits, Retained};
pub use survey::{Survey, Trouble};
pub use waiting::Waiting;

pub use crate::model::Signal;

use std::cell::Cell;
use std::path::PathBuf;
use std::time::Duration;

/// Where a journal is and who writes to it.
#[derive(Debug, Clone)]
pub struct Place {
    /// `OBS_HOME`; none where there is no place for one.
    pub home: Option<PathBuf>,
    /// Folder for temporary files: the second spill place is inside.
    pub temp: PathBuf,
    /// The effective user.
    pub user: u32,
    /// Our process.
    pub pid: u32,
    /// Random bits for names and jitter.
    pub random: u64,
}

/// A journal, opened for one process. Opening touches nothing.
#[derive(Debug)]
pub struct Journal {
    place: Place,
    lock_timeout: Duration,
    rotate_bytes: u64,
    durable: bool,
    state: Cell<u64>,
}

impl Journal {
    /// A journal with the default deadline and rotation.
    pub fn new(place: Place) -> Self {
        let state = Cell::new(place.random | 1);
        Self {
            place,
            lock_timeout: Duration::from_millis(250),
            rotate_bytes: 16 << 20,
            durable: false,
            state,
        }
    }

    /// Sets how long a lock is waited for.
    #[must_use]
    pub fn lock_timeout(mut self, timeout: Duration) -> Self {
        self.lock_timeout = timeout;
        self
    }

    /// Sets the size at which an active file is sealed.
    #[must_use]
    pub fn rotate_bytes(mut self, bytes: u64) -> Self {
        self.rotate_bytes = bytes;
        self
    }

    /// Waits for the disk after every record.
    #[must_use]
    pub fn durable(mut self, durable: bool) -> Self {
        self.durable = durable;
        self
    }

    /// The same journal for another owner, who may be on another thread.
    fn copy(&self) -> Self {
        Self {
            place: self.place.clone(),
            state: Cell::new(self.random() | 1),
            ..*self
        }
    }

    /// The folder, where there is one.
    pub fn home(&self) -> Option<&PathBuf> {
        self.place.home.as_ref()
    }

    /// The next of a stream of random numbers for names and jitter (xorshift64*).
    fn random(&self) -> u64 {
        let mut state = self.state.get();
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        self.state.set(state);
        state.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }
}

#[cfg(test)]
mod tests;
