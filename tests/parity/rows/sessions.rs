//! Sessions, groups, backgrounds and orphans.

use crate::row::Row;

/// Name and script of each row.
const SCRIPTS: &[(&str, &str)] = &[
    (
        "group and session are the caller's",
        "set -m; WRAP sh -c 'set -- $(ps -o pgid=,sid= -p $$); [ $1 != $2 ] && echo own group; ps -o sid= -p $$ | tr -d \" \" >s'; [ $(cat s) = $(ps -o sid= -p $$ | tr -d ' ') ] && echo session",
    ),
    (
        "group without job control",
        "WRAP sh -c 'ps -o pgid= -p $$ | tr -d \" \"' >g; [ $(cat g) = $(ps -o pgid= -p $$ | tr -d ' ') ] && echo same || echo other",
    ),
    (
        "setsid",
        "setsid -w WRAP sh -c 'exit 6'; echo $?; setsid -w WRAP probe place",
    ),
    ("setsid inside", "WRAP setsid -w sh -c 'exit 6'; echo $?"),
    (
        "nohup runs it",
        "nohup WRAP sh -c 'echo kept; exit 5' 2>/dev/null; echo $?",
    ),
    (
        "background and wait",
        "WRAP sh -c 'exit 8' & wait $!; echo $?",
    ),
    (
        "background, KILL, wait",
        "WRAP sleep 30 >/dev/null & sleep 0.1; kill -KILL $!; wait $!; echo $?",
    ),
    (
        "background, INT does nothing",
        "WRAP sleep 0.5 & sleep 0.1; kill -INT $!; wait $!; echo $?",
    ),
    (
        "wait -n",
        "WRAP sleep 30 & a=$!; WRAP sh -c 'exit 3' & wait -n; echo $?; kill $a; wait $a; echo $?",
    ),
    (
        "coproc",
        "coproc WRAP cat; echo x >&${COPROC[1]}; read y <&${COPROC[0]}; echo $y; kill $COPROC_PID; wait $COPROC_PID; echo $?",
    ),
    (
        "a grandchild is not waited for",
        "WRAP sh -c '(sleep 0.3; echo late >f) & exit 0'; [ -e f ] || echo not yet; wait; sleep 0.6; cat f",
    ),
    (
        "zombies are the child's own",
        "WRAP sh -c 'true & sleep 0.1; wait $!; echo $?'",
    ),
    (
        "a child that kills its parent's group member",
        "WRAP sh -c 'kill -TERM $$; sleep 1'; echo $?",
    ),
    (
        "a child that sends to its whole group",
        "set -m; WRAP sh -c 'trap \"\" USR1; kill -USR1 0; echo lives; exit 3'; echo $?",
    ),
    (
        "a child that sends TERM to its whole group",
        "set -m; WRAP sh -c 'kill -TERM 0; sleep 5'; echo $?",
    ),
    (
        "a child that sends TERM to its whole group and handles it",
        "set -m; WRAP sh -c 'trap \"echo got\" TERM; kill -TERM 0; exit 3'; echo $?",
    ),
    (
        "alarm of the caller",
        "perl -e 'alarm 1; exec @ARGV' WRAP sleep 30; echo $?",
    ),
];

/// The same, run with a broken journal, too.
const IN_MODES: &[(&str, &str)] = &[(
    "background, TERM, wait",
    "WRAP sleep 30 & sleep 0.1; kill $!; wait $!; echo $?",
)];

pub(super) fn rows() -> Vec<Row> {
    let others = vec![Row::new("a grandchild outlives", |stage| {
        let told = stage.bash("WRAP sh -c 'sleep 30 >/dev/null 2>&1 & echo started'; echo $?");
        format!("{told}, left {}", stage.left("sleep"))
    })];
    let scripts = Row::scripts(SCRIPTS).chain(Row::scripts(IN_MODES).map(Row::in_modes));
    scripts.chain(others).collect()
}
