//! What `obs log` shows: streams, formats, colours, GitHub's annotations, a real terminal.

use crate::capture::{file, stable};
use crate::sandbox::{Sandbox, have};

const LEVELS: [&str; 5] = ["debug", "info", "warning", "error", "critical"];

/// Which levels go to standard output and which to standard error.
fn streams(sandbox: &Sandbox) -> (Vec<&'static str>, Vec<&'static str>) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    for level in LEVELS {
        let outcome = sandbox.obs(["log", level, "m"]);
        assert_eq!(outcome.code, 0);
        if !outcome.stdout.is_empty() {
            out.push(level);
        }
        if !outcome.stderr.is_empty() {
            err.push(level);
        }
    }
    (out, err)
}

/// One message in a format, on whichever stream.
fn shown(format: &str, words: &[&str]) -> String {
    let sandbox = Sandbox::new().with("OBS_LOG_FORMAT", format);
    let outcome = sandbox.obs(
        [
            &["log", "--source", "dir/x,y.sh:7:main", "--logger", "me"],
            words,
        ]
        .concat(),
    );
    stable(&sandbox, &(outcome.stdout + &outcome.stderr))
}

#[test]
fn streams_are_those_of_the_replaced_scripts() {
    let (low, high) = (vec!["debug", "info", "warning"], vec!["error", "critical"]);
    for (stream, expected) in [
        ("", (low.clone(), high.clone())),
        ("split", (low, high)),
        ("stdout", (LEVELS.to_vec(), vec![])),
        ("stderr", (vec![], LEVELS.to_vec())),
        ("off", (vec![], vec![])),
        ("OFF", (vec![], vec![])),
    ] {
        let sandbox = Sandbox::new()
            .with("OBS_LOG_STREAM", stream)
            .with("DEBUG", "true");
        assert_eq!(streams(&sandbox), expected, "{stream:?}");
        assert_eq!(sandbox.records("logs").len(), 5, "{stream:?}");
    }
}

#[test]
fn journalled_line_is_shown_where_no_terminal_is() {
    let sandbox = Sandbox::new();
    let shown = sandbox
        .obs(["log", "info", "hello", "n:=1.0"])
        .quiet()
        .stdout;
    assert_eq!(shown, file(&sandbox, "logs.log"));
    let failed = sandbox.obs(["log", "error", "hello"]);
    assert_eq!(shown + &failed.stderr, file(&sandbox, "logs.log"));
}

#[test]
fn pretty_is_one_escaped_line_and_its_exception() {
    let words = [
        "warning",
        "a\u{1b}[2K\u{202e}b\nc",
        "n:=1",
        "s=two words",
        "p=x",
        "--exception",
        "one\n\u{9b}two",
    ];
    assert_eq!(
        shown("pretty", &words),
        r#"[CLOCK] WARNING  a\u{1b}[2K\u{202e}b\nc n=1 s="two words" p=x
    one
    \u{9b}two
"#
    );
}

#[test]
fn logfmt_is_one_line_of_pairs() {
    assert_eq!(
        shown(
            "logfmt",
            &["error", "a \"b\"\n\\", "{\"odd key=\": true}", "p=x"]
        ),
        r#"ts=[MICROS] level=error msg="a \"b\"\n\\" logger=me odd_key_=true p=x
"#
    );
}

#[test]
fn logfmt_keys_hide_nothing() {
    let context = "{\"a\u{202e}b\u{feff}c\u{9b}d\": 1}";
    assert_eq!(
        shown("logfmt", &["info", "m", context]),
        "ts=[MICROS] level=info msg=m logger=me a_b_c_d=1\n"
    );
}

#[test]
fn github_makes_annotations_of_warnings_and_errors() {
    assert_eq!(
        shown("github", &["warning", "50%, a:b\nc"]),
        "::warning file=dir/x%2Cy.sh,line=7,title=me::50%25, a:b%0Ac\n"
    );
    let errors = ["error", "critical"].map(|level| shown("github", &[level, "m"]));
    assert_eq!(
        errors,
        ["::error file=dir/x%2Cy.sh,line=7,title=me::m\n"; 2]
    );
    assert!(shown("github", &["info", "m"]).starts_with("{\"timestamp\""));
}

#[test]
fn github_actions_get_line_and_annotation() {
    let sandbox = Sandbox::new().with("GITHUB_ACTIONS", "true");
    let line = sandbox.obs(["log", "info", "m"]).quiet().stdout;
    assert_eq!(line, file(&sandbox, "logs.log"));
    let both = sandbox.obs(["log", "--logger", "x", "error", "m"]).stderr;
    assert_eq!(
        line + &both,
        file(&sandbox, "logs.log") + "::error title=x::m\n"
    );
}

/// A workflow command in a message must not become one of its own.
#[test]
fn message_makes_no_workflow_command_of_its_own() {
    let sandbox = Sandbox::new().with("GITHUB_ACTIONS", "true");
    for message in [
        "x\n::set-env name=A::b",
        "::error::forged",
        "x\r::stop-commands::t",
    ] {
        let outcome = sandbox
            .obs(["log", "--logger", "me", "warning", "--", message])
            .quiet();
        let commands: Vec<&str> = outcome
            .stdout
            .split(['\n', '\r'])
            .filter(|line| line.trim_start().starts_with("::"))
            .collect();
        assert_eq!(commands.len(), 1, "{}", outcome.stdout);
        assert!(
            commands[0].starts_with("::warning title=me::"),
            "{commands:?}"
        );
    }
}

#[test]
fn colours_only_where_asked_and_never_with_no_color() {
    for (variables, coloured) in [
        (&[][..], false),
        (&[("CLICOLOR_FORCE", "1")], true),
        (&[("FORCE_COLOR", "1")], true),
        (&[("FORCE_COLOR", "0")], false),
        (&[("CLICOLOR_FORCE", "0")], false),
        (&[("CLICOLOR", "1")], false),
        (&[("CLICOLOR_FORCE", "1"), ("FORCE_COLOR", "0")], true),
        (&[("FORCE_COLOR", "1"), ("NO_COLOR", "1")], false),
    ] {
        let mut sandbox = Sandbox::new().with("OBS_LOG_FORMAT", "pretty");
        for (name, value) in variables {
            sandbox = sandbox.with(name, value);
        }
        let shown = sandbox
            .obs(["log", "info", "\u{1b}[31mred", "k=v"])
            .quiet()
            .stdout;
        assert_eq!(shown.contains("\u{1b}[32mINFO"), coloured, "{variables:?}");
        assert!(!shown.contains("\u{1b}[31mred"), "{variables:?}");
    }
}

/// The runner takes its older form of a command anywhere in a line, and the newer one behind spaces
/// (actions/runner, `ActionCommand.cs`).
#[test]
fn no_format_lets_a_runner_read_commands() {
    for format in ["auto", "pretty", "json", "logfmt", "github"] {
        let sandbox = Sandbox::new()
            .with("GITHUB_ACTIONS", "true")
            .with("OBS_LOG_FORMAT", format);
        let words = [
            "log",
            "--exception",
            "::add-mask::a\n ::b::",
            "info",
            "x ##[add-mask]y",
        ];
        let shown = sandbox.obs(words).quiet().stdout;
        commands_nothing(&shown);
        assert_eq!(sandbox.only_log()["message"], "x ##[add-mask]y");
        if format == "json" {
            let line: serde_json::Value = serde_json::from_str(&shown).unwrap();
            assert_eq!(line, sandbox.only_log());
        }
    }
}

/// Asserts that a runner finds no command in a text.
#[track_caller]
fn commands_nothing(shown: &str) {
    let commands = shown
        .lines()
        .filter(|line| line.trim_start().starts_with("::"));
    assert_eq!(
        (commands.count(), shown.contains("##[")),
        (0, false),
        "{shown}"
    );
}

#[test]
fn nothing_else_that_is_shown_is_a_command() {
    let sandbox = Sandbox::new().with("GITHUB_ACTIONS", "true");
    let message = "x\n::error::y ##[add-mask]z";
    sandbox.obs(["log", "info", "--", message]);
    let nowhere = Sandbox::new()
        .with("GITHUB_ACTIONS", "true")
        .with("OBS_HOME", "/dev/null")
        .with("TMPDIR", "/dev/null");
    for outcome in [
        sandbox.obs(["logs", "--human"]),
        sandbox.obs(["logs"]),
        sandbox.obs(["trace", message]),
        nowhere.obs(["log", "info", "--", message]),
    ] {
        let shown = outcome.stdout + &outcome.stderr;
        assert!(shown.contains("add-mask]"), "{shown}");
        commands_nothing(&shown);
    }
    assert_eq!(sandbox.only_log()["message"], message);
}

#[test]
fn debug_is_a_debug_command() {
    let sandbox = Sandbox::new()
        .with("OBS_LOG_FORMAT", "github")
        .with("DEBUG", "true");
    let shown = sandbox.obs(["log", "debug", "50%\nm"]).quiet().stdout;
    assert_eq!(shown, "::debug::50%25%0Am\n");
}

const SPANS: &str = "eval \"$(obs span start 'a: 50%,\nb')\"\n\
                     eval \"$(obs span start inner)\"\neval \"$(obs span end)\"\n\
                     obs span start --owner 0 elsewhere >other\n\
                     eval \"$(obs span end)\"\n";

/// GitHub has no groups inside groups.
#[test]
fn outermost_spans_are_groups_when_asked() {
    let asked = || {
        Sandbox::new()
            .with("GITHUB_ACTIONS", "true")
            .with("OBS_LOG_GROUPS", "true")
    };
    let outcome = asked().script("sh", SPANS);
    assert_eq!(
        (outcome.stdout.as_str(), outcome.stderr.as_str()),
        ("", "::group::a: 50%25,%0Ab\n::endgroup::\n")
    );
    for other in [
        asked().with("GITHUB_ACTIONS", ""),
        asked().with("OBS_LOG_GROUPS", ""),
        asked().with("OBS_LOG_FORMAT", "json"),
        asked().with("OBS_LOG_STREAM", "off"),
    ] {
        other.script("sh", SPANS).quiet();
    }
}

#[test]
fn group_of_a_refused_span_is_none() {
    let sandbox = Sandbox::new()
        .with("GITHUB_ACTIONS", "true")
        .with("OBS_LOG_GROUPS", "true");
    let text = "eval \"$(obs span start --nope x 2>/dev/null)\"\neval \"$(obs span end)\"\n";
    sandbox.script("sh", text).quiet();
}

/// What a terminal gets; `script` makes one, and ends its lines by CR LF.
fn on_terminal(sandbox: &Sandbox, command: &str) -> String {
    let mut script = sandbox.command("script");
    script
        .args(["-qec", command, "/dev/null"])
        .env("SHELL", "/bin/sh")
        .env("TERM", "xterm");
    let outcome = crate::sandbox::outcome(&script.output().unwrap());
    assert_eq!(outcome.code, 0, "{}", outcome.shown());
    stable(sandbox, &outcome.stdout.replace("\r\n", "\n"))
}

#[test]
fn terminal_gets_one_coloured_human_line() {
    if !have("script") {
        return;
    }
    let sandbox = Sandbox::new();
    let shown = on_terminal(
        &sandbox,
        "obs log info 'hello\u{9b}31m' k=v; obs log error bad",
    );
    assert_eq!(
        shown,
        "\u{1b}[2m[CLOCK]\u{1b}[0m \u{1b}[32mINFO    \u{1b}[0m hello\\u{9b}31m \u{1b}[2mk=\u{1b}[0mv\n\
         \u{1b}[2m[CLOCK]\u{1b}[0m \u{1b}[31mERROR   \u{1b}[0m bad\n"
    );
    let plain = on_terminal(&sandbox.with("NO_COLOR", "1"), "obs log info hello k=v");
    assert_eq!(plain, "[CLOCK] INFO     hello k=v\n");
}

/// A terminal wraps a long line itself, and a narrow one must not cost what it says.
#[test]
fn narrow_terminal_gets_the_whole_line() {
    if !have("script") {
        return;
    }
    let sandbox = Sandbox::new().with("NO_COLOR", "1");
    let message = "word ".repeat(30);
    let shown = on_terminal(&sandbox, &format!("stty cols 20; obs log info '{message}'"));
    assert_eq!(shown, format!("[CLOCK] INFO     {message}\n"));
}

#[test]
fn each_stream_is_its_own_terminal() {
    if !have("script") {
        return;
    }
    let sandbox = Sandbox::new().with("NO_COLOR", "1");
    let shown = on_terminal(
        &sandbox,
        "obs log info hello | head -c 12; echo; obs log error bad 2>&1",
    );
    assert_eq!(shown, "{\"timestamp\"\n[CLOCK] ERROR    bad\n");
}

#[test]
fn closed_and_full_streams_cost_no_record() {
    let sandbox = Sandbox::new();
    let script = "set -e\nfull=/dev/full\n[ -e $full ] || full=/dev/null\nobs log info one >&-\n\
                  obs log error two 2>&-\nobs log info three >$full\n\
                  obs log info four | true\necho alive\n";
    assert_eq!(sandbox.script("sh", script).quiet().stdout, "alive\n");
    assert_eq!(sandbox.records("logs").len(), 4);
}

#[test]
fn other_hot_commands_print_nothing() {
    let sandbox = Sandbox::new();
    for words in [
        &["emit", "a.b", "k=v"][..],
        &["metric", "inc", "n"],
        &["metric", "set", "n", "1"],
        &["metric", "observe", "n", "1"],
        &["span", "record", "s", "--start", "1"],
    ] {
        let outcome = sandbox.obs(words).quiet();
        assert_eq!(outcome.stdout, "", "{words:?}");
    }
}
