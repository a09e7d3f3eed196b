//! Who a started span lives with: as long as one of these processes is there, it is not abandoned.

use crate::error::Error;
use crate::journal::Owner;
use crate::redact;
use crate::world::World;

/// The processes that a span lives with: the given one, else the caller and, climbing out of subshells, which have their
/// own parent's command line, each shell above it up to the script. Both ends count: the subshell of a `$(…)` is gone at
/// once, and a background job may outlive its script.
pub(super) fn owners(world: &World, given: Option<String>) -> Result<Vec<Owner>, Error> {
    if let Some(text) = given {
        return match text.parse::<u32>() {
            Ok(0) => Ok(Vec::new()),
            Ok(pid) => Ok(Owner::of(pid, world).into_iter().collect()),
            Err(_) => Err(Error::usage(format!(
                "`--owner {}` is no process id",
                redact::text(&text)
            ))
            .hint("0 means no owner")),
        };
    }
    let (pid, words) = super::scene::calling(world);
    let (Some(mut process), Some(space)) = (world.process(pid), world.pid_space()) else {
        return Ok(Vec::new());
    };
    let mut owners = Vec::new();
    for _ in 0..32 {
        let (pid, start, parent) = (process.pid, process.start, process.parent);
        owners.push(Owner {
            pid,
            start,
            space: space.clone(),
            host: world.host(),
        });
        if parent == 0 || words.is_empty() || world.command_line(parent) != words {
            break;
        }
        match world.process(parent) {
            Some(found) => process = found,
            None => break,
        }
    }
    Ok(owners)
}
