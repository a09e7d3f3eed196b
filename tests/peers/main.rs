//! Against the real programs that obs works beside. Run by `tests/run`, which installs them: each call of the Backlog.md
//! CLI takes half a second.
#![cfg(test)]
#![expect(
    clippy::disallowed_methods,
    reason = "tests stand outside the house: they start programs and read the environment"
)]

mod backlog;
mod bus;
mod collector;
mod kafka;
mod nats;
mod oracle;
mod otlp;
mod receiver;
mod rig;
mod storm;
mod wrapped;
