//! Events that obs itself has to tell, such as what happened to a backlog: made, checked, redacted and cut as those of
//! `obs emit`. The lines are the caller's to append: who tells exactly once must write them down before.

use super::Call;
use super::emit::{envelope, make_invalid};
use super::scene::Scene;
use crate::journal::Journal;
use crate::model::catalog;
use crate::model::context::TraceContext;
use crate::model::{Attributes, Event, Record, ids};
use crate::settings::Settings;
use crate::world::World;
use serde_json::Value;
use sha2::{Digest, Sha256};

const OBSERVED: &str = "observed";

/// An event to tell; the defaults are those of `obs emit`.
#[derive(Debug, Default)]
pub struct Telling<'a> {
    /// Its type.
    pub event_type: &'a str,
    /// Its data.
    pub data: Attributes,
    /// It was found rather than seen happening.
    pub is_observed: bool,
    /// When it happened, in nanoseconds since the epoch; none is now.
    pub time: Option<i64>,
    /// An id made by [`event_id`]; none is a new one.
    pub id: Option<String>,
    /// The span it happened in; none is that of the environment.
    pub context: Option<TraceContext>,
}

/// Makes the lines of events, all of one scene.
pub struct Teller<'a> {
    pub(super) call: Call<'a>,
    pub(super) scene: Scene,
}

impl<'a> Teller<'a> {
    /// Looks around once.
    pub fn new(world: &'a World, settings: &'a Settings) -> Self {
        let call = Call::new(world, settings);
        let scene = Scene::of(&call, None);
        Self { call, scene }
    }

    /// The id and the line of an event. Data that its type does not take is kept as `obs.event.invalid`.
    pub fn event(&self, telling: Telling<'_>) -> (String, Vec<u8>) {
        let call = &self.call;
        let context = telling.context.or(call.context);
        let timestamp = telling.time.unwrap_or_else(|| call.world.now());
        let mut event = envelope(call, self.scene.clone(), context.as_ref());
        event.timestamp = timestamp;
        event.event_type = telling.event_type.to_owned();
        event.data = telling.data;
        event.event_id = telling
            .id
            .unwrap_or_else(|| format!("evt_{}", call.ulid(timestamp)));
        if telling.is_observed {
            OBSERVED.clone_into(&mut event.metadata.origin);
        }
        self.check(&mut event);
        let id = event.event_id.clone();
        let line = call.line(&mut Record::Event(Box::new(event)));
        (id, line)
    }

    fn check(&self, event: &mut Event) {
        let Some(known) = catalog::find(&event.event_type) else {
            return;
        };
        known.version.clone_into(&mut event.event_version);
        if let Err(cause) = known.check(&Value::Object(event.data.clone())) {
            self.note("event", &format!("`{}`: {cause}", event.event_type));
            make_invalid(event, known, cause);
        }
    }

    /// Where the lines go.
    pub fn journal(&self) -> &Journal {
        &self.call.journal
    }

    /// True where nothing is to be recorded.
    pub fn is_disabled(&self) -> bool {
        self.call.disabled
    }

    /// Notes a trouble where `obs doctor` finds it.
    pub fn note(&self, what: &str, why: &str) {
        self.call.note(what, why);
    }
}

/// The id of an event that may be found twice: of one time and seed there is one.
pub fn event_id(time: i64, seed: &[u8]) -> String {
    let digest = Sha256::digest(seed);
    let bits = digest.first_chunk().copied().unwrap_or_default();
    let millis = u64::try_from(time / 1_000_000).unwrap_or_default();
    format!("evt_{}", ids::ulid(millis, bits))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(telling: Telling<'_>) -> (String, Value) {
        let home = tempfile::tempdir().unwrap();
        let world = World::of(&[
            (
                "TRACEPARENT",
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            ),
            ("OBS_HOME", home.path().to_str().unwrap()),
        ]);
        let settings = Settings::load(&world);
        let (id, line) = Teller::new(&world, &settings).event(telling);
        (id, serde_json::from_slice(&line).unwrap())
    }

    fn data(value: Value) -> Attributes {
        match value {
            Value::Object(data) => data,
            _ => panic!("no object"),
        }
    }

    #[test]
    fn event_is_of_the_environments_span_unless_told() {
        let event_type = "backlog.task.created";
        let given = data(json!({"task_id": "TASK-1", "title": "A"}));
        let (id, event) = told(Telling {
            event_type,
            data: given.clone(),
            is_observed: true,
            ..Telling::default()
        });
        assert_eq!(event["event_id"], id);
        assert_eq!(event["trace_context"]["span_id"], "b7ad6b7169203331");
        assert_eq!(event["metadata"]["origin"], "observed");
        assert_eq!(event["data"], Value::Object(given.clone()));
        let context = TraceContext::root([1; 16], [2; 8], true);
        let (_, event) = told(Telling {
            event_type,
            data: given,
            context,
            time: Some(1_795_000_000_000_000_000),
            id: Some(event_id(1_795_000_000_000_000_000, b"a")),
            ..Telling::default()
        });
        assert_eq!(event["trace_context"]["span_id"], "0202020202020202");
        assert_eq!(event["timestamp"], "2026-11-18T11:06:40.000000Z");
        assert_eq!(event["event_id"], event_id(1_795_000_000_000_000_000, b"a"));
        assert_ne!(event_id(1, b"a"), event_id(1, b"b"));
    }

    #[test]
    fn wrong_data_is_kept_and_secrets_are_not() {
        let token = format!("ghp_{}", "a1B2".repeat(9));
        let (_, event) = told(Telling {
            event_type: "backlog.task.created",
            data: data(json!({"title": token})),
            ..Telling::default()
        });
        assert_eq!(event["event_type"], "obs.event.invalid");
        assert!(!event.to_string().contains(&token));
    }
}
