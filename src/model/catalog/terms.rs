//! Values that several families share: the closed word lists and the time of day.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de::Error};

use super::reader::show_text;

/// How serious a finding or an incident is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    Critical,
    High,
    Medium,
    Low,
    Info,
}

/// How a delivery step ended, in the words of CDEvents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Success,
    Failure,
    Cancel,
    Error,
}

/// A moment as RFC 3339 text; the text is kept as it came.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Timestamp(String);

impl Timestamp {
    /// Gives the text as it came.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if is_rfc3339(&text) {
            return Ok(Self(text));
        }
        Err(D::Error::custom(format_args!(
            "expected an RFC 3339 time like 2026-11-22T11:47:00Z, found {}",
            show_text(&text)
        )))
    }
}

impl JsonSchema for Timestamp {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": "date-time"})
    }
}

/// Says whether `text` is a whole RFC 3339 date and time with an offset.
fn is_rfc3339(text: &str) -> bool {
    let Some((date, rest)) = text.split_once(['T', 't']) else {
        return false;
    };
    let offset_at = rest.find(['Z', 'z', '+', '-']).unwrap_or(rest.len());
    let (time, offset) = rest.split_at(offset_at);
    is_date(date) && is_time(time) && is_offset(offset)
}

fn is_date(date: &str) -> bool {
    let mut parts = date.split('-');
    let (year, month, day) = (parts.next(), parts.next(), parts.next());
    let (Some(year), Some(month), Some(day), None) = (
        digits(year, 4, 9999),
        digits(month, 2, 12),
        digits(day, 2, 31),
        parts.next(),
    ) else {
        return false;
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    month > 0 && (1..=last).contains(&day)
}

fn is_time(time: &str) -> bool {
    let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let mut parts = clock.split(':');
    digits(parts.next(), 2, 23).is_some()
        && digits(parts.next(), 2, 59).is_some()
        // 60: leap seconds are legal.
        && digits(parts.next(), 2, 60).is_some()
        && parts.next().is_none()
        && !fraction.is_empty()
        && fraction.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_offset(offset: &str) -> bool {
    let Some(hours) = offset.strip_prefix(['+', '-']) else {
        return offset.eq_ignore_ascii_case("z");
    };
    hours.split_once(':').is_some_and(|(hour, minute)| {
        digits(Some(hour), 2, 23).is_some() && digits(Some(minute), 2, 59).is_some()
    })
}

fn digits(text: Option<&str>, length: usize, highest: u32) -> Option<u32> {
    let text = text.filter(|text| text.len() == length)?;
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().filter(|number| *number <= highest)
}
