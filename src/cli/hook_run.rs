//! The git hooks: what git made becomes an event, each commit once. Run by git in the middle of somebody's work: prints
//! nothing, fails never, asks nobody, and does not care for the index that git is just using.

mod occasion;
mod told;

use crate::capture::{Teller, Telling};
use crate::error::Error;
use crate::git::hooks::NAMES;
use crate::git::{Commit, Head, Repo, task_ids};
use crate::journal::Journal;
use crate::model::{Attributes, time};
use crate::settings::Settings;
use crate::world::World;
use occasion::Occasion;
use serde_json::{Value, json};
use std::ffi::OsString;
use std::panic::{self, AssertUnwindSafe};
use std::time::Duration;
use told::{Line, Told};

/// The prefix of task ids where no project says another.
const TASK_PREFIX: &str = "task";

/// Finds the hook that `hook NAME ARG…` runs, and its arguments, which are git's and never ours to parse.
pub(super) fn find(words: &[OsString]) -> Option<(&'static str, &[OsString])> {
    let [group, name, args @ ..] = words else {
        return None;
    };
    let name = NAMES.iter().find(|hook| name == *hook)?;
    let help = matches!(args, [only] if only == "--help" || only == "-h");
    (group == "hook" && !help).then_some((name, args))
}

/// Runs a hook. Whatever goes wrong is for `obs doctor`, not for who commits.
pub(super) fn run(name: &str, args: &[OsString], world: &World, settings: &Settings) {
    if world.says_true("OTEL_SDK_DISABLED") {
        return;
    }
    panic::set_hook(Box::new(|_| {})); // it would print into somebody else's terminal
    let _ = panic::catch_unwind(AssertUnwindSafe(|| {
        let teller = Teller::new(world, settings);
        if let Err(error) = tell(&Hook { name, args }, &teller, world, settings) {
            let why = crate::redact::text(&error.to_string()).into_owned();
            teller.journal().trouble(world.now(), "hook", &why);
        }
    }));
}

/// A hook as git runs it.
struct Hook<'a> {
    name: &'a str,
    args: &'a [OsString],
}

fn tell(
    hook: &Hook<'_>,
    teller: &Teller<'_>,
    world: &World,
    settings: &Settings,
) -> Result<(), Error> {
    let git_dir = world.var_os("GIT_DIR");
    let Some(cwd) = world.cwd() else {
        return Ok(());
    };
    let Some(repo) = Repo::open(&cwd, git_dir)? else {
        return Ok(());
    };
    let head = repo.head()?;
    let Some(id) = head.commit.as_deref() else {
        return Ok(());
    };
    let Some(occasion) = Occasion::of(hook, &repo, id) else {
        return Ok(());
    };
    let journal = teller.journal();
    let now = world.now();
    let mut told = told(journal, &repo, settings, now);
    if told.as_ref().is_some_and(|told| told.knows(id)) {
        return Ok(());
    }
    let commit = repo.commit(id)?;
    if !occasion.fits(&commit, now) {
        return Ok(());
    }
    let lines = lines(teller, &repo, &head, &commit, &occasion);
    match &mut told {
        Some(told) => told.tell(journal, id, &lines, now),
        None => {
            told::append(journal, &lines, now);
            Ok(())
        }
    }
}

/// The ledger of told commits. Without one a commit may be told twice, which is better than never.
fn told(journal: &Journal, repo: &Repo, settings: &Settings, now: i64) -> Option<Told> {
    let patience = Duration::from_millis(settings.lock_timeout);
    let opened = journal
        .folder("ledger")
        .and_then(|folder| Told::open(&folder, repo.common_dir(), patience))
        .and_then(|mut told| told.recover(journal, now).map(|()| told));
    opened
        .inspect_err(|error| journal.trouble(now, "ledger", &error.to_string()))
        .ok()
}

/// Everything that is told of a commit, in the order of the journal. Events of a backlog belong here too: they need
/// `repo.blobs(parent, id, folder)`, and share the fate of the commit's own.
fn lines(
    teller: &Teller<'_>,
    repo: &Repo,
    head: &Head,
    commit: &Commit,
    occasion: &Occasion,
) -> Vec<Line> {
    let data = data(repo, head, commit, occasion);
    vec![teller.event(Telling {
        event_type: "git.commit",
        data,
        ..Telling::default()
    })]
}

/// The data of `git.commit`; what is empty or not known is left out, but for the seed's three fields.
fn data(repo: &Repo, head: &Head, commit: &Commit, occasion: &Occasion) -> Attributes {
    let message = commit.message.trim_end();
    let changes = commit.changes.as_ref();
    let files: Vec<_> = changes
        .iter()
        .flat_map(|changes| &changes.files)
        .map(|path| String::from_utf8_lossy(path))
        .collect();
    let lines = changes.and_then(|changes| changes.lines);
    let default = head
        .branch()
        .and_then(|branch| Some(repo.default_branch()? == branch));
    let trailers: Vec<Value> = commit
        .trailers
        .iter()
        .map(|(key, value)| json!({"key": key, "value": value}))
        .collect();
    let mut data = Attributes::new();
    let always = [
        ("commit_sha", json!(commit.sha)),
        ("commit_message", json!(message)),
        ("changed_files", json!(files)),
    ];
    let known = [
        (
            "changed_file_count",
            json!(changes.map(|changes| changes.count)),
        ),
        ("insertions", json!(lines.map(|(added, _)| added))),
        ("deletions", json!(lines.map(|(_, removed)| removed))),
        ("parent_shas", json!(commit.parents)),
        ("branch", json!(head.branch())),
        ("default_branch", json!(default)),
        (
            "authored_time",
            json!(time::micros_text(commit.author.time)),
        ),
        (
            "committed_time",
            json!(time::micros_text(commit.committer.time)),
        ),
        ("author_name", json!(commit.author.name)),
        ("author_email", json!(commit.author.email)),
        ("operation", json!(occasion.operation)),
        ("previous_sha", json!(occasion.previous)),
        ("task_ids", json!(task_ids(message, TASK_PREFIX))),
        ("trailers", json!(trailers)),
    ];
    let empty = |value: &Value| match value {
        Value::Array(values) => values.is_empty(),
        Value::String(text) => text.is_empty(),
        other => other.is_null(),
    };
    let known = known.into_iter().filter(|(_, value)| !empty(value));
    for (key, value) in always.into_iter().chain(known) {
        data.insert(key.to_owned(), value);
    }
    data
}
