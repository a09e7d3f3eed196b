//! The working directory: its repository with its hooks, and its board.

use super::Findings;
use crate::backlog::{self, Project};
use crate::child;
use crate::cli::backlog::NAME;
use crate::git::Repo;
use crate::git::hooks::{self, Folder, State};
use crate::world::World;
use std::ffi::OsStr;
use std::path::Path;

pub(super) fn look(found: &mut Findings, world: &World) {
    let Some(here) = world.cwd() else {
        found.note("here", "the working directory is gone", "go somewhere else");
        return;
    };
    git(found, &here, world);
    board(found, &here, world);
}

fn git(found: &mut Findings, here: &Path, world: &World) {
    match Repo::open(here, world.var_os("GIT_DIR")) {
        Ok(None) => return,
        Ok(Some(_)) => {}
        Err(error) => {
            let advice = "git refuses it too: `git status` says why; hooks tell nothing here until it is settled";
            found.bad("git", error.to_string(), advice);
            return;
        }
    }
    let folder = match Folder::of_repository(here) {
        Ok(folder) => folder,
        Err(error) => {
            return found.bad(
                "hooks",
                error.to_string(),
                "`git config core.hooksPath` says where they should be",
            );
        }
    };
    let states = hooks::status(&folder);
    let is_ours = |state: &State| matches!(state, State::Chained | State::Installed);
    let ours = states.iter().filter(|(_, state)| is_ours(state)).count();
    let path = folder.path.display();
    match ours {
        0 => found.note(
            "hooks",
            "not installed in this repository",
            "`obs hook install` makes commits events",
        ),
        _ if ours == states.len() => found.good("hooks", format!("installed in {path}")),
        _ => found.bad(
            "hooks",
            format!("{ours} of {} are installed in {path}", states.len()),
            "`obs hook install` puts the others in",
        ),
    }
}

fn board(found: &mut Findings, here: &Path, world: &World) {
    let variable = world.var_os("BACKLOG_CWD");
    let Some(project) = Project::find(here, variable) else {
        if let Some(path) = variable {
            let text = format!("BACKLOG_CWD names no project: {}", path.display());
            found.bad("board", text, "unset it, or `backlog init` there");
        }
        return;
    };
    match child::find(OsStr::new(NAME), world) {
        Ok(real) => found.good(
            "backlog",
            format!("the real CLI is {}", real.file.display()),
        ),
        Err(missing) => {
            let advice =
                "install it (`npm install -g backlog.md`), or put it on PATH behind the shims";
            found.bad("backlog", format!("{NAME}: {}", missing.why), advice);
        }
    }
    if let Some(why) = project.trouble() {
        let text = format!("{}: {why}", project.config.display());
        found.bad(
            "board",
            text,
            "the CLI refuses to start with it; mend it, then `obs doctor` again",
        );
    }
    let scan = backlog::disk(&project.folder, None, &|| world.now());
    let folder = project.folder.display();
    if let Some(error) = &scan.failed {
        return found.bad(
            "board",
            format!("{folder}: {error}"),
            "check its owner and mode",
        );
    }
    for id in scan.board.repeated_ids().iter().take(10) {
        let text = format!("more than one task is {id}");
        found.note(
            "board",
            text,
            "`backlog doctor --fix` gives one of them another number",
        );
    }
    match scan.unreadable.as_slice() {
        [] => found.good("board", format!("{folder}, {} files", scan.board.len())),
        files => {
            for file in files.iter().take(10) {
                let path = project.folder.join(file);
                let advice = "its front matter is no YAML that Backlog.md reads, or too long; until it is mended its last good state counts";
                found.bad(
                    "board",
                    format!("{} cannot be read", path.display()),
                    advice,
                );
            }
        }
    }
}
