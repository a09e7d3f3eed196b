//! What the tests of capture share: raw journal text, and the replacement of what differs between runs.

use crate::sandbox::{Outcome, Sandbox, outcome, program};
use regex::Regex;
use serde_json::Value;
use std::fs::{self, File};

/// A trace context whose trace id is random by level 2 and sampled.
pub(crate) const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03";
/// Its trace id.
pub(crate) const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
/// Its span id.
pub(crate) const SPAN: &str = "00f067aa0ba902b7";

/// A sandbox in which `obs log` shows nothing.
pub(crate) fn silent() -> Sandbox {
    Sandbox::new().with("OBS_LOG_STREAM", "off")
}

/// The text of a file of the journal; none is empty.
pub(crate) fn file(sandbox: &Sandbox, name: &str) -> String {
    fs::read_to_string(sandbox.journal().join(name)).unwrap_or_default()
}

/// A text without what differs between runs: times, ids, process ids, the host, the sandbox's folder.
pub(crate) fn stable(sandbox: &Sandbox, text: &str) -> String {
    let host = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    let folder = sandbox.path("").to_str().unwrap().to_owned();
    let mut text = text.replace(folder.trim_end_matches('/'), "[DIR]");
    text = text.replace(&format!("\"{host}\""), "\"[HOST]\"");
    for (pattern, name) in [
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", "[NANOS]"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", "[MICROS]"),
        (r"\d\d:\d\d:\d\d\.\d{3}Z", "[CLOCK]"),
        (r#""pid":\d+"#, r#""pid":"[PID]""#),
        (r#""duration_ms":[\d.]+"#, r#""duration_ms":"[MS]""#),
        (
            r"\b(evt_|corr_)?[0-7][0-9A-HJKMNP-TV-Z]{25}\b",
            "${1}[ULID]",
        ),
        (r"\b[0-9a-f]{32}\b", "[TRACE]"),
        (r"\bintegration-[0-9a-f]{16}\b", "[CALLER]"),
        (r"\b[0-9a-f]{16}\b", "[SPAN]"),
    ] {
        text = Regex::new(pattern)
            .unwrap()
            .replace_all(&text, name)
            .into_owned();
    }
    text
}

/// What is said of a record beyond what was given: `obs`, as text.
pub(crate) fn notes(record: &Value) -> String {
    record.get("obs").map(Value::to_string).unwrap_or_default()
}

/// Runs obs with a file on standard input: what it says may be more than a pipe holds while we still write.
pub(crate) fn feed(sandbox: &Sandbox, input: &[u8], words: &[&str]) -> Outcome {
    let path = sandbox.path("home/input");
    fs::write(&path, input).unwrap();
    let mut command = sandbox.command(program());
    outcome(
        &command
            .args(words)
            .stdin(File::open(path).unwrap())
            .output()
            .unwrap(),
    )
}
