//! Runs all rows in all ways and judges them. Rows run beside one another where they may; one that is unequal is
//! replayed alone before it counts, since machines are loaded.

use crate::known;
use crate::live::TIMEOUT;
use crate::mode::{BROKEN, Mode};
use crate::page;
use crate::row::{Row, SKIPPED};
use crate::rows;
use crate::stage::{Programs, Stage};
use crate::system;
use crate::way::{WRAPPED, Way};
use std::collections::BTreeMap;
use std::ffi::{OsString, c_int};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How often an unequal row is tried again.
const REPLAYS: usize = 4;
const THREADS: usize = 4;
/// A run that takes longer is named.
const SLOW: Duration = Duration::from_secs(3);

/// One run: which row, how, and with what journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Run {
    pub(crate) row: usize,
    pub(crate) mode: Mode,
    pub(crate) way: Way,
}

/// What each run answered.
pub(crate) type Results = BTreeMap<Run, String>;

/// The whole test; words name the rows to run, by parts of their names.
pub(crate) fn run(words: &[OsString]) -> c_int {
    // SAFETY: what we write to a program that is gone is an error to handle
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
    system::adopt_orphans();
    let begin = Instant::now();
    let wanted: Vec<&str> = words.iter().filter_map(|word| word.to_str()).collect();
    let wanted: Vec<&str> = wanted
        .into_iter()
        .filter(|word| !word.starts_with('-'))
        .collect();
    let mut rows = rows::all();
    rows.retain(|row| wanted.is_empty() || wanted.iter().any(|part| row.name.contains(part)));
    let programs = Programs::new();
    let mut results = all(&programs, &rows);
    replay(&programs, &rows, &mut results);
    let mut faults = faults(&rows, &results);
    if wanted.is_empty() {
        faults.extend(page::check(&rows, &results));
    }
    drop(programs);
    for (run, result) in results.iter().filter(|_| !wanted.is_empty()) {
        let (name, mode, way) = (&rows[run.row].name, run.mode.name(), run.way.name());
        println!("{name}, {mode}, {way}: {result}");
    }
    for fault in &faults {
        println!("\n{fault}");
    }
    let verdict = if faults.is_empty() { "ok" } else { "FAILED" };
    println!(
        "\ntest result: {verdict}. {} passed; {} failed; {} rows in {:.1} s",
        results.len().saturating_sub(faults.len()),
        faults.len(),
        rows.len(),
        begin.elapsed().as_secs_f32()
    );
    c_int::from(!faults.is_empty())
}

/// Every row in every way, and some with every broken journal.
fn all(programs: &Programs, rows: &[Row]) -> Results {
    let mut runs = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let run = |mode, way| Run { row: at, mode, way };
        runs.push(run(Mode::Ordinary, Way::Direct));
        runs.extend(WRAPPED.map(|way| run(Mode::Ordinary, way)));
        let modes = BROKEN
            .iter()
            .filter(|mode| row.in_modes && mode.obstacle().is_none());
        for mode in modes {
            runs.extend([Way::Direct, Way::Exec].map(|way| run(*mode, way)));
            runs.extend(mode.has_shims().then_some(run(*mode, Way::Shim)));
        }
    }
    let (alone, beside): (Vec<Run>, Vec<Run>) =
        runs.into_iter().partition(|run| rows[run.row].alone);
    let results = Mutex::new(Results::new());
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some(run) = beside.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let answer = once(programs, rows, *run);
                    results.lock().unwrap().insert(*run, answer);
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap();
    results.extend(
        alone
            .into_iter()
            .map(|run| (run, once(programs, rows, run))),
    );
    results
}

fn once(programs: &Programs, rows: &[Row], run: Run) -> String {
    let row = &rows[run.row];
    let begin = Instant::now();
    let answer = row.act(&Stage::new(programs, run.way, run.mode, row.on_terminal));
    if begin.elapsed() > SLOW {
        let (name, took) = (&row.name, begin.elapsed().as_secs_f32());
        println!(
            "slow: {name}, {}, {}: {took:.1} s",
            run.mode.name(),
            run.way.name()
        );
    }
    answer
}

/// The run that this one must equal.
pub(crate) const fn direct(run: Run) -> Run {
    Run {
        way: Way::Direct,
        ..run
    }
}

/// True where the result says nothing.
fn is_void(result: &str) -> bool {
    result.is_empty() || result.contains(TIMEOUT) || result.contains("panicked")
}

fn replay(programs: &Programs, rows: &[Row], results: &mut Results) {
    let runs: Vec<Run> = results.keys().copied().collect();
    for run in runs {
        for _ in 0..REPLAYS {
            let unequal = results[&run] != results[&direct(run)];
            let known = known::reason(&rows[run.row].name, run.way).is_some();
            if !is_void(&results[&direct(run)]) && (!unequal || known) {
                break;
            }
            println!(
                "replayed: {}, {}, {}",
                rows[run.row].name,
                run.mode.name(),
                run.way.name()
            );
            for run in [direct(run), run] {
                results.insert(run, once(programs, rows, run));
            }
        }
    }
}

/// What is wrong, each with the row's name.
fn faults(rows: &[Row], results: &Results) -> Vec<String> {
    let strict = std::env::var_os("OBS_TESTS_STRICT").is_some();
    let mut faults = Vec::new();
    for (run, result) in results {
        let name = &rows[run.row].name;
        let place = format!("{name} ({}, {})", run.mode.name(), run.way.name());
        let expected = &results[&direct(*run)];
        if let Some(why) = expected.strip_prefix(SKIPPED) {
            if run.way == Way::Direct {
                println!("skipped: {name}: {why}");
                faults.extend(strict.then(|| format!("{place}: {why}")));
            }
            continue;
        }
        let known = known::reason(name, run.way).filter(|_| run.mode == Mode::Ordinary);
        let fault = match (result == expected, known) {
            _ if run.way == Way::Direct && is_void(result) => format!("says nothing: {result:?}"),
            (true, Some(reason)) => format!("is equal now, though known to differ: {reason}"),
            (false, None) => format!("\n   direct: {expected}\n  wrapped: {result}"),
            _ => continue,
        };
        faults.push(format!("{place}: {fault}"));
    }
    for mode in BROKEN {
        if let Some(why) = mode.obstacle() {
            println!("skipped: {}: {why}", mode.name());
            faults.extend(strict.then(|| format!("{}: {why}", mode.name())));
        }
    }
    faults
}
