//! The entry. No Rust runtime start-up: it would ignore SIGPIPE before we can see what the caller had, reopen closed
//! descriptors and cost time on the hot path. What a command answers becomes the exit code here and nowhere else.
#![no_main]
#![allow(unsafe_code)] // argv and signals, before anything else runs

use obs::faces;
use obs::world::World;
use std::ffi::{CStr, OsString, c_char, c_int};
use std::os::unix::ffi::OsStringExt;

/// The C runtime's entry.
///
/// # Safety
/// The C runtime calls it once, with `argc` strings in `argv`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn main(argc: c_int, argv: *const *const c_char) -> c_int {
    // Rust aborts where memory runs out, even for argv; that must not end the caller's script.
    // SAFETY: nothing changes the environment yet; the handler only calls _exit, which may be called in a handler
    unsafe {
        if libc::getenv(c"OBS_STRICT".as_ptr()).is_null() {
            libc::signal(libc::SIGABRT, give_up as *const () as libc::sighandler_t);
        }
    }
    let count = usize::try_from(argc).unwrap_or_default();
    let args: Vec<OsString> = (0..count)
        .map(|at| {
            // SAFETY: argv holds argc valid C strings for the life of the process
            let word = unsafe { CStr::from_ptr(*argv.add(at)) };
            OsString::from_vec(word.to_bytes().to_vec())
        })
        .collect();
    // A closed descriptor 0-2 would become the journal's own, and what is printed would go into it.
    for descriptor in 0..3 {
        // SAFETY: asking for flags and opening a file touch no memory of ours
        unsafe {
            if libc::fcntl(descriptor, libc::F_GETFD) == -1 {
                libc::open(c"/dev/null".as_ptr(), libc::O_RDWR);
            }
        }
    }
    // A full file (`ulimit -f`) and a closed pipe are errors to handle, not reasons to die in the middle of a script.
    // SAFETY: setting a disposition to ignore has no preconditions
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
        libc::signal(libc::SIGPIPE, libc::SIG_IGN);
    }
    let world = World::new(args);
    if !faces::is_hot(&world) {
        // SAFETY: setting the default disposition has no preconditions
        unsafe { libc::signal(libc::SIGABRT, libc::SIG_DFL) };
    }
    c_int::from(faces::run(&world))
}

extern "C" fn give_up(_: c_int) {
    // SAFETY: ends the process at once, has no preconditions
    unsafe { libc::_exit(0) }
}
