//! What `obs doctor` says of sinks: whether each is reached, what waits for it, what it refused; and what it never says.

use super::has;
use crate::receiver::{OK, Receiver, Reply, messages};
use crate::sandbox::Sandbox;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use prost::Message;
use serde_json::Value;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};

fn sandbox() -> Sandbox {
    Sandbox::new()
        .with("OBS_LOG_STREAM", "off")
        .with("OBS_FLUSH", "manual")
}

/// Exit code, and `state: what | advice` of everything found about sinks.
fn doctor(sandbox: &Sandbox, more: &[&str]) -> (i32, Vec<String>) {
    let words = [&["doctor", "--json"], more].concat();
    let outcome = sandbox.obs(words);
    let lines = outcome.stdout.lines();
    let found = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
    let found = found.filter(|one| one["check"] == "sink").map(|one| {
        let text = |key: &str| one[key].as_str().unwrap_or_default().to_owned();
        format!("{}: {} | {}", text("state"), text("what"), text("advice"))
    });
    (outcome.code, found.collect())
}

fn config(sandbox: &Sandbox, text: &str) {
    fs::create_dir_all(sandbox.journal()).unwrap();
    fs::write(sandbox.journal().join("config.toml"), text).unwrap();
}

fn dead_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}

#[test]
fn no_sink_is_no_finding() {
    assert_eq!(doctor(&sandbox(), &["--send"]), (0, Vec::new()));
}

#[test]
fn reached_sink_is_ok_and_gets_nothing() {
    let receiver = Receiver::start(|_, _| OK);
    let sandbox = sandbox().with("OTEL_EXPORTER_OTLP_ENDPOINT", &receiver.url());
    sandbox.obs(["log", "info", "a"]);
    sandbox.obs(["log", "info", "b"]);
    let (code, found) = doctor(&sandbox, &[]);
    assert_eq!(code, 0, "{found:?}");
    let [reached, waits] = found.as_slice() else {
        panic!("{found:?}")
    };
    assert!(reached.starts_with("ok: env-"), "{reached}");
    for signal in ["logs", "metrics", "traces"] {
        let said = format!("{}/v1/{signal} answers (http/protobuf)", receiver.url());
        assert!(reached.contains(&said), "{said} in {reached}");
    }
    assert!(
        waits.starts_with("note: env-") && waits.contains(": 2 logs wait | `obs flush --sink env-"),
        "{waits}"
    );
    assert!(!receiver.requests().is_empty());
    assert_eq!(receiver.messages(), Vec::<String>::new());
    // what is sent does not wait any more
    assert_eq!(sandbox.obs(["flush"]).code, 0);
    assert_eq!(doctor(&sandbox, &[]).1.len(), 1);
}

#[test]
fn sink_that_is_not_reached_is_bad() {
    let port = dead_port();
    let sandbox = sandbox();
    config(
        &sandbox,
        &format!(
            "[[sink]]\nname = \"far\"\ntype = \"otlp\"\nendpoint = \"http://127.0.0.1:{port}\"\n"
        ),
    );
    sandbox.obs(["log", "info", "a"]);
    let (code, found) = doctor(&sandbox, &["--send"]);
    assert_eq!(code, 1);
    let start = format!("bad: far: could not reach the collector at 127.0.0.1:{port}");
    assert!(has(&found, &start), "{found:?}");
    assert!(
        found[0].contains("connection refused") && !found[0].ends_with("| "),
        "{found:?}"
    );
    assert!(has(&found, "note: far: 1 logs wait | "), "{found:?}");
    let human = sandbox.obs(["doctor", "--human"]);
    assert!(
        human
            .stdout
            .contains("!! sink         far: could not reach"),
        "{}",
        human.stdout
    );
}

/// What is wrong with a sink, what is said of it, and what the advice speaks of.
const BROKEN: &[(&str, &str, &str)] = &[
    (
        "type = \"smoke\"",
        "`type`: expected one of command, ",
        "obs print config",
    ),
    ("", "`type`: expected one of ", "obs print config"),
    (
        "type = \"otlp\"\nendpiont = \"x\"",
        "unknown key `endpiont`",
        "endpoint",
    ),
    (
        "type = \"otlp\"\ntimeout = \"soon\"",
        "`timeout`: expected a whole number",
        "obs print config",
    ),
    (
        "type = \"file\"\npath = \"/x\"\nsignals = \"logs\"",
        "`signals`: expected a list",
        "obs print config",
    ),
    ("type = \"otlp\"", "no `endpoint`", "obs print config"),
    (
        "type = \"otlp\"\nendpoint = \"smoke://x\"",
        "`endpoint`: ",
        "http",
    ),
    (
        "type = \"webhook\"\nurl = \"http://127.0.0.1:1\"\nsecret_env = \"NOT_SET\"",
        "`secret_env` names NOT_SET, which is not set",
        "export NOT_SET",
    ),
    (
        "type = \"webhook\"\nurl = \"http://127.0.0.1:1\"\nsecret_file = \"/nowhere/secret\"",
        "`secret_file` names /nowhere/secret, which cannot be used: no such file",
        "",
    ),
    (
        "type = \"otlp\"\nendpoint = \"https://127.0.0.1:1\"\ncertificate = \"/nowhere/ca.pem\"",
        "/nowhere/ca.pem",
        "",
    ),
];

#[test]
fn broken_sink_is_named_with_its_line() {
    let receiver = Receiver::start(|_, _| OK);
    let sandbox = sandbox();
    let good = format!(
        "[[sink]]\nname = \"good\"\ntype = \"otlp\"\nendpoint = \"{}\"\n",
        receiver.url()
    );
    let file = sandbox.journal().join("config.toml").display().to_string();
    for (broken, said, advice) in BROKEN {
        config(
            &sandbox,
            &format!("{good}[[sink]]\nname = \"broken\"\n{broken}\n"),
        );
        let (code, found) = doctor(&sandbox, &[]);
        assert_eq!(code, 1, "{broken}: {found:?}");
        let bad = found.iter().find(|line| line.starts_with("bad: "));
        let (what, hint) = bad.unwrap().split_once(" | ").unwrap();
        assert!(
            what.contains(&format!("{file}:5")) && what.contains(said),
            "{what}"
        );
        assert!(!hint.is_empty() && hint.contains(advice), "{what} | {hint}");
        assert!(has(&found, "ok: good: "), "{found:?}");
        // and that is what a flush says and ends with
        let outcome = sandbox.obs(["flush", "--timeout", "0"]);
        let told = format!("{}{}", outcome.stdout, outcome.stderr);
        assert!(told.contains(said), "{}", outcome.shown());
        assert_ne!(outcome.code, 0, "{}", outcome.shown());
    }
}

#[test]
fn refused_records_are_told_with_the_first_reason() {
    let receiver = Receiver::start(|_, request| {
        let is_poison = messages(&request.body)
            .iter()
            .any(|text| text.starts_with("poison"));
        match is_poison {
            true => Reply::Status("400 Bad Request\r\n"),
            false => OK,
        }
    });
    let sandbox = sandbox().with("OTEL_EXPORTER_OTLP_ENDPOINT", &receiver.url());
    for message in ["poison 1", "fine", "poison 2"] {
        sandbox.obs(["log", "info", message]);
    }
    assert_eq!(sandbox.obs(["flush"]).code, 0);
    let (code, found) = doctor(&sandbox, &[]);
    assert_eq!(code, 0, "{found:?}");
    let refused = found
        .iter()
        .find(|line| line.contains("2 records were refused, the first: "))
        .unwrap();
    assert!(
        refused.starts_with("note: ")
            && refused.contains("400")
            && refused.contains("rejected/env-"),
        "{refused}"
    );
}

#[test]
fn canary_of_each_signal_is_sent() {
    let receiver = Receiver::start(|_, _| OK);
    let sandbox = sandbox().with("OTEL_EXPORTER_OTLP_ENDPOINT", &receiver.url());
    sandbox.obs(["log", "info", "waits"]);
    let (code, found) = doctor(&sandbox, &["--send"]);
    assert_eq!(code, 0, "{found:?}");
    for signal in ["events", "logs", "metrics", "spans"] {
        let said = format!(": took a canary of {signal} | ");
        let is_told = |line: &String| line.starts_with("ok: env-") && line.ends_with(&said);
        assert!(found.iter().any(is_told), "{signal} in {found:?}");
    }
    assert_eq!(receiver.messages(), ["canary of `obs doctor`"]);
    assert_eq!(receiver.spans(), ["canary of `obs doctor`"]);
    let requests = receiver.requests();
    let bodies = |path: &'static str| {
        let of = requests.iter().filter(move |one| one.path == path);
        of.map(|one| one.body.as_slice())
    };
    let event = b"obs.doctor.canary";
    let is_event = |body: &[u8]| body.windows(event.len()).any(|part| part == event);
    assert!(bodies("/v1/logs").any(is_event));
    let metrics: Vec<String> = bodies("/v1/metrics")
        .flat_map(|body| {
            ExportMetricsServiceRequest::decode(body)
                .unwrap()
                .resource_metrics
        })
        .flat_map(|one| one.scope_metrics)
        .flat_map(|one| one.metrics)
        .map(|metric| metric.name)
        .collect();
    assert_eq!(metrics, ["obs.doctor.canary"]);
    // none of it is in the journal, and what waits still does
    assert_eq!(sandbox.records("logs").len(), 1);
    assert_eq!(sandbox.records("spans").len(), 0);
    assert!(found.iter().any(|line| line.contains(": 1 logs wait | ")));
}

#[test]
fn canary_that_is_refused_is_bad() {
    // what only reaches out carries nothing, and is taken
    let receiver = Receiver::start(|_, request| match request.body.is_empty() {
        true => OK,
        false => Reply::Status("400 Bad Request\r\n"),
    });
    let sandbox = sandbox().with("OTEL_EXPORTER_OTLP_ENDPOINT", &receiver.url());
    assert_eq!(doctor(&sandbox, &[]).0, 0);
    let (code, found) = doctor(&sandbox, &["--send"]);
    assert_eq!(code, 1);
    for signal in ["events", "logs", "metrics", "spans"] {
        let said = format!(": refused a canary of {signal}: ");
        let is_told = |line: &String| line.starts_with("bad: env-") && line.contains(&said);
        assert!(found.iter().any(is_told), "{signal} in {found:?}");
    }
}

#[test]
fn findings_are_alone_on_standard_output() {
    let sandbox = sandbox()
        .with("OTEL_TRACES_EXPORTER", "console")
        .with("OTEL_LOGS_EXPORTER", "otlp/stdout");
    let outcome = sandbox.obs(["doctor", "--json", "--send"]).quiet();
    for line in outcome.stdout.lines() {
        let found: Value = serde_json::from_str(line).unwrap();
        assert!(found["check"].is_string(), "{line}");
    }
    let (_, found) = doctor(&sandbox, &["--send"]);
    let expected =
        ["env-console", "env-stdout"].map(|name| format!("ok: {name}: standard output | "));
    assert_eq!(found, expected);
}

#[test]
fn disabled_sdk_reaches_for_nothing() {
    let receiver = Receiver::start(|_, _| OK);
    let sandbox = sandbox()
        .with("OTEL_EXPORTER_OTLP_ENDPOINT", &receiver.url())
        .with("OTEL_SDK_DISABLED", "true");
    let (code, found) = doctor(&sandbox, &["--send"]);
    assert_eq!(code, 0);
    assert_eq!(
        found,
        [
            "note: nothing is sent: OTEL_SDK_DISABLED is true | unset OTEL_SDK_DISABLED to record and send again"
        ]
    );
    assert_eq!(receiver.requests().len(), 0);
}

#[test]
fn secrets_of_sinks_are_never_shown() {
    let receiver = Receiver::start(|_, _| Reply::Status("401 Unauthorized\r\n"));
    let (live, dead) = (receiver.url(), format!("http://127.0.0.1:{}", dead_port()));
    for base in [&live, &dead] {
        let place = base.trim_start_matches("http://");
        let url = format!("http://ann:hush-userinfo@{place}/x?token=hush-query");
        let sandbox = sandbox()
            .with("OTEL_EXPORTER_OTLP_ENDPOINT", &url)
            .with(
                "OTEL_EXPORTER_OTLP_HEADERS",
                "authorization=Bearer hush-header,x-odd=hush-other",
            )
            .with("OTEL_API_KEY", "hush-key")
            .with("HOOK_SECRET", "whsec_aHVzaC1zaWduaW5nLWtleS0wMTIzNDU2Nzg5")
            .with("PASSWORD", "hush-password")
            .with("HEADERS", "x-api-key=hush-sink-header");
        // a user in the URL of NATS is refused, and not repeated
        let text = format!(
            "[[sink]]\nname = \"hook\"\ntype = \"webhook\"\nurl = \"{url}\"\nsecret_env = \"HOOK_SECRET\"\nheaders_env = \"HEADERS\"\n\
             [[sink]]\nname = \"bus\"\ntype = \"nats\"\nurl = \"nats://ann:hush-userinfo@{place}\"\ntimeout = 500\n\
             [[sink]]\nname = \"log\"\ntype = \"kafka\"\nbrokers = \"{place}\"\nuser = \"ann\"\npassword_env = \"PASSWORD\"\nsasl = \"plain\"\ntimeout = 500\n"
        );
        config(&sandbox, &text);
        sandbox.obs(["log", "info", "a"]);
        sandbox.obs(["emit", "my.own", "x=1"]);
        for words in [
            &["doctor", "--json"][..],
            &["doctor", "--human", "--send"],
            &["flush", "--timeout", "0", "--json"],
            &["flush", "--timeout", "0", "--human"],
        ] {
            let outcome = sandbox.obs(words);
            let code = if words[0] == "doctor" { 1 } else { 2 };
            assert_eq!(outcome.code, code, "{}", outcome.shown());
            let shown = outcome.shown();
            for hidden in ["hush", "whsec_", "aHVzaC"] {
                assert!(!shown.contains(hidden), "{hidden} in {shown}");
            }
            for name in ["env-", "hook", "config.toml:7", "log"] {
                assert!(shown.contains(name), "{name} in {shown}");
            }
        }
        // nor in what is kept beside the records
        let all = sandbox.all_bytes();
        let config = fs::read(sandbox.journal().join("config.toml")).unwrap();
        let count = |bytes: &[u8]| bytes.windows(4).filter(|part| part == b"hush").count();
        assert_eq!(count(&all), count(&config));
    }
}
