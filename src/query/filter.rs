//! Which records are asked for.

use crate::error::Error;
use crate::model::{Level, Record};
use memchr::memmem;
use regex::bytes::Regex;
use serde_json::Value;

/// A record's member and the value it must have.
#[derive(Debug, Clone)]
pub struct Condition {
    key: String,
    value: String,
}

impl Condition {
    /// Reads `KEY=VALUE`; the key is a path with dots, in the record or in its attributes.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((key, value)) if !key.is_empty() => Ok(Self {
                key: key.to_owned(),
                value: value.to_owned(),
            }),
            _ => Err("expected KEY=VALUE".to_owned()),
        }
    }

    fn holds(&self, record: &Value) -> bool {
        const HOLDERS: [&str; 6] = [
            "context",
            "data",
            "attributes",
            "labels",
            "resource",
            "metadata",
        ];
        let inside = HOLDERS.iter().filter_map(|holder| record.get(holder));
        [record]
            .into_iter()
            .chain(inside)
            .filter_map(|holder| member(holder, &self.key))
            .any(|found| self.equals(found))
    }

    fn equals(&self, found: &Value) -> bool {
        match found {
            Value::String(text) => *text == self.value,
            Value::Array(items) if items.iter().any(|item| self.equals(item)) => true,
            other => {
                let text = other.to_string();
                text == self.value
            }
        }
    }
}

/// A member by its whole name, else by a path: attribute names hold dots themselves.
fn member<'a>(holder: &'a Value, key: &str) -> Option<&'a Value> {
    if let Some(found) = holder.get(key) {
        return Some(found);
    }
    key.match_indices('.').find_map(|(at, _)| {
        let (first, rest) = key.split_at_checked(at)?;
        member(holder.get(first)?, rest.get(1..)?)
    })
}

/// A filter; what is none filters nothing.
#[derive(Debug, Default)]
pub struct Filter {
    /// Not before this.
    pub since: Option<i64>,
    /// Before this.
    pub until: Option<i64>,
    /// Logs of this level and above.
    pub level: Option<Level>,
    /// Logs of this logger; a trailing `*` takes any end.
    pub logger: Option<String>,
    /// Events of this type; a trailing `*` takes any end.
    pub kind: Option<String>,
    /// Spans and metric points of this name; a trailing `*` takes any end.
    pub name: Option<String>,
    /// Records of the trace whose id begins so.
    pub trace: Option<String>,
    /// All of these hold.
    pub conditions: Vec<Condition>,
    /// The line matches.
    pub grep: Option<Regex>,
}

impl Filter {
    /// Compiles a `--grep` pattern.
    pub fn pattern(text: &str) -> Result<Regex, Error> {
        Regex::new(text).map_err(|error| {
            let text = error.to_string();
            let last = text
                .lines()
                .last()
                .unwrap_or_default()
                .trim_start_matches("error: ");
            Error::usage("`--grep` is no regular expression").because(last)
        })
    }

    /// False where a line can be passed over unread.
    pub fn may_match(&self, line: &[u8]) -> bool {
        let traced = self
            .trace
            .as_ref()
            .is_none_or(|id| memmem::find(line, id.as_bytes()).is_some());
        traced
            && self
                .grep
                .as_ref()
                .is_none_or(|pattern| pattern.is_match(line))
    }

    /// True where a record is asked for; `line` is its text.
    pub fn matches(&self, record: &Record, line: &[u8]) -> bool {
        let time = record.time();
        self.since.is_none_or(|since| time >= since)
            && self.until.is_none_or(|until| time < until)
            && self
                .trace
                .as_ref()
                .is_none_or(|id| record.trace_id().starts_with(id))
            && self.fits(record)
            && self.holds(line)
    }

    fn fits(&self, record: &Record) -> bool {
        match record {
            Record::Log(log) => {
                self.level.is_none_or(|level| log.level >= level)
                    && like(self.logger.as_deref(), &log.logger)
            }
            Record::Event(event) => like(self.kind.as_deref(), &event.event_type),
            Record::Span(span) => like(self.name.as_deref(), &span.name),
            Record::Metric(metric) => like(self.name.as_deref(), &metric.name),
        }
    }

    fn holds(&self, line: &[u8]) -> bool {
        if self.conditions.is_empty() {
            return true;
        }
        serde_json::from_slice::<Value>(line).is_ok_and(|record| {
            self.conditions
                .iter()
                .all(|condition| condition.holds(&record))
        })
    }
}

fn like(pattern: Option<&str>, text: &str) -> bool {
    match pattern {
        None => true,
        Some(pattern) => match pattern.strip_suffix('*') {
            Some(start) => text.starts_with(start),
            None => text == pattern,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Signal;

    const LINE: &[u8] = br#"{"timestamp":"2025-12-04T10:15:30Z","level":"ERROR","logger":"bash.a.sh","message":"m","context":{"n":1,"a":{"b":"c"},"x.y":"z","tags":["p","q"]},"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","id":"1"}
"#;

    fn matches(filter: &Filter) -> bool {
        filter.may_match(LINE) && filter.matches(&Signal::Logs.read(LINE).unwrap(), LINE)
    }

    fn whose(condition: &str) -> Filter {
        Filter {
            conditions: vec![Condition::parse(condition).unwrap()],
            ..Filter::default()
        }
    }

    #[test]
    fn conditions_look_into_attributes() {
        for yes in [
            "n=1",
            "a.b=c",
            "x.y=z",
            "tags=q",
            "context.n=1",
            "level=ERROR",
        ] {
            assert!(matches(&whose(yes)), "{yes}");
        }
        for no in ["n=2", "a=c", "b=c", "missing=", "tags=r"] {
            assert!(!matches(&whose(no)), "{no}");
        }
        assert!(Condition::parse("novalue").is_err());
    }

    #[test]
    fn every_filter_narrows() {
        let time = crate::model::time::parse("2025-12-04T10:15:30Z");
        let with = |change: fn(&mut Filter)| {
            let mut filter = Filter::default();
            change(&mut filter);
            filter
        };
        assert!(matches(&Filter {
            since: time,
            ..Filter::default()
        }));
        assert!(!matches(&Filter {
            until: time,
            ..Filter::default()
        }));
        assert!(matches(&with(|filter| filter.level = Some(Level::Warning))));
        assert!(!matches(&with(
            |filter| filter.level = Some(Level::Critical)
        )));
        assert!(matches(&with(
            |filter| filter.logger = Some("bash.*".to_owned())
        )));
        assert!(!matches(&with(
            |filter| filter.logger = Some("bash".to_owned())
        )));
        assert!(matches(&with(
            |filter| filter.trace = Some("4bf92f".to_owned())
        )));
        assert!(!matches(&with(
            |filter| filter.trace = Some("bf92f3".to_owned())
        )));
        assert!(matches(&with(
            |filter| filter.grep = Filter::pattern("\"m\\w*\"").ok()
        )));
        assert!(Filter::pattern("(").is_err());
    }
}
