//! The one alarm clock of a process (setitimer(2), ITIMER_REAL). `execve` leaves it running.

use std::ptr;
use std::time::Duration;

/// Ends this process after so long, whatever hangs then: SIGALRM as it was at the beginning of the world.
pub fn end_after(length: Duration) {
    Alarm::after(length).set();
}

/// A clock's setting.
#[derive(Clone, Copy)]
pub(super) struct Alarm(libc::itimerval);

impl Alarm {
    /// No alarm.
    pub(super) const NEVER: Self = Self(libc::itimerval {
        it_interval: libc::timeval {
            tv_sec: 0,
            tv_usec: 0,
        },
        it_value: libc::timeval {
            tv_sec: 0,
            tv_usec: 0,
        },
    });

    /// One alarm, after this long.
    pub(super) fn after(length: Duration) -> Self {
        let mut alarm = Self::NEVER;
        alarm.0.it_value = libc::timeval {
            tv_sec: i32::try_from(length.as_secs()).unwrap_or(i32::MAX).into(),
            tv_usec: length.subsec_micros() as _,
        };
        alarm
    }

    /// What it is set to now.
    pub(super) fn now() -> Self {
        let mut now = Self::NEVER;
        // SAFETY: the setting lives through the call
        unsafe { libc::getitimer(libc::ITIMER_REAL, &raw mut now.0) };
        now
    }

    /// Sets this process's.
    pub(super) fn set(&self) {
        // SAFETY: the setting lives through the call
        unsafe { libc::setitimer(libc::ITIMER_REAL, &raw const self.0, ptr::null_mut()) };
    }
}
