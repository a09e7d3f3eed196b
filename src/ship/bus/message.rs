//! A record as a message of a bus. Events go as CloudEvents (structured or binary), as CDEvents, or as their journal line;
//! records of other signals always as their line.

use crate::error::Error;
use crate::model::Record;
use crate::model::context::Flags;
use crate::settings::SinkSettings;
use crate::ship::cloudevents::{self, CloudEvent};
use crate::ship::{Stored, cdevents};

const JSON: &str = "application/json";

/// In which form events go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ship) enum Wire {
    /// As CDEvents, over CloudEvents; true: attributes in headers.
    Cdevents(bool),
    /// As CloudEvents; true: attributes in headers.
    Cloudevents(bool),
    /// As they are journalled.
    Line,
}

/// A record on its way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::ship) struct Message {
    /// What tells it from every other; the bus or the receiver drops what it has seen.
    pub(in crate::ship) id: String,
    /// What belongs together in order.
    pub(in crate::ship) key: String,
    /// Media type of the body.
    pub(in crate::ship) content_type: &'static str,
    /// CloudEvents attributes that go as headers, by their plain names and as they are.
    pub(in crate::ship) attributes: Vec<(String, String)>,
    /// W3C trace context; empty where there is none.
    pub(in crate::ship) traceparent: String,
    /// What is sent.
    pub(in crate::ship) body: Vec<u8>,
}

impl Wire {
    /// What `format` and `mode` say.
    pub(in crate::ship) fn read(settings: &SinkSettings) -> Result<Self, Error> {
        let is_binary = settings.text("mode") == Some("binary");
        match settings.text("format") {
            None | Some("cloudevents") => Ok(Self::Cloudevents(is_binary)),
            Some("cdevents") => Ok(Self::Cdevents(is_binary)),
            Some("obs") => Ok(Self::Line),
            Some(other) => {
                let wrong = settings.wrong("format", format!("{other} is not for a bus"));
                Err(wrong.hint("cloudevents, cdevents or obs"))
            }
        }
    }

    /// The message of a record, or why there is none.
    pub(in crate::ship) fn message(self, stored: &Stored) -> Result<Message, String> {
        let record = &stored.record;
        let (content_type, attributes, body) = match (self, record) {
            (Self::Cloudevents(is_binary), Record::Event(event)) => {
                parts(&cloudevents::of(event)?, is_binary)?
            }
            (Self::Cdevents(is_binary), Record::Event(event)) => {
                parts(&cdevents::cloud_event(event)?, is_binary)?
            }
            _ => {
                let line = stored.line.strip_suffix(b"\n").unwrap_or(&stored.line);
                (JSON, Vec::new(), line.to_vec())
            }
        };
        Ok(Message {
            id: record.identity(),
            key: key(record),
            content_type,
            attributes,
            traceparent: traceparent(record),
            body,
        })
    }
}

type Parts = (&'static str, Vec<(String, String)>, Vec<u8>);

fn parts(event: &CloudEvent, is_binary: bool) -> Result<Parts, String> {
    match is_binary {
        true => {
            let (attributes, body) = event.binary()?;
            Ok((cloudevents::DATA, attributes, body))
        }
        false => Ok((cloudevents::STRUCTURED, Vec::new(), event.structured()?)),
    }
}

/// The task, else the flow; a log, a metric point or a span goes with its trace.
fn key(record: &Record) -> String {
    let first = match record {
        Record::Event(event) => cloudevents::partition_key(event),
        Record::Log(_) | Record::Metric(_) | Record::Span(_) => record.trace_id(),
    };
    match first {
        "" => record.identity(),
        some => some.to_owned(),
    }
}

/// With the flags of a span; any other record says only where it was made, and counts as sampled.
fn traceparent(record: &Record) -> String {
    let flags = match record {
        Record::Span(span) => Flags::parse(&span.trace_flags).map(|_| span.trace_flags.as_str()),
        Record::Event(_) | Record::Log(_) | Record::Metric(_) => None,
    };
    match (record.trace_id(), record.span_id()) {
        ("", _) | (_, "") => String::new(),
        (trace, span) => format!("00-{trace}-{span}-{}", flags.unwrap_or("01")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Event, Log, Signal, TraceRef};

    fn stored(event: Event) -> Stored {
        let record = Record::Event(Box::new(event));
        Stored {
            line: record.line(),
            record,
        }
    }

    fn event() -> Event {
        Event {
            event_id: "evt_1".to_owned(),
            event_type: "task.created".to_owned(),
            event_version: "1.0".to_owned(),
            ..Event::default()
        }
    }

    #[test]
    fn line_goes_without_its_end() {
        let message = Wire::Line.message(&stored(event())).unwrap();
        assert_eq!(message.id, "evt_1");
        assert!(message.body.ends_with(b"}"));
        assert!(Signal::Events.read(&message.body).is_ok());
        assert_eq!(message.traceparent, "");
    }

    #[test]
    fn key_is_what_belongs_together() {
        let key = |event: Event| Wire::Line.message(&stored(event)).unwrap().key;
        let mut of_flow = event();
        of_flow.correlation_id = "corr_1".to_owned();
        assert_eq!(key(of_flow.clone()), "corr_1");
        of_flow.data.insert("task_id".to_owned(), "TASK-1".into());
        assert_eq!(key(of_flow), "TASK-1");
    }

    #[test]
    fn events_are_cloudevents_in_both_modes() {
        let made = Wire::Cloudevents(false).message(&stored(event())).unwrap();
        assert_eq!(made.content_type, "application/cloudevents+json");
        assert!(made.attributes.is_empty());
        assert!(made.body.starts_with(b"{\"specversion\":\"1.0\""));
        let made = Wire::Cloudevents(true).message(&stored(event())).unwrap();
        assert_eq!(
            (made.content_type, made.body.as_slice()),
            (JSON, &b"{}"[..])
        );
        assert!(
            made.attributes
                .contains(&("id".to_owned(), "evt_1".to_owned()))
        );
        let made = Wire::Cdevents(false).message(&stored(event())).unwrap();
        assert!(
            String::from_utf8(made.body)
                .unwrap()
                .contains("dev.cdevents")
        );
    }

    #[test]
    fn other_signals_go_as_their_lines() {
        let log = Log {
            id: "01".to_owned(),
            ..Log::default()
        };
        let record = Record::Log(Box::new(log));
        let line = record.line();
        let made = Wire::Cloudevents(true)
            .message(&Stored { line, record })
            .unwrap();
        assert_eq!((made.content_type, made.key.as_str()), (JSON, "01"));
        assert!(made.body.starts_with(b"{\"timestamp\""));
    }

    #[test]
    fn event_that_is_too_large_is_refused_with_a_reason() {
        let mut event = event();
        let long = "x".repeat(70_000);
        event.data.insert("long".to_owned(), long.into());
        let why = Wire::Cloudevents(false)
            .message(&stored(event))
            .unwrap_err();
        assert!(why.contains("bytes as a CloudEvent"), "{why}");
    }

    #[test]
    fn unsampled_span_says_so() {
        let span = crate::model::Span {
            trace_id: "0af7651916cd43dd8448eb211c80319c".to_owned(),
            span_id: "b7ad6b7169203331".to_owned(),
            trace_flags: "00".to_owned(),
            ..crate::model::Span::default()
        };
        let parent = traceparent(&Record::Span(Box::new(span)));
        assert!(parent.ends_with("-b7ad6b7169203331-00"), "{parent}");
    }

    #[test]
    fn trace_goes_along() {
        let mut event = event();
        event.trace_context = Some(TraceRef {
            trace_id: "0af7651916cd43dd8448eb211c80319c".to_owned(),
            span_id: "b7ad6b7169203331".to_owned(),
        });
        assert_eq!(
            Wire::Line.message(&stored(event)).unwrap().traceparent,
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        );
    }
}
