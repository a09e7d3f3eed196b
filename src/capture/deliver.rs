//! From a record to the journal: redact, fit, one line, append; and what is said when nothing kept it.

use super::{Call, fit};
use crate::error::Error;
use crate::journal::{Kept, Signal};
use crate::model::{Attributes, Record, catalog};
use crate::redact;
use crate::world::Stream;
use std::borrow::Cow;

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
        self.print_unsaved(line);
        Err(error)
    }

    /// The same for a wrapper, which says nothing: a line that nothing kept is noted where `obs doctor` finds it.
    pub(super) fn judge_silently(&self, kept: Kept) -> Result<(), Error> {
        match kept {
            Kept::Nowhere(error) => Err(error),
            Kept::Journal | Kept::Spill(_) => Ok(()),
        }
    }

    /// The last resort: what nothing keeps is printed.
    pub(super) fn print_unsaved(&self, line: &[u8]) {
        let line = self.world.shown(line);
        let unsaved = [b"obs: UNSAVED ", &*line].concat();
        let _ = self.world.write(Stream::Err, &unsaved);
    }
}

/// Takes secrets out of everything that a user gave.
pub(super) fn clean(record: &mut Record) {
    let known = match record {
        Record::Event(event) => catalog::find(&event.event_type),
        Record::Log(_) | Record::Metric(_) | Record::Span(_) => None,
    };
    let mut exempt = known.map_or(&[] as &[&str], |known| known.fields());
    for attributes in record.attributes_mut() {
        redact::map(attributes, exempt);
        exempt = &[]; // only the event's own data is declared
    }
    for text in record.texts_mut() {
        if let Cow::Owned(clean) = redact::text(text) {
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
