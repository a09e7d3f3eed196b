//! Options, aliases and odd variables of the caller change nothing, and nothing of the caller is changed.

use super::{file, silent};
use crate::sandbox::have;
use serde_json::{Value, json};

const OPTIONS: &[&str] = &[
    "",
    "all_export",
    "err_exit",
    "err_return",
    "force_float",
    "glob_subst",
    "ignore_braces",
    "ksh_arrays",
    "ksh_glob",
    "local_traps",
    "no_clobber",
    "no_glob",
    "no_unset",
    "pipe_fail",
    "posix_aliases",
    "posix_argzero",
    "posix_builtins",
    "posix_cd",
    "posix_identifiers",
    "posix_jobs",
    "posix_strings",
    "posix_traps",
    "sh_file_expansion",
    "sh_glob",
    "sh_word_split",
    "traps_async",
    "warn_create_global",
    "warn_nested_var",
];

/// Every function once; what is not as it should be ends the script.
const ALL: &str = r#"
log_info "m n" a="1 *" || exit 91
log_json error m '{"a":[1,2]}' || exit 92
emit_event t x=1 || exit 93
span_start s || exit 94
span_event e || exit 95
span_attr a=b || exit 96
span_end 0 || exit 97
metric_inc m || exit 98
metric_set m 1 || exit 99
metric_observe m 1 || exit 100
send_span x 1 2 || exit 101
ff() { echo "ff $# $1"; }
obs_time d -- ff 'one *' two || exit 102
span_run r ff 'one *' two || exit 103
obs_trace_script whole || exit 104
echo whole
"#;

/// Ways to source the functions.
fn ways() -> Vec<String> {
    let file = file();
    vec![
        format!(". {file}"),
        "eval \"$(obs print shell zsh)\"".to_owned(),
        format!("src() {{ . {file}; }}; src"),
        "src() { eval \"$(obs print shell zsh)\"; }; src".to_owned(),
        format!(
            "alias local='echo A' typeset='echo T' read='echo R' print='echo P' eval='echo E' unset='echo U' \
             return='echo N' export='echo X'\nalias -g G='| cat'\nemulate() {{ echo E; }}\n. {file}"
        ),
    ]
}

#[test]
fn zsh_options_change_nothing() {
    if !have("zsh") {
        return;
    }
    for option in OPTIONS {
        // how they were sourced matters to few
        let few = ["", "err_exit", "no_unset", "warn_create_global"].contains(option);
        let ways = ways().into_iter().take(if few { 5 } else { 1 });
        for way in ways {
            let sandbox = silent();
            let set = match *option {
                "" => String::new(),
                option => format!("setopt {option}"),
            };
            let outcome = sandbox.script("zsh -f", &format!("{set}\n{way}\n{ALL}"));
            let about = format!("{option}, {way}: {}", outcome.shown());
            assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""), "{about}");
            assert_eq!(outcome.stdout, "ff 2 one *\nff 2 one *\nwhole\n", "{about}");
            let logs = sandbox.records("logs");
            assert_eq!(
                (&logs[0]["message"], &logs[0]["context"]),
                (&json!("m n"), &json!({"a": "1 *"})),
                "{about}"
            );
            assert_eq!(logs[1]["context"], json!({"a": [1, 2]}), "{about}");
            let names = |signal: &str| {
                let records = sandbox.records(signal);
                let mut names: Vec<String> = records
                    .iter()
                    .map(|record| record["name"].as_str().unwrap().to_owned())
                    .collect();
                names.sort();
                names.join(" ")
            };
            assert_eq!(names("spans"), "r s whole x", "{about}");
            assert_eq!(names("metrics-points"), "d m m m", "{about}");
            assert_eq!(sandbox.records("events").len(), 1, "{about}");
        }
    }
}

/// What a shell has: options, variables with their attributes, functions, aliases, traps, modules, folder.
const STATE: &str = r#"
state() {
  setopt; typeset -p; print -l ${(ok)functions} ${(ok)aliases}; trap; zmodload; pwd; print -r -- "${(q)@}"
}
"#;

#[test]
fn zsh_functions_leave_nothing_behind() {
    if !have("zsh") {
        return;
    }
    let sandbox = silent();
    let text = format!(
        r#"zmodload zsh/parameter
{STATE}
set -- one 'two words'
state "$@" >before 2>&1
false
. {file}
print -r -- "status $?"
kept=$TRACEPARENT
. {file}
[[ $kept == $TRACEPARENT ]] || print new
{ALL}
state "$@" >after 2>&1
"#,
        file = file(),
        ALL = ALL.replace("obs_trace_script whole", "true")
    );
    let outcome = sandbox.script("zsh -f", &text).quiet();
    assert!(
        outcome.stdout.starts_with("status 1\n"),
        "{}",
        outcome.shown()
    );
    let read = |name: &str| {
        let text = std::fs::read_to_string(sandbox.path(&format!("work/{name}"))).unwrap();
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let (before, after) = (read("before"), read("after"));
    // the names that are taken, and what every shell counts by itself
    let ours = regex::Regex::new(
        r"^(export |typeset )?(-\S+ )*(_|LINENO|RANDOM|SECONDS|EPOCH\w*|TTYIDLE|kept|TRACE_ID|SPAN_ID|TRACEPARENT|__obs_\w+)=|^(log|span|metric|obs|__obs)_\w+$|^(send_span|emit_event|ff)$",
    )
    .unwrap();
    let new: Vec<&String> = after
        .iter()
        .filter(|line| !before.contains(line) && !ours.is_match(line))
        .collect();
    assert_eq!(new, Vec::<&String>::new());
    let lost: Vec<&String> = before
        .iter()
        .filter(|line| !after.contains(line) && !ours.is_match(line))
        .collect();
    assert_eq!(lost, Vec::<&String>::new());
    let exported = |name: &str| {
        after
            .iter()
            .any(|line| line.starts_with(&format!("export {name}=")))
    };
    assert_eq!(
        ["TRACEPARENT", "TRACE_ID", "SPAN_ID", "__obs_made"].map(exported),
        [true, false, false, false]
    );
}

#[test]
fn zsh_takes_what_cannot_be_changed() {
    if !have("zsh") {
        return;
    }
    let valid = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    for (given, ids) in [
        (valid, " 4bf92f3577b34da6a3ce929d0e0e4736 00f067aa0ba902b7"),
        ("junk", "  "),
    ] {
        let text = format!(
            "typeset -rx TRACEPARENT={given} TRACESTATE=a=b\n. {}\nspan_start s\nspan_end\nobs_trace_script\nlog_info m\n\
             print -r -- \" $TRACE_ID $SPAN_ID\"\n",
            file()
        );
        let sandbox = silent();
        let outcome = sandbox.script("zsh -f", &text).quiet();
        assert_eq!(outcome.stdout, format!("{ids}\n"));
        assert_eq!(sandbox.records("logs").len(), 1);
    }
}

#[test]
fn zsh_makes_a_context_or_keeps_it() {
    if !have("zsh") {
        return;
    }
    let valid = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    for (given, kept) in [
        (valid, true),
        (
            "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            true,
        ),
        ("", false),
        ("junk", false),
        (
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            false,
        ),
        (
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            false,
        ),
        (
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            false,
        ),
        (
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            false,
        ),
        (
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            false,
        ),
    ] {
        let sandbox = silent()
            .with("TRACEPARENT", given)
            .with("TRACESTATE", "a=b");
        let text = format!(
            ". {}\nlog_info m\nprint -r -- $TRACEPARENT ${{TRACESTATE-none}} 00-$TRACE_ID-$SPAN_ID\nenv | grep -c ^TRACEPARENT\n",
            file()
        );
        let outcome = sandbox.script("zsh -f", &text).quiet();
        let mut words = outcome.stdout.split_whitespace();
        let (header, state, ids) = (
            words.next().unwrap(),
            words.next().unwrap(),
            words.next().unwrap(),
        );
        assert_eq!(words.next(), Some("1"));
        let log = sandbox.only_log();
        assert_eq!(log["trace_id"], header[3..35], "{given}");
        assert_eq!(log["span_id"], header[36..52], "{given}");
        assert_eq!(ids[3..], header[3..52], "{given}");
        match kept {
            true => assert_eq!((header, state), (given, "a=b")),
            false => {
                assert!(
                    header.starts_with("00-") && header.ends_with("-03"),
                    "{header}"
                );
                assert_eq!(state, "none", "{given}");
            }
        }
    }
}

#[test]
fn zsh_keeps_its_promise_once() {
    if !have("zsh") {
        return;
    }
    let text = format!(
        ". {}\n(send_span sub 1 2)\nsend_span first 1764843330123456789 1764843330223456789 a=b\nsend_span second 1 2\n\
         print -r -- $TRACE_ID $SPAN_ID\nTRACE_ID=4bf92f3577b34da6a3ce929d0e0e4736 SPAN_ID=00f067aa0ba902b7\n\
         send_span own 1 2\nsend_span child 1 2\n",
        file()
    );
    let sandbox = silent();
    let outcome = sandbox.script("zsh -f", &text).quiet();
    let (trace, span) = outcome.stdout.trim().split_once(' ').unwrap();
    let spans = sandbox.records("spans");
    let ids = |name: &str| {
        let found = super::named(&spans, name);
        let text = |key: &str| found[key].as_str().unwrap_or("-").to_owned();
        [text("trace_id"), text("span_id"), text("parent_span_id")]
    };
    assert_eq!(ids("first"), [trace, span, "-"]);
    assert_eq!(
        super::named(&spans, "first")["duration_ms"],
        Value::from(100)
    );
    assert_eq!(ids("second")[2], span);
    assert_eq!(ids("sub")[2], span);
    let (trace, span) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
    assert_eq!(ids("own"), [trace, span, "-"]);
    assert_eq!(
        (ids("child")[0].as_str(), ids("child")[2].as_str()),
        (trace, span)
    );
}
