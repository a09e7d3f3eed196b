//! A record as one line: compact JSON that no byte of a user can break, hide in or reorder on a screen.

use super::shown::is_hostile;
use serde::Serialize;
use serde_json::ser::Formatter;
use std::io;

/// Serialises a record as one line, newline included.
pub fn to_line(record: &impl Serialize) -> Vec<u8> {
    let mut line = Vec::with_capacity(512);
    let mut serializer = serde_json::Serializer::with_formatter(&mut line, Escaping);
    // a record is strings, numbers, maps with string keys: nothing that serialising to memory can refuse
    let _ = record.serialize(&mut serializer);
    line.push(b'\n');
    line
}

/// Compact JSON that also escapes what `serde_json` leaves raw: DEL, C1, line separators, bidi controls, BOM.
struct Escaping;

impl Formatter for Escaping {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((at, found)) = rest
            .bytes()
            // every such character begins with one of these bytes
            .any(|byte| matches!(byte, 0x7F | 0xC2 | 0xD8 | 0xE2 | 0xEF))
            .then(|| rest.char_indices().find(|(_, c)| is_hostile(*c)))
            .flatten()
        {
            let (plain, tail) = rest.split_at(at);
            writer.write_all(plain.as_bytes())?;
            write!(writer, "\\u{:04x}", u32::from(found))?;
            rest = tail.get(found.len_utf8()..).unwrap_or_default();
        }
        writer.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn text(value: serde_json::Value) -> String {
        String::from_utf8(to_line(&value)).unwrap()
    }

    #[test]
    fn hidden_characters_are_escaped() {
        let hostile = "a\u{7f}b\u{9b}31m\u{2028}\u{202e}\u{2066}\u{feff}\u{200b}é🚀\u{1b}\n\"";
        let line = text(json!({"m": hostile}));
        assert_eq!(
            line,
            "{\"m\":\"a\\u007fb\\u009b31m\\u2028\\u202e\\u2066\\ufeff\\u200bé🚀\\u001b\\n\\\"\"}\n"
        );
        let back: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(back["m"], hostile);
    }

    #[test]
    fn big_numbers_keep_their_text() {
        let value = crate::model::json::parse("[18446744073709551616,1.10]").unwrap();
        assert_eq!(text(value), "[18446744073709551616,1.10]\n");
    }
}
