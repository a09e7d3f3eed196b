//! The workflow commands of GitHub Actions: annotations, debug lines, groups. Rules: actions/toolkit,
//! `packages/core/src/command.ts`, which escapes, and actions/runner, `src/Runner.Common/ActionCommand.cs`, which reads
//! both streams of a step.

use super::{Call, span_shell};
use crate::model::shown::escape;
use crate::model::{Level, Log};
use crate::redact;
use crate::world::Stream;

/// The command of a record in the format `github`; empty for a level that has none.
pub(super) fn command(log: &Log) -> String {
    match log.level {
        Level::Debug => format!("::debug::{}\n", data(&log.message)),
        _ => annotation(log),
    }
}

/// The command that makes an annotation of a warning or an error; empty for other levels.
pub(super) fn annotation(log: &Log) -> String {
    let command = match log.level {
        Level::Debug | Level::Info => return String::new(),
        Level::Warning => "warning",
        Level::Error | Level::Critical => "error",
    };
    let mut properties = Vec::new();
    if !log.module.is_empty() {
        properties.push(format!("file={}", property(&log.module)));
    }
    if let Some(line) = log.line {
        properties.push(format!("line={line}"));
    }
    if !log.logger.is_empty() {
        properties.push(format!("title={}", property(&log.logger)));
    }
    let space = if properties.is_empty() { "" } else { " " };
    format!(
        "::{command}{space}{}::{}\n",
        properties.join(","),
        data(&log.message)
    )
}

/// Opens a group at the start of an outermost span. GitHub has no groups inside groups.
pub(super) fn open_group(call: &Call<'_>, name: &str) {
    if groups(call) && span_shell::depth(call.world) == 0 {
        let text = format!("::group::{}\n", data(&redact::text(name)));
        let _ = call.world.write(Stream::Err, text.as_bytes());
    }
}

/// Closes the group at the end of the span that opened it.
pub(super) fn close_group(call: &Call<'_>) {
    if groups(call) && span_shell::depth(call.world) == 1 {
        let _ = call.world.write(Stream::Err, b"::endgroup::\n");
    }
}

/// Groups are asked for, and shown where annotations are.
fn groups(call: &Call<'_>) -> bool {
    let settings = call.settings;
    let shown = matches!(settings.log_format.as_str(), "auto" | "github");
    settings.log_groups && shown && settings.log_stream != "off" && call.world.is_in_github()
}

/// The toolkit's escapeData; other controls as for a screen.
fn data(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '%' => "%25".to_owned(),
            '\r' => "%0D".to_owned(),
            '\n' => "%0A".to_owned(),
            c => escape(c.encode_utf8(&mut [0; 4])).into_owned(),
        })
        .collect()
}

/// The toolkit's escapeProperty.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How the runner reads a command of the newer form: its name, its properties as they stand, its data unescaped in
    /// the runner's order (`UnescapeData`).
    fn read(line: &str) -> Option<(String, String, String)> {
        let (info, data) = line.trim_start().strip_prefix("::")?.split_once("::")?;
        let (name, properties) = info.split_once(' ').unwrap_or((info, ""));
        let data = data.replace("%0D", "\r").replace("%0A", "\n");
        Some((
            name.to_owned(),
            properties.to_owned(),
            data.replace("%25", "%"),
        ))
    }

    #[test]
    fn data_and_properties_are_escaped_by_the_toolkit_rules() {
        for (text, as_data, as_property) in [
            ("plain", "plain", "plain"),
            ("100%", "100%25", "100%25"),
            ("%0A", "%250A", "%250A"),
            ("a\r\nb", "a%0D%0Ab", "a%0D%0Ab"),
            ("a:b,c", "a:b,c", "a%3Ab%2Cc"),
            ("::error::x", "::error::x", "%3A%3Aerror%3A%3Ax"),
            ("a;b]c", "a;b]c", "a;b]c"),
            ("é ✓", "é ✓", "é ✓"),
            ("\u{1b}[2K", "\\u{1b}[2K", "\\u{1b}[2K"),
            ("", "", ""),
        ] {
            assert_eq!(data(text), as_data);
            assert_eq!(property(text), as_property);
        }
    }

    #[test]
    fn runner_reads_back_what_was_said() {
        for message in [
            "50% of\r\nall: a, b",
            "%25 %0A",
            "::set-output name=a::b",
            "##[error]x",
        ] {
            let log = Log {
                level: Level::Error,
                message: message.to_owned(),
                module: "a,b:c.sh".to_owned(),
                line: Some(3),
                ..Log::default()
            };
            let line = annotation(&log);
            assert_eq!(line.matches('\n').count(), 1);
            let (name, properties, data) = read(line.trim_end()).unwrap();
            assert_eq!((name.as_str(), data.as_str()), ("error", message));
            assert_eq!(properties, "file=a%2Cb%3Ac.sh,line=3");
        }
    }

    #[test]
    fn only_debug_warning_and_error_are_commands() {
        let of = |level| {
            let message = "m".to_owned();
            command(&Log {
                level,
                message,
                ..Log::default()
            })
        };
        assert_eq!(of(Level::Debug), "::debug::m\n");
        assert_eq!(of(Level::Info), "");
        assert_eq!(of(Level::Warning), "::warning::m\n");
        assert_eq!(of(Level::Critical), "::error::m\n");
    }
}
