//! Keeping a record's line under the longest that is written: the longest texts are cut, and the record says so.

use crate::model::{Attributes, Record, to_line};
use serde_json::Value;

/// A text shorter than this is not worth cutting; a record of many such loses attributes instead.
const WORTH: usize = 1024;

/// The line of a record, at most `most` bytes long.
pub(super) fn line(record: &mut Record, most: usize) -> Vec<u8> {
    let mut line = record.line();
    if line.len() <= most {
        return line;
    }
    let whole = line.len() as u64;
    let notes = record.notes_mut();
    // a line of standard input may have been cut already: then its own length says more
    notes.truncated = notes.truncated.max(Some(whole));
    for _ in 0..1000 {
        line = record.line();
        let excess = line.len().saturating_sub(most);
        if excess == 0 {
            break;
        }
        if !shorten(record, excess) {
            // as many as hold the excess by their average length, else a large object takes a pass for each
            let members = record.attributes_mut().first().map_or(0, |own| own.len());
            let enough = members * excess / line.len() + 1;
            if (0..enough).take_while(|_| drop_last(record)).count() == 0 {
                break;
            }
        }
    }
    line
}

/// Cuts the longest text; false where none is worth it.
fn shorten(record: &mut Record, excess: usize) -> bool {
    let longest = |texts: Vec<&mut String>| {
        let found = texts.into_iter().max_by_key(|text| text.len());
        found
            .filter(|text| text.len() > WORTH)
            .map(|text| cut(text, excess))
            .is_some()
    };
    // first what the caller said in attributes or as its text, whichever is longer
    let outside = record.texts_mut().iter().map(|text| text.len()).max();
    let mut inside = Vec::new();
    for attributes in record.attributes_mut() {
        attributes
            .values_mut()
            .for_each(|value| strings(value, &mut inside));
    }
    if inside.iter().map(|text| text.len()).max() > outside {
        return longest(inside);
    }
    longest(record.texts_mut())
}

/// Cuts at a character. Escapes count: the text keeps the share that its part of the line has room for.
fn cut(text: &mut String, excess: usize) {
    let shown = to_line(text).len().max(1);
    let room = shown.saturating_sub(excess);
    let mut length = (text.len() * room / shown).max(WORTH / 2);
    while !text.is_char_boundary(length) {
        length -= 1;
    }
    text.truncate(length);
}

/// Drops one thing and counts it; false where there is nothing left to drop.
fn drop_last(record: &mut Record) -> bool {
    let dropped = record.notes_mut().invalid.pop().is_some()
        || drop_entry(record)
        || record.attributes_mut().into_iter().any(drop_attribute);
    record.notes_mut().dropped += u64::from(dropped);
    dropped
}

fn drop_entry(record: &mut Record) -> bool {
    match record {
        Record::Span(span) => span.events.pop().is_some() || span.links.pop().is_some(),
        Record::Metric(metric) => metric.buckets.pop().is_some(),
        Record::Event(_) | Record::Log(_) => false,
    }
}

fn drop_attribute(attributes: &mut Attributes) -> bool {
    let last = attributes.keys().next_back().cloned();
    last.is_some_and(|last| attributes.shift_remove(&last).is_some())
}

fn strings<'a>(value: &'a mut Value, texts: &mut Vec<&'a mut String>) {
    match value {
        Value::String(text) => texts.push(text),
        Value::Array(items) => items.iter_mut().for_each(|item| strings(item, texts)),
        Value::Object(entries) => entries.values_mut().for_each(|value| strings(value, texts)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Log;

    fn fitted(log: Log) -> Value {
        let line = line(&mut Record::Log(Box::new(log)), 8192);
        assert!(line.len() <= 8192, "{}", line.len());
        serde_json::from_slice(&line).unwrap()
    }

    #[test]
    fn long_message_is_cut_and_says_so() {
        let log = Log {
            message: "é".repeat(1 << 20),
            ..Log::default()
        };
        let record = fitted(log);
        assert!(record["message"].as_str().unwrap().len() > 7000);
        assert!(record["obs"]["truncated"].as_u64().unwrap() > 2 << 20);
    }

    #[test]
    fn control_bytes_grow_and_still_fit() {
        let log = Log {
            message: "\u{1}".repeat(100_000),
            ..Log::default()
        };
        assert!(fitted(log)["obs"]["truncated"].as_u64().unwrap() > 600_000);
    }

    #[test]
    fn many_small_attributes_are_dropped_from_the_end() {
        let context: Attributes = (0..1000)
            .map(|n| (format!("key{n}"), Value::from("x".repeat(50))))
            .collect();
        let record = fitted(Log {
            message: "kept".to_owned(),
            context,
            ..Log::default()
        });
        assert_eq!(record["message"], "kept");
        assert!(record["context"]["key0"].is_string());
        assert!(record["obs"]["dropped"].as_u64().unwrap() > 500);
    }
}
