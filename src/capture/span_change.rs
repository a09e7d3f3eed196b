//! `obs span event|set|link|status`: changes of a started span, from any process.

use super::parse::Parsed;
use super::span::{attributes, limits};
use super::span_target::target;
use super::words::Words;
use super::{Call, deliver};
use crate::error::Error;
use crate::journal::{Change, LiveSpan};
use crate::model::context::parse_traceparent;
use crate::model::{Link, Record, Span, SpanEvent, StatusCode};
use crate::redact;
use std::os::unix::ffi::OsStrExt;

/// Runs one of the commands.
pub(super) fn run(call: &Call<'_>, words: &Words, mut parsed: Parsed) -> Result<(), Error> {
    let hint = || format!("`obs {} --help` shows what it takes", words.name);
    let missing =
        |what: &str| Error::usage(format!("no {what} given to `obs {}`", words.name)).hint(hint());
    match words.name {
        "span event" => {
            let name = parsed.take().ok_or_else(|| missing("name"))?;
            event(call, &parsed, name.to_string_lossy().into_owned())
        }
        "span link" => {
            let other = parsed.take().ok_or_else(|| missing("traceparent"))?;
            link(call, &parsed, other.as_bytes())
        }
        "span status" => {
            let code = parsed.take().ok_or_else(|| missing("status"))?;
            status(call, parsed, &code.to_string_lossy())
        }
        _ => set(call, &parsed, missing("attribute")),
    }
}

fn event(call: &Call<'_>, parsed: &Parsed, name: String) -> Result<(), Error> {
    let mut gathered = attributes(call, parsed)?;
    let timestamp = call.time(parsed.text("time"), &mut gathered.notes.invalid);
    let most = limits(call).event_count;
    let event = SpanEvent {
        timestamp,
        name,
        attributes: gathered.attributes,
    };
    change(call, parsed, |span| {
        span.obs.invalid.extend(gathered.notes.invalid);
        span.obs.lossy |= gathered.notes.lossy;
        match span.events.len() < most {
            true => span.events.push(event),
            false => span.obs.dropped += 1,
        }
    })
}

fn link(call: &Call<'_>, parsed: &Parsed, other: &[u8]) -> Result<(), Error> {
    let gathered = attributes(call, parsed)?;
    let most = limits(call).link_count;
    let context = parse_traceparent(other);
    let given = redact::text(&String::from_utf8_lossy(other)).into_owned();
    change(call, parsed, |span| {
        span.obs.invalid.extend(gathered.notes.invalid);
        span.obs.lossy |= gathered.notes.lossy;
        match context {
            None => span.obs.invalid.push(format!("link={given}")),
            Some(_) if span.links.len() >= most => span.obs.dropped += 1,
            Some(context) => span.links.push(Link {
                trace_id: context.trace_id.to_string(),
                span_id: context.span_id.to_string(),
                trace_state: String::new(),
                attributes: gathered.attributes,
            }),
        }
    })
}

fn status(call: &Call<'_>, mut parsed: Parsed, word: &str) -> Result<(), Error> {
    let code = StatusCode::parse(word);
    let wrong = format!("status={}", redact::text(word)); // as a variable may hold
    let message = parsed
        .take()
        .map(|word| word.to_string_lossy().into_owned())
        .unwrap_or_default();
    if let Some(word) = parsed.take() {
        let what = format!(
            "`{}` is one word too many",
            redact::text(&word.to_string_lossy())
        );
        return Err(Error::usage(what).hint("quote the message"));
    }
    change(call, &parsed, |span| match code {
        Some(code) => span.set_status(code, &message),
        None => span.obs.invalid.push(wrong),
    })
}

fn set(call: &Call<'_>, parsed: &Parsed, missing: Error) -> Result<(), Error> {
    let gathered = attributes(call, parsed)?;
    let name = parsed.text("name");
    if gathered.attributes.is_empty() && gathered.notes.invalid.is_empty() && name.is_none() {
        return Err(missing);
    }
    change(call, parsed, |span| {
        deliver::extend(&mut span.attributes, gathered.attributes);
        span.obs.invalid.extend(gathered.notes.invalid);
        span.obs.lossy |= gathered.notes.lossy;
        if let Some(name) = name {
            span.name = name;
        }
    })
}

/// Changes the span under its lock; what it then says is free of secrets, on disk too.
fn change(call: &Call<'_>, parsed: &Parsed, change: impl FnOnce(&mut Span)) -> Result<(), Error> {
    if call.disabled {
        return Ok(());
    }
    let (id, _) = target(call, parsed)?;
    let found = call.journal.change_live(&id, |live: &mut LiveSpan| {
        if live.done {
            return Change::Leave;
        }
        change(&mut live.span);
        live.changed = call.now;
        let mut record = Record::Span(Box::new(std::mem::take(&mut live.span)));
        deliver::clean(&mut record);
        if let Record::Span(clean) = record {
            live.span = *clean;
        }
        Change::Keep
    })?;
    match found {
        true => Ok(()),
        false => Err(Error::failure(format!("there is no started span {id}"))
            .hint("`obs spans` shows it if it has ended")),
    }
}
