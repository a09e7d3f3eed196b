//! The user's `core.hooksPath`: pointed to our folder, and away from it so that the file is again, byte for byte, what it
//! was, unless somebody has changed it in between.

use super::super::program;
use super::folder::named_globally;
use super::{Folder, Scope};
use crate::error::Error;
use std::fs;
use std::path::Path;

/// The configuration before us and after us, kept in our folder. No file before: none.
const BEFORE: &str = ".gitconfig-before";
const AFTER: &str = ".gitconfig-after";

/// True where git looks into the folder: always, unless it is our own and nothing names it.
pub(super) fn is_used(folder: &Folder) -> bool {
    let path = &folder.path;
    folder.scope != Scope::OwnGlobal || named_globally(path).as_ref() == Some(path)
}

/// Makes the global configuration name a folder of ours.
pub(super) fn point_to(folder: &Folder) -> Result<(), Error> {
    let (path, Some(file)) = (&folder.path, &folder.config) else {
        return Ok(());
    };
    if is_used(folder) {
        return Ok(());
    }
    let Some(value) = path.to_str() else {
        let what = "could not name the hooks in git's configuration";
        return Err(Error::failure(what).because("the path of the folder is not UTF-8"));
    };
    let before = fs::read(file).ok();
    program::path(path, &["config", "--global", "core.hooksPath", value])?;
    // without these two the setting is only unset later, which may leave an empty section behind
    let _ = match before {
        Some(bytes) => fs::write(path.join(BEFORE), bytes),
        None => fs::remove_file(path.join(BEFORE)),
    };
    let _ = fs::copy(file, path.join(AFTER));
    Ok(())
}

/// Makes the global configuration name a folder of ours no longer.
pub(super) fn point_away(folder: &Folder) -> Result<(), Error> {
    let (path, Some(file)) = (&folder.path, &folder.config) else {
        return Ok(());
    };
    let (before, after) = (path.join(BEFORE), path.join(AFTER));
    let unchanged =
        fs::read(&after).is_ok_and(|after| fs::read(file).is_ok_and(|now| now == after));
    let back = unchanged && put_back(&before, file).is_ok();
    if !back && path.exists() && is_used(folder) {
        program::path(path, &["config", "--global", "--unset", "core.hooksPath"])?;
    }
    let _ = fs::remove_file(before);
    let _ = fs::remove_file(after);
    Ok(())
}

fn put_back(before: &Path, file: &Path) -> std::io::Result<()> {
    if !before.exists() {
        return fs::remove_file(file);
    }
    let real = fs::canonicalize(file)?; // a link into somebody's dotfiles stays one
    let fresh = real.with_extension("obs-new");
    fs::copy(&real, &fresh)?; // its mode
    fs::write(&fresh, fs::read(before)?)?;
    fs::rename(fresh, real)
}
