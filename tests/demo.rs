//! `obs demo`: its trace, and that it neither reads nor leaves anything of the user's.

use crate::sandbox::{Sandbox, have};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

/// The folders in TMPDIR.
fn left(sandbox: &Sandbox) -> Vec<String> {
    let entries = fs::read_dir(sandbox.path("tmp")).unwrap().flatten();
    entries
        .map(|entry| entry.path().to_str().unwrap().to_owned())
        .collect()
}

#[track_caller]
fn trace(sandbox: &Sandbox) -> Value {
    let outcome = sandbox.obs(["demo", "--json"]).quiet();
    serde_json::from_str(&outcome.stdout).unwrap()
}

fn list<'a>(trace: &'a Value, key: &str) -> &'a [Value] {
    trace[key].as_array().unwrap()
}

#[test]
fn demo_has_everything_in_one_trace() {
    let sandbox = Sandbox::new();
    let trace = trace(&sandbox);
    assert!(trace.get("live").is_none(), "{trace:#}");
    let spans = list(&trace, "spans");
    let roots: Vec<&Value> = spans
        .iter()
        .filter(|span| span.get("parent_span_id").is_none())
        .collect();
    assert_eq!(roots.len(), 1, "{spans:#?}");
    let inner = spans
        .iter()
        .filter(|span| span["parent_span_id"] == roots[0]["span_id"]);
    assert!(inner.count() >= 4, "{spans:#?}");
    let failed: Vec<&Value> = spans
        .iter()
        .filter(|span| span["status"]["code"] == "error")
        .collect();
    assert_eq!(failed.len(), 1, "{spans:#?}");
    let again = spans
        .iter()
        .filter(|span| span["name"] == failed[0]["name"]);
    let attempts: Vec<&Value> = again.map(|span| &span["attributes"]["attempt"]).collect();
    assert_eq!(attempts, [1, 2], "the failed step is tried again");
    let moments = list(roots[0], "events").iter().map(|event| &event["name"]);
    assert_eq!(moments.collect::<Vec<_>>(), ["retry"]);
    for level in ["DEBUG", "INFO", "WARNING", "ERROR"] {
        assert!(
            list(&trace, "logs").iter().any(|log| log["level"] == level),
            "no {level}"
        );
    }
    let exception = list(&trace, "logs")
        .iter()
        .find_map(|log| log["exception"].as_str());
    assert!(
        exception.is_some_and(|text| text.contains("tar")),
        "{exception:?}"
    );
    assert!(
        list(&trace, "events")
            .iter()
            .all(|event| event["event_type"] == "backlog.task.archived")
    );
    assert_eq!(list(&trace, "events").len(), 3);
    for kind in ["counter", "gauge", "histogram"] {
        assert!(
            list(&trace, "metrics")
                .iter()
                .any(|point| point["type"] == kind),
            "no {kind}"
        );
    }
    for signal in ["spans", "logs", "events", "metrics"] {
        for record in list(&trace, signal) {
            assert!(record.get("obs").is_none(), "{record:#}");
        }
    }
}

#[test]
fn demo_leaves_nothing_behind() {
    let sandbox = Sandbox::new();
    for words in [
        &["demo"][..],
        &["demo", "--json"],
        &["demo", "--human"],
        &["demo", "--script"],
    ] {
        sandbox.obs(words).quiet();
        assert_eq!(left(&sandbox), Vec::<String>::new(), "{words:?}");
    }
    assert!(
        !sandbox.journal().exists(),
        "the user's journal is not touched"
    );
    assert_eq!(fs::read_dir(sandbox.path("home")).unwrap().count(), 0);
    assert_eq!(fs::read_dir(sandbox.path("work")).unwrap().count(), 0);
}

#[test]
fn demo_shows_its_script() {
    let script = Sandbox::new().obs(["demo", "--script"]).quiet().stdout;
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli/demo/archive.sh");
    assert_eq!(script, fs::read_to_string(file).unwrap());
}

#[test]
fn demo_reads_well_at_80_columns() {
    let sandbox = Sandbox::new().with("COLUMNS", "80");
    let text = sandbox.obs(["demo", "--human"]).quiet().stdout;
    crate::terminal::is_tame(&text, 80);
    for shown in [
        "archive-tasks filter=Done",
        "├ pack ✗ exit code 2",
        "├ • retry",
        "2 errors",
        "DEBUG",
        "event backlog.task.archived",
    ] {
        assert!(text.contains(shown), "{shown} is not in\n{text}");
    }
}

#[test]
fn demo_reads_no_git_configuration() {
    let sandbox = Sandbox::new();
    let trap = sandbox.path("home/hooks");
    fs::create_dir(&trap).unwrap();
    let hook = "#!/bin/sh\ntouch \"$(dirname \"$0\")/../sprung\"\nexit 1\n";
    for name in ["pre-commit", "post-commit", "commit-msg", "post-checkout"] {
        fs::write(trap.join(name), hook).unwrap();
        fs::set_permissions(trap.join(name), fs::Permissions::from_mode(0o700)).unwrap();
    }
    let config = format!(
        "[commit]\ngpgsign = true\n[gpg]\nprogram = /bin/false\n[core]\nhooksPath = {0}\n[init]\ntemplateDir = {0}\n\
         [user]\nuseConfigOnly = true\n[safe]\nbareRepository = explicit\n[init]\ndefaultBranch = \"bad name\"\n",
        trap.display()
    );
    fs::write(sandbox.path("home/.gitconfig"), &config).unwrap();
    fs::create_dir(sandbox.path("home/git")).unwrap();
    fs::write(sandbox.path("home/git/config"), &config).unwrap();
    let global = sandbox.path("home/.gitconfig");
    let sandbox = sandbox
        .with("GIT_CONFIG_GLOBAL", global.to_str().unwrap())
        .with("GIT_CONFIG_SYSTEM", global.to_str().unwrap())
        .with("GIT_CONFIG_NOSYSTEM", "")
        .with("GIT_DIR", "/proc/nowhere")
        .with("GIT_TEMPLATE_DIR", trap.to_str().unwrap());
    assert!(list(&trace(&sandbox), "spans").len() >= 6);
    assert!(!sandbox.path("home/sprung").exists());
}

#[test]
fn demo_is_deaf_to_the_environment() {
    let sandbox = Sandbox::new()
        .with(
            "TRACEPARENT",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        )
        .with("OTEL_SDK_DISABLED", "true")
        .with("OBS_LOG_LEVEL", "critical")
        .with("OBS_ROTATE_BYTES", "4096")
        .with("OTEL_SERVICE_NAME", "mine");
    fs::create_dir(sandbox.path("tmp/with space")).unwrap();
    let temporary = sandbox.path("tmp/with space");
    let sandbox = sandbox.with("TMPDIR", temporary.to_str().unwrap());
    let trace = trace(&sandbox);
    assert_ne!(trace["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(list(&trace, "logs")[0]["service"], "archive-tasks.sh");
    assert_eq!(list(&trace, "logs")[0]["level"], "DEBUG");
}

#[test]
fn demo_keeps_its_folder_when_asked() {
    let sandbox = Sandbox::new();
    let outcome = sandbox.obs(["demo", "--keep", "--json"]);
    assert_eq!(outcome.code, 0, "{}", outcome.shown());
    let folder = left(&sandbox);
    assert_eq!(folder.len(), 1);
    let said = format!(
        "obs: the journal is in {0}/home\nhint: OBS_HOME={0}/home obs logs\n",
        folder[0]
    );
    assert_eq!(outcome.stderr, said);
    let home = format!("{}/home", folder[0]);
    let kept = sandbox
        .with("OBS_HOME", &home)
        .obs(["trace", "latest", "--json"])
        .quiet();
    assert_eq!(kept.stdout, outcome.stdout);
}

#[test]
fn demo_without_git_says_so() {
    let sandbox = Sandbox::new();
    let bin = sandbox.path("work/bin");
    fs::create_dir(&bin).unwrap();
    for tool in ["sh", "tar", "grep", "wc", "tr", "date", "mkdir"] {
        if have(tool) {
            let found = ["/usr/bin", "/bin"].map(|folder| Path::new(folder).join(tool));
            symlink(
                found.iter().find(|path| path.exists()).unwrap(),
                bin.join(tool),
            )
            .unwrap();
        }
    }
    let sandbox = sandbox.with("PATH", bin.to_str().unwrap());
    let outcome = sandbox.obs(["demo"]);
    assert_eq!(
        (outcome.code, outcome.stdout.as_str()),
        (3, ""),
        "{}",
        outcome.shown()
    );
    assert!(
        outcome.stderr.contains("obs: could not run the demo: "),
        "{}",
        outcome.stderr
    );
    assert!(
        outcome.stderr.ends_with("hint: it needs sh, git and tar\n"),
        "{}",
        outcome.stderr
    );
    assert_eq!(left(&sandbox), Vec::<String>::new());
}

#[test]
fn demo_without_room_says_so() {
    let outcome = Sandbox::new().with("TMPDIR", "/proc/nowhere").obs(["demo"]);
    assert_eq!(
        (outcome.code, outcome.stdout.as_str()),
        (3, ""),
        "{}",
        outcome.shown()
    );
    assert!(
        outcome
            .stderr
            .starts_with("obs: could not create `/proc/nowhere/obs-demo-"),
        "{}",
        outcome.stderr
    );
}
