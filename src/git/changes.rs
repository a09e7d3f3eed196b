//! What lies between two trees: which paths differ, how many lines, and the files themselves below a folder. Bounded:
//! a commit of any size costs a bounded list and a bounded amount of text.

use super::damaged;
use super::lines::Budget;
use super::objects::Objects;
use crate::error::Error;
use gix::ObjectId;
use gix::bstr::{BStr, BString, ByteSlice};
use gix::diff::tree::{State, Visit, visit};
use gix::objs::TreeRefIter;
use gix::objs::tree::EntryMode;
use std::collections::VecDeque;
use std::ops::ControlFlow;

/// Most paths that are kept of one commit.
pub(super) const MOST_PATHS: usize = 1_000;

/// Most files of a folder that are read.
const MOST_FILES: usize = 20_000;

/// The longest file of a folder that is read; a task file has some kilobytes.
const LONGEST_FILE: u64 = 1 << 20;

/// What a commit changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Paths from the top of the repository, as bytes, in order; at most 1,000.
    pub files: Vec<Vec<u8>>,
    /// Number of changed paths, those beyond the list included.
    pub count: u64,
    /// Lines added and removed, as `git log --numstat -M100%` counts; none where the commit is too large to count.
    pub lines: Option<(u64, u64)>,
}

/// A file: its path and its bytes.
pub type File = (Vec<u8>, Vec<u8>);

/// Changed files as they were and as they are, each in order of path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Blobs {
    /// Files of the old commit that are gone or changed.
    pub before: Vec<File>,
    /// Files of the new commit that are new or changed.
    pub after: Vec<File>,
}

/// An entry of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) id: ObjectId,
    pub(super) mode: EntryMode,
}

/// A path that differs.
#[derive(Debug)]
pub(super) struct Change {
    path: BString,
    pub(super) old: Option<Entry>,
    pub(super) new: Option<Entry>,
}

/// The changes between two trees; no old one is the empty tree.
pub(super) fn of(
    objects: &Objects,
    old: Option<ObjectId>,
    new: ObjectId,
) -> Result<Changes, Error> {
    let found = compare(objects, old, Some(new), MOST_PATHS)?;
    let whole = found.count == found.kept.len() as u64;
    let lines = match whole {
        true => Budget::default().count(objects, &found.kept)?,
        false => None,
    };
    let files = found.kept.into_iter().map(|change| change.path.into());
    Ok(Changes {
        files: files.collect(),
        count: found.count,
        lines,
    })
}

/// The files below a folder that differ between two trees. A file that is too long on either side is on neither.
pub(super) fn blobs(
    objects: &Objects,
    old: Option<ObjectId>,
    new: ObjectId,
    prefix: &[u8],
) -> Result<Blobs, Error> {
    let below = |tree| folder(objects, tree, prefix);
    let old = old.map(below).transpose()?.flatten();
    let found = compare(objects, old, below(new)?, MOST_FILES)?;
    let read = |entry: Option<Entry>| match entry {
        Some(entry) if entry.mode.is_blob() => objects.blob(entry.id, LONGEST_FILE).map(Some),
        _ => Ok(None),
    };
    let mut blobs = Blobs::default();
    for change in found.kept {
        let (before, after) = (read(change.old)?, read(change.new)?);
        if matches!((&before, &after), (Some(None), _) | (_, Some(None))) {
            continue;
        }
        let path: Vec<u8> = change.path.into();
        blobs
            .before
            .extend(before.flatten().map(|bytes| (path.clone(), bytes)));
        blobs
            .after
            .extend(after.flatten().map(|bytes| (path, bytes)));
    }
    Ok(blobs)
}

/// The tree of a folder; none where there is no such folder.
fn folder(objects: &Objects, tree: ObjectId, prefix: &[u8]) -> Result<Option<ObjectId>, Error> {
    let mut names = prefix
        .split_str("/")
        .filter(|name| !name.is_empty())
        .peekable();
    if names.peek().is_none() {
        return Ok(Some(tree));
    }
    let bytes = objects.tree(tree)?;
    let mut buffer = Vec::new();
    let entry = TreeRefIter::from_bytes(&bytes, objects.kind())
        .lookup_entry(objects, &mut buffer, names)
        .map_err(|cause| damaged(tree, cause))?;
    Ok(entry
        .filter(|entry| entry.mode.is_tree())
        .map(|entry| entry.oid))
}

fn compare(
    objects: &Objects,
    old: Option<ObjectId>,
    new: Option<ObjectId>,
    most: usize,
) -> Result<Found, Error> {
    let mut found = Found::new(most);
    if old == new {
        return Ok(found);
    }
    let bytes = |tree: Option<ObjectId>| tree.map_or_else(|| Ok(Vec::new()), |id| objects.tree(id));
    let (before, after) = (bytes(old)?, bytes(new)?);
    let tree = |bytes| TreeRefIter::from_bytes(bytes, objects.kind());
    gix::diff::tree(
        tree(&before),
        tree(&after),
        State::default(),
        objects,
        &mut found,
    )
    .map_err(|cause| Error::failure("could not compare two git trees").because(cause))?;
    found.kept.sort_by(|a, b| a.path.cmp(&b.path));
    found.join_replaced();
    Ok(found)
}

/// Collects what a comparison finds: files, links and submodules, not folders.
struct Found {
    kept: Vec<Change>,
    count: u64,
    most: usize,
    path: BString,
    folders: VecDeque<BString>,
}

impl Found {
    fn new(most: usize) -> Self {
        Self {
            kept: Vec::new(),
            count: 0,
            most,
            path: BString::default(),
            folders: VecDeque::new(),
        }
    }

    /// A file where a folder was comes as two changes of one path.
    fn join_replaced(&mut self) {
        let before = self.kept.len();
        self.kept.dedup_by(|later, kept| {
            let same = later.path == kept.path;
            if same {
                kept.old = kept.old.or(later.old);
                kept.new = kept.new.or(later.new);
            }
            same
        });
        self.count -= (before - self.kept.len()) as u64;
    }
}

impl Visit for Found {
    fn pop_front_tracked_path_and_set_current(&mut self) {
        self.path = self.folders.pop_front().unwrap_or_default();
    }

    fn push_back_tracked_path_component(&mut self, component: &BStr) {
        self.push_path_component(component);
        self.folders.push_back(self.path.clone());
    }

    fn push_path_component(&mut self, component: &BStr) {
        if !self.path.is_empty() {
            self.path.push(b'/');
        }
        self.path.extend_from_slice(component);
    }

    fn pop_path_component(&mut self) {
        let parent = self.path.rfind_byte(b'/').unwrap_or_default();
        self.path.truncate(parent);
    }

    fn visit(&mut self, change: visit::Change) -> visit::Action {
        let entry = |id, mode: EntryMode| (!mode.is_tree()).then_some(Entry { id, mode });
        let (old, new) = match change {
            visit::Change::Addition {
                entry_mode, oid, ..
            } => (None, entry(oid, entry_mode)),
            visit::Change::Deletion {
                entry_mode, oid, ..
            } => (entry(oid, entry_mode), None),
            visit::Change::Modification {
                previous_entry_mode,
                previous_oid,
                entry_mode,
                oid,
            } => (
                entry(previous_oid, previous_entry_mode),
                entry(oid, entry_mode),
            ),
        };
        if old.is_some() || new.is_some() {
            self.count += 1;
            if self.kept.len() < self.most {
                let path = self.path.clone();
                self.kept.push(Change { path, old, new });
            }
        }
        ControlFlow::Continue(())
    }
}
