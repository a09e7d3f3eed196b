//! The sentry: a process of ours in the group that blocks every signal. What is pending there was sent to the group.

use super::signals;
use std::time::Duration;

/// Enough for a function that calls three system calls, and for a signal that cannot be blocked.
#[cfg(target_os = "linux")]
const STACK: usize = 16 * 1024;

/// A posted sentry; dropping it calls it in.
pub(super) struct Sentry {
    pid: i32,
    #[cfg(target_os = "linux")]
    _stack: Box<[u8]>,
}

impl Sentry {
    /// Posts one; none where there is no process to be had. Every signal must be blocked.
    #[cfg(target_os = "linux")]
    pub(super) fn post() -> Option<Self> {
        let mut stack = vec![0_u8; STACK].into_boxed_slice();
        let top = stack.as_mut_ptr_range().end;
        let parent = i32::try_from(std::process::id()).ok()?;
        // Memory and descriptors are shared: nothing is copied, and a pipe that we close is closed.
        let flags = libc::CLONE_VM | libc::CLONE_FILES | libc::CLONE_FS;
        // SAFETY: the stack lives as long as the process, which drop ends before it frees it; the top is aligned down
        let pid = unsafe {
            let top = top.wrapping_sub(top.addr() % 16);
            libc::clone(
                watch,
                top.cast(),
                flags,
                std::ptr::without_provenance_mut(parent as usize),
            )
        };
        (pid > 0).then_some(Self { pid, _stack: stack })
    }

    /// There is none where the kernel does not tell what is pending for a process.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn post() -> Option<Self> {
        None
    }

    /// Whether a signal of this number is pending; none where it cannot be told.
    pub(super) fn has(&self, signal: i32) -> Option<bool> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid)).ok()?;
        let bits = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            u64::from_str_radix(line.trim(), 16).ok()
        };
        let pending = bits("ShdPnd:")? | bits("SigPnd:")?;
        Some(pending >> (signal - 1) & 1 == 1)
    }
}

impl Drop for Sentry {
    fn drop(&mut self) {
        signals::send(self.pid, libc::SIGKILL);
        // it ends without a signal to its parent, which only __WALL waits for
        #[cfg(target_os = "linux")]
        while signals::fetch(self.pid, libc::__WALL)
            .is_err_and(|error| error.kind() == std::io::ErrorKind::Interrupted)
        {}
    }
}

/// The sentry's life: to end when its parent does. Nothing here touches memory that the parent uses.
#[cfg(target_os = "linux")]
extern "C" fn watch(parent: *mut libc::c_void) -> libc::c_int {
    // SAFETY: system calls without memory; libc::syscall writes errno only for an error, and these have none
    unsafe {
        libc::syscall(
            libc::SYS_prctl,
            libc::PR_SET_PDEATHSIG,
            libc::SIGKILL,
            0,
            0,
            0,
        );
        while libc::syscall(libc::SYS_getppid) == parent.addr() as libc::c_long {
            libc::syscall(
                libc::SYS_ppoll,
                std::ptr::null::<libc::pollfd>(),
                0,
                std::ptr::null::<libc::timespec>(),
                std::ptr::null::<libc::sigset_t>(),
                0,
            );
        }
        libc::syscall(libc::SYS_exit, 0);
    }
    0
}

/// Tells signals to the group from signals to us.
pub(super) struct Watchtower {
    sentry: Option<Sentry>,
}

impl Watchtower {
    /// Posts a sentry, where that can be done.
    pub(super) fn new() -> Self {
        Self {
            sentry: Sentry::post(),
        }
    }

    /// True where a signal that we received went to the whole group. Without a sentry: where no process sent it.
    pub(super) fn saw(&mut self, received: &signals::Received) -> bool {
        let Some(sentry) = &self.sentry else {
            return received.code > 0;
        };
        let mut seen = sentry.has(received.signal);
        if seen == Some(false) && received.code <= 0 {
            // kill(-1) goes through all processes, the oldest first: we may be served before the sentry
            std::thread::sleep(Duration::from_micros(200));
            seen = sentry.has(received.signal);
        }
        match seen {
            None => received.code > 0,
            Some(false) => false,
            Some(true) => {
                // one of each number is all that it can hold: the next one stands there before it leaves
                let next = Sentry::post();
                self.sentry = next;
                true
            }
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn sentry_holds_what_it_is_sent() {
        let before = signals::block_all();
        let sentry = Sentry::post().unwrap();
        assert_eq!(sentry.has(libc::SIGUSR1), Some(false));
        signals::send(sentry.pid, libc::SIGUSR1);
        assert_eq!(sentry.has(libc::SIGUSR1), Some(true));
        let pid = sentry.pid;
        drop(sentry);
        assert!(!std::path::Path::new(&format!("/proc/{pid}/status")).exists());
        before.restore();
    }
}
