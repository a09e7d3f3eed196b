//! The builtin uses the library, but neither its faces nor the clock.

use obs::capture::record;
use obs::faces::Table;

#[unsafe(no_mangle)]
extern "C" fn obs_builtin() {
    std::time::SystemTime::now();
}
