//! One series: what it had come to when it was last taken, and what came since.

use super::{Bucketed, Exemplar, Point, Series, Value};
use crate::model::ids::TraceId;
use crate::model::{Metric, MetricType};
use serde_json::Number;

/// The default bounds of the OpenTelemetry SDK (metrics SDK, explicit bucket histogram aggregation).
const DEFAULT_BOUNDS: [f64; 15] = [
    0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1000.0, 2500.0, 5000.0, 7500.0,
    10000.0,
];
/// More bounds than this are no help to anybody, and the state must stay small.
const MOST_BOUNDS: usize = 256;

/// The clock of a point.
const MICROSECOND: i64 = 1_000;

/// A series and its values.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Kept {
    pub(super) series: Series,
    pub(super) help: String,
    pub(super) start: i64,
    /// The newest measurement.
    pub(super) time: i64,
    /// The newest measurement when it was taken last; before that, the start.
    pub(super) taken: i64,
    /// Of a histogram.
    pub(super) bounds: Vec<f64>,
    /// What was taken.
    pub(super) total: Option<Value>,
    /// What came since.
    pub(super) since: Option<Value>,
    /// The latest since then: of a histogram one for each bucket, else one.
    pub(super) exemplars: Vec<(usize, Exemplar)>,
}

impl Kept {
    /// A series that begins with this point, which is still to be added.
    pub(super) fn new(series: Series, point: &Metric) -> Self {
        let bounds = match point.kind {
            MetricType::Histogram => bounds(&point.buckets),
            MetricType::Counter | MetricType::Gauge => Vec::new(),
        };
        // it was nothing just before; an interval without a length would say that its start is unknown (metrics data
        // model, cumulative streams), and readers then leave its first value out
        let before = point.timestamp.saturating_sub(MICROSECOND);
        Self {
            series,
            help: String::new(),
            start: before,
            time: point.timestamp,
            taken: before,
            bounds,
            total: None,
            since: None,
            exemplars: Vec::new(),
        }
    }

    /// About how many bytes of text it holds.
    pub(super) fn weight(&self) -> usize {
        let series = &self.series;
        let texts = [&series.service, &series.host, &series.name, &series.unit];
        let given = [&series.resource, &series.labels].into_iter().flatten();
        let given = given.map(|(key, value)| key.len() + value.to_string().len());
        texts.iter().map(|text| text.len()).sum::<usize>() + given.sum::<usize>()
    }

    /// True where something is still to be taken.
    pub(super) fn is_pending(&self) -> bool {
        self.since.is_some()
    }

    /// Counts a finite value in.
    pub(super) fn add(&mut self, point: &Metric, value: f64) {
        let bucket = match self.series.kind {
            // an upper bound belongs to its bucket
            MetricType::Histogram => self.bounds.partition_point(|bound| *bound < value),
            MetricType::Counter => 0,
            // late: what is newer stands
            MetricType::Gauge if point.timestamp < self.time => return,
            MetricType::Gauge => 0,
        };
        let sums = [&self.total, &self.since].map(|value| value.as_ref().map_or(0.0, sum));
        if !(sums.iter().sum::<f64>() + value).is_finite() {
            return;
        }
        let since = self.since.get_or_insert_with(|| match self.series.kind {
            MetricType::Counter => Value::Sum(0.0),
            MetricType::Gauge => Value::Gauge(value),
            MetricType::Histogram => Value::Histogram(nothing(&self.bounds)),
        });
        match since {
            Value::Gauge(last) => *last = value,
            Value::Sum(sum) => *sum += value,
            Value::Histogram(bucketed) => observe(bucketed, bucket, value),
        }
        self.time = self.time.max(point.timestamp);
        if self.help.is_empty() {
            self.help.clone_from(&point.help);
        }
        self.remember(point, bucket, value);
    }

    /// Whether the trace was sampled is unknown to a point, so each that has one is an example.
    fn remember(&mut self, point: &Metric, bucket: usize, value: f64) {
        if TraceId::parse(&point.trace_id).is_none() {
            return;
        }
        let exemplar = Exemplar {
            time: point.timestamp,
            value,
            trace_id: point.trace_id.clone(),
            span_id: point.span_id.clone(),
        };
        let mut known = self.exemplars.iter_mut();
        match known.find(|(of, _)| *of == bucket) {
            Some((_, old)) if old.time <= exemplar.time => *old = exemplar,
            Some(_) => {}
            None => self.exemplars.push((bucket, exemplar)),
        }
    }

    /// What it came to, if that changed.
    pub(super) fn take(&mut self, delta: bool) -> Option<Point> {
        let since = self.since.take()?;
        let change = delta.then(|| since.clone());
        let total = match self.total.take() {
            Some(total) => merged(total, since),
            None => since,
        };
        let value = change.unwrap_or_else(|| total.clone());
        self.total = Some(total);
        let start = if delta { self.taken } else { self.start };
        self.taken = self.time;
        let exemplars = std::mem::take(&mut self.exemplars);
        Some(Point {
            series: self.series.clone(),
            help: self.help.clone(),
            start,
            time: self.time,
            value,
            exemplars: exemplars.into_iter().map(|(_, one)| one).collect(),
        })
    }
}

/// What can grow beyond all numbers.
pub(super) fn sum(value: &Value) -> f64 {
    match value {
        Value::Gauge(_) => 0.0,
        Value::Histogram(bucketed) => bucketed.sum,
        Value::Sum(sum) => *sum,
    }
}

fn bounds(given: &[Number]) -> Vec<f64> {
    let given: Option<Vec<f64>> = given.iter().map(Number::as_f64).collect();
    given
        .filter(|bounds| !bounds.is_empty() && are_bounds(bounds))
        .unwrap_or_else(|| DEFAULT_BOUNDS.to_vec())
}

/// Finite, rising, and not too many.
pub(super) fn are_bounds(bounds: &[f64]) -> bool {
    bounds.len() <= MOST_BOUNDS
        && bounds.iter().all(|bound| bound.is_finite())
        && bounds.is_sorted_by(|low, high| low < high)
}

fn nothing(bounds: &[f64]) -> Bucketed {
    Bucketed {
        bounds: bounds.to_vec(),
        counts: vec![0; bounds.len() + 1],
        count: 0,
        sum: 0.0,
        min: 0.0,
        max: 0.0,
    }
}

fn observe(bucketed: &mut Bucketed, bucket: usize, value: f64) {
    if let Some(count) = bucketed.counts.get_mut(bucket) {
        *count += 1;
    }
    let is_first = bucketed.count == 0;
    bucketed.min = if is_first {
        value
    } else {
        bucketed.min.min(value)
    };
    bucketed.max = if is_first {
        value
    } else {
        bucketed.max.max(value)
    };
    bucketed.count += 1;
    bucketed.sum += value;
}

fn merged(total: Value, since: Value) -> Value {
    match (total, since) {
        (Value::Sum(total), Value::Sum(since)) => Value::Sum(total + since),
        (Value::Histogram(total), Value::Histogram(since)) => {
            let counts = total.counts.iter().zip(&since.counts);
            Value::Histogram(Bucketed {
                counts: counts.map(|(a, b)| a.saturating_add(*b)).collect(),
                count: total.count.saturating_add(since.count),
                sum: total.sum + since.sum,
                min: total.min.min(since.min),
                max: total.max.max(since.max),
                bounds: total.bounds,
            })
        }
        (_, since) => since,
    }
}
