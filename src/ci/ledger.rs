//! Which pipelines have been told to begin and to end in this home: each once, however often and by how many jobs it is
//! said. `ledger/ci.ids` holds a line for each.

use crate::error::Error;
use crate::journal::{Held, Journal};
use std::time::Duration;

/// How long jobs of one machine wait for each other.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many are remembered at least: two of a pipeline.
const MOST: usize = 1024;

/// The ledger, locked.
pub(super) struct Ledger<'a>(Option<Held<'a>>);

impl<'a> Ledger<'a> {
    /// Opens it under its lock. Where there is no place for it, or others do not let go of it, nothing is known and
    /// nothing is remembered: a span that is told twice has the same ids.
    pub(super) fn open(journal: &'a Journal) -> Self {
        Self(journal.hold_files("ledger", "ci", PATIENCE).ok().flatten())
    }

    /// True where there is one.
    pub(super) fn is_kept(&self) -> bool {
        self.0.is_some()
    }

    /// True where this has been told.
    pub(super) fn knows(&self, told: &str) -> bool {
        self.0.as_ref().is_some_and(|held| held.knows(told))
    }

    /// Adds what has been told.
    pub(super) fn remember(&self, told: &str) -> Result<(), Error> {
        let Some(held) = &self.0 else {
            return Ok(());
        };
        held.remember(told, MOST).map_err(|error| {
            Error::failure("could not keep the ledger of pipelines").because(error)
        })
    }
}
