//! How many tasks are blocked, found in a hurry: a prompt waits for it. Only files that hold the word are read as the CLI
//! reads them. Few bytes are searched by hand: `memchr` asks the processor what it can do, which costs more.

use super::entity::Entity;
use super::place::Folder;
use super::{Project, scan};
use rustix::fs::{Mode, OFlags};
use std::fs::{self, DirEntry, File};
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// More files than this are not looked at in a hurry. The budget is 1.5 × `/bin/true`: 200 files bring a prompt to 1.1, and
/// each of them that is read as the CLI reads it costs 0.06 more.
const MOST: usize = 200;
/// Front matter is rarely longer.
const HEAD: usize = 4096;
const WORD: &str = "blocked";

/// How many unfinished tasks have a status or a label `blocked`, in any case. None: the folder cannot be read, or has too
/// many files for a hurry.
pub fn blocked(project: &Project) -> Option<usize> {
    let folder = Folder::Tasks;
    let path = project.folder.join(folder.path());
    let entries = fs::read_dir(&path).ok()?.flatten();
    let tasks = entries.filter(|entry| folder.takes(entry.file_name().as_bytes()));
    // counted before any is opened: a board that is too large costs next to nothing
    let tasks: Vec<DirEntry> = tasks.take(MOST + 1).collect();
    if tasks.len() > MOST {
        return None;
    }
    let open = File::open(&path).ok()?;
    let mut head = vec![0; HEAD];
    let blocked = tasks
        .iter()
        .filter(|entry| is_blocked(entry, open.as_fd(), project, &mut head).unwrap_or(false));
    Some(blocked.count())
}

fn is_blocked(
    entry: &DirEntry,
    folder: BorrowedFd<'_>,
    project: &Project,
    head: &mut [u8],
) -> Option<bool> {
    let mut file = opened(entry, folder).ok()?;
    let length = file.read(head).ok()?;
    let start = head.get(..length)?;
    let end = start.windows(4).position(|part| part == b"\n---");
    // front matter that goes on behind what was read may say so there
    let may = end.is_none() && length == head.len();
    if !may && !has_word(start.get(..end.unwrap_or(length))?) {
        return Some(false);
    }
    let path = entry.path();
    let entity = whole(&path, &scan::open(&path).ok()?)?;
    let says = |text: &str| text.eq_ignore_ascii_case(WORD);
    let blocked = says(&entity.status) || entity.labels.iter().any(|label| says(label));
    Some(blocked && !entity.is_terminal(project.terminal()))
}

/// Opens a file; a plain one by its name alone, which spares the kernel the path, and us a look at what it is.
fn opened(entry: &DirEntry, folder: BorrowedFd<'_>) -> io::Result<File> {
    if !entry.file_type()?.is_file() {
        return scan::open(&entry.path());
    }
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::openat(folder, entry.file_name(), flags, Mode::empty())?;
    Ok(File::from(file))
}

fn whole(path: &Path, file: &File) -> Option<Entity> {
    let inside = path.file_name()?.as_bytes();
    Entity::read(Folder::Tasks, inside, &scan::content(file).ok()?)
}

fn has_word(bytes: &[u8]) -> bool {
    let word = WORD.as_bytes();
    bytes
        .windows(word.len())
        .any(|part| part.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(tasks: &[&str]) -> Option<usize> {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("backlog/tasks");
        fs::create_dir_all(&folder).unwrap();
        fs::write(dir.path().join("backlog/config.yml"), "project_name: x\n").unwrap();
        for (at, front) in tasks.iter().enumerate() {
            let text = format!("---\nid: TASK-{at}\n{front}\n---\n\nblocked by nothing\n");
            fs::write(folder.join(format!("task-{at} - x.md")), text).unwrap();
        }
        blocked(&Project::find(dir.path(), None).unwrap())
    }

    #[test]
    fn status_and_label_count() {
        assert_eq!(count(&[]), Some(0));
        assert_eq!(
            count(&["status: To Do", "title: blocked by a stone"]),
            Some(0)
        );
        assert_eq!(
            count(&[
                "status: Blocked",
                "labels: [a, BLOCKED]",
                "labels:\n  - blocked"
            ]),
            Some(3)
        );
        assert_eq!(count(&["status: Done\nlabels: [blocked]"]), Some(0));
        let long = format!("title: {}\nstatus: Blocked", "x".repeat(2 * HEAD));
        assert_eq!(count(&[&long]), Some(1));
    }

    #[test]
    fn large_board_is_not_counted_in_a_hurry() {
        assert_eq!(count(&vec!["status: Blocked"; MOST + 1]), None);
    }
}
