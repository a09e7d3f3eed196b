//! Where records are sent: whether each sink can be reached, what waits for it, what it refused.

use super::super::flush::waiting;
use super::Findings;
use crate::capture;
use crate::error::Error;
use crate::journal::Journal;
use crate::metrics::{Fold, Point};
use crate::model::{Record, Signal, ids, time};
use crate::settings::{Settings, SinkKind, SinkSettings, sinks};
use crate::ship::{self, Answer, Load, Stored};
use crate::world::World;
use serde_json::{Value, json};

const CHECK: &str = "sink";

/// Looks at every sink; `send` sends each a record of ours that stands for others.
pub(super) fn look(found: &mut Findings, world: &World, settings: &Settings, send: bool) {
    let (all, wrong) = sinks(settings.home.as_deref(), world);
    for error in wrong {
        found.bad(CHECK, error.to_string(), error.advice().unwrap_or_default());
    }
    if !all.is_empty() && world.says_true("OTEL_SDK_DISABLED") {
        let advice = "unset OTEL_SDK_DISABLED to record and send again";
        found.note(CHECK, "nothing is sent: OTEL_SDK_DISABLED is true", advice);
        return;
    }
    if all.iter().any(|sink| sink.is_from_variables) {
        for warning in ship::otlp::warnings(world) {
            found.note(CHECK, warning, "correct the variable, or unset it");
        }
    }
    let journal = capture::open(world, settings);
    for sink in &all {
        one(found, world, sink, send);
        waits(found, &journal, sink, world);
    }
}

fn one(found: &mut Findings, world: &World, settings: &SinkSettings, send: bool) {
    let name = &settings.name;
    let mut sink = match ship::open(settings, world) {
        Ok(sink) => sink,
        Err(error) => return bad(found, name, &error),
    };
    match sink.probe() {
        Ok(what) => found.good(CHECK, format!("{name}: {what}")),
        Err(error) => return bad(found, name, &error),
    }
    // ours would stand among our own findings
    if !send || settings.kind == SinkKind::Stdout {
        return;
    }
    for signal in settings.signals() {
        let form = sink.takes(signal);
        let Some((form, canary)) = form.zip(canary(signal, world)) else {
            continue;
        };
        let answer = match form {
            ship::Form::Points { delta } => sink.send(Load::Points(&folded(&canary, delta))),
            ship::Form::Records => sink.send(Load::Records(signal, &[canary])),
        };
        let of = signal.name();
        match answer {
            Answer::Delivered => found.good(CHECK, format!("{name}: took a canary of {of}")),
            Answer::Partial { why, .. } | Answer::Permanent(why) => {
                let what = format!("{name}: refused a canary of {of}: {why}");
                found.bad(CHECK, what, "");
            }
            Answer::Failing(error)
            | Answer::Gone(error)
            | Answer::Misconfigured(error)
            | Answer::Retry { why: error, .. } => bad(found, name, &error),
        }
    }
}

fn folded(canary: &Stored, is_delta: bool) -> Vec<Point> {
    let mut fold = Fold::default();
    if let Record::Metric(metric) = &canary.record {
        fold.add(metric);
    }
    fold.take(is_delta)
}

fn bad(found: &mut Findings, name: &str, error: &Error) {
    found.bad(
        CHECK,
        format!("{name}: {error}"),
        error.advice().unwrap_or_default(),
    );
}

/// A record that says of itself that it is none.
fn canary(signal: Signal, world: &World) -> Option<Stored> {
    let now = world.now();
    let id = ids::ulid(
        u64::try_from(now / 1_000_000).unwrap_or_default(),
        world.random(),
    );
    let (trace, span) = (
        u128::from_le_bytes(world.random()) | 1,
        u64::from_le_bytes(world.random()) | 1,
    );
    let (trace, span) = (format!("{trace:032x}"), format!("{span:016x}"));
    let at = time::nanos_text(now);
    let record: Value = match signal {
        Signal::Events => {
            json!({"event_id": format!("evt_{id}"), "event_type": "obs.doctor.canary",
            "event_version": "1.0", "timestamp": at, "source": "obs", "actor": {"type": "user", "id": "obs"}, "data": {}})
        }
        Signal::Logs => {
            json!({"timestamp": at, "level": "INFO", "logger": "obs.doctor", "message": "canary of `obs doctor`",
            "service": "obs", "id": id})
        }
        Signal::Metrics => {
            json!({"timestamp": at, "name": "obs.doctor.canary", "type": "gauge", "value": 1, "unit": "1",
            "help": "canary of `obs doctor`", "service": "obs", "id": id})
        }
        Signal::Spans => {
            json!({"timestamp": at, "end": at, "name": "canary of `obs doctor`", "trace_id": trace, "span_id": span,
            "trace_flags": "01", "service": "obs"})
        }
    };
    let line = format!("{record}\n").into_bytes();
    let record = signal.read(&line).ok()?;
    Some(Stored { line, record })
}

fn waits(found: &mut Findings, journal: &Journal, sink: &SinkSettings, world: &World) {
    let name = &sink.name;
    let left = waiting(journal, sink, world);
    if !left.is_empty() {
        let texts: Vec<String> = left
            .iter()
            .map(|(signal, records)| format!("{records} {}", signal.name()))
            .collect();
        let advice = format!("`obs flush --sink {name}` sends them now");
        found.note(CHECK, format!("{name}: {} wait", texts.join(", ")), advice);
    }
    let (count, first) = ship::refused(journal, name);
    if count > 0 {
        let first = first.unwrap_or_default();
        let advice =
            format!("they stand in rejected/{name}.jsonl in the home, each with its reason");
        found.note(
            CHECK,
            format!("{name}: {count} records were refused, the first: {first}"),
            advice,
        );
    }
}
