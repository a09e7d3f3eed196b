//! `obs hook install --global`: one installation for all repositories, and nothing of theirs is lost.

use super::{executable, hook, news, told};
use crate::git::Work;
use crate::sandbox::Outcome;
use std::fs;

/// Runs `obs hook WORD… --global` outside of any repository.
fn global(work: &Work, word: &str) -> Outcome {
    work.obs_at(&work.sandbox.path("tmp"), &["hook", word, "--global"])
}

fn gitconfig(work: &Work) -> Option<String> {
    fs::read_to_string(work.sandbox.path("home/.gitconfig")).ok()
}

#[test]
fn every_repository_is_told_and_keeps_its_own_hooks() {
    let work = Work::new();
    assert_eq!(global(&work, "install").code, 0);
    let own = |name: &str| work.top().join(".git/hooks").join(name);
    executable(&own("post-commit"), "#!/bin/sh\necho post >>ran\n");
    executable(
        &own("commit-msg"),
        "#!/bin/sh\ngrep -v refused \"$1\" >>ran\n",
    );
    executable(&own("pre-push"), "#!/bin/sh\ncat >>ran\n");
    let id = work.commit("a", "1\n", "first");
    assert!(
        work.try_git(&["commit", "-q", "--allow-empty", "-m", "refused"])
            .code
            != 0
    );
    work.git(&["init", "-q", "--bare", "../bare"]);
    work.git(&["push", "-q", "../bare", "main"]);
    let zeros = "0".repeat(40);
    assert_eq!(
        fs::read_to_string(work.top().join("ran")).unwrap(),
        format!("first\npost\nrefs/heads/main {id} refs/heads/main {zeros}\n")
    );
    work.git(&["worktree", "add", "-q", "-b", "other", "../linked"]);
    let linked = work.at("linked");
    linked.commit("b", "1\n", "second");
    assert_eq!(
        fs::read_to_string(linked.top().join("ran")).unwrap(),
        "second\npost\n"
    );
    let mut seen = 0;
    assert_eq!(news(&linked, &mut seen), "commit: first | commit: second");
}

#[test]
fn installation_for_all_is_undone_as_a_whole() {
    let work = Work::new();
    let config = "[user]\n\tname = X ; of mine\n[core]\n";
    fs::write(work.sandbox.path("home/.gitconfig"), config).unwrap();
    let done = global(&work, "install");
    assert_eq!(done.code, 0, "{}", done.shown());
    assert!(
        done.stderr
            .contains("core.hooksPath of your git configuration is now")
    );
    assert!(
        global(&work, "install")
            .quiet()
            .stdout
            .ends_with("nothing to do\n")
    );
    work.commit("a", "1\n", "one");
    assert_eq!((global(&work, "status").code, told(&work).len()), (0, 1));
    // not from inside of one repository
    assert!(
        hook(&work, &["install"])
            .quiet()
            .stdout
            .ends_with("nothing to do\n")
    );
    let local = hook(&work, &["uninstall"]);
    assert!(
        local.code == 2 && local.stderr.contains("--global"),
        "{}",
        local.shown()
    );
    global(&work, "uninstall").quiet();
    assert_eq!(gitconfig(&work).as_deref(), Some(config));
    assert!(!work.sandbox.journal().join("hooks").exists());
    assert_eq!(global(&work, "status").code, 1);
    work.commit("b", "1\n", "two");
    assert_eq!(told(&work).len(), 1);
}

#[test]
fn configuration_that_was_not_there_is_gone_again() {
    let work = Work::new();
    assert_eq!(global(&work, "install").code, 0);
    assert!(gitconfig(&work).is_some());
    global(&work, "uninstall").quiet();
    assert_eq!(gitconfig(&work), None);
}

#[test]
fn configuration_changed_meanwhile_keeps_its_changes() {
    let work = Work::new();
    assert_eq!(global(&work, "install").code, 0);
    work.git(&["config", "--global", "alias.x", "status"]);
    global(&work, "uninstall").quiet();
    let left = gitconfig(&work).unwrap();
    assert!(
        left.contains("x = status") && !left.contains("hooksPath"),
        "{left}"
    );
}

#[test]
fn folder_that_is_configured_already_is_used() {
    let work = Work::new();
    let hooks = work.sandbox.path("home/my-hooks");
    executable(&hooks.join("post-commit"), "#!/bin/sh\necho mine >>ran\n");
    let config = format!("[core]\n\thooksPath = {}\n", hooks.display());
    fs::write(work.sandbox.path("home/.gitconfig"), &config).unwrap();
    let done = global(&work, "install");
    assert!(
        done.stdout
            .contains("my-hooks/post-commit: installed; runs"),
        "{}",
        done.shown()
    );
    work.commit("a", "1\n", "one");
    let mut seen = 0;
    assert_eq!(news(&work, &mut seen), "commit: one");
    // a repository that says so itself finds the same folder
    let local = hook(&work, &["status"]).quiet();
    assert!(local.stdout.contains("\"global\":true"), "{}", local.stdout);
    global(&work, "uninstall").quiet();
    assert_eq!(gitconfig(&work), Some(config));
    assert_eq!(fs::read_dir(&hooks).unwrap().count(), 1);
    assert_eq!(
        fs::read_to_string(work.top().join("ran")).unwrap(),
        "mine\n"
    );
}
