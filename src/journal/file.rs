//! Single files: opening them safely, locking, the signal mask, renaming without replacing. All `unsafe` of the journal.
#![allow(unsafe_code)] // the signal mask has no safe wrapper

use rustix::fs::{CWD, Mode, OFlags, RenameFlags};
use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Write};
use std::mem::MaybeUninit;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

const SAFE: OFlags = OFlags::NOFOLLOW
    .union(OFlags::NONBLOCK)
    .union(OFlags::CLOEXEC);
const OURS: Mode = Mode::RUSR.union(Mode::WUSR);

/// By rustix, because musl's `open` makes a second system call for O_CLOEXEC.
fn open(path: &Path, flags: OFlags) -> io::Result<File> {
    Ok(File::from(rustix::fs::open(path, flags | SAFE, OURS)?))
}

/// Opens a file of ours to append to, creating it.
pub(super) fn open_append(path: &Path, user: u32) -> io::Result<File> {
    let file = open(path, OFlags::RDWR | OFlags::APPEND | OFlags::CREATE)?;
    ours(&file.metadata()?, user)?;
    Ok(file)
}

/// Opens an existing file of ours to read and write in place.
pub(super) fn open_change(path: &Path, user: u32) -> io::Result<File> {
    let file = open(path, OFlags::RDWR)?;
    ours(&file.metadata()?, user)?;
    Ok(file)
}

/// Creates a file that must not exist.
pub(super) fn create_new(path: &Path) -> io::Result<File> {
    let file = open(path, OFlags::RDWR | OFlags::CREATE | OFlags::EXCL)?;
    private(&file)?;
    Ok(file)
}

/// Opens a regular file to read; never follows a link, never waits for a FIFO's writer.
pub(super) fn open_read(path: &Path) -> io::Result<File> {
    let file = open(path, OFlags::RDONLY)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other("not a regular file")),
    }
}

/// Sets the mode of a file we created, which a umask may have narrowed.
pub(super) fn private(file: &File) -> io::Result<()> {
    if file.metadata()?.mode() & 0o777 != 0o600 {
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}

fn ours(found: &Metadata, user: u32) -> io::Result<()> {
    if !found.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    if found.uid() != user {
        return Err(io::Error::other("owned by another user"));
    }
    Ok(())
}

/// Takes the exclusive lock if it is free.
pub(super) fn try_lock(file: &File) -> io::Result<bool> {
    match fs2::FileExt::try_lock_exclusive(file) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
        Err(error) if error.kind() == ErrorKind::Interrupted => Ok(false),
        Err(error) => Err(error),
    }
}

/// Gives the lock back and keeps the file.
pub(super) fn unlock(file: &File) {
    let _ = fs2::FileExt::unlock(file);
}

/// A file under its exclusive lock. The order of the fields is the order of dropping: the lock goes before the mask, so
/// that no signal can stop or end a holder.
pub(super) struct Locked {
    /// The file.
    pub(super) file: File,
    _mask: Mask,
}

impl Drop for Locked {
    fn drop(&mut self) {
        // closing does it too, unless a child that is just starting has a copy of the descriptor
        unlock(&self.file);
    }
}

/// Takes the exclusive lock under a mask, waiting up to the deadline with the mask off between tries.
/// None: the deadline passed.
pub(super) fn lock(
    file: File,
    deadline: impl FnOnce() -> Instant,
    mut random: impl FnMut() -> u64,
) -> io::Result<Option<Locked>> {
    let mut mask = Mask::all();
    if try_lock(&file)? {
        return Ok(Some(Locked { file, _mask: mask }));
    }
    drop(mask);
    let deadline = deadline();
    let mut pause = 40;
    while Instant::now() < deadline {
        std::thread::sleep(Duration::from_micros(pause / 2 + random() % pause));
        pause = (pause * 3 / 2).min(4_000);
        mask = Mask::all();
        if try_lock(&file)? {
            return Ok(Some(Locked { file, _mask: mask }));
        }
        drop(mask);
    }
    Ok(None)
}

/// True where the path still names this very file.
pub(super) fn still_named(found: &Metadata, path: &Path) -> io::Result<bool> {
    match std::fs::symlink_metadata(path) {
        Ok(named) => Ok(named.ino() == found.ino() && named.dev() == found.dev()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Writes all bytes; a signal handler of the host program may interrupt, but not for ever.
pub(super) fn write_all(mut file: &File, mut bytes: &[u8]) -> io::Result<()> {
    let mut interrupted = 0;
    while !bytes.is_empty() {
        match file.write(bytes) {
            Ok(0) => return Err(io::Error::from(ErrorKind::WriteZero)),
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Interrupted && interrupted < 100 => {
                interrupted += 1;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Renames to a name that must be free; `link` and `unlink` where the file system has no such rename.
pub(super) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    match rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(()),
        Err(rustix::io::Errno::EXIST) => Err(io::Error::from(ErrorKind::AlreadyExists)),
        Err(rustix::io::Errno::NOENT) => Err(io::Error::from(ErrorKind::NotFound)),
        Err(_) => {
            std::fs::hard_link(from, to)?;
            std::fs::remove_file(from)
        }
    }
}

/// Waits until the names in a folder are on disk.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Blocks every signal but the synchronous ones until it is dropped.
pub(super) struct Mask {
    before: libc::sigset_t,
    pending: bool,
}

impl Mask {
    pub(super) fn all() -> Self {
        let mut all = MaybeUninit::<libc::sigset_t>::uninit();
        let mut before = MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: the sets are written by the calls before they are read; pthread_sigmask fails only for a bad `how`
        unsafe {
            libc::sigfillset(all.as_mut_ptr());
            for fatal in [
                libc::SIGSEGV,
                libc::SIGBUS,
                libc::SIGILL,
                libc::SIGFPE,
                libc::SIGABRT,
            ] {
                libc::sigdelset(all.as_mut_ptr(), fatal);
            }
            libc::sigemptyset(before.as_mut_ptr());
            libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr());
            let mut mask = Self {
                before: before.assume_init(),
                pending: false,
            };
            mask.pending = mask.too_big_pending();
            mask
        }
    }

    fn too_big_pending(&self) -> bool {
        let mut pending = MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: the set is initialised before it is read
        unsafe {
            libc::sigemptyset(pending.as_mut_ptr());
            libc::sigpending(pending.as_mut_ptr());
            libc::sigismember(pending.as_ptr(), libc::SIGXFSZ) == 1
        }
    }
}

impl Drop for Mask {
    fn drop(&mut self) {
        // SAFETY: `before` was filled by pthread_sigmask; sigwait gets a set of one blocked, pending signal
        unsafe {
            if !self.pending && self.too_big_pending() {
                let mut one = MaybeUninit::<libc::sigset_t>::uninit();
                let mut signal = 0;
                libc::sigemptyset(one.as_mut_ptr());
                libc::sigaddset(one.as_mut_ptr(), libc::SIGXFSZ);
                libc::sigwait(one.as_ptr(), &raw mut signal);
            }
            libc::pthread_sigmask(
                libc::SIG_SETMASK,
                &raw const self.before,
                std::ptr::null_mut(),
            );
        }
    }
}
