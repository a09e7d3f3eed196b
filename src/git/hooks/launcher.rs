//! The launcher: the file of ours that git runs. Its text is `hooks/launcher` with a few lines filled in.

use std::fs;
use std::io::Read;
use std::path::Path;

const TEXT: &str = include_str!("../../../hooks/launcher");

/// The beginning by which a launcher of any version is known.
const MARK: &str = "#!/bin/sh\n# obs hook launcher,";

/// How much of a hook is looked at.
const LOOK: u64 = 64 << 10;

/// How a launcher runs the hook that was there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// As a program, beside the launcher: its folder is right.
    Beside,
    /// As a program of its own name: for dispatchers that ask how they are called.
    Named,
    /// The repository's own hook, which a global folder of ours hides.
    Repository,
    /// Inside this shell, so that name and folder are right.
    Shell(&'static str),
}

/// Shells that a hook may be run inside of.
const SHELLS: &[&str] = &["bash", "dash", "sh"];

impl Way {
    /// Chooses the way for a hook by what it looks at.
    pub(super) fn of(path: &Path) -> Self {
        let linked = fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink());
        let Some(text) = head(path) else {
            return Self::Beside;
        };
        let asks_name = text.contains("basename") || text.contains("${0##*/}");
        // husky 9: what is sourced here asks for name and folder
        let husky = [
            "$(dirname \"$0\")/h\"",
            "$(dirname -- \"$0\")/h\"",
            "${0%/*}/h\"",
        ];
        let husky = husky.iter().any(|sourced| text.contains(sourced));
        let asks_file = ["readlink", "realpath", "BASH_SOURCE"]
            .iter()
            .any(|word| text.contains(word));
        match shell(&text) {
            Some(shell) if (asks_name || husky) && !asks_file && !linked => Self::Shell(shell),
            _ if asks_name || linked => Self::Named,
            _ => Self::Beside,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Beside => "beside",
            Self::Named => "named",
            Self::Repository => "repository",
            Self::Shell(shell) => shell,
        }
    }

    fn parse(word: &str) -> Option<Self> {
        let shells = SHELLS.iter().map(|shell| Self::Shell(shell));
        [Self::Beside, Self::Named, Self::Repository]
            .into_iter()
            .chain(shells)
            .find(|way| way.word() == word)
    }
}

/// The shell that a first line without options names.
fn shell(text: &str) -> Option<&'static str> {
    let line = text.lines().next()?.strip_prefix("#!")?.trim();
    let program = match line.split_once(' ') {
        None => line.rsplit('/').next()?,
        Some(("/usr/bin/env", program)) => program.trim(),
        Some(_) => return None,
    };
    SHELLS.iter().find(|shell| **shell == program).copied()
}

/// A launcher to write.
#[derive(Debug, Clone, Copy)]
pub(super) struct Launcher<'a> {
    /// Which hook it is.
    pub(super) hook: &'static str,
    /// How it runs the earlier one.
    pub(super) way: Way,
    /// The obs to run; where it is gone, the one on PATH.
    pub(super) program: &'a Path,
    /// The folder was made for it.
    pub(super) made: bool,
}

impl Launcher<'_> {
    /// The text of the file.
    pub(super) fn text(&self) -> String {
        // a path that is not text is none that a script can hold: PATH must do
        let program = self.program.to_str().unwrap_or_default();
        let program = program.replace('\'', "'\\''");
        let folder = if self.made { "made" } else { "kept" };
        let filled = |line: &str| match line {
            "hook=post-commit" => format!("hook={}\n", self.hook),
            "way=beside" => format!("way={}\n", self.way.word()),
            "program=/usr/local/bin/obs" => format!("program='{program}'\n"),
            "# folder: kept" => format!("# folder: {folder}\n"),
            other => format!("{other}\n"),
        };
        TEXT.lines().map(filled).collect()
    }
}

/// The text of a launcher of ours; none for anything else.
pub(super) fn read(path: &Path) -> Option<String> {
    head(path).filter(|text| text.starts_with(MARK))
}

/// How a launcher runs the earlier hook.
pub(super) fn way_of(text: &str) -> Option<Way> {
    let word = text.lines().find_map(|line| line.strip_prefix("way="))?;
    Way::parse(word)
}

/// True where the folder was made for the launcher.
pub(super) fn made_folder(text: &str) -> bool {
    text.lines().any(|line| line == "# folder: made")
}

/// The beginning of a regular file, as text.
fn head(path: &Path) -> Option<String> {
    if !fs::metadata(path).ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    fs::File::open(path)
        .ok()?
        .take(LOOK)
        .read_to_end(&mut bytes)
        .ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(text: &str) -> Way {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hook");
        fs::write(&path, text).unwrap();
        Way::of(&path)
    }

    #[test]
    fn way_suits_the_hook() {
        assert_eq!(way("#!/bin/sh\necho hi\n"), Way::Beside);
        assert_eq!(
            way("#!/usr/bin/env sh\n. \"$(dirname \"$0\")/h\""),
            Way::Shell("sh")
        );
        assert_eq!(
            way("#!/bin/bash\nn=$(basename \"$0\")\n"),
            Way::Shell("bash")
        );
        assert_eq!(way("#!/bin/bash -e\nn=$(basename \"$0\")\n"), Way::Named);
        assert_eq!(
            way("#!/usr/bin/env ruby\nt = File.basename($0)\n"),
            Way::Named
        );
        assert_eq!(
            way("#!/bin/sh\nf=$(readlink -f \"$0\"); n=${0##*/}\n"),
            Way::Named
        );
        assert_eq!(way("\u{7f}ELF"), Way::Beside);
    }

    #[test]
    fn text_is_filled_in_and_read_again() {
        let launcher = Launcher {
            hook: "post-merge",
            way: Way::Shell("dash"),
            program: Path::new("/o'bs"),
            made: true,
        };
        let text = launcher.text();
        for line in ["hook=post-merge", "way=dash", "program='/o'\\''bs'"] {
            assert!(text.lines().any(|known| known == line), "{line}");
        }
        assert!(text.starts_with(MARK) && made_folder(&text));
        assert_eq!(way_of(&text), Some(launcher.way));
    }
}
