//! Faults injected into the real program: kills, errno, full disks. Run by `tests/run`; needs root and strace.
#![cfg(test)]
#![expect(
    clippy::disallowed_methods,
    reason = "tests stand outside the house: they start programs and read the environment"
)]

mod builtin;
mod bytes;
mod clock;
mod crowd;
mod disks;
mod errno;
mod kills;
mod ledger;
mod limits;
mod locks;
mod outbox;
mod places;
#[expect(dead_code, reason = "the integration tests use the rest")]
#[path = "../receiver.rs"]
mod receiver;
mod rig;
mod rotation;
mod shipping;
mod signals;
mod stage;
mod storm;
mod strace;
mod streams;
mod tails;
