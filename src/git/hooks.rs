//! Putting our hooks where git looks for them, in front of whatever is there, and taking them out again without a trace.
//!
//! A hook that was there stays beside ours, under its name and `.obs-earlier`, the same file with the same mode. At every
//! moment one whole hook has the name: ours takes it, and gives it back, by a rename.

mod folder;
mod global;
mod launcher;

pub use folder::{Folder, Scope};

use crate::error::Error;
use launcher::{Launcher, Way};
use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The hooks that tell something.
pub const NAMES: &[&str] = &["post-checkout", "post-commit", "post-merge", "post-rewrite"];

/// What the name of a kept hook ends with.
const EARLIER: &str = ".obs-earlier";

/// The folder of links that give a kept hook its own name back.
const NAMED: &str = "obs-earlier";

/// What stands under a hook's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nothing.
    Absent,
    /// Ours, with an earlier hook behind it.
    Chained,
    /// Another's.
    Foreign,
    /// Ours alone.
    Installed,
}

/// What was done to a hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// Ours is there now, and runs the one that was there.
    Chained,
    /// Ours is there now.
    Installed,
    /// An earlier hook that is no longer ours to give back was left where it is.
    Left,
    /// Ours is gone.
    Removed,
    /// The earlier hook is back.
    Restored,
    /// Ours was there, and is up to date now.
    Updated,
}

/// A hook's path, and what was done.
pub type Change = (PathBuf, Done);

/// What stands in a folder under each of our names; nothing does in a folder of ours that git does not look into.
pub fn status(folder: &Folder) -> Vec<(&'static str, State)> {
    let used = global::is_used(folder);
    let state = |name: &&'static str| match used {
        true => (*name, state(&folder.path.join(name))),
        false => (*name, State::Absent),
    };
    NAMES.iter().map(state).collect()
}

fn state(path: &Path) -> State {
    match launcher::read(path) {
        Some(_) if there(&earlier(path)) => State::Chained,
        Some(_) => State::Installed,
        None if there(path) => State::Foreign,
        None => State::Absent,
    }
}

/// Installs our hooks; `program` is the obs to run, with that on PATH behind it. All of them, or none.
pub fn install(folder: &Folder, program: &Path) -> Result<Vec<Change>, Error> {
    let made = !folder.path.exists();
    let failed = |cause: &dyn std::fmt::Display| {
        let shown = folder.path.display();
        Error::failure(format!("could not install hooks in {shown}"))
            .because(cause)
            .hint("nothing was changed; check who may write there")
    };
    fs::create_dir_all(&folder.path).map_err(|cause| failed(&cause))?;
    let mut changes = Vec::new();
    for name in folder.names() {
        let launcher = Launcher {
            hook: name,
            way: Way::Beside,
            program,
            made,
        };
        match put(folder, launcher) {
            Ok(None) => {}
            Ok(Some(change)) => changes.push(change),
            Err(cause) => {
                take_back(&changes, folder, made);
                return Err(failed(&cause));
            }
        }
    }
    if let Err(error) = global::point_to(folder) {
        take_back(&changes, folder, made);
        return Err(error);
    }
    Ok(changes)
}

/// Undoes an installation that did not come to its end.
fn take_back(changes: &[Change], folder: &Folder, made: bool) {
    for (path, done) in changes {
        if matches!(done, Done::Chained | Done::Installed) {
            let _ = remove(path);
        }
    }
    let _ = fs::remove_dir(folder.path.join(NAMED));
    if made {
        let _ = fs::remove_dir(&folder.path);
    }
}

/// Puts one hook into its place; none where it stands there already.
fn put(folder: &Folder, launcher: Launcher<'_>) -> io::Result<Option<Change>> {
    let path = folder.path.join(launcher.hook);
    let done = match launcher::read(&path) {
        Some(old) => renew(folder, &path, launcher, &old)?,
        None if folder.scope == Scope::OwnGlobal => {
            let way = Way::Repository;
            write(&path, &Launcher { way, ..launcher }.text())?;
            Some(Done::Installed)
        }
        None => Some(chain(&path, launcher)?),
    };
    Ok(done.map(|done| (path, done)))
}

/// Brings a launcher of ours up to date.
fn renew(
    folder: &Folder,
    path: &Path,
    launcher: Launcher<'_>,
    old: &str,
) -> io::Result<Option<Done>> {
    let way = launcher::way_of(old).unwrap_or(Way::Beside);
    let made = launcher::made_folder(old);
    let fresh = Launcher {
        way,
        made,
        ..launcher
    }
    .text();
    // in a folder of ours that other repositories use too every repository is recorded already
    let others = way == Way::Repository && folder.scope != Scope::OwnGlobal;
    if others || old == fresh {
        return Ok(None);
    }
    write(path, &fresh).map(|()| Some(Done::Updated))
}

/// Takes the name, and keeps the hook that has it.
fn chain(path: &Path, launcher: Launcher<'_>) -> io::Result<Done> {
    if there(path) {
        if fs::symlink_metadata(path)?.is_dir() {
            return Err(io::Error::other(format!("{} is a folder", path.display())));
        }
        keep(path)?;
    }
    // also where somebody deleted only ours: what it ran runs again
    let kept = earlier(path);
    let way = Way::of(&kept);
    let put = name(path, way).and_then(|()| write(path, &Launcher { way, ..launcher }.text()));
    if let Err(error) = put {
        let _ = remove(path);
        return Err(error);
    }
    Ok(if there(&kept) {
        Done::Chained
    } else {
        Done::Installed
    })
}

/// Gives a hook its second name. A second name that was left behind by somebody who replaced our hook goes only where
/// both are the same.
fn keep(path: &Path) -> io::Result<()> {
    let kept = earlier(path);
    if there(&kept) {
        if !same(path, &kept) {
            let both = format!(
                "{} was kept when obs was installed, and the hook has changed since: make one of the two, move the other away",
                kept.display()
            );
            return Err(io::Error::other(both));
        }
        fs::remove_file(&kept)?;
    }
    // a second name first, so that no commit meanwhile finds no hook; not every file system has them
    fs::hard_link(path, &kept).or_else(|_| fs::rename(path, &kept))
}

/// Links a kept hook to a file of its own name, where it is run in that way.
fn name(path: &Path, way: Way) -> io::Result<()> {
    let (Way::Named, Some(hook)) = (way, path.file_name()) else {
        return Ok(());
    };
    let named = path.with_file_name(NAMED);
    match fs::create_dir(&named) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let _ = fs::remove_file(named.join(hook));
    let kept = Path::new("..").join(earlier(Path::new(hook)));
    std::os::unix::fs::symlink(kept, named.join(hook))
}

/// Takes our hooks out of a folder and gives back what was there.
pub fn uninstall(folder: &Folder) -> Result<Vec<Change>, Error> {
    let failed = |cause: io::Error| {
        let shown = folder.path.display();
        Error::failure(format!("could not take the hooks out of {shown}"))
            .because(cause)
            .hint("check who may write there; doing it again goes on where it stopped")
    };
    if is_for_all(folder) {
        let what = "the hooks that run here are those of all repositories";
        return Err(Error::usage(what).hint("`obs hook uninstall --global` takes them out"));
    }
    // first: git must not look into a folder that is being emptied
    global::point_away(folder)?;
    let mut changes = Vec::new();
    let mut made = false;
    for name in folder.names() {
        let path = folder.path.join(name);
        made |= launcher::read(&path).is_some_and(|text| launcher::made_folder(&text));
        if let Some(done) = remove(&path).map_err(failed)? {
            changes.push((path, done));
        }
    }
    let _ = fs::remove_dir(folder.path.join(NAMED)); // stays where somebody put something into it
    if made || folder.scope == Scope::OwnGlobal {
        let _ = fs::remove_dir(&folder.path);
    }
    Ok(changes)
}

/// True where a repository's hooks come from our folder for all of them.
fn is_for_all(folder: &Folder) -> bool {
    let hands_on = |name: &&str| {
        let text = launcher::read(&folder.path.join(name));
        text.and_then(|text| launcher::way_of(&text)) == Some(Way::Repository)
    };
    folder.scope != Scope::OwnGlobal && NAMES.iter().any(hands_on)
}

fn remove(path: &Path) -> io::Result<Option<Done>> {
    let kept = earlier(path);
    let ours = launcher::read(path).is_some();
    let done = match (ours, there(&kept)) {
        (true, true) => fs::rename(&kept, path).map(|()| Done::Restored),
        (true, false) => fs::remove_file(path).map(|()| Done::Removed),
        (false, false) => return Ok(None),
        (false, true) if !there(path) => fs::rename(&kept, path).map(|()| Done::Restored),
        (false, true) if same(path, &kept) => fs::remove_file(&kept).map(|()| Done::Removed),
        (false, true) => return Ok(Some(Done::Left)),
    }?;
    if let Some(hook) = path.file_name() {
        let _ = fs::remove_file(path.with_file_name(NAMED).join(hook));
    }
    Ok(Some(done))
}

/// Writes a whole executable file under a name of its own, then gives it the name.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let fresh = path.with_extension("obs-new");
    let written = fs::write(&fresh, text)
        .and_then(|()| fs::set_permissions(&fresh, Permissions::from_mode(0o755)))
        .and_then(|()| fs::rename(&fresh, path));
    if written.is_err() {
        let _ = fs::remove_file(&fresh);
    }
    written
}

fn earlier(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(EARLIER);
    PathBuf::from(name)
}

/// True where the name is taken, be it by a link to nowhere.
fn there(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

fn same(one: &Path, other: &Path) -> bool {
    match (fs::read(one), fs::read(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}
