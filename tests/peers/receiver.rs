//! What each failure of a receiver becomes. The receiver is a script on the official protobuf and gRPC packages: it answers
//! as the header `mode` says.

use super::collector::rig::{Ended, cached, free_port, sink, stored, word};
use obs::model::Signal;
use obs::ship::{Load, Stored};
use serde_json::json;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

struct Receiver {
    http: u16,
    grpc: u16,
    _process: Ended,
}

impl Receiver {
    /// Starts it; none where its packages are not installed.
    fn start() -> Option<Self> {
        let python = cached("otlp-python/bin/python")?;
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/receiver.py");
        let mut command = Command::new(python);
        command
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let out = process.stdout.take().unwrap();
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line).unwrap();
        let ports: Vec<u16> = line
            .split_whitespace()
            .map(|port| port.parse().unwrap())
            .collect();
        Some(Self {
            http: ports[0],
            grpc: ports[1],
            _process: Ended(process),
        })
    }

    /// What becomes of spans that are sent so, without the port.
    fn answer(
        &self,
        protocol: &str,
        mode: &str,
        more: &[(&str, &str)],
        spans: &[Stored],
    ) -> String {
        let port = if protocol == "grpc" {
            self.grpc
        } else {
            self.http
        };
        let endpoint = format!("http://127.0.0.1:{port}");
        let headers = format!("mode={mode}");
        let mut env = vec![
            ("ENDPOINT", endpoint.as_str()),
            ("PROTOCOL", protocol),
            ("HEADERS", headers.as_str()),
        ];
        env.extend(more);
        let mut sink = sink(&env).unwrap();
        let answer = word(&sink.send(Load::Records(Signal::Spans, spans)));
        answer.replace(&format!(":{port}"), ":PORT")
    }
}

fn span(text: &str) -> Stored {
    let line = json!({
        "timestamp": "2026-11-22T10:00:00Z", "end": "2026-11-22T10:00:01Z", "name": "n",
        "trace_id": "0af7651916cd43dd8448eb211c80319c", "span_id": "00f067aa0ba902b7", "trace_flags": "01",
        "attributes": {"text": text}, "service": "s", "host": "h",
    });
    stored(Signal::Spans, &line)
}

#[test]
fn answers_of_http_become_what_they_mean() {
    let Some(receiver) = Receiver::start() else {
        return;
    };
    let at = "http://127.0.0.1:PORT/v1/traces";
    let quick = [("TIMEOUT", "700")];
    let no_limit = [("TIMEOUT", "0")];
    for protocol in ["http/protobuf", "http/json"] {
        for (mode, more, expected) in [
            ("ok", &[][..], "delivered".to_owned()),
            (
                "seconds:7",
                &[],
                format!("retry Some(7s): obs: {at} answers 429\n"),
            ),
            (
                "status:502",
                &[],
                format!("retry None: obs: {at} answers 502: told to\n"),
            ),
            (
                "status:503",
                &[],
                format!("retry None: obs: {at} answers 503: told to\n"),
            ),
            (
                "status:504",
                &[],
                format!("retry None: obs: {at} answers 504: told to\n"),
            ),
            (
                "status:400",
                &[],
                format!("permanent: {at} answers 400: told to"),
            ),
            (
                "status:413",
                &[],
                format!("permanent: {at} answers 413: told to"),
            ),
            (
                "status:500",
                &[],
                format!("permanent: {at} answers 500: told to"),
            ),
            (
                "status:401",
                &[],
                format!("misconfigured: obs: {at} answers 401: told to\n"),
            ),
            (
                "status:415",
                &[],
                format!("misconfigured: obs: {at} answers 415: told to\n"),
            ),
            ("partial:3", &[], "partial 3: too old".to_owned()),
            ("partial:0", &[], "partial 0: too old".to_owned()),
            (
                "drop",
                &[],
                "retry None: obs: could not reach the collector at 127.0.0.1:PORT: ".to_owned(),
            ),
            (
                "cut",
                &[],
                "retry None: obs: could not reach the collector at 127.0.0.1:PORT: ".to_owned(),
            ),
            (
                "slow:5",
                &quick,
                "retry None: obs: no answer from the collector at 127.0.0.1:PORT within 700 ms\n"
                    .to_owned(),
            ),
            ("slow:0.2", &no_limit, "delivered".to_owned()),
            ("large:6000000", &[], "delivered".to_owned()),
            (
                "redirect",
                &[],
                format!(
                    "misconfigured: obs: {at} answers 307\nhint: redirects are not followed: it points to "
                ),
            ),
        ] {
            let answer = receiver.answer(protocol, mode, more, &[span("x")]);
            assert!(answer.starts_with(&expected), "{protocol} {mode}: {answer}");
            assert!(!answer.contains("hush"), "{answer}");
        }
    }
}

#[test]
fn date_of_retry_after_is_waited_for() {
    let Some(receiver) = Receiver::start() else {
        return;
    };
    let answer = receiver.answer("http/protobuf", "date:90", &[], &[span("x")]);
    let seconds = ["89s", "90s", "91s"];
    let found = seconds
        .iter()
        .any(|wait| answer.starts_with(&format!("retry Some({wait}): ")));
    assert!(found, "{answer}");
}

#[test]
fn codes_of_grpc_become_what_they_mean() {
    let Some(receiver) = Receiver::start() else {
        return;
    };
    let at = "http://127.0.0.1:PORT";
    let quick = [("TIMEOUT", "700")];
    let no_limit = [("TIMEOUT", "0")];
    let answers = |code: &str| format!("{at} answers {code}: told to");
    for (mode, more, expected) in [
        ("ok", &[][..], "delivered".to_owned()),
        (
            "code:UNAVAILABLE",
            &[],
            format!("retry None: obs: {}\n", answers("UNAVAILABLE")),
        ),
        (
            "info:UNAVAILABLE:4",
            &[],
            format!("retry Some(4s): obs: {}\n", answers("UNAVAILABLE")),
        ),
        (
            "info:RESOURCE_EXHAUSTED:2",
            &[],
            format!("retry Some(2s): obs: {}\n", answers("RESOURCE_EXHAUSTED")),
        ),
        (
            "code:RESOURCE_EXHAUSTED",
            &[],
            format!("permanent: {}", answers("RESOURCE_EXHAUSTED")),
        ),
        (
            "code:INVALID_ARGUMENT",
            &[],
            format!("permanent: {}", answers("INVALID_ARGUMENT")),
        ),
        (
            "code:INTERNAL",
            &[],
            format!("permanent: {}", answers("INTERNAL")),
        ),
        (
            "code:UNKNOWN",
            &[],
            format!("permanent: {}", answers("UNKNOWN")),
        ),
        (
            "code:ABORTED",
            &[],
            format!("retry None: obs: {}\n", answers("ABORTED")),
        ),
        (
            "code:DATA_LOSS",
            &[],
            format!("retry None: obs: {}\n", answers("DATA_LOSS")),
        ),
        (
            "code:UNAUTHENTICATED",
            &[],
            format!("misconfigured: obs: {}\n", answers("UNAUTHENTICATED")),
        ),
        (
            "code:PERMISSION_DENIED",
            &[],
            format!("misconfigured: obs: {}\n", answers("PERMISSION_DENIED")),
        ),
        (
            "code:UNIMPLEMENTED",
            &[],
            format!("misconfigured: obs: {}\n", answers("UNIMPLEMENTED")),
        ),
        ("partial:2", &[], "partial 2: too old".to_owned()),
        (
            "slow:5",
            &quick,
            "retry None: obs: no answer from the collector at 127.0.0.1:PORT within 700 ms\n"
                .to_owned(),
        ),
        ("slow:0.2", &no_limit, "delivered".to_owned()),
    ] {
        let answer = receiver.answer("grpc", mode, more, &[span("x")]);
        assert!(answer.starts_with(&expected), "{mode}: {answer}");
    }
    let large = receiver.answer("grpc", "ok", &[], &[span(&"x".repeat(70_000))]);
    assert!(
        large.starts_with("permanent") && large.contains("larger than max"),
        "{large}"
    );
}

#[test]
fn dead_and_unknown_hosts_are_tried_again() {
    let port = free_port();
    for protocol in ["grpc", "http/protobuf", "http/json"] {
        for (endpoint, expected) in [
            (
                format!("http://localhost:{port}"),
                format!("retry None: obs: could not reach the collector at localhost:{port}: connection refused\nhint: start it there, or correct OTEL_EXPORTER_OTLP_ENDPOINT\n"),
            ),
            (
                "http://nowhere.invalid:4317".to_owned(),
                "retry None: obs: could not reach the collector at nowhere.invalid:4317: failed to lookup address".to_owned(),
            ),
        ] {
            let mut sink = sink(&[("ENDPOINT", &endpoint), ("PROTOCOL", protocol)]).unwrap();
            let answer = word(&sink.send(Load::Records(Signal::Spans, &[span("x")])));
            assert!(answer.starts_with(&expected), "{protocol}: {answer}");
            assert!(sink.probe().is_err());
        }
    }
}
