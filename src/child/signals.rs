//! Signals as values: blocking all, waiting for the next, who sent it, sending it on.

use std::io;
use std::mem::MaybeUninit;
use std::ptr;
use std::time::Duration;

/// The set of blocked signals as the caller had it, and SIGCHLD as the caller had it.
pub(super) struct Inherited {
    pub(super) mask: libc::sigset_t,
    /// The caller ignored SIGCHLD.
    pub(super) ignores_children: bool,
}

/// A signal that came, and where from.
#[derive(Clone, Copy)]
pub(super) struct Received {
    pub(super) signal: i32,
    /// How it was sent (`si_code`, sigaction(2)): at most 0 is by a process.
    pub(super) code: i32,
    /// Who sent it, where a process did.
    pub(super) sender: i32,
    #[cfg(target_os = "linux")]
    info: libc::siginfo_t,
}

/// The set of all signals.
pub(super) fn all() -> libc::sigset_t {
    let mut set = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: sigfillset writes the whole set
    unsafe {
        libc::sigfillset(set.as_mut_ptr());
        set.assume_init()
    }
}

/// The set of one signal.
fn only(signal: i32) -> libc::sigset_t {
    let mut set = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: sigemptyset writes the whole set
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), signal);
        set.assume_init()
    }
}

/// Blocks every signal; the answer is what the caller had.
pub(super) fn block_all() -> Inherited {
    let all = all();
    let mut mask = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: sigprocmask writes the old mask; setting a disposition to default has no preconditions
    unsafe {
        libc::sigemptyset(mask.as_mut_ptr());
        libc::sigprocmask(libc::SIG_SETMASK, &raw const all, mask.as_mut_ptr());
        let before = libc::signal(libc::SIGCHLD, libc::SIG_DFL);
        Inherited {
            mask: mask.assume_init(),
            ignores_children: before == libc::SIG_IGN,
        }
    }
}

impl Inherited {
    /// True where the caller blocks a signal of this number.
    pub(super) fn blocks(&self, signal: i32) -> bool {
        // SAFETY: the mask was filled by sigprocmask
        unsafe { libc::sigismember(&raw const self.mask, signal) == 1 }
    }

    /// Gives the caller's mask and SIGCHLD back; in a process that shares our memory too.
    pub(super) fn restore(&self) {
        // SAFETY: the mask was filled by sigprocmask
        unsafe {
            if self.ignores_children {
                libc::signal(libc::SIGCHLD, libc::SIG_IGN);
            }
            libc::sigprocmask(libc::SIG_SETMASK, &raw const self.mask, ptr::null_mut());
        }
    }
}

/// Waits for the next signal, at most this long. None: the time is up.
#[cfg(target_os = "linux")]
pub(super) fn next(most: Option<Duration>) -> Option<Received> {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    let limit = most.map(|most| libc::timespec {
        tv_sec: libc::time_t::try_from(most.as_secs()).unwrap_or(libc::time_t::MAX),
        tv_nsec: most.subsec_nanos() as _,
    });
    let limit = limit.as_ref().map_or(ptr::null(), ptr::from_ref);
    let set = all();
    // SAFETY: set, info and limit live through the call; the fields read are those of a signal's origin
    unsafe {
        let signal = libc::sigtimedwait(&raw const set, info.as_mut_ptr(), limit);
        let info = info.assume_init();
        (signal > 0).then(|| Received {
            signal,
            code: info.si_code,
            sender: info.si_pid(),
            info,
        })
    }
}

/// Waits for the next signal, at most this long. None: the time is up. Who sent it is not told.
#[cfg(not(target_os = "linux"))]
pub(super) fn next(most: Option<Duration>) -> Option<Received> {
    const STEP: Duration = Duration::from_millis(5);
    let mut left = most;
    while left.is_some() && pending().is_empty() {
        std::thread::sleep(STEP);
        left = left.map(|left| left.saturating_sub(STEP));
        if left == Some(Duration::ZERO) {
            return None;
        }
    }
    let set = all();
    let mut signal = 0;
    // SAFETY: set and signal live through the call
    let failed = unsafe { libc::sigwait(&raw const set, &raw mut signal) };
    (failed == 0).then_some(Received {
        signal,
        code: 0,
        sender: 0,
    })
}

/// The signals that wait for us.
pub(super) fn pending() -> Vec<i32> {
    let mut set = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: the set is filled before it is asked
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigpending(set.as_mut_ptr());
        (1..=highest())
            .filter(|signal| libc::sigismember(set.as_ptr(), *signal) == 1)
            .collect()
    }
}

#[cfg(target_os = "linux")]
fn highest() -> i32 {
    libc::SIGRTMAX()
}

#[cfg(not(target_os = "linux"))]
fn highest() -> i32 {
    31
}

/// True where a signal of this number waits for us.
pub(super) fn is_pending(signal: i32) -> bool {
    pending().contains(&signal)
}

/// Sends a signal to a process; one that is gone is no error.
pub(super) fn send(pid: i32, signal: i32) {
    // SAFETY: kill takes no memory of ours
    unsafe { libc::kill(pid, signal) };
}

impl Received {
    /// Sends it on, with its value where it carries one.
    pub(super) fn send_on(&self, pid: i32) {
        #[cfg(target_os = "linux")]
        if self.code == libc::SI_QUEUE {
            // SAFETY: the kernel reads the whole siginfo, which it filled itself
            let sent = unsafe {
                libc::syscall(
                    libc::SYS_rt_sigqueueinfo,
                    pid,
                    self.signal,
                    &raw const self.info,
                )
            };
            if sent == 0 {
                return;
            }
        }
        send(pid, self.signal);
    }
}

/// Takes a signal's default action on ourselves: returns after a stop is over, or where the action is none.
pub(super) fn raise_default(signal: i32) {
    let set = only(signal);
    let own = i32::try_from(std::process::id()).unwrap_or_default();
    // SAFETY: the set is filled; a signal to ourselves that is not blocked comes before kill returns
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
        libc::sigprocmask(libc::SIG_UNBLOCK, &raw const set, ptr::null_mut());
        libc::kill(own, signal);
        libc::sigprocmask(libc::SIG_BLOCK, &raw const set, ptr::null_mut());
    }
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
    fn set_of_one_holds_one() {
        let set = only(libc::SIGTERM);
        // SAFETY: the set is filled
        let holds = |signal| unsafe { libc::sigismember(&raw const set, signal) == 1 };
        assert!(holds(libc::SIGTERM) && !holds(libc::SIGINT));
    }

    #[test]
    fn no_children_is_an_error() {
        assert!(fetch(i32::MAX, libc::WNOHANG).is_err());
    }
}
