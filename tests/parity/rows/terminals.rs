//! What a program finds of its terminal: that it is one, whose foreground it is, its size, its input.

use crate::live::TIMEOUT;
use crate::row::Row;
use crate::stage::Stage;
use crate::system::resize;

pub(super) fn rows() -> Vec<Row> {
    vec![
        Row::new("terminals, group and foreground", |stage| {
            stage.run(&["probe", "place"])
        }),
        Row::new("terminals, group and foreground", sized)
            .on_terminal()
            .in_modes(),
        Row::new("a new window size: count of WINCH", resized)
            .on_terminal()
            .alone(),
        Row::new("a line is read", line).on_terminal().in_modes(),
        Row::new("end of input is read", ended).on_terminal(),
        Row::new("raw keys are read, modes stay as they were", raw).on_terminal(),
        Row::bash(
            "/dev/tty opens",
            "WRAP sh -c 'echo seen >/dev/tty'; echo $?",
        )
        .on_terminal(),
        Row::bash("only standard output is a pipe", "WRAP probe place | cat").on_terminal(),
        Row::bash(
            "only standard error is a terminal",
            "WRAP probe place </dev/null | cat",
        )
        .on_terminal(),
    ]
}

fn sized(stage: &Stage) -> String {
    let live = stage.shell(
        "/bin/bash",
        "stty rows 33 cols 99; WRAP probe place; WRAP stty size",
    );
    stage.told(&live.done())
}

fn resized(stage: &Stage) -> String {
    let live = stage.go(&["probe", "count", "WINCH"]);
    if live.until("READY").is_none() {
        return TIMEOUT.to_owned();
    }
    resize(live.terminal(), 50, 120);
    let done = live.done();
    let (_, got) = done.out.split_once('\n').unwrap_or_default();
    format!("{}, {}", done.ended, got.trim())
}

fn line(stage: &Stage) -> String {
    let live = stage.go(&["sh", "-c", "echo READY; read x; echo got:$x"]);
    live.until("READY");
    live.send("hello\n");
    stage.told(&live.done())
}

fn ended(stage: &Stage) -> String {
    let live = stage.go(&["sh", "-c", "echo READY; cat; echo ended"]);
    live.until("READY");
    live.send("one\n\x04");
    stage.told(&live.done())
}

fn raw(stage: &Stage) -> String {
    let script = "b=$(stty -g); WRAP sh -c 's=$(stty -g); stty raw; echo READY; head -c 1 | od -An -tx1; stty $s'; \
                  [ \"$b\" = \"$(stty -g)\" ] && echo same";
    let live = stage.shell("/bin/bash", script);
    live.until("READY");
    live.send("\x03");
    stage.told(&live.done())
}
