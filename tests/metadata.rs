//! `metadata` of events: what obs reads by hand from `.git`, against what git itself says.

use crate::sandbox::{Sandbox, have, outcome};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::Command;

/// A command in a folder of the sandbox, with an identity for commits.
fn at(sandbox: &Sandbox, folder: &str, program: &str) -> Command {
    let mut command = sandbox.command(program);
    command.current_dir(sandbox.path(folder));
    for role in ["AUTHOR", "COMMITTER"] {
        command
            .env(format!("GIT_{role}_NAME"), "t")
            .env(format!("GIT_{role}_EMAIL"), "t@example.com");
    }
    command
}

/// Runs git in a folder; the answer is its first line, none where it fails.
fn git(sandbox: &Sandbox, folder: &str, words: &str) -> Option<String> {
    let ran = outcome(
        &at(sandbox, folder, "git")
            .args(words.split(' '))
            .output()
            .unwrap(),
    );
    (ran.code == 0).then(|| ran.stdout.lines().next().unwrap_or_default().to_owned())
}

/// Runs git commands that must work.
fn all(sandbox: &Sandbox, folder: &str, commands: &[&str]) {
    for words in commands {
        assert!(git(sandbox, folder, words).is_some(), "git {words}");
    }
}

/// A repository `work/repo` with one commit on `main`.
fn repository(init: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    fs::create_dir_all(sandbox.path("work/repo/a/b")).unwrap();
    all(
        &sandbox,
        "work/repo",
        &[init, "commit -q --allow-empty -m one"],
    );
    sandbox
}

const INIT: &str = "init -q -b main";

/// Branch, commit and repository of an event emitted in a folder.
fn metadata(sandbox: &Sandbox, folder: &str) -> Value {
    outcome(
        &at(sandbox, folder, "obs")
            .args(["emit", "x"])
            .output()
            .unwrap(),
    )
    .quiet();
    let event = sandbox.records("events").pop().unwrap();
    let metadata = event.get("metadata").cloned().unwrap_or_default();
    let real = fs::canonicalize(sandbox.path(folder)).unwrap();
    assert_eq!(metadata["working_directory"], real.to_str().unwrap());
    json!([
        metadata["git_branch"],
        metadata["git_commit"],
        metadata["repository"]
    ])
}

/// What git says of the same folder, with the name that the repository must have.
fn truth(sandbox: &Sandbox, folder: &str, name: &str) -> Value {
    let branch = git(sandbox, folder, "branch --show-current").filter(|name| !name.is_empty());
    let commit = git(sandbox, folder, "rev-parse -q --verify HEAD");
    json!([branch, commit, name])
}

#[track_caller]
fn agrees(sandbox: &Sandbox, folder: &str, name: &str) -> Value {
    let found = metadata(sandbox, folder);
    assert_eq!(found, truth(sandbox, folder, name), "{folder}");
    found
}

#[test]
fn branch_and_commit_are_those_of_git() {
    let sandbox = repository(INIT);
    let found = agrees(&sandbox, "work/repo", "repo");
    assert_eq!(
        (&found[0], found[1].as_str().unwrap().len()),
        (&json!("main"), 40)
    );
    agrees(&sandbox, "work/repo/a/b", "repo");
    all(
        &sandbox,
        "work/repo",
        &[
            "checkout -q -b feature/x.y",
            "commit -q --allow-empty -m two",
        ],
    );
    assert_eq!(agrees(&sandbox, "work/repo/a", "repo")[0], "feature/x.y");
}

#[test]
fn detached_head_has_no_branch() {
    let sandbox = repository(INIT);
    all(&sandbox, "work/repo", &["checkout -q --detach"]);
    assert_eq!(agrees(&sandbox, "work/repo", "repo")[0], Value::Null);
}

#[test]
fn unborn_branch_has_no_commit() {
    let sandbox = Sandbox::new();
    fs::create_dir_all(sandbox.path("work/repo")).unwrap();
    all(&sandbox, "work/repo", &["init -q -b trunk"]);
    assert_eq!(
        agrees(&sandbox, "work/repo", "repo"),
        json!(["trunk", null, "repo"])
    );
}

#[test]
fn packed_refs_are_read_and_loose_ones_win() {
    let sandbox = repository(INIT);
    all(
        &sandbox,
        "work/repo",
        &["branch other", "tag -a -m t main", "pack-refs --all"],
    );
    assert!(!sandbox.path("work/repo/.git/refs/heads/main").exists());
    let packed = agrees(&sandbox, "work/repo", "repo");
    all(&sandbox, "work/repo", &["commit -q --allow-empty -m two"]);
    assert_ne!(agrees(&sandbox, "work/repo", "repo")[1], packed[1]);
}

#[test]
fn worktree_has_its_own_head_and_the_name_of_its_repository() {
    let sandbox = repository(INIT);
    all(
        &sandbox,
        "work/repo",
        &[
            "worktree add -q -b other ../elsewhere",
            "commit -q --allow-empty -m two",
        ],
    );
    assert_eq!(agrees(&sandbox, "work/elsewhere", "repo")[0], "other");
    all(&sandbox, "work/repo", &["pack-refs --all"]);
    agrees(&sandbox, "work/elsewhere", "repo");
    all(&sandbox, "work/elsewhere", &["checkout -q --detach"]);
    agrees(&sandbox, "work/elsewhere", "repo");
}

#[test]
fn submodule_is_a_repository_of_its_own() {
    let sandbox = repository(INIT);
    fs::create_dir(sandbox.path("work/outer")).unwrap();
    let add = "-c protocol.file.allow=always submodule --quiet add ../repo inner";
    all(
        &sandbox,
        "work/outer",
        &["init -q -b outer", add, "commit -q -m add"],
    );
    agrees(&sandbox, "work/outer", "outer");
    assert_eq!(agrees(&sandbox, "work/outer/inner", "repo")[0], "main");
}

#[test]
fn sha256_repository_has_long_ids() {
    let sandbox = repository("init -q -b main --object-format=sha256");
    let found = agrees(&sandbox, "work/repo", "repo");
    assert_eq!(found[1].as_str().unwrap().len(), 64);
    all(&sandbox, "work/repo", &["pack-refs --all"]);
    agrees(&sandbox, "work/repo", "repo");
}

#[test]
fn repository_is_named_by_its_origin() {
    let sandbox = repository(INIT);
    all(
        &sandbox,
        "work/repo",
        &[
            "remote add upstream https://example.com/no.git",
            "remote add origin x",
        ],
    );
    for (url, name) in [
        ("https://github.com/jo/kit.git", "kit"),
        ("https://github.com/jo/kit", "kit"),
        ("https://github.com/jo/kit/", "kit"),
        ("git@github.com:jo/kit.git", "kit"),
        ("host:kit.git", "kit"),
        ("ssh://git@host:22/jo/kit.name.git", "kit.name"),
        ("/srv/git/kit.git", "kit"),
        ("../kit", "kit"),
    ] {
        all(
            &sandbox,
            "work/repo",
            &[&format!("remote set-url origin {url}")],
        );
        assert_eq!(metadata(&sandbox, "work/repo")[2], name, "{url}");
    }
}

#[test]
fn variable_names_the_repository_as_in_hooks() {
    let sandbox = repository(INIT);
    all(&sandbox, "work", &["clone -q --bare repo bare.git"]);
    fs::create_dir_all(sandbox.path("work/outside")).unwrap();
    for (given, folder) in [
        ("repo/.git", "work"),
        ("../repo/.git", "work/outside"),
        (".", "work/bare.git"),
    ] {
        let mut emit = at(&sandbox, folder, "obs");
        outcome(
            &emit
                .args(["emit", "x"])
                .env("GIT_DIR", given)
                .output()
                .unwrap(),
        )
        .quiet();
        let event = sandbox.records("events").pop().unwrap();
        assert_eq!(event["metadata"]["git_branch"], "main", "{given}");
        assert_eq!(event["metadata"]["repository"], "repo", "{given}");
    }
}

#[test]
fn outside_of_a_repository_there_is_only_the_folder() {
    let sandbox = Sandbox::new();
    assert_eq!(metadata(&sandbox, "work"), json!([null, null, null]));
}

#[test]
fn reftable_says_nothing_wrong() {
    let sandbox = Sandbox::new();
    fs::create_dir_all(sandbox.path("work/repo")).unwrap();
    let known = git(
        &sandbox,
        "work/repo",
        "init -q -b main --ref-format=reftable",
    )
    .is_some();
    if known {
        all(&sandbox, "work/repo", &["commit -q --allow-empty -m one"]);
    } else {
        // the layout of a git that is newer than this one
        all(&sandbox, "work/repo", &[INIT]);
        let dot = sandbox.path("work/repo/.git");
        fs::write(dot.join("HEAD"), "ref: refs/heads/.invalid\n").unwrap();
        fs::create_dir(dot.join("reftable")).unwrap();
        fs::remove_dir_all(dot.join("refs")).unwrap();
        fs::create_dir(dot.join("refs")).unwrap();
        fs::write(
            dot.join("refs/heads"),
            "this repository uses the reftable format\n",
        )
        .unwrap();
    }
    assert_eq!(metadata(&sandbox, "work/repo"), json!([null, null, "repo"]));
}

#[test]
fn damaged_repositories_cost_no_event() {
    for (name, content) in [
        ("HEAD", &b""[..]),
        ("HEAD", b"\xff\xfe\0"),
        ("HEAD", b"ref: "),
        ("HEAD", b"ref: ../../../../etc/passwd\n"),
        ("HEAD", b"ref: refs/heads/\n"),
        ("HEAD", b"0123456789\n"),
        ("config", b"[remote \"origin\"\nurl"),
        ("packed-refs", b"\xff\n"),
        ("refs/heads/main", b"not an id\n"),
        ("commondir", b"/nowhere\n"),
    ] {
        let sandbox = repository(INIT);
        fs::write(sandbox.path("work/repo/.git").join(name), content).unwrap();
        let found = metadata(&sandbox, "work/repo");
        let commit = found[1].as_str().unwrap_or_default();
        assert!(
            commit.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "{name}: {found}"
        );
    }
}

/// A pipe has nobody writing: opening it would wait for ever.
#[test]
fn pipes_in_a_repository_hold_nobody_up() {
    if !have("timeout") {
        return;
    }
    for name in [
        "HEAD",
        "config",
        "commondir",
        "packed-refs",
        "refs/heads/main",
    ] {
        let sandbox = repository(INIT);
        let script = format!(
            "cd repo\nrm -f .git/{name}\nmkfifo .git/{name}\ntimeout 10 obs emit x\necho $?\n"
        );
        assert_eq!(
            sandbox.script("sh", &script).quiet().stdout,
            "0\n",
            "{name}"
        );
    }
}

#[test]
fn broken_link_to_a_repository_costs_no_event() {
    for content in ["gitdir: /nowhere\n", "gitdir: \n", "junk", ""] {
        let sandbox = Sandbox::new();
        fs::write(sandbox.path("work/.git"), content).unwrap();
        assert_eq!(
            metadata(&sandbox, "work"),
            json!([null, null, null]),
            "{content:?}"
        );
    }
}

#[test]
fn deleted_folder_costs_no_event() {
    let sandbox = Sandbox::new();
    let gone = sandbox.path("work/gone");
    let script = format!(
        "mkdir {0} && cd {0} && rmdir {0} && obs emit x && obs log m >/dev/null\n",
        gone.display()
    );
    sandbox.script("sh", &script).quiet();
    assert_eq!(sandbox.records("events")[0].get("metadata"), None);
    assert!(!Path::new(&gone).exists());
}
