//! Facts of commits, held against what git itself says about repositories that git made.

mod facts;

use crate::sandbox::{Outcome, Sandbox, outcome};
use obs::git::Repo;
use std::fs;
use std::path::{Path, PathBuf};

/// A repository in a sandbox, and git to work on it.
pub(crate) struct Work {
    pub(crate) sandbox: Sandbox,
    top: PathBuf,
}

impl Work {
    /// A sandbox with a fresh repository in `work/repo`.
    pub(crate) fn new() -> Self {
        Self::init(&["init", "-q", "-b", "main"])
    }

    pub(crate) fn init(words: &[&str]) -> Self {
        let mut sandbox = Sandbox::new();
        for who in ["AUTHOR", "COMMITTER"] {
            sandbox = sandbox
                .with(&format!("GIT_{who}_NAME"), "Zoë Tester")
                .with(&format!("GIT_{who}_EMAIL"), "zoe@example.org");
        }
        let sandbox = sandbox.with("GIT_AUTHOR_DATE", "1764843330 +0530");
        let work = Self {
            top: sandbox.path("work/repo"),
            sandbox,
        };
        fs::create_dir(&work.top).unwrap();
        work.git(words);
        work
    }

    /// The same sandbox, standing in another work tree.
    pub(crate) fn at(self, folder: &str) -> Self {
        let top = self.sandbox.path("work").join(folder);
        Self { top, ..self }
    }

    pub(crate) fn top(&self) -> &PathBuf {
        &self.top
    }

    /// Runs git, which must work, and gives what it prints.
    #[track_caller]
    pub(crate) fn git(&self, words: &[&str]) -> String {
        let done = self.try_git(words);
        assert_eq!(done.code, 0, "git {words:?}: {}", done.shown());
        done.stdout
    }

    /// Runs git, which may fail.
    pub(crate) fn try_git(&self, words: &[&str]) -> Outcome {
        let mut git = self.sandbox.command("git");
        outcome(&git.current_dir(&self.top).args(words).output().unwrap())
    }

    /// Runs obs in the work tree.
    pub(crate) fn obs(&self, words: &[&str]) -> Outcome {
        self.obs_at(&self.top, words)
    }

    /// Runs obs in another folder.
    pub(crate) fn obs_at(&self, folder: &Path, words: &[&str]) -> Outcome {
        let mut obs = self.sandbox.command("obs");
        outcome(&obs.current_dir(folder).args(words).output().unwrap())
    }

    pub(crate) fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.top.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Writes a file and commits everything; the answer is the new commit's id.
    pub(crate) fn commit(&self, path: &str, bytes: impl AsRef<[u8]>, message: &str) -> String {
        self.write(path, bytes);
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", message]);
        self.head()
    }

    pub(crate) fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"]).trim_end().to_owned()
    }

    pub(crate) fn repo(&self) -> Repo {
        Repo::open(&self.top, None).unwrap().unwrap()
    }
}
