//! The corpus of `tests/data/secrets.txt`, and the watch that looks for its secrets in everything that obs wrote.

use crate::sandbox::{Outcome, Sandbox};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// A text that carries a secret, and the part that must not survive.
#[derive(Debug, Clone)]
pub(crate) struct Secret {
    pub(crate) carrier: String,
    pub(crate) secret: String,
}

static CORPUS: LazyLock<Vec<Secret>> = LazyLock::new(|| {
    let text = include_str!("../data/secrets.txt").replace("\\_", "");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            let [_, carrier, secret] = fields[..] else {
                panic!("three fields: {line}")
            };
            Secret {
                carrier: carrier.to_owned(),
                secret: secret.to_owned(),
            }
        })
        .collect()
});

/// The whole corpus.
pub(crate) fn all() -> &'static [Secret] {
    assert!(CORPUS.len() >= 200);
    &CORPUS
}

/// How many carriers stand in one text where a field takes one text and a call costs a process.
const BUNDLE: usize = 8;

/// The whole corpus, some carriers to a text, one on each line; what is cut off without an end stands last.
static BUNDLES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut carriers: Vec<&str> = CORPUS
        .iter()
        .map(|secret| secret.carrier.as_str())
        .collect();
    carriers.sort_by_key(|carrier| carrier.contains("-----BEGIN "));
    let texts = carriers.chunks(BUNDLE).map(|chunk| chunk.join("\n"));
    texts.collect()
});

/// The number of texts that together hold the whole corpus.
pub(crate) fn bundles() -> usize {
    BUNDLES.len()
}

/// One of these texts; turned, so that each place of a call gets another one, and over all calls every one.
pub(crate) fn bundle(at: usize, place: usize) -> &'static str {
    &BUNDLES[(at + place * 5) % BUNDLES.len()]
}

/// Everything that obs wrote in a sandbox, and what of the corpus is in it.
#[derive(Debug)]
pub(crate) struct Watch<'a> {
    sandbox: &'a Sandbox,
    patterns: BTreeSet<String>,
    found: BTreeMap<String, String>,
}

impl<'a> Watch<'a> {
    pub(crate) fn new(sandbox: &'a Sandbox) -> Self {
        Self::of(sandbox, all())
    }

    /// Watches for these secrets; of a long one either end is one, since half a key is a help to a thief.
    pub(crate) fn of(sandbox: &'a Sandbox, secrets: &[Secret]) -> Self {
        let patterns = secrets.iter().flat_map(|secret| {
            let chars: Vec<char> = secret.secret.chars().collect();
            let part = |from: usize| chars[from..from + 12].iter().collect();
            match chars.len() {
                ..24 => vec![secret.secret.clone()],
                length => vec![part(0), part(length - 12)],
            }
        });
        Self {
            sandbox,
            patterns: patterns.collect(),
            found: BTreeMap::new(),
        }
    }

    /// Looks at what a command said.
    pub(crate) fn saw(&mut self, outcome: Outcome) {
        self.search("standard output", &outcome.stdout);
        self.search("standard error", &outcome.stderr);
    }

    /// Looks at every file.
    pub(crate) fn look(&mut self) {
        let bytes = self.sandbox.all_bytes();
        self.search("a file", &String::from_utf8_lossy(&bytes));
    }

    /// Looks at every file and asserts that nothing was found.
    #[track_caller]
    pub(crate) fn done(mut self) {
        self.look();
        let found = self.found();
        assert!(
            found.is_empty(),
            "{} leaked\n{}",
            found.len(),
            found.join("\n")
        );
    }

    pub(crate) fn found(&self) -> Vec<String> {
        self.found
            .iter()
            .map(|(pattern, place)| format!("{pattern:?} {place}"))
            .collect()
    }

    fn search(&mut self, place: &str, text: &str) {
        let mut layer = text.to_owned();
        // JSON within JSON: a secret with a quotation mark in it hides behind backslashes
        for _ in 0..3 {
            let hits = self
                .patterns
                .iter()
                .filter_map(|pattern| Some((pattern, layer.find(pattern.as_str())?)));
            for (pattern, at) in hits {
                let around = || format!("in {place}: {:?}", around(&layer, at, pattern.len()));
                self.found.entry(pattern.clone()).or_insert_with(around);
            }
            if !layer.contains('\\') {
                break;
            }
            layer = unescaped(&layer);
        }
    }
}

fn around(text: &str, at: usize, length: usize) -> String {
    let from = text[..at]
        .char_indices()
        .rev()
        .nth(60)
        .map_or(0, |(from, _)| from);
    text[from..].chars().take(120 + length).collect()
}

/// A text without one layer of backslashes.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, if c == '\\' { chars.next() } else { None }) {
            ('\\', Some('n')) => plain.push('\n'),
            ('\\', Some('t')) => plain.push('\t'),
            ('\\', Some(next)) => plain.push(next),
            (other, _) => plain.push(other),
        }
    }
    plain
}
