//! The git hooks: what git made becomes an event, each commit once. Run by git in the middle of somebody's work: prints
//! nothing, fails never, asks nobody, and does not care for the index that git is just using.

mod boards;
mod occasion;
mod told;

use crate::capture::{self, Teller, Telling};
use crate::error::Error;
use crate::git::hooks::NAMES;
use crate::git::{Commit, Entry, Head, Repo, task_ids};
use crate::model::{Attributes, time};
use crate::settings::Settings;
use crate::world::World;
use boards::{Boards, Way};
use occasion::Occasion;
use serde_json::{Value, json};
use std::ffi::OsString;
use std::panic::{self, AssertUnwindSafe};
use std::time::Duration;
use told::{Line, Told};

/// How long another hook of the repository is waited for; past a deadline of its own a hook waits behind git's back.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a reflog begins with.
const UNBORN: &str = "0000000000000000000000000000000000000000";

/// Finds the hook that `hook NAME ARG…` runs, and its arguments, which are git's and never ours to parse.
pub fn find(words: &[OsString]) -> Option<(&'static str, &[OsString])> {
    let [group, name, args @ ..] = words else {
        return None;
    };
    let name = NAMES.iter().find(|hook| name == *hook)?;
    let help = matches!(args, [only] if only == "--help" || only == "-h");
    (group == "hook" && !help).then_some((name, args))
}

/// Runs a hook. Whatever goes wrong is for `obs doctor`, not for who commits.
pub(super) fn run(name: &str, args: &[OsString], world: &World, settings: &Settings) {
    panic::set_hook(Box::new(|_| {})); // it would print into somebody else's terminal
    let _ = panic::catch_unwind(AssertUnwindSafe(|| {
        let hook = Hook { name, args };
        if let Err(error) = tell(&hook, world, settings)
            && !world.says_true("OTEL_SDK_DISABLED")
        {
            let why = crate::redact::text(&error.to_string()).into_owned();
            capture::open(world, settings).trouble(world.now(), "hook", &why);
        }
    }));
}

/// Remembers where a repository stands when its hooks are installed: what is committed later has hooks to tell it.
pub(super) fn begin(world: &World, settings: &Settings) -> Result<(), Error> {
    let Some(repo) = world.cwd().and_then(|cwd| Repo::open(&cwd, None).ok()?) else {
        return Ok(());
    };
    let id = repo.head()?.commit.unwrap_or_else(|| UNBORN.to_owned());
    let journal = capture::open(world, settings);
    Told::open(&journal, repo.common_dir(), PATIENCE)?.remember(&id)
}

/// A hook as git runs it.
struct Hook<'a> {
    name: &'a str,
    args: &'a [OsString],
}

impl Hook<'_> {
    fn first(&self) -> Option<&str> {
        self.args.first().and_then(|arg| arg.to_str())
    }
}

fn tell(hook: &Hook<'_>, world: &World, settings: &Settings) -> Result<(), Error> {
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
    let boards = Boards {
        world,
        settings,
        repo: &repo,
    };
    let way = |from, is_replay| Way {
        from,
        to: id,
        time: None,
        is_replay,
    };
    let moves = repo.moves();
    let entry = moves.first().filter(|entry| entry.new == id);
    match (hook.name, hook.first()) {
        // a branch that was never seen begins with what is committed; 0 is for single files
        ("post-checkout", _) => {
            let is_branch = hook.args.get(2).is_some_and(|flag| flag == "1");
            return if is_branch {
                boards.brought(&way(Some(id), true))
            } else {
                Ok(())
            };
        }
        ("post-rewrite", Some("rebase")) => {
            let branch = head
                .name
                .as_deref()
                .and_then(|name| repo.last_move_of(name));
            let old = branch.and_then(|entry| entry.old);
            return boards.brought(&way(old.as_deref(), true));
        }
        _ => {}
    }
    let made = Made {
        world,
        repo: &repo,
        head: &head,
        teller: &Teller::new(world, settings),
        boards: &boards,
    };
    made.tell(Occasion::of(hook, &repo, entry), &moves)?;
    match (hook.name, entry.and_then(|entry| entry.old.as_deref())) {
        ("post-merge", Some(old)) if hook.first() != Some("1") => {
            boards.brought(&way(Some(old), true))
        }
        _ => Ok(()),
    }
}

/// The commits that a hook has to tell.
struct Made<'a> {
    world: &'a World,
    repo: &'a Repo,
    head: &'a Head,
    teller: &'a Teller<'a>,
    boards: &'a Boards<'a>,
}

impl Made<'_> {
    /// Tells HEAD's commit and, oldest first, those before it whose own hooks were late or killed.
    fn tell(&self, occasion: Option<Occasion>, moves: &[Entry]) -> Result<(), Error> {
        let Some(id) = self.head.commit.as_deref() else {
            return Ok(());
        };
        if self.teller.is_disabled() {
            return occasion.map_or(Ok(()), |_| self.pass_over(id));
        }
        let now = self.world.now();
        let told = self.told(now);
        let knows = |id: &str| told.as_ref().is_some_and(|told| told.knows(id));
        let mut commits = self.earlier(moves, knows);
        if let Some(occasion) = occasion
            && !knows(id)
        {
            commits.push((id.to_owned(), occasion));
        }
        for (id, occasion) in &commits {
            self.tell_one(told.as_ref(), id, occasion, now)?;
        }
        Ok(())
    }

    /// Remembers a commit that nobody is to be told of, lest the next hook takes it for one that was missed. Where no
    /// ledger was begun none is taken for that.
    fn pass_over(&self, id: &str) -> Result<(), Error> {
        let journal = self.teller.journal();
        if !told::is_begun(journal) {
            return Ok(());
        }
        let told = Told::open(journal, self.repo.common_dir(), PATIENCE)?;
        match told.knows(id) {
            true => Ok(()),
            false => told.remember(id),
        }
    }

    /// The commits before HEAD's that were made since the last one that is known; none where none is known, for they may
    /// be from before there was a hook.
    fn earlier(&self, moves: &[Entry], knows: impl Fn(&str) -> bool) -> Vec<(String, Occasion)> {
        let mut found: Vec<(String, Occasion)> = Vec::new();
        for entry in moves {
            if knows(&entry.new) {
                found.reverse();
                return found;
            }
            let is_other = Some(&entry.new) != self.head.commit.as_ref();
            if let Some(occasion) = Occasion::earlier(entry).filter(|_| is_other)
                && !found.iter().any(|(id, _)| *id == entry.new)
            {
                found.push((entry.new.clone(), occasion));
            }
            if entry.old.as_deref().is_some_and(&knows) {
                found.reverse();
                return found;
            }
        }
        Vec::new()
    }

    fn tell_one(
        &self,
        told: Option<&Told<'_>>,
        id: &str,
        occasion: &Occasion,
        now: i64,
    ) -> Result<(), Error> {
        let commit = self.repo.commit(id)?;
        if !occasion.fits(&commit, now) {
            return Ok(());
        }
        // a rebase is told as a whole when it is done
        let tasks = match self.repo.is_rebasing() {
            true => Vec::new(),
            false => self.board(&commit, occasion),
        };
        let lines = self.lines(&commit, occasion, &tasks);
        match told {
            Some(told) => told.tell(id, &lines, now),
            None => told::append(self.teller.journal(), &lines, now),
        }
    }

    /// What the commit did to boards; trouble with them does not keep the commit from being told.
    fn board(&self, commit: &Commit, occasion: &Occasion) -> Vec<String> {
        let Some(changes) = &commit.changes else {
            return Vec::new(); // the end of a shallow history: what it changed is not known
        };
        let way = Way {
            from: commit.parents.first().map(String::as_str),
            to: &commit.sha,
            time: Some(commit.committer.time),
            is_replay: commit.is_merge() || occasion.is_merge(),
        };
        self.boards
            .commit(&way, Some(changes))
            .inspect_err(|error| self.teller.note("hook", &error.to_string()))
            .unwrap_or_default()
    }

    /// The ledger of told commits. Without one a commit may be told twice, which is better than never.
    fn told(&self, now: i64) -> Option<Told<'_>> {
        let journal = self.teller.journal();
        let opened = Told::open(journal, self.repo.common_dir(), PATIENCE)
            .and_then(|told| told.recover(now).map(|()| told));
        opened
            .inspect_err(|error| journal.trouble(now, "ledger", &error.to_string()))
            .ok()
    }

    /// Everything that is told of a commit, in the order of the journal.
    fn lines(&self, commit: &Commit, occasion: &Occasion, tasks: &[String]) -> Vec<Line> {
        let mut data = data(self.repo, self.head, commit, occasion);
        let mentioned = task_ids(&commit.message, &self.boards.prefix());
        if !mentioned.is_empty() {
            data.insert("task_ids".to_owned(), json!(mentioned));
        }
        let mut lines = Vec::new();
        if !tasks.is_empty() {
            let mut data: Attributes = data.clone();
            data.retain(|key, _| {
                ["commit_sha", "commit_message", "changed_files", "branch"].contains(&key.as_str())
            });
            data.insert("task_ids".to_owned(), json!(tasks));
            lines.push(("backlog.task.updated_via_commit", data));
        }
        lines.insert(0, ("git.commit", data));
        let event = |(event_type, data)| {
            self.teller.event(Telling {
                event_type,
                data,
                ..Telling::default()
            })
        };
        lines.into_iter().map(event).collect()
    }
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
