//! Holds the house: who may use whom, where foreign things live, how large and how named things are.
//! `check` reads a tree and returns what breaks a rule, as `path:line: rule: what to do`; the real tree
//! must give nothing, `tests/data/bad-house` must give exactly its `findings.txt`.
//! One rule is one file in `tests/house/`, with its table on top; no rule knows another.

mod headers;
mod homes;
mod ladder;
mod lexer;
mod listed;
mod names;
mod paths;
mod reasons;
mod scope;
mod sizes;
mod tree;
mod words;

use std::fmt;
use std::path::Path;

use tree::Tree;

/// What a rule is: it reads the tree and says what it does not like.
type Rule = fn(&Tree) -> Vec<Breach>;

/// Every rule by the name that stands in its findings.
const RULES: &[(&str, Rule)] = &[
    ("headers", headers::check),
    ("homes", homes::check),
    ("ladder", ladder::check),
    ("listed", listed::check),
    ("names", names::check),
    ("reasons", reasons::check),
    ("sizes", sizes::check),
    ("words", words::check),
];

/// A place that breaks a rule, as the rule itself reports it.
struct Breach {
    path: String,
    line: usize,
    text: String,
}

impl Breach {
    fn new(path: &str, line: usize, text: String) -> Self {
        Self {
            path: path.to_owned(),
            line,
            text,
        }
    }
}

/// A breach with the name of its rule.
#[derive(Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Finding {
    path: String,
    line: usize,
    rule: &'static str,
    text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            path,
            line,
            rule,
            text,
        } = self;
        write!(out, "{path}:{line}: {rule}: {text}")
    }
}

/// Everything in the tree at `root` that breaks a rule, by path and line, each place and text once.
pub(crate) fn check(root: &Path) -> Vec<Finding> {
    let tree = match Tree::read(root) {
        Ok(tree) => tree,
        Err(error) => {
            return vec![Finding {
                path: root.display().to_string(),
                line: 0,
                rule: "tree",
                text: format!("could not be read: {error}"),
            }];
        }
    };
    let mut findings: Vec<Finding> = RULES
        .iter()
        .flat_map(|(rule, check)| check(&tree).into_iter().map(|breach| named(rule, breach)))
        .collect();
    findings.sort();
    findings.dedup();
    findings
}

fn named(rule: &'static str, breach: Breach) -> Finding {
    Finding {
        path: breach.path,
        line: breach.line,
        rule,
        text: breach.text,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Finding, Path, RULES, check};

    fn real() -> &'static Path {
        Path::new(env!("CARGO_MANIFEST_DIR"))
    }

    fn bad() -> Vec<Finding> {
        check(&real().join("tests/data/bad-house"))
    }

    fn lines(findings: &[Finding]) -> String {
        findings
            .iter()
            .map(|finding| format!("{finding}\n"))
            .collect()
    }

    #[test]
    fn the_house_is_in_order() {
        let findings = check(real());
        assert!(
            findings.is_empty(),
            "{} findings:\n{}",
            findings.len(),
            lines(&findings)
        );
    }

    #[test]
    fn bad_house_breaks_every_rule() {
        let found = bad();
        for (rule, _) in RULES {
            assert!(
                found.iter().any(|finding| finding.rule == *rule),
                "the bad house must break the rule {rule}"
            );
        }
    }

    #[test]
    fn bad_house_gives_its_findings() {
        let path = real().join("tests/data/bad-house/findings.txt");
        let expected = fs::read_to_string(path).unwrap_or_default();
        let found = lines(&bad());
        assert!(
            found == expected,
            "tests/data/bad-house/findings.txt should read:\n{found}"
        );
    }

    #[test]
    fn fine_files_give_nothing() {
        let fine: Vec<Finding> = bad()
            .into_iter()
            .filter(|finding| finding.path.contains("fine"))
            .collect();
        assert!(fine.is_empty(), "{}", lines(&fine));
    }

    #[test]
    fn missing_tree_is_no_clean_tree() {
        let found = lines(&check(&real().join("tests/data/no-such-house")));
        assert!(found.contains(": tree: could not be read"), "{found}");
    }
}
