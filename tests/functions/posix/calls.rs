//! What each function records.

use super::{shells, silent, whole, with};
use serde_json::json;

#[test]
fn every_level_is_recorded() {
    for shell in shells() {
        let sandbox = silent().with("OBS_LOG_LEVEL", "debug");
        let text = r#"
for level in debug info warning error critical; do
  "log_$level" "of $level" n:=1 word=two '{"deep":{"x":1}}'
done
log_json ERROR 'of the seed' '{"task_id":"task-9"}'
log_json loud 'of no level'
log_info
"#;
        whole(&sandbox, shell, text);
        let logs = sandbox.records("logs");
        assert_eq!(logs.len(), 8, "{shell}");
        for level in ["debug", "info", "warning", "error", "critical"] {
            let log = with(&logs, "message", &format!("of {level}"));
            assert_eq!(log["level"], level.to_uppercase(), "{shell}");
            assert_eq!(
                log["context"],
                json!({"n": 1, "word": "two", "deep": {"x": 1}}),
                "{shell}"
            );
        }
        let seeds = with(&logs, "message", "of the seed");
        assert_eq!(
            (&seeds["level"], &seeds["context"]["task_id"]),
            (&json!("ERROR"), &json!("task-9")),
            "{shell}"
        );
        assert_eq!(with(&logs, "message", "of no level")["level"], "INFO");
        assert_eq!(with(&logs, "message", "")["level"], "INFO", "{shell}");
    }
}
