//! A program under obs behaves as without it: each row runs directly and in every way through obs, and must be equal.
//! By the names `probe` and `through` this is also the program that is run. `tests/run` asks for it by name.
#![cfg(test)]
#![no_main] // the Rust runtime would ignore SIGPIPE and reopen closed descriptors, in the probes too
#![expect(
    unsafe_code,
    clippy::disallowed_methods,
    reason = "tests stand outside the house; forks, terminals and signals are what this one is about"
)]

mod caller;
mod known;
mod live;
mod matrix;
mod mode;
mod page;
mod probe;
mod row;
mod rows;
mod stage;
mod system;
mod way;

use std::ffi::{CStr, OsStr, OsString, c_char, c_int};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The C runtime's entry.
///
/// # Safety
/// The C runtime calls it once; `argv` is an array of strings that ends with a null pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn main(count: c_int, argv: *const *const c_char) -> c_int {
    let words: Vec<OsString> = (0..usize::try_from(count).unwrap_or_default())
        // SAFETY: the C runtime's promise
        .map(|at| unsafe { CStr::from_ptr(*argv.add(at)) })
        .map(|word| OsStr::from_bytes(word.to_bytes()).to_owned())
        .collect();
    let name = words.first().map(Path::new).and_then(Path::file_name);
    let rest = words.get(1..).unwrap_or_default();
    match name.and_then(OsStr::to_str) {
        Some("probe") => probe::run(rest),
        Some("through") => probe::through(rest),
        // nothing may unwind out of here; what failed has been printed
        _ => std::panic::catch_unwind(|| matrix::run(rest)).unwrap_or(101),
    }
}
