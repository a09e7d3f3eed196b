//! A file, a module and functions that nobody named.

mod util;

fn get_name() -> String {}

fn test_name() {}
