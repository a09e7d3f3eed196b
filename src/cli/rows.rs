//! A record in one row of text, for lists and for the tree of a trace.

use super::page::Style;
use crate::model::{Attributes, Level, Metric, MetricType, Record, StatusCode};
use serde_json::Value;
use std::fmt::Write;

/// A row: a mark, what it says in short, and the attributes behind it. Not escaped yet.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) mark: String,
    pub(super) style: Style,
    pub(super) text: String,
    pub(super) attributes: String,
}

/// The row of a record.
pub(super) fn row(record: &Record) -> Row {
    match record {
        Record::Log(log) => Row {
            mark: log.level.name().to_owned(),
            style: level_style(log.level),
            text: log.message.clone(),
            attributes: pairs(&log.context),
        },
        Record::Event(event) => Row {
            mark: "event".to_owned(),
            style: Style::Bold,
            text: event.event_type.clone(),
            attributes: pairs(&event.data),
        },
        Record::Metric(metric) => Row {
            mark: "metric".to_owned(),
            style: Style::Plain,
            text: point(metric),
            attributes: pairs(&metric.labels),
        },
        Record::Span(span) => {
            let failed = span.status.code == StatusCode::Error;
            Row {
                mark: "span".to_owned(),
                style: if failed { Style::Bad } else { Style::Plain },
                text: match (failed, span.status.message.as_str()) {
                    (true, "") => format!("{} ✗", span.name),
                    (true, message) => format!("{} ✗ {message}", span.name),
                    (false, _) => span.name.clone(),
                },
                attributes: told(&span.attributes),
            }
        }
    }
}

/// A span's attributes without those that its status says already; of a command first its words, and of what it was and
/// used only that it is known.
fn told(attributes: &Attributes) -> String {
    let words = attributes
        .get("process.command_args")
        .and_then(Value::as_array);
    let said = |key: &str| match words {
        Some(_) => {
            key.starts_with("process.") && key != "process.output.tail" || key == "error.type"
        }
        None => matches!(key, "process.exit.code" | "error.type"),
    };
    let rest = attributes.iter().filter(|(key, _)| !said(key));
    let rest = rest
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let words = words
        .into_iter()
        .flatten()
        .skip(1)
        .filter_map(Value::as_str);
    let words: Vec<String> = words.map(spelled).collect();
    let parts = [words.join(" "), pairs(&rest)];
    let parts = parts.into_iter().filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join(" ")
}

/// A word of a command line as one would type it.
fn spelled(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./=:,@%+".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

/// The colour of a level.
fn level_style(level: Level) -> Style {
    match level {
        Level::Debug => Style::Dim,
        Level::Info => Style::Good,
        Level::Warning => Style::Warn,
        Level::Error | Level::Critical => Style::Bad,
    }
}

fn point(metric: &Metric) -> String {
    let value = metric
        .value
        .as_ref()
        .map_or_else(|| "?".to_owned(), ToString::to_string);
    let unit = match metric.unit.as_str() {
        "" => String::new(),
        unit => format!(" {unit}"),
    };
    match metric.kind {
        MetricType::Counter => format!("{} +{value}{unit}", metric.name),
        MetricType::Gauge => format!("{} = {value}{unit}", metric.name),
        MetricType::Histogram => format!("{} ~ {value}{unit}", metric.name),
    }
}

/// Attributes as `key=value`, values in JSON where they need it.
pub(super) fn pairs(attributes: &Attributes) -> String {
    let mut text = String::new();
    for (key, value) in attributes {
        let space = if text.is_empty() { "" } else { " " };
        let _ = match value {
            Value::String(plain) if !plain.is_empty() && !plain.contains([' ', '"']) => {
                write!(text, "{space}{key}={plain}")
            }
            other => write!(text, "{space}{key}={other}"),
        };
    }
    text
}
