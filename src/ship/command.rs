//! Any program as a sink: `kcat`, `mosquitto_pub`, `redis-cli`. It is started once a load, without a shell, gets lines on its
//! standard input, and acknowledges them all by ending with status 0. 65 (EX_DATAERR of sysexits.h) says that it will
//! never take one of them, 78 (EX_CONFIG) that its settings are wrong; everything else means: later.
//!
//! It keeps our environment but for the variables whose values are secrets of ours, and `OTEL_SDK_DISABLED` is set, so that
//! what it does is not recorded and sent in its turn.

use super::lines::Format;
use super::otlp::target::limit;
use super::{Answer, Form, Load, Most, Sink};
use crate::error::Error;
use crate::model::{Signal, shown};
use crate::redact;
use crate::settings::{Settings, SinkSettings, sinks};
use crate::world::World;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Access, access};
use rustix::process::{Pid, Signal as Kill, kill_process_group};
use std::ffi::OsStr;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// A program is started once for so many.
const MOST: Most = Most {
    records: 1000,
    bytes: 1024 * 1024,
};
/// Only the end of what it says on standard error is kept.
const SAID: usize = 4096;
/// So many times that are read at once: what fits in a pipe.
const PARTS: usize = 16;
/// The longest part of its last line that is shown.
const SHOWN: usize = 300;
/// How long an end that nobody announces goes unnoticed.
const TICK: Duration = Duration::from_millis(20);
/// Statuses of sysexits.h.
const DATA_ERROR: i32 = 65;
const CONFIG_ERROR: i32 = 78;

/// Variables that may hold our secrets.
fn is_secret(name: &[u8]) -> bool {
    let is_headers = name.starts_with(b"OTEL_EXPORTER_OTLP_") && name.ends_with(b"HEADERS");
    is_headers || name == b"OTEL_API_KEY"
}

/// Those that any sink reads its secrets from.
fn secrets_of_sinks(world: &World) -> Vec<String> {
    let home = Settings::load(world).home;
    let (sinks, _) = sinks(home.as_deref(), world);
    let named = sinks.iter().flat_map(SinkSettings::secret_variables);
    named.map(str::to_owned).collect()
}

/// Opens the sink.
pub(super) fn open(settings: &SinkSettings, world: &World) -> Result<Box<dyn Sink>, Error> {
    let program = settings.needed("command")?;
    if program.contains('/') && !Path::new(program).is_absolute() {
        let wrong = settings.wrong("command", format!("{program} is not absolute"));
        return Err(wrong.hint("begin it with /, or give a name that is on PATH"));
    }
    Ok(Box::new(Program {
        format: Format::of(settings, Format::Obs)?,
        signals: settings.signals(),
        words: settings.items("command").to_vec(),
        secrets: secrets_of_sinks(world),
        world: world.clone(),
        timeout: limit(settings.number("timeout")),
        place: format!("{}: `command`", settings.place),
    }))
}

struct Program {
    format: Format,
    signals: Vec<Signal>,
    words: Vec<String>,
    /// Variables that are kept from it.
    secrets: Vec<String>,
    world: World,
    timeout: Option<Duration>,
    place: String,
}

impl Sink for Program {
    fn takes(&self, signal: Signal) -> Option<Form> {
        self.format.takes(&self.signals, signal)
    }

    fn most(&self) -> Most {
        MOST
    }

    fn send(&mut self, load: Load<'_>) -> Answer {
        let lines = match self.format.sent(load) {
            Ok(lines) if lines.is_empty() => return Answer::Delivered,
            Ok(lines) => lines,
            Err(why) => return Answer::Permanent(why),
        };
        let file = match self.file() {
            Ok(file) => file,
            Err(error) => return Answer::Misconfigured(error),
        };
        match self.start(&file) {
            Ok(child) => self.run(child, &lines),
            Err(error) if is_hopeless(&error) => Answer::Misconfigured(self.unstarted(error)),
            Err(error) => later(self.failed("could not be started").because(error)),
        }
    }

    fn probe(&mut self) -> Result<String, Error> {
        Ok(format!("{} can be started", self.file()?.display()))
    }
}

fn is_hopeless(error: &io::Error) -> bool {
    let not_executable = error.raw_os_error() == Some(rustix::io::Errno::NOEXEC.raw_os_error());
    not_executable
        || matches!(
            error.kind(),
            ErrorKind::NotFound | ErrorKind::PermissionDenied | ErrorKind::IsADirectory
        )
}

fn later(why: Error) -> Answer {
    Answer::Retry { after: None, why }
}

impl Program {
    fn name(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }

    fn failed(&self, what: &str) -> Error {
        Error::failure(format!("{} {what}", shown::escape(self.name())))
    }

    fn unstarted(&self, cause: impl std::fmt::Display) -> Error {
        Error::usage(format!("{}: {}", self.place, shown::escape(self.name())))
            .because(cause)
            .hint("install it, or correct the path; the records wait")
    }

    /// The program's file, found as a shell would.
    fn file(&self) -> Result<PathBuf, Error> {
        let name = self.name();
        let is_runnable = |path: &Path| path.is_file() && access(path, Access::EXEC_OK).is_ok();
        if name.contains('/') {
            let path = PathBuf::from(name);
            return match (path.exists(), is_runnable(&path)) {
                (_, true) => Ok(path),
                (true, false) => Err(self.unstarted("it is not executable")),
                (false, false) => Err(self.unstarted("no such file")),
            };
        }
        let folders = self.world.var_os("PATH").map(OsStr::as_bytes);
        let folders = folders.unwrap_or_default().split(|byte| *byte == b':');
        let paths = folders.map(|folder| Path::new(OsStr::from_bytes(folder)).join(name));
        let mut absolute = paths.filter(|path| path.is_absolute());
        absolute
            .find(|path| is_runnable(path))
            .ok_or_else(|| self.unstarted("not found on PATH"))
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "what `child` starts is on the hot side; this is not"
    )]
    fn start(&self, file: &Path) -> io::Result<Child> {
        let mut command = Command::new(file);
        command.env_clear();
        for pair in self.world.env() {
            let mut parts = pair.as_bytes().splitn(2, |byte| *byte == b'=');
            if let (Some(name), Some(value)) = (parts.next(), parts.next())
                && !is_secret(name)
                && !self.secrets.iter().any(|secret| secret.as_bytes() == name)
            {
                command.env(OsStr::from_bytes(name), OsStr::from_bytes(value));
            }
        }
        command
            .env("OTEL_SDK_DISABLED", "true")
            .args(self.words.get(1..).unwrap_or_default())
            .process_group(0) // the whole of it can be ended at once
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
    }

    fn run(&self, mut child: Child, lines: &[u8]) -> Answer {
        let deadline = self.timeout.map(|timeout| Instant::now() + timeout);
        let mut said = Vec::new();
        let ended = feed(&mut child, lines, &mut said, deadline);
        match ended {
            Ok(Some(status)) => self.answer(status, &said),
            Ok(None) => {
                kill(&mut child);
                let limit = self.timeout.unwrap_or_default().as_millis();
                later(
                    self.failed(&format!("did not end within {limit} ms"))
                        .hint("raise the timeout, where it is only slow"),
                )
            }
            Err(error) => {
                kill(&mut child);
                later(self.failed("could not be fed").because(error))
            }
        }
    }

    fn answer(&self, status: ExitStatus, said: &[u8]) -> Answer {
        let how = match (status.code(), status.signal()) {
            (Some(0), _) => return Answer::Delivered,
            (Some(code), _) => format!("ended with status {code}"),
            (None, signal) => format!("was killed by signal {}", signal.unwrap_or_default()),
        };
        let mut error = self.failed(&how);
        let last = last_line(said);
        if !last.is_empty() {
            error = error.because(&last);
        }
        match status.code() {
            Some(DATA_ERROR) => Answer::Permanent(error.to_string()),
            Some(CONFIG_ERROR) => Answer::Misconfigured(error.hint(format!(
                "that status means wrong settings; see {}",
                self.place
            ))),
            _ => later(error),
        }
    }
}

/// Writes the lines and reads what it says, both as it can, until it has ended; none: the deadline passed.
fn feed(
    child: &mut Child,
    lines: &[u8],
    said: &mut Vec<u8>,
    deadline: Option<Instant>,
) -> io::Result<Option<ExitStatus>> {
    let (mut input, mut errors) = (child.stdin.take(), child.stderr.take());
    if let (Some(input), Some(errors)) = (&input, &errors) {
        rustix::io::ioctl_fionbio(input, true)?;
        rustix::io::ioctl_fionbio(errors, true)?;
    }
    let mut rest = lines;
    loop {
        if rest.is_empty() {
            input = None; // its end is the end of the load
        }
        let mut watched = Vec::with_capacity(2);
        watched.extend(
            input
                .as_ref()
                .map(|end| PollFd::from_borrowed_fd(end.as_fd(), PollFlags::OUT)),
        );
        watched.extend(
            errors
                .as_ref()
                .map(|end| PollFd::from_borrowed_fd(end.as_fd(), PollFlags::IN)),
        );
        let tick = Timespec {
            tv_sec: 0,
            tv_nsec: i64::from(TICK.subsec_nanos()),
        };
        // an interrupted wait is a short one
        let _ = poll(&mut watched, Some(&tick));
        if let Some(end) = &mut input {
            match end.write(rest) {
                Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                Err(error) if is_passing(&error) => {}
                // it reads no more; how it ends says what that means
                Err(error) if error.kind() == ErrorKind::BrokenPipe => rest = &[],
                Err(error) => return Err(error),
            }
        }
        if !listen(&mut errors, said)? {
            errors = None;
        }
        if let Some(status) = child.try_wait()? {
            listen(&mut errors, said)?;
            return Ok(Some(status));
        }
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Ok(None);
        }
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock)
}

/// Reads what is there and keeps the end of it; false: nothing will come any more.
fn listen(errors: &mut Option<impl Read>, said: &mut Vec<u8>) -> io::Result<bool> {
    let Some(errors) = errors else {
        return Ok(true);
    };
    let mut part = [0; SAID];
    // one that never stops talking must not keep us from looking at the clock
    for _ in 0..PARTS {
        match errors.read(&mut part) {
            Ok(0) => return Ok(false),
            Ok(count) => {
                said.extend(part.get(..count).unwrap_or_default());
                said.drain(..said.len().saturating_sub(SAID));
            }
            Err(error) if is_passing(&error) => return Ok(true),
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

/// Ends it and whatever it started.
fn kill(child: &mut Child) {
    let id = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    if let Some(group) = id {
        let _ = kill_process_group(group, Kill::KILL);
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// The last line that says something, fit to be shown.
fn last_line(said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    let last = said.lines().rev().find(|line| !line.trim().is_empty());
    let clean = redact::text(last.unwrap_or_default().trim());
    let cut: String = clean.chars().take(SHOWN).collect();
    shown::escape(&cut).into_owned()
}
