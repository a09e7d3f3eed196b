//! The domain event, in the seed's envelope.

use super::{Attributes, Notes, time};
use serde::{Deserialize, Serialize};

/// The span in which an event happened.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceRef {
    /// 32 hex digits.
    pub trace_id: String,
    /// 16 hex digits.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub span_id: String,
}

/// Who did it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// `user`, `agent` or `ci`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Name.
    pub id: String,
    /// Host it acted on.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub host: String,
}

/// Where it happened.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// Branch checked out; none when detached.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub git_branch: String,
    /// Commit checked out.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub git_commit: String,
    /// Name of the repository.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub repository: String,
    /// Where the command ran.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub working_directory: String,
    /// `observed` for what was found rather than seen happening.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub origin: String,
}

impl Metadata {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A domain event, keys in the order of its line.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Event {
    /// `evt_` and a ULID.
    pub event_id: String,
    /// Dotted name.
    pub event_type: String,
    /// Version of the type's data.
    pub event_version: String,
    /// When it happened.
    #[serde(with = "time::micros")]
    pub timestamp: i64,
    /// The service that emits.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// The service's version.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source_version: String,
    /// One logical flow.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub correlation_id: String,
    /// The event that caused this one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub causation_id: String,
    /// The span it happened in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_context: Option<TraceRef>,
    /// Who did it.
    #[serde(default)]
    pub actor: Actor,
    /// What happened, as its type says.
    #[serde(default)]
    pub data: Attributes,
    /// Where it happened.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
    /// Resource attributes beyond service and host.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub resource: Attributes,
    /// What had to be done to keep it.
    #[serde(default, skip_serializing_if = "Notes::is_empty")]
    pub obs: Notes,
}

impl Event {
    /// Every text that was given, outside of attributes.
    pub(super) fn texts_mut(&mut self) -> Vec<&mut String> {
        let given = [
            &mut self.event_type,
            &mut self.source,
            &mut self.source_version,
            &mut self.correlation_id,
            &mut self.causation_id,
            &mut self.actor.id,
            &mut self.actor.host,
            &mut self.metadata.git_branch,
            &mut self.metadata.repository,
            &mut self.metadata.working_directory,
        ];
        given.into_iter().chain(&mut self.obs.invalid).collect()
    }
}
