//! What holds in zsh and in fish alike: hostile words, huge ones, obs that is not there or cannot write, one process a
//! call, a terminal.

mod records;

use super::stage::{hostile, line, sourced};
use super::zsh::named;
use crate::capture::silent;
use crate::sandbox::{Sandbox, have, program};
use serde_json::Value;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;

/// The two shells as they are started, where they are there.
fn shells() -> impl Iterator<Item = &'static str> {
    let all = ["zsh -f", "fish --no-config"];
    all.into_iter()
        .filter(|shell| have(shell.split(' ').next().unwrap()))
}

/// A variable that holds the words of the script, and each of them.
fn argument(shell: &str, number: usize) -> String {
    match shell.starts_with("fish") {
        true => format!("\"$argv[{number}]\""),
        false => format!("\"${number}\""),
    }
}

/// Every function with this word wherever words can stand; each makes one record.
fn calls(word: &str) -> String {
    format!(
        "log_debug {word} k={word}
log_info {word} k={word}
log_warning {word} k={word}
log_error {word} k={word}
log_critical {word} k={word}
log_json error {word} {word}
log_json {word} {word}
emit_event {word} k={word}
span_start {word} k={word}
span_event {word} k={word}
span_attr k={word}
span_end error {word} l={word}
span_run {word} true {word}
metric_inc {word} 1 k={word}
metric_set {word} 1 k={word}
metric_observe {word} 1 k={word}
send_span {word} 1764843330 1764843331 k={word}
obs_time {word} k={word} -- true {word}
"
    )
}

#[test]
fn hostile_words_stay_words() {
    for shell in shells() {
        // other bytes have a test of their own, and an empty name is none
        let words = hostile().filter_map(|word| std::str::from_utf8(word).ok());
        for word in words.filter(|word| !word.is_empty()) {
            let sandbox = Sandbox::new()
                .with("OBS_LOG_STREAM", "off")
                .with("OBS_LOG_LEVEL", "debug");
            let first = argument(shell, 1);
            let file = sandbox.path("work/script");
            let text = format!("{}{}echo whole\n", line(shell), calls(&first));
            fs::write(&file, text).unwrap();
            let mut words = shell.split(' ');
            let mut command = sandbox.command(words.next().unwrap());
            let command = command.args(words).arg(&file).arg(word);
            let outcome = crate::sandbox::outcome(&command.output().unwrap());
            let about = format!("{shell}, {word:?}: {}", outcome.shown());
            assert_eq!(
                (outcome.code, outcome.stdout.as_str()),
                (0, "whole\n"),
                "{about}"
            );
            let told = outcome.stderr.lines().all(|line| {
                line.starts_with("obs: ") || line.starts_with("hint: ") || word.contains('\n')
            });
            assert!(told, "{about}");
            let logs = sandbox.records("logs");
            assert_eq!(logs.len(), 7, "{about}");
            assert!(logs.iter().all(|log| log["message"] == word), "{about}");
            assert!(
                logs.iter().take(5).all(|log| log["context"]["k"] == word),
                "{about}"
            );
            assert_eq!(sandbox.records("events")[0]["data"]["k"], word, "{about}");
            let spans = sandbox.records("spans");
            assert_eq!(spans.len(), 3, "{about}");
            assert!(spans.iter().all(|span| span["name"] == word), "{about}");
            let points = sandbox.records("metrics-points");
            assert_eq!(points.len(), 4, "{about}");
            assert!(points.iter().all(|point| point["labels"]["k"] == word));
        }
    }
}

#[test]
fn span_end_takes_every_form_of_status() {
    for shell in shells() {
        super::stage::every_status(silent, shell);
    }
}

#[test]
fn bytes_that_are_no_text_are_recorded() {
    let word = OsStr::from_bytes(b"a\xff\xc3\xed\xa0\x80z");
    let shown = word.to_string_lossy();
    for shell in shells() {
        let sandbox = silent();
        let first = argument(shell, 1);
        let text = format!(
            "{}log_info {first} k={first}\nspan_start {first}\nspan_end\n",
            line(shell)
        );
        fs::write(sandbox.path("work/script"), text).unwrap();
        let mut words = shell.split(' ');
        let mut command = sandbox.command(words.next().unwrap());
        let command = command.args(words).arg("script").arg(word);
        crate::sandbox::outcome(&command.output().unwrap()).quiet();
        let log = sandbox.only_log();
        assert_eq!(
            [&log["message"], &log["context"]["k"]],
            [&*shown; 2],
            "{shell}"
        );
        assert_eq!(sandbox.records("spans")[0]["name"], *shown, "{shell}");
    }
}

#[test]
fn megabyte_messages_are_whole() {
    for shell in shells() {
        let sandbox = silent().with("OBS_RECORD_BYTES", "8000000");
        let read = match shell.starts_with("fish") {
            true => "read -z big <big\n",
            false => "big=\"$(<big)\"\n",
        };
        let big = format!("é{}\n-", "0123456789abcdef".repeat(1 << 16));
        fs::write(sandbox.path("work/big"), &big).unwrap();
        let text = format!(
            "{read}log_info \"$big\" k=v\nlog_error m \"k=$big\"\nemit_event t \"k=$big\"\nspan_start \"$big\" a=b\n\
             span_attr \"k=$big\"\nspan_end error \"$big\"\nsend_span s 1 2 \"k=$big\"\nmetric_inc m 1 \"k=$big\"\necho whole\n"
        );
        let outcome = sourced(&sandbox, shell, &text).quiet();
        assert_eq!(outcome.stdout, "whole\n", "{shell}");
        let logs = sandbox.records("logs");
        let whole = |value: &Value| value.as_str().is_some_and(|text| text == big);
        assert!(whole(&logs[0]["message"]), "{shell}");
        assert_eq!(logs[0]["context"]["k"], "v", "{shell}");
        assert!(whole(&logs[1]["context"]["k"]), "{shell}");
        assert!(whole(&sandbox.records("events")[0]["data"]["k"]), "{shell}");
        let spans = sandbox.records("spans");
        assert_eq!(spans.len(), 2, "{shell}");
        let span = spans.iter().find(|span| whole(&span["name"])).unwrap();
        assert_eq!(span["status"]["code"], "error", "{shell}");
        assert_eq!(sandbox.records("metrics-points").len(), 1, "{shell}");
    }
}

#[test]
fn odd_separators_split_nothing() {
    for shell in shells() {
        for separators in ["", "0", "0123456789abcdef-", "so", ":,/", "\\n"] {
            let sandbox = silent().with("OBS_LOG_LEVEL", "debug");
            let first = match shell.starts_with("fish") {
                true => format!(
                    "set -g IFS (printf '{separators}' | string collect)\n{}",
                    line(shell)
                ),
                false => format!(
                    "setopt sh_word_split glob_subst\nIFS=$(printf '{separators}x'); IFS=${{IFS%x}}\n{}",
                    line(shell)
                ),
            };
            let text = format!(
                "{first}obs_trace_script whole\n{}span_run b command true\nspan_start left\nexit 10\n",
                calls("word")
            );
            let ended = sandbox.script(shell, &text);
            let about = format!("{shell}, {separators}: {}", ended.shown());
            assert_eq!((ended.code, ended.stderr.as_str()), (10, ""), "{about}");
            let counts =
                ["logs", "events", "metrics-points"].map(|signal| sandbox.records(signal).len());
            assert_eq!(counts, [7, 1, 4], "{about}");
            let spans = sandbox.records("spans");
            assert_eq!(spans.len(), 6, "{about}");
            let whole = named(&spans, "whole");
            assert!(
                spans
                    .iter()
                    .all(|span| span["trace_id"] == whole["trace_id"]),
                "{about}"
            );
            for name in ["left", "whole"] {
                let span = named(&spans, name);
                assert_eq!(span["attributes"]["process.exit.code"], 10, "{about}");
            }
        }
    }
}

#[test]
fn without_obs_functions_do_nothing() {
    for shell in shells() {
        let sandbox = silent();
        let (name, how) = match shell.starts_with("fish") {
            true => ("fish", "source"),
            false => ("zsh", "."),
        };
        let file = format!("{}/shell/obs.{name}", env!("CARGO_MANIFEST_DIR"));
        fs::remove_file(sandbox.path("bin/obs")).unwrap();
        let mode = if name == "zsh" {
            "set -eu -o pipefail\n"
        } else {
            ""
        };
        let text = format!(
            "{mode}{how} {file}\n{}obs_trace_script x\nspan_run n echo ran\nobs_time n k=v -- echo timed\necho \"$TRACE_ID\"\n",
            calls("word")
        );
        let outcome = sandbox.script(shell, &text).quiet();
        let lines: Vec<&str> = outcome.stdout.lines().collect();
        assert_eq!(lines[..2], ["ran", "timed"], "{shell}");
        assert_eq!((lines.len(), lines[2].len()), (3, 32), "{shell}");
        assert!(!sandbox.journal().exists(), "{shell}");
    }
}

#[test]
fn lost_records_fail_only_the_strict() {
    for shell in shells() {
        for (strict, code) in [("", 0), ("true", 3)] {
            let sandbox = silent().with("OBS_STRICT", strict);
            // a file where the folder should be, and no place to spill to
            fs::write(sandbox.journal(), "").unwrap();
            let spill = sandbox.path("tmp");
            fs::set_permissions(&spill, fs::Permissions::from_mode(0o500)).unwrap();
            let sandbox = sandbox.with("TMPDIR", "/dev/null");
            for call in [
                "log_info m",
                "emit_event t",
                "metric_inc m",
                "send_span s 1 2",
            ] {
                let outcome = sourced(&sandbox, shell, &format!("{call}\n"));
                let about = format!("{shell}, {call}: {}", outcome.shown());
                assert_eq!(outcome.code, code, "{about}");
                assert!(outcome.stderr.contains("obs: UNSAVED"), "{about}");
            }
            let refused = sourced(&sandbox, shell, "metric_set m\n");
            assert_eq!(refused.code, if code == 0 { 0 } else { 2 }, "{shell}");
        }
    }
}

#[test]
fn each_call_is_one_process() {
    if !have("strace") {
        return;
    }
    for shell in shells() {
        let (name, how) = match shell.starts_with("fish") {
            true => ("fish", "source"),
            false => ("zsh", "."),
        };
        let file = format!("{}/shell/obs.{name}", env!("CARGO_MANIFEST_DIR"));
        let count = |call: &str| {
            let sandbox = silent();
            fs::write(
                sandbox.path("work/script"),
                format!("{how} {file}\n{call}\n"),
            )
            .unwrap();
            let mut command = sandbox.command("strace");
            command.args(["-f", "-qq", "-e", "trace=process", "-o", "trace"]);
            let output = command.args(shell.split(' ')).arg("script").output();
            assert!(output.unwrap().status.success(), "{shell}, {call}");
            let trace = fs::read_to_string(sandbox.path("work/trace")).unwrap();
            let begun = |line: &&str, call: &str| line.contains(call) && !line.contains("resumed");
            let lines = || trace.lines();
            let execs = lines().filter(|line| begun(line, " execve(")).count();
            let forks = lines()
                .filter(|line| {
                    ["clone(", "clone3(", "fork("]
                        .iter()
                        .any(|call| begun(line, call))
                        && !line.contains("CLONE_THREAD")
                })
                .count();
            (execs - 1, forks)
        };
        assert_eq!(count(""), (0, 0), "{shell}: sourcing");
        for (call, processes) in [
            ("log_info m a=1 b=2", 1),
            ("log_json error m '{\"a\":1}'", 1),
            ("emit_event t a=1", 1),
            ("span_start s a=1", 1),
            ("span_start s; span_end 1 a=1", 2),
            ("span_event e a=1", 1),
            ("span_attr a=1", 1),
            ("span_run s true", 2),
            ("metric_inc m", 1),
            ("metric_set m 1", 1),
            ("metric_observe m 1", 1),
            ("send_span s 1 2", 1),
            // fish has no clock: it asks `date` before and after
            ("obs_time m true", if name == "fish" { 3 } else { 1 }),
            ("obs_trace_script", 2),
        ] {
            let counted = count(call);
            // zsh asks whether a file may grow, by a fork that starts no program
            let more = usize::from(name == "zsh" && call == "obs_trace_script");
            let expected = (processes, processes + more);
            assert_eq!(counted, expected, "{shell}: {call}");
        }
    }
}

#[test]
fn interactive_shells_show_nothing() {
    if !have("script") {
        return;
    }
    for shell in shells() {
        let sandbox = silent();
        let (how, rc) = match shell.starts_with("fish") {
            true => ("fish -i", "fish/config.fish"),
            false => ("zsh -i", ".zshrc"),
        };
        let rc = sandbox.path(&format!("home/{rc}"));
        fs::create_dir_all(rc.parent().unwrap()).unwrap();
        let shown = |text: &str| {
            fs::write(&rc, text).unwrap();
            let mut command = sandbox.command("script");
            let line = format!("{how} -c 'echo in; echo out; exit 3'");
            let output = command.args(["-qec", &line, "/dev/null"]).output().unwrap();
            crate::sandbox::outcome(&output).shown()
        };
        let bare = shown("");
        assert!(bare.contains("in\r\nout"), "{shell}: {bare}");
        let quiet = "log_info hi; span_start s; span_end; obs_trace_script whole";
        assert_eq!(shown(&line(shell)), bare, "{shell}");
        assert_eq!(shown(&format!("{}{quiet}\n", line(shell))), bare, "{shell}");
        let logs = sandbox.records("logs");
        assert_eq!(logs.len(), 1, "{shell}");
        let spans = sandbox.records("spans");
        let whole = named(&spans, "whole");
        assert_eq!(whole["attributes"]["process.exit.code"], 3, "{shell}");
    }
}

#[test]
fn binary_is_the_one_that_printed() {
    for shell in shells() {
        let sandbox = silent();
        let text = match shell.starts_with("fish") {
            true => "set PATH /nowhere\nlog_info m\nbuiltin echo $__obs_bin\n",
            false => "path=(/nowhere)\nlog_info m\nprint -r -- $__obs_bin\n",
        };
        let outcome = sourced(&sandbox, shell, text).quiet();
        let real = fs::canonicalize(program()).unwrap();
        let named = fs::canonicalize(outcome.stdout.trim()).unwrap();
        assert_eq!(named, real, "{shell}");
        assert_eq!(sandbox.records("logs").len(), 1, "{shell}");
    }
}
