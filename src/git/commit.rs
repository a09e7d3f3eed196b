//! What a commit object says: message, people, times, parents, trailers.

use super::changes::Changes;
use super::trailers;
use gix::ObjectId;
use gix::bstr::BStr;
use gix::objs::CommitRef;

/// The facts of a commit.
#[derive(Debug, Clone)]
pub struct Commit {
    /// Full id.
    pub sha: String,
    /// Full ids of the parents, first parent first.
    pub parents: Vec<String>,
    /// The whole message.
    pub message: String,
    /// Who wrote it, and when.
    pub author: Person,
    /// Who committed it, and when.
    pub committer: Person,
    /// Trailers of the message: key and value, in order.
    pub trailers: Vec<(String, String)>,
    /// What it changes against its first parent; none where that parent is not known (a shallow clone).
    pub changes: Option<Changes>,
}

/// A person at a time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Person {
    /// Name.
    pub name: String,
    /// Mail address.
    pub email: String,
    /// Nanoseconds since the Unix epoch.
    pub time: i64,
}

impl Commit {
    /// True for a commit of several parents.
    pub fn is_merge(&self) -> bool {
        self.parents.len() > 1
    }

    /// Takes what the object says; its changes come later.
    pub(super) fn read(id: ObjectId, commit: &CommitRef<'_>) -> Self {
        let text = |bytes: &BStr| decode(bytes, commit.encoding);
        let message = text(commit.message);
        Self {
            sha: id.to_string(),
            parents: commit.parents().map(|parent| parent.to_string()).collect(),
            trailers: trailers::read(&message),
            message,
            author: person(&text(commit.author)),
            committer: person(&text(commit.committer)),
            changes: None,
        }
    }
}

/// `Name <mail> seconds zone`, by hand: a line that is odd must not hide the rest of the commit.
fn person(line: &str) -> Person {
    let (who, time) = line.rsplit_once('>').unwrap_or((line, ""));
    let (name, email) = who.split_once('<').unwrap_or((who, ""));
    let seconds: i64 = time
        .split_ascii_whitespace()
        .next()
        .and_then(|seconds| seconds.parse().ok())
        .unwrap_or_default();
    Person {
        name: name.trim().to_owned(),
        email: email.trim().to_owned(),
        time: seconds.saturating_mul(1_000_000_000),
    }
}

/// Text is UTF-8 unless the commit says that it is Latin-1; other encodings are read as far as they are ASCII.
fn decode(bytes: &[u8], encoding: Option<&BStr>) -> String {
    let named = encoding.map(|name| name.to_ascii_lowercase());
    match named.as_deref() {
        Some(b"iso-8859-1" | b"iso8859-1" | b"latin1" | b"latin-1") => {
            bytes.iter().map(|byte| char::from(*byte)).collect()
        }
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn person_is_read_from_odd_lines() {
        let read = |line: &str| {
            let person = person(line);
            (person.name, person.email, person.time / 1_000_000_000)
        };
        let some = |name: &str, email: &str, time| (name.to_owned(), email.to_owned(), time);
        assert_eq!(read("A B <a@b> 12 +0100"), some("A B", "a@b", 12));
        assert_eq!(read(" <> -5 +0000"), some("", "", -5));
        assert_eq!(read("A <a@b>"), some("A", "a@b", 0));
        assert_eq!(read("nobody"), some("nobody", "", 0));
    }

    #[test]
    fn message_is_decoded_as_the_commit_says() {
        let latin = BStr::new("ISO-8859-1");
        assert_eq!(decode(b"caf\xe9", Some(latin)), "caf\u{e9}");
        assert_eq!(decode(b"caf\xe9", None), "caf\u{fffd}");
    }
}
