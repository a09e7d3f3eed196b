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
mod record;
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
pub use record::Record;
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
