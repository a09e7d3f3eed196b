//! Whether a coding agent runs us, by the variables that agents set in the shells they start.

use super::ci::derived_from;
use crate::model::context::TraceContext;
use crate::world::World;

/// Names its agent, whoever that is: https://github.com/vercel/vercel/tree/main/packages/detect-agent (AI_AGENT).
const NAMING: &str = "AI_AGENT";

/// A variable that an agent sets for its commands, and the agent's name.
const MARKS: &[(&str, &str)] = &[
    // https://code.claude.com/docs/en/env-vars (CLAUDECODE; anthropics/claude-code issue 531)
    ("CLAUDECODE", "claude-code"),
    // cline/cline, VscodeTerminalRegistry.ts
    ("CLINE_ACTIVE", "cline"),
    // openai/codex, codex-rs/core: spawn.rs and shell_environment.rs
    ("CODEX_SANDBOX", "codex"),
    ("CODEX_THREAD_ID", "codex"),
    // https://cursor.com/docs (cursor-agent's terminal)
    ("CURSOR_AGENT", "cursor"),
    // google-gemini/gemini-cli, docs/tools/shell.md
    ("GEMINI_CLI", "gemini-cli"),
    // block/goose, developer extension's shell
    ("GOOSE_TERMINAL", "goose"),
    // anomalyco/opencode
    ("OPENCODE", "opencode"),
];

/// The variable that says so, and the agent's name.
pub fn agent(world: &World) -> Option<(&'static str, &str)> {
    if let Some(name) = world.var(NAMING) {
        return Some((NAMING, name));
    }
    let found = MARKS.iter().find(|(mark, _)| world.var_os(mark).is_some());
    found.copied()
}

/// The trace of an agent's session, the same however often the session is taken up again.
pub fn session_trace(session: &str, world: &World) -> Option<TraceContext> {
    derived_from(&format!("obs agent {session}"), world)
}

/// A trace of its own for a session that nobody names.
pub fn fresh_trace(world: &World) -> Option<TraceContext> {
    super::span::context_below(None, world).0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agent_is_known_by_its_variable() {
        assert_eq!(
            agent(&World::of(&[("CLAUDECODE", ""), ("USER", "jo")])),
            None
        );
        let found = |env: &[(&str, &str)]| agent(&World::of(env)).map(|(_, name)| name.to_owned());
        assert_eq!(found(&[("GEMINI_CLI", "1")]).as_deref(), Some("gemini-cli"));
        let both = [("CLAUDECODE", "1"), ("AI_AGENT", "mine@2")];
        assert_eq!(found(&both).as_deref(), Some("mine@2"));
    }
}
