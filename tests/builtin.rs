//! The loadable builtin in a real bash: the same records as the binary, and a shell that is afterwards as it was before.

mod calls;
mod elsewhere;
mod guest;
mod spans;

use crate::sandbox::{Outcome, Sandbox, have};
use std::path::PathBuf;
use std::sync::OnceLock;

/// The library that the runner has built and names; without one the tests of it are skipped aloud, or fail where
/// `OBS_TESTS_STRICT` is set. Building it here would build all of obs a second time in each `cargo test`.
#[expect(clippy::disallowed_methods, reason = "the runner says which library")]
pub(crate) fn library() -> Option<&'static PathBuf> {
    static LIBRARY: OnceLock<Option<PathBuf>> = OnceLock::new();
    let library = LIBRARY.get_or_init(|| {
        let library = std::env::var_os("OBS_RELEASE_LIBRARY").map(PathBuf::from);
        if library.is_none() {
            let why =
                "OBS_RELEASE_LIBRARY names no libobs.so (cargo build --release -p obs-builtin)";
            assert!(std::env::var_os("OBS_TESTS_STRICT").is_none(), "{why}");
            println!("skipped: {why}");
        }
        library.filter(|_| have("bash"))
    });
    library.as_ref()
}

/// Runs a script in a bash that has loaded the builtin; none where there is none to load.
fn loaded(sandbox: &Sandbox, text: &str) -> Option<Outcome> {
    let line = format!("enable -f '{}' obs\n", library()?.display());
    Some(sandbox.script("bash", &(line + text)))
}
