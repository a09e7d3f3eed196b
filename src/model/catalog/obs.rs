//! What obs says about its own work.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

/// Data of `obs.dropped`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct Dropped {
    /// Signal the records belonged to.
    pub signal: Signal,
    /// Number of records given up.
    pub records: u64,
    /// Their size in bytes, uncompressed, line ends included.
    pub bytes: Option<u64>,
    /// Name of the sealed file that went with them.
    pub file: Option<String>,
    /// Why they were given up, e.g. `hard cap` or `disk full`.
    pub reason: Option<String>,
}

/// One of the four record streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    Events,
    Logs,
    Metrics,
    Spans,
}

/// Data of `obs.event.invalid`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct EventInvalid {
    /// Type that was asked for.
    pub event_type: String,
    /// What is wrong with the data, naming the field.
    pub error: String,
    /// The data as it was given.
    pub data: Value,
}
