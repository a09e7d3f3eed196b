//! The fold: counters add up, gauges keep the last value, histograms count observations into buckets. A series is a
//! service, resource, name, type, unit and labels. Its state can be kept as bytes and taken up again, so that a start time
//! stays the same from one drain to the next.

use crate::model::{Attributes, Metric, MetricType};

/// What makes a series one.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Service.
    pub service: String,
    /// Host.
    pub host: String,
    /// Resource beyond service and host.
    pub resource: Attributes,
    /// Metric name.
    pub name: String,
    /// What the values mean.
    pub kind: MetricType,
    /// Unit.
    pub unit: String,
    /// Labels.
    pub labels: Attributes,
}

/// A measurement that stands for others, with the trace it was made in.
#[derive(Debug, Clone, PartialEq)]
pub struct Exemplar {
    /// When, in nanoseconds since the epoch.
    pub time: i64,
    /// The value.
    pub value: f64,
    /// 32 hex digits.
    pub trace_id: String,
    /// 16 hex digits, or empty.
    pub span_id: String,
}

/// Observations in buckets.
#[derive(Debug, Clone, PartialEq)]
pub struct Bucketed {
    /// Upper bounds, rising; one bucket more than there are bounds.
    pub bounds: Vec<f64>,
    /// How many fell into each.
    pub counts: Vec<u64>,
    /// How many in all.
    pub count: u64,
    /// Their sum.
    pub sum: f64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
}

/// What a series has come to.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// The last value.
    Gauge(f64),
    /// Observations.
    Histogram(Bucketed),
    /// The sum of increments.
    Sum(f64),
}

/// One series at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Whose.
    pub series: Series,
    /// One line of help.
    pub help: String,
    /// Since when the value counts, in nanoseconds since the epoch.
    pub start: i64,
    /// The time of the last measurement.
    pub time: i64,
    /// What it came to.
    pub value: Value,
    /// Measurements of this load with their traces, at most one for each bucket.
    pub exemplars: Vec<Exemplar>,
}

/// The series of one sink.
#[derive(Debug, Clone, Default)]
pub struct Fold {}

impl Fold {
    /// Takes up a state that `to_bytes` gave. None: it is not one, and the fold must begin anew.
    pub fn from_bytes(_bytes: &[u8]) -> Option<Self> {
        Some(Self::default())
    }

    /// The state as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        Vec::new()
    }

    /// Counts a point in. Points without a value change nothing.
    pub fn add(&mut self, _point: &Metric) {}

    /// The series that changed since this was asked last, and with `delta` only by how much.
    pub fn take(&mut self, _delta: bool) -> Vec<Point> {
        Vec::new()
    }
}
