//! Attributes from words: `k=v`, `k:=JSON`, `k@=FILE`, JSON objects, `@FILE` and `-`. What is wrong is kept and noted:
//! a variable may hold anything at run time.

use super::Call;
use super::parse::Parsed;
use crate::error::Error;
use crate::model::{Attributes, Notes, json};
use crate::redact;
use serde_json::Value;
use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

/// Most bytes read from one file or standard input; a record is cut far below.
const MOST: u64 = 16 << 20;

/// Attributes under construction.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) attributes: Attributes,
    /// Words that are no attributes.
    pub(super) others: Vec<String>,
    pub(super) notes: Notes,
}

impl Gathered {
    /// Everything that a call gives: the object that `option` names, then the words.
    pub(super) fn of(call: &Call<'_>, parsed: &Parsed, option: &str) -> Self {
        let mut gathered = Self::default();
        gathered.notes.lossy = parsed.lossy;
        if let Some(given) = parsed.value(option) {
            gathered.option(given, call);
        }
        for word in &parsed.words {
            gathered.word(word);
        }
        gathered
    }

    /// Refuses words that are no attributes; `what` is what they are called here.
    pub(super) fn strictly(self, what: &str) -> Result<Self, Error> {
        match self.others.first() {
            None => Ok(self),
            Some(word) => Err(Error::usage(format!("{} is no {what}", named(word)))
                .hint("write key=value, key:=JSON, key@=FILE or a JSON object")),
        }
    }

    /// Takes one word in whatever form it is.
    pub(super) fn word(&mut self, word: &OsStr) {
        let text = lossy(word.as_bytes(), &mut self.notes);
        if text.starts_with('{') {
            self.object(&text);
            return;
        }
        match form(&text) {
            Some((key, Form::Plain, value)) => {
                self.attributes.insert(key.to_owned(), Value::from(value));
            }
            Some((key, Form::Typed, value)) => match json::parse(value) {
                Ok(typed) => {
                    self.attributes.insert(key.to_owned(), typed);
                }
                Err(_) => {
                    self.attributes.insert(key.to_owned(), Value::from(value));
                    let value = match redact::is_secret_name(key) {
                        true => "[REDACTED:name]",
                        false => value,
                    };
                    self.notes.invalid.push(format!("{key}:={value}"));
                }
            },
            Some((key, Form::File, path)) => match read_file(Path::new(path)) {
                Ok(bytes) => {
                    let content = lossy(&bytes, &mut self.notes);
                    let content = content.strip_suffix('\n').unwrap_or(&content);
                    self.attributes.insert(key.to_owned(), Value::from(content));
                }
                Err(error) => self.notes.invalid.push(format!("{key}@={path}: {error}")),
            },
            None => self.others.push(text),
        }
    }

    /// Takes the JSON object that an option names: text, `@FILE` or `-`.
    fn option(&mut self, value: &OsStr, call: &Call<'_>) {
        if let Some(text) = self.content(value, call) {
            self.object(&text);
        }
    }

    /// The text that an option names: itself, `@FILE` or `-` for standard input.
    pub(super) fn content(&mut self, value: &OsStr, call: &Call<'_>) -> Option<String> {
        let read = match value.as_bytes() {
            b"-" => {
                let mut bytes = Vec::new();
                call.world
                    .stdin()
                    .take(MOST)
                    .read_to_end(&mut bytes)
                    .map(|_| bytes)
            }
            [b'@', path @ ..] => read_file(Path::new(OsStr::from_bytes(path))),
            text => Ok(text.to_vec()),
        };
        match read {
            Ok(bytes) => Some(lossy(&bytes, &mut self.notes)),
            Err(error) => {
                let shown = value.to_string_lossy();
                self.notes.invalid.push(format!("{shown}: {error}"));
                None
            }
        }
    }

    /// Merges a JSON object; text that is none is kept as it was given.
    fn object(&mut self, text: &str) {
        match json::parse_object(text) {
            Ok(object) => self.attributes.extend(object),
            Err(_) => self.notes.invalid.push(text.to_owned()),
        }
    }
}

/// A word as a message names it: a long one, or one of many parts, only by its size, for it may hold half a secret.
fn named(word: &str) -> String {
    let count = word.chars().count();
    match count > 60 || word.contains(char::is_whitespace) {
        true => format!("a word of {count} characters"),
        false => format!("`{}`", redact::text(word)),
    }
}

/// Text of bytes; what is not UTF-8 becomes U+FFFD and is noted.
pub(super) fn lossy(bytes: &[u8], notes: &mut Notes) -> String {
    let text = String::from_utf8_lossy(bytes);
    notes.lossy |= matches!(text, std::borrow::Cow::Owned(_));
    text.into_owned()
}

fn read_file(path: &Path) -> std::io::Result<Vec<u8>> {
    // a named pipe may never be written to; one that the shell opened for us is
    let handed = path.starts_with("/dev/fd") || path.starts_with("/proc/self/fd");
    if !handed && std::fs::metadata(path)?.file_type().is_fifo() {
        return Err(std::io::Error::other("a named pipe"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(MOST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

enum Form {
    File,
    Plain,
    Typed,
}

/// True for a word that is an attribute by its form.
pub(super) fn is_attribute(word: &OsStr) -> bool {
    let text = word.to_string_lossy();
    text.starts_with('{') || form(&text).is_some()
}

/// Splits `k=v`, `k:=v`, `k@=v`. A key begins with a letter, a digit or `_` and holds `_ . - / :` besides; so neither
/// a URL with a query nor a sentence with an equals sign is one.
fn form(text: &str) -> Option<(&str, Form, &str)> {
    let (left, value) = text.split_once('=')?;
    let (key, form) = match left.strip_suffix(':') {
        Some(key) => (key, Form::Typed),
        None => match left.strip_suffix('@') {
            Some(key) => (key, Form::File),
            None => (left, Form::Plain),
        },
    };
    let first = key.chars().next()?;
    let good = (first.is_alphanumeric() || first == '_')
        && key
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '/' | ':'))
        && !key.contains("//");
    good.then_some((key, form, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gather(words: &[&str]) -> Gathered {
        let mut gathered = Gathered::default();
        for word in words {
            gathered.word(OsStr::new(word));
        }
        gathered
    }

    #[test]
    fn nothing_is_guessed() {
        let gathered = gather(&[
            "a=1",
            "b:=1",
            "c=true",
            "d:=[1,null]",
            "e=x=y",
            "f.g-h/i=",
            "é=ü",
        ]);
        assert_eq!(
            Value::Object(gathered.attributes).to_string(),
            r#"{"a":"1","b":1,"c":"true","d":[1,null],"e":"x=y","f.g-h/i":"","é":"ü"}"#
        );
        assert!(gathered.notes.is_empty() && gathered.others.is_empty());
    }

    #[test]
    fn words_that_are_no_attributes_are_kept() {
        let words = ["=x", "-n=1", "https://h/?a=b", "a b=c", "plain", ""];
        assert_eq!(gather(&words).others, words);
    }

    #[test]
    fn wrong_json_is_kept_as_given() {
        let gathered = gather(&["a:={", r#"{"b":1}}"#, r#"{"c":1}"#, r#"{"d":1,"d":2}"#]);
        assert_eq!(
            Value::Object(gathered.attributes).to_string(),
            r#"{"a":"{","c":1}"#
        );
        assert_eq!(
            gathered.notes.invalid,
            ["a:={", r#"{"b":1}}"#, r#"{"d":1,"d":2}"#]
        );
    }

    #[test]
    fn file_loses_one_newline() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        std::fs::write(&path, b"one\ntwo\xff\n").unwrap();
        let gathered = gather(&[&format!("k@={}", path.display()), "no@=/does/not/exist"]);
        assert_eq!(gathered.attributes["k"], "one\ntwo\u{FFFD}");
        assert!(gathered.notes.lossy);
        assert!(gathered.notes.invalid[0].starts_with("no@=/does/not/exist: "));
    }
}
