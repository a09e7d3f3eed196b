//! Events there and back, what the specification asks of attributes, and the limit.

use super::back::decode;
use super::*;
use crate::model::{Actor, Metadata, Record, Signal};
use proptest::prelude::*;

const LINE: &str = r#"{"event_id":"evt_01JD7M0W8QK5T4V3X2Y1Z0ABCD","event_type":"backlog.task.state_changed","event_version":"1.2","timestamp":"2026-11-22T11:47:00.123456Z","source":"jp-spec-kit","source_version":"0.0.311","correlation_id":"corr_01JD7M0W8QK5T4V3X2Y1Z0ABCD","causation_id":"evt_01JD7M0W8QK5T4V3X2Y1Z0ABCC","trace_context":{"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"00f067aa0ba902b7"},"actor":{"type":"agent","id":"claude","host":"galway"},"data":{"task_id":"TASK-302","from_state":"To Do","to_state":"In Progress","points":18446744073709551616},"metadata":{"git_branch":"main","git_commit":"1f0c9a7e","repository":"jp-spec-kit","working_directory":"/home/é x","origin":"observed"},"resource":{"ci.run":1.10,"x":["\u0007é🚀"]},"obs":{"truncated":70000}}"#;

pub(in crate::ship) fn read_line(line: &str) -> Event {
    match Signal::Events.read(line.as_bytes()).unwrap() {
        Record::Event(event) => *event,
        other => panic!("{other:?}"),
    }
}

fn text(event: &Event) -> String {
    String::from_utf8(to_line(event)).unwrap()
}

#[track_caller]
fn comes_back(event: &Event) {
    let whole = structured(event).unwrap();
    assert_eq!(text(&read(&whole).unwrap()), text(event));
    let (attributes, body) = binary(event).unwrap();
    let through = |(name, value): (String, String)| {
        let header = header_value(&value);
        assert!(header.bytes().all(|b| matches!(b, 0x21..=0x7e)), "{header}");
        (name, decode(&header).unwrap())
    };
    let attributes: Vec<_> = attributes.into_iter().map(through).collect();
    assert_eq!(text(&read_binary(&attributes, &body).unwrap()), text(event));
}

#[test]
fn table_of_attributes_is_kept() {
    let event = of(&read_line(LINE)).unwrap();
    let rest = r#"{"resource":{"ci.run":1.10,"x":["\u0007\u00e9\ud83d\ude80"]},"obs":{"truncated":70000}}"#;
    let expected = [
        ("specversion", "1.0"),
        ("id", "evt_01JD7M0W8QK5T4V3X2Y1Z0ABCD"),
        ("source", "//galway/obs/jp-spec-kit"),
        ("type", "dev.obs.backlog.task.state_changed.v1"),
        ("time", "2026-11-22T11:47:00.123456Z"),
        ("subject", "TASK-302"),
        (
            "dataschema",
            "urn:obs:schema:backlog.task.state_changed:1.2",
        ),
        ("correlationid", "corr_01JD7M0W8QK5T4V3X2Y1Z0ABCD"),
        ("causationid", "evt_01JD7M0W8QK5T4V3X2Y1Z0ABCC"),
        (
            "traceparent",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ),
        ("partitionkey", "TASK-302"),
        ("authtype", "service_account"),
        ("actortype", "agent"),
        ("authid", "claude"),
        ("obsversion", "0.0.311"),
        ("gitbranch", "main"),
        ("gitcommit", "1f0c9a7e"),
        ("repository", "jp-spec-kit"),
        ("workdir", "/home/é x"),
        ("origin", "observed"),
        ("obsenvelope", rest),
    ];
    let found: Vec<_> = event
        .attributes
        .iter()
        .map(|(n, v)| (*n, v.as_str()))
        .collect();
    assert_eq!(found, expected);
    assert_eq!(header_value("/home/é \"x%"), "/home/%C3%A9%20%22x%25");
    let whole = String::from_utf8(event.structured().unwrap()).unwrap();
    assert!(whole.ends_with(
        r#","datacontenttype":"application/json","data":{"task_id":"TASK-302","from_state":"To Do","to_state":"In Progress","points":18446744073709551616}}"#
    ));
}

#[test]
fn event_comes_back_whole() {
    comes_back(&read_line(LINE));
    let least = r#"{"event_id":"e","event_type":"t","event_version":"","timestamp":"2026-01-01T00:00:00Z"}"#;
    comes_back(&read_line(least));
    assert_eq!(
        of(&read_line(least)).unwrap().attribute("source"),
        Some("/obs")
    );
}

#[test]
fn foreign_event_is_read_too() {
    let event = read(br#"{"specversion":"1.0","id":"7","source":"https://x/y","type":"com.x.made.v2","time":"2026-01-01T00:00:00+01:00","data":[1]}"#).unwrap();
    assert_eq!(event.event_type, "com.x.made");
    assert_eq!(
        (event.event_version.as_str(), event.source.as_str()),
        ("2.0", "https://x/y")
    );
    assert_eq!(event.data["value"][0].to_string(), "1");
    for wrong in [
        &b"[]"[..],
        b"\xff",
        br#"{"specversion":"0.3","id":"7","source":"x","type":"t"}"#,
        br#"{"specversion":"1.0","id":"7","source":"x"}"#,
        br#"{"specversion":"1.0","id":"7","source":"x","type":"t","time":"now"}"#,
        br#"{"specversion":"1.0","id":"7","source":"x","type":"t","time":"2026-01-01T00:00:00Z","data_base64":"AA=="}"#,
        br#"{"specversion":"1.0","id":"7","source":"x","type":"t","time":"2026-01-01T00:00:00Z","obsenvelope":"{\"actor\":1}"}"#,
    ] {
        assert!(read(wrong).is_err(), "{}", String::from_utf8_lossy(wrong));
    }
}

#[test]
fn too_large_is_refused_not_cut() {
    let mut event = read_line(LINE);
    let mut fill = |length: usize| {
        event.data.insert("x".to_owned(), "x".repeat(length).into());
        structured(&event).map(|whole| whole.len())
    };
    let envelope = fill(0).unwrap();
    assert_eq!(fill(65_536 - envelope), Ok(65_536));
    let error = fill(65_537 - envelope).unwrap_err();
    assert!(error.starts_with("65537 bytes"), "{error}");
    fill(66_000).unwrap_err();
    assert!(binary(&event).unwrap_err().contains("65536"));
    event.event_id.clear();
    assert!(of(&event).is_err());
}

fn anything() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "[a-z.:/%-]{1,12}",
        "\\PC{0,12}",
        any::<String>().prop_map(|text| text.chars().take(40).collect()),
    ]
}

proptest! {
    #[test]
    fn hostile_event_comes_back_whole(texts in proptest::collection::vec(anything(), 16), micros in 0_i64..4_000_000_000_000_000, traced: bool) {
        let mut texts = texts.into_iter();
        let mut next = || texts.next().unwrap_or_default();
        let event = Event {
            event_id: format!("e{}", next()),
            event_type: format!("t{}", next()),
            event_version: next(),
            timestamp: micros * 1000,
            source: next(),
            source_version: next(),
            correlation_id: next(),
            causation_id: next(),
            trace_context: traced.then(|| TraceRef { trace_id: next(), span_id: next() }),
            actor: Actor { kind: next(), id: next(), host: next() },
            data: Map::from_iter([(next(), Value::from(next()))]),
            metadata: Metadata { git_branch: next(), working_directory: next(), ..Metadata::default() },
            ..Event::default()
        };
        let made = of(&event).unwrap();
        for (name, value) in &made.attributes {
            prop_assert!(name.len() <= 20 && name.bytes().all(|b| b.is_ascii_lowercase()), "{name}");
            prop_assert!(is_text(value), "{name} {value:?}");
        }
        comes_back(&event);
    }
}
