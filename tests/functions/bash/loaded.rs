//! The same tests once more with the loaded builtin, which the others keep out.
#![expect(
    clippy::duplicate_mod,
    reason = "each test runs by the binary and by the builtin"
)]

#[path = "calls.rs"]
mod calls;
#[path = "hostile.rs"]
mod hostile;
#[path = "sourcing.rs"]
mod sourcing;
#[path = "traps.rs"]
mod traps;

use super::{STRICT, run};
use crate::builtin::library;
use crate::sandbox::Sandbox;

/// A sandbox with the builtin, where there is a bash that can load it.
fn silent() -> Sandbox {
    let sandbox = super::silent();
    match library() {
        Some(library) => sandbox
            .with("OBS_BUILTIN", "")
            .with("__obs_lib", library.to_str().unwrap()),
        None => sandbox,
    }
}

/// True where the builtin is what runs.
fn hot() -> bool {
    library().is_some()
}

#[test]
fn loaded_builtin_is_what_runs() {
    if hot() {
        let ended = run(&silent(), "echo \"$__obs_via\"\n").quiet();
        assert_eq!(ended.stdout, "builtin\n");
    }
}
