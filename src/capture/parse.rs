//! The hot parser: options and words by the table, in one pass. The grammar of `log`, which nothing can make fail, has
//! a function of its own.

use super::attributes::is_attribute;
use super::words::{Opt, Words};
use crate::error::Error;
use crate::model::Level;
use crate::redact;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// The words of one call, sorted.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    options: Vec<(&'static str, OsString)>,
    /// What is no option.
    pub(super) words: Vec<OsString>,
    /// Some word is not UTF-8.
    pub(super) lossy: bool,
}

impl Parsed {
    /// The last value of an option.
    pub(super) fn value(&self, long: &str) -> Option<&OsStr> {
        let found = self.options.iter().rev().find(|(name, _)| *name == long);
        found.map(|(_, value)| value.as_os_str())
    }

    /// The last value of an option as text; bytes that are not UTF-8 become U+FFFD.
    pub(super) fn text(&self, long: &str) -> Option<String> {
        self.value(long)
            .map(|value| value.to_string_lossy().into_owned())
    }

    /// True where the flag was given.
    pub(super) fn has(&self, long: &str) -> bool {
        self.value(long).is_some()
    }

    /// Takes the next positional word.
    pub(super) fn take(&mut self) -> Option<OsString> {
        (!self.words.is_empty()).then(|| self.words.remove(0))
    }
}

/// What a word is, read as an option.
enum Read {
    /// An option with its value, and how many further words it took.
    Option(&'static str, OsString, usize),
    /// An option that lacks its value, or a flag that got one.
    Broken(String),
    /// No option of this command.
    Word,
}

fn read(options: &'static [Opt], word: &OsStr, next: Option<&OsString>) -> Read {
    let Some(body) = word.as_bytes().strip_prefix(b"--") else {
        return Read::Word;
    };
    let mut halves = body.splitn(2, |byte| *byte == b'=');
    let name = halves.next().unwrap_or_default();
    let inline = halves
        .next()
        .map(|value| OsString::from_vec(value.to_vec()));
    let Some(option) = options.iter().find(|option| option.long.as_bytes() == name) else {
        return Read::Word;
    };
    match (option.value, inline, next) {
        (None, None, _) => Read::Option(option.long, OsString::new(), 0),
        (None, Some(_), _) => Read::Broken(format!("option `--{}` takes no value", option.long)),
        (Some(_), Some(value), _) => Read::Option(option.long, value, 0),
        (Some(_), None, Some(value)) => Read::Option(option.long, value.clone(), 1),
        (Some(value), None, None) => {
            Read::Broken(format!("option `--{}` needs {value}", option.long))
        }
    }
}

/// Sorts the words of a command whose own words may be wrong.
pub(super) fn strict(words: &'static Words, args: &[OsString]) -> Result<Parsed, Error> {
    let hint = format!("`obs {} --help` shows what it takes", words.name);
    let wrong = |what: String| Error::usage(what).hint(hint.clone());
    let mut parsed = Parsed {
        lossy: args.iter().any(|word| word.to_str().is_none()),
        ..Parsed::default()
    };
    let mut rest = args.iter();
    while let Some(word) = rest.next() {
        if word == "--" {
            parsed.words.extend(rest.cloned());
            break;
        }
        let next = rest.as_slice().first();
        // alone: `-verbose` is a name like any other
        let alone = (word.len() == 2).then(|| spelled_out(words.options, word));
        match read(
            words.options,
            alone.flatten().as_deref().unwrap_or(word),
            next,
        ) {
            Read::Option(long, value, taken) => {
                parsed.options.push((long, value));
                if taken > 0 {
                    rest.next();
                }
            }
            Read::Broken(what) => return Err(wrong(what)),
            Read::Word if looks_like_option(word.as_bytes()) => {
                let name = word.to_string_lossy();
                let name = name.split('=').next().unwrap_or_default();
                return Err(wrong(format!(
                    "unknown option `{name}` for `obs {}`",
                    words.name
                )));
            }
            Read::Word => parsed.words.push(word.clone()),
        }
    }
    Ok(parsed)
}

/// Sorts the words of `obs span exec`: options and attributes, then the command, which a `--` or the first word that is
/// neither begins.
pub(super) fn exec<'a>(
    words: &'static Words,
    args: &'a [OsString],
) -> Result<(Parsed, &'a [OsString]), Error> {
    let hint = format!("`obs {} --help` shows what it takes", words.name);
    let mut parsed = Parsed::default();
    let mut rest = args;
    while let [word, after @ ..] = rest {
        if word == "--" {
            return Ok((parsed, after));
        }
        let long = spelled_out(words.options, word);
        match read(
            words.options,
            long.as_deref().unwrap_or(word),
            after.first(),
        ) {
            Read::Option(long, value, taken) => {
                parsed.options.push((long, value));
                rest = after.get(taken..).unwrap_or_default();
            }
            Read::Broken(what) => return Err(Error::usage(what).hint(hint)),
            Read::Word if word.as_bytes().starts_with(b"-") => {
                let name = word.to_string_lossy();
                let name = redact::text(name.split('=').next().unwrap_or_default()).into_owned();
                let what = format!("unknown option `{name}` for `obs {}`", words.name);
                return Err(Error::usage(what).hint(hint));
            }
            Read::Word if !is_attribute(word) => break,
            Read::Word => {
                parsed.words.push(word.clone());
                rest = after;
            }
        }
    }
    Ok((parsed, rest))
}

/// The long form of an option of one letter: `-nNAME` and `-n`.
fn spelled_out(options: &'static [Opt], word: &OsStr) -> Option<OsString> {
    let [b'-', letter, value @ ..] = word.as_bytes() else {
        return None;
    };
    let short = Some(char::from(*letter));
    let option = options.iter().find(|option| option.short == short)?;
    let mut long = format!("--{}", option.long).into_bytes();
    if !value.is_empty() {
        long.push(b'=');
        long.extend_from_slice(value);
    }
    Some(OsString::from_vec(long))
}

/// True for `--name` and `--name=…`; `--- text ---` and `--two words` are data.
fn looks_like_option(word: &[u8]) -> bool {
    let name = word.strip_prefix(b"--").unwrap_or_default();
    let name = name.split(|byte| *byte == b'=').next().unwrap_or_default();
    name.first().is_some_and(u8::is_ascii_alphanumeric)
        && name
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
}

/// The words of `obs log`, sorted.
#[derive(Debug, Default)]
pub(super) struct LogWords {
    /// Options and the words after the message.
    pub(super) parsed: Parsed,
    /// The level, where one was given.
    pub(super) level: Option<Level>,
    /// The message; none with `--stdin`.
    pub(super) message: Option<OsString>,
}

/// Sorts the words of `obs log` by the grammar `[OPTION…] [LEVEL] [--] MESSAGE [WORD…]`. Never fails: an option that
/// is not ours, lacks its value or stands where none may is a message or a word.
pub(super) fn log(words: &'static Words, args: &[OsString]) -> LogWords {
    let mut found = LogWords::default();
    found.parsed.lossy = args.iter().any(|word| word.to_str().is_none());
    let mut rest = options(words, args, &mut found.parsed);
    let stdin = found.parsed.has("stdin");
    let mut open = true;
    if let [first, after @ ..] = rest
        && (stdin || !after.is_empty())
        && first != "--"
    {
        found.level = first.to_str().and_then(Level::parse);
        rest = if found.level.is_some() { after } else { rest };
    }
    if let [first, after @ ..] = rest
        && first == "--"
        && (stdin || !after.is_empty())
    {
        open = false;
        rest = after;
    }
    if !stdin && let [first, after @ ..] = rest {
        found.message = Some(first.clone());
        rest = after;
    }
    while let [first, after @ ..] = rest {
        let before = rest;
        if open {
            rest = options(words, rest, &mut found.parsed);
        }
        if std::ptr::eq(before, rest) {
            found.parsed.words.push(first.clone());
            rest = after;
        }
    }
    found
}

/// Takes leading options; the answer is what follows them.
fn options<'a>(words: &'static Words, args: &'a [OsString], parsed: &mut Parsed) -> &'a [OsString] {
    let mut rest = args;
    while let [word, after @ ..] = rest {
        match read(words.options, word, after.first()) {
            Read::Option(long, value, taken) => {
                parsed.options.push((long, value));
                rest = after.get(taken..).unwrap_or_default();
            }
            Read::Broken(_) | Read::Word => break,
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::words;

    fn os(args: &[&str]) -> Vec<OsString> {
        args.iter().map(OsString::from).collect()
    }

    /// level, message, other words, options
    fn sorted(args: &[&str]) -> String {
        let found = log(words::find("log").unwrap(), &os(args));
        let text = |word: &OsString| word.to_string_lossy().into_owned();
        let options: Vec<String> = found
            .parsed
            .options
            .iter()
            .map(|(k, v)| format!("{k}={}", text(v)))
            .collect();
        let words: Vec<String> = found.parsed.words.iter().map(text).collect();
        format!(
            "{} | {} | {} | {}",
            found.level.map_or("-", Level::name),
            found.message.as_ref().map_or("-".to_owned(), text),
            words.join(" "),
            options.join(" ")
        )
    }

    #[test]
    fn log_grammar_holds_to_the_letter() {
        for (args, expected) in [
            (&["hello"][..], "- | hello |  | "),
            (&["info"], "- | info |  | "),
            (&["info", "hello"], "INFO | hello |  | "),
            (&["WARN", "hello", "a=1", "b"], "WARNING | hello | a=1 b | "),
            (&["hello", "info"], "- | hello | info | "),
            (&["error", "--", "--stdin"], "ERROR | --stdin |  | "),
            (&["error", "--stdin"], "ERROR | --stdin |  | "),
            (&["--", "info", "x"], "- | info | x | "),
            (&["--"], "- | -- |  | "),
            (&["info", "--"], "INFO | -- |  | "),
            (
                &["--logger", "me", "info", "hello"],
                "INFO | hello |  | logger=me",
            ),
            (
                &["info", "hello", "--logger=me", "a=1"],
                "INFO | hello | a=1 | logger=me",
            ),
            (
                &["info", "--", "hello", "--logger=me"],
                "INFO | hello | --logger=me | ",
            ),
            (&["--nonsense", "hello"], "- | --nonsense | hello | "),
            (&["--context"], "- | --context |  | "),
            (&["hello", "--context"], "- | hello | --context | "),
            (&["--stdin=1", "x"], "- | --stdin=1 | x | "),
            (&["--stdin", "error", "a=1"], "ERROR | - | a=1 | stdin="),
            (&["--stdin", "error"], "ERROR | - |  | stdin="),
            (&["--stdin", "a=1", "--json"], "- | - | a=1 | stdin= json="),
            (&["info", "-n", "%s"], "INFO | -n | %s | "),
            (&["", "x"], "- |  | x | "),
            (&[], "- | - |  | "),
        ] {
            assert_eq!(sorted(args), expected, "{args:?}");
        }
    }

    #[test]
    fn strict_commands_name_the_wrong_word() {
        let emit = words::find("emit").unwrap();
        let error = |args: &[&str]| strict(emit, &os(args)).unwrap_err().report();
        assert_eq!(
            error(&["t", "--dta={}"]),
            "obs: unknown option `--dta` for `obs emit`\nhint: `obs emit --help` shows what it takes\n"
        );
        assert!(error(&["t", "--data"]).starts_with("obs: option `--data` needs JSON\n"));
        assert!(
            error(&["t", "--print-id=1"]).starts_with("obs: option `--print-id` takes no value\n")
        );
        let parsed = strict(emit, &os(&["t", "--data", "--", "--", "--x"])).unwrap();
        assert_eq!(parsed.value("data"), Some(OsStr::new("--")));
        assert_eq!(parsed.words, os(&["t", "--x"]));
    }

    #[test]
    fn table_has_no_name_twice() {
        for command in words::COMMANDS {
            let mut names: Vec<_> = command.options.iter().map(|option| option.long).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), command.options.len(), "{}", command.name);
        }
    }
}
