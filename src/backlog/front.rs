//! A file's two halves: the front matter, read as the Backlog.md CLI reads it, and the body.

use super::yaml::{self, Node};

/// Front matter longer than this is not read.
const MOST: usize = 64 * 1024;

/// The front matter and the body behind it; none where the front matter is no mapping.
pub(super) fn split(text: &str) -> Option<(Node, &str)> {
    let rest = text.strip_prefix("---\n")?;
    let end = rest.find("\n---")?;
    let front = rest.get(..end).filter(|front| front.len() <= MOST)?;
    let body = rest.get(end + "\n---".len()..)?.trim_matches('\n');
    Some((yaml::read(&quoted(front))?, body))
}

/// A file's bytes as text: without byte order marks, lossy as the CLI, lines ended by `\n`.
pub(super) fn decode(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.trim_start_matches('\u{feff}').replace("\r\n", "\n")
}

/// The CLI's own first pass: it accepts a bare `assignee: @me`, which is no YAML.
fn quoted(front: &str) -> String {
    let lines = front.split('\n').map(|line| match named(line) {
        Some((name, value)) => format!("{name}{}", quoted_value(value)),
        None => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Splits a line that names people into the key with the space behind it, and the value.
fn named(line: &str) -> Option<(&str, &str)> {
    let start = line.trim_start();
    let key = ["assignee:", "reporter:"];
    let key = key.iter().find(|key| start.starts_with(**key))?;
    let after = start.get(key.len()..)?.trim_start();
    line.split_at_checked(line.len() - after.len())
}

fn quoted_value(value: &str) -> String {
    let plain = value.trim();
    if let Some(items) = flow_items(plain) {
        let items = items.split(',').map(str::trim);
        let items = items
            .filter(|item| !item.is_empty())
            .map(|item| match item.starts_with('@') {
                true => format!("\"{item}\""),
                false => item.to_owned(),
            });
        return format!("[{}]", items.collect::<Vec<_>>().join(", "));
    }
    match plain.starts_with(['[', '\'', '"', '-']) || plain.is_empty() {
        true => value.to_owned(),
        false => {
            let escaped = plain.replace('\\', "\\\\").replace('"', "\\\"");
            format!("\"{escaped}\"")
        }
    }
}

/// What stands between the brackets of a flow list on one line, with nothing but a comment behind it.
fn flow_items(value: &str) -> Option<&str> {
    let inside = value.strip_prefix('[')?;
    let commented = |(end, _): (usize, &str)| {
        let behind = inside.get(end + 1..)?;
        let comment = behind.starts_with([' ', '\t']) && behind.trim_start().starts_with('#');
        comment.then(|| inside.get(..end)).flatten()
    };
    let before_comment = inside.match_indices(']').find_map(commented);
    before_comment.or_else(|| inside.strip_suffix(']'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assignees(line: &str) -> Vec<String> {
        let text = format!("---\nid: TASK-1\n{line}\n---\n\nbody\n");
        let (node, body) = split(&text).unwrap();
        assert_eq!(body, "body");
        node.member("assignee").unwrap().items()
    }

    #[test]
    fn bare_names_are_quoted_first() {
        assert_eq!(assignees("assignee: @solo"), ["@solo"]);
        assert_eq!(assignees("assignee: [@a, \"@b\", c]"), ["@a", "@b", "c"]);
        assert_eq!(assignees("assignee: [@a] # who"), ["@a"]);
        assert_eq!(assignees("assignee: [@a] # who [b]"), ["@a"]);
        assert_eq!(
            assignees("assignee: say \"hi\" \\ me"),
            ["say \"hi\" \\ me"]
        );
        assert_eq!(assignees("assignee: '@x'"), ["@x"]);
        assert_eq!(assignees("assignee:\n  - '@y'"), ["@y"]);
        assert_eq!(assignees("assignee: []"), [""; 0]);
    }

    #[test]
    fn halves_are_found_as_the_cli_finds_them() {
        let body = |text: &str| split(text).map(|(_, body)| body.to_owned());
        assert_eq!(body("---\na: b\n---\n\nx\n---\ny\n").unwrap(), "x\n---\ny");
        assert_eq!(body("---\na: b\n---"), Some(String::new()));
        assert_eq!(body("---\na: b\n"), None);
        assert_eq!(body(" ---\na: b\n---"), None);
        assert_eq!(body("text"), None);
        assert_eq!(body("---\n---\n"), None);
    }

    #[test]
    fn too_long_front_matter_is_refused() {
        let text = format!("---\na: {}\n---\n", "x".repeat(MOST));
        assert_eq!(split(&text).map(drop), None);
    }

    #[test]
    fn bytes_become_text_as_in_the_cli() {
        assert_eq!(decode(b"\xEF\xBB\xBFa\r\nb\xFF\r"), "a\nb\u{fffd}\r");
    }
}
