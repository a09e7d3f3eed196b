//! What the builtin leaves to the binary: cold commands, what waits for input, what has no standard streams.

use super::{library, loaded};
use crate::sandbox::Sandbox;
use std::fs;

#[test]
fn other_commands_are_the_binary_s() {
    let sandbox = Sandbox::new().with("OBS_LOG_STREAM", "off");
    let text = r#"
obs log info 'it'\''s here'
obs logs --json | grep -c here
obs nope 2>/dev/null
echo "status $?"
obs span exec -- sh -c 'echo "[$1]"; exit 3' _ "a 'b' \$c"
echo "status $?"
obs logs --name >/dev/null 2>&1 || echo "refused"
echo "left ${__obs_status-nothing}"
"#;
    let Some(outcome) = loaded(&sandbox, text) else {
        return;
    };
    assert_eq!(
        outcome.quiet().stdout,
        "1\nstatus 2\n[a 'b' $c]\nstatus 3\nrefused\nleft nothing\n"
    );
}

#[test]
fn set_e_is_the_business_of_the_caller() {
    for (line, expected) in [
        ("obs nope 2>/dev/null || echo lived", "lived\nafter\n"),
        ("if obs nope 2>/dev/null; then :; fi", "after\n"),
        ("obs nope 2>/dev/null", ""),
        ("! obs nope 2>/dev/null", "after\n"),
        ("obs log --nope info m >/dev/null", "after\n"),
        ("obs metric inc 2>/dev/null", ""),
    ] {
        let sandbox = Sandbox::new();
        let Some(outcome) = loaded(
            &sandbox,
            &format!("set -euo pipefail\n{line}\necho after\n"),
        ) else {
            return;
        };
        assert_eq!(outcome.stdout, expected, "{line}: {}", outcome.shown());
        assert_eq!(outcome.code == 0, expected.ends_with("after\n"), "{line}");
    }
}

#[test]
fn words_that_wait_for_input_are_read_by_a_process() {
    let sandbox = Sandbox::new().with("OBS_LOG_STREAM", "off");
    let text = r#"
printf 'one\ntwo\n' | obs log --stdin info
printf 'line\nrest\n' | { obs log info three; read -r line; echo "$line"; }
echo '{"n":1}' > file.json
obs log --context @file.json info four
obs emit some.thing --data - <<<'{"m":2}'
"#;
    let Some(outcome) = loaded(&sandbox, text) else {
        return;
    };
    assert_eq!(outcome.quiet().stdout, "line\n");
    let logs = sandbox.records("logs");
    let messages: Vec<&str> = logs
        .iter()
        .map(|log| log["message"].as_str().unwrap())
        .collect();
    assert_eq!(messages, ["one", "two", "three", "four"]);
    assert_eq!(logs[3]["context"]["n"], 1);
    assert_eq!(sandbox.records("events")[0]["data"]["m"], 2);
}

#[test]
fn closed_streams_are_not_taken_for_files() {
    let sandbox = Sandbox::new();
    let text = "exec 2>&- <&-\nobs log error one >&-\nobs log info two >&-\n{ obs log info three; } >&-\necho done\n";
    let Some(outcome) = loaded(&sandbox, text) else {
        return;
    };
    assert_eq!(outcome.stdout, "done\n");
    assert_eq!(sandbox.records("logs").len(), 3);
    let fsck = sandbox.obs(["fsck"]);
    assert_eq!(fsck.code, 0, "{}", fsck.shown());
}

#[test]
fn missing_binary_is_said_as_a_shell_says_it() {
    let sandbox = Sandbox::new();
    let text = "PATH=/nowhere\nobs log info recorded\nobs trace\necho \"status $?\"\n";
    let Some(outcome) = loaded(&sandbox, text) else {
        return;
    };
    assert_eq!(outcome.stderr, "obs: command not found\n");
    assert!(
        outcome.stdout.ends_with("status 127\n"),
        "{}",
        outcome.shown()
    );
    assert_eq!(sandbox.records("logs").len(), 1);
}

/// A sandbox in which the functions find this library.
fn beside(library: &str) -> Sandbox {
    Sandbox::new()
        .with("OBS_LOG_STREAM", "off")
        .with("OBS_BUILTIN", "on")
        .with("__obs_lib", library)
}

#[test]
fn obs_stays_the_program_behind_the_functions() {
    let Some(library) = library() else {
        return;
    };
    let sandbox = beside(library.to_str().unwrap());
    let text = r#"
eval "$(obs print shell bash)"
eval "$(obs print shell bash)"
type -t __obs_hot log_info obs
obs span exec -- sh -c 'trap "echo got; exit 5" TERM; echo ready; while :; do sleep 0.1; done' >said & child=$!
until grep -q ready said; do sleep 0.02; done
kill $child
wait $child
echo "status $?"
cat said
"#;
    let outcome = sandbox.script("bash", text).quiet();
    assert_eq!(
        outcome.stdout,
        "builtin\nbuiltin\nfile\nstatus 5\nready\ngot\n"
    );
}

#[test]
fn library_of_another_version_is_left_out() {
    let Some(library) = library() else {
        return;
    };
    let mut bytes = fs::read(library).unwrap();
    let version = env!("CARGO_PKG_VERSION").as_bytes();
    let places: Vec<usize> = memchr::memmem::find_iter(&bytes, version).collect();
    assert!(!places.is_empty());
    for at in places {
        bytes[at..at + version.len()].fill(b'9');
    }
    let sandbox = beside("");
    let other = sandbox.path("other.so");
    fs::write(&other, bytes).unwrap();
    let sandbox = sandbox.with("__obs_lib", other.to_str().unwrap());
    // a link, so that no library lies beside it
    let text = r#"
eval "$(obs print shell bash | sed "s|^__obs_bin=.*|__obs_bin='$PWD/../bin/obs'|")"
type -t __obs_hot || echo none
log_info told
"#;
    let outcome = sandbox.script("bash", text).quiet();
    assert_eq!(outcome.stdout, "none\n");
    assert_eq!(sandbox.only_log()["message"], "told");
}
