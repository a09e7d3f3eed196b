//! The moment of the start. A signal to the group that comes while the command is not there yet must not be taken for one
//! that it has. With a signal unblocked the kernel makes no process while one is pending (fork(2), ERESTARTNOINTR): so
//! around the clone those that may come are caught, and each is known to have come before the command or after it.

use super::signals::{self, Received, Set};
use std::mem::{MaybeUninit, zeroed};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

/// What is sent to groups, and ends or stops a program.
const CAUGHT: [i32; 15] = [
    libc::SIGHUP,
    libc::SIGINT,
    libc::SIGQUIT,
    libc::SIGUSR1,
    libc::SIGUSR2,
    libc::SIGALRM,
    libc::SIGTERM,
    libc::SIGPIPE,
    libc::SIGVTALRM,
    libc::SIGPROF,
    libc::SIGTSTP,
    libc::SIGTTIN,
    libc::SIGTTOU,
    libc::SIGIO,
    libc::SIGXCPU,
];

const MOST: usize = 32;

/// The command's process id, which the kernel writes when it is made; 0 before.
static COMMAND: AtomicI32 = AtomicI32::new(0);
/// Ours: the command runs our handlers too until it is itself.
static OWN: AtomicI32 = AtomicI32::new(0);
static NOTES: [Note; MOST] = [const { Note::new() }; MOST];

/// What came of one number.
struct Note {
    early: AtomicBool,
    late: AtomicBool,
    code: AtomicI32,
    sender: AtomicI32,
}

impl Note {
    const fn new() -> Self {
        Self {
            early: AtomicBool::new(false),
            late: AtomicBool::new(false),
            code: AtomicI32::new(0),
            sender: AtomicI32::new(0),
        }
    }
}

/// An open gate: signals are caught. Shutting it blocks them all again.
pub(super) struct Gate {
    open: Set,
}

/// What came through it.
#[derive(Default)]
pub(super) struct Passed {
    /// Before the command was there: it does not have them.
    pub(super) early: Vec<i32>,
    /// After.
    pub(super) late: Vec<Received>,
}

impl Passed {
    /// There is no command to have them: they are for us, as soon as they are not blocked.
    pub(super) fn give_back(&self) {
        let late = self.late.iter().map(|received| received.signal);
        for signal in self.early.iter().copied().chain(late) {
            signals::send(signals::own_pid(), signal);
        }
    }
}

impl Gate {
    /// Opens it for what the caller neither blocks nor ignores.
    pub(super) fn open(before: &signals::Inherited) -> Self {
        COMMAND.store(0, Ordering::SeqCst);
        OWN.store(signals::own_pid(), Ordering::SeqCst);
        let mut caught = Set::of(0);
        for signal in CAUGHT.into_iter().filter(|signal| !before.blocks(*signal)) {
            if catch(signal) {
                caught = caught.with(signal);
            }
        }
        signals::unblock(caught);
        Self { open: caught }
    }

    /// Where the kernel is to write the command's process id.
    pub(super) fn command() -> *mut i32 {
        COMMAND.as_ptr()
    }

    /// Shuts it.
    pub(super) fn shut(self) -> Passed {
        signals::block();
        let mut passed = Passed::default();
        for signal in CAUGHT.into_iter().filter(|signal| self.open.has(*signal)) {
            // SAFETY: it was the default before it was caught
            unsafe { libc::signal(signal, libc::SIG_DFL) };
            let Some(note) = usize::try_from(signal).ok().and_then(|at| NOTES.get(at)) else {
                continue;
            };
            if note.early.swap(false, Ordering::SeqCst) {
                passed.early.push(signal);
            }
            if note.late.swap(false, Ordering::SeqCst) {
                let (code, sender) = (
                    note.code.load(Ordering::SeqCst),
                    note.sender.load(Ordering::SeqCst),
                );
                passed.late.push(Received::noted(signal, code, sender));
            }
        }
        passed
    }
}

/// Catches a signal, unless the caller ignores it.
fn catch(signal: i32) -> bool {
    // SAFETY: the handler is one for SA_SIGINFO; both actions are valid where they are read
    unsafe {
        let mut action: libc::sigaction = zeroed();
        action.sa_sigaction = note as extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void)
            as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART;
        libc::sigfillset(&raw mut action.sa_mask);
        let mut before = MaybeUninit::<libc::sigaction>::zeroed();
        libc::sigaction(signal, &raw const action, before.as_mut_ptr());
        let ignored = before.assume_init().sa_sigaction == libc::SIG_IGN;
        if ignored {
            libc::sigaction(signal, before.as_ptr(), ptr::null_mut());
        }
        !ignored
    }
}

/// Notes what came. In the command, which is not itself yet: the default action, as if it were.
extern "C" fn note(signal: i32, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // SAFETY: these calls may be made in a handler; the kernel's info lives as long as the handler runs
    unsafe {
        let own = i32::try_from(libc::syscall(libc::SYS_getpid)).unwrap_or_default();
        if own != OWN.load(Ordering::SeqCst) {
            libc::signal(signal, libc::SIG_DFL);
            libc::syscall(libc::SYS_kill, own, signal);
            return;
        }
        let Some(note) = usize::try_from(signal).ok().and_then(|at| NOTES.get(at)) else {
            return;
        };
        if COMMAND.load(Ordering::SeqCst) == 0 {
            note.early.store(true, Ordering::SeqCst);
            return;
        }
        note.code.store((*info).si_code, Ordering::SeqCst);
        note.sender.store((*info).si_pid(), Ordering::SeqCst);
        note.late.store(true, Ordering::SeqCst);
    }
}
