//! Names that say nothing: files, folders and modules that hold what nobody placed, `get_` before a
//! reader, `test_` before a test.

use super::Breach;
use super::lexer::{Token, text_at};
use super::tree::{Source, Tree};

/// Refused as a whole name and as a part between `_`, `-` and `.`.
const NOBODYS: &[&str] = &[
    "common", "helper", "helpers", "manager", "misc", "util", "utils",
];

/// Beginnings of function names that are refused, and what to do.
const PREFIXES: &[(&str, &str)] = &[
    ("get_", "name what it returns"),
    ("test_", "let it read as a sentence"),
];

pub(super) fn check(tree: &Tree) -> Vec<Breach> {
    tree.sources
        .iter()
        .flat_map(|source| {
            let inside = words(source).filter_map(|(token, before)| {
                let text = match before {
                    "fn" => function(&token.text),
                    "mod" => nobodys(&token.text),
                    _ => None,
                };
                Some(Breach::new(&source.path, token.line, text?))
            });
            let outside = path(&source.path).map(|text| Breach::new(&source.path, 1, text));
            outside.into_iter().chain(inside)
        })
        .collect()
}

/// Every token with the text before it.
fn words(source: &Source) -> impl Iterator<Item = (&Token, &str)> {
    let tokens = source.tokens();
    let all = tokens.iter().enumerate().skip(1);
    all.map(|(at, token)| (token, text_at(tokens, at - 1)))
}

fn path(path: &str) -> Option<String> {
    path.split('/').find_map(nobodys)
}

fn nobodys(name: &str) -> Option<String> {
    let part = name
        .split(['_', '-', '.'])
        .find(|part| NOBODYS.contains(part))?;
    Some(format!(
        "`{part}` in `{name}` says nothing; name it after what it holds, or move that where it belongs"
    ))
}

fn function(name: &str) -> Option<String> {
    let (prefix, instead) = PREFIXES
        .iter()
        .find(|(prefix, _)| name.starts_with(prefix))?;
    Some(format!("`{name}` begins with `{prefix}`; {instead}"))
}

#[cfg(test)]
mod tests {
    use super::super::tree::Tree;
    use super::check;

    fn count(path: &str, text: &str) -> usize {
        check(&Tree::of(path, text)).len()
    }

    #[test]
    fn names_of_nobody_are_refused() {
        for path in [
            "src/util.rs",
            "src/cli_util.rs",
            "tests/common/mod.rs",
            "shell/helpers.sh",
        ] {
            assert_eq!(count(path, ""), 1, "{path}");
        }
        assert_eq!(count("src/query.rs", "mod misc; mod a { }"), 1);
        assert_eq!(
            count("src/utility/commons.rs", "mod managed; fn util() {}"),
            0
        );
    }

    #[test]
    fn empty_prefixes_are_refused() {
        assert_eq!(count("tests/a.rs", "fn test_a() {} async fn get_b() {}"), 2);
        assert_eq!(
            count(
                "tests/a.rs",
                "fn get() {} fn tested() {} get_a(); // fn get_b"
            ),
            0
        );
    }
}
