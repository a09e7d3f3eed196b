//! What a commit, a merge or a rebase did to the boards of a repository: from its blobs, told through their ledgers.

use crate::backlog::{self, Project, TASK_PREFIX};
use crate::cli::board::{Board, Commit as Step, Found, real};
use crate::error::Error;
use crate::git::{Changes, Repo};
use crate::settings::Settings;
use crate::world::World;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long others who look at the board are waited for; past a deadline of its own the hook waits behind git's back.
const WAIT: Duration = Duration::from_secs(10);

/// Most boards that a commit is told to.
const MOST: usize = 4;

/// Most folders of a commit in which a board is looked for.
const MOST_FOLDERS: usize = 64;

/// The boards of one repository.
pub(super) struct Boards<'a> {
    pub(super) world: &'a World,
    pub(super) settings: &'a Settings,
    pub(super) repo: &'a Repo,
}

/// From where to where, and how that came.
pub(super) struct Way<'a> {
    /// None before the first commit.
    pub(super) from: Option<&'a str>,
    pub(super) to: &'a str,
    /// When the commit was made, in nanoseconds since the epoch.
    pub(super) time: Option<i64>,
    /// It brings commits of others, or replays some.
    pub(super) is_replay: bool,
}

impl Boards<'_> {
    /// Tells what a commit did to the boards that it touches; the answer is the ids of the tasks in its files.
    pub(super) fn commit(
        &self,
        way: &Way<'_>,
        changes: Option<&Changes>,
    ) -> Result<Vec<String>, Error> {
        let Some(top) = self.top() else {
            return Ok(Vec::new());
        };
        let mut seen: Vec<PathBuf> = Vec::new();
        let mut ids = Vec::new();
        for folder in folders(changes) {
            if seen.len() == MOST {
                break;
            }
            let Some(board) = Board::around(self.world, self.settings, &top.join(folder)) else {
                continue;
            };
            if !seen.iter().any(|seen| seen == board.folder()) {
                seen.push(board.folder().to_owned());
                ids.extend(self.step(&board, &top, way)?);
            }
        }
        Ok(ids)
    }

    /// Tells what a merge or a rebase brought to the board of the work tree.
    pub(super) fn brought(&self, way: &Way<'_>) -> Result<(), Error> {
        let Some(top) = self.top() else {
            return Ok(());
        };
        match Board::around(self.world, self.settings, &top) {
            Some(board) => self.step(&board, &top, way).map(drop),
            None => Ok(()),
        }
    }

    /// The prefix of task ids on the board of the work tree.
    pub(super) fn prefix(&self) -> String {
        let project = self.top().and_then(|top| Project::find(&top, None));
        project.map_or_else(|| TASK_PREFIX.to_owned(), |project| project.task_prefix)
    }

    fn top(&self) -> Option<PathBuf> {
        self.repo.work_tree().map(real)
    }

    fn step(&self, board: &Board<'_>, top: &Path, way: &Way<'_>) -> Result<Vec<String>, Error> {
        let folder = real(board.folder());
        let Ok(prefix) = folder
            .strip_prefix(top)
            .map(|prefix| prefix.as_os_str().as_bytes())
        else {
            return Ok(Vec::new()); // a link out of the work tree: no commit holds it
        };
        let blobs = self.repo.blobs(way.from, way.to, prefix)?;
        let both = blobs.before.iter().chain(&blobs.after);
        let ids = backlog::task_ids(both.map(|(path, bytes)| (path.as_slice(), bytes.as_slice())));
        let parent = || match way.from {
            Some(from) => self.repo.tree(from, prefix).unwrap_or_default(),
            None => Vec::new(),
        };
        let found = board.commit(
            &Step {
                id: way.to,
                time: way.time,
                before: blobs.before,
                after: blobs.after,
                is_replay: way.is_replay,
                wait: WAIT,
            },
            &parent,
        )?;
        match found {
            Found::Busy => Err(Error::failure("others looked at the board all the time")),
            _ => Ok(ids),
        }
    }
}

/// The folders of the changed files that may be tasks.
fn folders(changes: Option<&Changes>) -> Vec<PathBuf> {
    let files = changes.into_iter().flat_map(|changes| &changes.files);
    let parents = files.filter_map(|path| parent(path.strip_suffix(b".md")?));
    let folders: BTreeSet<&[u8]> = parents.collect();
    let folders = folders.into_iter().take(MOST_FOLDERS);
    folders
        .map(|path| PathBuf::from(OsStr::from_bytes(path)))
        .collect()
}

fn parent(path: &[u8]) -> Option<&[u8]> {
    let end = path.iter().rposition(|byte| *byte == b'/')?;
    path.get(..end)
}
