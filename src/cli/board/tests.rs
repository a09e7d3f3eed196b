//! Looks and commits at a real folder with a hand-made `.git`.

use super::commit::{Blob, Commit};
use super::{Board, Found, Look};
use crate::capture;
use crate::journal::Signal;
use crate::settings::Settings;
use crate::world::World;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

struct Rig {
    dir: TempDir,
    world: World,
    settings: Settings,
}

impl Rig {
    fn new() -> Self {
        Self::with(&[])
    }

    fn with(more: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("home");
        let mut env = vec![("OBS_HOME", home.to_str().unwrap())];
        env.extend(more);
        let world = World::of(&env);
        let settings = Settings::load(&world);
        let rig = Self {
            dir,
            world,
            settings,
        };
        rig.write("backlog/config.yml", "project_name: x\n");
        rig
    }

    fn root(&self) -> PathBuf {
        self.dir.path().join("project")
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn checkout(&self, branch: &str) {
        self.write(".git/HEAD", &format!("ref: refs/heads/{branch}\n"));
    }

    fn detach(&self) {
        self.write(".git/HEAD", &format!("{}\n", "1".repeat(40)));
    }

    fn status(&self, status: &str) {
        self.write("backlog/tasks/task-1 - A.md", &task(status));
    }

    fn board(&self) -> Board<'_> {
        Board::of(&self.world, &self.settings, &self.root()).unwrap()
    }

    fn look(&self, look: &Look) -> Vec<String> {
        words(self.board().look(look).unwrap())
    }

    fn commit(&self, before: &str, after: &str, more: Commit<'_>) -> Vec<String> {
        let blobs = |status: &str| match status {
            "" => Vec::new(),
            status => vec![blob(status)],
        };
        let commit = Commit {
            id: "1f0c9a7e",
            before: blobs(before),
            after: blobs(after),
            ..more
        };
        let tree = || blobs(before);
        words(self.board().commit(&commit, &tree).unwrap())
    }

    fn journalled(&self) -> Vec<Value> {
        let mut events = Vec::new();
        let journal = capture::open(&self.world, &self.settings);
        journal.reader(Signal::Events).for_each(|line| {
            events.push(serde_json::from_slice(line.bytes).unwrap());
            true
        });
        events
    }
}

fn task(status: &str) -> String {
    format!("---\nid: TASK-1\ntitle: A\nstatus: {status}\n---\n")
}

fn blob(status: &str) -> Blob {
    (b"tasks/task-1 - A.md".to_vec(), task(status).into_bytes())
}

fn words(found: Found) -> Vec<String> {
    match found {
        Found::Busy => vec!["busy".to_owned()],
        Found::FirstSight => vec!["first".to_owned()],
        Found::Restless => vec!["restless".to_owned()],
        Found::Told(told) => {
            let types = told.iter().map(|told| told.change.event_type);
            types
                .map(|name| name.rsplit('.').next().unwrap().to_owned())
                .collect()
        }
    }
}

const SEEN: Look = Look {
    is_observed: false,
    parent: None,
    wait: Duration::ZERO,
    calm: Duration::ZERO,
};

const CATCH_UP: Look = Look {
    is_observed: true,
    ..SEEN
};

const NOTHING: [&str; 0] = [];

#[test]
fn change_is_told_once() {
    let rig = Rig::new();
    rig.status("To Do");
    assert_eq!(rig.look(&SEEN), ["first"]);
    assert_eq!(rig.look(&SEEN), NOTHING);
    rig.status("Done");
    assert_eq!(rig.look(&CATCH_UP), ["state_changed", "completed"]);
    assert_eq!(rig.look(&CATCH_UP), NOTHING);
    let events = rig.journalled();
    assert_eq!(events.len(), 2);
    assert_eq!(events[0]["metadata"]["origin"], "observed");
    assert_eq!(events[0]["data"]["from_state"], "To Do");
    assert_eq!(events[0]["data"]["path"], "tasks/task-1 - A.md");
}

#[test]
fn look_that_changes_nothing_writes_nothing() {
    let rig = Rig::new();
    rig.status("To Do");
    rig.look(&SEEN);
    let files = || {
        let folder = rig.dir.path().join("home/ledger");
        let entries = fs::read_dir(folder).unwrap().flatten();
        let mut dates: Vec<_> = entries
            .map(|entry| entry.metadata().unwrap().modified().unwrap())
            .collect();
        dates.sort();
        dates
    };
    let before = files();
    rig.look(&SEEN);
    assert_eq!(files(), before);
}

#[test]
fn last_status_of_the_project_completes() {
    let rig = Rig::new();
    rig.status("To Do");
    rig.look(&SEEN);
    rig.write("backlog/config.yml", "statuses: [To Do, Shipped]\n");
    rig.status("shipped");
    assert_eq!(rig.look(&SEEN), ["state_changed", "completed"]);
}

#[test]
fn branches_have_ledgers_of_their_own() {
    let rig = Rig::new();
    rig.checkout("main");
    rig.status("To Do");
    assert_eq!(rig.look(&CATCH_UP), ["first"]);
    rig.checkout("side");
    rig.status("Done");
    assert_eq!(rig.look(&CATCH_UP), ["first"]);
    rig.checkout("main");
    rig.status("To Do");
    assert_eq!(rig.look(&CATCH_UP), NOTHING);
}

#[test]
fn what_another_branch_told_is_merged_silently() {
    let rig = Rig::new();
    rig.checkout("main");
    rig.status("To Do");
    rig.look(&SEEN);
    rig.checkout("side");
    rig.look(&SEEN);
    rig.status("Done");
    assert_eq!(rig.look(&SEEN), ["state_changed", "completed"]);
    rig.checkout("main");
    assert_eq!(rig.look(&CATCH_UP), NOTHING);
    rig.status("In Progress");
    assert_eq!(rig.look(&SEEN), ["state_changed"]);
}

#[test]
fn what_a_branch_told_long_ago_is_silent_without_one() {
    let rig = Rig::new();
    rig.detach();
    rig.status("To Do");
    rig.look(&SEEN);
    rig.checkout("side");
    rig.look(&SEEN);
    for status in ["In Progress", "Done"] {
        rig.status(status);
        rig.look(&SEEN);
    }
    rig.detach();
    rig.status("In Progress");
    assert_eq!(rig.look(&CATCH_UP), NOTHING);
    rig.status("Mixed");
    assert_eq!(rig.look(&CATCH_UP), ["state_changed"]);
}

#[test]
fn nothing_is_told_while_git_writes() {
    let rig = Rig::new();
    rig.checkout("main");
    rig.status("To Do");
    rig.look(&SEEN);
    rig.write(".git/index.lock", "");
    rig.status("Done");
    assert_eq!(rig.look(&SEEN), ["restless"]);
    fs::remove_file(rig.root().join(".git/index.lock")).unwrap();
    assert_eq!(rig.look(&SEEN), ["state_changed", "completed"]);
}

#[test]
fn patience_outlasts_a_lock_of_git() {
    let rig = Rig::new();
    rig.checkout("main");
    rig.status("To Do");
    assert!(rig.board().look_patiently(&SEEN).unwrap().is_none());
    rig.status("Done");
    rig.write(".git/index.lock", "");
    std::thread::scope(|scope| {
        let board = rig.board();
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(100));
            fs::remove_file(rig.root().join(".git/index.lock")).unwrap();
        });
        assert_eq!(board.look_patiently(&SEEN).unwrap().unwrap().len(), 2);
    });
    let board = rig.board();
    let _held = board.hold(&board.place(), Duration::ZERO, 1).unwrap();
    let error = rig.board().look_patiently(&SEEN).unwrap_err();
    assert_eq!(
        error.to_string(),
        "another look at the backlog does not end"
    );
}

#[test]
fn broken_file_is_noted_once_it_has_settled() {
    let rig = Rig::new();
    rig.status("To Do");
    rig.look(&SEEN);
    rig.write("backlog/tasks/task-1 - A.md", "<<<<<<< HEAD\n");
    // younger files are read at every look
    std::thread::sleep(Duration::from_millis(2_100));
    for _ in 0..3 {
        assert_eq!(rig.look(&SEEN), NOTHING);
    }
    let noted = fs::read_to_string(rig.dir.path().join("home/diagnostics.log")).unwrap();
    assert_eq!(noted.matches("cannot be read").count(), 1, "{noted}");
    rig.status("Done");
    assert_eq!(rig.look(&SEEN), ["state_changed", "completed"]);
}

#[test]
fn young_file_is_left_alone_by_whoever_wants_calm() {
    let rig = Rig::new();
    rig.status("To Do");
    rig.look(&SEEN);
    rig.status("Done");
    let calm = |millis| Look {
        calm: Duration::from_millis(millis),
        ..SEEN
    };
    assert_eq!(rig.look(&calm(60_000)), ["restless"]);
    std::thread::sleep(Duration::from_millis(20));
    assert_eq!(rig.look(&calm(10)), ["state_changed", "completed"]);
}

#[test]
fn whoever_looks_keeps_others_out() {
    let rig = Rig::new();
    let board = rig.board();
    let held = board.hold(&board.place(), Duration::ZERO, 1).unwrap();
    assert_eq!(rig.look(&SEEN), ["busy"]);
    drop(held);
    assert_eq!(rig.look(&SEEN), ["first"]);
}

#[test]
fn disabled_recording_sees_nothing() {
    let rig = Rig::with(&[("OTEL_SDK_DISABLED", "true")]);
    assert_eq!(rig.look(&SEEN), NOTHING);
    assert!(!rig.dir.path().join("home/ledger").exists());
}

#[test]
fn secrets_of_a_task_are_in_no_ledger() {
    let rig = Rig::new();
    let token = format!("ghp_{}", "a1B2".repeat(9));
    let path = format!("backlog/tasks/task-1 - {token}.md");
    rig.write(
        &path,
        &format!("---\nid: TASK-1\ntitle: {token}\n---\n- {token}\n"),
    );
    rig.look(&SEEN);
    rig.write(
        &path,
        &format!("---\nid: TASK-1\ntitle: {token}\nstatus: x\n---\n"),
    );
    assert_eq!(rig.look(&SEEN), ["state_changed", "updated"]);
    let mut bytes = Vec::new();
    collect(&rig.dir.path().join("home"), &mut bytes);
    assert!(memchr::memmem::find(&bytes, token.as_bytes()).is_none());
}

fn collect(folder: &Path, bytes: &mut Vec<u8>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        match path.is_dir() {
            true => collect(&path, bytes),
            false => bytes.extend(fs::read(&path).unwrap()),
        }
    }
}

#[test]
fn commit_and_look_tell_once_whoever_comes_first() {
    let rig = Rig::new();
    rig.checkout("main");
    rig.status("To Do");
    rig.look(&SEEN);
    rig.status("Done");
    assert_eq!(
        rig.commit("To Do", "Done", Commit::default()),
        ["state_changed", "completed"]
    );
    assert_eq!(rig.look(&SEEN), NOTHING);
    rig.status("In Progress");
    assert_eq!(rig.look(&SEEN), ["state_changed"]);
    assert_eq!(
        rig.commit("Done", "In Progress", Commit::default()),
        NOTHING
    );
    assert_eq!(rig.journalled().len(), 3);
}

#[test]
fn first_sight_of_a_hook_is_the_parent() {
    let rig = Rig::new();
    rig.checkout("main");
    rig.status("Done");
    assert_eq!(
        rig.commit("To Do", "Done", Commit::default()),
        ["state_changed", "completed"]
    );
    assert_eq!(rig.look(&SEEN), NOTHING);
    let rig = Rig::new();
    rig.checkout("main");
    rig.status("To Do");
    assert_eq!(rig.commit("", "To Do", Commit::default()), ["created"]);
    assert_eq!(rig.look(&SEEN), NOTHING);
}

#[test]
fn event_of_a_commit_has_one_id() {
    let ids = || {
        let rig = Rig::new();
        rig.status("Done");
        let commit = Commit {
            time: Some(1_795_000_000_000_000_000),
            ..Commit::default()
        };
        rig.commit("To Do", "Done", commit);
        let events = rig.journalled();
        assert_eq!(events[0]["timestamp"], "2026-11-18T11:06:40.000000Z");
        events
            .iter()
            .map(|event| event["event_id"].clone())
            .collect::<Vec<_>>()
    };
    let (one, other) = (ids(), ids());
    assert_eq!(one, other);
    assert_ne!(one[0], one[1]);
}

#[test]
fn replayed_commit_is_silent_where_its_branch_told_it() {
    let rig = Rig::new();
    rig.checkout("side");
    rig.status("To Do");
    rig.look(&SEEN);
    rig.status("Done");
    rig.look(&SEEN);
    rig.detach();
    let replay = Commit {
        is_replay: true,
        ..Commit::default()
    };
    assert_eq!(rig.commit("To Do", "Done", replay), NOTHING);
    assert_eq!(rig.look(&SEEN), NOTHING);
}
