//! How many tasks are blocked, found in a hurry: a prompt waits for it. Only files that hold the word are read as the CLI
//! reads them.

use super::entity::Entity;
use super::place::Folder;
use super::{Project, scan};
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// More files than this are not looked at in a hurry.
const MOST: usize = 1000;
/// Front matter is rarely longer.
const HEAD: usize = 4096;
const WORD: &str = "blocked";

/// How many unfinished tasks have a status or a label `blocked`, in any case. None: the folder cannot be read, or has too
/// many files for a hurry.
pub fn blocked(project: &Project) -> Option<usize> {
    let folder = Folder::Tasks;
    let entries = fs::read_dir(project.folder.join(folder.path())).ok()?;
    let mut head = vec![0; HEAD];
    let (mut seen, mut count) = (0, 0);
    for entry in entries.flatten() {
        let name = entry.file_name();
        if !folder.takes(name.as_bytes()) {
            continue;
        }
        seen += 1;
        if seen > MOST {
            return None;
        }
        count += usize::from(is_blocked(&entry.path(), project, &mut head).unwrap_or(false));
    }
    Some(count)
}

fn is_blocked(path: &Path, project: &Project, head: &mut [u8]) -> Option<bool> {
    let mut file = scan::open(path).ok()?;
    let length = file.read(head).ok()?;
    let start = head.get(..length)?;
    let end = memchr::memmem::find(start, b"\n---");
    // front matter that goes on behind what was read may say so there
    let may = end.is_none() && length == head.len();
    if !may && !has_word(start.get(..end.unwrap_or(length))?) {
        return Some(false);
    }
    let entity = whole(path, &scan::open(path).ok()?)?;
    let says = |text: &str| text.eq_ignore_ascii_case(WORD);
    let blocked = says(&entity.status) || entity.labels.iter().any(|label| says(label));
    Some(blocked && !entity.is_terminal(project.terminal()))
}

fn whole(path: &Path, file: &File) -> Option<Entity> {
    let inside = path.file_name()?.as_bytes();
    Entity::read(Folder::Tasks, inside, &scan::content(file).ok()?)
}

fn has_word(bytes: &[u8]) -> bool {
    memchr::memchr2_iter(b'b', b'B', bytes).any(|at| {
        let word = bytes.get(at..at + WORD.len());
        word.is_some_and(|word| word.eq_ignore_ascii_case(WORD.as_bytes()))
    })
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
