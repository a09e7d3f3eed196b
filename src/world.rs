//! The only door to the process: argv, environment, working directory, clock, randomness, standard streams,
//! and what the kernel tells about the processes above us. Everything else takes these as arguments.

mod input;
mod shows;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};
use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, BufRead, IsTerminal, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The process as it was started, filled once.
#[derive(Debug, Clone, Default)]
pub struct World {
    args: Vec<OsString>,
    /// The path that the program was started by, which argv[0] need not be.
    called: Option<OsString>,
    /// `NAME=value`, as the kernel gave it.
    env: Vec<Cow<'static, OsStr>>,
    /// The shell that we are a part of, where we are no process of our own.
    host: Option<Host>,
}

/// A shell that runs us inside itself.
#[derive(Debug, Clone, Copy)]
pub struct Host {
    /// The words it was started with.
    pub words: &'static [String],
    /// Sets and exports a variable in it, or removes one.
    pub bind: fn(&str, Option<&str>),
    /// True where it was interrupted and waits for us to return.
    pub is_interrupted: fn() -> bool,
}

impl Host {
    /// Writes without a buffer, for its own is not ours. An interrupt ends it, as it would have ended a process of ours.
    fn write(self, stream: Stream, mut bytes: &[u8]) -> io::Result<()> {
        let to = match stream {
            Stream::Err => rustix::stdio::stderr(),
            Stream::Out => rustix::stdio::stdout(),
        };
        while !bytes.is_empty() {
            match rustix::io::write(to, bytes) {
                Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
                Err(Errno::INTR) if !(self.is_interrupted)() => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

/// One of the three standard streams that we may write to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Descriptor 2.
    Err,
    /// Descriptor 1.
    Out,
}

/// What the kernel tells about a living process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its process id.
    pub pid: u32,
    /// Its parent's process id.
    pub parent: u32,
    /// Start time in clock ticks since boot: with the pid it names the process for good.
    pub start: u64,
}

impl World {
    /// The world of this process. `args` come from the entry, because without Rust's runtime std has none on musl;
    /// `env` is `NAME=value`, from there too, because std would copy it.
    pub fn new(args: Vec<OsString>, env: Vec<Cow<'static, OsStr>>) -> Self {
        Self {
            args,
            env,
            called: None,
            host: None,
        }
    }

    /// Says that we run inside a shell's own process.
    #[must_use]
    pub fn inside(mut self, host: Host) -> Self {
        self.host = Some(host);
        self
    }

    /// What sets variables in the shell that we are a part of.
    pub fn binder(&self) -> Option<fn(&str, Option<&str>)> {
        self.host.map(|host| host.bind)
    }

    /// Says by which path the program was started.
    #[must_use]
    pub fn called(mut self, path: Option<OsString>) -> Self {
        self.called = path;
        self
    }

    /// The path that the program was started by: the kernel's, else argv[0].
    pub fn called_path(&self) -> Option<&Path> {
        self.called.as_ref().or(self.args.first()).map(Path::new)
    }

    /// The last part of it.
    pub fn called_name(&self) -> Option<&OsStr> {
        self.called_path().and_then(Path::file_name)
    }

    /// argv, the program's own name first.
    pub fn args(&self) -> &[OsString] {
        &self.args
    }

    /// The environment: `NAME=value`, as the kernel gave it.
    pub fn env(&self) -> &[Cow<'static, OsStr>] {
        &self.env
    }

    /// A variable's bytes, of an empty one too.
    pub fn raw_var(&self, name: &str) -> Option<&OsStr> {
        self.env
            .iter()
            .map(|pair| pair.as_bytes())
            .find(|pair| pair.get(name.len()) == Some(&b'=') && pair.starts_with(name.as_bytes()))
            .and_then(|pair| pair.get(name.len() + 1..))
            .map(OsStr::from_bytes)
    }

    /// A variable's bytes; an empty one is unset.
    pub fn var_os(&self, name: &str) -> Option<&OsStr> {
        self.raw_var(name).filter(|value| !value.is_empty())
    }

    /// A variable's text; an empty one, and one that is not UTF-8, is unset.
    pub fn var(&self, name: &str) -> Option<&str> {
        self.var_os(name).and_then(OsStr::to_str)
    }

    /// True where a variable says so by the OpenTelemetry rule: only `true`, in any case, is true.
    pub fn says_true(&self, name: &str) -> bool {
        self.var(name)
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// Nanoseconds since the Unix epoch.
    #[expect(clippy::disallowed_methods, reason = "this is the door")]
    pub fn now(&self) -> i64 {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or(Duration::ZERO);
        i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
    }

    /// A moment of the clock that nobody sets: for how long something takes, and until when.
    pub fn moment(&self) -> Instant {
        Instant::now()
    }

    /// Random bytes; where the kernel gives none, bytes of the clock and the pid, so that no record is lost for it.
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0_u8; N];
        if getrandom::fill(&mut bytes).is_err() {
            let mut state = self.now().unsigned_abs() ^ (u64::from(self.pid()) << 32);
            for byte in &mut bytes {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                *byte = (state >> 56) as u8;
            }
        }
        bytes
    }

    /// The working directory, where there still is one.
    #[expect(clippy::disallowed_methods, reason = "this is the door")]
    pub fn cwd(&self) -> Option<PathBuf> {
        std::env::current_dir().ok()
    }

    /// The home folder: `HOME` if absolute, else the user database's.
    pub fn user_home(&self) -> Option<PathBuf> {
        self.var_os("HOME")
            .map(PathBuf::from)
            .or_else(std::env::home_dir)
            .filter(|home| home.is_absolute())
    }

    /// The folder for temporary files.
    pub fn temp_dir(&self) -> PathBuf {
        self.var_os("TMPDIR")
            .map(PathBuf::from)
            .filter(|dir| dir.is_absolute())
            .unwrap_or_else(|| PathBuf::from("/tmp"))
    }

    /// The running program's file.
    pub fn program(&self) -> Option<PathBuf> {
        std::env::current_exe().ok()
    }

    /// Our process id.
    pub fn pid(&self) -> u32 {
        std::process::id()
    }

    /// The process id of who called us.
    pub fn parent_pid(&self) -> u32 {
        if self.host.is_some() {
            return self.pid();
        }
        std::os::unix::process::parent_id()
    }

    /// The effective user id.
    pub fn user_id(&self) -> u32 {
        rustix::process::geteuid().as_raw()
    }

    /// The host's name.
    pub fn host(&self) -> String {
        rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned()
    }

    /// The words a process was started with; none where the kernel does not tell. A host's are known.
    pub fn command_line(&self, pid: u32) -> Vec<String> {
        if let Some(host) = self.host.filter(|_| pid == self.pid()) {
            return host.words.to_vec();
        }
        let Some(bytes) = proc_file(&format!("/proc/{pid}/cmdline")) else {
            return Vec::new();
        };
        let bytes = bytes.strip_suffix(b"\0").unwrap_or(&bytes);
        bytes
            .split(|byte| *byte == 0)
            .map(|word| String::from_utf8_lossy(word).into_owned())
            .collect()
    }

    /// A living process; none when it is gone, a zombie, or the kernel does not tell.
    pub fn process(&self, pid: u32) -> Option<Process> {
        let stat = proc_file(&format!("/proc/{pid}/stat"))?;
        let stat = String::from_utf8_lossy(&stat);
        // the name in parentheses may hold anything, spaces and parentheses too
        let (_, rest) = stat.rsplit_once(')')?;
        let mut fields = rest.split_ascii_whitespace();
        let state = fields.next()?;
        if matches!(state, "Z" | "X") {
            return None;
        }
        Some(Process {
            pid,
            parent: fields.next()?.parse().ok()?,
            start: fields.nth(17)?.parse().ok()?,
        })
    }

    /// False only where there surely is no such process, or it is a zombie.
    pub fn may_live(&self, pid: u32) -> bool {
        let id = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let there = id.is_some_and(|id| test_kill_process(id) != Err(Errno::SRCH));
        there && proc_file(&format!("/proc/{pid}/stat")).is_none()
    }

    /// This boot's id and our pid namespace: pids mean the same only where both are equal.
    pub fn pid_space(&self) -> Option<String> {
        // a /proc of another namespace tells of other processes
        let own = fs::read_link("/proc/self").ok()?;
        if own.to_str() != Some(self.pid().to_string().as_str()) {
            return None;
        }
        let boot = String::from_utf8(proc_file("/proc/sys/kernel/random/boot_id")?).ok()?;
        let namespace = fs::read_link("/proc/self/ns/pid").ok()?;
        Some(format!("{} {}", boot.trim(), namespace.display()))
    }

    /// Writes to a standard stream, unbuffered; a closed one swallows it.
    pub fn write(&self, stream: Stream, bytes: &[u8]) -> io::Result<()> {
        if let Some(host) = self.host {
            return host.write(stream, bytes);
        }
        match stream {
            Stream::Err => io::stderr().lock().write_all(bytes),
            Stream::Out => {
                let mut out = io::stdout().lock();
                out.write_all(bytes)?;
                out.flush()
            }
        }
    }

    /// True where the stream is a terminal.
    pub fn is_terminal(&self, stream: Stream) -> bool {
        match stream {
            Stream::Err => io::stderr().is_terminal(),
            Stream::Out => io::stdout().is_terminal(),
        }
    }

    /// Standard input, buffered.
    pub fn stdin(&self) -> Box<dyn BufRead> {
        Box::new(io::BufReader::with_capacity(64 * 1024, io::stdin()))
    }

    /// A path as the process sees it: relative ones start at the working directory.
    pub fn absolute(&self, path: &Path) -> PathBuf {
        if path.is_absolute() {
            return path.to_owned();
        }
        self.cwd()
            .map_or_else(|| path.to_owned(), |cwd| cwd.join(path))
    }

    /// Waits, where a reader waits for the next record. False: nobody reads our standard output any more.
    pub fn pause(&self, length: Duration) -> bool {
        let out = io::stdout();
        let mut watched = [PollFd::new(&out, PollFlags::empty())];
        !matches!(poll(&mut watched, Some(&limit(length))), Ok(count) if count > 0)
    }
}

fn limit(length: Duration) -> Timespec {
    let millis = i64::try_from(length.as_millis()).unwrap_or(i64::MAX);
    Timespec {
        tv_sec: millis / 1000,
        tv_nsec: millis % 1000 * 1_000_000,
    }
}

/// A file of the kernel's, at most 4 KiB of it, in one read: std would ask for its size, which is 0, and then grow.
fn proc_file(path: &str) -> Option<Vec<u8>> {
    let file = rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
    let mut bytes = vec![0; 4096];
    let length = rustix::io::read(&file, &mut bytes).ok()?;
    bytes.truncate(length);
    Some(bytes)
}

#[cfg(test)]
impl World {
    /// A world of these variables and nothing else.
    pub(crate) fn of(env: &[(&str, &str)]) -> Self {
        Self {
            args: vec![OsString::from("obs")],
            called: None,
            host: None,
            env: env
                .iter()
                .map(|(k, v)| Cow::Owned(format!("{k}={v}").into()))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_variable_is_unset() {
        let world = World::of(&[("A", ""), ("B", "x"), ("C", "TRUE"), ("D", "1")]);
        assert_eq!(world.var("A"), None);
        assert_eq!(world.var("B"), Some("x"));
        assert!(world.says_true("C") && !world.says_true("D"));
    }

    #[test]
    #[cfg(target_os = "linux")] // there is no /proc elsewhere
    fn own_process_is_found() {
        let world = World::of(&[]);
        let own = world.process(world.pid()).unwrap();
        assert_eq!(own.parent, world.parent_pid());
        assert!(own.start > 0 && world.process(u32::MAX).is_none());
        assert!(!world.command_line(world.pid()).is_empty());
    }

    #[test]
    fn relative_home_is_ignored() {
        let world = World::of(&[("HOME", "tmp")]);
        assert_eq!(world.user_home(), None);
    }
}
