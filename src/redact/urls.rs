//! Secrets in URLs: the password or the lone token before the host, and paths that are keys themselves.
//! Query parameters are fields like any other and stand in `fields`. Here as well: curl's `-u name:password`.

use super::is_marker;
use super::scan::{Hit, Memory, Place};
use super::values::{self, Span};

/// From this length on a name without password is taken for a token.
const TOKEN: usize = 20;

/// A scheme followed by `user:password@` or `token@`; the place is at the colon.
pub(super) fn userinfo(place: Place<'_>, memory: &mut Memory) -> Option<Hit> {
    let start = place.at + 3;
    let length = userinfo_length(place.from(start), start, memory)?;
    let info = place.bytes.get(start..start + length)?;
    if info.is_empty() || is_marker(info) {
        return None;
    }
    let colon = colon_after_user(info);
    let (user, password) = info.split_at_checked(colon.unwrap_or(length))?;
    let end = start + length;
    // A token stands as often in the place of the user: https://TOKEN:x-oauth-basic@host.
    if is_token(user) {
        return Some(Hit {
            start,
            end,
            rule: "url",
        });
    }
    let secret = password.get(1..)?;
    let found = !secret.is_empty() && !is_marker(secret);
    found.then_some(Hit {
        start: start + user.len() + 1,
        end,
        rule: "url",
    })
}

/// Where the user's name ends; a marker in it has a colon of its own.
pub(super) fn colon_after_user(login: &[u8]) -> Option<usize> {
    let of_marker = |colon: usize| {
        login
            .get(..colon)
            .is_some_and(|user| user.ends_with(b"[REDACTED"))
    };
    login
        .iter()
        .enumerate()
        .position(|(index, &byte)| byte == b':' && !of_marker(index))
}

fn userinfo_length(rest: &[u8], start: usize, memory: &mut Memory) -> Option<usize> {
    let authority = rest
        .iter()
        .position(|&byte| ends_authority(byte))
        .unwrap_or(rest.len());
    let authority = rest.get(..authority)?;
    if let Some(at) = authority.iter().rposition(|&byte| byte == b'@') {
        return Some(at);
    }
    // A password may hold a raw slash; a port or an IPv6 address may not be taken for one.
    let colon = authority.iter().position(|&byte| byte == b':')?;
    let port = authority.get(colon + 1..)?.iter().all(u8::is_ascii_digit);
    if port || authority.starts_with(b"[") || start < memory.without_at {
        return None;
    }
    let stop = rest.iter().position(|&byte| byte == b'@' || ends_url(byte));
    let found = stop.filter(|&stop| rest.get(stop) == Some(&b'@'));
    if found.is_none() {
        memory.without_at = start + stop.unwrap_or(rest.len());
    }
    found
}

fn ends_authority(byte: u8) -> bool {
    ends_url(byte) || matches!(byte, b'/' | b'?' | b'#')
}

fn ends_url(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'`' | b'<' | b'>' | b'\\')
}

fn is_token(user: &[u8]) -> bool {
    let digit = user.iter().any(u8::is_ascii_digit);
    let letter = user.iter().any(u8::is_ascii_alphabetic);
    user.len() >= TOKEN && !is_marker(user) || user.len() >= 8 && digit && letter
}

/// Addresses whose path lets anybody post; the place is at the colon of the scheme.
pub(super) fn webhook(place: Place<'_>) -> Option<Hit> {
    const HOOKS: [&[u8]; 4] = [
        b"//hooks.slack.com/services/",
        b"//hooks.slack.com/workflows/",
        b"//discord.com/api/webhooks/",
        b"//discordapp.com/api/webhooks/",
    ];
    let hook = HOOKS.iter().find(|hook| place.right().starts_with(hook))?;
    let start = place.at + 1 + hook.len();
    let path = place.from(start);
    let end = path
        .iter()
        .position(|&byte| ends_url(byte) || matches!(byte, b')' | b'?' | b','))
        .unwrap_or(path.len());
    let found = end > 0 && !path.get(..end).is_some_and(is_marker);
    found.then_some(Hit {
        start,
        end: start + end,
        rule: "webhook",
    })
}

/// The password after `-u name:` where a curl stands before it; the place is at the last dash.
pub(super) fn curl_user(place: Place<'_>, memory: &mut Memory) -> Option<Hit> {
    let long = place.left().strip_suffix(b"-");
    let flags: [&[u8]; 2] = if long.is_some() {
        [b"user", b"proxy-user"]
    } else {
        [b"u", b"U"]
    };
    let flag = flags
        .into_iter()
        .find(|flag| place.right().starts_with(flag))?;
    let after = *place.right().get(flag.len())?;
    let parted = after == b' ' || after == b'=' && long.is_some();
    // A flag stands at the start of a word; anywhere else one value would be measured again and again.
    let starts = long
        .unwrap_or(place.left())
        .last()
        .is_none_or(u8::is_ascii_whitespace);
    if long.is_some() && !parted || !starts || !stands_after_curl(place, memory) {
        return None;
    }
    let from = place.at + 1 + flag.len() + usize::from(parted);
    let span = values::value(place.bytes, from)?;
    let secret = password_of(place.bytes, span)?;
    Some(Hit {
        start: secret.start,
        end: secret.end,
        rule: "login",
    })
}

fn password_of(bytes: &[u8], login: Span) -> Option<Span> {
    let colon = colon_after_user(login.of(bytes))?;
    let secret = Span {
        start: login.start + colon + 1,
        end: login.end,
    };
    let found = secret.end > secret.start && !is_marker(secret.of(bytes));
    found.then_some(secret)
}

fn stands_after_curl(place: Place<'_>, memory: &mut Memory) -> bool {
    let first = *memory.curl.get_or_insert_with(|| {
        place
            .bytes
            .windows(4)
            .position(|window| window == b"curl")
            .unwrap_or(usize::MAX)
    });
    first < place.at
}
