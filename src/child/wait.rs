//! Waiting for a command: its endings and stops, the signals that are meant for it, and a clock.

use super::ending::{Ended, Usage};
use super::kin;
use super::sentry::Aide;
use super::signals::{self, Received};
use super::spawn::Child;
use super::tail::Tail;
use std::time::{Duration, Instant};

/// Between TERM and KILL, for a command that was given a time limit.
const GRACE: Duration = Duration::from_secs(10);

/// How long a command may run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Limits {
    /// After this long it and all below it get TERM and CONT, and KILL after ten more seconds.
    pub timeout: Option<Duration>,
}

/// Somebody who looks around while the command runs.
pub trait Watch {
    /// How long to wait before looking, each time.
    fn pause(&self) -> Duration;

    /// Looks.
    fn look(&mut self);
}

/// A look that takes long is had less often: at most this part of the time is spent looking.
const SHARE: u32 = 20;

/// The end of a command that was waited for.
#[derive(Debug, Clone, Copy)]
pub struct Waited {
    /// How it ended.
    pub ended: Ended,
    /// What it used.
    pub usage: Usage,
    /// Its time was up, and we sent it TERM.
    pub timed_out: bool,
}

/// The moments at which waiting is interrupted.
struct Clock {
    /// Next signal for a command whose time is up.
    limit: Option<(Instant, i32)>,
    look: Option<Instant>,
    timed_out: bool,
}

impl Child {
    /// Waits until the command ends.
    pub fn wait(
        &mut self,
        limits: Limits,
        watch: Option<&mut dyn Watch>,
        mut tail: Option<&mut Tail>,
    ) -> Waited {
        self.catch_up();
        let now = Instant::now();
        let mut watch = watch;
        let mut clock = Clock {
            limit: limits.timeout.map(|after| (now + after, libc::SIGTERM)),
            look: watch.as_ref().map(|watch| now + watch.pause()),
            timed_out: false,
        };
        loop {
            if let Some((ended, usage)) = self.fetch() {
                let timed_out = clock.timed_out;
                if let Some(tail) = &mut tail {
                    tail.drain();
                }
                return Waited {
                    ended,
                    usage,
                    timed_out,
                };
            }
            clock.tick(self, &mut watch);
            let most = clock
                .next()
                .map(|at| at.saturating_duration_since(Instant::now()));
            let received = match &mut tail {
                Some(tail) => tail.pump(most),
                None => signals::next(most),
            };
            if let Some(received) = received {
                self.received(&received);
            }
        }
    }

    /// Gives the command what came before it was there, and judges what came while we waited for it.
    #[cfg(target_os = "linux")]
    fn catch_up(&mut self) {
        let passed = std::mem::take(&mut self.passed);
        if !passed.early.is_empty() {
            let early = passed.early.iter();
            let early = early.fold(signals::Set::of(0), |set, signal| set.with(*signal));
            self.tower.relieve(early);
        }
        for signal in passed.early {
            signals::send(self.pid, signal);
        }
        for received in &passed.late {
            self.received(received);
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn catch_up(&mut self) {}

    /// What became of the command, if it ended; stops with it, and reaps strangers.
    fn fetch(&mut self) -> Option<(Ended, Usage)> {
        let options = libc::WNOHANG | libc::WUNTRACED | libc::WCONTINUED;
        loop {
            match signals::fetch(-1, options) {
                Ok(Some((pid, status, usage))) if pid == self.pid => {
                    if let Some(ended) = Ended::of(status) {
                        return Some((ended, Usage::of(&usage)));
                    }
                    if libc::WIFSTOPPED(status) {
                        self.clock = stop(self.pid, libc::WSTOPSIG(status));
                    }
                }
                Ok(Some(_)) => {} // a stranger
                Ok(None) => return None,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                // somebody else waited for it: how it ended is lost
                Err(_) => return Some((Ended::Code(0), Usage::default())),
            }
        }
    }

    fn received(&mut self, received: &Received) {
        let by_kernel = received.code > 0;
        if received.signal == libc::SIGCHLD && by_kernel {
            return; // the command's state, or a stranger's: the loop fetches it
        }
        if received.signal == libc::SIGCONT && !by_kernel && self.clock == Some(received.sender) {
            return; // our own alarm clock
        }
        if self.tower.saw(received) {
            return; // the command has it
        }
        if received.sender == self.pid && !by_kernel {
            // none where we are the first of a pid namespace: nobody there to be told
            if let Some(parent) = rustix::process::getppid() {
                received.send_on(parent.as_raw_nonzero().get());
            }
        } else if !self.is_first || may_catch(self.pid, received.signal) {
            received.send_on(self.pid);
        }
    }
}

/// False where a process surely has no handler for a signal. The kernel drops, for the first process of a pid namespace, what
/// it does not catch (pid_namespaces(7)); our command stands in the place of one.
fn may_catch(pid: i32, signal: i32) -> bool {
    #[cfg(target_os = "linux")]
    if super::sentry::is_own_proc() {
        let has = |name: &str| {
            let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
            Some(signals::Set::told(&status, name)?.has(signal))
        };
        // what is blocked may be waited for, as we do; while it is, it shows as not blocked
        let waits = std::fs::read_to_string(format!("/proc/{pid}/syscall")).is_ok_and(|call| {
            call.split(' ').next() == Some(&libc::SYS_rt_sigtimedwait.to_string())
        });
        // a shell blocks all for the moment in which it starts a program: that is none of it
        let blocks = || {
            has("SigBlk:") != Some(false) && {
                std::thread::sleep(Duration::from_millis(5));
                has("SigBlk:") != Some(false)
            }
        };
        return waits || has("SigCgt:") != Some(false) || blocks();
    }
    let _ = (pid, signal);
    true
}

/// Stops as the command did, so that the caller's shell sees a stopped job; returns when we are continued, by the
/// caller or because somebody continued the command alone.
/// The answer is who may have continued us for that.
fn stop(command: i32, signal: i32) -> Option<i32> {
    if signals::pending().has(libc::SIGCONT) {
        return None;
    }
    let clock = Aide::alarm_clock(command);
    signals::raise_default(signal);
    clock.map(|clock| clock.pid())
}

impl Clock {
    fn next(&self) -> Option<Instant> {
        let limit = self.limit.map(|(at, _)| at);
        limit.into_iter().chain(self.look).min()
    }

    fn tick(&mut self, child: &Child, watch: &mut Option<&mut dyn Watch>) {
        let now = Instant::now();
        if let Some((at, signal)) = self.limit
            && at <= now
        {
            self.timed_out = true;
            for pid in kin::family(child.pid) {
                signals::send(pid, signal);
                signals::send(pid, libc::SIGCONT);
            }
            self.limit = (signal == libc::SIGTERM).then_some((now + GRACE, libc::SIGKILL));
        }
        if self.look.is_some_and(|at| at <= now)
            && let Some(watch) = watch
        {
            watch.look();
            let took = now.elapsed();
            self.look = Some(Instant::now() + watch.pause().max(took * SHARE));
        }
    }
}
