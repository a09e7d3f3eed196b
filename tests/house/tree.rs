//! Reads the tree that is checked: the manifest and every file of `src`, `tests`, `shell` and `hooks`,
//! but `tests/data`, build output and hidden files. Rust files are cut into tokens here, once.

use std::fs;
use std::io;
use std::path::Path;

use super::lexer::{Lexed, Token, lex};
use super::scope;

const FOLDERS: &[&str] = &["src", "tests", "shell", "hooks"];
const LEFT_OUT: &[&str] = &["tests/data", "target"];

/// One file; `code` is empty unless it is Rust.
pub(super) struct Source {
    /// From the root, with slashes.
    pub(super) path: String,
    pub(super) text: String,
    pub(super) code: Lexed,
    /// First and last line of every item that only tests compile.
    pub(super) test_lines: Vec<(usize, usize)>,
}

impl Source {
    fn new(path: String, text: String) -> Self {
        let mut code = Lexed::default();
        let mut test_lines = Vec::new();
        if path.ends_with(".rs") {
            code = lex(&text);
            test_lines = scope::mark(&mut code.tokens);
        }
        if is_test_file(&path) {
            code.tokens.iter_mut().for_each(|token| token.test = true);
            test_lines = vec![(1, text.lines().count())];
        }
        Self {
            path,
            text,
            code,
            test_lines,
        }
    }

    pub(super) fn tokens(&self) -> &[Token] {
        &self.code.tokens
    }

    /// Whether it is `place.rs` or stands in the folder `place`.
    pub(super) fn is_within(&self, place: &str) -> bool {
        let rest = self.path.strip_prefix(place);
        rest.is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
    }

    pub(super) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }
}

/// A unit test file of a room: `tests.rs`, or what stands in a folder `tests` inside `src`.
fn is_test_file(path: &str) -> bool {
    let inside = path
        .strip_prefix("src/")
        .or_else(|| path.strip_prefix("shell/"));
    inside.is_some_and(|path| path.ends_with("/tests.rs") || path.contains("/tests/"))
}

/// What is checked.
pub(super) struct Tree {
    /// The text of `Cargo.toml`, empty if there is none.
    pub(super) manifest: String,
    pub(super) sources: Vec<Source>,
}

impl Tree {
    /// Fails if there is no `src` or if anything found cannot be read.
    pub(super) fn read(root: &Path) -> io::Result<Self> {
        fs::metadata(root.join("src"))?;
        let mut sources = Vec::new();
        for folder in FOLDERS.iter().filter(|name| root.join(name).is_dir()) {
            walk(root, folder, &mut sources)?;
        }
        let manifest = root.join("Cargo.toml");
        let manifest = if manifest.is_file() {
            fs::read_to_string(manifest)?
        } else {
            String::new()
        };
        Ok(Self { manifest, sources })
    }

    /// The Rust files in these folders.
    pub(super) fn rust_in(
        &self,
        folders: &'static [&'static str],
    ) -> impl Iterator<Item = &Source> {
        self.sources.iter().filter(|source| {
            source.is_rust() && folders.iter().any(|folder| source.is_within(folder))
        })
    }
}

fn walk(root: &Path, folder: &str, sources: &mut Vec<Source>) -> io::Result<()> {
    for entry in fs::read_dir(root.join(folder))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let path = format!("{folder}/{name}");
        if name.starts_with('.') || LEFT_OUT.iter().any(|out| *out == name || *out == path) {
            continue;
        }
        let full = root.join(&path);
        if full.is_dir() {
            walk(root, &path, sources)?;
        } else if full.is_file() {
            let text = String::from_utf8_lossy(&fs::read(full)?).into_owned();
            sources.push(Source::new(path, text));
        }
    }
    Ok(())
}

#[cfg(test)]
impl Source {
    /// A file of a test's own making.
    pub(super) fn made(path: &str, text: &str) -> Self {
        Self::new(path.to_owned(), text.to_owned())
    }
}

#[cfg(test)]
impl Tree {
    /// A tree of one file, without a manifest.
    pub(super) fn of(path: &str, text: &str) -> Self {
        Self {
            manifest: String::new(),
            sources: vec![Source::made(path, text)],
        }
    }
}
