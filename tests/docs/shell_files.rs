//! Every shell file of the repository parses, is clean for shellcheck, and is formatted.

use super::root;
use crate::sandbox::{Sandbox, have, outcome};
use std::fs;
use std::path::{Path, PathBuf};

/// The shell files below a folder: by extension or first line. Build output, and the tree that is bad on purpose, are
/// left out.
fn shell_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = entry.file_name();
        let kind = entry.file_type().unwrap();
        if kind.is_dir()
            && !["target", ".git", "bad-house"]
                .iter()
                .any(|skipped| name == *skipped)
        {
            shell_files(&path, found);
        } else if kind.is_file() && dialect(&path).is_some() {
            found.push(path);
        }
    }
}

/// `bash` or `sh`; none where a file is for neither.
fn dialect(path: &Path) -> Option<&'static str> {
    let bytes = fs::read(path).ok()?;
    let first = bytes.split(|byte| *byte == b'\n').next()?;
    let first = String::from_utf8_lossy(first);
    let end = path.extension().and_then(|end| end.to_str());
    match first.strip_prefix("#!") {
        Some(shell) if shell.contains("bash") => Some("bash"),
        Some(shell) if shell.split(['/', ' ']).any(|word| word == "sh") => Some("sh"),
        Some(_) => None,
        None => match end {
            Some("bash") => Some("bash"),
            Some("sh") => Some("sh"),
            _ => None,
        },
    }
}

fn all() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in [
        ".ci",
        ".github",
        "hooks",
        "shell",
        "src",
        "tests",
        "observability",
    ] {
        shell_files(&root().join(folder), &mut found);
    }
    found.sort();
    found
}

#[test]
fn shell_files_are_found() {
    let all: Vec<PathBuf> = all()
        .iter()
        .map(|path| path.strip_prefix(root()).unwrap().to_owned())
        .collect();
    for known in [
        ".ci/run",
        "tests/run",
        "src/cli/demo/archive.sh",
        "tests/data/archive-tasks.sh",
    ] {
        assert!(
            all.contains(&PathBuf::from(known)),
            "{known} is not in {all:?}"
        );
    }
}

#[test]
fn shell_files_parse() {
    let sandbox = Sandbox::new();
    for file in all() {
        let shells: &[&str] = match dialect(&file) {
            Some("bash") => &["bash"],
            _ => &["bash", "dash", "busybox ash", "mksh", "zsh"],
        };
        for shell in shells {
            let mut words = shell.split(' ');
            let program = words.next().unwrap();
            if have(program) {
                let mut command = sandbox.command(program);
                outcome(&command.args(words).arg("-n").arg(&file).output().unwrap()).quiet();
            }
        }
    }
}

/// Runs a checker over all shell files, in the repository.
fn check(tool: &str, options: &[&str]) {
    if !have(tool) {
        return;
    }
    let mut command = Sandbox::new().command(tool);
    let ended = outcome(
        &command
            .current_dir(root())
            .args(options)
            .args(all())
            .output()
            .unwrap(),
    );
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (0, ""),
        "{}",
        ended.shown()
    );
}

#[test]
fn shell_files_pass_shellcheck() {
    check("shellcheck", &[]);
}

#[test]
fn shell_files_are_formatted() {
    check("shfmt", &["-i", "2", "-d"]);
}
