//! The form of CDEvents, and the way back. That the schemas agree is tested with the specification's own files.

use super::super::cloudevents::tests::read_line;
use super::*;
use crate::model::catalog;

fn event(kind: &str, data: &str) -> Event {
    let line = format!(
        r#"{{"event_id":"evt_01JD7M0W8QK5T4V3X2Y1Z0ABCD","event_type":"{kind}","event_version":"1.0","timestamp":"2026-11-22T11:47:00.123456Z","source":"s","correlation_id":"corr_x","causation_id":"evt_c","actor":{{"type":"user","id":"ann","host":"galway"}},"data":{data}}}"#
    );
    read_line(&line)
}

#[test]
fn task_is_a_ticket() {
    let event = event(
        "backlog.task.created",
        r#"{"task_id":"TASK-5","title":"Plain","path":"tasks/task-5 - Plain: new.md","labels":["a"]}"#,
    );
    let made = of(&event).unwrap();
    assert_eq!(
        made["context"].to_string(),
        r#"{"specversion":"0.5.1","id":"evt_01JD7M0W8QK5T4V3X2Y1Z0ABCD","source":"//galway/obs/s","type":"dev.cdevents.ticket.created.0.2.0","timestamp":"2026-11-22T11:47:00.123456Z","chainId":"fc2f678c-9c46-4ed5-805c-ed1ac31c06f0","links":[{"linkType":"PATH","from":{"contextId":"evt_c"}}]}"#
    );
    assert_eq!(
        made["subject"].to_string(),
        r#"{"id":"TASK-5","content":{"ticketType":"task","summary":"Plain","labels":["a"],"uri":"tasks/task-5%20-%20Plain%3A%20new.md","creator":"ann"}}"#
    );
    assert_eq!(made["customData"]["data"]["title"], "Plain");
}

#[test]
fn unknown_type_is_a_custom_event() {
    let kind = |name: &str| {
        let made = of(&event(name, r#"{"a":1}"#)).unwrap();
        assert_eq!(made["subject"]["content"].to_string(), r#"{"a":1}"#);
        assert!(made["customData"].get("data").is_none());
        made["context"]["type"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        kind("backlog.task.archived"),
        "dev.cdeventsx.obs-task.archived.0.1.0"
    );
    assert_eq!(
        kind("backlog.task.updated_via_commit"),
        "dev.cdeventsx.obs-task.updatedViaCommit.0.1.0"
    );
    assert_eq!(kind("my.app2.é_go_2"), "dev.cdeventsx.obs-app.go.0.1.0");
    assert_eq!(kind("7"), "dev.cdeventsx.obs-event.event.0.1.0");
    assert_eq!(
        kind("deployment.finished"),
        "dev.cdeventsx.obs-deployment.finished.0.1.0"
    );
}

#[test]
fn chain_is_a_uuid_of_the_flow() {
    let uuid = "6ca3f9c5-1cef-4ce0-861c-2456a69cf137";
    assert_eq!(chain(uuid), uuid);
    let made = chain("corr_01JD7M0W8QK5T4V3X2Y1Z0ABCD");
    assert_eq!(made, chain("corr_01JD7M0W8QK5T4V3X2Y1Z0ABCD"));
    assert_ne!(made, chain("corr_01JD7M0W8QK5T4V3X2Y1Z0ABCE"));
    assert_eq!((made.len(), &made[14..15]), (36, "4"));
    assert!(matches!(&made[19..20], "8" | "9" | "a" | "b"), "{made}");
}

#[test]
fn every_known_type_comes_back() {
    for known in catalog::all() {
        let event = event(known.name, known.example);
        let line = line(&event).unwrap();
        assert_eq!(
            to_line(&read(&line).unwrap()),
            to_line(&event),
            "{}",
            known.name
        );
        let wrapped = cloud_event(&event).unwrap();
        assert_eq!(wrapped.attribute("id"), Some(event.event_id.as_str()));
        assert_eq!(wrapped.data, line.strip_suffix(b"\n").unwrap());
    }
    assert!(read(b"{}").is_err());
}

#[test]
fn outcomes_are_in_the_words_of_cdevents() {
    let outcome = |kind: &str, data: &str| {
        of(&event(kind, data)).unwrap()["subject"]["content"]["outcome"].to_string()
    };
    let run = "ci.pipeline.completed";
    assert_eq!(outcome(run, r#"{"status":"cancelled"}"#), "\"cancel\"");
    assert_eq!(
        outcome(run, r#"{"status":"failure","outcome":"error"}"#),
        "\"error\""
    );
    assert_eq!(outcome(run, r#"{"status":"skipped"}"#), "null");
    assert_eq!(
        outcome("ci.test.failed", r#"{"result":"errored"}"#),
        "\"error\""
    );
    assert_eq!(
        outcome("ci.test.suite_completed", r#"{"errored":1}"#),
        "\"failure\""
    );
    assert_eq!(
        outcome("security.scan.completed", r#"{"findings":3}"#),
        "\"success\""
    );
}
