//! The hot way in: from the words of a hot command to one line in the journal. Runs inside somebody else's work: starts
//! no runtime, no thread, no program, opens no socket, and fails its caller only where the caller's own words are wrong.

mod agent;
mod around;
mod attributes;
mod ci;
mod console;
mod deliver;
mod emit;
mod events;
mod fit;
mod git_head;
mod github;
mod handed;
mod log;
mod metric;
mod own_span;
mod parse;
mod scene;
mod span;
mod span_change;
mod span_owners;
mod span_shell;
mod span_target;
mod stdin;
mod syntax;
pub mod words;
mod wrapped;

pub use wrapped::{Ending, Wanted, Wrapped};

pub use agent::{agent, fresh_trace, session_trace};
pub use around::Around;
pub use ci::{BRANCH, Ci, OF_TASK, Origin, PIPELINE, REVISION, RUN_ID, RUN_URL, RunTrace, TASK};
pub use events::{Teller, Telling, event_id};
pub use git_head::{Position, position};
pub use handed::handed;
pub use own_span::OwnSpan;
pub use syntax::Syntax;

use crate::error::{Error, Exit};
use crate::journal::{Journal, Place};
use crate::model::context::{TraceContext, parse_traceparent};
use crate::model::{Record, Span, ids, time};
use crate::settings::Settings;
use crate::world::World;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;
use words::Words;

/// What wrappers hand down to what they run: how deep they stand inside each other, the span, the tool.
pub const TRAIL: &str = "_OBS_SHIM";

/// One call of a hot command.
struct Call<'a> {
    world: &'a World,
    settings: &'a Settings,
    journal: Journal,
    now: i64,
    /// The trace context of the environment, where there is a valid one.
    context: Option<TraceContext>,
    /// The CI that we run in.
    ci: Option<Ci>,
    /// `OTEL_SDK_DISABLED`: nothing is journalled; the console and propagation go on.
    disabled: bool,
}

impl<'a> Call<'a> {
    fn new(world: &'a World, settings: &'a Settings) -> Self {
        let mut call = Self {
            world,
            settings,
            journal: open(world, settings),
            now: world.now(),
            context: None,
            ci: Ci::detect(world),
            disabled: world.says_true("OTEL_SDK_DISABLED"),
        };
        if let Some(header) = world.var_os("TRACEPARENT") {
            call.context = parse_traceparent(header.as_bytes());
            if call.context.is_none() {
                call.note(
                    "traceparent",
                    &format!("TRACEPARENT is not valid: {}", header.display()),
                );
            }
        }
        for complaint in &settings.complaints {
            call.note("setting", &complaint.to_string());
        }
        call
    }

    /// The trace and the span of the environment as records carry them; empty where there are none.
    fn ids(&self) -> (String, String) {
        self.context.map_or_else(Default::default, |context| {
            (context.trace_id.to_string(), context.span_id.to_string())
        })
    }

    /// Notes a trouble where `obs doctor` finds it, and says it with `OBS_DEBUG`.
    fn note(&self, what: &str, why: &str) {
        let why = crate::redact::text(why);
        if self.settings.debug {
            self.world.say(&format!("obs: {why}\n"));
        }
        if !self.disabled {
            self.journal.trouble(self.world.now(), what, &why);
        }
    }

    /// A new ULID of this moment.
    fn ulid(&self, at: i64) -> String {
        let millis = u64::try_from(at / 1_000_000).unwrap_or_default();
        ids::ulid(millis, self.world.random())
    }

    /// The time that `--time` gives.
    fn time(&self, given: Option<String>, invalid: &mut Vec<String>) -> i64 {
        self.time_of("time", given, invalid)
    }

    /// The time an option gives; none given is now. One that is no time is noted in `invalid`.
    fn time_of(&self, option: &str, given: Option<String>, invalid: &mut Vec<String>) -> i64 {
        let Some(text) = given else {
            return self.now;
        };
        time::parse(&text).unwrap_or_else(|| {
            invalid.push(format!("{option}={text}"));
            self.now
        })
    }
}

/// The journal of these settings.
pub fn open(world: &World, settings: &Settings) -> Journal {
    let place = Place {
        home: settings.home.clone(),
        temp: world.temp_dir(),
        user: world.user_id(),
        pid: world.pid(),
        random: u64::from_le_bytes(world.random()),
    };
    Journal::new(place)
        .lock_timeout(Duration::from_millis(settings.lock_timeout))
        .rotate_bytes(settings.rotate_bytes)
        .durable(settings.durable)
}

/// The line of a span that its owner did not end, as long as a record may be.
pub fn abandoned(span: Span, most: usize) -> Vec<u8> {
    fit::line(&mut Record::Span(Box::new(span)), most)
}

/// Finds the hot command that these words begin with, and the words that follow it.
pub fn find(args: &[OsString]) -> Option<(&'static Words, &[OsString])> {
    let [first, rest @ ..] = args else {
        return None;
    };
    let first = first.to_str()?;
    if let Some(words) = words::find(first) {
        return Some((words, rest));
    }
    let [second, after @ ..] = rest else {
        return None;
    };
    let words = words::find(&format!("{first} {}", second.to_str()?))?;
    Some((words, after))
}

/// True where the words ask for help rather than a record. Of `log` only a lone word does: it may be a message.
pub fn wants_help(words: &Words, args: &[OsString]) -> bool {
    let help = |word: &OsString| word == "--help" || word == "-h";
    match words.name {
        "log" => args.len() == 1 && args.iter().any(help),
        // later words may be data: what a variable holds must not become help, which a shell may eval
        _ => args.first().is_some_and(help),
    }
}

/// How a hot command came out.
#[derive(Debug)]
pub struct Ran {
    /// What it answers.
    pub exit: Exit,
    /// The caller is to start a drain in the background.
    pub wants_drain: bool,
}

/// Runs a hot command. An error is the caller's wrong words, or, with `OBS_STRICT`, a record that was not accepted.
pub fn run(words: &'static Words, args: &[OsString], world: &World) -> Result<Ran, Error> {
    let (args, is_cut) = stdin::further(args, world);
    let args = &*args;
    let mut settings = Settings::load(world);
    settings.durable |= asks_durable(words, args);
    let call = Call::new(world, &settings);
    if is_cut {
        call.note("words", "more than 64 MiB of words: the rest was left out");
    }
    let done = match words.name {
        "log" => log::run(&call, parse::log(words, args)),
        name => {
            let parsed = parse::strict(words, args).inspect_err(|_| refused(&call, name, args))?;
            match name {
                "emit" => emit::run(&call, parsed),
                "metric inc" | "metric set" | "metric observe" => metric::run(&call, words, parsed),
                "span start" => span::start(&call, parsed),
                "span end" => span::end(&call, parsed),
                "span record" => span::record(&call, parsed),
                _ => span_change::run(&call, words, parsed),
            }
        }
    };
    match done {
        Err(error) if error.code() == 2 => {
            refused(&call, words.name, args);
            Err(error)
        }
        Err(error) if settings.strict => Err(error),
        done => {
            if let Err(error) = done {
                call.note("unsaved", &error.to_string());
            }
            Ok(Ran {
                exit: Exit::Done,
                wants_drain: wants_drain(&settings, &call.journal, world),
            })
        }
    }
}

/// True where a sink is configured and it is time to start a drain in the background; asked once, the answer is no for a
/// while.
pub fn wants_drain(settings: &Settings, journal: &Journal, world: &World) -> bool {
    settings.flush && !world.says_true("OTEL_SDK_DISABLED") && journal.claim_drain(world.now())
}

/// A start that is refused still prints what the shell must eval: the end that goes with it must not end its parent.
fn refused(call: &Call<'_>, name: &str, args: &[OsString]) {
    if name == "span start" {
        span::refuse(call, args);
    }
}

/// `--durable` among a command's options; the parser that sorts them comes after the journal is opened.
fn asks_durable(words: &Words, args: &[OsString]) -> bool {
    let known = words.options.iter().any(|option| option.long == "durable");
    let mut before = args.iter().take_while(|word| *word != "--");
    known && before.any(|word| word == OsStr::new("--durable"))
}
