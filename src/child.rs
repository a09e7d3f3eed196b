//! Running another program as if we were not there. This header is the specification.
//!
//! The caller must see what it would see without us: exit code, death by signal, job control, terminal, descriptors,
//! argv, environment (but for the trace context and `_OBS_SHIM`), dispositions and mask, to the byte and the count.
//!
//! 1. Finding. PATH is walked as a shell walks it; a file that is this program (device and inode), or a wrapper that
//!    already stands for the same tool further up (`_OBS_SHIM`), is passed over. Not found is 127, found but not to be
//!    run 126, in the shell's words. Past `DEEPEST` wrappers inside each other nothing is recorded; past `ENDLESS` the
//!    tool runs itself for ever, and is refused.
//! 2. Nothing to record, or no process to be had: `execve`, at once.
//! 3. Before the start every signal is blocked and nothing is opened. The entry left all dispositions alone; SIGCHLD
//!    alone is set to its default where the caller ignored it, for an ignored child has no ending.
//! 4. A sentry is posted: a process of ours in the same group, blocking everything. What was sent to the group is
//!    pending there, what was sent to us alone is not; nothing else tells the two apart. It is posted before the
//!    command, so that no signal to the group can reach the command and miss it; the group hears of a signal youngest
//!    first, so it has what we have.
//! 5. The command starts by `clone` like `vfork`: same group, same session, no pty, no descriptor touched. It gets the
//!    caller's mask and SIGCHLD back, and SIGKILL when we die (PR_SET_PDEATHSIG): a wrapper killed by SIGKILL takes the
//!    command along, as the caller meant. A file without a known format is given to `/bin/sh` (POSIX, execvp).
//!    While it starts signals are caught (`gate`): the kernel makes no process while one is pending that is not blocked,
//!    so each is known to have come before the command, which is then given it, or after.
//! 6. Then our own copies of all descriptors go: a pipe that the command closes must close.
//! 7. Signals are waited for, never handled: `sigtimedwait` on all of them.
//!    - SIGCHLD: the command's state is fetched; strangers that became our children are reaped.
//!    - sent to the group: the command has it. The sentry is relieved, for it holds one of each number at most.
//!    - sent by the command: meant for its parent, so it goes on to ours.
//!    - anything else was meant for the command and goes there. As first process of a pid namespace only what the
//!      command catches: the kernel would have dropped the rest.
//! 8. The command stops: we stop by the same signal, so that a shell sees the job stopped. Continued, we go on; an alarm
//!    clock, a process of ours like the sentry, continues us when somebody continued the command alone.
//! 9. The command ends: recording has `Behind` to outlive it, so the caller never waits longer than that. Then we end
//!    as it did: the same code, or death by the same signal, without a second core file.
//!
//! Known to differ: SIGSTOP to our pid alone cannot be seen; the inner of two wrappers does not stand for process 1; a
//! shell's "(core dumped)" is not repeated; `pkill -f` finds our aides too; of two equal signals to the group within the
//! millisecond that a sentry takes to be relieved the command may see one more; a value that a signal carries is lost if
//! it comes during the start, and a stop then is seen when the start goes on.
#![allow(unsafe_code)] // processes and signals have no safe wrappers

mod alarm;
mod behind;
mod detach;
mod ending;
mod find;
#[cfg(target_os = "linux")]
mod gate;
mod kin;
mod sentry;
mod signals;
mod spawn;
mod stop;
mod streams;
mod tail;
mod wait;

pub use alarm::end_after;
pub use behind::Behind;
pub use ending::{Ended, Usage};
pub use find::{Found, Lookup, Missing, Trail, find};
pub use spawn::{Child, Program, Refused};
pub use stop::{is_wished, note_wishes};
pub use streams::{Shield, close_inherited, ignore_write_signals, let_go, open_standard};
pub use tail::Tail;
pub use wait::{Limits, Waited, Watch};
