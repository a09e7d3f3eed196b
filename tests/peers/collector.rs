//! OTLP against the official Collector: what it writes to its files is what was sent, by every transport, line and
//! compression, and each mistake in the settings is named and drops nothing.

pub(crate) mod rig;

use obs::metrics::{Bucketed, Exemplar, Point, Series, Value as Reading};
use obs::model::{Attributes, MetricType, Signal};
use obs::ship::otlp::message;
use obs::ship::{Answer, Load, Stored};
use rig::{Collector, Ended, Line, free_port, make_certificates, plain, sink, stored, until, word};
use serde_json::{Value, json};
use std::net::TcpStream;
use std::process::{Command, Stdio};

const PROTOCOLS: [&str; 3] = ["grpc", "http/protobuf", "http/json"];

fn span(trace: usize) -> Stored {
    let line = json!({
        "timestamp": "2026-11-22T10:00:00.123456789Z", "end": "2026-11-22T10:00:01.5Z", "duration_ms": 1376.543,
        "name": "build \u{e9} \u{1f680}", "trace_id": format!("{:032x}", trace + 1),
        "span_id": "00f067aa0ba902b7", "parent_span_id": "00f067aa0ba902b8",
        "trace_state": "k=v", "trace_flags": "01", "kind": "client",
        "status": {"code": "error", "message": "exit 3"},
        "attributes": {"text": "a\"b\n", "whole": 9007199254740993_i64, "half": 0.5, "yes": true, "list": ["a", "b"], "map": {"k": 1}},
        "events": [{"timestamp": "2026-11-22T10:00:01Z", "name": "retry", "attributes": {"n": 1}}],
        "links": [{"trace_id": "0af7651916cd43dd8448eb211c80319c", "span_id": "b7ad6b7169203331"}],
        "service": "deploy", "host": "h1", "pid": 7, "resource": {"deployment.environment.name": "test"},
        "scope": {"name": "obs", "version": "0.1.0"},
    });
    stored(Signal::Spans, &line)
}

fn log(trace: usize) -> Stored {
    let line = json!({
        "timestamp": "2026-11-22T10:00:00.123456Z", "level": "ERROR", "logger": "bash.deploy.sh", "message": "it failed",
        "context": {"attempt": 2}, "trace_id": format!("{:032x}", trace + 1), "span_id": "00f067aa0ba902b7",
        "service": "deploy", "host": "h1", "id": "01JDA0000000000000000000ZZ",
    });
    stored(Signal::Logs, &line)
}

fn point(trace: usize) -> Point {
    Point {
        series: Series {
            service: "deploy".to_owned(),
            host: "h1".to_owned(),
            resource: Attributes::new(),
            name: "job.duration".to_owned(),
            kind: MetricType::Histogram,
            unit: "s".to_owned(),
            labels: json!({"trace": format!("{:032x}", trace + 1)})
                .as_object()
                .unwrap()
                .clone(),
        },
        help: "How long.".to_owned(),
        start: 1_763_805_600_000_000_000,
        time: 1_763_805_601_000_000_000,
        value: Reading::Histogram(Bucketed {
            bounds: vec![1.0, 2.5],
            counts: vec![1, 2, 1],
            count: 4,
            sum: 7.25,
            min: 0.5,
            max: 3.5,
        }),
        exemplars: vec![Exemplar {
            time: 1_763_805_600_500_000_000,
            value: 3.5,
            trace_id: format!("{:032x}", trace + 1),
            span_id: "00f067aa0ba902b7".to_owned(),
        }],
    }
}

/// Where and how: variables of a sink for one combination.
fn variables(collector: &Collector, protocol: &str, line: Line) -> Vec<(&'static str, String)> {
    let transport = if protocol == "grpc" { "grpc" } else { "http" };
    let port = collector.port(line, transport);
    let scheme = if line == Line::Plain { "http" } else { "https" };
    let mut env = vec![
        ("ENDPOINT", format!("{scheme}://localhost:{port}")),
        ("PROTOCOL", protocol.to_owned()),
    ];
    if line != Line::Plain {
        env.push(("CERTIFICATE", collector.path("ca.pem")));
    }
    if line == Line::Mutual {
        env.push(("CLIENT_CERTIFICATE", collector.path("client.pem")));
        env.push(("CLIENT_KEY", collector.path("client.key")));
    }
    env
}

fn open(env: &[(&'static str, String)]) -> Box<dyn obs::ship::Sink> {
    let env: Vec<_> = env
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    sink(&env).unwrap_or_else(|error| panic!("{}", error.report()))
}

/// The requests in which this trace is, without what writers may leave out.
fn kept(collector: &Collector, signal: &str, trace: usize) -> Vec<Value> {
    let id = format!("\"{:032x}\"", trace + 1);
    let all = collector.written(signal);
    let found = all
        .iter()
        .filter(|request| request.to_string().contains(&id));
    found.map(plain).collect()
}

fn sent<R: serde::Serialize>(built: message::Built<R>) -> Value {
    assert_eq!(built.refused, []);
    plain(&serde_json::from_slice(&message::json(&built.request.unwrap())).unwrap())
}

#[test]
fn collector_keeps_what_was_sent() {
    let Some(collector) = Collector::start() else {
        return;
    };
    let mut trace = 0;
    for protocol in PROTOCOLS {
        for line in [Line::Plain, Line::Tls, Line::Mutual] {
            for compression in ["none", "gzip"] {
                let mut env = variables(&collector, protocol, line);
                env.push(("COMPRESSION", compression.to_owned()));
                let mut sink = open(&env);
                trace += 1;
                let (spans, logs, points) = ([span(trace)], [log(trace)], [point(trace)]);
                for load in [
                    Load::Records(Signal::Spans, &spans),
                    Load::Records(Signal::Logs, &logs),
                    Load::Points(&points),
                ] {
                    let answer = word(&sink.send(load));
                    assert_eq!(answer, "delivered", "{protocol} {line:?} {compression}");
                }
                for (signal, expected) in [
                    ("traces", sent(message::traces(&spans))),
                    ("logs", sent(message::logs(&logs))),
                    ("metrics", sent(message::metrics(&points, false))),
                ] {
                    let found = until(signal, || {
                        Some(kept(&collector, signal, trace)).filter(|found| !found.is_empty())
                    });
                    assert_eq!(found, [expected], "{protocol} {line:?} {compression}");
                }
            }
        }
    }
}

#[test]
fn span_is_the_same_in_its_words() {
    let Some(collector) = Collector::start() else {
        return;
    };
    let mut sink = open(&variables(&collector, "http/protobuf", Line::Plain));
    assert!(matches!(
        sink.send(Load::Records(Signal::Spans, &[span(1)])),
        Answer::Delivered
    ));
    let found = until("traces", || collector.written("traces").first().cloned());
    let resource = &found["resourceSpans"][0];
    let span = &resource["scopeSpans"][0]["spans"][0];
    assert_eq!(resource["scopeSpans"][0]["scope"]["name"], "obs");
    assert_eq!(span["traceId"], "00000000000000000000000000000002");
    assert_eq!(span["spanId"], "00f067aa0ba902b7");
    assert_eq!(span["parentSpanId"], "00f067aa0ba902b8");
    assert_eq!(span["traceState"], "k=v");
    assert_eq!(span["name"], "build \u{e9} \u{1f680}");
    assert_eq!(span["kind"], 3);
    assert_eq!(span["startTimeUnixNano"], "1795341600123456789");
    assert_eq!(span["endTimeUnixNano"], "1795341601500000000");
    assert_eq!(span["status"], json!({"code": 2, "message": "exit 3"}));
    let attribute = |name: &str| {
        let all = span["attributes"].as_array().unwrap();
        let found = all.iter().find(|pair| pair["key"] == name);
        found.unwrap_or_else(|| panic!("{name}"))["value"].clone()
    };
    assert_eq!(attribute("text"), json!({"stringValue": "a\"b\n"}));
    assert_eq!(attribute("whole"), json!({"intValue": "9007199254740993"}));
    assert_eq!(attribute("half"), json!({"doubleValue": 0.5}));
    assert_eq!(attribute("yes"), json!({"boolValue": true}));
    assert_eq!(span["events"][0]["name"], "retry");
    assert_eq!(span["links"][0]["spanId"], "b7ad6b7169203331");
    let service = resource["resource"]["attributes"].as_array().unwrap();
    assert!(service.contains(&json!({"key": "service.name", "value": {"stringValue": "deploy"}})));
}

#[test]
fn each_wrong_setting_is_named_and_drops_nothing() {
    let Some(collector) = Collector::start() else {
        return;
    };
    let port = |line, transport| collector.port(line, transport).to_string();
    let ca = collector.path("ca.pem");
    let trusted = [("CERTIFICATE", ca.as_str())];
    let cases: &[(&str, &str, Line, &str, &[(&str, &str)], &str)] = &[
        (
            "grpc",
            "http://localhost",
            Line::Plain,
            "http",
            &[],
            "speaks HTTP, not gRPC",
        ),
        (
            "http/protobuf",
            "http://localhost",
            Line::Plain,
            "grpc",
            &[],
            "speaks gRPC, not HTTP",
        ),
        (
            "http/json",
            "http://localhost",
            Line::Plain,
            "grpc",
            &[],
            "speaks gRPC, not HTTP",
        ),
        (
            "grpc",
            "http://localhost",
            Line::Tls,
            "grpc",
            &trusted,
            "speaks TLS",
        ),
        (
            "grpc",
            "http://localhost",
            Line::Tls,
            "http",
            &trusted,
            "speaks TLS",
        ),
        (
            "http/protobuf",
            "http://localhost",
            Line::Tls,
            "http",
            &trusted,
            "TLS",
        ),
        (
            "http/protobuf",
            "http://localhost",
            Line::Tls,
            "grpc",
            &trusted,
            "speaks TLS",
        ),
        (
            "grpc",
            "https://localhost",
            Line::Tls,
            "grpc",
            &[],
            "UnknownIssuer",
        ),
        (
            "http/protobuf",
            "https://localhost",
            Line::Tls,
            "http",
            &[],
            "UnknownIssuer",
        ),
        (
            "grpc",
            "https://127.0.0.1",
            Line::Tls,
            "grpc",
            &trusted,
            "not valid for name",
        ),
        (
            "http/protobuf",
            "https://127.0.0.1",
            Line::Tls,
            "http",
            &trusted,
            "not valid for name",
        ),
        (
            "grpc",
            "https://localhost",
            Line::Mutual,
            "grpc",
            &trusted,
            "CertificateRequired",
        ),
        (
            "http/protobuf",
            "https://localhost",
            Line::Mutual,
            "http",
            &trusted,
            "CertificateRequired",
        ),
        (
            "grpc",
            "https://localhost",
            Line::Plain,
            "grpc",
            &trusted,
            "no TLS with",
        ),
        (
            "grpc",
            "https://localhost",
            Line::Plain,
            "http",
            &trusted,
            "no TLS with",
        ),
        (
            "http/protobuf",
            "https://localhost",
            Line::Plain,
            "http",
            &trusted,
            "no TLS with",
        ),
        (
            "http/protobuf",
            "https://localhost",
            Line::Plain,
            "grpc",
            &trusted,
            "no TLS with",
        ),
        (
            "grpc",
            "https://localhost",
            Line::Tls,
            "http",
            &trusted,
            "4317",
        ),
        (
            "http/protobuf",
            "http://localhost",
            Line::Plain,
            "http",
            &[("TRACES_ENDPOINT", "=/v2/traces")],
            "answers 404",
        ),
    ];
    let mut wrong = Vec::new();
    for (protocol, url, line, transport, more, expected) in cases {
        let endpoint = format!("{url}:{}", port(*line, transport));
        let mut env = vec![("ENDPOINT", endpoint.as_str()), ("PROTOCOL", protocol)];
        let mut own = String::new();
        for (name, value) in *more {
            match value.strip_prefix('=') {
                Some(path) => own = format!("{endpoint}{path}"),
                None => env.push((name, value)),
            }
        }
        if !own.is_empty() {
            env.push(("TRACES_ENDPOINT", own.as_str()));
        }
        let mut sink = sink(&env).unwrap();
        let answer = word(&sink.send(Load::Records(Signal::Spans, &[span(1)])));
        if !answer.starts_with("misconfigured")
            || !answer.contains(expected)
            || !answer.contains("hint: ")
        {
            wrong.push(format!(
                "{protocol} to {url} {line:?} {transport}: wanted {expected}, got {answer}"
            ));
        }
    }
    assert_eq!(wrong, [""; 0], "{}", wrong.join("\n"));
    // under TLS a gRPC port only hangs up on HTTP: that may pass, and says where to look
    let endpoint = format!("https://localhost:{}", port(Line::Tls, "grpc"));
    let mut sink = sink(&[("ENDPOINT", &endpoint), trusted[0]]).unwrap();
    let answer = word(&sink.send(Load::Records(Signal::Spans, &[span(1)])));
    assert!(
        answer.starts_with("retry") && answer.contains("4317"),
        "{answer}"
    );
    assert_eq!(collector.written("traces"), [Value::Null; 0]);
}

#[test]
fn certificate_that_ended_is_named() {
    let dir = tempfile::tempdir().unwrap();
    make_certificates(dir.path());
    let port = free_port();
    let mut command = Command::new("openssl");
    command
        .args([
            "s_server",
            "-quiet",
            "-cert",
            "ended.pem",
            "-key",
            "ended.key",
        ])
        .args(["-alpn", "h2,http/1.1", "-accept", &port.to_string()])
        .current_dir(dir.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let _server = Ended(command.spawn().unwrap());
    until("the server's port", || {
        TcpStream::connect(("127.0.0.1", port)).ok()
    });
    let (endpoint, ca) = (
        format!("https://localhost:{port}"),
        dir.path().join("ca.pem").display().to_string(),
    );
    for protocol in PROTOCOLS {
        let env = [
            ("ENDPOINT", endpoint.as_str()),
            ("PROTOCOL", protocol),
            ("CERTIFICATE", &ca),
        ];
        let answer = word(
            &sink(&env)
                .unwrap()
                .send(Load::Records(Signal::Spans, &[span(1)])),
        );
        assert!(
            answer.starts_with("misconfigured: obs: no TLS with localhost:"),
            "{answer}"
        );
        assert!(
            answer.contains("xpired") && answer.contains("hint: renew"),
            "{answer}"
        );
    }
}

#[test]
fn probe_says_what_was_reached() {
    let Some(collector) = Collector::start() else {
        return;
    };
    for protocol in PROTOCOLS {
        let env = variables(&collector, protocol, Line::Mutual);
        let said = open(&env).probe().unwrap();
        let port = env[0].1.rsplit(':').next().unwrap();
        let expected = match protocol {
            "grpc" => format!("https://localhost:{port} answers (grpc)"),
            _ => ["logs", "metrics", "traces"]
                .map(|path| format!("https://localhost:{port}/v1/{path} answers ({protocol})"))
                .join("; "),
        };
        assert_eq!(said, expected);
    }
    assert_eq!(collector.written("traces"), [Value::Null; 0]);
}

#[test]
fn unsampled_spans_stay_here() {
    let Some(collector) = Collector::start() else {
        return;
    };
    let mut sink = open(&variables(&collector, "grpc", Line::Plain));
    let unsampled = |trace| {
        let mut line: Value = serde_json::from_slice(&span(trace).line).unwrap();
        line["trace_flags"] = json!("02");
        stored(Signal::Spans, &line)
    };
    for load in [&[unsampled(1)][..], &[unsampled(1), span(2), unsampled(3)]] {
        assert_eq!(
            word(&sink.send(Load::Records(Signal::Spans, load))),
            "delivered"
        );
    }
    let found = until("traces", || collector.written("traces").first().cloned());
    let spans = &found["resourceSpans"][0]["scopeSpans"][0]["spans"];
    assert_eq!(spans.as_array().unwrap().len(), 1);
    assert_eq!(spans[0]["traceId"], "00000000000000000000000000000003");
}
