//! `obs context agent`: one trace for a coding agent's session. Called by the agent's hook, which it never fails.

use super::super::hook_json::HookJson;
use super::exports::Exports;
use super::named_file;
use crate::capture::{self, Ci, Syntax};
use crate::error::{Error, Exit};
use crate::model::context::TraceContext;
use crate::settings::Settings;
use crate::world::World;
use std::path::{Path, PathBuf};

/// Words of the command.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The shell that evals it: sh (bash, zsh, dash, ksh) or fish; default the calling one
    #[arg(long, value_name = "SHELL", hide_possible_values = true)]
    shell: Option<Syntax>,
    /// Append `export` lines to FILE instead of printing; default what CLAUDE_ENV_FILE names
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
}

pub(super) const MORE: &str = "\
Made for a hook that an agent runs when a session starts. The session's id comes from the hook's JSON on standard input
(session_id) and gives the trace, so that a session that is taken up again goes on in the same trace; a valid TRACEPARENT
wins, unless sourcing the functions of `obs print shell` made it and nobody has recorded it, and so does the run of a CI
job (`obs context ci`). Every script and wrapped command that the agent runs is then in that trace, with actor.type `agent`
(OBS_ACTOR_TYPE) and the agent's name as actor.id where it is known (OBS_ACTOR, unless it is set).

Never fails the hook: what cannot be read or written is said on standard error, the exit code is 0.

Claude Code, in .claude/settings.json (its hook's CLAUDE_ENV_FILE is read before every command):
  {\"hooks\": {\"SessionStart\": [{\"hooks\": [
    {\"type\": \"command\", \"command\": \"obs context agent\"}]}]}}

Examples:
  obs context agent < hook.json
  eval \"$(obs context agent --shell sh < /dev/null)\" && some-agent";

/// Runs it.
pub(super) fn run(args: &Args, world: &World, settings: &Settings) -> Result<Exit, Error> {
    let session = session(world);
    let inherited = capture::handed(world);
    let of_run = || Some(Ci::detect(world)?.trace(world, settings)?.context);
    let of_session = || capture::session_trace(session.as_deref()?, world);
    let lasting = inherited.or_else(of_run).or_else(of_session);
    let Some(context) = lasting.or_else(|| capture::fresh_trace(world)) else {
        world.say("obs: no random bytes for a trace id\n");
        return Ok(Exit::Done);
    };
    let exports = exports(&context, inherited.is_some(), world);
    let file = args.env_file.as_deref();
    let file = file.or_else(|| world.var_os("CLAUDE_ENV_FILE").map(Path::new));
    let Some(file) = file.filter(|_| args.shell.is_none() || args.env_file.is_some()) else {
        let syntax = args.shell.unwrap_or_else(|| Syntax::of_caller(world));
        super::super::print_out(world, exports.code(syntax, world).as_bytes())?;
        return Ok(Exit::Done);
    };
    let code = exports.code(args.shell.unwrap_or(Syntax::Sh), world);
    if let Err(error) = keep(&world.absolute(file), &code, lasting.is_some()) {
        let wrong = Error::failure(format!("could not write to `{}`", file.display()));
        world.say(&wrong.because(error).report());
    }
    Ok(Exit::Done)
}

/// What the agent's commands are to have.
fn exports(context: &TraceContext, is_inherited: bool, world: &World) -> Exports {
    let mut exports = Exports::of(context);
    if !is_inherited && world.raw_var("TRACESTATE").is_some() {
        exports.unset("TRACESTATE");
    }
    exports.set("OBS_ACTOR_TYPE", "agent".to_owned());
    // Claude Code's hooks run outside the shell that has CLAUDECODE
    let claude = world.var("CLAUDE_ENV_FILE").map(|_| "claude-code");
    let name = capture::agent(world).map(|(_, name)| name).or(claude);
    if let Some(name) = name.filter(|_| world.var("OBS_ACTOR").is_none()) {
        exports.set("OBS_ACTOR", name.to_owned());
    }
    exports
}

/// The session's id: what the hook says, else what the agent's environment does.
fn session(world: &World) -> Option<String> {
    let hook = HookJson::read(world);
    match hook {
        HookJson::Late => {
            world.say("obs: the hook's JSON on standard input does not come to its end\n")
        }
        HookJson::Other => world.say("obs: standard input is not the JSON object of a hook\n"),
        HookJson::Nothing | HookJson::Object(_) => {}
    }
    let hook = hook.object();
    let named = |key: &str| {
        let text = hook.as_ref()?.get(key)?.as_str()?;
        Some(text.to_owned()).filter(|text| !text.is_empty())
    };
    named("session_id")
        .or_else(|| named("conversation_id"))
        .or_else(|| world.var("CODEX_THREAD_ID").map(str::to_owned))
}

/// Appends the code of a session, unless it is what the file ends with; a trace that nothing names is not begun anew in
/// a file that has one.
fn keep(file: &Path, code: &str, is_lasting: bool) -> std::io::Result<()> {
    const BEGIN: &str = "export TRACEPARENT=";
    let before = named_file::end(file)?;
    let last = before
        .rfind(BEGIN)
        .or_else(|| before.rfind("set -gx TRACEPARENT "));
    let is_said = match (last, is_lasting) {
        (None, _) => false,
        (Some(_), false) => true,
        (Some(at), true) => before.get(at..).is_some_and(|rest| rest.starts_with(code)),
    };
    match is_said {
        true => Ok(()),
        false => named_file::add(file, &before, code),
    }
}
