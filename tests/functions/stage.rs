//! Scripts that source the functions of their shell, and what they leave in the journal.

use crate::sandbox::{Outcome, Sandbox};
use serde_json::{Value, json};

/// The dialect of a shell such as `busybox ash`.
fn dialect(shell: &str) -> &str {
    match shell.split(' ').next() {
        _ if shell.ends_with(" --posix") || shell.ends_with(" --emulate sh") => "sh",
        Some(own @ ("bash" | "fish" | "zsh")) => own,
        _ => "sh",
    }
}

/// The one line that a user pastes.
pub(super) fn line(shell: &str) -> String {
    match dialect(shell) {
        "fish" => "obs print shell fish | source\n".to_owned(),
        dialect => format!("eval \"$(obs print shell {dialect})\"\n"),
    }
}

/// Runs a script that begins with the one line, in a shell such as `busybox ash`.
pub(super) fn sourced(sandbox: &Sandbox, shell: &str, text: &str) -> Outcome {
    sandbox.script(shell, &format!("{}{text}", line(shell)))
}

/// Words of `span_end`, the status that they give, its message, and the exit code.
type End = (&'static str, &'static str, &'static str, Option<i64>);

const ENDS: &[End] = &[
    ("", "unset", "", None),
    ("''", "unset", "", None),
    ("0", "unset", "", Some(0)),
    ("7", "error", "exit code 7", Some(7)),
    ("7 ''", "error", "exit code 7", Some(7)),
    ("7 '' k=v", "error", "exit code 7", Some(7)),
    ("7 'no space left'", "error", "no space left", Some(7)),
    ("7 'a = b'", "error", "a = b", Some(7)),
    ("7 'a sentence k=v'", "error", "a sentence k=v", Some(7)),
    ("7 '=x'", "error", "=x", Some(7)),
    ("7 -da=sh", "error", "-da=sh", Some(7)),
    ("7 --dash", "error", "--dash", Some(7)),
    ("0 'all is well'", "unset", "", Some(0)),
    ("7 k=v", "error", "exit code 7", Some(7)),
    ("7 'k=v' 'l=two words'", "error", "exit code 7", Some(7)),
    ("7 '{\"k\":\"v\"}' a=k=v", "error", "exit code 7", Some(7)),
    ("7 message k=v", "error", "message", Some(7)),
    ("7 message k=v nonsense", "error", "message", Some(7)),
    ("ok k=v", "ok", "", None),
    ("unset", "unset", "", None),
    ("error broken k=v", "error", "broken", None),
    ("error -x --y", "error", "-x", None),
    ("-x", "unset", "", None),
    ("k=v", "unset", "", None),
];

/// Ends a span with each of these words; whatever they are, it ends, and nothing is said.
#[track_caller]
pub(super) fn every_status(sandbox: impl Fn() -> Sandbox, shell: &str) {
    let strict = match shell.starts_with("fish") {
        true => "",
        false => "set -eu\n",
    };
    for (words, code, message, exit) in ENDS {
        let sandbox = sandbox();
        let text = format!("{strict}span_start s\nspan_end {words}\n");
        sourced(&sandbox, shell, &text).quiet();
        let spans = sandbox.records("spans");
        let about = format!("{shell}, {words}: {spans:#?}");
        assert_eq!(spans.len(), 1, "{about}");
        let status = match *message {
            "" => json!({"code": code}),
            message => json!({"code": code, "message": message}),
        };
        assert_eq!(spans[0]["status"], status, "{about}");
        let attributes = &spans[0]["attributes"];
        assert_eq!(attributes["process.exit.code"].as_i64(), *exit, "{about}");
        if words.contains("k=v") && !words.contains("sentence") {
            let value = attributes["k"].as_str().or(attributes["a"].as_str());
            assert!(value.is_some_and(|value| value.ends_with('v')), "{about}");
        }
        if words.contains("nonsense") {
            assert_eq!(spans[0]["obs"]["invalid"], json!(["nonsense"]), "{about}");
        }
        assert_ne!(spans[0]["duration_ms"], Value::Null, "{about}");
    }
}

/// Texts that once broke somebody, as bytes; none holds NUL.
const HOSTILE: &[&[u8]] = &[
    b"",
    b"-",
    b"--",
    b"---",
    b"-n",
    b"-e",
    b"--help",
    b"--stdin",
    b"--stdin0",
    b"--print-id",
    b"--shell=fish",
    b"=",
    b":=",
    b"@",
    b"\"",
    b"\\",
    b"\\\"",
    b"'",
    b"''",
    b"\n",
    b"a\nb\n",
    b"\r",
    b"\t x",
    b" ",
    b"*",
    b"?",
    b"[a-z]*",
    b"~",
    b"!!",
    b"#x",
    b"$(touch forged)",
    b"`touch forged`",
    b"${x:-$(touch forged)}",
    b"; touch forged",
    b"' ; touch forged ; '",
    b"$IFS",
    b"a;b&c|d",
    b"{",
    b"}",
    b"{}",
    b"{\"a\":1}}",
    b"%s%n",
    b"\\u0000",
    b"\x1b[2K",
    b"\x7f",
    b"\xc2\x9b",
    b"\xe2\x80\xae",
    b"\xff",
    b"\xc3",
    b"\xed\xa0\x80",
    b"\",\"level\":\"CRITICAL\",\"id\":\"",
    b"\"}\n{\"level\":\"CRITICAL\"}",
    b"::error::x",
    b"k=v",
    b"k:=x",
    b"\xf0\x9f\x98\x80",
    b"unset PATH;",
    b"export TRACEPARENT='x';",
    b"`x`",
    b"$(exit 9)",
    b"(exit 9)",
    b"$HOME",
    b"a&b|c>d<e",
    b"\t",
    b"\x1b[2J",
    b"{\"level\":\"CRITICAL\"}",
    b"{a,b}",
    b"!x",
    b"^x",
    b"=ls",
    b"a b  c ",
    b"zsh:1:x",
    b"/absolute/path",
];

/// The hostile words of this run: all of them where `OBS_TESTS_STRICT` is set, as the runner does, else each fourth, and
/// that is said: through every function of every shell they take half a minute.
#[expect(
    clippy::disallowed_methods,
    reason = "the runner says how strict to be"
)]
pub(super) fn hostile() -> impl Iterator<Item = &'static [u8]> {
    let step = match std::env::var_os("OBS_TESTS_STRICT") {
        Some(_) => 1,
        None => {
            println!("skipped: three of four hostile words; OBS_TESTS_STRICT=1 takes all");
            4
        }
    };
    HOSTILE.iter().step_by(step).copied()
}
