//! The sink as the drain sees it, without a network.

use super::*;
use crate::settings;
use crate::ship::Stored;
use serde_json::json;

fn sink(env: &[(&str, &str)]) -> Box<dyn Sink> {
    let world = World::of(env);
    let (sinks, _) = settings::sinks(None, &world);
    open(&sinks[0], &world).unwrap()
}

/// Port 9 discards, if it is there at all: whatever is sent does not arrive.
const BASE: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9");

fn span(trace_id: &str, flags: &str) -> Stored {
    let line = json!({
        "timestamp": "2026-11-22T10:00:00Z", "end": "2026-11-22T10:00:01Z", "name": "n",
        "trace_id": trace_id, "span_id": "00f067aa0ba902b7", "trace_flags": flags,
    });
    let line = format!("{line}\n").into_bytes();
    let record = Signal::Spans.read(&line).unwrap();
    Stored { line, record }
}

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

#[test]
fn signals_are_taken_where_they_have_an_endpoint() {
    let all = sink(&[BASE]);
    let forms = Signal::ALL.map(|signal| all.takes(signal));
    let points = Some(Form::Points { delta: false });
    assert_eq!(
        forms,
        [
            Some(Form::Records),
            Some(Form::Records),
            points,
            Some(Form::Records)
        ]
    );
    let one = sink(&[("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://127.0.0.1:9")]);
    let forms = Signal::ALL.map(|signal| one.takes(signal).is_some());
    assert_eq!(forms, [true, true, false, false]);
    let preference = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE";
    let none = sink(&[
        BASE,
        ("OTEL_TRACES_EXPORTER", "none"),
        (preference, "delta"),
    ]);
    assert_eq!(none.takes(Signal::Spans), None);
    assert_eq!(
        none.takes(Signal::Metrics),
        Some(Form::Points { delta: true })
    );
}

#[test]
fn unsampled_spans_need_no_network() {
    let mut sink = sink(&[BASE]);
    let spans = [span(TRACE, "00"), span(TRACE, "02")];
    let answer = sink.send(Load::Records(Signal::Spans, &spans));
    assert!(matches!(answer, Answer::Delivered), "{answer:?}");
    for flags in ["", "01", "03"] {
        let answer = sink.send(Load::Records(Signal::Spans, &[span(TRACE, flags)]));
        assert!(
            matches!(answer, Answer::Retry { .. }),
            "{flags}: {answer:?}"
        );
    }
}

#[test]
fn record_that_nobody_understands_is_refused_with_its_reason() {
    let mut sink = sink(&[BASE]);
    let reason = |answer| match answer {
        Answer::Permanent(why) => why,
        other => panic!("{other:?}"),
    };
    let bad = span("no id", "01");
    let alone = reason(sink.send(Load::Records(Signal::Spans, std::slice::from_ref(&bad))));
    assert_eq!(alone, "`no id` is no trace id");
    let both = [span(TRACE, "01"), bad];
    let among = reason(sink.send(Load::Records(Signal::Spans, &both)));
    assert_eq!(among, "record 2 of 2: `no id` is no trace id");
}

#[test]
fn link_local_addresses_of_a_name_are_left_out() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let found = runtime.block_on(http::routable("169.254.169.254", 80));
    assert_eq!(found.unwrap_err().to_string(), answer::LINK_LOCAL);
    let found = runtime.block_on(http::routable("127.0.0.1", 80)).unwrap();
    assert_eq!(found.len(), 1);
}

#[test]
fn clocks_that_differ_are_told() {
    let targets = variables::targets(&World::of(&[BASE])).unwrap();
    let (lane, target) = targets.into_iter().next().unwrap();
    let way = Way {
        lane,
        target,
        wire: 0,
    };
    let second = 1_000_000_000;
    for (clock, expected) in [
        (None, "http://127.0.0.1:9/v1/logs answers (http/protobuf)"),
        (
            Some(second),
            "http://127.0.0.1:9/v1/logs answers (http/protobuf)",
        ),
        (
            Some(90 * second),
            "http://127.0.0.1:9/v1/logs answers (http/protobuf); its clock is 90 s ahead of ours",
        ),
        (
            Some(-90 * second),
            "http://127.0.0.1:9/v1/logs answers (http/protobuf); its clock is 90 s behind ours",
        ),
    ] {
        assert_eq!(told(&way, clock, 0), expected);
    }
}
