//! Linux: sets as the kernel has them, all 64 signals. The C library keeps two or three for itself and hides them, but a
//! command may use them, and its caller may block them.

use std::mem::{MaybeUninit, size_of};
use std::ptr;
use std::time::Duration;

/// A set of signals: bit 0 is signal 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::child) struct Set(u64);

/// A signal that came, and where from.
#[derive(Clone, Copy)]
pub(in crate::child) struct Received {
    pub(in crate::child) signal: i32,
    /// How it was sent (`si_code`, sigaction(2)): at most 0 is by a process.
    pub(in crate::child) code: i32,
    /// Who sent it, where a process did.
    pub(in crate::child) sender: i32,
    info: libc::siginfo_t,
}

impl Set {
    /// Every signal.
    pub(in crate::child) fn all() -> Self {
        Self(u64::MAX)
    }

    /// Every signal but one.
    pub(in crate::child) fn all_but(signal: i32) -> Self {
        Self(!Self::bit(signal))
    }

    /// The set of these bits, as the kernel prints them.
    pub(in crate::child) fn of(bits: u64) -> Self {
        Self(bits)
    }

    /// The set of this name in the text of a `/proc/PID/status` (proc(5)).
    pub(in crate::child) fn told(status: &str, name: &str) -> Option<Self> {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        u64::from_str_radix(line.trim(), 16).ok().map(Self)
    }

    /// Whether a signal is in it.
    pub(in crate::child) fn has(self, signal: i32) -> bool {
        self.0 & Self::bit(signal) != 0
    }

    /// Puts a signal in.
    pub(in crate::child) fn with(self, signal: i32) -> Self {
        Self(self.0 | Self::bit(signal))
    }

    /// All of it that is not in the other.
    pub(in crate::child) fn except(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Takes a signal out.
    pub(in crate::child) fn without(self, signal: i32) -> Self {
        Self(self.0 & !Self::bit(signal))
    }

    /// Both together.
    pub(in crate::child) fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// True where something of this is not in the other.
    pub(in crate::child) fn exceeds(self, other: impl Fn(i32) -> bool) -> bool {
        (1..=64).any(|signal| self.has(signal) && !other(signal))
    }

    fn bit(signal: i32) -> u64 {
        match signal {
            1..=64 => 1 << (signal - 1),
            _ => 0,
        }
    }
}

/// Blocks these signals and no others; the answer is what was blocked before.
pub(super) fn set_mask(set: &Set) -> Set {
    let mut before = 0_u64;
    // SAFETY: both sets live through the call and have the kernel's size
    unsafe {
        libc::syscall(
            libc::SYS_rt_sigprocmask,
            libc::SIG_SETMASK,
            &raw const set.0,
            &raw mut before,
            size_of::<u64>(),
        );
    }
    Set(before)
}

/// The signals that wait for us.
pub(in crate::child) fn pending() -> Set {
    let mut set = 0_u64;
    // SAFETY: the set lives through the call and has the kernel's size
    unsafe { libc::syscall(libc::SYS_rt_sigpending, &raw mut set, size_of::<u64>()) };
    Set(set)
}

/// Waits for the next signal, at most this long. None: the time is up.
pub(in crate::child) fn next(most: Option<Duration>) -> Option<Received> {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    let limit = most.map(|most| libc::timespec {
        tv_sec: i32::try_from(most.as_secs()).unwrap_or(i32::MAX).into(),
        tv_nsec: most.subsec_nanos() as _,
    });
    let limit = limit.as_ref().map_or(ptr::null(), ptr::from_ref);
    let set = Set::all();
    // SAFETY: set, info and limit live through the call; the fields read are those of a signal's origin
    unsafe {
        let signal = libc::syscall(
            libc::SYS_rt_sigtimedwait,
            &raw const set.0,
            info.as_mut_ptr(),
            limit,
            size_of::<u64>(),
        );
        let info = info.assume_init();
        (signal > 0).then(|| Received {
            signal: i32::try_from(signal).unwrap_or_default(),
            code: info.si_code,
            sender: info.si_pid(),
            info,
        })
    }
}

impl Received {
    /// One that a handler noted; a value that it carried is lost.
    pub(in crate::child) fn noted(signal: i32, code: i32, sender: i32) -> Self {
        let code = if code == libc::SI_QUEUE {
            libc::SI_USER
        } else {
            code
        };
        // SAFETY: a siginfo is plain numbers, and only sent on where it carries a value
        let info = unsafe { MaybeUninit::zeroed().assume_init() };
        Self {
            signal,
            code,
            sender,
            info,
        }
    }

    /// Sends it on, with its value where it carries one.
    pub(in crate::child) fn send_on(&self, pid: i32) {
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
        super::send(pid, self.signal);
    }
}
