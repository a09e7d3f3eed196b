//! `obs flush`, `obs relay` and the drain in the background, against a receiver that fails as it is told.

mod relay;
mod stdout;

use crate::receiver::{OK, Receiver, Reply};
use crate::sandbox::Sandbox;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread;
use std::time::{Duration, Instant};

fn sandbox(endpoint: &str) -> Sandbox {
    Sandbox::new()
        .with("OBS_LOG_STREAM", "off")
        .with("OBS_FLUSH", "manual")
        .with("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
}

/// Waits for something that another process does.
fn until(what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < end, "{what}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// A port that nobody listens on, below those that the system gives to others meanwhile.
fn free_port() -> u16 {
    let first = 10_000 + u16::try_from(std::process::id() % 10_000).unwrap();
    let is_free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let mut ports = (0..2000).map(|_| first + NEXT.fetch_add(1, Ordering::Relaxed));
    ports.find(is_free).unwrap()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text.trim_end()).unwrap()
}

#[test]
fn flush_sends_all_and_once() {
    let receiver = Receiver::start(|_, _| OK);
    let sandbox = sandbox(&receiver.url());
    sandbox.obs(["log", "info", "one", "a=1"]);
    sandbox.obs(["log", "error", "two"]);
    sandbox.obs(["span", "exec", "-n", "build", "--", "true"]);
    let outcome = sandbox.obs(["flush", "--human"]);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""));
    assert!(outcome.stdout.contains(" 3 sent\n"), "{}", outcome.stdout);
    assert_eq!(receiver.messages(), ["one", "two"]);
    assert_eq!(receiver.spans(), ["build"]);
    let before = receiver.requests().len();
    let outcome = sandbox.obs(["flush"]);
    assert_eq!(json(&outcome.stdout)["sent"], 0);
    assert_eq!(receiver.requests().len(), before);
}

#[test]
fn variables_that_are_ignored_are_named() {
    let receiver = Receiver::start(|_, _| OK);
    let sandbox = sandbox(&receiver.url())
        .with("OTEL_EXPORTER_OTLP_TIMEOUT", "10s")
        .with("OTEL_METRICS_EXPORTER", "prometheus");
    sandbox.obs(["log", "info", "one"]);
    let outcome = sandbox.obs(["flush"]);
    assert_eq!(
        (outcome.code, outcome.stderr.as_str()),
        (
            0,
            "obs: OTEL_EXPORTER_OTLP_TIMEOUT: expected whole milliseconds; 10000 it is\n\
             obs: OTEL_METRICS_EXPORTER: obs has no exporter `prometheus`, it is left out\n"
        )
    );
    assert_eq!(receiver.messages(), ["one"]);
    let doctor = sandbox.obs(["doctor"]).stdout;
    assert!(doctor.contains("expected whole milliseconds"), "{doctor}");
}

#[test]
fn dead_endpoint_is_named_and_keeps_all() {
    let port = free_port();
    let sandbox = sandbox(&format!("http://127.0.0.1:{port}"));
    sandbox.obs(["log", "info", "kept"]);
    let outcome = sandbox.obs(["flush", "--timeout", "0", "--human"]);
    assert_eq!(outcome.code, 1);
    let place = format!("127.0.0.1:{port}");
    assert!(outcome.stdout.contains(&place), "{}", outcome.stdout);
    assert!(
        outcome.stdout.contains("connection refused"),
        "{}",
        outcome.stdout
    );
    assert!(outcome.stdout.contains(" 1 left"), "{}", outcome.stdout);
    let receiver = Receiver::start_on(port, |_, _| OK);
    let outcome = sandbox.obs(["flush"]);
    assert_eq!(
        (outcome.code, json(&outcome.stdout)["sent"].clone()),
        (0, 1.into())
    );
    assert_eq!(receiver.messages(), ["kept"]);
}

#[test]
fn receiver_names_when_to_come_back() {
    let receiver =
        Receiver::start(|_, _| Reply::Status("429 Too Many Requests\r\nRetry-After: 3600\r\n"));
    let sandbox = sandbox(&receiver.url());
    sandbox.obs(["log", "info", "a"]);
    for _ in 0..2 {
        let outcome = sandbox.obs(["flush", "--timeout", "1"]);
        assert_eq!(outcome.code, 1);
        let said = json(&outcome.stdout);
        assert_eq!(
            (&said["state"], &said["left"]["logs"]),
            (&"later".into(), &1.into())
        );
    }
    // the second did not try
    assert_eq!(receiver.requests().len(), 1);
}

#[test]
fn answer_cut_in_the_middle_is_asked_again() {
    let receiver = Receiver::start(|number, _| if number == 0 { Reply::Cut } else { OK });
    let sandbox = sandbox(&receiver.url());
    sandbox.obs(["log", "info", "a"]);
    let outcome = sandbox.obs(["flush", "--timeout", "30"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stdout);
    assert_eq!(receiver.messages(), ["a", "a"]);
}

#[test]
fn record_that_nobody_takes_is_kept_aside() {
    let receiver = Receiver::start(|_, request| {
        let poison = crate::receiver::messages(&request.body)
            .iter()
            .any(|text| text == "poison");
        if poison {
            Reply::Status("400 Bad Request\r\n")
        } else {
            OK
        }
    });
    let sandbox = sandbox(&receiver.url());
    for message in ["a", "poison", "b"] {
        sandbox.obs(["log", "info", message]);
    }
    let outcome = sandbox.obs(["flush"]);
    let said = json(&outcome.stdout);
    assert_eq!(
        (outcome.code, &said["sent"], &said["rejected"]),
        (0, &2.into(), &1.into())
    );
    let folder = fs::read_dir(sandbox.journal().join("rejected")).unwrap();
    let texts: String = folder
        .map(|file| fs::read_to_string(file.unwrap().path()).unwrap())
        .collect();
    assert!(
        texts.contains("\"poison\"") && texts.contains("400"),
        "{texts}"
    );
}

#[test]
fn wrong_endpoint_drops_nothing() {
    let receiver = Receiver::start(|_, _| Reply::Status("404 Not Found\r\n"));
    let sandbox = sandbox(&receiver.url());
    sandbox.obs(["log", "info", "a"]);
    let outcome = sandbox.obs(["flush"]);
    let said = json(&outcome.stdout);
    assert_eq!(
        (outcome.code, &said["state"], &said["left"]["logs"]),
        (2, &"wrong".into(), &1.into())
    );
    assert!(said["why"].as_str().unwrap().contains("404"), "{said}");
}

#[test]
fn time_that_is_up_hides_no_reason() {
    let receiver = Receiver::start(|_, _| Reply::Status("401 Unauthorized\r\n"));
    let sandbox = sandbox(&receiver.url());
    sandbox.obs(["log", "info", "a"]);
    sandbox.obs(["emit", "my.own", "x=1"]);
    sandbox.obs(["span", "exec", "-n", "b", "--", "true"]);
    let outcome = sandbox.obs(["flush", "--timeout", "0"]);
    let said = json(&outcome.stdout);
    assert_eq!((outcome.code, &said["state"]), (2, &"wrong".into()));
    assert!(said["why"].as_str().unwrap().contains("401"), "{said}");
}

#[test]
fn silent_endpoint_ends_with_the_timeout() {
    let receiver = Receiver::start(|_, _| Reply::Silence);
    let sandbox = sandbox(&receiver.url()).with("OTEL_EXPORTER_OTLP_TIMEOUT", "300");
    sandbox.obs(["log", "info", "a"]);
    let outcome = sandbox.obs(["flush", "--timeout", "0"]);
    let said = json(&outcome.stdout);
    assert_eq!((outcome.code, &said["state"]), (1, &"later".into()));
}

#[test]
fn nothing_configured_sends_nothing() {
    let sandbox = sandbox("");
    sandbox.obs(["log", "info", "a"]);
    let outcome = sandbox.obs(["flush"]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (0, ""));
    assert!(
        outcome.stderr.contains("no sink is configured"),
        "{}",
        outcome.stderr
    );
    let outcome = sandbox.obs(["relay"]);
    assert_eq!(outcome.code, 2);
}

#[test]
fn sink_that_is_not_there_is_named() {
    let sandbox = sandbox("http://127.0.0.1:1");
    let outcome = sandbox.obs(["flush", "--sink", "bus"]);
    assert_eq!(outcome.code, 2);
    assert!(
        outcome
            .stderr
            .starts_with("obs: no sink `bus`\nhint: there are env-"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn program_that_never_stops_talking_is_ended() {
    let sandbox = sandbox("");
    sandbox.obs(["emit", "a.b"]);
    let sink = "[[sink]]\nname = \"x\"\ntype = \"command\"\ncommand = [\"/bin/sh\", \"-c\", \"while :; do echo aaaaaaaaaaaaaaaaaa; done >&2\"]\ntimeout = 300\n";
    fs::write(sandbox.journal().join("config.toml"), sink).unwrap();
    let outcome = sandbox.obs(["flush", "--timeout", "1"]);
    assert_eq!(outcome.code, 1);
    let why = json(&outcome.stdout)["why"].to_string();
    assert!(why.contains("did not end within 300 ms"), "{why}");
}

#[test]
fn what_no_endpoint_takes_is_not_left() {
    let receiver = Receiver::start(|_, _| OK);
    let url = format!("{}/v1/traces", receiver.url());
    let sandbox = sandbox("").with("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &url);
    sandbox.obs(["log", "info", "a"]);
    sandbox.obs(["span", "exec", "-n", "build", "--", "true"]);
    let outcome = sandbox.obs(["flush"]);
    assert_eq!(outcome.code, 0, "{}{}", outcome.stdout, outcome.stderr);
    assert_eq!(receiver.spans(), ["build"]);
}

#[test]
fn two_sinks_of_one_name_are_refused() {
    let sandbox = sandbox("");
    sandbox.obs(["log", "info", "a"]);
    let one = "[[sink]]\nname = \"x\"\ntype = \"otlp\"\nendpoint = \"http://127.0.0.1:1\"\n";
    fs::write(sandbox.journal().join("config.toml"), one.repeat(2)).unwrap();
    let outcome = sandbox.obs(["flush"]);
    assert_eq!(outcome.code, 2);
    assert!(
        outcome.stderr.contains("config.toml:5: a second sink `x`"),
        "{}",
        outcome.stderr
    );
    // the record is kept all the same
    assert_eq!(sandbox.obs(["log", "info", "b"]).code, 0);
    assert_eq!(sandbox.records("logs").len(), 2);
}

/// True while a drain in the background holds its lock.
fn is_behind(journal: &Path) -> bool {
    let Ok(lock) = fs::File::open(journal.join("drain/.behind.lock")) else {
        return false;
    };
    lock.try_lock().is_err()
}

#[test]
fn last_records_of_a_script_are_sent_behind_it() {
    let receiver = Receiver::start(|_, _| OK);
    let sandbox = sandbox(&receiver.url()).with("OBS_FLUSH", "");
    sandbox.obs(["log", "info", "first"]);
    until("the first is sent", || {
        receiver.messages().contains(&"first".to_owned())
    });
    // within the five seconds in which no call starts another drain
    sandbox.obs(["log", "info", "second"]);
    sandbox.obs(["span", "exec", "-n", "third", "--", "true"]);
    until("the rest is sent", || {
        receiver.messages() == ["first", "second"] && receiver.spans() == ["third"]
    });
    until("the drain ends", || !is_behind(&sandbox.journal()));
}

#[test]
fn relative_home_is_sent_from_behind_too() {
    let receiver = Receiver::start(|_, _| OK);
    let sandbox = sandbox(&receiver.url())
        .with("OBS_FLUSH", "")
        .with("OBS_HOME", "here");
    sandbox.obs(["log", "info", "a"]);
    let home = sandbox.path("work/here");
    until("it is sent", || receiver.messages() == ["a"]);
    until("the drain ends", || !is_behind(&home));
}

#[test]
fn dead_sink_keeps_no_other_waiting() {
    let receiver = Receiver::start(|_, _| OK);
    let sandbox = sandbox(&receiver.url()).with("OBS_FLUSH", "");
    fs::create_dir(sandbox.journal()).unwrap();
    let dead = format!(
        "[[sink]]\nname = \"dead\"\ntype = \"otlp\"\nendpoint = \"http://127.0.0.1:{}\"\n",
        free_port()
    );
    fs::write(sandbox.journal().join("config.toml"), dead).unwrap();
    sandbox.obs(["log", "info", "first"]);
    until("the first is sent", || receiver.messages() == ["first"]);
    sandbox.obs(["log", "info", "second"]);
    until("the second is sent", || {
        receiver.messages() == ["first", "second"]
    });
    until("the drain ends", || !is_behind(&sandbox.journal()));
    let noted = fs::read_to_string(sandbox.journal().join("diagnostics.log")).unwrap();
    assert_eq!(noted.matches("connection refused").count(), 1, "{noted}");
}

#[test]
fn one_drain_runs_behind_many_calls() {
    let receiver = Receiver::start(|_, _| OK);
    let sandbox = sandbox(&receiver.url()).with("OBS_FLUSH", "");
    let script = "for i in 1 2 3 4 5 6 7 8 9; do obs log info \"m$i\" & done; wait";
    sandbox.script("bash", script).quiet();
    let mut expected: Vec<String> = (1..10).map(|number| format!("m{number}")).collect();
    until("all are sent", || {
        let mut got = receiver.messages();
        got.sort();
        got == expected
    });
    until("the drain ends", || !is_behind(&sandbox.journal()));
    expected.sort();
    let mut got = receiver.messages();
    got.sort();
    assert_eq!(got, expected, "none is sent twice");
}

#[test]
fn manual_leaves_the_network_alone() {
    let receiver = Receiver::start(|_, _| OK);
    let sandbox = sandbox(&receiver.url());
    sandbox.obs(["log", "info", "a"]);
    assert!(!sandbox.journal().join("drain").exists());
    let sandbox = sandbox
        .with("OBS_FLUSH", "")
        .with("OTEL_SDK_DISABLED", "true");
    sandbox.obs(["log", "info", "b"]);
    assert!(!sandbox.journal().join("drain").exists());
    assert_eq!(receiver.requests().len(), 0);
}

#[test]
fn relay_ends_cleanly_when_it_is_told() {
    let receiver = Receiver::start(|_, _| OK);
    let sandbox = sandbox(&receiver.url());
    sandbox.obs(["log", "info", "before"]);
    let mut relay = sandbox
        .command(crate::sandbox::program())
        .arg("relay")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(relay.stderr.take().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    assert!(line.starts_with("obs: sending to env-"), "{line}");
    sandbox.obs(["log", "info", "while"]);
    until("both are sent", || {
        receiver.messages() == ["before", "while"]
    });
    kill_process(Pid::from_child(&relay), Signal::TERM).unwrap();
    line.clear();
    said.read_line(&mut line).unwrap();
    assert!(line.ends_with("2 sent, 0 left\n"), "{line}");
    assert_eq!(relay.wait().unwrap().code(), Some(0));
}

#[test]
fn broken_file_is_no_empty_one() {
    let receiver = Receiver::start(|_, _| OK);
    let sandbox = sandbox(&receiver.url());
    sandbox.obs(["log", "info", "a"]);
    let broken = "actor = \"me\"\nflush = \"auto\n[[sink]]\nname = \"x\"\ntype = \"otlp\"\n";
    fs::write(sandbox.journal().join("config.toml"), broken).unwrap();
    let outcome = sandbox.obs(["flush"]);
    assert_eq!(outcome.code, 2);
    assert!(
        outcome.stderr.contains("config.toml:2: no sink is read"),
        "{}",
        outcome.stderr
    );
    // what could be read is sent to all the same
    assert_eq!(receiver.messages(), ["a"]);
}

#[test]
fn broken_sink_keeps_no_other_waiting() {
    let receiver = Receiver::start(|_, _| OK);
    let sandbox = sandbox(&receiver.url());
    sandbox.obs(["log", "info", "a"]);
    let good = format!(
        "[[sink]]\nname = \"good\"\ntype = \"otlp\"\nendpoint = \"{}\"\n",
        receiver.url()
    );
    let broken = "[[sink]]\nname = \"w\"\ntype = \"natz\"\n";
    fs::write(
        sandbox.journal().join("config.toml"),
        format!("{broken}{good}"),
    )
    .unwrap();
    let sandbox = sandbox.with("OTEL_EXPORTER_OTLP_ENDPOINT", "");
    assert_eq!(sandbox.obs(["flush", "--sink", "good"]).code, 0);
    sandbox.obs(["log", "info", "b"]);
    let outcome = sandbox.obs(["flush"]);
    assert_eq!(outcome.code, 2);
    assert!(outcome.stderr.contains("`type`"), "{}", outcome.stderr);
    assert_eq!(receiver.messages(), ["a", "b"]);
}
