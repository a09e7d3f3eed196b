//! Branch, commit and repository of where we stand, read by hand from `.git`: three small files, no process, no library.

use crate::redact;
use crate::world::World;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

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

/// Where a folder stands in git.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The top of the work tree.
    pub work_tree: PathBuf,
    /// The full name of the ref that is checked out; `HEAD` where there is none.
    pub reference: OsString,
    /// True while git writes the index: what lies in the work tree is of no ref.
    pub is_moving: bool,
}

/// A lock of the index that is older than this was left by a crash.
const STALE: Duration = Duration::from_secs(60);

/// Reads where a folder stands, whatever `GIT_DIR` says; none outside of git.
pub fn position(folder: &Path) -> Option<Position> {
    let (work_tree, git) = folder.ancestors().find_map(at)?;
    let head = fs::read(git.join("HEAD")).ok()?;
    let head = head.trim_ascii_end();
    let reference = head.strip_prefix(b"ref: ").unwrap_or(b"HEAD");
    let lock = fs::metadata(git.join("index.lock")).ok();
    let age = lock.and_then(|lock| lock.modified().ok()?.elapsed().ok());
    Some(Position {
        work_tree,
        reference: OsStr::from_bytes(reference).to_owned(),
        is_moving: age.is_some_and(|age| age < STALE),
    })
}

fn find(cwd: &Path, world: &World) -> Option<PathBuf> {
    match world.var_os("GIT_DIR") {
        Some(folder) => Some(cwd.join(folder)),
        None => cwd.ancestors().find_map(at).map(|(_, git)| git),
    }
}

/// The work tree and its git folder, if a folder is the top of one.
fn at(dir: &Path) -> Option<(PathBuf, PathBuf)> {
    let dot = dir.join(".git");
    let found = fs::metadata(&dot).ok()?;
    if found.is_dir() {
        return Some((dir.to_owned(), dot));
    }
    // a linked worktree or a submodule
    let text = read_text(&dot)?;
    let git = dir.join(text.trim_end().strip_prefix("gitdir: ")?);
    Some((dir.to_owned(), git))
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
