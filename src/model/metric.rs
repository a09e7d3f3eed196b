//! The metric point: a counter's increment, a gauge's value, a histogram's observation.

use super::{Attributes, Notes, time};
use serde::{Deserialize, Serialize};
use serde_json::Number;

/// What a point's value means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MetricType {
    /// The value is an increment.
    #[default]
    Counter,
    /// The value is the current one.
    Gauge,
    /// The value is one observation.
    Histogram,
}

/// A metric point, keys in the order of its line.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Metric {
    /// When it was measured.
    #[serde(with = "time::micros")]
    pub timestamp: i64,
    /// Metric name.
    pub name: String,
    /// What the value means.
    #[serde(rename = "type")]
    pub kind: MetricType,
    /// The value; none where what was given is no number (it stands in `obs.invalid`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Number>,
    /// Labels.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub labels: Attributes,
    /// Unit, by UCUM (`s`, `By`, `{request}`).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub unit: String,
    /// One line of help.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub help: String,
    /// Upper bounds of a histogram's buckets, rising.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buckets: Vec<Number>,
    /// Trace it belongs to: the exemplar.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub trace_id: String,
    /// Span it belongs to.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub span_id: String,
    /// `service.name`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub service: String,
    /// `host.name`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub host: String,
    /// ULID.
    pub id: String,
    /// Resource attributes beyond service and host.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub resource: Attributes,
    /// What had to be done to keep it.
    #[serde(default, skip_serializing_if = "Notes::is_empty")]
    pub obs: Notes,
}

impl Metric {
    /// Every text that was given, outside of attributes.
    pub(super) fn texts_mut(&mut self) -> Vec<&mut String> {
        let given = [
            &mut self.name,
            &mut self.unit,
            &mut self.help,
            &mut self.service,
            &mut self.host,
        ];
        given.into_iter().chain(&mut self.obs.invalid).collect()
    }
}
