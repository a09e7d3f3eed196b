//! The engine behind everything that watches a backlog: what lies on disk, or what a commit changed, against the ledger,
//! told once in the journal. It composes; what is the same and what differs is decided in `backlog`.

mod commit;
#[cfg(test)]
mod tests;

pub(super) use commit::Commit;

use crate::backlog::{self, Board as Files, Change, Difference, Key, Ledger, Project, Scan};
use crate::capture::{self, Position, Teller, Telling};
use crate::error::Error;
use crate::model::context::TraceContext;
use crate::settings::Settings;
use crate::world::World;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// The ref of a project outside of git.
const NO_REF: &str = "-";
/// What is checked out where no ref is.
const NO_NAME: &str = "HEAD";
/// Looks at files that are being changed, and the time between them: two seconds.
const TRIES: usize = 80;
const PAUSE: Duration = Duration::from_millis(25);

/// A watched backlog.
pub(super) struct Board<'a> {
    world: &'a World,
    teller: Teller<'a>,
    project: Project,
}

/// How to look at the disk.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Look {
    /// What is found was not seen happening.
    pub(super) is_observed: bool,
    /// The span in which it happened; none is that of the environment.
    pub(super) parent: Option<TraceContext>,
    /// How long to wait for others who look.
    pub(super) wait: Duration,
    /// Nothing is told while a file was changed so shortly ago: whoever changes it may not be done.
    pub(super) calm: Duration,
}

/// What a look came to.
#[derive(Debug)]
pub(super) enum Found {
    /// Others looked all the time.
    Busy,
    /// Seen for the first time: remembered, nothing told.
    FirstSight,
    /// Files are being changed: look again.
    Restless,
    /// What happened, in order; all of it is in the journal.
    Told(Vec<Told>),
}

/// Something that happened, and its record.
#[derive(Debug)]
pub(super) struct Told {
    /// What happened.
    pub(super) change: Change,
    /// The line in the journal.
    pub(super) line: Vec<u8>,
}

impl<'a> Board<'a> {
    /// The backlog that the CLI would work on in this folder.
    pub(super) fn of(world: &'a World, settings: &'a Settings, start: &Path) -> Option<Self> {
        let variable = world.var_os("BACKLOG_CWD");
        Some(Self::found(
            world,
            settings,
            Project::find(start, variable)?,
        ))
    }

    /// The backlog around this folder, whatever `BACKLOG_CWD` says.
    pub(super) fn around(world: &'a World, settings: &'a Settings, folder: &Path) -> Option<Self> {
        Some(Self::found(world, settings, Project::find(folder, None)?))
    }

    fn found(world: &'a World, settings: &'a Settings, project: Project) -> Self {
        Self {
            world,
            teller: Teller::new(world, settings),
            project,
        }
    }

    /// The backlog folder.
    pub(super) fn folder(&self) -> &Path {
        &self.project.folder
    }

    /// Notes a trouble where `obs doctor` finds it.
    pub(super) fn note(&self, error: &Error) {
        self.teller.note("backlog", &error.to_string());
    }

    /// Looks at the disk and tells what happened since the last look.
    pub(super) fn look(&self, look: &Look) -> Result<Found, Error> {
        let place = self.place();
        if self.teller.is_disabled() {
            return Ok(Found::Told(Vec::new()));
        }
        if place.is_moving {
            return Ok(Found::Restless);
        }
        let now = self.world.now();
        let Some(mut ledger) = self.hold(&place, look.wait, now)? else {
            return Ok(Found::Busy);
        };
        let now = self.world.now(); // others may have looked meanwhile
        let scan = backlog::disk(&self.project.folder, ledger.board(), &|| self.world.now());
        let calm = i64::try_from(look.calm.as_nanos()).unwrap_or(i64::MAX);
        let is_young = |changed: i64| calm > 0 && changed > now.saturating_sub(calm);
        if scan.youngest.is_some_and(is_young) || self.place() != place {
            return Ok(Found::Restless);
        }
        self.report(&scan)?;
        if !scan.unreadable.is_empty() {
            ledger.spare_nothing();
        }
        self.settle(look, &place, ledger, scan.board)
    }

    /// Looks until nobody changes the files at the same time; none at first sight.
    pub(super) fn look_patiently(&self, look: &Look) -> Result<Option<Vec<Told>>, Error> {
        let mut found = self.look(look)?;
        for _ in 0..TRIES {
            if !matches!(found, Found::Restless) {
                break;
            }
            thread::sleep(PAUSE); // also where nobody reads our output, which ends the pause of a world
            found = self.look(look)?;
        }
        match found {
            Found::Busy => Err(Error::failure("another look at the backlog does not end")),
            Found::FirstSight => Ok(None),
            Found::Restless => Err(Error::failure("the backlog does not stop changing")
                .hint("a git command may be running, or have left .git/index.lock behind")),
            Found::Told(told) => Ok(Some(told)),
        }
    }

    fn settle(
        &self,
        look: &Look,
        place: &Position,
        ledger: Ledger<'_>,
        mut board: Files,
    ) -> Result<Found, Error> {
        let now = self.world.now();
        let Some(before) = ledger.board() else {
            ledger.settle(board, Vec::new(), now)?;
            return Ok(Found::FirstSight);
        };
        let mut difference = Difference::of(before, &board);
        difference.carry(before, &mut board);
        if !difference.is_empty() && look.is_observed {
            let others = ledger.others();
            if place.reference == NO_NAME {
                // what is checked out without a name has a history that was told under one
                difference.silence(&board, &others.known.with_history());
            } else if others.newer {
                difference.silence(&board, &others.known);
            }
        }
        let changes = difference.changes(&self.terminal());
        let events = changes.iter().map(|change| {
            self.teller.event(Telling {
                event_type: change.event_type,
                data: change.data.clone(),
                is_observed: look.is_observed,
                context: look.parent,
                ..Telling::default()
            })
        });
        let events: Vec<(String, Vec<u8>)> = events.collect();
        ledger.settle(board, events.clone(), now)?;
        Ok(Found::told(changes, events))
    }

    fn hold(
        &self,
        place: &Position,
        wait: Duration,
        now: i64,
    ) -> Result<Option<Ledger<'_>>, Error> {
        let folder = real(&self.project.folder);
        let key = Key::of(&place.work_tree, &folder, &place.reference);
        Ledger::hold(self.teller.journal(), &key, wait, now)
    }

    /// Read at every look: a ref may be checked out, and a status added, while somebody watches.
    fn place(&self) -> Position {
        let root = real(&self.project.root);
        capture::position(&root).unwrap_or(Position {
            work_tree: root,
            reference: OsString::from(NO_REF),
            is_moving: false,
        })
    }

    fn terminal(&self) -> String {
        let again = Project::find(&self.project.root, None);
        let project = again
            .as_ref()
            .filter(|again| again.folder == self.project.folder);
        project.unwrap_or(&self.project).terminal().to_owned()
    }

    /// Notes what could not be read; a folder that could not be read ends the look, because it is not empty.
    fn report(&self, scan: &Scan) -> Result<(), Error> {
        for path in &scan.unreadable {
            let path = self.project.folder.join(path);
            let why = format!("{} cannot be read as Backlog.md does", path.display());
            self.teller.note("backlog", &why);
        }
        match &scan.failed {
            None => Ok(()),
            Some(error) => {
                let what = format!("could not read {}", self.project.folder.display());
                Err(Error::failure(what).because(error))
            }
        }
    }
}

impl Found {
    fn told(changes: Vec<Change>, events: Vec<(String, Vec<u8>)>) -> Self {
        let pairs = changes.into_iter().zip(events);
        Self::Told(
            pairs
                .map(|(change, (_, line))| Told { change, line })
                .collect(),
        )
    }
}

/// A path without links, as far as that can be said.
pub(super) fn real(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}
