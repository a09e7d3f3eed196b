//! What is no hot command is run by the binary, as a command of the calling shell: with its job control, its descriptors
//! and its signals. bash evaluates it, as `eval` would.

use crate::bash;
use std::ffi::{CStr, OsString, c_char, c_int};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// Where the functions of `obs print shell` say which binary they belong to.
const BINARY: &CStr = c"__obs_bin";
/// Holds the binary's exit code, for a moment.
const STATUS: &CStr = c"__obs_status";
/// As a shell says that there is no such command.
const NOT_FOUND: c_int = 127;

/// Runs the binary with these words; the answer is its exit code.
///
/// # Safety
/// The caller's frames hold nothing that is dropped: bash may leave by a jump.
pub(crate) unsafe fn run(text: *mut c_char) -> c_int {
    // SAFETY: as promised
    unsafe { bash::evaluate(text) };
    let status = bash::value(STATUS).and_then(|text| std::str::from_utf8(text).ok()?.parse().ok());
    bash::unset(STATUS);
    status.unwrap_or(NOT_FOUND)
}

/// The text that runs the binary. In a condition, because `set -e` is the business of whoever called us: bash does not
/// tell a builtin whether it stands in `obs … || true`.
pub(crate) fn command(words: &[&[u8]]) -> *mut c_char {
    let Some(binary) = found() else {
        return bash::copy(b"printf 'obs: command not found\\n' >&2; __obs_status=127");
    };
    let mut text = b"if ".to_vec();
    quote(&binary, &mut text);
    for word in words {
        text.push(b' ');
        quote(word, &mut text);
    }
    text.extend(b"; then __obs_status=0; else __obs_status=$?; fi");
    bash::copy(&text)
}

/// The binary, by its whole path.
pub(crate) fn path() -> Option<PathBuf> {
    found().map(|path| PathBuf::from(OsString::from_vec(path)))
}

fn found() -> Option<Vec<u8>> {
    let binary = bash::value(BINARY).filter(|path| path.first() == Some(&b'/'));
    binary.map(<[u8]>::to_vec).or_else(|| bash::find(c"obs"))
}

/// One word of the shell, whatever is in it.
fn quote(word: &[u8], text: &mut Vec<u8>) {
    text.push(b'\'');
    for byte in word {
        match byte {
            b'\'' => text.extend(b"'\\''"),
            byte => text.push(*byte),
        }
    }
    text.push(b'\'');
}
