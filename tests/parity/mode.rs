//! What state the journal's home is in while a command runs. Whatever it is, the command must not notice.

use crate::caller::{Caller, FullDisk};
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The state of `OBS_HOME`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mode {
    /// A folder that can be written.
    Ordinary,
    /// A file stands in its place.
    File,
    /// The disk is full.
    Full,
    /// The caller may write no file (`ulimit -f 0`).
    Limited,
    /// Somebody else holds the journal's locks.
    Locked,
    /// It cannot be written, and the user is nobody.
    ReadOnly,
    /// The caller may have no more than twelve files open; dash needs eleven.
    Squeezed,
    /// A file stands where its parent should be.
    UnderFile,
}

/// All but the ordinary one.
pub(crate) const BROKEN: [Mode; 7] = [
    Mode::File,
    Mode::Full,
    Mode::Limited,
    Mode::Locked,
    Mode::ReadOnly,
    Mode::Squeezed,
    Mode::UnderFile,
];

/// Files whose locks writers take.
const LOCKED: [&str; 4] = ["events.log", "logs.log", "metrics.log", "spans.log"];

const NOBODY: u32 = 65534;

impl Mode {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::File => "home is a file",
            Self::Full => "disk full",
            Self::Limited => "`ulimit -f 0`",
            Self::Locked => "journal locked",
            Self::Ordinary => "ordinary",
            Self::ReadOnly => "read-only, as nobody",
            Self::Squeezed => "`ulimit -n 12`",
            Self::UnderFile => "home under a file",
        }
    }

    /// True where the home can hold a shim folder.
    pub(crate) const fn has_shims(self) -> bool {
        !matches!(self, Self::File | Self::UnderFile)
    }

    /// Where `OBS_HOME` points.
    pub(crate) fn home(self, dir: &Path) -> PathBuf {
        match self {
            Self::File => dir.join("file"),
            Self::UnderFile => dir.join("file/home"),
            _ => dir.join("home"),
        }
    }

    /// Makes the home; what is returned must live as long as it is used.
    pub(crate) fn prepare(self, dir: &Path) -> Vec<File> {
        fs::write(dir.join("file"), "").unwrap();
        let home = dir.join("home");
        fs::create_dir_all(home.join("shims")).unwrap();
        match self {
            Self::Locked => {
                // a home that is in use
                fs::create_dir(home.join("sealed")).unwrap();
                LOCKED.map(|name| locked(&home.join(name))).into()
            }
            Self::ReadOnly => {
                fs::set_permissions(&home, Permissions::from_mode(0o555)).unwrap();
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    /// What the caller of a command has in this mode, obs or not.
    pub(crate) fn impose(self, caller: &mut Caller, home: &Path) {
        match self {
            Self::Full => caller.full = Some(FullDisk::over(home)),
            Self::Limited => caller.limits.push((libc::RLIMIT_FSIZE, 0)),
            Self::ReadOnly if is_root() => caller.user = Some(NOBODY),
            Self::Squeezed => caller.limits.push((libc::RLIMIT_NOFILE, 12)),
            _ => {}
        }
    }

    /// Why it cannot be made here.
    pub(crate) fn obstacle(self) -> Option<&'static str> {
        static MAY: OnceLock<bool> = OnceLock::new();
        let may = || {
            let full = FullDisk::over(Path::new("/mnt"));
            let caller = Caller {
                full: Some(full),
                ..Caller::default()
            };
            caller.may()
        };
        let missing = self == Self::Full && !*MAY.get_or_init(may);
        missing.then_some("a full disk needs a mount namespace")
    }
}

fn locked(path: &Path) -> File {
    let file = File::create(path).unwrap();
    file.try_lock().unwrap();
    file
}

pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
