//! Events as CDEvents 0.5.1, and back. What CDEvents knows becomes its type; all else is a custom event of the tool `obs`
//! (custom/README.md of the specification). What no field of CDEvents holds is in `customData`, our event as journalled,
//! so nothing is lost. Over CloudEvents by the specification's own binding.

mod content;
#[cfg(test)]
mod tests;

use super::cloudevents::{self, CloudEvent};
use crate::model::{Event, json, time, to_line};
use content::{Made, standard};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// The specification's version.
const VERSION: &str = "0.5.1";
/// Of the custom types that we make.
const CUSTOM_VERSION: &str = "0.1.0";

/// An event as a CDEvent.
pub fn of(event: &Event) -> Result<Value, String> {
    if event.event_id.is_empty() || event.event_type.is_empty() {
        return Err("an event without an id or a type is no CDEvent".to_owned());
    }
    let made = standard(event).filter(|made| !made.subject.is_empty());
    let is_custom = made.is_none();
    let Made {
        kind,
        subject,
        content,
    } = made.unwrap_or_else(|| custom(event));
    let mut context = Map::new();
    let mut put = |name: &str, value: Value| context.insert(name.to_owned(), value);
    put("specversion", VERSION.into());
    put("id", event.event_id.as_str().into());
    put("source", cloudevents::source(event).into());
    put("type", kind.into());
    put("timestamp", time::micros_text(event.timestamp).into());
    if !event.correlation_id.is_empty() {
        put("chainId", chain(&event.correlation_id).into());
    }
    if !event.causation_id.is_empty() {
        put("links", links(event));
    }
    Ok(json!({
        "context": context,
        "subject": {"id": subject, "content": content},
        "customData": envelope(event, is_custom)?,
        "customDataContentType": cloudevents::DATA,
    }))
}

/// An event as a line of CDEvents, with its end.
pub fn line(event: &Event) -> Result<Vec<u8>, String> {
    Ok(to_line(&of(event)?))
}

/// A CDEvent over CloudEvents (cloudevents-binding.md).
pub fn cloud_event(event: &Event) -> Result<CloudEvent, String> {
    let whole = of(event)?;
    let text = |pointer: &str| {
        let found = whole.pointer(pointer).and_then(Value::as_str);
        found.unwrap_or_default().to_owned()
    };
    let mut data = to_line(&whole);
    data.pop();
    let attributes = vec![
        ("specversion", "1.0".to_owned()),
        ("id", cloudevents::clean(&event.event_id)),
        ("source", text("/context/source")),
        ("type", text("/context/type")),
        ("time", text("/context/timestamp")),
        ("subject", cloudevents::clean(&text("/subject/id"))),
        ("partitionkey", cloudevents::partition_key(event).to_owned()),
    ];
    Ok(CloudEvent { attributes, data })
}

/// The event that a CDEvent of ours was made of.
pub fn read(bytes: &[u8]) -> Result<Event, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
    let whole = json::parse(text)?;
    let Some(Value::Object(mut event)) = whole.get("customData").cloned() else {
        return Err("`customData`: not an event of obs".to_owned());
    };
    if let (false, Some(content)) = (
        event.contains_key("data"),
        whole.pointer("/subject/content"),
    ) {
        event.insert("data".to_owned(), content.clone());
    }
    serde_json::from_str(&Value::Object(event).to_string()).map_err(|error| error.to_string())
}

/// Our event as journalled; without its data where the subject's content is that.
fn envelope(event: &Event, is_custom: bool) -> Result<Value, String> {
    let mut whole = serde_json::to_value(event).map_err(|error| error.to_string())?;
    if let (true, Value::Object(map)) = (is_custom, &mut whole) {
        map.shift_remove("data");
    }
    Ok(whole)
}

fn custom(event: &Event) -> Made {
    let mut segments = event.event_type.rsplit('.');
    let predicate = word(segments.next().unwrap_or_default());
    let subject = word(segments.next().unwrap_or_default());
    Made {
        kind: format!("dev.cdeventsx.obs-{subject}.{predicate}.{CUSTOM_VERSION}"),
        subject: cloudevents::subject(event)
            .unwrap_or(&event.event_id)
            .to_owned(),
        content: event.data.clone(),
    }
}

/// Letters alone are a word there: `updated_via_commit` is `updatedViaCommit`.
fn word(segment: &str) -> String {
    let mut word = String::new();
    let mut is_next_upper = false;
    for c in segment.chars() {
        match c {
            _ if !c.is_ascii_alphabetic() => is_next_upper = !word.is_empty(),
            _ if is_next_upper => {
                word.push(c.to_ascii_uppercase());
                is_next_upper = false;
            }
            _ => word.push(c),
        }
    }
    match word.is_empty() {
        true => "event".to_owned(),
        false => word,
    }
}

/// A flow's id as the UUID that `chainId` must be: itself, or the same one for the same flow, in the form of version 4.
fn chain(correlation: &str) -> String {
    let is_uuid = correlation.len() == 36
        && correlation.char_indices().all(|(at, c)| match at {
            8 | 13 | 18 | 23 => c == '-',
            _ => c.is_ascii_hexdigit(),
        });
    if is_uuid {
        return correlation.to_owned();
    }
    let hash = Sha256::digest(correlation.as_bytes());
    let hash = hash
        .iter()
        .take(16)
        .fold(0_u128, |sum, byte| (sum << 8) | u128::from(*byte));
    let bits = hash & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    [
        part(0, 8),
        part(8, 12),
        part(12, 16),
        part(16, 20),
        part(20, 32),
    ]
    .join("-")
}

/// The event that caused this one: the step before on a chain, else what triggered it (links.md).
fn links(event: &Event) -> Value {
    let end = json!({"contextId": event.causation_id});
    match event.correlation_id.is_empty() {
        true => json!([{"linkType": "RELATION", "linkKind": "TRIGGER", "target": end}]),
        false => json!([{"linkType": "PATH", "from": end}]),
    }
}
