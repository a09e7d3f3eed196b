//! Where a repository is, whose it is, and whether its format is one that we read ourselves.

use super::Head;
use crate::error::Error;
use gix::config::Source;
use gix::config::file::{Metadata, init};
use gix::discover::{self, path as plain};
use gix::hash::Kind;
use gix::refs::{self, Target};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Extensions that change nothing of what is read here, besides `objectFormat`.
const HARMLESS: &[&str] = &["noop", "partialclone", "preciousobjects", "worktreeconfig"];

/// Symbolic references that HEAD may lead through, as git allows.
const DEEPEST: usize = 5;

/// Most bytes of a small text file of git's.
const SMALL: u64 = 1 << 20;

/// The folders of a repository, all absolute.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// The folder of this work tree's HEAD.
    pub(super) git_dir: PathBuf,
    /// The folder of objects and branches.
    pub(super) common_dir: PathBuf,
    /// The top of the work tree.
    pub(super) work_tree: Option<PathBuf>,
}

impl Place {
    /// Looks upwards from `start`, unless `GIT_DIR` says it.
    pub(super) fn find(start: &Path, git_dir: Option<&OsStr>) -> Result<Option<Self>, Error> {
        let (git_dir, work_tree) = match git_dir {
            Some(given) => {
                let given = start.join(given);
                if discover::is_git(&given).is_err() {
                    return Err(Error::failure(format!(
                        "GIT_DIR is no git repository: {}",
                        given.display()
                    )));
                }
                (given, Some(start.to_owned()))
            }
            None => match discover::upwards(start) {
                Ok((found, _)) => found.into_repository_and_work_tree_directories(),
                Err(_) => return Ok(None),
            },
        };
        let git_dir = start.join(git_dir);
        let common_dir = plain::from_plain_file(&git_dir.join("commondir"))
            .and_then(Result::ok)
            .map_or_else(|| git_dir.clone(), |common| git_dir.join(common));
        Ok(Some(Self {
            git_dir,
            common_dir,
            work_tree: work_tree.map(|top| start.join(top)),
        }))
    }

    /// True where everything that git's `safe.directory` asks about belongs to us, so that git would not refuse.
    pub(super) fn is_ours(&self) -> bool {
        let user = rustix::process::geteuid().as_raw();
        let owned = |path: &Path| {
            // a link of somebody else's to a folder of ours is theirs, for git as for us
            let (named, link) = (fs::metadata(path), fs::symlink_metadata(path));
            [named, link]
                .iter()
                .all(|found| found.as_ref().is_ok_and(|found| found.uid() == user))
        };
        let top = self.work_tree.as_deref();
        let dot = top
            .map(|top| top.join(".git"))
            .filter(|dot| dot.symlink_metadata().is_ok());
        [Some(&*self.git_dir), Some(&*self.common_dir), top]
            .into_iter()
            .chain([dot.as_deref()])
            .flatten()
            .all(owned)
    }

    /// The hash of the object ids; none where the format is not known here, for git to judge.
    pub(super) fn known_format(&self) -> Option<Kind> {
        let text = read_small(&self.common_dir.join("config"))?;
        let config = gix::config::File::from_bytes_no_includes(
            text.as_bytes(),
            Metadata::from(Source::Local),
            init::Options::default(),
        )
        .ok()?;
        let value = |key: &str| config.string(key).map(|value| value.to_string());
        let version = value("core.repositoryformatversion");
        let known = matches!(version.as_deref(), None | Some("0" | "1"));
        let harmless = |name: String| {
            let name = name.to_ascii_lowercase();
            name == "objectformat" || HARMLESS.contains(&name.as_str())
        };
        let mut extensions = config.sections_by_name("extensions").into_iter().flatten();
        if !known || !extensions.all(|section| section.value_names().all(harmless)) {
            return None;
        }
        match value("extensions.objectFormat").as_deref() {
            None | Some("sha1") => Some(Kind::Sha1),
            Some("sha256") => Some(Kind::Sha256),
            Some(_) => None,
        }
    }

    /// What HEAD names, from the files of the references.
    pub(super) fn head(&self, kind: Kind) -> Result<Head, Error> {
        let (own, common) = (self.git_dir.clone(), self.common_dir.clone());
        let store = refs::file::Store::for_linked_worktree(own, common, kind);
        let mut head = Head::default();
        let mut name = "HEAD".to_owned();
        for _ in 0..DEEPEST {
            let found = store
                .try_find(name.as_str())
                .map_err(|cause| Error::failure("could not read HEAD").because(cause))?;
            match found.map(|reference| reference.target) {
                Some(Target::Object(id)) => {
                    head.commit = Some(id.to_string());
                    return Ok(head);
                }
                Some(Target::Symbolic(next)) => {
                    name = next.as_bstr().to_string();
                    head.name = Some(name.clone());
                }
                None => return Ok(head),
            }
        }
        Err(Error::failure("could not read HEAD").because("it leads through too many references"))
    }
}

/// The text of a regular file of moderate size; a pipe would wait for somebody to write.
pub(super) fn read_small(path: &Path) -> Option<String> {
    let found = fs::metadata(path).ok()?;
    if !found.is_file() || found.len() > SMALL {
        return None;
    }
    fs::read_to_string(path).ok()
}
