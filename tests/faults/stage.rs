//! The states that a journal may be in when a fault strikes, made from records of the program itself, and the question
//! that follows every fault: is each record there that must be, once?

use crate::rig::{self, Held, Rig};
use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// What the journal is like when the fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Two records.
    Existing,
    /// No home at all.
    Fresh,
    /// As long as it may be, and not the first: the next append rotates.
    Full,
    /// The lock is held by somebody else: the next append spills.
    Held,
    /// The last line has no end.
    Torn,
}

/// A journal in a state, with what it holds.
#[derive(Debug)]
pub(crate) struct Scene {
    /// Messages of the records in it.
    older: Vec<String>,
    holder: Option<Held>,
}

/// Log lines of the program to make journals of.
#[derive(Debug)]
pub(crate) struct Supply(Vec<String>);

/// More than any stage takes.
const MOST: usize = 8;

impl Supply {
    pub(crate) fn new(rig: &Rig) -> Self {
        let input: String = (0..MOST).map(|n| format!("older {n}\n")).collect();
        fs::write(rig.path("supply"), input).unwrap();
        let args = ["log", "--stdin"];
        rig.obs_from(&rig.path("supply"), &args).fine();
        let (lines, _) = rig.lines("logs");
        assert_eq!(lines.len(), MOST);
        Self(lines)
    }
}

impl Stage {
    pub(crate) const ALL: [Self; 5] = [
        Self::Existing,
        Self::Fresh,
        Self::Full,
        Self::Held,
        Self::Torn,
    ];

    /// The rig of this stage: the settings that make the program do what the stage is about.
    pub(crate) fn rig(self) -> Rig {
        let rig = Rig::new().with("OBS_STRICT", "1");
        match self {
            Self::Full => rig.with("OBS_ROTATE_BYTES", "4096"),
            Self::Held => rig.with("OBS_LOCK_TIMEOUT", "1"),
            _ => rig,
        }
    }

    /// Puts the journal into this state, whatever it was in before.
    pub(crate) fn set(self, rig: &Rig, supply: &Supply) -> Scene {
        for folder in ["home", "tmp"] {
            let _ = fs::remove_dir_all(rig.path(folder));
        }
        fs::create_dir(rig.path("tmp")).unwrap();
        let count = match self {
            Self::Fresh => 0,
            Self::Full => 6,
            _ => 2,
        };
        let older = &supply.0[..count];
        let mut holder = None;
        if self != Self::Fresh {
            fs::create_dir_all(rig.home("sealed")).unwrap();
            fs::set_permissions(rig.home(""), fs::Permissions::from_mode(0o700)).unwrap();
            let mut active = older;
            if self == Self::Full {
                // a number that is taken
                let sealed;
                (sealed, active) = older.split_at(2);
                let text = format!("{}\n{}\n", sealed[0], sealed[1]);
                fs::write(rig.home("sealed/logs-00000001.jsonl"), text).unwrap();
            }
            let mut text: String = active.iter().map(|line| format!("{line}\n")).collect();
            if self == Self::Full {
                // blanks are what a repair leaves
                text = format!("{text}{}\n", " ".repeat(4_094 - text.len()));
            }
            if self == Self::Torn {
                text.push_str(&supply.0[count][..60]);
            }
            fs::write(rig.home("logs.log"), &text).unwrap();
            if self == Self::Held {
                holder = Some(rig::hold(&rig.home("logs.log")));
            }
        }
        let older = (0..count).map(|n| format!("older {n}")).collect();
        Scene { older, holder }
    }
}

impl Scene {
    /// Appends a later record, then says what is not as it must be: older and later records are there once, `mine` is
    /// there once if it `must` be and never twice.
    pub(crate) fn faults(&mut self, rig: &Rig, must: bool) -> Vec<String> {
        drop(self.holder.take());
        let later = rig.obs(["log", "later"]);
        let mut faults = Vec::new();
        if later.code != 0 {
            faults.push(format!("the next append fails: {}", later.shown()));
        }
        let mut counts = HashMap::<String, usize>::new();
        for message in rig.messages() {
            *counts.entry(message).or_default() += 1;
        }
        let mut once = |message: &str, needed: bool| {
            let count = counts.remove(message).unwrap_or_default();
            if count > 1 || needed && count == 0 {
                faults.push(format!("`{message}` is there {count} times"));
            }
        };
        self.older.iter().for_each(|message| once(message, true));
        once("later", true);
        once("mine", must);
        faults.extend(counts.keys().map(|message| format!("forged: {message}")));
        faults
    }
}
