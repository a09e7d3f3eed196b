//! Events as CloudEvents 1.0 (core v1.0.2, JSON format, HTTP, Kafka and NATS bindings) and back. `data` is ours unchanged; the
//! envelope is in attributes: the core ones, the registered extensions (Correlation, Distributed Tracing, Auth Context,
//! Partitioning), and extensions of our own for what no registered one says. What an attribute cannot hold (objects,
//! control characters) is JSON text in `obsenvelope`, so nothing is lost: [`read`] gives the very event back.

mod back;
#[cfg(test)]
pub(super) mod tests;

pub use back::{read, read_binary};

use crate::model::context::{Flags, TraceContext};
use crate::model::ids::{SpanId, TraceId};
use crate::model::{Event, TraceRef, time, to_line};
use serde_json::{Map, Value};

/// The media type of an event in structured mode.
pub const STRUCTURED: &str = "application/cloudevents+json";
/// The media type of our data.
pub const DATA: &str = "application/json";

/// What every intermediary must pass on (CloudEvents 1.0, "Size Limits"); a larger event is nobody's.
const WIRE_SIZE: usize = 64 * 1024;
/// What `type` begins with.
const TYPE: &str = "dev.obs.";
/// What `dataschema` begins with: the `$id` of the published schemas.
const SCHEMA: &str = "urn:obs:schema:";
/// The extension with what no other attribute holds.
const REST: &str = "obsenvelope";

/// Fields of `data` that name what an event is about, the most telling first.
const SUBJECTS: [&str; 12] = [
    "task_id",
    "document_id",
    "decision_id",
    "milestone_id",
    "deployment_id",
    "incident_id",
    "change_id",
    "finding_id",
    "scan_id",
    "run_id",
    "commit_sha",
    "sha",
];

/// An event of CloudEvents: attributes in order, and its data as JSON text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloudEvent {
    /// Names and values, all of them text; `datacontenttype` is always JSON and not among them.
    pub attributes: Vec<(&'static str, String)>,
    /// The data.
    pub data: Vec<u8>,
}

/// Attributes by their plain names, and the body.
pub type Binary = (Vec<(String, String)>, Vec<u8>);

/// An event in structured mode: one line of JSON without its end.
pub fn structured(event: &Event) -> Result<Vec<u8>, String> {
    of(event)?.structured()
}

/// An event in binary mode.
pub fn binary(event: &Event) -> Result<Binary, String> {
    of(event)?.binary()
}

/// What an event is about; none where its data does not tell.
pub fn subject(event: &Event) -> Option<&str> {
    let text = |name: &&str| event.data.get(*name).and_then(Value::as_str);
    SUBJECTS.iter().find_map(text).filter(|text| is_text(text))
}

/// Translates an event.
pub fn of(event: &Event) -> Result<CloudEvent, String> {
    if event.event_id.is_empty() || event.event_type.is_empty() {
        return Err("an event without an id or a type is no CloudEvent".to_owned());
    }
    let mut building = Building::default();
    building.core(event);
    building.flow(event);
    building.place(event);
    let Building {
        mut attributes,
        rest,
    } = building;
    if !rest.is_empty() {
        attributes.push((REST, ascii(&Value::Object(rest))));
    }
    let mut data = to_line(&event.data);
    data.pop();
    Ok(CloudEvent { attributes, data })
}

#[derive(Default)]
struct Building {
    attributes: Vec<(&'static str, String)>,
    /// Keys of the envelope as journalled that no attribute carries whole.
    rest: Map<String, Value>,
}

impl Building {
    fn put(&mut self, name: &'static str, value: impl Into<String>) {
        self.attributes.push((name, value.into()));
    }

    /// Puts a text; false where it is there and no attribute can hold it.
    fn carry(&mut self, name: &'static str, text: &str) -> bool {
        match text {
            "" => true,
            _ if is_text(text) => {
                self.put(name, text);
                true
            }
            _ => false,
        }
    }

    /// The text of one envelope key, as an attribute or else as the rest.
    fn carry_or_keep(&mut self, name: &'static str, key: &str, text: &str) {
        if !self.carry(name, text) {
            self.rest.insert(key.to_owned(), text.into());
        }
    }

    fn keep(&mut self, key: &str, value: &impl serde::Serialize) {
        if let Ok(value) = serde_json::to_value(value) {
            self.rest.insert(key.to_owned(), value);
        }
    }

    fn core(&mut self, event: &Event) {
        self.put("specversion", "1.0");
        if !self.carry("id", &event.event_id) {
            self.put("id", clean(&event.event_id));
            self.keep("event_id", &event.event_id);
        }
        self.put("source", source(event));
        self.put("type", kind(event));
        self.put("time", time::micros_text(event.timestamp));
        if let Some(subject) = subject(event) {
            self.put("subject", subject);
        }
        let (name, version) = (encode(&event.event_type), encode(&event.event_version));
        self.put("dataschema", format!("{SCHEMA}{name}:{version}"));
    }

    fn flow(&mut self, event: &Event) {
        self.carry_or_keep("correlationid", "correlation_id", &event.correlation_id);
        self.carry_or_keep("causationid", "causation_id", &event.causation_id);
        if let Some(context) = &event.trace_context {
            match traceparent(context) {
                Some(header) => self.put("traceparent", header),
                None => self.keep("trace_context", context),
            }
        }
        self.put("partitionkey", partition_key(event));
    }

    fn place(&mut self, event: &Event) {
        let actor = &event.actor;
        if !(actor.kind.is_empty() && actor.id.is_empty()) {
            let kind = match actor.kind.as_str() {
                "user" => "user",
                "agent" | "ci" => "service_account",
                _ => "unknown",
            };
            self.put("authtype", kind);
            // who it was by our own words, where Auth Context has none for it
            let kept = kind == "user" || self.carry("actortype", &actor.kind);
            if !(self.carry("authid", &actor.id) && kept) {
                self.keep("actor", actor);
            }
        }
        self.carry_or_keep("obsversion", "source_version", &event.source_version);
        let place = &event.metadata;
        let carried = [
            ("gitbranch", &place.git_branch),
            ("gitcommit", &place.git_commit),
            ("repository", &place.repository),
            ("workdir", &place.working_directory),
            ("origin", &place.origin),
        ]
        .map(|(name, text)| self.carry(name, text));
        if carried.contains(&false) {
            self.keep("metadata", place);
        }
        if !event.resource.is_empty() {
            self.keep("resource", &event.resource);
        }
        if !event.obs.is_empty() {
            self.keep("obs", &event.obs);
        }
    }
}

impl CloudEvent {
    /// The value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(found, _)| *found == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Structured mode: one line of JSON without its end.
    pub fn structured(&self) -> Result<Vec<u8>, String> {
        let mut map = Map::new();
        for (name, value) in &self.attributes {
            map.insert((*name).to_owned(), value.as_str().into());
        }
        map.insert("datacontenttype".to_owned(), DATA.into());
        let mut text = to_line(&map);
        text.truncate(text.len().saturating_sub(2)); // its brace and its line end
        text.extend_from_slice(b",\"data\":");
        text.extend_from_slice(&self.data);
        text.push(b'}');
        fits(text.len())?;
        Ok(text)
    }

    /// Binary mode.
    pub fn binary(&self) -> Result<Binary, String> {
        let wire = |(name, value): &(&str, String)| name.len() + header_value(value).len();
        fits(self.data.len() + self.attributes.iter().map(wire).sum::<usize>())?;
        let own = |(name, value): &(&str, String)| ((*name).to_owned(), value.clone());
        Ok((self.attributes.iter().map(own).collect(), self.data.clone()))
    }
}

fn fits(length: usize) -> Result<(), String> {
    match length <= WIRE_SIZE {
        true => Ok(()),
        false => Err(format!(
            "{length} bytes as a CloudEvent, where {WIRE_SIZE} are what everybody must take"
        )),
    }
}

/// An attribute's value as a header of HTTP or NATS: percent-encoded where the HTTP binding says so (§3.1.3.2).
pub fn header_value(text: &str) -> String {
    escape(text, |byte| {
        matches!(byte, 0x21..=0x7e) && !matches!(byte, b'"' | b'%')
    })
}

/// Events of one key keep their order on a bus: the task's, else the flow's, else its own.
pub fn partition_key(event: &Event) -> &str {
    let flow = Some(event.correlation_id.as_str()).filter(|text| is_text(text));
    subject(event).or(flow).unwrap_or("obs")
}

/// Where it came from, as a URI-reference: host, `obs`, service.
pub(super) fn source(event: &Event) -> String {
    let mut text = match event.actor.host.as_str() {
        "" => "/obs".to_owned(),
        host => format!("//{}/obs", encode(host)),
    };
    if !event.source.is_empty() {
        text.push('/');
        text.push_str(&encode(&event.source));
    }
    text
}

fn kind(event: &Event) -> String {
    let digits = |text: &&str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let major = event.event_version.split('.').next().filter(digits);
    let name = clean(&event.event_type);
    format!("{TYPE}{name}.v{}", major.unwrap_or("1"))
}

/// The span it happened in; it was recorded, so it is flagged as sampled.
fn traceparent(context: &TraceRef) -> Option<String> {
    let context = TraceContext {
        trace_id: TraceId::parse(&context.trace_id)?,
        span_id: SpanId::parse(&context.span_id)?,
        flags: Flags::default().with_sampled(true),
    };
    Some(context.to_header())
}

/// True for what the type system of CloudEvents calls a String, and an attribute must not be empty.
fn is_text(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_plain)
}

fn is_plain(c: char) -> bool {
    let code = u32::from(c);
    !c.is_control() && !matches!(code, 0xfdd0..=0xfdef) && code & 0xfffe != 0xfffe
}

pub(super) fn clean(text: &str) -> String {
    let plain = |c| if is_plain(c) { c } else { '_' };
    text.chars().map(plain).collect()
}

/// Percent-encodes all but the unreserved characters of RFC 3986.
pub(super) fn encode(text: &str) -> String {
    escape(text, |byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
    })
}

fn escape(text: &str, is_literal: impl Fn(u8) -> bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match is_literal(byte) {
            true => escaped.push(char::from(byte)),
            false => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

/// JSON in ASCII alone, which every attribute and every header can hold.
fn ascii(value: &Value) -> String {
    let mut text = String::new();
    for c in value.to_string().chars() {
        match c {
            ' '..='~' => text.push(c),
            _ => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    text.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    text
}
