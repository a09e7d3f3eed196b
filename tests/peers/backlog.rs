//! Every kind of change that the Backlog.md CLI makes gives exactly its events.

use crate::rig::Project;
use std::fs;

const NEWEST: &str = "1.52.0";

/// A command and the events it makes.
type Step<'a> = (&'a [&'a str], &'a [&'a str]);

#[track_caller]
fn assert_steps(project: &Project, steps: &[Step<'_>]) {
    for (command, events) in steps {
        assert_eq!(project.backlog(command), *events, "{command:?}");
    }
}

#[test]
fn life_of_a_task_is_told() {
    let Some(project) = Project::new(NEWEST) else {
        return;
    };
    assert_steps(
        &project,
        &[
            (
                &[
                    "task", "create", "First", "--ac", "a", "--ac", "b", "-a", "@x",
                ],
                &["task.created TASK-1"],
            ),
            (
                &[
                    "task",
                    "edit",
                    "1",
                    "-s",
                    "In Progress",
                    "--check-ac",
                    "1",
                    "-l",
                    "x",
                ],
                &[
                    "task.state_changed TASK-1 To Do In Progress",
                    "task.ac_checked TASK-1 a checked=true",
                    "task.updated TASK-1 labels",
                ],
            ),
            (&["task", "edit", "1", "-s", "in progress"], &[]),
            (
                &["task", "edit", "1", "-t", "Second title", "-a", "@y"],
                &["task.assigned TASK-1 @y @x", "task.updated TASK-1 title"],
            ),
            (
                &["task", "create", "Sub", "-p", "1"],
                &["task.created TASK-1.1"],
            ),
            (
                &["task", "edit", "1", "1.1", "-s", "Done"],
                &[
                    "task.state_changed TASK-1 In Progress Done",
                    "task.completed TASK-1",
                    "task.state_changed TASK-1.1 To Do Done",
                    "task.completed TASK-1.1",
                ],
            ),
            (
                &["task", "complete", "1.1"],
                &["task.updated TASK-1.1 location tasks completed"],
            ),
            (&["task", "list", "--plain"], &[]),
        ],
    );
}

#[test]
fn drafts_and_numbers_given_away_again_are_told() {
    let Some(project) = Project::new(NEWEST) else {
        return;
    };
    assert_steps(
        &project,
        &[
            (
                &["task", "create", "Idea", "--draft"],
                &["task.created DRAFT-1 draft=true"],
            ),
            (
                &["draft", "promote", "1"],
                &[
                    "task.state_changed TASK-1 Draft To Do",
                    "task.updated TASK-1 DRAFT-1 id,location drafts tasks",
                ],
            ),
            (
                &["task", "demote", "1"],
                &["task.updated DRAFT-1 draft=true TASK-1 id,location tasks drafts"],
            ),
            (&["task", "create", "Other"], &["task.created TASK-1"]),
            (
                &["draft", "archive", "1"],
                &["task.archived DRAFT-1 draft=true drafts archive/drafts"],
            ),
            (
                &["task", "archive", "1"],
                &["task.archived TASK-1 tasks archive/tasks"],
            ),
            (&["task", "create", "Other"], &["task.created TASK-1"]),
            (
                &["task", "archive", "1"],
                &["task.archived TASK-1 tasks archive/tasks"],
            ),
        ],
    );
}

#[test]
fn pages_are_told() {
    let Some(project) = Project::new(NEWEST) else {
        return;
    };
    assert_steps(
        &project,
        &[
            (&["doc", "create", "Guide"], &["document.created doc-1"]),
            (
                &["doc", "update", "doc-1", "--content", "new"],
                &["document.updated doc-1 body"],
            ),
            (
                &["decision", "create", "Use it"],
                &["decision.created decision-1"],
            ),
            (&["milestone", "add", "Release"], &["milestone.created m-0"]),
            (&["task", "create", "First"], &["task.created TASK-1"]),
            (
                &["task", "edit", "1", "-m", "Release"],
                &["task.updated TASK-1 milestone"],
            ),
            (
                &["milestone", "remove", "Release"],
                &[
                    "task.updated TASK-1 milestone",
                    "milestone.updated m-0 location",
                ],
            ),
        ],
    );
}

#[test]
fn two_tasks_changed_between_two_looks_are_two() {
    let Some(project) = Project::new(NEWEST) else {
        return;
    };
    assert_steps(
        &project,
        &[(&["task", "create", "Old"], &["task.created TASK-1"])],
    );
    // archived and its number given away before anybody looks
    let (from, to) = (
        "work/backlog/tasks/task-1 - Old.md",
        "work/backlog/archive/tasks/task-1 - Old.md",
    );
    fs::rename(project.path(from), project.path(to)).unwrap();
    assert_steps(
        &project,
        &[(
            &["task", "create", "New"],
            &[
                "task.created TASK-1",
                "task.archived TASK-1 tasks archive/tasks",
            ],
        )],
    );
}

/// What every supported version does alike; with the title its file may be renamed.
fn assert_short_list(version: &str) {
    let Some(project) = Project::new(version) else {
        return;
    };
    assert_steps(
        &project,
        &[
            (&["task", "create", "First"], &["task.created TASK-1"]),
            (
                &["task", "edit", "1", "-s", "In Progress", "-a", "@x"],
                &[
                    "task.state_changed TASK-1 To Do In Progress",
                    "task.assigned TASK-1 @x",
                ],
            ),
            (
                &["task", "edit", "1", "-t", "Other title"],
                &["task.updated TASK-1 title"],
            ),
            (
                &["task", "create", "Idea", "--draft"],
                &["task.created DRAFT-1 draft=true"],
            ),
            (
                &["draft", "promote", "DRAFT-1"],
                &[
                    "task.state_changed TASK-2 Draft To Do",
                    "task.updated TASK-2 DRAFT-1 id,location drafts tasks",
                ],
            ),
            (
                &["task", "archive", "2"],
                &["task.archived TASK-2 tasks archive/tasks"],
            ),
        ],
    );
}

#[test]
fn newest_version_is_told() {
    assert_short_list(NEWEST);
}

#[test]
fn version_1_50_is_told() {
    assert_short_list("1.50.1");
}

#[test]
fn version_1_46_is_told() {
    assert_short_list("1.46.0");
}
