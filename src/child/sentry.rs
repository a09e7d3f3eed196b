//! Processes of ours beside the command, which share our memory and descriptors and end with us: the sentry, in whose
//! pending signals one sees what was sent to the group; and the alarm clock of a wrapper that is stopped.

#[cfg(target_os = "linux")]
use super::signals::Set;
use super::signals::{self, Received};
#[cfg(target_os = "linux")]
use std::time::Duration;

/// Tells signals to the group from signals to us.
pub(super) struct Watchtower {
    #[cfg(target_os = "linux")]
    sentry: Option<Aide>,
    /// Signals to the group that a relieved sentry had besides: ours of the same number are still on their way.
    #[cfg(target_os = "linux")]
    held: Set,
}

impl Watchtower {
    /// Posts a sentry, where that can be done. Every signal must be blocked.
    pub(super) fn new() -> Self {
        Self {
            #[cfg(target_os = "linux")]
            sentry: Aide::sentry(),
            #[cfg(target_os = "linux")]
            held: Set::of(0),
        }
    }

    /// True where a signal that we received went to the whole group. Where nobody tells: where no process sent it.
    #[cfg(target_os = "linux")]
    pub(super) fn saw(&mut self, received: &Received) -> bool {
        let signal = received.signal;
        if self.held.has(signal) {
            self.held = self.held.without(signal);
            self.hold_queued(signal);
            return true;
        }
        let Some(mut pending) = self.sentry.as_ref().and_then(Aide::pending) else {
            return is_from_terminal(received);
        };
        if !pending.has(signal) && received.code <= 0 {
            // kill(-1) goes through all processes, the oldest first: we may be served before the sentry
            std::thread::sleep(Duration::from_micros(200));
            pending = self
                .sentry
                .as_ref()
                .and_then(Aide::pending)
                .unwrap_or(pending);
        }
        if !pending.has(signal) {
            return false;
        }
        self.relieve(Set::of(0).with(signal));
        self.hold_queued(signal);
        true
    }

    /// Real-time signals queue with us, where the sentry shows one of a number: those behind it came to the group too.
    #[cfg(target_os = "linux")]
    fn hold_queued(&mut self, signal: i32) {
        if signal >= FIRST_QUEUED && signals::pending().has(signal) {
            self.held = self.held.with(signal);
        }
    }

    /// Changes the sentry after signals that are done with: one of each number is all that it can hold, and the next one
    /// stands there before it leaves.
    #[cfg(target_os = "linux")]
    pub(super) fn relieve(&mut self, done: Set) {
        let next = Aide::sentry();
        let none = Set::of(0);
        let old = self.sentry.as_ref().and_then(Aide::pending).unwrap_or(none);
        // read after the old one: what is in both came between, and the new one still tells of it
        let new = next.as_ref().and_then(Aide::pending).unwrap_or(none);
        self.held = self.held.and(old.except(done).except(new));
        if next.is_none() {
            self.sentry = None; // its slot is free now
        }
        self.sentry = next.or_else(Aide::sentry);
    }

    /// True where no process sent it: nothing else tells here.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn saw(&mut self, received: &Received) -> bool {
        received.code > 0
    }
}

/// The first signal of which more than one waits (signal(7)).
#[cfg(target_os = "linux")]
const FIRST_QUEUED: i32 = 32;

/// Where no sentry tells: what no process sent came from the terminal, to its group; but for the clocks that the caller
/// left us.
#[cfg(target_os = "linux")]
fn is_from_terminal(received: &Received) -> bool {
    let clocks = [
        libc::SIGALRM,
        libc::SIGVTALRM,
        libc::SIGPROF,
        libc::SIGXCPU,
        libc::SIGIO,
    ];
    received.code > 0 && !clocks.contains(&received.signal)
}

/// Enough for functions that make a few system calls.
#[cfg(target_os = "linux")]
const STACK: usize = 16 * 1024;

/// A process of ours; dropping it calls it in.
pub(super) struct Aide {
    pid: i32,
    #[cfg(target_os = "linux")]
    _stack: Box<[u8]>,
    #[cfg(target_os = "linux")]
    _order: Box<Order>,
}

/// What an aide is told, in memory that it shares with us.
#[cfg(target_os = "linux")]
struct Order {
    parent: i32,
    /// `/proc/PID/stat` of the command, for the alarm clock.
    stat: std::ffi::CString,
}

#[cfg(not(target_os = "linux"))]
impl Aide {
    /// There is none where the kernel does not tell what became of a process.
    pub(super) fn alarm_clock(_: i32) -> Option<Self> {
        None
    }

    /// Its process id.
    pub(super) fn pid(&self) -> i32 {
        self.pid
    }
}

#[cfg(target_os = "linux")]
impl Aide {
    /// A sentry: it does nothing but stand there.
    fn sentry() -> Option<Self> {
        Self::post(stand, 0)
    }

    /// An alarm clock for a wrapper that stops because its command did: somebody may continue the command alone.
    pub(super) fn alarm_clock(command: i32) -> Option<Self> {
        is_own_proc().then(|| Self::post(ring, command))?
    }

    /// Its process id.
    pub(super) fn pid(&self) -> i32 {
        self.pid
    }

    /// Starts one; none where there is no process to be had. It inherits that every signal is blocked.
    fn post(life: extern "C" fn(*mut libc::c_void) -> libc::c_int, command: i32) -> Option<Self> {
        let mut stack = vec![0_u8; STACK].into_boxed_slice();
        let top = stack.as_mut_ptr_range().end;
        let stat = std::ffi::CString::new(format!("/proc/{command}/stat")).ok()?;
        let mut order = Box::new(Order {
            parent: signals::own_pid(),
            stat,
        });
        // Memory and descriptors are shared: nothing is copied, and a pipe that we close is closed.
        let flags = libc::CLONE_VM | libc::CLONE_FILES | libc::CLONE_FS;
        // SAFETY: stack and order live until drop has ended the process; the top is aligned down
        let pid = unsafe {
            let top = top.wrapping_sub(top.addr() % 16);
            libc::clone(
                life,
                top.cast(),
                flags,
                std::ptr::from_mut(&mut *order).cast(),
            )
        };
        (pid > 0).then_some(Self {
            pid,
            _stack: stack,
            _order: order,
        })
    }

    /// The signals that wait for it; none where it cannot be told.
    fn pending(&self) -> Option<Set> {
        if !is_own_proc() {
            return None;
        }
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid)).ok()?;
        Some(Set::told(&status, "ShdPnd:")?.and(Set::told(&status, "SigPnd:")?))
    }
}

/// False where `/proc` is that of another pid namespace, in which our numbers are others.
#[cfg(target_os = "linux")]
pub(super) fn is_own_proc() -> bool {
    let own = std::fs::read_link("/proc/self").ok();
    own.is_some_and(|own| own.to_str() == Some(std::process::id().to_string().as_str()))
}

impl Drop for Aide {
    fn drop(&mut self) {
        signals::send(self.pid, libc::SIGKILL);
        // it ends without a signal to its parent, which only __WALL waits for
        #[cfg(target_os = "linux")]
        while signals::fetch(self.pid, libc::__WALL)
            .is_err_and(|error| error.kind() == std::io::ErrorKind::Interrupted)
        {}
    }
}

/// Ends with its parent; false where that is gone already.
///
/// # Safety
/// For an aide only: nothing here touches memory that the parent uses. `libc::syscall` writes errno only for an error.
#[cfg(target_os = "linux")]
unsafe fn follow(order: &Order) -> bool {
    // SAFETY: system calls without memory
    unsafe {
        libc::syscall(
            libc::SYS_prctl,
            libc::PR_SET_PDEATHSIG,
            libc::SIGKILL,
            0,
            0,
            0,
        );
        // not called as we are: `killall obs` means the wrapper
        libc::syscall(
            libc::SYS_prctl,
            libc::PR_SET_NAME,
            c"sentry".as_ptr(),
            0,
            0,
            0,
        );
        libc::syscall(libc::SYS_getppid) == libc::c_long::from(order.parent)
    }
}

/// The sentry's life.
#[cfg(target_os = "linux")]
extern "C" fn stand(order: *mut libc::c_void) -> libc::c_int {
    // SAFETY: the order lives as long as we do; see `follow`
    unsafe {
        let order = &*order.cast::<Order>();
        while follow(order) {
            nap(i32::MAX, 0);
        }
        libc::syscall(libc::SYS_exit, 0);
    }
    0
}

/// The alarm clock's life: continues its parent when the command is not stopped any more.
#[cfg(target_os = "linux")]
extern "C" fn ring(order: *mut libc::c_void) -> libc::c_int {
    const SHORT: libc::c_long = 20_000_000;
    const LONG: libc::c_long = 200_000_000;
    // SAFETY: the order lives as long as we do; see `follow`; the parent is stopped, or will be
    unsafe {
        let order = &*order.cast::<Order>();
        let mut naps = 0_u32;
        while follow(order) {
            // again and again until we are called in: the parent may not have stopped yet
            if !is_stopped(&order.stat) {
                libc::syscall(libc::SYS_kill, order.parent, libc::SIGCONT);
            }
            nap(0, if naps < 100 { SHORT } else { LONG });
            naps = naps.saturating_add(1);
        }
        libc::syscall(libc::SYS_exit, 0);
    }
    0
}

/// Sleeps without a signal being able to end it.
#[cfg(target_os = "linux")]
unsafe fn nap(seconds: i32, nanos: libc::c_long) {
    let length = libc::timespec {
        tv_sec: seconds.into(),
        tv_nsec: nanos as _,
    };
    // SAFETY: the length lives through the call
    unsafe {
        libc::syscall(
            libc::SYS_nanosleep,
            &raw const length,
            std::ptr::null_mut::<libc::timespec>(),
        )
    };
}

/// Whether a process is stopped: the letter behind its name in `/proc/PID/stat` (proc(5)). Nothing is allocated.
#[cfg(target_os = "linux")]
unsafe fn is_stopped(stat: &std::ffi::CStr) -> bool {
    let mut bytes = [0_u8; 256];
    // SAFETY: path and buffer live through the calls
    let length = unsafe {
        let file = libc::syscall(
            libc::SYS_openat,
            libc::AT_FDCWD,
            stat.as_ptr(),
            libc::O_RDONLY | libc::O_CLOEXEC,
        );
        if file < 0 {
            return true; // not told: a command that is not reaped is always there
        }
        let length = libc::syscall(libc::SYS_read, file, bytes.as_mut_ptr(), bytes.len());
        libc::syscall(libc::SYS_close, file);
        length
    };
    let told = bytes.get(..usize::try_from(length).unwrap_or_default());
    let told = told.unwrap_or_default();
    if told.is_empty() {
        return true;
    }
    let end = told.iter().rposition(|byte| *byte == b')');
    let state = end.and_then(|end| told.get(end + 2));
    matches!(state, Some(b'T' | b't'))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn sentry_holds_what_it_is_sent() {
        let before = signals::block_all();
        let sentry = Aide::sentry().unwrap();
        let has = |signal| sentry.pending().unwrap().has(signal);
        assert!(!has(libc::SIGUSR1));
        signals::send(sentry.pid, libc::SIGUSR1);
        signals::send(sentry.pid, 34);
        assert!(has(libc::SIGUSR1) && has(34));
        let pid = sentry.pid;
        drop(sentry);
        assert!(!std::path::Path::new(&format!("/proc/{pid}/status")).exists());
        before.restore();
    }

    #[test]
    fn running_process_is_not_stopped() {
        // SAFETY: the test's own process runs
        assert!(!unsafe { is_stopped(c"/proc/self/stat") });
        // SAFETY: a file that is not there
        assert!(unsafe { is_stopped(c"/proc/0/stat") });
    }
}
