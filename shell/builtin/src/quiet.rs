//! The two signals that a write of ours could end the shell by, kept away while a call lasts: the binary ignores them, but
//! a shell's dispositions are not ours to change.

use std::mem::MaybeUninit;

/// Blocks SIGPIPE and SIGXFSZ until it is dropped; one that we caused is taken away before they are let through.
pub(crate) struct Quiet {
    before: libc::sigset_t,
    pending: libc::sigset_t,
}

const OURS: [libc::c_int; 2] = [libc::SIGPIPE, libc::SIGXFSZ];

impl Quiet {
    pub(crate) fn new() -> Self {
        let mut ours = MaybeUninit::<libc::sigset_t>::uninit();
        let mut before = MaybeUninit::<libc::sigset_t>::uninit();
        let mut pending = MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: each set is written by a call before it is read
        unsafe {
            libc::sigemptyset(ours.as_mut_ptr());
            for signal in OURS {
                libc::sigaddset(ours.as_mut_ptr(), signal);
            }
            libc::sigemptyset(before.as_mut_ptr());
            libc::sigemptyset(pending.as_mut_ptr());
            libc::pthread_sigmask(libc::SIG_BLOCK, ours.as_ptr(), before.as_mut_ptr());
            libc::sigpending(pending.as_mut_ptr());
            Self {
                before: before.assume_init(),
                pending: pending.assume_init(),
            }
        }
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        let mut now = MaybeUninit::<libc::sigset_t>::uninit();
        let mut one = MaybeUninit::<libc::sigset_t>::uninit();
        let at_once = libc::timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        // SAFETY: each set is written by a call before it is read; only a blocked, pending signal is taken
        unsafe {
            libc::sigemptyset(now.as_mut_ptr());
            libc::sigpending(now.as_mut_ptr());
            for signal in OURS {
                let is_new = libc::sigismember(now.as_ptr(), signal) == 1
                    && libc::sigismember(&raw const self.pending, signal) == 0;
                if is_new {
                    libc::sigemptyset(one.as_mut_ptr());
                    libc::sigaddset(one.as_mut_ptr(), signal);
                    libc::sigtimedwait(one.as_ptr(), std::ptr::null_mut(), &raw const at_once);
                }
            }
            libc::pthread_sigmask(
                libc::SIG_SETMASK,
                &raw const self.before,
                std::ptr::null_mut(),
            );
        }
    }
}
