//! Words and comments that do not belong in finished work: promises, skipped tests, silenced lints,
//! commented-out code, licence blocks and banners. The words are put together here, so that this file
//! does not contain them.

use super::Breach;
use super::lexer::{Comment, closing, text_at};
use super::tree::{Source, Tree};

/// What is refused anywhere in a file, and what to do.
const WORDS: &[(&str, &str)] = &[
    (concat!("TO", "DO"), "do it, or write a task"),
    (concat!("FIX", "ME"), "fix it, or write a task"),
    (concat!("XX", "X"), "do it, or write a task"),
    (concat!("todo", "!"), "write it, or leave it out"),
    (concat!("unimplemented", "!"), "write it, or leave it out"),
    (concat!("dbg", "!"), "take it out"),
    (concat!("#[", "ignore"), "run it, or delete it"),
];

/// Lints that stay on.
const LINTS: &[&str] = &["clippy", "dead_code"];

/// What a licence block says, in lower case.
const LICENCE: &[&str] = &[
    concat!("copy", "right"),
    concat!("spdx", "-license"),
    concat!("licensed ", "under"),
    concat!("all rights ", "reserved"),
    concat!("permission is ", "hereby"),
];

/// A licence stands in the first lines or nowhere.
const LICENCE_LINES: usize = 10;

pub(super) fn check(tree: &Tree) -> Vec<Breach> {
    tree.sources
        .iter()
        .flat_map(|source| {
            let said = words(source)
                .chain(licences(source))
                .chain(allowances(source))
                .chain(comments(source));
            said.map(|(line, text)| Breach::new(&source.path, line, text))
        })
        .collect()
}

fn words(source: &Source) -> impl Iterator<Item = (usize, String)> {
    let lines = source.text.lines().zip(1..);
    lines.flat_map(|(text, line)| {
        let found = WORDS.iter().filter(move |(word, _)| contains(text, word));
        found.map(move |(word, instead)| (line, format!("`{word}`: {instead}")))
    })
}

/// Whether `word` stands in `text` by itself, not as a part of a longer word.
fn contains(text: &str, word: &str) -> bool {
    let joins = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        let before = text.get(..at).unwrap_or("");
        let after = text.get(at + word.len()..).unwrap_or("");
        let first_joins = word.starts_with(joins) && before.ends_with(joins);
        let last_joins = word.ends_with(joins) && after.starts_with(joins);
        !first_joins && !last_joins
    })
}

fn licences(source: &Source) -> impl Iterator<Item = (usize, String)> {
    let is_comment = |text: &str| {
        ["//", "#", "/*", "*"]
            .iter()
            .any(|sign| text.trim_start().starts_with(sign))
    };
    let lines = source.text.lines().zip(1..).take(LICENCE_LINES);
    lines
        .filter(move |(text, _)| is_comment(text))
        .filter(|(text, _)| {
            LICENCE
                .iter()
                .any(|words| text.to_lowercase().contains(words))
        })
        .map(|(_, line)| {
            (
                line,
                "licence block; the file LICENSE says it for all".to_owned(),
            )
        })
}

fn allowances(source: &Source) -> impl Iterator<Item = (usize, String)> {
    let tokens = source.tokens();
    let opened = (1..tokens.len())
        .filter(|at| text_at(tokens, at - 1) == "allow" && text_at(tokens, *at) == "(");
    opened.flat_map(|open| {
        let inside = tokens.get(open..closing(tokens, open)).unwrap_or(&[]);
        let lints = inside
            .iter()
            .filter(|token| LINTS.contains(&token.text.as_str()));
        lints.map(|token| {
            let text = format!(
                "allows `{}`; change the code, or the lint for everyone in Cargo.toml",
                token.text
            );
            (token.line, text)
        })
    })
}

fn comments(source: &Source) -> impl Iterator<Item = (usize, String)> {
    source.code.comments.iter().filter_map(|comment| {
        let text = plain(comment)?;
        let said = if is_banner(text) {
            "banner; let the order of the code speak"
        } else if is_code(text) {
            "commented-out code; delete it, history keeps it"
        } else {
            return None;
        };
        Some((comment.line, said.to_owned()))
    })
}

/// The text of a `//` comment that is not documentation.
fn plain(comment: &Comment) -> Option<&str> {
    let text = comment.text.strip_prefix("//")?;
    let rule = text.starts_with("//");
    (rule || !text.starts_with(['/', '!'])).then(|| text.trim())
}

fn is_banner(text: &str) -> bool {
    let drawn = text.trim_start_matches(['-', '=', '*', '#', '~', '/']);
    text.len() - drawn.len() >= 4
}

/// Whether a comment is a line of code. It must end as one and also begin as one, since sentences end
/// in semicolons too.
fn is_code(text: &str) -> bool {
    let text = text.strip_prefix("pub ").unwrap_or(text);
    let text = text.strip_prefix("} ").unwrap_or(text);
    let begins = |words: &[&str]| words.iter().any(|word| text.starts_with(word));
    if let Some(text) = text.strip_suffix('{') {
        return begins(&[
            "if ", "else ", "for ", "while ", "loop ", "match ", "impl ", "struct ", "enum ",
            "mod ",
        ]) || (begins(&["fn "]) && text.contains('('));
    }
    let Some(statement) = text.strip_suffix(';') else {
        return false;
    };
    (begins(&["let "]) && statement.contains(" = "))
        || (begins(&["use "]) && statement.contains("::"))
        || (begins(&["fn ", "return "]) && statement.ends_with(')'))
        || is_call(statement)
        || statement
            .split_once(" = ")
            .is_some_and(|(to, value)| !to.contains(' ') && is_call(value))
}

/// Whether this is one call, with more chained to it at most. `flock(2)` is a manual page.
fn is_call(text: &str) -> bool {
    let Some((callee, rest)) = text.split_once('(') else {
        return false;
    };
    let named = |c: char| c.is_alphanumeric() || "_.:!&*".contains(c);
    let page = rest.len() == 2 && rest.starts_with(|c: char| c.is_ascii_digit());
    let mut depth = 1usize;
    let end = rest.find(|c| {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        depth == 0
    });
    let tail = end.and_then(|end| rest.get(end + 1..));
    let ends = tail.is_some_and(|tail| {
        tail.is_empty() || tail.starts_with(['.', '?']) && !tail.contains(". ")
    });
    !callee.is_empty() && callee.chars().all(named) && !page && ends
}

#[cfg(test)]
mod tests {
    use super::super::tree::Tree;
    use super::{check, is_banner, is_code};

    fn count(path: &str, text: &str) -> usize {
        check(&Tree::of(path, text)).len()
    }

    #[test]
    fn promises_are_refused() {
        for (left, right) in [
            ("// TO", "DO: a"),
            ("FIX", "ME"),
            ("a XX", "X"),
            ("todo", "!()"),
            ("dbg", "!(a)"),
        ] {
            assert_eq!(
                count("tests/a.rs", &format!("{left}{right}")),
                1,
                "{left}{right}"
            );
        }
        assert_eq!(count("hooks/a", concat!("# TO", "DO")), 1);
        assert_eq!(
            count(
                "tests/a.rs",
                concat!("#[", "ignore = \"a\"] unimplemented", "!()")
            ),
            2
        );
    }

    #[test]
    fn longer_words_are_free() {
        assert_eq!(
            count("shell/a.sh", "mktemp a.XXXXXX # To Do, TODOS, a_todo"),
            0
        );
    }

    #[test]
    fn silenced_lints_are_refused() {
        assert_eq!(
            count(
                "src/a.rs",
                "#[allow(unused, dead_code)]\n#![allow(\nclippy::all)]"
            ),
            2
        );
        assert_eq!(count("src/a.rs", "#[cfg_attr(a, allow(clippy::b))]"), 1);
        assert_eq!(
            count(
                "src/a.rs",
                "#[deny(clippy::a)] #[allow(unused)] // allow(dead_code)"
            ),
            0
        );
    }

    #[test]
    fn licence_blocks_are_refused() {
        assert_eq!(count("src/a.rs", concat!("// Copy", "right 2026")), 1);
        assert_eq!(
            count(
                "shell/a.sh",
                concat!("#!/bin/sh\n# SPDX", "-License-Identifier: MIT")
            ),
            1
        );
        assert_eq!(count("src/a.rs", concat!("let a = \"copy", "right\";")), 0);
    }

    #[test]
    fn code_in_comments_is_refused() {
        for text in [
            "let a = b;",
            "let mut a: Vec<u8> = c.collect();",
            "fn f(a: u8) {",
            "pub fn f(a: u8) -> u8 {",
            "if a == b {",
            "} else {",
            "use crate::query;",
            "self.files.push(file);",
            "journal::append(a, b)?;",
            "println!(\"{a}\");",
            "a.b = c(d);",
            "return f(x);",
        ] {
            assert!(is_code(text), "{text}");
        }
    }

    #[test]
    fn sentences_are_no_code() {
        for text in [
            "the lock is taken first (see flock(2));",
            "flock(2) is taken, then rename(2);",
            "flock(2);",
            "let the kernel decide;",
            "let it be (once);",
            "use the lock first;",
            "return early;",
            "a write may be short (signals);",
            "`write(2)` may be short;",
            "n = the last number + 1;",
            "obs::query(a). Then more (b);",
            "if it is gone, nothing is lost;",
            "{\"a\": 1}",
            "for the first record, see append()",
        ] {
            assert!(!is_code(text), "{text}");
        }
    }

    #[test]
    fn banners_are_refused() {
        assert!(is_banner("---- readers ----"));
        assert!(is_banner("======"));
        assert_eq!(count("src/a.rs", "//////////////\n"), 1);
        assert!(!is_banner("--- a/file of a diff"));
        assert_eq!(count("src/a.rs", "/// a\n//! ------\n// b\n"), 0);
    }
}
