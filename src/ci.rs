//! The pipeline that we run in: its own span, the parent that `obs context ci` gives to every step, and its events.
//! Which CI it is, and with which ids, stands in `capture`.

mod ledger;
mod pipeline;

pub use pipeline::{Outcome, Pipeline};
