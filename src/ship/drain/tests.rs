//! The drain against a sink that fails as it is told: what is acknowledged, what comes again, what is kept aside.

use super::super::Answer;
use super::*;
use crate::journal::Place;
use crate::model::Signal;
use crate::ship::fault::{Fault, later};
use serde_json::json;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

/// A home with a sink `x` that begins with everything.
struct Home {
    dir: TempDir,
    world: World,
    settings: SinkSettings,
}

impl Home {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("home");
        fs::create_dir(&path).unwrap();
        let config = "[[sink]]\nname = \"x\"\ntype = \"otlp\"\nstart = \"all\"\n";
        fs::write(path.join("config.toml"), config).unwrap();
        let world = World::of(&[]);
        let settings = crate::settings::sinks(Some(&path), &world).0.remove(0);
        Self {
            dir,
            world,
            settings,
        }
    }

    fn path(&self) -> std::path::PathBuf {
        self.dir.path().join("home")
    }

    fn journal(&self) -> Journal {
        journal(&self.path())
    }

    fn log(&self, message: &str) {
        let line = json!({"timestamp": "2026-01-31T12:00:00Z", "level": "INFO", "message": message, "id": message});
        self.append(Signal::Logs, &line.to_string());
    }

    fn count(&self, value: u64) {
        let line = json!({"timestamp": "2026-01-31T12:00:00Z", "name": "jobs", "type": "counter", "value": value, "id": "m"});
        self.append(Signal::Metrics, &line.to_string());
    }

    fn append(&self, signal: Signal, line: &str) {
        assert!(
            self.journal()
                .append(signal, format!("{line}\n").as_bytes(), 0)
                .accepted()
        );
    }

    fn drain(&self, sink: Fault) -> Drained {
        self.drain_as(sink, true)
    }

    fn drain_as(&self, sink: Fault, is_eager: bool) -> Drained {
        self.drain_into(sink, is_eager).unwrap()
    }

    fn try_drain(&self, sink: Fault) -> Result<Drained, Error> {
        self.drain_into(sink, true)
    }

    fn drain_into(&self, sink: Fault, is_eager: bool) -> Result<Drained, Error> {
        let path = self.path();
        let job = Job {
            settings: &self.settings,
            world: &self.world,
            journal: &move || journal(&path),
            stop: &|| false,
            is_eager,
        };
        drain_into(&job, || Ok(Box::new(sink)))
    }
}

fn journal(home: &Path) -> Journal {
    Journal::new(Place {
        home: Some(home.to_owned()),
        temp: home.join("tmp"),
        user: rustix::process::geteuid().as_raw(),
        pid: std::process::id(),
        random: 7,
    })
}

/// What a writer does that cannot have the lock.
fn spill(home: &Path, message: &str) {
    let line = json!({"timestamp": "2026-01-31T12:00:00Z", "level": "INFO", "message": message, "id": message});
    let active = fs::File::open(home.join("logs.log")).unwrap();
    active.lock().unwrap();
    let kept = journal(home).lock_timeout(Duration::ZERO).append(
        Signal::Logs,
        format!("{line}\n").as_bytes(),
        message.bytes().map(i64::from).sum(),
    );
    assert!(matches!(kept, crate::journal::Kept::Spill(_)), "{kept:?}");
}

fn taken(sink: &Fault) -> Arc<Mutex<Vec<String>>> {
    Arc::clone(&sink.taken)
}

fn texts(taken: &Mutex<Vec<String>>) -> Vec<String> {
    taken.lock().unwrap().clone()
}

fn all_well() -> Fault {
    Fault::new(|_| Answer::Delivered)
}

#[test]
fn everything_goes_once_in_order() {
    let home = Home::new();
    for number in 0..10 {
        home.log(&format!("m{number}"));
    }
    let sink = all_well();
    let got = taken(&sink);
    let drained = home.drain(sink);
    assert!(matches!(drained.state, State::Done));
    assert_eq!(drained.sent, 10);
    let expected: Vec<String> = (0..10).map(|number| format!("m{number}")).collect();
    assert_eq!(texts(&got), expected);
    assert_eq!(home.drain(all_well()).sent, 0);
    home.log("later");
    assert_eq!(home.drain(all_well()).sent, 1);
}

#[test]
fn sink_that_is_not_there_gets_all_later() {
    let home = Home::new();
    home.log("a");
    let drained = home.drain(Fault::new(|_| later(None)));
    assert!(matches!(drained.state, State::Later { .. }));
    // its time has not come, and it is not tried
    let drained = home.drain_as(Fault::new(|_| panic!("tried")), false);
    assert!(matches!(drained.state, State::Later { .. }));
    assert_eq!(home.drain(all_well()).sent, 1);
    assert!(!home.path().join("drain/x.retry").exists());
}

#[test]
fn receiver_that_names_a_time_is_left_alone() {
    let home = Home::new();
    home.log("a");
    let hour = Duration::from_secs(3600);
    home.drain(Fault::new(move |_| later(Some(hour))));
    let drained = home.drain(Fault::new(|_| panic!("tried")));
    let State::Later { next, .. } = drained.state else {
        panic!("{:?}", drained.state)
    };
    assert!(next > home.world.now() + 3_500_000_000_000);
}

#[test]
fn poison_stands_alone_and_others_pass() {
    let home = Home::new();
    for message in ["a", "b", "poison", "d", "e"] {
        home.log(message);
    }
    let refuses = |texts: &[String]| match texts.iter().any(|text| text == "poison") {
        true => Answer::Permanent("400: no poison".to_owned()),
        false => Answer::Delivered,
    };
    let sink = Fault::new(refuses);
    let got = taken(&sink);
    let drained = home.drain(sink);
    assert_eq!((drained.sent, drained.rejected), (4, 1));
    assert_eq!(drained.said.as_deref(), Some("400: no poison"));
    assert_eq!(texts(&got), ["a", "b", "d", "e"]);
    let kept = fs::read_to_string(home.path().join("rejected/x.jsonl")).unwrap();
    let kept: serde_json::Value = serde_json::from_str(&kept).unwrap();
    assert_eq!(
        (&kept["reason"], &kept["record"]["message"]),
        (&json!("400: no poison"), &json!("poison"))
    );
    assert_eq!(
        crate::ship::refused(&home.journal(), "x"),
        (1, Some("400: no poison".to_owned()))
    );
}

#[test]
fn wrong_settings_drop_nothing() {
    let home = Home::new();
    home.log("a");
    let wrong = || Answer::Misconfigured(Error::usage("401"));
    let drained = home.drain(Fault::new(move |_| wrong()));
    assert!(matches!(drained.state, State::Wrong(_)));
    assert_eq!(home.drain(all_well()).sent, 1);
}

#[test]
fn half_of_a_load_is_not_sent_twice() {
    let home = Home::new();
    for message in ["a", "b", "too much", "d"] {
        home.log(message);
    }
    // halved for its size, and the second half meets a receiver that has gone
    let mut first = None;
    let sink = Fault::new(move |texts| match texts {
        [_, _, _, _] => Answer::Permanent("413".to_owned()),
        _ if first.replace(()).is_none() => Answer::Delivered,
        _ => later(None),
    });
    let got = taken(&sink);
    let drained = home.drain(sink);
    assert_eq!(drained.sent, 2);
    let sink = all_well();
    let rest = taken(&sink);
    home.drain(sink);
    assert_eq!(
        (texts(&got), texts(&rest)),
        (
            vec!["a".to_owned(), "b".to_owned()],
            vec!["too much".to_owned(), "d".to_owned()]
        )
    );
}

#[test]
fn dropped_by_the_receiver_is_told_and_not_repeated() {
    let home = Home::new();
    home.log("a");
    home.log("b");
    let partial = || Answer::Partial {
        rejected: 1,
        why: "one too old".to_owned(),
    };
    let drained = home.drain(Fault::new(move |_| partial()));
    assert_eq!((drained.sent, drained.dropped), (1, 1));
    assert_eq!(drained.said.as_deref(), Some("one too old"));
    assert_eq!(home.drain(all_well()).sent, 0);
}

#[test]
fn sums_go_on_from_one_drain_to_the_next() {
    let home = Home::new();
    home.count(2);
    home.count(3);
    let sink = all_well();
    let got = taken(&sink);
    home.drain(sink);
    assert_eq!(texts(&got), ["jobs=Sum(5.0)"]);
    home.count(1);
    // what was folded for a receiver that is not there is folded again
    home.drain(Fault::new(|_| later(None)));
    let sink = all_well();
    let got = taken(&sink);
    home.drain(sink);
    assert_eq!(texts(&got), ["jobs=Sum(6.0)"]);
}

#[test]
fn damage_hides_no_neighbour() {
    let home = Home::new();
    home.log("a");
    let path = home.path().join("logs.log");
    let mut text = fs::read(&path).unwrap();
    text.extend(b"{\"torn\": \n");
    fs::write(&path, text).unwrap();
    home.log("b");
    let sink = all_well();
    let got = taken(&sink);
    let drained = home.drain(sink);
    assert_eq!((drained.sent, drained.damaged), (2, 1));
    assert_eq!(texts(&got), ["a", "b"]);
}

#[test]
fn second_drain_of_a_sink_waits_outside() {
    let home = Home::new();
    home.log("a");
    let journal = home.journal();
    let held = journal.outbox("x").unwrap().unwrap();
    let drained = home.drain(Fault::new(|_| panic!("tried")));
    assert!(matches!(drained.state, State::Busy));
    drop(held);
    assert_eq!(home.drain(all_well()).sent, 1);
}

#[test]
fn damaged_cursor_is_read_again() {
    let home = Home::new();
    home.log("a");
    home.drain(all_well());
    let cursor = home.path().join("cursors/x");
    let length = fs::metadata(&cursor).unwrap().len();
    fs::write(&cursor, vec![0xFF; usize::try_from(length).unwrap()]).unwrap();
    let drained = home.drain(all_well());
    assert_eq!(drained.sent, 1);
    assert!(drained.doubt.is_some());
}

#[test]
fn spill_in_between_is_not_taken_for_sent() {
    let home = Home::new();
    for message in ["a", "b", "c", "d"] {
        home.log(message);
    }
    // while half of them is on its way a writer spills, and what it spilled is read first from now on
    let path = home.path();
    let mut tries = 0;
    let sink = Fault::new(move |_| {
        tries += 1;
        match tries {
            1 => Answer::Permanent("413".to_owned()),
            2 => {
                spill(&path, "spilled 1");
                spill(&path, "spilled 2");
                Answer::Delivered
            }
            _ => later(None),
        }
    });
    home.drain(sink);
    let sink = all_well();
    let rest = taken(&sink);
    home.drain(sink);
    let rest = texts(&rest);
    for message in ["spilled 1", "spilled 2", "c", "d"] {
        assert!(rest.contains(&message.to_owned()), "{message}: {rest:?}");
    }
}

#[test]
fn doubt_lasts_until_every_signal_was_read_again() {
    let mut home = Home::new();
    let config = "[[sink]]\nname = \"x\"\ntype = \"otlp\"\nstart = \"now\"\n";
    fs::write(home.path().join("config.toml"), config).unwrap();
    home.settings = crate::settings::sinks(Some(&home.path()), &home.world)
        .0
        .remove(0);
    home.drain(all_well());
    home.log("log");
    home.count(1);
    let cursor = home.path().join("cursors/x");
    let length = fs::metadata(&cursor).unwrap().len();
    fs::write(&cursor, vec![0xFF; usize::try_from(length).unwrap()]).unwrap();
    // the logs go, and the metrics meet a receiver that has gone
    home.drain(Fault::new(|texts| match texts.first() {
        Some(text) if text == "log" => Answer::Delivered,
        _ => later(None),
    }));
    let sink = all_well();
    let rest = taken(&sink);
    home.drain(sink);
    assert_eq!(texts(&rest), ["jobs=Sum(1.0)"]);
}

#[test]
fn signal_that_cannot_be_read_holds_no_other() {
    let home = Home::new();
    home.log("log");
    // spilled spans that nobody can gather: a folder has the name of their copy
    let copy = home.path().join("sealed/.spans-gathered.tmp");
    fs::create_dir_all(copy.join("full")).unwrap();
    fs::create_dir_all(home.path().join("spill")).unwrap();
    fs::set_permissions(
        home.path().join("spill"),
        std::os::unix::fs::PermissionsExt::from_mode(0o700),
    )
    .unwrap();
    fs::write(home.path().join("spill/spans-1-1-1.jsonl"), "{}\n").unwrap();
    let sink = all_well();
    let got = taken(&sink);
    assert!(home.try_drain(sink).is_err());
    assert_eq!(texts(&got), ["log"]);
    // and what was acknowledged stays so
    let sink = all_well();
    let got = taken(&sink);
    assert!(home.try_drain(sink).is_err());
    assert!(texts(&got).is_empty());
}

#[test]
fn wrong_for_one_signal_holds_no_other() {
    let home = Home::new();
    home.log("log");
    home.count(1);
    let sink = Fault::new(|texts| match texts.iter().any(|text| text == "log") {
        true => Answer::Misconfigured(Error::usage("404: no logs here")),
        false => Answer::Delivered,
    });
    let got = taken(&sink);
    let drained = home.drain(sink);
    assert!(matches!(drained.state, State::Wrong(_)));
    assert_eq!(texts(&got), ["jobs=Sum(1.0)"]);
    assert_eq!(home.drain(all_well()).sent, 1);
}

#[test]
fn signal_that_must_wait_delays_no_other() {
    let home = Home::new();
    home.count(1);
    let no_metrics = || {
        Fault::new(
            |texts| match texts.iter().any(|text| text.starts_with("jobs")) {
                true => Answer::Misconfigured(Error::usage("404: no metrics here")),
                false => Answer::Delivered,
            },
        )
    };
    home.drain_as(no_metrics(), false);
    home.log("log");
    let sink = all_well();
    let got = taken(&sink);
    let drained = home.drain_as(sink, false);
    assert!(matches!(drained.state, State::Wrong(_)), "{drained:?}");
    assert_eq!(texts(&got), ["log"]);
    let noted = fs::read_to_string(home.path().join("drain/x.retry")).unwrap();
    assert!(noted.contains("404: no metrics here"), "{noted}");
    // asked by hand all are tried
    let sink = all_well();
    let got = taken(&sink);
    home.drain(sink);
    assert_eq!(texts(&got), ["jobs=Sum(1.0)"]);
    assert!(!home.path().join("drain/x.retry").exists());
}

#[test]
fn receiver_that_is_gone_waits_for_other_settings() {
    let mut home = Home::new();
    home.log("a");
    home.drain(Fault::new(|_| Answer::Gone(Error::usage("410"))));
    let drained = home.drain_as(Fault::new(|_| panic!("tried")), false);
    assert!(matches!(drained.state, State::Later { .. }));
    home.settings.place.push_str(" changed");
    assert_eq!(home.drain_as(all_well(), false).sent, 1);
}

#[test]
fn failing_record_is_set_aside_in_the_end() {
    let home = Home::new();
    home.log("good");
    home.log("bad");
    home.log("behind");
    let failing = || {
        let mut sink = Fault::new(|texts| match texts.iter().any(|text| text == "bad") {
            true => Answer::Failing(Error::failure("500")),
            false => Answer::Delivered,
        });
        sink.most = 1;
        sink.schedule = Some(&[Duration::ZERO; 2]);
        sink
    };
    for sent in [1, 0] {
        let drained = home.drain(failing());
        assert!(matches!(drained.state, State::Later { .. }));
        assert_eq!((drained.sent, drained.rejected), (sent, 0));
    }
    let drained = home.drain(failing());
    assert!(matches!(drained.state, State::Done));
    assert_eq!((drained.sent, drained.rejected), (1, 1));
}
