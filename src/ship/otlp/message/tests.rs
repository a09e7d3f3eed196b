//! What records become, and that any record becomes something that can be encoded.

use super::*;
use crate::metrics::{Bucketed, Exemplar, Point, Series, Value as Came};
use crate::model::{MetricType, Signal};
use crate::ship::Stored;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::trace::v1::Span;
use proptest::prelude::*;
use prost::Message;
use serde::Serialize;
use serde_json::{Value, json};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "b7ad6b7169203331";
const CHILD: &str = "00f067aa0ba902b7";

fn stored(signal: Signal, value: &Value) -> Stored {
    let line = serde_json::to_vec(value).unwrap();
    let record = signal.read(&line).unwrap();
    Stored { line, record }
}

/// A small span with the keys of `more` over it.
fn span(more: Value) -> Stored {
    stored(
        Signal::Spans,
        &over(
            json!({"timestamp": "2026-11-27T10:00:00.000000001Z", "end": "2026-11-27T10:00:01Z", "name": "build",
            "trace_id": TRACE, "span_id": SPAN, "trace_flags": "01", "kind": "client", "status": {"code": "unset"},
            "service": "shop", "host": "h1", "pid": 7, "scope": {"name": "obs", "version": "1.2.3"}}),
            more,
        ),
    )
}

fn log(more: Value) -> Stored {
    stored(
        Signal::Logs,
        &over(
            json!({"timestamp": "2026-11-27T10:00:00Z", "level": "WARNING", "logger": "bash.deploy.sh",
            "message": "low disk", "service": "shop", "host": "h1", "id": "01ARZ3NDEKTSV4RRFFQ69G5FAV"}),
            more,
        ),
    )
}

fn over(base: Value, more: Value) -> Value {
    let (Value::Object(mut base), Value::Object(more)) = (base, more) else {
        panic!("no objects");
    };
    base.extend(more);
    Value::Object(base)
}

fn request<R>(built: Built<R>) -> R {
    assert_eq!(built.refused, []);
    built.request.unwrap()
}

fn spans(request: &ExportTraceServiceRequest) -> Vec<&Span> {
    let scopes = request.resource_spans.iter().flat_map(|of| &of.scope_spans);
    scopes.flat_map(|scope| &scope.spans).collect()
}

fn one_log(stored: Stored) -> LogRecord {
    let request: ExportLogsServiceRequest = request(logs(&[stored]));
    request.resource_logs[0].scope_logs[0].log_records[0].clone()
}

/// Attributes as `key=value` lines.
fn shown(attributes: &[KeyValue]) -> Vec<String> {
    let value = |pair: &KeyValue| match pair.value.as_ref().and_then(|any| any.value.clone()) {
        Some(Any::StringValue(text)) => format!("{text:?}"),
        Some(Any::IntValue(int)) => int.to_string(),
        Some(Any::DoubleValue(float)) => format!("{float:?}"),
        Some(Any::BoolValue(flag)) => flag.to_string(),
        other => format!("{other:?}"),
    };
    let line = |pair: &KeyValue| format!("{}={}", pair.key, value(pair));
    attributes.iter().map(line).collect()
}

#[test]
fn span_keeps_all_it_has() {
    let stored = span(
        json!({"parent_span_id": CHILD, "trace_state": "a=1", "trace_flags": "03",
        "status": {"code": "error", "message": "exit 1"},
        "attributes": {"n": 1, "f": 1.5, "s": "x", "b": true},
        "events": [{"timestamp": "2026-11-27T10:00:00.5Z", "name": "e", "attributes": {"a": 1}}],
        "links": [{"trace_id": TRACE, "span_id": SPAN, "trace_state": "b=2"}, {"trace_id": "x", "span_id": SPAN}],
        "obs": {"dropped": 3, "lossy": true}}),
    );
    let request = request(traces(&[stored]));
    let span = spans(&request)[0];
    assert_eq!(span.trace_id[..2], [0x0a, 0xf7]);
    assert_eq!(span.parent_span_id[..2], [0x00, 0xf0]);
    assert_eq!(
        (span.flags, span.kind, span.trace_state.as_str()),
        (3, 3, "a=1")
    );
    assert_eq!(span.start_time_unix_nano, 1_795_773_600_000_000_001);
    assert_eq!(span.end_time_unix_nano, 1_795_773_601_000_000_000);
    let status = span.status.as_ref().unwrap();
    assert_eq!((status.code, status.message.as_str()), (2, "exit 1"));
    assert_eq!(
        shown(&span.attributes),
        ["obs.lossy=true", "n=1", "f=1.5", "s=\"x\"", "b=true"]
    );
    assert_eq!((span.events[0].name.as_str(), span.links.len()), ("e", 1));
    assert_eq!(
        (span.dropped_attributes_count, span.dropped_links_count),
        (3, 1)
    );
}

#[test]
fn message_goes_only_with_an_error() {
    let codes = ["unset", "ok"].map(|code| {
        let stored = span(json!({"status": {"code": code, "message": "m"}}));
        spans(&request(traces(&[stored])))[0].status.clone()
    });
    assert_eq!(codes[0], None);
    let ok = codes[1].as_ref().unwrap();
    assert_eq!((ok.code, ok.message.as_str()), (1, ""));
}

#[test]
fn remote_is_said_where_the_load_tells() {
    let child = |pid: u32| json!({"span_id": CHILD, "parent_span_id": SPAN, "pid": pid});
    let flags = |records: &[Stored]| -> Vec<u32> {
        spans(&request(traces(records)))
            .iter()
            .map(|span| span.flags)
            .collect()
    };
    let root = || span(json!({}));
    assert_eq!(flags(&[span(child(7))]), [0x001]);
    assert_eq!(flags(&[root(), span(child(7))]), [0x101, 0x101]);
    // another process is another resource, which comes second
    assert_eq!(flags(&[span(child(8)), root()]), [0x301, 0x101]);
}

#[test]
fn ids_that_are_none_are_refused_alone() {
    let records = [
        span(json!({"trace_id": "0".repeat(32)})),
        span(json!({})),
        span(json!({"span_id": "XYZ\n"})),
        log(json!({})),
    ];
    let built = traces(&records);
    assert_eq!(spans(&built.request.unwrap()).len(), 1);
    let places: Vec<usize> = built.refused.iter().map(|(place, _)| *place).collect();
    assert_eq!(places, [0, 2, 3]);
    assert_eq!(built.refused[1].1, "`XYZ\\n` is no span id");
    assert_eq!(built.refused[2].1, "not a span");
}

#[test]
fn nothing_makes_no_request() {
    assert_eq!(traces(&[]).request, None);
    assert_eq!(logs(&[]).request, None);
    assert_eq!(metrics(&[], false).request, None);
    assert_eq!(traces(&[log(json!({}))]).request, None);
}

#[test]
fn groups_stand_in_order_of_appearance() {
    let resource = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let records = [
        span(json!({"name": "1", "resource": resource(r#"{"a":"x","b":"y"}"#)})),
        span(json!({"name": "2", "service": "other"})),
        span(
            json!({"name": "3", "resource": resource(r#"{"b":"y","a":"x"}"#), "scope": {"name": "lib", "version": ""}}),
        ),
        span(json!({"name": "4", "resource": resource(r#"{"a":"x","b":"y"}"#)})),
        span(json!({"name": "5", "resource": resource(r#"{"a":"x","b":"z"}"#)})),
    ];
    let request = request(traces(&records));
    let names = request.resource_spans.iter().map(|of| {
        let scopes = of.scope_spans.iter().map(|scope| {
            let names: Vec<&str> = scope.spans.iter().map(|span| span.name.as_str()).collect();
            format!("{}:{}", scope.scope.as_ref().unwrap().name, names.join(","))
        });
        scopes.collect::<Vec<_>>().join(" ")
    });
    assert_eq!(
        names.collect::<Vec<_>>(),
        ["obs:1,4 lib:3", "obs:2", "obs:5"]
    );
}

#[test]
fn resource_has_no_key_twice() {
    let stored = span(
        json!({"resource": {"service.name": "forged", "host.name": "forged", "process.pid": 1,
        "deployment.environment.name": "test"}}),
    );
    let request = request(traces(&[stored]));
    let resource = request.resource_spans[0].resource.as_ref().unwrap();
    assert_eq!(
        shown(&resource.attributes),
        [
            "service.name=\"shop\"",
            "host.name=\"h1\"",
            "process.pid=7",
            "deployment.environment.name=\"test\"",
        ]
    );
    let nameless = span(json!({"service": "", "host": "", "pid": null}));
    let request = super::traces(&[nameless]).request.unwrap();
    let resource = request.resource_spans[0].resource.as_ref().unwrap();
    assert_eq!(
        shown(&resource.attributes),
        ["service.name=\"unknown_service\""]
    );
}

#[test]
fn log_has_its_conventional_attributes() {
    let record = one_log(log(
        json!({"context": {"task_id": "TASK-1", "code.line.number": 0}, "status": "failure",
        "duration_ms": 1.5, "module": "deploy.sh", "function": "main", "line": 12, "trace_id": TRACE, "span_id": SPAN,
        "exception": "Traceback (most recent call last):\n  File\nValueError: boom\n"}),
    ));
    assert_eq!(
        (record.severity_number, record.severity_text.as_str()),
        (13, "WARNING")
    );
    assert_eq!(
        record.body.unwrap().value,
        Some(Any::StringValue("low disk".to_owned()))
    );
    assert_eq!(record.time_unix_nano, record.observed_time_unix_nano);
    assert_eq!(
        (
            record.trace_id.len(),
            record.span_id.len(),
            record.event_name.as_str()
        ),
        (16, 8, "")
    );
    assert_eq!(
        shown(&record.attributes),
        [
            "log.record.uid=\"01ARZ3NDEKTSV4RRFFQ69G5FAV\"",
            "code.file.path=\"deploy.sh\"",
            "code.function.name=\"main\"",
            "code.line.number=12",
            "exception.message=\"ValueError: boom\"",
            "exception.stacktrace=\"Traceback (most recent call last):\\n  File\\nValueError: boom\\n\"",
            "obs.status=\"failure\"",
            "obs.duration_ms=1.5",
            "task_id=\"TASK-1\"",
        ]
    );
}

#[test]
fn levels_have_their_numbers() {
    let levels = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"];
    let numbers = levels.map(|level| one_log(log(json!({"level": level}))).severity_number);
    assert_eq!(numbers, [5, 9, 13, 17, 21]);
}

#[test]
fn logs_without_good_ids_are_kept() {
    let record = one_log(log(json!({"trace_id": "nonsense", "span_id": SPAN})));
    assert_eq!((record.trace_id, record.span_id), (vec![], vec![]));
    let message = one_log(log(json!({"exception": "boom"})));
    assert_eq!(
        shown(&message.attributes)[1..],
        ["exception.message=\"boom\""]
    );
}

#[test]
fn logger_is_the_scope() {
    let request = request(logs(&[log(json!({})), log(json!({"logger": ""}))]));
    let scopes = request.resource_logs[0]
        .scope_logs
        .iter()
        .map(|of| of.scope.clone().unwrap());
    let scopes: Vec<_> = scopes.map(|scope| (scope.name, scope.version)).collect();
    let ours = ("obs".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
    assert_eq!(scopes, [("bash.deploy.sh".to_owned(), String::new()), ours]);
}

#[test]
fn event_is_attributes_under_a_name() {
    let event = json!({"event_id": "evt_01ARZ3NDEKTSV4RRFFQ69G5FAV", "event_type": "backlog.task.created",
        "event_version": "1.0", "timestamp": "2026-11-27T10:00:00Z", "source": "shop", "source_version": "2.0",
        "correlation_id": "corr_1", "causation_id": "evt_0", "trace_context": {"trace_id": TRACE, "span_id": SPAN},
        "actor": {"type": "agent", "id": "jo", "host": "h1"}, "data": {"task_id": "TASK-5", "obs.actor.id": "forged"},
        "metadata": {"git_branch": "main", "git_commit": "1f0c", "repository": "r", "working_directory": "/w",
            "origin": "observed"}, "resource": {"service.version": "1.0"}});
    let request = request(logs(&[stored(Signal::Events, &event)]));
    let resource = request.resource_logs[0].resource.as_ref().unwrap();
    assert_eq!(
        shown(&resource.attributes),
        [
            "service.name=\"shop\"",
            "service.version=\"2.0\"",
            "host.name=\"h1\""
        ]
    );
    let record = &request.resource_logs[0].scope_logs[0].log_records[0];
    assert_eq!(
        (record.event_name.as_str(), record.severity_number),
        ("backlog.task.created", 9)
    );
    assert_eq!((record.body.as_ref(), record.trace_id.len()), (None, 16));
    assert_eq!(
        shown(&record.attributes),
        [
            "log.record.uid=\"evt_01ARZ3NDEKTSV4RRFFQ69G5FAV\"",
            "obs.event.version=\"1.0\"",
            "obs.event.correlation_id=\"corr_1\"",
            "obs.event.causation_id=\"evt_0\"",
            "obs.event.origin=\"observed\"",
            "obs.actor.type=\"agent\"",
            "obs.actor.id=\"jo\"",
            "vcs.repository.name=\"r\"",
            "vcs.ref.head.name=\"main\"",
            "vcs.ref.head.revision=\"1f0c\"",
            "process.working_directory=\"/w\"",
            "task_id=\"TASK-5\"",
        ]
    );
}

fn point(name: &str, kind: MetricType, value: Came) -> Point {
    Point {
        series: Series {
            service: "shop".to_owned(),
            host: "h1".to_owned(),
            resource: Default::default(),
            name: name.to_owned(),
            kind,
            unit: "s".to_owned(),
            labels: serde_json::from_str(r#"{"a":"b"}"#).unwrap(),
        },
        help: "Help".to_owned(),
        start: 10,
        time: 20,
        value,
        exemplars: vec![Exemplar {
            time: 15,
            value: 0.5,
            trace_id: TRACE.to_owned(),
            span_id: SPAN.to_owned(),
        }],
    }
}

fn bucketed(min: f64) -> Came {
    Came::Histogram(Bucketed {
        bounds: vec![1.0, 2.0],
        counts: vec![1, 1, 0],
        count: 2,
        sum: 2.0,
        min,
        max: 1.5,
    })
}

#[test]
fn points_of_one_name_are_one_metric() {
    let points = [
        point("a", MetricType::Counter, Came::Sum(2.0)),
        point("h", MetricType::Histogram, bucketed(0.5)),
        point("a", MetricType::Counter, Came::Sum(3.0)),
        point("a", MetricType::Gauge, Came::Gauge(4.0)),
        point("bad", MetricType::Gauge, Came::Gauge(f64::NAN)),
        point("h", MetricType::Histogram, bucketed(-0.5)),
    ];
    let built = metrics(&points, true);
    assert_eq!(
        built.refused,
        [(4, "a number that is not finite".to_owned())]
    );
    let request = built.request.unwrap();
    let metrics = &request.resource_metrics[0].scope_metrics[0].metrics;
    let names: Vec<&str> = metrics.iter().map(|metric| metric.name.as_str()).collect();
    assert_eq!(
        (names, metrics[0].description.as_str()),
        (vec!["a", "h", "a"], "Help")
    );
    let Some(Data::Sum(sum)) = &metrics[0].data else {
        panic!("no sum")
    };
    assert_eq!(
        (
            sum.data_points.len(),
            sum.aggregation_temporality,
            sum.is_monotonic
        ),
        (2, 1, true)
    );
    let first = &sum.data_points[0];
    assert_eq!((first.start_time_unix_nano, first.time_unix_nano), (10, 20));
    assert_eq!(
        (
            first.exemplars[0].trace_id[0],
            first.exemplars[0].time_unix_nano
        ),
        (0x0a, 15)
    );
    let Some(Data::Histogram(histogram)) = &metrics[1].data else {
        panic!("no histogram")
    };
    let sums: Vec<Option<f64>> = histogram
        .data_points
        .iter()
        .map(|point| point.sum)
        .collect();
    assert_eq!(sums, [Some(2.0), None]);
    assert_eq!(histogram.data_points[0].bucket_counts, [1, 1, 0]);
    let Some(Data::Gauge(gauge)) = &metrics[2].data else {
        panic!("no gauge")
    };
    assert_eq!(gauge.data_points[0].start_time_unix_nano, 0);
}

#[test]
fn json_is_otlp_json() {
    let text = json(&request(traces(&[span(json!({"attributes": {"n": 9}}))])));
    let value: Value = serde_json::from_slice(&text).unwrap();
    let span = &value["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
    assert_eq!(span["traceId"], TRACE);
    assert_eq!(span["startTimeUnixNano"], "1795773600000000001");
    assert_eq!((&span["kind"], &span["flags"]), (&json!(3), &json!(0x101)));
    assert_eq!(
        span["attributes"][0],
        json!({"key": "n", "value": {"intValue": "9"}})
    );
    assert!(!text.contains(&b'\n'));
}

/// JSON of any kind, numbers too big for any machine type among it.
fn any_json() -> impl Strategy<Value = Value> {
    let number = prop_oneof![
        "-?[1-9][0-9]{0,40}",
        "-?[0-9]\\.[0-9]{1,20}",
        "[1-9]e[+-]?[0-9]{1,4}"
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        number.prop_map(|text| serde_json::from_str(&text).unwrap()),
    ];
    leaf.prop_recursive(24, 64, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::hash_map("[a-z.]{0,4}", inner, 0..3)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn attributes() -> impl Strategy<Value = Value> {
    prop::collection::hash_map(any::<String>(), any_json(), 0..4)
        .prop_map(|map| Value::Object(map.into_iter().collect()))
}

fn id(length: usize) -> impl Strategy<Value = String> {
    prop_oneof![4 => prop::string::string_regex(&format!("[0-9a-f]{{{length}}}")).unwrap(), 1 => any::<String>()]
}

fn time() -> impl Strategy<Value = String> {
    any::<i64>().prop_map(crate::model::time::nanos_text)
}

prop_compose! {
    fn any_line()(kind in 0..3_usize, text in any::<String>(), times in [time(), time()], trace in id(32), span in id(16),
        own in attributes(), resource in attributes(), number in any_json()) -> (Signal, Value) {
        let (time, end) = (&times[0], &times[1]);
        match kind {
            0 => (Signal::Spans, json!({"timestamp": time, "end": end, "name": text, "trace_id": trace, "span_id": span,
                "attributes": own, "resource": resource, "trace_flags": text,
                "events": [{"timestamp": end, "name": text, "attributes": own}],
                "links": [{"trace_id": trace, "span_id": span, "attributes": own}]})),
            1 => (Signal::Logs, json!({"timestamp": time, "level": "INFO", "message": text, "id": text, "context": own,
                "trace_id": trace, "span_id": span, "duration_ms": number, "exception": text, "resource": resource})),
            _ => (Signal::Events, json!({"timestamp": time, "event_id": text, "event_type": text, "event_version": text,
                "data": own, "resource": resource, "trace_context": {"trace_id": trace, "span_id": span}})),
        }
    }
}

/// Encodes, and reads what was encoded as others do.
fn holds<R: Message + Default + PartialEq + std::fmt::Debug + Serialize>(built: &Built<R>) {
    let Some(request) = &built.request else {
        assert_eq!(built.refused.len(), 1);
        return;
    };
    assert_eq!(built.refused, []);
    assert_eq!(
        R::decode(request.encode_to_vec().as_slice()).unwrap(),
        *request
    );
    let value: Value = serde_json::from_slice(&json(request)).unwrap();
    finite(&value);
}

/// The serde of the messages writes null for a double that is not finite.
fn finite(value: &Value) {
    match value {
        Value::Object(fields) => {
            assert!(
                fields.get("doubleValue").is_none_or(Value::is_number),
                "{value}"
            );
            fields.values().for_each(finite);
        }
        Value::Array(items) => items.iter().for_each(finite),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_record_builds_and_encodes((signal, value) in any_line()) {
        let line = serde_json::to_vec(&value).unwrap();
        if let Ok(record) = signal.read(&line) {
            let records = [Stored { line, record }];
            match signal {
                Signal::Spans => holds(&traces(&records)),
                _ => holds(&logs(&records)),
            }
        }
    }
}
