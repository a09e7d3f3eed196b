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

#[test]
fn spans_nest_and_end_as_told() {
    for shell in shells() {
        let sandbox = silent();
        let text = r#"
before=$TRACEPARENT
span_start outer target=all
outer=$SPAN_ID
[ "$TRACEPARENT" = "00-$TRACE_ID-$SPAN_ID-03" ]
span_start inner
[ "$SPAN_ID" != "$outer" ]
span_event halfway n:=1
span_attr files:=12
log_info inside
span_end error 'no space left' k=v
[ "$SPAN_ID" = "$outer" ]
span_start coded
span_end 3 why
span_start fine
span_end ok
span_start plain
span_end 0 k=v
span_end
[ "$TRACEPARENT" = "$before" ]
span_end
span_end 1
[ "$TRACEPARENT" = "$before" ]
"#;
        whole(&sandbox, shell, text);
        let spans = sandbox.records("spans");
        assert_eq!(spans.len(), 5, "{shell}");
        let status = |name: &str| {
            let status = &with(&spans, "name", name)["status"];
            (status["code"].clone(), status["message"].clone())
        };
        let inner = with(&spans, "name", "inner");
        let outer = with(&spans, "name", "outer");
        assert_eq!(inner["parent_span_id"], outer["span_id"], "{shell}");
        assert_eq!(inner["attributes"], json!({"files": 12, "k": "v"}));
        assert_eq!(inner["events"][0]["name"], "halfway", "{shell}");
        assert_eq!(status("inner"), (json!("error"), json!("no space left")));
        assert_eq!(status("coded"), (json!("error"), json!("why")), "{shell}");
        let code = &with(&spans, "name", "coded")["attributes"]["process.exit.code"];
        assert_eq!(code, 3, "{shell}");
        assert_eq!(status("fine").0, "ok", "{shell}");
        assert_eq!(status("plain").0, "unset", "{shell}");
        assert_eq!(with(&spans, "name", "plain")["attributes"]["k"], "v");
        let logs = sandbox.records("logs");
        assert_eq!(logs[0]["span_id"], inner["span_id"], "{shell}");
    }
}

#[test]
fn inherited_span_is_not_ended() {
    for shell in shells() {
        let sandbox = silent();
        let child = format!("{}span_end\nspan_end 1\n", super::line("sh"));
        std::fs::write(sandbox.path("work/child"), child).unwrap();
        let text =
            format!("span_start parent\n{shell} ./child\n[ -n \"$_OBS_STACK\" ]\nspan_end ok\n");
        whole(&sandbox, shell, &text);
        let spans = sandbox.records("spans");
        assert_eq!(spans.len(), 1, "{shell}: {spans:#?}");
        assert_eq!(spans[0]["status"]["code"], "ok", "{shell}");
    }
}

#[test]
fn span_run_runs_in_this_shell() {
    for shell in shells() {
        let sandbox = silent();
        let text = r#"
change() { changed=$1; return 4; }
span_run changing change 'a b' || [ $? -eq 4 ]
[ "$changed" = 'a b' ]
span_run builtin cd /
[ "$PWD" = / ]
[ "$(printf 'x y' | span_run pipe cat)" = 'x y' ]
span_run nested span_run deeper true
span_run logs log_info m
"#;
        whole(&sandbox, shell, text);
        let spans = sandbox.records("spans");
        assert_eq!(spans.len(), 6, "{shell}");
        let changing = with(&spans, "name", "changing");
        assert_eq!(changing["attributes"]["process.exit.code"], 4, "{shell}");
        let (nested, deeper) = (
            with(&spans, "name", "nested"),
            with(&spans, "name", "deeper"),
        );
        assert_eq!(deeper["parent_span_id"], nested["span_id"], "{shell}");
        let logs = sandbox.records("logs");
        assert_eq!(logs[0]["span_id"], with(&spans, "name", "logs")["span_id"]);
    }
}

#[test]
fn failure_inside_ends_the_script() {
    for shell in shells() {
        for call in [
            "span_run s f",
            "obs_time t_seconds f",
            "obs_time t k=v -- f",
        ] {
            let sandbox = silent();
            // set -e holds inside as without us: the function goes no further than `false`
            let text = format!("set -e\nf() {{ false; echo further; }}\n{call}\necho after\n");
            let outcome = super::sourced(&sandbox, shell, &text);
            assert_eq!(
                (
                    outcome.code,
                    outcome.stdout.as_str(),
                    outcome.stderr.as_str()
                ),
                (1, "", ""),
                "{shell}: {call}"
            );
        }
    }
}

#[test]
fn time_of_a_command_is_observed() {
    for shell in shells() {
        let sandbox = silent();
        let text = r#"
f() { kept=$1; sleep 0.05; return 3; }
obs_time a_seconds k=v m=n -- f x=y || [ $? -eq 3 ]
[ "$kept" = x=y ]
obs_time b_seconds f z || [ $? -eq 3 ]
obs_time c_seconds k=v f z || [ $? -eq 3 ]
obs_time outer_seconds obs_time inner_seconds true
"#;
        whole(&sandbox, shell, text);
        let points = std::fs::read_to_string(sandbox.path("journal/metrics.log")).unwrap();
        let points: Vec<serde_json::Value> = points
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(points.len(), 5, "{shell}");
        for name in ["a_seconds", "b_seconds", "c_seconds"] {
            let point = with(&points, "name", name);
            assert_eq!(
                (&point["type"], &point["unit"]),
                (&json!("histogram"), &json!("s"))
            );
            assert!(point["value"].as_f64().unwrap() >= 0.05, "{shell}: {point}");
        }
        let labels = &with(&points, "name", "a_seconds")["labels"];
        assert_eq!(labels, &json!({"k": "v", "m": "n"}), "{shell}");
        assert!(
            with(&points, "name", "inner_seconds")
                .get("labels")
                .is_none()
        );
    }
}

#[test]
fn first_sent_span_keeps_the_promise() {
    for shell in shells() {
        let sandbox = silent();
        let text = r#"
send_span root 1764843330123456789 1764843331123456789
send_span child 1764843330 1764843331 k=v
printf '%s %s\n' "$TRACE_ID" "$SPAN_ID" >ids
TRACE_ID=0af7651916cd43dd8448eb211c80319c SPAN_ID=b7ad6b7169203331
send_span own 1764843330 1764843331
"#;
        whole(&sandbox, shell, text);
        let ids = std::fs::read_to_string(sandbox.path("work/ids")).unwrap();
        let (trace, span) = ids.trim().split_once(' ').unwrap();
        let spans = sandbox.records("spans");
        let root = with(&spans, "name", "root");
        assert_eq!(
            (&root["trace_id"], &root["span_id"]),
            (&trace.into(), &span.into())
        );
        assert!(root.get("parent_span_id").is_none(), "{shell}");
        assert_eq!(
            root["timestamp"], "2025-12-04T10:15:30.123456789Z",
            "{shell}"
        );
        let child = with(&spans, "name", "child");
        assert_eq!(
            (&child["trace_id"], &child["parent_span_id"]),
            (&trace.into(), &span.into())
        );
        let own = with(&spans, "name", "own");
        assert_eq!(
            own["trace_id"], "0af7651916cd43dd8448eb211c80319c",
            "{shell}"
        );
        assert_eq!(own["span_id"], "b7ad6b7169203331", "{shell}");
    }
}

#[test]
fn subshell_owns_what_it_starts() {
    for shell in shells() {
        let sandbox = silent();
        // the job is its span's owner: when it is gone, the span is abandoned though the script lives on
        let text = r#"
{ span_start job; exit 0; } </dev/null &
wait
obs trace latest --json >trace
span_start main
"#;
        whole(&sandbox, shell, text);
        let trace = std::fs::read(sandbox.path("work/trace")).unwrap();
        let trace: serde_json::Value = serde_json::from_slice(&trace).unwrap();
        assert!(trace.get("live").is_none(), "{shell}: {trace:#}");
        assert_eq!(
            trace["spans"].as_array().unwrap().len(),
            1,
            "{shell}: {trace:#}"
        );
        assert_eq!(
            trace["spans"][0]["status"]["message"], "abandoned",
            "{shell}"
        );
    }
}

#[test]
fn strict_status_comes_through() {
    for shell in shells() {
        let sandbox = silent().with("OBS_STRICT", "1");
        let text = "emit_event git.commit a=b 2>/dev/null\necho $?\nspan_start --none 2>/dev/null\nlog_info m\necho $?\n";
        let outcome = super::sourced(&sandbox, shell, text);
        assert_eq!(outcome.stdout, "2\n0\n", "{shell}: {}", outcome.shown());
    }
}

#[test]
fn span_end_takes_every_form_of_status() {
    for shell in shells() {
        crate::functions::stage::every_status(silent, shell);
    }
}
