//! From two boards to what happened in between, as event types with their data. `updated` says only what no other event
//! says; what is new says everything at once.

use super::board::{Board, Known};
use super::entity::Entity;
use super::pairs::{Pair, pairs};
use super::place::{Folder, Kind};
use crate::model::Attributes;
use serde_json::Value;

mod data;

/// Something that happened to an entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its event type.
    pub event_type: &'static str,
    /// The event's data.
    pub data: Attributes,
    rank: Rank,
}

/// Tasks first, by id, then in the order in which it happens to one; of two with one id by place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    is_page: bool,
    id: String,
    step: u8,
    index: u64,
    place: (usize, String),
}

/// The differences between two boards.
#[derive(Debug, Default)]
pub struct Difference {
    pub(super) pairs: Vec<Pair>,
}

impl Difference {
    /// Compares two boards.
    pub fn of(before: &Board, after: &Board) -> Self {
        Self {
            pairs: pairs(before, after),
        }
    }

    /// True where nothing differs.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// Leaves out what another board holds already: a merge or a checkout brought it here.
    pub fn silence(&mut self, board: &Board, known: &Known) {
        self.pairs.retain(|pair| match (&pair.before, &pair.after) {
            (_, Some(after)) => {
                let entry = board.entry(&after.key);
                let text = entry.and_then(|entry| entry.state.text());
                !text.is_some_and(|text| known.has(&after.key, text))
            }
            (Some(before), None) => !known.lacks(&before.key),
            (None, None) => false,
        });
    }

    /// Lets moved entities keep the memory of their earlier states.
    pub fn carry(&self, before: &Board, after: &mut Board) {
        for pair in &self.pairs {
            let (Some(old), Some(new)) = (&pair.before, &pair.after) else {
                continue;
            };
            if let (Some(old), Some(new)) = (before.entry(&old.key), after.entry(&new.key)) {
                let mut carried = new.clone();
                carried.follow(old);
                after.put(carried);
            }
        }
    }

    /// What happened, in order. `terminal` is the project's last status.
    pub fn changes(&self, terminal: &str) -> Vec<Change> {
        let mut changes: Vec<Change> = self
            .pairs
            .iter()
            .flat_map(|pair| changes_of(pair, terminal))
            .collect();
        changes.sort_by(|one, other| one.rank.cmp(&other.rank));
        changes
    }
}

impl Change {
    fn new(entity: &Entity, event_type: &'static str, own: Attributes) -> Self {
        let kind = entity.folder.kind();
        let step = event_type.rsplit('.').next().unwrap_or_default();
        let index = own.get("index").and_then(Value::as_u64).unwrap_or_default();
        let mut data = data::common(entity);
        data.extend(own);
        Self {
            event_type,
            data,
            rank: Rank {
                is_page: kind != Kind::Task,
                id: entity.id.clone(),
                step: order_of(step),
                index,
                place: (entity.folder.rank(), entity.path.clone()),
            },
        }
    }
}

fn order_of(step: &str) -> u8 {
    const STEPS: [&str; 8] = [
        "created",
        "state_changed",
        "assigned",
        "ac_checked",
        "completed",
        "updated",
        "archived",
        "deleted",
    ];
    let at = STEPS.iter().position(|known| *known == step);
    at.and_then(|at| u8::try_from(at).ok()).unwrap_or(u8::MAX)
}

fn changes_of(pair: &Pair, terminal: &str) -> Vec<Change> {
    let before = pair.before.as_ref().map(|side| &side.entity);
    let after = pair.after.as_ref().map(|side| &side.entity);
    match (before, after) {
        (Some(old), Some(new)) => match new.folder.kind() {
            Kind::Task => task_changes(old, new, terminal),
            _ => page_changes(old, new),
        },
        (Some(old), None) => vec![Change::new(old, deleted(old), Attributes::new())],
        (None, Some(new)) => came(new, terminal),
        (None, None) => Vec::new(),
    }
}

fn deleted(entity: &Entity) -> &'static str {
    match entity.folder.kind() {
        Kind::Decision => "backlog.decision.deleted",
        Kind::Document => "backlog.document.deleted",
        Kind::Milestone => "backlog.milestone.deleted",
        Kind::Task => "backlog.task.deleted",
    }
}

fn came(new: &Entity, terminal: &str) -> Vec<Change> {
    let created = match (new.folder.kind(), new.folder.is_archive()) {
        (Kind::Task, true) => {
            return vec![Change::new(new, "backlog.task.archived", Attributes::new())];
        }
        (Kind::Task, false) => "backlog.task.created",
        (Kind::Decision, _) => "backlog.decision.created",
        (Kind::Document, _) => "backlog.document.created",
        (Kind::Milestone, _) => "backlog.milestone.created",
    };
    let mut changes = vec![Change::new(new, created, data::created(new))];
    let is_task = new.folder.kind() == Kind::Task;
    if is_task && (is_done(new, terminal) || new.folder == Folder::Completed) {
        changes.push(completed(new));
    }
    changes
}

fn completed(task: &Entity) -> Change {
    Change::new(task, "backlog.task.completed", data::completed(task))
}

/// Whether a task that is in work has reached the last status.
fn is_done(task: &Entity, terminal: &str) -> bool {
    task.is_terminal(terminal) && !task.folder.holds_drafts()
}

fn was_done(task: &Entity, terminal: &str) -> bool {
    task.is_terminal(terminal) && task.folder != Folder::Drafts
}

fn task_changes(old: &Entity, new: &Entity, terminal: &str) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut changed = Vec::new();
    if old.canonical_id() != new.canonical_id() {
        changed.push("id");
    }
    if old.status != new.status {
        let own = data::states(old, new);
        changes.push(Change::new(new, "backlog.task.state_changed", own));
    }
    let (was, moved) = (was_done(old, terminal), old.folder != new.folder);
    let put_away = new.folder == Folder::Completed && moved;
    if !was && (is_done(new, terminal) || put_away) {
        changes.push(completed(new));
    }
    let added = missing(&new.assignee, &old.assignee);
    if !added.is_empty() {
        let own = data::assigned(&added, &missing(&old.assignee, &new.assignee));
        changes.push(Change::new(new, "backlog.task.assigned", own));
    } else if old.assignee != new.assignee {
        changed.push("assignee");
    }
    let (checked, reworded) = criteria_changes(old, new);
    changes.extend(checked);
    if reworded {
        changed.push("acceptance_criteria");
    }
    changed.extend(changed_fields(old, new));
    if moved && new.folder.is_archive() {
        let own = data::moved(old, new);
        changes.push(Change::new(new, "backlog.task.archived", own));
    } else if moved {
        changed.push("location");
    }
    if !changed.is_empty() {
        let own = data::updated(old, new, &changed);
        changes.push(Change::new(new, "backlog.task.updated", own));
    }
    changes
}

/// The fields that no other event speaks of.
fn changed_fields(old: &Entity, new: &Entity) -> Vec<&'static str> {
    let fields = [
        ("title", old.title != new.title),
        ("labels", old.labels != new.labels),
        ("priority", old.priority != new.priority),
        ("milestone", old.milestone != new.milestone),
        ("parent", old.parent != new.parent),
        ("dependencies", old.dependencies != new.dependencies),
        ("references", old.references != new.references),
        ("documentation", old.documentation != new.documentation),
        ("modified_files", old.modified_files != new.modified_files),
        ("type", old.sort != new.sort),
        ("project", old.project != new.project),
        ("due_date", old.due_date != new.due_date),
        ("reporter", old.reporter != new.reporter),
        ("ordinal", old.ordinal != new.ordinal),
        ("definition_of_done", old.done != new.done),
        ("body", old.body != new.body),
    ];
    named(&fields)
}

fn named(fields: &[(&'static str, bool)]) -> Vec<&'static str> {
    let differ = fields.iter().filter(|(_, differs)| *differs);
    differ.map(|(name, _)| *name).collect()
}

/// Criteria are known by their text, because every change of the list numbers them anew. The answer is an event for
/// each that was checked or unchecked, and whether any was added, removed or reworded.
fn criteria_changes(old: &Entity, new: &Entity) -> (Vec<Change>, bool) {
    let mut left = old.criteria.clone();
    let mut changes = Vec::new();
    let mut added = false;
    for (at, (checked, text)) in new.criteria.iter().enumerate() {
        let known = left.iter().position(|(_, known)| known == text);
        let was = known.map(|known| left.remove(known).0);
        added |= was.is_none();
        if *checked != was.unwrap_or(false) {
            let own = data::checked(new, at);
            changes.push(Change::new(new, "backlog.task.ac_checked", own));
        }
    }
    (changes, added || !left.is_empty())
}

fn page_changes(old: &Entity, new: &Entity) -> Vec<Change> {
    let document = [
        ("title", old.title != new.title),
        ("type", old.sort != new.sort),
        ("tags", old.tags != new.tags),
        ("body", old.body != new.body),
        ("path", old.path != new.path),
    ];
    let page = [
        ("title", old.title != new.title),
        ("status", old.status != new.status),
        ("due_date", old.due_date != new.due_date),
        ("body", old.body != new.body),
        ("location", old.folder != new.folder),
    ];
    let (event_type, fields) = match new.folder.kind() {
        Kind::Decision => ("backlog.decision.updated", page),
        Kind::Milestone => ("backlog.milestone.updated", page),
        _ => ("backlog.document.updated", document),
    };
    match named(&fields).as_slice() {
        [] => Vec::new(),
        changed => {
            let own = data::page_updated(old, changed);
            vec![Change::new(new, event_type, own)]
        }
    }
}

/// What is in the one and not in the other.
fn missing(here: &[String], there: &[String]) -> Vec<String> {
    let only = here.iter().filter(|item| !there.contains(item));
    only.cloned().collect()
}
