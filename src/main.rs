//! The entry. No Rust runtime start-up: it would ignore SIGPIPE before we can see what the caller had, reopen closed
//! descriptors and cost time on the hot path. What a command answers becomes the exit code here and nowhere else.
#![no_main]
#![allow(unsafe_code)] // argv, environment and signals, before anything else runs

use obs::faces;
use obs::world::World;
use std::borrow::Cow;
use std::ffi::{CStr, OsStr, OsString, c_char, c_int};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// The C runtime's entry.
///
/// # Safety
/// The C runtime calls it once; `argv` and `envp` are arrays of strings that end with a null pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn main(
    _: c_int,
    argv: *const *const c_char,
    envp: *const *const c_char,
) -> c_int {
    survive_abort();
    open_standard_streams();
    ignore_write_signals();
    // SAFETY: the C runtime's promise; neither array is changed while the process lives
    let (words, pairs) = unsafe { (strings(argv), strings(envp)) };
    let args = words.map(|word| OsString::from_vec(word.to_vec()));
    // Not copied: we never change the environment, and a session's has dozens of variables.
    let env = pairs.map(|pair| Cow::Borrowed(OsStr::from_bytes(pair)));
    let world = World::new(args.collect(), env.collect());
    if !faces::is_hot(&world) {
        // SAFETY: setting the default disposition has no preconditions
        unsafe { libc::signal(libc::SIGABRT, libc::SIG_DFL) };
    }
    c_int::from(faces::run(&world))
}

/// The strings of an array that ends with a null pointer.
///
/// # Safety
/// It does, and it lives and stays the same as long as the process.
unsafe fn strings(array: *const *const c_char) -> impl Iterator<Item = &'static [u8]> {
    // SAFETY: nothing behind the null pointer is read
    let string = move |at| unsafe {
        let string = *array.add(at);
        (!string.is_null()).then(|| CStr::from_ptr(string).to_bytes())
    };
    (0..).map_while(string)
}

/// Rust aborts where memory runs out, even for argv; of a hot command that must not end the caller's script.
fn survive_abort() {
    // SAFETY: nothing changes the environment; the handler only calls _exit, which may be called in a handler
    unsafe {
        if libc::getenv(c"OBS_STRICT".as_ptr()).is_null() {
            libc::signal(
                libc::SIGABRT,
                give_up as extern "C" fn(c_int) as *const () as libc::sighandler_t,
            );
        }
    }
}

extern "C" fn give_up(_: c_int) {
    // SAFETY: ends the process at once, has no preconditions
    unsafe { libc::_exit(0) }
}

/// A closed descriptor 0-2 would become the journal's own, and what is printed would go into it.
fn open_standard_streams() {
    for descriptor in 0..3 {
        // SAFETY: asking for flags and opening a file touch no memory of ours
        unsafe {
            if libc::fcntl(descriptor, libc::F_GETFD) == -1 {
                libc::open(c"/dev/null".as_ptr(), libc::O_RDWR);
            }
        }
    }
}

/// A full file (`ulimit -f`) and a closed pipe are errors to handle, not reasons to die in the middle of a script.
fn ignore_write_signals() {
    // SAFETY: setting a disposition to ignore has no preconditions
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
        libc::signal(libc::SIGPIPE, libc::SIG_IGN);
    }
}
