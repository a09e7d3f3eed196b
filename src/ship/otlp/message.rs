//! OTLP messages from records: pure, whatever carries them. Records are grouped by resource, then by scope, in the order
//! in which each appears first. Numbers are finite and nesting ends where common protobuf readers still follow, so what is
//! built here can always be encoded, as protobuf and as JSON.
//!
//! Resource: `service.name` and `host.name` from the record's own keys, `process.pid` of the script, then what was recorded;
//! a key stands once, and the record's own keys win. No `telemetry.sdk.*`: obs is no SDK; it is the scope, with its version.

mod json;
mod log;
mod metric;
mod origin;
mod trace;
mod value;

pub use json::json;
pub use log::logs;
pub use metric::metrics;
pub use trace::traces;

/// A request, and what could not become a part of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Built<R> {
    /// None: nothing is left to send. An empty request is never built.
    pub request: Option<R>,
    /// The places of the records that nobody could understand, each with the reason.
    pub refused: Vec<(usize, String)>,
}

/// Times before 1970 are unknown to OTLP, which says so with 0.
fn nanos(time: i64) -> u64 {
    u64::try_from(time).unwrap_or(0)
}

#[cfg(test)]
mod tests;
