//! The programs that are run: they report what they were given. Without the Rust runtime, so that nothing changed it.

use crate::system;
use std::ffi::{CStr, CString, OsString, c_char, c_int};
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// How long no signal must come before the count is told.
const QUIET: Duration = Duration::from_millis(150);

static COUNTS: [AtomicUsize; 65] = [const { AtomicUsize::new(0) }; 65];

/// `probe WHAT [WORD…]`.
pub(crate) fn run(words: &[OsString]) -> c_int {
    let words: Vec<&str> = words
        .iter()
        .map(|word| word.to_str().unwrap_or(""))
        .collect();
    match words.split_first() {
        Some((&"answer", [signal])) => answer(signal),
        Some((&"count", signals)) => count(signals),
        Some((&"environment", _)) => say(&environment()),
        Some((&"files", [file])) => files(file),
        Some((&"place", _)) => say(&place()),
        Some((&"streams", _)) => streams(),
        Some((&"words", _)) => say(&own_words()),
        _ => 99,
    }
}

/// `through CMD…`: becomes another command.
pub(crate) fn through(words: &[OsString]) -> c_int {
    let words: Vec<CString> = words
        .iter()
        .filter_map(|word| CString::new(word.as_bytes()).ok())
        .collect();
    let mut pointers: Vec<*const c_char> = words.iter().map(|word| word.as_ptr()).collect();
    pointers.push(std::ptr::null());
    // SAFETY: an array of strings that ends with a null pointer
    unsafe { libc::execvp(pointers[0], pointers.as_ptr()) };
    let missing = std::io::Error::last_os_error().kind() == std::io::ErrorKind::NotFound;
    if missing { 127 } else { 126 }
}

extern "C" fn note(signal: c_int) {
    let index = usize::try_from(signal).unwrap_or_default();
    if let Some(counted) = COUNTS.get(index) {
        counted.fetch_add(1, Ordering::SeqCst);
    }
}

/// Says of each signal that it came, for ever.
fn answer(name: &str) -> c_int {
    listen(&[name]);
    for told in 1_usize.. {
        let total = || COUNTS.iter().map(|one| one.load(Ordering::SeqCst)).sum();
        while told > total() {
            std::thread::sleep(Duration::from_millis(5));
        }
        say(&format!("GOT {name}\n"));
    }
    0
}

/// Sets handlers that count, and says so.
fn listen(names: &[&str]) {
    for name in names {
        let handler = note as extern "C" fn(c_int);
        // SAFETY: the handler only changes atomics
        unsafe {
            libc::signal(
                system::number(name),
                handler as *const () as libc::sighandler_t,
            )
        };
    }
    say(&format!("READY {}\n", std::process::id()));
}

/// Counts these signals; says so when no more come, and ends 0.
fn count(names: &[&str]) -> c_int {
    listen(names);
    let total = || -> usize { COUNTS.iter().map(|one| one.load(Ordering::SeqCst)).sum() };
    if !system::until(|| total() > 0) {
        return say("NOTHING\n");
    }
    let mut before = 0;
    while total() != before {
        before = total();
        std::thread::sleep(QUIET);
    }
    let mut text = "GOT".to_owned();
    for name in names {
        let index = usize::try_from(system::number(name)).unwrap_or_default();
        let counted = COUNTS[index].load(Ordering::SeqCst);
        let _ = write!(text, " {name}={counted}");
    }
    say(&(text + "\n"))
}

unsafe extern "C" {
    static environ: *const *const c_char;
}

/// All variables, one a line, as they stand in memory.
fn environment() -> String {
    // SAFETY: nothing changes the environment of this process
    unsafe { shown(environ) }
}

/// All words, the name first, one a line.
fn own_words() -> String {
    let bytes = std::fs::read("/proc/self/cmdline").unwrap_or_default();
    let words = bytes.strip_suffix(b"\0").unwrap_or(&bytes);
    let lines = words
        .split(|byte| *byte == 0)
        .map(|word| format!("[{}]\n", word.escape_ascii()));
    lines.collect()
}

/// # Safety
/// An array of strings that ends with a null pointer.
unsafe fn shown(array: *const *const c_char) -> String {
    let mut text = String::new();
    for at in 0.. {
        // SAFETY: nothing behind the null pointer is read
        let entry = unsafe { *array.add(at) };
        if entry.is_null() {
            break;
        }
        // SAFETY: the caller's promise
        let entry = unsafe { CStr::from_ptr(entry) };
        let _ = writeln!(text, "{}", entry.to_bytes().escape_ascii());
    }
    text
}

/// Writes the open descriptors and what they are open on into a file.
fn files(into: &str) -> c_int {
    let mut text = String::new();
    for descriptor in 0..256 {
        // SAFETY: asking for flags touches no memory
        if unsafe { libc::fcntl(descriptor, libc::F_GETFD) } == -1 {
            continue;
        }
        let target = std::fs::read_link(format!("/proc/self/fd/{descriptor}"));
        let target = target
            .map(|path| path.display().to_string())
            .unwrap_or_default();
        // SAFETY: as above
        let flags = unsafe { libc::fcntl(descriptor, libc::F_GETFL) };
        let _ = writeln!(text, "{descriptor} {target} {flags:o}");
    }
    std::fs::write(into, text).map_or(98, |()| 0)
}

/// Whether it stands in its caller's session and group, and how it stands to a terminal.
fn place() -> String {
    // SAFETY: questions that touch no memory but a struct of four numbers
    unsafe {
        let group = libc::getpgrp();
        let leads = group == libc::getsid(0);
        let terminals: Vec<c_int> = (0..3).map(|stream| libc::isatty(stream)).collect();
        let terminal = (0..3).find(|stream| libc::isatty(*stream) == 1);
        let front = terminal.map(|stream| libc::tcgetpgrp(stream) == group);
        let mut size: libc::winsize = std::mem::zeroed();
        libc::ioctl(0, libc::TIOCGWINSZ, &raw mut size);
        format!(
            "first group of the session {leads}, terminals {terminals:?}, foreground {front:?}, \
             {} x {}\n",
            size.ws_row, size.ws_col
        )
    }
}

/// A megabyte on both streams, in turns of odd lengths.
fn streams() -> c_int {
    for turn in 0..4096_usize {
        let line = format!("{turn} {}\n", "x".repeat(turn % 509));
        let stream = c_int::try_from(turn % 2).unwrap_or_default() + 1;
        write_all(stream, line.as_bytes());
    }
    0
}

fn say(text: &str) -> c_int {
    write_all(1, text.as_bytes());
    0
}

fn write_all(stream: c_int, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        // SAFETY: bytes of ours and their length
        let written = unsafe { libc::write(stream, bytes.as_ptr().cast(), bytes.len()) };
        let Ok(written @ 1..) = usize::try_from(written) else {
            return;
        };
        bytes = &bytes[written..];
    }
}
