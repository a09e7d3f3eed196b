//! Secrets that show by the name before them: `name=value`, `"name": "value"`, `<name>value`, `--name value`.
//! Names are judged in `names`, values are measured in `values`.

use super::scan::{Hit, Place};
use super::values::{self, Quote, Span, is_name};
use super::{BY_NAME, headers, is_marker, names};

/// Longest name looked at; of a longer one the end is judged.
const LONGEST: usize = 64;

/// What stands before a delimiter.
struct Name<'t> {
    text: &'t [u8],
    /// Everything up to the end of the name.
    whole: &'t [u8],
    /// What stands before the name.
    before: &'t [u8],
    /// Whether the name has quotation marks of its own.
    quoted: bool,
}

/// A value behind a secret name and a delimiter.
pub(super) fn field(place: Place<'_>) -> Option<Hit> {
    let name = name_before(place.left())?;
    let delimiter = *place.bytes.get(place.at)?;
    let secret = match delimiter {
        b'>' => name.before.last() == Some(&b'<') && names::is_secret(name.text),
        b':' if place.right().starts_with(b":") || name.before.last() == Some(&b'<') => false,
        b'%' if !is_encoded_delimiter(place.right()) => false,
        // What test runners print: PASS: name of the test.
        b':' if name.text == b"PASS" => false,
        // The user before a password in a URL, which has its own rule.
        b':' if name.before.ends_with(b"://") => false,
        _ => is_secret(&name),
    };
    if !secret {
        return None;
    }
    let from = place.at + delimiter_length(delimiter, place.right());
    let (span, rule) = located(place.bytes, from, delimiter, &name)?;
    hit(place.bytes, span, name.text, rule)
}

fn located(
    bytes: &[u8],
    from: usize,
    delimiter: u8,
    name: &Name<'_>,
) -> Option<(Span, &'static str)> {
    if delimiter == b'>' {
        return element(bytes, from).map(|span| (span, BY_NAME));
    }
    let rule = headers::rule(name.text);
    let simple = rule == headers::AUTHORIZATION && headers::scheme(blanks_cut(bytes, from)) > 0;
    if delimiter == b':' && headers::takes_line(name.text) && !simple {
        let open = if name.quoted {
            None
        } else {
            Quote::last(name.before)
        };
        if let Some(span) = headers::line(bytes, from, open) {
            return Some((span, rule));
        }
    }
    let mut span = values::value(bytes, from)?;
    if rule == headers::AUTHORIZATION {
        // The scheme is worth keeping; a quoted value does not begin with one.
        span.start += headers::scheme(span.of(bytes));
    }
    Some((span, rule))
}

fn blanks_cut(bytes: &[u8], from: usize) -> &[u8] {
    bytes.get(from..).unwrap_or_default().trim_ascii_start()
}

fn hit(bytes: &[u8], span: Span, name: &[u8], rule: &'static str) -> Option<Hit> {
    let value = span.of(bytes);
    let count = name.eq_ignore_ascii_case(b"pass") && value.iter().all(u8::is_ascii_digit);
    if value.is_empty() || is_marker(value) || says_nothing(value) || count {
        return None;
    }
    Some(Hit {
        start: span.start,
        end: span.end,
        rule,
    })
}

/// Values that are no secret whatever the name: truth, absence, what is masked, what only refers to one.
fn says_nothing(value: &[u8]) -> bool {
    matches!(
        value,
        b"true"
            | b"false"
            | b"True"
            | b"False"
            | b"null"
            | b"nil"
            | b"none"
            | b"None"
            | b"undefined"
    ) || value.iter().all(|byte| *byte == b'*')
        || is_reference(value)
}

/// A shell's `$NAME`, `${NAME}` or `$(command`: a command as it was written, not as it ran.
fn is_reference(value: &[u8]) -> bool {
    let Some(rest) = value.strip_prefix(b"$") else {
        return false;
    };
    let braced = rest
        .strip_prefix(b"{")
        .and_then(|name| name.strip_suffix(b"}"));
    let name = braced.unwrap_or(rest);
    let capitals = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_';
    rest.starts_with(b"(") || !name.is_empty() && name.iter().all(capitals)
}

/// The text of an XML element up to its end tag.
fn element(bytes: &[u8], from: usize) -> Option<Span> {
    let rest = bytes.get(from..)?;
    let length = rest
        .iter()
        .position(|&byte| byte == b'<')
        .unwrap_or(rest.len());
    let blank = rest.get(..length)?.iter().all(u8::is_ascii_whitespace);
    (!blank).then_some(Span {
        start: from,
        end: from + length,
    })
}

fn is_encoded_delimiter(right: &[u8]) -> bool {
    matches!(right, [b'3', b'd' | b'D' | b'a' | b'A', ..])
}

/// Length of `=`, `==`, `=>`, `=~`, `:`, `:=` or `%3D`.
fn delimiter_length(delimiter: u8, right: &[u8]) -> usize {
    match (delimiter, right.first()) {
        (b'%', _) => 3,
        (b'=', Some(b'=' | b'>' | b'~')) | (b':', Some(b'=')) => 2,
        _ => 1,
    }
}

fn name_before(left: &[u8]) -> Option<Name<'_>> {
    let (whole, quoted) = match left {
        // Percent-encoded brackets and marks end in what could be part of a name.
        [inner @ .., b'%', b'5', b'D'] => (inner, false),
        [inner @ .., b'%', b'2', b'2'] => (inner, true),
        [.., last] if is_name(*last) => (left, false),
        _ => trimmed(left),
    };
    let length = whole
        .iter()
        .rev()
        .take(LONGEST)
        .take_while(|&&byte| is_name(byte))
        .count();
    let (before, text) = whole.split_at_checked(whole.len() - length)?;
    let (before, text) = without_escape(whole, before, text);
    (!text.is_empty()).then_some(Name {
        text,
        whole,
        before,
        quoted,
    })
}

/// An escaped line end before a name ends in a letter that is none of the name's: `\\nname: value`.
fn without_escape<'t>(whole: &'t [u8], before: &'t [u8], text: &'t [u8]) -> (&'t [u8], &'t [u8]) {
    match (before.last(), text.first()) {
        (Some(b'\\'), Some(b'n' | b'r' | b't')) => whole
            .split_at_checked(before.len() + 1)
            .unwrap_or((before, text)),
        _ => (before, text),
    }
}

/// Takes away what may stand between a name and its delimiter; tells whether it was a quotation mark.
fn trimmed(left: &[u8]) -> (&[u8], bool) {
    let left = trim(left, 8, |byte| byte == b' ' || byte == b'\t');
    let left = left.strip_suffix(b"]").unwrap_or(left);
    unquoted(left)
}

fn unquoted(left: &[u8]) -> (&[u8], bool) {
    let Some(quote) = Quote::last(left) else {
        return (left, false);
    };
    (
        left.get(..left.len() - quote.length()).unwrap_or_default(),
        true,
    )
}

fn trim(left: &[u8], most: usize, drop: fn(u8) -> bool) -> &[u8] {
    let count = left
        .iter()
        .rev()
        .take(most)
        .take_while(|&&byte| drop(byte))
        .count();
    left.get(..left.len() - count).unwrap_or_default()
}

fn is_secret(name: &Name<'_>) -> bool {
    let alone = names::is_secret(name.text);
    if !name.quoted && (alone || names::is_key(name.text)) {
        return names::is_secret(with_word_before(name));
    }
    let parameter = matches!(name.before.last(), Some(b'?' | b'&'));
    alone || (parameter && names::is_signature(name.text))
}

/// The name together with the one word before it: `api key: …`, `unexpected token: …`.
fn with_word_before<'t>(name: &Name<'t>) -> &'t [u8] {
    let Some(before) = name.before.strip_suffix(b" ") else {
        return name.text;
    };
    let word = before
        .iter()
        .rev()
        .take(16)
        .take_while(|byte| byte.is_ascii_alphabetic())
        .count();
    name.whole.get(before.len() - word..).unwrap_or(name.text)
}

/// A value behind a secret flag and a blank: `--token abc`, `'--token', 'abc'`.
pub(super) fn flag(place: Place<'_>) -> Option<Hit> {
    let left = place.left();
    let before = left.strip_suffix(b"-").unwrap_or(left);
    if !begins_flag(before) {
        return None;
    }
    let length = place
        .right()
        .iter()
        .take(LONGEST)
        .take_while(|&&byte| is_name(byte))
        .count();
    let text = place.right().get(..length)?;
    if length < 3 || !text.first()?.is_ascii_alphabetic() || !is_secret_flag(text) {
        return None;
    }
    let from = place.at + 1 + length;
    let from = from + gap(place.from(from))?;
    if place.from(from).starts_with(b"-") {
        return None;
    }
    let span = values::value(place.bytes, from)?;
    if span.start == from && is_prose(span.of(place.bytes)) {
        return None;
    }
    hit(place.bytes, span, text, BY_NAME)
}

fn begins_flag(before: &[u8]) -> bool {
    before
        .last()
        .is_none_or(|byte| byte.is_ascii_whitespace() || b"\"'`(=,;[{|&\\".contains(byte))
}

/// Tells whether a flag takes a secret; `--no-password` and `--ask-pass` take none.
pub(super) fn is_secret_flag(name: &[u8]) -> bool {
    let without = [
        &b"no-"[..],
        b"ask-",
        b"skip-",
        b"without-",
        b"use-",
        b"prompt-",
    ];
    names::is_secret(name) && !without.into_iter().any(|start| name.starts_with(start))
}

/// Length of what parts a flag from its value: blanks, or the end of one list item and a comma.
fn gap(rest: &[u8]) -> Option<usize> {
    let quote = Quote::open(rest).map_or(0, |quote| quote.length());
    let comma = usize::from(quote > 0 && rest.get(quote) == Some(&b','));
    let blanks = rest
        .iter()
        .skip(quote + comma)
        .take(4)
        .take_while(|&&byte| byte == b' ')
        .count();
    let found = if quote > 0 { comma > 0 } else { blanks > 0 };
    found.then_some(quote + comma + blanks)
}

/// Small words that follow a flag when somebody writes about it.
fn is_prose(value: &[u8]) -> bool {
    matches!(
        value,
        b"and"
            | b"argument"
            | b"as"
            | b"flag"
            | b"for"
            | b"from"
            | b"in"
            | b"is"
            | b"must"
            | b"not"
            | b"on"
            | b"option"
            | b"or"
            | b"parameter"
            | b"to"
            | b"was"
            | b"with"
    )
}
