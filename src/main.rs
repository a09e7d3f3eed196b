//! The entry. No Rust runtime start-up: it would ignore SIGPIPE before we can see what the caller had, reopen closed
//! descriptors and cost time on the hot path. A face that wraps a command touches neither signals nor descriptors here. What a command answers becomes the exit code here and nowhere else.
#![no_main]
#![allow(unsafe_code)] // argv, environment and signals, before anything else runs

use obs::child;
use obs::faces::Face;
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
    let abort = survive_abort();
    // SAFETY: the C runtime's promise; neither array is changed while the process lives
    let (words, pairs) = unsafe { (strings(argv), strings(envp)) };
    let args = words.map(|word| OsString::from_vec(word.to_vec()));
    // Not copied: we never change the environment, and a session's has dozens of variables.
    let env = pairs.map(|pair| Cow::Borrowed(OsStr::from_bytes(pair)));
    let world = World::new(args.collect(), env.collect()).called(called());
    let face = Face::of(&world);
    if let Some(abort) = abort.filter(|_| !face.is_hot()) {
        // SAFETY: gives back the disposition that the caller had
        unsafe { libc::signal(libc::SIGABRT, abort) };
    }
    if !face.wraps() {
        child::open_standard();
        child::ignore_write_signals();
    }
    c_int::from(face.run(&world))
}

/// The path that the kernel started.
fn called() -> Option<OsString> {
    #[cfg(target_os = "linux")]
    // SAFETY: the kernel's string lives as long as the process; a missing one is 0
    unsafe {
        let path = libc::getauxval(libc::AT_EXECFN);
        let path = std::ptr::with_exposed_provenance::<c_char>(usize::try_from(path).ok()?);
        (!path.is_null()).then(|| OsString::from_vec(CStr::from_ptr(path).to_bytes().to_vec()))
    }
    #[cfg(not(target_os = "linux"))]
    None
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

/// Rust aborts where memory runs out, even for argv; of a hot command that must not end the caller's script. The answer
/// is the disposition that the caller had, where it was changed.
fn survive_abort() -> Option<libc::sighandler_t> {
    // SAFETY: nothing changes the environment; the handler only calls _exit, which may be called in a handler
    unsafe {
        if !libc::getenv(c"OBS_STRICT".as_ptr()).is_null() {
            return None;
        }
        Some(libc::signal(
            libc::SIGABRT,
            give_up as extern "C" fn(c_int) as *const () as libc::sighandler_t,
        ))
    }
}

extern "C" fn give_up(_: c_int) {
    // SAFETY: ends the process at once, has no preconditions
    unsafe { libc::_exit(0) }
}
