//! A process that has nothing to do with whoever asked for it: of its own session, at the lowest priority, holding none of
//! our descriptors, with every signal as it was at the beginning of the world, and nobody's child but the first process's.

use super::alarm::Alarm;
use super::spawn::Program;
use super::streams;
use std::mem::MaybeUninit;

impl Program {
    /// Starts it, and neither waits for it nor hears of it again. False: there was no process to be had.
    ///
    /// Every signal is blocked meanwhile, so that a shell that we run inside learns nothing of the child in between.
    pub fn detach(&self) -> bool {
        let mut all = MaybeUninit::<libc::sigset_t>::uninit();
        let mut before = MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: the sets are written before they are read; a process of one thread is whole after fork, and the two new
        // ones only make system calls until they run something else or end
        unsafe {
            libc::sigfillset(all.as_mut_ptr());
            libc::sigemptyset(before.as_mut_ptr());
            libc::sigprocmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr());
            let between = libc::fork();
            if between == 0 {
                libc::setsid();
                if libc::fork() == 0 {
                    self.begin();
                }
                libc::_exit(0);
            }
            if between > 0 {
                let mut ended = 0;
                while libc::waitpid(between, &raw mut ended, 0) == -1
                    && std::io::Error::last_os_error().raw_os_error() == Some(libc::EINTR)
                {
                }
            }
            libc::sigprocmask(libc::SIG_SETMASK, before.as_ptr(), std::ptr::null_mut());
            between > 0
        }
    }

    /// The new process: everything as if nobody had started it, then the program.
    ///
    /// # Safety
    /// Nobody uses what this process has.
    unsafe fn begin(&self) {
        // SAFETY: system calls that touch no memory of ours
        unsafe {
            streams::let_go(&[]);
            libc::chdir(c"/".as_ptr());
            libc::setpriority(libc::PRIO_PROCESS as _, 0, 19);
            Alarm::NEVER.set();
            for signal in 1..65 {
                libc::signal(signal, libc::SIG_DFL);
            }
            let mut none = MaybeUninit::<libc::sigset_t>::uninit();
            libc::sigemptyset(none.as_mut_ptr());
            libc::sigprocmask(libc::SIG_SETMASK, none.as_ptr(), std::ptr::null_mut());
        }
        self.replace_us();
    }
}
