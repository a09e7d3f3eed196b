//! A file that a variable or an option names for us to add to. It may be anything that has a path: no more than its end
//! is read, and nothing is waited for.

use rustix::fs::OFlags;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

/// Most bytes that are read of its end, where what we said before stands.
const MOST: u64 = 4 * 1024 * 1024;

/// The end of what stands in it; nothing where it is no regular file, which need not have an end.
pub(super) fn end(path: &Path) -> io::Result<String> {
    let kind = match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(String::new()),
        other => other?.file_type(),
    };
    if kind.is_fifo() || kind.is_socket() {
        // whose reader may never come
        return Err(io::Error::other("it is a pipe, and not a file"));
    }
    if !kind.is_file() {
        return Ok(String::new());
    }
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(MOST)))?;
    let mut bytes = Vec::new();
    file.take(MOST).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Adds a text to it in one write; a last line that has no end gets one.
pub(super) fn add(path: &Path, before: &str, text: &str) -> io::Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    let gap = match before.is_empty() || before.ends_with('\n') {
        true => "",
        false => "\n",
    };
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    if let Ok(flags) = i32::try_from(OFlags::NONBLOCK.bits()) {
        options.custom_flags(flags);
    }
    options
        .open(path)?
        .write_all(format!("{gap}{text}").as_bytes())
}
