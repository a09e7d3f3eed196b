//! The stamp: when a drain was last started in the background. `drain/stamp` is an empty file; its time is all it says.
//! Hot calls look at it and nothing else, so that a sink costs them one `stat`.

use super::{Journal, file};
use std::fs::{self, FileTimes};
use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

/// No drain is started in the background within this time of the last one.
const EVERY: i64 = 5_000_000_000;

impl Journal {
    /// True where it is time to start a drain; then the stamp says that the caller does.
    pub fn claim_drain(&self, now: i64) -> bool {
        // a clock that was set back must not stop it for ever
        if self
            .drain_claimed()
            .is_some_and(|at| (now - at).abs() < EVERY)
        {
            return false;
        }
        let claimed = || {
            self.folder("drain")?;
            let stamp = file::open_append(&self.stamp(), self.place.user)?;
            let now = Duration::from_nanos(u64::try_from(now).unwrap_or_default());
            stamp.set_times(FileTimes::new().set_modified(UNIX_EPOCH + now))
        };
        claimed().is_ok()
    }

    /// When a drain was last started in the background, in nanoseconds since the epoch.
    pub fn drain_claimed(&self) -> Option<i64> {
        let changed = fs::symlink_metadata(self.stamp()).ok()?.modified().ok()?;
        i64::try_from(changed.duration_since(UNIX_EPOCH).ok()?.as_nanos()).ok()
    }

    fn stamp(&self) -> PathBuf {
        let home = self.place.home.as_deref().unwrap_or_else(|| "".as_ref());
        home.join("drain/stamp")
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::fresh;
    use super::EVERY;

    #[test]
    fn calls_close_together_start_one_drain() {
        let (_dir, journal) = fresh();
        let now = 2_000_000_000_000_000_000;
        assert_eq!(journal.drain_claimed(), None);
        assert!(journal.claim_drain(now));
        assert_eq!(journal.drain_claimed(), Some(now));
        for later in [0, 1, EVERY - 1] {
            assert!(!journal.claim_drain(now + later), "{later}");
        }
        assert_eq!(journal.drain_claimed(), Some(now));
        assert!(journal.claim_drain(now + EVERY));
        // by a clock that was set back
        assert!(journal.claim_drain(now - 1));
        assert_eq!(journal.drain_claimed(), Some(now - 1));
    }
}
