//! `obs span start|end|record`: one span across many commands and processes, without a daemon.

use super::attributes::{Gathered, is_attribute};
use super::parse::Parsed;
use super::scene::Scene;
use super::span_owners::owners;
use super::span_shell::{Shell, Step};
use super::span_target::target;
use super::{Call, fit, github};
use crate::error::Error;
use crate::journal::{LiveSpan, Signal};
use crate::model::context::{TraceContext, parse_traceparent, parse_tracestate};
use crate::model::ids::{SpanId, TraceId};
use crate::model::limits::Limits;
use crate::model::sampler;
use crate::model::{Kind, Record, Scope, Span, StatusCode, time, to_line};
use crate::world::{Stream, World};
use serde_json::Value;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// Runs `span start`.
pub(super) fn start(call: &Call<'_>, mut parsed: Parsed) -> Result<(), Error> {
    let (mut span, context) = begin(call, &mut parsed, "span start")?;
    let scene = Scene::of(call, None);
    let shell = Shell::of(&parsed, &scene.caller, call.world)?;
    let started = parsed.text("start");
    span.timestamp = call.time_of("start", started, &mut span.obs.invalid);
    let expires = parsed.text("ttl").map(|text| {
        time::parse_span(&text)
            .map(|length| call.now.saturating_add(length))
            .ok_or_else(|| {
                Error::usage(format!("`--ttl {text}` is no length of time"))
                    .hint("such as 90s, 15m, 2h, 7d")
            })
    });
    let owners = owners(call.world, parsed.text("owner"))?;
    span.pid = Some(owners.last().map_or(scene.pid, |owner| owner.pid));
    describe(&mut span, scene);
    let live = LiveSpan {
        owners,
        expires: expires.transpose()?,
        changed: call.now,
        done: false,
        reported: None,
        span,
    };
    let step = Step::into(
        call.world,
        &context,
        call.context.is_some(),
        !live.span.trace_state.is_empty(),
    );
    let name = live.span.name.clone();
    let kept = begin_live(call, context.span_id, live);
    shell.print(call.world, &step);
    github::open_group(call, &name);
    kept
}

/// Prints the step into a span that was refused: the next end is its own, and ends nothing.
pub(super) fn refuse(call: &Call<'_>, args: &[OsString]) {
    let caller = super::scene::Caller::of(&super::scene::calling(call.world).1);
    let mut before = args.iter().take_while(|word| *word != "--");
    let binds = before.any(|word| word == "-v" || word == "--bind");
    let shell = match call.world.binder().filter(|_| binds) {
        Some(bind) => Shell::Bind(bind),
        None => Shell::of_caller(&caller),
    };
    shell.print(call.world, &Step::refused(call.world));
}

/// Leaves the live file of a started span, clean of secrets.
pub(super) fn begin_live(call: &Call<'_>, id: SpanId, mut live: LiveSpan) -> Result<(), Error> {
    if call.disabled {
        return Ok(());
    }
    let mut record = Record::Span(Box::new(std::mem::take(&mut live.span)));
    super::deliver::clean(&mut record);
    if let Record::Span(clean) = record {
        live.span = *clean;
    }
    let kept = call.journal.start_live(&id, &live);
    if kept.is_err() {
        call.print_unsaved(&to_line(&live));
    }
    kept
}

/// The span and its context, from a command's words: a child of the given or the current context, else a root.
pub(super) fn begin(
    call: &Call<'_>,
    parsed: &mut Parsed,
    command: &str,
) -> Result<(Span, TraceContext), Error> {
    let Some(name) = parsed.take() else {
        return Err(Error::usage(format!("no name given to `obs {command}`"))
            .hint(format!("such as `obs {command} build`")));
    };
    let given = parsed
        .value("parent")
        .map(|header| (header.to_owned(), parse_traceparent(header.as_bytes())));
    let parent = match given {
        Some((header, None)) => {
            call.note(
                "traceparent",
                &format!("--parent is not valid: {}", header.display()),
            );
            None
        }
        Some((_, parent)) => parent,
        None if parsed.has("as") => None,
        None => call.context,
    };
    let mut gathered = attributes(call, parsed)?;
    let promised = promised(call, parsed, &mut gathered.notes.invalid);
    let context = promised
        .or_else(|| context(call, parent))
        .ok_or_else(|| Error::failure("no random bytes for a span id"))?;
    let kind = match parsed.text("kind") {
        None => Kind::Internal,
        Some(text) => Kind::parse(&text).unwrap_or_else(|| {
            gathered.notes.invalid.push(format!("kind={text}"));
            Kind::Internal
        }),
    };
    // the state belongs to the header that it came with
    let trace_state = parent
        .filter(|parent| Some(*parent) == call.context)
        .and_then(|_| parse_tracestate(call.world.var("TRACESTATE")?));
    let span = Span {
        timestamp: call.now,
        name: name.to_string_lossy().into_owned(),
        trace_id: context.trace_id.to_string(),
        span_id: context.span_id.to_string(),
        parent_span_id: parent
            .map(|parent| parent.span_id.to_string())
            .unwrap_or_default(),
        trace_state: trace_state.unwrap_or_default(),
        trace_flags: context.flags.to_string(),
        kind,
        attributes: gathered.attributes,
        obs: gathered.notes,
        ..Span::default()
    };
    Ok((span, context))
}

/// The ids that `--as` gives; a bad one is noted, and the span gets ids of its own.
fn promised(call: &Call<'_>, parsed: &Parsed, invalid: &mut Vec<String>) -> Option<TraceContext> {
    let header = parsed.value("as")?;
    let context = parse_traceparent(header.as_bytes());
    if context.is_none() {
        call.note(
            "traceparent",
            &format!("--as is not valid: {}", header.display()),
        );
        invalid.push(format!("as={}", header.to_string_lossy()));
    }
    context
}

/// A new context below `parent`, or a root; only roots ask the sampler.
fn context(call: &Call<'_>, parent: Option<TraceContext>) -> Option<TraceContext> {
    let (context, warning) = context_below(parent, call.world);
    if let Some(warning) = warning {
        call.note("sampler", &warning);
    }
    context
}

/// The same with the sampler's warning.
pub(super) fn context_below(
    parent: Option<TraceContext>,
    world: &World,
) -> (Option<TraceContext>, Option<String>) {
    let fresh = match parent {
        Some(parent) => parent.child(world.random()),
        None => TraceContext::root(world.random(), world.random(), true),
    };
    let Some(fresh) = fresh else {
        return (None, None);
    };
    let (sampled, warning) = sampled(world, parent.as_ref(), &fresh.trace_id);
    let flags = fresh.flags.with_sampled(sampled);
    (Some(TraceContext { flags, ..fresh }), warning)
}

/// What the sampler of the environment decides, and its warning.
pub(super) fn sampled(
    world: &World,
    parent: Option<&TraceContext>,
    trace: &TraceId,
) -> (bool, Option<String>) {
    let var = |name: &str| world.var(name);
    let (name, arg) = (var("OTEL_TRACES_SAMPLER"), var("OTEL_TRACES_SAMPLER_ARG"));
    sampler::sampled(name, arg, parent, trace)
}

/// The attributes among a span command's words.
pub(super) fn attributes(call: &Call<'_>, parsed: &Parsed) -> Result<Gathered, Error> {
    Gathered::of(call, parsed, "attributes").strictly("attribute")
}

/// Service, host and resource.
pub(super) fn describe(span: &mut Span, scene: Scene) {
    span.service = scene.service;
    span.host = scene.host;
    span.resource = scene.resource;
    span.scope = Scope {
        name: "obs".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
}

/// Runs `span end`.
pub(super) fn end(call: &Call<'_>, mut parsed: Parsed) -> Result<(), Error> {
    let mut invalid = Vec::new();
    let (code, message) = verdict(&mut parsed, &mut invalid);
    let mut gathered = Gathered::of(call, &parsed, "attributes");
    // nothing that a variable holds may keep a span from ending
    invalid.append(&mut gathered.others);
    gathered.notes.invalid.append(&mut invalid);
    let caller = super::scene::Caller::of(&super::scene::calling(call.world).1);
    let shell = Shell::of(&parsed, &caller, call.world)?;
    if !parsed.has("span")
        && let Some(step) = Step::out_of_refused(call.world)
    {
        shell.print(call.world, &step);
        return Ok(());
    }
    let (id, current) = target(call, &parsed)?;
    if current {
        shell.print(call.world, &Step::out(call.world));
        github::close_group(call);
    }
    if call.disabled {
        return Ok(());
    }
    let exit_code = parsed.text("exit-code");
    let end = parsed.text("end");
    let limits = limits(call);
    let ended = call.journal.end_live(&id, call.now, |live| {
        let span = &mut live.span;
        super::deliver::extend(&mut span.attributes, gathered.attributes);
        span.obs.invalid.extend(gathered.notes.invalid);
        span.obs.lossy |= gathered.notes.lossy;
        if let Some(text) = exit_code {
            exit(span, &text);
        }
        span.set_status(code, &message);
        let at = call.time_of("end", end, &mut span.obs.invalid);
        span.finish(at);
        finished(call, span, &limits)
    })?;
    match ended {
        Some((line, kept)) => call.judge(&line, kept),
        None => Err(Error::failure(format!("there is no started span {id}"))
            .hint("`obs spans` shows it if it has ended; a span of another OBS_HOME cannot be ended here")),
    }
}

/// STATUS and MESSAGE among the words of `span end`; a status that is none, as a variable may hold, is noted.
fn verdict(parsed: &mut Parsed, invalid: &mut Vec<String>) -> (StatusCode, String) {
    let plain = |word: &&str| !word.contains('=') && !word.starts_with('{');
    let first = parsed.words.first().and_then(|word| word.to_str());
    let Some(word) = first.filter(plain) else {
        return (StatusCode::Unset, String::new());
    };
    let code = StatusCode::parse(word).unwrap_or_else(|| {
        invalid.push(format!("status={word}"));
        StatusCode::Unset
    });
    parsed.take();
    let message = parsed
        .words
        .first()
        .map(|word| word.to_string_lossy().into_owned());
    // a sentence, or what is no attribute by its form
    let message = message.filter(|word| {
        !word.contains('=') || word.contains(' ') || !is_attribute(OsStr::new(word))
    });
    if message.is_some() {
        parsed.take();
    }
    (code, message.unwrap_or_default())
}

/// What an exit code says, by the CLI span conventions.
fn exit(span: &mut Span, text: &str) {
    let Ok(code) = text.parse::<i64>() else {
        span.obs.invalid.push(format!("exit-code={text}"));
        return;
    };
    span.attributes
        .insert("process.exit.code".to_owned(), Value::from(code));
    if code != 0 {
        span.attributes
            .entry("error.type")
            .or_insert_with(|| Value::from(code.to_string()));
        span.set_status(StatusCode::Error, &format!("exit code {code}"));
    }
}

/// The limits of spans in this environment.
pub(super) fn limits(call: &Call<'_>) -> Limits {
    let (limits, warnings) = Limits::for_spans(|name| call.world.var(name).map(str::to_owned));
    for warning in warnings {
        call.note("limit", &warning);
    }
    limits
}

/// Applies limits and redaction to a finished span; the answer is its line, and the span is what the line says.
pub(super) fn finished(call: &Call<'_>, span: &mut Span, limits: &Limits) -> Vec<u8> {
    let mut record = Record::Span(Box::new(std::mem::take(span)));
    // before the limits: half a secret is not known for one
    super::deliver::clean(&mut record);
    if let Record::Span(span) = &mut record {
        span.obs.dropped += limits.apply(&mut span.attributes);
        for event in &mut span.events {
            span.obs.dropped += limits.apply_to_event(&mut event.attributes);
        }
        for link in &mut span.links {
            span.obs.dropped += limits.apply_to_link(&mut link.attributes);
        }
    }
    let line = fit::line(&mut record, call.settings.record_bytes);
    if let Record::Span(done) = record {
        *span = *done;
    }
    line
}

/// Runs `span record`.
pub(super) fn record(call: &Call<'_>, mut parsed: Parsed) -> Result<(), Error> {
    let (mut span, mut context) = begin(call, &mut parsed, "span record")?;
    if !parsed.has("start") {
        return Err(Error::usage("no `--start` given to `obs span record`")
            .hint("such as --start \"$(date +%s%N)\", taken before the work"));
    }
    if let Some(given) = parsed.text("span") {
        match SpanId::parse(&given) {
            Some(id) => context.span_id = id,
            None => span.obs.invalid.push(format!("span={given}")),
        }
        span.span_id = context.span_id.to_string();
    }
    span.timestamp = call.time_of("start", parsed.text("start"), &mut span.obs.invalid);
    if let Some(text) = parsed.text("status") {
        match StatusCode::parse(&text) {
            Some(code) => span.set_status(code, &parsed.text("message").unwrap_or_default()),
            None => span.obs.invalid.push(format!("status={text}")),
        }
    }
    let end = call.time_of("end", parsed.text("end"), &mut span.obs.invalid);
    if end < span.timestamp {
        span.obs
            .invalid
            .push(format!("end={}", time::nanos_text(end)));
    }
    span.finish(end);
    let scene = Scene::of(call, None);
    span.pid = Some(scene.pid);
    describe(&mut span, scene);
    let line = finished(call, &mut span, &limits(call));
    let kept = call.keep(Signal::Spans, &line);
    if parsed.has("print-id") {
        let _ = call
            .world
            .write(Stream::Out, format!("{}\n", context.to_header()).as_bytes());
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Status;
    use crate::model::context::Flags;

    #[test]
    fn exit_code_makes_the_status() {
        let mut span = Span::default();
        exit(&mut span, "0");
        assert_eq!(span.status, Status::default());
        exit(&mut span, "3");
        assert_eq!(
            (span.status.code, span.status.message.as_str()),
            (StatusCode::Error, "exit code 3")
        );
        assert_eq!(span.attributes["error.type"], "3");
        assert_eq!(span.attributes["process.exit.code"], Value::from(3));
        exit(&mut span, "x");
        assert_eq!(span.obs.invalid, ["exit-code=x"]);
    }

    #[test]
    fn flags_are_two_digits() {
        assert_eq!(Flags::from_bits(3).to_string(), "03");
    }
}
