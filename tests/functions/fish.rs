//! The functions in fish.
