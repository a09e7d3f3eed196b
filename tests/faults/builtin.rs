//! The loadable builtin under the same storms as the binary: shells killed in the middle of their calls, and 64 of them at
//! once. What was acknowledged is there, once, and nobody's record is damaged.

use crate::rig::{self, Dice, Rig, Running, have, is_release};
use rustix::process::Signal;
use std::collections::HashMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The library that the runner has built; without one its tests are skipped aloud.
fn library() -> Option<PathBuf> {
    let library = std::env::var_os("OBS_RELEASE_LIBRARY").map(PathBuf::from);
    if library.is_none() {
        rig::skip("OBS_RELEASE_LIBRARY names no libobs.so (cargo build --release -p obs-builtin)");
    }
    library.filter(|_| have("bash"))
}

/// A shell that logs until it is killed, and writes the id of each record that was kept to `acks/<name>`.
fn writer(rig: &Rig, library: &Path, name: usize) -> Running {
    let script = format!(
        "enable -f {} obs; for ((i = 0; ; i++)); do obs log --print-id info -- \"{name}-$i\" k=v; done",
        library.display()
    );
    let acks = File::create(rig.path(&format!("acks/{name}"))).unwrap();
    Running::start(rig.command("bash").args(["-c", &script]).stdout(acks))
}

/// The ids that were acknowledged with a whole line.
fn acknowledged(rig: &Rig) -> Vec<String> {
    let mut ids = Vec::new();
    for name in rig.names("acks") {
        let text = fs::read_to_string(rig.path("acks").join(name)).unwrap();
        let whole = text
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n'));
        ids.extend(whole.map(|line| line.trim_end().to_owned()));
    }
    ids
}

#[test]
fn killed_shells_damage_nothing() {
    let Some(library) = library() else {
        return;
    };
    let rig = Rig::new()
        .with("OBS_STRICT", "1")
        .with("OBS_ROTATE_BYTES", "200000");
    fs::create_dir(rig.path("acks")).unwrap();
    let mut dice = Dice::new(5);
    let mut bystander = writer(&rig, &library, 0);
    let mut shells: Vec<Running> = (1..8).map(|name| writer(&rig, &library, name)).collect();
    for name in 8..60 {
        std::thread::sleep(Duration::from_millis(5 + dice.roll(40) as u64));
        let shell = dice.roll(shells.len());
        shells[shell].signal(Signal::KILL);
        shells[shell] = writer(&rig, &library, name);
    }
    for shell in &mut shells {
        shell.signal(Signal::KILL);
        shell.ended();
    }
    assert!(!bystander.is_over(), "the shell that nobody killed ended");
    bystander.signal(Signal::KILL);
    bystander.ended();
    let (lines, _) = rig.lines("logs");
    let mut found: HashMap<String, usize> = HashMap::new();
    for line in &lines {
        let record: serde_json::Value = serde_json::from_str(line).expect(line);
        *found
            .entry(record["id"].as_str().unwrap().to_owned())
            .or_default() += 1;
    }
    let acknowledged = acknowledged(&rig);
    assert!(acknowledged.len() > 500, "only {}", acknowledged.len());
    for id in &acknowledged {
        assert_eq!(found.get(id), Some(&1), "{id}");
    }
    // a line that was being written when its shell was killed is all that may be damaged
    let fsck = rig.obs(["fsck", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&fsck.stdout).expect(&fsck.stdout);
    let damaged = report["damaged"].as_array().map_or(0, Vec::len);
    assert!(damaged <= 60, "{}", fsck.shown());
}

#[test]
fn sixty_four_shells_lose_nothing() {
    let Some(library) = library() else {
        return;
    };
    const SHELLS: usize = 64;
    let each = if is_release() { 500 } else { 50 };
    let rig = Rig::new()
        .with("OBS_STRICT", "1")
        .with("OBS_LOG_STREAM", "off");
    let script = format!(
        "enable -f {} obs; for ((w = 0; w < {SHELLS}; w++)); do (for ((i = 0; i < {each}; i++)); do obs log info -- \"$w-$i\" a=1 b:=2 c=3 || echo lost; done) & done; wait",
        library.display()
    );
    let said = rig.bash(&script).fine();
    assert_eq!(said.stdout, "", "{}", said.shown());
    let expected: Vec<String> = (0..SHELLS)
        .flat_map(|shell| (0..each).map(move |n| format!("{shell}-{n}")))
        .collect();
    rig.holds(&expected);
}
