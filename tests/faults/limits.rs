//! Limits of the process: file size, open files, processes, memory. The script goes on, nothing is damaged, and what
//! cannot be kept is handed back.

use crate::rig::{Rig, copy_program, have, is_release, is_root, program, skip};
use crate::strace;
use std::fs;
use std::os::unix::fs::chown;

/// One call of every hot command that makes a record.
const HOT: &str = r#"
"$OBS" log mine
"$OBS" emit some.event k=v
"$OBS" metric inc some_total
"$OBS" span record s --start 1
"$OBS" span start s --owner 0
"#;

#[test]
fn no_file_may_grow_at_all() {
    let rig = Rig::new();
    let run = rig.bash(&format!("set -eu\nulimit -f 0\n{HOT}"));
    assert_eq!(run.code, 0, "{}", run.shown());
    let back = run.stderr.matches("obs: UNSAVED {").count();
    assert_eq!(back, 5, "{}", run.shown());
    let strict = rig.bash("ulimit -f 0; OBS_STRICT=1 \"$OBS\" log mine");
    assert_eq!(strict.code, 3, "{}", strict.shown());
    rig.obs(["log", "after"]).fine();
    rig.holds(&["after"]);
}

#[test]
fn write_cut_short_is_taken_back() {
    let rig = Rig::new().with("OBS_STRICT", "1");
    let script = r#"
set -eu
ulimit -f 1
for n in 0 1 2 3 4 5 6 7 8 9; do "$OBS" log "$n" >/dev/null; done
"#;
    rig.bash(script).fine();
    let text = fs::read_to_string(rig.home("logs.log")).unwrap();
    assert!(
        text.len() > 500 && text.len() <= 1024 && text.ends_with('\n'),
        "{text}"
    );
    assert!(!rig.names("home/spill").is_empty());
    rig.holds(&["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
}

#[test]
fn failed_rollback_is_sealed_off() {
    if !have("strace") {
        return;
    }
    let rig = Rig::new().with("OBS_STRICT", "1");
    let script = r#"
set -eu
ulimit -f 1
for n in 0 1 2 3 4 5 6 7; do
  strace -qq -o /dev/null -e inject=ftruncate:error=EIO "$OBS" log "$n" >/dev/null
done
"#;
    rig.bash(script).fine();
    let text = fs::read(rig.home("logs.log")).unwrap();
    assert!(
        text.len() == 1024 && !text.ends_with(b"\n"),
        "{} bytes",
        text.len()
    );
    rig.obs(["log", "after"]).fine();
    let (lines, said) = rig.lines("logs");
    assert_eq!(lines.len(), 9, "{lines:?}");
    assert!(said.starts_with("obs: skipped 1 damaged line\n"), "{said}");
}

#[test]
fn few_descriptors_end_no_script() {
    let least = if is_release() { 3 } else { 4 }; // the loader needs one
    for most in least..10 {
        let rig = Rig::new();
        let run = rig.bash(&format!("set -eu\nulimit -n {most}\n{HOT}"));
        assert_eq!(run.code, 0, "{most}: {}", run.shown());
        let back = run.stderr.matches("obs: UNSAVED {").count();
        let kept: usize = ["logs", "events", "metrics-points", "spans"]
            .iter()
            .map(|signal| rig.lines(signal).0.len())
            .sum();
        let live = fs::read_dir(rig.home("live")).map_or(0, Iterator::count);
        assert_eq!(back + kept + live, 5, "{most}: {}", run.shown());
    }
}

#[test]
fn few_descriptors_lose_no_started_span() {
    for most in 4..9 {
        let rig = Rig::new();
        let script = r#"
set -eu
eval "$("$OBS" span start s --owner 0)"
span=$TRACEPARENT
(ulimit -n MOST; "$OBS" span set k=v; "$OBS" span end >/dev/null)
"$OBS" span end --span "$span" >/dev/null
"#;
        let run = rig.bash(&script.replace("MOST", &most.to_string()));
        assert_eq!(run.code, 0, "{most}: {}", run.shown());
        assert_eq!(rig.records("spans").len(), 1, "{most}: {}", run.shown());
    }
}

#[test]
fn few_descriptors_hide_no_file() {
    let rig = Rig::new();
    rig.obs(["log", "first"]).fine();
    let line = fs::read_to_string(rig.home("logs.log")).unwrap();
    fs::create_dir(rig.home("spill")).unwrap();
    for n in 0..60 {
        // ids of their own, or they were one record
        let id = line
            .split("\"id\":\"")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap();
        let other = line.replace(id, &format!("{}{n:04}", &id[..22]));
        fs::write(rig.home(&format!("spill/logs-{n:020}-1-1.jsonl")), other).unwrap();
    }
    let run = rig.bash("ulimit -n 24; \"$OBS\" logs --json");
    let complete = run.code == 0 && run.stdout.lines().count() == 61;
    let says_so = run.code == 3 && !run.stderr.is_empty();
    let seen = run.stdout.lines().count();
    assert!(
        complete || says_so,
        "exit {}, {seen} of 61, silently: {}",
        run.code,
        run.stderr
    );
}

#[test]
fn no_more_processes_are_needed() {
    if !is_root() || !have("setpriv") || !have("prlimit") {
        return;
    }
    let rig = Rig::new().with("OBS_STRICT", "1");
    chown(rig.path("user"), Some(54_321), Some(54_321)).unwrap();
    let home = rig.path("user/home").to_str().unwrap().to_owned();
    copy_program(&rig);
    let mut command = rig.command("setpriv");
    command.env("OBS_HOME", &home);
    command.args([
        "--reuid=54321",
        "--regid=54321",
        "--clear-groups",
        "prlimit",
        "--nproc=1",
    ]);
    let run = crate::rig::run(command.arg(rig.path("obs")).args(["log", "mine"]));
    assert_eq!(run.code, 0, "{}", run.shown());
    rig.with("OBS_HOME", &home).holds(&["mine"]);
}

/// What the kernel does with a program that it cannot load.
const NOT_LOADED: [i32; 2] = [128 + 9, 128 + 11];

#[test]
fn little_memory_ends_no_script() {
    if !is_release() {
        return skip("the loader of a dynamic program fails first; set OBS_RELEASE");
    }
    if !have("prlimit") {
        return;
    }
    // from what just holds the program itself
    let size = fs::metadata(program()).unwrap().len() / 1024;
    let (mut refused, mut loaded) = (0, 0);
    for kilobytes in (size - 64..size + 512).step_by(8) {
        let rig = Rig::new();
        let run = rig.bash(&format!(
            "prlimit --as=$(({kilobytes} * 1024)) \"$OBS\" log mine"
        ));
        if NOT_LOADED.contains(&run.code) {
            refused += 1;
            continue;
        }
        loaded += 1;
        assert_eq!(run.code, 0, "{kilobytes} kB: {}", run.shown());
        let told = ["obs: UNSAVED {", "memory allocation of "];
        let kept = rig.messages() == ["mine"] || told.iter().any(|word| run.stderr.contains(word));
        assert!(kept, "{kilobytes} kB: {}", run.shown());
    }
    assert!(
        refused > 0 && loaded > 20,
        "{refused} refused, {loaded} loaded"
    );
}

#[test]
fn memory_that_runs_out_damages_nothing() {
    if !have("strace") {
        return;
    }
    let rig = Rig::new().with("OBS_STRICT", "1");
    rig.obs(["log", "first"]).fine();
    let calls = strace::calls(&rig, &["log", "watched"]);
    let mut expected = vec!["first".to_owned(), "watched".to_owned()];
    let memory = calls
        .iter()
        .filter(|call| call.name == "mmap" || call.name == "brk");
    for call in memory {
        for all in ["", "+"] {
            let message = format!("{} {}{all}", call.name, call.number);
            let fault = format!("{}:error=ENOMEM:when={}{all}", call.name, call.number);
            let run = strace::run(&rig, &fault, &["log", &message]);
            if run.code == 0 {
                expected.push(message);
            }
        }
    }
    rig.obs(["log", "after"]).fine();
    expected.push("after".to_owned());
    let found = rig.messages();
    assert!(
        expected.iter().all(|message| found.contains(message)),
        "{found:?}"
    );
    assert_eq!(rig.lines("logs").1, "");
}
