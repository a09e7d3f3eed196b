//! `obs emit`: a domain event. Known types are checked; what does not fit is kept as `obs.event.invalid`.

use super::Call;
use super::attributes::Gathered;
use super::parse::Parsed;
use super::scene::{self, Scene};
use crate::error::Error;
use crate::journal::Signal;
use crate::model::catalog::{self, EventType};
use crate::model::context::TraceContext;
use crate::model::{Attributes, Event, Record, TraceRef};
use crate::redact;
use serde_json::Value;

const INVALID: &str = "obs.event.invalid";

/// Runs the command.
pub(super) fn run(call: &Call<'_>, mut parsed: Parsed) -> Result<(), Error> {
    let Some(kind) = parsed.take() else {
        return Err(Error::usage("no event type given")
            .hint("such as `obs emit backlog.task.created task_id=TASK-1`; `obs print schema` lists the known ones"));
    };
    let kind = kind.to_string_lossy().into_owned();
    let gathered = Gathered::of(call, &parsed, "data").strictly("data")?;
    let event = build(call, &parsed, kind, gathered)?;
    let id = event.event_id.clone();
    let mut record = Record::Event(Box::new(event));
    let line = call.line(&mut record);
    let kept = call.keep(Signal::Events, &line);
    if parsed.has("print-id") {
        let _ = call
            .world
            .write(crate::world::Stream::Out, format!("{id}\n").as_bytes());
    }
    kept
}

fn build(
    call: &Call<'_>,
    parsed: &Parsed,
    kind: String,
    mut gathered: Gathered,
) -> Result<Event, Error> {
    let scene = Scene::of(call, None);
    let broken = gathered.notes.invalid.first().cloned(); // what was to be data; a bad time is none
    let timestamp = call.time(parsed.text("time"), &mut gathered.notes.invalid);
    let mut event = envelope(call, scene, call.context.as_ref());
    event.event_id = format!("evt_{}", call.ulid(timestamp));
    event.event_type = kind;
    event.timestamp = timestamp;
    event.causation_id = parsed.text("causation").unwrap_or_default();
    event.data = gathered.attributes;
    event.obs = gathered.notes;
    if let Some(correlation) = parsed.text("correlation") {
        event.correlation_id = correlation;
    }
    check(call, &mut event, broken)?;
    Ok(event)
}

/// An event of this scene and span that says nothing yet.
pub(super) fn envelope(call: &Call<'_>, scene: Scene, context: Option<&TraceContext>) -> Event {
    Event {
        event_version: "1.0".to_owned(),
        correlation_id: scene::correlation(call, context).0,
        trace_context: context.map(|context| TraceRef {
            trace_id: context.trace_id.to_string(),
            span_id: context.span_id.to_string(),
        }),
        actor: scene::actor(call, &scene.host).0,
        metadata: scene::metadata(call.world),
        source: scene.service,
        source_version: scene.version,
        resource: scene.resource,
        ..Event::default()
    }
}

/// Checks the data of a known type. Wrong data is named; under `OBS_STRICT` it is refused, else it is kept inside an
/// event of its own, so that a script never dies and nothing is lost.
fn check(call: &Call<'_>, event: &mut Event, broken: Option<String>) -> Result<(), Error> {
    let Some(known) = catalog::find(&event.event_type) else {
        return Ok(());
    };
    known.version.clone_into(&mut event.event_version);
    let broken = broken.map(|text| match text.contains("@=") {
        true => format!("not readable: {text}"),
        false => format!("no JSON object: {text}"),
    });
    let Err(cause) = broken.map_or_else(|| known.check(&Value::Object(event.data.clone())), Err)
    else {
        return Ok(());
    };
    let error = Error::usage(format!("wrong data for the event `{}`", event.event_type))
        .because(redact::text(&cause))
        .hint(format!(
            "`obs print schema {}` shows what it takes",
            event.event_type
        ));
    if call.settings.strict {
        return Err(error);
    }
    call.world.say(&redact::text(&error.report()));
    make_invalid(event, known, cause);
    Ok(())
}

/// Turns an event into the one that keeps what was wrong with it.
pub(super) fn make_invalid(event: &mut Event, known: &EventType, cause: String) {
    let mut original = std::mem::take(&mut event.data);
    // its own names are judged before it becomes a value under `data`
    redact::map(&mut original, known.fields());
    let mut data = Attributes::new();
    data.insert(
        "event_type".to_owned(),
        Value::from(std::mem::take(&mut event.event_type)),
    );
    data.insert("error".to_owned(), Value::from(cause));
    data.insert("data".to_owned(), Value::Object(original));
    INVALID.clone_into(&mut event.event_type);
    "1.0".clone_into(&mut event.event_version);
    event.data = data;
}
