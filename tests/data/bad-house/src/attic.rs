//! A room without a rung.
