//! Shipping under kills: shells that log, the relay, the receiver, rotation and retention at once, as
//! `../shared/lab/torture.py` does it. What was acknowledged to a shell is at the receiver; what came twice has the same id.

use crate::receiver::{OK, Receiver, Reply, ids};
use crate::rig::{self, Dice, Rig, Running, have, is_release};
use rustix::process::Signal;
use std::collections::HashMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How often the receiver had each id.
type Got = Arc<Mutex<HashMap<String, u32>>>;

/// A receiver that takes what it answers well, and sometimes what it does not: answers are cut off, or it is not there for
/// a moment.
fn receiver(got: &Got) -> Receiver {
    let got = Arc::clone(got);
    Receiver::forgetful(move |number, request| {
        let mut dice = Dice::new(number as u64 + 1);
        let fate = dice.roll(100);
        if fate < 3 {
            return Reply::Status("503 Service Unavailable\r\nRetry-After: 0\r\n");
        }
        let mut got = got.lock().unwrap();
        for id in ids(&request.body) {
            *got.entry(id).or_default() += 1;
        }
        match fate {
            3..6 => Reply::Cut,
            _ => OK,
        }
    })
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

fn acknowledged(rig: &Rig) -> u64 {
    let names = rig.names("acks").into_iter();
    let lengths = names.map(|name| fs::metadata(rig.path("acks").join(name)).unwrap().len());
    lengths.sum::<u64>() / 27 // a ULID and its newline
}

#[test]
fn storm_of_kills_loses_nothing_on_the_way() {
    let Some(library) = std::env::var_os("OBS_RELEASE_LIBRARY").map(PathBuf::from) else {
        return rig::skip(
            "OBS_RELEASE_LIBRARY names no libobs.so (cargo build --release -p obs-builtin)",
        );
    };
    if !have("bash") {
        return;
    }
    let wanted: u64 = match std::env::var("OBS_STORM_RECORDS") {
        Ok(count) => count.parse().unwrap(),
        Err(_) if is_release() => 200_000,
        Err(_) => 5_000,
    };
    let got: Got = Arc::default();
    let receiver = receiver(&got);
    let rig = Rig::new()
        .with("OBS_STRICT", "1")
        .with("OBS_FLUSH", "manual")
        .with("OBS_ROTATE_BYTES", "262144")
        .with("OBS_KEEP_BYTES", "1048576")
        .with("OTEL_EXPORTER_OTLP_ENDPOINT", &receiver.url());
    fs::create_dir(rig.path("acks")).unwrap();
    let mut dice = Dice::new(11);
    let relay = || Running::start(rig.command(rig::program()).arg("relay"));
    let mut shells: Vec<Running> = (0..4).map(|name| writer(&rig, &library, name)).collect();
    let mut names = shells.len();
    let mut sending = relay();
    while acknowledged(&rig) < wanted {
        std::thread::sleep(Duration::from_millis(50 + dice.roll(300) as u64));
        let shell = dice.roll(shells.len());
        shells[shell].signal(Signal::KILL);
        shells[shell].ended();
        shells[shell] = writer(&rig, &library, names);
        names += 1;
        if dice.roll(3) == 0 {
            sending.signal(Signal::KILL);
            sending.ended();
            sending = relay();
        }
    }
    for running in shells.iter_mut().chain([&mut sending]) {
        running.signal(Signal::KILL);
        running.ended();
    }
    let flushed = rig.obs(["flush", "--timeout", "300"]);
    assert_eq!(flushed.code, 0, "{}", flushed.shown());
    let got = got.lock().unwrap();
    let mut missing = 0;
    let mut count = 0;
    for name in rig.names("acks") {
        let text = fs::read_to_string(rig.path("acks").join(name)).unwrap();
        for line in text
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n'))
        {
            count += 1;
            missing += usize::from(!got.contains_key(line.trim_end()));
        }
    }
    let again = got.values().filter(|times| **times > 1).count();
    println!(
        "{count} acknowledged, {missing} missing, {again} came again, {} at the receiver",
        got.len()
    );
    assert!(count as u64 >= wanted);
    assert_eq!(missing, 0);
}

/// What a drain does last with an acknowledged batch, by system call and file: the cursor is written, made durable, and
/// what it has passed is removed.
const POINTS: [(&str, &str, bool); 3] = [
    ("pwrite64", "cursors/x", true),
    ("fdatasync", "cursors/x", true),
    ("unlink,unlinkat", "sealed/logs-00000001.jsonl", false),
];

#[test]
fn drain_killed_after_the_export_repeats_and_skips_nothing() {
    if !have("strace") {
        return;
    }
    for (call, file, repeats) in POINTS {
        let got: Got = Arc::default();
        let kept = Arc::clone(&got);
        let receiver = Receiver::forgetful(move |_, request| {
            let mut kept = kept.lock().unwrap();
            for id in ids(&request.body) {
                *kept.entry(id).or_default() += 1;
            }
            OK
        });
        let rig = Rig::new()
            .with("OBS_FLUSH", "manual")
            .with("OBS_ROTATE_BYTES", "4096")
            .with("OBS_KEEP_BYTES", "1");
        let many = format!(
            "for i in {{1..60}}; do {} log \"m$i\"; done",
            rig::program()
        );
        rig.bash(&many).fine();
        let sink = format!(
            "[[sink]]\nname = \"x\"\ntype = \"otlp\"\nendpoint = \"{}\"\n",
            receiver.url()
        );
        fs::write(rig.home("config.toml"), sink).unwrap();
        let ids: Vec<String> = rig
            .records("logs")
            .iter()
            .map(|log| log["id"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(ids.len(), 60);
        let mut strace = rig.command("strace");
        strace
            .args(["-f", "-qq", "-o", "/dev/null", "-e"])
            .arg(format!("inject={call}:signal=SIGKILL:when=1"))
            .arg("-P")
            .arg(rig.home(file))
            .arg(rig::program())
            .args(["flush", "--timeout", "60"]);
        let killed = rig::run(&mut strace);
        assert_eq!(killed.code, 128 + 9, "{call}: {}", killed.shown());
        let again = rig.obs(["flush"]);
        assert_eq!(again.code, 0, "{call}: {}", again.shown());
        let got = got.lock().unwrap();
        for id in &ids {
            let times = got.get(id).copied().unwrap_or_default();
            assert!(
                times >= 1 && (repeats || times == 1),
                "{call}: {id} came {times} times"
            );
        }
        assert_eq!(got.len(), ids.len(), "{call}");
    }
}
