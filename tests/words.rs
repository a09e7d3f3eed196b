//! Wrong words of a command: what is wrong, where, and what to do instead; exit 2; nothing journalled.

use crate::capture::file;
use crate::sandbox::Sandbox;

/// Words, what is said of them, and the hint.
type Row = (&'static [&'static str], &'static str, &'static str);

#[rustfmt::skip]
const WRONG: &[Row] = &[
    (&[], "no command given", "`obs --help` lists them; `obs demo` shows what it is for"),
    (&["trac"], "unrecognized subcommand `trac`", "did you mean `trace`?"),
    (&["xyzzy"], "unrecognized subcommand `xyzzy`", "`obs --help` shows what there is"),
    (&["span"], "", "`obs span --help` shows what there is"),
    (&["span", "strat", "x"], "unrecognized subcommand `strat`", "did you mean `start`?"),
    (&["metric"], "", "`obs metric --help` shows what there is"),
    (&["metric", "dec", "x"], "unrecognized subcommand `dec`", "`obs metric --help` shows what there is"),
    (&["emit"], "no event type given", "such as `obs emit backlog.task.created task_id=TASK-1`; `obs print schema` lists the known ones"),
    (&["emit", "x", "--dta", "{}"], "unknown option `--dta` for `obs emit`", "`obs emit --help` shows what it takes"),
    (&["emit", "x", "--dta={}"], "unknown option `--dta` for `obs emit`", "`obs emit --help` shows what it takes"),
    (&["emit", "x", "--data"], "option `--data` needs JSON", "`obs emit --help` shows what it takes"),
    (&["emit", "x", "--print-id=1"], "option `--print-id` takes no value", "`obs emit --help` shows what it takes"),
    (&["emit", "x", "word"], "`word` is no data", "write key=value, key:=JSON, key@=FILE or a JSON object"),
    (&["metric", "inc"], "no metric name given to `obs metric inc`", "`obs metric inc --help` shows what it takes"),
    (&["metric", "set", "x"], "no value given to `obs metric set`", "`obs metric set --help` shows what it takes"),
    (&["metric", "set", "x", "k=v"], "no value given to `obs metric set`", "`obs metric set --help` shows what it takes"),
    (&["metric", "observe", "x"], "no value given to `obs metric observe`", "`obs metric observe --help` shows what it takes"),
    (&["metric", "inc", "x", "1", "word"], "`word` is no label", "write key=value, key:=JSON, key@=FILE or a JSON object"),
    (&["metric", "inc", "x", "--buckets", "1"], "unknown option `--buckets` for `obs metric inc`", "`obs metric inc --help` shows what it takes"),
    (&["metric", "observe", "x", "1", "--unit"], "option `--unit` needs UNIT", "`obs metric observe --help` shows what it takes"),
    (&["span", "start"], "no name given to `obs span start`", "such as `obs span start build`"),
    (&["span", "start", "s", "--kind"], "option `--kind` needs KIND", "`obs span start --help` shows what it takes"),
    (&["span", "start", "s", "word"], "`word` is no attribute", "write key=value, key:=JSON, key@=FILE or a JSON object"),
    (&["span", "start", "s", "--ttl", "soon"], "`--ttl soon` is no length of time", "such as 90s, 15m, 2h, 7d"),
    (&["span", "start", "s", "--owner", "me"], "`--owner me` is no process id", "0 means no owner"),
    (&["span", "start", "s", "--shell", "tcsh"], "unknown shell `tcsh`", "sh or fish"),
    (&["span", "end", "--code", "1"], "unknown option `--code` for `obs span end`", "`obs span end --help` shows what it takes"),
    (&["span", "event"], "no name given to `obs span event`", "`obs span event --help` shows what it takes"),
    (&["span", "link"], "no traceparent given to `obs span link`", "`obs span link --help` shows what it takes"),
    (&["span", "set"], "no attribute given to `obs span set`", "`obs span set --help` shows what it takes"),
    (&["span", "status"], "no status given to `obs span status`", "`obs span status --help` shows what it takes"),
    (&["span", "status", "error", "two", "words"], "`words` is one word too many", "quote the message"),
    (&["span", "record"], "no name given to `obs span record`", "such as `obs span record build`"),
    (&["span", "record", "s"], "no `--start` given to `obs span record`", "such as --start \"$(date +%s%N)\", taken before the work"),
    (&["print", "schema", "no.type"], "there is no known event type `no.type`", "`obs print schema` lists them; unknown types take any data"),
];

#[test]
fn message_says_what_where_and_what_to_do() {
    let sandbox = Sandbox::new();
    for (words, what, hint) in WRONG {
        let outcome = sandbox.obs(*words);
        // a shell that evals a refused start must not end the parent with the end that goes with it
        let out = match words {
            ["span", "start", ..] => "export _OBS_STACK='!';\n",
            _ => "",
        };
        assert_eq!(
            (outcome.code, outcome.stdout.as_str()),
            (2, out),
            "{words:?}: {}",
            outcome.shown()
        );
        let mut lines = outcome.stderr.lines();
        let said = lines.next().unwrap();
        assert!(
            said.starts_with("obs: ") && said.len() > 10,
            "{words:?}: {said}"
        );
        assert!(
            what.is_empty() || said == format!("obs: {what}"),
            "{words:?}: {said}"
        );
        assert_eq!(
            lines.next(),
            Some(format!("hint: {hint}").as_str()),
            "{words:?}"
        );
        assert_eq!(lines.next(), None, "{words:?}: {}", outcome.stderr);
    }
    for name in ["events.log", "logs.log", "metrics.log", "spans.log"] {
        assert_eq!(file(&sandbox, name), "");
    }
}

/// An unset variable in quotes is data, not a forgotten word: the script lives, the record is kept.
#[test]
fn empty_name_is_kept_as_data() {
    let sandbox = Sandbox::new();
    for (words, signal) in [
        (&["emit", ""][..], "events"),
        (&["metric", "inc", ""], "metrics-points"),
        (&["span", "record", "", "--start", "1"], "spans"),
    ] {
        sandbox.obs(words).quiet();
        assert_eq!(sandbox.records(signal).len(), 1, "{words:?}");
    }
}

#[test]
fn wrong_words_leave_the_shell_where_it_was() {
    let sandbox = Sandbox::new();
    let script = "eval \"$(obs span start outer)\"\nbefore=$TRACEPARENT\neval \"$(obs span start)\"\n\
                  eval \"$(obs span end nonsense)\"\n[ \"$before\" = \"$TRACEPARENT\" ] && echo same\n";
    assert_eq!(sandbox.script("sh", script).stdout, "same\n");
}

#[test]
fn words_are_shown_to_humans_escaped() {
    let sandbox = Sandbox::new();
    let evil = "x\u{1b}[2J\u{9b}31m\u{202e}\u{7}\r";
    let option = format!("--{evil}");
    let mut raws = Vec::new();
    for words in [
        &[evil][..],
        &["emit", "x", evil],
        &["emit", evil, "word"],
        &["emit", "x", &option],
        &["emit", "git.commit", "--data", evil],
        &[
            "emit",
            "git.commit",
            "commit_sha=1f0c9a7e",
            &format!("insertions={evil}"),
        ],
        &["metric", "set", "n", evil],
        &["metric", "inc", "n", "1", evil],
        &["span", "start", "s", "--ttl", evil],
        &["span", "start", "s", "--owner", evil],
        &["span", "start", "s", "--shell", evil],
        &["span", "end", evil],
        &["span", "status", evil],
        &["span", evil],
    ] {
        let outcome = sandbox.obs(words);
        let raw: Vec<char> = outcome
            .stderr
            .chars()
            .filter(|c| *c != '\n' && obs::model::shown::is_hostile(*c))
            .collect();
        if !raw.is_empty() {
            raws.push(format!("{words:?}: {:?}", outcome.stderr));
        }
    }
    assert!(raws.is_empty(), "{}", raws.join("\n"));
}

#[test]
fn bad_variables_are_shown_to_humans_escaped() {
    let evil = "x\u{1b}[2J\u{9b}31m\u{7}";
    let mut raws = Vec::new();
    for name in [
        "OBS_LOG_LEVEL",
        "TRACEPARENT",
        "OTEL_RESOURCE_ATTRIBUTES",
        "OTEL_TRACES_SAMPLER",
    ] {
        let sandbox = Sandbox::new().with(name, evil).with("OBS_DEBUG", "1");
        let recorded = sandbox.obs(["span", "record", "s", "--start", "1"]);
        let read = sandbox.obs(["spans", "--json"]);
        for outcome in [recorded, read] {
            if outcome.stderr.contains(['\u{1b}', '\u{9b}', '\u{7}']) {
                raws.push(format!("{name}: {:?}", outcome.stderr));
            }
        }
    }
    assert!(raws.is_empty(), "{}", raws.join("\n"));
}

#[test]
fn help_is_an_answer() {
    let sandbox = Sandbox::new();
    for words in [
        &["--help"][..],
        &["log", "--help"],
        &["emit", "-h"],
        &["metric", "inc", "--help"],
        &["span", "start", "--help"],
    ] {
        let outcome = sandbox.obs(words).quiet();
        assert!(
            outcome.stdout.contains("Usage: obs"),
            "{words:?}: {}",
            outcome.stdout
        );
    }
    assert!(!sandbox.journal().exists());
}
