//! What every test runs in: a folder of its own, a sealed environment, obs and fake tools on PATH; and what it reads
//! back. Output, errors and status are asserted together.

use serde_json::Value;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// A folder with a home, a journal and a bin.
#[derive(Debug)]
pub(crate) struct Sandbox {
    dir: TempDir,
    env: BTreeMap<String, String>,
}

/// How a command ended and what it wrote.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for folder in ["bin", "home", "tmp", "work"] {
            fs::create_dir(dir.path().join(folder)).unwrap();
        }
        let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
        let env = [
            (
                "PATH",
                format!("{}:/usr/local/bin:/usr/bin:/bin", at("bin")),
            ),
            ("HOME", at("home")),
            ("OBS_HOME", at("journal")),
            ("TMPDIR", at("tmp")),
            ("XDG_CONFIG_HOME", at("home")),
            ("GIT_CONFIG_NOSYSTEM", "1".to_owned()),
            ("LC_ALL", "C.UTF-8".to_owned()),
            ("USER", "tester".to_owned()),
            // whether a library lies beside the binary is chance; who means it says so
            ("OBS_BUILTIN", "off".to_owned()),
        ];
        symlink(program(), dir.path().join("bin/obs")).unwrap();
        let env = env
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        Self { dir, env }
    }

    /// Sets a variable for everything that runs later; an empty value removes it.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        match value {
            "" => drop(self.env.remove(name)),
            value => drop(self.env.insert(name.to_owned(), value.to_owned())),
        }
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// `OBS_HOME`.
    pub(crate) fn journal(&self) -> PathBuf {
        self.path("journal")
    }

    /// A command in the sealed environment, in the folder `work`, without standard input.
    #[expect(clippy::disallowed_methods, reason = "tests start programs")]
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .envs(&self.env)
            .current_dir(self.path("work"))
            .stdin(Stdio::null());
        command
    }

    /// Runs obs.
    pub(crate) fn obs(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Outcome {
        outcome(&self.command(program()).args(args).output().unwrap())
    }

    /// Runs obs with something on standard input.
    pub(crate) fn obs_with(&self, input: &[u8], args: &[&str]) -> Outcome {
        let mut child = self
            .command(program())
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // obs may end before it has read everything: that is for the test to judge
        let _ = child.stdin.take().unwrap().write_all(input);
        outcome(&child.wait_with_output().unwrap())
    }

    /// Runs a script in a shell, such as `bash` or `busybox ash`, as a file named `script`.
    pub(crate) fn script(&self, shell: &str, text: &str) -> Outcome {
        let file = self.path("work/script");
        fs::write(&file, text).unwrap();
        let mut words = shell.split(' ');
        let mut command = self.command(words.next().unwrap());
        outcome(&command.args(words).arg(file).output().unwrap())
    }

    /// The journalled records of a signal: sealed, spill, active.
    pub(crate) fn records(&self, signal: &str) -> Vec<Value> {
        let outcome = self.obs([signal, "--json"]);
        outcome
            .stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// The one log record that there is.
    pub(crate) fn only_log(&self) -> Value {
        let mut logs = self.records("logs");
        assert_eq!(logs.len(), 1, "{logs:?}");
        logs.remove(0)
    }

    /// Everything written below the sandbox, for tests that look for what must not be there.
    pub(crate) fn all_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for folder in ["journal", "tmp"] {
            collect(&self.path(folder), &mut bytes);
        }
        bytes
    }
}

/// The program under test.
pub(crate) fn program() -> &'static str {
    env!("CARGO_BIN_EXE_obs")
}

pub(crate) fn outcome(output: &Output) -> Outcome {
    let signal = output.status.signal().map(|signal| 128 + signal);
    Outcome {
        code: output.status.code().or(signal).unwrap(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

impl Outcome {
    /// Status, output and errors as one text.
    pub(crate) fn shown(&self) -> String {
        format!(
            "exit {}\n--- stdout\n{}--- stderr\n{}",
            self.code, self.stdout, self.stderr
        )
    }

    /// Asserts that it ended 0 and said nothing on standard error.
    #[track_caller]
    pub(crate) fn quiet(self) -> Self {
        assert!(self.code == 0 && self.stderr.is_empty(), "{}", self.shown());
        self
    }
}

/// True where a tool is there. Missing tools skip a test aloud, and fail it where `OBS_TESTS_STRICT` is set.
#[expect(
    clippy::disallowed_methods,
    reason = "the runner says how strict to be"
)]
pub(crate) fn have(tool: &str) -> bool {
    let found = ["/usr/local/bin", "/usr/bin", "/bin"]
        .iter()
        .any(|folder| Path::new(folder).join(tool).exists());
    if !found {
        assert!(
            std::env::var_os("OBS_TESTS_STRICT").is_none(),
            "`{tool}` is missing"
        );
        println!("skipped: `{tool}` is missing");
    }
    found
}

fn collect(folder: &Path, bytes: &mut Vec<u8>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        match path.is_dir() {
            true => collect(&path, bytes),
            false => bytes.extend(fs::read(&path).unwrap_or_default()),
        }
    }
}
