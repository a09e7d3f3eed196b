//! Every torn tail that a crash may leave: the last record cut anywhere, with its rest zeroed or garbage. What stands
//! before and what comes after is read; nothing is glued together.

use crate::rig::{Dice, Rig};
use std::fs;

/// What a crash left of the last record.
#[derive(Debug, Clone, Copy)]
enum Rest {
    Cut,
    Garbage,
    Zeros,
}

/// The last line with everything behind `cut` changed.
fn torn(line: &[u8], cut: usize, rest: Rest, dice: &mut Dice) -> Vec<u8> {
    let missing = line.len() - cut;
    let rest = match rest {
        Rest::Cut => Vec::new(),
        Rest::Garbage => dice.bytes(missing),
        Rest::Zeros => vec![0; missing],
    };
    [&line[..cut], &rest].concat()
}

#[test]
fn torn_tails_hide_no_neighbour() {
    let rig = Rig::new().with("OBS_STRICT", "1");
    let mut dice = Dice::new(3);
    for message in ["first", "second", "torn"] {
        rig.obs(["log", message]).fine();
    }
    let file = rig.home("logs.log");
    let whole = fs::read(&file).unwrap();
    let start = whole[..whole.len() - 1]
        .iter()
        .rposition(|byte| *byte == b'\n')
        .unwrap()
        + 1;
    let (before, line) = whole.split_at(start);
    let mut states = 0;
    for rest in [Rest::Cut, Rest::Garbage, Rest::Zeros] {
        for cut in 0..line.len() {
            let tail = torn(line, cut, rest, &mut dice);
            fs::write(&file, [before, &tail].concat()).unwrap();
            // a reader now: the record that has no end is not there yet
            let now: Vec<String> = rig.messages();
            assert_eq!(now, ["first", "second"], "{rest:?} at {cut}");
            rig.obs(["log", "after"]).fine();
            let after = rig.messages();
            // only the newline was missing: then the next writer makes the record whole
            let expected: &[&str] = match tail == line[..line.len() - 1] {
                true => &["first", "second", "torn", "after"],
                false => &["first", "second", "after"],
            };
            assert_eq!(after, expected, "{rest:?} at {cut}");
            states += 1;
        }
    }
    assert!(states > 400, "{states}");
}

#[test]
fn torn_tails_are_repaired_in_place() {
    let rig = Rig::new().with("OBS_STRICT", "1");
    let mut dice = Dice::new(4);
    for message in ["first", "torn"] {
        rig.obs(["log", message]).fine();
    }
    let file = rig.home("logs.log");
    let whole = fs::read(&file).unwrap();
    let start = whole[..whole.len() - 1]
        .iter()
        .rposition(|byte| *byte == b'\n')
        .unwrap()
        + 1;
    let (before, line) = whole.split_at(start);
    for rest in [Rest::Cut, Rest::Garbage, Rest::Zeros] {
        for cut in (1..line.len() - 1).step_by(17) {
            let tail = torn(line, cut, rest, &mut dice);
            fs::write(&file, [before, &tail].concat()).unwrap();
            rig.obs(["log", "after"]).fine();
            let length = fs::metadata(&file).unwrap().len();
            assert_eq!(rig.obs(["fsck"]).code, 1, "{rest:?} at {cut}");
            rig.obs(["fsck", "--repair"]).fine();
            rig.obs(["fsck"]).fine();
            assert_eq!(fs::metadata(&file).unwrap().len(), length);
            rig.holds(&["first", "after"]);
        }
    }
}

#[test]
fn torn_closed_files_are_read() {
    let rig = Rig::new();
    rig.obs(["log", "first"]).fine();
    let line = fs::read(rig.home("logs.log")).unwrap();
    fs::create_dir(rig.home("spill")).unwrap();
    let half = &line[..line.len() / 2];
    fs::write(
        rig.home("sealed/logs-00000001.jsonl"),
        [&line, half].concat(),
    )
    .unwrap();
    fs::write(rig.home("spill/logs-1-1-1.jsonl"), half).unwrap();
    fs::write(rig.home("spill/.logs-2-1-1.tmp"), &line).unwrap();
    fs::write(rig.home("logs.log"), half).unwrap();
    rig.obs(["log", "after"]).fine();
    let (lines, said) = rig.lines("logs");
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(said.starts_with("obs: skipped 3 damaged lines"), "{said}");
}
