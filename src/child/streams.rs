//! Descriptors that are not ours: what the caller gave us, and what a command of its own must not hold open.

use std::os::fd::RawFd;

/// A closed descriptor 0-2 would become the journal's own, and what is printed would go into it.
pub fn open_standard() {
    for descriptor in 0..3 {
        // SAFETY: asking for flags and opening a file touch no memory of ours
        unsafe {
            if libc::fcntl(descriptor, libc::F_GETFD) == -1 {
                libc::open(c"/dev/null".as_ptr(), libc::O_RDWR);
            }
        }
    }
}

/// Gives up 0 to 2: they become /dev/null, or a file of ours would take their place.
pub(super) fn replace_standard() {
    // SAFETY: no memory of ours is touched; nobody here uses the three
    unsafe {
        let null = libc::open(c"/dev/null".as_ptr(), libc::O_RDWR);
        for standard in 0..3 {
            libc::dup2(null, standard);
        }
        if null > 2 {
            libc::close(null);
        }
    }
}

/// Closes our copies of everything that the caller gave us, so that what the command closes is closed. `kept` are
/// descriptors of our own; no other may be open.
pub fn let_go(kept: &[RawFd]) {
    replace_standard();
    close_inherited(kept);
}

/// Closes everything above the standard streams but `kept`.
pub fn close_inherited(kept: &[RawFd]) {
    let mut kept = kept.to_vec();
    kept.sort_unstable();
    let mut first = 3;
    for own in kept.into_iter().chain([RawFd::MAX]) {
        // SAFETY: nobody here uses what was given to us for the command
        unsafe { close_range(first, own - 1) };
        first = own.saturating_add(1);
    }
}

/// Closes a range of descriptors.
///
/// # Safety
/// Nobody uses them.
unsafe fn close_range(first: RawFd, last: RawFd) {
    if first > last {
        return;
    }
    // SAFETY: as above
    unsafe {
        #[cfg(target_os = "linux")]
        if libc::syscall(libc::SYS_close_range, first, last, 0) == 0 {
            return;
        }
        let most = libc::sysconf(libc::_SC_OPEN_MAX).clamp(256, 65_536);
        let most = RawFd::try_from(most).unwrap_or(256);
        for descriptor in first..=last.min(most) {
            libc::close(descriptor);
        }
    }
}

/// While it stands, a full file and a closed pipe are errors; afterwards they are again what the caller made them.
#[derive(Debug)]
pub struct Shield([(libc::c_int, libc::sighandler_t); 2]);

impl Shield {
    /// Puts it up.
    pub fn up() -> Self {
        // SAFETY: setting a disposition to ignore has no preconditions
        Self(
            [libc::SIGXFSZ, libc::SIGPIPE]
                .map(|signal| unsafe { (signal, libc::signal(signal, libc::SIG_IGN)) }),
        )
    }
}

impl Drop for Shield {
    fn drop(&mut self) {
        for (signal, before) in self.0 {
            // SAFETY: before a program has handlers a disposition is default or ignore, both of which may be set
            unsafe { libc::signal(signal, before) };
        }
    }
}

/// A full file (`ulimit -f`) and a closed pipe are errors to handle, not reasons to die in the middle of a script.
pub fn ignore_write_signals() {
    // SAFETY: setting a disposition to ignore has no preconditions
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
        libc::signal(libc::SIGPIPE, libc::SIG_IGN);
    }
}
