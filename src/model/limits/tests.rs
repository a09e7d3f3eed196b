//! Which variable wins, what a bad one does, and where strings and maps are cut.

use super::*;
use serde_json::json;

fn lookup(pairs: &[(&str, &str)]) -> impl Fn(&str) -> Option<String> {
    |name| {
        let found = pairs.iter().find(|(key, _)| *key == name);
        found.map(|(_, value)| (*value).to_owned())
    }
}

fn spans(pairs: &[(&str, &str)]) -> Limits {
    let (limits, warnings) = Limits::for_spans(lookup(pairs));
    assert!(warnings.is_empty(), "{warnings:?}");
    limits
}

fn attributes(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

#[test]
fn nothing_set_gives_the_defaults() {
    let (spans, span_warnings) = Limits::for_spans(|_| None);
    let (logs, log_warnings) = Limits::for_logs(|_| Some(String::new()));
    assert_eq!((spans, logs), (Limits::default(), Limits::default()));
    assert!(span_warnings.is_empty() && log_warnings.is_empty());
    assert_eq!(Limits::default().attribute_count, 128);
    assert_eq!(Limits::default().attribute_value_length, None);
}

#[test]
fn every_variable_of_spans_is_read() {
    let limits = spans(&[
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "1"),
        ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "2"),
        ("OTEL_SPAN_EVENT_COUNT_LIMIT", "3"),
        ("OTEL_SPAN_LINK_COUNT_LIMIT", "4"),
        ("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "5"),
        ("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", " 0 "),
        ("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "99"),
    ]);
    let expected = Limits {
        attribute_count: 1,
        attribute_value_length: Some(2),
        event_count: 3,
        link_count: 4,
        event_attribute_count: 5,
        link_attribute_count: 0,
    };
    assert_eq!(limits, expected);
}

#[test]
fn the_model_wins_over_the_general() {
    let limits = spans(&[
        ("OTEL_ATTRIBUTE_COUNT_LIMIT", "10"),
        ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "20"),
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "30"),
        ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", ""),
    ]);
    assert_eq!(limits.attribute_count, 30);
    assert_eq!(limits.attribute_value_length, Some(20));
    assert_eq!(
        (limits.event_attribute_count, limits.link_attribute_count),
        (10, 10)
    );
    assert_eq!((limits.event_count, limits.link_count), (128, 128));
}

#[test]
fn logs_read_their_own_variables() {
    let (limits, warnings) = Limits::for_logs(lookup(&[
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "1"),
        ("OTEL_ATTRIBUTE_COUNT_LIMIT", "2"),
        ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "3"),
        ("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "4"),
    ]));
    let expected = Limits {
        attribute_count: 2,
        attribute_value_length: Some(4),
        ..Limits::default()
    };
    assert_eq!((limits, warnings), (expected, vec![]));
}

#[test]
fn a_value_that_is_no_number_warns_and_counts_as_unset() {
    for bad in ["-1", "x", "1.5", "10k", "99999999999999999999999"] {
        let pairs = [
            ("OTEL_ATTRIBUTE_COUNT_LIMIT", "7"),
            ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", bad),
            ("OTEL_SPAN_EVENT_COUNT_LIMIT", bad),
        ];
        let (limits, warnings) = Limits::for_spans(lookup(&pairs));
        assert_eq!(
            (limits.attribute_count, limits.event_count),
            (7, 128),
            "{bad}"
        );
        assert_eq!(warnings.len(), 2, "{warnings:?}");
        assert!(warnings[0].starts_with("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: "));
    }
}

#[test]
fn a_bad_general_variable_warns_once() {
    let pairs = [("OTEL_ATTRIBUTE_COUNT_LIMIT", "many")];
    assert_eq!(Limits::for_spans(lookup(&pairs)).1.len(), 1);
    assert_eq!(Limits::for_logs(lookup(&pairs)).1.len(), 1);
}

#[test]
fn strings_are_cut_in_characters_at_any_depth() {
    let limits = Limits {
        attribute_value_length: Some(3),
        ..Limits::default()
    };
    let mut seen = attributes(json!({
        "short": "ab", "exact": "äöü", "long": "äöüß", "emoji": "🦀🦀🦀🦀", "none": "",
        "number": 123_456, "float": 1.234_567, "yes": true, "null": null,
        "list": ["abcd", 12_345, ["abcd"]], "a_long_key": {"another_long_key": ["wxyz"]},
    }));
    assert_eq!(limits.apply(&mut seen), 0);
    let expected = attributes(json!({
        "short": "ab", "exact": "äöü", "long": "äöü", "emoji": "🦀🦀🦀", "none": "",
        "number": 123_456, "float": 1.234_567, "yes": true, "null": null,
        "list": ["abc", 12_345, ["abc"]], "a_long_key": {"another_long_key": ["wxy"]},
    }));
    assert_eq!(seen, expected);
}

#[test]
fn zero_length_empties_strings_only() {
    let limits = Limits {
        attribute_value_length: Some(0),
        ..Limits::default()
    };
    let mut seen = attributes(json!({"a": "ü", "b": 1}));
    assert_eq!(limits.apply(&mut seen), 0);
    assert_eq!(seen, attributes(json!({"a": "", "b": 1})));
}

#[test]
fn attributes_over_the_count_are_dropped_from_the_end() {
    let limits = Limits {
        attribute_count: 2,
        event_attribute_count: 1,
        link_attribute_count: 0,
        ..Limits::default()
    };
    let all = attributes(json!({"z": 1, "y": {"n": 1, "m": 2, "l": 3}, "x": 3}));
    let (mut own, mut event, mut link) = (all.clone(), all.clone(), all);
    assert_eq!(limits.apply(&mut own), 1);
    assert_eq!(limits.apply_to_event(&mut event), 2);
    assert_eq!(limits.apply_to_link(&mut link), 3);
    assert_eq!(own.keys().collect::<Vec<_>>(), ["z", "y"]);
    assert_eq!(own["y"], json!({"n": 1, "m": 2, "l": 3}));
    assert_eq!(event.keys().collect::<Vec<_>>(), ["z"]);
    assert!(link.is_empty());
}
