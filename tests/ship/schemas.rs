//! What we send as CloudEvents and CDEvents, against the JSON Schemas of the two specifications.

use crate::sandbox::{Sandbox, have, outcome};
use obs::model::{Event, Record, catalog};
use obs::ship::{cdevents, cloudevents};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// Checks `[schema, instance]` pairs and prints how many hold; what does not hold is named on standard error.
const CHECK: &str = r#"
import glob, json, sys, jsonschema
folder, bad = sys.argv[1], 0
store = {}
for path in glob.glob(folder + "/cdevents/schemas/links/*.json"):
    schema = json.load(open(path))
    store[schema["$id"]] = schema
checks = json.load(open("checks.json"))
for name, instance, holds in checks:
    schema = json.load(open(folder + "/" + name))
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    resolver = jsonschema.RefResolver(schema.get("$id", ""), schema, store=store)
    formats = jsonschema.FormatChecker()
    errors = list(kind(schema, resolver=resolver, format_checker=formats).iter_errors(instance))
    if bool(errors) == holds:
        bad += 1
        print(name, [(list(e.absolute_path), e.message) for e in errors], file=sys.stderr)
print(len(checks) - bad)
"#;

/// True where Python can validate; a missing package skips as a missing tool does.
fn can_validate(sandbox: &Sandbox) -> bool {
    let mut import = sandbox.command("python3");
    import.args(["-c", "import jsonschema"]);
    have("python3")
        && (import.output().is_ok_and(|ran| ran.status.success()) || have("python3-jsonschema"))
}

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data")
}

fn all_hold(sandbox: &Sandbox, checks: Vec<Value>) {
    let count = checks.len();
    fs::write(
        sandbox.path("work/checks.json"),
        Value::from(checks).to_string(),
    )
    .unwrap();
    let mut python = sandbox.command("python3");
    python.args(["-W", "ignore", "-c", CHECK]).arg(data());
    let ran = outcome(&python.output().unwrap()).quiet();
    assert_eq!(ran.stdout, format!("{count}\n"));
}

fn event(kind: &str, data: &str) -> Event {
    let line = format!(
        r#"{{"event_id":"evt_01JD7M0W8QK5T4V3X2Y1Z0ABCD","event_type":"{kind}","event_version":"1.0","timestamp":"2026-11-22T11:47:00.123456Z","source":"jp spec/kit","correlation_id":"corr_01JD7M0W8QK5T4V3X2Y1Z0ABCD","causation_id":"evt_x","actor":{{"type":"user","id":"ann","host":"galway"}},"data":{data}}}"#
    );
    match obs::model::Signal::Events.read(line.as_bytes()).unwrap() {
        Record::Event(event) => *event,
        other => panic!("{other:?}"),
    }
}

/// Every known type with the data that its example gives, with none, and types that nobody knows.
fn events() -> Vec<Event> {
    let known = catalog::all().iter();
    let mut events: Vec<Event> = known
        .flat_map(|known| [event(known.name, known.example), event(known.name, "{}")])
        .collect();
    let hostile = r#"{"task_id":"\u0000é/..","title":"\n","path":"a b/é:#?.md","labels":["x",1],"url":"no uri","outcome":"maybe","environment":"\u0001","assignees":"ann","test":"t","suite":"s"}"#;
    events.extend(
        catalog::all()
            .iter()
            .map(|known| event(known.name, hostile)),
    );
    events
        .extend(["x", "a.b", "a.1.2", "é.ü", "some_tool.did_it"].map(|kind| event(kind, hostile)));
    events
}

fn parsed(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

/// The schema file of a CDEvent's type.
fn schema_of(made: &Value) -> String {
    let kind = made["context"]["type"].as_str().unwrap();
    match kind.strip_prefix("dev.cdevents.") {
        Some(kind) => {
            let mut words = kind.split('.');
            let (subject, predicate) = (words.next().unwrap(), words.next().unwrap());
            format!("cdevents/schemas/{subject}{predicate}.json")
        }
        None => "cdevents/custom/schema.json".to_owned(),
    }
}

#[test]
fn cdevents_hold_to_their_schemas() {
    let sandbox = Sandbox::new();
    if !can_validate(&sandbox) {
        return;
    }
    let mut kinds = std::collections::BTreeSet::new();
    let mut checks = Vec::new();
    for event in events() {
        let made = cdevents::of(&event).unwrap();
        kinds.insert(schema_of(&made));
        checks.push(json!([schema_of(&made), made, true]));
    }
    assert_eq!(kinds.len(), 15, "{kinds:?}");
    let mut wrong = cdevents::of(&events()[0]).unwrap();
    wrong["context"]["chainid"] = "x".into();
    checks.push(json!([schema_of(&wrong), wrong, false]));
    all_hold(&sandbox, checks);
}

#[test]
fn conformance_examples_have_our_form() {
    let sandbox = Sandbox::new();
    if !can_validate(&sandbox) {
        return;
    }
    let folder = data().join("cdevents/conformance");
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.push(data().join("cdevents/custom/conformance.json"));
    let examples: Vec<Value> = files
        .iter()
        .map(|file| parsed(&fs::read(file).unwrap()))
        .collect();
    // what we make says its version and its type by the same words as the examples do
    let ours: Vec<Value> = events()
        .iter()
        .map(|event| cdevents::of(event).unwrap())
        .collect();
    for example in &examples {
        let kind = &example["context"]["type"];
        let same = ours.iter().find(|made| &made["context"]["type"] == kind);
        match kind.as_str().unwrap().starts_with("dev.cdeventsx.") {
            true => assert!(same.is_none()),
            false => assert_eq!(
                same.unwrap_or_else(|| panic!("{kind}"))["context"]["specversion"],
                example["context"]["specversion"]
            ),
        }
    }
    let checks = examples
        .iter()
        .map(|example| json!([schema_of(example), example, true]));
    all_hold(&sandbox, checks.collect());
}

#[test]
fn cloudevents_hold_to_their_schema() {
    let sandbox = Sandbox::new();
    if !can_validate(&sandbox) {
        return;
    }
    let schema = "cloudevents/cloudevents.json";
    let mut checks = Vec::new();
    for event in events() {
        let own = parsed(&cloudevents::structured(&event).unwrap());
        let wrapped = cdevents::cloud_event(&event).unwrap().structured().unwrap();
        checks.push(json!([schema, own, true]));
        checks.push(json!([schema, parsed(&wrapped), true]));
    }
    checks.push(json!([schema, {"specversion": "1.0", "id": "1", "source": "x"}, false]));
    all_hold(&sandbox, checks);
}
