//! What the redaction promises, over the corpora in `tests/data` and over texts made to hurt it.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::tokens::TOKENS;
use super::{command_line, is_secret_name, map, prefilter, text, value};

const SECRETS: &str = include_str!("../../tests/data/secrets.txt");
const NOT_SECRETS: &str = include_str!("../../tests/data/not-secrets.txt");

/// Rule, carrier and secret of each line.
fn secrets() -> Vec<(String, String, String)> {
    let whole = |field: &str| field.replace("\\_", "");
    let lines = SECRETS.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let mut fields = line.split('\t').map(whole);
            let mut next = || {
                fields
                    .next()
                    .unwrap_or_else(|| panic!("three fields: {line}"))
            };
            (next(), next(), next())
        })
        .collect()
}

fn harmless() -> impl Iterator<Item = &'static str> {
    NOT_SECRETS.lines().filter(|line| !line.starts_with('#'))
}

/// A small generator, so that the texts are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from.get(self.roll(from.len())).copied().unwrap_or_default()
    }
}

fn words(line: &[&str]) -> Vec<String> {
    line.iter().map(|word| (*word).to_owned()).collect()
}

fn shown(line: &[&str]) -> String {
    command_line(&words(line)).join(" ")
}

#[rustfmt::skip]
const SECRET_NAMES: &[&str] = &[
    "password", "PASSWD", "pass", "db_pass", "pwd", "passphrase", "secret", "token", "access_token", "authToken",
    "AUTH_TOKEN", "api_key", "apiKey", "APIKey", "apikey", "x-api-key", "credential", "credentials", "auth",
    "authorization", "Proxy-Authorization", "cookie", "Set-Cookie", "session_token", "private_key", "access_key",
    "client_secret", "PGPASSWORD", "MYSQL_PWD", "secret_id", "http.request.header.authorization", "db password",
    "user/password", "db:password", "password2", "api_keys", "access_tokens", "OAuthToken", "passWord",
    "aws_secret_access_key", "SECRET_KEY_BASE", "auth_header", "csrf_token", "token_value", "ssh_key",
];

#[rustfmt::skip]
const OPEN_NAMES: &[&str] = &[
    "author", "authored", "authority", "authentication", "passed", "passing", "tokens_in", "tokensOut", "token_count",
    "max_tokens", "maxTokens", "session_id", "sessionId", "password_policy", "key", "keys", "primary_key", "monkey",
    "keyboard", "compass", "bypass", "pass_rate", "first_pass", "token_type", "tokenizer", "secretary", "PWD",
    "OLDPWD", "auth_method", "access_key_id", "cookie_policy", "next_token", "cost_per_token", "tokens",
    "secret_name", "private_key_path", "token_expires", "signature", "public_key", "", "-", "_", "größe", "p",
    "encompass", "keypass_file",
];

#[rustfmt::skip]
const COMMANDS: &[(&[&str], &str)] = &[
    (&["tool", "--token", "abc", "x"], "tool --token [REDACTED:name] x"),
    (&["tool", "--token=abc def", "x"], "tool --token=[REDACTED:name] x"),
    (&["tool", "-password", "abc"], "tool -password [REDACTED:name]"),
    (&["env", "DB_PASSWORD=a b c", "psql"], "env DB_PASSWORD=[REDACTED:name] psql"),
    (&["docker", "run", "--env=API_KEY=a b", "-e", "TOKEN=c d"], "docker run --env=API_KEY=[REDACTED:name] -e TOKEN=[REDACTED:name]"),
    (&["docker", "login", "-u", "bob", "-p", "abc"], "docker login -u bob -p [REDACTED:argument]"),
    (&["docker", "run", "-p", "80:80", "nginx"], "docker run -p 80:80 nginx"),
    (&["docker", "login", "--password-stdin", "registry"], "docker login --password-stdin registry"),
    (&["sudo", "/usr/bin/mysql", "-uroot", "-pabc=d", "db"], "sudo /usr/bin/mysql -uroot -p[REDACTED:argument] db"),
    (&["mysql", "-p", "db"], "mysql -p db"),
    (&["mkdir", "-p", "a/b"], "mkdir -p a/b"),
    (&["ssh", "-p", "2222", "host"], "ssh -p 2222 host"),
    (&["sshpass", "-p", "abc", "ssh", "-p", "22", "h"], "sshpass -p [REDACTED:argument] ssh -p 22 h"),
    (&["curl", "-sSu", "bob:abc d", "https://x"], "curl -sSu bob:[REDACTED:argument] https://x"),
    (&["curl", "--user=bob:abc", "-ubob:abc"], "curl --user=bob:[REDACTED:argument] -ubob:[REDACTED:argument]"),
    (&["curl", "-H", "Authorization: Bearer abc"], "curl -H Authorization: Bearer [REDACTED:authorization]"),
    (&["curl", "https://bob:abc@h/?token=abc&x=1"], "curl https://bob:[REDACTED:url]@h/?token=[REDACTED:name]&x=1"),
    (&["bash", "-c", "mysql -pabc  db; x --token abc"], "bash -c mysql -p[REDACTED:argument]  db; x --token [REDACTED:name]"),
    (&["redis-cli", "-a", "abc", "ping"], "redis-cli -a [REDACTED:argument] ping"),
    (&["kubectl", "--from-literal=x=abc"], "kubectl --from-literal=x=[REDACTED:name]"),
    (&["git", "commit", "--author=jo <a@b>", "-m", "pass key"], "git commit --author=jo <a@b> -m pass key"),
    (&["tool", "--token", "--verbose", "x"], "tool --token --verbose x"),
];

#[rustfmt::skip]
const HOSTILE: &[&str] = &[
    "token=", "token=\"", "token='\\'", "://", "a://b:c", "a://b:c@", "eyJ", "eyJ-", "eyJaaaaaaaa.", "a", "=", ":",
    "\\", concat!("-----BEGIN PRIV", "ATE KEY-----"), "-----BEGIN A PRIVATE KEY", "-", "--token ", "'--token',", "-u=",
    "curl '-ux", "\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\"cookie:\n", "cookie:", "authorization: ", "password:[\"", "sk-",
    "xghp_", "xAIza", "AKIA", "12345678:AA", "<token>", "<token> ", ",a", "password=,a", "token=\\", "token=a,",
    "%3D", "'\\''", "password=''\\''", "https://hooks.slack.com/services/", " -u a", "é=", "password=true ",
    "[REDACTED:name]", "xoxb-",
];

#[rustfmt::skip]
const PIECES: &[&str] = &[
    "password", "token", "=", ":", "\"", "'", "\\", "://", "@", "/", " ", "\n", "a", "é", "🔑", "eyJ", ".",
    "-----BEGIN ", "PRIVATE KEY-----", "-----END ", "Authorization", "Bearer ", "Cookie", ",", ";", "&", "[", "]",
    "{", "}", "<", ">", "[REDACTED:name]", "[REDACTED:", concat!("gh", "p_0123456789012345678901234"), "--token ", "curl -u ",
    "%3D", "%22", "user", "7", "$", "Basic ", "AKIA", "ABCDEFGHIJKLMNOP", "12345678:AA",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "pass", "key", "api ", "?", "sig",
];

#[test]
fn corpus_is_large_enough() {
    assert!(secrets().len() >= 200, "{}", secrets().len());
    assert!(harmless().count() >= 80);
}

#[test]
fn no_secret_survives_in_text() {
    let mut survivors = Vec::new();
    for (rule, carrier, secret) in secrets() {
        let clean = text(&carrier);
        if clean.contains(&secret) || !clean.contains(&format!("[REDACTED:{rule}]")) {
            survivors.push(format!("{rule}: {carrier}\n   -> {clean}"));
        }
    }
    assert!(
        survivors.is_empty(),
        "{}\n{}",
        survivors.len(),
        survivors.join("\n")
    );
}

#[test]
fn no_secret_survives_in_values() {
    for (_, carrier, secret) in secrets() {
        let mut string = json!(carrier);
        value("message", &mut string);
        assert!(
            !string.as_str().is_some_and(|clean| clean.contains(&secret)),
            "{carrier}"
        );
        let mut nested = json!({"outer": [{"inner": carrier.clone()}], carrier.clone(): 1});
        value("message", &mut nested);
        assert!(!strings(&nested).contains(&secret), "{carrier}: {nested}");
    }
}

/// All keys and strings of a value, unescaped.
fn strings(value: &Value) -> String {
    match value {
        Value::String(string) => format!("{string}\n"),
        Value::Array(items) => items.iter().map(strings).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(key, member)| format!("{key}\n{}", strings(member)))
            .collect(),
        _ => String::new(),
    }
}

#[test]
fn no_secret_survives_in_arguments() {
    for (_, carrier, secret) in secrets() {
        let line = command_line(&words(&["tool", "run", &carrier])).join("\n");
        assert!(!line.contains(&secret), "{carrier} -> {line}");
    }
}

#[test]
fn harmless_texts_stay_untouched() {
    let mut touched = Vec::new();
    for line in harmless() {
        if let Cow::Owned(clean) = text(line) {
            touched.push(format!("{line} -> {clean}"));
        }
    }
    assert!(touched.is_empty(), "{}", touched.join("\n"));
}

#[test]
fn second_pass_changes_nothing() {
    for (_, carrier, _) in secrets() {
        let once = text(&carrier).into_owned();
        assert_eq!(text(&once), once, "{carrier}");
    }
}

#[test]
fn names_are_judged_by_whole_words() {
    for name in SECRET_NAMES {
        assert!(is_secret_name(name), "{name}");
    }
    for name in OPEN_NAMES {
        assert!(!is_secret_name(name), "{name}");
    }
}

#[test]
fn secret_name_covers_all_below_it() {
    let mut config = json!({"credentials": {"user": "bob", "tries": 3, "on": true, "list": ["a", ["b"], null]}, "host": "h"});
    value("config", &mut config);
    let name = "[REDACTED:name]";
    let list = json!([name, [name], null]);
    assert_eq!(
        config,
        json!({"credentials": {"user": name, "tries": 3, "on": true, "list": list}, "host": "h"})
    );
}

#[test]
fn numbers_and_booleans_keep_their_values() {
    let mut attributes =
        json!({"token": 5, "password": true, "secret": null, "auth": "", "passed": "yes"});
    let before = attributes.clone();
    value("attributes", &mut attributes);
    assert_eq!(attributes, before);
}

#[test]
fn exempt_names_are_still_scanned() {
    let token = concat!("gh", "p_0123456789abcdefghij0123456789abcdef");
    let mut attributes = Map::new();
    attributes.insert("auth".to_owned(), json!("oidc"));
    attributes.insert("token".to_owned(), json!(token));
    attributes.insert("pass".to_owned(), json!("geheim"));
    map(&mut attributes, &["auth", "token"]);
    let expected = json!({"auth": "oidc", "token": "[REDACTED:github]", "pass": "[REDACTED:name]"});
    assert_eq!(Value::Object(attributes), expected);
}

#[test]
fn secrets_used_as_keys_do_not_hide_each_other() {
    let one = concat!("gh", "p_0123456789abcdefghij0123456789abcdef");
    let two = concat!("gh", "o_0123456789abcdefghij0123456789abcdef");
    let mut members = json!({"a": 1, one: 2, two: 3, "z": 4});
    value("seen", &mut members);
    assert_eq!(
        members.to_string(),
        r#"{"a":1,"[REDACTED:github]":2,"[REDACTED:github]#2":3,"z":4}"#
    );
}

#[test]
fn what_is_no_secret_stays_around_one() {
    let cases = [
        (
            "user=bob;password=geheim;db=x",
            "user=bob;password=[REDACTED:name];db=x",
        ),
        (
            "{\"password\":\"a\\\"b\",\"n\":1}",
            "{\"password\":\"[REDACTED:name]\",\"n\":1}",
        ),
        (
            "https://bob:geheim@host/x?token=t1&b=2",
            "https://bob:[REDACTED:url]@host/x?token=[REDACTED:name]&b=2",
        ),
        (
            "Authorization: Bearer abc.def failed",
            "Authorization: Bearer [REDACTED:authorization] failed",
        ),
        (
            "curl -H 'Cookie: a=b; c=d' https://x",
            "curl -H 'Cookie: [REDACTED:cookie]' https://x",
        ),
        (
            "{\"cmd\":\"x --token abc\",\"n\":1}",
            "{\"cmd\":\"x --token [REDACTED:name]\",\"n\":1}",
        ),
        (
            "curl -u bob:geheim https://x",
            "curl -u bob:[REDACTED:login] https://x",
        ),
        (
            "<password>geheim</password><a>b</a>",
            "<password>[REDACTED:name]</password><a>b</a>",
        ),
        ("password='it'\\''s' next", "password=[REDACTED:name] next"),
    ];
    for (before, after) in cases {
        assert_eq!(text(before), after);
    }
}

#[test]
fn command_lines_lose_values_of_secret_flags() {
    for (before, after) in COMMANDS {
        assert_eq!(shown(before), *after);
    }
}

#[test]
fn command_lines_are_stable() {
    for (_, carrier, _) in secrets() {
        let once = command_line(&words(&["bash", "-c", &carrier, "--token", "x"]));
        assert_eq!(command_line(&once), once, "{carrier}");
    }
}

#[test]
fn multi_byte_neighbours_do_no_harm() {
    for (_, carrier, secret) in secrets() {
        for wrapped in [
            format!("é{carrier}é"),
            format!("🔑 {carrier} ключ"),
            carrier.replace(&secret, &format!("{secret}ß")),
        ] {
            assert_eq!(text(&text(&wrapped)), text(&wrapped));
        }
    }
}

#[test]
fn prefilter_knows_every_prefix() {
    for token in TOKENS {
        let at = prefilter::next(token.prefix, token.prefix.len() - 1);
        assert_eq!(
            at,
            Some(token.prefix.len() - 1),
            "{}",
            String::from_utf8_lossy(token.prefix)
        );
    }
}

#[test]
fn long_hostile_texts_come_to_an_end() {
    let size = 1 << 20;
    for bit in HOSTILE {
        let hostile = bit.repeat(size / bit.len());
        let clean = text(&hostile);
        assert!(clean.len() <= hostile.len() * 8, "{bit}");
    }
}

#[test]
fn random_texts_are_safe_and_stable() {
    let mut dice = Dice(42);
    for _ in 0..40_000 {
        let length = dice.roll(24);
        let made: String = (0..length).map(|_| dice.pick(PIECES)).collect();
        let once = text(&made).into_owned();
        assert_eq!(text(&once), once, "{made}");
    }
}
