//! What the builtin leaves to the binary: cold commands, what waits for input, what has no standard streams.

use super::loaded;
use crate::sandbox::Sandbox;

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
