//! Header values: the scheme that may stand before a credential, and values that take the rest of a line.

use super::names;
use super::scan::{Hit, Place};
use super::tokens::{Set, begins_word};
use super::values::{Quote, Span};

/// The rule shown for a credential in a header.
pub(super) const AUTHORIZATION: &str = "authorization";

const SCHEMES: [&[u8]; 7] = [
    b"bearer",
    b"basic",
    b"token",
    b"apikey",
    b"negotiate",
    b"ntlm",
    b"key",
];

/// Length of a scheme and the blanks after it, when these bytes begin with one and something follows.
pub(super) fn scheme(rest: &[u8]) -> usize {
    let word = rest
        .iter()
        .take(10)
        .take_while(|byte| byte.is_ascii_alphabetic())
        .count();
    let Some(name) = rest.get(..word) else {
        return 0;
    };
    if !SCHEMES
        .iter()
        .any(|scheme| name.eq_ignore_ascii_case(scheme))
    {
        return 0;
    }
    let blanks = rest
        .iter()
        .skip(word)
        .take(4)
        .take_while(|&&byte| byte == b' ')
        .count();
    let followed = rest
        .get(word + blanks)
        .is_some_and(|byte| !byte.is_ascii_whitespace());
    if blanks > 0 && followed {
        word + blanks
    } else {
        0
    }
}

/// Tells whether the value of this name is not a word but all that follows in its line.
pub(super) fn takes_line(name: &[u8]) -> bool {
    [&b"authorization"[..], b"cookie", b"passphrase", b"mnemonic"]
        .into_iter()
        .any(|word| names::ends_with_word(name, word))
}

/// The rule to show for a name whose value is a header's.
pub(super) fn rule(name: &[u8]) -> &'static str {
    if names::ends_with_word(name, b"authorization") {
        AUTHORIZATION
    } else if names::ends_with_word(name, b"cookie") {
        "cookie"
    } else {
        super::BY_NAME
    }
}

/// The rest of the line, or of the quoted text in which the header's name came first.
pub(super) fn line(bytes: &[u8], from: usize, open: Option<Quote>) -> Option<Span> {
    let rest = bytes.get(from..)?;
    let blanks = rest
        .iter()
        .take_while(|&&byte| byte == b' ' || byte == b'\t')
        .count();
    let rest = rest.get(blanks..)?;
    if Quote::open(rest).is_some() {
        return None;
    }
    // First the line and then the mark in it, so that a mark far away is not looked for again and again.
    let end = rest
        .iter()
        .enumerate()
        .position(|(index, &byte)| ends_line(byte, rest.get(index + 1)));
    let line = rest.get(..end.unwrap_or(rest.len()))?;
    let length = open
        .and_then(|quote| quote.content(line))
        .unwrap_or(line.len());
    let start = from + blanks;
    (length > 0).then_some(Span {
        start,
        end: start + length,
    })
}

fn ends_line(byte: u8, after: Option<&u8>) -> bool {
    matches!(
        (byte, after),
        (b'\n' | b'\r', _) | (b'\\', Some(b'n' | b'r'))
    )
}

/// `Bearer` or `Basic` and a credential where no header's name stands before them.
pub(super) fn bare_scheme(place: Place<'_>) -> Option<Hit> {
    let word = [&b"earer "[..], b"asic "]
        .into_iter()
        .find(|word| place.right().starts_with(word))?;
    if !begins_word(place.left()) {
        return None;
    }
    let rest = place.right().get(word.len()..)?;
    let run = Set::Encoded.run(rest);
    let mixed = rest.iter().take(run).any(u8::is_ascii_digit)
        || rest.iter().take(run).any(u8::is_ascii_uppercase);
    let start = place.at + 1 + word.len();
    (run >= 16 && mixed).then_some(Hit {
        start,
        end: start + run,
        rule: AUTHORIZATION,
    })
}
