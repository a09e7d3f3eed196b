//! Branch, commit and repository of where we stand, read by hand from `.git`: three small files, no process, no library.

use crate::redact;
use crate::world::World;
use std::fs;
use std::path::{Path, PathBuf};

/// What `.git` says about where we stand.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct GitHead {
    pub(super) branch: String,
    pub(super) commit: String,
    pub(super) repository: String,
}

/// Reads the repository around `cwd`; an empty answer outside of one, or where its format is not known to us.
pub(super) fn read(cwd: &Path, world: &World) -> GitHead {
    find(cwd, world)
        .and_then(|folder| head(&folder))
        .unwrap_or_default()
}

fn find(cwd: &Path, world: &World) -> Option<PathBuf> {
    if let Some(folder) = world.var_os("GIT_DIR") {
        return Some(cwd.join(folder));
    }
    cwd.ancestors().find_map(|dir| {
        let dot = dir.join(".git");
        let found = fs::metadata(&dot).ok()?;
        if found.is_dir() {
            return Some(dot);
        }
        // a linked worktree or a submodule
        let text = read_text(&dot)?;
        Some(dir.join(text.trim_end().strip_prefix("gitdir: ")?))
    })
}

fn head(folder: &Path) -> Option<GitHead> {
    let text = read_text(folder.join("HEAD"))?;
    let common = read_text(folder.join("commondir"))
        .map_or_else(|| folder.to_owned(), |path| folder.join(path.trim_end()));
    let mut found = GitHead {
        repository: repository(&common),
        ..GitHead::default()
    };
    match text.trim_end().strip_prefix("ref: ") {
        // reftable keeps this stub in HEAD: the truth is in tables that git alone reads
        Some("refs/heads/.invalid") => {}
        Some(name) => {
            found.branch = name.strip_prefix("refs/heads/").unwrap_or(name).to_owned();
            found.commit = commit(folder, &common, name).unwrap_or_default();
        }
        None => found.commit = object_id(&text).unwrap_or_default(),
    }
    Some(found)
}

/// The text of a regular file; a pipe would wait for somebody to write.
fn read_text(path: impl AsRef<Path>) -> Option<String> {
    let path = path.as_ref();
    fs::metadata(path)
        .ok()
        .filter(fs::Metadata::is_file)
        .and_then(|_| fs::read_to_string(path).ok())
}

fn commit(folder: &Path, common: &Path, name: &str) -> Option<String> {
    let loose = [folder, common]
        .iter()
        .find_map(|dir| read_text(dir.join(name)));
    if let Some(text) = loose {
        return object_id(&text);
    }
    let packed = read_text(common.join("packed-refs"))?;
    packed
        .lines()
        .filter_map(|line| line.split_once(' '))
        .find(|(_, packed)| *packed == name)
        .and_then(|(id, _)| object_id(id))
}

fn object_id(text: &str) -> Option<String> {
    let id = text.trim_end();
    let good = matches!(id.len(), 40 | 64) && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    good.then(|| id.to_owned())
}

/// The repository's name: the last part of origin's URL, else its folder's name.
fn repository(common: &Path) -> String {
    let config = read_text(common.join("config")).unwrap_or_default();
    let mut origin = false;
    let mut url = None;
    for line in config.lines().map(str::trim) {
        if line.starts_with('[') {
            origin = line == "[remote \"origin\"]";
        } else if origin
            && let Some((key, value)) = line.split_once('=')
            && key.trim() == "url"
        {
            url = Some(value.trim());
        }
    }
    let url = url.map(redact::text);
    let name = url
        .as_deref()
        .and_then(|url| url.trim_end_matches('/').rsplit(['/', ':']).next());
    let name = name.map(|name| name.strip_suffix(".git").unwrap_or(name).to_owned());
    let folder = || {
        let canonical = fs::canonicalize(common).ok()?;
        let named = match canonical.file_name()? {
            dot if dot == ".git" => canonical.parent()?.file_name()?,
            bare => bare,
        };
        Some(named.to_string_lossy().trim_end_matches(".git").to_owned())
    };
    name.filter(|name| !name.is_empty())
        .or_else(folder)
        .unwrap_or_default()
}
