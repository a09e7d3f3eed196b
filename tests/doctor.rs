//! `obs doctor`: each thing that is wrong is named, with what to do; nothing is changed by looking.

mod sinks;

use crate::sandbox::Sandbox;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// Exit code, and `check: state: what` of everything found.
fn doctor(sandbox: &Sandbox) -> (i32, Vec<String>) {
    let outcome = sandbox.obs(["doctor", "--json"]);
    let lines = outcome.stdout.lines().map(|line| {
        let one: Value = serde_json::from_str(line).unwrap();
        let text = |key: &str| one[key].as_str().unwrap_or_default().to_owned();
        format!("{}: {}: {}", text("check"), text("state"), text("what"))
    });
    (outcome.code, lines.collect())
}

fn has(found: &[String], start: &str) -> bool {
    found.iter().any(|line| line.starts_with(start))
}

#[test]
fn healthy_home_is_ok() {
    let sandbox = Sandbox::new();
    assert_eq!(doctor(&sandbox).0, 0);
    assert!(!sandbox.journal().exists(), "looking makes nothing");
    sandbox.obs(["log", "hello"]);
    let (code, found) = doctor(&sandbox);
    assert_eq!(code, 0, "{found:?}");
    assert!(
        has(&found, "journal: ok: 1 records in 1 files, no damage"),
        "{found:?}"
    );
    let human = sandbox.obs(["doctor", "--human"]).quiet();
    assert!(
        human.stdout.lines().all(|line| line.starts_with("ok ")),
        "{}",
        human.stdout
    );
}

#[test]
fn damage_spill_and_open_home_are_named() {
    let sandbox = Sandbox::new();
    sandbox.obs(["log", "hello"]);
    let log = sandbox.journal().join("logs.log");
    let mut bytes = fs::read(&log).unwrap();
    bytes.extend_from_slice(b"torn\n");
    fs::write(&log, bytes).unwrap();
    fs::create_dir_all(sandbox.journal().join("spill")).unwrap();
    fs::write(
        sandbox
            .journal()
            .join("spill/logs-00000000000000000001-1-0.jsonl"),
        "",
    )
    .unwrap();
    fs::set_permissions(sandbox.journal(), fs::Permissions::from_mode(0o755)).unwrap();
    let (code, found) = doctor(&sandbox);
    assert_eq!(code, 1);
    for start in [
        "journal: bad: 1 damaged",
        "spill: note: 1 records",
        "home: bad: others can enter",
    ] {
        assert!(has(&found, start), "{start} in {found:?}");
    }
}

#[test]
fn broken_config_is_named() {
    let sandbox = Sandbox::new();
    sandbox.obs(["log", "hello"]);
    fs::write(sandbox.journal().join("config.toml"), "nope = 1\n").unwrap();
    let (code, found) = doctor(&sandbox);
    assert_eq!(code, 1);
    assert!(has(&found, "settings: bad: could not use"), "{found:?}");
}

#[test]
fn home_that_is_a_file_is_named() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.journal(), "").unwrap();
    let (code, found) = doctor(&sandbox);
    assert_eq!(code, 1);
    assert!(has(&found, "home: bad: "), "{found:?}");
}

#[test]
fn silent_troubles_and_lost_spans_are_told() {
    let sandbox = Sandbox::new().with("TRACEPARENT", "nonsense");
    sandbox.obs(["log", "hello"]);
    sandbox.obs(["span", "start", "lost", "--owner", "999999999"]);
    sandbox.obs(["span", "start", "gone", "--ttl", "1ms", "--owner", "0"]);
    let (code, found) = doctor(&sandbox);
    assert_eq!(code, 0, "{found:?}");
    assert!(
        has(&found, "noted: note: traceparent 3 times in 7 days"),
        "{found:?}"
    );
    assert!(has(&found, "spans: note: "), "{found:?}");
}

#[test]
fn shim_that_path_does_not_reach_is_named() {
    let sandbox = Sandbox::new();
    sandbox.obs(["shim", "add", "ls"]);
    let (code, found) = doctor(&sandbox);
    assert_eq!(code, 1);
    assert!(has(&found, "shim: bad: ls: PATH finds "), "{found:?}");
    let path = format!(
        "{}:/usr/bin:/bin",
        sandbox.journal().join("shims").display()
    );
    let (_, found) = doctor(&sandbox.with("PATH", &path));
    assert!(has(&found, "shim: ok: ls runs /usr/bin/ls"), "{found:?}");
    assert!(has(&found, "PATH: bad: `obs` is not on PATH"), "{found:?}");
}

#[test]
fn hooks_and_board_of_the_working_directory_are_looked_at() {
    let sandbox = Sandbox::new();
    let git = |words: &[&str]| {
        assert!(
            sandbox
                .command("git")
                .args(words)
                .status()
                .unwrap()
                .success()
        );
    };
    git(&["init", "-q"]);
    fs::create_dir_all(sandbox.path("work/backlog/tasks")).unwrap();
    fs::write(sandbox.path("work/backlog/config.yml"), "project_name: x\n").unwrap();
    fs::write(
        sandbox.path("work/backlog/tasks/task-1 - A.md"),
        "---\nid: [\n---\n",
    )
    .unwrap();
    let (code, found) = doctor(&sandbox);
    assert_eq!(code, 1);
    for start in [
        "hooks: note: not installed",
        "backlog: bad: backlog: command not found",
        "board: bad: ",
    ] {
        assert!(has(&found, start), "{start} in {found:?}");
    }
    sandbox.obs(["hook", "install"]);
    fs::write(
        sandbox.path("work/backlog/tasks/task-1 - A.md"),
        "---\nid: TASK-1\n---\n",
    )
    .unwrap();
    let (_, found) = doctor(&sandbox);
    assert!(has(&found, "hooks: ok: installed in "), "{found:?}");
    assert!(
        has(&found, "board: ok: ") && found.iter().any(|line| line.ends_with("backlog, 1 files")),
        "{found:?}"
    );
    fs::write(
        sandbox.path("work/backlog/tasks/task-01 - B.md"),
        "---\nid: task-01\n---\n",
    )
    .unwrap();
    assert!(has(
        &doctor(&sandbox).1,
        "board: note: more than one task is TASK-1"
    ));
    fs::write(
        sandbox.path("work/backlog/config.yml"),
        "project_name: x\nstatuses: one\n",
    )
    .unwrap();
    assert!(has(&doctor(&sandbox).1, "board: bad: "));
    fs::remove_file(sandbox.path("work/.git/hooks/post-merge")).unwrap();
    assert!(has(&doctor(&sandbox).1, "hooks: bad: 3 of 4"), "{found:?}");
}

#[test]
fn repository_that_git_refuses_is_named() {
    let sandbox = Sandbox::new();
    assert!(
        sandbox
            .command("git")
            .args(["init", "-q"])
            .status()
            .unwrap()
            .success()
    );
    fs::write(
        sandbox.path("work/.git/config"),
        "[core]\n\trepositoryformatversion = 9\n",
    )
    .unwrap();
    let (code, found) = doctor(&sandbox);
    assert_eq!(code, 1);
    assert!(has(&found, "git: bad: "), "{found:?}");
}

/// A copy of the program, which looks for the library beside itself.
fn copied(sandbox: &Sandbox) -> std::path::PathBuf {
    let bin = sandbox.path("tree/bin");
    fs::create_dir_all(&bin).unwrap();
    fs::create_dir_all(sandbox.path("tree/lib/obs")).unwrap();
    let copy = bin.join("obs");
    if fs::hard_link(crate::sandbox::program(), &copy).is_err() {
        fs::copy(crate::sandbox::program(), &copy).unwrap();
    }
    copy
}

#[test]
fn builtin_of_another_version_is_named() {
    let sandbox = Sandbox::new();
    let program = copied(&sandbox);
    let look = || {
        let mut command = sandbox.command(&program);
        let outcome =
            crate::sandbox::outcome(&command.args(["doctor", "--json"]).output().unwrap());
        let line = outcome
            .stdout
            .lines()
            .find(|line| line.contains("\"builtin\""));
        let line: Option<Value> = line.map(|line| serde_json::from_str(line).unwrap());
        line.map(|line| {
            let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
            (text("state"), text("what"), text("advice"))
        })
    };
    assert_eq!(look(), None);
    let own = env!("CARGO_PKG_VERSION");
    let far = sandbox.path("tree/lib/obs/libobs.so");
    fs::write(&far, format!("\0ELF\0obs-builtin-version={own};\0")).unwrap();
    let (state, what, _) = look().unwrap();
    assert_eq!(state, "ok");
    assert!(what.ends_with("/tree/lib/obs/libobs.so"), "{what}");
    // the one beside the program comes first
    let near = sandbox.path("tree/bin/libobs.so");
    for (bytes, said) in [
        (
            "\0obs-builtin-version=0.0.1;",
            format!("is of version 0.0.1, this is {own}"),
        ),
        ("\x7fELF", "is no builtin of obs".to_owned()),
    ] {
        fs::write(&near, bytes).unwrap();
        let (state, what, advice) = look().unwrap();
        assert_eq!(state, "bad");
        assert!(what.ends_with(&said), "{what}");
        assert!(
            advice.contains("put the library of this version there"),
            "{advice}"
        );
    }
}
