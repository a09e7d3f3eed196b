//! YAML as far as front matter needs it: every scalar stays the text that was written, so that no `yes`, `1.10` or date
//! becomes something else. Anchors, aliases and deep nesting are refused: hostile files cost no more than their length.

use granit_parser::{Event, Options, Parser};

/// More than any front matter of 64 KiB has a use for.
const MOST_EVENTS: usize = 20_000;
const DEEPEST: usize = 24;

/// A value.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Node {
    /// Items; what is nested in one is joined to a text.
    List(Vec<String>),
    /// Members in the order of the text.
    Map(Vec<(String, Self)>),
    /// A scalar; empty where nothing was written.
    Text(String),
}

impl Node {
    /// The last member of this name, which is the one that counts.
    pub(super) fn member(&self, name: &str) -> Option<&Self> {
        let Self::Map(members) = self else {
            return None;
        };
        let mut found = members.iter().rev().filter(|(key, _)| key == name);
        found.next().map(|(_, value)| value)
    }

    /// A scalar without the space around it; empty for anything else.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Text(text) => text.trim(),
            Self::List(_) | Self::Map(_) => "",
        }
    }

    /// The items of a list; a scalar is a list of one.
    pub(super) fn items(&self) -> Vec<String> {
        let items = match self {
            Self::List(items) => items.clone(),
            Self::Map(_) => vec![self.flat()],
            Self::Text(text) => vec![text.clone()],
        };
        items.into_iter().filter(|item| !item.is_empty()).collect()
    }

    fn flat(&self) -> String {
        match self {
            Self::List(items) => items.join(", "),
            Self::Map(members) => {
                let shown = members
                    .iter()
                    .map(|(key, value)| format!("{key}: {}", value.flat()));
                shown.collect::<Vec<_>>().join(", ")
            }
            Self::Text(text) => text.clone(),
        }
    }
}

/// Reads a text that is one mapping; none for anything else.
pub(super) fn read(text: &str) -> Option<Node> {
    let mut options = Options::default();
    options.flow_nesting_limit = DEEPEST;
    options.block_nesting_limit = DEEPEST;
    let mut reader = Reader {
        parser: Parser::new_from_str_with_options(text, options),
        left: MOST_EVENTS,
    };
    let root = reader.document()?;
    matches!(root, Node::Map(_)).then_some(root)
}

struct Reader<'a> {
    parser: Parser<'a, granit_parser::StrInput<'a>>,
    left: usize,
}

impl<'a> Reader<'a> {
    fn document(&mut self) -> Option<Node> {
        let mut root = None;
        loop {
            match self.next()? {
                Event::StreamStart | Event::DocumentEnd => {}
                Event::StreamEnd => return root,
                Event::DocumentStart(..) if root.is_none() => {
                    let first = self.next()?;
                    root = Some(self.node(first)?);
                }
                _ => return None,
            }
        }
    }

    /// The next event; none for an error and where the budget is used up.
    fn next(&mut self) -> Option<Event<'a>> {
        self.left = self.left.checked_sub(1)?;
        let (event, span) = self.parser.next_event()?.ok()?;
        match event {
            // the parser says `~` where nothing was written
            Event::Scalar(_, style, anchor, tag) if span.start.index() == span.end.index() => {
                Some(Event::Scalar("".into(), style, anchor, tag))
            }
            other => Some(other),
        }
    }

    fn node(&mut self, first: Event<'a>) -> Option<Node> {
        match first {
            Event::Scalar(text, _, 0, _) => Some(Node::Text(text.into_owned())),
            Event::SequenceStart(_, 0, _) => self.list(),
            Event::MappingStart(_, 0, _) => self.map(),
            _ => None, // an anchor or an alias
        }
    }

    fn list(&mut self) -> Option<Node> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                Event::SequenceEnd => return Some(Node::List(items)),
                first => items.push(self.node(first)?.flat()),
            }
        }
    }

    fn map(&mut self) -> Option<Node> {
        let mut members = Vec::new();
        loop {
            match self.next()? {
                Event::MappingEnd => return Some(Node::Map(members)),
                Event::Scalar(key, _, 0, _) => {
                    let first = self.next()?;
                    members.push((key.into_owned(), self.node(first)?));
                }
                _ => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    fn value(text: &str) -> Node {
        let Some(Node::Map(mut members)) = read(text) else {
            panic!("{text}: not read");
        };
        members.remove(0).1
    }

    #[test]
    fn scalars_keep_their_text() {
        for (written, read) in [
            ("yes", "yes"),
            ("1.10", "1.10"),
            ("0x1F", "0x1F"),
            ("007", "007"),
            ("~", "~"),
            ("null", "null"),
            ("2026-01-01", "2026-01-01"),
            ("", ""),
            ("''", ""),
            ("'it''s'", "it's"),
            (r#""tab\there \U0001F680""#, "tab\there 🚀"),
            (">-\n  folded\n  over lines", "folded over lines"),
            ("|-\n  two\n  lines", "two\nlines"),
            ("!!int 5", "5"),
        ] {
            let text = format!("k: {written}\n");
            assert_eq!(value(&text), Node::Text(read.to_owned()), "{text}");
        }
    }

    #[test]
    fn lists_are_read_in_every_form() {
        for text in [
            "k: [a, 'b']",
            "k:\n  - a\n  - b",
            "k:\n- a\n- \"b\"",
            "k: [a,\n  b]",
        ] {
            assert_eq!(value(text).items(), ["a", "b"], "{text}");
        }
        assert_eq!(value("k: 007").items(), ["007"]);
        assert_eq!(value("k: []").items(), [""; 0]);
        assert_eq!(value("k:").items(), [""; 0]);
        assert_eq!(value("k: [{a: b}, 1.10]").items(), ["a: b", "1.10"]);
    }

    #[test]
    fn last_of_equal_keys_counts() {
        let node = read("a: 1\na: 2\n").unwrap();
        assert_eq!(node.member("a").unwrap().text(), "2");
    }

    #[test]
    fn what_is_no_plain_mapping_is_refused() {
        for text in [
            "",
            "- a",
            "text",
            "a: &x 1\nb: *x",
            "a: &x [1]",
            "? [a]\n: b",
            "a: 1\n...\n---\nb: 2",
            "a: [",
            "a: @b",
            "<<<<<<< HEAD\na: b\n=======",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn bombs_cost_little() {
        let start = Instant::now();
        assert_eq!(read(&format!("a: {}", "[".repeat(60_000))), None);
        assert_eq!(read(&format!("a: {}", "{a: ".repeat(15_000))), None);
        let deep: String = (0..300)
            .map(|depth| format!("{}a:\n", " ".repeat(depth)))
            .collect();
        assert_eq!(read(&deep), None);
        assert_eq!(read(&"a: b\n".repeat(11_000)), None);
        let many = format!("a: &x b\nc: [{}]", "*x, ".repeat(10_000));
        assert_eq!(read(&many), None);
        assert!(start.elapsed().as_millis() < 2_000);
    }
}
