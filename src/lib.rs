//! The rooms of `obs`, from the ground up. Each looks only at rooms below it; `tests/house.rs` holds the ladder.

pub mod backlog;
pub mod capture;
pub mod child;
pub mod ci;
pub mod cli;
pub mod error;
pub mod faces;
pub mod git;
pub mod journal;
pub mod metrics;
pub mod model;
pub mod query;
pub mod redact;
pub mod settings;
pub mod ship;
pub mod world;
