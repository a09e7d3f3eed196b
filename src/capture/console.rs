//! What `obs log` shows: the stream, the format, colours. Lines are never cut or broken: a terminal wraps them itself, and
//! a pipe gets them whole.

use super::Call;
use super::github;
use crate::model::shown::{escape, is_hostile, without_commands};
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
    let format = call.settings.log_format.as_str();
    let human = || pretty(log, world.wants_colours(stream)).into_bytes();
    let mut bytes = match format {
        "auto" if world.is_terminal(stream) && !world.is_in_github() => human(),
        "pretty" => human(),
        "logfmt" => logfmt(log).into_bytes(),
        _ => line.to_vec(),
    };
    if format == "github" || world.is_in_github() {
        bytes = without_commands(&bytes).into_owned();
    }
    let command = match format {
        "auto" if world.is_in_github() => github::annotation(log),
        "github" => github::command(log),
        _ => String::new(),
    };
    match format == "github" && !command.is_empty() {
        true => bytes = command.into_bytes(),
        false => bytes.extend_from_slice(command.as_bytes()),
    }
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
}
