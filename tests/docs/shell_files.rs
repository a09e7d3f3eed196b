//! Every shell file of the repository parses, is clean for shellcheck, and is formatted.

use super::root;
use crate::sandbox::{Sandbox, have, outcome};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

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

/// `bash`, `fish`, `sh` or `zsh`; none where a file is for none of them.
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
            Some("fish") => Some("fish"),
            Some("sh") => Some("sh"),
            Some("zsh") => Some("zsh"),
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
        "hooks/launcher",
        "shell/obs.bash",
        "shell/obs.fish",
        "shell/obs.sh",
        "shell/obs.zsh",
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
        for shell in shells(&file) {
            let mut command = started(&sandbox, shell);
            outcome(&command.arg("-n").arg(&file).output().unwrap()).quiet();
        }
    }
}

/// Those shells for a file that are there. ksh93 is not among them: its `-n` wants other arithmetic than POSIX has.
fn shells(file: &Path) -> impl Iterator<Item = &'static str> {
    let all: &[&str] = match dialect(file) {
        Some("bash") => &["bash"],
        Some("fish") => &["fish"],
        Some("zsh") => &["zsh"],
        _ => &["bash", "dash", "busybox ash", "mksh", "zsh"],
    };
    let there = |shell: &&str| have(shell.split(' ').next().unwrap());
    all.iter().copied().filter(there)
}

/// A shell such as `busybox ash`.
fn started(sandbox: &Sandbox, shell: &str) -> Command {
    let mut words = shell.split(' ');
    let mut command = sandbox.command(words.next().unwrap());
    command.args(words);
    command
}

#[test]
fn functions_are_sourced_in_strict_modes() {
    for end in ["bash", "fish", "sh", "zsh"] {
        let file = root().join(format!("shell/obs.{end}"));
        let more: &[&str] = match end {
            "sh" => &["ksh93", "bash --posix", "zsh --emulate sh"],
            _ => &[],
        };
        let more = more.iter().copied();
        let more = more.filter(|shell| have(shell.split(' ').next().unwrap()));
        for shell in shells(&file).chain(more) {
            let strict = match shell {
                "fish" => "",
                "dash" => "set -eu; ",
                _ => "set -eu -o pipefail; ",
            };
            let sandbox = Sandbox::new();
            let text = format!("{strict}. '{0}'\n. '{0}'\necho alive\n", file.display());
            let mut command = started(&sandbox, shell);
            let ended = outcome(&command.args(["-c", &text]).output().unwrap()).quiet();
            assert_eq!(ended.stdout, "alive\n", "{shell}: {end}");
            assert!(!sandbox.journal().exists(), "{shell}: {end} recorded");
        }
    }
}

#[test]
fn launcher_runs_in_strict_modes() {
    let file = root().join("hooks/launcher");
    // its first line asks for sh, which zsh is only by name
    for shell in shells(&file).filter(|shell| *shell != "zsh") {
        let strict: &[&str] = match shell {
            "dash" => &["-eu"],
            _ => &["-eu", "-o", "pipefail"],
        };
        // where obs is absent it does nothing
        let sandbox = Sandbox::new().with("PATH", "/usr/bin:/bin");
        let mut command = started(&sandbox, shell);
        let ended = outcome(&command.args(strict).arg(&file).output().unwrap()).quiet();
        assert_eq!(ended.stdout, "", "{shell}");
    }
}

/// True for what the checkers can read: they know neither fish nor zsh.
fn is_for_both(file: &Path) -> bool {
    matches!(dialect(file), Some("bash" | "sh"))
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
            .args(all().iter().filter(|file| is_for_both(file)))
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
