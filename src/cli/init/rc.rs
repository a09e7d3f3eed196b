//! Our lines in a shell's start-up file: put in between markers, and taken out again so that every other byte is as it was
//! before, whatever the user wrote around them. Works on bytes: such files hold anything.

/// What the first marker begins with; notes for the way back follow.
const BEGIN: &str = "# >>> obs >>>";
const END: &str = "# <<< obs <<<";
const ABOUT: &str = " written by `obs init`, taken out by `obs init --undo`";
/// There was no file before.
const NEW: &str = " (new file)";
/// The text before had no line end, which came with ours.
const JOINED: &str = " (with the line end before)";
/// What our line says, in every version.
const OURS: &[u8] = b"obs print shell";

/// What putting the line in comes to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Put {
    /// The new text.
    Added(Vec<u8>),
    /// The user has commented our line out.
    Off,
    /// A line of the user's own says the same.
    Own,
    /// The new text: another version's line was replaced.
    Renewed(Vec<u8>),
    /// It is there.
    There,
}

/// What taking the line out comes to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// There is nothing of ours.
    Nothing,
    /// There was no file before and nothing came to it.
    Whole,
    /// The new text.
    Text(Vec<u8>),
}

/// A first marker without a last one: nobody knows where our lines end. Its line's number.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unclosed(pub(super) usize);

/// Puts a line into a text; none is a file that is not there.
pub(super) fn put(before: Option<&[u8]>, line: &str) -> Result<Put, Unclosed> {
    let text = before.unwrap_or_default();
    if let Some(block) = block(text)? {
        let on: Vec<&[u8]> = block
            .inside
            .iter()
            .filter(|line| is_ours(line))
            .copied()
            .collect();
        if on.iter().map(|line| bare(line)).eq([line.as_bytes()]) {
            return Ok(Put::There);
        }
        if on.is_empty() && block.inside.iter().any(|line| is_off(line)) {
            return Ok(Put::Off);
        }
        let kept = block.inside.iter().filter(|line| !is_ours(line));
        let mut inside: Vec<&[u8]> = kept.copied().collect();
        let ours = format!("{line}\n");
        inside.push(ours.as_bytes());
        let parts = [
            &block.before[..],
            &[block.begin],
            &inside,
            &[block.end],
            &block.after,
        ];
        return Ok(Put::Renewed(parts.concat().concat()));
    }
    if lines(text).iter().any(|line| is_ours(line)) {
        return Ok(Put::Own);
    }
    let joined = !text.is_empty() && !text.ends_with(b"\n");
    let note = match (before, joined) {
        (None, _) => NEW,
        (_, true) => JOINED,
        (_, false) => "",
    };
    let first = if joined { "\n" } else { "" };
    let ours = format!("{first}{BEGIN}{ABOUT}{note}\n{line}\n{END}\n");
    Ok(Put::Added([text, ours.as_bytes()].concat()))
}

/// Takes our lines out of a text.
pub(super) fn take(text: &[u8]) -> Result<Taken, Unclosed> {
    let mut text = text.to_vec();
    let (mut found, mut new) = (false, false);
    while let Some(block) = block(&text)? {
        found = true;
        let has = |note: &str| memchr::memmem::find(block.begin, note.as_bytes()).is_some();
        new |= has(NEW);
        let kept: Vec<&[u8]> = block
            .inside
            .iter()
            .filter(|line| !is_ours(line) && !is_off(line))
            .copied()
            .collect();
        let alone = kept.is_empty() && block.after.is_empty();
        let mut before = block.before.concat();
        if alone && has(JOINED) {
            // the file's own last byte may be a CR; ours has one where an editor gave it to every line
            let end = if block.begin.ends_with(b"\r\n") {
                "\r\n"
            } else {
                "\n"
            };
            let length = before.strip_suffix(end.as_bytes()).map(<[u8]>::len);
            before.truncate(length.unwrap_or(before.len()));
        }
        text = [before, kept.concat(), block.after.concat()].concat();
    }
    Ok(match (found, text.is_empty() && new) {
        (false, _) => Taken::Nothing,
        (true, true) => Taken::Whole,
        (true, false) => Taken::Text(text),
    })
}

/// Our lines and those around, each with its line end.
struct Block<'a> {
    before: Vec<&'a [u8]>,
    begin: &'a [u8],
    inside: Vec<&'a [u8]>,
    end: &'a [u8],
    after: Vec<&'a [u8]>,
}

fn block(text: &[u8]) -> Result<Option<Block<'_>>, Unclosed> {
    let lines = lines(text);
    let is_begin = |line: &&[u8]| line.starts_with(BEGIN.as_bytes());
    let Some(begin) = lines.iter().position(is_begin) else {
        return Ok(None);
    };
    let behind = lines.get(begin + 1..).unwrap_or_default();
    let length = behind
        .iter()
        .take_while(|line| !is_begin(line))
        .position(|line| line.trim_ascii_end() == END.as_bytes())
        .ok_or(Unclosed(begin + 1))?;
    let part = |from: usize, to: usize| lines.get(from..to).unwrap_or_default().to_vec();
    let end = begin + 1 + length;
    let one = |at: usize| lines.get(at).copied().unwrap_or_default();
    Ok(Some(Block {
        before: part(0, begin),
        begin: one(begin),
        inside: part(begin + 1, end),
        end: one(end),
        after: part(end + 1, lines.len()),
    }))
}

fn lines(text: &[u8]) -> Vec<&[u8]> {
    text.split_inclusive(|byte| *byte == b'\n').collect()
}

/// Without one line end, which an editor may have made a CR LF.
fn bare(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// True for a line that brings the functions in; one that only speaks of them, as a comment does, is none.
fn is_ours(line: &[u8]) -> bool {
    let brings = |word: &[u8]| matches!(word, b"." | b"eval" | b"source");
    let mut words = line.split(|byte| byte.is_ascii_whitespace() || b";&|({".contains(byte));
    !line.trim_ascii_start().starts_with(b"#")
        && memchr::memmem::find(line, OURS).is_some()
        && words.any(brings)
}

/// True for such a line that has been commented out.
fn is_off(line: &[u8]) -> bool {
    let marked = |byte: &u8| *byte == b'#' || byte.is_ascii_whitespace();
    let start = line.iter().position(|byte| !marked(byte));
    let text = start.and_then(|start| line.get(start..));
    !is_ours(line) && text.is_some_and(is_ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "eval \"$(obs print shell bash)\"";

    fn added(before: Option<&[u8]>) -> Vec<u8> {
        match put(before, LINE).unwrap() {
            Put::Added(text) => text,
            other => panic!("{other:?}"),
        }
    }

    fn taken(text: &[u8]) -> Vec<u8> {
        match take(text).unwrap() {
            Taken::Text(text) => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_text_comes_back_byte_for_byte() {
        for before in [
            &b""[..],
            b"\n",
            b"alias a=b\n",
            b"no line end",
            b"\xff\xfe\0 bytes",
            b"dos\r\nlines\r\n",
            b"dos\r\nwithout end",
            b"ends with cr\r",
            b"\n\n\n",
        ] {
            let with = added(Some(before));
            assert!(with.starts_with(before));
            assert_eq!(put(Some(&with), LINE), Ok(Put::There));
            assert_eq!(taken(&with), before, "{before:?}");
        }
        let new = added(None);
        assert_eq!(take(&new), Ok(Taken::Whole));
        assert_eq!(take(b"alias a=b\n"), Ok(Taken::Nothing));
    }

    #[test]
    fn what_the_user_wrote_around_stays() {
        for (before, after) in [
            ("one\n", "two\n"),
            ("one\n", "two"),
            ("no line end", "two\n"),
            ("", "two\n"),
        ] {
            let with = [&added(Some(before.as_bytes())), after.as_bytes()].concat();
            // a line end between them is needed now
            let between = if before.ends_with("end") { "\n" } else { "" };
            let expected = format!("{before}{between}{after}");
            assert_eq!(String::from_utf8(taken(&with)).unwrap(), expected);
        }
        let with = [b"first\n", &added(None)[..]].concat();
        assert_eq!(taken(&with), b"first\n");
    }

    #[test]
    fn what_the_user_wrote_inside_stays() {
        let text = String::from_utf8(added(Some(b"a\n"))).unwrap();
        let text = text.replace(LINE, &format!("mine\n{LINE}\nmine too"));
        assert_eq!(taken(text.as_bytes()), b"a\nmine\nmine too\n");
    }

    #[test]
    fn line_ends_may_change_meanwhile() {
        let text = String::from_utf8(added(Some(b"a")))
            .unwrap()
            .replace('\n', "\r\n");
        assert_eq!(put(Some(text.as_bytes()), LINE), Ok(Put::There));
        assert_eq!(taken(text.as_bytes()), b"a");
    }

    #[test]
    fn line_of_another_version_is_replaced_in_place() {
        let old = String::from_utf8(added(Some(b"a\n"))).unwrap();
        let old = old.replace(LINE, "eval \"$(obs print shell bash | old)\"") + "b\n";
        let Put::Renewed(new) = put(Some(old.as_bytes()), LINE).unwrap() else {
            panic!("{old}");
        };
        assert_eq!(put(Some(&new), LINE), Ok(Put::There));
        assert_eq!(taken(&new), b"a\nb\n");
    }

    #[test]
    fn line_of_the_users_own_is_enough() {
        assert_eq!(
            put(Some(b"eval \"$(obs print shell zsh)\"\n"), LINE),
            Ok(Put::Own)
        );
        assert!(matches!(
            put(Some(b"# obs print shell\n"), LINE),
            Ok(Put::Added(_))
        ));
    }

    #[test]
    fn mention_alone_brings_nothing() {
        for line in [
            "echo obs print shell",
            "alias p='obs print shell bash'",
            "x=$(obs print shell sh)",
        ] {
            let text = format!("{line}\n");
            assert!(
                matches!(put(Some(text.as_bytes()), LINE), Ok(Put::Added(_))),
                "{line}"
            );
        }
        for line in [
            "if true; then eval \"$(obs print shell sh)\"; fi",
            "obs print shell fish | source",
            "source <(obs print shell bash)",
            "test -f x && . <(obs print shell zsh)",
        ] {
            let text = format!("\t{line}");
            assert_eq!(put(Some(text.as_bytes()), LINE), Ok(Put::Own), "{line}");
        }
    }

    #[test]
    fn line_that_was_commented_out_stays_so() {
        let text = String::from_utf8(added(Some(b"a\n"))).unwrap();
        for off in [
            format!("#{LINE}"),
            format!(" ## {LINE}\nmine"),
            format!("# {LINE}; old"),
        ] {
            let text = text.replace(LINE, &off);
            assert_eq!(put(Some(text.as_bytes()), LINE), Ok(Put::Off), "{off}");
            let mine = if off.ends_with("mine") { "mine\n" } else { "" };
            assert_eq!(taken(text.as_bytes()), format!("a\n{mine}").as_bytes());
        }
        let both = text.replace(LINE, &format!("# {LINE}\n{LINE}"));
        assert_eq!(put(Some(both.as_bytes()), LINE), Ok(Put::There));
        let note = text.replace(LINE, "# see obs print shell");
        assert!(matches!(
            put(Some(note.as_bytes()), LINE),
            Ok(Put::Renewed(_))
        ));
        assert_eq!(taken(note.as_bytes()), b"a\n# see obs print shell\n");
    }

    #[test]
    fn unclosed_marker_is_refused() {
        let text = String::from_utf8(added(Some(b"a\n"))).unwrap();
        let open = text.replace(END, "x");
        assert_eq!(take(open.as_bytes()), Err(Unclosed(2)));
        assert_eq!(put(Some(open.as_bytes()), LINE), Err(Unclosed(2)));
        assert_eq!(take((open + &text).as_bytes()), Err(Unclosed(2)));
    }

    #[test]
    fn all_blocks_are_taken_out() {
        let one = added(Some(b"a\n"));
        let two = [&one[..], &added(None)].concat();
        assert_eq!(taken(&two), b"a\n");
    }
}
