//! Where hooks go: the folder in which git looks for those of a repository, or of all repositories.

use super::super::program;
use super::NAMES;
use crate::error::Error;
use crate::world::World;
use std::path::{Path, PathBuf};

/// Hooks that a folder of ours for all repositories hands on to each repository's own. Left out are those whose mere
/// presence changes what git does: `proc-receive`, `push-to-checkout`.
const HANDED_ON: &[&str] = &[
    "applypatch-msg",
    "commit-msg",
    "post-applypatch",
    "post-index-change",
    "post-receive",
    "post-update",
    "pre-applypatch",
    "pre-auto-gc",
    "pre-commit",
    "pre-merge-commit",
    "pre-push",
    "pre-rebase",
    "pre-receive",
    "prepare-commit-msg",
    "reference-transaction",
    "sendemail-validate",
    "update",
];

/// Who is affected by a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// All repositories of the user: the global `core.hooksPath` names it.
    Global,
    /// All repositories of the user, by a folder that is ours.
    OwnGlobal,
    /// One repository.
    Repository,
}

/// A folder of hooks.
#[derive(Debug, Clone)]
pub struct Folder {
    /// Where it is.
    pub path: PathBuf,
    /// Who is affected.
    pub scope: Scope,
    /// The file that git writes global settings to, where it must name the folder.
    pub(super) config: Option<PathBuf>,
    /// It lies in the work tree and is not ignored: `git status` shows what is put into it.
    pub is_seen: bool,
}

impl Folder {
    /// The folder that git uses for the repository around `start`.
    pub fn of_repository(start: &Path) -> Result<Self, Error> {
        let words = ["rev-parse", "--path-format=absolute", "--git-path", "hooks"];
        let path = program::path(start, &words).map_err(|error| outside(start, &error))?;
        let top = program::path(start, &["rev-parse", "--show-toplevel"]);
        let common = program::path(
            start,
            &["rev-parse", "--path-format=absolute", "--git-common-dir"],
        )?;
        let inside = |folder: &PathBuf| path.starts_with(folder);
        let scope = match named_globally(start) {
            Some(named) if named == path => Scope::Global,
            _ => Scope::Repository,
        };
        Ok(Self {
            is_seen: top.is_ok_and(|top| inside(&top)) && !inside(&common) && !is_ignored(&path),
            config: None,
            scope,
            path,
        })
    }

    /// A folder that hooks were put into for a repository, whatever git uses now.
    pub fn known(path: PathBuf) -> Self {
        Self {
            config: None,
            is_seen: false,
            path,
            scope: Scope::Repository,
        }
    }

    /// The folder for all repositories: the one that the global configuration names, else `own`, which will be ours.
    pub fn of_all(start: &Path, own: PathBuf, world: &World) -> Self {
        let (path, scope) = match named_globally(start) {
            Some(named) if named != own => (named, Scope::Global),
            _ => (own, Scope::OwnGlobal),
        };
        Self {
            path,
            config: config(world).filter(|_| scope == Scope::OwnGlobal),
            scope,
            is_seen: false,
        }
    }

    /// The hooks that belong into it.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        let more = match self.scope {
            Scope::OwnGlobal => HANDED_ON,
            Scope::Global | Scope::Repository => &[],
        };
        NAMES.iter().chain(more).copied()
    }
}

fn is_ignored(folder: &Path) -> bool {
    program::path(folder, &["check-ignore", "post-commit"]).is_ok()
}

/// `core.hooksPath` of the user's own configuration.
pub(super) fn named_globally(start: &Path) -> Option<PathBuf> {
    let words = [
        "config",
        "--global",
        "--type=path",
        "--get",
        "core.hooksPath",
    ];
    let named = program::path(start, &words).ok()?;
    named.is_absolute().then_some(named)
}

/// The file of global settings, by git's rule: `~/.gitconfig`, unless only the XDG one is there.
fn config(world: &World) -> Option<PathBuf> {
    if let Some(given) = world.var_os("GIT_CONFIG_GLOBAL") {
        return Some(world.absolute(Path::new(given)));
    }
    let home = world.user_home()?;
    let plain = home.join(".gitconfig");
    let folder = world.var_os("XDG_CONFIG_HOME").map(PathBuf::from);
    let xdg = folder
        .unwrap_or_else(|| home.join(".config"))
        .join("git/config");
    Some(if xdg.exists() && !plain.exists() {
        xdg
    } else {
        plain
    })
}

fn outside(start: &Path, error: &Error) -> Error {
    Error::usage(format!("no git repository here: {}", start.display()))
        .because(error)
        .hint("go into one, or use --global for all of them")
}
