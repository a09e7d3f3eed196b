//! Spans that obs itself has to tell, with ids that were known before, such as a pipeline's own: made, redacted, cut and
//! kept as those of `obs span`.

use super::Teller;
use super::span;
use crate::error::Error;
use crate::journal::{LiveSpan, Signal};
use crate::model::context::{TraceContext, parse_tracestate};
use crate::model::ids::SpanId;
use crate::model::{Attributes, Kind, Span};
use std::cell::Cell;

/// A span to tell.
#[derive(Debug, Clone)]
pub struct OwnSpan {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: Kind,
    /// Its own ids.
    pub context: TraceContext,
    /// Its parent; none for a root.
    pub parent: Option<SpanId>,
    /// When it began, in nanoseconds since the epoch.
    pub start: i64,
    /// Its attributes.
    pub attributes: Attributes,
    /// Resource attributes of our surroundings that it does not have.
    pub without: &'static [&'static str],
}

impl Teller<'_> {
    /// Leaves the live file of a span that no process owns, for whoever ends it within `ttl` nanoseconds. False: there
    /// is one already.
    pub fn begin(&self, own: OwnSpan, ttl: i64) -> Result<bool, Error> {
        let call = &self.call;
        let id = own.context.span_id;
        if call.disabled || call.journal.has_live(&id) {
            return Ok(false);
        }
        let live = LiveSpan {
            owners: Vec::new(),
            expires: Some(call.now.saturating_add(ttl)),
            changed: call.now,
            done: false,
            reported: None,
            span: self.span(own),
        };
        span::begin_live(call, id, live).map(|()| true)
    }

    /// Ends a span, also one that was begun elsewhere: then `own` is all of it. `change` says how it went. The answer is
    /// when it began.
    pub fn end(&self, own: OwnSpan, end: i64, change: impl Fn(&mut Span)) -> Result<i64, Error> {
        let call = &self.call;
        let began = Cell::new(own.start);
        if call.disabled {
            return Ok(began.get());
        }
        let limits = span::limits(call);
        let finish = |span: &mut Span| {
            change(span);
            began.set(span.timestamp);
            span.finish(end.max(span.timestamp));
            span::finished(call, span, &limits)
        };
        let ended = call
            .journal
            .end_live(&own.context.span_id, call.now, |live| {
                finish(&mut live.span)
            });
        let kept = match ended {
            Ok(Some((line, kept))) => call.judge(&line, kept),
            // an error here is a home that cannot be entered, in which there is no live file of ours either
            Ok(None) | Err(_) => {
                let line = finish(&mut self.span(own));
                call.keep(Signal::Spans, &line)
            }
        };
        kept.map(|()| began.get())
    }

    /// Keeps an event's line; one that nothing keeps is printed.
    pub fn keep(&self, line: &[u8]) -> Result<(), Error> {
        self.call.keep(Signal::Events, line)
    }

    /// The span as it begins.
    fn span(&self, own: OwnSpan) -> Span {
        let mut scene = self.scene.clone();
        scene
            .resource
            .retain(|key, _| !own.without.contains(&key.as_str()));
        // the state belongs to the header that it came with
        let given = self.call.context.map(|context| context.span_id);
        let state = given.filter(|given| Some(*given) == own.parent);
        let state = state.and_then(|_| parse_tracestate(self.call.world.var("TRACESTATE")?));
        let mut span = Span {
            timestamp: own.start,
            name: own.name,
            trace_id: own.context.trace_id.to_string(),
            span_id: own.context.span_id.to_string(),
            parent_span_id: own.parent.map(|id| id.to_string()).unwrap_or_default(),
            trace_state: state.unwrap_or_default(),
            trace_flags: own.context.flags.to_string(),
            kind: own.kind,
            attributes: own.attributes,
            pid: Some(scene.pid),
            ..Span::default()
        };
        span::describe(&mut span, scene);
        span
    }
}
