//! Subjects. Their tokens come from an allow-list: what a record says can make no wildcard, no empty token, no space.

use crate::model::Record;

/// Longer ones are cut: a server reads lines of 4 KiB at most.
const LONGEST: usize = 255;

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_')
}

/// Whether the text may be a token as it is.
pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_plain)
}

/// The subject of a record: the prefix, then an event's type, a log's level, a metric's name, a span's service.
pub(super) fn of(prefix: &str, record: &Record) -> String {
    let mut subject = prefix.to_owned();
    let name = match record {
        Record::Event(event) => event.event_type.clone(),
        Record::Log(log) => log.level.name().to_ascii_lowercase(),
        Record::Metric(metric) => metric.name.clone(),
        Record::Span(span) => span.service.replace('.', "_"),
    };
    for token in name.split('.') {
        if subject.len() >= LONGEST {
            break;
        }
        subject.push('.');
        match token {
            "" => subject.push('_'),
            _ => {
                let room = LONGEST.saturating_sub(subject.len()).max(1);
                let plain = token.chars().map(|c| if is_plain(c) { c } else { '_' });
                subject.extend(plain.take(room));
            }
        }
    }
    subject
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Event, Level, Log, Span};

    fn event(event_type: &str) -> String {
        let event = Event {
            event_type: event_type.to_owned(),
            ..Event::default()
        };
        of("obs.events", &Record::Event(Box::new(event)))
    }

    #[test]
    fn type_follows_the_prefix() {
        assert_eq!(event("task.state_changed"), "obs.events.task.state_changed");
    }

    #[test]
    fn hostile_types_make_plain_tokens() {
        for (event_type, tail) in [
            ("", "_"),
            ("*", "_"),
            (">", "_"),
            ("a..b", "a._.b"),
            (".a.", "_.a._"),
            ("a b\r\nPUB x", "a_b__PUB_x"),
            ("é.$JS", "_._JS"),
        ] {
            assert_eq!(event(event_type), format!("obs.events.{tail}"));
        }
    }

    #[test]
    fn long_types_are_cut_to_whole_tokens() {
        for event_type in ["a".repeat(9000), "a.".repeat(9000), ".".repeat(9000)] {
            let subject = event(&event_type);
            assert!(subject.len() <= LONGEST + 2, "{}", subject.len());
            assert!(subject.split('.').all(is_token), "{subject}");
        }
    }

    #[test]
    fn other_signals_say_what_one_asks_for() {
        let log = Log {
            level: Level::Warning,
            ..Log::default()
        };
        assert_eq!(
            of("obs.logs", &Record::Log(Box::new(log))),
            "obs.logs.warning"
        );
        let span = Span {
            service: "api.v1".to_owned(),
            ..Span::default()
        };
        assert_eq!(
            of("obs.spans", &Record::Span(Box::new(span))),
            "obs.spans.api_v1"
        );
    }
}
