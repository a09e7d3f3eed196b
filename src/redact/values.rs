//! Finds where a value in a text begins and ends: quoted at any depth of escaping, bracketed or bare.
//! Whose value it is and whether it is a secret are not asked here.

use super::headers;

/// Most blanks between a delimiter and its value; more is layout, not an assignment.
const BLANKS: usize = 16;

/// Longest run of backslashes taken for one escape: JSON within JSON, four deep.
const SLASHES: usize = 15;

/// A stretch of bytes within a text.
#[derive(Clone, Copy)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Span {
    /// The bytes of the stretch.
    pub(super) fn of<'t>(&self, bytes: &'t [u8]) -> &'t [u8] {
        bytes.get(self.start..self.end).unwrap_or_default()
    }

    fn moved(self, by: usize) -> Self {
        Self {
            start: self.start + by,
            end: self.end + by,
        }
    }
}

/// A quotation mark and the backslashes before it.
#[derive(Clone, Copy)]
pub(super) struct Quote {
    pub(super) mark: u8,
    pub(super) slashes: usize,
}

impl Quote {
    /// The opening mark with which these bytes begin.
    pub(super) fn open(bytes: &[u8]) -> Option<Self> {
        let slashes = bytes
            .iter()
            .take(SLASHES)
            .take_while(|&&byte| byte == b'\\')
            .count();
        let mark = *bytes.get(slashes)?;
        is_mark(mark).then_some(Self { mark, slashes })
    }

    /// The mark with which these bytes end.
    pub(super) fn last(bytes: &[u8]) -> Option<Self> {
        let (&mark, before) = bytes.split_last().filter(|(mark, _)| is_mark(**mark))?;
        let slashes = before
            .iter()
            .rev()
            .take(SLASHES)
            .take_while(|&&byte| byte == b'\\')
            .count();
        Some(Self { mark, slashes })
    }

    /// Bytes the mark takes up with its backslashes.
    pub(super) fn length(&self) -> usize {
        self.slashes + 1
    }

    /// Length of the content up to the closing mark; a closing mark may also be a shallower one.
    pub(super) fn content(&self, bytes: &[u8]) -> Option<usize> {
        let mut run = 0;
        for (index, &byte) in bytes.iter().enumerate() {
            if byte == self.mark && self.closes_after(run) {
                return Some(index - run.min(self.slashes));
            }
            run = if byte == b'\\' { run + 1 } else { 0 };
        }
        None
    }

    // Each level of escaping doubles the backslashes and adds one; what is left over pairs off.
    fn closes_after(&self, run: usize) -> bool {
        match run.checked_sub(self.slashes) {
            None => true,
            // In a shell's single quotes a backslash is only itself, but Python's differ: the longer reading wins.
            Some(over) => {
                over.is_multiple_of(self.slashes + 1)
                    && (over / (self.slashes + 1)).is_multiple_of(2)
            }
        }
    }
}

fn is_mark(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'`')
}

/// The value that begins at or shortly after `from`.
pub(super) fn value(bytes: &[u8], from: usize) -> Option<Span> {
    let rest = bytes.get(from..)?;
    let blanks = rest
        .iter()
        .take(BLANKS)
        .take_while(|&&byte| is_blank(byte))
        .count();
    let start = from + blanks;
    let rest = bytes.get(start..)?;
    let (dollar, rest) = match rest {
        [b'$' | b'@', after @ ..] if after.first().copied().is_some_and(is_mark) => (1, after),
        _ => (0, rest),
    };
    let span = match Quote::open(rest) {
        Some(quote) => quoted(rest, quote)?,
        None => bracketed(rest).or_else(|| bare(rest))?,
    };
    Some(span.moved(start + dollar))
}

fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

fn quoted(rest: &[u8], quote: Quote) -> Option<Span> {
    let start = quote.length();
    let inside = rest.get(start..).unwrap_or_default();
    let Some(length) = quote.content(inside) else {
        // The mark closes something else: read -p "Password: " answer.
        let ended = inside.first().is_none_or(u8::is_ascii_whitespace);
        // Or the text was cut short, and nobody knows where the secret would have ended.
        return (!ended).then_some(Span {
            start,
            end: rest.len(),
        });
    };
    let after = start + length + quote.length();
    match continuation(rest, after, quote) {
        0 => Some(Span {
            start,
            end: start + length,
        }),
        more => Some(Span {
            start: 0,
            end: after + more,
        }),
    }
}

/// How far a shell word goes on after its closing quotation mark: `'it'\''s'`, `"a"b`.
fn continuation(rest: &[u8], after: usize, quote: Quote) -> usize {
    if quote.slashes > 0 {
        return 0;
    }
    let mut end = after;
    while let Some(tail) = rest.get(end..) {
        let joint = [&b"\\''"[..], b"'\"'\"'", b"\"'\"'"]
            .into_iter()
            .find(|joint| tail.starts_with(joint));
        let Some(joint) = joint else { break };
        let inside = tail.get(joint.len()..).unwrap_or_default();
        end += joint.len()
            + quote
                .content(inside)
                .map_or(inside.len(), |length| length + 1);
    }
    let tail = rest.get(end..).unwrap_or_default();
    if tail
        .first()
        .is_some_and(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii())
    {
        end += bare_length(tail);
    }
    end.saturating_sub(after)
}

/// A list or an object of quoted things, up to the bracket that closes it.
fn bracketed(rest: &[u8]) -> Option<Span> {
    let (b'[' | b'{', inside) = rest.split_first()? else {
        return None;
    };
    let blanks = inside
        .iter()
        .take(BLANKS * 4)
        .take_while(|byte| byte.is_ascii_whitespace())
        .count();
    Quote::open(inside.get(blanks..)?)?;
    let mut depth = 0_usize;
    let end = rest.iter().position(|byte| {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0
    });
    Some(Span {
        start: 0,
        end: end.map_or(rest.len(), |index| index + 1),
    })
}

fn bare(rest: &[u8]) -> Option<Span> {
    // The block goes on behind the blanks in its first line: it is left to its own rule.
    if rest.starts_with(b"-----BEGIN ") || rest.starts_with(b"---- BEGIN ") {
        return None;
    }
    // `token: Bearer abc` is one value.
    let end = headers::scheme(rest);
    let end = end + bare_length(rest.get(end..)?);
    (end > 0).then_some(Span { start: 0, end })
}

/// Length of a value without quotation marks.
pub(super) fn bare_length(rest: &[u8]) -> usize {
    let mut depth = 0_usize;
    let end = rest
        .iter()
        .enumerate()
        .position(|(index, &byte)| match byte {
            b'(' | b'[' | b'{' => {
                depth += 1;
                false
            }
            // Closes what was opened within the value, a marker for example.
            b')' | b']' | b'}' if depth > 0 => {
                depth -= 1;
                false
            }
            _ => {
                byte.is_ascii_whitespace()
                    || ends_bare(byte, rest.get(index + 1..).unwrap_or_default())
            }
        });
    end.unwrap_or(rest.len())
}

// Any of these may be part of a password, so they end it only before something that shows they do.
fn ends_bare(byte: u8, after: &[u8]) -> bool {
    match byte {
        b'"' | b'\'' | b'`' | b')' | b']' | b'}' => closes(after),
        b'\\' => {
            let quoted = Quote::open(after)
                .is_some_and(|quote| closes(after.get(quote.length()..).unwrap_or_default()));
            quoted || matches!(after, [b'n' | b'r', line @ ..] if is_field(line))
        }
        b',' | b';' | b'&' => {
            after.first().is_none_or(|&next| is_separator(next)) || is_field(after)
        }
        b'<' => after.first() == Some(&b'/'),
        b'%' => after.starts_with(b"26"),
        _ => false,
    }
}

fn closes(after: &[u8]) -> bool {
    after
        .first()
        .is_none_or(|&next| is_separator(next) || b",;:)]}>&|\\<".contains(&next))
}

fn is_separator(byte: u8) -> bool {
    byte.is_ascii_whitespace() || is_mark(byte)
}

fn is_field(after: &[u8]) -> bool {
    let name = after
        .iter()
        .take(64)
        .take_while(|&&byte| is_name(byte))
        .count();
    let delimiter = after.get(name..).unwrap_or_default();
    let blanks = delimiter.iter().take_while(|&&byte| is_blank(byte)).count();
    name > 0 && matches!(delimiter.get(blanks), Some(b'=' | b':' | b'['))
}

/// Tells whether a byte can be part of a name.
pub(super) fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}
