//! What is a record and what is damage, for fsck and the decision about legacy files.

use super::Signal;

/// True for what fsck blanked: nothing but spaces.
pub(super) fn is_blank(line: &[u8]) -> bool {
    line.iter().all(|byte| matches!(byte, b' ' | b'\n'))
}

/// Why a line is no record of its signal; none when it is one.
pub(super) fn reason(signal: Signal, line: &[u8]) -> Option<String> {
    match line.ends_with(b"\n") {
        true => signal.read(line).err(),
        false => Some("not ended".to_owned()),
    }
}
