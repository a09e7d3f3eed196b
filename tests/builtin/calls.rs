//! Some hundred generated calls, once by the binary and once by the builtin: what is said and what is journalled is equal
//! but for ids and times.

use super::loaded;
use crate::capture::{PARENT, stable};
use crate::sandbox::{Outcome, Sandbox};

const CALLS: usize = 500;

/// Parts of words, such as once broke somebody.
const PARTS: &[&str] = &[
    "a",
    "files",
    "two words",
    "\"",
    "\\",
    "'",
    "\n",
    "\t",
    "\u{1b}[2K",
    "{",
    "}",
    "=",
    ":=",
    "@",
    "-",
    "--",
    "$(x)",
    "`",
    "%",
    "\u{202e}",
    "é",
    "😀",
    "null",
    "1e999",
    "password=hunter2",
    "token",
    "{\"n\":1,\"s\":\"x\"}",
    "12",
    "-1",
    "0.5",
    "true",
    "[1,2]",
    "--time",
    "2026-01-02T03:04:05Z",
    "--data",
    "--nope",
    "--unit",
    "s",
    "error",
    "info",
    "Authorization: Bearer abcdef0123456789",
];

/// Where commands begin.
const COMMANDS: &[&str] = &[
    "log",
    "log info",
    "log --source x.sh:7:f warning --",
    "log debug --",
    "log --context",
    "log --print-id nope",
    "emit",
    "emit build.finished",
    "emit backlog.task.created",
    "emit deployment.finished",
    "metric inc jobs_total",
    "metric set queue_length 3",
    "metric observe job_seconds 1.5 --buckets 1,2",
    "metric inc",
    "span event",
    "span event cached",
    "span set",
    "span set --name other",
    "span start",
    "span start build",
    "span end",
    "span end error",
    "span end --exit-code 3",
];

/// The next number of a sequence that is the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    fn word(&mut self) -> String {
        let parts = 1 + self.below(3);
        let text: String = (0..parts).map(|_| PARTS[self.below(PARTS.len())]).collect();
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

/// The script. `start` and `end` are how a shell enters and leaves a span.
fn script(start: &str, end: &str) -> String {
    let mut numbers = Numbers(7);
    let mut text = format!("enter() {{ {start}; }}\nleave() {{ {end}; }}\n");
    for call in 0..CALLS {
        let command = COMMANDS[numbers.below(COMMANDS.len())];
        let words: Vec<String> = (0..numbers.below(4)).map(|_| numbers.word()).collect();
        let words = words.join(" ");
        let line = match command
            .strip_prefix("span start")
            .or(command.strip_prefix("span end"))
        {
            Some(rest) if command.starts_with("span start") => format!("enter {rest} {words}"),
            Some(rest) => format!("leave {rest} {words}"),
            None => format!("obs {command} {words}; echo \"{call}: $?\""),
        };
        text.push_str(&line);
        text.push('\n');
    }
    text + "echo \"${TRACEPARENT-none} ${_OBS_STACK-none}\"\n"
}

/// What was said and journalled, without what differs between runs.
fn told(sandbox: &Sandbox, outcome: &Outcome) -> Vec<String> {
    let mut told = stable(sandbox, &(outcome.shown() + "\n"));
    for signal in ["logs", "events", "spans", "metrics-points"] {
        told += &stable(sandbox, &sandbox.obs([signal, "--json"]).stdout);
    }
    told.lines().map(str::to_owned).collect()
}

#[test]
fn generated_calls_give_equal_records() {
    let sealed = || {
        Sandbox::new()
            .with("TRACEPARENT", PARENT)
            .with("OBS_RECORD_BYTES", "4096")
    };
    let (inside, outside) = (sealed(), sealed());
    let text = script(r#"obs span start -v "$@""#, r#"obs span end -v "$@""#);
    let Some(builtin) = loaded(&inside, &text) else {
        return;
    };
    let text = script(
        r#"eval "$(obs span start "$@")""#,
        r#"eval "$(obs span end "$@")""#,
    );
    // as many lines before it: errors of bash name the line
    let binary = outside.script("bash", &format!(":\n{text}"));
    let (builtin, binary) = (told(&inside, &builtin), told(&outside, &binary));
    assert!(binary.len() > CALLS, "{}", binary.len());
    for (of_builtin, of_binary) in builtin.iter().zip(&binary) {
        assert_eq!(of_builtin, of_binary);
    }
    assert_eq!(builtin.len(), binary.len());
}

#[test]
fn record_is_of_the_shell_that_made_it() {
    let sandbox = Sandbox::new().with("OBS_LOG_STREAM", "off");
    let Some(outcome) = loaded(
        &sandbox,
        "obs log info one n:=1; echo $$; (obs log info two; echo $BASHPID)",
    ) else {
        return;
    };
    let pids: Vec<&str> = outcome.stdout.lines().collect();
    let logs = sandbox.records("logs");
    assert_eq!(logs[0]["pid"].to_string(), pids[0]);
    assert_eq!(logs[1]["pid"].to_string(), pids[1]);
    assert_eq!(logs[0]["logger"], "bash.script");
    assert_eq!(logs[0]["service"], "script");
}

#[test]
fn environment_is_the_one_that_a_command_would_get() {
    let sandbox = Sandbox::new().with("OBS_LOG_STREAM", "off");
    let text = r#"
OTEL_SERVICE_NAME=temporary obs log info one
obs log info two
OTEL_SERVICE_NAME=not-exported
obs log info three
export OTEL_SERVICE_NAME=exported
obs log info four
f() { local -x OTEL_SERVICE_NAME=local; obs log info five; }
f
obs log info six
unset OTEL_SERVICE_NAME
obs log info seven
"#;
    if loaded(&sandbox, text).is_none() {
        return;
    }
    let logs = sandbox.records("logs");
    let services: Vec<&str> = logs
        .iter()
        .map(|log| log["service"].as_str().unwrap())
        .collect();
    assert_eq!(
        services,
        [
            "temporary",
            "script",
            "script",
            "exported",
            "local",
            "exported",
            "script"
        ]
    );
}
