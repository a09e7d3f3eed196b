//! What sourcing does to a shell: nothing but its names, in whatever state the shell is, with obs and without.

use super::{STRICT, hot, silent};
use crate::functions::stage::line;
use crate::sandbox::{Outcome, Sandbox, have};
use std::fs;
use std::path::Path;

/// The file of the repository, as a script sources it.
fn from_disk() -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("shell/obs.bash");
    format!(". '{}'\n", file.display())
}

/// Every function once, in a mode that must not end the script.
const ALL: &str = r#"log_debug a; log_info a k=v; log_warning a; log_error a; log_critical a; log_json info a '{}'
emit_event t a=1; metric_inc m; metric_set m 1; metric_observe m 1
span_start s; span_event e; span_attr a=1; span_end 0
span_run r true; obs_time m true; send_span n 1764843330 1764843331
"#;

/// States that a shell may be in when it sources: set-up before, and whether the functions run in it.
const STATES: &[&str] = &[
    "set -eu -o pipefail",
    "set -o posix",
    "set -eu -o posix",
    "set -o noclobber; set -f; set +B",
    "IFS=; set -u",
    "IFS=$'a01 \\n-'; set -eu",
    "shopt -s expand_aliases nullglob failglob nocasematch extglob dotglob; set -eu",
    "shopt -s expand_aliases\nfor word in local return case export unset printf read eval shift trap break builtin command; do alias $word='exit 77;'; done 2>/dev/null; unalias case",
    "local() { exit 78; }; printf() { exit 78; }; read() { exit 78; }; eval() { exit 78; }; trap() { exit 78; }; export() { exit 78; }; unset() { exit 78; }; date() { exit 78; }; command() { exit 78; }",
    "CDPATH=/tmp:/; cd /; export POSIXLY_CORRECT=1; set -eu",
    "set -T; set -E; trap 'exit 79' ERR",
    "set -a; set -eu",
    "unset LC_ALL; LC_NUMERIC=POSIX; LANG=tr_TR.UTF-8; set -eu",
    "umask 777; set -eu",
    "exec <&-; set -eu",
    "set +h; set -u; set -b",
    "unset BASH_ENV TRACEPARENT PWD EPOCHREALTIME SRANDOM BASHPID RANDOM SECONDS; set -eu",
    "readonly now name at level all step code; set -eu",
];

#[test]
fn functions_work_in_every_state() {
    for state in STATES {
        let sandbox = silent();
        let text = format!("{state}\n{}{ALL}\n\\builtin echo whole\n", from_disk());
        let ended = sandbox.script("bash", &text);
        assert_eq!(ended.stdout, "whole\n", "{state}: {}", ended.shown());
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{state}");
        // the threshold is INFO
        let counts = ["logs", "events", "spans", "metrics-points"]
            .map(|signal| sandbox.records(signal).len());
        assert_eq!(counts, [5, 1, 3, 4], "{state}");
    }
}

#[test]
fn one_line_works_as_the_file_does() {
    let sandbox = silent();
    let ended = sandbox
        .script("bash", &format!("{STRICT}{}{ALL}", line("bash")))
        .quiet();
    assert_eq!(ended.stdout, "");
    assert_eq!(sandbox.records("spans").len(), 3);
}

/// All that can be seen of a shell: options, variables without ours, functions without ours, traps, aliases, descriptors.
const STATE: &str = r#"
state() {
  builtin echo "$- $SHELLOPTS $BASHOPTS [$IFS] $PWD $#:$* $(umask)"
  builtin declare -p | builtin command grep -v -E '^declare [-a-zA-Z]+ (__obs_[a-z_]+|BASH_[A-Z]+|FUNCNAME|EPOCH[A-Z]+|SECONDS|S?RANDOM|PIPESTATUS|_|LINENO|BASHPID|TRACEPARENT|TRACESTATE|TRACE_ID|SPAN_ID|_OBS_STACK|_OBS_MADE)(=|$)'
  builtin declare -F | builtin command grep -v -E '(log|span|metric|obs|__obs)_[a-z_]+$| send_span$| emit_event$'
  builtin trap -p; builtin alias; builtin command ls /proc/$$/fd; builtin jobs
}
"#;

#[test]
fn nothing_leaks_from_any_function() {
    let sandbox = silent();
    let text = format!(
        "{STATE}set -- x 'y z'\nstate >before\n{}state >sourced\n{ALL}set -- x 'y z'\nstate >after\n{}state >twice\n",
        from_disk(),
        from_disk()
    );
    sandbox.script("bash", &text).quiet();
    let read = |name: &str| fs::read_to_string(sandbox.path("work").join(name)).unwrap();
    for name in ["sourced", "after", "twice"] {
        assert_eq!(read(name), read("before"), "{name}");
    }
}

#[test]
fn only_our_names_are_taken() {
    let sandbox = silent();
    let text = format!(
        "compgen -A function -A variable | sort >before\n{}{ALL}compgen -A function -A variable | sort >after\n",
        from_disk()
    );
    sandbox.script("bash", &text).quiet();
    let read = |name: &str| fs::read_to_string(sandbox.path("work").join(name)).unwrap();
    let before = read("before");
    let before: Vec<&str> = before.lines().collect();
    for name in read("after").lines().filter(|name| !before.contains(name)) {
        let ours = ["log_", "span_", "metric_", "obs_", "__obs_"]
            .iter()
            .any(|prefix| name.starts_with(prefix));
        let named = [
            "send_span",
            "emit_event",
            "TRACE_ID",
            "SPAN_ID",
            "TRACEPARENT",
            "PIPESTATUS",
        ];
        assert!(ours || named.contains(&name), "{name}");
    }
}

#[test]
fn status_is_kept() {
    let text = |mode: &str| format!("{mode}\n(exit 7)\n{}echo $?\n", from_disk());
    assert_eq!(silent().script("bash", &text(":")).quiet().stdout, "7\n");
    // here it would end the script
    let text = format!(
        "set -e\nif (exit 7); then :; else {}echo alive; fi\n",
        from_disk()
    );
    assert_eq!(silent().script("bash", &text).quiet().stdout, "alive\n");
}

/// Runs a script that prints the context.
fn context(sandbox: &Sandbox, text: &str) -> Vec<String> {
    let text = format!(
        "{text}\necho \"$TRACEPARENT $TRACE_ID $SPAN_ID ${{TRACESTATE-none}}\"\nbash -c 'echo \"$TRACEPARENT ${{TRACE_ID-none}}\"'\n"
    );
    let ended = sandbox.script("bash", &text).quiet();
    ended.stdout.split_whitespace().map(str::to_owned).collect()
}

const OUTER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[test]
fn missing_context_is_made_once() {
    let twice = format!(
        "{}first=$TRACEPARENT\n{}[ \"$first\" = \"$TRACEPARENT\" ]",
        from_disk(),
        from_disk()
    );
    let words = context(
        &silent().with("TRACESTATE", "a=b"),
        &format!("set -eu\n{twice}"),
    );
    let header = obs::model::context::parse_traceparent(words[0].as_bytes()).unwrap();
    assert_eq!(header.to_header(), words[0]);
    assert_eq!(header.flags.to_string(), "03");
    assert_eq!(words[1], header.trace_id.to_string());
    assert_eq!(words[2], header.span_id.to_string());
    assert_eq!(&words[3..], ["none", &words[0], "none"]);
    let other = context(&silent(), &from_disk());
    assert_ne!(&other[0][3..35], &words[0][3..35]);
    assert_ne!(other[2], words[2]);
}

#[test]
fn ids_without_the_kernels_text() {
    let sandbox = silent();
    let text = format!(
        "{}f() {{ local __obs_ids; __obs_bytes; echo $__obs_ids; }}; f; f\n",
        from_disk()
    );
    let ended = sandbox.script("bash", &text).quiet();
    let ids: Vec<&str> = ended.stdout.lines().collect();
    assert_ne!(ids[0], ids[1]);
    for id in ids {
        assert!(
            id.len() == 48 && id.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "{id}"
        );
    }
}

#[test]
fn valid_context_is_kept_and_a_bad_one_replaced() {
    let future = "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more";
    for good in [OUTER, future] {
        let sandbox = silent().with("TRACEPARENT", good).with("TRACESTATE", "a=b");
        let words = context(&sandbox, &from_disk());
        assert_eq!(words[0], good);
        assert_eq!(&words[1..4], [&good[3..35], &good[36..52], "a=b"]);
    }
    for bad in [
        "x",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0x",
        "$(echo)-`x`",
    ] {
        let words = context(
            &silent().with("TRACEPARENT", bad).with("TRACESTATE", "a=b"),
            &from_disk(),
        );
        assert!(
            obs::model::context::parse_traceparent(words[0].as_bytes()).is_some(),
            "{bad}"
        );
        assert_ne!(words[0], bad);
        assert_eq!(words[3], "none");
    }
}

#[test]
fn readonly_context_is_left_alone() {
    let text = format!(
        "set -eu\nreadonly TRACEPARENT='{OUTER}' TRACE_ID=x SPAN_ID=y\n{}{ALL}echo $TRACEPARENT $TRACE_ID\n",
        from_disk()
    );
    for mode in ["", "set -o posix\n"] {
        let sandbox = silent();
        let ended = sandbox.script("bash", &format!("{mode}{text}")).quiet();
        assert_eq!(ended.stdout, format!("{OUTER} x\n"));
        assert_eq!(sandbox.records("logs").len(), 5);
    }
}

#[test]
fn integers_are_left_alone() {
    for name in ["TRACEPARENT", "TRACESTATE", "TRACE_ID", "_OBS_STACK"] {
        for mode in ["", "set -o posix\n", "set -eu\n"] {
            let sandbox = silent();
            let text = format!(
                "{mode}declare -i {name}\n{}{ALL}obs_trace_script\necho whole\n",
                from_disk()
            );
            let ended = sandbox.script("bash", &text).quiet();
            assert_eq!(ended.stdout, "whole\n", "{name}");
            assert_eq!(sandbox.records("logs").len(), 5, "{name}");
        }
    }
}

#[test]
fn absent_obs_is_nothing() {
    let sandbox = silent();
    fs::remove_file(sandbox.path("bin/obs")).unwrap();
    let text = format!(
        "{STRICT}{}obs_trace_script\ntrap 'echo bye' EXIT\n{ALL}span_run a echo ran\nobs_time m a=b -- echo timed\n\
         span_run a false || echo \"status $?\"\nlog_info \"$TRACE_ID\" | wc -c\n[ ${{#TRACE_ID}} = 32 ]\n{STRICT}echo whole\n",
        from_disk()
    );
    let ended = sandbox.script("bash", &text).quiet();
    assert_eq!(ended.stdout, "ran\ntimed\nstatus 1\n0\nwhole\nbye\n");
    assert!(!sandbox.journal().exists());
}

#[test]
fn obs_that_vanishes_ends_no_script() {
    let sandbox = silent();
    let text = format!(
        "{STRICT}{}rm \"$__obs_bin\"\n{ALL}echo whole\n",
        from_disk()
    );
    assert_eq!(sandbox.script("bash", &text).quiet().stdout, "whole\n");
}

#[test]
fn strict_mode_tells_what_was_refused() {
    let sandbox = silent().with("OBS_STRICT", "1");
    let text = format!(
        "{}metric_set lone; echo $?; log_info fine; echo $?; span_event e; echo $?\n",
        from_disk()
    );
    let ended = sandbox.script("bash", &text);
    assert_eq!(ended.stdout, "2\n0\n3\n", "{}", ended.shown());
    let lenient = silent().script("bash", &format!("set -e\n{text}"));
    assert_eq!(lenient.stdout, "0\n0\n0\n", "{}", lenient.shown());
}

#[test]
fn home_without_permission_ends_no_script() {
    let sandbox = silent()
        .with("OBS_HOME", "/proc/nowhere")
        .with("TMPDIR", "/proc/nowhere");
    let ended = sandbox.script("bash", &format!("{STRICT}{}{ALL}echo whole\n", from_disk()));
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (0, "whole\n"),
        "{}",
        ended.shown()
    );
    assert!(
        ended
            .stderr
            .lines()
            .all(|line| line.starts_with("obs: UNSAVED")),
        "{}",
        ended.shown()
    );
}

/// Counts system calls by name in what strace wrote.
fn calls(sandbox: &Sandbox, text: &str) -> Option<(usize, usize)> {
    if !have("strace") {
        return None;
    }
    fs::write(sandbox.path("work/script"), text).unwrap();
    let mut command = sandbox.command("strace");
    command.args([
        "-f",
        "-qq",
        "-o",
        "trace",
        "-e",
        "trace=execve,clone,clone3,fork,vfork",
        "bash",
        "script",
    ]);
    let ended: Outcome = crate::sandbox::outcome(&command.output().unwrap());
    ended.quiet();
    let trace = fs::read_to_string(sandbox.path("work/trace")).unwrap();
    let count = |names: &[&str]| {
        let starts = |line: &&str| names.iter().any(|name| line.contains(&format!(" {name}(")));
        trace.lines().filter(starts).count()
    };
    // bash itself is the first
    Some((
        count(&["execve"]) - 1,
        count(&["clone", "clone3", "fork", "vfork"]),
    ))
}

#[test]
fn sourcing_runs_no_process() {
    let sandbox = silent();
    if let Some(counts) = calls(&sandbox, &format!("{}:\n", from_disk())) {
        assert_eq!(counts, (0, 0));
    }
}

#[test]
fn every_call_is_one_process_or_none() {
    for (call, processes) in [
        ("log_info a k=v n:=1", 1),
        ("log_json info a '{}'", 1),
        ("emit_event t a=1", 1),
        ("metric_inc m; metric_set m 1; metric_observe m 2", 3),
        ("span_start s", 1),
        ("span_start s; span_event e; span_attr a=1; span_end 0", 4),
        ("span_run r true", 2),
        ("obs_time m true", 1),
        ("send_span n 1764843330 1764843331", 1),
        ("span_end", 0),
    ] {
        let sandbox = silent();
        let Some(counts) = calls(&sandbox, &format!("{}{call}\n:\n", from_disk())) else {
            return;
        };
        // what has happened already is in no hurry
        let builtin = hot() && !call.starts_with("send_span");
        let processes = if builtin { 0 } else { processes };
        assert_eq!(counts, (processes, processes), "{call}");
    }
}

#[test]
fn library_that_is_none_is_passed_over() {
    for place in ["bin/libobs.so", "lib/obs/libobs.so", "own.so"] {
        let sandbox = silent();
        fs::create_dir_all(sandbox.path("lib/obs")).unwrap();
        fs::write(sandbox.path(place), "no library").unwrap();
        let text = format!(
            "{STRICT}__obs_lib='{}'\n{}{ALL}echo \"$__obs_via [$__obs_builtin]\"\n",
            sandbox.path("own.so").display(),
            from_disk()
        );
        let ended = sandbox.script("bash", &text).quiet();
        assert_eq!(ended.stdout, "__obs_call []\n", "{place}");
        assert_eq!(sandbox.records("spans").len(), 3, "{place}");
    }
}

/// A builtin of bash itself stands in for ours: `obs` is then a function that notes its words.
#[test]
fn builtin_is_reached_through_one_seam() {
    let sandbox = silent();
    let stand_in = r#"
builtin() {
  if [ "$1" = __obs_hot ]; then shift; printf '<%s>' "$@"; echo; else command builtin "$@"; fi
}
__obs_via=builtin
"#;
    let text = format!(
        "{}{stand_in}emit_event t a=1\nmetric_inc m\nspan_start s k=v\nspan_event e\n\
         span_attr a=1\n_OBS_STACK=x\nspan_end 3\n",
        from_disk()
    );
    let ended = sandbox.script("bash", &text).quiet();
    let said: Vec<String> = ended
        .stdout
        .lines()
        .map(|line| {
            let mut words: Vec<&str> = line.split("><").collect();
            // the number of the process
            if let Some(at) = words.iter().position(|word| *word == "--owner") {
                words.remove(at + 1);
            }
            words.join("><")
        })
        .collect();
    assert_eq!(
        said,
        [
            "<emit><--><t><a=1>".to_owned(),
            "<metric><inc><--><m>".to_owned(),
            "<span><start><-v><--owner><--><s><k=v>".to_owned(),
            "<span><event><--><e>".to_owned(),
            "<span><set><--><a=1>".to_owned(),
            "<span><end><-v><--exit-code><3><-->".to_owned(),
        ]
    );
    assert!(!sandbox.journal().exists());
}
