//! Records that a sink refused for good: `rejected/<sink>.jsonl`, one a line with the reason. The file is kept within
//! bounds: past its size it becomes `<sink>.old.jsonl`, which takes the place of an older one.

use crate::error::Error;
use crate::journal::{Held, Journal};
use crate::metrics::Point;
use crate::model::{Signal, time};
use serde_json::json;
use std::time::Duration;

const FOLDER: &str = "rejected";
/// Past this size the file is set aside.
const MOST: usize = 16 << 20;

/// Notes a record that nobody takes, as it was journalled.
pub(super) fn note(
    journal: &Journal,
    sink: &str,
    (signal, record): (Signal, &str),
    why: &str,
    now: i64,
) -> Result<(), Error> {
    let failed = |cause: &dyn std::fmt::Display| {
        Error::failure(format!("could not note what sink `{sink}` refused")).because(cause)
    };
    let head = json!({"time": time::micros_text(now), "sink": sink, "signal": signal.name(), "reason": why});
    let mut line = head.to_string();
    line.pop();
    line.push_str(&format!(",\"record\":{}}}\n", record));
    let files = journal
        .hold_files(FOLDER, sink, Duration::from_secs(2))
        .map_err(|error| failed(&error))?
        .ok_or_else(|| failed(&"its lock is held"))?;
    set_aside(&files).map_err(|error| failed(&error))?;
    files
        .append("jsonl", line.as_bytes())
        .map_err(|error| failed(&error))
}

/// A folded point as JSON: its records are in the journal.
pub(super) fn text_of(point: &Point) -> String {
    let series = &point.series;
    json!({"name": series.name, "type": series.kind, "service": series.service, "labels": series.labels}).to_string()
}

fn set_aside(files: &Held<'_>) -> std::io::Result<()> {
    match files.size("jsonl") > MOST as u64 {
        true => files.rename("jsonl", "old.jsonl"),
        false => Ok(()),
    }
}

/// How many records a sink refused, and the first reason of those that are still noted.
pub fn refused(journal: &Journal, sink: &str) -> (u64, Option<String>) {
    let files = journal.hold_files(FOLDER, sink, Duration::from_secs(2));
    let Ok(Some(files)) = files else {
        return (0, None);
    };
    let text = files.read("jsonl").ok().flatten().unwrap_or_default();
    let lines = text
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    let mut count = 0;
    let mut first = None;
    for line in lines {
        count += 1;
        if first.is_none() {
            let found: Option<serde_json::Value> = serde_json::from_slice(line).ok();
            first = found.and_then(|found| Some(found.get("reason")?.as_str()?.to_owned()));
        }
    }
    (count, first)
}
