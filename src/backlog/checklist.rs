//! The body of a task: its checklists, and the rest as one text in which white space and checked items make no
//! difference.

const CRITERIA: (&str, &str) = ("AC", "Acceptance Criteria");
const DONE: (&str, &str) = ("DOD", "Definition of Done");

/// One item: whether it is checked, and its text.
pub(super) type Item = (bool, String);

/// What a body says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Body {
    pub(super) criteria: Vec<Item>,
    pub(super) done: Vec<Item>,
    /// All else, white space folded.
    pub(super) rest: String,
}

/// Reads a body.
pub(super) fn read(body: &str) -> Body {
    let rest = without_marked(body);
    let rest = match body.contains("<!-- AC:BEGIN") {
        true => rest,
        false => without_items(&rest),
    };
    Body {
        criteria: list(body, CRITERIA),
        done: list(body, DONE),
        rest: rest.split_whitespace().collect::<Vec<_>>().join(" "),
    }
}

/// The items between the markers; in files older than the markers those under the heading.
fn list(body: &str, (marker, heading): (&str, &str)) -> Vec<Item> {
    let section = marked(body, marker).or_else(|| {
        let (start, end) = under_heading(body, heading, 0)?;
        body.get(start..end)
    });
    let lines = section.unwrap_or_default().split('\n');
    lines.filter_map(item).collect()
}

fn marked<'a>(body: &'a str, marker: &str) -> Option<&'a str> {
    let (_, behind) = body.split_once(&format!("<!-- {marker}:BEGIN -->\n"))?;
    let (inside, _) = behind.split_once(&format!("<!-- {marker}:END -->"))?;
    Some(inside)
}

/// `- [x] #2 text`; the number is not part of the text.
fn item(line: &str) -> Option<Item> {
    let (checked, text) = checkbox(line)?;
    let numbered = text.strip_prefix('#').and_then(|rest| {
        let (digits, rest) = rest.split_once(' ')?;
        let number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        (number && !rest.is_empty()).then_some(rest)
    });
    Some((checked, numbered.unwrap_or(text).trim().to_owned())).filter(|_| !text.is_empty())
}

fn checkbox(line: &str) -> Option<(bool, &str)> {
    let open = line.strip_prefix("- [ ] ").map(|text| (false, text));
    open.or_else(|| line.strip_prefix("- [x] ").map(|text| (true, text)))
}

/// The text under the first such heading from `from` on, up to the next heading of its level.
fn under_heading(body: &str, heading: &str, from: usize) -> Option<(usize, usize)> {
    let title = format!("## {heading}");
    let mut at = from;
    let mut start = None;
    for line in body.get(from..)?.split_inclusive('\n') {
        if start.is_some() && line.starts_with("## ") {
            return Some((start?, at));
        }
        at += line.len();
        let named = line
            .strip_suffix('\n')
            .and_then(|line| line.strip_prefix(title.as_str()));
        if start.is_none() && named.is_some_and(|rest| rest.trim_matches([' ', '\t']).is_empty()) {
            start = Some(at);
        }
    }
    Some((start?, at))
}

/// The body without its marked checklists, markers and all.
fn without_marked(body: &str) -> String {
    let mut rest = String::with_capacity(body.len());
    let mut left = body;
    while let Some((at, end)) = first_marked(left) {
        rest.push_str(left.get(..at).unwrap_or_default());
        left = left.get(end..).unwrap_or_default();
    }
    rest + left
}

/// The first checklist that is closed: where it begins and where it ends.
fn first_marked(text: &str) -> Option<(usize, usize)> {
    let span = |marker: &str| {
        let at = text.find(&format!("<!-- {marker}:BEGIN -->"))?;
        let close = format!("<!-- {marker}:END -->");
        let end = text.get(at..)?.find(&close)? + at + close.len();
        Some((at, end))
    };
    [CRITERIA.0, DONE.0].into_iter().filter_map(span).min()
}

/// The body without the items of sections older than the markers.
fn without_items(body: &str) -> String {
    let mut rest = String::with_capacity(body.len());
    let mut from = 0;
    while let Some((start, end)) = under_heading(body, CRITERIA.1, from) {
        rest.push_str(body.get(from..start).unwrap_or_default());
        let section = body.get(start..end).unwrap_or_default();
        let lines = section.split_inclusive('\n');
        rest.extend(lines.filter(|line| checkbox(line).is_none()));
        from = end;
    }
    rest + body.get(from..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(pairs: &[(bool, &str)]) -> Vec<Item> {
        let owned = pairs.iter().map(|(done, text)| (*done, (*text).to_owned()));
        owned.collect()
    }

    #[test]
    fn marked_items_are_read_without_their_numbers() {
        let body = "## Acceptance Criteria\n<!-- AC:BEGIN -->\n- [x] #1 First, with comma\n- [ ] #2 #3 odd\n- [X] no\n<!-- AC:END -->\n\n## Definition of Done\n<!-- DOD:BEGIN -->\n- [ ] #1 docs\n<!-- DOD:END -->\n- [x] elsewhere\n";
        let read = read(body);
        assert_eq!(
            read.criteria,
            items(&[(true, "First, with comma"), (false, "#3 odd")])
        );
        assert_eq!(read.done, items(&[(false, "docs")]));
        assert_eq!(
            read.rest,
            "## Acceptance Criteria ## Definition of Done - [x] elsewhere"
        );
    }

    #[test]
    fn sections_without_markers_are_read() {
        let body = "## Description\n- [x] not one\n## Acceptance Criteria \n- [ ] a\nprose\n- [x] #2 b\n### Sub\n- [ ] c\n## Notes\n- [x] d\n";
        let read = read(body);
        assert_eq!(
            read.criteria,
            items(&[(false, "a"), (true, "b"), (false, "c")])
        );
        assert_eq!(
            read.rest,
            "## Description - [x] not one ## Acceptance Criteria prose ### Sub ## Notes - [x] d"
        );
    }

    #[test]
    fn checking_an_item_leaves_the_rest_equal() {
        let body = |check: &str| {
            format!("## Acceptance Criteria\n<!-- AC:BEGIN -->\n- [{check}] #1 a\n<!-- AC:END -->")
        };
        assert_eq!(read(&body(" ")).rest, read(&body("x")).rest);
    }

    #[test]
    fn markers_that_are_not_closed_take_nothing() {
        let read = read("<!-- DOD:BEGIN -->\n<!-- AC:BEGIN -->\n- [x] a\n<!-- AC:END -->\nb");
        assert_eq!(read.criteria, items(&[(true, "a")]));
        assert_eq!(read.rest, "<!-- DOD:BEGIN --> b");
    }

    #[test]
    fn heading_at_the_very_end_has_no_items() {
        assert_eq!(read("## Acceptance Criteria").criteria, items(&[]));
    }
}
