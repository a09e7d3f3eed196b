//! What a record that is made now would carry, and where each part of it comes from.

use super::Call;
use super::scene::{self, Caller, Scene};
use crate::model::context::{TraceContext, parse_tracestate};
use crate::model::{Actor, Attributes};
use crate::redact;
use crate::settings::Settings;
use crate::world::World;

/// The surroundings of a call.
#[derive(Debug)]
pub struct Around {
    /// The trace context; none where there is no valid one.
    pub context: Option<TraceContext>,
    /// The state that goes with it.
    pub trace_state: Option<String>,
    /// The names in BAGGAGE; its values may be anything.
    pub baggage: Vec<String>,
    /// The logical flow; empty where nothing names one.
    pub correlation_id: String,
    /// Who acts.
    pub actor: Actor,
    /// The service.
    pub service: String,
    /// The host.
    pub host: String,
    /// Further resource attributes.
    pub resource: Attributes,
    /// What says so: of the correlation id, of the actor's type and id, of the service.
    pub sources: [&'static str; 4],
}

impl Around {
    /// Looks around.
    pub fn of(world: &World, settings: &Settings) -> Self {
        let call = Call::new(world, settings);
        let scene = Scene::of(&call, None);
        let (correlation_id, of_flow) = scene::correlation(&call, call.context.as_ref());
        let (actor, [of_kind, of_id]) = scene::actor(&call, &scene.host);
        let named = |name: &str| world.var(name).is_some();
        let of_service = match scene.service.starts_with("unknown_service:") {
            _ if named("OTEL_SERVICE_NAME") => "OTEL_SERVICE_NAME",
            false if scene.service != scene.caller.script => "OTEL_RESOURCE_ATTRIBUTES",
            false => "script",
            true => "parent process",
        };
        let mut resource = scene.resource;
        redact::map(&mut resource, &[]);
        let clean = |text: String| redact::text(&text).into_owned();
        let state = call.context.and_then(|_| world.var("TRACESTATE"));
        Self {
            context: call.context,
            trace_state: state.and_then(parse_tracestate),
            baggage: baggage(world.var("BAGGAGE").unwrap_or_default()),
            correlation_id: clean(correlation_id),
            actor: Actor {
                id: clean(actor.id),
                ..actor
            },
            service: clean(scene.service),
            host: scene.host,
            resource,
            sources: [of_flow, of_kind, of_id, of_service],
        }
    }
}

/// The keys of a baggage header (W3C Baggage): what stands before `=`, properties left out.
fn baggage(header: &str) -> Vec<String> {
    let members = header.split(',').filter_map(|member| {
        let (key, _) = member.split(';').next()?.split_once('=')?;
        Some(key.trim().to_owned())
    });
    members.filter(|key| !key.is_empty()).collect()
}

/// The shell that calls us: `bash`, `zsh`, `fish` or `sh`; empty where it is none.
pub(super) fn calling_shell(world: &World) -> &'static str {
    Caller::of(&scene::calling(world).1).shell
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn baggage_shows_its_names_only() {
        assert_eq!(
            baggage("a=1;ttl=2, user_id = x%20y ,,=3,bad"),
            ["a", "user_id"]
        );
        assert!(baggage("").is_empty());
    }
}
