//! What a caller hands on to the program that it starts, beyond words and variables. Applied between fork and exec,
//! where nothing may be allocated: all is prepared before.

use std::ffi::{CString, c_int, c_uint};
use std::io;
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// What the program inherits. The default is a session of its own, all signals default and none blocked, no core files.
#[derive(Debug, Default, Clone)]
pub(crate) struct Caller {
    pub(crate) ignored: Vec<c_int>,
    pub(crate) blocked: Vec<c_int>,
    pub(crate) closed: Vec<RawFd>,
    pub(crate) limits: Vec<(c_uint, u64)>,
    pub(crate) user: Option<u32>,
    pub(crate) full: Option<FullDisk>,
    /// Core files may be written.
    pub(crate) dumps: bool,
    /// The terminal that it controls, as all three streams.
    pub(crate) terminal: Option<RawFd>,
    /// Program, words and variables that replace those of the command, byte for byte.
    pub(crate) image: Option<Image>,
}

/// A program to execute with exactly these words and variables.
#[derive(Debug, Clone)]
pub(crate) struct Image {
    pub(crate) path: CString,
    pub(crate) words: Vec<CString>,
    pub(crate) variables: Vec<CString>,
}

/// A tiny file system over a folder, which is filled up. Links that stood in its `shims` stand there again.
#[derive(Debug, Clone)]
pub(crate) struct FullDisk {
    folder: CString,
    shims: CString,
    filler: CString,
    links: Vec<(CString, CString)>,
}

impl FullDisk {
    pub(crate) fn over(folder: &Path) -> Self {
        let shims = folder.join("shims");
        let entries = std::fs::read_dir(&shims).into_iter().flatten().flatten();
        let links = entries.filter_map(|entry| {
            let target = std::fs::read_link(entry.path()).ok()?;
            Some((text(&target), text(entry.path())))
        });
        Self {
            folder: text(folder),
            shims: text(&shims),
            filler: text(folder.join("filler")),
            links: links.collect(),
        }
    }

    fn mount(&self) -> io::Result<()> {
        // SAFETY: only system calls, on strings that end with a null byte
        unsafe {
            let private = libc::MS_REC | libc::MS_PRIVATE;
            let none = std::ptr::null();
            done(libc::unshare(libc::CLONE_NEWNS))?;
            done(libc::mount(none, c"/".as_ptr(), none, private, none.cast()))?;
            let size = c"size=16k,mode=0755".as_ptr().cast();
            let kind = c"tmpfs".as_ptr();
            done(libc::mount(kind, self.folder.as_ptr(), kind, 0, size))?;
            done(libc::mkdir(self.shims.as_ptr(), 0o755))?;
            for (target, link) in &self.links {
                done(libc::symlink(target.as_ptr(), link.as_ptr()))?;
            }
            let file = libc::open(
                self.filler.as_ptr(),
                libc::O_CREAT | libc::O_WRONLY | libc::O_CLOEXEC,
                0o600,
            );
            done(file)?;
            let block = [b'x'; 1024];
            while libc::write(file, block.as_ptr().cast(), block.len()) > 0 {}
            done(libc::close(file))
        }
    }
}

impl Caller {
    /// Makes the command start as this caller would start it.
    pub(crate) fn apply(self, command: &mut Command) {
        // SAFETY: `enter` allocates nothing and takes no lock
        unsafe { command.pre_exec(move || self.enter()) };
    }

    /// True where such a caller can be made here.
    pub(crate) fn may(self) -> bool {
        let mut command = Command::new("true");
        self.apply(&mut command);
        command.status().is_ok_and(|status| status.success())
    }

    fn enter(&self) -> io::Result<()> {
        // SAFETY: only system calls, on memory that lives
        unsafe {
            libc::setsid();
            // what this test was started with, such as a job server's pipe, is not handed on either
            libc::syscall(
                libc::SYS_close_range,
                3,
                c_uint::MAX,
                libc::CLOSE_RANGE_CLOEXEC,
            );
            if let Some(terminal) = self.terminal {
                done(libc::ioctl(terminal, libc::TIOCSCTTY, 0))?;
                (0..3).try_for_each(|stream| done(libc::dup2(terminal, stream)))?;
            }
            if let Some(full) = &self.full {
                full.mount()?;
            }
            if let Some(user) = self.user {
                done(libc::setgroups(0, std::ptr::null()))?;
                done(libc::setgid(user))?;
                done(libc::setuid(user))?;
            }
            self.limit()?;
            self.set_signals();
            for descriptor in &self.closed {
                libc::close(*descriptor);
            }
        }
        self.image.as_ref().map_or(Ok(()), Image::execute)
    }

    fn limit(&self) -> io::Result<()> {
        let core = (libc::RLIMIT_CORE, 0);
        let core = (!self.dumps).then_some(&core);
        self.limits
            .iter()
            .chain(core)
            .try_for_each(|(what, value)| {
                // SAFETY: a struct of two numbers
                unsafe {
                    let mut limit: libc::rlimit = std::mem::zeroed();
                    done(libc::getrlimit(*what, &raw mut limit))?;
                    limit.rlim_cur = *value;
                    done(libc::setrlimit(*what, &raw const limit))
                }
            })
    }

    /// Whatever this test was started with, such as `nohup` or a blocked signal, is not handed on.
    fn set_signals(&self) {
        // SAFETY: dispositions and masks have no preconditions; refused numbers are left alone
        unsafe {
            for signal in 1..=libc::SIGRTMAX() {
                let ignored = self.ignored.contains(&signal);
                let how = if ignored {
                    libc::SIG_IGN
                } else {
                    libc::SIG_DFL
                };
                libc::signal(signal, how);
            }
            let mut mask: libc::sigset_t = std::mem::zeroed();
            libc::sigemptyset(&raw mut mask);
            for signal in &self.blocked {
                libc::sigaddset(&raw mut mask, *signal);
            }
            libc::sigprocmask(libc::SIG_SETMASK, &raw const mask, std::ptr::null_mut());
        }
    }
}

impl Image {
    fn execute(&self) -> io::Result<()> {
        const MOST: usize = 32;
        let mut words = [std::ptr::null(); MOST];
        let mut variables = [std::ptr::null(); MOST];
        for (place, word) in words.iter_mut().take(MOST - 1).zip(&self.words) {
            *place = word.as_ptr();
        }
        for (place, variable) in variables.iter_mut().take(MOST - 1).zip(&self.variables) {
            *place = variable.as_ptr();
        }
        // SAFETY: arrays of strings that end with a null pointer
        unsafe { libc::execve(self.path.as_ptr(), words.as_ptr(), variables.as_ptr()) };
        Err(io::Error::last_os_error())
    }
}

pub(crate) fn text(path: impl AsRef<std::ffi::OsStr>) -> CString {
    CString::new(path.as_ref().as_bytes()).unwrap()
}

fn done(answer: c_int) -> io::Result<()> {
    match answer {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}
