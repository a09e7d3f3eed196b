//! The four signals, and the one judgement of what is a record of each.

use super::{Event, Log, Metric, Record, Span};
use serde::de::DeserializeOwned;

/// The four kinds of records, each with a file of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Signal {
    /// Domain events.
    Events,
    /// Log records.
    Logs,
    /// Metric points.
    Metrics,
    /// Finished spans.
    Spans,
}

impl Signal {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Events, Self::Logs, Self::Metrics, Self::Spans];

    /// The name its files bear.
    pub fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Logs => "logs",
            Self::Metrics => "metrics",
            Self::Spans => "spans",
        }
    }

    /// Reads a line as a record of this signal; the error says why it is none.
    pub fn read(self, line: &[u8]) -> Result<Record, String> {
        Ok(match self {
            Self::Events => Record::Event(parse::<Event>(line)?),
            Self::Logs => Record::Log(parse::<Log>(line)?),
            Self::Metrics => Record::Metric(parse::<Metric>(line)?),
            Self::Spans => Record::Span(parse::<Span>(line)?),
        })
    }
}

fn parse<T: DeserializeOwned>(line: &[u8]) -> Result<Box<T>, String> {
    // what serde passes over unread it neither bounds nor takes for text, and other readers choke on it
    let text = std::str::from_utf8(line).map_err(|error| error.to_string())?;
    if depth(line) > DEEPEST {
        return Err(format!("nested deeper than {DEEPEST}"));
    }
    serde_json::from_str(text)
        .map(Box::new)
        .map_err(|error| error.to_string())
}

/// Deepest nesting that a record may have: that of user data, and the envelope around it.
const DEEPEST: usize = super::json::MAX_DEPTH + 8;

fn depth(line: &[u8]) -> usize {
    let (mut depth, mut most) = (0_usize, 0);
    let (mut quoted, mut escaped) = (false, false);
    for byte in line {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => depth += 1,
            b'}' | b']' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        most = most.max(depth);
    }
    most
}
