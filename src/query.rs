//! Pure questions to records: filters, and one trace put together. No files, no clock, no printing.

mod filter;
mod trace;

pub use filter::{Condition, Filter};
pub use trace::{Node, Piece, Trace, TraceId};
