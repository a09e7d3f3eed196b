//! The kernel's side of a test: waits, signals and their names, processes and terminals.

use std::ffi::c_int;
use std::fs::{self, File};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

/// Long enough for a machine under load, short enough to tell a hang.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Waits until something is so; false where that looks like never.
pub(crate) fn until(mut so: impl FnMut() -> bool) -> bool {
    let begin = Instant::now();
    loop {
        if so() {
            return true;
        }
        if begin.elapsed() > PATIENCE {
            return false;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// How a child's last change of state reads, where it has ended or, if asked, stopped. It is not reaped, so that its
/// number stays its own until the sweep: numbers come round within a minute.
pub(crate) fn state(pid: c_int, also: c_int) -> Option<String> {
    let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT | also;
    // SAFETY: the kernel fills the struct, or leaves it zero where there is nothing to tell
    let (code, status) = unsafe {
        let mut info: libc::siginfo_t = std::mem::zeroed();
        libc::waitid(libc::P_PID, pid.cast_unsigned(), &raw mut info, options);
        (info.si_code, info.si_status())
    };
    match code {
        0 => None,
        libc::CLD_EXITED => Some(format!("exit {status}")),
        libc::CLD_STOPPED => Some("stopped".to_owned()),
        _ => Some(format!("SIG{}", name(status))),
    }
}

pub(crate) fn kill(pid: c_int, signal: c_int) {
    // SAFETY: sending a signal touches no memory; one that is gone meanwhile is fine
    unsafe { libc::kill(pid, signal) };
}

/// Signals by name.
pub(crate) const SIGNALS: [(&str, c_int); 27] = [
    ("ABRT", libc::SIGABRT),
    ("ALRM", libc::SIGALRM),
    ("BUS", libc::SIGBUS),
    ("CHLD", libc::SIGCHLD),
    ("CONT", libc::SIGCONT),
    ("FPE", libc::SIGFPE),
    ("HUP", libc::SIGHUP),
    ("ILL", libc::SIGILL),
    ("INT", libc::SIGINT),
    ("IO", libc::SIGIO),
    ("KILL", libc::SIGKILL),
    ("PIPE", libc::SIGPIPE),
    ("PROF", libc::SIGPROF),
    ("QUIT", libc::SIGQUIT),
    ("SEGV", libc::SIGSEGV),
    ("STOP", libc::SIGSTOP),
    ("SYS", libc::SIGSYS),
    ("TERM", libc::SIGTERM),
    ("TRAP", libc::SIGTRAP),
    ("TSTP", libc::SIGTSTP),
    ("TTIN", libc::SIGTTIN),
    ("TTOU", libc::SIGTTOU),
    ("USR1", libc::SIGUSR1),
    ("USR2", libc::SIGUSR2),
    ("VTALRM", libc::SIGVTALRM),
    ("WINCH", libc::SIGWINCH),
    ("XCPU", libc::SIGXCPU),
];

fn name(signal: c_int) -> String {
    let known = SIGNALS.iter().find(|(_, number)| *number == signal);
    known.map_or_else(|| signal.to_string(), |(name, _)| (*name).to_owned())
}

/// The signal of this name.
pub(crate) fn number(name: &str) -> c_int {
    let known = SIGNALS.iter().find(|(known, _)| *known == name);
    known.map_or_else(|| name.parse().unwrap(), |(_, number)| *number)
}

/// All processes.
pub(crate) fn processes() -> impl Iterator<Item = c_int> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// The name that the kernel has for a process; none where it is gone or waits only to be reaped.
pub(crate) fn program(pid: c_int) -> Option<String> {
    let stat = stat(pid)?;
    let (name, state) = stat.split_once('(')?.1.rsplit_once(')')?;
    (!state.starts_with(" Z")).then(|| name.to_owned())
}

/// State, parent, group and session of a process, as `/proc` numbers them from the state on.
pub(crate) fn field(pid: c_int, at: usize) -> Option<String> {
    let stat = stat(pid)?;
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(at).map(str::to_owned)
}

fn stat(pid: c_int) -> Option<String> {
    fs::read_to_string(format!("/proc/{pid}/stat")).ok()
}

/// A living process of this program that runs below a folder.
pub(crate) fn find(dir: &Path, called: &str) -> Option<c_int> {
    processes().find(|pid| is_of(*pid, dir, called))
}

/// True where a living process is this program and runs below a folder.
pub(crate) fn is_of(pid: c_int, dir: &Path, called: &str) -> bool {
    program(pid).as_deref() == Some(called) && belongs(pid, dir)
}

/// True where a process has the folder in its variables.
fn belongs(pid: c_int, dir: &Path) -> bool {
    let variables = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    memchr::memmem::find(&variables, dir.as_os_str().as_encoded_bytes()).is_some()
}

/// Ends all processes of these sessions, and those that have the folder in their variables.
pub(crate) fn sweep(dir: &Path, sessions: &[c_int]) {
    let own = c_int::try_from(std::process::id()).unwrap();
    for pid in processes().filter(|pid| *pid != own) {
        let session = field(pid, 3).and_then(|session| session.parse().ok());
        if session.is_some_and(|session| sessions.contains(&session)) || belongs(pid, dir) {
            kill(pid, libc::SIGKILL);
        }
    }
    for pid in sessions {
        // SAFETY: no status is asked for
        until(|| unsafe { libc::waitpid(*pid, std::ptr::null_mut(), libc::WNOHANG) } != 0);
    }
}

/// Orphans come to us, so that they can be found and reaped.
pub(crate) fn adopt_orphans() {
    // SAFETY: no memory is touched
    unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1) };
}

/// Both ends of a new terminal that does not echo.
pub(crate) fn terminal() -> (File, OwnedFd) {
    // SAFETY: descriptors that were just opened; a name that ends with a null byte
    unsafe {
        let master = libc::posix_openpt(libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC);
        assert!(master >= 0);
        libc::grantpt(master);
        libc::unlockpt(master);
        let mut name = [0; 64];
        assert_eq!(libc::ptsname_r(master, name.as_mut_ptr(), name.len()), 0);
        let slave = libc::open(
            name.as_ptr(),
            libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC,
        );
        assert!(slave >= 0);
        let mut modes: libc::termios = std::mem::zeroed();
        libc::tcgetattr(slave, &raw mut modes);
        modes.c_lflag &= !(libc::ECHO | libc::ECHOCTL);
        // else a key that sends a signal throws away what was said but not yet read
        modes.c_lflag |= libc::NOFLSH;
        libc::tcsetattr(slave, libc::TCSANOW, &raw const modes);
        (File::from_raw_fd(master), OwnedFd::from_raw_fd(slave))
    }
}

/// Gives a terminal another size, of which its foreground group is told.
pub(crate) fn resize(terminal: &File, rows: u16, columns: u16) {
    // SAFETY: a struct of four numbers
    unsafe {
        let mut size: libc::winsize = std::mem::zeroed();
        (size.ws_row, size.ws_col) = (rows, columns);
        libc::ioctl(terminal.as_raw_fd(), libc::TIOCSWINSZ, &raw const size);
    }
}

/// Waits a little for something to read, or for the end of it.
pub(crate) fn is_readable(source: &impl AsRawFd) -> bool {
    let mut asked = libc::pollfd {
        fd: source.as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    };
    // SAFETY: one struct of ours
    unsafe { libc::poll(&raw mut asked, 1, 20) > 0 }
}
