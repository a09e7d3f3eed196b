//! The span: journalled once, when it ends; before that it is a live file with the same keys.

use super::{Attributes, Notes, time};
use serde::{Deserialize, Serialize};
use serde_json::Number;

/// OpenTelemetry's span kinds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Calls something elsewhere.
    Client,
    /// Receives a message.
    Consumer,
    /// Work inside one service.
    #[default]
    Internal,
    /// Sends a message.
    Producer,
    /// Answers a call.
    Server,
}

impl Kind {
    /// The kind's words.
    pub const NAMES: &'static [&'static str] =
        &["client", "consumer", "internal", "producer", "server"];

    /// Reads a kind, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text.to_ascii_lowercase().as_str() {
            "client" => Self::Client,
            "consumer" => Self::Consumer,
            "internal" => Self::Internal,
            "producer" => Self::Producer,
            "server" => Self::Server,
            _ => return None,
        })
    }
}

/// How a span ended: `ok` and `error` only where somebody said so.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StatusCode {
    /// Failed.
    Error,
    /// Somebody says it is good: final.
    Ok,
    /// Nobody said anything, which is success.
    #[default]
    Unset,
}

impl StatusCode {
    /// Reads a status, in any case; `success` and `failure` are the seed's words.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text.to_ascii_lowercase().as_str() {
            "error" | "failure" => Self::Error,
            "ok" | "success" => Self::Ok,
            "unset" => Self::Unset,
            _ => return None,
        })
    }
}

/// A span's status.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// How it ended.
    #[serde(default)]
    pub code: StatusCode,
    /// Why; only with `error` (trace API, set status).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// A moment inside a span.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SpanEvent {
    /// When.
    #[serde(with = "time::nanos")]
    pub timestamp: i64,
    /// What.
    pub name: String,
    /// Typed attributes.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub attributes: Attributes,
}

/// A pointer to a span of this or another trace.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Link {
    /// 32 hex digits.
    pub trace_id: String,
    /// 16 hex digits.
    pub span_id: String,
    /// The other's tracestate.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub trace_state: String,
    /// Typed attributes.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub attributes: Attributes,
}

/// The instrumentation scope: this program.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// `obs`.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// A span, keys in the order of its line.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Span {
    /// Start.
    #[serde(with = "time::nanos")]
    pub timestamp: i64,
    /// End.
    #[serde(default, with = "time::nanos")]
    pub end: i64,
    /// End minus start, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<Number>,
    /// Low-cardinality name.
    pub name: String,
    /// 32 hex digits.
    pub trace_id: String,
    /// 16 hex digits.
    pub span_id: String,
    /// 16 hex digits; none for a root.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub parent_span_id: String,
    /// W3C tracestate.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub trace_state: String,
    /// W3C trace flags, two hex digits.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub trace_flags: String,
    /// OpenTelemetry's span kind.
    #[serde(default)]
    pub kind: Kind,
    /// How it ended.
    #[serde(default)]
    pub status: Status,
    /// Typed attributes.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub attributes: Attributes,
    /// Moments inside it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<SpanEvent>,
    /// Related spans.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
    /// `service.name`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub service: String,
    /// `host.name`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub host: String,
    /// Process id of the script.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// Resource attributes beyond service and host.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub resource: Attributes,
    /// Who instrumented.
    #[serde(default)]
    pub scope: Scope,
    /// What had to be done to keep it.
    #[serde(default, skip_serializing_if = "Notes::is_empty")]
    pub obs: Notes,
}

impl Span {
    /// Ends the span: end and duration. An end before the start (a clock set back) is the start.
    pub fn finish(&mut self, end: i64) {
        self.end = end.max(self.timestamp);
        self.duration_ms = Some(time::millis(self.end - self.timestamp));
    }

    /// Every text that was given, outside of attributes.
    pub(super) fn texts_mut(&mut self) -> Vec<&mut String> {
        let given = [
            &mut self.name,
            &mut self.status.message,
            &mut self.trace_state,
            &mut self.service,
            &mut self.host,
        ];
        let events = self.events.iter_mut().map(|event| &mut event.name);
        let links = self.links.iter_mut().map(|link| &mut link.trace_state);
        let invalid = &mut self.obs.invalid;
        given
            .into_iter()
            .chain(events)
            .chain(links)
            .chain(invalid)
            .collect()
    }

    /// Sets the status by OpenTelemetry's order: ok is final, error beats unset, a message goes only with error.
    pub fn set_status(&mut self, code: StatusCode, message: &str) {
        if self.status.code == StatusCode::Ok || code == StatusCode::Unset {
            return;
        }
        let message = match code {
            StatusCode::Error => message.to_owned(),
            StatusCode::Ok | StatusCode::Unset => String::new(),
        };
        self.status = Status { code, message };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_is_final() {
        let mut span = Span::default();
        span.set_status(StatusCode::Error, "boom");
        assert_eq!(span.status.message, "boom");
        span.set_status(StatusCode::Unset, "");
        assert_eq!(span.status.code, StatusCode::Error);
        span.set_status(StatusCode::Ok, "dropped");
        span.set_status(StatusCode::Error, "late");
        assert_eq!(
            span.status,
            Status {
                code: StatusCode::Ok,
                message: String::new()
            }
        );
    }

    #[test]
    fn clock_set_back_gives_no_negative_duration() {
        let mut span = Span {
            timestamp: 100,
            ..Span::default()
        };
        span.finish(50);
        assert_eq!(
            (span.end, span.duration_ms.unwrap().to_string()),
            (100, "0".to_owned())
        );
    }
}
