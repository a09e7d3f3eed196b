//! Whatever words come: one whole record each, nothing run, nothing said.

use super::{run, silent};
use crate::functions::stage::hostile;
use crate::sandbox::{Sandbox, outcome};
use obs::redact;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::process::Stdio;

const EVERY: &str = r#"
for function in log_debug log_info log_warning log_error log_critical; do "$function" "$1" "k=$1"; done
log_json "$1" "$1" "$1"
emit_event "x$1" "k=$1"
metric_inc m "k=$1"; metric_set m 1 "k=$1"; metric_observe m 1 "k=$1"
span_start "x$1" "k=$1"
span_event "x$1" "k=$1"
span_attr "k=$1"
span_end error "$1"
span_run "x$1" test "$1" = "$1"
obs_time m -- test "$1" = "$1"
send_span "x$1" 1764843330 1764843331 "k=$1"
[ "$#" = 1 ] && [ -z "${_OBS_STACK+x}" ] && echo whole
"#;

/// Runs a file with one word, and gives back what it said.
fn with_word(sandbox: &Sandbox, text: &str, word: &[u8]) -> (i32, String, String) {
    let file = sandbox.path("work/script");
    std::fs::write(&file, text).unwrap();
    let mut command = sandbox.command("bash");
    command
        .arg(file)
        .arg(OsString::from_vec(word.to_vec()))
        .stdin(Stdio::null());
    let ended = outcome(&command.output().unwrap());
    (ended.code, ended.stdout, ended.stderr)
}

#[test]
fn hostile_words_are_only_words() {
    let text = format!("{}{EVERY}", crate::functions::stage::line("bash"));
    for word in hostile() {
        let sandbox = silent().with("DEBUG", "true");
        let (code, stdout, stderr) = with_word(&sandbox, &text, word);
        let shown = String::from_utf8_lossy(word).into_owned();
        assert_eq!(
            (code, stdout.as_str(), stderr.as_str()),
            (0, "whole\n", ""),
            "{shown:?}"
        );
        assert!(!sandbox.path("work/forged").exists(), "{shown:?}");
        let counts = ["logs", "events", "metrics-points", "spans"]
            .map(|signal| sandbox.records(signal).len());
        assert_eq!(counts, [6, 1, 4, 3], "{shown:?}");
        let kept = redact::text(&shown).into_owned();
        for log in &sandbox.records("logs")[..5] {
            assert_eq!(
                log["message"].as_str().unwrap_or_default(),
                kept,
                "{shown:?}"
            );
            assert_eq!(
                log["context"]["k"].as_str().unwrap_or_default(),
                kept,
                "{shown:?}"
            );
        }
        for span in sandbox.records("spans") {
            assert_eq!(span["name"], format!("x{kept}"), "{shown:?}");
        }
    }
}

#[test]
fn words_too_long_for_a_command_line_go_in() {
    let sandbox = silent();
    let text = r#"set -eu -o pipefail
long=-$(head -c 1000000 /dev/zero | tr '\0' x)
log_info "$long" n:=1
log_error short "k=$long" "l=$long" "m=$long"
emit_event "t" "k=$long"
metric_inc m "k=$long"
span_start s "k=$long"
span_event e "k=$long"
span_attr "a=$long"
span_end error "$long"
span_run r true "$long"
echo "$? ${_OBS_STACK-none}"
"#;
    assert_eq!(run(&sandbox, text).quiet().stdout, "0 none\n");
    let logs = sandbox.records("logs");
    assert_eq!(logs.len(), 2);
    assert!(logs[0]["message"].as_str().unwrap().starts_with("-xxx"));
    assert_eq!(logs[0]["context"]["n"], 1);
    let counts = ["events", "metrics-points", "spans"].map(|signal| sandbox.records(signal).len());
    assert_eq!(counts, [1, 1, 2]);
}

#[test]
fn many_bytes_of_each_character_fit() {
    // four bytes each: what is counted is characters
    let sandbox = silent();
    let text =
        "printf -v long '%.0s😀' {1..29990}\nlog_info \"$long\"\nlog_info \"${long}x more\"\n";
    run(&sandbox, text).quiet();
    let logs = sandbox.records("logs");
    assert_eq!(logs.len(), 2);
    assert!(
        logs.iter()
            .all(|log| log["message"].as_str().unwrap().starts_with('😀'))
    );
}

#[test]
fn unset_variables_are_empty_words() {
    let sandbox = silent();
    let text = "log_info \"$nothing\" \"k=$nothing\"\nlog_info $nothing\nemit_event t \"k=$nothing\"\nspan_start \"x$nothing\" $nothing\nspan_end $nothing\n";
    run(&sandbox, text).quiet();
    assert_eq!(sandbox.records("logs").len(), 2);
    assert_eq!(sandbox.records("events").len(), 1);
    assert_eq!(sandbox.records("spans").len(), 1);
}
