//! The loadable builtin in a real bash: the same records as the binary, and a shell that is afterwards as it was before.

mod calls;
mod elsewhere;
mod guest;
mod spans;

use crate::sandbox::{Outcome, Sandbox, have, program};
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

/// The library, built where it is missing or old; none where there is no bash to load it.
#[expect(clippy::disallowed_methods, reason = "tests start programs")]
pub(crate) fn library() -> Option<&'static PathBuf> {
    static LIBRARY: OnceLock<Option<PathBuf>> = OnceLock::new();
    let library = LIBRARY.get_or_init(|| {
        if !cfg!(target_os = "linux") || !have("bash") {
            return None;
        }
        let folder = PathBuf::from(program()).parent().unwrap().to_owned();
        let mut build = Command::new(env!("CARGO"));
        let built = build
            .args(["build", "--quiet", "--locked", "--package", "obs-builtin"])
            .arg("--target-dir")
            .arg(folder.parent().unwrap())
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status();
        assert!(built.unwrap().success(), "libobs.so could not be built");
        Some(folder.join("libobs.so"))
    });
    library.as_ref()
}

/// Runs a script in a bash that has loaded the builtin; none where there is none to load.
fn loaded(sandbox: &Sandbox, text: &str) -> Option<Outcome> {
    let line = format!("enable -f '{}' obs\n", library()?.display());
    Some(sandbox.script("bash", &(line + text)))
}
