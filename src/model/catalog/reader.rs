//! Reads a typed `data` out of a JSON value and says exactly where it does not fit. serde_json's own
//! reader names no field, and with `arbitrary_precision` it answers a wrong number with "invalid number".

use std::cell::Cell;
use std::fmt;

use serde::de::value::{BorrowedStrDeserializer, StrDeserializer};
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::{Map, Value, map};

/// Reads a catalogue type out of `data`; the error names the field and what is wrong with it.
pub fn read<'de, T: Deserialize<'de>>(data: &'de Value) -> Result<T, String> {
    T::deserialize(At(data)).map_err(|mismatch| mismatch.to_string())
}

/// Shows a text inside a message: whole and quoted when short, else only its length.
pub(super) fn show_text(text: &str) -> String {
    let length = text.chars().count();
    // A cut text would no longer look like the secret it may hold, so redaction could not catch it.
    if length > LONGEST_SHOWN {
        return format!("a string of {length} characters");
    }
    format!("string {text:?}")
}

const LONGEST_SHOWN: usize = 40;

/// Takes the field names of a derived struct and refuses everything else.
pub(super) struct Probe<'a>(pub(super) &'a Cell<&'static [&'static str]>);

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = Mismatch;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Mismatch> {
        Err(Mismatch::default())
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Mismatch> {
        self.0.set(fields);
        Err(Mismatch::default())
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// What does not fit, and where: `open[0].count`, or nothing at the top.
#[derive(Debug, Default)]
pub(super) struct Mismatch {
    place: String,
    text: String,
}

impl Mismatch {
    fn expected(what: impl fmt::Display, found: &Value) -> Self {
        Self::custom(format_args!("expected {what}, found {}", show(found)))
    }

    fn inside(mut self, step: &str) -> Self {
        let dot = if self.place.is_empty() || self.place.starts_with('[') {
            ""
        } else {
            "."
        };
        self.place = format!("{step}{dot}{}", self.place);
        self
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.place.is_empty() {
            write!(out, "`{}`: ", self.place)?;
        }
        out.write_str(&self.text)
    }
}

impl std::error::Error for Mismatch {}

impl serde::de::Error for Mismatch {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self {
            place: String::new(),
            text: text.to_string(),
        }
    }
}

fn show(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => {
            let digits = number.to_string();
            if digits.len() > LONGEST_SHOWN {
                return format!("a number of {} characters", digits.len());
            }
            digits
        }
        Value::String(text) => show_text(text),
        Value::Array(_) => "an array".into(),
        Value::Object(_) => "an object".into(),
    }
}

/// One value of `data`, asked for as the type wants it.
struct At<'de>(&'de Value);

impl At<'_> {
    /// Takes `7.0` and `7e0` for 7, as JSON Schema does.
    fn whole<T: TryFrom<i128>>(&self, range: &str) -> Result<T, Mismatch> {
        let Value::Number(number) = self.0 else {
            return Err(Mismatch::expected("an integer", self.0));
        };
        let as_float = || {
            let float = number.as_f64().filter(|float| float.fract() == 0.0)?;
            Some(float as i128)
        };
        let Some(whole) = number.as_i128().or_else(as_float) else {
            return Err(Mismatch::expected("an integer", self.0));
        };
        T::try_from(whole).map_err(|_| Mismatch::expected(range, self.0))
    }
}

impl<'de> Deserializer<'de> for At<'de> {
    type Error = Mismatch;

    /// Serves fields that take any JSON: serde_json keeps every digit of a huge number.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        self.0.deserialize_any(visitor).map_err(Mismatch::custom)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match self.0 {
            Value::Bool(truth) => visitor.visit_bool(*truth),
            other => Err(Mismatch::expected("true or false", other)),
        }
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        visitor.visit_i64(self.whole("an integer of 64 bits")?)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        visitor.visit_u64(self.whole("an integer from 0 to 18446744073709551615")?)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        let Value::Number(number) = self.0 else {
            return Err(Mismatch::expected("a number", self.0));
        };
        match number.as_f64() {
            Some(float) => visitor.visit_f64(float),
            None => Err(Mismatch::expected("a number of 64 bits", self.0)),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match self.0 {
            Value::String(text) => visitor.visit_borrowed_str(text),
            other => Err(Mismatch::expected("a string", other)),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match self.0 {
            Value::Array(items) => visitor.visit_seq(Items(items.iter().enumerate())),
            other => Err(Mismatch::expected("an array", other)),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match self.0 {
            Value::Object(fields) => visitor.visit_map(Fields::of(fields)),
            other => Err(Mismatch::expected("an object", other)),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        words: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        match self.0 {
            Value::String(word) if words.contains(&word.as_str()) => {
                visitor.visit_enum(StrDeserializer::new(word))
            }
            other => {
                let list = words.join("`, `");
                Err(Mismatch::expected(format_args!("one of `{list}`"), other))
            }
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i128 u8 u16 u32 u128 f32 char bytes byte_buf unit unit_struct tuple tuple_struct identifier
    }
}

struct Items<'de>(std::iter::Enumerate<std::slice::Iter<'de, Value>>);

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Mismatch;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Mismatch> {
        let Some((at, item)) = self.0.next() else {
            return Ok(None);
        };
        let read = seed.deserialize(At(item)).map(Some);
        read.map_err(|mismatch| mismatch.inside(&format!("[{at}]")))
    }
}

struct Fields<'de> {
    rest: map::Iter<'de>,
    at: Option<(&'de str, &'de Value)>,
}

impl<'de> Fields<'de> {
    fn of(fields: &'de Map<String, Value>) -> Self {
        Self {
            rest: fields.iter(),
            at: None,
        }
    }
}

impl<'de> MapAccess<'de> for Fields<'de> {
    type Error = Mismatch;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Mismatch> {
        let Some((name, value)) = self.rest.next() else {
            return Ok(None);
        };
        self.at = Some((name, value));
        seed.deserialize(BorrowedStrDeserializer::new(name))
            .map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Mismatch> {
        let Some((name, value)) = self.at.take() else {
            return Err(Mismatch::custom("a value was asked for before its name"));
        };
        seed.deserialize(At(value))
            .map_err(|mismatch| mismatch.inside(name))
    }
}
