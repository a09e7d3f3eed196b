//! Headers as `OTEL_EXPORTER_OTLP_HEADERS` and the keys `headers_…` hold them: `k=v,k2=v2`, values percent-decoded (OTLP
//! exporter specification, "Specifying headers via environment variables"; W3C Baggage without properties). A raw space is
//! itself: `Authorization=Bearer $TOKEN` is how people write it. Reasons never hold a part of the text: it is secret.

use crate::model::resource::percent_decode;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};

/// How to write them right.
pub(in crate::ship) const HINT: &str =
    "write k=v,k2=v2; a comma in a value is %2C, a percent sign is %25";

/// What the transports set themselves.
const OURS: [&str; 8] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "grpc-encoding",
    "host",
    "te",
    "transfer-encoding",
];

/// Headers that go with every request.
#[derive(Clone, Default, PartialEq, Eq)]
pub(in crate::ship) struct Headers(HeaderMap);

impl Headers {
    /// All of them.
    pub(in crate::ship) fn map(&self) -> &HeaderMap {
        &self.0
    }

    /// Adds `Authorization` where there is none.
    pub(in crate::ship) fn add_authorization(&mut self, value: &str) -> Result<(), String> {
        if !self.0.contains_key(AUTHORIZATION) {
            self.0.insert(AUTHORIZATION, secret(value)?);
        }
        Ok(())
    }

    /// A text in which none of their values stands: a receiver may repeat what it was sent.
    pub(in crate::ship) fn blanked(&self, text: &str) -> String {
        let values = self.0.values().filter_map(|value| value.to_str().ok());
        let words = values.flat_map(str::split_whitespace);
        words
            .filter(|word| word.len() > 5)
            .fold(text.to_owned(), |text, word| text.replace(word, "…"))
    }
}

/// Reads the headers; the reason counts the part that is wrong.
pub(in crate::ship) fn parse(text: &str) -> Result<Headers, String> {
    let mut headers = HeaderMap::new();
    for (index, member) in text.split(',').map(str::trim).enumerate() {
        if member.is_empty() {
            continue;
        }
        let wrong = |why: &str| format!("header {}: {why}", index + 1);
        let (name, value) = member.split_once('=').ok_or_else(|| wrong("no `=`"))?;
        let name: HeaderName = name
            .trim()
            .parse()
            .map_err(|_| wrong("what stands before `=` is no header name"))?;
        if OURS.contains(&name.as_str()) {
            return Err(wrong(&format!("`{name}` is set by obs itself")));
        }
        let value = percent_decode(value.trim())
            .map_err(|_| wrong("a `%` is not followed by two hex digits, or it is not UTF-8"))?;
        headers.insert(name, secret(&value).map_err(|why| wrong(&why))?);
    }
    Ok(Headers(headers))
}

/// A value that no `Debug` shows.
fn secret(text: &str) -> Result<HeaderValue, String> {
    let wrong = |_| "a character that no header may hold".to_owned();
    let mut value = HeaderValue::from_str(text).map_err(wrong)?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<String> {
        let headers = parse(text).ok().unwrap();
        let shown = |(name, value): (&HeaderName, &HeaderValue)| {
            format!("{name}: {}", value.to_str().unwrap())
        };
        headers.map().iter().map(shown).collect()
    }

    #[test]
    fn raw_spaces_and_escapes_are_values() {
        assert_eq!(
            read("Authorization=Bearer a b, x-scope=one%2Ctwo,,y = 1=2;3 "),
            ["authorization: Bearer a b", "x-scope: one,two", "y: 1=2;3"]
        );
        assert_eq!(read(""), [""; 0]);
        assert_eq!(read("a=1,A=2,b="), ["a: 2", "b: "]);
    }

    #[test]
    fn reasons_count_and_show_nothing() {
        for (text, expected) in [
            ("a=1,Bearer hush", "header 2: no `=`"),
            (
                "a=%zz",
                "header 1: a `%` is not followed by two hex digits, or it is not UTF-8",
            ),
            (
                "a=1%",
                "header 1: a `%` is not followed by two hex digits, or it is not UTF-8",
            ),
            (
                "a b=1",
                "header 1: what stands before `=` is no header name",
            ),
            ("=1", "header 1: what stands before `=` is no header name"),
            ("a=x%0Ay", "header 1: a character that no header may hold"),
            ("Host=x", "header 1: `host` is set by obs itself"),
        ] {
            assert_eq!(parse(text).err().as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn values_stand_in_no_text() {
        let mut headers = parse("x=abc").ok().unwrap();
        headers.add_authorization("Bearer hush-hush").unwrap();
        headers.add_authorization("Bearer other").unwrap();
        assert_eq!(headers.blanked("bad hush-hush in abc"), "bad … in abc");
        assert!(!format!("{:?}", headers.map()).contains("hush"));
    }
}
