//! A task, draft, document, decision or milestone: what its file means, whatever its spelling. Equal entities are equal
//! text, so key order, quoting, line ends and a new `updated_date` make no difference. Secrets are taken out here: what
//! is compared and kept is what may be written down.

use super::board::digest;
use super::checklist::{self, Item};
use super::front;
use super::place::{Folder, Kind};
use super::yaml::Node;
use crate::redact;
use serde::{Deserialize, Serialize};

/// What a file says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Entity {
    pub(super) folder: Folder,
    /// From the backlog folder, as far as it is text.
    pub(super) path: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) title: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) status: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) assignee: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) labels: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) priority: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) milestone: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) parent: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) dependencies: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) references: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) documentation: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) modified_files: Vec<String>,
    /// The front matter's `type`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) sort: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) project: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) due_date: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) reporter: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) ordinal: String,
    /// `created_date`, of decisions `date`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) created: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) tags: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) criteria: Vec<Item>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) done: Vec<Item>,
    /// A hash: a body is compared and never shown.
    pub(super) body: String,
}

impl Entity {
    /// Reads a file's bytes; none where they are no such file, or a task without an id.
    pub(super) fn read(folder: Folder, path: &[u8], bytes: &[u8]) -> Option<Self> {
        let text = front::decode(bytes);
        let (front, body) = front::split(&text)?;
        let body = checklist::read(body);
        let word = |name: &str| front.member(name).map_or("", Node::text);
        let text = |name: &str| clean(word(name));
        let list = |name: &str| cleaned(front.member(name).map(Node::items).unwrap_or_default());
        let id = spelled(word("id"));
        if id.is_empty() && folder.kind() == Kind::Task {
            return None;
        }
        let parent = word("parent_task_id");
        let created = [word("created_date"), word("date")];
        let created = created.into_iter().find(|date| !date.is_empty());
        let dependencies = list("dependencies");
        Some(Self {
            folder,
            path: clean(&String::from_utf8_lossy(path)),
            id: clean(&id),
            title: text("title"),
            status: text("status"),
            assignee: list("assignee"),
            labels: list("labels"),
            priority: text("priority").to_lowercase(),
            milestone: text("milestone"),
            parent: match parent {
                "" => String::new(),
                parent => clean(&canonical(parent)),
            },
            dependencies: dependencies.iter().map(|id| canonical(id)).collect(),
            references: list("references"),
            documentation: list("documentation"),
            modified_files: list("modified_files"),
            sort: text("type"),
            project: text("project"),
            due_date: text("due_date"),
            reporter: text("reporter"),
            ordinal: text("ordinal"),
            created: clean(created.unwrap_or_default()),
            tags: list("tags"),
            criteria: items(body.criteria),
            done: items(body.done),
            body: hash(&body.rest),
        })
    }

    /// Its file's name, without the folder.
    pub(super) fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// The id in the form in which equal ids are equal.
    pub(super) fn canonical_id(&self) -> String {
        canonical(&self.id)
    }

    /// True in a status that is the last of the project's, drafts excepted.
    pub(super) fn is_terminal(&self, terminal: &str) -> bool {
        self.status.to_lowercase() == terminal.to_lowercase()
    }

    /// When it says it was created, as RFC 3339: Backlog.md writes UTC, to the minute or the day.
    pub(super) fn created_time(&self) -> Option<String> {
        let (date, time) = self.created.split_once(' ').unwrap_or((&self.created, ""));
        let time = match time {
            "" => "00:00",
            time => time,
        };
        let text = format!("{date}T{time}:00Z");
        crate::model::time::parse(&text).map(|_| text)
    }
}

/// `TASK-001.02` and `task-1.2` are one: the prefix in capitals, numbers without leading zeros.
pub(super) fn canonical(id: &str) -> String {
    let id = id.trim();
    numbered(id).unwrap_or_else(|| id.to_uppercase())
}

fn numbered(id: &str) -> Option<String> {
    let (prefix, numbers) = id.split_once('-')?;
    if prefix.is_empty() || !prefix.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return None;
    }
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let short = numbers.split('.').map(|part| {
        let short = part.trim_start_matches('0');
        digits(part).then_some(if short.is_empty() { "0" } else { short })
    });
    let short: Vec<&str> = short.collect::<Option<_>>()?;
    Some(format!(
        "{}-{}",
        prefix.to_ascii_uppercase(),
        short.join(".")
    ))
}

/// An id as it is shown: Backlog.md writes those of tasks in capitals today and the others small.
fn spelled(id: &str) -> String {
    let letters = id.bytes().take_while(u8::is_ascii_alphabetic).count();
    let prefix = id.get(..letters).filter(|prefix| !prefix.is_empty());
    let dash = id.get(letters..).is_some_and(|rest| rest.starts_with('-'));
    match prefix {
        Some(prefix) if dash && !matches!(prefix, "doc" | "decision" | "m") => id.to_uppercase(),
        _ => id.to_owned(),
    }
}

fn clean(text: &str) -> String {
    redact::text(text).into_owned()
}

fn cleaned(texts: Vec<String>) -> Vec<String> {
    texts.into_iter().map(|text| clean(&text)).collect()
}

fn items(items: Vec<Item>) -> Vec<Item> {
    let items = items.into_iter();
    items.map(|(done, text)| (done, clean(&text))).collect()
}

fn hash(text: &str) -> String {
    let digits = digest(text.as_bytes()).map(|byte| format!("{byte:02x}"));
    digits.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(front: &str) -> Option<Entity> {
        let text = format!("---\n{front}\n---\n");
        Entity::read(Folder::Tasks, b"tasks/task-1 - A.md", text.as_bytes())
    }

    #[test]
    fn spelling_makes_no_difference() {
        let unix =
            task("id: TASK-1\ntitle: 'yes'\nlabels: [a, b]\nupdated_date: '2026-11-22 11:47'");
        let dos =
            "\u{feff}---\r\nlabels:\r\n  - a\r\n  - \"b\"\r\ntitle: yes\r\nid: task-1\r\n---\r\n";
        let dos = Entity::read(Folder::Tasks, b"tasks/task-1 - A.md", dos.as_bytes());
        assert_eq!(unix.unwrap(), dos.unwrap());
    }

    #[test]
    fn ids_are_shown_and_compared_as_the_cli_does() {
        for (written, shown, compared) in [
            ("task-1", "TASK-1", "TASK-1"),
            ("JIRA-001.01", "JIRA-001.01", "JIRA-1.1"),
            ("doc-001", "doc-001", "DOC-1"),
            ("decision-1", "decision-1", "DECISION-1"),
            ("m-0", "m-0", "M-0"),
            ("odd id", "odd id", "ODD ID"),
            ("task-x", "TASK-X", "TASK-X"),
        ] {
            assert_eq!(spelled(written), shown);
            assert_eq!(canonical(written), compared);
        }
    }

    #[test]
    fn task_without_id_is_none() {
        assert_eq!(task("title: a"), None);
        let note = Entity::read(Folder::Documents, b"docs/a.md", b"---\ntitle: a\n---\n");
        assert_eq!(note.unwrap().title, "a");
    }

    #[test]
    fn secrets_do_not_get_in() {
        let token = format!("ghp_{}", "a1B2".repeat(9));
        let task = task(&format!("id: TASK-1\ntitle: use {token}")).unwrap();
        assert!(task.title.starts_with("use [REDACTED:"), "{}", task.title);
    }

    #[test]
    fn creation_time_is_exact_to_the_minute_or_the_day() {
        let time = |date: &str| {
            task(&format!("id: a\ncreated_date: {date}"))
                .unwrap()
                .created_time()
        };
        assert_eq!(time("'2026-11-22 11:47'").unwrap(), "2026-11-22T11:47:00Z");
        assert_eq!(time("2025-06-04").unwrap(), "2025-06-04T00:00:00Z");
        assert_eq!(time("soon"), None);
        assert_eq!(time("''"), None);
    }
}
