//! What we record: ids, trace context, attributes, log, span, event, metric point. Pure data: no clock, no files,
//! no environment. The order of the fields of a record is the order of the keys in its line.

pub mod catalog;
pub mod context;
mod event;
pub mod ids;
pub mod json;
pub mod limits;
mod line;
mod log;
mod metric;
pub mod resource;
pub mod sampler;
pub mod shown;
mod signal;
mod span;
pub mod time;

pub use event::{Actor, Event, Metadata, TraceRef};
pub use line::to_line;
pub use log::{Level, Log};
pub use metric::{Metric, MetricType};
pub use signal::Signal;
pub use span::{Kind, Link, Scope, Span, SpanEvent, Status, StatusCode};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Typed attributes in the order they were given.
pub type Attributes = Map<String, Value>;

/// What had to be done to a record to keep it; the last key of its line, there only if something was.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notes {
    /// Bytes its line would have had without cutting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truncated: Option<u64>,
    /// Attributes dropped by a limit.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub dropped: u64,
    /// Bytes that were not UTF-8 became U+FFFD.
    #[serde(default, skip_serializing_if = "is_false")]
    pub lossy: bool,
    /// A span that its owner did not end.
    #[serde(default, skip_serializing_if = "is_false")]
    pub abandoned: bool,
    /// Input that was not what it had to be, as it was given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub invalid: Vec<String>,
}

impl Notes {
    /// True where nothing had to be done.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn is_false(flag: &bool) -> bool {
    !flag
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// One record of any signal.
#[derive(Debug, Clone)]
pub enum Record {
    /// A domain event.
    Event(Box<Event>),
    /// A log record.
    Log(Box<Log>),
    /// A metric point.
    Metric(Box<Metric>),
    /// A finished span.
    Span(Box<Span>),
}

impl Record {
    /// The record's line, newline included.
    pub fn line(&self) -> Vec<u8> {
        match self {
            Self::Event(event) => to_line(event),
            Self::Log(log) => to_line(log),
            Self::Metric(metric) => to_line(metric),
            Self::Span(span) => to_line(span),
        }
    }

    /// When it happened; a span's start.
    pub fn time(&self) -> i64 {
        match self {
            Self::Event(event) => event.timestamp,
            Self::Log(log) => log.timestamp,
            Self::Metric(metric) => metric.timestamp,
            Self::Span(span) => span.timestamp,
        }
    }

    /// The trace it belongs to; empty where there is none.
    pub fn trace_id(&self) -> &str {
        match self {
            Self::Event(event) => event
                .trace_context
                .as_ref()
                .map_or("", |context| &context.trace_id),
            Self::Log(log) => &log.trace_id,
            Self::Metric(metric) => &metric.trace_id,
            Self::Span(span) => &span.trace_id,
        }
    }

    /// The span it belongs to, or is; empty where there is none.
    pub fn span_id(&self) -> &str {
        match self {
            Self::Event(event) => event
                .trace_context
                .as_ref()
                .map_or("", |context| &context.span_id),
            Self::Log(log) => &log.span_id,
            Self::Metric(metric) => &metric.span_id,
            Self::Span(span) => &span.span_id,
        }
    }

    /// What tells it from every other record; a span is known by trace and span.
    pub fn identity(&self) -> String {
        match self {
            Self::Event(event) => event.event_id.clone(),
            Self::Log(log) => log.id.clone(),
            Self::Metric(metric) => metric.id.clone(),
            Self::Span(span) => format!("{}/{}", span.trace_id, span.span_id),
        }
    }

    /// What had to be done to the record.
    pub fn notes_mut(&mut self) -> &mut Notes {
        match self {
            Self::Event(event) => &mut event.obs,
            Self::Log(log) => &mut log.obs,
            Self::Metric(metric) => &mut metric.obs,
            Self::Span(span) => &mut span.obs,
        }
    }
}
