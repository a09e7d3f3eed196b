//! Words and names: programs that are not there or cannot run, argv byte for byte, tools with the names of our faces.

use crate::caller::Caller;
use crate::live::Done;
use crate::row::Row;
use crate::stage::Stage;

pub(super) fn rows() -> Vec<Row> {
    refused().into_iter().chain(words_and_faces()).collect()
}

fn refused() -> Vec<Row> {
    let wording =
        |name: &str, tool: &'static str| Row::new(name, move |stage| refusal(stage, tool));
    vec![
        wording("no such command", "nosuchtool").in_modes(),
        wording("no such path", "./nosuchfile"),
        wording("not executable", "./plain").in_modes(),
        wording("not executable, found on PATH", "flat"),
        wording("a folder", "./folder"),
        wording("a path through a file", "./plain/x"),
        wording("a bad interpreter", "./badinterpreter"),
        wording("a loop of links", "./loop"),
        wording("an empty name", "''"),
        Row::new("a script without #!", |stage| {
            furnish(stage);
            stage.bash("WRAP ./bare one 'two words'; echo $?")
        })
        .in_modes(),
        Row::new("an empty file that is executable", |stage| {
            furnish(stage);
            stage.bash("WRAP ./empty; echo $?")
        }),
        Row::new("a script with #!", |stage| {
            furnish(stage);
            stage.bash("WRAP ./script one; echo $?")
        }),
        Row::bash(
            "a relative PATH",
            "mkdir sub; cp /bin/echo sub/say; PATH=sub:$PATH; WRAP say yes",
        ),
        Row::bash(
            "an empty part of PATH",
            "cp /bin/echo here; PATH=:$PATH; WRAP here yes",
        ),
    ]
}

fn words_and_faces() -> Vec<Row> {
    vec![
        Row::new("argv: odd words", odd_words).in_modes(),
        Row::new("argv: words like options", |stage| {
            stage.run(&[
                "probe",
                "words",
                "--",
                "-h",
                "--help",
                "-",
                "-n",
                "x",
                "-V",
                "--version",
                "--",
            ])
        }),
        Row::bash(
            "argv: a hundred thousand bytes",
            "WRAP printf %s $(head -c 100000 /dev/zero | tr '\\0' x) | wc -c",
        ),
        Row::bash(
            "argv: twenty thousand words",
            "WRAP sh -c 'echo $#' $(seq 20000)",
        ),
        Row::bash("a tool named backlog", face("backlog")).in_modes(),
        Row::bash("a tool named post-commit", face("post-commit")),
        Row::bash("a tool with a point in its name", face("obs.sh")),
        Row::bash(
            "a tool found through env",
            "WRAP env sh -c 'exit 7'; echo $?",
        ),
    ]
}

/// A shell under another name.
fn face(name: &str) -> String {
    format!(
        "ln -s /bin/sh ../bin/{name}; WRAP {name} -c 'echo ran $# $0 $1; exit 9' zero --help; echo $?"
    )
}

fn furnish(stage: &Stage) {
    std::fs::create_dir_all(stage.path("work/folder")).unwrap();
    stage.file("plain", "echo no\n", 0o644);
    stage.file("../bin/flat", "echo no\n", 0o644);
    stage.file("badinterpreter", "#!/nonexistent/interpreter\n", 0o755);
    stage.file("bare", "echo bare $# \"$2\"; exit 7\n", 0o755);
    stage.file("empty", "", 0o755);
    stage.file("script", "#!/bin/sh\necho script $#; exit 8\n", 0o755);
    let _ = std::os::unix::fs::symlink("loop", stage.path("work/loop"));
}

/// How bash is told that a command cannot run. Who speaks, before the words, is left out.
fn refusal(stage: &Stage, tool: &str) -> String {
    furnish(stage);
    let done = stage
        .shell("/bin/bash", &format!("WRAP {tool}; echo $?"))
        .done();
    let lines = done.err.lines().map(|line| {
        let (_, rest) = line.split_once("line 1: ").unwrap_or(("", line));
        let rest = rest.strip_prefix("obs: ").unwrap_or(rest);
        format!("{rest}\n")
    });
    let err = lines.collect();
    stage.told(&Done { err, ..done })
}

fn odd_words(stage: &Stage) -> String {
    let words: [&[u8]; 7] = [
        b"words",
        b"",
        b"a\nb",
        b"\xff\xfe",
        b"*",
        b"$HOME `x` \"'",
        b"\xc3\xa9",
    ];
    let image = stage.image("probe", &words, &[]);
    let caller = Caller {
        image: Some(image),
        ..Caller::default()
    };
    stage.told(&stage.start(&["true"], caller).done())
}
