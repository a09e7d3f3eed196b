//! How a program ends: codes, deaths by signals, core files.

use crate::caller::Caller;
use crate::row::Row;
use crate::stage::Stage;
use crate::system::number;

const CODES: [u8; 7] = [0, 1, 2, 42, 126, 127, 255];

/// Numbers stand for real-time signals.
const DEADLY: [&str; 22] = [
    "ABRT", "ALRM", "BUS", "FPE", "HUP", "ILL", "INT", "IO", "KILL", "PIPE", "PROF", "QUIT",
    "SEGV", "SYS", "TERM", "TRAP", "USR1", "USR2", "VTALRM", "XCPU", "35", "64",
];

/// Deaths that are tried with a broken journal, too.
const TELLING: [&str; 5] = ["INT", "KILL", "PIPE", "SEGV", "TERM"];

pub(super) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for code in CODES {
        let row = move || Row::new(format!("exit {code}"), move |stage| exit(stage, code));
        rows.push(row().in_modes());
        rows.push(row().on_terminal());
    }
    for name in DEADLY {
        let row = || Row::new(format!("death by {name}"), |stage| death(stage, name));
        let telling = TELLING.contains(&name);
        rows.push(if telling { row().in_modes() } else { row() });
        rows.extend(telling.then(|| row().on_terminal()));
    }
    rows.push(Row::new("core files after death by QUIT", core_files));
    rows.push(Row::bash(
        "what bash says of a death by TERM",
        "set -m; WRAP sh -c 'kill -TERM $$'; echo $?",
    ));
    rows.push(Row::bash(
        "what bash says of a death by SEGV",
        "WRAP sh -c 'kill -SEGV $$'; echo $?",
    ));
    rows.push(Row::bash(
        "a list after a death by INT",
        "WRAP sh -c 'kill -INT $$'; echo $?",
    ));
    rows
}

fn exit(stage: &Stage, code: u8) -> String {
    stage.run(&["sh", "-c", &format!("exit {code}")])
}

fn death(stage: &Stage, name: &str) -> String {
    stage.run(&["sh", "-c", &format!("kill -{} $$", number(name))])
}

/// One at most, the child's; how many a machine writes, and where, is its own affair.
fn core_files(stage: &Stage) -> String {
    let caller = Caller {
        dumps: true,
        limits: vec![(libc::RLIMIT_CORE, 1 << 26)],
        ..Caller::default()
    };
    let ended = stage.go_as(&["sh", "-c", "kill -QUIT $$"], caller).end();
    let entries = std::fs::read_dir(stage.path("work")).unwrap().flatten();
    let is_core =
        |entry: &std::fs::DirEntry| entry.file_name().as_encoded_bytes().starts_with(b"core");
    let more = entries.filter(is_core).count() > 1;
    format!("{ended}, more than one {more}")
}
