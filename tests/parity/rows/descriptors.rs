//! Descriptors: closed ones stay closed, open ones stay open, none is added.

use crate::caller::Caller;
use crate::row::Row;
use crate::stage::Stage;

pub(super) fn rows() -> Vec<Row> {
    let closed = |name: &str, closed: &[i32]| {
        let closed = closed.to_vec();
        Row::new(format!("descriptors: {name}"), move |stage| {
            let caller = Caller {
                closed: closed.clone(),
                ..Caller::default()
            };
            files(stage, caller)
        })
    };
    vec![
        closed("three open", &[]).in_modes(),
        closed("0 closed", &[0]).in_modes(),
        closed("1 closed", &[1]),
        closed("2 closed", &[2]),
        closed("0 and 1 closed", &[0, 1]),
        closed("all closed", &[0, 1, 2]).in_modes(),
        closed("three open", &[]).on_terminal(),
        closed("all closed", &[0, 1, 2]).on_terminal(),
        scripted(
            "7 is handed on",
            "WRAP probe files found 7</etc/hostname; cat found",
        ),
        scripted(
            "3 and 200 are handed on",
            "WRAP probe files found 3</etc/hostname 200>>file; cat found",
        ),
        scripted(
            "0 is a file, at its offset",
            "seq 5 >file; { read a; WRAP cat; } <file",
        ),
        scripted(
            "1 is appended to, 2 is 1",
            "WRAP sh -c 'echo a; echo b >&2' >>file 2>&1; cat file",
        ),
        scripted(
            "a non-blocking pipe stays so",
            "python3 -c 'import os,sys; r,w=os.pipe(); os.set_blocking(r,False); os.dup2(r,0); os.execvp(sys.argv[1],sys.argv[1:])' WRAP probe files found; cut -d' ' -f1,3 found",
        ),
        scripted(
            "a lock on an inherited descriptor",
            "exec 9>lock; flock 9; WRAP flock -n 9 echo still ours; (WRAP flock -n lock true; echo $?)",
        ),
        scripted("1 is full", "WRAP echo x >/dev/full; echo $?"),
        scripted("a failing write to a closed 1", "WRAP echo x >&-; echo $?"),
        scripted("process substitution", "WRAP cat <(echo one) <(echo two)"),
        scripted("a here-document", "WRAP cat <<<'three words here'"),
    ]
}

/// Pipes have numbers, which differ from run to run.
fn scripted(name: &str, script: &'static str) -> Row {
    Row::new(format!("descriptors: {name}"), move |stage| {
        numberless(&stage.bash(script))
    })
}

fn files(stage: &Stage, caller: Caller) -> String {
    let list = stage.path("work/found");
    let mut live = stage.go_as(&["probe", "files", list.to_str().unwrap()], caller);
    let ended = live.end();
    let found = std::fs::read_to_string(list).unwrap_or_default();
    numberless(&format!(
        "{ended}: {}",
        stage.plain(&found).trim_end().replace('\n', " / ")
    ))
}

fn numberless(text: &str) -> String {
    let mut plain = String::new();
    for part in text.split_inclusive(['[', ']']) {
        let is_number = part
            .strip_suffix(']')
            .is_some_and(|part| part.parse::<u64>().is_ok());
        plain += if is_number { "n]" } else { part };
    }
    let words = plain.split(' ').map(|word| {
        if word.starts_with("/dev/pts/") {
            "/dev/pts/n"
        } else {
            word
        }
    });
    words.collect::<Vec<_>>().join(" ")
}
