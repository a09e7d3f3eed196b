//! File systems that are full or cannot be written: in a mount namespace of their own, so that nothing stays mounted.

use crate::rig::{Outcome, Rig, have, is_root, may_mount, skip};
use std::fs;

/// Runs a script where it may mount; `mount` fails with 77 what this machine does not allow.
pub(crate) fn unshared(rig: &Rig, script: &str) -> Outcome {
    let script = format!("set -eu\nmkdir -m 700 \"$OBS_HOME\"\n{script}");
    let mut command = rig.command("unshare");
    crate::rig::run(command.args(["-m", "bash", "-c", &script]))
}

/// The messages of whole lines in a file that the script left in `work`; panics for any other line.
fn messages(rig: &Rig, name: &str) -> Vec<String> {
    let text = fs::read_to_string(rig.path("work").join(name)).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'), "{name}: {text}");
    let message = |line: &str| {
        let record: serde_json::Value = serde_json::from_str(line).expect(line);
        record["message"].as_str().unwrap().to_owned()
    };
    text.lines().map(message).collect()
}

/// Fills the home until nothing fits, then gives back space. `$1` of `fill` is how many.
const FILL: &str = r#"
pad=$(printf '%0900d' 0)
fill() { for n in $(seq "$1"); do OBS_STRICT=1 "$OBS" log -- "${2:-0}-$n $pad" >/dev/null; done; }
check() {
  cp "$OBS_HOME/logs.log" full.log
  "$OBS" logs --json >when-full 2>errors
  rm "$OBS_HOME/ballast"
  OBS_STRICT=1 "$OBS" log again >/dev/null
  cp "$OBS_HOME/logs.log" after.log
  "$OBS" logs --json >all 2>>errors
  "$OBS" fsck
}
"#;

fn judge(rig: &Rig, run: &Outcome, expected: usize) {
    assert_eq!(run.code, 0, "{}", run.shown());
    let in_journal = messages(rig, "full.log").len();
    assert!(
        in_journal > 0 && in_journal < expected,
        "{in_journal} of {expected}"
    );
    assert_eq!(messages(rig, "when-full").len(), expected);
    let all = messages(rig, "all");
    assert_eq!(all.len(), expected + 1);
    assert!(all.contains(&"again".to_owned()));
    assert_eq!(messages(rig, "after.log").last().unwrap(), "again");
    assert_eq!(fs::read_to_string(rig.path("work/errors")).unwrap(), "");
    let elsewhere = rig.names("tmp");
    assert!(
        elsewhere.iter().any(|name| name.starts_with("obs-spill-")),
        "{elsewhere:?}"
    );
}

#[test]
fn full_memory_disk_spills_elsewhere() {
    if !may_mount() {
        return;
    }
    let rig = Rig::new();
    let script = r#"
mount -t tmpfs -o size=64k,mode=700 tmpfs "$OBS_HOME"
head -c 20000 /dev/zero >"$OBS_HOME/ballast"
fill 100
check"#;
    let run = unshared(&rig, &format!("{FILL}{script}"));
    judge(&rig, &run, 100);
}

#[test]
fn full_disk_with_writers_spills_elsewhere() {
    if !may_mount() || !have("mkfs.ext4") {
        return;
    }
    let rig = Rig::new();
    let script = r#"
truncate -s 4M image
mkfs.ext4 -q -F -m 0 image
mount -o loop image "$OBS_HOME" || exit 77
head -c 100000 /dev/zero >"$OBS_HOME/ballast"
cat /dev/zero >"$OBS_HOME/filling" 2>/dev/null || true
truncate -s -60000 "$OBS_HOME/filling"
for w in 1 2 3 4 5 6 7 8; do fill 15 "$w" & done
for job in $(jobs -p); do wait "$job"; done
check"#;
    let run = unshared(&rig, &format!("{FILL}{script}"));
    if run.code == 77 {
        return skip("loop devices are not permitted here");
    }
    judge(&rig, &run, 120);
}

#[test]
fn full_disk_keeps_started_spans() {
    if !may_mount() {
        return;
    }
    let rig = Rig::new();
    let script = r#"
mount -t tmpfs -o size=64k,mode=700 tmpfs "$OBS_HOME"
head -c 20000 /dev/zero >"$OBS_HOME/ballast"
eval "$("$OBS" span start s --owner 0)"
cat /dev/zero >"$OBS_HOME/filling" 2>/dev/null || true
for n in 1 2 3; do "$OBS" span set "k$n=$(printf '%05000d' 0)"; done
cat "$OBS_HOME"/live/*.json >live
span=$TRACEPARENT
eval "$("$OBS" span end)"
rm "$OBS_HOME/ballast"
"$OBS" span end --span "$span" >/dev/null
"$OBS" spans --json"#;
    let run = unshared(&rig, script);
    assert_eq!(run.code, 0, "{}", run.shown());
    let live = fs::read(rig.path("work/live")).unwrap();
    serde_json::from_slice::<serde_json::Value>(&live).unwrap();
    assert_eq!(run.stdout.lines().count(), 1, "{}", run.shown());
}

#[test]
fn home_that_became_read_only() {
    if !may_mount() {
        return;
    }
    let rig = Rig::new().with("OBS_STRICT", "1");
    let script = r#"
mount -t tmpfs -o size=1m,mode=700 tmpfs "$OBS_HOME"
"$OBS" log before
mount -o remount,ro "$OBS_HOME"
"$OBS" log during
"$OBS" emit some.event
"$OBS" metric inc some_total
"$OBS" span record s --start 1
OBS_STRICT= "$OBS" span start s --owner 0
OBS_HOME=$OBS_HOME/deeper "$OBS" log missing
mount -o remount,rw "$OBS_HOME"
"$OBS" log after
for signal in events metrics-points spans; do "$OBS" "$signal" --json; done >others
"$OBS" logs --json >logs
cat "$OBS_HOME/logs.log" >active"#;
    let run = unshared(&rig, script);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{}", run.shown());
    let mut logs = messages(&rig, "logs");
    logs.sort();
    assert_eq!(logs, ["after", "before", "during"]);
    assert_eq!(messages(&rig, "active"), ["before", "after"]);
    let others = fs::read_to_string(rig.path("work/others")).unwrap();
    assert_eq!(others.lines().count(), 3, "{others}");
}

#[test]
fn immutable_files_send_records_to_spill() {
    if !is_root() || !have("chattr") {
        return;
    }
    let rig = Rig::new().with("OBS_STRICT", "1");
    rig.obs(["log", "first"]).fine();
    let script = r#"
trap 'chattr -R -i -a "$OBS_HOME"' EXIT
chattr +a "$OBS_HOME/logs.log" || exit 77
"$OBS" log appended >/dev/null
chattr -a +i "$OBS_HOME/logs.log"
"$OBS" log immutable >/dev/null
ls "$OBS_HOME/spill" | wc -l
chattr +i "$OBS_HOME" "$OBS_HOME/spill"
"$OBS" log nowhere-at-home >/dev/null
ls "$TMPDIR"/obs-spill-*/* | wc -l"#;
    let run = rig.bash(&format!("set -eu\n{script}"));
    if run.code == 77 {
        println!("skipped: this file system knows no attributes");
        return;
    }
    assert_eq!(
        (run.code, run.stdout.as_str()),
        (0, "1\n1\n"),
        "{}",
        run.shown()
    );
    rig.holds(&["first", "appended", "immutable", "nowhere-at-home"]);
}
