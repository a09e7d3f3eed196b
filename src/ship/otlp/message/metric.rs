//! Series as OTLP metrics: sums (monotonic), gauges and explicit histograms, all as doubles.
//!
//! Points of one resource with the same name, unit and type are one metric. A name that comes with two units or types
//! makes two metrics of that name, as an SDK does with duplicate instruments (metrics SDK, duplicate instrument
//! registration). The sum of a histogram that observed negative values is left out (metrics data model, histogram).

use super::origin::{Groups, OBS, Origin};
use super::value::attributes;
use super::{Built, nanos};
use crate::metrics::{Bucketed, Exemplar, Point, Value};
use crate::model::ids::{SpanId, TraceId};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1 as otlp;
use otlp::AggregationTemporality as Temporality;
use otlp::metric::Data;
use otlp::number_data_point::Value as PointValue;

/// Builds the request for points that a fold took, with `delta` when they were taken so. Points that are not finite are
/// refused; a fold gives none.
pub fn metrics(points: &[Point], delta: bool) -> Built<ExportMetricsServiceRequest> {
    let temporality = match delta {
        true => Temporality::Delta,
        false => Temporality::Cumulative,
    };
    let mut groups: Groups<'_, otlp::Metric> = Groups::new();
    let mut refused = Vec::new();
    for (place, point) in points.iter().enumerate() {
        if !is_finite(&point.value) {
            refused.push((place, "a number that is not finite".to_owned()));
            continue;
        }
        groups.change(origin(point), OBS, |metrics| {
            add(metrics, point, temporality as i32);
        });
    }
    let is_empty = groups.is_empty();
    let resource_metrics = groups.build(
        |scope, metrics| otlp::ScopeMetrics {
            scope: Some(scope),
            metrics,
            ..otlp::ScopeMetrics::default()
        },
        |resource, scope_metrics| otlp::ResourceMetrics {
            resource: Some(resource),
            scope_metrics,
            ..otlp::ResourceMetrics::default()
        },
    );
    Built {
        request: (!is_empty).then_some(ExportMetricsServiceRequest { resource_metrics }),
        refused,
    }
}

fn origin(point: &Point) -> Origin<'_> {
    Origin {
        service: &point.series.service,
        version: "",
        host: &point.series.host,
        pid: None,
        resource: &point.series.resource,
    }
}

fn is_finite(value: &Value) -> bool {
    match value {
        Value::Gauge(value) | Value::Sum(value) => value.is_finite(),
        Value::Histogram(bucketed) => {
            let numbers = [bucketed.sum, bucketed.min, bucketed.max];
            numbers
                .iter()
                .chain(&bucketed.bounds)
                .all(|n| n.is_finite())
        }
    }
}

fn add(metrics: &mut Vec<otlp::Metric>, point: &Point, temporality: i32) {
    let fits = |metric: &otlp::Metric| {
        metric.name == point.series.name
            && metric.unit == point.series.unit
            && matches!(
                (&metric.data, &point.value),
                (Some(Data::Gauge(_)), Value::Gauge(_))
                    | (Some(Data::Histogram(_)), Value::Histogram(_))
                    | (Some(Data::Sum(_)), Value::Sum(_))
            )
    };
    // points of a metric mostly come together, so the search is from the end
    let place = metrics.iter().rposition(fits).unwrap_or_else(|| {
        metrics.push(empty(point, temporality));
        metrics.len() - 1
    });
    let Some(metric) = metrics.get_mut(place) else {
        return;
    };
    if metric.description.is_empty() {
        metric.description.clone_from(&point.help);
    }
    match (&mut metric.data, &point.value) {
        (Some(Data::Gauge(gauge)), Value::Gauge(value)) => {
            // a gauge has no interval: its start is left out
            gauge.data_points.push(number(point, 0, *value));
        }
        (Some(Data::Sum(sum)), Value::Sum(value)) => {
            let start = nanos(point.start);
            sum.data_points.push(number(point, start, *value));
        }
        (Some(Data::Histogram(histogram)), Value::Histogram(bucketed)) => {
            histogram.data_points.push(buckets(point, bucketed));
        }
        _ => {}
    }
}

fn empty(point: &Point, aggregation_temporality: i32) -> otlp::Metric {
    let data = match point.value {
        Value::Gauge(_) => Data::Gauge(otlp::Gauge::default()),
        Value::Histogram(_) => Data::Histogram(otlp::Histogram {
            aggregation_temporality,
            ..otlp::Histogram::default()
        }),
        Value::Sum(_) => Data::Sum(otlp::Sum {
            aggregation_temporality,
            is_monotonic: true,
            ..otlp::Sum::default()
        }),
    };
    otlp::Metric {
        name: point.series.name.clone(),
        unit: point.series.unit.clone(),
        data: Some(data),
        ..otlp::Metric::default()
    }
}

fn number(point: &Point, start_time_unix_nano: u64, value: f64) -> otlp::NumberDataPoint {
    otlp::NumberDataPoint {
        attributes: attributes(&point.series.labels),
        start_time_unix_nano,
        time_unix_nano: nanos(point.time),
        exemplars: exemplars(&point.exemplars),
        flags: 0,
        value: Some(PointValue::AsDouble(value)),
    }
}

fn buckets(point: &Point, bucketed: &Bucketed) -> otlp::HistogramDataPoint {
    otlp::HistogramDataPoint {
        attributes: attributes(&point.series.labels),
        start_time_unix_nano: nanos(point.start),
        time_unix_nano: nanos(point.time),
        count: bucketed.count,
        sum: (bucketed.min >= 0.0).then_some(bucketed.sum),
        bucket_counts: bucketed.counts.clone(),
        explicit_bounds: bucketed.bounds.clone(),
        exemplars: exemplars(&point.exemplars),
        flags: 0,
        min: Some(bucketed.min),
        max: Some(bucketed.max),
    }
}

fn exemplars(given: &[Exemplar]) -> Vec<otlp::Exemplar> {
    let built = given.iter().filter_map(|exemplar| {
        let span_id = SpanId::parse(&exemplar.span_id);
        let finite = exemplar.value.is_finite().then_some(exemplar.value)?;
        Some(otlp::Exemplar {
            time_unix_nano: nanos(exemplar.time),
            trace_id: TraceId::parse(&exemplar.trace_id)?.to_bytes().to_vec(),
            span_id: span_id.map(|id| id.to_bytes().to_vec()).unwrap_or_default(),
            value: Some(otlp::exemplar::Value::AsDouble(finite)),
            ..otlp::Exemplar::default()
        })
    });
    built.collect()
}
