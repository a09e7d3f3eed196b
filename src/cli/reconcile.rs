//! `obs reconcile`: looks at a backlog now, and tells what changed behind the back of obs: in an editor, by a tool that is
//! not wrapped, by a merge.

use super::board::{Board, Look, Told};
use super::page::{Page, Style, reflow};
use super::print_out;
use super::select::Form;
use crate::error::{Error, Exit};
use crate::model::shown::escape;
use crate::settings::Settings;
use crate::world::World;
use clap::{ArgMatches, Args as _, Command, FromArgMatches};
use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;

/// Words of the command.
#[derive(Debug, clap::Args)]
struct Args {
    /// Look at the project of this folder, not of the working directory
    #[arg(value_name = "FOLDER")]
    folder: Option<PathBuf>,
    #[command(flatten)]
    form: Form,
}

const MORE: &str = "\
Compares the task files with what was last seen of them and records what happened in between as events whose origin is
`observed`. The project is found as `backlog` finds it, BACKLOG_CWD included. The first look at a project, and at a
branch, only remembers it. Prints the events that it recorded; none is no failure. Exits 1 where there is no project.";

/// How long to wait for others who look.
const WAIT: Duration = Duration::from_secs(5);

/// The command.
pub(super) fn command() -> Command {
    Args::augment_args(Command::new("reconcile"))
        .about("Record what changed in a Backlog.md project unseen")
        .after_help(reflow(MORE))
}

/// Runs it.
pub(super) fn run(matches: &ArgMatches, world: &World, settings: &Settings) -> Result<Exit, Error> {
    let args = Args::from_arg_matches(matches).map_err(|error| Error::usage(error.to_string()))?;
    let board = match (&args.folder, world.cwd()) {
        (Some(folder), _) => Board::around(world, settings, &world.absolute(folder)),
        (None, Some(cwd)) => Board::of(world, settings, &cwd),
        (None, None) => None,
    };
    let Some(board) = board else {
        world.say("obs: no Backlog.md project found\nhint: `backlog init` makes one\n");
        return Ok(Exit::No);
    };
    let look = Look {
        is_observed: true,
        wait: WAIT,
        ..Look::default()
    };
    let Some(told) = board.look_patiently(&look)? else {
        if args.form.is_human(world) {
            let folder = board.folder().to_string_lossy();
            print_out(
                world,
                format!("{}: seen for the first time\n", escape(&folder)).as_bytes(),
            )?;
        }
        return Ok(Exit::Done);
    };
    let text = match args.form.is_human(world) {
        true => told
            .iter()
            .map(|told| human(told, Page::of(world)).into_bytes())
            .collect(),
        false => told.into_iter().map(|told| told.line).collect::<Vec<_>>(),
    };
    print_out(world, &text.concat())?;
    Ok(Exit::Done)
}

/// One line: the id, what happened, and what the event says of it.
fn human(told: &Told, page: Page) -> String {
    let data = &told.change.data;
    let word = |name: &str| data.get(name).and_then(Value::as_str).unwrap_or_default();
    let list = |name: &str| {
        let items = data.get(name).and_then(Value::as_array);
        let items = items.into_iter().flatten().filter_map(Value::as_str);
        items.collect::<Vec<_>>().join(", ")
    };
    let ids = ["task_id", "document_id", "decision_id", "milestone_id"];
    let id = ids.into_iter().map(word).find(|id| !id.is_empty());
    let what = told.change.event_type.trim_start_matches("backlog.");
    let details = match what {
        "task.state_changed" => format!("{} -> {}", word("from_state"), word("to_state")),
        "task.assigned" => list("added"),
        "task.ac_checked" => word("text").to_owned(),
        _ if data.contains_key("changed") => list("changed"),
        _ => word("title").to_owned(),
    };
    let id = page.paint(Style::Bold, &escape(id.unwrap_or("?")));
    format!(
        "{id} {what} {}\n",
        page.paint(Style::Dim, &escape(&details))
    )
}
