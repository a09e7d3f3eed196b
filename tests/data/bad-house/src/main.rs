//! The entry, which compiles a room a second time and fetches what the world has.

mod world;

use obs::{attic, faces};

fn main() {
    let name = std::env::args().next();
    std::process::exit(faces::run(name));
}
