//! Reads `OTEL_RESOURCE_ATTRIBUTES`. One wrong part discards the whole variable, as the
//! specification asks: half a resource would file records under the wrong service.

const VARIABLE: &str = "OTEL_RESOURCE_ATTRIBUTES";

/// Reads `k1=v1,k2=v2` with percent escapes in keys and values; the later of two equal keys wins.
///
/// # Errors
/// Names the part that could not be read; the caller uses nothing of the variable then.
pub fn parse_resource(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut attributes: Vec<(String, String)> = Vec::new();
    for member in text.split(',').map(str::trim) {
        // `OTEL_RESOURCE_ATTRIBUTES="a=b,$OTEL_RESOURCE_ATTRIBUTES"` is how scripts extend it,
        // so an empty part is no error.
        if member.is_empty() {
            continue;
        }
        let (key, value) = parse_member(member)?;
        match attributes.iter_mut().find(|(known, _)| *known == key) {
            Some((_, old)) => *old = value,
            None => attributes.push((key, value)),
        }
    }
    Ok(attributes)
}

/// Writes pairs as the variable holds them. What is no W3C baggage octet is escaped, and so are `%`, commas and equals
/// signs, so that any reader, percent decoding or not, finds the same number of parts.
pub fn write_resource<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let members = pairs
        .into_iter()
        .map(|(key, value)| format!("{}={}", encode(key), encode(value)));
    members.collect::<Vec<_>>().join(",")
}

fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'%' | b',' | b'=' | b';' | b'"' | b'\\' => encoded.push_str(&format!("%{byte:02X}")),
            0x21..=0x7e => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

fn parse_member(member: &str) -> Result<(String, String), String> {
    let Some((key, value)) = member.split_once('=') else {
        return Err(format!(
            "{VARIABLE}: no `=` in {:?}, ignored",
            brief(member)
        ));
    };
    let key = key.trim_end();
    if key.is_empty() {
        return Err(format!(
            "{VARIABLE}: empty key in {:?}, ignored",
            brief(member)
        ));
    }
    let decode = |part: &str, side: &str| {
        percent_decode(part.trim()).map_err(|fault| {
            format!(
                "{VARIABLE}: {fault} in the {side} of {:?}, ignored",
                brief(key)
            )
        })
    };
    let (key, value) = (decode(key, "key")?, decode(value, "value")?);
    // an object of this one key is how serde_json passes a number on: nobody could read the record as what it is
    if key.starts_with("$serde_json::") {
        return Err(format!(
            "{VARIABLE}: the key {:?} cannot be used, ignored",
            brief(&key)
        ));
    }
    Ok((key, value))
}

/// Decodes `%XX`; all else is itself. The reason shows the two bytes after a bad `%`.
pub fn percent_decode(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let (decoded, tail) = decode_escape(rest).ok_or_else(|| bad_escape(rest))?;
        bytes.push(decoded);
        rest = tail;
    }
    String::from_utf8(bytes).map_err(|_| "escapes that are not UTF-8".to_owned())
}

fn decode_escape(after_percent: &[u8]) -> Option<(u8, &[u8])> {
    let ([high, low], rest) = after_percent.split_first_chunk::<2>()?;
    let byte = hex_value(*high)? << 4 | hex_value(*low)?;
    Some((byte, rest))
}

fn hex_value(digit: u8) -> Option<u8> {
    let value = char::from(digit).to_digit(16)?;
    u8::try_from(value).ok()
}

fn bad_escape(after_percent: &[u8]) -> String {
    let shown = after_percent.get(..2).unwrap_or(after_percent);
    format!("bad escape `%{}`", shown.escape_ascii())
}

/// A short text as it is; a long one is only measured: cut, it would no longer look like the secret it may hold.
fn brief(text: &str) -> String {
    const SHOWN: usize = 40;
    match text.chars().count() {
        length if length > SHOWN => format!("{length} characters"),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_of_the_json_library_is_refused() {
        let refused = parse_resource("a=b,$serde_json%3A%3Aprivate::Number=1");
        assert!(refused.unwrap_err().contains("cannot be used"));
    }

    fn read(text: &str) -> Vec<(String, String)> {
        parse_resource(text).unwrap()
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn pairs_are_read_in_order() {
        let rows: [(&str, &[(&str, &str)]); 10] = [
            ("", &[]),
            (" , ,", &[]),
            ("service.name=web", &[("service.name", "web")]),
            ("a=1,b=2", &[("a", "1"), ("b", "2")]),
            (" a = 1 ,\tb\t=\t2\t", &[("a", "1"), ("b", "2")]),
            ("a=b,", &[("a", "b")]),
            ("a=", &[("a", "")]),
            ("a=x y z", &[("a", "x y z")]),
            ("a=b=c", &[("a", "b=c")]),
            ("ключ=ü", &[("ключ", "ü")]),
        ];
        for (text, expected) in rows {
            assert_eq!(read(text), pairs(expected), "{text:?}");
        }
    }

    #[test]
    fn escapes_are_decoded_in_keys_and_values() {
        let rows = [
            ("a=x%2Cy", ("a", "x,y")),
            ("a=x%2cy", ("a", "x,y")),
            ("a%3Db=c%3Dd", ("a=b", "c=d")),
            ("a=%C3%BC", ("a", "ü")),
            ("a=100%25", ("a", "100%")),
            ("a=%2541", ("a", "%41")),
            ("a=1+1", ("a", "1+1")),
            ("a=%20kept%20", ("a", " kept ")),
        ];
        for (text, expected) in rows {
            assert_eq!(read(text), pairs(&[expected]), "{text:?}");
        }
    }

    #[test]
    fn the_later_of_equal_keys_wins() {
        assert_eq!(read("a=1,b=2,a=3"), pairs(&[("a", "3"), ("b", "2")]));
        assert_eq!(read("a%2Eb=1,a.b=2"), pairs(&[("a.b", "2")]));
    }

    #[test]
    fn one_wrong_part_discards_the_variable_and_is_named() {
        let rows = [
            ("a=x%2Cy,b=%zz,c", "bad escape `%zz` in the value of \"b\""),
            ("a=1,c", "no `=` in \"c\""),
            ("a=1,=2", "empty key in \"=2\""),
            ("a=1, =2", "empty key in \"=2\""),
            ("a=%", "bad escape `%` in the value of \"a\""),
            ("a=%4", "bad escape `%4` in the value of \"a\""),
            ("a=%+4", "bad escape `%+4` in the value of \"a\""),
            ("a=%é", "bad escape `%\\xc3\\xa9` in the value of \"a\""),
            ("a=%ff", "not UTF-8 in the value of \"a\""),
            ("a=%C3", "not UTF-8 in the value of \"a\""),
            ("b%2=1", "bad escape `%2` in the key of \"b%2\""),
            ("%80=1", "not UTF-8 in the key of \"%80\""),
        ];
        for (text, message) in rows {
            let error = parse_resource(text).unwrap_err();
            assert!(error.starts_with("OTEL_RESOURCE_ATTRIBUTES: "), "{error}");
            assert!(error.contains(message), "{text:?}: {error}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let odd = [
            ("a", "x,y;z=\"1\" 100%\\"),
            ("b=c", " kept "),
            ("d", "ü\n日本語\u{7f}"),
            ("e", ""),
        ];
        let text = write_resource(odd);
        assert!(
            text.bytes().all(|byte| (0x21..0x7f).contains(&byte)),
            "{text}"
        );
        assert_eq!(read(&text), pairs(&odd));
        assert_eq!(
            write_resource([("cicd.pipeline.run.url.full", "https://h/o/r/runs/7")]),
            "cicd.pipeline.run.url.full=https://h/o/r/runs/7"
        );
    }

    #[test]
    fn messages_stay_short() {
        let error = parse_resource(&"ü".repeat(100_000)).unwrap_err();
        assert!(error.len() < 200, "{error}");
    }

    #[test]
    fn no_text_makes_it_panic() {
        let alphabet = [
            "%", "=", ",", "4", "f", "G", " ", "é", "\u{0}", "%C3", "%BC",
        ];
        let mut state = 1_u64;
        for _ in 0..50_000 {
            let text: String = (0..8)
                .map(|_| {
                    state = state
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1);
                    alphabet[(state >> 33) as usize % alphabet.len()]
                })
                .collect();
            if let Ok(attributes) = parse_resource(&text) {
                assert!(
                    attributes.iter().all(|(key, _)| !key.is_empty()),
                    "{text:?}"
                );
            }
        }
    }
}
