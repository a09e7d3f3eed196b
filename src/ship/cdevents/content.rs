//! Which of our event types is which of CDEvents', and the content that its schema asks for.

use crate::model::Event;
use crate::ship::cloudevents::encode;
use serde_json::{Map, Value, json};

/// What makes one CDEvent.
pub(super) struct Made {
    /// Its type, version included.
    pub(super) kind: String,
    /// Its subject's id.
    pub(super) subject: String,
    /// Its subject's content.
    pub(super) content: Map<String, Value>,
}

/// The standard event that says the same; none where CDEvents has no word for it.
pub(super) fn standard(event: &Event) -> Option<Made> {
    let content = Content::of(event);
    let (kind, content) = match event.event_type.as_str() {
        "backlog.task.created" => ("ticket.created.0.2.0", content.created_ticket()),
        "backlog.task.ac_checked"
        | "backlog.task.assigned"
        | "backlog.task.state_changed"
        | "backlog.task.updated" => ("ticket.updated.0.2.0", content.changed_ticket()),
        "backlog.task.completed" => ("ticket.closed.0.2.0", content.closed_ticket()),
        "change.merged" => ("change.merged.0.3.0", content.change()),
        "ci.pipeline.completed" => ("pipelinerun.finished.0.3.0", content.finished_run()),
        "ci.pipeline.queued" => ("pipelinerun.queued.0.3.0", content.run()),
        "ci.pipeline.started" => ("pipelinerun.started.0.3.0", content.started_run()),
        "ci.test.failed" => ("testcaserun.finished.0.3.0", content.tried_case()),
        "ci.test.suite_completed" => ("testsuiterun.finished.0.3.0", content.tried_suite()),
        "deployment.finished" if event_text(event, "outcome") == "success" => {
            ("service.deployed.0.3.0", content.service())
        }
        "deployment.rolled_back" => ("service.rolledback.0.3.0", content.service()),
        "incident.detected" => ("incident.detected.0.3.0", content.incident()),
        "incident.resolved" => ("incident.resolved.0.3.0", content.incident()),
        "security.scan.completed" => ("testsuiterun.finished.0.3.0", content.finished_scan()),
        "security.scan.started" => ("testsuiterun.started.0.3.0", content.scan()),
        _ => return None,
    };
    Some(Made {
        kind: format!("dev.cdevents.{kind}"),
        subject: content.subject,
        content: content.map,
    })
}

fn event_text<'a>(event: &'a Event, field: &str) -> &'a str {
    let found = event.data.get(field).and_then(Value::as_str);
    found.unwrap_or_default()
}

/// A subject's content while it is made.
struct Content<'a> {
    event: &'a Event,
    subject: String,
    map: Map<String, Value>,
}

impl<'a> Content<'a> {
    fn of(event: &'a Event) -> Self {
        Self {
            event,
            subject: String::new(),
            map: Map::new(),
        }
    }

    fn text(&self, field: &str) -> &'a str {
        event_text(self.event, field)
    }

    /// The first of these fields that says something.
    fn first(&self, fields: &[&str], or: &'a str) -> &'a str {
        let said = |field: &&str| Some(self.text(field)).filter(|text| !text.is_empty());
        fields.iter().find_map(said).unwrap_or(or)
    }

    fn about(mut self, fields: &[&str]) -> Self {
        self.subject = self.first(fields, &self.event.event_id).to_owned();
        self
    }

    fn put(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.map.insert(name.to_owned(), value.into());
        self
    }

    /// Copies a text where it is there.
    fn copy(self, name: &str, field: &str) -> Self {
        match self.text(field) {
            "" => self,
            text => self.put(name, text),
        }
    }

    fn copy_list(self, name: &str, field: &str) -> Self {
        match self.event.data.get(field) {
            Some(Value::Array(items)) if items.iter().all(Value::is_string) => {
                let items = items.clone();
                self.put(name, items)
            }
            _ => self,
        }
    }

    fn ticket(self) -> Self {
        let path: Vec<String> = self
            .first(&["path", "task_id"], &self.event.event_id)
            .split('/')
            .map(encode)
            .collect();
        self.about(&["task_id"])
            .put("ticketType", "task")
            .copy("summary", "title")
            .copy_list("assignees", "assignees")
            .copy("priority", "priority")
            .copy_list("labels", "labels")
            .copy("milestone", "milestone")
            .put("uri", path.join("/"))
    }

    fn created_ticket(self) -> Self {
        let summary = self.first(&["title", "task_id"], &self.event.event_id);
        let creator = self.actor();
        self.ticket()
            .put("summary", summary)
            .put("creator", creator)
    }

    fn changed_ticket(self) -> Self {
        let actor = self.actor();
        self.ticket().put("updatedBy", actor)
    }

    fn closed_ticket(self) -> Self {
        self.changed_ticket().put("resolution", "completed")
    }

    fn actor(&self) -> &'a str {
        match self.event.actor.id.as_str() {
            "" => "unknown",
            id => id,
        }
    }

    fn run(self) -> Self {
        let content = self.about(&["run_id"]).copy("pipelineName", "pipeline");
        match content.text("url") {
            url if is_uri(url) => content.put("uri", url),
            _ => content,
        }
    }

    fn started_run(self) -> Self {
        // both are required here, whatever the provider told us
        let name = self.first(&["pipeline", "job"], "unknown");
        let run = self.first(&["run_id"], &self.event.event_id);
        let uri = format!("urn:obs:pipelinerun:{}", encode(run));
        let content = self.run().put("pipelineName", name);
        match content.map.contains_key("uri") {
            true => content,
            false => content.put("uri", uri),
        }
    }

    fn finished_run(self) -> Self {
        let outcome = match (self.text("outcome"), self.text("status")) {
            (said @ ("cancel" | "error" | "failure" | "success"), _) => said,
            (_, "success") => "success",
            (_, "failure") => "failure",
            (_, "cancelled") => "cancel",
            _ => "", // a skipped run has none of the outcomes
        };
        let content = self.run().copy("errors", "error_type");
        match outcome {
            "" => content,
            _ => content.put("outcome", outcome),
        }
    }

    fn in_environment(self, fields: &[&str], or: &'a str) -> Self {
        let id = self.first(fields, or);
        self.put("environment", json!({"id": id}))
    }

    fn tried_case(self) -> Self {
        let outcome = match self.text("result") {
            "errored" => "error",
            _ => "failure",
        };
        let names = ["suite", "class_name", "test"].map(|field| self.text(field));
        let id: Vec<&str> = names.into_iter().filter(|name| !name.is_empty()).collect();
        let case = match self.text("test") {
            "" => json!({"id": id.join("/")}),
            name => json!({"id": id.join("/"), "name": name}),
        };
        let suite = self.text("suite");
        let mut content = self
            .about(&[])
            .put("outcome", outcome)
            .copy("reason", "message")
            .in_environment(&["environment"], "ci");
        if !id.is_empty() {
            content = content.put("testCase", case);
        }
        match suite {
            "" => content,
            _ => content.put("testSuiteRun", json!({"id": suite})),
        }
    }

    fn tried_suite(self) -> Self {
        let count = |field: &str| self.event.data.get(field).and_then(Value::as_u64);
        let bad = count("failed").unwrap_or(0) + count("errored").unwrap_or(0);
        let outcome = if bad > 0 { "failure" } else { "success" };
        let suite = self.text("suite");
        let content = self
            .about(&[])
            .put("outcome", outcome)
            .in_environment(&["environment"], "ci");
        match suite {
            "" => content,
            _ => content.put("testSuite", json!({"id": suite, "name": suite})),
        }
    }

    fn scan(self) -> Self {
        let tool = self.first(&["tool"], "scanner");
        let suite = match self.text("scan_type") {
            "" => json!({"id": tool, "name": tool}),
            scan => json!({"id": tool, "name": format!("security: {scan}")}),
        };
        self.about(&["scan_id"])
            .in_environment(&["environment", "target"], "ci")
            .put("testSuite", suite)
    }

    fn finished_scan(self) -> Self {
        // findings are no failure, and a scan that did not run to its end proved nothing
        let outcome = match self.text("status") {
            "failure" => "error",
            _ => "success",
        };
        self.scan().put("outcome", outcome)
    }

    fn service(self) -> Self {
        let artifact = match self.text("artifact_id") {
            "" => {
                let (service, sha) = (encode(self.text("service")), encode(self.text("sha")));
                format!("pkg:generic/{service}@{sha}")
            }
            id => id.to_owned(),
        };
        self.about(&["service"])
            .in_environment(&["environment"], "production")
            .put("artifactId", artifact)
    }

    fn incident(self) -> Self {
        let service = self.text("service");
        let content = self
            .about(&["incident_id", "deployment_id", "service"])
            .copy("description", "title")
            .in_environment(&["environment"], "production");
        match service {
            "" => content,
            _ => content.put("service", json!({"id": service})),
        }
    }

    fn change(self) -> Self {
        let content = self.about(&["change_id", "sha"]);
        match content.event.metadata.repository.as_str() {
            "" => content,
            repository => content.put("repository", json!({"id": repository})),
        }
    }
}

/// True for a URI of RFC 3986 with a scheme.
fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else {
        return false;
    };
    let mut letters = scheme.bytes();
    letters.next().is_some_and(|b| b.is_ascii_alphabetic())
        && letters.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
        && !rest.is_empty()
        && rest
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&b))
}
