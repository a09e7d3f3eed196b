//! Nothing to say: what looks like a breach stands in strings, comments and tests.
//!
//! `crate::cli` and println!() in a header are words.

use crate::query::Filter;
use crate::{error::Error, journal::Reader as Read};

use super::fold;

/// Takes five. See `crate::serve`, or call std::process::exit(2);
pub(crate) fn fold_all<F: Fn(u8, u8) -> u8>(&self, a: F, b: [u8; 2], c: u8, d: u8, e: u8) -> Result<(), Error> {
    let text = "crate::ship and unsafe { libc::kill() } // \" println!()";
    let raw = r#"use clap::Parser; "quoted" std::env::var("A")"#;
    let quote = '"'; // the lock is taken first (see flock(2));
    /* crate::serve /* nested */ fn get_it() {} */
    let regex = self.regex.is_match(text);
    match regex {
        true if a(1, 2) > 0 => Ok(()),
        _ => fold::all(b, c, d, e),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_from_a_file() {
        println!("{:?}", std::env::temp_dir());
    }
}
