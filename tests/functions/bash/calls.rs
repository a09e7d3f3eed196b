//! Each function with its words: one record, the right one.

use super::{STRICT, run, silent};
use serde_json::{Value, json};

/// The record of a signal whose member has this value.
#[track_caller]
fn with<'a>(records: &'a [Value], key: &str, value: &str) -> &'a Value {
    let found = records.iter().find(|record| record[key] == value);
    found.unwrap_or_else(|| panic!("no {key}={value} in {records:#?}"))
}

#[test]
fn log_functions_name_their_caller() {
    let sandbox = silent().with("DEBUG", "true");
    let text = r#"
log_debug one
f() { log_info two a=1 b:=2; g; }
g() { log_warning three '{"c": {"d": 3}}'; }
main() { log_error four; }
f
main
log_critical -five --stdin
. ./lib
"#;
    std::fs::write(sandbox.path("work/lib"), "log_info sourced\n").unwrap();
    run(&sandbox, &format!("{STRICT}{text}")).quiet();
    let logs = sandbox.records("logs");
    let script = sandbox.path("work/script");
    let script = Value::from(script.to_str().unwrap());
    let library = Value::from("./lib");
    for (message, level, function, line) in [
        ("one", "DEBUG", None, 4),
        ("two", "INFO", Some("f"), 5),
        ("three", "WARNING", Some("g"), 6),
        ("four", "ERROR", Some("main"), 7),
        ("-five", "CRITICAL", None, 10),
        ("sourced", "INFO", None, 1),
    ] {
        let log = with(&logs, "message", message);
        assert_eq!(log["level"], level, "{message}");
        assert_eq!(log["line"], line, "{message}");
        assert_eq!(log["function"].as_str(), function, "{message}");

        match message {
            "sourced" => assert_eq!(
                (&log["module"], &log["logger"]),
                (&library, &"bash.lib".into())
            ),
            _ => assert_eq!(
                (&log["module"], &log["logger"]),
                (&script, &"bash.script".into())
            ),
        }
    }
    assert_eq!(
        with(&logs, "message", "two")["context"],
        json!({"a": "1", "b": 2})
    );
    assert_eq!(
        with(&logs, "message", "three")["context"],
        json!({"c": {"d": 3}})
    );
    assert_eq!(
        with(&logs, "message", "-five")["context"]["args"],
        json!(["--stdin"])
    );
    assert_eq!(logs.len(), 6);
}
