//! Every event type obs knows: one table of name, summary, example and the serde type of its `data`.
//! The check, the published JSON Schema and the list of declared fields all come from that type, so
//! they cannot disagree. Pure data: emitting, storing and printing events live elsewhere.

use std::cell::Cell;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

pub mod backlog;
pub mod ci;
pub mod delivery;
mod envelope;
pub mod git;
pub mod obs;
mod reader;
pub mod security;
pub mod terms;
#[cfg(test)]
mod tests;

pub use envelope::envelope_schema;
pub use reader::read;

/// One known event type.
#[derive(Debug)]
pub struct EventType {
    pub name: &'static str,
    /// Value of `event_version`; a higher minor number only adds optional fields.
    pub version: &'static str,
    /// One line for humans, without a full stop.
    pub summary: &'static str,
    /// JSON text of a `data` that passes [`EventType::check`].
    pub example: &'static str,
    checker: fn(&Value) -> Result<(), String>,
    namer: fn() -> &'static [&'static str],
    describer: fn() -> Value,
}

/// All known types, sorted by name.
pub fn all() -> &'static [EventType] {
    ALL
}

/// Finds a type by its exact name.
pub fn find(name: &str) -> Option<&'static EventType> {
    let at = ALL.binary_search_by(|known| known.name.cmp(name)).ok()?;
    ALL.get(at)
}

impl EventType {
    /// Says what is wrong with `data`, naming the field; unknown fields are no fault and `null` means absent.
    pub fn check(&self, data: &Value) -> Result<(), String> {
        (self.checker)(data)
    }

    /// Gives the JSON Schema (2020-12) of `data`; further fields are allowed.
    pub fn schema(&self) -> Value {
        let id = format!("urn:obs:schema:{}:{}", self.name, self.version);
        let mut schema = Map::new();
        schema.insert("$schema".into(), json!(DIALECT));
        schema.insert("$id".into(), json!(id));
        schema.insert("title".into(), json!(self.name));
        schema.insert("description".into(), json!(self.summary));
        if let Value::Object(of_type) = (self.describer)() {
            for (key, value) in of_type {
                schema.entry(key).or_insert(value);
            }
        }
        schema.insert("additionalProperties".into(), json!(true));
        if let Ok(example) = serde_json::from_str::<Value>(self.example) {
            schema.insert("examples".into(), json!([example]));
        }
        Value::Object(schema)
    }

    /// Lists the declared field names at the top of `data`; costs no schema generation.
    pub fn fields(&self) -> &'static [&'static str] {
        (self.namer)()
    }
}

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Binds a name to the type `T` of its `data`.
const fn row<T: DeserializeOwned + JsonSchema>(
    name: &'static str,
    summary: &'static str,
    example: &'static str,
) -> EventType {
    EventType {
        name,
        version: "1.0",
        summary,
        example,
        checker: fits::<T>,
        namer: names::<T>,
        describer: describe::<T>,
    }
}

fn fits<T: DeserializeOwned>(data: &Value) -> Result<(), String> {
    read::<T>(data).map(drop)
}

fn names<T: DeserializeOwned>() -> &'static [&'static str] {
    let names = Cell::new(EMPTY);
    // The probe always refuses: all it wants is the list that derived code hands over first.
    let _ = T::deserialize(reader::Probe(&names)).is_err();
    names.get()
}

const EMPTY: &[&str] = &[];

fn describe<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12()
        .with(|settings| settings.inline_subschemas = true)
        .with_transform(RecursiveTransform(drop_private_format));
    settings
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value()
}

/// Removes `format: uint64` and the like, which JSON Schema does not know and strict validators refuse.
fn drop_private_format(schema: &mut schemars::Schema) {
    if schema
        .get("format")
        .is_some_and(|format| format != "date-time")
    {
        schema.remove("format");
    }
}

// Sorted by name: `find` searches by halves.
static ALL: &[EventType] = &[
    row::<backlog::Decision>(
        "backlog.decision.created",
        "A decision record was added to the backlog",
        r#"{"decision_id":"decision-2","title":"Adopt Rust","path":"decisions/decision-2 - Adopt-Rust.md"}"#,
    ),
    row::<backlog::Decision>(
        "backlog.decision.deleted",
        "A decision record's file is gone",
        r#"{"decision_id":"decision-2","path":"decisions/decision-2 - Adopt-Rust.md"}"#,
    ),
    row::<backlog::Decision>(
        "backlog.decision.updated",
        "A decision record was changed",
        r#"{"decision_id":"decision-2","changed":["status"],"status":"accepted"}"#,
    ),
    row::<backlog::Document>(
        "backlog.document.created",
        "A document was added to the backlog",
        r#"{"document_id":"doc-2","title":"API Guide","path":"docs/guides/api/doc-2 - API-Guide.md"}"#,
    ),
    row::<backlog::Document>(
        "backlog.document.deleted",
        "A document's file is gone",
        r#"{"document_id":"doc-2","path":"docs/guides/api/doc-2 - API-Guide.md"}"#,
    ),
    row::<backlog::Document>(
        "backlog.document.updated",
        "A document was changed, renamed or moved",
        r#"{"document_id":"doc-1","changed":["tags","body"],"path":"docs/doc-1 - Architecture.md"}"#,
    ),
    row::<backlog::Milestone>(
        "backlog.milestone.created",
        "A milestone was added to the backlog",
        r#"{"milestone_id":"m-0","title":"Release 1.0"}"#,
    ),
    row::<backlog::Milestone>(
        "backlog.milestone.deleted",
        "A milestone's file is gone",
        r#"{"milestone_id":"m-0"}"#,
    ),
    row::<backlog::Milestone>(
        "backlog.milestone.updated",
        "A milestone was changed, renamed or archived",
        r#"{"milestone_id":"m-0","changed":["location"],"path":"archive/milestones/m-0 - release-1.0.md"}"#,
    ),
    row::<backlog::TaskAcChecked>(
        "backlog.task.ac_checked",
        "An acceptance criterion of a task was checked or unchecked",
        r#"{"task_id":"TASK-1","index":1,"text":"Workflow file exists","checked":true,"done":3,"total":3}"#,
    ),
    row::<backlog::TaskArchived>(
        "backlog.task.archived",
        "A task or draft was moved to the archive",
        r#"{"task_id":"TASK-3","from":"tasks","to":"archive/tasks"}"#,
    ),
    row::<backlog::TaskAssigned>(
        "backlog.task.assigned",
        "A task gained an assignee",
        r#"{"task_id":"TASK-2","assignees":["@carol"],"added":["@carol"],"removed":["@alice"]}"#,
    ),
    row::<backlog::TaskCompleted>(
        "backlog.task.completed",
        "A task reached the last state of its board",
        r#"{"task_id":"TASK-2","status":"Done","priority":"high"}"#,
    ),
    row::<backlog::TaskCreated>(
        "backlog.task.created",
        "A task or draft was created",
        r#"{"task_id":"TASK-5","title":"Plain new task","status":"To Do"}"#,
    ),
    row::<backlog::TaskDeleted>(
        "backlog.task.deleted",
        "A task's file is gone and was not moved elsewhere",
        r#"{"task_id":"TASK-3","path":"tasks/task-3 - Old.md"}"#,
    ),
    row::<backlog::TaskStateChanged>(
        "backlog.task.state_changed",
        "A task moved from one state to another",
        r#"{"task_id":"TASK-302","from_state":"To Do","to_state":"In Progress","assignee":"galway","labels":["backend"]}"#,
    ),
    row::<backlog::TaskUpdated>(
        "backlog.task.updated",
        "A task changed in a way no other event says",
        r#"{"task_id":"TASK-1","changed":["labels","title"]}"#,
    ),
    row::<backlog::TaskUpdatedViaCommit>(
        "backlog.task.updated_via_commit",
        "A commit touched task files",
        r#"{"commit_sha":"1f0c9a7e","commit_message":"Close task","changed_files":["backlog/tasks/task-1 - First.md"]}"#,
    ),
    row::<delivery::ChangeMerged>(
        "change.merged",
        "A pull or merge request was merged",
        r#"{"sha":"1f0c9a7e","change_id":"128","first_commit_time":"2026-11-20T09:00:00Z"}"#,
    ),
    row::<ci::CoverageReported>(
        "ci.coverage.reported",
        "A coverage report was read",
        r#"{"report":"lcov","lines_covered":812,"lines_total":1000}"#,
    ),
    row::<ci::PipelineCompleted>(
        "ci.pipeline.completed",
        "A pipeline run ended",
        r#"{"pipeline":"build","run_id":"7781","status":"success","duration_ms":184000}"#,
    ),
    row::<ci::PipelineQueued>(
        "ci.pipeline.queued",
        "A pipeline run was requested and waits for a worker",
        r#"{"pipeline":"build","run_id":"7781"}"#,
    ),
    row::<ci::PipelineStarted>(
        "ci.pipeline.started",
        "A pipeline run began",
        r#"{"pipeline":"build","run_id":"7781","queue_ms":4200}"#,
    ),
    row::<ci::TestFailed>(
        "ci.test.failed",
        "A test case failed",
        r#"{"suite":"api","test":"rejects_empty_id","file":"tests/api.rs","line":42,"message":"left != right"}"#,
    ),
    row::<ci::TestSuiteCompleted>(
        "ci.test.suite_completed",
        "A test suite ran to its end",
        r#"{"suite":"api","passed":118,"failed":1,"skipped":2,"duration_ms":5310.5}"#,
    ),
    row::<delivery::DeploymentFinished>(
        "deployment.finished",
        "A deployment to an environment ended",
        r#"{"outcome":"success","sha":"1f0c9a7e","service":"api","environment":"production","deployment_id":"d-42","kind":"planned"}"#,
    ),
    row::<delivery::DeploymentRolledBack>(
        "deployment.rolled_back",
        "An environment was put back to an earlier revision",
        r#"{"sha":"88aa01bc","service":"api","environment":"production","rolled_back_deployment_id":"d-42"}"#,
    ),
    row::<delivery::DeploymentStarted>(
        "deployment.started",
        "A deployment to an environment began",
        r#"{"sha":"1f0c9a7e","service":"api","environment":"production","deployment_id":"d-42"}"#,
    ),
    row::<git::Commit>(
        "git.commit",
        "A commit was made or rewritten",
        r#"{"commit_sha":"1f0c9a7e","commit_message":"Fix login","changed_files":["src/login.rs"],"branch":"main"}"#,
    ),
    row::<delivery::IncidentDetected>(
        "incident.detected",
        "A problem in an environment was noticed",
        r#"{"service":"api","environment":"production","incident_id":"i-7","deployment_id":"d-42","cause":"change"}"#,
    ),
    row::<delivery::IncidentResolved>(
        "incident.resolved",
        "A problem in an environment is over",
        r#"{"service":"api","environment":"production","incident_id":"i-7"}"#,
    ),
    row::<obs::Dropped>(
        "obs.dropped",
        "obs gave up records to stay within its limits",
        r#"{"signal":"logs","records":1200,"bytes":480000,"file":"logs-00000007.jsonl","reason":"hard cap"}"#,
    ),
    row::<obs::EventInvalid>(
        "obs.event.invalid",
        "An event of a known type came with wrong data",
        r#"{"event_type":"ci.test.failed","error":"`line`: expected an integer, found string \"x\"","data":{"line":"x"}}"#,
    ),
    row::<security::FindingDetected>(
        "security.finding.detected",
        "A scanner reported a finding for the first time",
        r#"{"tool":"semgrep","rule_id":"python.sqli","severity":"high","file":"app.py","line":10}"#,
    ),
    row::<security::FindingResolved>(
        "security.finding.resolved",
        "A finding is no longer open",
        r#"{"tool":"semgrep","rule_id":"python.sqli","severity":"high","resolution":"fixed"}"#,
    ),
    row::<security::ScanCompleted>(
        "security.scan.completed",
        "A security scan ended",
        r#"{"tool":"semgrep","scan_type":"incremental","status":"success","duration_ms":9000,"open":[{"severity":"high","category":"A03","count":2}]}"#,
    ),
    row::<security::ScanStarted>(
        "security.scan.started",
        "A security scan began",
        r#"{"tool":"semgrep","scan_type":"incremental"}"#,
    ),
];
