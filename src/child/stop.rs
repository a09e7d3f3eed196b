//! The wish that we end: SIGTERM, SIGINT or SIGHUP, noted and left for whoever works to see. The second one ends us at once.

use std::sync::atomic::{AtomicBool, Ordering};

static WISHED: AtomicBool = AtomicBool::new(false);

/// From now on such a signal is a wish.
pub fn note_wishes() {
    for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP] {
        let handler = note as extern "C" fn(libc::c_int) as *const () as libc::sighandler_t;
        // SAFETY: the handler calls only what may be called in one
        unsafe {
            // what the caller ignores (nohup) stays ignored
            if libc::signal(signal, handler) == libc::SIG_IGN {
                libc::signal(signal, libc::SIG_IGN);
            }
        }
    }
}

/// True once we were asked to end.
pub fn is_wished() -> bool {
    WISHED.load(Ordering::Relaxed)
}

extern "C" fn note(signal: libc::c_int) {
    WISHED.store(true, Ordering::Relaxed);
    // SAFETY: setting a disposition to default has no preconditions
    unsafe { libc::signal(signal, libc::SIG_DFL) };
}
