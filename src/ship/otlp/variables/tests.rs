//! Each variable with its exact meaning.

use super::*;
use std::time::Duration;

const BASE: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318");

fn world(env: &[(&str, &str)]) -> World {
    World::of(env)
}

/// The way of traces under the general endpoint and these.
fn traces(env: &[(&str, &str)]) -> Target {
    let env: Vec<_> = [BASE].into_iter().chain(env.iter().copied()).collect();
    let found = targets(&world(&env)).unwrap();
    let way = found.into_iter().find(|(lane, _)| *lane == Lane::Traces);
    way.unwrap().1
}

fn urls(env: &[(&str, &str)]) -> Vec<String> {
    let found = targets(&world(env)).unwrap();
    let urls = found
        .iter()
        .map(|(_, target)| target.endpoint.url().to_string());
    urls.collect()
}

#[test]
fn no_endpoint_is_no_network() {
    assert_eq!(urls(&[]), [""; 0]);
    assert_eq!(urls(&[("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]), [""; 0]);
    let own = [("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://t:1")];
    assert_eq!(urls(&own), ["http://t:1/"]);
}

#[test]
fn own_endpoint_wins_and_stays_as_it_is() {
    let both = [BASE, ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://t:1/x")];
    assert_eq!(
        urls(&both),
        [
            "http://c:4318/v1/logs",
            "http://c:4318/v1/metrics",
            "http://t:1/x"
        ]
    );
}

#[test]
fn every_setting_has_a_form_of_its_own() {
    let target = traces(&[
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "HTTP/JSON"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "none"),
        ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "gzip"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "5"),
        ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "700"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=1,b=2"),
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "a=3"),
    ]);
    assert_eq!(target.protocol, Protocol::HttpJson);
    assert!(target.is_gzip);
    assert_eq!(target.timeout, Some(Duration::from_millis(700)));
    assert_eq!(target.headers.map().len(), 1);
    assert_eq!(target.headers.map()["a"], "3");
}

#[test]
fn defaults_are_those_of_the_specification() {
    let target = traces(&[("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "")]);
    assert_eq!(target.protocol, Protocol::HttpProtobuf);
    assert!(!target.is_gzip && target.headers.map().is_empty());
    assert_eq!(target.timeout, Some(Duration::from_secs(10)));
    assert!(!is_delta(&world(&[])));
}

#[test]
fn timeout_of_zero_is_no_limit() {
    assert_eq!(traces(&[("OTEL_EXPORTER_OTLP_TIMEOUT", "0")]).timeout, None);
    for wrong in ["10s", "-1", "1.5"] {
        let target = traces(&[("OTEL_EXPORTER_OTLP_TIMEOUT", wrong)]);
        assert_eq!(target.timeout, Some(Duration::from_secs(10)), "{wrong}");
    }
}

#[test]
fn api_key_is_a_bearer_where_nothing_else_is() {
    let authorization = |env: &[(&str, &str)]| {
        let target = traces(env);
        let value = target.headers.map().get("authorization").cloned();
        value.map(|value| value.to_str().unwrap().to_owned())
    };
    let key = ("OTEL_API_KEY", "k1");
    assert_eq!(authorization(&[key]).as_deref(), Some("Bearer k1"));
    let given = ("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Bearer own key");
    assert_eq!(
        authorization(&[key, given]).as_deref(),
        Some("Bearer own key")
    );
    let user = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://me:pw@t");
    assert_eq!(
        authorization(&[key, user]).as_deref(),
        Some("Basic bWU6cHc=")
    );
}

#[test]
fn insecure_is_only_for_grpc_without_scheme() {
    let is_tls = |endpoint, insecure| {
        traces(&[
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", endpoint),
            ("OTEL_EXPORTER_OTLP_INSECURE", insecure),
        ])
        .endpoint
        .is_tls()
    };
    assert!(is_tls("c:4317", "") && is_tls("c:4317", "yes") && is_tls("https://c", "true"));
    assert!(!is_tls("c:4317", "TRUE") && !is_tls("http://c:4317", "false"));
}

#[test]
fn delta_is_for_lowmemory_too() {
    for (word, expected) in [
        ("Delta", true),
        ("lowmemory", true),
        ("cumulative", false),
        ("x", false),
    ] {
        let env = [("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", word)];
        assert_eq!(is_delta(&world(&env)), expected, "{word}");
    }
}

#[test]
fn what_sends_astray_is_an_error() {
    let error = |name, value| {
        let error = targets(&world(&[BASE, (name, value)])).err().unwrap();
        assert_eq!(error.code(), 2);
        error.to_string()
    };
    for (name, value, expected) in [
        (
            "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
            "c:4318",
            "it has no scheme",
        ),
        (
            "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
            "ftp://c",
            "its scheme is neither http nor https",
        ),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=1,hush", "header 2: no `=`"),
        (
            "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
            "http://169.254.169.254/",
            "link-local",
        ),
    ] {
        let text = error(name, value);
        assert!(text.starts_with(name) && text.contains(expected), "{text}");
        assert!(!text.contains("hush"));
    }
}

#[test]
fn files_of_tls_are_read_only_for_tls() {
    let missing = ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/nowhere/ca.pem");
    assert_eq!(urls(&[BASE, missing]).len(), 3);
    let tls = ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://c:4318");
    let error = targets(&world(&[tls, missing])).err().unwrap();
    assert_eq!(
        error.report(),
        "obs: OTEL_EXPORTER_OTLP_CERTIFICATE: /nowhere/ca.pem: no such file or directory\n\
         hint: name a PEM file that you can read\n"
    );
}

#[test]
fn what_is_ignored_is_warned_of_once() {
    let warned = warnings(&world(&[
        BASE,
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "smoke"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "soon"),
        ("OTEL_EXPORTER_OTLP_METRICS_COMPRESSION", "zstd"),
        ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "gamma"),
        (
            "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
            "base2_exponential_bucket_histogram",
        ),
        ("OTEL_CONFIG_FILE", "/x"),
        ("OTEL_LOGS_EXPORTER", "zipkin,otlp"),
    ]));
    assert_eq!(
        warned,
        [
            "OTEL_CONFIG_FILE: not supported, the other variables hold",
            "OTEL_EXPORTER_OTLP_METRICS_COMPRESSION: expected one of gzip, none; ignored",
            "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION: only explicit_bucket_histogram is supported, and that is sent",
            "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: expected one of cumulative, delta, lowmemory; ignored",
            "OTEL_EXPORTER_OTLP_PROTOCOL: expected one of grpc, http/json, http/protobuf; ignored",
            "OTEL_EXPORTER_OTLP_TIMEOUT: expected whole milliseconds; 10000 it is",
            "OTEL_LOGS_EXPORTER: obs has no exporter `zipkin`, it is left out",
        ]
    );
    assert_eq!(warnings(&world(&[BASE])), [""; 0]);
}

#[test]
fn exporters_are_a_list() {
    let of = |list| {
        let found = exporters(&world(&[("OTEL_TRACES_EXPORTER", list)]), Signal::Spans);
        (
            found.otlp,
            found.console,
            found.stdout,
            found.warnings.len(),
        )
    };
    for (list, expected) in [
        ("", (true, false, false, 0)),
        ("otlp", (true, false, false, 0)),
        ("none", (false, false, false, 0)),
        ("console, OTLP/stdout", (false, true, true, 0)),
        ("otlp,none", (false, false, false, 1)),
        ("prometheus", (false, false, false, 1)),
        ("oltp", (true, false, false, 1)),
        ("oltp,console", (false, true, false, 1)),
    ] {
        assert_eq!(of(list), expected, "{list}");
    }
    assert_eq!(
        urls(&[BASE, ("OTEL_TRACES_EXPORTER", "none")]),
        ["http://c:4318/v1/logs", "http://c:4318/v1/metrics"]
    );
}

#[test]
fn batches_are_as_small_as_asked() {
    let size = |env: &[(&str, &str)]| batch_size(&world(env));
    let (spans, logs) = (BATCH_SIZES[1], BATCH_SIZES[0]);
    assert_eq!(size(&[]), None);
    assert_eq!(size(&[(spans, "100")]), Some(100));
    assert_eq!(size(&[(spans, "100"), (logs, " 7 ")]), Some(7));
    for wrong in ["0", "-1", "1.5", "many"] {
        assert_eq!(size(&[(spans, wrong)]), None, "{wrong}");
        let said = warnings(&world(&[(spans, wrong)]));
        assert_eq!(
            said,
            [format!("{spans}: expected a whole number from 1; ignored")]
        );
    }
}

#[test]
fn exemplars_can_be_left_out() {
    for (word, expected) in [
        ("", true),
        ("always_on", true),
        ("Always_OFF", false),
        ("trace_based", true),
        ("never", true),
    ] {
        let world = world(&[(EXEMPLARS, word)]);
        assert_eq!(has_exemplars(&world), expected, "{word}");
        assert_eq!(warnings(&world).is_empty(), word != "never", "{word}");
    }
}

#[test]
fn other_propagators_are_warned_of() {
    for (list, count) in [
        ("tracecontext, Baggage", 0),
        ("none", 1),
        ("b3,tracecontext", 1),
    ] {
        let world = world(&[("OTEL_PROPAGATORS", list)]);
        assert_eq!(warnings(&world).len(), count, "{list}");
    }
}
