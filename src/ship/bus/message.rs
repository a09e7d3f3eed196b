//! A record as a message of a bus. Events go as CloudEvents (structured or binary), as CDEvents, or as their journal line;
//! records of other signals always as their line.

use crate::error::Error;
use crate::model::{Event, Record};
use crate::settings::SinkSettings;
use crate::ship::Stored;

const JSON: &str = "application/json";

/// In which form events go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ship) enum Wire {
    /// As they are journalled.
    Line,
}

/// A record on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::ship) struct Message {
    /// What tells it from every other; the bus or the receiver drops what it has seen.
    pub(in crate::ship) id: String,
    /// What belongs together in order: the task, else the flow, else the record itself.
    pub(in crate::ship) key: String,
    /// Media type of the body.
    pub(in crate::ship) content_type: &'static str,
    /// CloudEvents attributes that go as headers, without a prefix and as they are.
    pub(in crate::ship) attributes: Vec<(String, String)>,
    /// W3C trace context; empty where there is none.
    pub(in crate::ship) traceparent: String,
    /// What is sent.
    pub(in crate::ship) body: Vec<u8>,
}

impl Wire {
    /// What `format` and `mode` say.
    pub(in crate::ship) fn read(settings: &SinkSettings) -> Result<Self, Error> {
        let _ = settings;
        Ok(Self::Line)
    }

    /// The message of a record, or why there is none.
    pub(in crate::ship) fn message(self, stored: &Stored) -> Result<Message, String> {
        let record = &stored.record;
        let line = stored.line.strip_suffix(b"\n").unwrap_or(&stored.line);
        Ok(Message {
            id: record.identity(),
            key: key(record),
            content_type: JSON,
            attributes: Vec::new(),
            traceparent: traceparent(record),
            body: line.to_vec(),
        })
    }
}

fn key(record: &Record) -> String {
    let first = match record {
        Record::Event(event) => of_event(event),
        Record::Log(_) | Record::Metric(_) | Record::Span(_) => record.trace_id(),
    };
    match first {
        "" => record.identity(),
        some => some.to_owned(),
    }
}

fn of_event(event: &Event) -> &str {
    let task = event.data.get("task_id").and_then(|id| id.as_str());
    task.filter(|id| !id.is_empty())
        .unwrap_or(&event.correlation_id)
}

/// Sampled: the record says only where it was made.
fn traceparent(record: &Record) -> String {
    match (record.trace_id(), record.span_id()) {
        ("", _) | (_, "") => String::new(),
        (trace, span) => format!("00-{trace}-{span}-01"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Signal, TraceRef};

    pub(super) fn stored(event: Event) -> Stored {
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
        assert_eq!(key(event()), "evt_1");
        let mut of_flow = event();
        of_flow.correlation_id = "corr_1".to_owned();
        assert_eq!(key(of_flow.clone()), "corr_1");
        of_flow.data.insert("task_id".to_owned(), "TASK-1".into());
        assert_eq!(key(of_flow), "TASK-1");
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
