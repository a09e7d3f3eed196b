//! The trace context that somebody handed to us, as told from one that sourcing a shell's functions has only made.

use crate::model::context::{TraceContext, parse_traceparent};
use crate::world::World;
use std::os::unix::ffi::OsStrExt;

/// The context that sourcing has made and nobody has recorded yet: no trace to be continued where there is a better one.
const MADE: &str = "_OBS_MADE";

/// The context of TRACEPARENT, unless it is only made.
pub fn handed(world: &World) -> Option<TraceContext> {
    let header = world.var_os("TRACEPARENT")?;
    let is_made = world.var_os(MADE) == Some(header);
    parse_traceparent(header.as_bytes()).filter(|_| !is_made)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_context_is_not_handed() {
        const OURS: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03";
        let is_handed = |made: &str| {
            let world = World::of(&[("TRACEPARENT", OURS), ("_OBS_MADE", made)]);
            handed(&world).is_some()
        };
        assert!(is_handed("") && is_handed(&OURS.replace("b7-", "b8-")));
        assert!(!is_handed(OURS));
        assert!(handed(&World::of(&[])).is_none());
    }
}
