//! Running a command inside its span: `obs span exec`, the shims, the backlog face. Whatever goes wrong with the record,
//! the command runs, and we end as it did; everything of ours runs behind one `catch`.

use super::behind::start_if_due;
use crate::capture::{Ending, Wanted, Wrapped};
use crate::child::{
    self, Behind, Ended, Found, Limits, Missing, Program, Refused, Shield, Tail, Waited, Watch,
};
use crate::error::Error;
use crate::model::Attributes;
use crate::model::context::TraceContext;
use crate::settings::Settings;
use crate::world::World;
use serde_json::Value;
use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::panic::{self, AssertUnwindSafe};
use std::time::Duration;

/// How long the caller waits for a record after the command has ended.
const PATIENCE: Duration = Duration::from_millis(800);

/// What else is done around a command.
pub(super) trait Around: Watch {
    /// Before it starts.
    fn before(&mut self);
    /// It is about to start inside this span.
    fn inside(&mut self, context: TraceContext);
    /// After it has ended.
    fn after(&mut self);
}

/// Looking around must not harm the waiting.
struct Guarded<'a>(&'a mut dyn Around);

impl Watch for Guarded<'_> {
    fn pause(&self) -> Duration {
        self.0.pause()
    }

    fn look(&mut self) {
        guarded(|| self.0.look());
    }
}

/// A command to run.
pub(super) struct Job<'a> {
    /// What was asked for.
    pub(super) wanted: Wanted,
    /// The command's own name for itself, where that is not what it is found by.
    pub(super) argv0: Option<OsString>,
    /// Who speaks when it cannot be run.
    pub(super) voice: &'static str,
    /// What else is done.
    pub(super) around: Option<Box<dyn Around + 'a>>,
}

/// Runs `obs span exec`; the answer is the exit code.
pub fn exec(world: &World, args: &[OsString]) -> Result<u8, Error> {
    let wanted = Wanted::read(args)?;
    let Some(mut settings) = settings(world) else {
        return Ok(bare(world, &wanted.command, "obs: "));
    };
    settings.durable |= wanted.durable;
    let job = Job {
        wanted,
        argv0: None,
        voice: "obs: ",
        around: None,
    };
    Ok(run(world, &settings, job))
}

/// Runs the tool that we were called as.
pub fn tool(world: &World) -> u8 {
    let mut command = world.args().to_vec();
    let argv0 = command.first().cloned();
    if let (Some(first), Some(name)) = (command.first_mut(), world.called_name()) {
        name.clone_into(first);
    }
    let Some(settings) = settings(world) else {
        return bare(world, &command, "");
    };
    let job = Job {
        wanted: Wanted::tool(command),
        argv0,
        voice: "",
        around: None,
    };
    run(world, &settings, job)
}

/// The settings of a wrapper, which must not die of reading them; none after a bug of ours.
pub(super) fn settings(world: &World) -> Option<Settings> {
    panic::set_hook(Box::new(|_| {})); // it would print into somebody else's terminal
    let _shield = Shield::up(); // the command must get these signals as the caller had them
    guarded(|| Settings::load(world))
}

/// Runs a command of which nothing can be recorded.
pub(super) fn bare(world: &World, command: &[OsString], voice: &str) -> u8 {
    let name = command.first().map_or(OsStr::new(""), |name| name);
    match child::find(name, world) {
        Ok(found) => replace_us(world, &found, command, voice),
        Err(missing) => {
            say(world, voice, named(name, &missing), missing.why);
            missing.code
        }
    }
}

/// Nothing of ours may harm the command: an error is none of its business, and neither is a panic.
fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    panic::catch_unwind(AssertUnwindSafe(work)).ok()
}

/// Runs a command; the answer is our exit code, unless we die as it did.
pub(super) fn run(world: &World, settings: &Settings, job: Job<'_>) -> u8 {
    let mut command = job.wanted.command.clone();
    let name = command.first().cloned().unwrap_or_default();
    let found = match child::find(&name, world) {
        Ok(found) => found,
        Err(missing) => return absent(world, settings, job, &name, &missing),
    };
    if let (Some(first), Some(argv0)) = (command.first_mut(), &job.argv0) {
        // a path to the link is no name of the command's
        let is_path = argv0.as_encoded_bytes().contains(&b'/');
        *first = match is_path || found.looks_for_itself() {
            true => found.file.clone().into_os_string(),
            false => argv0.clone(),
        };
    }
    if job.argv0.is_some() && found.is_endless() {
        let missing = Missing::new(126, "runs itself again and again");
        return absent(world, settings, job, &name, &missing);
    }
    let is_recorded = settings.shim && !found.trail.is_deepest();
    let mut around = job.around.filter(|_| is_recorded);
    if let Some(around) = &mut around {
        guarded(|| around.before());
    }
    let (timeout, tail) = (job.wanted.timeout, job.wanted.output_tail);
    let begin = || Wrapped::begin(world, settings, job.wanted, Some(&found.file)).ok();
    let wrapped = is_recorded.then(|| guarded(begin).flatten()).flatten();
    let is_idle = wrapped.as_ref().is_none_or(Wrapped::is_disabled);
    let run = Run {
        world,
        voice: job.voice,
        name,
        settings,
        wrapped,
        around,
        limits: Limits { timeout },
        tail: tail.and_then(|lines| Tail::new(lines).ok()),
    };
    match is_idle && timeout.is_none() && run.tail.is_none() {
        true => run.in_our_place(&found, &command),
        false => run.whole(&found, &command),
    }
}

/// There is nothing to run: says so as a shell does, and records that.
fn absent(world: &World, settings: &Settings, job: Job<'_>, name: &OsStr, missing: &Missing) -> u8 {
    say(world, job.voice, named(name, missing), missing.why);
    child::open_standard();
    child::ignore_write_signals();
    if !settings.shim {
        return missing.code;
    }
    guarded(|| {
        let wrapped = Wrapped::begin(world, settings, job.wanted, None).ok()?;
        wrapped.failed_to_start(missing.code)
    });
    missing.code
}

/// What a shell calls a program that it cannot run.
fn named<'a>(name: &'a OsStr, missing: &'a Missing) -> &'a OsStr {
    missing.file.as_ref().map_or(name, |file| file.as_os_str())
}

fn say(world: &World, voice: &str, name: &OsStr, why: &str) {
    world.say(&format!("{voice}{}: {why}\n", name.display()));
}

/// Becomes the command: nothing is recorded.
fn replace_us(world: &World, found: &Found, command: &[OsString], voice: &str) -> u8 {
    let Some(program) = Program::new(&found.file, command, &found.env(world)) else {
        return 126;
    };
    let name = command.first().map_or(OsStr::new(""), |name| name);
    refused(world, voice, name, &program.replace_us())
}

fn refused(world: &World, voice: &str, name: &OsStr, refused: &Refused) -> u8 {
    let why = refused.why.to_string();
    let why = match refused.code {
        127 => "cannot execute: required file not found", // its interpreter, for the file itself is there
        _ => why.split(" (os error").next().unwrap_or_default(),
    };
    say(world, voice, name, why);
    refused.code
}

/// A command that is about to run.
struct Run<'a> {
    world: &'a World,
    voice: &'static str,
    name: OsString,
    settings: &'a Settings,
    /// None where nothing is recorded.
    wrapped: Option<Wrapped<'a>>,
    around: Option<Box<dyn Around + 'a>>,
    limits: Limits,
    tail: Option<Tail>,
}

impl<'a> Run<'a> {
    /// The environment of the command; `span` is what it says of ours to wrappers inside.
    fn env(&self, found: &Found, span: Option<&str>) -> Vec<Cow<'static, OsStr>> {
        match &self.wrapped {
            Some(wrapped) => wrapped.env(&found.trail.value(span.unwrap_or("-"))),
            None => found.env(self.world),
        }
    }

    fn in_our_place(self, found: &Found, command: &[OsString]) -> u8 {
        match Program::new(&found.file, command, &self.env(found, None)) {
            Some(program) => refused(self.world, self.voice, &self.name, &program.replace_us()),
            None => 126,
        }
    }

    /// Everything that is done with the record; without one nothing.
    fn record(wrapped: &mut Option<Wrapped<'a>>, work: impl FnOnce(&mut Wrapped<'a>)) {
        if let Some(wrapped) = wrapped {
            guarded(|| work(wrapped));
        }
    }

    fn whole(mut self, found: &Found, command: &[OsString]) -> u8 {
        let id = self
            .wrapped
            .as_ref()
            .map(|wrapped| wrapped.context().span_id.to_string());
        let env = self.env(found, id.as_deref());
        let Some(mut program) = Program::new(&found.file, command, &env) else {
            return 126;
        };
        if let Some(streams) = self.tail.as_ref().and_then(Tail::writers) {
            program = program.into_streams(streams);
        }
        if let (Some(around), Some(wrapped)) = (&mut self.around, &self.wrapped) {
            around.inside(wrapped.context());
        }
        let started = self.world.now();
        let mut running = match program.start() {
            Ok(running) => running,
            Err(None) => return refused(self.world, self.voice, &self.name, &program.replace_us()),
            Err(Some(reason)) => {
                let code = refused(self.world, self.voice, &self.name, &reason);
                child::open_standard();
                child::ignore_write_signals();
                guarded(|| self.wrapped.map(|wrapped| wrapped.failed_to_start(code)));
                return code;
            }
        };
        child::let_go(&self.tail.as_mut().map(Tail::started).unwrap_or_default());
        child::ignore_write_signals();
        let pid = running.pid();
        Self::record(&mut self.wrapped, |wrapped| wrapped.started(pid, started));
        let mut watch = self.around.as_mut().map(|around| Guarded(&mut **around));
        let watch = watch.as_mut().map(|watch| watch as &mut dyn Watch);
        let waited = running.wait(self.limits, watch, self.tail.as_mut());
        drop(running);
        self.after(&waited)
    }

    /// The command has ended: records that, and ends the same way.
    fn after(mut self, waited: &Waited) -> u8 {
        let ended = match waited.timed_out {
            true => Ended::Code(124), // as timeout(1)
            false => waited.ended,
        };
        // what holds the caller's streams goes before anything can go on behind its back
        let tail = self.tail.take().map(|tail| tail.text());
        let behind = Behind::after(PATIENCE, ended);
        if let Some(around) = &mut self.around {
            guarded(|| around.after());
        }
        guarded(|| {
            self.wrapped
                .map(|wrapped| wrapped.ended(ending(waited, tail)))
        });
        guarded(|| start_if_due(self.world, self.settings));
        drop(behind);
        ended.follow()
    }
}

fn ending(waited: &Waited, tail: Option<String>) -> Ending {
    let mut more = Attributes::new();
    let usage = &waited.usage;
    let mut add = |key: &str, value: Value| drop(more.insert(key.to_owned(), value));
    add("process.cpu.time.user", usage.user.as_secs_f64().into());
    add("process.cpu.time.system", usage.system.as_secs_f64().into());
    add("process.memory.usage.max", usage.memory.into());
    if let Some(tail) = tail.filter(|tail| !tail.is_empty()) {
        add("process.output.tail", tail.into());
    }
    Ending {
        code: waited.ended.code(),
        signal: waited.ended.signal_name(),
        timed_out: waited.timed_out,
        more,
    }
}
