//! Backlog.md: finding the project, reading its files, and telling what happened to them from what they were and what
//! they are. The ledger keeps what they were. Nothing here starts a program, prints, or decides when to look.

mod blocked;
mod board;
mod checklist;
mod commit;
mod compare;
mod entity;
mod front;
mod ledger;
mod pairs;
mod place;
mod project;
mod scan;
mod stored;
#[cfg(test)]
mod tests;
mod yaml;

pub use blocked::blocked;
pub use board::{Board, Known};
pub use commit::Committed;
pub use compare::{Change, Difference};
pub use ledger::{Key, Ledger, Others};
pub use project::{Project, TASK_PREFIX};
pub use scan::{Scan, blobs, disk, task_ids};
