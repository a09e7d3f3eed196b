//! Signatures of Standard Webhooks 1.0 (spec/standard-webhooks.md, "Signature scheme"): HMAC-SHA256 over id, time and body, one
//! for each secret, so that a receiver may hold the old one or the new one while they change.

use crate::ship::secret::Secret;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// What a secret begins with.
const PREFIX: &str = "whsec_";
/// How many bytes a secret has.
const LENGTHS: std::ops::RangeInclusive<usize> = 24..=64;

/// The keys of a webhook; no `Debug` shows them.
pub(super) struct Keys(Vec<Hmac<Sha256>>);

impl Keys {
    /// Reads secrets with white space between them; the reason holds no part of them.
    pub(super) fn read(text: &Secret) -> Result<Self, String> {
        let keys: Result<Vec<_>, String> = text
            .reveal()
            .split_whitespace()
            .enumerate()
            .map(|(index, secret)| {
                let wrong = |why: &str| format!("secret {}: {why}", index + 1);
                let plain = secret.strip_prefix(PREFIX);
                let plain = plain.ok_or_else(|| wrong("it does not begin with whsec_"))?;
                let bytes = STANDARD
                    .decode(plain)
                    .map_err(|_| wrong("what follows whsec_ is not base64"))?;
                if !LENGTHS.contains(&bytes.len()) {
                    return Err(wrong("it has not 24 to 64 bytes"));
                }
                Hmac::new_from_slice(&bytes).map_err(|_| wrong("no key"))
            })
            .collect();
        match keys? {
            keys if keys.is_empty() => Err("it is empty".to_owned()),
            keys => Ok(Self(keys)),
        }
    }

    /// The value of `webhook-signature`.
    pub(super) fn sign(&self, id: &str, seconds: i64, body: &[u8]) -> String {
        let signed = self.0.iter().map(|key| {
            let mut hash = key.clone();
            hash.update(format!("{id}.{seconds}.").as_bytes());
            hash.update(body);
            format!("v1,{}", STANDARD.encode(hash.finalize().into_bytes()))
        });
        signed.collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn keys(text: &str) -> Result<Keys, String> {
        Keys::read(&Secret::of(text))
    }

    #[test]
    fn vector_of_the_libraries_holds() {
        let body = br#"{"test": 2432232314}"#;
        let sign = |keys: Keys| keys.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
        let expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(sign(keys(SECRET).unwrap()), expected);
        let other = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let both = sign(keys(&format!("{SECRET}\n {other}")).unwrap());
        let parts: Vec<&str> = both.split(' ').collect();
        assert_eq!((parts.len(), parts[0]), (2, expected));
        assert_ne!(parts[1], expected);
    }

    #[test]
    fn wrong_secrets_are_not_repeated() {
        for (text, why) in [
            ("", "it is empty"),
            (
                "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                "secret 1: it does not begin",
            ),
            ("whsec_!MfKQ", "secret 1: what follows"),
            ("whsec_MfKQ9r8G", "secret 1: it has not 24"),
            (&format!("{SECRET} whsec_AA"), "secret 2: "),
        ] {
            let error = keys(text).err().unwrap();
            assert!(error.starts_with(why) && !error.contains("MfKQ"), "{error}");
        }
    }
}
