//! Looks across the bar, up, at nothing, and at everything; once only in a test.

use super::cli;
use crate::{
    error::Error,
    query::{self, Filter},
    redact::names,
    somewhere,
};

use crate as all;

#[cfg(test)]
mod tests {
    use crate::faces::Table;
}
