//! Records as comma-separated values by RFC 4180: a header, then a line each. What has a shape of its own (attributes,
//! data, labels) is one column of JSON.

use crate::model::{Attributes, Event, Log, Metric, Record, Signal, Span, time};
use serde::Serialize;

const EVENTS: &[&str] = &[
    "timestamp",
    "event_id",
    "event_type",
    "event_version",
    "source",
    "correlation_id",
    "causation_id",
    "trace_id",
    "span_id",
    "actor_type",
    "actor_id",
    "data",
];
const LOGS: &[&str] = &[
    "timestamp",
    "id",
    "level",
    "logger",
    "message",
    "service",
    "host",
    "pid",
    "module",
    "function",
    "line",
    "trace_id",
    "span_id",
    "context",
];
const METRICS: &[&str] = &[
    "timestamp",
    "id",
    "name",
    "type",
    "value",
    "unit",
    "service",
    "host",
    "trace_id",
    "span_id",
    "labels",
];
const SPANS: &[&str] = &[
    "timestamp",
    "end",
    "duration_ms",
    "name",
    "kind",
    "status_code",
    "status_message",
    "service",
    "host",
    "pid",
    "trace_id",
    "span_id",
    "parent_span_id",
    "attributes",
];

/// The names of the columns.
pub(super) fn header(signal: Signal) -> Vec<u8> {
    let names = match signal {
        Signal::Events => EVENTS,
        Signal::Logs => LOGS,
        Signal::Metrics => METRICS,
        Signal::Spans => SPANS,
    };
    line(names.iter().map(|name| (*name).to_owned()))
}

/// The line of a record.
pub(super) fn row(record: &Record) -> Vec<u8> {
    match record {
        Record::Event(event) => line(event_fields(event).into_iter()),
        Record::Log(log) => line(log_fields(log).into_iter()),
        Record::Metric(metric) => line(metric_fields(metric).into_iter()),
        Record::Span(span) => line(span_fields(span).into_iter()),
    }
}

fn event_fields(event: &Event) -> [String; EVENTS.len()] {
    let trace = event.trace_context.clone().unwrap_or_default();
    [
        time::micros_text(event.timestamp),
        event.event_id.clone(),
        event.event_type.clone(),
        event.event_version.clone(),
        event.source.clone(),
        event.correlation_id.clone(),
        event.causation_id.clone(),
        trace.trace_id,
        trace.span_id,
        event.actor.kind.clone(),
        event.actor.id.clone(),
        object(&event.data),
    ]
}

fn log_fields(log: &Log) -> [String; LOGS.len()] {
    [
        time::micros_text(log.timestamp),
        log.id.clone(),
        log.level.name().to_owned(),
        log.logger.clone(),
        log.message.clone(),
        log.service.clone(),
        log.host.clone(),
        number(log.pid),
        log.module.clone(),
        log.function.clone(),
        number(log.line),
        log.trace_id.clone(),
        log.span_id.clone(),
        object(&log.context),
    ]
}

fn metric_fields(metric: &Metric) -> [String; METRICS.len()] {
    [
        time::micros_text(metric.timestamp),
        metric.id.clone(),
        metric.name.clone(),
        word(&metric.kind),
        number(metric.value.as_ref()),
        metric.unit.clone(),
        metric.service.clone(),
        metric.host.clone(),
        metric.trace_id.clone(),
        metric.span_id.clone(),
        object(&metric.labels),
    ]
}

fn span_fields(span: &Span) -> [String; SPANS.len()] {
    [
        time::nanos_text(span.timestamp),
        time::nanos_text(span.end),
        number(span.duration_ms.as_ref()),
        span.name.clone(),
        word(&span.kind),
        word(&span.status.code),
        span.status.message.clone(),
        span.service.clone(),
        span.host.clone(),
        number(span.pid),
        span.trace_id.clone(),
        span.span_id.clone(),
        span.parent_span_id.clone(),
        object(&span.attributes),
    ]
}

fn number(value: Option<impl ToString>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

fn object(attributes: &Attributes) -> String {
    match attributes.is_empty() {
        true => String::new(),
        false => serde_json::to_string(attributes).unwrap_or_default(),
    }
}

fn word(value: &impl Serialize) -> String {
    let text = serde_json::to_value(value).unwrap_or_default();
    text.as_str().unwrap_or_default().to_owned()
}

fn line(fields: impl Iterator<Item = String>) -> Vec<u8> {
    let quoted = fields.map(|field| match field.contains(['"', ',', '\n', '\r']) {
        true => format!("\"{}\"", field.replace('"', "\"\"")),
        false => field,
    });
    let mut text = quoted.collect::<Vec<_>>().join(",");
    text.push_str("\r\n");
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_commas_and_lines_are_quoted() {
        let line = line(
            ["a", "b,c", "say \"x\"", "two\nlines", ""]
                .map(str::to_owned)
                .into_iter(),
        );
        assert_eq!(line, b"a,\"b,c\",\"say \"\"x\"\"\",\"two\nlines\",\r\n");
    }

    #[test]
    fn rows_have_the_columns_of_their_header() {
        for signal in Signal::ALL {
            let text = br#"{"timestamp":"2026-01-31T12:00:00Z","level":"INFO","id":"i","event_id":"e","event_type":"t","event_version":"1","name":"n","type":"counter","trace_id":"a","span_id":"b"}"#;
            let record = signal.read(text).unwrap();
            let columns = |line: Vec<u8>| line.iter().filter(|byte| **byte == b',').count();
            assert_eq!(columns(row(&record)), columns(header(signal)), "{signal:?}");
        }
    }
}
