//! Finding the real program behind a wrapper, as a shell finds it, and the guard against wrappers that run each other.

use crate::capture::TRAIL;
use crate::world::World;
use rustix::fs::{Access, access};
use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Wrappers inside each other that are recorded.
const DEEPEST: u32 = 32;

/// Wrappers inside each other past which a shim whose tool stands above it has a tool that runs itself for ever.
const ENDLESS: u32 = 100;

/// Our own name, which is no shim's.
const OWN_NAME: &[u8] = b"obs";

/// Programs that look for their own file by argv[0] on PATH, and for what belongs to them beside it: with the shims
/// first on PATH they would find ours. They get their path for a name, as from other shims.
const LOOK_FOR_THEMSELVES: &[&str] = &[
    "c++", "cc", "clang", "clang++", "cpp", "g++", "gcc", "gfortran", "php", "pypy", "python",
    "tclsh",
];

/// Where programs are looked for when PATH is not set (confstr, `_CS_PATH`).
const STANDARD_PATH: &[u8] = b"/bin:/usr/bin";

/// The program that a name means.
#[derive(Debug)]
pub struct Found {
    /// Its file.
    pub file: PathBuf,
    /// What its own wrappers are told.
    pub trail: Trail,
    /// The tool stands above us already.
    is_repeated: bool,
}

impl Found {
    /// True where a shim's tool runs itself, by its name, for ever.
    pub fn is_endless(&self) -> bool {
        self.is_repeated && self.trail.depth > ENDLESS
    }

    /// True for a program that would find its shim when it looks for itself by a bare name; a version behind the name and
    /// a platform before it make no difference.
    pub fn looks_for_itself(&self) -> bool {
        let name = String::from_utf8_lossy(&self.trail.tool);
        let name = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
        let name = name.rsplit('-').next().unwrap_or_default();
        LOOK_FOR_THEMSELVES.contains(&name)
    }

    /// The environment for a command of which nothing is recorded: ours, but for how deep it stands.
    pub fn env(&self, world: &World) -> Vec<Cow<'static, OsStr>> {
        let mut env = world.env().to_vec();
        let mut pair = OsString::from(format!("{TRAIL}="));
        pair.push(self.trail.value("-"));
        let prefix = format!("{TRAIL}=");
        env.retain(|found| !found.as_bytes().starts_with(prefix.as_bytes()));
        env.push(Cow::Owned(pair));
        env
    }
}

/// Why there is nothing to run.
#[derive(Debug, PartialEq, Eq)]
pub struct Missing {
    /// 126 or 127, as the shell.
    pub code: u8,
    /// The shell's words.
    pub why: &'static str,
    /// The file that cannot be run, where PATH led to it: a shell names that.
    pub file: Option<PathBuf>,
}

impl Missing {
    /// Nothing to run, for a reason in the shell's words.
    pub fn new(code: u8, why: &'static str) -> Self {
        Self {
            code,
            why,
            file: None,
        }
    }
}

/// Which wrappers stand above us, as `_OBS_SHIM` hands it down: `DEPTH SPAN DEVICE:INODE… TOOL`.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Trail {
    depth: u32,
    /// Wrappers that stand for the same tool already.
    passed: Vec<(u64, u64)>,
    tool: Vec<u8>,
}

impl Trail {
    /// What the environment says of the wrappers above us; nothing where somebody else wrote it.
    fn of(world: &World) -> Self {
        let read = |bytes: &[u8]| {
            let mut parts = bytes.splitn(4, |byte| *byte == b' ');
            let depth = text(parts.next()?)?.parse().ok()?;
            parts.next()?;
            let passed = text(parts.next()?)?;
            Some(Self {
                depth,
                passed: passed.split(',').filter_map(identity).collect(),
                tool: parts.next()?.to_vec(),
            })
        };
        let value = world.var_os(TRAIL).map(OsStr::as_bytes);
        value.and_then(read).unwrap_or_default()
    }

    /// Wrappers stand so deep inside each other that nothing more is recorded.
    pub fn is_deepest(&self) -> bool {
        self.depth > DEEPEST
    }

    /// The value for what we run inside the span of this id.
    pub fn value(&self, span_id: &str) -> OsString {
        let passed: Vec<_> = self
            .passed
            .iter()
            .map(|(device, inode)| format!("{device}:{inode}"))
            .collect();
        let mut value = format!("{} {span_id} {} ", self.depth, passed.join(",")).into_bytes();
        value.extend_from_slice(&self.tool);
        OsString::from_vec(value)
    }
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

fn identity(text: &str) -> Option<(u64, u64)> {
    let (device, inode) = text.split_once(':')?;
    Some((device.parse().ok()?, inode.parse().ok()?))
}

/// What PATH makes of a name, for those who explain it.
#[derive(Debug)]
pub struct Lookup {
    /// The first program of the name, ourselves included.
    pub first: Option<PathBuf>,
    /// The first that is not ourselves.
    pub real: Option<PathBuf>,
}

impl Lookup {
    /// Looks a name up.
    pub fn of(name: &OsStr, world: &World) -> Self {
        Self {
            first: on_path(name, world, &[]).ok(),
            real: find(name, world).ok().map(|found| found.file),
        }
    }
}

/// Finds the program of this name, passing over ourselves and over wrappers that stand for it already.
pub fn find(name: &OsStr, world: &World) -> Result<Found, Missing> {
    let above = Trail::of(world);
    let own = fs::metadata("/proc/self/exe")
        .or_else(|_| fs::metadata(world.program().unwrap_or_default()))
        .map(|own| (own.dev(), own.ino()));
    let same = above.tool == name.as_bytes();
    let mut passed = match same {
        true => above.passed,
        false => Vec::new(),
    };
    if let Ok(own) = own
        && name.as_bytes() != OWN_NAME
        && !passed.contains(&own)
    {
        passed.push(own);
    }
    let trail = Trail {
        depth: above.depth + 1,
        passed,
        tool: name.as_bytes().to_vec(),
    };
    let file = match name.as_bytes().contains(&b'/') {
        true => at(Path::new(name)).map(|()| PathBuf::from(name))?,
        false => on_path(name, world, &trail.passed)?,
    };
    Ok(Found {
        file,
        trail,
        is_repeated: same,
    })
}

/// What a path with a slash names; it is run even if it is ourselves.
fn at(path: &Path) -> Result<(), Missing> {
    let missing = |code, why| Err(Missing::new(code, why));
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => missing(126, "Is a directory"),
        Ok(_) if access(path, Access::EXEC_OK).is_err() => missing(126, "Permission denied"),
        Ok(_) => Ok(()),
        Err(error) => match error.raw_os_error() {
            Some(libc::ENOTDIR) => missing(126, "Not a directory"),
            Some(libc::EACCES) => missing(126, "Permission denied"),
            Some(libc::ELOOP) => missing(126, "Too many levels of symbolic links"),
            Some(libc::ENAMETOOLONG) => missing(126, "File name too long"),
            _ => missing(127, "No such file or directory"),
        },
    }
}

fn on_path(name: &OsStr, world: &World, passed: &[(u64, u64)]) -> Result<PathBuf, Missing> {
    let path = world.raw_var("PATH").map_or(STANDARD_PATH, OsStr::as_bytes);
    let mut denied = None;
    if !name.is_empty() {
        for folder in path.split(|byte| *byte == b':') {
            let file = match folder {
                b"" => Path::new(".").join(name),
                _ => Path::new(OsStr::from_bytes(folder)).join(name),
            };
            match fs::metadata(&file) {
                Ok(found) if !found.is_file() || passed.contains(&(found.dev(), found.ino())) => {}
                Ok(_) if access(&file, Access::EXEC_OK).is_ok() => return Ok(file),
                Ok(_) => denied = denied.or(Some(file)),
                Err(_) => {}
            }
        }
    }
    Err(match denied {
        Some(file) => Missing {
            file: Some(file),
            ..Missing::new(126, "Permission denied")
        },
        None => Missing::new(127, "command not found"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn tool(folder: &Path, mode: u32) -> PathBuf {
        fs::create_dir_all(folder).unwrap();
        let file = folder.join("tool");
        fs::write(&file, "#!/bin/sh\n").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        file
    }

    fn found(path: &str, more: &[(&str, &str)]) -> Result<PathBuf, Missing> {
        let env = [&[("PATH", path)], more].concat();
        find(OsStr::new("tool"), &World::of(&env)).map(|found| found.file)
    }

    #[test]
    fn ourselves_are_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let shims = dir.path().join("shims");
        fs::create_dir(&shims).unwrap();
        symlink("/proc/self/exe", shims.join("tool")).unwrap();
        let real = tool(&dir.path().join("bin"), 0o755);
        let path = format!("{}::{}", shims.display(), dir.path().join("bin").display());
        assert_eq!(found(&path, &[]), Ok(real));
        let none = found(shims.to_str().unwrap(), &[]).unwrap_err();
        assert_eq!((none.code, none.why), (127, "command not found"));
    }

    #[test]
    fn only_a_file_that_cannot_run_is_denied() {
        let dir = tempfile::tempdir().unwrap();
        let first = dir.path().join("a");
        let second = dir.path().join("b");
        tool(&first, 0o644);
        let path = format!("{}:{}", first.display(), second.display());
        assert_eq!(found(&path, &[]).unwrap_err().code, 126);
        let real = tool(&second, 0o755);
        assert_eq!(found(&path, &[]), Ok(real));
    }

    #[test]
    fn wrapper_of_another_copy_is_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let other = tool(&dir.path().join("a"), 0o755);
        let real = tool(&dir.path().join("b"), 0o755);
        let path = format!("{}/a:{}/b", dir.path().display(), dir.path().display());
        let stat = fs::metadata(&other).unwrap();
        let trail = format!("1 - {}:{} tool", stat.dev(), stat.ino());
        assert_eq!(found(&path, &[(TRAIL, &trail)]), Ok(real));
        let trail = trail.replace("tool", "another");
        assert_eq!(found(&path, &[(TRAIL, &trail)]), Ok(other));
    }

    #[test]
    fn depth_is_counted() {
        let dir = tempfile::tempdir().unwrap();
        tool(dir.path(), 0o755);
        let path = dir.path().to_str().unwrap();
        let deep = |depth: u32, tool: &str| {
            let trail = format!("{depth} - 1:1 {tool}");
            find(
                OsStr::new("tool"),
                &World::of(&[("PATH", path), (TRAIL, &trail)]),
            )
            .unwrap()
        };
        assert!(!deep(31, "tool").trail.is_deepest());
        assert!(deep(32, "tool").trail.is_deepest());
        assert!(!deep(99, "tool").is_endless() && deep(100, "tool").is_endless());
        assert!(!deep(100, "other").is_endless());
    }

    #[test]
    fn programs_that_look_for_themselves_are_known_by_every_name() {
        let looks = |name: &str| {
            let trail = Trail {
                tool: name.as_bytes().to_vec(),
                ..Trail::default()
            };
            Found {
                file: PathBuf::new(),
                trail,
                is_repeated: false,
            }
            .looks_for_itself()
        };
        for name in [
            "gcc",
            "gcc-12",
            "x86_64-linux-gnu-gcc-12",
            "python",
            "python3.11",
            "clang++-14",
            "php8.2",
        ] {
            assert!(looks(name), "{name}");
        }
        for name in ["git", "ls", "pythonic", "npm", "make", "node"] {
            assert!(!looks(name), "{name}");
        }
    }

    #[test]
    fn trail_goes_round() {
        let trail = Trail {
            depth: 2,
            passed: vec![(1, 2), (3, 4)],
            tool: b"a b".to_vec(),
        };
        let value = trail.value("00f067aa0ba902b7").into_string().unwrap();
        let world = World::of(&[(TRAIL, &value)]);
        assert_eq!(Trail::of(&world), trail);
        assert_eq!(Trail::of(&World::of(&[(TRAIL, "x")])), Trail::default());
    }
}
