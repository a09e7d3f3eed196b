//! How far a sink has acknowledged: `cursors/<sink>`, two slots of 4 KiB that are written in turn, in place, so that
//! acknowledging needs no free space. A slot: 8 bytes of magic, generation (u64), length (u32), CRC-32C (u32) of generation,
//! length and payload; numbers are little endian; the payload is JSON. The newest slot that is whole counts. What a sink
//! remembers besides is in `fold/<sink>.0` and `.1`, in turn too, each behind the same 24 bytes with a length of 64 bits in
//! place of magic and length; the payload names the generation that belongs to it.

use super::Signal;
use super::identity::{Identity, Tail, read_some};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

const MAGIC: &[u8; 8] = b"obscurs1";
const SLOT: usize = 4096;
const HEAD: usize = 24;
/// So many files may be half read; those read last are kept, the others are read again.
const PARTIAL: usize = 6;
/// A sink remembers no more than this.
const MEMORY: u64 = 1 << 30;

/// How far a file is read that is not finished.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    #[serde(rename = "i")]
    pub(super) identity: Identity,
    /// Its number if it was sealed then.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub(super) number: Option<u64>,
    #[serde(rename = "o")]
    pub(super) offset: u64,
    #[serde(rename = "t")]
    pub(super) tail: Tail,
}

/// How far a signal is read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The sealed files up to this number are finished.
    #[serde(rename = "f", default)]
    pub(super) finished: u64,
    /// Which file had that number.
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    pub(super) last: Option<Identity>,
    /// Files that are half read.
    #[serde(rename = "p", default, skip_serializing_if = "Vec::is_empty")]
    pub(super) partial: Vec<Place>,
    /// Records from before this time are passed over until the first that is not.
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    pub(super) since: Option<i64>,
}

impl Mark {
    /// Where reading a file goes on. The same identity under another number is another file: a gathering that was cut
    /// short is done again.
    pub(super) fn place(&self, identity: Identity, number: Option<u64>) -> Option<&Place> {
        let same = |place: &&Place| {
            place.identity == identity && (place.number.is_none() || place.number == number)
        };
        self.partial.iter().find(same)
    }

    /// Keeps a place instead of the one of the same file.
    pub(super) fn keep(&mut self, place: Place) {
        self.forget(place.identity, place.number);
        self.partial.push(place);
        let over = self.partial.len().saturating_sub(PARTIAL);
        self.partial.drain(..over);
    }

    fn forget(&mut self, identity: Identity, number: Option<u64>) {
        self.partial.retain(|place| {
            place.identity != identity || place.number.is_some() && place.number != number
        });
    }

    /// A sealed file is read to its end, and so are all before it.
    pub(super) fn finish(&mut self, number: u64, identity: Option<Identity>) {
        if let Some(identity) = identity {
            self.forget(identity, Some(number));
        }
        self.finished = number;
        self.last = identity;
    }
}

/// What a cursor says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cursor {
    /// When its sink last used it, in nanoseconds since the epoch.
    #[serde(default)]
    pub(super) used: i64,
    /// The generation of the memory that belongs to it; 0 is none.
    #[serde(default)]
    pub(super) memory: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    events: Option<Mark>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    logs: Option<Mark>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    metrics: Option<Mark>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    spans: Option<Mark>,
}

impl Cursor {
    /// One that was there and cannot be read: its sink may have read nothing of any signal.
    pub(super) fn lost(used: i64) -> Self {
        let nothing = Some(Mark::default());
        Self {
            used,
            memory: 0,
            events: nothing.clone(),
            logs: nothing.clone(),
            metrics: nothing.clone(),
            spans: nothing,
        }
    }

    /// How far a signal is read; none where it was never begun.
    pub(super) fn mark(&self, signal: Signal) -> Option<&Mark> {
        match signal {
            Signal::Events => self.events.as_ref(),
            Signal::Logs => self.logs.as_ref(),
            Signal::Metrics => self.metrics.as_ref(),
            Signal::Spans => self.spans.as_ref(),
        }
    }

    pub(super) fn set(&mut self, signal: Signal, mark: Mark) {
        let place = match signal {
            Signal::Events => &mut self.events,
            Signal::Logs => &mut self.logs,
            Signal::Metrics => &mut self.metrics,
            Signal::Spans => &mut self.spans,
        };
        *place = Some(mark);
    }
}

/// What was found in a cursor's file.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) cursor: Cursor,
    pub(super) generation: u64,
    /// The slot that it is in.
    pub(super) slot: usize,
    /// Why no slot is believed.
    pub(super) doubt: Option<&'static str>,
}

/// Reads a cursor's file.
pub(super) fn read(file: &File) -> io::Result<Found> {
    let mut bytes = [0; 2 * SLOT];
    let mut length = 0;
    while let Some(rest) = bytes.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match read_some(file, rest, length as u64)? {
            0 => break,
            count => length += count,
        }
    }
    let slots = bytes.chunks(SLOT).enumerate();
    let whole = slots.filter_map(|(slot, bytes)| {
        let (generation, cursor) = parse(bytes)?;
        Some((generation, slot, cursor))
    });
    let newest = whole.max_by_key(|(generation, slot, _)| (*generation, *slot));
    let doubt = match length < bytes.len() {
        true => "its file is too short",
        false => "both of its slots are damaged",
    };
    Ok(match newest {
        Some((generation, slot, cursor)) => Found {
            cursor,
            generation,
            slot,
            doubt: None,
        },
        None => Found {
            doubt: Some(doubt),
            ..Found::default()
        },
    })
}

fn parse(slot: &[u8]) -> Option<(u64, Cursor)> {
    let rest = slot.strip_prefix(MAGIC)?;
    let (generation, rest) = rest.split_first_chunk()?;
    let (length, rest) = rest.split_first_chunk()?;
    let (crc, rest) = rest.split_first_chunk()?;
    let payload = rest.get(..usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
    let right = checksum(generation, length, payload) == u32::from_le_bytes(*crc);
    let cursor = serde_json::from_slice(payload).ok().filter(|_| right)?;
    Some((u64::from_le_bytes(*generation), cursor))
}

fn checksum(generation: &[u8], length: &[u8], payload: &[u8]) -> u32 {
    let crc = crc32c::crc32c(generation);
    crc32c::crc32c_append(crc32c::crc32c_append(crc, length), payload)
}

/// Takes the room for both slots. The bytes that are there stay: what is damaged must not look new after a crash.
pub(super) fn allocate(file: &File) -> io::Result<()> {
    let length = file.metadata()?.len();
    let missing = (2 * SLOT as u64).saturating_sub(length);
    let zeros = vec![0; usize::try_from(missing).unwrap_or_default()];
    file.write_all_at(&zeros, length)?;
    match missing {
        0 => Ok(()),
        _ => file.sync_all(),
    }
}

/// Writes a generation into its slot and waits for the disk.
pub(super) fn write(file: &File, slot: usize, generation: u64, cursor: &Cursor) -> io::Result<()> {
    let payload = serde_json::to_vec(cursor)?;
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    let (generation, length) = (generation.to_le_bytes(), length.to_le_bytes());
    let crc = checksum(&generation, &length, &payload).to_le_bytes();
    let mut bytes = [&MAGIC[..], &generation, &length, &crc, &payload].concat();
    if bytes.len() > SLOT {
        return Err(io::Error::other("a cursor is longer than its slot"));
    }
    bytes.resize(SLOT, 0);
    file.write_all_at(&bytes, (slot * SLOT) as u64)?;
    file.sync_data()
}

/// The generation of the memory in a file, whole or not.
pub(super) fn memory_generation(file: &File) -> u64 {
    let mut own = [0; 8];
    let read = file.read_exact_at(&mut own, 0);
    read.map_or(0, |()| u64::from_le_bytes(own))
}

/// The memory in a file, if it is whole and of this generation.
pub(super) fn read_memory(file: &File, generation: u64) -> Option<Vec<u8>> {
    let mut head = [0; HEAD];
    file.read_exact_at(&mut head, 0).ok()?;
    let (own, rest) = head.split_first_chunk()?;
    let (length, rest) = rest.split_first_chunk()?;
    let crc = rest.first_chunk()?;
    let size = u64::from_le_bytes(*length);
    let there = file.metadata().ok()?.len().saturating_sub(HEAD as u64);
    if u64::from_le_bytes(*own) != generation || size > there.min(MEMORY) {
        return None;
    }
    let mut bytes = vec![0; usize::try_from(size).ok()?];
    file.read_exact_at(&mut bytes, HEAD as u64).ok()?;
    (checksum(own, length, &bytes) == u32::from_le_bytes(*crc)).then_some(bytes)
}

/// Writes a memory whole and waits for the disk. The file never gets shorter: what had room has room again.
pub(super) fn write_memory(file: &File, generation: u64, memory: &[u8]) -> io::Result<()> {
    if memory.len() as u64 > MEMORY {
        return Err(io::Error::other("a sink remembers too much"));
    }
    let (generation, length) = (
        generation.to_le_bytes(),
        (memory.len() as u64).to_le_bytes(),
    );
    let mut head = [&generation[..], &length].concat();
    head.extend(checksum(&generation, &length, memory).to_le_bytes());
    head.resize(HEAD, 0);
    file.write_all_at(&head, 0)?;
    file.write_all_at(memory, HEAD as u64)?;
    file.sync_data()
}

#[cfg(test)]
mod tests;
