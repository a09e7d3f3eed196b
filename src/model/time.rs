//! Times: nanoseconds since the epoch inside, RFC 3339 UTC with `Z` outside; on input also epoch seconds,
//! milliseconds, microseconds and nanoseconds, told apart by their size (the seed's `date +%s%N`).

use chrono::{DateTime, SecondsFormat, Utc};

const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// RFC 3339 with microseconds, as logs, events and metric points carry it.
pub fn micros_text(nanos: i64) -> String {
    DateTime::<Utc>::from_timestamp_nanos(nanos).to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// RFC 3339 with nanoseconds, as spans carry it.
pub fn nanos_text(nanos: i64) -> String {
    DateTime::<Utc>::from_timestamp_nanos(nanos).to_rfc3339_opts(SecondsFormat::Nanos, true)
}

/// Reads a point in time: RFC 3339 (a zone is required), or a number of seconds (fractions allowed), milliseconds,
/// microseconds or nanoseconds since the epoch.
pub fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    if text.starts_with(|first: char| first.is_ascii_digit())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.')
    {
        return epoch(text);
    }
    let normal = text.replacen(' ', "T", 1);
    DateTime::parse_from_rfc3339(&normal)
        .ok()?
        .timestamp_nanos_opt()
}

fn epoch(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let number: i64 = whole.parse().ok()?;
    // 12 digits of seconds are the year 33658, of milliseconds 2001: the sizes do not overlap in any time of interest
    let unit = match whole.len() {
        ..12 => NANOS_PER_SECOND,
        12..15 => 1_000_000,
        15..18 => 1_000,
        _ => 1,
    };
    let digits: String = fraction
        .chars()
        .chain("000000000".chars())
        .take(9)
        .collect();
    let part = digits.parse::<i64>().ok()?.checked_mul(unit)? / NANOS_PER_SECOND;
    number.checked_mul(unit)?.checked_add(part)
}

/// Reads a length of time such as `90s`, `15m`, `2h`, `7d`, `250ms`; a bare number is seconds.
pub fn parse_span(text: &str) -> Option<i64> {
    let text = text.trim();
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, unit) = text.split_at_checked(end)?;
    let number: i64 = digits.parse().ok()?;
    let unit = match unit {
        "" | "s" => NANOS_PER_SECOND,
        "ms" => 1_000_000,
        "us" => 1_000,
        "ns" => 1,
        "m" | "min" => 60 * NANOS_PER_SECOND,
        "h" => 3_600 * NANOS_PER_SECOND,
        "d" => 86_400 * NANOS_PER_SECOND,
        "w" => 7 * 86_400 * NANOS_PER_SECOND,
        _ => return None,
    };
    number.checked_mul(unit)
}

/// Reads the date of an HTTP header, `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, section 5.6.7; not the two obsolete forms).
pub fn parse_http(text: &str) -> Option<i64> {
    DateTime::parse_from_rfc2822(text)
        .ok()?
        .timestamp_nanos_opt()
}

/// Milliseconds with three decimals at most, as `duration_ms` carries it.
pub fn millis(nanos: i64) -> serde_json::Number {
    let micros = nanos.max(0) / 1_000;
    if micros % 1_000 == 0 {
        return serde_json::Number::from(micros / 1_000);
    }
    let text = format!("{}.{:03}", micros / 1_000, micros % 1_000);
    text.trim_end_matches('0')
        .parse()
        .unwrap_or_else(|_| serde_json::Number::from(micros / 1_000))
}

/// Serde of a time with microseconds.
pub mod micros {
    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes RFC 3339 with microseconds.
    pub fn serialize<S: Serializer>(nanos: &i64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::micros_text(*nanos))
    }

    /// Reads any form of time.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        super::parse(&text).ok_or_else(|| serde::de::Error::custom("not a time"))
    }
}

/// Serde of a time with nanoseconds.
pub mod nanos {
    pub use super::micros::deserialize;
    use serde::Serializer;

    /// Writes RFC 3339 with nanoseconds.
    pub fn serialize<S: Serializer>(nanos: &i64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::nanos_text(*nanos))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_http_are_read() {
        let expected = 784_111_777 * NANOS_PER_SECOND;
        assert_eq!(parse_http("Sun, 06 Nov 1994 08:49:37 GMT"), Some(expected));
        for text in ["120", "", "Mon, 06 Nov 1994 08:49:37 GMT"] {
            assert_eq!(parse_http(text), None, "{text}");
        }
    }

    #[test]
    fn every_input_form_is_the_same_moment() {
        let expected = 1_764_843_330_123_000_000;
        for text in [
            "2025-12-04T10:15:30.123Z",
            "2025-12-04T11:15:30.123+01:00",
            "2025-12-04 10:15:30.123Z",
            "1764843330.123",
            "1764843330123",
            "1764843330123000",
            "1764843330123000000",
        ] {
            assert_eq!(parse(text), Some(expected), "{text}");
        }
        for text in [
            "",
            "yesterday",
            "2025-12-04T10:15:30",
            "1.2.3",
            "99999999999999999999",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn output_has_the_digits_of_its_signal() {
        assert_eq!(
            micros_text(1_764_843_330_123_456_789),
            "2025-12-04T10:15:30.123456Z"
        );
        assert_eq!(
            nanos_text(1_764_843_330_000_000_001),
            "2025-12-04T10:15:30.000000001Z"
        );
    }

    #[test]
    fn lengths_have_units() {
        assert_eq!(parse_span("15m"), Some(900 * NANOS_PER_SECOND));
        assert_eq!(parse_span("250ms"), Some(250_000_000));
        assert_eq!(parse_span("7"), Some(7 * NANOS_PER_SECOND));
        assert_eq!(parse_span("m"), None);
        assert_eq!(parse_span("1y"), None);
    }

    #[test]
    fn milliseconds_are_short() {
        assert_eq!(millis(45_000_000).to_string(), "45");
        assert_eq!(millis(45_120_999).to_string(), "45.12");
        assert_eq!(millis(-5).to_string(), "0");
    }
}
