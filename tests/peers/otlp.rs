//! Our OTLP messages, read by the official classes for Python: the JSON must be understood to the last field and mean what
//! the protobuf means. The records are those of a real script, and ones that try to break the encoding.

use super::rig::cached;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use obs::metrics::Fold;
use obs::model::{Record, Signal};
use obs::ship::Stored;
use obs::ship::otlp::message::{Built, json, logs, metrics, traces};
use prost::Message;
use serde::Serialize;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

const SCRIPT: &str = r#"
obs log warn 'low disk' task_id=TASK-1 free:=0.5 --exception $'Traceback\nboom'
obs emit backlog.task.created --data '{"task_id":"TASK-5","title":"Plain"}'
obs metric inc jobs_total 2 queue=a
obs metric inc jobs_total queue=b
obs metric set depth -- -3.5
obs metric observe took_seconds 0.2 --buckets 0.1,0.5,1 --unit s
obs metric observe took_seconds 700 --unit s
obs metric observe change -- -1
obs span exec -- true
obs span exec -- sh -c 'obs log inside; exit 3' || :
"#;

/// Values that others stumble over.
const HOSTILE: [&str; 8] = [
    r#"[null,true,-0,0.0,-1.5e-7,1e308,9223372036854775807,-9223372036854775808]"#,
    r#"[9223372036854775808,1e400,-1e999,123456789012345678901234567890]"#,
    r#"{"":{"":[]},"a":{},"b":[[],[{}]]}"#,
    r#""NaN""#,
    r#""\u0000\u2028\ud83d\ude80\"\\\n""#,
    r#"{"traceId":"hex?","doubleValue":null,"intValue":"x"}"#,
    r#"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"#,
    r#"{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":1}}}}}}}}}}}}}}}}}}"#,
];

fn stored(signal: Signal, line: &str) -> Stored {
    Stored {
        line: line.as_bytes().to_vec(),
        record: signal.read(line.as_bytes()).unwrap(),
    }
}

fn hostile(signal: Signal) -> Vec<Stored> {
    let ids = r#""trace_id":"0af7651916cd43dd8448eb211c80319c","span_id":"b7ad6b7169203331""#;
    let line = |value: &&str| match signal {
        Signal::Spans => format!(
            r#"{{"timestamp":"1960-01-01T00:00:00Z","end":"2026-11-27T10:00:00.000000001Z","name":{value:?},{ids},
            "attributes":{{"v":{value}}},"resource":{{"r":{value}}},"events":[{{"timestamp":"2026-11-27T10:00:00Z",
            "name":"e","attributes":{{"v":{value}}}}}],"links":[{{{ids},"attributes":{{"v":{value}}}}}]}}"#
        ),
        Signal::Logs => format!(
            r#"{{"timestamp":"2026-11-27T10:00:00Z","level":"CRITICAL","message":{value:?},{ids},"id":"1","context":{{"v":{value}}}}}"#
        ),
        Signal::Events => format!(
            r#"{{"timestamp":"2026-11-27T10:00:00Z","event_id":"1","event_type":"x.y","event_version":"1","data":{{"v":{value}}}}}"#
        ),
        Signal::Metrics => format!(
            r#"{{"timestamp":"2026-11-27T10:00:00Z","name":"m","type":"histogram","value":1e308,"id":"1",{ids},"labels":{{"v":{value}}}}}"#
        ),
    };
    HOSTILE
        .iter()
        .map(|value| stored(signal, &line(value)))
        .collect()
}

/// What the script left in the journal, then the hostile ones.
fn records(home: &Path, signal: Signal) -> Vec<Stored> {
    let text = fs::read_to_string(home.join(format!("{}.log", signal.name()))).unwrap();
    let real: Vec<Stored> = text.lines().map(|line| stored(signal, line)).collect();
    assert!(!real.is_empty(), "{}", signal.name());
    real.into_iter().chain(hostile(signal)).collect()
}

fn run_script(folder: &Path) {
    let path = Path::new(env!("CARGO_BIN_EXE_obs")).parent().unwrap();
    let found = std::env::var("PATH").unwrap_or_default();
    let status = Command::new("bash")
        .args(["-euc", SCRIPT])
        .env_clear()
        .env("PATH", format!("{}:{found}", path.display()))
        .env("HOME", folder)
        .env("OBS_HOME", folder.join("journal"))
        .env("OBS_STRICT", "1")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    assert!(status.unwrap().success());
}

fn line<R: Message + Serialize>(signal: &str, built: Built<R>) -> String {
    assert_eq!(built.refused, []);
    let request = built.request.unwrap();
    let encoded = STANDARD.encode(request.encode_to_vec());
    let text = String::from_utf8(json(&request)).unwrap();
    format!("{signal} {encoded} {text}\n")
}

/// The points of a journal as series: the whole, and the changes.
fn series(records: &[Stored], delta: bool) -> String {
    let mut fold = Fold::default();
    for stored in records {
        match &stored.record {
            Record::Metric(metric) => fold.add(metric),
            other => panic!("no metric: {other:?}"),
        }
    }
    line("metrics", metrics(&fold.take(delta), delta))
}

#[test]
fn official_classes_read_json_and_protobuf_alike() {
    let Some(python) = cached("otlp-python/bin/python") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    run_script(folder.path());
    let of = |signal| records(&folder.path().join("journal"), signal);
    let points = of(Signal::Metrics);
    let lines = [
        line("traces", traces(&of(Signal::Spans))),
        line("logs", logs(&of(Signal::Logs))),
        line("logs", logs(&of(Signal::Events))),
        series(&points, false),
        series(&points, true),
    ];
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/otlp.py");
    let mut child = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(lines.concat().as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "traces equal\nlogs equal\nlogs equal\nmetrics equal\nmetrics equal\n"
    );
}
