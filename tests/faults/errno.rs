//! Every errno at every system call of an append and of a span's end. The record is in the journal, in spill, or on
//! stderr as `obs: UNSAVED`; the caller's script goes on; other records stay as they are.

use crate::rig::{Outcome, Rig, have};
use crate::stage::{Stage, Supply};
use crate::strace::{self, Call};
use std::collections::BTreeMap;
use std::fs;

/// What may go wrong with a call. Names differ by libc: those that the program does not use are never asked for.
const ERRORS: &[(&str, &[&str])] = &[
    ("chmod", &["EPERM", "EROFS"]),
    ("close", &["EINTR"]),
    ("fchmod", &["EPERM"]),
    ("fcntl", &["EINVAL"]),
    ("fdatasync", &["EIO", "ENOSPC"]),
    ("flock", &["ENOLCK", "EINTR", "EIO"]),
    ("fstat", &["EIO"]),
    ("fsync", &["EIO"]),
    ("ftruncate", &["EIO"]),
    ("getdents64", &["EIO"]),
    ("getrandom", &["ENOSYS"]),
    ("lseek", &["EIO"]),
    ("lstat", &["EIO", "EACCES"]),
    ("mkdir", &["EACCES", "ENOSPC", "EROFS"]),
    ("newfstatat", &["EIO"]),
    ("open", &["EACCES", "EMFILE", "EROFS", "ENOSPC"]),
    ("openat", &["EACCES", "EMFILE", "EROFS", "ENOSPC"]),
    ("pread64", &["EIO"]),
    ("read", &["EIO"]),
    ("rename", &["EIO", "ENOSPC"]),
    ("renameat2", &["ENOSYS", "EINVAL", "EXDEV", "EEXIST"]),
    ("rt_sigpending", &["EINVAL"]),
    ("rt_sigprocmask", &["EINVAL"]),
    ("stat", &["EIO", "EACCES"]),
    ("statx", &["EIO", "EACCES"]),
    ("unlink", &["EIO", "EPERM"]),
    (
        "write",
        &["ENOSPC", "EIO", "EDQUOT", "EFBIG", "EINTR", "EAGAIN"],
    ),
];

/// An injection as strace writes it, and whether it fails all calls of its name rather than one.
struct Fault {
    text: String,
    all: bool,
}

/// Every errno at each of the calls that were seen, and at all of one name.
fn faults(calls: &[Call]) -> Vec<Fault> {
    let mut seen = BTreeMap::<&str, Vec<usize>>::new();
    for call in calls {
        seen.entry(&call.name).or_default().push(call.number);
    }
    let mut faults = Vec::new();
    for (name, numbers) in seen {
        let errors = ERRORS.iter().find(|(known, _)| *known == name);
        for error in errors.map_or(&[][..], |(_, errors)| errors) {
            let each = numbers.iter().map(|number| (number.to_string(), false));
            let all = (format!("{}+", numbers[0]), true);
            // nobody is interrupted at every try: the standard library tries for ever
            let all = Some(all).filter(|_| *error != "EINTR" || name == "flock");
            faults.extend(each.chain(all).map(|(when, all)| Fault {
                text: format!("{name}:error={error}:when={when}"),
                all,
            }));
        }
    }
    faults
}

/// True where the caller was given the record back, or could not even be told.
fn is_handed_back(run: &Outcome, fault: &Fault, mark: &str) -> bool {
    let told = run.stderr.lines().any(|line| {
        line.strip_prefix("obs: UNSAVED ")
            .is_some_and(|line| line.contains(mark))
    });
    told || fault.all && fault.text.starts_with("write:")
}

/// Fails every call of an append; the answer is what went wrong and how many faults there were.
fn append_with_faults(stage: Stage, args: &[&str], wrong: &mut Vec<String>) -> usize {
    let rig = stage.rig();
    let supply = Supply::new(&rig);
    let watched = stage.set(&rig, &supply);
    let faults = faults(&strace::calls(&rig, args));
    drop(watched);
    for fault in &faults {
        let mut scene = stage.set(&rig, &supply);
        let strict = strace::run(&rig, &fault.text, args);
        let returned = is_handed_back(&strict, fault, "mine");
        let mut report = |what: &str, run: &Outcome| {
            wrong.push(format!(
                "{stage:?}, {}: {what}: {}",
                fault.text,
                run.shown()
            ));
        };
        match strict.code {
            0 if strict.stderr.contains("UNSAVED") => report("kept and handed back", &strict),
            0 => {}
            3 if returned => {}
            _ => report("neither kept nor handed back", &strict),
        }
        for what in scene.faults(&rig, strict.code == 0) {
            report(&what, &strict);
        }
    }
    faults.len()
}

#[test]
fn any_errno_in_an_append() {
    if !have("strace") {
        return;
    }
    let mut wrong = Vec::new();
    for stage in Stage::ALL {
        let count = append_with_faults(stage, &["log", "--print-id", "mine"], &mut wrong);
        assert!(count > 50, "{stage:?}: only {count} faults");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn any_errno_in_a_durable_append() {
    if !have("strace") {
        return;
    }
    let mut wrong = Vec::new();
    for stage in [Stage::Existing, Stage::Fresh, Stage::Held] {
        let args = ["log", "--durable", "--print-id", "mine"];
        let count = append_with_faults(stage, &args, &mut wrong);
        assert!(count > 50, "{stage:?}: only {count} faults");
    }
    // where no disk answers at all the record may be in a file and still be handed back
    wrong.retain(|text| !text.contains("fdatasync:error") || !text.contains("+: neither"));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn failed_sync_is_written_again_elsewhere() {
    if !have("strace") {
        return;
    }
    let rig = Rig::new().with("OBS_STRICT", "1");
    rig.obs(["log", "first"]).fine();
    strace::run(
        &rig,
        "fdatasync:error=EIO:when=1",
        &["log", "--durable", "mine"],
    )
    .fine();
    assert_eq!(rig.names("home/spill").len(), 1);
    rig.holds(&["first", "mine"]);
    let synced = fs::read_to_string(strace::output(&rig)).unwrap();
    let tries = synced
        .lines()
        .filter(|line| line.starts_with("fdatasync("))
        .count();
    assert_eq!(tries, 2, "never synced again on the old file: {synced}");
}

#[test]
fn no_errno_ends_the_script() {
    if !have("strace") {
        return;
    }
    for stage in Stage::ALL {
        let rig = stage.rig().with("OBS_STRICT", "");
        let supply = Supply::new(&rig);
        let watched = stage.set(&rig, &supply);
        let faults = faults(&strace::calls(&rig, &["log", "mine"]));
        drop(watched);
        for fault in faults.iter().filter(|fault| fault.all) {
            let _scene = stage.set(&rig, &supply);
            let run = strace::run(&rig, &fault.text, &["log", "mine"]);
            assert_eq!(run.code, 0, "{stage:?}, {}: {}", fault.text, run.shown());
        }
    }
}

#[test]
fn any_errno_in_a_span_end() {
    if !have("strace") {
        return;
    }
    let rig = Rig::new().with("OBS_STRICT", "1");
    let start = |rig: &Rig| {
        let _ = fs::remove_dir_all(rig.path("home"));
        let _ = fs::remove_dir_all(rig.path("tmp"));
        fs::create_dir(rig.path("tmp")).unwrap();
        let started = rig.obs(["span", "start", "s", "--owner", "0"]).fine();
        started.stdout.split('-').nth(2).unwrap().to_owned()
    };
    let id = start(&rig);
    let faults = faults(&strace::calls(&rig, &["span", "end", "--span", &id]));
    assert!(faults.len() > 80, "only {} faults", faults.len());
    let mut wrong = Vec::new();
    for fault in &faults {
        let id = start(&rig);
        let run = strace::run(&rig, &fault.text, &["span", "end", "--span", &id]);
        let live = rig.home("live").join(format!("{id}.json")).exists();
        let count = rig.records("spans").len();
        rig.obs(["span", "end", "--span", &id]);
        let after = rig.records("spans").len();
        let handed = is_handed_back(&run, fault, &id);
        let good = match run.code {
            0 => count == 1 && after == 1,
            3 => (live || handed) && count <= 1 && after == usize::from(live || count == 1),
            _ => false,
        };
        if !good {
            let shown = run.shown();
            wrong.push(format!("{}: {count}, then {after}: {shown}", fault.text));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
