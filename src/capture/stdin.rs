//! `obs log --stdin`: a record of every line, as it comes. With `--json` each line is a log object as the seed design's
//! Python formatter writes it.

use super::Call;
use super::attributes::lossy;
use super::log::{Template, threshold};
use super::words::STDIN0;
use crate::error::Error;
use crate::model::ids::{SpanId, TraceId};
use crate::model::{Attributes, Level, Log, json, time};
use crate::redact;
use crate::world::World;
use serde_json::Value;
use std::borrow::Cow;
use std::ffi::OsString;
use std::io::{BufRead, Read};
use std::os::unix::ffi::OsStringExt;

/// Most bytes kept of one line; the rest is read and counted.
const MOST: usize = 1 << 20;

/// Most bytes of words that come through standard input.
const MOST_WORDS: u64 = 64 << 20;

/// The words of a command, those of standard input among them where the first word says that they come through it; and
/// whether some were left out, because there is an end to what is read.
pub(super) fn further<'a>(args: &'a [OsString], world: &World) -> (Cow<'a, [OsString]>, bool) {
    let [first, rest @ ..] = args else {
        return (Cow::Borrowed(args), false);
    };
    if first != STDIN0 {
        return (Cow::Borrowed(args), false);
    }
    let mut bytes = Vec::new();
    // what could be read until it broke is all there is
    let _ = world.stdin().take(MOST_WORDS).read_to_end(&mut bytes);
    let is_cut = bytes.len() as u64 == MOST_WORDS;
    let bytes = bytes.strip_suffix(b"\0").unwrap_or(&bytes);
    let words = bytes.split(|byte| *byte == 0);
    let words = words.map(|word| OsString::from_vec(word.to_vec()));
    (
        Cow::Owned(rest.iter().cloned().chain(words).collect()),
        is_cut,
    )
}

/// Reads everything and records nothing, so that the writer of the pipe does not die of it.
pub(super) fn discard(call: &Call<'_>) {
    let mut input = call.world.stdin();
    while line(&mut input).is_some() {}
}

/// Records every line; the error is that of the last record that was not accepted.
pub(super) fn run(call: &Call<'_>, template: &Template, objects: bool) -> Result<(), Error> {
    let mut input = call.world.stdin();
    let mut worst = Ok(());
    let mut key = redact::Key::default();
    while let Some((bytes, length)) = line(&mut input) {
        let mut log = template.log.clone();
        if length > bytes.len() as u64 {
            log.obs.truncated = Some(length);
        }
        if template.log.timestamp == call.now {
            log.timestamp = call.world.now();
        }
        let mut text = lossy(&bytes, &mut log.obs);
        if log.obs.truncated.is_some() {
            // what stands at the cut may be half a secret, which is not known for one
            let near = text.len().saturating_sub(4096);
            let ends = text.char_indices().rev().take_while(|(at, _)| *at >= near);
            let blank = ends.clone().find(|(_, c)| c.is_whitespace());
            let whole = blank.or_else(|| ends.last()).map_or(0, |(at, _)| at);
            text.truncate(whole);
        }
        if key.goes_through(&text) {
            text = "[REDACTED:pem]".to_owned();
        }
        let object = objects.then(|| json::parse_object(&text));
        match object {
            Some(Ok(object)) => adopt(&mut log, object),
            _ => log.message = text,
        }
        if log.level < threshold(call) {
            continue;
        }
        worst = match template.record(call, log) {
            Ok(()) => worst,
            failed => failed,
        };
    }
    worst
}

/// The next line without its end, cut, and its whole length.
fn line(input: &mut dyn BufRead) -> Option<(Vec<u8>, u64)> {
    let mut kept = Vec::new();
    let mut length = 0_u64;
    loop {
        let available = match input.fill_buf() {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(_) => &[],
        };
        if available.is_empty() {
            return (length > 0).then_some((kept, length));
        }
        let end = memchr::memchr(b'\n', available);
        let taken = end.map_or(available.len(), |at| at + 1);
        let body = available.get(..end.unwrap_or(taken)).unwrap_or_default();
        let room = MOST.saturating_sub(kept.len()).min(body.len());
        kept.extend_from_slice(body.get(..room).unwrap_or_default());
        length += body.len() as u64;
        input.consume(taken);
        if end.is_some() {
            if kept.last() == Some(&b'\r') {
                kept.pop();
                length -= 1;
            }
            return Some((kept, length));
        }
    }
}

/// Takes over what a log object says; what we do not know goes to the context, what is wrong is noted.
fn adopt(log: &mut Log, object: Attributes) {
    for (key, value) in object {
        if let Err(mut value) = adopt_one(log, &key, value) {
            // as a value, before it becomes text in which quotes and line ends are escaped
            redact::value(&key, &mut value);
            match (key.as_str(), value) {
                ("context" | "extra", Value::Object(context)) => log.context.extend(context),
                ("message" | "msg", other) => log.message = plain(&other),
                (
                    "timestamp" | "time" | "level" | "trace_id" | "span_id" | "line" | "lineno"
                    | "duration_ms",
                    other,
                ) => log.obs.invalid.push(format!("{key}={}", plain(&other))),
                (_, other) => {
                    log.context.insert(key, other);
                }
            }
        }
    }
}

/// Takes one member that is as it must be; gives it back otherwise.
fn adopt_one(log: &mut Log, key: &str, value: Value) -> Result<(), Value> {
    let text = match &value {
        Value::String(text) => text.as_str(),
        Value::Number(number) => match key {
            "line" | "lineno" => {
                log.line = number.as_u64();
                return if log.line.is_some() {
                    Ok(())
                } else {
                    Err(value)
                };
            }
            "duration_ms" => {
                log.duration_ms = Some(number.clone());
                return Ok(());
            }
            "timestamp" | "time" => {
                log.timestamp = time::parse(&number.to_string()).ok_or(value)?;
                return Ok(());
            }
            _ => return Err(value),
        },
        _ => return Err(value),
    };
    let target = match key {
        "timestamp" | "time" => {
            log.timestamp = time::parse(text).ok_or(value)?;
            return Ok(());
        }
        "level" | "levelname" => {
            log.level = Level::parse(text).ok_or(value)?;
            return Ok(());
        }
        "trace_id" => {
            log.trace_id = TraceId::parse(text).ok_or(value)?.to_string();
            return Ok(());
        }
        "span_id" => {
            log.span_id = SpanId::parse(text).ok_or(value)?.to_string();
            return Ok(());
        }
        "message" | "msg" => &mut log.message,
        "logger" | "name" => &mut log.logger,
        "module" => &mut log.module,
        "function" | "funcName" => &mut log.function,
        "exception" | "exc_info" => &mut log.exception,
        "status" => &mut log.status,
        _ => return Err(value),
    };
    text.clone_into(target);
    Ok(())
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn python_formatter_is_taken_over() {
        let mut log = Log::default();
        let object = json::parse_object(
            r#"{"timestamp":"2025-12-04T10:15:30.123456Z","level":"ERROR","logger":"specify_cli.backlog","message":"m",
                "module":"backlog","function":"load","line":12,"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736",
                "span_id":"00f067aa0ba902b7","context":{"task_id":"task-999"},"exception":"Traceback","user":"jo"}"#,
        );
        adopt(&mut log, object.unwrap());
        assert_eq!(
            (log.level, log.line, log.function.as_str()),
            (Level::Error, Some(12), "load")
        );
        assert_eq!(log.trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(log.timestamp, 1_764_843_330_123_456_000);
        assert_eq!(
            (log.exception.as_str(), log.logger.as_str()),
            ("Traceback", "specify_cli.backlog")
        );
        assert_eq!(
            Value::Object(log.context).to_string(),
            r#"{"task_id":"task-999","user":"jo"}"#
        );
    }

    #[test]
    fn wrong_members_are_noted_not_lost() {
        let mut log = Log::default();
        let object = json::parse_object(
            r#"{"level":"LOUD","time":"soon","trace_id":"xyz","message":7,"line":-1}"#,
        );
        adopt(&mut log, object.unwrap());
        assert_eq!(log.message, "7");
        assert_eq!(
            log.obs.invalid,
            ["level=LOUD", "time=soon", "trace_id=xyz", "line=-1"]
        );
    }

    #[test]
    fn lines_are_cut_and_counted() {
        let text = [
            b"a\r\n\n".to_vec(),
            vec![b'x'; MOST + 5],
            b"\nlast".to_vec(),
        ]
        .concat();
        let mut input = std::io::Cursor::new(text);
        assert_eq!(line(&mut input), Some((b"a".to_vec(), 1)));
        assert_eq!(line(&mut input), Some((Vec::new(), 0)));
        let (kept, length) = line(&mut input).unwrap();
        assert_eq!((kept.len(), length), (MOST, MOST as u64 + 5));
        assert_eq!(line(&mut input), Some((b"last".to_vec(), 4)));
        assert_eq!(line(&mut input), None);
    }
}
