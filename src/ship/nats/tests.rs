//! Settings of the sink, and what it says where nobody listens.

use super::*;
use crate::model::{Event, Record};
use crate::settings::sinks;
use crate::ship::Stored;
use std::fs;
use std::net::TcpListener;

fn opened(keys: &str, env: &[(&str, &str)]) -> Result<Box<dyn Sink>, String> {
    let home = tempfile::tempdir().unwrap();
    let text = format!("[[sink]]\nname = \"bus\"\ntype = \"nats\"\n{keys}\n");
    fs::write(home.path().join("config.toml"), text).unwrap();
    let world = World::of(env);
    let (found, errors) = sinks(Some(home.path()), &world);
    assert!(errors.is_empty(), "{errors:?}");
    let plain = |error: Error| {
        error
            .to_string()
            .replace(home.path().to_str().unwrap(), "~")
    };
    open(&found[0], &world).map_err(plain)
}

fn event() -> Stored {
    let record = Record::Event(Box::new(Event {
        event_id: "evt_1".to_owned(),
        event_type: "task.created".to_owned(),
        event_version: "1.0".to_owned(),
        ..Event::default()
    }));
    Stored {
        line: record.line(),
        record,
    }
}

#[test]
fn wrong_settings_are_named() {
    let place = "~/config.toml:1";
    for (keys, said) in [
        ("", "no `url`"),
        (
            "url = \"ws://h\"",
            "`url`: the scheme is neither nats nor tls",
        ),
        (
            "url = \"nats://a:s3cret@h\"",
            "`url`: a user or password stands in it",
        ),
        ("url = \"nats://h,nats://h:x\"", "`url`: no port"),
        (
            "url = \"h\"\nsubject = \"a.*\"",
            "`subject`: not what a subject may begin with",
        ),
        (
            "url = \"h\"\nsubject = \"a..b\"",
            "`subject`: not what a subject may begin with",
        ),
        (
            "url = \"h\"\nstream = \"a b\"",
            "`stream`: not a stream's name",
        ),
        (
            "url = \"h\"\nuser = \"ada\"",
            "`user`: there is no password",
        ),
        (
            "url = \"h\"\npassword_env = \"P\"",
            "`password`: there is no `user`",
        ),
        (
            "url = \"h\"\ntoken_env = \"P\"\nnkey_env = \"P\"",
            "several ways to say who we are",
        ),
    ] {
        let error = opened(keys, &[("P", "s3cret")]).map(|_| ()).unwrap_err();
        assert_eq!(error, format!("{place}: {said}"));
    }
}

#[test]
fn refused_connection_is_tried_again_later() {
    let port = {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        free.local_addr().unwrap().port()
    };
    let mut sink = opened(&format!("url = \"nats://127.0.0.1:{port}\""), &[]).unwrap();
    let Answer::Retry { why, .. } = sink.send(Load::Records(Signal::Events, &[event()])) else {
        panic!("not a retry");
    };
    let said = format!("could not reach NATS at 127.0.0.1:{port}: connection refused");
    assert_eq!(why.to_string(), said);
    assert_eq!(sink.probe().unwrap_err().to_string(), said);
}

#[test]
fn silent_server_costs_the_timeout() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let keys = format!("url = \"127.0.0.1:{port}\"\ntimeout = 50");
    let mut sink = opened(&keys, &[]).unwrap();
    let answer = sink.send(Load::Records(Signal::Events, &[event()]));
    assert!(matches!(answer, Answer::Retry { .. }), "{answer:?}");
}

#[test]
fn link_local_is_refused_unless_allowed() {
    let mut sink = opened("url = \"nats://169.254.0.1\"\ntimeout = 50", &[]).unwrap();
    let Answer::Misconfigured(error) = sink.send(Load::Records(Signal::Events, &[event()])) else {
        panic!("it was tried");
    };
    assert!(error.report().contains("allow_link_local = true"));
}

#[test]
fn events_are_what_is_taken() {
    let sink = opened("url = \"h\"", &[]).unwrap();
    assert_eq!(sink.takes(Signal::Events), Some(Form::Records));
    assert_eq!(sink.takes(Signal::Logs), None);
    let sink = opened("url = \"h\"\nsignals = [\"logs\", \"metrics\"]", &[]).unwrap();
    assert_eq!(sink.takes(Signal::Metrics), Some(Form::Records));
    assert_eq!(sink.takes(Signal::Events), None);
}
