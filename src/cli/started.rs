//! Spans that were started and are not in the journal: running, abandoned, or ended and kept back by a crash.

use crate::journal::{Journal, State};
use crate::model::Record;
use crate::query::Piece;
use crate::world::World;

/// Each as the record it would be if it were journalled now.
pub(super) fn pieces(journal: &Journal, world: &World) -> impl Iterator<Item = Piece> {
    let now = world.now();
    journal.live_spans().into_iter().map(move |live| {
        let state = live.state(world, now);
        let mut span = match state {
            State::Abandoned => live.abandoned(),
            State::Done | State::Running => live.span,
        };
        if state == State::Running {
            span.finish(now);
        }
        let record = Record::Span(Box::new(span));
        let line = record.line().trim_ascii_end().to_vec();
        Piece {
            record,
            line,
            running: state == State::Running,
        }
    })
}
