//! Finds the few places in a text where a secret could be decided: two table look-ups per byte.
//! A place is a byte that ends a known prefix or parts a name from a value, after a byte that may stand
//! before it. The tables are built by the compiler; what stands there is judged elsewhere.

const UNDERSCORE: u8 = 1;
const DASH: u8 = 2;
const DOT: u8 = 4;
const AWS: u8 = 8;
const GOOGLE: u8 = 16;
const JWT: u8 = 32;
const SCHEME: u8 = 64;
const DELIMITER: u8 = 128;

/// What a byte can be the deciding end of.
const HERE: [u8; 256] = {
    let table = mark([0; 256], b"_", UNDERSCORE);
    let table = mark(table, b"-", DASH);
    let table = mark(table, b".", DOT);
    let table = mark(table, b"I", AWS);
    let table = mark(table, b"z", GOOGLE);
    let table = mark(table, b"J", JWT);
    let table = mark(table, b"B", SCHEME);
    mark(table, b":=>%", DELIMITER)
};

/// What a byte can stand before; must follow the prefixes in `tokens`, which a test compares.
const BEFORE: [u8; 256] = {
    let table = mark([DELIMITER | SCHEME; 256], b"acdefikmnoprstu1", UNDERSCORE);
    let table = mark(table, b"abcdeijknoprstKY", DASH);
    let table = mark(table, b" \t\r\n\"'`(=,;[{|&-\\", DASH);
    let table = mark(table, b"9Gst", DOT);
    let table = mark(table, b"KSB", AWS);
    let table = mark(table, b"I", GOOGLE);
    mark(table, b"y", JWT)
};

#[expect(
    clippy::indexing_slicing,
    reason = "the compiler runs it: a wrong index stops the build"
)]
const fn mark(mut table: [u8; 256], bytes: &[u8], bit: u8) -> [u8; 256] {
    let mut index = 0;
    while index < bytes.len() {
        table[bytes[index] as usize] |= bit;
        index += 1;
    }
    table
}

/// The first place at or after `from` that is worth a look.
pub(super) fn next(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        let rest = bytes.get(at..)?;
        at += rest.iter().position(|&byte| look(&HERE, byte) != 0)?;
        // The start of a text reads like the start of a line.
        let before = at
            .checked_sub(1)
            .and_then(|index| bytes.get(index))
            .copied()
            .unwrap_or(b'\n');
        if look(&BEFORE, before) & bytes.get(at).map_or(0, |&byte| look(&HERE, byte)) != 0 {
            return Some(at);
        }
        at += 1;
    }
}

fn look(table: &[u8; 256], byte: u8) -> u8 {
    table.get(usize::from(byte)).copied().unwrap_or(0)
}
