//! JSON values as OTLP values, by the specification's "mapping arbitrary data to OTLP AnyValue" (common, attribute type
//! mapping): integers of 64 bits are integers, other finite numbers doubles, what fits neither the text of the number;
//! null is the empty value.

use crate::model::Attributes;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, KeyValueList};
use serde_json::{Number, Value};

/// Deepest nesting that stays structured; below it a value is its JSON text. A level costs three messages, and protobuf
/// readers in C++, Java, Python and Rust follow 100 of them.
const DEEPEST: usize = 16;

/// A key with a text.
pub(super) fn text(key: &str, value: &str) -> KeyValue {
    pair(key, Any::StringValue(value.to_owned()))
}

/// A key with a whole number; one beyond 64 bits is the greatest.
pub(super) fn whole(key: &str, value: u64) -> KeyValue {
    pair(key, Any::IntValue(i64::try_from(value).unwrap_or(i64::MAX)))
}

/// A key with a JSON value.
pub(super) fn keyed(key: &str, value: &Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(any(value, 0)),
        ..KeyValue::default()
    }
}

/// A key with a number.
pub(super) fn number(key: &str, value: &Number) -> KeyValue {
    pair(key, any_number(value))
}

/// A key that says yes.
pub(super) fn yes(key: &str) -> KeyValue {
    pair(key, Any::BoolValue(true))
}

/// A message text.
pub(super) fn body(message: &str) -> AnyValue {
    AnyValue {
        value: Some(Any::StringValue(message.to_owned())),
    }
}

/// Adds attributes of a user to our own, whose keys they cannot take.
pub(super) fn extend(own: &mut Vec<KeyValue>, given: &Attributes) {
    let ours = own.len();
    own.reserve(given.len());
    for (key, value) in given {
        if own.iter().take(ours).all(|taken| taken.key != *key) {
            own.push(keyed(key, value));
        }
    }
}

/// Attributes as they are.
pub(super) fn attributes(given: &Attributes) -> Vec<KeyValue> {
    given.iter().map(|(key, value)| keyed(key, value)).collect()
}

fn pair(key: &str, value: Any) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

fn any(value: &Value, depth: usize) -> AnyValue {
    let value = match value {
        Value::Null => None,
        Value::Bool(flag) => Some(Any::BoolValue(*flag)),
        Value::Number(number) => Some(any_number(number)),
        Value::String(text) => Some(Any::StringValue(text.clone())),
        nested if depth == DEEPEST => Some(Any::StringValue(nested.to_string())),
        Value::Array(items) => Some(Any::ArrayValue(ArrayValue {
            values: items.iter().map(|item| any(item, depth + 1)).collect(),
        })),
        Value::Object(fields) => Some(Any::KvlistValue(KeyValueList {
            values: fields.iter().map(|field| nested(field, depth)).collect(),
        })),
    };
    AnyValue { value }
}

fn nested((key, value): (&String, &Value), depth: usize) -> KeyValue {
    KeyValue {
        key: key.clone(),
        value: Some(any(value, depth + 1)),
        ..KeyValue::default()
    }
}

fn any_number(number: &Number) -> Any {
    if let Some(whole) = number.as_i64() {
        return Any::IntValue(whole);
    }
    let is_whole = !number.as_str().contains(['.', 'e', 'E']);
    match number.as_f64() {
        Some(float) if !is_whole && float.is_finite() => Any::DoubleValue(float),
        _ => Any::StringValue(number.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::json;

    fn of(text: &str) -> Option<Any> {
        any(&json::parse(text).unwrap(), 0).value
    }

    #[test]
    fn numbers_have_the_type_that_holds_them() {
        assert_eq!(of("-5"), Some(Any::IntValue(-5)));
        assert_eq!(of("9223372036854775807"), Some(Any::IntValue(i64::MAX)));
        assert_eq!(of("1.0"), Some(Any::DoubleValue(1.0)));
        assert_eq!(of("2e3"), Some(Any::DoubleValue(2000.0)));
        for text in ["9223372036854775808", "-99999999999999999999", "1e+400"] {
            assert_eq!(of(text), Some(Any::StringValue(text.to_owned())));
        }
    }

    #[test]
    fn null_is_the_empty_value() {
        assert_eq!(of("null"), None);
        let Some(Any::ArrayValue(list)) = of("[null,true,\"a\"]") else {
            panic!("no list");
        };
        assert_eq!(list.values[0], AnyValue { value: None });
        assert_eq!(list.values[2].value, Some(Any::StringValue("a".to_owned())));
    }

    #[test]
    fn deep_values_end_as_text() {
        let text = format!("{}1{}", "[".repeat(60), "]".repeat(60));
        let (mut value, mut depth) = (of(&text), 0);
        while let Some(Any::ArrayValue(list)) = value {
            value = list.values[0].value.clone();
            depth += 1;
        }
        let rest = format!("{}1{}", "[".repeat(44), "]".repeat(44));
        assert_eq!((depth, value), (16, Some(Any::StringValue(rest))));
    }

    #[test]
    fn given_keys_cannot_take_ours() {
        let mut own = vec![text("log.record.uid", "1")];
        let given = json::parse_object(r#"{"log.record.uid":"forged","a":1}"#).unwrap();
        extend(&mut own, &given);
        assert_eq!(own, [text("log.record.uid", "1"), whole("a", 1)]);
    }
}
