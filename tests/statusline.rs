//! `obs statusline`: what it shows, that it says nothing where there is nothing, and its snippets in the programs that
//! they are for.

mod snippets;

use crate::sandbox::{Sandbox, have};
use std::fs;

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// The line, which must come quietly.
fn line(sandbox: &Sandbox, words: &[&str]) -> String {
    let words = [&["statusline"], words].concat();
    sandbox.obs(words).quiet().stdout
}

/// One field of it.
fn field(sandbox: &Sandbox, template: &str) -> String {
    let shown = line(sandbox, &["--template", template]);
    shown.trim_end_matches('\n').to_owned()
}

/// Logs an error of this message.
fn fail(sandbox: &Sandbox, message: &str, words: &[&str]) {
    let words = [&["log"], words, &["error", "--", message]].concat();
    assert_eq!(sandbox.obs(words).code, 0);
}

/// A board in a folder of the sandbox, with these front matters.
fn board(sandbox: &Sandbox, folder: &str, tasks: &[&str]) {
    let backlog = sandbox.path(folder).join("backlog");
    fs::create_dir_all(backlog.join("tasks")).unwrap();
    fs::write(backlog.join("config.yml"), "project_name: x\n").unwrap();
    for (at, front) in tasks.iter().enumerate() {
        let text = format!("---\nid: TASK-{at}\n{front}\n---\n");
        fs::write(backlog.join(format!("tasks/task-{at} - x.md")), text).unwrap();
    }
}

#[test]
fn nothing_to_say_is_nothing() {
    let sandbox = Sandbox::new();
    assert_eq!(line(&sandbox, &[]), "");
    assert!(!sandbox.journal().exists());
    sandbox.obs(["log", "info", "fine"]);
    board(&sandbox, "work", &["status: To Do"]);
    assert_eq!(line(&sandbox, &[]), "");
    assert_eq!(line(&sandbox.with("OBS_HOME", "/proc/nowhere"), &[]), "");
}

#[test]
fn every_field_says_what_is() {
    let sandbox = Sandbox::new().with("TRACEPARENT", TRACE);
    fail(&sandbox, "disk full", &[]);
    fail(&sandbox, "the last", &[]);
    sandbox.obs(["log", "warning", "no error"]);
    sandbox.obs(["log", "info", r#"{"level":"ERROR"}"#]);
    let tasks = [
        "status: BLOCKED",
        "labels: [blocked]",
        "status: Done\nlabels: [blocked]",
    ];
    board(&sandbox, "work", &tasks);
    fs::create_dir_all(sandbox.path("work/.git")).unwrap();
    fs::write(sandbox.path("work/.git/HEAD"), "ref: refs/heads/a/b\n").unwrap();
    fs::create_dir_all(sandbox.journal().join("spill")).unwrap();
    for name in ["logs-1-1-a.jsonl", "spans-2-1-b.jsonl", ".logs-3-1-c.tmp"] {
        fs::write(sandbox.journal().join("spill").join(name), "{}\n").unwrap();
    }
    for (template, shown) in [
        ("{trace}", "4bf92f35"),
        ("{trace:32}", "4bf92f3577b34da6a3ce929d0e0e4736"),
        ("{error}", "the last"),
        ("{error:4}", "the…"),
        ("{waiting}", "2"),
        ("{blocked}", "2"),
        ("{branch}", "a/b"),
        ("{folder}", "work"),
        ("[{span}]{model}", ""),
    ] {
        assert_eq!(field(&sandbox, template), shown, "{template}");
    }
    let age = field(&sandbox, "{age}");
    assert!(
        age.trim_end_matches(['s', 'm']).parse::<u32>().is_ok(),
        "{age}"
    );
    let whole = line(&sandbox, &[]);
    let end = " ago 2 waiting 2 blocked\n";
    assert!(
        whole.starts_with("4bf92f35 the last ") && whole.ends_with(end),
        "{whole}"
    );
}

#[test]
fn large_board_costs_a_prompt_nothing() {
    let sandbox = Sandbox::new();
    let help = sandbox.obs(["statusline", "--help"]).quiet().stdout;
    let most = regex::Regex::new(r"\(up to (\d+) tasks\)").unwrap();
    let most: usize = most.captures(&help).unwrap()[1].parse().unwrap();
    // its budget is a ratio of times; this many are known to hold it
    assert!(most <= 200, "{most}");
    board(&sandbox, "work", &vec!["labels: [blocked]"; most]);
    assert_eq!(field(&sandbox, "{blocked}"), most.to_string());
    board(&sandbox, "work", &vec!["labels: [blocked]"; most + 1]);
    assert_eq!(field(&sandbox, "[{blocked}]"), "");
}

#[test]
fn current_span_is_named_until_it_ends() {
    let sandbox = Sandbox::new();
    let text = "eval \"$(obs span start 'build it')\"\nobs statusline --template '{span}'\n\
                eval \"$(obs span end)\"\nobs statusline --template '[{span}]'\n";
    assert_eq!(sandbox.script("sh", text).quiet().stdout, "build it\n");
}

#[test]
fn errors_are_shown_while_they_are_young() {
    let sandbox = Sandbox::new();
    let mut date = sandbox.command("date");
    let then = date.args(["-u", "-d", "2 hours ago", "+%FT%TZ"]).output();
    let then = String::from_utf8(then.unwrap().stdout).unwrap();
    fail(&sandbox, "old", &["--time", then.trim()]);
    assert_eq!(line(&sandbox, &[]), "");
    assert_eq!(line(&sandbox, &["--since", "1d"]), "old 2h ago\n");
    sandbox.obs(["log", "info", &"long ".repeat(100)]);
    let log = sandbox.journal().join("logs.log");
    let bytes = fs::read(&log).unwrap();
    let last = bytes[..bytes.len() - 1]
        .iter()
        .rposition(|byte| *byte == b'\n');
    let more = bytes[last.unwrap() + 1..].repeat(200);
    fs::write(&log, [bytes, more].concat()).unwrap();
    // only the end of the log is looked through
    assert_eq!(line(&sandbox, &["--since", "1d"]), "");
}

#[test]
fn hostile_texts_and_logs_stay_harmless() {
    let sandbox = Sandbox::new();
    fail(&sandbox, "a\u{1b}[2J\u{202e}\nb", &[]);
    assert_eq!(field(&sandbox, "{error}"), "a\\u{1b}[2J\\u{202e}\\nb");
    let log = sandbox.journal().join("logs.log");
    for text in [
        "{\"level\":\"ERROR\"\n",
        "{\"level\":\"ERROR\",\"message\":7}\n",
        "torn {\"level\":\"ERROR\"",
        "\n\n",
    ] {
        fs::write(&log, [b"\xff\xfe\n", text.as_bytes()].concat()).unwrap();
        assert_eq!(line(&sandbox, &[]), "", "{text}");
    }
    fs::remove_file(&log).unwrap();
    std::os::unix::fs::symlink("/dev/zero", &log).unwrap();
    assert_eq!(line(&sandbox, &[]), "");
}

/// A runner of GitHub Actions obeys lines of what it shows.
#[test]
fn nothing_shown_commands_a_runner() {
    let sandbox = Sandbox::new()
        .with("GITHUB_ACTIONS", "true")
        .with("GITHUB_RUN_ID", "7")
        .with("GITHUB_WORKFLOW", "##[add-mask]x")
        .with("GITHUB_SERVER_URL", "https://github.com")
        .with("GITHUB_REPOSITORY", "a/b");
    fail(&sandbox, "::error::x ##[add-mask]y", &[]);
    let words = ["statusline", "--template", "{error}"];
    for words in [
        &words[..],
        &["context", "show"],
        &["context", "show", "--human"],
    ] {
        let shown = sandbox.obs(words).stdout;
        assert!(shown.contains("add-mask]"), "{shown}");
        let obeyed = |line: &str| line.trim_start().starts_with("::") || line.contains("##[");
        assert!(!shown.lines().any(obeyed), "{shown}");
    }
}

#[test]
fn colours_only_where_asked() {
    let sandbox = || Sandbox::new().with("TRACEPARENT", TRACE);
    for (words, variable, coloured) in [
        (&[][..], "", false),
        (&["--color", "always"], "", true),
        (&["--color", "always"], "NO_COLOR", true),
        (&["--shell", "fish"], "", true),
        (&["--shell", "fish"], "NO_COLOR", false),
        (&["--shell", "fish", "--color", "never"], "", false),
        (&[], "CLICOLOR_FORCE", true),
    ] {
        let sandbox = match variable {
            "" => sandbox(),
            variable => sandbox().with(variable, "1"),
        };
        let shown = line(&sandbox, words);
        let found = shown.contains("\u{1b}[");
        assert_eq!(found, coloured, "{words:?} {variable}: {shown}");
    }
}

#[test]
fn line_is_as_wide_as_asked() {
    let sandbox = Sandbox::new().with("TRACEPARENT", TRACE);
    fail(&sandbox, &"x".repeat(300), &[]);
    let width = |sandbox: &Sandbox, words: &[&str]| {
        let template = &["--template", "{trace} {error:400}"][..];
        let shown = line(sandbox, &[template, words].concat());
        shown.trim_end().chars().count()
    };
    assert_eq!(width(&sandbox, &["--width", "12"]), 12);
    assert_eq!(width(&sandbox, &["--width", "0"]), 309);
    assert_eq!(width(&sandbox, &[]), 80);
    assert_eq!(width(&sandbox.with("COLUMNS", "33"), &[]), 33);
}

#[test]
fn agents_say_folder_and_model_when_asked() {
    let sandbox = Sandbox::new();
    fs::create_dir_all(sandbox.path("other/.git")).unwrap();
    fs::write(sandbox.path("other/.git/HEAD"), "ref: refs/heads/side\n").unwrap();
    let said = serde_json::json!({
        "session_id": "s", "workspace": {"current_dir": sandbox.path("other")}, "model": {"display_name": "M\u{1b} 4"},
    });
    let template = "[{model}][ {branch}][ {folder}]";
    let words = ["statusline", "--json-stdin", "--template", template];
    let shown = |input: &str| sandbox.obs_with(input.as_bytes(), &words).quiet().stdout;
    assert_eq!(shown(&said.to_string()), "M\\u{1b} 4 side other\n");
    for broken in ["", "{", "[1]", "{\"cwd\":[]}"] {
        assert_eq!(shown(broken), "work\n");
    }
}

#[test]
fn session_has_the_trace_of_its_hook() {
    let said = br#"{"session_id":"abc-1","cwd":"/"}"#;
    let words = ["statusline", "--json-stdin", "--template", "{trace:32}"];
    let sandbox = Sandbox::new();
    let shown = sandbox.obs_with(said, &words).quiet().stdout;
    let hook = sandbox.obs_with(said, &["context", "agent"]);
    let trace = shown.trim();
    assert!(
        trace.len() == 32 && hook.stdout.contains(trace),
        "{}",
        hook.shown()
    );
    let sandbox = sandbox.with("TRACEPARENT", TRACE);
    let inherited = sandbox.obs_with(said, &words).quiet().stdout;
    assert_eq!(inherited, "4bf92f3577b34da6a3ce929d0e0e4736\n");
}

/// A prompt must not wait for a standard input that nobody writes to.
#[test]
fn standard_input_is_left_alone() {
    if !have("mkfifo") {
        return;
    }
    let text = "mkfifo pipe\nexec 3<>pipe\nobs statusline --template '{folder}' <&3\n";
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.script("sh", text).quiet().stdout, "work\n");
}

#[test]
fn wrong_words_are_said() {
    let sandbox = Sandbox::new();
    for (words, said) in [
        (
            &["--template", "{nope}"][..],
            "obs: `--template {nope}`: there is no field `nope`\n",
        ),
        (
            &["--template", "[a"],
            "obs: `--template [a`: `[` is not closed\n",
        ),
        (
            &["--since", "soon"],
            "obs: `--since soon` is no length of time\n",
        ),
        (&["--nope"], "obs: unexpected argument `--nope` found\n"),
        (&["word"], "obs: unexpected argument `word` found\n"),
    ] {
        let outcome = sandbox.obs([&["statusline"], words].concat());
        let ended = (outcome.code, outcome.stdout.as_str());
        assert_eq!(ended, (2, ""), "{words:?}");
        assert!(outcome.stderr.starts_with(said), "{}", outcome.stderr);
    }
}
