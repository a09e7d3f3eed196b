//! Differences that cannot be mended, each with its reason. One that is gone fails the test, so that the list stays true.

use crate::way::{WRAPPED, Way};

/// A row that differs in these ways.
pub(crate) struct Known {
    pub(crate) row: &'static str,
    pub(crate) ways: &'static [Way],
    pub(crate) reason: &'static str,
}

/// All of them.
pub(crate) const KNOWN: &[Known] = &[
    Known {
        row: "as process 1: death by KILL",
        ways: &WRAPPED,
        reason: "process 1 is obs, so the command is not protected from what it sends itself",
    },
    Known {
        row: "as process 1: death by TERM",
        ways: &WRAPPED,
        reason: "as above",
    },
    Known {
        row: "as process 1: TERM from outside, without a handler",
        ways: &[Way::Nested],
        reason: "an inner wrapper looks like a program that waits for the signal, so it gets what the kernel would drop",
    },
    Known {
        row: "the death signal that the caller chose, as the child sees it",
        ways: &WRAPPED,
        reason: "a wrapper that is killed takes the command along",
    },
];

/// Why this row may differ in this way.
pub(crate) fn reason(row: &str, way: Way) -> Option<&'static str> {
    let known = KNOWN
        .iter()
        .find(|known| known.row == row && known.ways.contains(&way));
    known.map(|known| known.reason)
}
