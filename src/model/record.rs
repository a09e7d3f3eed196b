//! One record of any signal: what all of them have in common.

use super::{Attributes, Event, Log, Metric, Notes, Span, to_line};

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

    /// Every text that a caller or its environment gave, outside of attributes.
    pub fn texts_mut(&mut self) -> Vec<&mut String> {
        let mut texts = match self {
            Self::Event(event) => event.texts_mut(),
            Self::Log(log) => log.texts_mut(),
            Self::Metric(metric) => metric.texts_mut(),
            Self::Span(span) => span.texts_mut(),
        };
        texts.retain(|text| !text.is_empty());
        texts
    }

    /// Every set of attributes, the record's own first.
    pub fn attributes_mut(&mut self) -> Vec<&mut Attributes> {
        match self {
            Self::Event(event) => vec![&mut event.data, &mut event.resource],
            Self::Log(log) => vec![&mut log.context, &mut log.resource],
            Self::Metric(metric) => vec![&mut metric.labels, &mut metric.resource],
            Self::Span(span) => {
                let events = span.events.iter_mut().map(|event| &mut event.attributes);
                let links = span.links.iter_mut().map(|link| &mut link.attributes);
                [&mut span.attributes, &mut span.resource]
                    .into_iter()
                    .chain(events)
                    .chain(links)
                    .collect()
            }
        }
    }
}
