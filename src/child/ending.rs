//! How a program ended, and ending alike.

use super::signals;
use std::time::Duration;

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// By itself, with this code.
    Code(u8),
    /// By a signal.
    Signal(i32),
}

/// What a program used (getrusage(2)).
#[derive(Debug, Clone, Copy, Default)]
pub struct Usage {
    /// CPU time in user mode.
    pub user: Duration,
    /// CPU time in the kernel.
    pub system: Duration,
    /// Largest resident set in bytes.
    pub memory: u64,
}

impl Usage {
    pub(super) fn of(usage: &libc::rusage) -> Self {
        let length = |time: libc::timeval| {
            let micros = u64::try_from(time.tv_usec).unwrap_or_default();
            Duration::from_secs(u64::try_from(time.tv_sec).unwrap_or_default())
                + Duration::from_micros(micros)
        };
        // kilobytes, but bytes on macOS
        let unit = if cfg!(target_vendor = "apple") {
            1
        } else {
            1024
        };
        Self {
            user: length(usage.ru_utime),
            system: length(usage.ru_stime),
            memory: u64::try_from(usage.ru_maxrss).unwrap_or_default() * unit,
        }
    }
}

impl Ended {
    /// The ending that a wait status tells; none for a stop.
    pub(super) fn of(status: i32) -> Option<Self> {
        if libc::WIFEXITED(status) {
            return Some(Self::Code(
                u8::try_from(libc::WEXITSTATUS(status)).unwrap_or(u8::MAX),
            ));
        }
        libc::WIFSIGNALED(status).then(|| Self::Signal(libc::WTERMSIG(status)))
    }

    /// The exit code as a shell shows it.
    pub fn code(self) -> u8 {
        match self {
            Self::Code(code) => code,
            Self::Signal(signal) => 128_u8.saturating_add(u8::try_from(signal).unwrap_or_default()),
        }
    }

    /// Ends us the same way: dies by the signal, without a core file of our own; else the answer is the exit code.
    /// The first process of a pid namespace cannot die by a signal, and answers the shell's code.
    pub fn follow(self) -> u8 {
        if let Self::Signal(signal) = self {
            let none = libc::rlimit {
                rlim_cur: 0,
                rlim_max: 0,
            };
            // SAFETY: the limit lives through the call
            unsafe { libc::setrlimit(libc::RLIMIT_CORE, &raw const none) };
            signals::raise_default(signal);
        }
        self.code()
    }

    /// The signal's name, such as `SIGTERM`.
    pub fn signal_name(self) -> Option<String> {
        const NAMES: &[(i32, &str)] = &[
            (libc::SIGABRT, "SIGABRT"),
            (libc::SIGALRM, "SIGALRM"),
            (libc::SIGBUS, "SIGBUS"),
            (libc::SIGFPE, "SIGFPE"),
            (libc::SIGHUP, "SIGHUP"),
            (libc::SIGILL, "SIGILL"),
            (libc::SIGINT, "SIGINT"),
            (libc::SIGIO, "SIGIO"),
            (libc::SIGKILL, "SIGKILL"),
            (libc::SIGPIPE, "SIGPIPE"),
            (libc::SIGPROF, "SIGPROF"),
            (libc::SIGQUIT, "SIGQUIT"),
            (libc::SIGSEGV, "SIGSEGV"),
            (libc::SIGSYS, "SIGSYS"),
            (libc::SIGTERM, "SIGTERM"),
            (libc::SIGTRAP, "SIGTRAP"),
            (libc::SIGUSR1, "SIGUSR1"),
            (libc::SIGUSR2, "SIGUSR2"),
            (libc::SIGVTALRM, "SIGVTALRM"),
            (libc::SIGXCPU, "SIGXCPU"),
            (libc::SIGXFSZ, "SIGXFSZ"),
        ];
        let Self::Signal(number) = self else {
            return None;
        };
        let known = NAMES.iter().find(|(signal, _)| *signal == number);
        Some(known.map_or_else(
            || format!("signal {number}"),
            |(_, name)| (*name).to_owned(),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wait_status_tells_the_ending() {
        assert_eq!(Ended::of(42 << 8), Some(Ended::Code(42)));
        assert_eq!(Ended::of(15), Some(Ended::Signal(15)));
        assert_eq!(Ended::of(0x137f), None); // stopped
        assert_eq!(Ended::Signal(15).code(), 143);
        assert_eq!(Ended::Signal(15).signal_name().unwrap(), "SIGTERM");
        assert_eq!(Ended::Signal(40).signal_name().unwrap(), "signal 40");
    }
}
