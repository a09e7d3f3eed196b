//! How large things may grow, outside tests: functions 60 lines (lines with code on them, from `fn` to the
//! closing brace), 5 arguments (`self` not counted), control-flow blocks 4 deep (`if else for while loop
//! match` and let-else; an arm's, a closure's or a plain block is none); files 400 lines of any kind.

use super::Breach;
use super::lexer::{Token, closing, text_at, word_at};
use super::tree::{Source, Tree};

const FUNCTION_LINES: usize = 60;
const FILE_LINES: usize = 400;
const ARGUMENTS: usize = 5;
const NESTING: usize = 4;

pub(super) fn check(tree: &Tree) -> Vec<Breach> {
    tree.rust_in(&["src", "shell"])
        .flat_map(|source| {
            let mut breaches: Vec<Breach> = functions(source.tokens())
                .into_iter()
                .flat_map(|function| function.breaches(&source.path))
                .collect();
            breaches.extend(too_long(source));
            breaches
        })
        .collect()
}

fn too_long(source: &Source) -> Option<Breach> {
    let test_lines: usize = source
        .test_lines
        .iter()
        .map(|(first, last)| last + 1 - first)
        .sum();
    let lines = source.text.lines().count().saturating_sub(test_lines);
    (lines > FILE_LINES).then(|| {
        let text = format!(
            "file has {lines} lines without tests, {FILE_LINES} at most; split it by concern"
        );
        Breach::new(&source.path, 1, text)
    })
}

struct Function<'a> {
    name: &'a str,
    line: usize,
    lines: usize,
    arguments: usize,
    nesting: usize,
}

impl Function<'_> {
    fn breaches(&self, path: &str) -> Vec<Breach> {
        let caps = [
            (
                self.lines,
                FUNCTION_LINES,
                "lines of code",
                "move a step of it into a function of its own",
            ),
            (
                self.arguments,
                ARGUMENTS,
                "arguments",
                "group those that belong together in a struct",
            ),
            (
                self.nesting,
                NESTING,
                "control-flow blocks inside one another",
                "return early, or move the inner part out",
            ),
        ];
        caps.into_iter()
            .filter(|(measured, cap, ..)| measured > cap)
            .map(|(measured, cap, what, instead)| {
                let text = format!(
                    "`{}` has {measured} {what}, {cap} at most; {instead}",
                    self.name
                );
                Breach::new(path, self.line, text)
            })
            .collect()
    }
}

/// Every named function outside tests.
fn functions(tokens: &[Token]) -> Vec<Function<'_>> {
    let named = |at: &usize| text_at(tokens, *at) == "fn" && word_at(tokens, at + 1);
    (0..tokens.len())
        .filter(named)
        .filter_map(|at| measure(tokens, at))
        .collect()
}

fn measure(tokens: &[Token], at: usize) -> Option<Function<'_>> {
    let start = tokens.get(at).filter(|token| !token.test)?;
    let open = parameters(tokens, at + 2);
    let close = closing(tokens, open);
    let (body, end) = body(tokens, close + 1);
    Some(Function {
        name: text_at(tokens, at + 1),
        line: start.line,
        lines: code_lines(tokens.get(at..end)?),
        arguments: arguments(tokens.get(open + 1..close)?),
        nesting: nesting(tokens.get(body..end)?),
    })
}

/// The parenthesis that opens the parameters, behind the generics.
fn parameters(tokens: &[Token], mut at: usize) -> usize {
    let mut angles = 0usize;
    while at < tokens.len() {
        match text_at(tokens, at) {
            "<" => angles += 1,
            ">" => angles = angles.saturating_sub(1),
            "(" if angles == 0 => return at,
            "(" | "[" | "{" => at = closing(tokens, at),
            _ => {}
        }
        at += 1;
    }
    at
}

/// Where the body opens and one past where the function ends; equal ends mean no body.
fn body(tokens: &[Token], mut at: usize) -> (usize, usize) {
    while at < tokens.len() {
        match text_at(tokens, at) {
            "{" => return (at, (closing(tokens, at) + 1).min(tokens.len())),
            ";" => return (at + 1, at + 1),
            "(" | "[" => at = closing(tokens, at) + 1,
            _ => at += 1,
        }
    }
    (tokens.len(), tokens.len())
}

/// Lines that hold at least part of a token.
fn code_lines(tokens: &[Token]) -> usize {
    let mut counted = 0;
    let mut last = 0;
    for token in tokens {
        let first = token.line.max(last + 1);
        counted += (token.last + 1).saturating_sub(first);
        last = last.max(token.last);
    }
    counted
}

fn arguments(tokens: &[Token]) -> usize {
    let mut depth = 0usize;
    let parts = tokens.split(|token| {
        match token.text.as_str() {
            "(" | "[" | "{" | "<" => depth += 1,
            ")" | "]" | "}" | ">" => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && token.text == ","
    });
    parts
        .filter(|part| !part.is_empty() && !is_self(part))
        .count()
}

fn is_self(part: &[Token]) -> bool {
    let name = part.iter().take_while(|token| token.text != ":");
    let mut words = name.map(|token| token.text.as_str());
    words.any(|word| word == "self")
}

/// The most control-flow blocks open at once. A keyword waits for the brace that stands as deep in
/// brackets and braces as itself; a match guard has none, so `=>` ends its waiting.
fn nesting(tokens: &[Token]) -> usize {
    let mut waiting: Vec<(usize, usize)> = Vec::new();
    let mut braces: Vec<bool> = Vec::new();
    let mut brackets = 0usize;
    let mut deepest = 0;
    for (at, token) in tokens.iter().enumerate() {
        let here = (brackets, braces.len());
        match token.text.as_str() {
            "(" | "[" => brackets += 1,
            ")" | "]" => {
                brackets = brackets.saturating_sub(1);
                waiting.retain(|(depth, _)| *depth <= brackets);
            }
            "{" => {
                let control = waiting.pop_if(|place| *place == here).is_some();
                braces.push(control);
                deepest = deepest.max(braces.iter().filter(|control| **control).count());
            }
            "}" => drop(braces.pop()),
            "=>" => waiting.retain(|place| *place != here),
            _ if opens_block(tokens, at) => waiting.push(here),
            _ => {}
        }
    }
    deepest
}

/// Whether the word at `at` brings a control-flow block: `else if` brings one, `for<'a>` none.
fn opens_block(tokens: &[Token], at: usize) -> bool {
    let next = text_at(tokens, at + 1);
    match text_at(tokens, at) {
        "if" | "loop" | "match" | "while" => true,
        "else" => next != "if",
        "for" => next != "<",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::lexer::lex;
    use super::super::tree::Tree;
    use super::{Function, check, functions};

    fn first<T>(source: &str, read: impl Fn(&Function<'_>) -> T) -> Option<T> {
        functions(&lex(source).tokens).first().map(read)
    }

    #[test]
    fn arguments_are_counted() {
        for (source, expected) in [
            ("fn f() {}", 0),
            ("fn f(&self) {}", 0),
            ("fn f(&'a mut self, a: u8,) {}", 1),
            ("fn f(self: Rc<Self>, a: u8) {}", 1),
            (
                "fn f<F: Fn(u8, u8) -> u8, const N: usize>(a: F, b: [u8; N]) {}",
                2,
            ),
            (
                "fn f(a: Map<K, Vec<V>>, (b, c): (u8, u8), d: impl Fn(u8, u8) -> u8);",
                3,
            ),
        ] {
            assert_eq!(first(source, |f| f.arguments), Some(expected), "{source}");
        }
    }

    #[test]
    fn only_lines_with_code_count() {
        let source = "fn f(\n  a: u8, // x\n)\n{\n\n  // y\n  /* z\n */ \"b\n\nc\";\n} fn g() {}";
        assert_eq!(first(source, |f| f.lines), Some(8));
        assert_eq!(
            first("fn f() -> [u8; 2];\nfn g() {\n}", |f| f.lines),
            Some(1)
        );
    }

    #[test]
    fn control_flow_nesting_is_counted() {
        for (body, expected) in [
            ("", 0),
            ("{ { } } S { a }; |a| { b };", 0),
            ("if a { } else if b { } else { }", 1),
            ("for a in b { while c { loop { } } }", 3),
            (
                "match a { B if c => { d } E => F { g }, _ => if h { i } }",
                2,
            ),
            ("let Some(a) = b else { return };", 1),
            ("if a.any(|b| { c }) { d }", 1),
            ("if let A = match b { _ => c } { if d { } }", 2),
            ("f(|a| { if b { } }, matches!(c, D if e)); { }", 1),
            ("let a: for<'b> fn(&'b u8) = c; { }", 0),
        ] {
            let source = format!("fn f() {{ {body} }}");
            assert_eq!(first(&source, |f| f.nesting), Some(expected), "{body}");
        }
    }

    #[test]
    fn caps_hold_outside_tests() {
        let wide = "fn f(a: A, b: A, c: A, d: A, e: A, g: A) {}\n";
        let long = format!("fn f() {{\n{}}}\n", "a();\n".repeat(59));
        let deep = "fn f() { if a { if a { if a { if a { if a { } } } } } }\n";
        for source in [wide, long.as_str(), deep] {
            assert_eq!(
                check(&Tree::of("src/query.rs", source)).len(),
                1,
                "{source}"
            );
            assert_eq!(check(&Tree::of("src/query/tests.rs", source)).len(), 0);
            let tests = format!("#[cfg(test)]\nmod t {{\n{source}}}\n");
            assert_eq!(check(&Tree::of("src/query.rs", &tests)).len(), 0);
        }
        let short = format!("fn f() {{\n{}}}\n", "a();\n".repeat(58));
        assert_eq!(check(&Tree::of("src/query.rs", &short)).len(), 0);
    }

    #[test]
    fn files_are_measured_without_tests() {
        let tests = format!("#[cfg(test)]\nmod t {{\n{}}}\n", "\n".repeat(500));
        let full = "// a\n".repeat(400);
        assert_eq!(
            check(&Tree::of("src/query.rs", &(full.clone() + &tests))).len(),
            0
        );
        assert_eq!(
            check(&Tree::of("src/query.rs", &(full + "// b\n" + &tests))).len(),
            1
        );
    }
}
