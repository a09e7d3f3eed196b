//! The caller's file, line and function: right, or not told at all.

use super::{from_disk, line, shells, silent};
use crate::sandbox::Sandbox;
use serde_json::Value;
use std::fs;

/// Each message is the line that it is logged from, with the function behind it.
const SINGLE: &str = r#"log_info 2
f() {
  log_info 4 f

  if true; then
    log_error 7 f
  fi
}
f
(
  log_info 12
)
x=$(log_info 14)
f | cat
{ f; } &
wait
log_json error 18
true && log_warning 19
case x in
x) log_info 21 ;;
esac
f
"#;

/// What is wrong with the callers in the journal: message, and what was told.
fn wrong(sandbox: &Sandbox) -> Vec<String> {
    let mut wrong = Vec::new();
    for log in sandbox.records("logs") {
        let message = log["message"].as_str().unwrap();
        if log
            .get("line")
            .is_some_and(|line| line.as_u64() != message.parse().ok())
        {
            wrong.push(format!("{message}: {}", log["line"]));
        }
        let function = log["context"]["args"][0].as_str();
        if log
            .get("function")
            .is_some_and(|told| told.as_str() != function)
        {
            wrong.push(format!("{message}: {}", log["function"]));
        }
        if log["module"].as_str().unwrap().rsplit('/').next() != Some("script") {
            wrong.push(format!("{message}: {}", log["module"]));
        }
    }
    wrong
}

fn lines(sandbox: &Sandbox) -> usize {
    let logs = sandbox.records("logs");
    logs.iter().filter(|log| log.get("line").is_some()).count()
}

#[test]
fn line_of_the_caller_is_told() {
    for shell in shells() {
        let sandbox = silent();
        super::sourced(&sandbox, shell, SINGLE).quiet();
        assert_eq!(wrong(&sandbox), Vec::<String>::new(), "{shell}");
        let logs = sandbox.records("logs");
        assert_eq!(logs.len(), 14, "{shell}");
        let least = match shell {
            "dash" | "zsh --emulate sh" => 0,
            // it has no lines in $(…)
            "mksh" => 13,
            _ => 14,
        };
        assert!(lines(&sandbox) >= least, "{shell}: {logs:#?}");
        let told = logs
            .iter()
            .filter(|log| log.get("function").is_some())
            .count();
        let functions = match shell {
            "bash --posix" | "ksh93" => 8,
            _ => 0,
        };
        assert_eq!(told, functions, "{shell}");
    }
}

#[test]
fn dynamic_names_still_record() {
    for shell in shells() {
        let sandbox = silent();
        let text = format!(
            "{}fn=log_info\n\"$fn\" 3\n$fn 4\n\\log_info 5\n",
            line("sh")
        );
        sandbox.script(shell, &text).quiet();
        assert_eq!(sandbox.records("logs").len(), 3, "{shell}");
        assert_eq!(wrong(&sandbox), Vec::<String>::new(), "{shell}");
    }
}

#[test]
fn sourced_files_are_not_confused() {
    for shell in shells() {
        let sandbox = silent();
        let library = "# a library\nin_library() {\n  log_info 3\n}\nlog_info 5\n";
        fs::write(sandbox.path("work/library"), library).unwrap();
        let text = format!("{}\n. ./library\nin_library\nlog_info 5 main\n", line("sh"));
        sandbox.script(shell, &text).quiet();
        let logs = sandbox.records("logs");
        assert_eq!(logs.len(), 3, "{shell}");
        for log in &logs {
            let Some(told) = log.get("line") else {
                continue;
            };
            assert_eq!(
                told.to_string(),
                log["message"].as_str().unwrap(),
                "{shell}"
            );
            let main = log["context"]["args"][0] == "main";
            let file = if main { "script" } else { "library" };
            let module = log["module"].as_str().unwrap();
            assert_eq!(module.rsplit('/').next(), Some(file), "{shell}: {log}");
        }
    }
}

#[test]
fn own_functions_of_these_names_win() {
    for shell in shells() {
        for first in [line("sh"), from_disk()] {
            let sandbox = silent();
            let text = format!(
                "{first}log_info() {{\n  echo \"own $1\"\n}}\nlog_error ()\n{{\n  echo \"own $1\"\n}}\nlog_info a\nlog_error b\nlog_warning c\n"
            );
            let outcome = sandbox.script(shell, &text).quiet();
            assert_eq!(outcome.stdout, "own a\nown b\n", "{shell}");
            let logs: Vec<Value> = sandbox.records("logs");
            assert_eq!(logs.len(), 1, "{shell}");
        }
    }
}

#[test]
fn commands_without_file_have_no_line() {
    for shell in shells() {
        let sandbox = silent();
        let mut words = shell.split(' ');
        let mut command = sandbox.command(words.next().unwrap());
        let text = format!("{}\nlog_info hi\n", line("sh"));
        let status = command.args(words).args(["-c", &text]).status().unwrap();
        assert!(status.success(), "{shell}");
        let log = sandbox.only_log();
        assert!(log.get("function").is_none(), "{shell}: {log}");
    }
}
