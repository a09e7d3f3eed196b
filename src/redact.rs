//! Takes secrets out of text, JSON values and command lines before they reach the journal.
//! Everything is matched by hand: no regex is compiled and a clean text costs one pass over its bytes.
//! When in doubt it takes out too much; a cut secret ends at the first place that surely is no part of it.
//! Nothing here reads the world, and nothing here knows a record.

mod argv;
mod fields;
mod headers;
mod names;
mod prefilter;
mod scan;
#[cfg(test)]
mod tests;
mod tokens;
mod urls;
mod values;

use std::borrow::Cow;

use serde_json::{Map, Value};

pub use argv::command_line;
pub use names::is_secret_name;

/// The rule shown where a name alone gave the secret away.
const BY_NAME: &str = "name";

/// A cut can bring two halves together that are a secret again; more rounds than this only hostile text needs.
const ROUNDS: usize = 4;

/// Replaces every secret in a free text by `[REDACTED:rule]`; borrowed when there was none.
pub fn text(input: &str) -> Cow<'_, str> {
    let Some(mut clean) = round(input) else {
        return Cow::Borrowed(input);
    };
    for _ in 1..ROUNDS {
        let Some(cleaner) = round(&clean) else { break };
        clean = cleaner;
    }
    Cow::Owned(clean)
}

/// Follows a private key over lines that come one by one.
#[derive(Debug, Default)]
pub struct Key {
    inside: bool,
}

impl Key {
    /// True where a line, the first one excepted, is a part of the key that goes through.
    pub fn goes_through(&mut self, line: &str) -> bool {
        let base64 =
            |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=' | '-' | '\r');
        let header = |name: &&str| line.starts_with(name);
        let part = self.inside
            && (line.chars().all(base64)
                || line.contains("-----END ")
                || ["Proc-Type:", "DEK-Info:", "Version:", "Comment:"]
                    .iter()
                    .any(header));
        if line.contains("-----BEGIN ") && line.contains("PRIVATE KEY") {
            self.inside = !line.contains("-----END ");
            return false; // the rule for keys takes it
        }
        self.inside = part && !line.contains("-----END ");
        part
    }
}

/// Redacts one named JSON value in place, with everything below it.
pub fn value(name: &str, value: &mut Value) {
    walk(value, is_secret_name(name));
}

/// Redacts each member of an object; the names in `exempt` are not judged, their values are still scanned.
pub fn map(attributes: &mut Map<String, Value>, exempt: &[&str]) {
    for (name, member) in attributes.iter_mut() {
        let secret = !exempt.contains(&name.as_str()) && is_secret_name(name);
        walk(member, secret);
    }
    clean_keys(attributes);
}

fn round(input: &str) -> Option<String> {
    let mut scan = scan::Scan::new(input.as_bytes());
    let mut next = scan.next();
    next.as_ref()?;
    let mut clean = String::with_capacity(input.len());
    let mut from = 0;
    while let Some(hit) = next {
        // A span off a character boundary drops the text before it: losing is better than leaking.
        clean.push_str(input.get(from..hit.start).unwrap_or_default());
        clean.push_str(&marker(hit.rule));
        from = hit.end;
        next = scan.next();
    }
    clean.push_str(input.get(from..).unwrap_or_default());
    Some(clean)
}

fn marker(rule: &str) -> String {
    format!("[REDACTED:{rule}]")
}

/// Tells whether a whole value is nothing but a marker, which must stay as it is.
fn is_marker(value: &[u8]) -> bool {
    value
        .strip_prefix(b"[REDACTED:")
        .and_then(|rest| rest.strip_suffix(b"]"))
        .is_some_and(|rule| rule.iter().all(u8::is_ascii_lowercase))
}

fn walk(value: &mut Value, secret: bool) {
    match value {
        Value::String(text) => clean_string(text, secret),
        Value::Array(items) => {
            items.iter_mut().for_each(|item| walk(item, secret));
            clean_words(items);
        }
        Value::Object(members) => {
            for (name, member) in members.iter_mut() {
                walk(member, secret || is_secret_name(name));
            }
            clean_keys(members);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A list of texts may be the words of a command, where a flag tells what the next word is.
fn clean_words(items: &mut [Value]) {
    let words: Option<Vec<String>> = items
        .iter()
        .map(|item| item.as_str().map(str::to_owned))
        .collect();
    if let Some(words) = words
        && words.iter().any(|word| word.starts_with('-'))
    {
        for (item, word) in items.iter_mut().zip(command_line(&words)) {
            *item = Value::from(word);
        }
    }
}

fn clean_string(string: &mut String, secret: bool) {
    if secret {
        if !string.is_empty() && !is_marker(string.as_bytes()) {
            *string = marker(BY_NAME);
        }
    } else if let Cow::Owned(clean) = text(string) {
        *string = clean;
    }
}

fn clean_keys(members: &mut Map<String, Value>) {
    if members
        .keys()
        .all(|key| matches!(text(key), Cow::Borrowed(_)))
    {
        return;
    }
    for (index, (key, member)) in std::mem::take(members).into_iter().enumerate() {
        let mut clean = text(&key).into_owned();
        // Two secrets of one rule would fall together and the later would hide the earlier.
        if clean != key && members.contains_key(&clean) {
            clean = format!("{clean}#{index}");
        }
        members.insert(clean, member);
    }
}
