//! `obs demo`: a real script against a temporary journal, and the trace it left.

use super::page::reflow;
use super::select::Form;
use super::trace;
use crate::capture;
use crate::error::{Error, Exit};
use crate::settings::Settings;
use crate::world::World;
use clap::{ArgMatches, Args as _, Command, FromArgMatches};
use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Stdio};

/// The script, as it is run.
const SCRIPT: &str = include_str!("demo/archive.sh");

/// Words of the command.
#[derive(Debug, clap::Args)]
struct Args {
    /// Print the script instead of running it
    #[arg(long, conflicts_with_all = ["json", "human"])]
    script: bool,
    /// Keep the folder with the journal, and say where it is
    #[arg(long)]
    keep: bool,
    #[command(flatten)]
    form: Form,
}

const MORE: &str = "\
Runs a POSIX script that archives the done tasks of a small backlog in a fresh git repository, against a journal in a
temporary folder, and prints its trace. Nothing of yours is read or changed. Needs sh, git and tar.";

/// The command.
pub(super) fn command() -> Command {
    Args::augment_args(Command::new("demo"))
        .about("Run a real script against a temporary journal and show its trace")
        .after_help(reflow(MORE))
}

/// Runs it.
pub(super) fn run(matches: &ArgMatches, world: &World, settings: &Settings) -> Result<Exit, Error> {
    let args = Args::from_arg_matches(matches).map_err(|error| Error::usage(error.to_string()))?;
    if args.script {
        super::print_out(world, SCRIPT.as_bytes())?;
        return Ok(Exit::Done);
    }
    let folder = temporary(world)?;
    let done = play(&folder, world).and_then(|()| {
        let home = folder.join("home");
        let journal = capture::open(
            world,
            &Settings {
                home: Some(home),
                ..settings.clone()
            },
        );
        let form = match args.form.is_human(world) {
            true => Form::HUMAN,
            false => args.form,
        };
        trace::show("latest", form, world, &journal)
    });
    match args.keep {
        true => world.say(&format!(
            "obs: the journal is in {0}/home\nhint: OBS_HOME={0}/home obs logs\n",
            folder.display()
        )),
        false => drop(fs::remove_dir_all(&folder)),
    }
    done
}

fn temporary(world: &World) -> Result<PathBuf, Error> {
    let name = format!("obs-demo-{:016x}", u64::from_le_bytes(world.random()));
    let folder = world.temp_dir().join(name);
    fs::DirBuilder::new()
        .mode(0o700)
        .create(&folder)
        .map_err(|error| {
            Error::failure(format!("could not create `{}`", folder.display())).because(error)
        })?;
    Ok(folder)
}

/// Runs the script with a clean environment and ourselves first on PATH.
#[expect(
    clippy::disallowed_methods,
    reason = "the demo is a real script in a real shell"
)]
fn play(folder: &Path, world: &World) -> Result<(), Error> {
    let failed =
        |cause: &dyn std::fmt::Display| Error::failure("could not run the demo").because(cause);
    let bin = folder.join("bin");
    let program = world
        .program()
        .ok_or_else(|| failed(&"our own program file is not known"))?;
    let script = bin.join("archive-tasks.sh");
    fs::create_dir(&bin)
        .and_then(|()| std::os::unix::fs::symlink(program, bin.join("obs")))
        .and_then(|()| fs::write(&script, SCRIPT))
        .and_then(|()| fs::set_permissions(&script, fs::Permissions::from_mode(0o700)))
        .map_err(|error| failed(&error))?;
    let path = world.var("PATH").unwrap_or("/usr/bin:/bin");
    let status = Process::new("/bin/sh")
        .arg(&script)
        .current_dir(folder)
        .env_clear()
        .env("PATH", format!("{}:{path}", bin.display()))
        .env("HOME", folder)
        .env("OBS_HOME", folder.join("home"))
        .env("OBS_LOG_STREAM", "off")
        .env("OBS_LOG_LEVEL", "debug")
        .env("LC_ALL", "C")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .map_err(|error| failed(&error))?;
    match status.success() {
        true => Ok(()),
        false => {
            Err(failed(&format!("its script ended with {status}")).hint("it needs sh, git and tar"))
        }
    }
}
