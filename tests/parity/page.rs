//! The matrix as a page: `matrix.md` beside this file shows what was measured last. `OBS_REGENERATE=1` rewrites it.

use crate::known::KNOWN;
use crate::matrix::{Results, Run, direct};
use crate::mode::{BROKEN, Mode};
use crate::row::{Row, SKIPPED};
use crate::way::{WRAPPED, Way};
use std::fmt::Write;

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/parity/matrix.md");

/// Longer results are cut.
const WIDTH: usize = 120;

const HEAD: &str = "# A program under obs behaves as without it

Measured by `cargo test --test parity`; `=` is equal to the direct call. Process ids, paths and times are left out.

| row | direct | span exec | shim | nested |
|---|---|---|---|---|
";

const MODES: &str = "
## With a journal that cannot be written

Each cell: the rows that were equal to a direct call, of those that ran.

| the journal | span exec | shim |
|---|---|---|
";

/// Compares the rows of the page with what was measured, and says where this machine answers otherwise.
pub(crate) fn check(rows: &[Row], results: &Results) -> Option<String> {
    let page = page(rows, results);
    if std::env::var_os("OBS_REGENERATE").is_some() {
        std::fs::write(PATH, page).unwrap();
        return None;
    }
    let written = std::fs::read_to_string(PATH).unwrap_or_default();
    let name = |line: &str| line.split(" | ").next().unwrap_or_default().to_owned();
    let names = |text: &str| text.lines().map(name).collect::<Vec<_>>();
    if names(&page) != names(&written) {
        let hint = "OBS_REGENERATE=1 rewrites it";
        return Some(format!("tests/parity/matrix.md has other rows: {hint}"));
    }
    // what a direct call answers is the machine's own: other shells and kernels have other words
    for (new, old) in page
        .lines()
        .zip(written.lines())
        .filter(|(new, old)| new != old)
    {
        println!("other here than in matrix.md: {new}\n                          there: {old}");
    }
    None
}

fn page(rows: &[Row], results: &Results) -> String {
    let mut page = HEAD.to_owned();
    for (at, row) in rows.iter().enumerate() {
        let cell = |way| {
            let run = Run {
                row: at,
                mode: Mode::Ordinary,
                way,
            };
            let result = &results[&run];
            match way {
                Way::Direct if row.local => "(the machine's)".to_owned(),
                Way::Direct => escaped(result),
                _ if *result == results[&direct(run)] => "=".to_owned(),
                _ => escaped(result),
            }
        };
        let cells = [Way::Direct].into_iter().chain(WRAPPED).map(cell);
        let cells: Vec<String> = cells.collect();
        let _ = writeln!(page, "| {} | {} |", escaped(&row.name), cells.join(" | "));
    }
    page += MODES;
    for mode in BROKEN {
        let cells = [Way::Exec, Way::Shim].map(|way| tally(results, mode, way));
        let _ = writeln!(page, "| {} | {} |", mode.name(), cells.join(" | "));
    }
    for known in KNOWN {
        let ways = known.ways.iter().map(|way| way.name());
        let ways = ways.collect::<Vec<_>>().join(", ");
        let _ = write!(
            page,
            "\nKnown to differ: {} ({ways}): {}\n",
            known.row, known.reason
        );
    }
    page
}

fn tally(results: &Results, mode: Mode, way: Way) -> String {
    let runs = results
        .iter()
        .filter(|(run, _)| run.mode == mode && run.way == way);
    let runs: Vec<_> = runs.collect();
    let equal = runs
        .iter()
        .filter(|(run, result)| **result == results[&direct(**run)]);
    match (runs.len(), mode.obstacle()) {
        (_, Some(why)) => format!("{SKIPPED}{why}"),
        (0, None) => "–".to_owned(),
        (all, None) => format!("{} of {all}", equal.count()),
    }
}

fn escaped(text: &str) -> String {
    let short: String = text.chars().take(WIDTH).collect();
    let more = if short.len() < text.len() { "…" } else { "" };
    short.replace('|', "\\|").replace('\n', " / ") + more
}
