//! The file sink: whole lines, on disk, rotated, whoever else writes or rotates.

use super::{event, plain_event, said, send, settings, sink, stored};
use crate::sandbox::Sandbox;
use obs::model::Signal;
use obs::ship::{Form, Load, open};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::thread;

fn keys(sandbox: &Sandbox, more: &str) -> String {
    let path = sandbox.path("work/{signal}.log");
    format!("type = \"file\"\npath = \"{}\"\n{more}", path.display())
}

fn read(sandbox: &Sandbox, name: &str) -> String {
    fs::read_to_string(sandbox.path("work").join(name)).unwrap()
}

#[test]
fn seed_promtail_finds_a_file_a_signal() {
    let sandbox = Sandbox::new();
    let folder = sandbox.path("var/log/specify");
    fs::create_dir_all(&folder).unwrap();
    let keys = format!(
        "type = \"file\"\npath = \"{}/{{signal}}.log\"\npermissions = \"0640\"\ngroup = \"{}\"",
        folder.display(),
        fs::metadata(&folder).unwrap().gid()
    );
    let mut sink = sink(&sandbox, &keys, &[]).unwrap();
    let log = stored(
        Signal::Logs,
        r#"{"timestamp":"2026-11-22T11:47:00.000000Z","level":"INFO","logger":"bash.x","message":"m","id":"1"}"#,
    );
    let span = stored(
        Signal::Spans,
        r#"{"timestamp":"2026-11-22T11:47:00.000000000Z","end":"2026-11-22T11:47:01.000000000Z","duration_ms":1000.0,"name":"s","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"00f067aa0ba902b7"}"#,
    );
    for (signal, record) in [
        (Signal::Logs, &log),
        (Signal::Spans, &span),
        (Signal::Events, &plain_event(1)),
    ] {
        assert_eq!(sink.takes(signal), Some(Form::Records));
        let answer = sink.send(Load::Records(signal, std::slice::from_ref(record)));
        assert_eq!(said(&answer), ("delivered", String::new()));
        let path = folder.join(format!("{}.log", signal.name()));
        assert_eq!(fs::read(&path).unwrap(), record.line);
        let found = fs::metadata(&path).unwrap();
        assert_eq!(found.permissions().mode() & 0o777, 0o640);
    }
}

#[test]
fn file_is_rotated_by_size() {
    let sandbox = Sandbox::new();
    let mut sink = sink(
        &sandbox,
        &keys(&sandbox, "rotate_bytes = 4096\nkeep = 2"),
        &[],
    )
    .unwrap();
    let wide = |number| {
        let text = "x".repeat(2000);
        event(
            number,
            &format!(r#"{{"task_id":"T-{number}","text":"{text}"}}"#),
        )
    };
    for number in 0..6 {
        assert_eq!(said(&send(&mut *sink, &[wide(number)])).0, "delivered");
    }
    let names = |name: &str| {
        let text = read(&sandbox, name);
        let has = |number: &u32| text.contains(&format!("\"T-{number}\""));
        (0..6).filter(has).collect::<Vec<_>>()
    };
    let found = ["events.log", "events.log.1", "events.log.2"].map(names);
    assert_eq!(found, [[5].as_slice(), &[4], &[3]].map(<[u32]>::to_vec));
    assert!(!sandbox.path("work/events.log.3").exists());
    assert_eq!(
        fs::metadata(sandbox.path("work/events.log"))
            .unwrap()
            .mode()
            & 0o777,
        0o600
    );
}

#[test]
fn gap_spares_the_oldest() {
    let sandbox = Sandbox::new();
    let at = |name: &str| sandbox.path("work").join(name);
    for (name, size) in [
        ("events.log", 5000),
        ("events.log.1", 1),
        ("events.log.3", 3),
    ] {
        fs::write(at(name), "x".repeat(size)).unwrap();
    }
    let mut sink = sink(
        &sandbox,
        &keys(&sandbox, "rotate_bytes = 4096\nkeep = 3"),
        &[],
    )
    .unwrap();
    assert_eq!(said(&send(&mut *sink, &[plain_event(1)])).0, "delivered");
    let sizes =
        ["events.log.1", "events.log.2", "events.log.3"].map(|name| read(&sandbox, name).len());
    assert_eq!(sizes, [5000, 1, 3]);
}

#[test]
fn torn_line_is_closed_first() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("work/events.log"), "{\"torn\":").unwrap();
    let mut sink = sink(&sandbox, &keys(&sandbox, ""), &[]).unwrap();
    let record = plain_event(1);
    assert_eq!(
        said(&send(&mut *sink, std::slice::from_ref(&record))).0,
        "delivered"
    );
    let line = String::from_utf8(record.line).unwrap();
    assert_eq!(read(&sandbox, "events.log"), format!("{{\"torn\":\n{line}"));
}

#[test]
fn rotation_by_others_is_followed() {
    let sandbox = Sandbox::new();
    let mut sink = sink(&sandbox, &keys(&sandbox, ""), &[]).unwrap();
    assert_eq!(said(&send(&mut *sink, &[plain_event(1)])).0, "delivered");
    fs::rename(sandbox.path("work/events.log"), sandbox.path("work/old")).unwrap();
    assert_eq!(said(&send(&mut *sink, &[plain_event(2)])).0, "delivered");
    assert!(read(&sandbox, "old").contains("TASK-1"));
    let new = read(&sandbox, "events.log");
    assert!(new.contains("TASK-2") && !new.contains("TASK-1"), "{new}");
}

#[test]
fn writers_never_tear_each_other() {
    let sandbox = Sandbox::new();
    let keys = keys(&sandbox, "rotate_bytes = 20000\nkeep = 1000\ntimeout = 0");
    let (settings, world) = settings(&sandbox, &keys, &[]).unwrap();
    thread::scope(|scope| {
        for writer in 0..4 {
            let (settings, world) = (&settings, &world);
            scope.spawn(move || {
                let mut sink = open(settings, world).unwrap();
                for round in 0..25 {
                    let numbers = (0..4).map(|one| writer * 1000 + round * 10 + one);
                    let records: Vec<_> = numbers.map(plain_event).collect();
                    assert_eq!(said(&send(&mut *sink, &records)).0, "delivered");
                }
            });
        }
    });
    let mut found = Vec::new();
    for entry in fs::read_dir(sandbox.path("work")).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(text.len() <= 20_000 && text.ends_with('\n'));
        for line in text.lines() {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            found.push(line["event_id"].as_str().unwrap().to_owned());
        }
    }
    assert_eq!(found.len(), 400);
    found.sort();
    found.dedup();
    assert_eq!(found.len(), 400);
}

#[test]
fn formats_are_lines_too() {
    let records = [plain_event(1), plain_event(2)];
    for (format, part) in [
        ("cloudevents", r#""type":"dev.obs.backlog.task.created.v1""#),
        ("cdevents", r#""type":"dev.cdevents.ticket.created.0.2.0""#),
    ] {
        let sandbox = Sandbox::new();
        let keys = keys(&sandbox, &format!("format = \"{format}\""));
        let mut sink = sink(&sandbox, &keys, &[]).unwrap();
        assert_eq!(sink.takes(Signal::Logs), None);
        assert_eq!(said(&send(&mut *sink, &records)).0, "delivered");
        let text = read(&sandbox, "events.log");
        assert_eq!(
            text.lines().filter(|line| line.contains(part)).count(),
            2,
            "{text}"
        );
    }
    let sandbox = Sandbox::new();
    let mut sink = sink(&sandbox, &keys(&sandbox, "format = \"otlp-json\""), &[]).unwrap();
    assert_eq!(
        sink.takes(Signal::Metrics),
        Some(Form::Points { delta: false })
    );
    assert_eq!(said(&send(&mut *sink, &records)).0, "delivered");
    let text = read(&sandbox, "events.log");
    assert_eq!(text.lines().count(), 1);
    let line: serde_json::Value = serde_json::from_str(&text).unwrap();
    let found = &line["resourceLogs"][0]["scopeLogs"][0]["logRecords"];
    assert_eq!(found.as_array().map(Vec::len), Some(2), "{text}");
}

#[test]
fn what_never_works_is_said() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("work/real"), "").unwrap();
    symlink(sandbox.path("work/real"), sandbox.path("work/link")).unwrap();
    fs::hard_link(sandbox.path("work/real"), sandbox.path("work/second")).unwrap();
    fs::create_dir(sandbox.path("work/folder")).unwrap();
    let at = |name: &str| sandbox.path("work").join(name).display().to_string();
    for (path, why) in [
        (
            at("missing/x.log"),
            "hint: make the folder; obs makes the file",
        ),
        ("/sys/obs.log".to_owned(), "obs: "),
        (at("link"), "symbolic link"),
        (at("second"), "it has a second name"),
        (at("folder"), "is a directory"),
        ("/dev/full".to_owned(), "not a regular file"),
    ] {
        let keys = format!("type = \"file\"\npath = \"{path}\"\nsignals = [\"events\"]");
        let mut sink = sink(&sandbox, &keys, &[]).unwrap();
        let (word, text) = said(&send(&mut *sink, &[plain_event(1)]));
        assert_eq!(word, "misconfigured", "{path}: {text}");
        assert!(text.contains(&path) && text.contains(why), "{text}");
    }
    assert_eq!(fs::read(sandbox.path("work/real")).unwrap(), b"");
}

#[test]
fn wrong_settings_are_named() {
    let sandbox = Sandbox::new();
    for (keys, why) in [
        ("", "no `path`"),
        ("path = \"x.log\"", "`path`: x.log is not absolute"),
        (
            "path = \"/x\"\npermissions = \"0999\"",
            "`permissions`: 0999 is no mode",
        ),
        (
            "path = \"/x\"\ngroup = \"no-such-group\"",
            "no-such-group is not in /etc/group",
        ),
        ("path = \"/x\"\nformat = \"otlp-json\"", "one signal a file"),
        (
            "path = \"/x\"\nformat = \"cdevents\"\nsignals = [\"logs\"]",
            "logs are no cdevents",
        ),
    ] {
        let error = sink(&sandbox, &format!("type = \"file\"\n{keys}"), &[]).err();
        let error = error.unwrap_or_default();
        assert!(
            error.contains(why) && error.contains("config.toml:1"),
            "{error}"
        );
    }
}

#[test]
fn journal_is_not_fed_to_itself() {
    let sandbox = Sandbox::new();
    let home = sandbox.journal();
    let env = [("OBS_HOME", home.to_str().unwrap())];
    let keys = format!(
        "type = \"file\"\npath = \"{}/{{signal}}.log\"",
        home.display()
    );
    let refused = sink(&sandbox, &keys, &env).err().unwrap();
    assert!(refused.contains("the journal's own folder"), "{refused}");
}
