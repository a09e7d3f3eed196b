//! The reader of a drain, on a thread of its own: one part waits while another is on its way, and no more.

use super::super::{Most, Stored};
use crate::journal::{Batches, Mark};
use crate::model::Signal;
use std::sync::mpsc::SyncSender;

/// What the reader hands over: some records of a signal, and where the cursor stands behind them.
pub(super) struct Part {
    pub(super) signal: Signal,
    pub(super) records: Vec<Stored>,
    /// For each record, how many lines end with it: what is no record is among them.
    pub(super) lines: Vec<usize>,
    pub(super) mark: Mark,
    pub(super) damaged: u64,
}

impl Part {
    /// The next one of a signal; none at its end.
    fn next(signal: Signal, batches: &mut Batches, most: Most) -> std::io::Result<Option<Self>> {
        let Some(chunk) = batches.next((most.records, most.bytes))? else {
            return Ok(None);
        };
        let mut part = Self {
            signal,
            records: Vec::with_capacity(chunk.lines.len()),
            lines: Vec::with_capacity(chunk.lines.len()),
            mark: chunk.mark,
            damaged: chunk.damaged,
        };
        for (index, line) in chunk.lines.into_iter().enumerate() {
            match signal.read(&line) {
                Ok(record) => {
                    part.records.push(Stored { line, record });
                    part.lines.push(index + 1);
                }
                Err(_) => part.damaged += 1,
            }
        }
        Ok(Some(part))
    }
}

/// Reads ahead. Ends when there is no more, at an error, or when nobody takes it.
pub(super) fn read(
    readers: Vec<(Signal, Batches)>,
    most: Most,
    sender: &SyncSender<std::io::Result<Part>>,
) {
    for (signal, mut batches) in readers {
        while let Some(part) = Part::next(signal, &mut batches, most).transpose() {
            let is_failed = part.is_err();
            if sender.send(part).is_err() || is_failed {
                return;
            }
        }
    }
}
