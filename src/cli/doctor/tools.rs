//! What stands around us: the program itself on PATH, shims, git.

use super::Findings;
use crate::child::{self, Lookup};
use crate::cli::shim;
use crate::settings::Settings;
use crate::world::World;
use memchr::memmem;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

/// The library that bash can load.
const BUILTIN: &str = "libobs.so";
/// What stands before its version among its bytes; a semicolon ends that.
const MARK: &[u8] = b"obs-builtin-version=";

pub(super) fn look(found: &mut Findings, world: &World, settings: &Settings) {
    program(found, world, settings);
    builtin(found, world);
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

/// The loadable builtin where `obs.bash` looks for it. None there is no finding: bash runs the program instead.
fn builtin(found: &mut Findings, world: &World) {
    let own = world.program().and_then(|own| fs::canonicalize(own).ok());
    let Some(folder) = own.as_deref().and_then(Path::parent) else {
        return;
    };
    let places = [
        folder.join(BUILTIN),
        folder.join("../lib/obs").join(BUILTIN),
    ];
    let Some(library) = places.into_iter().find(|place| place.is_file()) else {
        return;
    };
    let path = fs::canonicalize(&library).unwrap_or(library);
    let shown = path.display();
    let advice = "bash runs the program instead, which is slower; put the library of this version there, or remove it";
    let own = env!("CARGO_PKG_VERSION");
    match fs::read(&path).map(|bytes| version(&bytes)) {
        Ok(Some(version)) if version == own => {
            found.good("builtin", format!("bash can load {shown}"));
        }
        Ok(Some(version)) => {
            let text = format!("{shown} is of version {version}, this is {own}");
            found.bad("builtin", text, advice);
        }
        Ok(None) => found.bad("builtin", format!("{shown} is no builtin of obs"), advice),
        Err(error) => found.bad("builtin", format!("{shown}: {error}"), advice),
    }
}

/// The version among a library's bytes.
fn version(bytes: &[u8]) -> Option<String> {
    let versions = memmem::find_iter(bytes, MARK).filter_map(|at| {
        let rest = bytes.get(at + MARK.len()..)?;
        let text = rest.get(..memchr::memchr(b';', rest.get(..64).unwrap_or(rest))?)?;
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b".-+".contains(byte);
        (!text.is_empty() && text.iter().all(plain)).then_some(text)
    });
    let first = versions.into_iter().next()?;
    Some(String::from_utf8_lossy(first).into_owned())
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

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn version_stands_among_other_bytes() {
        let of = |text: &str| version(text.as_bytes());
        assert_eq!(
            of("\0xobs-builtin-version=1.2.3-rc1;\0").unwrap(),
            "1.2.3-rc1"
        );
        assert_eq!(
            of("obs-builtin-version=\0 obs-builtin-version=2.0.0;").unwrap(),
            "2.0.0"
        );
        assert_eq!(of("obs-builtin-version=1.2.3"), None);
        assert_eq!(of("obs-builtin-version=;"), None);
        assert_eq!(of(""), None);
    }
}
