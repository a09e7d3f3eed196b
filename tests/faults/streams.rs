//! Standard streams that are closed, full or broken: no panic, no changed status, and never a byte of output in a file
//! of the journal that got a closed stream's number.

use crate::rig::Rig;
use std::fs;

const CLOSED: &[&str] = &[
    ">&-",
    "2>&-",
    "<&-",
    ">&- 2>&-",
    "<&- >&-",
    "<&- >&- 2>&-",
    ">/dev/full",
    "2>/dev/full",
    ">/dev/full 2>/dev/full",
    ">/dev/full 2>&-",
];

const HOT: &[&str] = &[
    "log info mine",
    "log error mine",
    "log --print-id mine",
    "emit some.event k=v --print-id",
    "emit backlog.task.created wrong:=1",
    "metric inc some_total",
    "span record s --start 1 --print-id",
    "span start s --owner 0",
    "span set k=v",
    "span end",
];

const COLD: &[&str] = &[
    "logs --json",
    "logs --human",
    "spans --json",
    "trace latest --json",
    "trace latest --human",
    "fsck",
    "fsck --repair",
    "print man",
    "--help",
];

/// Every line in every file of the journal is a JSON object.
#[track_caller]
fn is_clean(rig: &Rig, after: &str) {
    for name in rig.names("home") {
        let Ok(text) = fs::read_to_string(rig.home(&name)) else {
            continue;
        };
        for line in text.lines() {
            let parsed: Result<serde_json::Value, _> = serde_json::from_str(line);
            assert!(
                parsed.is_ok_and(|value| value.is_object()),
                "{after}: {name}: {line}"
            );
        }
    }
    rig.obs(["fsck"]).fine();
}

#[test]
fn closed_streams_change_no_hot_command() {
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let rig = Rig::new()
        .with("OBS_DEBUG", "1")
        .with("TRACEPARENT", parent);
    let mut made = 0;
    for command in HOT {
        for streams in CLOSED {
            let run = rig.bash(&format!("\"$OBS\" {command} {streams}"));
            let shown = format!("{command} {streams}: {}", run.shown());
            assert_eq!(run.code, 0, "{shown}");
            assert!(!run.stderr.contains("panicked"), "{shown}");
            is_clean(&rig, &shown);
            made += usize::from(command.starts_with("log"));
        }
    }
    assert_eq!(rig.messages().len(), made);
}

#[test]
fn broken_pipe_changes_no_hot_command() {
    let rig = Rig::new();
    for command in HOT {
        // true goes away at once: the write comes later, into nothing
        let script =
            format!("{{ sleep 0.02; \"$OBS\" {command} 2>/dev/null; echo $? >status; }} | true");
        rig.bash(&script);
        assert_eq!(
            fs::read_to_string(rig.path("work/status")).unwrap(),
            "0\n",
            "{command}"
        );
        is_clean(&rig, command);
    }
    assert_eq!(rig.messages().len(), 3);
}

fn filled() -> Rig {
    let rig = Rig::new();
    let lines: String = (0..2_000).map(|n| format!("line {n}\n")).collect();
    fs::write(rig.path("input"), lines).unwrap();
    rig.obs_from(&rig.path("input"), &["log", "--stdin"]).fine();
    rig.obs(["span", "record", "s", "--start", "1"]).fine();
    rig
}

#[test]
fn broken_pipe_ends_reading_quietly() {
    let rig = filled();
    for command in COLD {
        for reader in ["head -1", "true"] {
            let run = rig.bash(&format!(
                "\"$OBS\" {command} 2>errors | {reader} >/dev/null; echo \"${{PIPESTATUS[0]}}\"; cat errors"
            ));
            assert_eq!(run.stdout, "0\n", "{command} | {reader}");
        }
    }
}

#[test]
fn broken_pipe_ends_following() {
    let rig = filled();
    let script =
        "timeout 30 \"$OBS\" logs --json --follow | head -1 >/dev/null; echo \"${PIPESTATUS[0]}\"";
    assert_eq!(rig.bash(script).stdout, "0\n");
    // what is there fits into the pipe: then it ends at the next record
    let script = "{ sleep 0.3; \"$OBS\" log next; sleep 0.3; \"$OBS\" log last; } >/dev/null &
        timeout 30 \"$OBS\" spans --json --follow | true; echo \"${PIPESTATUS[0]}\"";
    assert_eq!(
        rig.bash(&script.replace("spans", "logs --limit 1")).stdout,
        "0\n"
    );
}

#[test]
fn closed_streams_damage_nothing_on_reading() {
    let rig = filled();
    for command in COLD {
        for streams in CLOSED {
            let run = rig.bash(&format!("\"$OBS\" {command} {streams}"));
            let shown = format!("{command} {streams}: {}", run.shown());
            assert!(run.code == 0 || run.code == 3, "{shown}");
            assert!(!run.stderr.contains("panicked"), "{shown}");
        }
        is_clean(&rig, command);
    }
    assert_eq!(rig.messages().len(), 2_000);
}

#[test]
fn full_disk_behind_output_is_told() {
    let rig = filled();
    for command in [
        "logs --json",
        "logs --human",
        "spans --json",
        "trace latest --json",
        "fsck",
    ] {
        let run = rig.bash(&format!("\"$OBS\" {command} >/dev/full"));
        assert_eq!(run.code, 3, "{command}: {}", run.shown());
        assert!(
            run.stderr.starts_with("obs: "),
            "{command}: {}",
            run.shown()
        );
    }
    // full in the middle of it, with room again for the last block
    for most in [100, 200, 300, 400, 500] {
        let run = rig.bash(&format!(
            "ulimit -f {most}; \"$OBS\" logs --json >out; echo $?; wc -l <out"
        ));
        let told = run.stdout.starts_with("3\n");
        let whole = run.stdout == "0\n2000\n";
        assert!(told || whole, "{most}: {}", run.shown());
    }
}
