//! What is told of a commit, of which commits, and how often.

use super::{executable, hook, hooked, news, told};
use crate::git::Work;
use crate::sandbox::outcome;
use serde_json::json;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

#[test]
fn commit_is_told_with_all_its_facts() {
    let work = hooked(Work::new());
    let root = work.commit("src/a.rs", "one\ntwo\n", "Root");
    work.git(&["checkout", "-q", "-b", "feature"]);
    let message = "Fix login (TASK-12, task-1.2)\n\nBecause.\n\nCo-authored-by: B <b@x>";
    let id = work.commit("src/a.rs", "one\n2\n3\n", message);
    let committed = work.git(&["log", "-1", "--format=%ct"]);
    let mut all = told(&work);
    assert_eq!(all.len(), 2);
    let data = all.pop().unwrap();
    let since = obs::model::time::parse(committed.trim()).unwrap();
    assert_eq!(
        data,
        json!({
            "commit_sha": id, "commit_message": message, "changed_files": ["src/a.rs"], "changed_file_count": 1,
            "insertions": 2, "deletions": 1, "parent_shas": [root], "branch": "feature",
            "authored_time": "2025-12-04T10:15:30.000000Z", "committed_time": obs::model::time::micros_text(since),
            "author_name": "Zoë Tester", "author_email": "zoe@example.org", "operation": "commit",
            "task_ids": ["TASK-12", "TASK-1.2"], "trailers": [{"key": "Co-authored-by", "value": "B <b@x>"}],
        })
    );
    assert_eq!(all[0]["changed_files"], json!(["src/a.rs"]));
    let known = obs::model::catalog::find("git.commit").unwrap();
    known.check(&data).unwrap();
    let keys: Vec<&str> = data
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert!(
        keys.iter().all(|key| known.fields().contains(key)),
        "{keys:?}"
    );
    let event = work.sandbox.records("events").pop().unwrap();
    assert_eq!(event["metadata"]["git_commit"], data["commit_sha"]);
    assert_eq!(event["metadata"]["git_branch"], "feature");
}

#[test]
fn each_kind_of_commit_is_told_once() {
    let work = hooked(Work::new());
    let mut seen = 0;
    let mut expect = |what: &str| assert_eq!(news(&work, &mut seen), what);
    work.commit("a", "1\n", "root");
    expect("commit: root");
    let first = work.head();
    work.git(&[
        "commit",
        "-q",
        "--amend",
        "--allow-empty",
        "-m",
        "root, better",
    ]);
    expect("amend: root, better");
    assert_eq!(told(&work)[1]["previous_sha"], first);
    work.git(&["checkout", "-q", "-b", "side"]);
    work.commit("side", "s\n", "on the side");
    work.git(&["checkout", "-q", "main"]);
    expect("commit: on the side");
    work.git(&["merge", "-q", "side"]);
    expect(""); // a fast-forward
    work.git(&["branch", "-f", "side", "side~1"]);
    work.git(&["checkout", "-q", "side"]);
    work.commit("other", "o\n", "apart");
    expect("commit: apart");
    work.git(&["merge", "-q", "--no-edit", "main"]);
    expect("merge: Merge branch 'main' into side");
    work.git(&["checkout", "-q", "main"]);
    work.git(&["merge", "-q", "--ff-only", "side"]);
    expect(""); // to a merge that was told
    work.git(&["checkout", "-q", "-b", "squash", "main~1"]);
    work.commit("x", "x\n", "to squash");
    work.git(&["checkout", "-q", "main"]);
    expect("commit: to squash");
    work.git(&["merge", "-q", "--squash", "squash"]);
    expect("");
    work.git(&["commit", "-q", "-m", "squashed"]);
    expect("commit: squashed");
    work.git(&["revert", "--no-edit", "HEAD"]);
    expect("revert: Revert \"squashed\"");
    work.git(&["cherry-pick", "squash"]);
    expect("cherry-pick: to squash");
    work.git(&["checkout", "-q", "--detach"]);
    work.commit("d", "d\n", "detached");
    expect("commit: detached");
    assert_eq!(told(&work).pop().unwrap().get("branch"), None);
}

#[test]
fn conflicted_merge_is_told_when_it_is_committed() {
    let work = hooked(Work::new());
    work.commit("a", "1\n", "root");
    work.git(&["checkout", "-q", "-b", "side"]);
    work.commit("a", "2\n", "two");
    work.git(&["checkout", "-q", "main"]);
    work.commit("a", "3\n", "three");
    let mut seen = told(&work).len();
    assert_eq!(work.try_git(&["merge", "side"]).code, 1);
    assert_eq!(news(&work, &mut seen), "");
    work.write("a", "4\n");
    work.git(&["commit", "-q", "-a", "-m", "both"]);
    assert_eq!(news(&work, &mut seen), "merge: both");
}

/// Three commits on `side`, where it stands, and one on `main` since they parted.
fn branched() -> Work {
    let work = hooked(Work::new());
    work.commit("a", "1\n", "root");
    work.git(&["checkout", "-q", "-b", "side"]);
    for name in ["b", "c", "d"] {
        work.commit(name, "x\n", name);
    }
    work.git(&["checkout", "-q", "main"]);
    work.commit("e", "x\n", "e");
    work.git(&["checkout", "-q", "side"]);
    work
}

#[test]
fn replayed_commits_are_not_told_again() {
    let work = branched();
    let mut seen = told(&work).len();
    assert_eq!(seen, 5);
    work.git(&["rebase", "-q", "main"]);
    assert_eq!(news(&work, &mut seen), "");
    work.git(&["rebase", "-q", "--apply", "--force-rebase", "main"]);
    assert_eq!(news(&work, &mut seen), "");
    // no log tells what happened: the rebase itself does
    work.git(&["config", "core.logAllRefUpdates", "false"]);
    fs::remove_dir_all(work.top().join(".git/logs")).unwrap();
    work.git(&["rebase", "-q", "--force-rebase", "main"]);
    assert_eq!(news(&work, &mut seen), "");
    work.commit("f", "x\n", "without a log");
    work.git(&["checkout", "-q", "main"]);
    work.commit("g", "x\n", "g");
    work.git(&["merge", "-q", "--no-edit", "side"]);
    assert_eq!(
        news(&work, &mut seen),
        "commit: without a log | commit: g | merge: Merge branch 'side'"
    );
}

#[test]
fn what_a_rebase_makes_anew_is_told() {
    let work = branched();
    let mut seen = told(&work).len();
    work.git(&[
        "-c",
        "sequence.editor=sed -i '2s/pick/squash/'",
        "-c",
        "core.editor=true",
        "rebase",
        "-q",
        "-i",
        "main",
    ]);
    assert_eq!(news(&work, &mut seen), "squash: b");
    work.git(&[
        "-c",
        "sequence.editor=sed -i '2s/pick/reword/'",
        "-c",
        "core.editor=sed -i '1s/$/ anew/'",
        "rebase",
        "-q",
        "-i",
        "main",
    ]);
    assert_eq!(news(&work, &mut seen), "reword: d anew");
    work.commit("d", "y\n", "fixup! d anew");
    work.commit("d", "z\n", "fixup! d anew");
    seen += 2;
    let autosquash = ["rebase", "-q", "-i", "--autosquash", "main"];
    work.git(&[&["-c", "sequence.editor=true"], &autosquash[..]].concat());
    assert_eq!(news(&work, &mut seen), "squash: d anew");
}

#[test]
fn commit_without_git_commit_is_told_once_with_every_hook() {
    // as Backlog.md does it
    let work = hooked(Work::new());
    work.commit("a", "1\n", "root");
    let tree = work.git(&["write-tree"]);
    let id = work.git(&[
        "commit-tree",
        tree.trim(),
        "-p",
        "HEAD",
        "-m",
        "Update task TASK-1",
    ]);
    work.git(&[
        "update-ref",
        "-m",
        "commit: Update task TASK-1",
        "HEAD",
        id.trim(),
    ]);
    for _ in 0..2 {
        work.git(&["hook", "run", "--ignore-missing", "post-commit"]);
    }
    for (hook_name, args) in [
        ("post-rewrite", "amend"),
        ("post-merge", "0"),
        ("post-checkout", "a b 1"),
    ] {
        let words: Vec<&str> = [hook_name].into_iter().chain(args.split(' ')).collect();
        hook(&work, &words).quiet();
    }
    let mut seen = 1;
    assert_eq!(news(&work, &mut seen), "commit: Update task TASK-1");
    assert_eq!(told(&work)[1]["task_ids"], json!(["TASK-1"]));
}

#[test]
fn amend_is_told_where_only_post_rewrite_is_there() {
    let work = hooked(Work::new());
    fs::remove_file(work.top().join(".git/hooks/post-commit")).unwrap();
    work.commit("a", "1\n", "root");
    work.git(&["commit", "-q", "--amend", "-m", "better"]);
    let mut seen = 0;
    assert_eq!(news(&work, &mut seen), "amend: better");
}

#[test]
fn linked_work_tree_tells_its_own_commits() {
    let work = hooked(Work::new());
    work.commit("a", "1\n", "root");
    work.git(&["worktree", "add", "-q", "-b", "other", "../linked"]);
    let linked = work.at("linked");
    linked.commit("b", "2\n", "linked");
    let last = told(&linked).pop().unwrap();
    assert_eq!(
        (&last["branch"], &last["commit_message"]),
        (&json!("other"), &json!("linked"))
    );
    let ledger = fs::read_dir(linked.sandbox.journal().join("ledger")).unwrap();
    assert_eq!(ledger.count(), 2); // one repository: ids and lock
}

/// A repository with hooks and a format that we do not know, so that git is asked.
fn asked() -> Work {
    let work = hooked(Work::new());
    work.git(&["config", "core.repositoryformatversion", "1"]);
    work.git(&["config", "extensions.noop-v1", "true"]);
    work
}

/// Runs the hook with a folder of the sandbox first on PATH.
fn hook_with(work: &Work, folder: &str) {
    let [first, bin] = [folder, "bin"].map(|name| work.sandbox.path(name).display().to_string());
    let mut obs = work.sandbox.command("obs");
    obs.env(
        "PATH",
        format!("{first}:{bin}:/usr/local/bin:/usr/bin:/bin"),
    );
    obs.current_dir(work.top()).args(["hook", "post-commit"]);
    outcome(&obs.output().unwrap()).quiet();
}

#[test]
fn commit_is_told_by_a_git_that_outlasts_our_patience() {
    let work = asked();
    work.commit("a", "1\n", "root");
    let unseen = ["-c", "core.hooksPath=/dev/null", "commit", "-q"];
    work.git(&[&unseen[..], &["--allow-empty", "-m", "slow"]].concat());
    let slow = "#!/bin/sh\nsleep 0.35\nPATH=${PATH#*:} exec git \"$@\"\n";
    executable(&work.sandbox.path("slow/git"), slow);
    hook_with(&work, "slow");
    let mut left = 200;
    while told(&work).len() < 2 && left > 0 {
        thread::sleep(Duration::from_millis(50));
        left -= 1;
    }
    let mut seen = 1;
    assert_eq!(news(&work, &mut seen), "commit: slow");
}

#[test]
fn missed_commits_are_told_where_git_is_asked() {
    let work = asked();
    work.commit("a", "1\n", "root");
    for name in ["one", "two"] {
        let words = ["commit", "-q", "--allow-empty", "-m", name];
        work.git(&[&["-c", "core.hooksPath=/dev/null"], &words[..]].concat());
    }
    work.git(&["commit", "-q", "--allow-empty", "-m", "three"]);
    let mut seen = 1;
    assert_eq!(
        news(&work, &mut seen),
        "commit: one | commit: two | commit: three"
    );
}

#[test]
fn git_that_we_ask_is_no_span() {
    let work = asked();
    work.commit("a", "1\n", "root");
    work.obs(&["shim", "add", "git"]);
    hook_with(&work, "journal/shims");
    assert!(work.sandbox.records("spans").is_empty());
    assert_eq!(told(&work).len(), 1);
}

#[test]
fn formats_that_only_git_knows_are_asked_of_git() {
    let work = asked();
    work.commit("a", "1\n", "root");
    work.commit("b/c", "1\n2\n", "two");
    work.git(&["commit", "-q", "--amend", "-m", "three\n\nTask: x"]);
    let mut seen = 0;
    assert_eq!(
        news(&work, &mut seen),
        "commit: root | commit: two | amend: three"
    );
    let last = told(&work).pop().unwrap();
    assert_eq!(
        (&last["changed_files"], &last["insertions"]),
        (&json!(["b/c"]), &json!(2))
    );
    assert_eq!(last["trailers"], json!([{"key": "Task", "value": "x"}]));
    // a format that git refuses too is told by nobody
    work.git(&["config", "extensions.neverheardof", "true"]);
    hook(&work, &["post-commit"]).quiet();
    assert_eq!(news(&work, &mut seen), "");
}

#[test]
fn repository_that_git_does_not_trust_is_left_alone() {
    let work = Work::new();
    work.commit("a", "1\n", "root");
    let chown = std::os::unix::fs::chown(work.top(), Some(12_345), None);
    if chown.is_err() {
        println!("skipped: not root");
        return;
    }
    let run = || {
        hook(&work, &["post-commit"]).quiet();
        told(&work).len()
    };
    assert_eq!(run(), 0);
    let config = format!("[safe]\n\tdirectory = {}\n", work.top().display());
    fs::write(work.sandbox.path("home/.gitconfig"), config).unwrap();
    assert_eq!(run(), 1);
}

#[test]
fn hook_never_speaks_and_never_fails() {
    let work = Work::new();
    let run = |words: &[&str], folder: &str| {
        let words = [&["hook"], words].concat();
        work.obs_at(&work.sandbox.path(folder), &words).quiet()
    };
    for words in [
        ["post-commit", "--no-such"],
        ["post-merge", "--"],
        ["post-rewrite", "\u{1b}[1m"],
    ] {
        assert_eq!(run(&words, "work/repo").stdout, ""); // before the first commit
        assert_eq!(run(&words, "tmp").stdout, ""); // outside
    }
    work.commit("a", "1\n", "root");
    fs::write(work.top().join(".git/HEAD"), "ref: refs/heads/../../x\n").unwrap();
    assert_eq!(run(&["post-commit"], "work/repo").stdout, "");
    fs::write(work.top().join(".git/HEAD"), "ref: refs/heads/main\n").unwrap();
    fs::remove_dir_all(work.top().join(".git/objects")).unwrap();
    fs::create_dir(work.top().join(".git/objects")).unwrap();
    assert_eq!(run(&["post-commit"], "work/repo").stdout, "");
    assert_eq!(told(&work).len(), 0);
    let notes = fs::read_to_string(work.sandbox.journal().join("diagnostics.log")).unwrap();
    assert!(notes.contains("\"what\":\"hook\""), "{notes}");
}

#[test]
fn disabled_sdk_tells_nothing() {
    let work = hooked(Work::new());
    work.commit("a", "1\n", "root");
    let none = work.sandbox.path("none");
    let words = format!(
        "OTEL_SDK_DISABLED=true OBS_HOME={} obs hook post-commit",
        none.display()
    );
    let mut shell = work.sandbox.command("sh");
    outcome(
        &shell
            .current_dir(work.top())
            .args(["-c", &words])
            .output()
            .unwrap(),
    )
    .quiet();
    assert!(!none.exists());
}

#[test]
fn commit_of_a_disabled_sdk_is_told_by_no_later_hook() {
    let work = hooked(Work::new());
    work.commit("a", "1\n", "root");
    let mut git = work.sandbox.command("git");
    git.current_dir(work.top()).env("OTEL_SDK_DISABLED", "true");
    let words = ["commit", "-q", "--allow-empty", "-m", "hidden"];
    outcome(&git.args(words).output().unwrap()).quiet();
    work.commit("a", "2\n", "next");
    let mut seen = 0;
    assert_eq!(news(&work, &mut seen), "commit: root | commit: next");
}

#[test]
fn index_that_git_names_is_not_read() {
    let work = hooked(Work::new());
    work.commit("a", "1\n", "root");
    let before = told(&work).len();
    let trap = work.sandbox.path("tmp/index");
    fs::write(&trap, "no index").unwrap();
    fs::set_permissions(&trap, fs::Permissions::from_mode(0o000)).unwrap();
    executable(
        &work.top().join(".git/hooks/post-commit"),
        &format!(
            "#!/bin/sh\nGIT_INDEX_FILE={} exec obs hook post-commit\n",
            trap.display()
        ),
    );
    work.commit("b", "1\n", "next");
    assert_eq!(told(&work).len(), before + 1);
}

/// The file of the commits that were told.
fn ids(work: &Work) -> PathBuf {
    let ledger = fs::read_dir(work.sandbox.journal().join("ledger")).unwrap();
    ledger
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|end| end == "ids"))
        .unwrap()
}

#[test]
fn crash_is_not_told_twice_behind_an_event_of_an_older_time() {
    let work = Work::new();
    work.commit("a", "1\n", "root");
    hook(&work, &["post-commit"]).quiet();
    let ids = ids(&work);
    let active = work.sandbox.journal().join("events.log");
    let line = fs::read_to_string(&active).unwrap();
    let head = format!("{} {} 0\n", work.head(), line.len());
    fs::write(ids.with_extension("pending"), head + &line).unwrap();
    fs::write(&ids, "").unwrap();
    // the event is in a sealed file; what happened to a board is told with the time of its commit
    let sealed = work.sandbox.journal().join("sealed/events-00000001.jsonl");
    fs::rename(&active, sealed).unwrap();
    let (before, after) = line.split_once("evt_").unwrap();
    let older = format!("{before}evt_00{}", &after[2..]);
    fs::write(&active, &older).unwrap();
    hook(&work, &["post-commit"]).quiet();
    assert_eq!(fs::read_to_string(&active).unwrap(), older);
    assert_eq!(
        fs::read_to_string(&ids).unwrap(),
        format!("{}\n", work.head())
    );
}

#[test]
fn crash_between_two_steps_tells_once() {
    let work = Work::new();
    work.commit("a", "1\n", "root");
    let run = || {
        hook(&work, &["post-commit"]).quiet();
    };
    run();
    let ids = ids(&work);
    let pending = ids.with_extension("pending");
    let line = fs::read(work.sandbox.journal().join("events.log")).unwrap();
    let whole = [
        format!("{} {} 0\n", work.head(), line.len()).as_bytes(),
        &line,
    ]
    .concat();
    // after the journal, before the id
    fs::write(&pending, &whole).unwrap();
    fs::write(&ids, "").unwrap();
    run();
    assert_eq!(told(&work).len(), 1);
    assert_eq!(
        fs::read_to_string(&ids).unwrap(),
        format!("{}\n", work.head())
    );
    assert!(!pending.exists());
    // before the journal
    fs::write(&pending, &whole).unwrap();
    fs::write(&ids, "").unwrap();
    fs::remove_file(work.sandbox.journal().join("events.log")).unwrap();
    run();
    assert_eq!(told(&work).len(), 1);
    assert_eq!(
        fs::read(work.sandbox.journal().join("events.log")).unwrap(),
        line
    );
    // in the middle of the note: nothing was told, so it is told now
    fs::write(&pending, &whole[..whole.len() / 2]).unwrap();
    fs::write(&ids, "").unwrap();
    fs::remove_file(work.sandbox.journal().join("events.log")).unwrap();
    run();
    assert_eq!(told(&work).len(), 1);
    assert!(!pending.exists());
}

#[test]
fn commits_that_nothing_kept_are_told_by_the_next_hook() {
    let work = hooked(Work::new());
    work.commit("a", "1\n", "root");
    let unseen = ["-c", "core.hooksPath=/dev/null", "commit", "-q"];
    for name in [
        "a long one, whose lines are longer than those of the next",
        "two",
    ] {
        work.git(&[&unseen[..], &["--allow-empty", "-m", name]].concat());
    }
    // neither the journal nor a place to spill can be written
    let [active, aside, spill] =
        ["events.log", "aside", "spill"].map(|name| work.sandbox.journal().join(name));
    fs::rename(&active, &aside).unwrap();
    fs::create_dir(&active).unwrap();
    let _ = fs::remove_dir(&spill);
    fs::write(&spill, "").unwrap();
    let mut obs = work.sandbox.command("obs");
    obs.current_dir(work.top()).env("TMPDIR", &spill);
    outcome(&obs.args(["hook", "post-commit"]).output().unwrap()).quiet();
    fs::remove_dir(&active).unwrap();
    fs::rename(&aside, &active).unwrap();
    fs::remove_file(&spill).unwrap();
    let mut seen = 0;
    assert_eq!(news(&work, &mut seen), "commit: root");
    work.git(&["commit", "-q", "--allow-empty", "-m", "three"]);
    assert_eq!(
        news(&work, &mut seen),
        "commit: a long one, whose lines are longer than those of the next | commit: two | commit: three"
    );
}

#[test]
fn ledger_of_commits_stays_small() {
    let work = Work::new();
    work.commit("a", "1\n", "root");
    let run = || {
        hook(&work, &["post-commit"]).quiet();
    };
    run();
    let ids = ids(&work);
    let full: String = (0..512).map(|n| format!("{n:040x}\n")).collect();
    fs::write(&ids, [full, format!("{}\n", work.head())].concat()).unwrap();
    work.commit("b", "1\n", "next");
    run();
    assert_eq!(
        fs::read_to_string(&ids).unwrap(),
        format!("{}\n", work.head())
    );
    work.git(&["reset", "-q", "--hard", "HEAD~1"]);
    run(); // known from the older file
    assert_eq!(told(&work).len(), 2);
}

#[test]
fn many_hooks_at_once_tell_a_commit_once() {
    let work = Work::new();
    work.commit("a", "1\n", "root");
    let start = || {
        let mut obs = work.sandbox.command("obs");
        obs.env("OBS_LOCK_TIMEOUT", "10000").current_dir(work.top());
        obs.args(["hook", "post-commit"]).spawn().unwrap()
    };
    let all: Vec<_> = (0..24).map(|_| start()).collect();
    for mut hook in all {
        assert!(hook.wait().unwrap().success());
    }
    assert_eq!(told(&work).len(), 1);
}

#[test]
fn secret_in_a_message_is_not_kept() {
    let work = hooked(Work::new());
    let token = format!("ghp_{}", "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3z0A");
    work.commit(
        "a",
        "1\n",
        &format!("use {token}\n\nbody\n\nToken: {token}"),
    );
    let all = told(&work);
    assert_eq!(all.len(), 1);
    assert!(!all[0].to_string().contains("aB3dE5fG7h"), "{}", all[0]);
}
