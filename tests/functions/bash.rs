//! The functions in bash: what each leaves in the journal. What sourcing does, traps, hostile words and the seed design's
//! own scripts have files of their own.

mod calls;
mod dialect;
mod hostile;
mod loaded;
mod seed;
mod sourcing;
mod traps;

use crate::capture::silent;
use crate::sandbox::{Outcome, Sandbox};

/// True where the builtin is what runs.
fn hot() -> bool {
    false
}

/// Runs a script behind the one line of bash.
fn run(sandbox: &Sandbox, text: &str) -> Outcome {
    super::stage::sourced(sandbox, "bash", text)
}

/// The strictest mode.
const STRICT: &str = "set -eu -o pipefail\n";
