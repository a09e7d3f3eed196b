//! The `OTEL_*_LIMIT` variables and what they do to the attributes of a record. Resource
//! attributes, metric labels and log messages are exempt: their owners do not call this.

use serde_json::{Map, Value};

const DEFAULT_COUNT: usize = 128;

/// Holds how much of a span or of a log record is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Top-level attributes of the record itself.
    pub attribute_count: usize,
    /// Characters of each string, however deep it lies; `None` is without limit.
    pub attribute_value_length: Option<usize>,
    /// Events of a span.
    pub event_count: usize,
    /// Links of a span.
    pub link_count: usize,
    /// Attributes of one event of a span.
    pub event_attribute_count: usize,
    /// Attributes of one link of a span.
    pub link_attribute_count: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            attribute_count: DEFAULT_COUNT,
            attribute_value_length: None,
            event_count: DEFAULT_COUNT,
            link_count: DEFAULT_COUNT,
            event_attribute_count: DEFAULT_COUNT,
            link_attribute_count: DEFAULT_COUNT,
        }
    }
}

impl Limits {
    /// Reads the limits of spans, and a warning for every variable it had to ignore.
    pub fn for_spans(lookup: impl Fn(&str) -> Option<String>) -> (Self, Vec<String>) {
        let mut variables = Variables::new(lookup);
        let (length, count) = (variables.general_length(), variables.general_count());
        let limits = Self {
            attribute_count: variables.count("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", count),
            attribute_value_length: variables
                .read("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT")
                .or(length),
            event_count: variables.count("OTEL_SPAN_EVENT_COUNT_LIMIT", None),
            link_count: variables.count("OTEL_SPAN_LINK_COUNT_LIMIT", None),
            event_attribute_count: variables.count("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", count),
            link_attribute_count: variables.count("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", count),
        };
        (limits, variables.warnings)
    }

    /// Reads the limits of log records; what only spans have keeps its default.
    pub fn for_logs(lookup: impl Fn(&str) -> Option<String>) -> (Self, Vec<String>) {
        let mut variables = Variables::new(lookup);
        let (length, count) = (variables.general_length(), variables.general_count());
        let limits = Self {
            attribute_count: variables.count("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", count),
            attribute_value_length: variables
                .read("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT")
                .or(length),
            ..Self::default()
        };
        (limits, variables.warnings)
    }

    /// Cuts the attributes of a record to size and gives the number of those it dropped.
    pub fn apply(&self, attributes: &mut Map<String, Value>) -> u64 {
        self.cut(attributes, self.attribute_count)
    }

    /// Does the same to the attributes of one event of a span.
    pub fn apply_to_event(&self, attributes: &mut Map<String, Value>) -> u64 {
        self.cut(attributes, self.event_attribute_count)
    }

    /// Does the same to the attributes of one link of a span.
    pub fn apply_to_link(&self, attributes: &mut Map<String, Value>) -> u64 {
        self.cut(attributes, self.link_attribute_count)
    }

    fn cut(&self, attributes: &mut Map<String, Value>, count: usize) -> u64 {
        let dropped = attributes.len().saturating_sub(count);
        if dropped > 0 {
            keep_first(attributes, count);
        }
        if let Some(limit) = self.attribute_value_length {
            attributes
                .values_mut()
                .for_each(|value| shorten(value, limit));
        }
        dropped as u64
    }
}

/// Keeps the attributes that were set first: the specification discards the one that exceeds.
fn keep_first(attributes: &mut Map<String, Value>, count: usize) {
    let mut kept = 0;
    attributes.retain(|_, _| {
        kept += 1;
        kept <= count
    });
}

fn shorten(value: &mut Value, limit: usize) {
    match value {
        Value::String(text) => shorten_text(text, limit),
        Value::Array(items) => items.iter_mut().for_each(|item| shorten(item, limit)),
        Value::Object(fields) => fields.values_mut().for_each(|field| shorten(field, limit)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn shorten_text(text: &mut String, limit: usize) {
    if let Some((end, _)) = text.char_indices().nth(limit) {
        text.truncate(end);
    }
}

/// Reads numbers from variables and remembers what was wrong with them.
struct Variables<F> {
    lookup: F,
    warnings: Vec<String>,
}

impl<F: Fn(&str) -> Option<String>> Variables<F> {
    fn new(lookup: F) -> Self {
        Self {
            lookup,
            warnings: Vec::new(),
        }
    }

    fn general_count(&mut self) -> Option<usize> {
        self.read("OTEL_ATTRIBUTE_COUNT_LIMIT")
    }

    fn general_length(&mut self) -> Option<usize> {
        self.read("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT")
    }

    fn count(&mut self, name: &str, general: Option<usize>) -> usize {
        self.read(name).or(general).unwrap_or(DEFAULT_COUNT)
    }

    /// A value that is no number counts as unset, so the next variable in the order is asked.
    fn read(&mut self, name: &str) -> Option<usize> {
        let value = (self.lookup)(name)?;
        let text = value.trim();
        if text.is_empty() {
            return None;
        }
        let number = text.parse().ok();
        if number.is_none() {
            let warning = format!("{name}: {text:?} is not a whole number from 0, ignored");
            self.warnings.push(warning);
        }
        number
    }
}

#[cfg(test)]
mod tests;
