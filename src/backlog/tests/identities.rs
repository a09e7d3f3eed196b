//! Which task is which: numbers are given away again, names stay behind, archives are overwritten.

use super::{between, task};

fn dated(id: &str, title: &str, date: &str) -> String {
    task(id, title, &format!("created_date: '{date}'"))
}

#[test]
fn number_of_an_archived_task_is_given_to_a_new_one() {
    let old = dated("TASK-5", "A", "2026-01-01 10:00");
    for date in ["2026-01-02 10:00", "2026-01-01 10:00"] {
        let new = dated("TASK-5", "B", date);
        assert_eq!(
            between(
                &[("tasks/task-5 - A.md", &old)],
                &[
                    ("archive/tasks/task-5 - A.md", &old),
                    ("tasks/task-5 - B.md", &new)
                ],
            ),
            [
                "task.created TASK-5",
                "task.archived TASK-5 tasks archive/tasks"
            ],
            "{date}"
        );
    }
}

#[test]
fn number_and_name_are_given_away_again() {
    let old = dated("TASK-5", "A", "2026-01-01 10:00");
    let new = dated("TASK-5", "A", "2026-01-02 10:00");
    assert_eq!(
        between(
            &[("tasks/task-5 - A.md", &old)],
            &[
                ("archive/tasks/task-5 - A.md", &old),
                ("tasks/task-5 - A.md", &new)
            ],
        ),
        [
            "task.created TASK-5",
            "task.archived TASK-5 tasks archive/tasks"
        ]
    );
}

#[test]
fn number_of_a_demoted_task_is_given_to_a_new_one() {
    let old = dated("TASK-5", "A", "2026-01-01 10:00");
    let draft = dated("DRAFT-2", "A", "2026-01-01 10:00");
    for date in ["2026-01-02 10:00", "2026-01-01 10:00"] {
        let new = dated("TASK-5", "B", date);
        assert_eq!(
            between(
                &[("tasks/task-5 - A.md", &old)],
                &[
                    ("drafts/draft-2 - A.md", &draft),
                    ("tasks/task-5 - B.md", &new)
                ],
            ),
            [
                "task.updated DRAFT-2 TASK-5 id,location tasks drafts",
                "task.created TASK-5"
            ],
            "{date}"
        );
    }
}

#[test]
fn archiving_overwrites_an_older_task_of_the_same_name() {
    let first = dated("TASK-5", "A", "2026-01-01 10:00");
    let second = task(
        "TASK-5",
        "A",
        "created_date: '2026-01-02 10:00'\nlabels: [x]",
    );
    let archived = ["task.archived TASK-5 tasks archive/tasks"];
    let after = [("archive/tasks/task-5 - A.md", second.as_str())];
    let before = [
        ("archive/tasks/task-5 - A.md", first.as_str()),
        ("tasks/task-5 - A.md", second.as_str()),
    ];
    assert_eq!(between(&before, &after), archived);
    let equal = [
        ("archive/tasks/task-5 - A.md", second.as_str()),
        ("tasks/task-5 - A.md", second.as_str()),
    ];
    assert_eq!(between(&equal, &after), archived);
}

#[test]
fn renumbered_duplicate_keeps_its_identity() {
    let (one, two) = (
        task("TASK-5", "A", "status: x"),
        task("TASK-5", "B", "status: x"),
    );
    let healed = task("TASK-9", "B", "status: x");
    assert_eq!(
        between(
            &[("tasks/task-5 - A.md", &one), ("tasks/task-5 - B.md", &two)],
            &[
                ("tasks/task-5 - A.md", &one),
                ("tasks/task-9 - B.md", &healed)
            ],
        ),
        ["task.updated TASK-9 TASK-5 id"]
    );
}

#[test]
fn file_that_follows_its_title_is_the_same_task() {
    let before = task("task-1", "A", "status: To Do");
    let after = task("TASK-01", "B", "status: Done");
    let before = [("tasks/task-1 - A.md", before.as_str())];
    assert_eq!(
        between(&before, &[("tasks/task-1 - B.md", &after)]),
        [
            "task.state_changed TASK-01 To Do Done",
            "task.completed TASK-01",
            "task.updated TASK-01 title,body"
        ]
    );
}

#[test]
fn task_comes_back_from_the_archive() {
    let text = dated("TASK-1", "A", "2026-01-01 10:00");
    assert_eq!(
        between(
            &[("archive/tasks/task-1 - A.md", &text)],
            &[("tasks/task-1 - A.md", &text)]
        ),
        ["task.updated TASK-1 location archive/tasks tasks"]
    );
}

#[test]
fn unfinished_task_put_among_the_completed_counts_as_completed() {
    let text = task("TASK-1", "A", "status: To Do");
    assert_eq!(
        between(
            &[("tasks/task-1 - A.md", &text)],
            &[("completed/task-1 - A.md", &text)]
        ),
        [
            "task.completed TASK-1",
            "task.updated TASK-1 location tasks completed"
        ]
    );
}

#[test]
fn given_away_number_is_not_an_edit() {
    let old = dated("TASK-3", "A", "2026-01-01 10:00");
    let new = dated("TASK-3", "B", "2026-01-02 10:00");
    assert_eq!(
        between(
            &[("tasks/task-3 - A.md", &old)],
            &[("tasks/task-3 - B.md", &new)]
        ),
        ["task.created TASK-3", "task.deleted TASK-3"]
    );
}

#[test]
fn criteria_are_followed_by_their_text() {
    let with = |items: &str| {
        format!(
            "---\nid: TASK-1\n---\n## Acceptance Criteria\n<!-- AC:BEGIN -->\n{items}<!-- AC:END -->\n"
        )
    };
    let told = |before: &str, after: &str| {
        between(
            &[("tasks/task-1.md", &with(before))],
            &[("tasks/task-1.md", &with(after))],
        )
    };
    let before = "- [ ] #1 a\n- [ ] #2 b\n- [x] #3 c\n";
    assert_eq!(
        told(before, "- [ ] #1 b\n- [x] #2 c\n"),
        ["task.updated TASK-1 acceptance_criteria"]
    );
    assert_eq!(
        told(before, "- [x] #1 c\n- [ ] #2 b\n- [ ] #3 a\n"),
        [""; 0]
    );
    assert_eq!(
        told(before, "- [ ] #1 a\n- [x] #2 b\n- [ ] #3 c\n"),
        ["task.ac_checked TASK-1", "task.ac_checked TASK-1"]
    );
    assert_eq!(
        told(before, &format!("{before}- [x] #4 new\n")),
        [
            "task.ac_checked TASK-1",
            "task.updated TASK-1 acceptance_criteria"
        ]
    );
    assert_eq!(
        told("- [ ] #1 a\n- [ ] #2 a\n", "- [x] #1 a\n- [ ] #2 a\n"),
        ["task.ac_checked TASK-1"]
    );
}

#[test]
fn pages_that_went_are_told() {
    let text = "---\nid: decision-1\ntitle: A\n---\n";
    assert_eq!(
        between(&[("decisions/decision-1 - A.md", text)], &[]),
        ["decision.deleted decision-1"]
    );
    assert_eq!(
        between(
            &[("docs/a/doc-1 - A.md", "---\nid: doc-1\n---\n")],
            &[("docs/doc-1 - A.md", "---\nid: doc-1\n---\n")]
        ),
        ["document.updated doc-1 path"]
    );
}
