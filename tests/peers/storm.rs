//! Writers of all kinds on one board at once, wrapped and not, killed at random, with autoCommit and the hooks installed:
//! every state that settled on disk is told once, none twice; so is every commit.

use crate::rig::{Project, kill};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

const WRITERS: u64 = 8;
const STATES: [&str; 3] = ["To Do", "In Progress", "Done"];

/// Numbers of a seed (xorshift64*), printed so that a storm can be had again.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % most
    }
}

fn number(variable: &str, default: u64) -> u64 {
    let given = std::env::var(variable).ok();
    given.and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn storm_tells_every_state_once() {
    let Some(project) = Project::new("1.52.0") else {
        return;
    };
    let clock = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let seed = number("OBS_STORM_SEED", clock.as_nanos() as u64 | 1);
    println!("OBS_STORM_SEED={seed}");
    project.watch_commits();
    let until = Instant::now() + Duration::from_secs(number("OBS_STORM_SECONDS", 20));
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let project = &project;
            scope.spawn(move || write(project, writer, Dice(seed ^ (writer + 1) << 17), until));
        }
    });
    settle(&project);
    judge(&project);
}

fn write(project: &Project, writer: u64, mut dice: Dice, until: Instant) {
    let mut count = 0;
    while Instant::now() < until {
        count += 1;
        let id = (1 + dice.below(12)).to_string();
        let title = format!("w{writer} n{count}");
        let state = STATES[dice.below(3) as usize];
        let words: Vec<&str> = match dice.below(10) {
            0..4 => vec!["task", "create", &title, "-s", state],
            4..9 => vec!["task", "edit", &id, "-s", state],
            _ => vec!["task", "archive", &id],
        };
        let is_wrapped = dice.below(2) == 0;
        let mut command = project.cli_command(is_wrapped, &words);
        command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0);
        let mut child = command.spawn().unwrap();
        if dice.below(3) == 0 {
            thread::sleep(Duration::from_millis(dice.below(1500)));
            let pid = i32::try_from(child.id()).unwrap();
            let target = if dice.below(2) == 0 { -pid } else { pid };
            kill("-KILL", target);
        }
        child.wait().unwrap();
    }
}

/// Waits until nobody works on the project any more, looks, and commits what is left.
fn settle(project: &Project) {
    let top = project.path("work");
    let deadline = Instant::now() + Duration::from_secs(60);
    while somebody_stands_in(&top) {
        assert!(Instant::now() < deadline, "writers do not end");
        thread::sleep(Duration::from_millis(100));
    }
    for lock in ["index.lock", "HEAD.lock", "refs/heads/main.lock"] {
        let _ = fs::remove_file(top.join(".git").join(lock)); // a killed git leaves them
    }
    project.reconcile();
    project.git(&["add", "-A"]);
    project.git(&["commit", "-q", "--allow-empty", "-m", "the end"]);
    project.reconcile();
}

fn somebody_stands_in(folder: &Path) -> bool {
    let folder = fs::canonicalize(folder).unwrap();
    let processes = fs::read_dir("/proc").unwrap().flatten();
    processes.into_iter().any(|process| {
        let numbered = process.file_name().to_string_lossy().parse::<u32>().is_ok();
        numbered
            && fs::read_link(process.path().join("cwd")).is_ok_and(|cwd| cwd.starts_with(&folder))
    })
}

/// A task as its file on disk has it.
fn on_disk(project: &Project) -> BTreeMap<String, (String, bool)> {
    let mut tasks = BTreeMap::new();
    for (folder, archived) in [("tasks", false), ("archive/tasks", true)] {
        for file in fs::read_dir(project.path("work/backlog").join(folder))
            .unwrap()
            .flatten()
        {
            let text = fs::read_to_string(file.path()).unwrap();
            let field = |name: &str| {
                let line = text.lines().find_map(|line| line.strip_prefix(name))?;
                Some(line.trim().trim_matches(['\'', '"']).to_owned())
            };
            // a writer that was killed in the middle leaves a file that nobody can read
            let whole = text.matches("---\n").count() >= 2;
            if let (true, Some(title), Some(state)) = (whole, field("title:"), field("status:")) {
                tasks.insert(title, (state, archived));
            }
        }
    }
    tasks
}

fn judge(project: &Project) {
    let events = project.events();
    let ids: Vec<&str> = events
        .iter()
        .map(|event| event["event_id"].as_str().unwrap())
        .collect();
    assert_eq!(
        ids.iter().collect::<BTreeSet<_>>().len(),
        ids.len(),
        "an event twice"
    );
    let mut told: HashMap<String, Vec<&Value>> = HashMap::new();
    for event in &events {
        if let Some(title) = event["data"]["title"].as_str() {
            told.entry(title.to_owned()).or_default().push(event);
        }
    }
    let disk = on_disk(project);
    let mut wrong = Vec::new();
    for (title, (state, archived)) in &disk {
        let story = told.remove(title).unwrap_or_default();
        if let Err(why) = follow(&story, state, *archived) {
            let short: Vec<_> = story
                .iter()
                .map(|event| (&event["event_type"], &event["data"]))
                .collect();
            wrong.push(format!("{title}: {why}: {short:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    judge_commits(project, &events);
    println!("{} tasks, {} events", disk.len(), events.len());
    assert!(disk.len() > 5 && events.len() > disk.len());
}

/// Goes through what was told of one task: it must lead, step by step, to what lies on disk.
fn follow(story: &[&Value], state: &str, archived: bool) -> Result<(), String> {
    let mut now: Option<&str> = None;
    let mut is_archived = false;
    for event in story {
        let data = &event["data"];
        match event["event_type"].as_str().unwrap_or_default() {
            "backlog.task.created" if now.is_some() => return Err("created twice".to_owned()),
            "backlog.task.created" => now = data["status"].as_str(),
            "backlog.task.state_changed" => {
                if now.is_some() && data["from_state"].as_str() != now {
                    return Err(format!("a step from {} at {now:?}", data["from_state"]));
                }
                now = data["to_state"].as_str();
            }
            "backlog.task.archived" if is_archived => return Err("archived twice".to_owned()),
            "backlog.task.archived" => {
                is_archived = true;
                now = now.or(data["status"].as_str());
            }
            _ => {}
        }
    }
    match now == Some(state) && is_archived == archived {
        true => Ok(()),
        false => Err(format!(
            "ends {now:?}, archived {is_archived}; on disk {state}, {archived}"
        )),
    }
}

/// Every commit of the branch after the first is told once.
fn judge_commits(project: &Project, events: &[Value]) {
    let log = project.git(&["log", "--format=%H"]);
    let mut commits: BTreeMap<&str, usize> = log.lines().map(|id| (id, 0)).collect();
    for event in events
        .iter()
        .filter(|event| event["event_type"] == "git.commit")
    {
        if let Some(count) = commits.get_mut(event["data"]["commit_sha"].as_str().unwrap()) {
            *count += 1;
        }
    }
    let first = log.lines().last().unwrap();
    commits.remove(first);
    let wrong: Vec<_> = commits.iter().filter(|(_, count)| **count != 1).collect();
    assert!(wrong.is_empty(), "commits told not once: {wrong:?}");
    println!("{} commits", commits.len());
}
