//! Shipping: from the journal to the backends it belongs to, at least once. Cold: nothing here runs inside a hot call.
//!
//! The journal is the outbox. One drain a sink at a time (its lock) reads what the sink's cursor has not passed, in the
//! order of the journal, and moves the cursor only after the sink's word: send, ack, cursor durable; only then may a sealed
//! file go. Any doubt about a cursor means reading again, never skipping: a receiver may see a record twice and knows it by
//! its id, but never misses one.
//!
//! What a sink answers decides what becomes of a batch. Delivered and Partial: the cursor moves on. Retry: the same batch
//! again, later. Failing: so too, until the schedule of the sink's protocol is over; then as Permanent. Permanent: the batch is halved until the one record that nobody takes stands alone; it goes to
//! `rejected/<sink>.jsonl` with the reason, and those behind it go on. Misconfigured: nothing is dropped, nothing is
//! repeated in vain; the drain of this sink ends and says why. A retry's state is on disk: a drain is short-lived.
//!
//! Memory is bounded whatever waits: one batch is read ahead while another is on its way.

mod backoff;
mod bus;
pub mod cdevents;
pub mod cloudevents;
mod command;
mod drain;
#[cfg(test)]
mod fault;
mod file;
mod kafka;
mod lines;
mod nats;
pub mod otlp;
mod rejected;
mod rounds;
mod secret;
mod stdout;
mod webhook;

pub use drain::{Drained, Job, State, drain};
pub use lines::Format;
pub use rejected::refused;
pub use rounds::{Patience, Rounds};

use crate::error::Error;
use crate::metrics::Point;
use crate::model::{Record, Signal};
use crate::settings::{SinkKind, SinkSettings};
use crate::world::World;
use std::time::Duration;

/// A record of the journal on its way out.
#[derive(Debug, Clone)]
pub struct Stored {
    /// Its line as journalled, newline included.
    pub line: Vec<u8>,
    /// What the line says.
    pub record: Record,
}

/// What one call of a sink carries: one signal's records in the order of the journal.
#[derive(Debug, Clone, Copy)]
pub enum Load<'a> {
    /// Points that the fold made of metric records, for a sink that asked for series.
    Points(&'a [Point]),
    /// Records as they are; all of one signal.
    Records(Signal, &'a [Stored]),
}

impl<'a> Load<'a> {
    /// How many records or points.
    pub fn len(self) -> usize {
        match self {
            Self::Points(points) => points.len(),
            Self::Records(_, records) => records.len(),
        }
    }

    /// Whose they are.
    pub fn signal(self) -> Signal {
        match self {
            Self::Points(_) => Signal::Metrics,
            Self::Records(signal, _) => signal,
        }
    }

    /// True for no records at all.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The two halves of more than one.
    pub fn halves(self) -> Option<(Self, Self)> {
        let middle = self.len() / 2;
        if middle == 0 {
            return None;
        }
        match self {
            Self::Points(points) => {
                let (first, second) = points.split_at_checked(middle)?;
                Some((Self::Points(first), Self::Points(second)))
            }
            Self::Records(signal, records) => {
                let (first, second) = records.split_at_checked(middle)?;
                Some((Self::Records(signal, first), Self::Records(signal, second)))
            }
        }
    }
}

/// In which form a sink takes a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Metric points folded to sums, gauges and histograms; true: what came since the last time, not since the start.
    Points {
        /// Delta temporality.
        delta: bool,
    },
    /// The records.
    Records,
}

/// The most that one load may be.
#[derive(Debug, Clone, Copy)]
pub struct Most {
    /// Records.
    pub records: usize,
    /// Bytes of their lines.
    pub bytes: usize,
}

/// What became of a load.
#[derive(Debug)]
pub enum Answer {
    /// All of it is acknowledged.
    Delivered,
    /// The receiver is there and failed at it, perhaps for what it says: again by the sink's schedule, and when that is over
    /// what stands alone is set aside.
    Failing(Error),
    /// The settings or the other side are not what they must be: nothing is dropped, and trying again is in vain.
    Misconfigured(Error),
    /// Acknowledged, but the receiver says that it dropped so many; they must not be sent again.
    Partial {
        /// How many it dropped.
        rejected: u64,
        /// What it said.
        why: String,
    },
    /// The receiver wants nothing of us any more (HTTP 410): nothing is dropped, and it is not asked again until the settings
    /// change or somebody asks by hand.
    Gone(Error),
    /// Nobody will ever take it as it is: one of its records is wrong, or it is too much at once.
    Permanent(String),
    /// Not now.
    Retry {
        /// How long the receiver wants us to wait.
        after: Option<Duration>,
        /// What happened.
        why: Error,
    },
}

/// Where records go. One file a kind; the drain knows no other.
pub trait Sink {
    /// In which form this signal is taken; none: not at all.
    fn takes(&self, signal: Signal) -> Option<Form>;

    /// How much it takes at once.
    fn most(&self) -> Most;

    /// Sends a load and waits for the answer. Called again with the same load, or a half of it, as the answer asks.
    fn send(&mut self, load: Load<'_>) -> Answer;

    /// The waits after each failure that its protocol asks for, the last one for good; none: the drain's own.
    fn schedule(&self) -> Option<&'static [Duration]> {
        None
    }

    /// Reaches the other side without sending a record; the answer says in a few words what was reached.
    fn probe(&mut self) -> Result<String, Error>;
}

/// The signals that a sink takes as it is set, in the environment as it is; where it cannot be opened, those it is meant to get.
pub fn taken(settings: &SinkSettings, world: &World) -> Vec<Signal> {
    let mut signals = settings.signals();
    if let Ok(sink) = open(settings, world) {
        signals.retain(|signal| sink.takes(*signal).is_some());
    }
    signals
}

/// Opens the sink that these settings describe. Touches no network: what is wrong here is wrong with the settings.
pub fn open(settings: &SinkSettings, world: &World) -> Result<Box<dyn Sink>, Error> {
    match settings.kind {
        SinkKind::Command => command::open(settings, world),
        SinkKind::File => file::open(settings, world),
        SinkKind::Kafka => kafka::open(settings, world),
        SinkKind::Nats => nats::open(settings, world),
        SinkKind::Otlp => otlp::open(settings, world),
        SinkKind::Stdout => stdout::open(settings, world),
        SinkKind::Webhook => webhook::open(settings, world),
    }
}
