//! What the fold makes of points.

use super::*;
use proptest::prelude::*;
use serde_json::{Number, json};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const OTHER: &str = "1af7651916cd43dd8448eb211c80319c";

fn point(kind: MetricType, time: i64, value: &str) -> Metric {
    Metric {
        timestamp: time,
        name: "m".to_owned(),
        kind,
        value: Some(value.parse().unwrap()),
        service: "shop".to_owned(),
        host: "h1".to_owned(),
        ..Metric::default()
    }
}

fn counter(time: i64, value: &str) -> Metric {
    point(MetricType::Counter, time, value)
}

fn gauge(time: i64, value: &str) -> Metric {
    point(MetricType::Gauge, time, value)
}

fn observed(time: i64, value: &str) -> Metric {
    point(MetricType::Histogram, time, value)
}

fn labelled(mut point: Metric, labels: &str) -> Metric {
    point.labels = serde_json::from_str(labels).unwrap();
    point
}

fn of(points: &[Metric]) -> Fold {
    let mut fold = Fold::default();
    points.iter().for_each(|point| fold.add(point));
    fold
}

fn one(points: &[Metric]) -> Point {
    let mut taken = of(points).take(false);
    assert_eq!(taken.len(), 1);
    taken.remove(0)
}

fn bucketed(point: Point) -> Bucketed {
    let Value::Histogram(bucketed) = point.value else {
        panic!("no histogram");
    };
    bucketed
}

/// Since when a series counts whose first point is of the time 10.
const BEFORE: i64 = 10 - 1_000;

/// Start, time and value of a sum or a gauge.
fn short(points: &[Point]) -> Vec<(i64, i64, f64)> {
    let value = |point: &Point| match point.value {
        Value::Gauge(value) | Value::Sum(value) => value,
        Value::Histogram(_) => f64::NAN,
    };
    let of = |point: &Point| (point.start, point.time, value(point));
    points.iter().map(of).collect()
}

#[test]
fn counters_add_up_from_a_stable_start() {
    let mut fold = of(&[counter(10, "1"), counter(20, "2.5")]);
    assert_eq!(short(&fold.take(false)), [(BEFORE, 20, 3.5)]);
    assert_eq!(fold.take(false), []);
    // a late point does not move the time back
    fold.add(&counter(15, "1"));
    assert_eq!(short(&fold.take(false)), [(BEFORE, 20, 4.5)]);
}

#[test]
fn deltas_begin_where_the_last_ended() {
    let mut fold = of(&[counter(10, "1"), counter(20, "2")]);
    assert_eq!(short(&fold.take(true)), [(BEFORE, 20, 3.0)]);
    fold.add(&counter(30, "4"));
    assert_eq!(short(&fold.take(true)), [(20, 30, 4.0)]);
    // whoever asks for the whole then gets the whole
    fold.add(&counter(40, "1"));
    assert_eq!(short(&fold.take(false)), [(BEFORE, 40, 8.0)]);
}

#[test]
fn gauges_keep_the_newest() {
    let mut fold = of(&[gauge(10, "1"), gauge(30, "-2"), gauge(20, "5")]);
    assert_eq!(short(&fold.take(false)), [(BEFORE, 30, -2.0)]);
    fold.add(&gauge(25, "7"));
    assert_eq!(fold.take(false), []);
    fold.add(&gauge(30, "8"));
    assert_eq!(short(&fold.take(true)), [(30, 30, 8.0)]);
}

#[test]
fn upper_bounds_belong_to_their_bucket() {
    let mut points = ["0.5", "1", "1.5", "2", "2.1"].map(|value| observed(1, value));
    for point in &mut points {
        point.buckets = vec![Number::from(1), Number::from(2)];
    }
    let all = bucketed(one(&points));
    assert_eq!((all.counts, all.count), (vec![2, 2, 1], 5));
    assert_eq!((all.min, all.max), (0.5, 2.1));
    assert!((all.sum - 7.1).abs() < 1e-9);
}

#[test]
fn bounds_are_the_first_seen_or_the_default() {
    let bounds = |numbers: &[&str]| {
        let mut point = observed(1, "1");
        point.buckets = numbers.iter().map(|text| text.parse().unwrap()).collect();
        point
    };
    let first = bucketed(one(&[bounds(&["3"]), bounds(&["1", "2"]), bounds(&[])]));
    assert_eq!((first.bounds, first.counts), (vec![3.0], vec![3, 0]));
    for wrong in [&["2", "1"][..], &["1", "1"], &["1", "1e999"], &[]] {
        let default = bucketed(one(&[bounds(wrong)]));
        assert_eq!((default.bounds.len(), default.counts.len()), (15, 16));
        assert_eq!(default.counts[1], 1);
    }
}

#[test]
fn histogram_deltas_have_their_own_extremes() {
    let mut fold = of(&[observed(10, "1"), observed(20, "9")]);
    fold.take(true);
    fold.add(&observed(30, "4"));
    let delta = bucketed(fold.take(true).remove(0));
    assert_eq!(
        (delta.count, delta.sum, delta.min, delta.max),
        (1, 4.0, 4.0, 4.0)
    );
    fold.add(&observed(40, "5"));
    let whole = bucketed(fold.take(false).remove(0));
    assert_eq!(
        (whole.count, whole.sum, whole.min, whole.max),
        (4, 19.0, 1.0, 9.0)
    );
}

#[test]
fn impossible_values_change_nothing() {
    let mut none = counter(1, "1");
    none.value = None;
    assert_eq!(
        of(&[counter(1, "-1"), counter(1, "1e999"), none]).take(false),
        []
    );
    let mut fold = of(&[counter(1, "1.7e308"), counter(2, "1.7e308")]);
    assert_eq!(short(&fold.take(false)), [(1 - 1_000, 1, 1.7e308)]);
    fold.add(&counter(3, "1.7e308"));
    assert_eq!(fold.take(false), []);
    let whole = bucketed(one(&[observed(1, "-1.7e308"), observed(2, "-1.7e308")]));
    assert_eq!((whole.count, whole.sum), (1, -1.7e308));
}

#[test]
fn identity_does_not_know_order() {
    let ab = labelled(counter(1, "1"), r#"{"a":"1","b":"2"}"#);
    let ba = labelled(counter(1, "1"), r#"{"b":"2","a":"1"}"#);
    assert_eq!(
        short(&of(&[ab.clone(), ba]).take(false)),
        [(1 - 1_000, 1, 2.0)]
    );
    let others: [fn(&mut Metric); 7] = [
        |point| point.service = "x".to_owned(),
        |point| point.host = "x".to_owned(),
        |point| point.name = "x".to_owned(),
        |point| point.unit = "x".to_owned(),
        |point| point.kind = MetricType::Gauge,
        |point| drop(point.labels.insert("c".to_owned(), json!(1))),
        |point| drop(point.resource.insert("c".to_owned(), json!(1))),
    ];
    let mut points = vec![ab.clone()];
    for change in others {
        let mut other = ab.clone();
        change(&mut other);
        points.push(other);
    }
    assert_eq!(of(&points).take(false).len(), 8);
}

#[test]
fn latest_trace_of_a_bucket_is_its_exemplar() {
    let traced = |time: i64, value: &str, trace: &str| {
        let mut point = observed(time, value);
        point.buckets = vec![Number::from(1)];
        point.trace_id = trace.to_owned();
        point
    };
    let mut fold = of(&[
        traced(1, "0.5", TRACE),
        traced(3, "0.7", OTHER),
        traced(2, "0.6", TRACE),
        traced(4, "5", TRACE),
        traced(5, "6", "no trace"),
    ]);
    let exemplars = fold.take(false).remove(0).exemplars;
    let short: Vec<_> = exemplars
        .iter()
        .map(|one| (one.time, one.value, one.trace_id.as_str()))
        .collect();
    assert_eq!(short, [(3, 0.7, OTHER), (4, 5.0, TRACE)]);
    fold.add(&traced(6, "0.5", ""));
    assert_eq!(fold.take(false).remove(0).exemplars, []);
}

#[test]
fn help_is_the_first_that_was_given() {
    let mut points = [counter(1, "1"), counter(1, "1"), counter(1, "1")];
    points[1].help = "first".to_owned();
    points[2].help = "second".to_owned();
    assert_eq!(one(&points).help, "first");
}

/// More series than there is room for.
fn crowd(many: usize) -> Fold {
    let mut fold = Fold::default();
    for number in 0..many {
        fold.add(&labelled(counter(10, "1"), &format!(r#"{{"n":{number}}}"#)));
    }
    fold
}

#[test]
fn too_many_series_flow_over() {
    let mut fold = crowd(MOST + 5);
    let taken = fold.take(false);
    assert_eq!((taken.len(), fold.lost()), (MOST + 1, 0));
    let last = taken.last().unwrap();
    assert_eq!(
        json!(last.series.labels),
        json!({"otel.metric.overflow": true})
    );
    assert_eq!(last.value, Value::Sum(5.0));
    let again = Fold::from_bytes(&fold.to_bytes()).unwrap();
    assert_eq!((again.kept.len(), again.overflows), (MOST + 1, 1));
}

#[test]
fn overflow_series_are_bounded_too() {
    let mut fold = crowd(MOST);
    for number in 0..MOST_OVERFLOWS + 3 {
        let mut point = counter(10, "1");
        point.name = format!("m{number}");
        fold.add(&point);
    }
    assert_eq!(
        (fold.take(false).len(), fold.lost()),
        (MOST + MOST_OVERFLOWS, 3)
    );
}

#[test]
fn texts_are_bounded_too() {
    let mut fold = Fold::default();
    for number in 0..40 {
        let text = format!("{number}{}", "x".repeat(1 << 20));
        fold.add(&labelled(
            counter(10, "1"),
            &json!({ "a": text }).to_string(),
        ));
    }
    let taken = fold.take(false);
    assert_eq!(taken.len(), 17);
    assert_eq!(short(&taken[16..]), [(BEFORE, 10, 24.0)]);
}

#[test]
fn long_silent_series_make_room() {
    let mut fold = crowd(MOST);
    fold.take(false);
    fold.add(&labelled(counter(20, "1"), r#"{"n":0}"#));
    let now = 10 + FORGOTTEN + 1;
    fold.add(&labelled(counter(now, "1"), r#"{"n":"new"}"#));
    // the one that is not yet taken stays, and a forgotten one begins anew
    fold.add(&labelled(counter(now + 1, "1"), r#"{"n":1}"#));
    let taken = fold.take(false);
    assert_eq!(
        short(&taken),
        [
            (BEFORE, 20, 2.0),
            (now - 1_000, now, 1.0),
            (now - 999, now + 1, 1.0)
        ]
    );
}

#[test]
fn state_is_taken_up_again() {
    let mut traced = labelled(observed(10, "3"), r#"{"a":{"b":[1,null]}}"#);
    traced.trace_id = TRACE.to_owned();
    traced.resource = serde_json::from_str(r#"{"r":1.50}"#).unwrap();
    let mut fold = of(&[counter(10, "0.1"), gauge(10, "5"), traced]);
    fold.take(false);
    fold.add(&counter(20, "0.2"));
    let mut again = Fold::from_bytes(&fold.to_bytes()).unwrap();
    assert_eq!(again.kept, fold.kept);
    assert_eq!(again.to_bytes(), fold.to_bytes());
    assert_eq!(short(&again.take(true)), [(10, 20, 0.2)]);
    again.add(&counter(30, "1"));
    assert_eq!(
        short(&again.take(false)),
        short(&{
            fold.add(&counter(30, "1"));
            fold.take(false)
        })
    );
}

#[test]
fn state_is_small() {
    let bytes = crowd(MOST).to_bytes().len();
    assert!(bytes < 100 * MOST, "{bytes}");
}

#[test]
fn garbage_is_no_state() {
    let whole = of(&[counter(10, "1"), observed(10, "3")]).to_bytes();
    for length in [0, 5, MAGIC_LENGTH + 3, whole.len() - 1] {
        assert!(Fold::from_bytes(&whole[..length]).is_none(), "{length}");
    }
    let mut twice = whole.clone();
    twice.extend(&whole[MAGIC_LENGTH..]);
    assert!(Fold::from_bytes(&twice).is_none());
    assert!(Fold::from_bytes(b"obs fold 2\n").is_none());
    assert!(Fold::from_bytes(b"{}").is_none());
    assert!(Fold::from_bytes(&Fold::default().to_bytes()).is_some());
}

const MAGIC_LENGTH: usize = 11;

proptest! {
    #[test]
    fn damaged_state_never_breaks_the_fold(at in 0..400_usize, byte in any::<u8>()) {
        let mut bytes = of(&[counter(10, "1"), gauge(5, "2"), observed(10, "3")]).to_bytes();
        let length = bytes.len();
        bytes[at % length] = byte;
        if let Some(mut fold) = Fold::from_bytes(&bytes) {
            fold.add(&observed(20, "4"));
            for point in fold.take(false) {
                match point.value {
                    Value::Gauge(value) | Value::Sum(value) => prop_assert!(value.is_finite()),
                    Value::Histogram(bucketed) => {
                        prop_assert_eq!(bucketed.counts.iter().sum::<u64>(), bucketed.count);
                        prop_assert_eq!(bucketed.counts.len(), bucketed.bounds.len() + 1);
                    }
                }
            }
        }
    }

    #[test]
    fn deltas_add_up_to_the_whole(values in prop::collection::vec((0..1000_u32, any::<bool>()), 1..40)) {
        let (mut deltas, mut whole) = (Fold::default(), Fold::default());
        let mut sum = 0.0;
        for (time, (value, is_taken)) in values.iter().enumerate() {
            let point = counter(time as i64, &value.to_string());
            deltas.add(&point);
            whole.add(&point);
            if *is_taken {
                sum += short(&deltas.take(true)).iter().map(|of| of.2).sum::<f64>();
                deltas = Fold::from_bytes(&deltas.to_bytes()).unwrap();
            }
        }
        sum += short(&deltas.take(true)).iter().map(|of| of.2).sum::<f64>();
        prop_assert_eq!(short(&whole.take(false))[0].2, sum);
    }
}
