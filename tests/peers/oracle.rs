//! The same span through `opentelemetry-otlp` and through us is the same at the Collector, but for the scope: that names who
//! made it.

use super::collector::rig::{Collector, Line, plain, sink, stored, until, word};
use obs::model::Signal;
use obs::ship::Load;
use opentelemetry::trace::{
    Event, Link, SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{Array, KeyValue, StringValue, Value as Attribute};
use opentelemetry_otlp::{Protocol, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanExporter, SpanLinks};
use serde_json::{Value, json};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const START: u64 = 1_795_341_600_123_456_789;

fn at(nanos: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(nanos)
}

fn context(span: &str, state: &str) -> SpanContext {
    SpanContext::new(
        TraceId::from_hex(TRACE).unwrap(),
        SpanId::from_hex(span).unwrap(),
        TraceFlags::SAMPLED,
        false,
        state.parse::<TraceState>().unwrap(),
    )
}

/// The span in the words of the SDK.
fn theirs() -> SpanData {
    let list = Array::String(vec![StringValue::from("a"), StringValue::from("b")]);
    let retry = Event::new("retry", at(START + 9), vec![KeyValue::new("n", 1)], 0);
    let link = Link::new(context("b7ad6b7169203331", ""), Vec::new(), 0);
    SpanData {
        span_context: context("00f067aa0ba902b7", "k=v"),
        parent_span_id: SpanId::INVALID,
        parent_span_is_remote: false,
        span_kind: SpanKind::Client,
        name: "build \u{1f680}".into(),
        start_time: at(START),
        end_time: at(START + 1_000_000_001),
        attributes: vec![
            KeyValue::new("text", "a\"b\n"),
            KeyValue::new("whole", 9_007_199_254_740_993_i64),
            KeyValue::new("half", 0.5),
            KeyValue::new("yes", true),
            KeyValue::new("list", Attribute::Array(list)),
        ],
        dropped_attributes_count: 0,
        events: {
            let mut events = SpanEvents::default();
            events.events.push(retry);
            events
        },
        links: {
            let mut links = SpanLinks::default();
            links.links.push(link);
            links
        },
        status: Status::error("exit 3"),
        instrumentation_scope: opentelemetry::InstrumentationScope::builder("theirs").build(),
    }
}

/// The span in ours.
fn ours() -> Value {
    json!({
        "timestamp": "2026-11-22T10:00:00.123456789Z", "end": "2026-11-22T10:00:01.12345679Z",
        "name": "build \u{1f680}", "trace_id": TRACE, "span_id": "00f067aa0ba902b7",
        "trace_state": "k=v", "trace_flags": "01", "kind": "client",
        "status": {"code": "error", "message": "exit 3"},
        "attributes": {"text": "a\"b\n", "whole": 9_007_199_254_740_993_i64, "half": 0.5, "yes": true, "list": ["a", "b"]},
        "events": [{"timestamp": "2026-11-22T10:00:00.123456798Z", "name": "retry", "attributes": {"n": 1}}],
        "links": [{"trace_id": TRACE, "span_id": "b7ad6b7169203331"}],
        "service": "deploy", "host": "h1",
    })
}

/// Sends their span by their exporter.
fn export(protocol: &str, endpoint: &str) {
    let resource = Resource::builder_empty()
        .with_attribute(KeyValue::new("service.name", "deploy"))
        .with_attribute(KeyValue::new("host.name", "h1"))
        .build();
    if protocol == "grpc" {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_all().build().unwrap();
        runtime.block_on(async {
            let builder = opentelemetry_otlp::SpanExporter::builder().with_tonic();
            let mut exporter = builder.with_endpoint(endpoint).build().unwrap();
            exporter.set_resource(&resource);
            exporter.export(vec![theirs()]).await.unwrap();
        });
        return;
    }
    let builder = opentelemetry_otlp::SpanExporter::builder().with_http();
    let builder = builder.with_protocol(Protocol::HttpBinary);
    let endpoint = format!("{endpoint}/v1/traces");
    let mut exporter = builder.with_endpoint(endpoint).build().unwrap();
    exporter.set_resource(&resource);
    // its blocking client works inside the poll, and does not bear a runtime around it
    let mut exported = pin!(exporter.export(vec![theirs()]));
    let mut context = Context::from_waker(Waker::noop());
    let Poll::Ready(answer) = exported.as_mut().poll(&mut context) else {
        panic!("the exporter waits");
    };
    answer.unwrap();
}

/// Resource, and span, of a request of one span; the order of attributes means nothing.
fn parts(request: &Value) -> [Value; 2] {
    let resource = &request["resourceSpans"][0];
    let mut span = resource["scopeSpans"][0]["spans"][0].clone();
    // a link of ours does not know the flags of what it points to
    span["links"][0].as_object_mut().unwrap().remove("flags");
    [resource["resource"].clone(), span].map(|mut part| {
        let attributes = part["attributes"].as_array_mut().unwrap();
        attributes.sort_by_key(|pair| pair["key"].to_string());
        plain(&part)
    })
}

#[test]
fn exporter_of_the_sdk_sends_the_same() {
    let Some(collector) = Collector::start() else {
        return;
    };
    let mut count = 0;
    for protocol in ["grpc", "http/protobuf"] {
        let transport = if protocol == "grpc" { "grpc" } else { "http" };
        let port = collector.port(Line::Plain, transport);
        let endpoint = format!("http://localhost:{port}");
        export(protocol, &endpoint);
        let mut sink = sink(&[("ENDPOINT", &endpoint), ("PROTOCOL", protocol)]).unwrap();
        let own = [stored(Signal::Spans, &ours())];
        assert_eq!(
            word(&sink.send(Load::Records(Signal::Spans, &own))),
            "delivered"
        );
        count += 2;
        let written = until("both spans", || {
            Some(collector.written("traces")).filter(|written| written.len() == count)
        });
        assert_eq!(
            parts(&written[count - 1]),
            parts(&written[count - 2]),
            "{protocol}"
        );
    }
}
