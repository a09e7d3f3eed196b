//! Running a command inside its span: `obs span exec`, the shims, the backlog face. Whatever goes wrong with the record,
//! the command runs, and we end as it did; everything of ours runs behind one `catch`.

use crate::capture::{Ending, Wanted, Wrapped};
use crate::child::{
    self, Behind, Ended, Found, Limits, Missing, Program, Refused, Tail, Waited, Watch,
};
use crate::error::Error;
use crate::model::Attributes;
use crate::model::context::TraceContext;
use crate::settings::Settings;
use crate::world::World;
use serde_json::Value;
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
    /// Who speaks when it cannot be run.
    pub(super) voice: &'static str,
    /// What else is done.
    pub(super) around: Option<Box<dyn Around + 'a>>,
}

/// Runs `obs span exec`; the answer is the exit code.
pub fn exec(world: &World, args: &[OsString]) -> Result<u8, Error> {
    let settings = Settings::load(world);
    let job = Job {
        wanted: Wanted::read(args)?,
        voice: "obs: ",
        around: None,
    };
    Ok(run(world, &settings, job))
}

/// Runs the tool that we were called as.
pub fn tool(world: &World) -> u8 {
    let settings = Settings::load(world);
    let mut command = world.args().to_vec();
    if let (Some(first), Some(name)) = (command.first_mut(), world.called_name()) {
        name.clone_into(first); // argv[0] may hold a path to the link
    }
    let job = Job {
        wanted: Wanted::tool(command),
        voice: "",
        around: None,
    };
    run(world, &settings, job)
}

/// Nothing of ours may harm the command: an error is none of its business, and neither is a panic.
fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    panic::catch_unwind(AssertUnwindSafe(work)).ok()
}

/// Runs a command; the answer is our exit code, unless we die as it did.
pub(super) fn run(world: &World, settings: &Settings, job: Job<'_>) -> u8 {
    panic::set_hook(Box::new(|_| {})); // it would print into somebody else's terminal
    let command = job.wanted.command.clone();
    let name = command.first().cloned().unwrap_or_default();
    let found = match child::find(&name, world) {
        Ok(found) => found,
        Err(missing) => return absent(world, settings, job, &name, &missing),
    };
    if found.trail.is_deepest() || !settings.shim {
        return replace_us(world, &found, &command, job.voice);
    }
    let mut around = job.around;
    if let Some(around) = &mut around {
        guarded(|| around.before());
    }
    let (timeout, tail) = (job.wanted.timeout, job.wanted.output_tail);
    let begin = || Wrapped::begin(world, settings, job.wanted, Some(&found.file)).ok();
    let Some(wrapped) = guarded(begin)
        .flatten()
        .filter(|wrapped| !wrapped.is_disabled() || tail.is_some() || timeout.is_some())
    else {
        return replace_us(world, &found, &command, job.voice);
    };
    if let Some(around) = &mut around {
        around.inside(wrapped.context());
    }
    let run = Run {
        world,
        voice: job.voice,
        name,
        wrapped,
        around,
        limits: Limits { timeout },
        tail: tail.and_then(|lines| Tail::new(lines).ok()),
    };
    run.whole(&found, &command)
}

/// There is nothing to run: says so as a shell does, and records that.
fn absent(world: &World, settings: &Settings, job: Job<'_>, name: &OsStr, missing: &Missing) -> u8 {
    say(world, job.voice, name, missing.why);
    child::open_standard();
    child::ignore_write_signals();
    guarded(|| {
        let wrapped = Wrapped::begin(world, settings, job.wanted, None).ok()?;
        wrapped.failed_to_start(missing.code)
    });
    missing.code
}

fn say(world: &World, voice: &str, name: &OsStr, why: &str) {
    world.say(&format!("{voice}{}: {why}\n", name.display()));
}

/// Becomes the command: nothing is recorded.
fn replace_us(world: &World, found: &Found, command: &[OsString], voice: &str) -> u8 {
    let Some(program) = Program::new(&found.file, command, &found.env(world)) else {
        return 126;
    };
    refused(
        world,
        voice,
        command.first().map_or(OsStr::new(""), |name| name),
        &program.replace_us(),
    )
}

fn refused(world: &World, voice: &str, name: &OsStr, refused: &Refused) -> u8 {
    let why = refused.why.to_string();
    say(
        world,
        voice,
        name,
        why.split(" (os error").next().unwrap_or_default(),
    );
    refused.code
}

/// A command that is about to run.
struct Run<'a> {
    world: &'a World,
    voice: &'static str,
    name: OsString,
    wrapped: Wrapped<'a>,
    around: Option<Box<dyn Around + 'a>>,
    limits: Limits,
    tail: Option<Tail>,
}

impl Run<'_> {
    fn whole(mut self, found: &Found, command: &[OsString]) -> u8 {
        let span_id = self.wrapped.context().span_id.to_string();
        let env = self.wrapped.env(&found.trail.value(&span_id));
        let Some(mut program) = Program::new(&found.file, command, &env) else {
            return 126;
        };
        if let Some(streams) = self.tail.as_ref().and_then(Tail::writers) {
            program = program.into_streams(streams);
        }
        let started = self.world.now();
        let mut running = match program.start() {
            Ok(running) => running,
            Err(None) => return refused(self.world, self.voice, &self.name, &program.replace_us()),
            Err(Some(reason)) => {
                let code = refused(self.world, self.voice, &self.name, &reason);
                child::open_standard();
                child::ignore_write_signals();
                guarded(|| self.wrapped.failed_to_start(code));
                return code;
            }
        };
        child::let_go(&self.tail.as_mut().map(Tail::started).unwrap_or_default());
        child::ignore_write_signals();
        let pid = running.pid();
        guarded(|| self.wrapped.started(pid, started));
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
        let behind = Behind::after(PATIENCE, ended);
        guarded(|| {
            if let Some(around) = &mut self.around {
                guarded(|| around.after());
            }
            let tail = self.tail.as_ref().map(Tail::text);
            self.wrapped.ended(ending(waited, tail))
        });
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
