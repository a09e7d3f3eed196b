//! Settings of the sink, and what it says where nobody listens.

use super::*;
use crate::model::{Event, Record as Journalled};
use crate::settings::sinks;
use crate::ship::Stored;
use std::fs;
use std::net::TcpListener;

fn settings(keys: &str, env: &[(&str, &str)]) -> (SinkSettings, World) {
    let home = tempfile::tempdir().unwrap();
    let text = format!("[[sink]]\nname = \"bus\"\ntype = \"kafka\"\n{keys}\n");
    fs::write(home.path().join("config.toml"), text).unwrap();
    let world = World::of(env);
    let (mut found, errors) = sinks(Some(home.path()), &world);
    assert!(errors.is_empty(), "{errors:?}");
    (found.remove(0), world)
}

fn opened(keys: &str, env: &[(&str, &str)]) -> Result<Box<dyn Sink>, String> {
    let (settings, world) = settings(keys, env);
    let place = settings.place.clone();
    let plain = |error: Error| error.to_string().replace(&place, "config");
    open(&settings, &world).map_err(plain)
}

fn event() -> Stored {
    let record = Journalled::Event(Box::new(Event {
        event_id: "evt_1".to_owned(),
        event_type: "task.created".to_owned(),
        event_version: "1.0".to_owned(),
        correlation_id: "corr_1".to_owned(),
        ..Event::default()
    }));
    Stored {
        line: record.line(),
        record,
    }
}

#[test]
fn wrong_settings_are_named() {
    for (keys, said) in [
        ("", "no `brokers`"),
        ("brokers = \"h\"", "`brokers`: no port"),
        (
            "brokers = \"a:s3cret@h:9092\"",
            "`brokers`: a user or password stands in it",
        ),
        (
            "brokers = \"h:1\"\ntopic = \"a b\"",
            "`topic`: not a topic's name",
        ),
        (
            "brokers = \"h:1\"\nsasl = \"plain\"",
            "`sasl`: it needs a user and a password",
        ),
        (
            "brokers = \"h:1\"\nuser = \"ada\"",
            "`sasl`: there is a user or a password, but no mechanism",
        ),
        (
            "brokers = \"h:1\"\nformat = \"otlp-json\"",
            "`format`: otlp-json is not for a bus",
        ),
    ] {
        let error = opened(keys, &[]).map(|_| ()).unwrap_err();
        assert_eq!(error, format!("config: {said}"));
    }
    let keys = "brokers = \"h:1,[::1]:2\"\nsasl = \"scram-sha-512\"\nuser = \"ada\"\npassword_env = \"P\"\ntls = true";
    assert!(opened(keys, &[("P", "s3cret")]).is_ok());
}

#[test]
fn records_bear_key_and_headers() {
    let (settings, _) = settings("brokers = \"h:1\"\nmode = \"binary\"", &[]);
    let kafka = Kafka {
        target: Target {
            hosts: Vec::new(),
            security: AuthConfig::plaintext(),
            may_be_link_local: false,
            patience: Duration::from_secs(1),
            topics: topics(&settings).unwrap(),
            may_create: false,
            partitions: 1,
        },
        wire: Wire::read(&settings).unwrap(),
        lane: Lane::open(&settings).unwrap(),
        link: None,
    };
    let made = kafka
        .records(Load::Records(Signal::Events, &[event()]))
        .unwrap();
    let one = &made[0];
    assert_eq!(
        (one.topic.as_str(), one.key_str()),
        ("obs.events", Some("corr_1"))
    );
    let header = |name: &str| {
        let found = one.headers.iter().find(|(found, _)| &**found == name);
        let value = found.and_then(|(_, value)| value.clone()).unwrap();
        String::from_utf8(value.to_vec()).unwrap()
    };
    assert_eq!(header("ce_id"), "evt_1");
    assert_eq!(header("ce_type"), "dev.obs.task.created.v1");
    assert_eq!(header("content-type"), "application/json");
    assert_eq!(header("obs_id"), "evt_1");
}

#[test]
fn refused_connection_is_tried_again_later() {
    let port = {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        free.local_addr().unwrap().port()
    };
    let keys = format!("brokers = \"127.0.0.1:{port}\"\ntimeout = 3000");
    let mut sink = opened(&keys, &[]).unwrap();
    let Answer::Retry { why, .. } = sink.send(Load::Records(Signal::Events, &[event()])) else {
        panic!("not a retry");
    };
    let why = why.to_string();
    assert!(
        why.starts_with(&format!("could not reach Kafka at 127.0.0.1:{port}: ")),
        "{why}"
    );
    assert!(why.to_lowercase().contains("connection refused"), "{why}");
}

#[test]
fn silent_broker_costs_the_timeout() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let keys = format!("brokers = \"127.0.0.1:{port}\"\ntimeout = 60");
    let mut sink = opened(&keys, &[]).unwrap();
    let answer = sink.send(Load::Records(Signal::Events, &[event()]));
    assert!(matches!(answer, Answer::Retry { .. }), "{answer:?}");
}

#[test]
fn link_local_is_refused_unless_allowed() {
    let mut sink = opened("brokers = \"169.254.0.1:9092\"\ntimeout = 60", &[]).unwrap();
    let Answer::Misconfigured(error) = sink.send(Load::Records(Signal::Events, &[event()])) else {
        panic!("it was tried");
    };
    assert!(error.report().contains("allow_link_local = true"));
}
