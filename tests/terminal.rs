//! A terminal for tests: of any width, and what its text must never hold.

use crate::sandbox::{Outcome, Sandbox, outcome};
use unicode_width::UnicodeWidthStr;

/// Runs a command on a terminal of so many columns. Needs `script`.
pub(crate) fn on_terminal(sandbox: &Sandbox, columns: usize, command: &str) -> Outcome {
    let line = format!("stty cols {columns}; {command}");
    let mut script = sandbox.command("script");
    outcome(&script.args(["-qec", &line, "/dev/null"]).output().unwrap())
}

/// The text without colours and carriage returns at line ends.
pub(crate) fn plain(text: &str) -> String {
    let colours = regex::Regex::new("\u{1b}\\[[0-9]*m").unwrap();
    colours.replace_all(text, "").replace("\r\n", "\n")
}

/// Asserts that no line is wider than the page and that nothing but colours and line ends controls a terminal.
#[track_caller]
pub(crate) fn is_tame(text: &str, columns: usize) {
    for line in plain(text).lines() {
        assert!(
            line.width() <= columns,
            "{} columns: {line:?}",
            line.width()
        );
        let hostile = line.chars().find(|c| acts(*c));
        assert_eq!(hostile, None, "{line:?}");
    }
}

/// Characters that a terminal acts on or hides; joiners, which emoji and scripts need, are none.
fn acts(c: char) -> bool {
    let hidden = matches!(
        c,
        '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}'
    );
    let bidi = ('\u{2028}'..='\u{202e}').contains(&c) || ('\u{2060}'..='\u{206f}').contains(&c);
    c.is_control() || hidden || bidi
}
