//! `obs span exec`: what its span says. That the command runs as without it is proved by the parity tests.

use crate::sandbox::Sandbox;
use serde_json::Value;
use std::fs;

fn only_span(sandbox: &Sandbox) -> Value {
    let mut spans = sandbox.records("spans");
    assert_eq!(spans.len(), 1, "{spans:?}");
    spans.remove(0)
}

#[test]
fn span_tells_words_ending_and_usage() {
    let sandbox = Sandbox::new();
    let words = [
        "span",
        "exec",
        "-n",
        "build",
        "k=v",
        "n:=2",
        "--",
        "sh",
        "-c",
        "exit 3",
        "--password=hunter2",
    ];
    let outcome = sandbox.obs(words);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (3, ""));
    let span = only_span(&sandbox);
    assert_eq!(span["name"], "build");
    assert_eq!(span["kind"], "client");
    assert_eq!(span["status"]["code"], "error");
    let attributes = &span["attributes"];
    assert_eq!(attributes["process.executable.name"], "sh");
    assert_eq!(attributes["process.exit.code"], 3);
    assert_eq!(attributes["error.type"], "3");
    assert_eq!(
        (&attributes["k"], &attributes["n"]),
        (&Value::from("v"), &Value::from(2))
    );
    assert!(attributes["process.pid"].as_u64() > Some(1));
    assert!(attributes["process.memory.usage.max"].as_u64() > Some(100_000));
    assert!(attributes["process.cpu.time.user"].is_number());
    let words = attributes["process.command_args"].as_array().unwrap();
    assert_eq!(words[2], "exit 3");
    assert!(!words[3].as_str().unwrap().contains("hunter2"));
    assert!(
        fs::read_dir(sandbox.journal().join("live"))
            .unwrap()
            .next()
            .is_none()
    );
}

#[test]
fn success_sets_no_status() {
    let sandbox = Sandbox::new();
    sandbox.obs(["span", "exec", "true"]).quiet();
    let span = only_span(&sandbox);
    assert_eq!(span["status"]["code"], "unset");
    assert_eq!(span["attributes"]["process.exit.code"], 0);
    assert!(span["attributes"].get("error.type").is_none());
}

#[test]
fn death_by_signal_is_named() {
    let sandbox = Sandbox::new();
    let outcome = sandbox.obs(["span", "exec", "--", "sh", "-c", "kill -TERM $$"]);
    assert_eq!(outcome.code, 128 + 15);
    let attributes = only_span(&sandbox)["attributes"].clone();
    assert_eq!(attributes["process.exit.signal"], "SIGTERM");
    assert_eq!(attributes["error.type"], "SIGTERM");
}

#[test]
fn command_is_inside_the_span() {
    let sandbox = Sandbox::new()
        .with(
            "TRACEPARENT",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        )
        .with("TRACESTATE", "a=b")
        .with("BAGGAGE", "c=d");
    let script = "echo $TRACEPARENT $TRACESTATE $BAGGAGE; obs span set step=2; obs span event there; obs emit x.y";
    let outcome = sandbox
        .obs(["span", "exec", "--", "sh", "-c", script])
        .quiet();
    let span = only_span(&sandbox);
    let own = span["span_id"].as_str().unwrap();
    assert_eq!(span["parent_span_id"], "00f067aa0ba902b7");
    assert_eq!(
        outcome.stdout,
        format!("00-4bf92f3577b34da6a3ce929d0e0e4736-{own}-01 a=b c=d\n")
    );
    assert_eq!(span["attributes"]["step"], "2");
    assert_eq!(span["events"][0]["name"], "there");
    assert_eq!(
        sandbox.records("events")[0]["trace_context"]["span_id"],
        own
    );
}

#[test]
fn span_is_live_while_the_command_runs() {
    let sandbox = Sandbox::new();
    let outcome = sandbox
        .obs([
            "span",
            "exec",
            "--",
            "sh",
            "-c",
            "sleep 0.3; cat $OBS_HOME/live/*.json",
        ])
        .quiet();
    let live: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(live["span"]["span_id"], only_span(&sandbox)["span_id"]);
}

#[test]
fn killed_wrapper_leaves_an_abandoned_span_and_no_command() {
    let sandbox = Sandbox::new();
    let script = "obs span exec -- sleep 31.4159 & sleep 0.5; kill -9 $!; wait; sleep 0.2; pgrep -fx 'sleep 31.4159'; true";
    let outcome = sandbox.script("bash", script);
    assert_eq!(outcome.stdout, "");
    let span = only_span(&sandbox);
    assert_eq!(span["status"]["message"], "abandoned");
}

#[test]
fn time_limit_ends_it_as_timeout_does() {
    let sandbox = Sandbox::new();
    assert_eq!(
        sandbox
            .obs(["span", "exec", "--timeout", "200ms", "--", "sleep", "20"])
            .code,
        124
    );
    let attributes = only_span(&sandbox)["attributes"].clone();
    assert_eq!(attributes["error.type"], "timeout");
    assert_eq!(attributes["process.exit.code"], 143);
}

#[test]
fn time_limit_is_for_all_that_the_command_started() {
    let sandbox = Sandbox::new();
    let script = "obs span exec --timeout 300ms -- sh -c 'sleep 27.182; echo x' | cat; pgrep -fx 'sleep 27.182'; true";
    let begin = std::time::Instant::now();
    assert_eq!(sandbox.script("bash", script).stdout, "");
    assert!(begin.elapsed().as_secs() < 20);
}

#[test]
fn tail_of_the_output_is_kept_when_asked_for() {
    let sandbox = Sandbox::new();
    let script = "seq 3; echo err >&2; exit 4";
    let outcome = sandbox.obs([
        "span",
        "exec",
        "--output-tail",
        "2",
        "--",
        "sh",
        "-c",
        script,
    ]);
    assert_eq!(
        (
            outcome.code,
            outcome.stdout.as_str(),
            outcome.stderr.as_str()
        ),
        (4, "1\n2\n3\n", "err\n")
    );
    let tail = only_span(&sandbox)["attributes"]["process.output.tail"].clone();
    assert_eq!(tail.as_str().unwrap().lines().count(), 2);
}

#[test]
fn missing_command_is_a_span_too() {
    let sandbox = Sandbox::new();
    let outcome = sandbox.obs(["span", "exec", "--", "no-such-tool", "x"]);
    assert_eq!(
        (outcome.code, outcome.stderr.as_str()),
        (127, "obs: no-such-tool: command not found\n")
    );
    assert_eq!(only_span(&sandbox)["attributes"]["process.exit.code"], 127);
    let outcome = sandbox.obs(["span", "exec", "--", "/etc/passwd"]);
    assert_eq!(
        (outcome.code, outcome.stderr.as_str()),
        (126, "obs: /etc/passwd: Permission denied\n")
    );
}

#[test]
fn wrong_words_run_nothing() {
    let sandbox = Sandbox::new();
    for words in [
        &["span", "exec"][..],
        &["span", "exec", "--nope", "touch", "made"],
        &["span", "exec", "--timeout", "soon", "--", "touch", "made"],
    ] {
        let outcome = sandbox.obs(words);
        assert_eq!(outcome.code, 2, "{}", outcome.shown());
        assert!(outcome.stderr.contains("hint: "));
    }
    assert!(!sandbox.path("work/made").exists());
}

#[test]
fn bypassed_or_disabled_it_only_runs_the_command() {
    let sandbox = Sandbox::new().with("OBS_SHIM", "off");
    let outcome = sandbox.obs([
        "span",
        "exec",
        "--",
        "sh",
        "-c",
        "echo ${TRACEPARENT-none}; exit 5",
    ]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (5, "none\n"));
    let sandbox = sandbox
        .with("OBS_SHIM", "")
        .with("OTEL_SDK_DISABLED", "true");
    let outcome = sandbox.obs(["span", "exec", "--", "sh", "-c", "exit 6"]);
    assert_eq!(outcome.code, 6);
    assert!(!sandbox.journal().exists());
}

#[test]
fn reader_of_the_tail_that_does_not_read_stops_no_clock() {
    let sandbox = Sandbox::new();
    let script =
        "obs span exec --timeout 300ms --output-tail 3 -- yes | sleep 1.5; echo ${PIPESTATUS[0]}";
    assert_eq!(sandbox.script("bash", script).stdout, "124\n");
}

#[test]
fn tail_waits_for_no_process_that_was_left_behind() {
    let sandbox = Sandbox::new();
    let script = "obs span exec --output-tail 3 -- sh -c 'echo last; yes & exit 3' | head -c 1 > /dev/null; echo ${PIPESTATUS[0]}";
    assert_eq!(sandbox.script("bash", script).stdout, "3\n");
    let script = "obs span exec --output-tail 3 -- sh -c 'seq 20000; exit 4' | { sleep 0.3; tail -n 1; }; echo ${PIPESTATUS[0]}";
    assert_eq!(sandbox.script("bash", script).stdout, "20000\n4\n");
}

#[test]
fn closed_streams_get_no_pipe() {
    let sandbox = Sandbox::new();
    let script = "obs span exec --output-tail 3 -- sh -c 'exit 5' >&-; echo $?; obs span exec --output-tail 3 -- sh -c 'echo hi; exit 6' <&-; echo $?";
    assert_eq!(sandbox.script("bash", script).stdout, "5\nhi\n6\n");
}

#[test]
fn full_disk_before_the_command_is_no_reason_to_die() {
    let sandbox = Sandbox::new();
    sandbox.obs(["log", "hello"]);
    fs::write(
        sandbox.journal().join("config.toml"),
        "log.level = 'debug'\n",
    )
    .unwrap();
    let outcome = sandbox.script("bash", "ulimit -f 0; obs span exec -- sh -c 'exit 9'");
    assert_eq!(outcome.code, 9, "{}", outcome.shown());
}

#[test]
fn disabled_recording_still_propagates() {
    let sandbox = Sandbox::new().with("OTEL_SDK_DISABLED", "true");
    let outcome = sandbox
        .obs(["span", "exec", "--", "sh", "-c", "echo $TRACEPARENT"])
        .quiet();
    assert!(outcome.stdout.starts_with("00-"), "{}", outcome.stdout);
}

#[test]
fn durable_record_is_synced() {
    if !crate::sandbox::have("strace") {
        return;
    }
    let sandbox = Sandbox::new();
    let syncs = |words: &[&str]| {
        let trace = sandbox.path("work/trace");
        let mut strace = sandbox.command("strace");
        strace
            .args(["-qq", "-e", "trace=fsync,fdatasync", "-o"])
            .arg(&trace)
            .arg("obs")
            .args(words);
        assert!(strace.status().unwrap().success());
        fs::read_to_string(trace).unwrap().matches("sync(").count()
    };
    assert!(syncs(&["span", "exec", "--durable", "--", "true"]) > 0);
    assert_eq!(syncs(&["span", "exec", "--", "true"]), 0);
}

#[test]
fn trace_shows_the_words_of_a_command() {
    let sandbox = Sandbox::new();
    sandbox
        .obs([
            "span", "exec", "-n", "greet", "who=me", "--", "echo", "a b", "c", "it's",
        ])
        .quiet();
    let trace = sandbox.obs(["trace", "latest", "--human"]).quiet().stdout;
    assert!(
        trace.contains("greet 'a b' c 'it'\\''s' who=me "),
        "{trace}"
    );
}
