//! Marks tokens with where they stand: in code that only tests compile, and how deep in inline modules.
//! Also says which lines of a file are test lines.

use super::lexer::{Token, closing, text_at, word_at};

/// Fills `test` and `modules` of every token; returns the first and last line of each test item.
pub(super) fn mark(tokens: &mut [Token]) -> Vec<(usize, usize)> {
    mark_modules(tokens);
    let mut ranges = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let Some(end) = tests_only_item(tokens, at) else {
            at += 1;
            continue;
        };
        for token in tokens.iter_mut().take(end).skip(at) {
            token.test = true;
        }
        let last = tokens.get(end.saturating_sub(1)).map_or(0, |t| t.last);
        ranges.extend(tokens.get(at).map(|t| (t.line, last)));
        at = end.max(at + 1);
    }
    ranges
}

fn mark_modules(tokens: &mut [Token]) {
    let mut braces: Vec<bool> = Vec::new();
    for at in 0..tokens.len() {
        match text_at(tokens, at) {
            "{" => {
                let module = at >= 2 && text_at(tokens, at - 2) == "mod" && word_at(tokens, at - 1);
                braces.push(module);
            }
            "}" => drop(braces.pop()),
            _ => {}
        }
        let depth = braces.iter().filter(|module| **module).count();
        if let Some(token) = tokens.get_mut(at) {
            token.modules = depth;
        }
    }
}

/// The end of the test item whose attribute stands at `at`.
fn tests_only_item(tokens: &[Token], at: usize) -> Option<usize> {
    if text_at(tokens, at) != "#" {
        return None;
    }
    let inner = text_at(tokens, at + 1) == "!";
    let open = at + 1 + usize::from(inner);
    if text_at(tokens, open) != "[" {
        return None;
    }
    let close = closing(tokens, open);
    if !only_tests(tokens.get(open + 1..close)?) {
        return None;
    }
    Some(if inner {
        tokens.len()
    } else {
        item_end(tokens, close + 1)
    })
}

/// Whether an attribute means "tests only": `test`, or `cfg` of `test` without `not` and `any`.
fn only_tests(attribute: &[Token]) -> bool {
    let has = |word: &str| attribute.iter().any(|token| token.text == word);
    match attribute {
        [only] => only.text == "test",
        [first, ..] => first.text == "cfg" && has("test") && !has("not") && !has("any"),
        [] => false,
    }
}

/// One past the last token of the item at `at`: its semicolon, or the brace that closes it.
fn item_end(tokens: &[Token], mut at: usize) -> usize {
    while at < tokens.len() {
        match text_at(tokens, at) {
            ";" => return at + 1,
            "{" => return (closing(tokens, at) + 1).min(tokens.len()),
            "(" | "[" => at = closing(tokens, at) + 1,
            ")" | "]" | "}" => return at,
            _ => at += 1,
        }
    }
    tokens.len()
}

#[cfg(test)]
mod tests {
    use super::super::lexer::lex;
    use super::mark;

    fn outside(source: &str) -> String {
        let mut tokens = lex(source).tokens;
        mark(&mut tokens);
        let left: Vec<String> = tokens
            .into_iter()
            .filter(|token| !token.test)
            .map(|token| token.text)
            .collect();
        left.join(" ")
    }

    #[test]
    fn items_of_tests_are_marked_whole() {
        assert_eq!(outside("a; #[cfg(test)] mod t { fn b() {} } c"), "a ; c");
        assert_eq!(outside("#[cfg(test)] mod t; c"), "c");
        assert_eq!(outside("#[test] #[x(y)] fn b() -> [u8; 2] { } c"), "c");
        assert_eq!(
            outside("#[cfg(all(test, unix))] const A: [u8; 2] = [0; 2]; c"),
            "c"
        );
        assert_eq!(outside("#![cfg(test)] a b"), "");
    }

    #[test]
    fn code_that_ships_is_not_marked() {
        assert!(outside("#[cfg(not(test))] fn a() {}").ends_with("fn a ( ) { }"));
        assert!(outside("#[cfg(any(test, x))] mod a;").ends_with("mod a ;"));
        assert_eq!(outside("S { #[cfg(test)] a: b } c"), "S { } c");
    }

    #[test]
    fn lines_of_tests_are_told() {
        let mut tokens = lex("a\n#[cfg(test)]\nmod t {\n\n}\nb").tokens;
        assert_eq!(mark(&mut tokens), [(2, 5)]);
    }

    #[test]
    fn inline_modules_are_counted() {
        let mut tokens = lex("a mod b { c { d } mod e { f } } g").tokens;
        mark(&mut tokens);
        let depth = |word: &str| tokens.iter().find(|t| t.text == word).map(|t| t.modules);
        assert_eq!(
            ["a", "c", "d", "f", "g"].map(depth),
            [0, 1, 1, 2, 0].map(Some)
        );
    }
}
