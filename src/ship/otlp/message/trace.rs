//! Spans as OTLP spans. A span whose own ids are none is refused. A parent or a link that is no id is left out, the link
//! counted as dropped: a wrong `traceparent` restarts a trace in just this way (W3C Trace Context, processing model).

use super::origin::{Groups, OBS, Origin, ScopeName};
use super::value::{attributes, extend, text, whole, yes};
use super::{Built, nanos};
use crate::model::context::Flags;
use crate::model::ids::{SpanId, TraceId};
use crate::model::{Attributes, Kind, Notes, Record, Span, StatusCode};
use crate::ship::Stored;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::trace::v1 as otlp;
use otlp::span::SpanKind;
use std::collections::HashMap;

const HAS_IS_REMOTE: u32 = 0x100;
const IS_REMOTE: u32 = 0x200;

/// The processes of the spans of a load.
type Processes<'a> = HashMap<(&'a str, &'a str), (&'a str, Option<u32>)>;

/// Builds the request for spans; any other record is refused.
pub fn traces(records: &[Stored]) -> Built<ExportTraceServiceRequest> {
    let processes = processes(records);
    let mut groups = Groups::new();
    let mut refused = Vec::new();
    for (place, stored) in records.iter().enumerate() {
        let built = match &stored.record {
            Record::Span(span) => build(span, &processes).map(|built| (span, built)),
            Record::Event(_) | Record::Log(_) | Record::Metric(_) => Err("not a span".to_owned()),
        };
        match built {
            Ok((span, built)) => groups.push(origin(span), scope(span), built),
            Err(why) => refused.push((place, why)),
        }
    }
    let is_empty = groups.is_empty();
    let resource_spans = groups.build(
        |scope, spans| otlp::ScopeSpans {
            scope: Some(scope),
            spans,
            ..otlp::ScopeSpans::default()
        },
        |resource, scope_spans| otlp::ResourceSpans {
            resource: Some(resource),
            scope_spans,
            ..otlp::ResourceSpans::default()
        },
    );
    Built {
        request: (!is_empty).then_some(ExportTraceServiceRequest { resource_spans }),
        refused,
    }
}

fn processes(records: &[Stored]) -> Processes<'_> {
    let spans = records.iter().filter_map(|stored| match &stored.record {
        Record::Span(span) => Some(span),
        Record::Event(_) | Record::Log(_) | Record::Metric(_) => None,
    });
    let known = spans.map(|span| {
        (
            (span.trace_id.as_str(), span.span_id.as_str()),
            (span.host.as_str(), span.pid),
        )
    });
    known.collect()
}

fn origin(span: &Span) -> Origin<'_> {
    Origin {
        service: &span.service,
        version: "",
        host: &span.host,
        pid: span.pid,
        resource: &span.resource,
    }
}

fn scope(span: &Span) -> ScopeName<'_> {
    match span.scope.name.as_str() {
        "" => OBS,
        name => ScopeName(name, &span.scope.version),
    }
}

fn build(span: &Span, processes: &Processes<'_>) -> Result<otlp::Span, String> {
    let trace_id = TraceId::parse(&span.trace_id)
        .ok_or_else(|| format!("`{}` is no trace id", span.trace_id.escape_debug()))?;
    let span_id = SpanId::parse(&span.span_id)
        .ok_or_else(|| format!("`{}` is no span id", span.span_id.escape_debug()))?;
    let parent = SpanId::parse(&span.parent_span_id);
    let links: Vec<otlp::span::Link> = span.links.iter().filter_map(link).collect();
    Ok(otlp::Span {
        trace_id: trace_id.to_bytes().to_vec(),
        span_id: span_id.to_bytes().to_vec(),
        trace_state: span.trace_state.clone(),
        parent_span_id: parent.map(|id| id.to_bytes().to_vec()).unwrap_or_default(),
        flags: flags(span, parent.is_some(), processes),
        name: span.name.clone(),
        kind: kind(span.kind) as i32,
        start_time_unix_nano: nanos(span.timestamp),
        end_time_unix_nano: nanos(span.end.max(span.timestamp)),
        attributes: described(&span.attributes, &span.obs),
        // what a limit dropped is counted in one number, whether attributes, events or links
        dropped_attributes_count: count(span.obs.dropped),
        events: span.events.iter().map(event).collect(),
        dropped_events_count: 0,
        dropped_links_count: count((span.links.len() - links.len()) as u64),
        links,
        status: status(span),
    })
}

/// The W3C bits as recorded, and whether the parent is remote, as far as the load tells (OTLP, span flags). A root has no
/// parent, so it has no remote one. A parent in the same load is remote when its process or host is another. Of any other
/// parent nothing is said: a record does not keep how its context came in.
fn flags(span: &Span, has_parent: bool, processes: &Processes<'_>) -> u32 {
    let w3c = u32::from(Flags::parse(&span.trace_flags).unwrap_or_default().bits());
    if !has_parent {
        return w3c | HAS_IS_REMOTE;
    }
    let parent = processes.get(&(span.trace_id.as_str(), span.parent_span_id.as_str()));
    match parent {
        Some(process) if *process == (span.host.as_str(), span.pid) => w3c | HAS_IS_REMOTE,
        Some(_) => w3c | HAS_IS_REMOTE | IS_REMOTE,
        None => w3c,
    }
}

fn kind(kind: Kind) -> SpanKind {
    match kind {
        Kind::Client => SpanKind::Client,
        Kind::Consumer => SpanKind::Consumer,
        Kind::Internal => SpanKind::Internal,
        Kind::Producer => SpanKind::Producer,
        Kind::Server => SpanKind::Server,
    }
}

/// Unset is no status at all; a message goes only with an error (trace API, set status).
fn status(span: &Span) -> Option<otlp::Status> {
    use otlp::status::StatusCode as Code;
    let (code, message) = match span.status.code {
        StatusCode::Error => (Code::Error, span.status.message.clone()),
        StatusCode::Ok => (Code::Ok, String::new()),
        StatusCode::Unset => return None,
    };
    Some(otlp::Status {
        message,
        code: code as i32,
    })
}

fn event(event: &crate::model::SpanEvent) -> otlp::span::Event {
    otlp::span::Event {
        time_unix_nano: nanos(event.timestamp),
        name: event.name.clone(),
        attributes: attributes(&event.attributes),
        dropped_attributes_count: 0,
    }
}

fn link(link: &crate::model::Link) -> Option<otlp::span::Link> {
    Some(otlp::span::Link {
        trace_id: TraceId::parse(&link.trace_id)?.to_bytes().to_vec(),
        span_id: SpanId::parse(&link.span_id)?.to_bytes().to_vec(),
        trace_state: link.trace_state.clone(),
        attributes: attributes(&link.attributes),
        dropped_attributes_count: 0,
        flags: 0,
    })
}

/// The attributes of a record, behind what obs had to do to keep it.
fn described(given: &Attributes, notes: &Notes) -> Vec<KeyValue> {
    if notes.is_empty() {
        return attributes(given);
    }
    let mut own = noted(notes);
    extend(&mut own, given);
    own
}

/// What obs had to do to keep a record, as attributes; what was dropped has a field of its own.
pub(super) fn noted(notes: &Notes) -> Vec<KeyValue> {
    let mut own = Vec::new();
    own.extend(notes.truncated.map(|bytes| whole("obs.truncated", bytes)));
    own.extend(notes.lossy.then(|| yes("obs.lossy")));
    own.extend(notes.abandoned.then(|| yes("obs.abandoned")));
    if !notes.invalid.is_empty() {
        own.push(text("obs.invalid", &notes.invalid.join("\n")));
    }
    own
}

/// A number of dropped things in the 32 bits that OTLP has for it.
pub(super) fn count(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
