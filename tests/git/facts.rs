//! What a commit says and changes, read by us and by git.

use super::Work;
use crate::sandbox::outcome;
use obs::git::{Commit, Repo};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};

/// Paths, and lines added and removed, as git counts them against the first parent.
#[track_caller]
fn same_as_git(work: &Work, id: &str) -> Commit {
    let commit = work.repo().commit(id).unwrap();
    let changes = commit.changes.clone().unwrap();
    let old = match commit.parents.first() {
        Some(parent) => parent.clone(),
        None => work
            .git(&["hash-object", "-t", "tree", "/dev/null"])
            .trim()
            .to_owned(),
    };
    let names = work
        .sandbox
        .command("git")
        .current_dir(work.top())
        .args([
            "diff-tree",
            "-r",
            "-z",
            "--no-renames",
            "--name-only",
            &old,
            id,
        ])
        .output()
        .unwrap()
        .stdout;
    let names: Vec<&[u8]> = names
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty())
        .collect();
    let files: Vec<&[u8]> = changes.files.iter().map(Vec::as_slice).collect();
    assert_eq!(files, names, "{id}");
    assert_eq!(changes.count, names.len() as u64);
    let numstat = work.git(&["diff-tree", "-r", "--numstat", "-M100%", &old, id]);
    let sum = |column: usize| -> u64 {
        let numbers = numstat
            .lines()
            .map(|line| line.split('\t').nth(column).unwrap());
        numbers.map(|number| number.parse().unwrap_or(0)).sum()
    };
    assert_eq!(changes.lines, Some((sum(0), sum(1))), "{id}: {numstat}");
    same_words(work, &commit);
    commit
}

/// People, times, parents and message, as git prints them.
#[track_caller]
fn same_words(work: &Work, commit: &Commit) {
    let said = work.git(&[
        "log",
        "-1",
        "--format=%an%n%ae%n%at%n%cn%n%ce%n%ct%n%P%n%B",
        &commit.sha,
    ]);
    let person = |person: &obs::git::Person| {
        format!(
            "{}\n{}\n{}",
            person.name,
            person.email,
            person.time / 1_000_000_000
        )
    };
    let ours = [
        person(&commit.author),
        person(&commit.committer),
        commit.parents.join(" "),
        commit.message.clone(),
    ];
    assert_eq!(
        ours.join("\n").trim_end(),
        said.trim_end(),
        "{}",
        commit.sha
    );
}

#[test]
fn every_commit_of_a_lively_history_is_told_as_git_tells_it() {
    let work = Work::new();
    work.commit("a.txt", "one\ntwo\nthree\n", "root\n\nwith a body");
    work.commit("dir/deep/b.txt", "x\n".repeat(40), "second");
    work.git(&["mv", "dir/deep/b.txt", "moved.txt"]);
    work.commit("a.txt", "one\n2\nthree", "move whole, and change");
    work.commit("binary", b"\0\x01\x02".repeat(99), "binary");
    work.commit("binary", b"\0\x03".repeat(99), "binary again");
    fs::remove_file(work.top().join("binary")).unwrap();
    work.commit("binary/now-a-folder", "y\n", "file becomes folder");
    fs::remove_dir_all(work.top().join("binary")).unwrap();
    work.commit("binary", "z\n", "folder becomes file");
    symlink("a.txt", work.top().join("link")).unwrap();
    work.commit("a.txt", "one\r\n2\r\nthree\r\n", "link");
    fs::remove_file(work.top().join("link")).unwrap();
    work.commit("link", "a regular file\n", "link becomes file");
    fs::set_permissions(work.top().join("a.txt"), fs::Permissions::from_mode(0o755)).unwrap();
    work.commit("empty", "", "mode only, and an empty file");
    work.commit("naïve name\n with \"quotes\"", "ü\n", "names");
    fs::write(work.top().join(OsStr::from_bytes(b"not-\xff-utf8")), "n\n").unwrap();
    work.commit("empty", "", "nothing else");
    work.git(&[
        "commit",
        "-q",
        "--allow-empty",
        "--allow-empty-message",
        "-m",
        "",
    ]);
    work.git(&["checkout", "-q", "-b", "side", "HEAD~2"]);
    work.commit("side", "s\n", "side");
    work.git(&["checkout", "-q", "main"]);
    work.git(&["merge", "-q", "--no-edit", "side"]);
    for id in work.git(&["rev-list", "HEAD"]).lines() {
        same_as_git(&work, id);
    }
    let merge = work.repo().commit(&work.head()).unwrap();
    assert!(merge.is_merge());
    assert_eq!(merge.changes.unwrap().files, [b"side"]);
    // the same out of a pack
    work.git(&["gc", "-q"]);
    for id in work.git(&["rev-list", "HEAD"]).lines() {
        same_as_git(&work, id);
    }
}

#[test]
fn edits_of_a_long_file_count_as_git_counts_them() {
    let work = Work::new();
    let mut state = 7_u64;
    let mut random = |below: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) % below
    };
    let mut lines: Vec<String> = (0..800).map(|n| format!("line {}", n % 37)).collect();
    work.commit("long", lines.join("\n"), "start");
    for round in 0..12 {
        for _ in 0..60 {
            let at = random(lines.len() as u64 - 1) as usize;
            match random(3) {
                0 => drop(lines.remove(at)),
                1 => lines.insert(at, format!("new {}", random(9))),
                _ => lines[at] = format!("line {}", random(37)),
            }
        }
        let id = work.commit("long", lines.join("\n"), &format!("round {round}"));
        same_as_git(&work, &id);
    }
}

#[test]
fn trailers_are_those_that_git_parses() {
    let work = Work::new();
    let messages = [
        "t\n\nbody\n\nSigned-off-by: A <a@x>\nTask: TASK-1\n",
        "t\n\nCo-authored-by: B <b@x>\n  folded on\n\tand on\nReviewed-By : C\n",
        "t\n\nbody: not\nreally a trailer\n",
        "t\n\nprose here\nmore prose\nSigned-off-by: A <a@x>\n",
        "t\n\n1\n2\n3\n4\n5\n6\nSigned-off-by: A <a@x>\n",
        "Fix: title only\n",
        "Fix: title\nSigned-off-by: A <a@x>\n",
        "t\n\nKey:value\nEmpty:\nno_underscore: x\n",
        "t\n\nKey-1: a:b\n(cherry picked from commit abc)\n",
        "t\n\nA: b\n\n\n",
        "t\n\nA: b\n---\nB: c\n",
        "t\n\n leading: space\nA: b\n",
        "t\n\nhttps://example.org/x\n",
        "t\n\nA: b\n\nClosing words.\n",
        "\n\nA: b\n",
        "",
    ];
    for message in messages {
        let tree = work.git(&["write-tree"]);
        let file = work.sandbox.path("work/message");
        fs::write(&file, message).unwrap();
        let id = work.git(&["commit-tree", tree.trim(), "-F", file.to_str().unwrap()]);
        let commit = work.repo().commit(id.trim()).unwrap();
        let ours: String = commit
            .trailers
            .iter()
            .map(|(key, value)| format!("{key}: {value}\n"))
            .collect();
        let words = [
            "interpret-trailers",
            "--parse",
            "--no-divider",
            file.to_str().unwrap(),
        ];
        assert_eq!(ours, work.git(&words), "{message:?}");
        assert_eq!(commit.changes.unwrap().count, 0);
    }
}

#[test]
fn ids_of_sha256_are_read() {
    let work = Work::init(&["init", "-q", "-b", "main", "--object-format=sha256"]);
    work.commit("a", "1\n", "root");
    let id = work.commit("b", "2\n", "next");
    assert_eq!(id.len(), 64);
    same_as_git(&work, &id);
    let head = work.repo().head().unwrap();
    assert_eq!(
        (head.commit, head.name.as_deref()),
        (Some(id), Some("refs/heads/main"))
    );
}

#[test]
fn head_is_told_in_every_state() {
    let work = Work::new();
    let unborn = work.repo().head().unwrap();
    assert_eq!(
        (unborn.commit.clone(), unborn.branch()),
        (None, Some("main"))
    );
    let root = work.commit("a", "1\n", "root");
    assert_eq!(work.repo().head().unwrap().commit, Some(root.clone()));
    work.git(&["checkout", "-q", "-b", "feature/x"]);
    work.git(&["pack-refs", "--all"]);
    let packed = work.repo().head().unwrap();
    assert_eq!(
        (packed.commit.as_ref(), packed.branch()),
        (Some(&root), Some("feature/x"))
    );
    work.git(&["checkout", "-q", "--detach"]);
    let detached = work.repo().head().unwrap();
    assert_eq!((detached.commit, detached.name), (Some(root), None));
    assert!(
        Repo::open(&work.sandbox.path("tmp"), None)
            .unwrap()
            .is_none()
    );
}

#[test]
fn linked_work_tree_has_its_own_head() {
    let work = Work::new();
    work.commit("a", "1\n", "root");
    work.git(&["worktree", "add", "-q", "-b", "other", "../linked"]);
    let common = work.top().join(".git");
    let linked = work.at("linked");
    let id = linked.commit("b", "2\n", "in the linked one");
    same_as_git(&linked, &id);
    let repo = linked.repo();
    assert_eq!(repo.head().unwrap().branch(), Some("other"));
    assert_eq!(
        fs::canonicalize(repo.common_dir()).unwrap(),
        fs::canonicalize(&common).unwrap()
    );
    assert_eq!(repo.moves()[0].new, id);
    // as git runs a hook there
    let given = common.join("worktrees/linked");
    let named = Repo::open(linked.top(), Some(given.as_os_str()))
        .unwrap()
        .unwrap();
    assert_eq!(named.head().unwrap().commit, Some(id));
    assert_eq!(named.work_tree(), Some(linked.top().as_path()));
}

#[test]
fn submodule_counts_as_one_line() {
    let work = Work::new();
    work.commit("a", "1\n", "root");
    let id = work.head();
    let info = format!("160000,{id},sub");
    work.git(&["update-index", "--add", "--cacheinfo", &info]);
    work.git(&["commit", "-q", "-m", "a submodule"]);
    let commit = same_as_git(&work, &work.head());
    assert_eq!(commit.changes.unwrap().lines, Some((1, 0)));
}

#[test]
fn shallow_boundary_changes_nothing_that_is_known() {
    let work = Work::new();
    work.commit("a", "1\n", "root");
    work.commit("b", "2\n", "next");
    work.git(&[
        "clone",
        "-q",
        "--depth=1",
        &format!("file://{}", work.top().display()),
        "../shallow",
    ]);
    let shallow = work.at("shallow");
    let commit = shallow.repo().commit(&shallow.head()).unwrap();
    assert_eq!(commit.parents.len(), 1);
    assert_eq!(commit.changes, None);
    let id = shallow.commit("c", "3\n", "on top");
    same_as_git(&shallow, &id);
}

#[test]
fn borrowed_objects_and_many_packs_are_read() {
    let work = Work::new();
    for name in ["a", "b", "c"] {
        work.commit(name, "1\n", name);
        work.git(&["repack", "-q"]);
    }
    work.git(&["clone", "-q", "--shared", ".", "../shared"]);
    let shared = work.at("shared");
    shared.commit("d", "1\n", "d");
    for id in shared.git(&["rev-list", "HEAD"]).lines() {
        same_as_git(&shared, id);
    }
    let lender = shared.at("repo");
    lender.git(&["multi-pack-index", "write"]);
    same_as_git(&lender, &lender.head());
}

#[test]
fn files_of_a_folder_are_read_on_both_sides() {
    let work = Work::new();
    work.commit("sub/backlog/tasks/task-1 - One.md", "one\n", "first");
    work.commit("sub/backlog/tasks/task-2 - Zwei ü.md", "two\n", "second");
    work.git(&[
        "mv",
        "sub/backlog/tasks/task-1 - One.md",
        "sub/backlog/task-1 - One.md",
    ]);
    work.write("outside", "o\n");
    work.write("sub/backlog/big", vec![b'x'; 2 << 20]);
    let old = work.head();
    let id = work.commit("sub/backlog/tasks/task-2 - Zwei ü.md", "2\n", "third");
    let repo = work.repo();
    let blobs = repo.blobs(Some(&old), &id, b"sub/backlog").unwrap();
    let file = |path: &str, bytes: &str| (path.as_bytes().to_vec(), bytes.as_bytes().to_vec());
    let (one, two) = ("tasks/task-1 - One.md", "tasks/task-2 - Zwei ü.md");
    assert_eq!(blobs.before, [file(one, "one\n"), file(two, "two\n")]);
    assert_eq!(
        blobs.after,
        [file("task-1 - One.md", "one\n"), file(two, "2\n")]
    );
    assert_eq!(
        repo.tree(&id, b"sub/backlog/tasks/").unwrap(),
        [file("task-2 - Zwei ü.md", "2\n")]
    );
    assert_eq!(repo.tree(&id, b"nowhere").unwrap(), []);
    assert_eq!(repo.tree(&id, b"outside").unwrap(), []);
    assert_eq!(repo.blobs(None, &id, b"sub").unwrap().before, []);
    assert!(repo.commit("HEAD").is_err() && repo.commit(&"0".repeat(40)).is_err());
}

#[test]
fn huge_commit_is_told_in_part() {
    let work = Work::new();
    for at in 0..1_300 {
        work.write(&format!("many/{at:04}"), "x\n");
    }
    let id = work.commit("zzz", "z\n", "many");
    let changes = work.repo().commit(&id).unwrap().changes.unwrap();
    assert_eq!(
        (changes.files.len(), changes.count, changes.lines),
        (1_000, 1_301, None)
    );
    let id = work.commit("long", "y\n".repeat(2 << 20), "long");
    let changes = work.repo().commit(&id).unwrap().changes.unwrap();
    assert_eq!((changes.count, changes.lines), (1, None));
}

#[test]
fn lines_that_take_too_long_to_compare_are_not_counted() {
    let work = Work::new();
    let mut state = 1_u64;
    let mut text = || -> String {
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            state >> 56
        };
        (0..100_000).map(|_| format!("{}\n", next())).collect()
    };
    work.commit("mixed", text(), "one");
    let id = work.commit("mixed", text(), "two");
    let changes = work.repo().commit(&id).unwrap().changes.unwrap();
    assert_eq!((changes.count, changes.lines), (1, None));
}

#[test]
fn nothing_of_the_repositorys_is_run() {
    let work = Work::new();
    work.write(".gitattributes", "* diff=evil filter=evil\n");
    let trap = format!("touch {}", work.sandbox.path("tmp/ran").display());
    for key in [
        "diff.evil.textconv",
        "diff.evil.command",
        "filter.evil.smudge",
        "core.fsmonitor",
        "core.pager",
    ] {
        work.git(&["config", key, &trap]);
    }
    work.git(&[
        "-c",
        "core.fsmonitor=false",
        "commit",
        "-q",
        "--allow-empty",
        "-m",
        "x",
    ]);
    let mut obs = work.sandbox.command(crate::sandbox::program());
    outcome(
        &obs.current_dir(work.top())
            .args(["emit", "x.y"])
            .output()
            .unwrap(),
    )
    .quiet();
    work.repo().commit(&work.head()).unwrap();
    assert!(!work.sandbox.path("tmp/ran").exists());
}

#[test]
fn git_that_is_asked_checks_no_signature() {
    let work = Work::new();
    work.commit("a", "1\n", "root");
    let trap = work.sandbox.path("bin/gpg-of-the-repository");
    let ran = work.sandbox.path("tmp/ran");
    fs::write(&trap, format!("#!/bin/sh\ntouch {}\n", ran.display())).unwrap();
    fs::set_permissions(&trap, fs::Permissions::from_mode(0o755)).unwrap();
    for (key, value) in [
        ("core.repositoryformatversion", "1"),
        ("extensions.noop-v1", "true"),
        ("gpg.program", trap.to_str().unwrap()),
        ("log.showSignature", "true"),
    ] {
        work.git(&["config", key, value]);
    }
    let commit = work.git(&["cat-file", "commit", "HEAD"]);
    let signature = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----\n\n";
    let file = work.sandbox.path("tmp/commit");
    fs::write(&file, commit.replacen("\n\n", &format!("\n{signature}"), 1)).unwrap();
    let words = ["hash-object", "-t", "commit", "-w", file.to_str().unwrap()];
    let id = work.git(&words);
    work.git(&["update-ref", "-m", "commit: signed", "HEAD", id.trim()]);
    let moves = work.repo().moves();
    assert_eq!((moves.len(), moves[0].about.as_str()), (2, "signed"));
    assert!(!ran.exists());
}
