//! What every fault test stands on: a folder of its own, a sealed environment, the program under test, and what it
//! reads back. Nothing here injects a fault.

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Long enough for a machine under load, short enough to tell a hang.
const PATIENCE: Duration = Duration::from_secs(60);

/// A folder with a home for the journal and a folder for temporary files.
#[derive(Debug)]
pub(crate) struct Rig {
    dir: TempDir,
    env: BTreeMap<String, String>,
}

/// How a command ended and what it wrote.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The exit code; 128 + n after a signal.
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Rig {
    /// On the file system of temporary files.
    pub(crate) fn new() -> Self {
        Self::within(&std::env::temp_dir())
    }

    /// On the file system of `folder`.
    pub(crate) fn within(folder: &Path) -> Self {
        let dir = TempDir::with_prefix_in("obs-faults-", folder).unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        for folder in ["tmp", "user", "work"] {
            fs::create_dir(dir.path().join(folder)).unwrap();
        }
        let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
        let env = [
            ("HOME", at("user")),
            ("LC_ALL", "C.UTF-8".to_owned()),
            ("OBS", program().to_owned()),
            ("OBS_HOME", at("home")),
            ("PATH", "/usr/bin:/bin:/usr/sbin:/sbin".to_owned()),
            ("TMPDIR", at("tmp")),
            ("USER", "tester".to_owned()),
        ];
        let env = env.map(|(name, value)| (name.to_owned(), value)).into();
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

    /// A file or folder of the journal.
    pub(crate) fn home(&self, name: &str) -> PathBuf {
        self.path("home").join(name)
    }

    /// A command in the sealed environment, without standard input.
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
        run(self.command(program()).args(args))
    }

    /// Runs a bash script; `$OBS` is the program.
    pub(crate) fn bash(&self, script: &str) -> Outcome {
        run(self.command("bash").args(["-c", script]))
    }

    /// Runs obs with a file's content on standard input.
    pub(crate) fn obs_from(&self, input: &Path, args: &[&str]) -> Outcome {
        let input = File::open(input).unwrap();
        run(self.command(program()).args(args).stdin(input))
    }

    /// The lines that `obs <signal> --json` prints, and what it says of damage.
    pub(crate) fn lines(&self, signal: &str) -> (Vec<String>, String) {
        let read = self.obs([signal, "--json"]);
        assert!(read.code <= 1, "{}", read.shown());
        (
            read.stdout.lines().map(str::to_owned).collect(),
            read.stderr,
        )
    }

    /// The records of a signal.
    pub(crate) fn records(&self, signal: &str) -> Vec<Value> {
        let (lines, _) = self.lines(signal);
        let parse = |line: &String| serde_json::from_str(line).expect(line);
        lines.iter().map(parse).collect()
    }

    /// The messages of all log records, in order.
    pub(crate) fn messages(&self) -> Vec<String> {
        let records = self.records("logs");
        let message = |record: &Value| record["message"].as_str().unwrap_or_default().to_owned();
        records.iter().map(message).collect()
    }

    /// Asserts that the log records have exactly these messages, in any order, and that nothing is damaged.
    #[track_caller]
    pub(crate) fn holds<T: AsRef<str>>(&self, expected: &[T]) {
        let (_, said) = self.lines("logs");
        assert_eq!(said, "", "damage");
        let mut found = self.messages();
        let mut expected: Vec<&str> = expected.iter().map(AsRef::as_ref).collect();
        found.sort();
        expected.sort_unstable();
        assert_eq!(found, expected);
    }

    /// Names of the files in a folder, sorted; none where there is no folder.
    pub(crate) fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).into_iter().flatten();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
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

    /// Asserts that it ended 0.
    #[track_caller]
    pub(crate) fn fine(self) -> Self {
        assert!(self.code == 0, "{}", self.shown());
        self
    }
}

/// The program under test: the static release where the runner has built one.
pub(crate) fn program() -> &'static str {
    static RELEASE: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
    let release = RELEASE.get_or_init(|| std::env::var("OBS_RELEASE").ok());
    release.as_deref().unwrap_or(built())
}

/// The dynamic debug build.
pub(crate) fn built() -> &'static str {
    env!("CARGO_BIN_EXE_obs")
}

/// True where the program under test is the static release.
pub(crate) fn is_release() -> bool {
    program() != built()
}

pub(crate) fn run(command: &mut Command) -> Outcome {
    outcome(&command.output().unwrap())
}

pub(crate) fn outcome(output: &Output) -> Outcome {
    let signal = output.status.signal().map(|signal| 128 + signal);
    Outcome {
        code: output.status.code().or(signal).unwrap(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Waits until something is so; panics where that looks like never.
#[track_caller]
pub(crate) fn until(what: &str, mut so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !so() {
        assert!(begin.elapsed() < PATIENCE, "never came: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A process in the background; it does not outlive the test, however that ends.
#[derive(Debug)]
pub(crate) struct Running(Child);

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        Self(command.spawn().unwrap())
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        // one that has ended meanwhile is fine too
        let _ = kill_process(Pid::from_child(&self.0), signal);
    }

    pub(crate) fn is_over(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }

    /// Waits for it to end by itself; the answer is its exit code, or 128 + the signal.
    #[track_caller]
    pub(crate) fn ended(&mut self) -> i32 {
        until("the end of a process", || self.is_over());
        let status = self.0.wait().unwrap();
        let signal = status.signal().map(|signal| 128 + signal);
        status.code().or(signal).unwrap()
    }

    /// True where it has this file open.
    pub(crate) fn has_open(&self, file: &Path) -> bool {
        let open = fs::read_dir(format!("/proc/{}/fd", self.id()));
        let mut targets = open
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| fs::read_link(entry.path()).ok());
        targets.any(|target| target == file)
    }

    /// How many kilobytes it has had in memory at most.
    pub(crate) fn peak(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:"));
        line.unwrap()
            .split_whitespace()
            .nth(1)
            .unwrap()
            .parse()
            .unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A file whose lock is ours. Unlocked rather than closed: a process that another test is just starting may still have
/// a copy of the descriptor, and with it the lock.
#[derive(Debug)]
pub(crate) struct Held(File);

/// Takes the lock of a file; panics where somebody has it.
#[track_caller]
pub(crate) fn hold(path: &Path) -> Held {
    let file = File::open(path).unwrap();
    file.try_lock().unwrap();
    Held(file)
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

/// Says that a test is skipped, and why; fails instead where `OBS_TESTS_STRICT` is set.
#[track_caller]
pub(crate) fn skip(why: &str) {
    assert!(std::env::var_os("OBS_TESTS_STRICT").is_none(), "{why}");
    println!("skipped: {why}");
}

/// True where a tool is there; skips aloud otherwise.
#[track_caller]
pub(crate) fn have(tool: &str) -> bool {
    let found = ["/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"]
        .iter()
        .any(|folder| Path::new(folder).join(tool).exists());
    if !found {
        skip(&format!("`{tool}` is missing"));
    }
    found
}

/// True where we are root and may mount in a namespace of our own; skips aloud otherwise.
#[track_caller]
pub(crate) fn may_mount() -> bool {
    let script = "unshare -m sh -c 'mount -t tmpfs tmpfs /mnt'";
    let may = Command::new("sh").args(["-c", script]).output();
    let may = may.is_ok_and(|done| done.status.success());
    if !may {
        skip("this needs root, and a mount namespace of its own");
    }
    may
}

/// True for root; skips aloud otherwise.
#[track_caller]
pub(crate) fn is_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        skip("this needs root");
    }
    root
}

/// Puts a copy of the program into the rig as `obs`, where other users can run it. By a process of its own: a copy that
/// somebody still has open to write, such as a process that another test is just starting, cannot be run.
pub(crate) fn copy_program(rig: &Rig) {
    let copied = rig
        .command("cp")
        .arg(program())
        .arg(rig.path("obs"))
        .status();
    assert!(copied.unwrap().success());
}

/// Pseudo-random numbers, the same in every run.
#[derive(Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// The next number below `sides`.
    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % sides
    }

    /// That many bytes, none of them NUL.
    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| (self.roll(255) + 1) as u8).collect()
    }
}
