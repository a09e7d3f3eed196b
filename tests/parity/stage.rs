//! Where one row runs in one way: a folder of its own, a sealed environment, commands as this way writes them. What
//! still runs at the end is ended.

use crate::caller::{Caller, Image, text};
use crate::live::{Done, Live};
use crate::mode::Mode;
use crate::system;
use crate::way::Way;
use std::ffi::{CString, OsStr, OsString, c_int};
use std::fs::{self, File, Permissions};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use tempfile::TempDir;

/// Stands in a script where the way's words come before a command.
const MARK: &str = "WRAP ";

/// The programs of a whole run: where other users can run them, too.
pub(crate) struct Programs {
    dir: TempDir,
}

/// One row in one way.
pub(crate) struct Stage<'a> {
    pub(crate) way: Way,
    mode: Mode,
    on_terminal: bool,
    programs: &'a Programs,
    dir: TempDir,
    started: Mutex<Vec<c_int>>,
    _held: Vec<File>,
}

impl Programs {
    pub(crate) fn new() -> Self {
        let dir = TempDir::with_prefix("obs-parity-").unwrap();
        fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
        let own = std::env::current_exe().unwrap();
        let release = std::env::var_os("OBS_RELEASE");
        let obs = release.unwrap_or_else(|| env!("CARGO_BIN_EXE_obs").into());
        for (name, from) in [("obs", Path::new(&obs)), ("probe", &own)] {
            // by a process of its own: what we had open to write, a child that is just starting might still have
            let copied = Command::new("cp")
                .arg(from)
                .arg(dir.path().join(name))
                .status();
            assert!(copied.unwrap().success());
        }
        Self { dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

impl<'a> Stage<'a> {
    pub(crate) fn new(programs: &'a Programs, way: Way, mode: Mode, on_terminal: bool) -> Self {
        let dir = TempDir::with_prefix_in("run-", programs.dir.path()).unwrap();
        let open = Permissions::from_mode(0o777);
        for folder in ["", "bin", "tmp", "user", "work"] {
            let folder = dir.path().join(folder);
            fs::create_dir_all(&folder).unwrap();
            fs::set_permissions(folder, open.clone()).unwrap();
        }
        for name in ["probe", "through"] {
            symlink(programs.path("probe"), dir.path().join("bin").join(name)).unwrap();
        }
        let held = mode.prepare(dir.path());
        let stage = Self {
            way,
            mode,
            on_terminal,
            programs,
            dir,
            started: Mutex::default(),
            _held: held,
        };
        stage.link("through");
        stage
    }

    /// A file or folder in the stage's own folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A file in the folder that commands run in.
    pub(crate) fn file(&self, name: &str, content: &str, mode: u32) {
        let path = self.path("work").join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    /// Makes a tool a shim where this way has shims.
    fn link(&self, tool: &str) {
        let link = self.path("home/shims").join(tool);
        if self.way.has_shims() && !tool.contains('/') && !link.is_symlink() {
            symlink(self.programs.path("obs"), link).unwrap();
        }
    }

    /// The file of a tool that is called by its name.
    fn real(&self, tool: &str) -> Option<PathBuf> {
        let own = self.path("bin");
        let folders = [own.as_path(), Path::new("/usr/bin"), Path::new("/bin")];
        let files = folders.map(|folder| folder.join(tool));
        files
            .into_iter()
            .find(|file| !tool.contains('/') && is_executable(file))
    }

    /// A command as this way writes it.
    pub(crate) fn wrap(&self, words: &[&str]) -> Vec<OsString> {
        let tool = words[0];
        self.link(tool);
        let obs = self.programs.path("obs");
        let prefix = self.way.prefix(&obs, self.real(tool).as_deref());
        let words = words.iter().map(|word| (*word).to_owned());
        prefix.into_iter().chain(words).map(Into::into).collect()
    }

    /// A script in which every command marked `WRAP` is written as this way writes it.
    pub(crate) fn expand(&self, script: &str) -> String {
        let mut parts = script.split(MARK);
        let mut text = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let tool = part.split_whitespace().next().unwrap();
            for word in self.wrap(&[tool]) {
                let is_tool = word == tool;
                text += if is_tool { "" } else { word.to_str().unwrap() };
                text += if is_tool { "" } else { " " };
            }
            text += part;
        }
        text
    }

    /// What was written, without what differs from stage to stage.
    pub(crate) fn plain(&self, text: &str) -> String {
        let obs = self.programs.path("obs");
        let exec = format!("{} span exec -- ", obs.display());
        let dir = self.dir.path().to_str().unwrap();
        let text = text.replace(&exec, "").replace("through ", "");
        without_ids(&text.replace(dir, "DIR"))
    }

    /// The variables of every command.
    pub(crate) fn variables(&self) -> Vec<(&'static str, String)> {
        let at = |name: &str| self.path(name).to_str().unwrap().to_owned();
        let tools = format!("{}:/usr/local/bin:/usr/bin:/bin", at("bin"));
        let shims = format!("{}:{tools}", at("home/shims"));
        let path = match self.way.has_shims() {
            true => shims,
            false => tools,
        };
        let home = self.mode.home(self.dir.path());
        vec![
            ("HOME", at("user")),
            ("LC_ALL", "C.UTF-8".to_owned()),
            ("OBS_HOME", home.to_str().unwrap().to_owned()),
            ("PATH", path),
            ("PS1", "PROMPT\n".to_owned()),
            ("TERM", "dumb".to_owned()),
            ("TMPDIR", at("tmp")),
            ("USER", "tester".to_owned()),
        ]
    }

    /// Starts these words, as they are, as this caller would.
    pub(crate) fn start(&self, words: &[impl AsRef<OsStr>], mut caller: Caller) -> Live {
        let home = self.mode.home(self.dir.path());
        self.mode.impose(&mut caller, &home);
        let mut command = Command::new(&words[0]);
        command
            .args(&words[1..])
            .env_clear()
            .envs(self.variables())
            .current_dir(self.path("work"))
            .stdin(Stdio::null());
        let live = match self.on_terminal {
            true => {
                let (master, slave) = system::terminal();
                caller.terminal = Some(slave.as_raw_fd());
                caller.apply(&mut command);
                Live::on_terminal(&command.spawn().unwrap(), master)
            }
            false => {
                caller.apply(&mut command);
                command.stdout(Stdio::piped()).stderr(Stdio::piped());
                Live::piped(command.spawn().unwrap())
            }
        };
        self.started.lock().unwrap().push(live.pid());
        live
    }

    /// Starts a command in this way.
    pub(crate) fn go(&self, words: &[&str]) -> Live {
        self.go_as(words, Caller::default())
    }

    /// Starts a command in this way, as this caller would.
    pub(crate) fn go_as(&self, words: &[&str], caller: Caller) -> Live {
        self.start(&self.wrap(words), caller)
    }

    /// Runs a command in this way; the answer is its end and what it wrote.
    pub(crate) fn run(&self, words: &[&str]) -> String {
        self.told(&self.go(words).done())
    }

    /// Starts a shell on a script.
    pub(crate) fn shell(&self, shell: &str, script: &str) -> Live {
        let script = self.expand(script);
        let words = shell.split(' ').chain(["-c", script.as_str()]);
        self.start(&words.collect::<Vec<_>>(), Caller::default())
    }

    /// Runs a script in bash; the answer is its end and what it wrote.
    pub(crate) fn bash(&self, script: &str) -> String {
        // what bash has built in would not be started at all
        let script = &format!("enable -n echo printf pwd true false; {script}");
        self.told(&self.shell("/bin/bash", script).done())
    }

    /// An end and what was written, without what differs from stage to stage.
    pub(crate) fn told(&self, done: &Done) -> String {
        self.plain(&done.text())
    }

    /// The command in this way as an image to execute, with these words behind the tool and these variables.
    pub(crate) fn image(&self, tool: &str, words: &[&[u8]], variables: &[&[u8]]) -> Image {
        let wrapped = self.wrap(&[tool]);
        let path = self
            .variables()
            .into_iter()
            .find(|(name, _)| *name == "PATH");
        let path = path.map(|(_, path)| path).unwrap();
        let first = Path::new(&wrapped[0]);
        let folders = path.split(':').map(|folder| Path::new(folder).join(first));
        let program = folders.into_iter().find(|program| program.exists());
        let own = self.variables().into_iter().filter(|(name, _)| {
            matches!(*name, "OBS_HOME" | "PATH") // what obs itself cannot do without
        });
        let own = own.map(|(name, value)| CString::new(format!("{name}={value}")).unwrap());
        let raw = |words: &[&[u8]]| -> Vec<CString> {
            let words = words.iter().map(|word| CString::new(*word).unwrap());
            words.collect()
        };
        Image {
            path: text(program.unwrap()),
            words: wrapped.iter().map(text).chain(raw(words)).collect(),
            variables: own.chain(raw(variables)).collect(),
        }
    }

    /// Waits for a process of this stage by the name of its program.
    pub(crate) fn find(&self, program: &str) -> Option<c_int> {
        let mut found = None;
        system::until(|| {
            found = system::find(self.dir.path(), program);
            found.is_some()
        });
        found
    }

    /// How many processes of this program are left, once it stays so.
    pub(crate) fn left(&self, program: &str) -> usize {
        let begin = std::time::Instant::now();
        let grace = std::time::Duration::from_millis(300);
        while system::find(self.dir.path(), program).is_some() && begin.elapsed() < grace {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let all = system::processes();
        all.filter(|pid| system::is_of(*pid, self.dir.path(), program))
            .count()
    }
}

impl Drop for Stage<'_> {
    fn drop(&mut self) {
        let started = self.started.lock().map_or_else(
            |poisoned| poisoned.into_inner().clone(),
            |list| list.clone(),
        );
        system::sweep(self.dir.path(), &started);
        // else it could not be removed
        let _ = fs::set_permissions(self.path("home"), Permissions::from_mode(0o755));
    }
}

fn is_executable(file: &Path) -> bool {
    let found = fs::metadata(file);
    found.is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// What a shell says of its jobs, `line 1: 77 Killed` or `[1] 77`, without the process id.
fn without_ids(text: &str) -> String {
    let job = regex::Regex::new(r"(\[\d\][+-]?|line \d+:) +\d{2,}\b").unwrap();
    job.replace_all(text, "$1 PID").into_owned()
}
