//! `obs hook install`, `uninstall` and `status`: what is there is chained, and given back byte for byte.

use super::{executable, hook, news, told};
use crate::git::Work;
use crate::sandbox::{Outcome, outcome};
use serde_json::{Value, json};
use snapbox::{assert_data_eq, str};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

/// Every file below a folder: its mode, and its bytes or where it links to.
fn all(folder: &Path) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let meta = fs::symlink_metadata(&path).unwrap();
        let bytes = match (meta.is_symlink(), meta.is_dir()) {
            (true, _) => fs::read_link(&path)
                .unwrap()
                .into_os_string()
                .into_encoded_bytes(),
            (_, true) => Vec::new(),
            _ => fs::read(&path).unwrap(),
        };
        if meta.is_dir() {
            found.extend(all(&path));
        }
        found.insert(path, (meta.permissions().mode(), bytes));
    }
    found
}

#[track_caller]
fn install(work: &Work) -> String {
    let done = hook(work, &["install"]);
    assert_eq!(done.code, 0, "{}", done.shown());
    done.stdout
}

/// What the hooks of a test wrote.
fn log(work: &Work) -> String {
    let log = work.sandbox.path("tmp/log");
    let text = fs::read_to_string(&log).unwrap_or_default();
    let _ = fs::remove_file(log);
    text
}

/// Installs over what is there, commits, uninstalls: the earlier hook ran as if we were not there, the commit was told,
/// and everything is as it was.
#[track_caller]
fn chains(work: &Work, folder: &str, expected: &str) {
    let before = all(&work.top().join(folder));
    let mut seen = told(work).len();
    work.commit("a", seen.to_string(), "alone");
    assert_eq!(log(work), expected, "without us");
    install(work);
    assert!(
        hook(work, &["install"])
            .quiet()
            .stdout
            .ends_with("nothing to do\n")
    );
    work.commit("a", format!("{seen}+"), "chained");
    assert_eq!(news(work, &mut seen), "commit: chained");
    assert_eq!(log(work), expected, "with us");
    hook(work, &["uninstall"]).quiet();
    let after = all(&work.top().join(folder));
    assert_eq!(
        after.keys().collect::<Vec<_>>(),
        before.keys().collect::<Vec<_>>()
    );
    assert_eq!(after, before);
    work.commit("a", format!("{seen}++"), "alone again");
    assert_eq!(log(work), expected);
    assert_eq!(news(work, &mut seen), "");
}

/// A repository whose hooks may write to `$LOG`.
fn logging() -> Work {
    let mut work = Work::new();
    let log = work.sandbox.path("tmp/log");
    work.sandbox = work.sandbox.with("LOG", log.to_str().unwrap());
    work
}

fn in_hooks(work: &Work, name: &str) -> PathBuf {
    work.top().join(".git/hooks").join(name)
}

/// Status, output and errors, with a name for the folder of the hooks.
fn shown(work: &Work, outcome: &Outcome) -> String {
    let folder = work.top().join(".git/hooks").display().to_string();
    outcome.shown().replace(&folder, "[HOOKS]")
}

#[test]
fn installed_and_taken_out_again() {
    let work = Work::new();
    fs::remove_dir_all(work.top().join(".git/hooks")).unwrap();
    assert_data_eq!(
        shown(&work, &hook(&work, &["install"])),
        str![[r#"
exit 0
--- stdout
[HOOKS]/post-checkout: installed
[HOOKS]/post-commit: installed
[HOOKS]/post-merge: installed
[HOOKS]/post-rewrite: installed
--- stderr

"#]]
    );
    work.commit("a", "1\n", "root");
    assert_eq!(told(&work).len(), 1);
    assert_data_eq!(
        shown(&work, &hook(&work, &["uninstall"])),
        str![[r#"
exit 0
--- stdout
[HOOKS]/post-checkout: removed
[HOOKS]/post-commit: removed
[HOOKS]/post-merge: removed
[HOOKS]/post-rewrite: removed
--- stderr

"#]]
    );
    assert!(!work.top().join(".git/hooks").exists());
    assert!(
        hook(&work, &["uninstall"])
            .quiet()
            .stdout
            .ends_with("nothing to do\n")
    );
}

#[test]
fn status_tells_what_stands_where() {
    let work = Work::new();
    install(&work);
    let state: Value = serde_json::from_str(&hook(&work, &["status"]).quiet().stdout).unwrap();
    let folder = work.top().join(".git/hooks");
    assert_eq!(
        (&state["global"], &state["folder"]),
        (&json!(false), &json!(folder))
    );
    assert_eq!(
        state["hooks"][1],
        json!({"name": "post-commit", "installed": true, "state": "installed"})
    );
    executable(&in_hooks(&work, "post-merge"), "#!/bin/sh\n");
    fs::remove_file(in_hooks(&work, "post-rewrite")).unwrap();
    assert_data_eq!(
        shown(&work, &hook(&work, &["status", "--human"])),
        str![[r#"
exit 1
--- stdout
[HOOKS]
post-checkout  installed
post-commit    installed
post-merge     not installed; another hook is there
post-rewrite   not installed
--- stderr

"#]]
    );
}

#[test]
fn plain_hook_runs_first() {
    let work = logging();
    executable(
        &in_hooks(&work, "post-commit"),
        "#!/bin/sh\necho \"$# ${0##*/}\" >>\"$LOG\"\n",
    );
    chains(&work, ".git/hooks", "0 post-commit\n");
    let script = "#!/usr/bin/env bash\necho \"$(dirname \"$0\")\" >>\"$LOG\"\n";
    executable(&in_hooks(&work, "post-commit"), script);
    fs::set_permissions(
        in_hooks(&work, "post-commit"),
        fs::Permissions::from_mode(0o710),
    )
    .unwrap();
    chains(&work, ".git/hooks", ".git/hooks\n");
}

#[test]
fn hook_that_git_ignores_stays_ignored() {
    let work = logging();
    fs::write(
        in_hooks(&work, "post-commit"),
        "#!/bin/sh\necho ran >>\"$LOG\"\n",
    )
    .unwrap();
    chains(&work, ".git/hooks", "");
    fs::remove_file(in_hooks(&work, "post-commit")).unwrap();
    symlink("nowhere", in_hooks(&work, "post-commit")).unwrap();
    chains(&work, ".git/hooks", "");
}

#[test]
fn dispatchers_see_their_own_name() {
    let work = logging();
    // as overcommit has it, in another language
    let script = "#!/usr/bin/env python3\nimport os, sys\n\
        open(os.environ['LOG'], 'a').write(os.path.basename(sys.argv[0]) + '\\n')\n";
    executable(&in_hooks(&work, "post-commit"), script);
    chains(&work, ".git/hooks", "post-commit\n");
    fs::remove_file(in_hooks(&work, "post-commit")).unwrap();
    executable(
        &work.top().join("dispatch"),
        "#!/bin/sh\necho \"for ${0##*/}\" >>\"$LOG\"\n",
    );
    symlink("../../dispatch", in_hooks(&work, "post-commit")).unwrap();
    chains(&work, ".git/hooks", "for post-commit\n");
    fs::remove_file(in_hooks(&work, "post-commit")).unwrap();
    executable(
        &in_hooks(&work, "all"),
        "#!/bin/sh\necho \"all: $1\" >>\"$LOG\"\n",
    );
    let both = "#!/bin/bash\n\"$(dirname \"$0\")/all\" \"$(basename \"$0\")\"\n";
    executable(&in_hooks(&work, "post-commit"), both);
    chains(&work, ".git/hooks", "all: post-commit\n");
}

#[test]
fn husky_9_is_chained() {
    let work = logging();
    let h = "#!/usr/bin/env sh\nn=$(basename \"$0\")\ns=$(dirname \"$(dirname \"$0\")\")/$n\n\
        [ ! -f \"$s\" ] && exit 0\n[ \"${HUSKY-}\" = \"0\" ] && exit 0\nsh -e \"$s\" \"$@\"\nc=$?\nexit $c\n";
    for name in ["post-commit", "post-merge", "pre-commit"] {
        let stub = "#!/usr/bin/env sh\n. \"$(dirname \"$0\")/h\"";
        executable(&work.top().join(".husky/_").join(name), stub);
    }
    work.write(".husky/_/h", h);
    work.write(".husky/_/.gitignore", "*");
    work.write(".husky/post-commit", "echo husky >>\"$LOG\"\n");
    work.git(&["config", "core.hooksPath", ".husky/_"]);
    chains(&work, ".husky", "husky\n");
    // `npm install` writes all stubs anew
    install(&work);
    executable(
        &work.top().join(".husky/_/post-commit"),
        "#!/usr/bin/env sh\n. \"$(dirname \"$0\")/h\"",
    );
    assert_eq!(hook(&work, &["status"]).code, 1);
    fs::create_dir(work.top().join("below")).unwrap();
    let again = work.obs_at(&work.top().join("below"), &["hook", "install"]);
    assert!(
        again
            .quiet()
            .stdout
            .contains("post-commit: installed; runs the hook")
    );
    let mut seen = told(&work).len();
    work.commit("b", "1\n", "after npm install");
    assert_eq!(
        (news(&work, &mut seen).as_str(), log(&work).as_str()),
        ("commit: after npm install", "husky\n")
    );
}

#[test]
fn husky_8_is_chained() {
    let work = logging();
    let husky = "#!/usr/bin/env sh\nif [ -z \"$husky_skip_init\" ]; then\n  readonly hook_name=\"$(basename -- \"$0\")\"\n  \
        export readonly husky_skip_init=1\n  sh -e \"$0\" \"$@\"\n  exitCode=\"$?\"\n  exit $exitCode\nfi\n";
    work.write(".husky/_/husky.sh", husky);
    let script =
        "#!/usr/bin/env sh\n. \"$(dirname -- \"$0\")/_/husky.sh\"\n\necho husky8 >>\"$LOG\"\n";
    executable(&work.top().join(".husky/post-commit"), script);
    work.git(&["config", "core.hooksPath", ".husky"]);
    chains(&work, ".husky", "husky8\n");
    assert!(
        hook(&work, &["install"])
            .stderr
            .contains("is in the work tree")
    );
}

#[test]
fn hooks_that_pre_commit_and_lefthook_write_are_chained() {
    let work = logging();
    executable(
        &work.sandbox.path("bin/pre-commit"),
        "#!/bin/sh\necho \"$*\" >>\"$LOG\"\n",
    );
    let pre_commit = "#!/usr/bin/env bash\n# File generated by pre-commit: https://pre-commit.com\nINSTALL_PYTHON=/none\n\
        ARGS=(hook-impl --config=.pre-commit-config.yaml --hook-type=post-commit)\n\
        HERE=\"$(cd \"$(dirname \"$0\")\" && pwd)\"\nARGS+=(--hook-dir \"$HERE\" -- \"$@\")\n\
        if [ -x \"$INSTALL_PYTHON\" ]; then\n    exec \"$INSTALL_PYTHON\" -mpre_commit \"${ARGS[@]}\"\n\
        elif command -v pre-commit > /dev/null; then\n    exec pre-commit \"${ARGS[@]}\"\nfi\n";
    executable(&in_hooks(&work, "post-commit"), pre_commit);
    let hooks = work.top().join(".git/hooks");
    let ran = format!(
        "hook-impl --config=.pre-commit-config.yaml --hook-type=post-commit --hook-dir {} --\n",
        hooks.display()
    );
    chains(&work, ".git/hooks", &ran);
    let lefthook = "#!/bin/sh\nif [ \"$LEFTHOOK\" = \"0\" ]; then exit 0; fi\ncall_lefthook()\n{\n  \
        dir=\"$(git rev-parse --show-toplevel)\"\n  echo \"lefthook $* in ${dir##*/}\" >>\"$LOG\"\n}\ncall_lefthook run \"post-commit\" \"$@\"\n";
    executable(&in_hooks(&work, "post-commit"), lefthook);
    chains(&work, ".git/hooks", "lefthook run post-commit in repo\n");
}

#[test]
fn launcher_moved_by_another_tool_still_records() {
    // pre-commit keeps a hook that it finds as `.legacy`, and runs it
    let work = logging();
    executable(
        &in_hooks(&work, "post-commit"),
        "#!/bin/sh\necho first >>\"$LOG\"\n",
    );
    install(&work);
    fs::rename(
        in_hooks(&work, "post-commit"),
        in_hooks(&work, "post-commit.legacy"),
    )
    .unwrap();
    executable(
        &in_hooks(&work, "post-commit"),
        "#!/bin/sh\n\"$0.legacy\"\n",
    );
    work.commit("a", "1\n", "moved");
    let mut seen = 0;
    assert_eq!(
        (news(&work, &mut seen).as_str(), log(&work).as_str()),
        ("commit: moved", "first\n")
    );
    let left = hook(&work, &["uninstall"]).quiet().stdout;
    assert!(left.contains("post-commit: not ours any more"), "{left}");
    let refused = hook(&work, &["install"]);
    assert_eq!(refused.code, 3, "{}", refused.shown());
    assert!(
        refused
            .stderr
            .contains("was kept when obs was installed, and the hook has changed since"),
        "{}",
        refused.shown()
    );
    assert!(!in_hooks(&work, "post-checkout").exists());
}

#[test]
fn arguments_input_and_status_are_the_earlier_hooks() {
    let work = logging();
    for name in ["post-rewrite", "post-checkout", "post-merge"] {
        let script = "#!/bin/sh\necho \"${0##*/} $*\" >>\"$LOG\"\n\
            [ \"${0##*/}\" = post-rewrite ] && cat >>\"$LOG\"\nexit 7\n";
        executable(&in_hooks(&work, name), script);
    }
    install(&work);
    work.commit("a", "1\n", "root");
    let first = work.head();
    work.git(&["commit", "-q", "--amend", "-m", "better"]);
    assert_eq!(
        log(&work),
        format!("post-rewrite amend\n{first} {}\n", work.head())
    );
    let id = work.head();
    let checkout = || work.try_git(&["checkout", "-q", "main"]).code;
    let with_us = checkout();
    assert_eq!(log(&work), format!("post-checkout {id} {id} 1\n"));
    hook(&work, &["uninstall"]).quiet();
    assert_eq!((with_us, checkout()), (1, 1)); // so git says it
}

#[test]
fn without_obs_only_the_earlier_hook_runs() {
    let work = logging();
    executable(
        &in_hooks(&work, "post-commit"),
        "#!/bin/sh\necho ran >>\"$LOG\"\nexit 3\n",
    );
    install(&work);
    let hook = in_hooks(&work, "post-commit");
    let text = fs::read_to_string(&hook).unwrap();
    assert!(text.contains("\nprogram='/"), "{text}");
    let program = text
        .lines()
        .find(|line| line.starts_with("program="))
        .unwrap();
    fs::write(&hook, text.replace(program, "program='/none'")).unwrap();
    fs::remove_file(work.sandbox.path("bin/obs")).unwrap();
    let run = |name: &str| {
        let mut hook = work.sandbox.command(in_hooks(&work, name));
        outcome(&hook.current_dir(work.top()).output().unwrap())
    };
    assert_eq!(
        run("post-commit").shown(),
        "exit 3\n--- stdout\n--- stderr\n"
    );
    // the program that installed is found without PATH
    run("post-merge").quiet();
    fs::write(&hook, text).unwrap();
    work.commit("a", "1\n", "root");
    assert_eq!(log(&work), "ran\nran\n");
    symlink(crate::sandbox::program(), work.sandbox.path("bin/obs")).unwrap();
    assert_eq!(told(&work).len(), 1);
}

#[test]
fn other_program_of_our_name_is_not_run() {
    // OBS Studio's is called obs too
    let work = logging();
    install(&work);
    let other = work.sandbox.path("bin/obs");
    fs::remove_file(&other).unwrap();
    executable(&other, "#!/bin/sh\necho studio >>\"$LOG\"\n");
    work.commit("a", "1\n", "root");
    assert_eq!(log(&work), "");
    fs::remove_file(&other).unwrap();
    symlink(crate::sandbox::program(), &other).unwrap();
    let mut seen = 0;
    assert_eq!(news(&work, &mut seen), "commit: root");
    // the recorded one is gone, PATH has another
    let hook = in_hooks(&work, "post-commit");
    let text = fs::read_to_string(&hook).unwrap();
    let moved: Vec<_> = text
        .lines()
        .map(|line| match line.starts_with("program=") {
            true => "program='/none'",
            false => line,
        })
        .collect();
    fs::write(&hook, moved.join("\n") + "\n").unwrap();
    work.commit("a", "2\n", "moved");
    assert_eq!(news(&work, &mut seen), "commit: moved");
}

#[test]
fn older_launcher_is_brought_up_to_date() {
    let work = logging();
    let hook = in_hooks(&work, "post-commit");
    executable(&hook, "#!/bin/sh\necho ran >>\"$LOG\"\n");
    install(&work);
    let fresh = fs::read_to_string(&hook).unwrap();
    let record = fresh.find("record() {").unwrap();
    let end = record + fresh[record..].find("\n}\n").unwrap();
    let old = "record() {\n  command -v obs >/dev/null && obs hook \"$hook\" \"$@\"";
    let old = [&fresh[..record], old, &fresh[end..]].concat();
    fs::write(&hook, old).unwrap();
    let said = install(&work);
    assert!(
        said.ends_with("post-commit: brought up to date\n"),
        "{said}"
    );
    assert_eq!(fs::read_to_string(&hook).unwrap(), fresh);
    work.commit("a", "1\n", "root");
    assert_eq!((log(&work).as_str(), told(&work).len()), ("ran\n", 1));
}

#[test]
fn all_work_trees_share_the_hooks() {
    let work = Work::new();
    work.commit("a", "1\n", "root");
    work.git(&["worktree", "add", "-q", "-b", "other", "../linked"]);
    let linked = work.at("linked");
    let said = install(&linked);
    assert!(
        said.contains("repo/.git/hooks/post-commit: installed"),
        "{said}"
    );
    linked.commit("b", "1\n", "linked");
    let main = linked.at("repo");
    main.commit("c", "1\n", "main");
    let mut seen = 0;
    assert_eq!(news(&main, &mut seen), "commit: linked | commit: main");
}

#[test]
fn what_cannot_be_done_is_said_and_not_half_done() {
    let work = Work::new();
    let outside = work.obs_at(&work.sandbox.path("tmp"), &["hook", "install"]);
    assert_data_eq!(
        outside
            .shown()
            .replace(work.sandbox.path("").to_str().unwrap(), "[DIR]/"),
        str![[r#"
exit 2
--- stdout
--- stderr
obs: no git repository here: [DIR]/tmp: git refuses: not a git repository (or any of the parent directories): .git
hint: go into one, or use --global for all of them

"#]]
    );
    executable(&in_hooks(&work, "post-checkout"), "#!/bin/sh\n");
    fs::create_dir(in_hooks(&work, "post-merge")).unwrap();
    let before = all(&work.top().join(".git/hooks"));
    let refused = hook(&work, &["install"]);
    assert_eq!(refused.code, 3, "{}", refused.shown());
    assert!(
        refused
            .stderr
            .contains("post-merge is a folder\nhint: nothing was changed"),
        "{}",
        refused.shown()
    );
    assert_eq!(all(&work.top().join(".git/hooks")), before);
    fs::remove_dir_all(work.top().join(".git/hooks")).unwrap();
    fs::write(work.top().join(".git/hooks"), "a file").unwrap();
    assert_eq!(hook(&work, &["install"]).code, 3);
    assert_eq!(fs::read(work.top().join(".git/hooks")).unwrap(), b"a file");
}

#[test]
fn interrupted_installation_is_finished_by_the_next() {
    let work = logging();
    executable(
        &in_hooks(&work, "post-commit"),
        "#!/bin/sh\necho ran >>\"$LOG\"\n",
    );
    let before = all(&work.top().join(".git/hooks"));
    // the second name is there, ours not yet
    fs::hard_link(
        in_hooks(&work, "post-commit"),
        in_hooks(&work, "post-commit.obs-earlier"),
    )
    .unwrap();
    install(&work);
    work.commit("a", "1\n", "one");
    assert_eq!(log(&work), "ran\n");
    // somebody deletes ours
    fs::remove_file(in_hooks(&work, "post-commit")).unwrap();
    install(&work);
    work.commit("a", "2\n", "two");
    assert_eq!((log(&work).as_str(), told(&work).len()), ("ran\n", 2));
    hook(&work, &["uninstall"]).quiet();
    assert_eq!(all(&work.top().join(".git/hooks")), before);
}

#[test]
fn launcher_is_safe_in_every_shell() {
    let work = logging();
    executable(
        &in_hooks(&work, "post-commit"),
        "#!/bin/sh\necho \"<$*>\" >>\"$LOG\"\n",
    );
    install(&work);
    work.git(&["commit", "-q", "--allow-empty", "-m", "x"]);
    log(&work);
    for shell in ["dash", "bash", "busybox ash", "mksh"] {
        let mut words = shell.split(' ');
        let program = words.next().unwrap();
        if !crate::sandbox::have(program) {
            continue;
        }
        let mut run = work.sandbox.command(program);
        run.args(words)
            .args(["-eu", ".git/hooks/post-commit", "a b", "*"]);
        outcome(&run.current_dir(work.top()).output().unwrap()).quiet();
        assert_eq!(log(&work), "<a b *>\n", "{shell}");
    }
}
