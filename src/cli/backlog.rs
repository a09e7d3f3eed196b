//! `obs backlog`, and `backlog` by argv[0]: the real Backlog.md CLI, unchanged, inside a span, and what it changed on the
//! board as events. Nothing of its words is read here; what happened is told by the files.

use super::board::{Board, Look};
use super::wrap::{self, Around, Job};
use crate::capture::Wanted;
use crate::child::{Shield, Watch};
use crate::model::context::TraceContext;
use crate::settings::Settings;
use crate::world::World;
use clap::{Arg, Command};
use std::ffi::OsString;
use std::time::Duration;

/// The real CLI's name, and that of the face.
pub const NAME: &str = "backlog";

/// How often a command that stays is looked at: a state that lasts shorter may be missed.
const PAUSE: Duration = Duration::from_secs(1);

/// A file must be at rest this long before it is believed while the command may be writing it.
const CALM: Duration = Duration::from_millis(100);

/// How long others who look are waited for: before the command, and after it, when the caller need not wait with us.
const WAIT_BEFORE: Duration = Duration::from_millis(100);
const WAIT_AFTER: Duration = Duration::from_secs(10);

const MORE: &str = "\
All words go to the real Backlog.md CLI, the next `backlog` on PATH; it runs as if obs were not there. What it changed
becomes events (backlog.task.created, .state_changed, …) inside the span of the call; what others changed before is told
first, with `metadata.origin` observed. `obs shim add backlog` makes every `backlog` do the same.";

/// The command, for help and completions: its words are never read by us.
pub(super) fn command() -> Command {
    Command::new(NAME)
        .about("Run the real Backlog.md CLI unchanged, and record what it changed")
        .after_help(super::page::reflow(MORE))
        .disable_help_flag(true)
        .arg(
            Arg::new("WORD")
                .help("Everything that the real CLI takes")
                .num_args(0..)
                .trailing_var_arg(true)
                .allow_hyphen_values(true),
        )
}

/// Runs it; `words` are those of the real CLI. The answer is the exit code.
pub fn backlog(world: &World, words: &[OsString], voice: &'static str) -> u8 {
    let name = [OsString::from(NAME)].into_iter();
    let command: Vec<OsString> = name.chain(words.iter().cloned()).collect();
    let Some(settings) = wrap::settings(world) else {
        return wrap::bare(world, &command, voice);
    };
    let by_name = voice.is_empty();
    let job = Job {
        wanted: Wanted::tool(command),
        argv0: world.args().first().filter(|_| by_name).cloned(),
        voice,
        around: Some(Box::new(Watcher {
            world,
            settings: &settings,
            board: None,
            parent: None,
        })),
    };
    wrap::run(world, &settings, job)
}

/// Looks at the board before, during and after the command.
struct Watcher<'a> {
    world: &'a World,
    settings: &'a Settings,
    board: Option<Board<'a>>,
    parent: Option<TraceContext>,
}

impl<'a> Watcher<'a> {
    /// The board; a command may make it.
    fn board(&mut self) -> Option<&Board<'a>> {
        if self.board.is_none() {
            let start = self.world.cwd();
            self.board = start.and_then(|start| Board::of(self.world, self.settings, &start));
        }
        self.board.as_ref()
    }

    fn look_at(&mut self, look: &Look) {
        if let Some(board) = self.board()
            && let Err(error) = board.look(look)
        {
            board.note(&error);
        }
    }
}

impl Around for Watcher<'_> {
    fn before(&mut self) {
        // the command must get these signals as the caller had them
        let _shield = Shield::up();
        self.look_at(&Look {
            is_observed: true,
            wait: WAIT_BEFORE,
            ..Look::default()
        });
    }

    fn inside(&mut self, context: TraceContext) {
        self.parent = Some(context);
    }

    fn after(&mut self) {
        let look = Look {
            parent: self.parent,
            wait: WAIT_AFTER,
            ..Look::default()
        };
        // whatever is left for the next look is told without the span
        if let Some(board) = self.board()
            && let Err(error) = board.look_patiently(&look)
        {
            board.note(&error);
        }
    }
}

impl Watch for Watcher<'_> {
    fn pause(&self) -> Duration {
        PAUSE
    }

    fn look(&mut self) {
        self.look_at(&Look {
            parent: self.parent,
            calm: CALM,
            ..Look::default()
        });
    }
}
