//! The home and what is in it: settings, records, spill, started spans, our own troubles.

use super::Findings;
use crate::capture;
use crate::journal::{Journal, State, Survey};
use crate::settings::Settings;
use crate::world::World;
use std::collections::BTreeMap;

/// Less than this is a disk about to be full.
const LOW: u64 = 64 << 20;

/// How long a trouble is worth telling: 7 days, in nanoseconds.
const RECENT: i64 = 7 * 86_400 * 1_000_000_000;

pub(super) fn look(found: &mut Findings, world: &World, settings: &Settings) {
    config(found, settings);
    let journal = capture::open(world, settings);
    let Some(survey) = home(found, &journal, settings) else {
        return;
    };
    records(found, &journal, world);
    spill(found, &survey);
    live(found, &journal, world);
    troubles(found, &journal, world);
}

fn config(found: &mut Findings, settings: &Settings) {
    match settings.complaints.as_slice() {
        [] => found.good("settings", "every setting is understood"),
        complaints => {
            for complaint in complaints {
                found.bad(
                    "settings",
                    complaint.to_string(),
                    "`obs print config` shows every setting; until then the last good values count, else the defaults",
                );
            }
        }
    }
}

fn home(found: &mut Findings, journal: &Journal, settings: &Settings) -> Option<Survey> {
    let Some(home) = &settings.home else {
        found.bad("home", "there is no home folder", "set HOME or OBS_HOME");
        return None;
    };
    let survey = match journal.survey() {
        Ok(Some(survey)) => survey,
        Ok(None) => {
            found.note(
                "home",
                format!("{} is not there yet", home.display()),
                "the first record makes it",
            );
            return None;
        }
        Err(error) => {
            let (place, count) = journal.second();
            let advice = format!(
                "records go to {} meanwhile ({count} are there); check who owns the home, or set OBS_HOME",
                place.display()
            );
            found.bad("home", format!("{}: {error}", home.display()), advice);
            return None;
        }
    };
    let size = format!("{} MB", survey.bytes.div_ceil(1_000_000));
    match survey.open_to_others {
        true => found.bad(
            "home",
            format!("others can enter {}", home.display()),
            format!("chmod 700 '{}'", home.display()),
        ),
        false => found.good("home", format!("{}, {size}", home.display())),
    }
    if survey.free < LOW {
        let left = survey.free / 1_000_000;
        found.bad(
            "disk",
            format!("{left} MB are free"),
            "a record that finds no room is printed as `obs: UNSAVED`; make room",
        );
    }
    if survey.legacy > 0 {
        found.note(
            "legacy",
            format!(
                "{} files were there before obs and were moved to legacy/",
                survey.legacy
            ),
            "nothing reads them; they are yours",
        );
    }
    Some(survey)
}

fn records(found: &mut Findings, journal: &Journal, world: &World) {
    match journal.check(false, world.now()) {
        Ok(report) if report.findings.is_empty() => {
            found.good(
                "journal",
                format!(
                    "{} records in {} files, no damage",
                    report.records, report.files
                ),
            );
        }
        Ok(report) => found.bad(
            "journal",
            format!("{} damaged ranges", report.findings.len()),
            "`obs fsck` shows them, `obs fsck --repair` sets them aside; other records are whole",
        ),
        Err(error) => found.bad(
            "journal",
            error.to_string(),
            "check the folder's owner and mode",
        ),
    }
}

fn spill(found: &mut Findings, survey: &Survey) {
    if survey.spilled > 0 {
        found.note(
            "spill",
            format!("{} records are in spill files", survey.spilled),
            "they are read like the rest; the journal could not be written when they came",
        );
    }
    if survey.stuck {
        found.bad(
            "lock",
            "a process holds the journal's lock and does not give it back",
            "find it with `fuser` or `lsof` on the .log files; records are spilled meanwhile",
        );
    }
}

fn live(found: &mut Findings, journal: &Journal, world: &World) {
    let now = world.now();
    let spans = journal.live_spans();
    let count = |state| {
        spans
            .iter()
            .filter(|live| live.state(world, now) == state && live.reported.is_none())
            .count()
    };
    let (running, abandoned) = (count(State::Running), count(State::Abandoned));
    if running > 0 {
        found.good("spans", format!("{running} running"));
    }
    if abandoned > 0 {
        found.note(
            "spans",
            format!("{abandoned} abandoned: their scripts are gone"),
            "`obs fsck --repair` journals them; `obs trace` shows them already",
        );
    }
}

/// What silent commands noted, newest of each kind.
fn troubles(found: &mut Findings, journal: &Journal, world: &World) {
    let since = world.now() - RECENT;
    let mut kinds: BTreeMap<String, (usize, String)> = BTreeMap::new();
    for trouble in journal
        .troubles()
        .into_iter()
        .filter(|trouble| trouble.timestamp >= since)
    {
        let kind = kinds.entry(trouble.what).or_default();
        kind.0 += 1;
        kind.1 = trouble.why;
    }
    for (what, (count, last)) in kinds {
        let advice = match what.as_str() {
            "spilled" => "the records are safe in spill",
            "unsaved" => {
                "records were lost, or printed on standard error; make room or check the folder"
            }
            "sink" => "the records wait; `obs flush` tries now and says more",
            "traceparent" => "whoever sets TRACEPARENT sets it wrong: the trace began anew",
            _ => "",
        };
        let times = if count == 1 { "once" } else { "times" };
        let count = if count == 1 {
            String::new()
        } else {
            format!("{count} ")
        };
        found.note(
            "noted",
            format!("{what} {count}{times} in 7 days, last: {last}"),
            advice,
        );
    }
}
