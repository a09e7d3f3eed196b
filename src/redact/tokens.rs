//! The rules for secrets that show by their own shape: a known prefix and enough characters after it.
//! Names and values are none of its business.

use super::scan::{Hit, Memory, Place};

/// What may follow a prefix.
#[derive(Clone, Copy)]
pub(super) enum Set {
    Alnum,
    /// Letters, digits, `_`, `-`.
    Dashed,
    /// Letters, digits, `_`, `-`, `.`.
    Dotted,
    /// What a percent-encoded or base64 text is made of.
    Encoded,
    /// Letters, digits, `_`.
    Word,
}

impl Set {
    /// How many bytes from the start are in the set.
    pub(super) fn run(self, bytes: &[u8]) -> usize {
        bytes
            .iter()
            .position(|&byte| !self.has(byte))
            .unwrap_or(bytes.len())
    }

    fn has(self, byte: u8) -> bool {
        let extra: &[u8] = match self {
            Self::Alnum => b"",
            Self::Dashed => b"_-",
            Self::Dotted => b"_-.",
            Self::Encoded => b"_-.%+/=~",
            Self::Word => b"_",
        };
        byte.is_ascii_alphanumeric() || extra.contains(&byte)
    }
}

/// A prefix, whose last byte is what the prefilter stops at.
pub(super) struct Token {
    pub(super) prefix: &'static [u8],
    rule: &'static str,
    set: Set,
    min: usize,
}

const fn token(prefix: &'static str, rule: &'static str, set: Set, min: usize) -> Token {
    Token {
        prefix: prefix.as_bytes(),
        rule,
        set,
        min,
    }
}

#[rustfmt::skip]
pub(super) const TOKENS: [Token; 55] = [
    token("ghp_", "github", Set::Word, 20),
    token("gho_", "github", Set::Word, 20),
    token("ghu_", "github", Set::Word, 20),
    token("ghs_", "github", Set::Word, 20),
    token("ghr_", "github", Set::Word, 20),
    token("github_pat_", "github", Set::Word, 20),
    token("npm_", "npm", Set::Alnum, 30),
    token("hf_", "huggingface", Set::Alnum, 30),
    token("sk_live_", "stripe", Set::Alnum, 16),
    token("rk_live_", "stripe", Set::Alnum, 16),
    token("sk_test_", "stripe", Set::Alnum, 16),
    token("rk_test_", "stripe", Set::Alnum, 16),
    token("whsec_", "stripe", Set::Alnum, 16),
    token("dop_v1_", "digitalocean", Set::Alnum, 40),
    token("doo_v1_", "digitalocean", Set::Alnum, 40),
    token("dor_v1_", "digitalocean", Set::Alnum, 40),
    token("shpat_", "shopify", Set::Alnum, 30),
    token("shpss_", "shopify", Set::Alnum, 30),
    token("dckr_pat_", "docker", Set::Dashed, 20),
    token("lin_api_", "linear", Set::Alnum, 30),
    token("glsa_", "grafana", Set::Word, 30),
    token("sntrys_", "sentry", Set::Encoded, 30),
    token("ntn_", "notion", Set::Alnum, 40),
    token("gsk_", "groq", Set::Alnum, 40),
    token("figd_", "figma", Set::Dashed, 36),
    token("glpat-", "gitlab", Set::Dotted, 20),
    token("gldt-", "gitlab", Set::Dotted, 20),
    token("glrt-", "gitlab", Set::Dotted, 20),
    token("glcbt-", "gitlab", Set::Dotted, 20),
    token("glptt-", "gitlab", Set::Dotted, 20),
    token("glft-", "gitlab", Set::Dotted, 20),
    token("xoxa-", "slack", Set::Dashed, 10),
    token("xoxb-", "slack", Set::Dashed, 10),
    token("xoxc-", "slack", Set::Dashed, 10),
    token("xoxd-", "slack", Set::Encoded, 10),
    token("xoxe-", "slack", Set::Dashed, 10),
    token("xoxo-", "slack", Set::Dashed, 10),
    token("xoxp-", "slack", Set::Dashed, 10),
    token("xoxr-", "slack", Set::Dashed, 10),
    token("xoxs-", "slack", Set::Dashed, 10),
    token("xapp-", "slack", Set::Dashed, 10),
    token("sk-ant-", "anthropic", Set::Dashed, 16),
    token("sk-proj-", "openai", Set::Dashed, 16),
    token("sk-svcacct-", "openai", Set::Dashed, 16),
    token("sk-admin-", "openai", Set::Dashed, 16),
    token("sk-or-", "openrouter", Set::Dashed, 16),
    token("sk-", "openai", Set::Alnum, 20),
    token("pypi-", "pypi", Set::Dashed, 40),
    token("PMAK-", "postman", Set::Dashed, 40),
    token("NRAK-", "newrelic", Set::Alnum, 24),
    token("SECRET-KEY-", "age", Set::Alnum, 40),
    token("ya29.", "google", Set::Dotted, 20),
    token("SG.", "sendgrid", Set::Dotted, 40),
    token("hvs.", "vault", Set::Dashed, 20),
    token("dp.pt.", "doppler", Set::Alnum, 36),
];

/// Where in `TOKENS` to begin for the last two bytes of a prefix, plus one; none where it is zero.
const FIRST: [u8; 256] = CHAINS.0;

/// The next of the same kind, plus one.
const NEXT: [u8; TOKENS.len()] = CHAINS.1;

#[expect(
    clippy::indexing_slicing,
    reason = "the compiler runs it: a wrong index stops the build"
)]
const CHAINS: ([u8; 256], [u8; TOKENS.len()]) = {
    let (mut first, mut next) = ([0; 256], [0; TOKENS.len()]);
    let mut index = TOKENS.len();
    while index > 0 {
        index -= 1;
        if let [.., last, this] = TOKENS[index].prefix {
            let slot = slot(*last, *this);
            next[index] = first[slot];
            first[slot] = index as u8 + 1;
        }
    }
    (first, next)
};

const fn slot(last: u8, this: u8) -> usize {
    last.wrapping_add(this.wrapping_mul(31)) as usize
}

/// A prefix that ends at this place, and a run long enough after it.
pub(super) fn prefixed(place: Place<'_>) -> Option<Hit> {
    let known = place.bytes.get(place.taken..=place.at)?;
    let [.., last, this] = known else { return None };
    let mut link = *FIRST.get(slot(*last, *this))?;
    while let Some(index) = usize::from(link).checked_sub(1) {
        let token = TOKENS.get(index)?;
        if known.ends_with(token.prefix) {
            return run_of(token, place);
        }
        link = *NEXT.get(index)?;
    }
    None
}

fn run_of(token: &Token, place: Place<'_>) -> Option<Hit> {
    let start = place.at + 1 - token.prefix.len();
    // First the boundary: a long run that no hit consumes would be read again at the next place in it.
    if !begins_word(place.bytes.get(place.taken..start)?) {
        return None;
    }
    let run = token.set.run(place.right());
    if run < token.min {
        return None;
    }
    // A key may go on in characters that its known forms have not.
    let end = place.at + 1 + run.max(Set::Dashed.run(place.right()));
    Some(Hit {
        start,
        end,
        rule: token.rule,
    })
}

/// Access key ids of AWS: `AKIA`, `ASIA` or `ABIA` and sixteen capitals or digits, neither more nor fewer.
pub(super) fn aws(place: Place<'_>) -> Option<Hit> {
    let (b'A', rest) = place.right().split_first()? else {
        return None;
    };
    let [before @ .., b'A', b'K' | b'S' | b'B'] = place.left() else {
        return None;
    };
    // Bounded, so that a long run of letters is not read again and again.
    let body = rest.get(..17).unwrap_or(rest);
    let run = Set::Alnum.run(body);
    let capitals = body
        .iter()
        .take(16)
        .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    let found = run == 16 && capitals && begins_word(before);
    found.then(|| Hit {
        start: place.at - 2,
        end: place.at + 18,
        rule: "aws",
    })
}

/// Google API keys: `AIza` and 35 more.
pub(super) fn google(place: Place<'_>) -> Option<Hit> {
    let (b'a', rest) = place.right().split_first()? else {
        return None;
    };
    let before = place.left().strip_suffix(b"AI")?;
    if !begins_word(before) {
        return None;
    }
    let run = Set::Dashed.run(rest);
    (run >= 30).then(|| Hit {
        start: place.at - 2,
        end: place.at + 2 + run,
        rule: "google",
    })
}

/// JSON web tokens: `eyJ`, a header, a dot and more; encrypted and unsigned ones as well.
pub(super) fn jwt(place: Place<'_>, memory: &mut Memory) -> Option<Hit> {
    let before = place.left().strip_suffix(b"ey")?;
    if !begins_word(before) {
        return None;
    }
    if place.at >= memory.jwt_run {
        memory.jwt_run = place.at + Set::Dashed.run(place.from(place.at));
    }
    let dot = memory.jwt_run;
    let tail = place.from(dot).strip_prefix(b".")?;
    let run = Set::Dotted.run(tail);
    let found = dot - place.at >= 8 && run >= 16;
    found.then(|| Hit {
        start: place.at - 2,
        end: dot + 1 + run,
        rule: "jwt",
    })
}

/// Telegram bots: the number of the bot, a colon, `AA` and 33 more.
pub(super) fn telegram(place: Place<'_>) -> Option<Hit> {
    if !place.right().starts_with(b"AA") {
        return None;
    }
    let digits = place
        .left()
        .iter()
        .rev()
        .take(12)
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let run = Set::Dashed.run(place.right());
    let found = digits >= 8 && run >= 30;
    found.then(|| Hit {
        start: place.at - digits,
        end: place.at + 1 + run,
        rule: "telegram",
    })
}

/// A PEM private key: the whole block, or everything when its end is missing.
pub(super) fn pem(place: Place<'_>) -> Option<Hit> {
    let label = pem_label(place.right())?;
    let dashes = place
        .left()
        .iter()
        .rev()
        .take(4)
        .take_while(|&&byte| byte == b'-')
        .count();
    if dashes < 3 {
        return None;
    }
    let body = place.at + 1 + label;
    let end = pem_end(place.from(body)).map_or(place.bytes.len(), |length| body + length);
    Some(Hit {
        start: place.at - dashes,
        end,
        rule: "pem",
    })
}

/// Length of `BEGIN … PRIVATE KEY …`, when these are the words and dashes follow.
fn pem_label(right: &[u8]) -> Option<usize> {
    let words = right
        .strip_prefix(b" ")
        .unwrap_or(right)
        .strip_prefix(b"BEGIN ")?;
    let near = words.get(..64).unwrap_or(words);
    let length = near
        .iter()
        .position(|byte| !matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b' '))?;
    let label = near.get(..length)?;
    let private = label.windows(11).any(|window| window == b"PRIVATE KEY");
    let found = private && near.get(length..)?.starts_with(b"----");
    found.then(|| right.len() - words.len() + length)
}

fn pem_end(body: &[u8]) -> Option<usize> {
    let end = body
        .windows(5)
        .position(|window| window == b"-END " || window == b"- END")?;
    // The label of the end holds no dash.
    let label = end + 5;
    let dashes = label + body.get(label..)?.iter().position(|&byte| byte == b'-')?;
    let run = body
        .get(dashes..)?
        .iter()
        .take(5)
        .take_while(|&&byte| byte == b'-')
        .count();
    Some(dashes + run)
}

/// Tells whether a token may begin after this: not inside a word, though right after an escape.
pub(super) fn begins_word(before: &[u8]) -> bool {
    match before {
        [.., b'\\', b'n' | b'r' | b't'] | [.., b'\\', b'u', _, _, _, _] => true,
        [.., b'%', one, two] if one.is_ascii_hexdigit() && two.is_ascii_hexdigit() => true,
        [.., last] => !last.is_ascii_alphanumeric(),
        [] => true,
    }
}
