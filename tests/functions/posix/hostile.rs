//! Words of any bytes, words too long for a command line, and places where nothing can be kept.

use super::{ALL, from_disk, given, line, shells, silent, strict, whole};
use crate::hostile::FRAGMENTS;
use crate::sandbox::program;
use obs::redact;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

#[test]
fn hostile_words_are_kept_whole() {
    let words: Vec<&OsStr> = FRAGMENTS
        .iter()
        .map(|word| OsStr::from_bytes(word))
        .collect();
    let text = r#"
for word; do
  log_info "$word" "k=$word" "$word"
  span_run "$word" true "$word"
  [ "${ALL-}" = yes ] || continue
  emit_event "$word" "k=$word"
  metric_inc "m$word" 1 "k=$word"
  span_start "$word" "k=$word"
  span_event "$word" "k=$word"
  span_attr "k=$word"
  span_end error "$word"
done
printf 'whole\n'
"#;
    for (at, shell) in shells().enumerate() {
        // how each function hands its words on is the same everywhere
        let all = at == 0;
        let sandbox = silent().with("ALL", if all { "yes" } else { "" });
        let text = format!("{}{}{text}", strict(shell), line("sh"));
        let outcome = given(&sandbox, shell, &text, &words);
        assert_eq!(
            (outcome.code, outcome.stdout.as_str()),
            (0, "whole\n"),
            "{shell}"
        );
        let kept = |signal: &str, key: &str| -> Vec<String> {
            let records = sandbox.records(signal);
            let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
            records.iter().map(|record| text(&record[key])).collect()
        };
        let texts: Vec<String> = FRAGMENTS
            .iter()
            .map(|word| redact::text(&String::from_utf8_lossy(word)).into_owned())
            .collect();
        assert_eq!(
            kept("logs", "message"),
            texts,
            "{shell}: {}",
            outcome.stderr
        );
        let mut spans = kept("spans", "name");
        let mut expected = texts.clone();
        if all {
            assert_eq!(kept("events", "event_type"), texts, "{shell}");
            expected.extend(texts);
        }
        spans.sort();
        expected.sort();
        assert_eq!(spans, expected, "{shell}");
    }
}

#[test]
fn long_words_go_through() {
    for shell in shells() {
        let sandbox = silent().with("OBS_RECORD_BYTES", "4194304");
        let text = r#"
big=0123456789abcdef
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14; do big=$big$big; done
log_info "$big" k=v
emit_event big.event "k=$big"
metric_inc long_total 1 "k=$big"
span_start big "k=$big"
span_event big "k=$big"
span_end error "$big"
"#;
        whole(&sandbox, shell, text);
        let logs = sandbox.records("logs");
        let message = logs[0]["message"].as_str().unwrap();
        assert!(message.starts_with("0123456789abcdef0123"), "{shell}");
        assert_eq!(logs[0]["context"]["k"], "v", "{shell}");
        assert_eq!(sandbox.records("events").len(), 1, "{shell}");
        assert_eq!(sandbox.records("spans").len(), 1, "{shell}");
        assert_eq!(logs.len(), 1, "{shell}");
    }
}

#[test]
fn nothing_happens_where_obs_is_absent() {
    let text = r#"
log_info hi
log_json error hi '{}'
emit_event some.type a=b
metric_inc a_total
metric_set a 1
metric_observe a 1
span_start one
span_event e
span_attr k=v
span_end 1
f() { return "$1"; }
span_run two f 3 || [ $? -eq 3 ]
obs_time t_seconds k=v -- f 4 || [ $? -eq 4 ]
obs_time t_seconds f 5 || [ $? -eq 5 ]
send_span three 1 2
obs_trace_script
trap 'echo whole' EXIT
[ "${#TRACE_ID}:${#SPAN_ID}" = 32:16 ]
[ "$TRACEPARENT" = "00-$TRACE_ID-$SPAN_ID-03" ]
"#;
    for shell in shells() {
        let sandbox = silent().with("PATH", "/usr/bin:/bin");
        let text = format!("{}{}{text}", strict(shell), from_disk());
        let outcome = sandbox.script(shell, &text).quiet();
        assert_eq!(outcome.stdout, "whole\n", "{shell}");
        assert!(!sandbox.journal().exists(), "{shell}");
    }
}

#[test]
fn scripts_live_on_without_a_journal() {
    for shell in shells() {
        let sandbox = silent()
            .with("OBS_HOME", "/proc/nowhere")
            .with("TMPDIR", "/proc/nowhere");
        let text = format!(
            "{}{}obs_trace_script{ALL}echo whole\nexit 3\n",
            strict(shell),
            line("sh")
        );
        let outcome = sandbox.script(shell, &text);
        assert_eq!(
            (outcome.code, outcome.stdout.as_str()),
            (3, "whole\n"),
            "{shell}: {}",
            outcome.shown()
        );
        let said = outcome.stderr.lines();
        let other = said.filter(|line| !line.starts_with("obs: UNSAVED {"));
        assert_eq!(other.collect::<Vec<_>>(), Vec::<&str>::new(), "{shell}");
    }
}

#[test]
fn odd_path_of_the_binary_works() {
    for shell in shells() {
        let sandbox = silent();
        let folder = sandbox.path("work/it's \"odd\" $(x)");
        std::fs::create_dir(&folder).unwrap();
        std::os::unix::fs::symlink(program(), folder.join("obs")).unwrap();
        let text = format!(
            "__obs_bin='{}'\n{}log_info hi\n",
            folder.join("obs").to_str().unwrap().replace('\'', "'\\''"),
            from_disk()
        );
        sandbox.script(shell, &text).quiet();
        assert_eq!(sandbox.only_log()["message"], "hi", "{shell}");
    }
}
