//! From a record to the journal: redact, fit, one line, append; and what is said when nothing kept it.

use super::{Call, fit};
use crate::error::Error;
use crate::journal::{Kept, Signal};
use crate::model::{Attributes, Record, catalog};
use crate::redact;

impl Call<'_> {
    /// Redacts a record and makes its line.
    pub(super) fn line(&self, record: &mut Record) -> Vec<u8> {
        clean(record);
        fit::line(record, self.settings.record_bytes)
    }

    /// Appends a record's line; an error says that it was not accepted. A line that nothing keeps goes to stderr.
    pub(super) fn keep(&self, signal: Signal, line: &[u8]) -> Result<(), Error> {
        if self.disabled {
            return Ok(());
        }
        self.judge(line, self.journal.append(signal, line, self.now))
    }

    /// What an append came to: prints a line that nothing kept.
    pub(super) fn judge(&self, line: &[u8], kept: Kept) -> Result<(), Error> {
        let Kept::Nowhere(error) = kept else {
            return Ok(());
        };
        let mut unsaved = b"obs: UNSAVED ".to_vec();
        unsaved.extend_from_slice(line);
        let _ = self.world.write(crate::world::Stream::Err, &unsaved);
        Err(error)
    }
}

/// Takes secrets out of everything that a user gave.
pub(super) fn clean(record: &mut Record) {
    match record {
        Record::Log(log) => {
            texts([
                &mut log.message,
                &mut log.exception,
                &mut log.logger,
                &mut log.status,
            ]);
            texts([&mut log.module, &mut log.function]);
            redact::map(&mut log.context, &[]);
            redact::map(&mut log.resource, &[]);
        }
        Record::Event(event) => {
            texts([
                &mut event.event_type,
                &mut event.correlation_id,
                &mut event.causation_id,
            ]);
            texts([
                &mut event.source,
                &mut event.actor.id,
                &mut event.metadata.working_directory,
            ]);
            let known = catalog::find(&event.event_type);
            redact::map(&mut event.data, known.map_or(&[], |known| known.fields()));
            redact::map(&mut event.resource, &[]);
        }
        Record::Metric(metric) => {
            texts([&mut metric.name, &mut metric.unit, &mut metric.help]);
            redact::map(&mut metric.labels, &[]);
            redact::map(&mut metric.resource, &[]);
        }
        Record::Span(span) => {
            texts([
                &mut span.name,
                &mut span.status.message,
                &mut span.trace_state,
            ]);
            redact::map(&mut span.attributes, &[]);
            redact::map(&mut span.resource, &[]);
            for event in &mut span.events {
                texts([&mut event.name]);
                redact::map(&mut event.attributes, &[]);
            }
            for link in &mut span.links {
                redact::map(&mut link.attributes, &[]);
            }
        }
    }
    texts(record.notes_mut().invalid.iter_mut());
}

fn texts<'a>(texts: impl IntoIterator<Item = &'a mut String>) {
    for text in texts {
        if let std::borrow::Cow::Owned(clean) = redact::text(text) {
            *text = clean;
        }
    }
}

/// Attributes of a record that were given as words.
pub(super) fn extend(attributes: &mut Attributes, more: Attributes) {
    for (key, value) in more {
        attributes.insert(key, value);
    }
}
