//! What a commit tells, next to what looks at the disk have told already.

use super::*;

struct Case {
    ledger: Board,
    old: Board,
    new: Board,
    folder: tempfile::TempDir,
}

const PATH: &str = "tasks/task-1 - A.md";

fn state(status: &str) -> String {
    task(
        "TASK-1",
        "A",
        &format!("status: {status}\ncreated_date: '2026-01-01 10:00'"),
    )
}

fn at(path: &str, status: &str) -> Board {
    match status {
        "" => Board::default(),
        status => board(&[(path, &state(status))]),
    }
}

impl Case {
    fn new(ledger: &str, old: &str, new: &str) -> Self {
        Self {
            ledger: at(PATH, ledger),
            old: at(PATH, old),
            new: at(PATH, new),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// What lies in the work tree.
    fn disk(self, status: &str) -> Self {
        let path = self.folder.path().join(PATH);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, state(status)).unwrap();
        self
    }

    fn judge(&self) -> (Vec<String>, Board) {
        let committed = Committed {
            ledger: &self.ledger,
            old: &self.old,
            new: &self.new,
            folder: self.folder.path(),
        };
        let (difference, board) = committed.judge();
        (short(&difference.changes("Done")), board)
    }
}

#[test]
fn commit_of_what_nobody_saw_is_told() {
    let (told, board) = Case::new("To Do", "To Do", "In Progress").judge();
    assert_eq!(told, ["task.state_changed TASK-1 To Do In Progress"]);
    assert!(board.entries[0].has_seen(at(PATH, "To Do").entries[0].state.text().unwrap()));
    assert_eq!(
        board.entries[0].state,
        at(PATH, "In Progress").entries[0].state
    );
}

#[test]
fn commit_of_what_was_told_is_silent() {
    let case = Case::new("In Progress", "To Do", "In Progress");
    let (told, board) = case.judge();
    assert_eq!(told, [""; 0]);
    assert_eq!(board, case.ledger);
}

#[test]
fn commit_tells_from_where_the_ledger_stands() {
    let (told, _) = Case::new("In Progress", "To Do", "Done")
        .disk("Done")
        .judge();
    assert_eq!(
        told,
        [
            "task.state_changed TASK-1 In Progress Done",
            "task.completed TASK-1"
        ]
    );
}

#[test]
fn commit_behind_the_work_tree_is_silent() {
    let mut case = Case::new("Done", "To Do", "In Progress").disk("Done");
    let (told, board) = case.judge();
    assert_eq!(told, [""; 0]);
    assert_eq!(board.entries[0].state, case.ledger.entries[0].state);
    case.ledger = board;
    case.folder = tempfile::tempdir().unwrap();
    assert_eq!(case.judge().0, [""; 0], "and so is its replay");
}

#[test]
fn replayed_commit_of_an_earlier_state_is_silent() {
    let (_, later) = Case::new("To Do", "To Do", "In Progress").judge();
    let mut case = Case::new("", "Elsewhere", "To Do");
    case.ledger = later;
    assert_eq!(case.judge().0, [""; 0]);
}

#[test]
fn commit_back_to_an_earlier_state_is_told() {
    let (_, later) = Case::new("To Do", "To Do", "In Progress").judge();
    let mut case = Case::new("", "In Progress", "To Do");
    case.ledger = later;
    assert_eq!(
        case.judge().0,
        ["task.state_changed TASK-1 In Progress To Do"]
    );
}

#[test]
fn new_and_deleted_files_are_told() {
    let (told, board) = Case::new("", "", "To Do").judge();
    assert_eq!(told, ["task.created TASK-1"]);
    assert_eq!(board.len(), 1);
    let (told, board) = Case::new("To Do", "To Do", "").judge();
    assert_eq!(told, ["task.deleted TASK-1"]);
    assert!(board.is_empty());
    let (told, board) = Case::new("To Do", "To Do", "").disk("To Do").judge();
    assert_eq!((told, board.len()), (Vec::new(), 1));
    let (told, _) = Case::new("", "To Do", "").judge();
    assert_eq!(told, [""; 0]);
}

#[test]
fn move_is_told_once() {
    let mut case = Case::new("Done", "Done", "");
    case.new = at("completed/task-1 - A.md", "Done");
    let (told, board) = case.judge();
    assert_eq!(told, ["task.updated TASK-1 location tasks completed"]);
    assert_eq!(board.len(), 1);
    case.ledger = board;
    assert_eq!(case.judge().0, [""; 0]);
}

#[test]
fn task_that_went_further_is_found_again() {
    let mut case = Case::new("", "To Do", "In Progress");
    case.ledger = at("archive/tasks/task-1 - A.md", "In Progress");
    let (told, board) = case.judge();
    assert_eq!(told, ["task.updated TASK-1 location archive/tasks tasks"]);
    assert_eq!(board.len(), 1);
}

#[test]
fn number_given_away_again_is_a_new_task() {
    let mut case = Case::new("", "", "");
    case.ledger = at("archive/tasks/task-1 - A.md", "Done");
    let other = state("To Do")
        .replace("title: A", "title: B")
        .replace("body of A", "else");
    case.new = board(&[("tasks/task-1 - B.md", &other)]);
    let (told, board) = case.judge();
    assert_eq!(told, ["task.created TASK-1"]);
    assert_eq!(board.len(), 2);
}
