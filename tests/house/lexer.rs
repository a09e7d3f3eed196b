//! Cuts Rust source into tokens and sets the comments apart, so that no rule ever mistakes a comment
//! or the inside of a string for code. Knows the words of the language, not its grammar.
//! Literals keep their quotes: a literal brace is never equal to a brace.

/// What a token is made of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Lifetime,
    Literal,
    Mark,
    Word,
}

/// One token; `test` and `modules` are filled by `scope`.
#[derive(Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) text: String,
    pub(super) line: usize,
    pub(super) last: usize,
    /// Whether it stands in code that only tests compile.
    pub(super) test: bool,
    /// How many inline modules of its file it stands in.
    pub(super) modules: usize,
}

/// One comment with its slashes.
#[derive(Debug)]
pub(super) struct Comment {
    pub(super) text: String,
    pub(super) line: usize,
}

/// Tokens and comments of one source, each in order.
#[derive(Debug, Default)]
pub(super) struct Lexed {
    pub(super) tokens: Vec<Token>,
    pub(super) comments: Vec<Comment>,
}

/// The text of the token at `at`, empty past the end.
pub(super) fn text_at(tokens: &[Token], at: usize) -> &str {
    tokens.get(at).map_or("", |token| token.text.as_str())
}

/// Whether the token at `at` is a word.
pub(super) fn word_at(tokens: &[Token], at: usize) -> bool {
    tokens.get(at).is_some_and(|token| token.kind == Kind::Word)
}

/// The index of the bracket that closes the one at `open`, or the end of the tokens.
pub(super) fn closing(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            _ => continue,
        }
        if depth == 0 {
            return at;
        }
    }
    tokens.len()
}

/// Cuts `source`; what is left open at its end reaches to its end.
pub(super) fn lex(source: &str) -> Lexed {
    let mut out = Lexed::default();
    let mut rest = source;
    let mut line = 1;
    while let Some(first) = rest.chars().next() {
        let (piece, length) = cut(rest, first);
        let (text, after) = rest.split_at(length);
        let last = line + text.matches('\n').count();
        match piece {
            Piece::Blank => {}
            Piece::Comment => out.comments.push(Comment {
                text: text.to_owned(),
                line,
            }),
            Piece::Token(kind) => out.tokens.push(Token {
                kind,
                text: text.to_owned(),
                line,
                last,
                test: false,
                modules: 0,
            }),
        }
        line = last;
        rest = after;
    }
    out
}

enum Piece {
    Blank,
    Comment,
    Token(Kind),
}

/// What `rest` begins with, and its length in bytes.
fn cut(rest: &str, first: char) -> (Piece, usize) {
    if first.is_whitespace() {
        return (Piece::Blank, first.len_utf8());
    }
    if rest.starts_with("//") {
        return (Piece::Comment, rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return (Piece::Comment, block_comment(rest));
    }
    if let Some(length) = literal(rest, first) {
        return (Piece::Token(Kind::Literal), length);
    }
    if first == '\'' {
        return (Piece::Token(Kind::Lifetime), 1 + word(after(rest, 1)));
    }
    let prefix = if rest.starts_with("r#") { 2 } else { 0 };
    let length = word(after(rest, prefix));
    if length > 0 {
        return (Piece::Token(Kind::Word), prefix + length);
    }
    let joined = ["::", "->", "=>"].iter().any(|mark| rest.starts_with(mark));
    let length = if joined { 2 } else { first.len_utf8() };
    (Piece::Token(Kind::Mark), length)
}

fn after(text: &str, bytes: usize) -> &str {
    text.get(bytes..).unwrap_or("")
}

fn word(text: &str) -> usize {
    text.find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(text.len())
}

/// The length of a block comment; they nest.
fn block_comment(text: &str) -> usize {
    let mut depth = 0usize;
    let mut at = 0;
    while at < text.len() {
        let rest = after(text, at);
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// The length of the string, character or number that `rest` begins with.
fn literal(rest: &str, first: char) -> Option<usize> {
    if first.is_ascii_digit() {
        return Some(number(rest));
    }
    let prefix = usize::from(matches!(first, 'b' | 'c'));
    let bare = after(rest, prefix);
    if bare.starts_with('"') {
        return Some(prefix + quoted(bare, '"'));
    }
    if let Some(length) = raw_string(bare) {
        return Some(prefix + length);
    }
    if first == 'b' && bare.starts_with('\'') {
        return Some(prefix + quoted(bare, '\''));
    }
    is_character(rest).then(|| quoted(rest, '\''))
}

/// Whether this is a character and not a lifetime: it is escaped, or the quote closes after one.
fn is_character(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next() == Some('\'') && (chars.next() == Some('\\') || chars.next() == Some('\''))
}

fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn raw_string(text: &str) -> Option<usize> {
    let fence = text.strip_prefix('r')?;
    let hashes = fence.len() - fence.trim_start_matches('#').len();
    let body = after(fence, hashes).strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    Some(
        body.find(&end)
            .map_or(text.len(), |at| text.len() - body.len() + at + end.len()),
    )
}

/// A number with its suffix; the dot belongs to it only before another digit.
fn number(text: &str) -> usize {
    let whole = word(text);
    let fraction = after(text, whole);
    let decimal = fraction
        .strip_prefix('.')
        .is_some_and(|digits| digits.starts_with(|c: char| c.is_ascii_digit()));
    if decimal {
        return whole + 1 + word(after(fraction, 1));
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::{Kind, lex};

    fn tokens(source: &str) -> String {
        let texts: Vec<String> = lex(source).tokens.into_iter().map(|t| t.text).collect();
        texts.join(" ")
    }

    fn comments(source: &str) -> Vec<String> {
        lex(source).comments.into_iter().map(|c| c.text).collect()
    }

    #[test]
    fn line_comments_are_set_apart() {
        assert_eq!(tokens("a // b \"c\n/// d\n//! e\nf"), "a f");
        assert_eq!(comments("a // b \"c\n/// d"), ["// b \"c", "/// d"]);
    }

    #[test]
    fn block_comments_nest() {
        assert_eq!(tokens("a /* b /* c */ \" */ d"), "a d");
        assert_eq!(tokens("a /* never closed ä"), "a");
        assert_eq!(tokens("a /*/ b */ c"), "a c");
    }

    #[test]
    fn comment_signs_in_strings_are_text() {
        assert_eq!(
            tokens(r#"f("http://x /* ", g) // h"#),
            r#"f ( "http://x /* " , g )"#
        );
    }

    #[test]
    fn escaped_quotes_stay_inside() {
        assert_eq!(tokens(r#""a\"b" c"#), r#""a\"b" c"#);
        assert_eq!(tokens(r#""a\\" c"#), r#""a\\" c"#);
        assert_eq!(tokens(r#"b"\"" c"#), r#"b"\"" c"#);
        assert_eq!(tokens(r#"c"\"" c"#), r#"c"\"" c"#);
    }

    #[test]
    fn raw_strings_end_at_their_fence() {
        let source = "r#\"a \" // b\"# c";
        assert_eq!(lex(source).tokens.len(), 2);
        assert_eq!(tokens("r\"\\\" a"), "r\"\\\" a");
        assert_eq!(lex("br##\"x\"# y\"## z cr\"q\"").tokens.len(), 3);
    }

    #[test]
    fn raw_words_are_words() {
        assert_eq!(tokens("r#match x"), "r#match x");
        assert_eq!(tokens("r b br c"), "r b br c");
    }

    #[test]
    fn characters_are_not_lifetimes() {
        let kinds: Vec<Kind> = lex(r"'a' 'a '\'' '{' b'x' b'\'' 'ä' '_ 'static")
            .tokens
            .iter()
            .map(|token| token.kind)
            .collect();
        use Kind::{Lifetime, Literal};
        assert_eq!(
            kinds,
            [
                Literal, Lifetime, Literal, Literal, Literal, Literal, Literal, Lifetime, Lifetime
            ]
        );
        assert_eq!(tokens("&'a str"), "& 'a str");
        assert_eq!(
            tokens("m('\"', '\\\\', \"x\")"),
            "m ( '\"' , '\\\\' , \"x\" )"
        );
    }

    #[test]
    fn numbers_end_before_ranges() {
        assert_eq!(
            tokens("0..10 1.5 2.max(3) 0x_ffu8"),
            "0 . . 10 1.5 2 . max ( 3 ) 0x_ffu8"
        );
    }

    #[test]
    fn lines_are_counted_through_everything() {
        let lexed = lex("/* a\nb */ \"c\nd\" e\n'f'");
        let places: Vec<(usize, usize)> = lexed.tokens.iter().map(|t| (t.line, t.last)).collect();
        assert_eq!(places, [(2, 3), (3, 3), (4, 4)]);
    }

    #[test]
    fn open_ends_reach_the_end() {
        assert_eq!(lex("a \"b").tokens.len(), 2);
        assert_eq!(lex("a r#\"b\"").tokens.len(), 2);
        assert_eq!(lex("a '").tokens.len(), 2);
    }
}
