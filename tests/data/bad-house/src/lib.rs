//! The rooms, and what does not belong among them.

pub mod attic;
pub mod capture;
#[cfg(unix)]
pub mod child;
pub mod error;
pub use error::Error;

pub fn start() {}
