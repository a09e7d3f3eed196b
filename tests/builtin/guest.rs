//! A guest in somebody else's process: mask, dispositions, descriptors, umask, timers and options are afterwards what they
//! were, and no signal of ours ends the shell.

use super::loaded;
use crate::sandbox::Sandbox;

/// Every kind of call, the refused ones among them.
const CALLS: &str = r#"
obs log info message k=v >/dev/null
obs log error message 2>/dev/null
obs log --nope x >/dev/null
obs emit some.thing k=v
obs emit 2>/dev/null
obs metric inc jobs_total
obs metric observe 2>/dev/null
obs span start -v build
obs span event halfway
obs span set k=v
obs span end -v
obs span end -v
obs span start -v 2>/dev/null
obs span end -v
obs span start -v --nope x 2>/dev/null
obs span end -v
"#;

/// What a call must not change.
const STATE: &str = r#"
state() {
  grep -E '^(Sig[PBIC]|Shd|Umask|Threads)' /proc/$$/status
  for fd in /proc/$$/fd/*; do echo "$fd $(readlink "$fd" | sed 's/pipe:.*/the pipe of this answer/')"; done
  umask; trap -p; set +o; shopt; cat /proc/$$/timers 2>/dev/null
  pwd; echo "$IFS" "$-"; declare -F
}
"#;

#[test]
fn shell_is_afterwards_as_it_was() {
    let sandbox = Sandbox::new();
    let text = format!(
        "{STATE}umask 027\ntrap 'echo usr' USR1\ntrap '' USR2\nexec 7</dev/null\nstate >/dev/null # bash's own handlers come with its first child\nbefore=$(state)\n{CALLS}\n[ \"$before\" = \"$(state)\" ] && echo same\n"
    );
    let Some(outcome) = loaded(&sandbox, &text) else {
        return;
    };
    assert_eq!(outcome.quiet().stdout, "same\n");
}

#[test]
fn nothing_new_is_defined() {
    let sandbox = Sandbox::new().with("OBS_LOG_STREAM", "off");
    let text = format!(
        "before=$(compgen -v)\n{CALLS}\nafter=$(compgen -v)\ndiff <(echo \"$before\") <(echo \"$after\")\necho same\n"
    );
    let Some(outcome) = loaded(&sandbox, &text) else {
        return;
    };
    // the variable that holds the list itself
    let new: Vec<&str> = outcome
        .stdout
        .lines()
        .filter(|line| line.starts_with(['<', '>']))
        .collect();
    assert_eq!(new, ["> before"], "{}", outcome.shown());
}

#[test]
fn reader_that_went_away_ends_no_shell() {
    let sandbox = Sandbox::new();
    let text = r#"
for i in 1 2 3 4 5 6 7 8 9 10; do obs log info "$i" || echo failed >&2; done | head -n 1 >/dev/null
echo "${PIPESTATUS[0]}"
"#;
    let Some(outcome) = loaded(&sandbox, text) else {
        return;
    };
    assert_eq!(outcome.quiet().stdout, "0\n");
    assert_eq!(sandbox.records("logs").len(), 10);
}

#[test]
fn full_disk_ends_no_shell() {
    let sandbox = Sandbox::new().with("OBS_LOG_STREAM", "off");
    let text = "ulimit -f 0\nobs log info lost\necho \"status $?\"\nOBS_STRICT=1 obs log info lost\necho \"status $?\"\nkill -XFSZ $$\necho survived\n";
    let Some(outcome) = loaded(&sandbox, text) else {
        return;
    };
    assert_eq!(
        outcome.stdout,
        "status 0\nstatus 3\n",
        "{}",
        outcome.shown()
    );
    assert!(
        outcome.stderr.contains("obs: UNSAVED {"),
        "{}",
        outcome.shown()
    );
    // a signal of somebody else's is delivered as ever
    assert_eq!(outcome.code, 128 + 25);
}

#[test]
fn traps_run_after_a_call() {
    let sandbox = Sandbox::new().with("OBS_LOG_STREAM", "off");
    let text = r#"
trap 'echo usr1' USR1
trap 'echo err' ERR
kill -USR1 $$
obs log info one
obs metric inc 2>/dev/null
(kill -USR1 $$) ; obs log info two
echo end
"#;
    let Some(outcome) = loaded(&sandbox, text) else {
        return;
    };
    assert_eq!(outcome.quiet().stdout, "usr1\nerr\nusr1\nend\n");
}

#[test]
fn version_is_told_in_a_variable() {
    let sandbox = Sandbox::new();
    let text =
        "builtin obs --builtin-version\necho \"$__obs_builtin\"\nenable -d obs\ntype -t obs\n";
    let Some(outcome) = loaded(&sandbox, text) else {
        return;
    };
    assert_eq!(
        outcome.quiet().stdout,
        format!("{}\nfile\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn megabyte_of_message_is_cut_and_kept() {
    let sandbox = Sandbox::new().with("OBS_LOG_STREAM", "off");
    let text = "long=$(head -c 1000000 /dev/zero | tr '\\0' x)\nobs log info -- \"-$long\" k=v\n";
    if loaded(&sandbox, text).is_none() {
        return;
    }
    let log = sandbox.only_log();
    assert!(
        log["obs"]["truncated"].as_u64().unwrap() > 1_000_000,
        "{:?}",
        log["obs"]
    );
    assert!(log["message"].as_str().unwrap().starts_with("-xxx"));
    assert_eq!(log["context"]["k"], "v");
}

#[test]
fn signal_ends_a_shell_that_waits_for_a_reader() {
    let sandbox = Sandbox::new();
    for signal in ["TERM", "HUP"] {
        // the reader never reads; without the trap bash would die in the handler
        let text = format!(
            r#"
mkfifo pipe-{signal}
sleep 300 <pipe-{signal} & reader=$!
(trap : EXIT; while :; do obs log info "$(printf %01000d 1)"; done) >pipe-{signal} & writer=$!
until grep -q pipe_write /proc/$writer/stack 2>/dev/null || grep -q 'S (sleeping)' /proc/$writer/status; do sleep 0.05; done
sleep 0.3
kill -{signal} $writer
wait $writer
echo "ended $(($? > 128))"
kill $reader
"#
        );
        let Some(outcome) = loaded(&sandbox, &text) else {
            return;
        };
        assert_eq!(outcome.stdout, "ended 1\n", "{signal}: {}", outcome.shown());
    }
}
