//! Signals as values: blocking all, waiting for the next, who sent it, sending it on.

#[cfg(target_os = "linux")]
#[path = "signals/linux.rs"]
mod system;
#[cfg(not(target_os = "linux"))]
#[path = "signals/posix.rs"]
mod system;

use std::io;
use std::mem::MaybeUninit;

pub(super) use system::{Received, Set, next, pending};

/// What the caller gave us: the blocked signals, and whether children are ignored.
pub(super) struct Inherited {
    mask: Set,
    ignores_children: bool,
}

/// Blocks every signal; the answer is what the caller had.
pub(super) fn block_all() -> Inherited {
    // SAFETY: setting a disposition to default has no preconditions
    let before = unsafe { libc::signal(libc::SIGCHLD, libc::SIG_DFL) };
    Inherited {
        mask: system::set_mask(&Set::all()),
        ignores_children: before == libc::SIG_IGN,
    }
}

impl Inherited {
    /// True where the caller blocks a signal of this number.
    pub(super) fn blocks(&self, signal: i32) -> bool {
        self.mask.has(signal)
    }

    /// Gives the caller's mask and SIGCHLD back; in a process that shares our memory too.
    pub(super) fn restore(&self) {
        if self.ignores_children {
            // SAFETY: setting a disposition to ignore has no preconditions
            unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
        }
        system::set_mask(&self.mask);
    }
}

/// Unblocks these signals, every other staying blocked.
#[cfg(target_os = "linux")]
pub(super) fn unblock(set: Set) {
    system::set_mask(&Set::all().except(set));
}

/// Blocks every signal again.
#[cfg(target_os = "linux")]
pub(super) fn block() {
    system::set_mask(&Set::all());
}

/// Sends a signal to a process; one that is gone is no error.
pub(super) fn send(pid: i32, signal: i32) {
    // SAFETY: kill takes no memory of ours
    unsafe { libc::kill(pid, signal) };
}

/// Our process id, as the kernel takes it.
pub(super) fn own_pid() -> i32 {
    i32::try_from(std::process::id()).unwrap_or_default()
}

/// Takes a signal's default action on ourselves: returns after a stop is over, or where the action is none. Every signal
/// is blocked: one of the number that waits already and ours are one.
pub(super) fn raise_default(signal: i32) {
    // SAFETY: setting a disposition to default has no preconditions
    unsafe { libc::signal(signal, libc::SIG_DFL) };
    send(own_pid(), signal);
    let before = system::set_mask(&Set::all_but(signal)); // it comes before this returns
    system::set_mask(&before);
}

/// Waits for a process's end or change of state by wait4; `options` as there. None: nothing to tell.
pub(super) fn fetch(pid: i32, options: i32) -> io::Result<Option<(i32, i32, libc::rusage)>> {
    let mut status = 0;
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: both are written by the call; zeroed is a valid rusage
    let (found, usage) = unsafe {
        let found = libc::wait4(pid, &raw mut status, options, usage.as_mut_ptr());
        (found, usage.assume_init())
    };
    match found {
        0 => Ok(None),
        found if found > 0 => Ok(Some((found, status, usage))),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn set_without_one_lacks_one() {
        let set = Set::all_but(libc::SIGTERM);
        assert!(!set.has(libc::SIGTERM) && set.has(libc::SIGINT));
        assert!(Set::all().has(libc::SIGTERM));
    }

    #[test]
    fn blocked_signal_waits_and_is_received() {
        let before = block_all();
        // to this thread alone: others of the test program block nothing
        // SAFETY: raise takes no memory of ours
        unsafe { libc::raise(libc::SIGUSR2) };
        assert!(pending().has(libc::SIGUSR2));
        let received = next(None).unwrap();
        assert_eq!(received.signal, libc::SIGUSR2);
        assert!(next(Some(std::time::Duration::ZERO)).is_none());
        before.restore();
    }

    #[test]
    fn no_children_is_an_error() {
        assert!(fetch(i32::MAX, libc::WNOHANG).is_err());
    }
}
