//! Every type against its own schema, the seed's examples, and the messages a user reads.

use serde_json::{Value, json};

use super::delivery::{DeploymentFinished, DeploymentKind};
use super::terms::{Outcome, Timestamp};
use super::{all, envelope_schema, find, read};

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn complaint(name: &str, data: &str) -> String {
    find(name).unwrap().check(&parsed(data)).unwrap_err()
}

fn accepted(name: &str, data: &str) {
    assert_eq!(
        find(name).unwrap().check(&parsed(data)),
        Ok(()),
        "{name} {data}"
    );
}

/// The part of JSON Schema that our schemas use, but for patterns; an unknown keyword fails the test.
fn fits(schema: &Value, value: &Value) -> bool {
    let Some(rules) = schema.as_object() else {
        return schema
            .as_bool()
            .expect("a schema is an object or a boolean");
    };
    rules.iter().all(|(rule, want)| match rule.as_str() {
        "$id" | "$schema" | "additionalProperties" | "description" | "examples" | "title" => true,
        "anyOf" => want.as_array().unwrap().iter().any(|one| fits(one, value)),
        "const" => value == want,
        "enum" => want.as_array().unwrap().contains(value),
        "format" => {
            assert_eq!(want, "date-time");
            !value.is_string() || Timestamp::is_valid(value)
        }
        "items" => value
            .as_array()
            .is_none_or(|items| items.iter().all(|item| fits(want, item))),
        "minimum" => value
            .as_f64()
            .is_none_or(|number| number >= want.as_f64().unwrap()),
        "minLength" => value.as_str().is_none_or(|text| !text.is_empty()),
        "not" => !fits(want, value),
        "pattern" => true,
        "properties" => want
            .as_object()
            .unwrap()
            .iter()
            .all(|(name, of_field)| value.get(name).is_none_or(|field| fits(of_field, field))),
        "required" => value.as_object().is_none_or(|fields| {
            let names = want.as_array().unwrap();
            names
                .iter()
                .all(|name| fields.contains_key(name.as_str().unwrap()))
        }),
        "type" => match want {
            Value::Array(types) => types.iter().any(|one| is_of(one, value)),
            one => is_of(one, value),
        },
        other => panic!("no rule for {other}"),
    })
}

impl Timestamp {
    fn is_valid(value: &Value) -> bool {
        read::<Self>(value).is_ok()
    }
}

fn is_of(type_name: &Value, value: &Value) -> bool {
    match type_name.as_str().unwrap() {
        "array" => value.is_array(),
        "boolean" => value.is_boolean(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "null" => value.is_null(),
        "number" => value.is_number(),
        "object" => value.is_object(),
        "string" => value.is_string(),
        other => panic!("no JSON type {other}"),
    }
}

#[test]
fn names_are_sorted_and_unique() {
    assert!(all().windows(2).all(|pair| pair[0].name < pair[1].name));
    for known in all() {
        assert_eq!(find(known.name).unwrap().name, known.name);
    }
    assert!(find("backlog.task").is_none());
    assert!(find("Backlog.Task.Created").is_none());
    assert!(find("").is_none());
}

#[test]
fn every_seed_type_is_known() {
    let seed = "backlog.task.created backlog.task.updated backlog.task.state_changed backlog.task.assigned
        backlog.task.completed backlog.task.archived backlog.task.ac_checked backlog.document.created
        backlog.document.updated security.scan.started security.scan.completed security.finding.detected
        ci.pipeline.started ci.pipeline.completed ci.test.failed backlog.task.updated_via_commit";
    for name in seed.split_whitespace() {
        assert!(find(name).is_some(), "{name}");
    }
}

#[test]
fn every_seed_example_is_accepted() {
    for (name, data) in [
        ("backlog.task.created", r#"{"task_id": "task-302"}"#),
        ("backlog.task.updated", r#"{"task_id": "302"}"#),
        (
            "backlog.task.state_changed",
            r#"{"task_id":"task-302","from_state":"To Do","to_state":"In Progress"}"#,
        ),
        (
            "backlog.task.state_changed",
            r#"{"task_id":"task-302","from_state":"To Do","to_state":"In Progress","assignee":"galway",
                "labels":["backend","high-priority"]}"#,
        ),
        (
            "backlog.task.updated_via_commit",
            r#"{"commit_sha":"abc123def456","commit_message":"Close","changed_files":["backlog/tasks/a.md",""]}"#,
        ),
    ] {
        accepted(name, data);
    }
}

#[test]
fn only_these_fields_are_required() {
    let required: Vec<String> = all()
        .iter()
        .filter_map(|known| {
            let schema = known.schema();
            let names = schema.get("required")?.as_array()?.clone();
            let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
            Some(format!("{}: {}", known.name, names.join(" ")))
        })
        .collect();
    assert_eq!(
        required,
        [
            "backlog.task.ac_checked: task_id",
            "backlog.task.archived: task_id",
            "backlog.task.assigned: task_id",
            "backlog.task.completed: task_id",
            "backlog.task.created: task_id",
            "backlog.task.deleted: task_id",
            "backlog.task.state_changed: task_id from_state to_state",
            "backlog.task.updated: task_id",
            "backlog.task.updated_via_commit: commit_sha commit_message changed_files",
            "change.merged: sha",
            "deployment.finished: outcome sha service environment",
            "deployment.rolled_back: sha service environment",
            "git.commit: commit_sha",
            "incident.detected: service",
            "incident.resolved: service",
            "obs.dropped: signal records",
            "obs.event.invalid: event_type error data",
        ]
    );
}

#[test]
fn every_example_fits_type_and_schema() {
    for known in all() {
        let example = parsed(known.example);
        assert_eq!(known.check(&example), Ok(()), "{}", known.name);
        assert!(fits(&known.schema(), &example), "{}", known.name);
        for name in example.as_object().unwrap().keys() {
            assert!(
                known.fields().contains(&name.as_str()),
                "{} {name}",
                known.name
            );
        }
    }
}

#[test]
fn schemas_are_named_described_and_open() {
    for known in all() {
        let schema = known.schema();
        assert_eq!(
            schema["$schema"],
            "https://json-schema.org/draft/2020-12/schema"
        );
        assert_eq!(
            schema["$id"],
            format!("urn:obs:schema:{}:1.0", known.name).as_str()
        );
        assert_eq!(schema["title"], known.name);
        assert_eq!(schema["description"], known.summary);
        assert!(!known.summary.is_empty() && !known.summary.ends_with('.'));
        assert_eq!(schema["type"], "object");
        assert_eq!(schema["additionalProperties"], true);
        assert!(schema.get("$defs").is_none(), "{}", known.name);
        for (name, field) in schema["properties"].as_object().unwrap() {
            assert!(field["description"].is_string(), "{} {name}", known.name);
        }
    }
}

#[test]
fn declared_fields_are_the_schemas_properties() {
    for known in all() {
        let schema = known.schema();
        let properties: Vec<&str> = schema["properties"]
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(known.fields(), properties, "{}", known.name);
    }
    assert_eq!(
        find("obs.dropped").unwrap().fields(),
        ["signal", "records", "bytes", "file", "reason"]
    );
}

#[test]
fn check_and_schema_judge_alike() {
    let odd = [
        "null",
        "true",
        "0",
        "7",
        "-1",
        "7.0",
        "7.00",
        "1.5",
        "1e3",
        "-0",
        "-0.5",
        "\"\"",
        "\"x\"",
        "\"success\"",
        "\"high\"",
        "\"planned\"",
        "\"events\"",
        "\"2026-11-22T11:47:00Z\"",
        "[]",
        "[1]",
        "[\"x\"]",
        "[null]",
        "{}",
        "{\"a\":1}",
        "[{\"severity\":\"low\",\"count\":1}]",
        "[{\"severity\":\"low\",\"count\":-1}]",
        "[{\"count\":1}]",
    ];
    for known in all() {
        let schema = known.schema();
        for name in known.fields() {
            for text in odd {
                let mut data = parsed(known.example);
                data[*name] = parsed(text);
                let told = known.check(&data);
                assert_eq!(
                    told.is_ok(),
                    fits(&schema, &data),
                    "{} {data} {told:?}",
                    known.name
                );
                let told = told.err().unwrap_or_else(|| format!("`{name}"));
                assert!(told.starts_with(&format!("`{name}")), "{told}");
            }
            let mut data = parsed(known.example);
            data.as_object_mut().unwrap().remove(*name);
            let told = known.check(&data);
            assert_eq!(told.is_ok(), fits(&schema, &data), "{} {data}", known.name);
            let told = told
                .err()
                .unwrap_or_else(|| format!("missing field `{name}`"));
            assert_eq!(told, format!("missing field `{name}`"));
        }
        for text in odd.iter().filter(|text| !text.starts_with('{')) {
            assert!(known.check(&parsed(text)).is_err() && !fits(&schema, &parsed(text)));
        }
    }
}

#[test]
fn missing_fields_are_named() {
    assert_eq!(
        complaint("backlog.task.created", "{}"),
        "missing field `task_id`"
    );
    assert_eq!(
        complaint(
            "backlog.task.state_changed",
            r#"{"task_id":"TASK-1","to_state":"Done"}"#
        ),
        "missing field `from_state`"
    );
    assert_eq!(
        complaint(
            "security.scan.completed",
            r#"{"open":[{"severity":"low","count":1},{"count":2}]}"#
        ),
        "`open[1]`: missing field `severity`"
    );
    assert_eq!(
        complaint("obs.event.invalid", r#"{"event_type":"a","error":"b"}"#),
        "missing field `data`"
    );
}

#[test]
fn wrong_types_are_named_with_their_place() {
    for (name, data, told) in [
        (
            "ci.test.failed",
            r#"{"line":"x"}"#,
            r#"`line`: expected an integer, found string "x""#,
        ),
        (
            "ci.test.failed",
            r#"{"line":1.5}"#,
            "`line`: expected an integer, found 1.5",
        ),
        (
            "ci.test.failed",
            r#"{"line":-3}"#,
            "`line`: expected an integer from 0 to 18446744073709551615, found -3",
        ),
        (
            "ci.test.failed",
            r#"{"duration_ms":true}"#,
            "`duration_ms`: expected a number, found true",
        ),
        (
            "ci.pipeline.started",
            r#"{"run_id":7781}"#,
            "`run_id`: expected a string, found 7781",
        ),
        (
            "ci.pipeline.started",
            r#"{"default_branch":"yes"}"#,
            r#"`default_branch`: expected true or false, found string "yes""#,
        ),
        (
            "backlog.task.created",
            r#"{"task_id":null}"#,
            "`task_id`: expected a string, found null",
        ),
        (
            "backlog.task.created",
            r#"{"task_id":"T-1","labels":"a,b"}"#,
            r#"`labels`: expected an array, found string "a,b""#,
        ),
        (
            "backlog.task.created",
            r#"{"task_id":"T-1","labels":["a",{}]}"#,
            "`labels[1]`: expected a string, found an object",
        ),
    ] {
        assert_eq!(complaint(name, data), told);
    }
}

#[test]
fn nested_places_are_spelt_out() {
    for (name, data, told) in [
        (
            "security.scan.completed",
            r#"{"open":[{"severity":"low","count":[]}]}"#,
            "`open[0].count`: expected an integer, found an array",
        ),
        (
            "security.scan.completed",
            r#"{"open":[7]}"#,
            "`open[0]`: expected an object, found 7",
        ),
        (
            "security.scan.started",
            r#""semgrep""#,
            r#"expected an object, found string "semgrep""#,
        ),
        (
            "security.scan.started",
            "[]",
            "expected an object, found an array",
        ),
    ] {
        assert_eq!(complaint(name, data), told);
    }
}

#[test]
fn unknown_words_are_answered_with_the_list() {
    assert_eq!(
        complaint("security.finding.detected", r#"{"severity":"urgent"}"#),
        "`severity`: expected one of `critical`, `high`, `medium`, `low`, `info`, found string \"urgent\""
    );
    assert_eq!(
        complaint("ci.pipeline.completed", r#"{"status":3}"#),
        "`status`: expected one of `success`, `failure`, `cancelled`, `skipped`, found 3"
    );
    assert_eq!(
        complaint("security.finding.resolved", r#"{"resolution":"Fixed"}"#),
        "`resolution`: expected one of `fixed`, `false_positive`, `wont_fix`, `duplicate`, found string \"Fixed\""
    );
    assert_eq!(
        complaint(
            "deployment.finished",
            r#"{"outcome":"ok","sha":"a","service":"b","environment":"c"}"#
        ),
        "`outcome`: expected one of `success`, `failure`, `cancel`, `error`, found string \"ok\""
    );
}

#[test]
fn numbers_of_any_size_are_judged() {
    accepted("ci.test.failed", r#"{"line":18446744073709551615}"#);
    accepted("ci.test.failed", r#"{"line":42.0,"attempt":1e2}"#);
    accepted(
        "ci.test.failed",
        r#"{"duration_ms":1.50,"extra":1e400,"more":123456789012345678901234567890}"#,
    );
    accepted(
        "ci.test.failed",
        r#"{"duration_ms":12345678901234567890123}"#,
    );
    accepted(
        "obs.event.invalid",
        r#"{"event_type":"a","error":"b","data":[1e400,-0.10,{}]}"#,
    );
    let whole = "expected an integer from 0 to 18446744073709551615";
    assert_eq!(
        complaint("ci.test.failed", r#"{"line":18446744073709551616}"#),
        format!("`line`: {whole}, found 18446744073709551616")
    );
    assert_eq!(
        complaint("ci.test.failed", r#"{"duration_ms":1e400}"#),
        "`duration_ms`: expected a number of 64 bits, found 1e+400"
    );
    assert_eq!(
        complaint("ci.test.failed", r#"{"line":1e30}"#),
        format!("`line`: {whole}, found 1e+30")
    );
    assert_eq!(
        complaint("ci.test.failed", r#"{"line":1e400}"#),
        "`line`: expected an integer, found 1e+400"
    );
    let long = format!(r#"{{"line":{}}}"#, "9".repeat(500));
    assert_eq!(
        complaint("ci.test.failed", &long),
        "`line`: expected an integer, found a number of 500 characters"
    );
}

#[test]
fn huge_numbers_in_free_data_keep_every_digit() {
    let text =
        r#"{"event_type":"a","error":"b","data":{"n":123456789012345678901234567890.10,"m":1.50}}"#;
    let value = parsed(text);
    let invalid: super::obs::EventInvalid = read(&value).unwrap();
    assert_eq!(
        invalid.data.to_string(),
        r#"{"n":123456789012345678901234567890.10,"m":1.50}"#
    );
}

#[test]
fn long_texts_are_not_repeated_in_messages() {
    let secret = "s3cret".repeat(10);
    let told = complaint("ci.test.failed", &format!(r#"{{"line":"{secret}"}}"#));
    assert_eq!(
        told,
        "`line`: expected an integer, found a string of 60 characters"
    );
    let told = complaint(
        "ci.test.failed",
        r#"{"line":"a\u001b[31m\n\u202e\u0085\"b"}"#,
    );
    assert_eq!(
        told,
        "`line`: expected an integer, found string \"a\\u{1b}[31m\\n\\u{202e}\\u{85}\\\"b\""
    );
}

#[test]
fn null_is_absent_and_unknown_fields_pass() {
    accepted(
        "backlog.task.created",
        r#"{"task_id":"TASK-1","title":null,"labels":null,"branch_color":{"a":[1,null]},"":0}"#,
    );
    accepted(
        "deployment.finished",
        r#"{"outcome":"success","sha":"a","service":"b","environment":"c","kind":null,"finished_time":null}"#,
    );
}

#[test]
fn times_are_rfc_3339() {
    for good in [
        "2026-11-22T11:47:00Z",
        "2026-11-22t11:47:00.123456789z",
        "2024-02-29T23:59:60+05:30",
        "2000-02-29T00:00:00-00:00",
    ] {
        accepted(
            "change.merged",
            &json!({"sha": "a", "first_commit_time": good}).to_string(),
        );
    }
    for bad in [
        "",
        "yesterday",
        "1763812020",
        "2026-11-22",
        "2026-11-22 11:47:00Z",
        "2026-11-22T11:47:00",
        "2026-11-22T11:47Z",
        "2026-11-22T11:47:00.Z",
        "2026-11-22T24:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2026-11-00T00:00:00Z",
        "+026-11-22T11:47:00Z",
        "2026-11-22T11:47:00+0530",
        "2026-11-22T11:47:00+05:60",
        "2026-11-22T11:47:00Z ",
        "2026-11-22T11:47:00Zé",
        "2026-11-22T11:47:0٣Z",
        "2026-11-22-01T11:47:00Z",
        "2026-11-22T11:47:00:00Z",
    ] {
        let told = complaint(
            "change.merged",
            &json!({"sha": "a", "first_commit_time": bad}).to_string(),
        );
        assert_eq!(
            told,
            format!(
                "`first_commit_time`: expected an RFC 3339 time like 2026-11-22T11:47:00Z, found string {bad:?}"
            )
        );
    }
}

#[test]
fn typed_data_can_be_read() {
    let data = parsed(find("deployment.finished").unwrap().example);
    let finished: DeploymentFinished = read(&data).unwrap();
    assert_eq!(finished.outcome, Outcome::Success);
    assert_eq!(finished.kind, Some(DeploymentKind::Planned));
    assert_eq!(finished.service, "api");
    assert!(finished.first_commit_time.is_none());
    let time: Timestamp = read(&json!("2026-11-22T11:47:00+01:00")).unwrap();
    assert_eq!(time.as_str(), "2026-11-22T11:47:00+01:00");
}

/// One of each shape in the Backlog.md corpus, in the words of the journal.
#[test]
fn backlog_differences_are_accepted() {
    for (name, data) in [
        (
            "backlog.task.created",
            r#"{"task_id":"TASK-1.2","title":"Second","status":"To Do","path":"tasks/task-1.2 - Second.md","parent":"TASK-1"}"#,
        ),
        (
            "backlog.task.created",
            r#"{"task_id":"DRAFT-2","title":"A draft","status":"Draft","path":"drafts/draft-2 - A.md","draft":true}"#,
        ),
        (
            "backlog.task.completed",
            r#"{"task_id":"TASK-5","status":"Done"}"#,
        ),
        (
            "backlog.task.updated",
            r#"{"task_id":"TASK-5","changed":["id","location"],"previous_id":"DRAFT-1","from":"drafts","to":"tasks"}"#,
        ),
        (
            "backlog.task.assigned",
            r#"{"task_id":"TASK-1","added":["@alice","bob"],"removed":[],"assignees":["@alice","bob"]}"#,
        ),
        (
            "backlog.task.ac_checked",
            r#"{"task_id":"TASK-1","index":3,"text":"Badge","checked":false,"done":0,"total":3}"#,
        ),
    ] {
        accepted(name, data);
    }
}

#[test]
fn the_envelope_describes_a_whole_record() {
    let schema = envelope_schema();
    let mut event = json!({
        "event_id": "evt_01JDA3P8Z0M4V7Q2X5T9B6C1DE", "event_type": "backlog.task.state_changed",
        "event_version": "1.0", "timestamp": "2025-12-04T10:15:30.123456Z", "source": "specify-cli",
        "source_version": "0.0.250", "correlation_id": "corr_01HQZXY9XYZ",
        "trace_context": {"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "span_id": "00f067aa0ba902b7"},
        "actor": {"type": "user", "id": "jpoley", "host": "galway"}, "data": {"task_id": "task-302"},
        "metadata": {"git_branch": "feature/task-302", "working_directory": "/home/jpoley"},
        "resource": {"deployment.environment.name": "ci"}, "obs": {"truncated": 12, "lossy": true},
    });
    assert!(fits(&schema, &event));
    for (key, wrong) in [
        ("timestamp", json!("now")),
        ("actor", json!({"type": "robot", "id": "x"})),
        ("actor", json!({"type": "ci"})),
        ("trace_context", json!({"trace_id": "0".repeat(32)})),
        ("event_type", json!("")),
        ("obs", json!({"truncated": -1})),
    ] {
        let kept = std::mem::replace(&mut event[key], wrong);
        assert!(!fits(&schema, &event), "{key} {}", event[key]);
        event[key] = kept;
    }
    let required = [
        "event_id",
        "event_type",
        "event_version",
        "timestamp",
        "source",
        "actor",
    ];
    assert_eq!(schema["required"], json!(required));
    for key in schema["required"].as_array().unwrap() {
        let mut part = event.clone();
        part.as_object_mut().unwrap().remove(key.as_str().unwrap());
        assert!(!fits(&schema, &part), "{key}");
    }
    let order = "event_id event_type event_version timestamp source source_version correlation_id causation_id \
                 trace_context actor data metadata resource obs";
    let names: Vec<&str> = schema["properties"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(names.join(" "), order);
}
