//! The reader of a drain, on a thread of its own: one chunk of lines waits while another is on its way, and no more. Only
//! lines cross to the sender: what is made of them is made and freed on one thread, for two that do both wait for each other
//! in the allocator (a third of a drain, measured with musl's).

use super::super::{Most, Stored};
use crate::journal::{Batches, Chunk, Mark};
use crate::model::Signal;
use std::sync::mpsc::SyncSender;

/// What the reader hands over.
pub(super) type Read = (Signal, Chunk);

/// Some records of a signal, and where the cursor stands behind them.
pub(super) struct Part {
    pub(super) signal: Signal,
    pub(super) records: Vec<Stored>,
    /// For each record, how many lines end with it: what is no record is among them.
    pub(super) lines: Vec<usize>,
    pub(super) mark: Mark,
    pub(super) damaged: u64,
}

impl Part {
    /// What the lines say.
    pub(super) fn of((signal, chunk): Read) -> Self {
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
        part
    }

    /// True where these lines, read once more, end with the first `done` records and hold nothing else.
    pub(super) fn begins_with(&self, lines: &[Vec<u8>], done: usize) -> bool {
        let sent = self.records.iter().zip(&self.lines).take(done);
        let mut same = sent.map(|(stored, upto)| {
            let line = upto.checked_sub(1).and_then(|at| lines.get(at));
            line == Some(&stored.line)
        });
        let ends = done.checked_sub(1).and_then(|last| self.lines.get(last));
        ends == Some(&lines.len()) && same.all(|is_same| is_same)
    }
}

/// Reads ahead: one part waits while another is on its way. Ends when there is no more, or when nobody takes it. A signal
/// that cannot be read keeps back no other: its error comes last.
pub(super) fn read(
    readers: Vec<(Signal, Batches)>,
    most: Most,
    sender: &SyncSender<std::io::Result<Read>>,
) {
    let mut failed = None;
    for (signal, mut batches) in readers {
        loop {
            match batches.next((most.records, most.bytes)) {
                Ok(Some(chunk)) => {
                    if sender.send(Ok((signal, chunk))).is_err() {
                        return;
                    }
                }
                Ok(None) => break,
                Err(error) => {
                    failed.get_or_insert(error);
                    break;
                }
            }
        }
    }
    if let Some(error) = failed {
        // where nobody waits for it any more, the drain has ended for another reason
        let _ = sender.send(Err(error));
    }
}
