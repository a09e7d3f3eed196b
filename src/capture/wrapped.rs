//! The span of a wrapped command: its context before the command starts, its live file while it runs, its record when
//! it has ended. Names by the semantic conventions for CLI programs (OpenTelemetry, cli-spans).

use super::parse::{self, Parsed};
use super::scene::Scene;
use super::words;
use super::{Call, TRAIL, deliver, span};
use crate::error::Error;
use crate::journal::{LiveSpan, OwnLive, Owner, Signal};
use crate::model::context::TraceContext;
use crate::model::{Attributes, Kind, Record, Span, StatusCode};
use crate::redact;
use crate::settings::Settings;
use crate::world::World;
use serde_json::Value;
use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::time::Duration;

/// The words of `obs span exec`, settled.
#[derive(Debug)]
pub struct Wanted {
    parsed: Parsed,
    /// The command and its words.
    pub command: Vec<OsString>,
    /// How long it may run.
    pub timeout: Option<Duration>,
    /// How many lines of its output are kept.
    pub output_tail: Option<usize>,
    /// The record is to be on the disk before we end.
    pub durable: bool,
}

/// How a command ended, as its span tells.
#[derive(Debug, Default)]
pub struct Ending {
    /// Exit code, as a shell shows it.
    pub code: u8,
    /// The signal that it died by.
    pub signal: Option<String>,
    /// Its time was up.
    pub timed_out: bool,
    /// Further attributes: what it used, the end of its output.
    pub more: Attributes,
}

/// The span of a command that is about to run.
pub struct Wrapped<'a> {
    call: Call<'a>,
    span: Span,
    context: TraceContext,
    live: Option<OwnLive>,
}

impl Wanted {
    /// Reads the words behind `obs span exec`.
    pub fn read(args: &[OsString]) -> Result<Self, Error> {
        let (parsed, command) = parse::exec(&words::EXEC, args)?;
        if command.is_empty() {
            return Err(Error::usage("no command given to `obs span exec`")
                .hint("such as `obs span exec -n build -- make all`"));
        }
        let timeout = parsed.text("timeout").map(|text| {
            crate::model::time::parse_span(&text)
                .and_then(|nanos| u64::try_from(nanos).ok())
                .filter(|nanos| *nanos > 0)
                .map(Duration::from_nanos)
                .ok_or_else(|| wrong("timeout", &text, "a length of time, such as 90s, 15m, 2h"))
        });
        let output_tail = parsed.text("output-tail").map(|text| {
            let lines = text.parse::<usize>().ok().filter(|lines| *lines > 0);
            lines.ok_or_else(|| wrong("output-tail", &text, "a number of lines"))
        });
        Ok(Self {
            command: command.to_vec(),
            timeout: timeout.transpose()?,
            output_tail: output_tail.transpose()?,
            durable: parsed.has("durable"),
            parsed,
        })
    }

    /// A tool that runs because its own name was called.
    pub fn tool(command: Vec<OsString>) -> Self {
        Self {
            parsed: Parsed::default(),
            command,
            timeout: None,
            output_tail: None,
            durable: false,
        }
    }
}

fn wrong(option: &str, text: &str, needed: &str) -> Error {
    Error::usage(format!("`--{option} {}` is wrong", redact::text(text)))
        .hint(format!("it takes {needed}"))
}

impl<'a> Wrapped<'a> {
    /// The span of the command, not begun yet. `file` is the program that was found for it.
    pub fn begin(
        world: &'a World,
        settings: &'a Settings,
        mut wanted: Wanted,
        file: Option<&Path>,
    ) -> Result<Self, Error> {
        let call = Call::new(world, settings);
        let program = wanted.command.first().cloned().unwrap_or_default();
        let name = Path::new(&program).file_name().unwrap_or(&program);
        let given = wanted.parsed.value("name").map(OsStr::to_owned);
        wanted
            .parsed
            .words
            .insert(0, given.unwrap_or_else(|| name.to_owned()));
        let (mut span, context) = span::begin(&call, &mut wanted.parsed, "span exec")?;
        if !wanted.parsed.has("kind") {
            span.kind = Kind::Client;
        }
        let words: Vec<String> = wanted
            .command
            .iter()
            .map(|word| word.to_string_lossy().into_owned())
            .collect();
        let mut attributes = Attributes::new();
        let mut add = |key: &str, value: Value| drop(attributes.insert(key.to_owned(), value));
        add("process.executable.name", name.to_string_lossy().into());
        if let Some(file) = file {
            add("process.executable.path", file.to_string_lossy().into());
        }
        add("process.command_args", redact::command_line(&words).into());
        deliver::extend(&mut attributes, std::mem::take(&mut span.attributes));
        span.attributes = attributes;
        Ok(Self {
            call,
            span,
            context,
            live: None,
        })
    }

    /// The span's context: what happens inside the command has it for a parent.
    pub fn context(&self) -> TraceContext {
        self.context
    }

    /// True where nothing is recorded (`OTEL_SDK_DISABLED`).
    pub fn is_disabled(&self) -> bool {
        self.call.disabled
    }

    /// The environment of the command: ours, byte for byte, but for the trace context and what wrappers hand down.
    pub fn env(&self, trail: &OsStr) -> Vec<Cow<'static, OsStr>> {
        let pair = |name: &str, value: &OsStr| {
            let bytes = [name.as_bytes(), b"=", value.as_bytes()].concat();
            Cow::Owned(OsString::from_vec(bytes))
        };
        let mut env = self.call.world.env().to_vec();
        let mut set = |name: &str, value: Option<&OsStr>| {
            let named = |found: &Cow<'_, OsStr>| {
                found.as_bytes().starts_with(name.as_bytes())
                    && found.as_bytes().get(name.len()) == Some(&b'=')
            };
            let place = env.iter().position(named);
            match (place.and_then(|at| env.get_mut(at)), value) {
                (Some(slot), Some(value)) => *slot = pair(name, value),
                (None, Some(value)) => env.push(pair(name, value)),
                (_, None) => env.retain(|found| !named(found)),
            }
        };
        set("TRACEPARENT", Some(OsStr::new(&self.context.to_header())));
        // a state belongs to the trace that it came with
        if self.span.trace_state.is_empty() {
            set("TRACESTATE", None);
        }
        set(TRAIL, Some(trail));
        env
    }

    /// The command runs: the span lives with us from now on.
    pub fn started(&mut self, pid: u32, started: i64) {
        let call = &self.call;
        self.span.timestamp = started;
        let scene = Scene::of(call, None);
        self.span.pid = Some(call.world.pid());
        span::describe(&mut self.span, scene);
        let attributes = &mut self.span.attributes;
        attributes.insert("process.pid".to_owned(), Value::from(pid));
        if call.disabled {
            return;
        }
        let mut record = Record::Span(Box::new(std::mem::take(&mut self.span)));
        deliver::clean(&mut record);
        if let Record::Span(clean) = record {
            self.span = *clean;
        }
        let live = LiveSpan {
            owners: Owner::of(call.world.pid(), call.world)
                .into_iter()
                .collect(),
            expires: None,
            changed: started,
            done: false,
            reported: None,
            span: self.span.clone(),
        };
        match call.journal.start_own(self.context.span_id, live) {
            Ok(own) => self.live = Some(own),
            Err(error) => call.note("live", &error.to_string()),
        }
    }

    /// There was nothing to start, or it did not: the span is a moment.
    pub fn failed_to_start(mut self, code: u8) -> Option<()> {
        let scene = Scene::of(&self.call, None);
        self.span.pid = Some(self.call.world.pid());
        span::describe(&mut self.span, scene);
        let ending = Ending {
            code,
            ..Ending::default()
        };
        self.ended(ending).ok()
    }

    /// The command has ended: the span becomes a record.
    pub fn ended(mut self, ending: Ending) -> Result<(), Error> {
        if self.call.disabled {
            return Ok(());
        }
        self.call.now = self.call.world.now();
        let now = self.call.now;
        let limits = span::limits(&self.call);
        let call = &self.call;
        let finish = |span: &mut Span| {
            settle(span, ending);
            span.finish(now);
            span::finished(call, span, &limits)
        };
        let Some(own) = self.live.take() else {
            let line = finish(&mut self.span);
            return call.judge_silently(call.journal.append(Signal::Spans, &line, now));
        };
        let kept = call
            .journal
            .end_own(own, now, |live| finish(&mut live.span))?;
        call.judge_silently(kept)
    }
}

/// What an ending says, by the conventions: an exit code of 0 is success and sets no status.
fn settle(span: &mut Span, ending: Ending) {
    let Ending {
        code,
        signal,
        timed_out,
        more,
    } = ending;
    deliver::extend(&mut span.attributes, more);
    let mut set = |key: &str, value: Value| drop(span.attributes.insert(key.to_owned(), value));
    set("process.exit.code", Value::from(code));
    let (kind, message) = match (timed_out, signal) {
        (true, _) => ("timeout".to_owned(), "its time was up".to_owned()),
        (false, Some(signal)) => {
            set("process.exit.signal", Value::from(signal.as_str()));
            (signal.clone(), format!("ended by {signal}"))
        }
        (false, None) if code == 0 => return,
        (false, None) => (code.to_string(), format!("exit code {code}")),
    };
    if !span.attributes.contains_key("error.type") {
        span.attributes
            .insert("error.type".to_owned(), Value::from(kind));
    }
    span.set_status(StatusCode::Error, &message);
}
