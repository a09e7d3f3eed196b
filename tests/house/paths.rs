//! Finds every path in a file's tokens: `use` trees flattened to one path per leaf, and the paths of
//! two or more segments in expressions, types and attributes. Also reads a path through the file's imports.

use super::lexer::{Token, text_at, word_at};

/// One path as written.
#[derive(Debug)]
pub(super) struct Found {
    /// `*` stands for a glob; a `self` that ends a group is dropped.
    pub(super) segments: Vec<String>,
    pub(super) line: usize,
    pub(super) test: bool,
    /// How many inline modules it stands in.
    pub(super) modules: usize,
    /// The name that a `use` gives it here.
    binds: Option<String>,
}

/// All paths of a file, in order.
pub(super) struct Paths {
    pub(super) found: Vec<Found>,
    local_modules: Vec<String>,
}

impl Paths {
    /// Reads them from the tokens of one file.
    pub(super) fn of(tokens: &[Token]) -> Self {
        let mut reader = Reader {
            tokens,
            at: 0,
            import: false,
            found: Vec::new(),
        };
        while reader.at < tokens.len() {
            reader.step();
        }
        Self {
            found: reader.found,
            local_modules: local_modules(tokens),
        }
    }

    /// What `path` may mean, joined by `::`, when its first name comes from an import of the file.
    pub(super) fn meanings(&self, path: &Found) -> Vec<String> {
        let written = path.segments.join("::");
        let Some((first, rest)) = path.segments.split_first() else {
            return Vec::new();
        };
        if path.binds.as_ref() == Some(first) {
            return vec![written];
        }
        if self.local_modules.contains(first) {
            return vec![format!("self::{written}")];
        }
        let imports = self
            .found
            .iter()
            .filter(|f| f.binds.as_ref() == Some(first));
        let meant: Vec<String> = imports
            .map(|import| [import.segments.as_slice(), rest].concat().join("::"))
            .collect();
        if meant.is_empty() {
            vec![written]
        } else {
            meant
        }
    }
}

fn local_modules(tokens: &[Token]) -> Vec<String> {
    (1..tokens.len())
        .filter(|at| text_at(tokens, at - 1) == "mod" && word_at(tokens, *at))
        .map(|at| text_at(tokens, at).to_owned())
        .collect()
}

struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
    import: bool,
    found: Vec<Found>,
}

impl Reader<'_> {
    fn text(&self) -> &str {
        text_at(self.tokens, self.at)
    }

    fn step(&mut self) {
        let captures = text_at(self.tokens, self.at + 1) == "<";
        self.import = self.text() == "use" && !captures;
        if self.import {
            self.at += 1;
            self.path(&[]);
        } else if self.is_start() {
            self.path(&[]);
        } else {
            self.at += 1;
        }
    }

    /// A word begins a path unless it is a field, a method or a later segment.
    fn is_start(&self) -> bool {
        let before = |n: usize| {
            self.at
                .checked_sub(n)
                .map_or("", |at| text_at(self.tokens, at))
        };
        let word_before = self.at >= 2 && word_at(self.tokens, self.at - 2);
        let later = before(1) == "::" && (word_before || before(2) == ">");
        let member = before(1) == "." && before(2) != ".";
        word_at(self.tokens, self.at) && !later && !member
    }

    fn path(&mut self, prefix: &[String]) {
        let mut segments = prefix.to_vec();
        loop {
            if self.text() == "::" {
                self.at += 1;
            }
            match self.text() {
                "{" if self.import => return self.group(&segments),
                "*" if self.import => {}
                _ if word_at(self.tokens, self.at) => {}
                _ => break,
            }
            segments.push(self.text().to_owned());
            self.at += 1;
            if self.text() != "::" {
                break;
            }
        }
        self.keep(segments);
    }

    fn group(&mut self, prefix: &[String]) {
        self.at += 1;
        while self.at < self.tokens.len() && self.text() != "}" {
            let before = self.at;
            self.path(prefix);
            if self.text() == "," || self.at == before {
                self.at += 1;
            }
        }
        self.at += 1;
    }

    fn keep(&mut self, mut segments: Vec<String>) {
        let place = self.tokens.get(self.at.saturating_sub(1));
        if segments.len() > 1 && segments.last().is_some_and(|last| last == "self") {
            segments.pop();
        }
        let mut binds = segments.last().filter(|name| *name != "*").cloned();
        if self.import && self.text() == "as" {
            binds = Some(text_at(self.tokens, self.at + 1).to_owned());
            self.at += 2;
        }
        let counts = segments.len() > 1 || (self.import && !segments.is_empty());
        if let Some(token) = place.filter(|_| counts) {
            self.found.push(Found {
                segments,
                line: token.line,
                test: token.test,
                modules: token.modules,
                binds: binds.filter(|_| self.import),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::lexer::lex;
    use super::Paths;

    fn written(source: &str) -> Vec<String> {
        let paths = Paths::of(&lex(source).tokens);
        paths.found.iter().map(|f| f.segments.join("::")).collect()
    }

    fn meant(source: &str) -> Vec<String> {
        let paths = Paths::of(&lex(source).tokens);
        paths.found.iter().flat_map(|f| paths.meanings(f)).collect()
    }

    #[test]
    fn use_trees_are_flattened() {
        assert_eq!(
            written("pub use crate::{a, b::{self, c as d}, e::*}; use ::f::g; use {h::i, j};"),
            [
                "crate::a",
                "crate::b",
                "crate::b::c",
                "crate::e::*",
                "f::g",
                "h::i",
                "j"
            ]
        );
        assert_eq!(
            written("use super::{super::a, b};"),
            ["super::super::a", "super::b"]
        );
        assert_eq!(written("use crate as me;"), ["crate"]);
    }

    #[test]
    fn paths_are_found_everywhere() {
        assert_eq!(
            written(
                "fn f(a: crate::b::C<d::E>) -> g::H { x.i(0..j::k(), ..L::m()); $crate::n!() }"
            ),
            ["crate::b::C", "d::E", "g::H", "j::k", "L::m", "crate::n"]
        );
        assert_eq!(
            written("#[derive(a::B)] pub(in crate::c) struct D;"),
            ["a::B", "crate::c"]
        );
        assert_eq!(written("crate\n  ::a\n  ::b"), ["crate::a::b"]);
    }

    #[test]
    fn members_and_later_segments_begin_nothing() {
        assert_eq!(written("a.b.c(); <D>::e(); F::<g>::h(); i"), [""; 0]);
        assert_eq!(written("impl A + use<'b> + C {}"), [""; 0]);
    }

    #[test]
    fn imports_give_the_meaning() {
        assert_eq!(
            meant("use std::{process, env as e}; process::exit(1); e::var(x); e;"),
            [
                "std::process",
                "std::env",
                "std::process::exit",
                "std::env::var"
            ]
        );
        assert_eq!(meant("mod toml; toml::read();"), ["self::toml::read"]);
    }
}
