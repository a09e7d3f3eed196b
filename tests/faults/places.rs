//! Where the journal should be and cannot: folders of others, no folder, no home, no user; and things in its place that
//! are no files of ours.

use crate::rig::{self, Outcome, Rig, copy_program, have, is_root};
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::PathBuf;

const NOBODY: u32 = 65_534;
const UNKNOWN: u32 = 54_321;

/// A rig that other users can enter, with a copy of the program that they can run.
fn open_rig() -> Rig {
    let rig = Rig::new();
    copy_program(&rig);
    fs::set_permissions(rig.path("tmp"), fs::Permissions::from_mode(0o1777)).unwrap();
    let copy = rig.path("obs").to_str().unwrap().to_owned();
    rig.with("OBS", &copy).with("OBS_STRICT", "1")
}

/// Runs a script as another user.
fn run_as(rig: &Rig, user: u32, script: &str) -> Outcome {
    let user = user.to_string();
    let mut command = rig.command("setpriv");
    command.args([
        "--reuid",
        &user,
        "--regid",
        &user,
        "--clear-groups",
        "bash",
        "-c",
    ]);
    crate::rig::run(command.arg(format!("set -eu\n{script}")))
}

/// The messages among printed lines.
fn messages(text: &str) -> Vec<String> {
    let message = |line: &str| {
        let record: serde_json::Value = serde_json::from_str(line).expect(line);
        record["message"].as_str().unwrap().to_owned()
    };
    text.lines().map(message).collect()
}

const LOG_AND_READ: &str = "\"$OBS\" log mine >/dev/null\n\"$OBS\" logs --json";

#[test]
fn home_of_others_is_left_alone() {
    if !is_root() || !have("setpriv") {
        return;
    }
    let rig = open_rig();
    rig.obs(["log", "first"]).fine();
    let before = fs::read(rig.home("logs.log")).unwrap();
    for mode in [0o700, 0o755, 0o777] {
        fs::set_permissions(rig.home(""), fs::Permissions::from_mode(mode)).unwrap();
        let run = run_as(&rig, NOBODY, LOG_AND_READ).fine();
        assert!(
            messages(&run.stdout).contains(&"mine".to_owned()),
            "{mode:o}: {}",
            run.shown()
        );
    }
    assert_eq!(fs::read(rig.home("logs.log")).unwrap(), before);
    assert_eq!(rig.names("home"), ["logs.log", "sealed"]);
    assert_eq!(rig.names("tmp"), [format!("obs-spill-{NOBODY}")]);
}

#[test]
fn root_leaves_foreign_homes_alone() {
    if !is_root() {
        return;
    }
    let rig = open_rig();
    let user = rig.path("user");
    chown(&user, Some(NOBODY), Some(NOBODY)).unwrap();
    let rig = rig.with("OBS_HOME", "");
    let run = rig.bash(LOG_AND_READ).fine();
    assert_eq!(messages(&run.stdout), ["mine"]);
    assert!(rig.names("user").is_empty(), "{:?}", rig.names("user"));
}

#[test]
fn missing_folders_are_made() {
    let rig = Rig::new();
    let deep = rig.path("a/b/c").to_str().unwrap().to_owned();
    let rig = rig.with("OBS_HOME", &deep).with("OBS_STRICT", "1");
    rig.obs(["log", "mine"]).fine();
    rig.holds(&["mine"]);
    let mode = fs::metadata(rig.path("a")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn narrow_umask_changes_no_modes() {
    let rig = Rig::new().with("OBS_STRICT", "1");
    for umask in ["0000", "0777"] {
        let _ = fs::remove_dir_all(rig.path("home"));
        let run = rig.bash(&format!("umask {umask}\n{LOG_AND_READ}"));
        assert_eq!(messages(&run.fine().stdout), ["mine"]);
        let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(rig.home("")), 0o700, "{umask}");
        assert_eq!(mode(rig.home("logs.log")), 0o600, "{umask}");
    }
}

#[test]
fn deleted_working_directory_matters_not() {
    let rig = Rig::new().with("OBS_STRICT", "1");
    let gone = "set -eu\nmkdir gone\ncd gone\nrmdir ../gone\n";
    let run = rig.bash(&format!("{gone}{LOG_AND_READ}")).fine();
    assert_eq!(messages(&run.stdout), ["mine"]);
    // a relative home is nowhere then
    let relative = rig.with("OBS_HOME", "relative");
    let run = relative.bash(&format!("{gone}{LOG_AND_READ}")).fine();
    assert_eq!(messages(&run.stdout), ["mine"]);
}

#[test]
fn no_home_variable_falls_back() {
    if !is_root() || !have("setpriv") {
        return;
    }
    for user in [NOBODY, UNKNOWN] {
        for unset in ["unset HOME", "export HOME=", "export HOME=relative"] {
            let rig = open_rig().with("OBS_HOME", "");
            let run = run_as(&rig, user, &format!("{unset}\n{LOG_AND_READ}")).fine();
            assert_eq!(messages(&run.stdout), ["mine"], "{user}, {unset}");
            assert_eq!(rig.names("tmp"), [format!("obs-spill-{user}")]);
        }
    }
}

#[test]
fn runtime_folder_is_the_last_home() {
    if !is_root() || !have("setpriv") {
        return;
    }
    let rig = open_rig().with("OBS_HOME", "").with("HOME", "");
    chown(rig.path("work"), Some(UNKNOWN), Some(UNKNOWN)).unwrap();
    let runtime = rig.path("work").to_str().unwrap().to_owned();
    let rig = rig.with("XDG_RUNTIME_DIR", &runtime);
    let run = run_as(&rig, UNKNOWN, LOG_AND_READ).fine();
    assert_eq!(messages(&run.stdout), ["mine"]);
    assert_eq!(rig.names("work/obs"), ["logs.log", "sealed"]);
}

#[test]
fn nowhere_hands_the_record_back() {
    if !is_root() || !have("setpriv") {
        return;
    }
    let rig = open_rig().with("OBS_STRICT", "");
    fs::set_permissions(rig.path("tmp"), fs::Permissions::from_mode(0o700)).unwrap();
    let run = run_as(&rig, NOBODY, "\"$OBS\" log mine >/dev/null").fine();
    let back = run.stderr.strip_prefix("obs: UNSAVED ").unwrap();
    assert_eq!(messages(back), ["mine"]);
    let strict = run_as(&rig, NOBODY, "OBS_STRICT=1 \"$OBS\" log mine >/dev/null");
    assert_eq!(strict.code, 3, "{}", strict.shown());
}

/// Puts something in the place of the active file; the record must be kept elsewhere, soon, and the thing stay as it is.
fn replaced_by(make: &dyn Fn(&Rig, PathBuf)) -> Rig {
    let rig = Rig::new().with("OBS_STRICT", "1");
    rig.obs(["log", "first"]).fine();
    fs::remove_file(rig.home("logs.log")).unwrap();
    make(&rig, rig.home("logs.log"));
    // a FIFO without a reader would block for ever
    let run = rig.bash("timeout -k 1 20 \"$OBS\" log mine >/dev/null");
    assert_eq!(run.code, 0, "{}", run.shown());
    let read = rig.bash("timeout -k 1 20 \"$OBS\" logs --json").fine();
    assert_eq!(messages(&read.stdout), ["mine"]);
    assert_eq!(rig.names("home/spill").len(), 1);
    rig
}

#[test]
fn link_is_never_written_through() {
    let rig = replaced_by(&|rig, path| {
        fs::write(rig.path("outside"), "theirs\n").unwrap();
        symlink(rig.path("outside"), path).unwrap();
    });
    assert_eq!(fs::read_to_string(rig.path("outside")).unwrap(), "theirs\n");
    replaced_by(&|_, path| symlink("/dev/full", path).unwrap());
    let rig = replaced_by(&|rig, path| symlink(rig.path("made"), path).unwrap());
    assert!(!rig.path("made").exists());
}

#[test]
fn pipe_and_folder_are_refused() {
    replaced_by(&|rig, path| {
        let made = rig.command("mkfifo").arg(path).status().unwrap();
        assert!(made.success());
    });
    replaced_by(&|_, path| fs::create_dir(path).unwrap());
}

#[test]
fn device_is_refused() {
    if !is_root() {
        return;
    }
    replaced_by(&|rig, path| {
        let made = rig
            .command("mknod")
            .arg(path)
            .args(["c", "1", "7"])
            .status();
        assert!(made.unwrap().success());
    });
}

#[test]
fn folders_that_are_none_are_refused() {
    for name in ["spill", "live"] {
        let rig = Rig::new().with("OBS_LOCK_TIMEOUT", "0");
        rig.obs(["log", "first"]).fine();
        fs::write(rig.home(name), "theirs").unwrap();
        let journal = rig::hold(&rig.home("logs.log"));
        rig.obs(["log", "mine"]).fine();
        rig.obs(["span", "start", "s", "--owner", "0"]).fine();
        drop(journal);
        rig.holds(&["first", "mine"]);
        assert_eq!(fs::read_to_string(rig.home(name)).unwrap(), "theirs");
    }
}

#[test]
fn second_place_of_others_is_refused() {
    if !is_root() || !have("setpriv") {
        return;
    }
    let rig = open_rig().with("OBS_STRICT", "");
    // somebody was there before: a folder of theirs, and a link to one of ours
    let place = rig.path("tmp").join(format!("obs-spill-{NOBODY}"));
    fs::create_dir(&place).unwrap();
    fs::set_permissions(&place, fs::Permissions::from_mode(0o777)).unwrap();
    let run = run_as(&rig, NOBODY, "\"$OBS\" log mine >/dev/null").fine();
    assert!(run.stderr.starts_with("obs: UNSAVED {"), "{}", run.shown());
    assert!(fs::read_dir(&place).unwrap().next().is_none());

    fs::remove_dir(&place).unwrap();
    fs::create_dir(rig.path("target")).unwrap();
    chown(rig.path("target"), Some(NOBODY), Some(NOBODY)).unwrap();
    fs::set_permissions(rig.path("target"), fs::Permissions::from_mode(0o700)).unwrap();
    symlink(rig.path("target"), &place).unwrap();
    let run = run_as(&rig, NOBODY, "\"$OBS\" log mine >/dev/null").fine();
    assert!(run.stderr.starts_with("obs: UNSAVED {"), "{}", run.shown());
    assert!(rig.names("target").is_empty());
}
