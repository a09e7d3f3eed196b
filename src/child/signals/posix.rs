//! Elsewhere: what POSIX has. Who sent a signal is not told, so what a terminal sends to the group goes to the command
//! twice.

use std::mem::MaybeUninit;
use std::time::Duration;

/// How often signals are looked for while there is a time limit.
const STEP: Duration = Duration::from_millis(5);

/// A set of signals.
#[derive(Clone, Copy)]
pub(in crate::child) struct Set(libc::sigset_t);

/// A signal that came.
#[derive(Clone, Copy)]
pub(in crate::child) struct Received {
    pub(in crate::child) signal: i32,
    /// Always 0: sent by a process, as far as we know.
    pub(in crate::child) code: i32,
    /// Always 0: not known.
    pub(in crate::child) sender: i32,
}

impl Set {
    /// Every signal.
    pub(in crate::child) fn all() -> Self {
        let mut set = MaybeUninit::uninit();
        // SAFETY: sigfillset writes the whole set
        unsafe {
            libc::sigfillset(set.as_mut_ptr());
            Self(set.assume_init())
        }
    }

    /// Every signal but one.
    pub(in crate::child) fn all_but(signal: i32) -> Self {
        let mut set = Self::all();
        // SAFETY: the set is filled
        unsafe { libc::sigdelset(&raw mut set.0, signal) };
        set
    }

    /// Whether a signal is in it.
    pub(in crate::child) fn has(self, signal: i32) -> bool {
        // SAFETY: the set is filled
        unsafe { libc::sigismember(&raw const self.0, signal) == 1 }
    }

    /// True where something of this is not in the other.
    pub(in crate::child) fn exceeds(self, other: impl Fn(i32) -> bool) -> bool {
        (1..=31).any(|signal| self.has(signal) && !other(signal))
    }
}

/// Blocks these signals and no others; the answer is what was blocked before.
pub(super) fn set_mask(set: &Set) -> Set {
    let mut before = MaybeUninit::uninit();
    // SAFETY: the old set is written before it is read
    unsafe {
        libc::sigemptyset(before.as_mut_ptr());
        libc::sigprocmask(libc::SIG_SETMASK, &raw const set.0, before.as_mut_ptr());
        Set(before.assume_init())
    }
}

/// The signals that wait for us.
pub(in crate::child) fn pending() -> Set {
    let mut set = MaybeUninit::uninit();
    // SAFETY: the set is filled before it is read
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigpending(set.as_mut_ptr());
        Set(set.assume_init())
    }
}

/// Waits for the next signal, at most this long. None: the time is up.
pub(in crate::child) fn next(most: Option<Duration>) -> Option<Received> {
    let mut left = most;
    while let Some(time) = left {
        if pending().exceeds(|_| false) {
            break;
        }
        if time.is_zero() {
            return None;
        }
        std::thread::sleep(STEP.min(time));
        left = Some(time.saturating_sub(STEP));
    }
    let set = Set::all();
    let mut signal = 0;
    // SAFETY: set and signal live through the call
    let failed = unsafe { libc::sigwait(&raw const set.0, &raw mut signal) };
    (failed == 0).then_some(Received {
        signal,
        code: 0,
        sender: 0,
    })
}

impl Received {
    /// Sends it on.
    pub(in crate::child) fn send_on(&self, pid: i32) {
        super::send(pid, self.signal);
    }
}
