//! When a sink is tried again. A drain is short-lived, so this stands on disk: `drain/<sink>.retry`, written while the
//! sink's lock is held.

use crate::journal::Held;
use crate::model::Signal;
use crate::settings::SinkSettings;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::time::Duration;

/// The extension of the file.
const EXTENSION: &str = "retry";
/// The first wait, doubled with each attempt.
const FIRST: Duration = Duration::from_secs(1);
/// The longest one.
const LONGEST: Duration = Duration::from_secs(300);
/// The longest one that a receiver may ask for.
const LONGEST_ASKED: Duration = Duration::from_secs(86_400);

/// What is known of failed attempts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Backoff {
    /// How often in a row it failed.
    pub(super) attempts: u32,
    /// When the first of them failed, in nanoseconds since the epoch.
    #[serde(default)]
    since: i64,
    /// Not before this, in nanoseconds since the epoch.
    pub(super) next: i64,
    /// When this was noted: a clock that was set back must not make it wait for ever.
    #[serde(default)]
    at: i64,
    /// The receiver named the time itself.
    pub(super) is_asked: bool,
    /// What happened last.
    pub(super) why: String,
    /// The signals that must wait; none: all of them.
    #[serde(default)]
    pub(super) signals: Vec<String>,
    /// A hash of the settings that it happened with.
    #[serde(default)]
    settings: String,
}

impl Backoff {
    /// What stands on disk; what cannot be read is nothing.
    pub(super) fn load(files: &Held<'_>) -> Self {
        let found = files.read(EXTENSION).ok().flatten().unwrap_or_default();
        serde_json::from_slice(&found).unwrap_or_default()
    }

    /// What counts with these settings: others are tried at once.
    pub(super) fn for_settings(self, settings: &SinkSettings) -> Self {
        let hash = Sha256::digest(format!("{settings:?}"));
        let settings: String = hash
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        match self.settings == settings {
            true => self,
            false => Self {
                settings,
                ..Self::default()
            },
        }
    }

    /// A signal that the other side does not take as things are.
    pub(super) fn hold(&mut self, signal: Signal) {
        if !self.holds(signal) {
            self.signals.push(signal.name().to_owned());
        }
    }

    /// True for such a signal.
    pub(super) fn holds(&self, signal: Signal) -> bool {
        self.signals.iter().any(|name| name == signal.name())
    }

    /// True where it may be tried again.
    pub(super) fn is_due(&self, now: i64) -> bool {
        now >= self.next || now < self.at
    }

    /// Notes a failure and when to try again: when the receiver says, else by the schedule, with jitter.
    pub(super) fn fail(&mut self, now: i64, after: Option<Duration>, wait: Duration, why: &str) {
        if self.attempts == 0 {
            self.since = now;
        }
        self.attempts = self.attempts.saturating_add(1);
        self.is_asked = after.is_some();
        self.at = now;
        let after = after.map(|after| after.min(LONGEST_ASKED));
        let wait = i64::try_from(after.unwrap_or(wait).as_nanos()).unwrap_or(i64::MAX);
        self.next = now.saturating_add(wait);
        why.clone_into(&mut self.why);
    }

    /// True where all of a schedule was tried and its time is over: tries by hand do not shorten it.
    pub(super) fn is_over(&self, now: i64, schedule: &[Duration]) -> bool {
        let whole: Duration = schedule.iter().sum();
        let whole = i64::try_from(whole.as_nanos()).unwrap_or(i64::MAX);
        let tries = usize::try_from(self.attempts).unwrap_or(usize::MAX);
        !schedule.is_empty() && tries >= schedule.len() && now.saturating_sub(self.since) >= whole
    }

    /// Puts it on disk; one without failures needs no file.
    pub(super) fn store(&self, files: &Held<'_>) -> std::io::Result<()> {
        match self.attempts {
            0 => files.remove(EXTENSION),
            _ => files.write(EXTENSION, &serde_json::to_vec(self)?),
        }
    }
}

/// The wait before the next attempt: by the schedule of the sink, else doubled from a second to five minutes; times a random
/// part from a half to one and a half, so that many machines do not come back at once.
pub(super) fn wait(attempts: u32, schedule: &[Duration], random: u64) -> Duration {
    let index = usize::try_from(attempts).unwrap_or(usize::MAX);
    let whole = match schedule.get(index).or(schedule.last()) {
        Some(wait) => *wait,
        None => FIRST.saturating_mul(1 << attempts.min(16)).min(LONGEST),
    };
    let millis = u64::try_from(whole.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(millis / 2 + random % millis.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_five_minutes() {
        let middle = |attempts| wait(attempts, &[], 500_000_000_000);
        assert!(middle(0) >= Duration::from_millis(500) && middle(0) < Duration::from_millis(1500));
        assert!(middle(3) >= Duration::from_secs(4) && middle(3) < Duration::from_secs(12));
        assert!(middle(40) >= Duration::from_secs(150) && middle(40) < Duration::from_secs(450));
    }

    #[test]
    fn schedules_end_with_their_last_wait() {
        let hours = [Duration::ZERO, Duration::from_secs(3600)];
        assert_eq!(wait(0, &hours, 7), Duration::ZERO);
        assert_eq!(wait(1, &hours, 0), Duration::from_secs(1800));
        assert_eq!(wait(9, &hours, 0), Duration::from_secs(1800));
    }

    #[test]
    fn clock_set_back_makes_nobody_wait() {
        let mut backoff = Backoff::default();
        let ever = Duration::from_secs(u64::MAX);
        backoff.fail(1_000, Some(ever), Duration::ZERO, "503");
        assert_eq!(backoff.next, 86_400_000_001_000);
        assert!(!backoff.is_due(2_000) && !backoff.is_due(1_000));
        assert!(backoff.is_due(999) && backoff.is_due(backoff.next));
    }

    #[test]
    fn schedule_ends_by_tries_and_by_time() {
        let schedule = [Duration::from_secs(1), Duration::from_secs(2)];
        let mut backoff = Backoff::default();
        assert!(!backoff.is_over(i64::MAX, &schedule));
        backoff.fail(1_000, None, FIRST, "500");
        assert!(!backoff.is_over(i64::MAX, &schedule));
        backoff.fail(2_000, None, FIRST, "500");
        assert!(!backoff.is_over(3_000_000_999, &schedule));
        assert!(backoff.is_over(3_000_001_000, &schedule));
        assert!(!backoff.is_over(i64::MAX, &[]));
    }

    #[test]
    fn receiver_names_the_time_itself() {
        let mut backoff = Backoff::default();
        backoff.fail(
            1_000,
            Some(Duration::from_secs(7)),
            Duration::from_secs(1),
            "429",
        );
        assert_eq!(
            (backoff.attempts, backoff.next, backoff.is_asked),
            (1, 7_000_001_000, true)
        );
        backoff.fail(1_000, None, Duration::from_secs(1), "refused");
        assert_eq!(
            (backoff.attempts, backoff.next, backoff.is_asked),
            (2, 1_000_001_000, false)
        );
    }
}
