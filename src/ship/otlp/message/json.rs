//! OTLP/JSON: the serde of `opentelemetry-proto`, with its holes covered. Doubles that are not finite would be lost; the
//! messages built here have none. Nulls are legal, but the Collector refuses one where it expects a number, as in the `sum`
//! of a histogram that has none; they are left out, and so are empty lists, of which there are many.

use serde::Serialize;

/// The request as one line of OTLP/JSON, without the newline: the body of http/json, a line of the file exporter.
pub fn json(request: &impl Serialize) -> Vec<u8> {
    let mut text = Vec::with_capacity(4096);
    // messages are numbers, strings and lists: nothing that serialising to memory can refuse
    let _ = request.serialize(&mut serde_json::Serializer::new(&mut text));
    lean(&text)
}

/// Leaves out every field that is null or an empty list. In OTLP neither stands in a list.
fn lean(text: &[u8]) -> Vec<u8> {
    let mut lean = Vec::with_capacity(text.len());
    // what is not yet copied; where the last key or string began; where we are
    let (mut from, mut key, mut at) = (0, 0, 0);
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let empty = match rest {
            [b'"', ..] => {
                key = at;
                at += string(rest);
                continue;
            }
            [b'n', b'u', b'l', b'l', ..] => 4,
            [b'[', b']', ..] => 2,
            _ => {
                at += 1;
                continue;
            }
        };
        at += empty;
        // one of the two commas around it goes with it
        let before = text.get(from..key).unwrap_or_default();
        let kept = before.strip_suffix(b",");
        lean.extend_from_slice(kept.unwrap_or(before));
        at += usize::from(kept.is_none() && text.get(at) == Some(&b','));
        from = at;
    }
    lean.extend_from_slice(text.get(from..).unwrap_or_default());
    lean
}

/// The length of the string that a text begins with, quotes included.
fn string(text: &[u8]) -> usize {
    let mut is_escaped = true;
    let end = text.iter().position(|byte| {
        let is_end = *byte == b'"' && !is_escaped;
        is_escaped = *byte == b'\\' && !is_escaped;
        is_end
    });
    end.map_or(text.len(), |end| end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Map, Value};

    fn leaned(text: &str) -> String {
        String::from_utf8(lean(text.as_bytes())).unwrap()
    }

    #[test]
    fn nulls_and_empty_lists_go_with_a_comma() {
        assert_eq!(leaned(r#"{"a":null}"#), "{}");
        assert_eq!(leaned(r#"{"a":null,"b":1}"#), r#"{"b":1}"#);
        assert_eq!(leaned(r#"{"a":1,"b":null}"#), r#"{"a":1}"#);
        assert_eq!(
            leaned(r#"{"a":[],"b":null,"c":[1],"d":[]}"#),
            r#"{"c":[1]}"#
        );
        assert_eq!(leaned(r#"[{"a":{"b":null}},{"c":[]}]"#), r#"[{"a":{}},{}]"#);
    }

    #[test]
    fn strings_are_left_alone() {
        for text in [
            r#"{"null":"[]"}"#,
            r#"{"a\\":"\"null,[]\\"}"#,
            r#"["null"]"#,
        ] {
            assert_eq!(leaned(text), text);
        }
    }

    /// What `lean` must give, by the slow way.
    fn without(value: Value) -> Value {
        let is_empty =
            |value: &Value| value.is_null() || value.as_array().is_some_and(Vec::is_empty);
        match value {
            Value::Object(fields) => {
                let fields = fields.into_iter().filter(|(_, value)| !is_empty(value));
                Value::Object(fields.map(|(key, value)| (key, without(value))).collect())
            }
            Value::Array(items) => Value::Array(items.into_iter().map(without).collect()),
            other => other,
        }
    }

    fn message() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            Just(Value::Array(Vec::new())),
            any::<String>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
        ];
        let object = |fields: Vec<(String, Value)>| Value::Object(Map::from_iter(fields));
        leaf.prop_recursive(5, 60, 4, move |inner| {
            let fields = prop::collection::vec((any::<String>(), inner), 0..5);
            let objects = prop::collection::vec(fields.clone().prop_map(object), 0..3);
            prop_oneof![fields.prop_map(object), objects.prop_map(Value::Array)]
        })
        .prop_map(move |value| object(vec![("all".to_owned(), value)]))
    }

    proptest! {
        #[test]
        fn leaving_out_loses_nothing_else(value in message()) {
            let text = serde_json::to_vec(&value).unwrap();
            let read: Value = serde_json::from_slice(&lean(&text)).unwrap();
            prop_assert_eq!(read, without(value));
        }
    }
}
