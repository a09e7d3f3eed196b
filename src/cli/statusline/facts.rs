//! What the fields of a status line say now. Each is looked for only where the template has it, and costs the same
//! however long the journal is.

use super::session::Session;
use super::template::{Field, Template};
use crate::backlog::{self, Project};
use crate::capture;
use crate::journal::{Journal, Signal};
use crate::model::context::{TraceContext, parse_traceparent};
use crate::model::{Level, Log, Record};
use crate::world::World;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// So much of the end of the log is looked through.
const TAIL: u64 = 64 * 1024;
/// The level of a record stands in so many of its first bytes.
const HEAD: usize = 80;
const SECOND: i64 = 1_000_000_000;

/// Where and when the line is shown.
pub(super) struct Scene<'a> {
    pub(super) world: &'a World,
    pub(super) journal: Journal,
    pub(super) folder: Option<PathBuf>,
    pub(super) session: Session,
    /// The oldest error that is shown.
    pub(super) since: i64,
}

/// The values that a template needs.
pub(super) struct Facts<'a> {
    scene: &'a Scene<'a>,
    context: Option<TraceContext>,
    error: Option<Box<Log>>,
}

impl<'a> Facts<'a> {
    /// Finds out what more than one field needs.
    pub(super) fn of(scene: &'a Scene<'a>, template: &Template) -> Self {
        let header = scene.world.var_os("TRACEPARENT");
        let given = header.and_then(|header| parse_traceparent(header.as_bytes()));
        let of_session = || capture::session_trace(scene.session.id.as_deref()?, scene.world);
        // what sourcing made is in the records of this shell, where nothing better is
        let context = capture::handed(scene.world).or_else(of_session).or(given);
        let wants_error = template.has(Field::Error) || template.has(Field::Age);
        Self {
            context,
            error: wants_error.then(|| error(scene)).flatten(),
            scene,
        }
    }

    /// The value of a field; empty where there is none.
    pub(super) fn value(&self, field: Field) -> String {
        let scene = self.scene;
        match field {
            Field::Age => self.age().unwrap_or_default(),
            Field::Blocked => count(self.blocked().unwrap_or_default()),
            Field::Branch => self.branch().unwrap_or_default(),
            Field::Error => self
                .error
                .as_ref()
                .map_or_else(String::new, |log| log.message.clone()),
            Field::Folder => {
                let name = scene
                    .folder
                    .as_deref()
                    .and_then(|folder| folder.file_name());
                name.unwrap_or_default().to_string_lossy().into_owned()
            }
            Field::Model => scene.session.model.clone(),
            Field::Span => self.span().unwrap_or_default(),
            Field::Trace => self
                .context
                .map_or_else(String::new, |context| context.trace_id.to_string()),
            Field::Waiting => count(scene.journal.spilled()),
        }
    }

    fn age(&self) -> Option<String> {
        let log = self.error.as_ref()?;
        let seconds = (self.scene.world.now() - log.timestamp).max(0) / SECOND;
        Some(match seconds {
            0..60 => format!("{seconds}s"),
            60..3600 => format!("{}m", seconds / 60),
            3600..86_400 => format!("{}h", seconds / 3600),
            _ => format!("{}d", seconds / 86_400),
        })
    }

    fn span(&self) -> Option<String> {
        let live = self.scene.journal.live_span(&self.context?.span_id)?;
        Some(live.span.name)
    }

    fn branch(&self) -> Option<String> {
        let position = capture::position(self.scene.folder.as_deref()?)?;
        let name = position.reference.as_bytes().strip_prefix(b"refs/heads/")?;
        Some(OsStr::from_bytes(name).to_string_lossy().into_owned())
    }

    fn blocked(&self) -> Option<usize> {
        let variable = self.scene.world.var_os("BACKLOG_CWD");
        let project = Project::find(self.scene.folder.as_deref()?, variable)?;
        backlog::blocked(&project)
    }
}

/// The last error of the log's end that is not too old.
fn error(scene: &Scene<'_>) -> Option<Box<Log>> {
    let found = scene.journal.newest_lines(Signal::Logs, TAIL, |line| {
        // the level stands near the beginning; quotes in a message are escaped, so that it cannot hold these
        let head = line.get(..HEAD).unwrap_or(line);
        let says = |said: &[u8]| head.windows(said.len()).any(|part| part == said);
        let may = says(b"\"level\":\"ERROR\"") || says(b"\"level\":\"CRITICAL\"");
        match may.then(|| Signal::Logs.read(line)) {
            Some(Ok(Record::Log(log))) if log.level >= Level::Error => Some(log),
            _ => None,
        }
    });
    found.filter(|log| log.timestamp >= scene.since)
}

/// Nothing to count is nothing to say.
fn count(number: usize) -> String {
    match number {
        0 => String::new(),
        number => number.to_string(),
    }
}
