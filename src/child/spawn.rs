//! Starting a program: by `execve` in our place, or in a process of its own that shares our memory until it runs.

use super::alarm::Alarm;
#[cfg(target_os = "linux")]
use super::gate::{Gate, Passed};
use super::sentry::Watchtower;
use super::signals::{self, Inherited};
use std::borrow::Cow;
use std::ffi::{CString, OsStr, OsString, c_char};
use std::io;
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;

/// Enough for `execve` and what stands around it.
#[cfg(target_os = "linux")]
const STACK: usize = 64 * 1024;

/// A program that is ready to run: everything that starting it needs stands in memory.
pub struct Program {
    file: CString,
    args: Vec<CString>,
    env: Vec<CString>,
    /// What becomes its standard output and error.
    streams: Option<[RawFd; 2]>,
}

/// A started program.
pub struct Child {
    pub(super) pid: i32,
    pub(super) tower: Watchtower,
    pub(super) is_first: bool,
    /// Signals that came around the start.
    #[cfg(target_os = "linux")]
    pub(super) passed: Passed,
    #[cfg(not(target_os = "linux"))]
    pub(super) passed: (),
    /// The alarm clock that continued us last.
    pub(super) clock: Option<i32>,
}

/// Why a program did not start: the exit code and the reason in the shell's words.
#[derive(Debug)]
pub struct Refused {
    /// 126 or 127.
    pub code: u8,
    /// The system's reason.
    pub why: io::Error,
}

/// Pointers to strings as `execve` takes them, a null pointer last.
struct Pointers(Vec<*const c_char>);

impl Pointers {
    fn of(strings: &[CString]) -> Self {
        let pointers = strings.iter().map(|string| string.as_ptr());
        Self(pointers.chain([ptr::null()]).collect())
    }
}

/// What the new process needs, in memory that it shares with us.
struct Plan<'a> {
    file: *const c_char,
    args: Pointers,
    env: Pointers,
    /// argv for `/bin/sh`, where the file has no format that the kernel knows.
    shell: Pointers,
    streams: Option<[RawFd; 2]>,
    #[cfg(target_os = "linux")]
    parent: i32,
    before: Option<&'a Inherited>,
    /// The caller's alarm, which exec leaves running: it is the command's to have and to cancel (setitimer(2)).
    alarm: Alarm,
    /// Left behind where it could not run.
    errno: i32,
}

const SHELL: &std::ffi::CStr = c"/bin/sh";

impl Program {
    /// A program; none where a word holds a NUL byte, which argv never does.
    pub fn new(file: &Path, args: &[OsString], env: &[Cow<'_, OsStr>]) -> Option<Self> {
        let c = |text: &OsStr| CString::new(text.as_bytes()).ok();
        Some(Self {
            file: c(file.as_os_str())?,
            args: args.iter().map(|arg| c(arg)).collect::<Option<_>>()?,
            env: env.iter().map(|pair| c(pair)).collect::<Option<_>>()?,
            streams: None,
        })
    }

    /// Gives it other descriptors for standard output and error.
    #[must_use]
    pub fn into_streams(mut self, streams: [RawFd; 2]) -> Self {
        self.streams = Some(streams);
        self
    }

    fn plan<'a>(&self, before: Option<&'a Inherited>) -> Plan<'a> {
        let mut shell = Pointers::of(&self.args);
        match shell.0.get_mut(0) {
            Some(first) if !self.args.is_empty() => *first = self.file.as_ptr(),
            _ => shell.0.insert(0, self.file.as_ptr()),
        }
        shell.0.insert(0, SHELL.as_ptr());
        Plan {
            file: self.file.as_ptr(),
            args: Pointers::of(&self.args),
            env: Pointers::of(&self.env),
            shell,
            streams: self.streams,
            #[cfg(target_os = "linux")]
            parent: signals::own_pid(),
            before,
            alarm: Alarm::now(),
            errno: 0,
        }
    }

    /// Becomes the program: returns only where that is not possible.
    pub fn replace_us(&self) -> Refused {
        let plan = self.plan(None);
        // SAFETY: the plan's pointers end with null and live as long as `self`
        refused(unsafe { execute(&plan) })
    }

    /// Starts it. Every signal is blocked from now on, and what is inherited by others is not touched.
    /// Err(None): there is no process to be had.
    pub fn start(&self) -> Result<Child, Option<Refused>> {
        if starts_a_namespace() {
            return Err(None); // the command is to be its first process, not a process of ours
        }
        let before = signals::block_all();
        let mut tower = Watchtower::new();
        let mut plan = self.plan(Some(&before));
        if came_early(&before) {
            before.restore(); // what came before there was a command is for us, as it would be for the command
            signals::block_all();
            tower = Watchtower::new(); // what went by stays with the old one
        }
        let (pid, passed) = spawn(&mut plan);
        let errno = plan.errno;
        if pid > 0 && errno == 0 {
            Alarm::NEVER.set();
            return Ok(Child {
                passed,
                pid,
                tower,
                is_first: std::process::id() == 1,
                clock: None,
            });
        }
        if pid > 0 {
            while signals::fetch(pid, 0)
                .is_err_and(|error| error.kind() == io::ErrorKind::Interrupted)
            {}
        }
        drop(tower);
        #[cfg(target_os = "linux")]
        passed.give_back();
        before.restore();
        Err((pid > 0).then(|| refused(errno)))
    }
}

/// True where our next child is the first process of a pid namespace: `unshare --pid` without `--fork`.
fn starts_a_namespace() -> bool {
    let path = |kind: &str| format!("/proc/self/ns/{kind}");
    let name = |kind: &str| std::fs::read_link(path(kind)).ok();
    // one without a first process has no name, but it stands there
    let (own, children) = (name("pid"), name("pid_for_children"));
    own.is_some() && own != children && std::fs::symlink_metadata(path("pid_for_children")).is_ok()
}

/// True where a signal that the caller does not block came before the command could.
fn came_early(before: &Inherited) -> bool {
    signals::pending().exceeds(|signal| before.blocks(signal))
}

fn refused(errno: i32) -> Refused {
    Refused {
        code: if errno == libc::ENOENT { 127 } else { 126 },
        why: io::Error::from_raw_os_error(errno),
    }
}

/// Runs the file, or by `/bin/sh` what has no known format; the answer is why it does not run.
///
/// # Safety
/// The plan's pointers are alive and end with null.
unsafe fn execute(plan: &Plan<'_>) -> i32 {
    let errno = || {
        io::Error::last_os_error()
            .raw_os_error()
            .unwrap_or_default()
    };
    // SAFETY: as above
    unsafe {
        libc::execve(plan.file, plan.args.0.as_ptr(), plan.env.0.as_ptr());
        let first = errno();
        if first != libc::ENOEXEC {
            return first;
        }
        libc::execve(SHELL.as_ptr(), plan.shell.0.as_ptr(), plan.env.0.as_ptr());
        errno()
    }
}

/// The new process until it runs: nothing is allocated, for the memory is its parent's.
extern "C" fn become_program(plan: *mut libc::c_void) -> libc::c_int {
    // SAFETY: the parent waits in clone until we run or end, so the plan is ours alone
    unsafe {
        let plan = &mut *plan.cast::<Plan<'_>>();
        #[cfg(target_os = "linux")]
        {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            if libc::getppid() != plan.parent {
                libc::_exit(128 + libc::SIGKILL);
            }
        }
        if let Some([out, err]) = plan.streams {
            libc::dup2(out, 1);
            libc::dup2(err, 2);
        }
        plan.alarm.set();
        if let Some(before) = plan.before {
            before.restore();
        }
        plan.errno = execute(plan);
        libc::_exit(127)
    }
}

/// A process that shares our memory, while we wait, until it runs the program; its pid, or less than 1, and the signals
/// that came meanwhile.
#[cfg(target_os = "linux")]
fn spawn(plan: &mut Plan<'_>) -> (i32, Passed) {
    let mut stack = vec![0_u8; STACK].into_boxed_slice();
    let top = stack.as_mut_ptr_range().end;
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_PARENT_SETTID | libc::SIGCHLD;
    let gate = plan.before.map(Gate::open);
    // SAFETY: stack and plan outlive the sharing, which ends before clone returns; the top is aligned down
    let pid = unsafe {
        let top = top.wrapping_sub(top.addr() % 16);
        libc::clone(
            become_program,
            top.cast(),
            flags,
            ptr::from_mut(plan).cast(),
            Gate::command(),
        )
    };
    (pid, gate.map(Gate::shut).unwrap_or_default())
}

/// A process of its own: where the file cannot run, it ends as a shell's would, and cannot say why.
#[cfg(not(target_os = "linux"))]
fn spawn(plan: &mut Plan<'_>) -> (i32, ()) {
    // SAFETY: the new process only calls what may be called after fork
    unsafe {
        let pid = libc::fork();
        if pid == 0 {
            become_program(ptr::from_mut(plan).cast());
        }
        (pid, ())
    }
}

impl Child {
    /// Its process id.
    pub fn pid(&self) -> u32 {
        u32::try_from(self.pid).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(words: &[&str]) -> Program {
        let args: Vec<OsString> = words.iter().map(OsString::from).collect();
        Program::new(Path::new(words[0]), &args, &[]).unwrap()
    }

    #[test]
    fn shell_gets_the_file_as_its_script() {
        let program = program(&["/a/script", "one"]);
        let plan = program.plan(None);
        assert_eq!(plan.shell.0.len(), 4);
        assert_eq!(plan.shell.0[1], plan.file);
    }

    #[test]
    fn word_with_a_nul_byte_is_none() {
        let args = [OsString::from("a\0b")];
        assert!(Program::new(Path::new("/bin/true"), &args, &[]).is_none());
    }
}
