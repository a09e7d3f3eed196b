//! What a job or an agent's hook is given may be no file and have no end: nothing is waited for, and nothing is read
//! that does not end.

use super::job;
use crate::capture::PARENT;
use crate::sandbox::{Outcome, Sandbox, outcome, program};
use std::fs::{self, File};
use std::io::Write;
use std::process::{Command, Stdio};

/// A pipe that nobody reads or writes.
fn pipe(sandbox: &Sandbox) -> String {
    let path = sandbox.path("work/pipe").to_str().unwrap().to_owned();
    #[expect(clippy::disallowed_methods, reason = "std makes no named pipe")]
    let made = Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    path
}

/// What comes of it when this is written, and the pipe stays open.
fn half_told(sandbox: &Sandbox, words: &[&str], said: &str) -> Outcome {
    let mut command = sandbox.command(program());
    command.args(words).stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut open = child.stdin.take().unwrap();
    open.write_all(said.as_bytes()).unwrap();
    let ended = outcome(&child.wait_with_output().unwrap());
    drop(open);
    ended
}

#[test]
fn pipe_for_a_file_is_refused() {
    let sandbox = job("github");
    let path = pipe(&sandbox);
    let sandbox = sandbox.with("GITHUB_ENV", &path);
    for words in [&["--github-env"][..], &["--env-file", &path]] {
        let outcome = sandbox.obs([&["context", "ci"], words].concat());
        assert_eq!((outcome.code, outcome.stdout.as_str()), (3, ""));
        assert!(
            outcome.stderr.contains("/pipe`: it is a pipe"),
            "{}",
            outcome.shown()
        );
    }
}

#[test]
fn pipe_for_an_agents_file_fails_no_hook() {
    let sandbox = Sandbox::new();
    let path = pipe(&sandbox);
    let outcome = sandbox
        .with("CLAUDE_ENV_FILE", &path)
        .obs(["context", "agent"]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (0, ""));
    assert!(
        outcome.stderr.contains("/pipe`: it is a pipe"),
        "{}",
        outcome.shown()
    );
}

#[test]
#[cfg(target_os = "linux")] // no other has such a device
fn device_without_end_is_not_read() {
    let full = job("github").with("GITHUB_ENV", "/dev/full");
    let outcome = full.obs(["context", "ci", "--github-env"]);
    assert_eq!(outcome.code, 3, "{}", outcome.shown());
    let zero = job("github").with("GITHUB_ENV", "/dev/zero");
    zero.obs(["context", "ci", "--github-env"]).quiet();
}

/// A file of a tebibyte, nearly all of it a hole.
#[test]
fn huge_file_is_read_from_its_end() {
    let sandbox = job("github").with("GITHUB_ENV", "env");
    let file = File::create(sandbox.path("work/env")).unwrap();
    file.set_len(1 << 40).unwrap();
    let length = || fs::metadata(sandbox.path("work/env")).unwrap().len();
    sandbox.obs(["context", "ci", "--github-env"]).quiet();
    let first = length();
    assert!(first > 1 << 40);
    sandbox.obs(["context", "ci", "--github-env"]).quiet();
    assert_eq!(length(), first);
}

#[test]
fn half_written_object_holds_no_hook_up() {
    for half in ["{\"session_id\":\"x\"", "{", " ", ""] {
        let sandbox = Sandbox::new();
        let outcome = half_told(&sandbox, &["context", "agent"], half);
        assert_eq!(outcome.code, 0, "{}", outcome.shown());
        assert!(outcome.stdout.starts_with("export TRACEPARENT='00-"));
        assert!(
            outcome.stderr.contains("does not come to its end"),
            "{}",
            outcome.shown()
        );
    }
}

#[test]
fn half_written_object_holds_no_prompt_up() {
    let sandbox = Sandbox::new().with("TRACEPARENT", PARENT);
    let words = ["statusline", "--json-stdin", "--template", "{trace}{model}"];
    for (said, shown) in [
        ("{\"model\":{\"display_name\":\"M\"}", "4bf92f35\n"),
        ("", "4bf92f35\n"),
        ("{\"model\":{\"display_name\":\"M\"}}", "4bf92f35M\n"),
    ] {
        let outcome = half_told(&sandbox, &words, said).quiet();
        assert_eq!(outcome.stdout, shown, "{said}");
    }
}
