//! A project that the real Backlog.md CLI works on, and what `obs reconcile` finds after each of its commands.

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

const CONFIG: &str = "\
project_name: \"peers\"
default_status: \"To Do\"
statuses: [\"To Do\", \"In Progress\", \"Done\"]
labels: []
remote_operations: false
auto_commit: false
task_prefix: \"task\"
";

const FOLDERS: [&str; 9] = [
    "archive/drafts",
    "archive/milestones",
    "archive/tasks",
    "completed",
    "decisions",
    "docs",
    "drafts",
    "milestones",
    "tasks",
];

/// A project in a folder of its own.
#[derive(Debug)]
pub(crate) struct Project {
    dir: TempDir,
    cli: PathBuf,
}

/// A program that `tests/run` installs into the cache; none, said aloud, where it is missing.
pub(crate) fn cached(program: &str) -> Option<PathBuf> {
    let home = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache"));
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let program = cache.or_else(home)?.join("obs-tests").join(program);
    if program.exists() {
        return Some(program);
    }
    let strict = std::env::var_os("OBS_TESTS_STRICT").is_some();
    assert!(!strict, "{} is missing", program.display());
    println!("skipped: {} is missing", program.display());
    None
}

impl Project {
    /// A project for this version of the CLI, seen once.
    pub(crate) fn new(version: &str) -> Option<Self> {
        let project = Self {
            cli: cached(&format!("backlog.md-{version}/node_modules/.bin/backlog"))?,
            dir: tempfile::tempdir().unwrap(),
        };
        for folder in FOLDERS {
            fs::create_dir_all(project.path("work/backlog").join(folder)).unwrap();
        }
        fs::create_dir(project.path("home")).unwrap();
        fs::write(project.path("work/backlog/config.yml"), CONFIG).unwrap();
        assert!(
            project
                .run(&mut project.command("git", &["init", "--quiet", "--initial-branch=main"]))
                .status
                .success()
        );
        assert_eq!(project.reconcile(), [""; 0]);
        Some(project)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn command(&self, program: impl AsRef<Path>, args: &[&str]) -> Command {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut command = Command::new(program.as_ref());
        command
            .args(args)
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.path("home"))
            .env("OBS_HOME", self.path("journal"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_AUTHOR_NAME", "peer")
            .env("GIT_AUTHOR_EMAIL", "peer@example.org")
            .env("GIT_COMMITTER_NAME", "peer")
            .env("GIT_COMMITTER_EMAIL", "peer@example.org")
            .env("LC_ALL", "C.UTF-8")
            .current_dir(self.path("work"))
            .stdin(Stdio::null());
        command
    }

    fn run(&self, command: &mut Command) -> Output {
        command.output().unwrap()
    }

    /// Runs the real CLI; the answer is what `obs reconcile` then finds.
    #[track_caller]
    pub(crate) fn backlog(&self, args: &[&str]) -> Vec<String> {
        let output = self.run(&mut self.command(&self.cli, args));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{args:?}: {said}");
        self.reconcile()
    }

    /// The events that `obs reconcile` records: type, id, and what the type says besides.
    pub(crate) fn reconcile(&self) -> Vec<String> {
        let text = self.obs(&["reconcile", "--json"]);
        text.lines().map(|line| short(&parse(line))).collect()
    }

    /// Commits the board, has the CLI commit what it does, installs the hooks and the shim.
    pub(crate) fn watch_commits(&self) {
        let config = self.path("work/backlog/config.yml");
        fs::write(
            &config,
            CONFIG.replace("auto_commit: false", "auto_commit: true"),
        )
        .unwrap();
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", "board"]);
        self.obs(&["hook", "install"]);
        self.wrap();
    }

    /// Installs the shim.
    pub(crate) fn wrap(&self) {
        self.obs(&["shim", "add", "backlog"]);
    }

    /// Runs obs, which must work, and gives what it prints.
    #[track_caller]
    fn obs(&self, words: &[&str]) -> String {
        let output = self.run(&mut self.command(env!("CARGO_BIN_EXE_obs"), words));
        assert!(output.status.success(), "obs {words:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// A call of the CLI: by the shim, or by itself.
    pub(crate) fn cli_command(&self, is_wrapped: bool, args: &[&str]) -> Command {
        let shim = self.path("journal/shims/backlog");
        let mut command = self.command(if is_wrapped { &shim } else { &self.cli }, args);
        let real = self.cli.parent().unwrap().to_str().unwrap();
        let path = std::env::var("PATH").unwrap();
        command.env(
            "PATH",
            format!("{}:{real}:{path}", shim.parent().unwrap().display()),
        );
        command
    }

    /// Runs git, which must work, and gives what it prints.
    #[track_caller]
    pub(crate) fn git(&self, words: &[&str]) -> String {
        let output = self.run(&mut self.command("git", words));
        assert!(output.status.success(), "git {words:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// All events, in the order of the journal.
    pub(crate) fn events(&self) -> Vec<Value> {
        self.records("events")
    }

    /// All ended spans, in the order of the journal.
    pub(crate) fn spans(&self) -> Vec<Value> {
        self.records("spans")
    }

    fn records(&self, signal: &str) -> Vec<Value> {
        let output = self.run(&mut self.command(env!("CARGO_BIN_EXE_obs"), &[signal, "--json"]));
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(parse).collect()
    }
}

/// Sends a signal to a process, or to the group of a negative number.
pub(crate) fn kill(signal: &str, target: i32) {
    let target = target.to_string();
    let _ = Command::new("kill")
        .args([signal, "--", &target])
        .stderr(Stdio::null())
        .status();
}

fn parse(line: &str) -> Value {
    serde_json::from_str(line).unwrap()
}

/// An event's type, its id, and what the type says besides.
pub(crate) fn short(event: &Value) -> String {
    let data = &event["data"];
    let names = [
        "task_id",
        "document_id",
        "decision_id",
        "milestone_id",
        "draft",
        "previous_id",
        "from_state",
        "to_state",
        "added",
        "removed",
        "text",
        "checked",
        "changed",
        "from",
        "to",
    ];
    let word = |name: &&str| match &data[*name] {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Array(items) => {
            let items = items.iter().filter_map(Value::as_str);
            Some(items.collect::<Vec<_>>().join(","))
        }
        other => Some(format!("{name}={other}")),
    };
    let words: Vec<String> = names.iter().filter_map(word).collect();
    let kind = event["event_type"].as_str().unwrap();
    format!(
        "{} {}",
        kind.trim_start_matches("backlog."),
        words.join(" ")
    )
}
