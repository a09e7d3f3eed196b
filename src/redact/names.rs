//! Judges from a name alone whether its value is a secret: by whole words, never by substring.
//! `password`, `api_key` and `authToken` are; `author`, `passed`, `tokens_in` and `session_id` are not.
//! A word that describes the secret (`token_count`, `password_file`) clears the name again.

/// Longest word compared whole; a longer one is judged by its ending.
const LONGEST: usize = 16;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Keeps a closing word in force: `auth_header`.
    Carrier,
    /// Secret only as the last word: `smtp_pass`, but not `pass_rate`.
    Closing,
    /// Says something about the secret: `token_count`.
    Describing,
    /// Secret after a word that says what it opens: `api_key`.
    Key,
    Plain,
    /// Secret wherever it stands.
    Secret,
    /// Secret unless it is a unit or a page: `cost_per_token`.
    Token,
    /// A count unless it is a bunch of grants: `access_tokens`.
    Tokens,
}

/// Tells whether a name says that its value is a secret.
pub fn is_secret_name(name: &str) -> bool {
    is_secret(name.as_bytes())
}

/// The same for a name that is still bytes.
pub(super) fn is_secret(name: &[u8]) -> bool {
    if !may_be_secret(name) {
        return false;
    }
    // The shell's own variables for where it stands.
    if name == b"PWD" || name == b"OLDPWD" {
        return false;
    }
    let (mut secret, mut closing) = (false, false);
    let mut before = Lower::default();
    for word in Words(name) {
        let lower = Lower::new(word);
        match kind(&lower, word) {
            Kind::Carrier => {}
            Kind::Closing => closing = !is_ordinal(before.bytes()),
            Kind::Describing => {
                // Vault's secret_id is the secret itself.
                let itself = lower.bytes() == b"id" && before.bytes() == b"secret";
                secret &= itself;
                closing = false;
            }
            Kind::Key => secret |= opens(before.bytes()),
            Kind::Plain => closing = false,
            Kind::Secret => secret = true,
            Kind::Token => secret |= !is_measure(before.bytes()),
            Kind::Tokens => secret |= is_grant(before.bytes()),
        }
        before = lower;
    }
    secret || closing
}

/// Tells cheaply that a name has not the letters of any secret word, as most names have not.
fn may_be_secret(name: &[u8]) -> bool {
    const STEMS: [u32; 11] = [
        letters(b"pas"),
        letters(b"pw"),
        letters(b"secrt"),
        letters(b"token"),
        letters(b"key"),
        letters(b"cred"),
        letters(b"auth"),
        letters(b"jwt"),
        letters(b"bear"),
        letters(b"cokie"),
        letters(b"mneoic"),
    ];
    let there = letters(name);
    STEMS.iter().any(|stem| there & stem == *stem)
}

/// One bit per letter of either case; other bytes may set one too many.
const fn letters(word: &[u8]) -> u32 {
    let (mut bits, mut rest) = (0, word);
    while let [byte, after @ ..] = rest {
        bits |= 1 << (*byte & 31);
        rest = after;
    }
    bits
}

/// Tells whether a name is the bare word that needs the word before it: `key` in `api key`.
pub(super) fn is_key(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"key") || name.eq_ignore_ascii_case(b"keys")
}

/// Tells whether the last word of a name is this one, given in lower case.
pub(super) fn ends_with_word(name: &[u8], word: &[u8]) -> bool {
    Words(name)
        .last()
        .is_some_and(|last| last.eq_ignore_ascii_case(word))
}

/// Tells whether a query parameter signs a URL, which is as good as a key to it.
pub(super) fn is_signature(name: &[u8]) -> bool {
    ends_with_word(name, b"signature") || ends_with_word(name, b"sig")
}

#[rustfmt::skip]
fn kind(lower: &Lower, word: &[u8]) -> Kind {
    match lower.bytes() {
        b"password" | b"passwords" | b"passwd" | b"passphrase" | b"passcode" | b"secret" | b"secrets"
        | b"credential" | b"credentials" | b"cred" | b"creds" | b"apikey" | b"apikeys" | b"accesskey"
        | b"secretkey" | b"privatekey" | b"accountkey" | b"mnemonic" | b"dbpass" | b"userpass"
        | b"rootpass" | b"adminpass" | b"sshpass" => Kind::Secret,
        b"pass" | b"pwd" | b"pw" | b"auth" | b"authorization" | b"cookie" | b"cookies" | b"jwt"
        | b"bearer" => Kind::Closing,
        b"token" => Kind::Token,
        b"tokens" => Kind::Tokens,
        b"key" | b"keys" => Kind::Key,
        b"code" | b"config" | b"data" | b"header" | b"headers" | b"info" | b"pair" | b"phrase"
        | b"plain" | b"raw" | b"string" | b"text" | b"value" | b"values" | b"word" => Kind::Carrier,
        b"age" | b"alg" | b"algorithm" | b"arn" | b"attempts" | b"audience" | b"budget" | b"cost"
        | b"count" | b"counts" | b"detected" | b"detection" | b"dir" | b"enabled" | b"endpoint"
        | b"engine" | b"error" | b"errors" | b"expiration" | b"expired" | b"expires" | b"expiry"
        | b"failed" | b"failure" | b"failures" | b"field" | b"file" | b"filename" | b"files"
        | b"format" | b"found" | b"hint" | b"id" | b"ids" | b"index" | b"invalid" | b"issuer"
        | b"kind" | b"label" | b"left" | b"len" | b"length" | b"limit" | b"limits" | b"manager"
        | b"max" | b"method" | b"min" | b"missing" | b"mode" | b"name" | b"names" | b"path" | b"paths"
        | b"policies" | b"policy" | b"present" | b"price" | b"prompt" | b"provider" | b"rate"
        | b"ratio" | b"ref" | b"remaining" | b"required" | b"reset" | b"retries" | b"rotated"
        | b"rotation" | b"scan" | b"scanner" | b"scanning" | b"scope" | b"scopes" | b"size" | b"source"
        | b"state" | b"status" | b"stdin" | b"store" | b"strength" | b"total" | b"ttl" | b"type"
        | b"types" | b"uri" | b"url" | b"usage" | b"used" | b"valid" | b"version" => Kind::Describing,
        _ if runs_together(word) => Kind::Secret,
        _ => Kind::Plain,
    }
}

/// Spelled without a break: `PGPASSWORD`, `accesstoken`.
fn runs_together(word: &[u8]) -> bool {
    const ENDINGS: [&[u8]; 6] = [
        b"password",
        b"passwd",
        b"passphrase",
        b"secret",
        b"token",
        b"apikey",
    ];
    ENDINGS.iter().any(|ending| {
        let start = word.len().saturating_sub(ending.len());
        word.get(start..)
            .is_some_and(|tail| tail.eq_ignore_ascii_case(ending))
    })
}

#[rustfmt::skip]
fn opens(before: &[u8]) -> bool {
    matches!(
        before,
        b"access" | b"account" | b"admin" | b"api" | b"app" | b"application" | b"auth" | b"client"
        | b"consumer" | b"decryption" | b"deploy" | b"encryption" | b"gpg" | b"hmac" | b"license"
        | b"master" | b"pass" | b"pgp" | b"private" | b"root" | b"secret" | b"server" | b"service"
        | b"session" | b"shared" | b"signing" | b"ssh" | b"storage" | b"subscription" | b"webhook"
    )
}

fn is_grant(before: &[u8]) -> bool {
    matches!(
        before,
        b"access" | b"api" | b"auth" | b"bearer" | b"oauth" | b"refresh" | b"session"
    )
}

#[rustfmt::skip]
fn is_measure(before: &[u8]) -> bool {
    matches!(
        before,
        b"bos" | b"cancellation" | b"continuation" | b"eos" | b"max" | b"min" | b"next" | b"pad"
        | b"page" | b"per" | b"special" | b"stop" | b"unexpected" | b"unk"
    )
}

fn is_ordinal(before: &[u8]) -> bool {
    matches!(
        before,
        b"all" | b"first" | b"last" | b"multi" | b"second" | b"single" | b"third"
    )
}

/// A word in lower case; empty when it is too long to be in any list.
#[derive(Clone, Copy, Default)]
struct Lower {
    buffer: [u8; LONGEST],
    length: usize,
}

impl Lower {
    fn new(word: &[u8]) -> Self {
        let mut lower = Self::default();
        if word.len() <= LONGEST {
            for (to, from) in lower.buffer.iter_mut().zip(word) {
                *to = from.to_ascii_lowercase();
            }
            lower.length = word.len();
        }
        lower
    }

    fn bytes(&self) -> &[u8] {
        self.buffer.get(..self.length).unwrap_or_default()
    }
}

/// The words of a name; everything that is no letter parts them, and so does a change of case.
struct Words<'n>(&'n [u8]);

impl<'n> Iterator for Words<'n> {
    type Item = &'n [u8];

    fn next(&mut self) -> Option<&'n [u8]> {
        let start = self.0.iter().position(|&byte| is_letter(byte))?;
        let rest = self.0.get(start..)?;
        let (word, after) = rest.split_at_checked(word_length(rest))?;
        self.0 = after;
        Some(word)
    }
}

fn word_length(rest: &[u8]) -> usize {
    let mut length = 1;
    while let (Some(&last), Some(&byte)) = (rest.get(length - 1), rest.get(length)) {
        let next_is_small = rest.get(length + 1).is_some_and(u8::is_ascii_lowercase);
        // The capital of `Key` in `APIKey` belongs to the word it begins.
        let turns = byte.is_ascii_uppercase() && (!last.is_ascii_uppercase() || next_is_small);
        if !is_letter(byte) || turns {
            break;
        }
        length += 1;
    }
    length
}

fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || !byte.is_ascii()
}
