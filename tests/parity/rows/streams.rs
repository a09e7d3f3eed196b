//! What flows through the streams: all of it, in order, to its end, and nothing more.

use crate::row::Row;

/// Name and script of each row.
const SCRIPTS: &[(&str, &str)] = &[
    (
        "yes into head, PIPE ignored",
        "trap '' PIPE; WRAP yes 2>/dev/null | head -1; echo ${PIPESTATUS[*]}",
    ),
    (
        "pipefail",
        "set -o pipefail; WRAP sh -c 'exit 3' | WRAP cat; echo $?",
    ),
    (
        "a megabyte on both streams, apart",
        "WRAP probe streams 2>err | cksum; cksum <err",
    ),
    (
        "what is left over stays for the next",
        "printf '1\\n2\\n3\\n' >f; { WRAP sh -c 'read a; echo $a'; cat; } <f",
    ),
    ("end of input", "WRAP cat </dev/null; echo $?"),
    (
        "no newline at the end",
        "WRAP printf x; echo; WRAP printf y >&2",
    ),
    ("null bytes", "WRAP printf 'a\\0b' | od -An -c"),
    (
        "$(…) of a child with a background child that lets go",
        "x=$(WRAP sh -c 'echo x; sleep 30 >/dev/null 2>&1 &'); echo $x",
    ),
    (
        "a child that closes its output and goes on",
        "exec 3< <(WRAP sh -c 'echo x; exec >&-; sleep 1; echo >late'); cat <&3; ls late 2>/dev/null || echo before its end",
    ),
    (
        "a background child that holds the output",
        "WRAP sh -c 'sleep 0.4 & echo first'; echo then; wait",
    ),
    (
        "read loop over a pipe",
        "seq 3 | while read n; do WRAP echo $n; done",
    ),
    (
        "read loop whose command reads, too",
        "seq 3 | while read n; do WRAP head -c 2; echo; done",
    ),
    (
        "xargs",
        "seq 9 | xargs -n 4 WRAP echo; echo 1 | xargs WRAP sh -c 'exit 255' 2>/dev/null; echo $?",
    ),
    (
        "find -exec",
        "touch a b; find . -name '[ab]' -exec WRAP echo {} + | tr ' ' '\\n' | sort",
    ),
    ("a pipe between two", "WRAP seq 100000 | WRAP tail -1"),
    (
        "tee into two",
        "WRAP echo x | tee >(WRAP cat >copy) >/dev/null; sleep 0.2; cat copy",
    ),
    (
        "eval and exec",
        "(exec WRAP sh -c 'exit 4'); echo $?; eval \"WRAP echo evaluated\"",
    ),
];

/// The same, run with a broken journal, too.
const IN_MODES: &[(&str, &str)] = &[
    ("yes into head", "WRAP yes | head -1; echo ${PIPESTATUS[*]}"),
    (
        "a megabyte on both streams, in order",
        "WRAP probe streams 2>&1 | cksum",
    ),
    (
        "cat has all bytes",
        "head -c 3000000 /dev/zero | tr '\\0' '\\377' | WRAP cat | cksum",
    ),
    ("a child that does not read", "seq 3 | { WRAP true; cat; }"),
];

pub(super) fn rows() -> Vec<Row> {
    let others = vec![Row::new(
        "$(…) waits for one that holds it, no longer",
        |stage| {
            let begin = std::time::Instant::now();
            let told = stage.bash("x=$(WRAP sh -c 'echo x; sleep 1 &'); echo $x");
            let waited = begin.elapsed() >= std::time::Duration::from_millis(950);
            format!("{told}, waited for it {waited}")
        },
    )];
    let scripts = Row::scripts(SCRIPTS).chain(Row::scripts(IN_MODES).map(Row::in_modes));
    scripts.chain(others).collect()
}
