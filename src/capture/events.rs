//! Events that obs tells by itself, in the same envelope as those of `obs emit`.

use super::Call;
use super::scene::{self, Scene};
use crate::journal::Journal;
use crate::model::{Attributes, Event, Record, TraceRef, catalog};
use crate::settings::Settings;
use crate::world::World;

/// Makes events of one call; keeping their lines is the caller's.
pub struct Teller<'a> {
    call: Call<'a>,
}

impl<'a> Teller<'a> {
    /// A teller for this call.
    pub fn new(world: &'a World, settings: &'a Settings) -> Self {
        let call = Call::new(world, settings);
        Self { call }
    }

    /// The id and the line of an event that was seen happening now.
    pub fn event(&self, kind: &str, data: Attributes) -> (String, Vec<u8>) {
        let call = &self.call;
        let scene = Scene::of(call, None);
        let id = format!("evt_{}", call.ulid(call.now));
        let version = catalog::find(kind).map_or("1.0", |known| known.version);
        let mut record = Record::Event(Box::new(Event {
            event_id: id.clone(),
            event_type: kind.to_owned(),
            event_version: version.to_owned(),
            timestamp: call.now,
            correlation_id: scene::correlation(call),
            trace_context: call.context.map(|context| TraceRef {
                trace_id: context.trace_id.to_string(),
                span_id: context.span_id.to_string(),
            }),
            actor: scene::actor(call.world, call.settings, &scene.host),
            data,
            metadata: scene::metadata(call.world),
            source: scene.service,
            source_version: scene.version,
            resource: scene.resource,
            ..Event::default()
        }));
        (id, call.line(&mut record))
    }

    /// The journal of this call.
    pub fn journal(&self) -> &Journal {
        &self.call.journal
    }
}
