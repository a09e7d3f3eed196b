//! Walks a text from candidate to candidate and asks the rules that may apply there.
//! Linear by construction: a rule looks a bounded way back, and forwards either a bounded way, or over
//! what it then consumes, or over a stretch it remembers.

use super::{fields, headers, prefilter, tokens, urls};

/// A secret: the bytes to replace and the rule that found them.
pub(super) struct Hit {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) rule: &'static str,
}

/// What rules remember between candidates, so that no long stretch is read twice.
#[derive(Default)]
pub(super) struct Memory {
    /// End of the run of token characters in which the last would-be JWT began.
    pub(super) jwt_run: usize,
    /// No `@` stands between the last URL looked at and here.
    pub(super) without_at: usize,
    /// Where `curl` first stands, when somebody has looked.
    pub(super) curl: Option<usize>,
}

/// A place in the text, and how far back a rule may look.
#[derive(Clone, Copy)]
pub(super) struct Place<'t> {
    pub(super) bytes: &'t [u8],
    /// The candidate byte.
    pub(super) at: usize,
    /// Everything before belongs to an earlier hit.
    pub(super) taken: usize,
}

impl<'t> Place<'t> {
    /// The text before the candidate byte that is still free.
    pub(super) fn left(&self) -> &'t [u8] {
        self.bytes.get(self.taken..self.at).unwrap_or_default()
    }

    /// The text from this byte on.
    pub(super) fn from(&self, index: usize) -> &'t [u8] {
        self.bytes.get(index..).unwrap_or_default()
    }

    /// The text after the candidate byte.
    pub(super) fn right(&self) -> &'t [u8] {
        self.from(self.at + 1)
    }
}

/// The hits of one text, from left to right.
pub(super) struct Scan<'t> {
    bytes: &'t [u8],
    at: usize,
    taken: usize,
    memory: Memory,
}

impl<'t> Scan<'t> {
    /// Begins at the start of a text.
    pub(super) fn new(bytes: &'t [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            taken: 0,
            memory: Memory::default(),
        }
    }

    /// The next hit; hits never overlap and are never empty.
    pub(super) fn next(&mut self) -> Option<Hit> {
        while let Some(at) = prefilter::next(self.bytes, self.at) {
            self.at = at + 1;
            let place = Place {
                bytes: self.bytes,
                at,
                taken: self.taken,
            };
            let Some(hit) = judge(place, &mut self.memory) else {
                continue;
            };
            if hit.start >= self.taken && hit.end > hit.start {
                self.taken = hit.end;
                self.at = hit.end.max(self.at);
                return Some(hit);
            }
        }
        None
    }
}

fn judge(place: Place<'_>, memory: &mut Memory) -> Option<Hit> {
    match place.bytes.get(place.at)? {
        b'-' => dash(place, memory),
        b':' => colon(place, memory),
        b'=' | b'>' | b'%' => fields::field(place),
        b'I' => tokens::aws(place),
        b'J' => tokens::jwt(place, memory),
        b'B' => headers::bare_scheme(place),
        b'z' => tokens::google(place),
        _ => tokens::prefixed(place),
    }
}

fn dash(place: Place<'_>, memory: &mut Memory) -> Option<Hit> {
    // Within a word it can only end a prefix, and there are many such dashes.
    if place.left().last().is_some_and(u8::is_ascii_alphanumeric) {
        return tokens::prefixed(place);
    }
    tokens::pem(place)
        .or_else(|| fields::flag(place))
        .or_else(|| urls::curl_user(place, memory))
}

fn colon(place: Place<'_>, memory: &mut Memory) -> Option<Hit> {
    if place.right().starts_with(b"//") {
        return urls::webhook(place).or_else(|| urls::userinfo(place, memory));
    }
    tokens::telegram(place).or_else(|| fields::field(place))
}
