//! Reads a hot room that is no reader of facts.

use crate::backlog::Ledger;
use crate::child::Ended;
