//! What a human reads: colours where they are wanted, text cut to columns, everything escaped first.

use crate::model::shown::escape;
use crate::world::{Stream, World};
use unicode_width::UnicodeWidthStr;

/// A style of a piece of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Bad,
    Bold,
    Dim,
    Good,
    Plain,
    Warn,
}

/// How wide the page is and whether it has colours.
#[derive(Debug, Clone, Copy)]
pub(super) struct Page {
    pub(super) columns: usize,
    colours: bool,
}

impl Page {
    /// The page of standard output.
    pub(super) fn of(world: &World) -> Self {
        Self {
            columns: world.columns().max(40),
            colours: world.wants_colours(Stream::Out),
        }
    }

    /// A text in a style. The text must have been escaped.
    pub(super) fn paint(self, style: Style, text: &str) -> String {
        let code = match style {
            _ if !self.colours || text.is_empty() => return text.to_owned(),
            Style::Plain => return text.to_owned(),
            Style::Bad => "31",
            Style::Bold => "1",
            Style::Dim => "2",
            Style::Good => "32",
            Style::Warn => "33",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

/// A user's text, escaped and cut to `columns`.
pub(super) fn fit(text: &str, columns: usize) -> String {
    let text = escape(text);
    if text.width() <= columns {
        return text.into_owned();
    }
    // measured as a whole: a selector or joiner changes the width of what stands before it
    let ends = text.char_indices().map(|(at, c)| at + c.len_utf8());
    let fits = |end: &usize| text.get(..*end).is_some_and(|head| head.width() < columns);
    let end = ends.take_while(fits).last().unwrap_or_default();
    let mut cut = text.get(..end).unwrap_or_default().to_owned();
    if columns > 0 {
        cut.push('…');
    }
    cut
}

/// Help text with every paragraph on one line, for the terminal's width to break; indented lines stay as they are.
pub(super) fn reflow(text: &str) -> String {
    let mut flowed = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        flowed.push_str(line);
        let free = |line: &str| !line.is_empty() && !line.starts_with(' ');
        // a colon ends the paragraph that it stands in, whatever follows
        let joined =
            free(line) && !line.ends_with(':') && lines.peek().is_some_and(|next| free(next));
        flowed.push(if joined { ' ' } else { '\n' });
    }
    flowed.truncate(flowed.trim_end().len());
    flowed
}

/// A length of time in three significant digits.
pub(super) fn duration(nanos: i64) -> String {
    let millis = nanos as f64 / 1e6;
    match millis {
        ..0.001 => "0".to_owned(),
        ..1.0 => format!("{:.0} µs", millis * 1e3),
        ..10.0 => format!("{millis:.2} ms"),
        ..100.0 => format!("{millis:.1} ms"),
        ..1_000.0 => format!("{millis:.0} ms"),
        ..10_000.0 => format!("{:.2} s", millis / 1e3),
        ..60_000.0 => format!("{:.1} s", millis / 1e3),
        ..3_600_000.0 => format!(
            "{:.0}m{:02.0}s",
            (millis / 60_000.0).floor(),
            (millis % 60_000.0 / 1e3).floor()
        ),
        _ => format!(
            "{:.0}h{:02.0}m",
            (millis / 3_600_000.0).floor(),
            (millis % 3_600_000.0 / 60_000.0).floor()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_by_columns_not_characters() {
        assert_eq!(fit("日本語のタイトル", 7), "日本語…");
        assert_eq!(fit("short", 5), "short");
        assert_eq!(fit("a\u{1b}[2K", 20), "a\\u{1b}[2K");
    }

    #[test]
    fn paragraphs_flow_and_examples_stand() {
        let text = "one\ntwo\n\nExamples:\n  a\n  b";
        assert_eq!(reflow(text), "one two\n\nExamples:\n  a\n  b");
    }

    #[test]
    fn paragraph_flows_up_to_its_colon() {
        let text = "Then the line\ngoes here:\n\n  a\nand there:\n  b\nc:\nd";
        let flowed = "Then the line goes here:\n\n  a\nand there:\n  b\nc:\nd";
        assert_eq!(reflow(text), flowed);
    }

    /// An indented line is an example or a row of a table: a terminal of 80 columns must not break it.
    #[test]
    fn indented_lines_of_help_are_short() {
        let mut commands = vec![super::super::tree()];
        let (mut seen, mut long) = (0, Vec::new());
        while let Some(command) = commands.pop() {
            commands.extend(command.get_subcommands().cloned());
            let help = command.get_after_help().map(ToString::to_string);
            for line in help.unwrap_or_default().lines() {
                seen += usize::from(line.starts_with(' '));
                if line.starts_with(' ') && line.width() > 78 {
                    long.push(format!("{}: {line}", command.get_name()));
                }
            }
        }
        assert!(seen > 50, "{seen}");
        assert_eq!(long, [""; 0]);
    }

    #[test]
    fn durations_have_three_digits() {
        let shown: Vec<String> = [
            0,
            45_000,
            1_234_000,
            12_345_000,
            310_000_000,
            1_240_000_000,
            75_000_000_000,
            3_700_000_000_000,
        ]
        .into_iter()
        .map(duration)
        .collect();
        assert_eq!(
            shown,
            [
                "0", "45 µs", "1.23 ms", "12.3 ms", "310 ms", "1.24 s", "1m15s", "1h01m"
            ]
        );
    }
}
