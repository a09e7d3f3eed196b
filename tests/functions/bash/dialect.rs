//! `obs.bash` is for bash 3.2 too, which is not here: what came later is looked for by its form.

use std::fs;
use std::path::Path;

/// The code of the file without comments.
fn code() -> Vec<(usize, String)> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("shell/obs.bash");
    let text = fs::read_to_string(file).unwrap();
    let lines = text.lines().enumerate();
    lines
        .filter(|(_, line)| !line.trim_start().starts_with('#'))
        .map(|(at, line)| (at + 1, line.to_owned()))
        .collect()
}

/// What bash 3.2 has not: a pattern, and a line that it must find.
const LATER: &[(&str, &str)] = &[
    (r"\$\{[^}]*(\^|,,|,\})", "echo ${x^^} ${x,}"),
    (
        r"(declare|typeset|local) -[a-zA-Z]*[Agnlu]",
        "declare -A map",
    ),
    (r"&>>|\|&", "cmd |& tee"),
    (r"\b(mapfile|readarray|coproc)\b", "mapfile -t lines"),
    (r";;&|;&", "x) y ;;&"),
    (r"\$\{[A-Za-z_]+@[A-Za-z]\}", "echo ${x@Q}"),
    (r"\$\{[^}]*: -", "echo ${x: -1}"),
    (r":-[0-9]+\}|\[-[0-9]+\]", "echo ${x:0:-1} ${y[-1]}"),
    (r"%\([^)]*\)T", "printf '%(%s)T'"),
    (r"\[\[ (-v|-R) ", "[[ -v x ]]"),
    (r"read [^|;]*-[a-zA-Z]*[Ni]\b", "read -N 3 x"),
    (r"\{[A-Za-z_]+\}[<>]", "exec {fd}>file"),
    (r"wait -[np]", "wait -n"),
    (r"\$\(<|\$\{ |\$\{\|", "x=${ date; }"),
    (r"\{[0-9]+\.\.[0-9]+\.\.", "{1..9..2}"),
    (
        r"shopt -s (globstar|lastpipe|inherit_errexit)",
        "shopt -s lastpipe",
    ),
    (r"printf -v [A-Za-z_]+\[", "printf -v a[1] x"),
    (r"trap -P", "trap -P EXIT"),
];

#[test]
fn nothing_later_than_bash_3_2() {
    for (pattern, example) in LATER {
        let pattern = regex::Regex::new(pattern).unwrap();
        assert!(pattern.is_match(example), "{pattern} finds nothing");
        for (at, line) in code() {
            // behind `eval` and a version
            let guarded = line.contains(r"\builtin eval '") && line.contains("__obs_flags=${TRACE");
            assert!(
                guarded || !pattern.is_match(&line),
                "{at}: {line}: {pattern}"
            );
        }
    }
}

#[test]
fn later_variables_may_be_empty() {
    for name in [
        "EPOCHREALTIME",
        "BASHPID",
        "SRANDOM",
        "EPOCHSECONDS",
        "BASH_ARGV0",
    ] {
        for (at, line) in code() {
            let uses = line.matches(name).count();
            let guarded = line.matches(&format!("${{{name}-")).count()
                + line.matches(&format!("${{{name}:-")).count();
            assert_eq!(uses, guarded, "{at}: {line}");
        }
    }
}
