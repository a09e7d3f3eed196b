//! Lists one of its two neighbours.

mod fine;
