//! `obs context agent`: one trace for a coding agent's session, whatever the hook says; and who acts where an agent does.

use super::{events, json};
use crate::capture::{PARENT, feed};
use crate::sandbox::{Sandbox, have, outcome, program};
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

/// What Claude Code's SessionStart hook gets (https://code.claude.com/docs/en/hooks#sessionstart-input).
fn hook(session: &str, source: &str) -> String {
    json!({
        "session_id": session, "transcript_path": "/home/jo/.claude/projects/x/00893aaf.jsonl", "cwd": "/home/jo/x",
        "hook_event_name": "SessionStart", "source": source, "model": "claude-sonnet-4-6",
    })
    .to_string()
}

/// What is printed for this hook's input.
fn printed(sandbox: &Sandbox, input: &str) -> String {
    feed(sandbox, input.as_bytes(), &["context", "agent"])
        .quiet()
        .stdout
}

fn header(text: &str) -> &str {
    let (_, rest) = text.rsplit_once("TRACEPARENT='").unwrap();
    rest.split('\'').next().unwrap()
}

#[test]
fn session_is_one_trace_when_taken_up_again() {
    let sandbox = Sandbox::new();
    let first = printed(
        &sandbox,
        &hook("00893aaf-19fa-41d2-8238-13269b9b3ca0", "startup"),
    );
    let again = printed(
        &sandbox,
        &hook("00893aaf-19fa-41d2-8238-13269b9b3ca0", "resume"),
    );
    let other = printed(
        &sandbox,
        &hook("11893aaf-19fa-41d2-8238-13269b9b3ca0", "startup"),
    );
    assert_eq!(first, again);
    assert_ne!(header(&first), header(&other));
    assert_eq!(
        first,
        format!(
            "export TRACEPARENT='{}';\nexport OBS_ACTOR_TYPE='agent';\n",
            header(&first)
        )
    );
}

#[test]
fn records_of_the_session_are_the_agents() {
    let sandbox = Sandbox::new()
        .with("CLAUDE_ENV_FILE", "session.sh")
        .with("TRACESTATE", "a=b");
    assert_eq!(printed(&sandbox, &hook("s1", "startup")), "");
    let sandbox = sandbox
        .with("CLAUDE_ENV_FILE", "")
        .with("OBS_LOG_STREAM", "off");
    let script = "set -eu\n. ./session.sh\n[ -z \"${TRACESTATE+x}\" ]\nobs span exec -n tool -- obs emit inside\n";
    sandbox.script("bash", script).quiet();
    let event = events(&sandbox).pop().unwrap();
    assert_eq!(
        (&event["actor"]["type"], &event["actor"]["id"]),
        (&json!("agent"), &json!("claude-code"))
    );
    let code = fs::read_to_string(sandbox.path("work/session.sh")).unwrap();
    let context: Vec<&str> = header(&code).split('-').collect();
    assert_eq!(event["trace_context"]["trace_id"], context[1]);
    assert_eq!(super::spans(&sandbox)[0]["parent_span_id"], context[2]);
}

#[test]
fn file_is_written_once_a_session() {
    let sandbox = Sandbox::new().with("CLAUDE_ENV_FILE", "env");
    let file = sandbox.path("work/env");
    fs::write(&file, "export MINE=1").unwrap();
    let text = |sandbox: &Sandbox, session: &str| {
        printed(sandbox, &hook(session, "resume"));
        fs::read_to_string(&file).unwrap()
    };
    let first = text(&sandbox, "s1");
    assert!(
        first.starts_with("export MINE=1\nexport TRACEPARENT='"),
        "{first}"
    );
    assert_eq!(text(&sandbox, "s1"), first);
    let second = text(&sandbox, "s2");
    assert!(second.starts_with(&first) && second.len() > first.len());
    let third = text(&sandbox, "s1");
    assert_eq!(header(&third), header(&first));
    assert_eq!(text(&sandbox, "s1"), third);
}

#[test]
fn inherited_context_wins() {
    let sandbox = Sandbox::new()
        .with("TRACEPARENT", PARENT)
        .with("TRACESTATE", "a=b");
    let text = printed(&sandbox, &hook("s1", "startup"));
    assert_eq!(header(&text), PARENT);
    assert!(!text.contains("TRACESTATE"));
    let broken = Sandbox::new().with("TRACEPARENT", "00-junk");
    assert_eq!(
        header(&printed(&broken, &hook("s1", "startup"))),
        header(&printed(&Sandbox::new(), &hook("s1", "startup")))
    );
}

/// What sourcing makes is a promise that nobody has kept: the session's own trace goes before it, until it is kept.
#[test]
fn sourced_functions_do_not_hide_the_session() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("home/hook"), hook("s1", "startup")).unwrap();
    let session = printed(&sandbox, &hook("s1", "startup"));
    let statusline = "obs statusline --json-stdin --template '{trace:32}' < ~/hook\n";
    for (shell, dialect) in [
        ("bash", "bash"),
        ("bash", "sh"),
        ("dash", "sh"),
        ("fish", "fish"),
        ("zsh", "zsh"),
    ] {
        if !have(shell) {
            continue;
        }
        let source = match shell {
            "fish" => "obs print shell fish | source\n".to_owned(),
            _ => format!("eval \"$(obs print shell {dialect})\"\n"),
        };
        let ask = format!("obs context agent --shell sh < ~/hook\n{statusline}");
        let outcome = sandbox.script(shell, &format!("{source}{ask}")).quiet();
        assert_eq!(header(&outcome.stdout), header(&session), "{shell}");
        let trace = outcome.stdout.lines().last().unwrap();
        assert_eq!(Some(trace), header(&session).split('-').nth(1), "{shell}");
        let kept = "send_span x 1764843330 1764843331\necho $TRACE_ID\n";
        let outcome = sandbox
            .script(shell, &format!("{source}{kept}{ask}"))
            .quiet();
        let trace = outcome.stdout.lines().next().unwrap();
        assert_eq!(header(&outcome.stdout).split('-').nth(1), Some(trace));
        assert_eq!(outcome.stdout.lines().last(), Some(trace), "{shell}");
    }
}

/// Nothing better is there: records of this shell are in the trace that sourcing made.
#[test]
fn made_context_is_shown_without_a_session() {
    let sandbox = Sandbox::new()
        .with("TRACEPARENT", PARENT)
        .with("_OBS_MADE", PARENT);
    let words = ["statusline", "--template", "{trace:32}"];
    let shown = sandbox.obs(words).quiet().stdout;
    assert_eq!(Some(shown.trim_end()), PARENT.split('-').nth(1));
}

#[test]
fn agent_in_a_job_is_in_the_runs_trace() {
    let text = printed(&super::job("github"), &hook("s1", "startup"));
    let run = super::context(&super::job("github"));
    assert_eq!(header(&text), run["traceparent"]);
}

#[test]
fn bad_input_never_fails_the_hook() {
    for input in [
        "",
        "not json",
        "[1,2]",
        "{\"session_id\":7}",
        "{\"session_id\":\"\"}",
        "{\"session_id\":",
        "{}",
        "\u{0}",
    ] {
        let sandbox = Sandbox::new();
        let outcome = feed(&sandbox, input.as_bytes(), &["context", "agent"]);
        assert_eq!(outcome.code, 0, "{input:?}");
        assert!(header(&outcome.stdout).starts_with("00-"), "{input:?}");
        let quiet = input.is_empty()
            || input.starts_with("{}")
            || input.ends_with("7}")
            || input.ends_with("\"\"}");
        assert_eq!(
            outcome.stderr.is_empty(),
            quiet,
            "{input:?} {}",
            outcome.stderr
        );
    }
}

#[test]
fn nameless_session_keeps_the_files_trace() {
    let sandbox = Sandbox::new().with("CLAUDE_ENV_FILE", "env");
    printed(&sandbox, "{}");
    let first = fs::read_to_string(sandbox.path("work/env")).unwrap();
    printed(&sandbox, "{}");
    assert_eq!(fs::read_to_string(sandbox.path("work/env")).unwrap(), first);
}

#[test]
fn file_that_cannot_be_written_is_said() {
    let sandbox = Sandbox::new().with("CLAUDE_ENV_FILE", "/nowhere/env");
    let outcome = feed(
        &sandbox,
        hook("s1", "startup").as_bytes(),
        &["context", "agent"],
    );
    assert_eq!((outcome.code, outcome.stdout.as_str()), (0, ""));
    assert!(
        outcome
            .stderr
            .starts_with("obs: could not write to `/nowhere/env`"),
        "{}",
        outcome.stderr
    );
}

/// The writer that keeps the pipe open is an agent that waits for its hook.
#[test]
fn open_pipe_is_not_waited_for() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command(program());
    command.args(["context", "agent"]).stdin(Stdio::piped());
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut open = child.stdin.take().unwrap();
    open.write_all(b"{\"session_id\":\"s1\"}").unwrap();
    let ended = outcome(&child.wait_with_output().unwrap());
    drop(open);
    assert_eq!(
        header(&ended.stdout),
        header(&printed(&sandbox, "{\"session_id\":\"s1\"}"))
    );
}

#[test]
fn hostile_session_is_data() {
    let sandbox = Sandbox::new().with("AI_AGENT", "x'; touch pwned; '$(touch pwned)");
    let text = printed(&sandbox, &hook("'; touch pwned; '", "startup"));
    assert!(!text.contains("TRACEPARENT=''"));
    fs::write(sandbox.path("work/code"), text).unwrap();
    let outcome = sandbox
        .script("sh", ". ./code\nprintf %s \"$OBS_ACTOR\"\n")
        .quiet();
    assert_eq!(outcome.stdout, "x'; touch pwned; '$(touch pwned)");
    assert!(!sandbox.path("work/pwned").exists());
}

#[test]
fn option_names_file_and_shell() {
    let sandbox = Sandbox::new().with("CLAUDE_ENV_FILE", "unused");
    let input = hook("s1", "startup");
    let run = |words: &[&str]| {
        let words = [&["context", "agent"], words].concat();
        feed(&sandbox, input.as_bytes(), &words).quiet().stdout
    };
    assert_eq!(run(&["--env-file", "env"]), "");
    assert!(run(&["--shell", "fish"]).starts_with("set -gx TRACEPARENT '"));
    assert!(sandbox.path("work/env").exists());
    assert!(!Path::new(&sandbox.path("work/unused")).exists());
}

#[test]
fn agents_are_known_without_the_call() {
    for (variable, value) in [
        ("AI_AGENT", "some@1"),
        ("CLAUDECODE", "1"),
        ("CLINE_ACTIVE", "true"),
        ("CODEX_SANDBOX", "seatbelt"),
        ("CODEX_THREAD_ID", "0199"),
        ("CURSOR_AGENT", "1"),
        ("GEMINI_CLI", "1"),
        ("GOOSE_TERMINAL", "1"),
        ("OPENCODE", "1"),
    ] {
        let kind = |sandbox: Sandbox| {
            sandbox.obs(["emit", "x"]).quiet();
            events(&sandbox).pop().unwrap()["actor"]["type"].clone()
        };
        assert_eq!(
            kind(Sandbox::new().with(variable, value)),
            "agent",
            "{variable}"
        );
        assert_eq!(
            kind(super::job("github").with(variable, value)),
            "agent",
            "{variable}"
        );
        assert_eq!(
            kind(
                Sandbox::new()
                    .with(variable, value)
                    .with("OBS_ACTOR_TYPE", "user")
            ),
            "user"
        );
    }
}

#[test]
fn wrong_actor_type_is_said_and_not_used() {
    let sandbox = Sandbox::new().with("OBS_ACTOR_TYPE", "robot");
    let shown = json(&sandbox.obs(["context", "show"]));
    assert_eq!(shown["actor"]["type"], Value::from("user"));
    assert!(crate::capture::file(&sandbox, "diagnostics.log").contains("OBS_ACTOR_TYPE=robot"));
}
