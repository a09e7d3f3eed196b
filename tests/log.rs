//! `obs log`: the record, its levels, the grammar of its words, typed attributes, and that it never fails.

use crate::capture::{PARENT, file, notes, silent, stable};
use crate::sandbox::Sandbox;
use serde_json::{Value, json};
use snapbox::{assert_data_eq, str};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;

/// The record of one call with these words.
fn logged(words: &[&str]) -> Value {
    let sandbox = silent();
    let outcome = sandbox.obs([&["log"], words].concat()).quiet();
    assert_eq!(outcome.stdout, "", "{words:?}");
    sandbox.only_log()
}

#[test]
fn keys_stand_in_the_order_of_the_contract() {
    let sandbox = silent()
        .with("TRACEPARENT", PARENT)
        .with("OTEL_RESOURCE_ATTRIBUTES", "team=core");
    #[rustfmt::skip]
    sandbox.obs([
        "log", "--durable", "--context", r#"{"n":1.50}"#, "--source", "./deploy.sh:12:main", "--exception", "boom",
        "--logger", "me", "--status", "failure", "--duration-ms", "12.50", "--time", "1764843330123456789",
        "error", "it failed", "k=v", "t:=nonsense",
    ]).quiet();
    assert_data_eq!(
        stable(&sandbox, &file(&sandbox, "logs.log")),
        str![[r#"
{"timestamp":"[MICROS]","level":"ERROR","logger":"me","message":"it failed","context":{"n":1.50,"k":"v","t":"nonsense"},"exception":"boom","trace_id":"[TRACE]","span_id":"[SPAN]","duration_ms":"[MS]","status":"failure","service":"deploy.sh","host":"[HOST]","pid":"[PID]","module":"./deploy.sh","function":"main","line":12,"id":"[ULID]","resource":{"team":"core"},"obs":{"invalid":["t:=nonsense"]}}

"#]]
    );
    let log = sandbox.only_log();
    assert_eq!(log["timestamp"], "2025-12-04T10:15:30.123456Z");
    assert_eq!(log["duration_ms"].to_string(), "12.50");
    assert_eq!(log["pid"], std::process::id());
}

#[test]
fn empty_values_are_left_out() {
    let sandbox = silent();
    sandbox.obs(["log", "hello"]).quiet();
    assert_data_eq!(
        stable(&sandbox, &file(&sandbox, "logs.log")),
        str![[r#"
{"timestamp":"[MICROS]","level":"INFO","logger":"[CALLER]","message":"hello","service":"unknown_service:[CALLER]","host":"[HOST]","pid":"[PID]","id":"[ULID]"}

"#]]
    );
}

#[test]
fn levels_have_their_aliases() {
    let sandbox = silent().with("OBS_LOG_LEVEL", "debug");
    for (word, level) in [
        ("debug", "DEBUG"),
        ("trace", "DEBUG"),
        ("info", "INFO"),
        ("warning", "WARNING"),
        ("warn", "WARNING"),
        ("error", "ERROR"),
        ("critical", "CRITICAL"),
        ("fatal", "CRITICAL"),
    ] {
        for word in [word.to_owned(), word.to_uppercase()] {
            sandbox.obs(["log", &word, level]).quiet();
        }
    }
    let logs = sandbox.records("logs");
    assert_eq!(logs.len(), 16);
    for log in logs {
        assert_eq!(log["level"], log["message"], "{log}");
    }
}

#[test]
#[rustfmt::skip]
fn grammar_holds_through_the_program() {
    for (words, expected) in [
        (&["hello"][..], json!(["INFO", "hello", null])),
        (&["info"], json!(["INFO", "info", null])),
        (&["error", "hello"], json!(["ERROR", "hello", null])),
        (&["LOUD", "hello"], json!(["INFO", "LOUD", {"args": ["hello"]}])),
        (&["hello", "error"], json!(["INFO", "hello", {"args": ["error"]}])),
        (&["error", "--", "--stdin"], json!(["ERROR", "--stdin", null])),
        (&["error", "--stdin"], json!(["ERROR", "--stdin", null])),
        (&["--", "error", "x"], json!(["INFO", "error", {"args": ["x"]}])),
        (&["--"], json!(["INFO", "--", null])),
        (&["error", "--"], json!(["ERROR", "--", null])),
        (&["--help", "x"], json!(["INFO", "--help", {"args": ["x"]}])),
        (&["error", "--help"], json!(["ERROR", "--help", null])),
        (&["--nonsense", "hello"], json!(["INFO", "--nonsense", {"args": ["hello"]}])),
        (&["--context"], json!(["INFO", "--context", null])),
        (&["hello", "--context"], json!(["INFO", "hello", {"args": ["--context"]}])),
        (&["hello", "--json=1"], json!(["INFO", "hello", {"args": ["--json=1"]}])),
        (&["info", "k=v", "k=w"], json!(["INFO", "k=v", {"k": "w"}])),
        (&["info", "hello", "--status=x", "a=1", "--nope"], json!(["INFO", "hello", {"a": "1", "args": ["--nope"]}])),
        (&["info", "--", "hello", "--status=x"], json!(["INFO", "hello", {"args": ["--status=x"]}])),
        (&["info", "{\"a\":1}"], json!(["INFO", "{\"a\":1}", null])),
        (&["info", "hello", "{\"a\":1}", "b"], json!(["INFO", "hello", {"a": 1, "args": ["b"]}])),
        (&["", "x"], json!(["INFO", "", {"args": ["x"]}])),
        (&["info", ""], json!(["INFO", "", null])),
        (&["-n", "%s"], json!(["INFO", "-n", {"args": ["%s"]}])),
        (&[], json!(["INFO", "", null])),
    ] {
        let log = logged(words);
        assert_eq!(json!([log["level"], log["message"], log["context"]]), expected, "{words:?}");
    }
}

#[test]
fn attributes_are_typed_and_never_guessed() {
    let sandbox = silent();
    fs::write(sandbox.path("work/f"), "two\nlines\n").unwrap();
    #[rustfmt::skip]
    sandbox.obs([
        "log", "info", "m", "s=1", "b=true", "e=", "eq=a=b", "i:=1", "f:=1.10", "big:=18446744073709551616",
        "t:=true", "n:=null", "l:=[1,\"x\",null]", r#"o:={"z":1,"a":{}}"#, "file@=f", "é.x-y/z=ü", "s=2",
        "https://h/?a=b", "not an attribute=1", "=x",
    ]).quiet();
    assert_eq!(
        sandbox.only_log()["context"].to_string(),
        r#"{"s":"2","b":"true","e":"","eq":"a=b","i":1,"f":1.10,"big":18446744073709551616,"t":true,"n":null,"l":[1,"x",null],"o":{"z":1,"a":{}},"file":"two\nlines","é.x-y/z":"ü","args":["https://h/?a=b","not an attribute=1","=x"]}"#
    );
}

#[test]
fn context_comes_as_text_file_or_input() {
    let sandbox = silent();
    fs::write(
        sandbox.path("work/c.json"),
        "{\"from\": \"file\", \"k\": 1}\n",
    )
    .unwrap();
    for given in [r#"{"from":"text"}"#, "@c.json", "-"] {
        let input = b"{\"from\":\"input\"}\n";
        sandbox
            .obs_with(input, &["log", "--context", given, "info", "m", "k=word"])
            .quiet();
    }
    let contexts: Vec<String> = sandbox
        .records("logs")
        .iter()
        .map(|log| log["context"].to_string())
        .collect();
    assert_eq!(
        contexts,
        [
            r#"{"from":"text","k":"word"}"#,
            r#"{"from":"file","k":"word"}"#,
            r#"{"from":"input","k":"word"}"#,
        ]
    );
}

#[test]
fn wrong_context_is_kept_beside_the_message() {
    let sandbox = silent();
    for given in ["{", "[1]", "{\"a\":1,\"a\":2}", "{\"a\":1}}", "@none.json"] {
        sandbox
            .obs(["log", "--context", given, "info", "m", "k=v"])
            .quiet();
    }
    let kept: Vec<String> = sandbox
        .records("logs")
        .iter()
        .inspect(|log| assert_eq!(log["context"], json!({"k": "v"})))
        .map(notes)
        .collect();
    assert_eq!(
        kept,
        [
            r#"{"invalid":["{"]}"#,
            r#"{"invalid":["[1]"]}"#,
            r#"{"invalid":["{\"a\":1,\"a\":2}"]}"#,
            r#"{"invalid":["{\"a\":1}}"]}"#,
            r#"{"invalid":["@none.json: No such file or directory (os error 2)"]}"#,
        ]
    );
}

#[test]
fn exception_comes_as_text_file_or_input() {
    let sandbox = silent();
    fs::write(sandbox.path("work/trace.txt"), "from\nfile").unwrap();
    for given in ["from\ntext", "@trace.txt", "-"] {
        sandbox
            .obs_with(b"from\ninput", &["log", "--exception", given, "error", "m"])
            .quiet();
    }
    let found: Vec<Value> = sandbox
        .records("logs")
        .iter()
        .map(|log| log["exception"].clone())
        .collect();
    assert_eq!(found, ["from\ntext", "from\nfile", "from\ninput"]);
}

#[test]
fn every_form_of_time_is_the_same_moment() {
    let sandbox = silent();
    let forms = [
        "2025-12-04T10:15:30.123Z",
        "2025-12-04T11:15:30.123+01:00",
        "2025-12-04 10:15:30.123Z",
        "1764843330.123",
        "1764843330123",
        "1764843330123000",
        "1764843330123000000",
    ];
    for form in forms {
        sandbox.obs(["log", "--time", form, "info", "m"]).quiet();
    }
    let logs = sandbox.records("logs");
    assert_eq!(logs.len(), forms.len());
    for log in logs {
        assert_eq!(log["timestamp"], "2025-12-04T10:15:30.123000Z");
    }
}

#[test]
fn wrong_data_is_noted_not_refused() {
    for (words, noted) in [
        (&["--time", "soon", "m"][..], r#"{"invalid":["time=soon"]}"#),
        (
            &["--time", "2025-12-04T10:15:30", "m"],
            r#"{"invalid":["time=2025-12-04T10:15:30"]}"#,
        ),
        (
            &["--duration-ms", "fast", "m"],
            r#"{"invalid":["duration-ms=fast"]}"#,
        ),
        (&["m", "k:=yes"], r#"{"invalid":["k:=yes"]}"#),
        (
            &["m", "k@=none"],
            r#"{"invalid":["k@=none: No such file or directory (os error 2)"]}"#,
        ),
    ] {
        assert_eq!(notes(&logged(words)), noted, "{words:?}");
    }
}

#[test]
fn source_is_file_line_and_function() {
    for (given, expected, logger) in [
        ("/a/b.sh:12:main", json!(["/a/b.sh", 12, "main"]), "b.sh"),
        ("c:/a.sh:7:ns::f", json!(["c:/a.sh", 7, "ns::f"]), "a.sh"),
        ("a.sh:7", json!(["a.sh", 7, null]), "a.sh"),
        ("a.sh", json!(["a.sh", null, null]), "a.sh"),
    ] {
        let log = logged(&["--source", given, "m"]);
        assert_eq!(
            json!([log["module"], log["line"], log["function"]]),
            expected,
            "{given}"
        );
        assert_eq!(log["service"], logger);
    }
}

#[test]
fn logger_and_service_name_the_script() {
    let sandbox = silent();
    for shell in ["sh", "bash", "zsh", "fish"]
        .into_iter()
        .filter(|shell| crate::sandbox::have(shell))
    {
        sandbox.script(shell, "obs log info hello; true\n").quiet();
        let log = sandbox.records("logs").pop().unwrap();
        assert_eq!(log["logger"], format!("{shell}.script"));
        assert_eq!(log["service"], "script");
    }
}

#[test]
fn threshold_holds_for_console_and_journal_alike() {
    let levels = ["debug", "info", "warning", "error", "critical"];
    for (name, value, least) in [
        ("NOTHING", "x", "info"),
        ("DEBUG", "true", "debug"),
        ("DEBUG", "false", "info"),
        ("DEBUG", "1", "info"),
        ("OBS_LOG_LEVEL", "debug", "debug"),
        ("OBS_LOG_LEVEL", "DEBUG", "debug"),
        ("OBS_LOG_LEVEL", "warn", "warning"),
        ("OBS_LOG_LEVEL", "error", "error"),
        ("OBS_LOG_LEVEL", "fatal", "critical"),
        ("OBS_LOG_LEVEL", "nonsense", "info"),
    ] {
        let sandbox = Sandbox::new()
            .with(name, value)
            .with("OBS_LOG_STREAM", "stdout");
        let shown: String = levels
            .iter()
            .map(|level| sandbox.obs(["log", level, "m"]).quiet().stdout)
            .collect();
        assert_eq!(shown, file(&sandbox, "logs.log"), "{name}={value}");
        let expected = levels.iter().skip_while(|level| **level != least).count();
        assert_eq!(shown.lines().count(), expected, "{name}={value}");
    }
}

#[test]
fn id_is_printed_on_demand() {
    let sandbox = Sandbox::new();
    let outcome = sandbox.obs(["log", "--print-id", "error", "m"]).quiet();
    assert_eq!(outcome.stdout.trim_end(), sandbox.only_log()["id"]);
}

/// What breaks the seed design's bash functions (facts/reliability.md 2.3).
#[test]
fn what_broke_the_seed_is_one_true_record() {
    for message in [
        "say \"hi\"",
        "two\nlines",
        "a\ttab",
        "\u{1b}[2Kescape",
        "trailing \\",
        "C:\\temp\\new",
        "x\",\"level\":\"CRITICAL\",\"message\":\"root login",
        "x\"}\n{\"level\":\"CRITICAL\",\"message\":\"forged",
        "TASK-1\nTASK-2",
    ] {
        let sandbox = silent();
        sandbox
            .obs(["log", "info", "--", message, "{\"a\":1}"])
            .quiet();
        assert_eq!(
            file(&sandbox, "logs.log").matches('\n').count(),
            1,
            "{message}"
        );
        let log = sandbox.only_log();
        let found = json!([log["level"], log["message"], log["context"]]);
        assert_eq!(found, json!(["INFO", message, {"a": 1}]));
    }
    let sandbox = silent();
    let bytes = OsStr::from_bytes(b"caf\xe9 \xff");
    sandbox
        .obs([OsStr::new("log"), OsStr::new("info"), bytes])
        .quiet();
    let log = sandbox.only_log();
    assert_eq!(log["message"], "caf\u{fffd} \u{fffd}");
    assert_eq!(notes(&log), r#"{"lossy":true}"#);
}

/// The other facts of the same section: file modes, a missing folder under `set -e`, output in two streams.
#[test]
fn what_killed_the_seed_leaves_a_script_alive() {
    let sandbox = Sandbox::new()
        .with("OBS_HOME", "")
        .with("OBS_LOG_STREAM", "off");
    let script =
        "set -e\numask 022\nobs log info one\nobs log error two\nobs emit a.b\necho alive\n";
    let outcome = sandbox.script("sh", script).quiet();
    assert_eq!(outcome.stdout, "alive\n");
    let home = sandbox.path("home/.specify");
    let mode = |path: &str| fs::metadata(home.join(path)).unwrap().permissions().mode() & 0o7777;
    assert_eq!(
        [mode(""), mode("logs.log"), mode("events.log")],
        [0o700, 0o600, 0o600]
    );
}

#[test]
fn no_words_make_it_fail() {
    let words = [
        "--",
        "--context",
        "--stdin=",
        "--json",
        "--time",
        "=",
        "{",
        "a:=",
        "@",
        "-",
        "--help",
        "\n",
    ];
    let sandbox = silent();
    let mut calls = 0;
    for first in words {
        for second in words {
            sandbox.obs(["log", first, second]).quiet();
            calls += 1;
        }
    }
    assert_eq!(sandbox.records("logs").len(), calls);
}

#[test]
fn words_too_long_for_a_command_line_come_through_a_pipe() {
    let sandbox = Sandbox::new();
    let long = "x".repeat(200_000);
    let input = format!("info\0--\0-{long}\0n:=1\0empty=\0");
    sandbox
        .obs_with(
            input.as_bytes(),
            &["log", "--stdin0", "--source", "a.sh:3:f"],
        )
        .quiet();
    let log = sandbox.only_log();
    assert_eq!(log["message"], format!("-{long}"));
    assert_eq!(log["context"], serde_json::json!({"n": 1, "empty": ""}));
    assert_eq!(log["line"], 3);
}
