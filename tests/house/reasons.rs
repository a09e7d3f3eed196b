//! Every dependency in Cargo.toml says why it is there: a comment behind it or on the line above.
//! Reads only as much TOML as that needs; dependencies of tests need no reason.

use super::Breach;
use super::tree::Tree;

const MANIFEST: &str = "Cargo.toml";

pub(super) fn check(tree: &Tree) -> Vec<Breach> {
    let found = without_reason(&tree.manifest);
    found
        .into_iter()
        .map(|(line, name)| {
            let text = format!(
                "`{name}` has no reason; say behind it or on the line above why it is needed"
            );
            Breach::new(MANIFEST, line, text)
        })
        .collect()
}

/// Line and name of each dependency without a comment.
fn without_reason(manifest: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut in_list = false;
    let mut open = 0isize;
    let mut above = false;
    for (line, number) in manifest.lines().zip(1..) {
        let (entry, comment) = parts(line);
        let reason = above || comment;
        above = entry.is_empty() && comment;
        if entry.is_empty() {
            continue;
        }
        let begins = open == 0;
        open += balance(entry);
        let name = if begins && entry.starts_with('[') {
            let section = entry.trim_matches(['[', ']', ' ']);
            in_list = section.rsplit('.').next() == Some("dependencies");
            own_section(section)
        } else {
            entry
                .split(['=', '.', ' '])
                .next()
                .filter(|_| begins && in_list)
        };
        found.extend(name.filter(|_| !reason).map(|name| (number, name)));
    }
    found
}

/// The dependency that has a section of its own, as in `[dependencies.name]`.
fn own_section(section: &str) -> Option<&str> {
    let (before, name) = section.rsplit_once('.')?;
    (before.rsplit('.').next() == Some("dependencies")).then_some(name)
}

/// What stands before the comment, trimmed, and whether there is a comment that says something.
fn parts(line: &str) -> (&str, bool) {
    let at = marks(line).find(|(_, c)| *c == '#').map(|(at, _)| at);
    let (entry, comment) = line.split_at(at.unwrap_or(line.len()));
    (entry.trim(), comment.chars().any(char::is_alphanumeric))
}

/// Opened brackets minus closed ones.
fn balance(entry: &str) -> isize {
    marks(entry)
        .map(|(_, c)| match c {
            '[' | '{' => 1,
            ']' | '}' => -1,
            _ => 0,
        })
        .sum()
}

/// The characters outside of strings.
fn marks(line: &str) -> impl Iterator<Item = (usize, char)> {
    let mut quote = None;
    let mut escaped = false;
    line.char_indices().filter(move |(_, c)| {
        let was = quote;
        match was {
            None if matches!(c, '"' | '\'') => quote = Some(*c),
            Some(q) if q == *c && !escaped => quote = None,
            _ => {}
        }
        escaped = was == Some('"') && *c == '\\' && !escaped;
        was.is_none()
    })
}

#[cfg(test)]
mod tests {
    use super::without_reason;

    fn names(manifest: &str) -> Vec<&str> {
        let found = without_reason(manifest);
        found.into_iter().map(|(_, name)| name).collect()
    }

    #[test]
    fn reasons_stand_behind_or_above() {
        let manifest = "[dependencies]\na = \"1\" # why\n# why\nb = \"1\"\nc = \"1\"\n# why\n\nd = \"1\"\n#\ne.version = \"1\"\n";
        assert_eq!(names(manifest), ["c", "d", "e"]);
    }

    #[test]
    fn signs_in_strings_are_no_reason() {
        assert_eq!(
            names("[dependencies]\na = { git = \"b#c\\\"#d\" }\n"),
            ["a"]
        );
    }

    #[test]
    fn long_entries_count_once() {
        let manifest = "[dependencies]\n# why\na = { version = \"1\", features = [\n  \"b\",\n  \"c\",\n] }\nd = [\n]\n";
        assert_eq!(names(manifest), ["d"]);
    }

    #[test]
    fn every_kind_of_section_counts() {
        let manifest = "[target.'cfg(unix)'.dependencies]\na = \"1\"\n[dependencies.b]\nversion = \"1\"\n\
                        [workspace.dependencies]\nc = \"1\"\n[dev-dependencies]\nd = \"1\"\n[lints]\ne = 1\n";
        assert_eq!(names(manifest), ["a", "b", "c"]);
    }
}
