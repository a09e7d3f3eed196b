//! The state of a fold as bytes: a line that names the version, then protobuf. Service, host and resource stand once and
//! are referred to by number; attributes are JSON. What does not fit together is no state.

use super::kept::{Kept, are_bounds, sum};
use super::{Bucketed, Exemplar, Fold, Identity, MOST, MOST_OVERFLOWS, Series, Value};
use crate::model::{Attributes, MetricType};
use prost::Message;
use std::collections::HashMap;

const MAGIC: &[u8] = b"obs fold 1\n";
/// A count beyond this was never counted, and could not be added to.
const MOST_COUNTED: u64 = 1 << 53;

#[derive(Clone, PartialEq, Message)]
struct State {
    #[prost(message, repeated, tag = "1")]
    origins: Vec<Origin>,
    #[prost(message, repeated, tag = "2")]
    series: Vec<Saved>,
    #[prost(uint64, tag = "3")]
    lost: u64,
    #[prost(sfixed64, tag = "4")]
    newest: i64,
}

#[derive(Clone, PartialEq, Eq, Hash, Message)]
struct Origin {
    #[prost(string, tag = "1")]
    service: String,
    #[prost(string, tag = "2")]
    host: String,
    #[prost(string, tag = "3")]
    resource: String,
}

#[derive(Clone, PartialEq, Message)]
struct Saved {
    #[prost(uint32, tag = "1")]
    origin: u32,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(uint32, tag = "3")]
    kind: u32,
    #[prost(string, tag = "4")]
    unit: String,
    #[prost(string, tag = "5")]
    labels: String,
    #[prost(string, tag = "6")]
    help: String,
    #[prost(sfixed64, tag = "7")]
    start: i64,
    #[prost(sfixed64, tag = "8")]
    time: i64,
    #[prost(sfixed64, tag = "9")]
    taken: i64,
    #[prost(double, repeated, tag = "10")]
    bounds: Vec<f64>,
    #[prost(message, optional, tag = "11")]
    total: Option<Number>,
    #[prost(message, optional, tag = "12")]
    since: Option<Number>,
    #[prost(message, repeated, tag = "13")]
    exemplars: Vec<Example>,
}

/// A gauge's value or a counter's sum stands in `sum`; the rest is a histogram's.
#[derive(Clone, PartialEq, Message)]
struct Number {
    #[prost(double, tag = "1")]
    sum: f64,
    #[prost(uint64, repeated, tag = "2")]
    counts: Vec<u64>,
    #[prost(double, tag = "3")]
    min: f64,
    #[prost(double, tag = "4")]
    max: f64,
}

#[derive(Clone, PartialEq, Message)]
struct Example {
    #[prost(uint32, tag = "1")]
    bucket: u32,
    #[prost(sfixed64, tag = "2")]
    time: i64,
    #[prost(double, tag = "3")]
    value: f64,
    #[prost(string, tag = "4")]
    trace_id: String,
    #[prost(string, tag = "5")]
    span_id: String,
}

/// Writes a state.
pub(super) fn write(fold: &Fold) -> Vec<u8> {
    let mut state = State {
        lost: fold.lost,
        newest: fold.newest,
        ..State::default()
    };
    let mut numbers: HashMap<Origin, u32> = HashMap::new();
    for kept in &fold.kept {
        let origin = Origin {
            service: kept.series.service.clone(),
            host: kept.series.host.clone(),
            resource: text(&kept.series.resource),
        };
        let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
        let number = *numbers.entry(origin).or_insert_with_key(|origin| {
            state.origins.push(origin.clone());
            next
        });
        state.series.push(saved(kept, number));
    }
    let mut bytes = MAGIC.to_vec();
    // a vector grows: there is always room
    let _ = state.encode(&mut bytes);
    bytes
}

/// Reads a state.
pub(super) fn read(bytes: &[u8]) -> Option<Fold> {
    let state = State::decode(bytes.strip_prefix(MAGIC)?).ok()?;
    let mut fold = Fold {
        lost: state.lost,
        newest: state.newest,
        ..Fold::default()
    };
    let origins: Option<Vec<_>> = state.origins.into_iter().map(read_origin).collect();
    let origins = origins?;
    for saved in state.series {
        let origin = origins.get(usize::try_from(saved.origin).ok()?)?;
        let kept = read_kept(saved, origin)?;
        if fold.find(&Identity::of_series(&kept.series)).is_some() {
            return None;
        }
        fold.insert(kept);
    }
    let is_bounded = fold.overflows <= MOST_OVERFLOWS && fold.kept.len() <= MOST + fold.overflows;
    is_bounded.then_some(fold)
}

fn read_origin(origin: Origin) -> Option<(String, String, Attributes)> {
    Some((origin.service, origin.host, map(&origin.resource)?))
}

/// Most series have neither labels nor a resource: no text is none.
fn text(attributes: &Attributes) -> String {
    match attributes.is_empty() {
        true => String::new(),
        false => serde_json::to_string(attributes).unwrap_or_default(),
    }
}

fn map(text: &str) -> Option<Attributes> {
    match text {
        "" => Some(Attributes::new()),
        text => serde_json::from_str(text).ok(),
    }
}

fn saved(kept: &Kept, origin: u32) -> Saved {
    Saved {
        origin,
        name: kept.series.name.clone(),
        kind: match kept.series.kind {
            MetricType::Counter => 0,
            MetricType::Gauge => 1,
            MetricType::Histogram => 2,
        },
        unit: kept.series.unit.clone(),
        labels: text(&kept.series.labels),
        help: kept.help.clone(),
        start: kept.start,
        time: kept.time,
        taken: kept.taken,
        bounds: kept.bounds.clone(),
        total: kept.total.as_ref().map(number),
        since: kept.since.as_ref().map(number),
        exemplars: kept.exemplars.iter().map(example).collect(),
    }
}

fn number(value: &Value) -> Number {
    match value {
        Value::Gauge(sum) | Value::Sum(sum) => Number {
            sum: *sum,
            ..Number::default()
        },
        Value::Histogram(bucketed) => Number {
            sum: bucketed.sum,
            counts: bucketed.counts.clone(),
            min: bucketed.min,
            max: bucketed.max,
        },
    }
}

fn example((bucket, exemplar): &(usize, Exemplar)) -> Example {
    Example {
        bucket: u32::try_from(*bucket).unwrap_or(u32::MAX),
        time: exemplar.time,
        value: exemplar.value,
        trace_id: exemplar.trace_id.clone(),
        span_id: exemplar.span_id.clone(),
    }
}

fn read_kept(saved: Saved, origin: &(String, String, Attributes)) -> Option<Kept> {
    let kind = match saved.kind {
        0 => MetricType::Counter,
        1 => MetricType::Gauge,
        2 => MetricType::Histogram,
        _ => return None,
    };
    let is_right = match kind {
        MetricType::Counter | MetricType::Gauge => saved.bounds.is_empty(),
        MetricType::Histogram => !saved.bounds.is_empty() && are_bounds(&saved.bounds),
    };
    let exemplars: Option<Vec<_>> = saved.exemplars.into_iter().map(read_example).collect();
    let value = |number: Option<Number>| match number {
        Some(number) => read_number(number, kind, &saved.bounds).map(Some),
        None => Some(None),
    };
    let (total, since) = (value(saved.total)?, value(saved.since)?);
    let sums = [&total, &since].map(|value| value.as_ref().map_or(0.0, sum));
    let is_right = is_right && sums.iter().sum::<f64>().is_finite();
    is_right.then_some(Kept {
        series: Series {
            service: origin.0.clone(),
            host: origin.1.clone(),
            resource: origin.2.clone(),
            name: saved.name,
            kind,
            unit: saved.unit,
            labels: map(&saved.labels)?,
        },
        help: saved.help,
        start: saved.start,
        time: saved.time,
        taken: saved.taken,
        total,
        since,
        bounds: saved.bounds,
        exemplars: exemplars?,
    })
}

fn read_number(number: Number, kind: MetricType, bounds: &[f64]) -> Option<Value> {
    let all = [number.sum, number.min, number.max];
    if !all.iter().all(|part| part.is_finite()) {
        return None;
    }
    match kind {
        MetricType::Counter => (number.sum >= 0.0).then_some(Value::Sum(number.sum)),
        MetricType::Gauge => Some(Value::Gauge(number.sum)),
        MetricType::Histogram => {
            let mut counts = number.counts.iter().copied();
            let count = counts.try_fold(0_u64, u64::checked_add)?;
            let is_countable = count <= MOST_COUNTED;
            let fits =
                is_countable && number.counts.len() == bounds.len() + 1 && number.min <= number.max;
            fits.then(|| {
                Value::Histogram(Bucketed {
                    bounds: bounds.to_vec(),
                    counts: number.counts,
                    count,
                    sum: number.sum,
                    min: number.min,
                    max: number.max,
                })
            })
        }
    }
}

fn read_example(example: Example) -> Option<(usize, Exemplar)> {
    let exemplar = Exemplar {
        time: example.time,
        value: example.value,
        trace_id: example.trace_id,
        span_id: example.span_id,
    };
    let bucket = usize::try_from(example.bucket).ok()?;
    exemplar.value.is_finite().then_some((bucket, exemplar))
}
