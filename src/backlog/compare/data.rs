//! The data of each event, in the names of its type; empty values are left out.

use super::super::entity::Entity;
use super::super::place::Kind;
use crate::model::Attributes;
use serde_json::Value;

/// Members that say something.
struct Members(Attributes);

impl Members {
    fn new() -> Self {
        Self(Attributes::new())
    }

    fn text(mut self, name: &str, text: &str) -> Self {
        if !text.is_empty() {
            self.0.insert(name.to_owned(), Value::from(text));
        }
        self
    }

    fn list<T: AsRef<str>>(mut self, name: &str, items: &[T]) -> Self {
        if !items.is_empty() {
            let items: Vec<&str> = items.iter().map(AsRef::as_ref).collect();
            self.0.insert(name.to_owned(), Value::from(items));
        }
        self
    }

    fn value(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }
}

/// What every event of an entity says.
pub(super) fn common(entity: &Entity) -> Attributes {
    let members = Members::new();
    let said = match entity.folder.kind() {
        Kind::Decision => members
            .text("decision_id", &entity.id)
            .text("title", &entity.title)
            .text("status", &entity.status),
        Kind::Document => members
            .text("document_id", &entity.id)
            .text("title", &entity.title)
            .text("document_type", &entity.sort)
            .list("tags", &entity.tags),
        Kind::Milestone => members
            .text("milestone_id", &entity.id)
            .text("title", &entity.title)
            .text("due_date", &entity.due_date),
        Kind::Task => return task(entity),
    };
    said.text("path", &entity.path).0
}

fn task(task: &Entity) -> Attributes {
    let first = task.assignee.first().map_or("", String::as_str);
    let said = Members::new()
        .text("task_id", &task.id)
        .text("title", &task.title)
        .text("status", &task.status)
        .text("assignee", first)
        .list("assignees", &task.assignee)
        .list("labels", &task.labels)
        .text("priority", &task.priority)
        .text("milestone", &task.milestone)
        .text("path", &task.path);
    match task.folder.holds_drafts() {
        true => said.value("draft", true).0,
        false => said.0,
    }
}

/// What only a new one says.
pub(super) fn created(new: &Entity) -> Attributes {
    match new.folder.kind() {
        Kind::Task => {
            let time = new.created_time().unwrap_or_default();
            Members::new()
                .text("parent", &new.parent)
                .list("dependencies", &new.dependencies)
                .text("created_time", &time)
                .0
        }
        _ => Attributes::new(),
    }
}

pub(super) fn completed(task: &Entity) -> Attributes {
    let time = task.created_time().unwrap_or_default();
    Members::new().text("created_time", &time).0
}

pub(super) fn states(old: &Entity, new: &Entity) -> Attributes {
    // a status is required on both sides, and may be empty in the file
    Members::new()
        .value("from_state", old.status.as_str())
        .value("to_state", new.status.as_str())
        .0
}

pub(super) fn assigned(added: &[String], removed: &[String]) -> Attributes {
    Members::new()
        .list("added", added)
        .list("removed", removed)
        .0
}

/// The criterion at a place, counted from 0.
pub(super) fn checked(task: &Entity, at: usize) -> Attributes {
    let done = task.criteria.iter().filter(|(checked, _)| *checked).count();
    let members = Members::new().value("index", at + 1);
    let members = match task.criteria.get(at) {
        Some((checked, text)) => members.text("text", text).value("checked", *checked),
        None => members,
    };
    members
        .value("done", done)
        .value("total", task.criteria.len())
        .0
}

pub(super) fn moved(old: &Entity, new: &Entity) -> Attributes {
    Members::new()
        .text("from", old.folder.path())
        .text("to", new.folder.path())
        .0
}

pub(super) fn updated(old: &Entity, new: &Entity, changed: &[&str]) -> Attributes {
    let mut own = Members::new().list("changed", changed);
    if changed.contains(&"id") {
        own = own.text("previous_id", &old.id);
    }
    if changed.contains(&"location") {
        own.0.extend(moved(old, new));
    }
    own.0
}

pub(super) fn page_updated(old: &Entity, changed: &[&str]) -> Attributes {
    let own = Members::new().list("changed", changed);
    match changed.contains(&"path") {
        true => own.text("previous_path", &old.path).0,
        false => own.0,
    }
}
