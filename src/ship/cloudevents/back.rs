//! From a CloudEvent to the event it was made of. One of somebody else's becomes an event too: its id, type and source are
//! taken as they are.

use super::{REST, SCHEMA, TYPE};
use crate::model::json;
use crate::model::{Actor, Event, Metadata, TraceRef, context, time};
use serde_json::{Map, Value};

/// Reads structured mode.
pub fn read(bytes: &[u8]) -> Result<Event, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
    let mut map = json::parse_object(text)?;
    if map.contains_key("data_base64") {
        return Err("`data_base64`: the data of an event is JSON".to_owned());
    }
    let data = map.remove("data").unwrap_or(Value::Null);
    let text = |value: Value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    let attributes = map.into_iter().map(|(name, value)| (name, text(value)));
    event(&attributes.collect::<Vec<_>>(), data)
}

/// Reads binary mode: attributes by their plain names, decoded, and the body.
pub fn read_binary(attributes: &[(String, String)], body: &[u8]) -> Result<Event, String> {
    let text = std::str::from_utf8(body).map_err(|error| error.to_string())?;
    event(attributes, json::parse(text)?)
}

fn event(attributes: &[(String, String)], data: Value) -> Result<Event, String> {
    let of = |wanted: &str| {
        let found = attributes.iter().find(|(name, _)| name == wanted);
        found.map_or("", |(_, value)| value.as_str())
    };
    for needed in ["id", "source", "specversion", "type"] {
        if of(needed).is_empty() {
            return Err(format!("no `{needed}`"));
        }
    }
    if !of("specversion").starts_with("1.") {
        return Err("`specversion`: expected 1.0".to_owned());
    }
    let (event_type, event_version) = kind(of("type"), of("dataschema"));
    let (host, source) = source(of("source"));
    let own = |name: &str| of(name).to_owned();
    let kind = match (of("actortype"), of("authtype")) {
        ("", "user") => "user",
        (kind, _) => kind,
    };
    let event = Event {
        event_id: own("id"),
        event_type,
        event_version,
        timestamp: time::parse(of("time")).ok_or("`time`: expected RFC 3339")?,
        source,
        source_version: own("obsversion"),
        correlation_id: own("correlationid"),
        causation_id: own("causationid"),
        trace_context: trace(of("traceparent")),
        actor: Actor {
            kind: kind.to_owned(),
            id: own("authid"),
            host,
        },
        data: match data {
            Value::Object(data) => data,
            Value::Null => Map::new(),
            other => Map::from_iter([("value".to_owned(), other)]),
        },
        metadata: Metadata {
            git_branch: own("gitbranch"),
            git_commit: own("gitcommit"),
            repository: own("repository"),
            working_directory: own("workdir"),
            origin: own("origin"),
        },
        ..Event::default()
    };
    with_rest(event, of(REST))
}

/// Puts back what no attribute could hold.
fn with_rest(event: Event, rest: &str) -> Result<Event, String> {
    if rest.is_empty() {
        return Ok(event);
    }
    let wrong = |why: String| format!("`{REST}`: {why}");
    let rest = json::parse_object(rest).map_err(wrong)?;
    let mut whole = match serde_json::to_value(&event) {
        Ok(Value::Object(whole)) => whole,
        _ => Map::new(),
    };
    whole.extend(rest);
    // by its text: numbers of any size keep their digits
    serde_json::from_str(&Value::Object(whole).to_string())
        .map_err(|error| wrong(error.to_string()))
}

/// Type and version: from our schema's name, else from the type.
fn kind(kind: &str, schema: &str) -> (String, String) {
    let named = schema.strip_prefix(SCHEMA).and_then(|name| {
        let (name, version) = name.rsplit_once(':')?;
        Some((decode(name)?, decode(version)?))
    });
    named.unwrap_or_else(|| {
        let plain = kind.strip_prefix(TYPE).unwrap_or(kind);
        match plain.rsplit_once(".v") {
            Some((name, major))
                if !major.is_empty() && major.bytes().all(|b| b.is_ascii_digit()) =>
            {
                (name.to_owned(), format!("{major}.0"))
            }
            _ => (plain.to_owned(), "1.0".to_owned()),
        }
    })
}

/// Host and service.
fn source(text: &str) -> (String, String) {
    let ours = || {
        let (host, path) = match text.strip_prefix("//") {
            Some(rest) => rest.split_once('/')?,
            None => ("", text.strip_prefix('/')?),
        };
        let service = match path.strip_prefix("obs")? {
            "" => "",
            rest => rest.strip_prefix('/')?,
        };
        Some((decode(host)?, decode(service)?))
    };
    ours().unwrap_or_else(|| (String::new(), text.to_owned()))
}

fn trace(header: &str) -> Option<TraceRef> {
    let found = context::parse_traceparent(header.as_bytes())?;
    Some(TraceRef {
        trace_id: found.trace_id.to_string(),
        span_id: found.span_id.to_string(),
    })
}

/// Undoes percent-encoding; none where it is broken or no UTF-8.
pub(in crate::ship) fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        bytes.push(u8::try_from(digit()? * 16 + digit()?).ok()?);
    }
    String::from_utf8(bytes).ok()
}
