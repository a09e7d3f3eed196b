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

/// The older form of a workflow command, which GitHub's runner takes anywhere in a line
/// (actions/runner, `src/Runner.Common/ActionCommand.cs`, TryParse); the newer one, `::`, it takes behind spaces.
const OLD_COMMAND: &str = "##[";

/// Lines in which GitHub's runner finds no workflow command, whatever they hold. For a reader of JSON they say the same.
pub fn without_commands(shown: &[u8]) -> Cow<'_, [u8]> {
    let text = String::from_utf8_lossy(shown);
    let has_command = |line: &str| line.trim_start().starts_with("::");
    if !text.contains(OLD_COMMAND) && !text.lines().any(has_command) {
        return Cow::Borrowed(shown);
    }
    let lines = text.split_inclusive('\n').map(|line| {
        let line = line.replace(OLD_COMMAND, "##\\u005b");
        match has_command(&line) {
            true => line.replacen("::", "\\u003a:", 1),
            false => line,
        }
    });
    Cow::Owned(lines.collect::<String>().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_a_workflow_command() {
        let of = |text: &str| {
            let shown = without_commands(text.as_bytes());
            String::from_utf8(shown.into_owned()).unwrap()
        };
        assert_eq!(of("{\"m\":\"a::b\"}\n"), "{\"m\":\"a::b\"}\n");
        let json = of("{\"m\":\"x ###[add-mask]y ##[ z\"}\n");
        assert!(!json.contains("##["), "{json}");
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(value["m"], "x ###[add-mask]y ##[ z");
        let indented = "clock m\n \u{85}  ::error::x\n";
        assert_eq!(of(indented), "clock m\n \u{85}  \\u003a:error::x\n");
    }

    #[test]
    fn nothing_reaches_the_terminal_raw() {
        assert_eq!(escape("plain é🚀"), "plain é🚀");
        assert_eq!(
            escape("a\u{1b}[2K\r\n\t\u{9b}\u{202e}\u{200b}\u{7f}"),
            "a\\u{1b}[2K\\r\\n\\t\\u{9b}\\u{202e}\\u{200b}\\u{7f}"
        );
    }
}
