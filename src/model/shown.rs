//! Text for a human's eyes: nothing in it can move the cursor, hide, reorder or end the line.

use std::borrow::Cow;
use std::fmt::Write;

/// Escapes C0, DEL, C1, bidi controls, zero-width characters and line separators; our own colours come after.
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hostile) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            c if is_hostile(c) => {
                let _ = write!(shown, "\\u{{{:x}}}", u32::from(c));
            }
            c => shown.push(c),
        }
    }
    Cow::Owned(shown)
}

/// Characters that a terminal or an editor acts on, hides, or takes for a line end.
pub fn is_hostile(c: char) -> bool {
    matches!(c,
        '\u{0}'..='\u{1F}' | '\u{7F}'..='\u{9F}' | '\u{061C}' | '\u{200B}' | '\u{200E}' | '\u{200F}'
        | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_raw() {
        assert_eq!(escape("plain é🚀"), "plain é🚀");
        assert_eq!(
            escape("a\u{1b}[2K\r\n\t\u{9b}\u{202e}\u{200b}\u{7f}"),
            "a\\u{1b}[2K\\r\\n\\t\\u{9b}\\u{202e}\\u{200b}\\u{7f}"
        );
    }
}
