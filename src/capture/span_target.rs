//! Which span a command means.

use super::parse::Parsed;
use super::{Call, TRAIL};
use crate::error::Error;
use crate::model::context::parse_traceparent;
use crate::model::ids::SpanId;
use std::time::Duration;

/// The span that a command names, and whether it is the current one.
pub(super) fn target(call: &Call<'_>, parsed: &Parsed) -> Result<(SpanId, bool), Error> {
    let current = call.context.map(|context| context.span_id);
    let Some(given) = parsed.text("span") else {
        let id = current.ok_or_else(|| {
            Error::failure("there is no current span")
                .hint("TRACEPARENT is not set; start one with `eval \"$(obs span start NAME)\"`")
        })?;
        await_beginning(call, &id);
        return Ok((id, true));
    };
    let id = SpanId::parse(&given).or_else(|| Some(parse_traceparent(given.as_bytes())?.span_id));
    match id {
        Some(id) => Ok((id, Some(id) == current)),
        None => Err(Error::failure(format!("`--span {given}` is no span id"))
            .hint("16 hex digits or a traceparent")),
    }
}

/// A wrapper writes the live file of its span while its command starts already: a command that is as fast waits for it.
fn await_beginning(call: &Call<'_>, id: &SpanId) {
    let trail = call
        .world
        .var(TRAIL)
        .and_then(|value| value.split(' ').nth(1));
    if trail.and_then(SpanId::parse).as_ref() != Some(id) {
        return;
    }
    for _ in 0..50 {
        if call.journal.has_live(id) {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}
