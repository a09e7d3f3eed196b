//! `git` as the reader, where we must not or cannot read ourselves: it judges ownership, format and references, and one
//! `cat-file` hands out objects. It gets no index, no network, no terminal and runs nothing of the repository's.

use super::Head;
use super::objects::Objects;
use super::place::Place;
use super::reflog::{self, Entry};
use super::streams::read_both;
use crate::error::Error;
use gix::ObjectId;
use gix::hash::Kind;
use gix::objs;
use rustix::io::Errno;
use std::cell::RefCell;
use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Opens a repository through git.
pub(super) fn ask(found: Place) -> Result<(Place, Objects), Error> {
    let folder = |option: &str| -> Result<PathBuf, Error> {
        let words = ["rev-parse", "--path-format=absolute", option];
        Ok(PathBuf::from(OsString::from_vec(answer(&found, &words)?)))
    };
    let place = Place {
        git_dir: folder("--git-dir")?,
        common_dir: folder("--git-common-dir")?,
        work_tree: found.work_tree.clone(),
    };
    let kind = match answer(&place, &["rev-parse", "--show-object-format"])?.as_slice() {
        b"sha256" => Kind::Sha256,
        _ => Kind::Sha1,
    };
    let batch = RefCell::new(Batch::start(&place).map_err(not_started)?);
    Ok((place, Objects::Asked { batch, kind }))
}

/// What HEAD names.
pub(super) fn head(place: &Place) -> Result<Head, Error> {
    let text = |words: &[&str]| {
        let bytes = answer(place, words).ok()?;
        String::from_utf8(bytes)
            .ok()
            .filter(|text| !text.is_empty())
    };
    Ok(Head {
        commit: text(&["rev-parse", "--quiet", "--verify", "HEAD^{commit}"]),
        name: text(&["symbolic-ref", "--quiet", "HEAD"]),
    })
}

/// The newest entries of HEAD's reflog, whatever keeps it, at most `most`.
pub(super) fn moves(place: &Place, most: usize) -> Vec<Entry> {
    let count = format!("-{}", most + 1); // what an entry comes from is what the next older one went to
    let words = [
        "log",
        "--walk-reflogs",
        "--no-show-signature", // or the repository's settings name a program to run
        count.as_str(),
        "--format=%H%x09%gs",
        "HEAD",
        "--",
    ];
    let told = answer(place, &words).unwrap_or_default();
    let lines: Vec<&[u8]> = told.split(|byte| *byte == b'\n').collect();
    let older = lines.iter().skip(1).copied().chain([b"".as_slice()]);
    let entry = |(line, older): (&&[u8], &[u8])| {
        let old = older.split(|byte| *byte == b'\t').next();
        reflog::entry(old.unwrap_or_default(), line)
    };
    lines
        .iter()
        .zip(older)
        .take(most)
        .map_while(entry)
        .collect()
}

/// What git says about a repository, without the end of its last line.
fn answer(place: &Place, words: &[&str]) -> Result<Vec<u8>, Error> {
    let mut git = reader(place);
    output(git.args(words))
}

/// The path that a git in this folder prints.
pub(super) fn path(folder: &Path, words: &[&str]) -> Result<PathBuf, Error> {
    let bytes = output(git(folder).args(words))?;
    Ok(PathBuf::from(OsString::from_vec(bytes)))
}

fn output(git: &mut Command) -> Result<Vec<u8>, Error> {
    let piped = git.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.stdin(Stdio::null()).spawn().map_err(not_started)?;
    let [mut bytes, said] = read_both(&mut child).map_err(not_started)?;
    let done = match child.wait() {
        Ok(status) => status.success(),
        // a hook that goes on behind git's back is not the parent of what it started before
        Err(error) if error.raw_os_error() == Some(Errno::CHILD.raw_os_error()) => {
            !bytes.is_empty()
        }
        Err(cause) => return Err(not_started(cause)),
    };
    if !done {
        let said = String::from_utf8_lossy(&said);
        let first = said.lines().next().unwrap_or_default();
        let cause = first.strip_prefix("fatal: ").unwrap_or(first).to_owned();
        return Err(Error::failure("git refuses").because(cause));
    }
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
    }
    Ok(bytes)
}

fn not_started(cause: io::Error) -> Error {
    Error::failure("could not run git").because(cause)
}

/// A git for this repository. Its folder is not given by `--git-dir`, which would switch `safe.directory` off.
fn reader(place: &Place) -> Command {
    let mut git = git(place.work_tree.as_deref().unwrap_or(&place.git_dir));
    git.args(["--no-pager", "--no-replace-objects", "--no-optional-locks"])
        .args(["-c", "core.fsmonitor=false"])
        .args(["-c", "core.hooksPath=/dev/null"])
        .env_remove("GIT_INDEX_FILE")
        .env("GIT_ALLOW_PROTOCOL", "none") // a partial clone would fetch what it lacks
        .env("GIT_NO_LAZY_FETCH", "1");
    git
}

#[expect(
    clippy::disallowed_methods,
    reason = "the fallback for what gix does not read, and git's own configuration"
)]
fn git(folder: &Path) -> Command {
    let mut git = Command::new("git");
    git.env("GIT_TERMINAL_PROMPT", "0")
        .env("OBS_SHIM", "off") // our own questions are nobody's spans
        .env("LC_ALL", "C")
        .current_dir(folder);
    git
}

/// A running `git cat-file`, two of them: one tells sizes, the other hands out bytes.
pub(super) struct Batch {
    sizes: Talk,
    contents: Talk,
}

struct Talk {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Batch {
    fn start(place: &Place) -> io::Result<Self> {
        Ok(Self {
            sizes: Talk::start(place, "--batch-check")?,
            contents: Talk::start(place, "--batch")?,
        })
    }

    /// The size of an object; none where it is not there.
    pub(super) fn size(&mut self, id: ObjectId) -> io::Result<Option<u64>> {
        Ok(self.sizes.ask(id)?.map(|(_, size)| size))
    }

    /// Reads an object of at most `most` bytes; none where it is not there.
    pub(super) fn object(
        &mut self,
        id: ObjectId,
        most: u64,
        buffer: &mut Vec<u8>,
    ) -> io::Result<Option<objs::Kind>> {
        match self.size(id)? {
            None => return Ok(None),
            Some(size) if size > most => return Err(io::Error::other("it is too long")),
            Some(_) => {}
        }
        let Some((kind, size)) = self.contents.ask(id)? else {
            return Ok(None);
        };
        buffer.clear();
        let output = &mut self.contents.output;
        let read = output.by_ref().take(size).read_to_end(buffer)?;
        let mut end = [0];
        output.read_exact(&mut end)?;
        match read as u64 == size {
            true => Ok(Some(kind)),
            false => Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
        }
    }
}

impl Talk {
    fn start(place: &Place, mode: &str) -> io::Result<Self> {
        let mut child = reader(place)
            .args(["cat-file", mode])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        match (child.stdin.take(), child.stdout.take()) {
            (Some(input), Some(output)) => Ok(Self {
                child,
                input,
                output: BufReader::new(output),
            }),
            _ => Err(io::Error::from(io::ErrorKind::BrokenPipe)),
        }
    }

    /// Asks for an object: its kind and size, as `<id> <kind> <size>`, or `<id> missing`.
    fn ask(&mut self, id: ObjectId) -> io::Result<Option<(objs::Kind, u64)>> {
        self.input.write_all(format!("{id}\n").as_bytes())?;
        self.input.flush()?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        let mut words = line.split_ascii_whitespace().skip(1);
        let (kind, size) = (words.next().unwrap_or_default(), words.next());
        if kind == "missing" {
            return Ok(None);
        }
        let kind = objs::Kind::from_bytes(kind.as_bytes()).ok();
        let size = size.and_then(|size| size.parse().ok());
        match (kind, size) {
            (Some(kind), Some(size)) => Ok(Some((kind, size))),
            _ => Err(io::Error::other("git did not answer")),
        }
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
