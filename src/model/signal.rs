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
    serde_json::from_slice(line)
        .map(Box::new)
        .map_err(|error| error.to_string())
}
