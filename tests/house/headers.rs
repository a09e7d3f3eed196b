//! Every Rust file opens with a `//!` header of 1 to 6 lines: what lives here and what must not.
//! The roots of `journal`, `child` and `ship` may take 40, since theirs is the specification.

use super::Breach;
use super::tree::{Source, Tree};

const LINES: usize = 6;
const SPECIFICATION_LINES: usize = 40;
const SPECIFICATIONS: &[&str] = &[
    "src/child.rs",
    "src/child/mod.rs",
    "src/journal.rs",
    "src/journal/mod.rs",
    "src/ship.rs",
    "src/ship/mod.rs",
];

pub(super) fn check(tree: &Tree) -> Vec<Breach> {
    tree.rust_in(&["src", "tests", "shell"])
        .filter_map(|source| Some(Breach::new(&source.path, 1, objection(source)?)))
        .collect()
}

fn objection(source: &Source) -> Option<String> {
    let header = source
        .text
        .lines()
        .map_while(|line| line.strip_prefix("//!"));
    let (lines, words) = header.fold((0, 0), |(lines, words), text| {
        (lines + 1, words + text.split_whitespace().count())
    });
    let cap = if SPECIFICATIONS.contains(&source.path.as_str()) {
        SPECIFICATION_LINES
    } else {
        LINES
    };
    if words == 0 {
        return Some(format!(
            "opens without a header; begin with 1 to {cap} lines of `//!`: what lives here and what must not"
        ));
    }
    (lines > cap)
        .then(|| format!("header has {lines} lines, {cap} at most; keep what a reader needs first"))
}

#[cfg(test)]
mod tests {
    use super::super::tree::Tree;
    use super::check;

    fn count(path: &str, text: &str) -> usize {
        check(&Tree::of(path, text)).len()
    }

    #[test]
    fn headers_come_first() {
        assert_eq!(count("src/a.rs", "//! A.\n//! B.\n\nuse c;\n"), 0);
        for text in [
            "",
            "\n//! A.\n",
            "use a;\n//! B.\n",
            "/// A.\n",
            "//!\n//!\n",
        ] {
            assert_eq!(count("tests/a/b.rs", text), 1, "{text:?}");
        }
        assert_eq!(count("shell/obs.sh", "# a\n"), 0);
    }

    #[test]
    fn headers_stay_short() {
        let lines = |count: usize| "//! a\n".repeat(count);
        assert_eq!(count("src/query/mod.rs", &lines(6)), 0);
        assert_eq!(count("src/query/mod.rs", &lines(7)), 1);
        assert_eq!(count("src/journal/mod.rs", &lines(40)), 0);
        assert_eq!(count("src/child/mod.rs", &lines(41)), 1);
        assert_eq!(count("src/journal/file.rs", &lines(7)), 1);
    }
}
