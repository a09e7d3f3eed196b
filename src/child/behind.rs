//! Work that must not keep the caller waiting: past a deadline it goes on in a process of its own, behind our back,
//! while we end as if it were done.

use super::alarm::Alarm;
use super::ending::Ended;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

/// How we end when the time is up: an exit code, or the negative number of a signal.
static ENDING: AtomicI32 = AtomicI32::new(0);

/// A running deadline; dropping it takes it back.
#[derive(Debug)]
pub struct Behind(());

impl Behind {
    /// From now on the work has this long in front; then this process ends as `ended` says, and a copy of it goes on
    /// with the work, in a session of its own, holding none of the caller's streams.
    pub fn after(length: Duration, ended: Ended) -> Self {
        let ending = match ended {
            Ended::Code(code) => i32::from(code),
            Ended::Signal(signal) => -signal,
        };
        ENDING.store(ending, Ordering::Relaxed);
        let handler = part as extern "C" fn(libc::c_int) as *const () as libc::sighandler_t;
        // SAFETY: the handler calls only what may be called in one, besides fork in a process of one thread
        unsafe {
            let mut only = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
            libc::sigemptyset(only.as_mut_ptr());
            libc::sigaddset(only.as_mut_ptr(), libc::SIGALRM);
            libc::signal(libc::SIGALRM, handler);
            libc::sigprocmask(libc::SIG_UNBLOCK, only.as_ptr(), std::ptr::null_mut());
        }
        Alarm::after(length).set();
        Self(())
    }
}

impl Drop for Behind {
    fn drop(&mut self) {
        Alarm::NEVER.set();
    }
}

/// The alarm: the copy goes on where the work was interrupted, and we end.
extern "C" fn part(_: libc::c_int) {
    // SAFETY: see above; a process that has one thread is whole after fork
    unsafe {
        match libc::fork() {
            -1 => return, // no process to be had: the caller waits, and nothing is lost
            0 => {
                libc::setsid();
                super::streams::replace_standard();
                return;
            }
            _ => {}
        }
        let ending = ENDING.load(Ordering::Relaxed);
        if ending < 0 {
            Ended::Signal(-ending).follow();
        }
        libc::_exit(if ending < 0 { 128 - ending } else { ending });
    }
}
