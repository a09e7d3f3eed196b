//! Every Rust file that stands directly in `tests/` is run: declared in `tests/main.rs`, or the path of
//! a `[[test]]` in Cargo.toml (where `autotests` is off, so an unlisted file would silently be nothing).

use super::Breach;
use super::lexer::{Token, text_at};
use super::tree::Tree;

const ROOT: &str = "tests/main.rs";

pub(super) fn check(tree: &Tree) -> Vec<Breach> {
    let root = tree.sources.iter().find(|source| source.path == ROOT);
    let modules = root.map_or_else(Vec::new, |root| declared(root.tokens()));
    let targets = targets(&tree.manifest);
    tree.rust_in(&["tests"])
        .filter(|source| {
            let name = source
                .path
                .strip_prefix("tests/")
                .and_then(|file| file.strip_suffix(".rs"));
            name.is_some_and(|name| {
                !name.contains('/')
                    && !modules.contains(&name)
                    && !targets.contains(&source.path.as_str())
            })
        })
        .map(|source| Breach::new(&source.path, 1, advice(&source.path)))
        .collect()
}

fn advice(path: &str) -> String {
    if path == ROOT {
        return "is never run; name it as the path of a [[test]] in Cargo.toml".to_owned();
    }
    format!("is never run; declare it in {ROOT}, or as the path of a [[test]] in Cargo.toml")
}

fn declared(tokens: &[Token]) -> Vec<&str> {
    (1..tokens.len())
        .filter(|at| text_at(tokens, at - 1) == "mod" && text_at(tokens, at + 1) == ";")
        .map(|at| text_at(tokens, at))
        .collect()
}

/// The paths of all `[[test]]` sections.
fn targets(manifest: &str) -> Vec<&str> {
    let mut inside = false;
    let mut paths = Vec::new();
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            inside = line.starts_with("[[test]]");
        }
        if let Some((key, value)) = line.split_once('=').filter(|_| inside)
            && key.trim() == "path"
        {
            paths.extend(value.split(['"', '\'']).nth(1));
        }
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::super::tree::{Source, Tree};
    use super::{check, targets};

    #[test]
    fn unlisted_tests_are_found() {
        let files = [
            ("tests/main.rs", "mod a; mod b { } // mod c;"),
            ("tests/a.rs", ""),
            ("tests/b.rs", ""),
            ("tests/c.rs", ""),
            ("tests/d.rs", ""),
            ("tests/a/inner.rs", ""),
        ];
        let tree = Tree {
            manifest: "[[test]]\npath = \"tests/d.rs\"\n".to_owned(),
            sources: files.map(|(path, text)| Source::made(path, text)).into(),
        };
        let found: Vec<String> = check(&tree).into_iter().map(|breach| breach.path).collect();
        assert_eq!(found, ["tests/main.rs", "tests/b.rs", "tests/c.rs"]);
    }

    #[test]
    fn targets_are_read_from_test_sections() {
        let manifest = "[[bin]]\npath = \"a\"\n[[test]] # x\nname = \"b\"\npath='c' # y\n[lib]\npath = \"d\"\n";
        assert_eq!(targets(manifest), ["c"]);
    }
}
