//! The functions in zsh: every option that could change what they are, the place of the caller, what is left behind.

mod endings;
mod options;

use super::stage::{line, sourced};
use crate::capture::silent;
use crate::sandbox::{Sandbox, have};
use serde_json::Value;
use std::fs;

/// The file as it stands in the repository.
fn file() -> String {
    format!("{}/shell/obs.zsh", env!("CARGO_MANIFEST_DIR"))
}

/// The span of this name.
#[track_caller]
pub(super) fn named<'a>(records: &'a [Value], name: &str) -> &'a Value {
    let found = records.iter().find(|record| record["name"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {records:#?}"))
}

/// Message, file, line and function of every log record.
pub(super) fn places(sandbox: &Sandbox) -> Vec<String> {
    let part = |log: &Value, key: &str| match &log[key] {
        Value::String(text) => text.clone(),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    };
    let one = |log: &Value| {
        ["message", "module", "line", "function"]
            .map(|key| part(log, key))
            .join(" ")
    };
    sandbox.records("logs").iter().map(one).collect()
}

#[test]
fn zsh_names_the_place_of_its_caller() {
    if !have("zsh") {
        return;
    }
    let sandbox = silent();
    let other = "log_info in-file\ninner() {\n  :\n  log_info in-other\n}\n";
    fs::write(sandbox.path("work/other.zsh"), other).unwrap();
    fs::create_dir(sandbox.path("work/lazy")).unwrap();
    fs::write(sandbox.path("work/lazy/loaded"), "\nlog_info in-loaded\n").unwrap();
    let text = "log_info top
outer() {
  log_info in-outer
  inner
}
. ./other.zsh
outer
eval 'log_info in-eval'
both() { eval 'log_info eval-in-function'; }
both
() { log_info anonymous; }
( log_info in-subshell )
out=$(log_info in-substitution)
span_run s log_info run
run() { span_run s log_info run-in-function; }
run
TRAPUSR1() { log_info in-trap; }
kill -USR1 $$
fpath=(./lazy); autoload -Uz loaded; loaded
sourcing() { . ./other.zsh; }
sourcing
log_json error json
if true; then
  log_info \\
    continued
fi
";
    sourced(&sandbox, "zsh -f", text).quiet();
    let work = sandbox.path("work");
    let work = work.to_str().unwrap();
    let expected = format!(
        "top {work}/script 2 -
in-file ./other.zsh 1 -
in-outer {work}/script 4 outer
in-other ./other.zsh 4 inner
in-eval {work}/script 9 -
eval-in-function {work}/script 10 both
anonymous {work}/script 12 -
in-subshell {work}/script 13 -
in-substitution {work}/script 14 -
run {work}/script 15 -
run-in-function {work}/script 16 run
in-trap {work}/script 18 TRAPUSR1
in-loaded {work}/lazy/loaded 2 loaded
in-file ./other.zsh 1 -
json {work}/script 23 -
continued {work}/script 25 -"
    );
    assert_eq!(places(&sandbox).join("\n"), expected);
    let logs = sandbox.records("logs");
    assert_eq!(logs[0]["logger"], "zsh.script");
    assert_eq!(logs[3]["logger"], "zsh.other.zsh");
}

#[test]
fn zsh_without_a_file_names_none() {
    if !have("zsh") {
        return;
    }
    let text = format!("{}f() {{\n log_info in-f\n}}\nf", line("zsh"));
    for args in [&["-fc", &text][..], &["-fc", &text, "name"]] {
        let sandbox = silent();
        let output = sandbox.command("zsh").args(args).output().unwrap();
        crate::sandbox::outcome(&output).quiet();
        assert_eq!(places(&sandbox), ["in-f - 3 f"], "{args:?}");
        assert_eq!(sandbox.records("logs")[0]["logger"], "zsh");
    }
    let sandbox = silent();
    fs::write(sandbox.path("work/piped"), &text).unwrap();
    let mut command = sandbox.command("zsh");
    let input = fs::File::open(sandbox.path("work/piped")).unwrap();
    let output = command.arg("-f").stdin(input).output().unwrap();
    crate::sandbox::outcome(&output).quiet();
    assert_eq!(places(&sandbox), ["in-f - 3 f"]);
}
