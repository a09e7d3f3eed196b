//! Metrics: from the points of the journal to series. Pure: the journal and the clock are arguments.

mod fold;

pub use fold::{Bucketed, Exemplar, Fold, Point, Series, Value};
