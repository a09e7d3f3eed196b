//! Trace and span ids as W3C and OpenTelemetry write them, and the 26-digit forms (ULID, Crockford
//! base32) of our own ids. No randomness and no clock here: bytes and milliseconds are arguments.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use ulid::Ulid;

/// Names a trace: 16 bytes, never all zero.
pub type TraceId = HexId<16>;

/// Names a span inside its trace: 8 bytes, never all zero.
pub type SpanId = HexId<8>;

/// Holds a non-zero id of `N` bytes (16 at most) that is written as lower hex.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HexId<const N: usize>([u8; N]);

impl<const N: usize> HexId<N> {
    /// Takes the bytes as they are; `None` when all are zero, which W3C calls invalid.
    pub fn from_bytes(bytes: [u8; N]) -> Option<Self> {
        bytes.iter().any(|byte| *byte != 0).then_some(Self(bytes))
    }

    /// Reads exactly `2 * N` lower hex digits; `None` for anything else and for all zeros.
    pub fn parse(text: &str) -> Option<Self> {
        Self::parse_bytes(text.as_bytes())
    }

    /// Gives the bytes, most significant first.
    pub fn to_bytes(self) -> [u8; N] {
        self.0
    }

    pub(super) fn parse_bytes(text: &[u8]) -> Option<Self> {
        Self::from_bytes(decode_hex(text)?)
    }
}

impl<const N: usize> fmt::Display for HexId<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl<const N: usize> fmt::Debug for HexId<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl<const N: usize> Serialize for HexId<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, const N: usize> Deserialize<'de> for HexId<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(HexVisitor)
    }
}

struct HexVisitor<const N: usize>;

impl<const N: usize> de::Visitor<'_> for HexVisitor<N> {
    type Value = HexId<N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} lower hex digits, not all zero", N * 2)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        HexId::parse(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
    }
}

/// Writes 128 bits as 26 Crockford base32 digits, which is a ULID by form.
pub fn crockford(bytes: [u8; 16]) -> String {
    digits(Ulid::from_bytes(bytes))
}

/// Makes a ULID of a Unix time in milliseconds (its low 48 bits) and 80 bits of randomness.
pub fn ulid(millis: u64, random: [u8; 10]) -> String {
    let random = random
        .iter()
        .fold(0, |sum: u128, byte| (sum << 8) | u128::from(*byte));
    digits(Ulid::from_parts(millis, random))
}

fn digits(number: Ulid) -> String {
    let mut text = [0; ulid::ULID_LEN];
    number.array_to_str(&mut text).to_owned()
}

/// Decodes exactly `2 * N` lower hex digits; upper case is wrong in every W3C field.
pub(super) fn decode_hex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let (pairs, odd) = text.as_chunks::<2>();
    if pairs.len() != N || !odd.is_empty() {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = (nibble(*high)? << 4) | nibble(*low)?;
    }
    Some(bytes)
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

/// Writes bytes as lower hex without allocating.
pub(super) fn write_hex(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    // One write of the whole text: `{:02x}` for each byte costs a formatter run for each of them.
    let mut text = [0; 32];
    let (pairs, _) = text.as_chunks_mut::<2>();
    for ([high, low], byte) in pairs.iter_mut().zip(bytes) {
        *high = hex_digit(byte >> 4);
        *low = hex_digit(byte & 0x0f);
    }
    let written = text.get(..bytes.len() * 2).ok_or(fmt::Error)?;
    f.write_str(std::str::from_utf8(written).map_err(|_| fmt::Error)?)
}

fn hex_digit(nibble: u8) -> u8 {
    match nibble {
        0..=9 => b'0' + nibble,
        _ => b'a' + (nibble - 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    #[test]
    fn ids_survive_text_and_bytes() {
        let trace = TraceId::parse(TRACE).unwrap();
        let span = SpanId::parse(SPAN).unwrap();
        assert_eq!(trace.to_string(), TRACE);
        assert_eq!(span.to_string(), SPAN);
        assert_eq!(format!("{span:?}"), SPAN);
        assert_eq!(span.to_bytes(), [0, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 2, 0xb7]);
        assert_eq!(TraceId::from_bytes(trace.to_bytes()), Some(trace));
    }

    #[test]
    fn every_byte_value_is_written_and_read() {
        for byte in 1..=u8::MAX {
            let id = SpanId::from_bytes([byte; 8]).unwrap();
            assert_eq!(id.to_string(), format!("{byte:02x}").repeat(8));
            assert_eq!(SpanId::parse(&id.to_string()), Some(id));
        }
    }

    #[test]
    fn anything_but_exact_lower_hex_is_refused() {
        let wrong = [
            "",
            "0",
            "00f067aa0ba902b",
            "00f067aa0ba902b70",
            "00f067aa0ba902b7 ",
            " 0f067aa0ba902b7",
            "+0f067aa0ba902b7",
            "00F067AA0BA902B7",
            "00f067aa0ba902bg",
            "00f067aa0ba902b/",
            "00f067aa0ba902b:",
            "00f067aa0ba902b`",
            "0000000000000000",
            "éééééééé",
            TRACE,
        ];
        for text in wrong {
            assert_eq!(SpanId::parse(text), None, "{text:?}");
        }
        assert_eq!(TraceId::parse(SPAN), None);
        assert_eq!(TraceId::parse(&"0".repeat(32)), None);
        assert_eq!(TraceId::from_bytes([0; 16]), None);
    }

    #[test]
    fn ids_order_like_their_text() {
        let low = SpanId::parse("00000000000000ff").unwrap();
        let high = SpanId::parse("0100000000000000").unwrap();
        assert!(low < high && low.to_string() < high.to_string());
    }

    #[test]
    fn ids_are_json_strings() {
        let id: TraceId = serde_json::from_str(&format!("\"{TRACE}\"")).unwrap();
        assert_eq!(serde_json::to_string(&id).unwrap(), format!("\"{TRACE}\""));
        let value = serde_json::Value::from(SPAN);
        assert_eq!(
            serde_json::from_value::<SpanId>(value).unwrap().to_string(),
            SPAN
        );
        for wrong in ["\"00F067AA0BA902B7\"", "\"0000000000000000\"", "12", "null"] {
            assert!(serde_json::from_str::<SpanId>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn crockford_has_26_digits_for_every_number() {
        assert_eq!(crockford([0; 16]), "0".repeat(26));
        assert_eq!(crockford([0xff; 16]), "7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
        let mut one = [0; 16];
        one[15] = 33;
        assert_eq!(crockford(one), "00000000000000000000000011");
    }

    #[test]
    fn ulid_keeps_time_before_randomness() {
        // The ULID specification's own example of a time: 1469918176385 is 01ARYZ6S41.
        assert_eq!(
            ulid(1_469_918_176_385, [0; 10]),
            "01ARYZ6S410000000000000000"
        );
        assert_eq!(ulid(0, [0xff; 10]), "0000000000ZZZZZZZZZZZZZZZZ");
        assert_eq!(
            ulid(0, [0, 0, 0, 0, 0, 0, 0, 0, 1, 2]),
            "00000000000000000000000082"
        );
        assert!(ulid(1, [0xff; 10]) < ulid(2, [0; 10]));
    }
}
