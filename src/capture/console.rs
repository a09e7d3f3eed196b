//! What `obs log` shows: the stream, the format, colours, GitHub's workflow annotations.

use super::Call;
use crate::model::shown::{escape, is_hostile};
use crate::model::{Level, Log};
use crate::world::Stream;
use serde_json::Value;
use std::fmt::Write;

/// Shows a record the way the script would have; nobody listening is no error.
pub(super) fn show(call: &Call<'_>, log: &Log, line: &[u8]) {
    let stream = match call.settings.log_stream.as_str() {
        "off" => return,
        "stdout" => Stream::Out,
        "stderr" => Stream::Err,
        _ if log.level >= Level::Error => Stream::Err,
        _ => Stream::Out,
    };
    let world = call.world;
    let terminal = world.is_terminal(stream);
    let github = world.var("GITHUB_ACTIONS") == Some("true");
    let bytes = match call.settings.log_format.as_str() {
        "auto" if github => [line, annotation(log).as_bytes()].concat(),
        "auto" if terminal => pretty(log, world.wants_colours(stream)).into_bytes(),
        "pretty" => pretty(log, world.wants_colours(stream)).into_bytes(),
        "logfmt" => logfmt(log).into_bytes(),
        "github" => match annotation(log) {
            none if none.is_empty() => line.to_vec(),
            annotation => annotation.into_bytes(),
        },
        _ => line.to_vec(),
    };
    let _ = world.write(stream, &bytes);
}

fn pretty(log: &Log, coloured: bool) -> String {
    let (colour, dim, plain) = match (coloured, log.level) {
        (false, _) => ("", "", ""),
        (true, Level::Debug) => ("\x1b[2m", "\x1b[2m", "\x1b[0m"),
        (true, Level::Info) => ("\x1b[32m", "\x1b[2m", "\x1b[0m"),
        (true, Level::Warning) => ("\x1b[33m", "\x1b[2m", "\x1b[0m"),
        (true, Level::Error | Level::Critical) => ("\x1b[31m", "\x1b[2m", "\x1b[0m"),
    };
    let stamp = crate::model::time::micros_text(log.timestamp);
    let clock = stamp.get(11..23).unwrap_or(&stamp);
    let mut text = format!(
        "{dim}{clock}Z{plain} {colour}{:<8}{plain} {}",
        log.level.name(),
        escape(&log.message)
    );
    for (key, value) in &log.context {
        let _ = write!(
            text,
            " {dim}{}={plain}{}",
            escape(key),
            escape(&short(value))
        );
    }
    text.push('\n');
    for line in log.exception.lines() {
        let _ = writeln!(text, "    {}", escape(line));
    }
    text
}

fn short(value: &Value) -> String {
    match value {
        Value::String(text) if !text.is_empty() && !text.contains([' ', '"']) => text.clone(),
        other => other.to_string(),
    }
}

/// One line of `key=value`, as Go's and Heroku's logfmt readers take it.
fn logfmt(log: &Log) -> String {
    let mut text = format!(
        "ts={} level={} msg={}",
        crate::model::time::micros_text(log.timestamp),
        log.level.name().to_ascii_lowercase(),
        quoted(&log.message)
    );
    for (key, value) in [
        ("logger", &log.logger),
        ("trace_id", &log.trace_id),
        ("span_id", &log.span_id),
    ] {
        if !value.is_empty() {
            let _ = write!(text, " {key}={}", quoted(value));
        }
    }
    for (key, value) in &log.context {
        let key: String = key
            .chars()
            .map(|c| {
                if c.is_whitespace() || matches!(c, '=' | '"') || is_hostile(c) {
                    '_'
                } else {
                    c
                }
            })
            .collect();
        let value = match value {
            Value::String(text) => quoted(text),
            other => quoted(&other.to_string()),
        };
        let _ = write!(text, " {key}={value}");
    }
    text.push('\n');
    text
}

fn quoted(text: &str) -> String {
    let shown = escape(text);
    let plain = !shown.is_empty() && !shown.contains([' ', '"', '=', '\\']);
    match plain {
        true => shown.into_owned(),
        false => format!("\"{}\"", text.chars().map(inner).collect::<String>()),
    }
}

fn inner(c: char) -> String {
    match c {
        '"' | '\\' => format!("\\{c}"),
        c => escape(c.encode_utf8(&mut [0; 4])).into_owned(),
    }
}

/// The workflow command that makes an annotation of a warning or an error; empty for other levels.
fn annotation(log: &Log) -> String {
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
    format!(
        "::{command} {}::{}\n",
        properties.join(","),
        data(&log.message)
    )
}

/// Escapes by the rules of actions/toolkit, `packages/core/src/command.ts`, escapeData; other controls as for a screen.
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

/// The same file's escapeProperty.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn sample() -> Log {
        Log {
            timestamp: 1_764_843_330_123_456_000,
            level: Level::Error,
            logger: "bash.x.sh".to_owned(),
            message: "a\u{1b}[2K b\nc: 100%, \"q\"".to_owned(),
            context: json!({"n": 1, "s": "two words", "p": "x"})
                .as_object()
                .unwrap()
                .clone(),
            module: "dir/x,y.sh".to_owned(),
            line: Some(7),
            ..Log::default()
        }
    }

    #[test]
    fn pretty_is_one_safe_line() {
        assert_eq!(
            pretty(&sample(), false),
            "10:15:30.123Z ERROR    a\\u{1b}[2K b\\nc: 100%, \"q\" n=1 s=\"two words\" p=x\n"
        );
        assert!(pretty(&sample(), true).contains("\x1b[31mERROR   \x1b[0m a\\u{1b}"));
    }

    #[test]
    fn logfmt_is_one_line_of_pairs() {
        assert_eq!(
            logfmt(&sample()),
            "ts=2025-12-04T10:15:30.123456Z level=error msg=\"a\\u{1b}[2K b\\nc: 100%, \\\"q\\\"\" logger=bash.x.sh n=1 s=\"two words\" p=x\n"
        );
    }

    #[test]
    fn annotation_is_escaped_by_the_toolkit_rules() {
        assert_eq!(
            annotation(&sample()),
            "::error file=dir/x%2Cy.sh,line=7,title=bash.x.sh::a\\u{1b}[2K b%0Ac: 100%25, \"q\"\n"
        );
        assert_eq!(annotation(&Log::default()), "");
    }
}
