//! The drain.

/// What was sent.
#[derive(Debug)]
pub struct Drained {}

/// All drains.
#[derive(Debug)]
pub struct Drains {}

/// What is left.
#[derive(Debug)]
pub struct Left {}
