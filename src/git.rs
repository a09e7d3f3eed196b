//! Facts of a git repository: where it is, what HEAD names, what a commit says and changes. Objects are read by gix;
//! where gix must not judge (another owner, a format it does not know) `git` itself is asked, and its refusal is final.
//! Runs nothing that a repository names: no filter, no textconv, no external diff; never reads an index.

mod changes;
mod commit;
mod effort;
pub mod hooks;
mod lines;
mod objects;
mod place;
mod program;
mod reflog;
mod streams;
mod task_ids;
mod trailers;

pub use changes::{Blobs, Changes, File};
pub use commit::{Commit, Person};
pub use reflog::Entry;
pub use task_ids::task_ids;

use crate::error::Error;
use gix::ObjectId;
use gix::objs::CommitRef;
use objects::Objects;
use place::Place;
use std::ffi::OsStr;
use std::path::Path;

/// Most entries of a reflog that are looked at.
const MOST_MOVES: usize = 32;

/// An opened repository.
#[derive(Debug)]
pub struct Repo {
    place: Place,
    objects: Objects,
}

/// What HEAD names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// Full id of the commit; none before the first.
    pub commit: Option<String>,
    /// Full name of the branch, such as `refs/heads/main`; none where HEAD is detached.
    pub name: Option<String>,
}

impl Head {
    /// The branch as people say it, such as `main`.
    pub fn branch(&self) -> Option<&str> {
        let name = self.name.as_deref()?;
        Some(name.strip_prefix("refs/heads/").unwrap_or(name))
    }
}

impl Repo {
    /// Opens the repository around `start`, or the one that `GIT_DIR` names. None where there is none.
    ///
    /// With `git_dir` the work tree is `start`, as git has it when it runs a hook.
    /// An error means that git refuses the repository too, or that there is no git to ask.
    pub fn open(start: &Path, git_dir: Option<&OsStr>) -> Result<Option<Self>, Error> {
        let Some(place) = Place::find(start, git_dir)? else {
            return Ok(None);
        };
        if place.is_ours()
            && let Some(kind) = place.known_format()
            && let Ok(objects) = Objects::own(&place, kind)
        {
            return Ok(Some(Self { place, objects }));
        }
        let (place, objects) = program::ask(place)?;
        Ok(Some(Self { place, objects }))
    }

    /// The folder that all work trees share.
    pub fn common_dir(&self) -> &Path {
        &self.place.common_dir
    }

    /// The top of the work tree; none in a bare repository.
    pub fn work_tree(&self) -> Option<&Path> {
        self.place.work_tree.as_deref()
    }

    /// What HEAD names now.
    pub fn head(&self) -> Result<Head, Error> {
        match &self.objects {
            Objects::Own { kind, .. } => self.place.head(*kind),
            Objects::Asked { .. } => program::head(&self.place),
        }
    }

    /// The branch that the remote `origin` calls its main one, such as `main`; none where nothing says.
    pub fn default_branch(&self) -> Option<String> {
        let file = self.place.common_dir.join("refs/remotes/origin/HEAD");
        let text = place::read_small(&file)?;
        let name = text.trim_end().strip_prefix("ref: refs/remotes/origin/")?;
        Some(name.to_owned())
    }

    /// The newest entries of HEAD's reflog, the newest first; none where no log is kept.
    pub fn moves(&self) -> Vec<Entry> {
        match &self.objects {
            Objects::Own { .. } => {
                reflog::newest(&self.place.git_dir.join("logs/HEAD"), MOST_MOVES)
            }
            Objects::Asked { .. } => program::moves(&self.place, MOST_MOVES),
        }
    }

    /// The newest entry of a branch's reflog, by its full name.
    pub fn last_move_of(&self, branch: &str) -> Option<Entry> {
        let log = self.place.common_dir.join("logs").join(branch);
        reflog::newest(&log, 1).pop()
    }

    /// True while a rebase is under way in this work tree.
    pub fn is_rebasing(&self) -> bool {
        let folders = ["rebase-merge", "rebase-apply"];
        folders
            .iter()
            .any(|name| self.place.git_dir.join(name).is_dir())
    }

    /// The command that a rebase under way does next, such as `pick` or `fixup`.
    pub fn next_of_rebase(&self) -> Option<String> {
        let file = self.place.git_dir.join("rebase-merge/git-rebase-todo");
        let text = place::read_small(&file)?;
        let line = text.lines().find(|line| !line.starts_with('#'))?;
        line.split_whitespace().next().map(str::to_owned)
    }

    /// Reads a commit and what it changes against its first parent.
    pub fn commit(&self, id: &str) -> Result<Commit, Error> {
        let id = self.id(id)?;
        let bytes = self.objects.commit(id)?;
        let mut commit = Commit::read(id, &self.parse(id, &bytes)?);
        let parent = commit.parents.first().map(|parent| self.id(parent));
        commit.changes = match parent.transpose()? {
            Some(parent) if self.objects.lacks(parent) => None,
            parent => Some(self.changes(parent, id)?),
        };
        Ok(commit)
    }

    /// The files below a folder that differ between two commits, as they are in each. No old one means the empty tree.
    /// Paths are relative to the folder; an empty prefix is the whole repository.
    pub fn blobs(&self, old: Option<&str>, new: &str, prefix: &[u8]) -> Result<Blobs, Error> {
        let old = old.map(|old| self.id(old)).transpose()?;
        let old = old.map(|old| self.tree_of(old)).transpose()?;
        changes::blobs(&self.objects, old, self.tree_of(self.id(new)?)?, prefix)
    }

    /// All files below a folder in a commit; paths are relative to the folder.
    pub fn tree(&self, id: &str, prefix: &[u8]) -> Result<Vec<File>, Error> {
        Ok(self.blobs(None, id, prefix)?.after)
    }

    fn changes(&self, old: Option<ObjectId>, new: ObjectId) -> Result<Changes, Error> {
        let old = old.map(|old| self.tree_of(old)).transpose()?;
        changes::of(&self.objects, old, self.tree_of(new)?)
    }

    fn tree_of(&self, commit: ObjectId) -> Result<ObjectId, Error> {
        let bytes = self.objects.commit(commit)?;
        Ok(self.parse(commit, &bytes)?.tree())
    }

    fn parse<'a>(&self, id: ObjectId, bytes: &'a [u8]) -> Result<CommitRef<'a>, Error> {
        CommitRef::from_bytes(bytes, self.objects.kind()).map_err(|cause| damaged(id, cause))
    }

    fn id(&self, text: &str) -> Result<ObjectId, Error> {
        ObjectId::from_hex(text.as_bytes())
            .ok()
            .filter(|id| id.kind() == self.objects.kind())
            .ok_or_else(|| Error::usage(format!("`{text}` is no full commit id")))
    }
}

/// An object that cannot be read.
fn damaged(id: ObjectId, cause: impl std::fmt::Display) -> Error {
    Error::failure(format!("could not read the git object {id}"))
        .because(cause)
        .hint("`git fsck` says what is wrong")
}
