//! README.md: its examples run, in order, and it names every command.

use super::{commands, root};
use crate::sandbox::{Sandbox, have};
use std::fs;

/// A fenced block of shell code.
#[derive(Debug, PartialEq, Eq)]
struct Block {
    line: usize,
    run: bool,
    text: String,
}

/// What begins a line that only a fresh machine should run.
const INSTALLS: [&str; 9] = [
    "cargo ",
    "rustup ",
    "git clone",
    "install ",
    "tests/run",
    "sudo ",
    "apt",
    "brew ",
    "curl ",
];

/// The blocks fenced as `sh`, or `sh no-run`.
fn blocks(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut open: Option<(&str, bool)> = None;
    for (line, number) in text.lines().zip(1..) {
        match (line.trim_start().strip_prefix("```"), open) {
            (Some(_), Some(_)) => open = None,
            (Some(words), None) => {
                let words = words.trim();
                let shell = words == "sh" || words == "sh no-run";
                open = Some((words, shell));
                if shell {
                    blocks.push(Block {
                        line: number,
                        run: words == "sh",
                        text: String::new(),
                    });
                }
            }
            (None, Some((_, true))) => {
                let block = blocks.last_mut().unwrap();
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, _) => {}
        }
    }
    blocks
}

fn readme() -> String {
    fs::read_to_string(root().join("README.md")).unwrap()
}

#[test]
fn fences_are_told_apart() {
    let text =
        "a\n```sh\none\ntwo\n```\n```sh no-run\ncargo x\n```\n```json\n{}\n```\n```\nplain\n```\n";
    let block = |line, run, text: &str| Block {
        line,
        run,
        text: text.to_owned(),
    };
    assert_eq!(
        blocks(text),
        [block(2, true, "one\ntwo\n"), block(6, false, "cargo x\n")]
    );
}

#[test]
fn readme_examples_run_in_order() {
    let blocks = blocks(&readme());
    assert!(blocks.iter().any(|block| block.run));
    if !have("jq") || !have("bash") {
        return;
    }
    let sandbox = Sandbox::new();
    for block in blocks.iter().filter(|block| block.run) {
        let installs = block
            .text
            .lines()
            .find(|line| INSTALLS.iter().any(|word| line.starts_with(word)));
        assert_eq!(
            installs, None,
            "README.md:{}: mark the block `sh no-run`",
            block.line
        );
        let outcome = sandbox.script("bash", &format!("set -eu -o pipefail\n{}", block.text));
        assert_eq!(
            outcome.code,
            0,
            "README.md:{}: {}",
            block.line,
            outcome.shown()
        );
        let troubles = outcome
            .stderr
            .lines()
            .filter(|line| line.starts_with("obs: "));
        assert_eq!(
            troubles.collect::<Vec<_>>(),
            Vec::<&str>::new(),
            "README.md:{}",
            block.line
        );
    }
}

#[test]
fn readme_names_every_command() {
    let text = readme();
    for name in commands(&Sandbox::new()) {
        let words = format!("obs {name}");
        let named = text.match_indices(&words).any(|(at, _)| {
            let next = text[at + words.len()..].chars().next();
            next.is_none_or(|c| !c.is_alphanumeric() && c != '-')
        });
        assert!(named, "README.md does not name `{words}`");
    }
}

#[test]
fn readme_stays_short() {
    let lines = readme().lines().count();
    assert!(lines < 250, "README.md has {lines} lines");
}
