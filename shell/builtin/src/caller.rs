//! Who called a function of `obs print shell`, by bash's own arrays, as `__obs_log` in `obs.bash` finds it.

use crate::bash;

/// What runs a command for somebody is not who called.
const BETWEEN: &[&[u8]] = &[b"obs_time", b"span_run"];

/// The option that names file, line and function. The innermost frame is the one that called us.
pub(crate) fn source() -> Vec<u8> {
    let name = |frame| bash::element(c"FUNCNAME", frame);
    let mut frame = 0;
    while name(frame).is_some_and(|name| BETWEEN.contains(&name)) {
        frame += 1;
    }
    let function = match name(frame) {
        Some(b"source") => None,
        // the script itself, where nothing stands below it
        Some(b"main") if name(frame + 1).is_none() => None,
        name => name,
    };
    let line = match frame.checked_sub(1) {
        Some(above) => bash::element(c"BASH_LINENO", above),
        None => bash::value(c"LINENO"),
    };
    let parts = [bash::element(c"BASH_SOURCE", frame), line, function];
    let parts = parts.map(Option::unwrap_or_default);
    [b"--source=".as_slice(), &parts.join(b":".as_slice())].concat()
}
