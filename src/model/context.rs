//! W3C Trace Context level 2 as text: strict reading, and what may be passed on.
//! Which variables carry them (OpenTelemetry environment carriers) is the caller's business.

use std::fmt;

use super::ids::{SpanId, TraceId, decode_hex, write_hex};

/// Length of a version 00 `traceparent`, and of what every later version begins with.
const TRACEPARENT_LENGTH: usize = 55;
/// W3C: more members make the whole `tracestate` invalid.
const TRACESTATE_MEMBERS: usize = 32;
/// W3C asks that at least this many characters are passed on; we pass on no more.
const TRACESTATE_LENGTH: usize = 512;
/// W3C: members longer than this are the first to go when a `tracestate` is too long.
const TRACESTATE_LARGE_MEMBER: usize = 128;
const TRACESTATE_PART_LENGTH: usize = 256;

/// Tells a child which trace it belongs to and which span is its parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TraceContext {
    /// The trace.
    pub trace_id: TraceId,
    /// The span that is the parent of whatever comes next.
    pub span_id: SpanId,
    /// Whether the trace is exported, and whether its id is random.
    pub flags: Flags,
}

impl TraceContext {
    /// Begins a trace; both ids must be random bytes. `None` when either is all zero.
    pub fn root(trace_bytes: [u8; 16], span_bytes: [u8; 8], sampled: bool) -> Option<Self> {
        Some(Self {
            trace_id: TraceId::from_bytes(trace_bytes)?,
            span_id: SpanId::from_bytes(span_bytes)?,
            flags: Flags(Flags::RANDOM).with_sampled(sampled),
        })
    }

    /// Continues the trace in a new span: the id changes, trace and flags stay.
    pub fn child(&self, span_bytes: [u8; 8]) -> Option<Self> {
        let span_id = SpanId::from_bytes(span_bytes)?;
        Some(Self { span_id, ..*self })
    }

    /// Writes a `traceparent` of version 00, whatever version came in.
    pub fn to_header(self) -> String {
        format!("00-{}-{}-{}", self.trace_id, self.span_id, self.flags)
    }
}

/// Holds the trace flags that level 2 knows; all other bits are zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flags(u8);

impl Flags {
    const SAMPLED: u8 = 0x01;
    const RANDOM: u8 = 0x02;

    /// Keeps the known bits and clears the others.
    pub fn from_bits(bits: u8) -> Self {
        Self(bits & (Self::SAMPLED | Self::RANDOM))
    }

    /// Reads two lower hex digits, as records hold them.
    pub fn parse(text: &str) -> Option<Self> {
        let [bits] = decode_hex(text.as_bytes())?;
        Some(Self::from_bits(bits))
    }

    /// Gives the byte.
    pub fn bits(self) -> u8 {
        self.0
    }

    /// Tells whether the trace is meant to be exported.
    pub fn is_sampled(self) -> bool {
        self.0 & Self::SAMPLED != 0
    }

    /// Tells whether the right-most 7 bytes of the trace id are random.
    pub fn is_random(self) -> bool {
        self.0 & Self::RANDOM != 0
    }

    /// Sets or clears the sampled flag; the random flag belongs to the trace id and stays.
    #[must_use]
    pub fn with_sampled(self, sampled: bool) -> Self {
        Self((self.0 & !Self::SAMPLED) | u8::from(sampled))
    }
}

impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &[self.0])
    }
}

/// Reads a `traceparent`; `None` means that the trace is restarted and `tracestate` is dropped.
pub fn parse_traceparent(header: &[u8]) -> Option<TraceContext> {
    let (fields, rest) = trim_ows(header).split_at_checked(TRACEPARENT_LENGTH)?;
    let mut fields = fields.split(|byte| *byte == b'-');
    let [version] = decode_hex(fields.next()?)?;
    let trace_id = TraceId::parse_bytes(fields.next()?)?;
    let span_id = SpanId::parse_bytes(fields.next()?)?;
    let [flags] = decode_hex(fields.next()?)?;
    // A version we do not know may add fields, but only behind another dash.
    let ends_well = match version {
        0x00 => rest.is_empty(),
        0xff => false,
        _ => matches!(rest, [] | [b'-', ..]),
    };
    let flags = Flags::from_bits(flags);
    ends_well.then_some(TraceContext {
        trace_id,
        span_id,
        flags,
    })
}

fn trim_ows(mut bytes: &[u8]) -> &[u8] {
    // `trim_ascii` would also take line ends, which are no optional white space in a header.
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

/// Gives the `tracestate` to pass on: unchanged if valid, cut by whole members if longer than 512
/// characters, `None` if it is empty or any member is wrong.
pub fn parse_tracestate(header: &str) -> Option<String> {
    let mut members = Vec::new();
    for member in list_members(header) {
        if members.len() == TRACESTATE_MEMBERS || !is_tracestate_member(member) {
            return None;
        }
        members.push(member);
    }
    let header = trim(header);
    if !members.is_empty() && header.len() <= TRACESTATE_LENGTH {
        return Some(header.to_owned());
    }
    while joined_length(&members) > TRACESTATE_LENGTH {
        match members
            .iter()
            .rposition(|member| member.len() > TRACESTATE_LARGE_MEMBER)
        {
            Some(large) => drop(members.remove(large)),
            None => drop(members.pop()),
        }
    }
    joined(&members)
}

fn is_tracestate_member(member: &str) -> bool {
    let Some((key, value)) = member.split_once('=') else {
        return false;
    };
    let lengths = 1..=TRACESTATE_PART_LENGTH;
    lengths.contains(&key.len())
        && lengths.contains(&value.len())
        && key.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && key.bytes().all(is_tracestate_key_byte)
        && value
            .bytes()
            .all(|byte| matches!(byte, b' '..=b'~') && byte != b'=')
}

fn is_tracestate_key_byte(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'*' | b'/' | b'@')
}

/// Empty members are legal: two headers joined by a comma make them.
fn list_members(header: &str) -> impl Iterator<Item = &str> {
    header
        .split(',')
        .map(trim)
        .filter(|member| !member.is_empty())
}

fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

fn joined_length(members: &[&str]) -> usize {
    let commas = members.len().saturating_sub(1);
    members.iter().map(|member| member.len()).sum::<usize>() + commas
}

fn joined(members: &[&str]) -> Option<String> {
    (!members.is_empty()).then(|| members.join(","))
}

#[cfg(test)]
mod tests;
