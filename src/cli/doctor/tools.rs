//! What stands around us: the program itself on PATH, shims, git.

use super::Findings;
use crate::child::{self, Lookup};
use crate::cli::shim;
use crate::settings::Settings;
use crate::world::World;
use std::ffi::OsStr;
use std::fs;

pub(super) fn look(found: &mut Findings, world: &World, settings: &Settings) {
    program(found, world, settings);
    shims(found, world, settings);
}

fn program(found: &mut Findings, world: &World, settings: &Settings) {
    let own = world.program();
    let first = Lookup::of(OsStr::new("obs"), world).first;
    let canonical =
        |path: Option<std::path::PathBuf>| path.and_then(|path| fs::canonicalize(path).ok());
    match (canonical(first), canonical(own)) {
        (None, _) => found.bad(
            "PATH",
            "`obs` is not on PATH",
            "scripts and hooks find it there; put the folder of the program on PATH",
        ),
        (Some(first), Some(own)) if first != own => {
            found.note(
                "PATH",
                format!(
                    "`obs` on PATH is {}, this is {}",
                    first.display(),
                    own.display()
                ),
                "two versions may share one home; keep one",
            );
        }
        (Some(path), _) => found.good("PATH", format!("`obs` is {}", path.display())),
    }
    if !settings.shim {
        found.note(
            "OBS_SHIM",
            "wrapped tools run alone: OBS_SHIM is off",
            "unset it",
        );
    }
}

fn shims(found: &mut Findings, world: &World, settings: &Settings) {
    for one in shim::all(world, settings) {
        let tool = one.tool.to_string_lossy().into_owned();
        match (one.trouble(), child::find(&one.tool, world)) {
            (None, Ok(real)) => found.good("shim", format!("{tool} runs {}", real.file.display())),
            (trouble, _) => {
                let why = trouble.unwrap_or_else(|| "it is not found".to_owned());
                let folder = shim::folder(settings).unwrap_or_default();
                let advice = match (&one.real, one.whole) {
                    (_, false) => format!("`obs shim add {tool}` makes it anew"),
                    (None, true) => format!("install it, or `obs shim remove {tool}`"),
                    _ => format!(
                        "put {} first on PATH, or `obs shim remove {tool}`",
                        folder.display()
                    ),
                };
                found.bad("shim", format!("{tool}: {why}"), advice);
            }
        }
    }
}
