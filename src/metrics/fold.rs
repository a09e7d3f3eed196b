//! The fold: counters add up, gauges keep the last value, histograms count observations into buckets. A series is a
//! service, host, resource, name, type, unit and labels, in whatever order these stand. Its state can be kept as bytes and
//! taken up again, so that a start time stays the same from one drain to the next.

mod identity;
mod kept;
mod state;
#[cfg(test)]
mod tests;

use crate::model::{Attributes, Metric, MetricType};
use identity::Identity;
use kept::Kept;
use serde_json::Value as Json;
use std::collections::HashMap;

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

/// How many series a fold keeps.
const MOST: usize = 10_000;
/// How many overflow series it keeps besides.
const MOST_OVERFLOWS: usize = 1_000;
/// How many bytes of names, labels and resources it keeps, and as many again for overflow series.
const MOST_BYTES: usize = 16 << 20;
/// The label of an overflow series (metrics SDK, cardinality limits).
const OVERFLOW: &str = "otel.metric.overflow";
const HOUR: i64 = 3_600_000_000_000;
/// Where room is needed, a series that had no point for so long is forgotten: when it comes back it is a new one, with a
/// new start, which every reader takes for a reset (metrics data model, resets and gaps).
const FORGOTTEN: i64 = 7 * 24 * HOUR;

/// The series of one sink.
///
/// What is not as it should be is decided by the specification. A counter that falls: the increment is ignored, as are
/// numbers that are not finite or would make a sum so (metrics API, counter: non-negative). Other buckets than the first
/// point of a series had: those of the first hold (metrics SDK, instrument advisory parameters: the first seen); none, or
/// not rising, or more than 256: the SDK's default bounds. A name that changes its type or unit: another series (metrics
/// SDK, duplicate instruments). More than 10,000 series, or 16 MiB of their texts: the point counts into the series of its metric that has the one
/// label `otel.metric.overflow` (metrics SDK, cardinality limits). Points may come late: a gauge keeps the newest.
#[derive(Debug, Clone, Default)]
pub struct Fold {
    kept: Vec<Kept>,
    places: HashMap<u64, Vec<usize>>,
    overflows: usize,
    bytes: usize,
    lost: u64,
    newest: i64,
    swept: i64,
}

impl Fold {
    /// Takes up a state that `to_bytes` gave. None: it is not one, and the fold must begin anew.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        state::read(bytes)
    }

    /// The state as bytes: what was taken and what was not yet.
    pub fn to_bytes(&self) -> Vec<u8> {
        state::write(self)
    }

    /// Counts a point in. Points without a value change nothing.
    pub fn add(&mut self, point: &Metric) {
        let Some(value) = point.value.as_ref().and_then(serde_json::Number::as_f64) else {
            return;
        };
        let falls = point.kind == MetricType::Counter && value < 0.0;
        if falls || !value.is_finite() {
            return;
        }
        self.newest = self.newest.max(point.timestamp);
        let Some(place) = self.place(point) else {
            self.lost = self.lost.saturating_add(1);
            return;
        };
        if let Some(kept) = self.kept.get_mut(place) {
            kept.add(point, value);
        }
    }

    /// The series that changed since this was asked last, and with `delta` only by how much: a delta begins where the one
    /// before it ended, which is the time of its last measurement.
    pub fn take(&mut self, delta: bool) -> Vec<Point> {
        let kept = self.kept.iter_mut();
        kept.filter_map(|kept| kept.take(delta)).collect()
    }

    /// How many points found no room in any series, overflow series included.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Where the series of a point is; it is made where there is room.
    fn place(&mut self, point: &Metric) -> Option<usize> {
        let identity = Identity::of(point);
        if let Some(place) = self.find(&identity) {
            return Some(place);
        }
        self.sweep();
        if !self.is_full() {
            return Some(self.insert(Kept::new(identity.to_series(), point)));
        }
        let labels = Attributes::from_iter([(OVERFLOW.to_owned(), Json::Bool(true))]);
        let overflow = Identity {
            labels: &labels,
            ..identity
        };
        if let Some(place) = self.find(&overflow) {
            return Some(place);
        }
        (self.overflows < MOST_OVERFLOWS && self.bytes < 2 * MOST_BYTES)
            .then(|| self.insert(Kept::new(overflow.to_series(), point)))
    }

    fn find(&self, identity: &Identity<'_>) -> Option<usize> {
        let mut places = self.places.get(&identity.key())?.iter().copied();
        places.find(|place| {
            let kept = self.kept.get(*place);
            kept.is_some_and(|kept| Identity::of_series(&kept.series) == *identity)
        })
    }

    fn insert(&mut self, kept: Kept) -> usize {
        let place = self.kept.len();
        let key = Identity::of_series(&kept.series).key();
        self.places.entry(key).or_default().push(place);
        self.overflows += usize::from(kept.series.labels.contains_key(OVERFLOW));
        self.bytes += kept.weight();
        self.kept.push(kept);
        place
    }

    fn is_full(&self) -> bool {
        self.kept.len() - self.overflows >= MOST || self.bytes >= MOST_BYTES
    }

    /// Forgets old series when it is full, and looks for them at most once in an hour of the points' time.
    fn sweep(&mut self) {
        if !self.is_full() || self.newest < self.swept.saturating_add(HOUR) {
            return;
        }
        self.swept = self.newest;
        let oldest = self.newest.saturating_sub(FORGOTTEN);
        let kept = std::mem::take(&mut self.kept);
        self.places.clear();
        (self.overflows, self.bytes) = (0, 0);
        for series in kept {
            if series.is_pending() || series.time >= oldest {
                self.insert(series);
            }
        }
    }
}
