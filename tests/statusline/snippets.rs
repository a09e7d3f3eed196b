//! The snippets of `obs statusline --help`, each in the program that it is for. A message that this program would act on
//! shows as it is.

use super::{TRACE, board, fail};
use crate::sandbox::{Sandbox, have};
use std::fs;

/// What prompts, status lines or shells act on.
const HOSTILE: &str = r"50% %F{red} \u #[fg=blue] #(touch made) $(touch made) `touch made` !1";

/// The lines below a heading of the help.
fn snippet(heading: &str) -> String {
    // on a terminal of the usual width, whose lines are copied
    let sandbox = Sandbox::new().with("COLUMNS", "80");
    let help = sandbox.obs(["statusline", "--help"]).quiet().stdout;
    let lines = help.lines().skip_while(|line| !line.starts_with(heading));
    let lines: Vec<&str> = lines
        .skip(1)
        .map_while(|line| line.strip_prefix("  "))
        .collect();
    assert!(!lines.is_empty(), "no {heading} in {help}");
    lines.join("\n") + "\n"
}

fn scene() -> Sandbox {
    let sandbox = Sandbox::new().with("TRACEPARENT", TRACE);
    fail(&sandbox, HOSTILE, &[]);
    sandbox
}

/// The message as far as it is shown.
fn message() -> String {
    HOSTILE.chars().take(39).collect::<String>() + "…"
}

/// Runs a script that shows a prompt behind a `<`, and holds that nothing but text came of the message.
fn prompted(shell: &str, text: &str) {
    let tool = shell.split(' ').next().unwrap();
    if !have(tool) {
        return;
    }
    let sandbox = scene();
    let outcome = sandbox.script(shell, text).quiet();
    let shown = crate::terminal::plain(&outcome.stdout).replace(['\u{1}', '\u{2}'], "");
    let start = format!("<4bf92f35 {} ", message());
    assert!(shown.starts_with(&start), "{tool}: {shown}");
    assert!(outcome.stdout.contains("\u{1b}[31m"), "{tool}: {shown}");
    assert!(
        !sandbox.path("work/made").exists(),
        "{tool} ran the message"
    );
}

#[test]
fn bash_shows_it_in_its_prompt() {
    let snippet = snippet("bash, in");
    let text = format!("PS1=' >'\n{snippet}printf '<%s\\n' \"${{PS1@P}}\"\n");
    prompted("bash --norc --noprofile", &text);
}

#[test]
fn zsh_shows_it_in_its_prompt() {
    let text = format!("{}print -P -- \"<$RPROMPT>\"\n", snippet("zsh, in"));
    prompted("zsh -f", &text);
}

#[test]
fn fish_shows_it_in_its_prompt() {
    let snippet = snippet("fish, in");
    let text = format!("{snippet}printf '<%s>\\n' (fish_right_prompt)\n");
    prompted("fish --no-config", &text);
}

const NESTED: &str = r#"
inner() { tmux -S "$TMPDIR/in" "$@"; }
outer() { tmux -S "$TMPDIR/out" "$@"; }
trap 'inner kill-server; outer kill-server' EXIT
(cd "a 'b' \$(touch made) #S" && inner -f ../tmux.conf new-session -d -x 180 -y 5 cat)
outer -f /dev/null new-session -d -x 180 -y 5 "TMUX= tmux -S '$TMPDIR/in' attach"
outer set -g status off
tries=0
until outer capture-pane -p | grep blocked; do
  tries=$((tries + 1))
  [ $tries -lt 300 ] || { outer capture-pane -p; exit 1; }
  sleep 0.1
done
"#;

/// One tmux inside another, whose pane then holds the status line as it is drawn.
#[test]
fn tmux_shows_it_in_its_status_line() {
    if !have("tmux") {
        return;
    }
    let sandbox = scene().with("TERM", "screen");
    let folder = "work/a 'b' $(touch made) #S";
    let tasks = ["status: Blocked", "status: Blocked", "status: To Do"];
    board(&sandbox, folder, &tasks);
    let config = format!(
        "{}set -g status-left ''\nset -g window-status-current-format ''\n\
         set -g status-right-length 150\nset -g status-interval 1\n",
        snippet("tmux, in")
    );
    fs::write(sandbox.path("work/tmux.conf"), config).unwrap();
    let outcome = sandbox.script("sh", NESTED);
    assert_eq!(outcome.code, 0, "{}", outcome.shown());
    let shown = outcome.stdout.trim();
    assert!(shown.contains(&message()), "{shown}");
    assert!(shown.ends_with(" ago 2 blocked"), "{shown}");
    for folder in ["work", folder, "home"] {
        let made = sandbox.path(folder).join("made");
        assert!(!made.exists(), "tmux ran the message or the folder's name");
    }
}

#[test]
fn starship_and_agent_snippets_are_well_formed() {
    let starship: toml::Table = snippet("starship, in").parse().unwrap();
    let command = starship["custom"]["obs"]["command"].as_str();
    assert_eq!(command, Some("obs statusline --color never"));
    let agent: serde_json::Value = serde_json::from_str(&snippet("Claude Code, in")).unwrap();
    let command = agent["statusLine"]["command"].as_str().unwrap();
    let words: Vec<&str> = command.split(' ').skip(1).collect();
    let said = br#"{"session_id":"s","cwd":"/","model":{"id":"m","display_name":"M"}}"#;
    let shown = scene().obs_with(said, &words).quiet().stdout;
    assert!(shown.starts_with("\u{1b}[2m4bf92f35\u{1b}[0m "), "{shown}");
}
