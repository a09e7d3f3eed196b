//! Logs and events as OTLP log records. Keys of ours cannot be taken by `context` or `data`. Nothing is refused for ids that
//! are none: they are left out, and a span id without a trace id too. The observed time is the time itself: obs collects
//! where it happens.

use super::origin::{Groups, OBS, Origin, ScopeName};
use super::trace::{count, noted};
use super::value::{body, extend, number, text, whole};
use super::{Built, nanos};
use crate::model::ids::{SpanId, TraceId};
use crate::model::{Event, Level, Log, Record};
use crate::ship::Stored;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs, SeverityNumber};

/// Builds the request for logs and events; any other record is refused.
pub fn logs(records: &[Stored]) -> Built<ExportLogsServiceRequest> {
    let mut groups = Groups::new();
    let mut refused = Vec::new();
    for (place, stored) in records.iter().enumerate() {
        match &stored.record {
            Record::Log(log) => groups.push(log_origin(log), log_scope(log), of_log(log)),
            Record::Event(event) => groups.push(event_origin(event), OBS, of_event(event)),
            Record::Metric(_) | Record::Span(_) => {
                refused.push((place, "neither a log nor an event".to_owned()));
            }
        }
    }
    let is_empty = groups.is_empty();
    let resource_logs = groups.build(
        |scope, log_records| ScopeLogs {
            scope: Some(scope),
            log_records,
            ..ScopeLogs::default()
        },
        |resource, scope_logs| ResourceLogs {
            resource: Some(resource),
            scope_logs,
            ..ResourceLogs::default()
        },
    );
    Built {
        request: (!is_empty).then_some(ExportLogsServiceRequest { resource_logs }),
        refused,
    }
}

fn log_origin(log: &Log) -> Origin<'_> {
    Origin {
        service: &log.service,
        version: "",
        host: &log.host,
        pid: log.pid,
        resource: &log.resource,
    }
}

fn log_scope(log: &Log) -> ScopeName<'_> {
    match log.logger.as_str() {
        "" => OBS,
        // the version of the logger is not known
        name => ScopeName(name, ""),
    }
}

fn event_origin(event: &Event) -> Origin<'_> {
    Origin {
        service: &event.source,
        version: &event.source_version,
        host: &event.actor.host,
        pid: None,
        resource: &event.resource,
    }
}

/// The level's number and word, the message as the body, `context` as attributes behind `log.record.uid` (duplicates may be
/// removed by it), `code.*`, `exception.*`, `obs.status` and `obs.duration_ms`. The logger is the scope (logs data model,
/// instrumentation scope). The record does not keep W3C flags, so they are 0.
fn of_log(log: &Log) -> LogRecord {
    let (trace_id, span_id) = ids(&log.trace_id, &log.span_id);
    let mut attributes = log_attributes(log);
    extend(&mut attributes, &log.context);
    LogRecord {
        time_unix_nano: nanos(log.timestamp),
        observed_time_unix_nano: nanos(log.timestamp),
        severity_number: severity(log.level) as i32,
        severity_text: log.level.name().to_owned(),
        body: Some(body(&log.message)),
        attributes,
        dropped_attributes_count: count(log.obs.dropped),
        trace_id,
        span_id,
        ..LogRecord::default()
    }
}

fn log_attributes(log: &Log) -> Vec<KeyValue> {
    let mut own = Vec::with_capacity(log.context.len() + 5);
    own.extend(given("log.record.uid", &log.id));
    own.extend(given("code.file.path", &log.module));
    own.extend(given("code.function.name", &log.function));
    own.extend(log.line.map(|line| whole("code.line.number", line)));
    exception(&mut own, &log.exception);
    own.extend(given("obs.status", &log.status));
    let duration = log.duration_ms.as_ref();
    own.extend(duration.map(|millis| number("obs.duration_ms", millis)));
    own.extend(noted(&log.obs));
    own
}

/// One line is a message. More are a stack trace; its message is the first line, or the last of a Python traceback.
fn exception(own: &mut Vec<KeyValue>, exception: &str) {
    let mut lines = exception.lines().filter(|line| !line.trim().is_empty());
    let Some(first) = lines.next() else {
        return;
    };
    let last = lines.next_back();
    let message = match last {
        Some(last) if first.starts_with("Traceback ") => last,
        _ => first,
    };
    own.push(text("exception.message", message.trim()));
    if last.is_some() {
        own.push(text("exception.stacktrace", exception));
    }
}

/// As the semantic conventions for events ask: a name, a severity (INFO), no body, and the details as attributes. `data`
/// stands under its own keys, the envelope as `log.record.uid` (the event's id), `obs.event.*`, `obs.actor.*`, `vcs.*` and
/// `process.working_directory`; source and version are the resource's.
fn of_event(event: &Event) -> LogRecord {
    let context = event.trace_context.as_ref();
    let (trace_id, span_id) = context
        .map(|context| ids(&context.trace_id, &context.span_id))
        .unwrap_or_default();
    let mut attributes = envelope(event);
    extend(&mut attributes, &event.data);
    LogRecord {
        time_unix_nano: nanos(event.timestamp),
        observed_time_unix_nano: nanos(event.timestamp),
        severity_number: SeverityNumber::Info as i32,
        attributes,
        dropped_attributes_count: count(event.obs.dropped),
        trace_id,
        span_id,
        event_name: event.event_type.clone(),
        ..LogRecord::default()
    }
}

fn envelope(event: &Event) -> Vec<KeyValue> {
    let (actor, metadata) = (&event.actor, &event.metadata);
    let keys = [
        ("log.record.uid", &event.event_id),
        ("obs.event.version", &event.event_version),
        ("obs.event.correlation_id", &event.correlation_id),
        ("obs.event.causation_id", &event.causation_id),
        ("obs.event.origin", &metadata.origin),
        ("obs.actor.type", &actor.kind),
        ("obs.actor.id", &actor.id),
        ("vcs.repository.name", &metadata.repository),
        ("vcs.ref.head.name", &metadata.git_branch),
        ("vcs.ref.head.revision", &metadata.git_commit),
        ("process.working_directory", &metadata.working_directory),
    ];
    let mut own = Vec::with_capacity(keys.len() + event.data.len());
    own.extend(keys.iter().filter_map(|(key, value)| given(key, value)));
    own.extend(noted(&event.obs));
    own
}

fn given(key: &str, value: &str) -> Option<KeyValue> {
    (!value.is_empty()).then(|| text(key, value))
}

fn ids(trace_id: &str, span_id: &str) -> (Vec<u8>, Vec<u8>) {
    let Some(trace_id) = TraceId::parse(trace_id) else {
        return (Vec::new(), Vec::new());
    };
    let span_id = SpanId::parse(span_id).map(|id| id.to_bytes().to_vec());
    (trace_id.to_bytes().to_vec(), span_id.unwrap_or_default())
}

/// The lowest number of the range that the level names (logs data model, severity fields).
fn severity(level: Level) -> SeverityNumber {
    match level {
        Level::Debug => SeverityNumber::Debug,
        Level::Info => SeverityNumber::Info,
        Level::Warning => SeverityNumber::Warn,
        Level::Error => SeverityNumber::Error,
        Level::Critical => SeverityNumber::Fatal,
    }
}
