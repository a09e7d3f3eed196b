//! Completions: what `obs print completions SHELL` prints, loaded by the real shell, which is then asked to complete.

use super::commands;
use crate::sandbox::{Outcome, Sandbox, have, outcome};
use std::collections::BTreeSet;
use std::fs;

/// What is typed, up to the cursor, and words that must be offered: commands, options, choices of values.
const TYPED: &[(&str, &str)] = &[
    ("obs sp", "span spans"),
    ("obs span st", "start status"),
    ("obs metric ", "inc observe set"),
    ("obs hook in", "install"),
    ("obs log --st", "--status --stdin"),
    (
        "obs span start --",
        "--attributes --as --durable --help --json --kind --owner --parent --shell --start --ttl",
    ),
    ("obs metric observe --bu", "--buckets"),
    ("obs print man --a", "--all"),
    (
        "obs span start --kind ",
        "client consumer internal producer server",
    ),
    ("obs span end --shell ", "fish sh"),
    ("obs span record --status e", "error"),
    ("obs print completions ", "bash elvish fish powershell zsh"),
    ("obs print shell ", "bash fish sh zsh"),
];

/// The typed words, the unfinished last one among them.
fn words(typed: &str) -> Vec<&str> {
    typed.split(' ').collect()
}

/// True where a value is asked for: elvish is told of commands and options only.
fn asks_value(typed: &str) -> bool {
    let words = words(typed);
    let before = words[words.len() - 2];
    before.starts_with("--") || ["completions", "shell"].contains(&before)
}

fn offered(outcome: Outcome) -> BTreeSet<String> {
    let first = |line: &str| line.split('\t').next().unwrap().trim().to_owned();
    let words = outcome.quiet().stdout;
    words
        .lines()
        .map(first)
        .filter(|word| !word.is_empty())
        .collect()
}

/// Every command as it is typed, and all of its members.
fn groups() -> Vec<(String, String)> {
    let all = commands(&Sandbox::new());
    let top = all.iter().filter(|name| !name.contains(' '));
    let mut groups = vec![(
        "obs ".to_owned(),
        top.cloned().collect::<Vec<_>>().join(" "),
    )];
    for (group, member) in all.iter().filter_map(|name| name.split_once(' ')) {
        let typed = format!("obs {group} ");
        match groups.iter_mut().find(|(known, _)| *known == typed) {
            Some((_, members)) => *members += &format!(" {member}"),
            None => groups.push((typed, member.to_owned())),
        }
    }
    assert!(groups.len() > 5, "{groups:?}");
    groups
}

/// Asks a shell for all that must be offered; the words that begin as the unfinished one does are all it may offer.
#[track_caller]
fn offers(shell: &str, ask: impl Fn(&str) -> BTreeSet<String>) {
    let groups = groups();
    let groups = groups
        .iter()
        .map(|(typed, words)| (typed.as_str(), words.as_str()));
    for (typed, expected) in TYPED.iter().copied().chain(groups) {
        if shell == "elvish" && asks_value(typed) {
            continue;
        }
        let offered = ask(typed);
        for word in expected.split(' ') {
            assert!(offered.contains(word), "{shell}: {typed:?}: {offered:?}");
        }
        let begun = words(typed).pop().unwrap();
        if shell != "elvish" {
            let other = offered.iter().find(|word| !word.starts_with(begun));
            assert_eq!(other, None, "{shell}: {typed:?}: {offered:?}");
        }
    }
}

#[test]
fn bash_completes_what_there_is() {
    if !have("bash") {
        return;
    }
    let sandbox = Sandbox::new();
    let text = r#"
source <(obs print completions bash)
[[ $(complete -p obs) == *' -F _obs obs' ]] || complete -p obs >&2
IFS=' ' read -ra COMP_WORDS <<<"$1"
[ "${1% }" = "$1" ] || COMP_WORDS+=('')
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_obs obs "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
[ ${#COMPREPLY[@]} -eq 0 ] || printf '%s\n' "${COMPREPLY[@]}"
"#;
    offers("bash", |typed| {
        let mut command = sandbox.command("bash");
        let command = command.args(["--norc", "-c", text, "bash", typed]);
        offered(outcome(&command.output().unwrap()))
    });
}

#[test]
fn fish_completes_what_there_is() {
    if !have("fish") {
        return;
    }
    let sandbox = Sandbox::new();
    let text = "obs print completions fish | source\ncomplete -C $argv[1]\n";
    offers("fish", |typed| {
        let mut command = sandbox.command("fish");
        let command = command.args(["--no-config", "-c", text, typed]);
        offered(outcome(&command.output().unwrap()))
    });
}

/// In a terminal of its own, in which a key is pressed. What is offered goes to a file, so that nothing is read from a
/// screen; the shell ends when it has offered everything.
const ZSH: &str = r#"
PROMPT= RPROMPT=
autoload -Uz compinit && compinit -D -u
source <(obs print completions zsh)
bindkey '^I' complete-word
ends() { exit }
comppostfuncs=(ends)
compadd() {
  if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then builtin compadd "$@"; return; fi
  local -a hits
  builtin compadd -O hits "$@"
  print -rl -- $hits >>offered
  builtin compadd "$@"
}
print IS-READY
"#;

const ASK_ZSH: &str = r#"
zmodload zsh/zpty
: >offered
zpty shell zsh -f -i
zpty -w shell 'source ./ready'
zpty -r shell line '*IS-READY*'
zpty -w -n shell "$1"$'\t'
while zpty -r shell line; do said+=$line; done
[[ $said != *(_arguments:|not found|bad )* ]] || print -r -- $said >&2
print -rl -- ${(f)"$(<offered)"}
"#;

#[test]
fn zsh_completes_what_there_is() {
    if !have("zsh") {
        return;
    }
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("work/ready"), ZSH).unwrap();
    let ask = |typed: &str| {
        let mut command = sandbox.command("zsh");
        let command = command.args(["-f", "-c", ASK_ZSH, "zsh", typed]);
        offered(outcome(&command.output().unwrap()))
    };
    offers("zsh", ask);
    // a value that is no choice may be a file, also where its name holds a colon
    assert!(ask("obs log --exception=re").contains("ready"));
    assert!(ask("obs log --source=re").contains("ready"));
}

#[test]
fn elvish_completes_what_there_is() {
    if !have("elvish") || !have("script") {
        return;
    }
    let sandbox = Sandbox::new().with("TERM", "xterm");
    let folder = sandbox.path("work");
    let completions = sandbox.obs(["print", "completions", "elvish"]).quiet();
    fs::write(folder.join("completions"), completions.stdout).unwrap();
    // only an interactive shell has a completer: it is asked by name, all at once
    let asked = |typed: &str| {
        let words: Vec<String> = words(typed)
            .iter()
            .map(|word| format!("'{word}'"))
            .collect();
        let words = words.join(" ");
        format!(
            "echo '?'{typed:?}; $edit:completion:arg-completer[obs] {words} | each {{|c| echo $c[stem] }}\n"
        )
    };
    let all: String = TYPED
        .iter()
        .map(|(typed, _)| (*typed).to_owned())
        .chain(groups().into_iter().map(|(typed, _)| typed))
        .map(|typed| asked(&typed))
        .collect();
    fs::write(folder.join("ask"), all).unwrap();
    let line = "eval (slurp < completions); eval (slurp < ask) > offered; exit\r";
    fs::write(folder.join("keys"), line).unwrap();
    let mut command = sandbox.command("script");
    let keys = fs::File::open(folder.join("keys")).unwrap();
    let command = command
        .args(["-qec", "elvish -norc", "/dev/null"])
        .stdin(keys);
    let ended = outcome(&command.output().unwrap());
    let text = fs::read_to_string(folder.join("offered")).unwrap_or_default();
    assert!(!text.is_empty(), "{}", ended.shown());
    offers("elvish", |typed| {
        let head = format!("?{typed}");
        let lines = text.lines().skip_while(|line| *line != head).skip(1);
        let lines = lines.take_while(|line| !line.starts_with('?'));
        lines.map(str::to_owned).collect()
    });
}
