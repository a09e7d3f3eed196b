//! The real Backlog.md CLI behind the shim: it runs as if obs were not there, and what it does is told inside its span.

use crate::rig::{Project, kill, short};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

const NOTHING: [&str; 0] = [];

/// A wrapped call, its span, and the events that came with it.
struct Call {
    output: Output,
    span: Value,
    events: Vec<Value>,
}

/// A project whose `backlog` is the shim.
fn project() -> Option<Project> {
    let project = Project::new("1.52.0")?;
    project.wrap();
    Some(project)
}

#[track_caller]
fn call(project: &Project, args: &[&str]) -> Call {
    call_in(project, "work", args)
}

#[track_caller]
fn call_in(project: &Project, folder: &str, args: &[&str]) -> Call {
    let (events, spans) = (project.events().len(), project.spans().len());
    let mut command = project.cli_command(true, args);
    let output = command.current_dir(project.path(folder)).output().unwrap();
    let mut spans = project.spans().split_off(spans);
    assert_eq!(spans.len(), 1, "{spans:?}");
    Call {
        output,
        span: spans.remove(0),
        events: project.events().split_off(events),
    }
}

impl Call {
    /// Asserts that it worked and that these events, all of them inside its span, came with it.
    #[track_caller]
    fn told(&self, events: &[&str]) {
        assert!(self.output.status.success(), "{:?}", self.output);
        let told: Vec<String> = self.events.iter().map(short).collect();
        assert_eq!(told, events);
        for event in &self.events {
            assert!(is_inside(event, &self.span), "{event} in {}", self.span);
            assert_eq!(event["metadata"]["origin"], Value::Null, "{event}");
        }
    }
}

fn is_inside(event: &Value, span: &Value) -> bool {
    let context = &event["trace_context"];
    context["span_id"] == span["span_id"] && context["trace_id"] == span["trace_id"]
}

/// Changes the first task as an editor does.
fn edit_by_hand(project: &Project, from: &str, to: &str) {
    let path = project.path("work/backlog/tasks/task-1 - First.md");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(path, text.replace(from, to)).unwrap();
}

#[test]
fn what_a_command_did_is_told_inside_its_span() {
    let Some(project) = project() else {
        return;
    };
    call(&project, &["task", "create", "First"]).told(&["task.created TASK-1"]);
    call(&project, &["task", "edit", "1", "-s", "Done"]).told(&[
        "task.state_changed TASK-1 To Do Done",
        "task.completed TASK-1",
    ]);
    call(&project, &["task", "create", "Second"]).told(&["task.created TASK-2"]);
    call(&project, &["task", "archive", "2"]).told(&["task.archived TASK-2 tasks archive/tasks"]);
    call(&project, &["draft", "create", "Idea"]).told(&["task.created DRAFT-1 draft=true"]);
    let promoted = call(&project, &["draft", "promote", "1"]);
    promoted.told(&[
        "task.state_changed TASK-2 Draft To Do",
        "task.updated TASK-2 DRAFT-1 id,location drafts tasks",
    ]);
    assert_eq!(promoted.span["name"], "backlog");
    assert_eq!(promoted.span["attributes"]["process.exit.code"], 0);
    assert_eq!(project.reconcile(), NOTHING);
}

#[test]
fn edit_by_hand_is_told_before_the_command() {
    let Some(project) = project() else {
        return;
    };
    call(&project, &["task", "create", "First"]).told(&["task.created TASK-1"]);
    edit_by_hand(&project, "labels: []", "labels:\n  - x");
    let mut call = call(&project, &["task", "edit", "1", "-s", "In Progress"]);
    let observed = call.events.remove(0);
    assert_eq!(short(&observed), "task.updated TASK-1 labels");
    assert_eq!(observed["metadata"]["origin"], "observed");
    assert!(!is_inside(&observed, &call.span), "{observed}");
    call.told(&["task.state_changed TASK-1 To Do In Progress"]);
}

#[test]
fn command_that_fails_is_a_span_with_an_error() {
    let Some(project) = project() else {
        return;
    };
    let args = ["task", "edit", "99", "-s", "Done"];
    let direct = project.cli_command(false, &args).output().unwrap();
    let failed = call(&project, &args);
    assert_eq!(direct.status.code(), Some(1));
    assert_eq!(failed.output, direct);
    assert_eq!(failed.span["status"]["code"], "error");
    assert_eq!(failed.span["attributes"]["process.exit.code"], 1);
    assert!(failed.events.is_empty(), "{:?}", failed.events);
}

#[test]
fn board_that_a_command_makes_is_watched_from_then_on() {
    let Some(project) = project() else {
        return;
    };
    fs::create_dir(project.path("fresh")).unwrap();
    project.git(&["init", "-q", "../fresh"]);
    let init = ["init", "X", "--defaults", "--integration-mode", "none"];
    call_in(&project, "fresh", &init).told(&NOTHING);
    assert!(project.path("fresh/backlog/config.yml").exists());
    call_in(&project, "fresh", &["task", "create", "First"]).told(&["task.created TASK-1"]);
}

#[test]
fn output_and_exit_code_are_those_of_the_cli_alone() {
    let Some(project) = project() else {
        return;
    };
    call(&project, &["task", "create", "Ünï \u{1f680}"]).told(&["task.created TASK-1"]);
    for args in [
        &["--help"][..],
        &["--version"],
        &["task", "list", "--plain"],
        &["nonsense", "--", "-x"],
    ] {
        let direct = project.cli_command(false, args).output().unwrap();
        let wrapped = call(&project, args);
        assert_eq!(wrapped.output, direct, "{args:?}");
        assert!(wrapped.events.is_empty(), "{args:?}: {:?}", wrapped.events);
    }
}

#[test]
fn overlapping_commands_tell_everything_once() {
    let Some(project) = project() else {
        return;
    };
    for title in ["First", "Second"] {
        call(&project, &["task", "create", title]);
    }
    let (events, spans) = (project.events().len(), project.spans().len());
    let edit = |id: &str, status: &str| {
        let mut command = project.cli_command(true, &["task", "edit", id, "-s", status]);
        command.stdout(Stdio::null()).spawn().unwrap()
    };
    for mut child in [edit("1", "Done"), edit("2", "In Progress")] {
        assert!(child.wait().unwrap().success());
    }
    let told = project.events().split_off(events);
    let mut short: Vec<String> = told.iter().map(short).collect();
    short.sort();
    assert_eq!(
        short,
        [
            "task.completed TASK-1",
            "task.state_changed TASK-1 To Do Done",
            "task.state_changed TASK-2 To Do In Progress",
        ]
    );
    let spans = project.spans().split_off(spans);
    assert_eq!(spans.len(), 2);
    let inside = |event: &Value| spans.iter().any(|span| is_inside(event, span));
    assert!(told.iter().all(inside), "{told:?}");
}

/// A running `backlog mcp start`, the leader of a process group.
struct Server {
    child: Child,
    input: ChildStdin,
    greeting: String,
}

impl Server {
    /// Starts one, and hears that it is there.
    fn start(project: &Project, is_wrapped: bool) -> Self {
        let mut command = project.cli_command(is_wrapped, &["mcp", "start"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.process_group(0).spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        let hello = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2024-11-05","capabilities":{},"clientInfo":{"name":"peer","version":"1"}}}"#;
        writeln!(input, "{hello}").unwrap();
        let mut greeting = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut greeting).unwrap();
        Self {
            child,
            input,
            greeting,
        }
    }

    /// Ends it with TERM; its own launcher would leave the server itself behind.
    fn end(mut self) -> ExitStatus {
        let leader = i32::try_from(self.child.id()).unwrap();
        kill("-TERM", leader);
        let status = self.child.wait().unwrap();
        drop(self.input);
        kill("-KILL", -leader);
        status
    }
}

#[test]
fn server_tells_while_it_runs_and_ends_as_alone() {
    let Some(project) = project() else {
        return;
    };
    call(&project, &["task", "create", "First"]).told(&["task.created TASK-1"]);
    let alone = Server::start(&project, false);
    let mut wrapped = Server::start(&project, true);
    assert!(wrapped.greeting.contains("backlog.md"));
    assert_eq!(wrapped.greeting, alone.greeting);
    let events = project.events().len();
    edit_by_hand(&project, "To Do", "In Progress");
    let deadline = Instant::now() + Duration::from_secs(10);
    while project.events().len() == events {
        assert!(Instant::now() < deadline, "the edit is not told");
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(wrapped.child.try_wait().unwrap().is_none());
    let told = project.events().split_off(events);
    let told_short: Vec<String> = told.iter().map(short).collect();
    assert_eq!(told_short, ["task.state_changed TASK-1 To Do In Progress"]);
    assert_eq!(wrapped.end(), alone.end());
    let spans = project.spans();
    let span = spans.last().unwrap();
    assert!(is_inside(&told[0], span), "{span}");
    assert_eq!(span["status"]["code"], "error");
}
