//! Whom a span lives with: as long as its script runs it is running, wherever in the script it was started; when the
//! script is gone without ending it, it is abandoned, journalled once, and a real end still beats that.

use super::stages::{Given, STAGE, STAGE_IN_FISH, Staged};
use super::{names, posix, silent, strict, trace};
use crate::sandbox::{Sandbox, have};
use serde_json::Value;
use std::fs;

const STAGES: &str = r#"
start main; stage main
( start subshell; stage subshell ); stage after-subshell
out=$(start substitution; stage substitution; echo out); stage after-substitution
out=$( ( out=$(start deep; stage deep; echo out) ) || true ); stage after-deep
f() { out=$(start infunction; stage infunction; echo out); }
f; stage after-infunction
echo x | { read -r line; start pipeline; stage pipeline; }; stage after-pipeline
( start job; stage job ) & wait; stage after-job
sh ./child <&3; stage after-child
"#;

const STAGES_IN_FISH: &str = r#"
start main; stage main
function f; start infunction; stage infunction; end
f; stage after-infunction
begin; start block; stage block; end; stage after-block
set out (start substitution; stage substitution; echo out); stage after-substitution
sh ./child; stage after-child
"#;

/// Looks at every stage from outside: all spans started so far run, none is ended or abandoned.
#[track_caller]
fn all_run(shell: &str, given: Given, text: &str) {
    let sandbox = silent();
    let child = "obs log 'from a child'\necho after-log >&2\nread -r word\nobs log again\n";
    fs::write(sandbox.path("work/child"), child).unwrap();
    let words = text.replace(['(', ')', ';', '\n'], " ");
    let words: Vec<&str> = words.split_whitespace().collect();
    let stages = words.windows(2).filter(|pair| pair[0] == "stage");
    let mut stages: Vec<&str> = stages.map(|pair| pair[1]).collect();
    stages.insert(stages.len() - 1, "after-log");
    let mode = if shell == "fish" {
        STAGE_IN_FISH.to_owned()
    } else {
        format!("{}{STAGE}", strict(shell))
    };
    let mut script = Staged::start(&sandbox, shell, given, &format!("{mode}{text}"));
    let mut started: Vec<&str> = Vec::new();
    for stage in stages {
        script.reach(stage);
        if !stage.starts_with("after-") {
            started.push(stage);
            started.sort_unstable();
        }
        let trace = trace(&sandbox);
        assert_eq!(
            names(&trace, "live"),
            started,
            "{shell}, {given:?}, {stage}: {trace:#}"
        );
        assert_eq!(
            trace["spans"],
            Value::Array(Vec::new()),
            "{shell}, {given:?}, {stage}"
        );
        script.go();
    }
    script.end();
    let trace = trace(&sandbox);
    assert_eq!(
        names(&trace, "spans"),
        started,
        "{shell}, {given:?}: {trace:#}"
    );
    assert!(trace.get("live").is_none(), "{shell}, {given:?}: {trace:#}");
}

#[test]
fn spans_of_a_running_script_run() {
    for shell in posix() {
        all_run(shell, Given::File, STAGES);
        all_run(shell, Given::Inline, STAGES);
    }
    if have("fish") {
        all_run("fish", Given::File, STAGES_IN_FISH);
        all_run("fish", Given::Inline, STAGES_IN_FISH);
    }
}

#[test]
fn first_process_owns_like_any_other() {
    // in a container the script is process 1
    let sandbox = silent();
    let alone = |program: &str| {
        let mut command = sandbox.command("unshare");
        command.args(["-rpf", "--mount-proc", program]);
        command
    };
    if !have("unshare") || !alone("true").status().unwrap().success() {
        println!("skipped: no pid namespace to be had here");
        return;
    }
    let text = r#"
set -eu
eval "$(obs span start main)"
f() { eval "$(obs span start infunction)"; echo x; }
out=$(f; echo y)
obs trace latest --json
"#;
    let output = alone("sh").args(["-c", text]).output().unwrap();
    let trace: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(names(&trace, "live"), ["infunction", "main"], "{trace:#}");
}

#[test]
fn job_may_outlive_its_script() {
    let sandbox = silent();
    for shell in posix() {
        // mksh keeps a copy of the script's own output in its jobs
        let text = r#"
exec >/dev/null 2>&1
( eval "$(obs span start job)"; : > started; while [ ! -e go ]; do sleep 0.02; done
  eval "$(obs span end)"; : > ended ) </dev/null &
while [ ! -e started ]; do sleep 0.02; done
"#;
        let work = sandbox.path("work");
        sandbox.script(shell, text).quiet();
        assert_eq!(names(&trace(&sandbox), "live"), ["job"], "{shell}");
        fs::write(work.join("go"), "").unwrap();
        while !work.join("ended").exists() {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        assert_eq!(names(&trace(&sandbox), "spans"), ["job"], "{shell}");
        for name in ["started", "go", "ended"] {
            fs::remove_file(work.join(name)).unwrap();
        }
    }
}

#[test]
fn wrapper_of_a_call_owns_nothing() {
    let sandbox = silent();
    if !have("timeout") {
        return;
    }
    for shell in posix() {
        let text =
            "eval \"$(timeout 9 obs span start s)\"\nobs trace --json\neval \"$(obs span end)\"\n";
        let outcome = sandbox.script(shell, text).quiet();
        let json = outcome.stdout.lines().next().unwrap();
        let trace: Value = serde_json::from_str(json).unwrap();
        assert_eq!(names(&trace, "live"), ["s"], "{shell}: {trace:#}");
        assert_eq!(trace["live"][0]["service"], "script", "{shell}");
    }
}

#[test]
fn child_that_dies_abandons_its_own() {
    let sandbox = silent();
    fs::write(
        sandbox.path("work/child"),
        "eval \"$(obs span start lost)\"\nexit 3\n",
    )
    .unwrap();
    for shell in posix() {
        let text =
            format!("{STAGE}start whole\nsh ./child || :\nstage after\neval \"$(obs span end)\"\n");
        let mut script = Staged::start(&sandbox, shell, Given::File, &text);
        script.reach("after");
        let seen = trace(&sandbox);
        assert_eq!(names(&seen, "live"), ["whole"], "{shell}");
        assert_eq!(names(&seen, "spans"), ["lost"], "{shell}");
        script.go();
        script.end();
    }
}

/// Ways to die, in POSIX shells and in fish.
const DEATHS: [(&str, &str, i32); 3] = [
    ("exit 3", "exit 3", 3),
    ("kill -9 $$", "kill -9 $fish_pid", 137),
    ("kill -TERM $$", "kill -TERM $fish_pid", 143),
];

#[test]
fn dead_scripts_abandon_their_spans() {
    for (posix_way, fish_way, code) in DEATHS {
        for shell in posix() {
            let text = format!(
                "set -eu\neval \"$(obs span start doomed)\"\nobs span set step:=2\nobs log here\n{posix_way}\nsleep 60\n"
            );
            dies(shell, &text, code);
        }
        if have("fish") {
            let text = format!(
                "eval (obs span start doomed | string collect)\nobs span set step:=2\nobs log here\n{fish_way}\nsleep 60\n"
            );
            dies("fish", &text, code);
        }
    }
}

/// Runs a script to its death and follows what becomes of its one span.
#[track_caller]
fn dies(shell: &str, text: &str, code: i32) {
    let sandbox = silent();
    let outcome = sandbox.script(shell, text);
    assert_eq!(outcome.code, code, "{shell}: {}", outcome.shown());
    let seen = trace(&sandbox);
    is_abandoned(shell, &seen);
    assert_eq!(seen["logs"][0]["message"], "here", "{shell}");
    assert_eq!(
        Value::Array(sandbox.records("spans")),
        seen["spans"],
        "{shell}"
    );
    let file = sandbox.path("journal/spans.log");
    assert!(!file.exists(), "{shell}: reading journals nothing");

    for (round, journalled) in [(1, 1), (2, 0)] {
        let report = sandbox.obs(["fsck", "--repair", "--json"]).quiet();
        let report: Value = serde_json::from_str(&report.stdout).unwrap();
        assert_eq!(
            report["spans_journalled"], journalled,
            "{shell}, round {round}"
        );
    }
    let journalled = fs::read_to_string(file).unwrap();
    assert_eq!(journalled.lines().count(), 1, "{shell}");
    assert_eq!(trace(&sandbox)["spans"], seen["spans"], "{shell}");
    beats_abandoned(
        &sandbox,
        shell,
        seen["spans"][0]["span_id"].as_str().unwrap(),
    );
}

fn is_abandoned(shell: &str, trace: &Value) {
    assert!(trace.get("live").is_none(), "{shell}: {trace:#}");
    let span = &trace["spans"][0];
    assert_eq!(span["name"], "doomed", "{shell}");
    assert_eq!(span["status"]["code"], "error", "{shell}");
    assert_eq!(span["status"]["message"], "abandoned", "{shell}");
    assert_eq!(span["obs"]["abandoned"], true, "{shell}");
    assert_eq!(span["attributes"]["step"], 2, "{shell}");
}

/// A real end within seven days.
fn beats_abandoned(sandbox: &Sandbox, shell: &str, id: &str) {
    sandbox.obs(["span", "end", "--span", id, "ok"]).quiet();
    let spans = sandbox.records("spans");
    assert_eq!(spans.len(), 1, "{shell}: {spans:?}");
    assert_eq!(spans[0]["status"]["code"], "ok", "{shell}");
    let trace = trace(sandbox);
    assert_eq!(trace["spans"], Value::Array(spans), "{shell}");
    assert!(!sandbox.path(&format!("journal/live/{id}.json")).exists());
}

/// Rewrites a member of the only live file.
fn edit_live(sandbox: &Sandbox, edit: impl FnOnce(&mut Value)) {
    let mut files = fs::read_dir(sandbox.path("journal/live")).unwrap();
    let path = files.next().unwrap().unwrap().path();
    let mut live: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    edit(&mut live);
    fs::write(&path, format!("{live}\n")).unwrap();
}

#[test]
fn abandoned_span_ends_with_its_last_change() {
    let sandbox = silent();
    sandbox
        .script(
            "sh",
            "eval \"$(obs span start doomed)\"\nobs span set step:=2\n",
        )
        .quiet();
    let mut last = 0;
    edit_live(&sandbox, |live| last = live["changed"].as_i64().unwrap());
    let last = chrono::DateTime::from_timestamp_nanos(last);
    let last = last.to_rfc3339_opts(chrono::SecondsFormat::Nanos, true);
    assert_eq!(trace(&sandbox)["spans"][0]["end"], last);
}

#[test]
fn live_file_goes_after_seven_days() {
    let sandbox = silent();
    sandbox
        .script("sh", "eval \"$(obs span start doomed)\"\n")
        .quiet();
    let days = |count: i64| count * 86_400 * 1_000_000_000;
    let kept = |ago: i64| {
        edit_live(&sandbox, |live| {
            live["reported"] = (live["changed"].as_i64().unwrap() - ago).into();
        });
        sandbox.obs(["fsck", "--repair"]).quiet();
        fs::read_dir(sandbox.path("journal/live")).unwrap().count() == 1
    };
    sandbox.obs(["fsck", "--repair"]).quiet();
    assert!(kept(days(7) - days(1)));
    assert!(!kept(days(7)));
    assert_eq!(names(&trace(&sandbox), "spans"), ["doomed"]);
}

#[test]
fn other_boot_and_other_start_time_are_gone() {
    let gone: [fn(&mut Value); 2] = [
        |owner| owner["start"] = 1.into(),
        |owner| owner["space"] = "another-boot pid:[4026531836]".into(),
    ];
    let all = |live: &mut Value, edit: &dyn Fn(&mut Value)| {
        live["owners"]
            .as_array_mut()
            .unwrap()
            .iter_mut()
            .for_each(edit);
    };
    for edit in gone {
        let sandbox = silent();
        let mut script = Staged::start(
            &sandbox,
            "sh",
            Given::File,
            &format!("{STAGE}start main; stage main\n"),
        );
        script.reach("main");
        assert_eq!(names(&trace(&sandbox), "live"), ["main"]);
        edit_live(&sandbox, |live| all(live, &edit));
        assert_eq!(names(&trace(&sandbox), "spans"), ["main"]);
        // where another pid namespace of this boot is meant nobody here can know
        let pid = script.pid();
        edit_live(&sandbox, |live| {
            let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
            let elsewhere = format!("{} pid:[1]", boot.trim());
            all(live, &|owner| owner["space"] = elsewhere.clone().into());
            let last = live["owners"].as_array().unwrap().last().unwrap();
            assert_eq!(last["pid"], pid);
        });
        assert_eq!(names(&trace(&sandbox), "live"), ["main"]);
        script.go();
        script.end();
    }
}

#[test]
fn ownerless_span_waits_for_its_time() {
    let sandbox = silent();
    sandbox
        .script(
            "sh",
            "obs span start batch --owner 0 --ttl 2h --json > ids\n",
        )
        .quiet();
    assert_eq!(names(&trace(&sandbox), "live"), ["batch"]);
    edit_live(&sandbox, |live| {
        let started = live["changed"].as_i64().unwrap();
        assert_eq!(live["expires"], started + 7_200 * 1_000_000_000);
        assert!(live.get("owners").is_none());
        live["expires"] = (started + 1).into();
    });
    assert_eq!(names(&trace(&sandbox), "spans"), ["batch"]);
    let ids: Value = serde_json::from_slice(&fs::read(sandbox.path("work/ids")).unwrap()).unwrap();
    beats_abandoned(&sandbox, "sh", ids["span_id"].as_str().unwrap());
}
