//! The trailers of a commit message, by the rules of `git interpret-trailers --parse --no-divider`.

/// Prefixes that git itself writes: they make a paragraph of mixed lines a block of trailers.
const GENERATED: &[&str] = &["Signed-off-by: ", "(cherry picked from commit "];

/// Reads the trailers: key and value, folded lines joined.
pub(super) fn read(message: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut open = false;
    for line in block(message) {
        if line.starts_with('#') {
            continue;
        }
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = found.last_mut().filter(|_| open) {
                *value = format!("{value} {}", line.trim()).trim().to_owned();
            }
            continue;
        }
        open = false;
        if let Some((key, value)) = split(line) {
            found.push((key.trim_end().to_owned(), value.trim().to_owned()));
            open = true;
        }
    }
    found
}

/// The lines of the last paragraph, if it is one of trailers. The title is none, whatever it looks like.
fn block(message: &str) -> Vec<&str> {
    let lines: Vec<&str> = message.trim_end().lines().collect();
    let blank = |line: &&str| line.trim().is_empty();
    let title = lines
        .iter()
        .skip_while(|line| line.starts_with('#'))
        .position(blank);
    let Some(start) = lines.iter().rposition(blank).filter(|_| title.is_some()) else {
        return Vec::new();
    };
    let last = lines.get(start + 1..).unwrap_or_default();
    match is_trailers(last) {
        true => last.to_vec(),
        false => Vec::new(),
    }
}

/// All lines are trailers, or a quarter of them beside one that git writes.
fn is_trailers(lines: &[&str]) -> bool {
    let (mut trailers, mut others, mut folded) = (0, 0, 0);
    let mut recognised = false;
    for line in lines.iter().rev() {
        if line.starts_with('#') {
            others += folded;
            folded = 0;
        } else if GENERATED.iter().any(|prefix| line.starts_with(prefix)) {
            (trailers, folded, recognised) = (trailers + 1, 0, true);
        } else if split(line).is_some() {
            (trailers, folded) = (trailers + 1, 0);
        } else if line.starts_with([' ', '\t']) {
            folded += 1;
        } else {
            others += 1 + folded;
            folded = 0;
        }
    }
    others += folded;
    (recognised && trailers * 3 >= others) || (trailers > 0 && others == 0)
}

/// Key and value around the first colon: letters, digits and dashes, then blanks at most.
fn split(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once(':')?;
    let word = key.trim_end_matches([' ', '\t']);
    let good = |c: char| c.is_ascii_alphanumeric() || c == '-';
    (!word.is_empty() && word.chars().all(good)).then_some((key, value))
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn title_is_no_trailer() {
        assert!(read("fix: it\n").is_empty());
        assert_eq!(read("t\n\nA: b\n"), [("A".to_owned(), "b".to_owned())]);
    }

    #[test]
    fn prose_is_no_trailer() {
        assert!(read("t\n\nnote: this\nis prose\n").is_empty());
    }
}
