//! `obs context show`: what a record made now would carry, and where each part of it comes from.

use super::super::page::{Page, Style, fit};
use super::super::print_records;
use super::super::select::Form;
use crate::capture::{Around, Ci};
use crate::error::{Error, Exit};
use crate::settings::Settings;
use crate::world::World;
use serde_json::{Map, Value, json};

/// Words of the command.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    form: Form,
}

pub(super) const MORE: &str = "\
Exits 1 where there is no trace context. In JSON `from` says where each part comes from: a variable's name, `CI`, `CI run`,
`trace`, `script`, `parent process`, `user id`, `default` or `none`.

Examples:
  obs context show
  obs context show --json | jq -r .trace_id";

/// Runs it.
pub(super) fn run(args: &Args, world: &World, settings: &Settings) -> Result<Exit, Error> {
    let around = Around::of(world, settings);
    let report = report(&around, world, settings);
    let text = match args.form.is_human(world) {
        true => human(&report, Page::of(world)),
        false => format!("{}\n", Value::Object(report)),
    };
    print_records(world, text.as_bytes())?;
    Ok(match around.context {
        Some(_) => Exit::Done,
        None => Exit::No,
    })
}

fn report(around: &Around, world: &World, settings: &Settings) -> Map<String, Value> {
    let context = around.context;
    let of_trace = match (
        context,
        Ci::detect(world).and_then(|ci| ci.trace(world, settings)),
    ) {
        (None, _) if world.var_os("TRACEPARENT").is_some() => "TRACEPARENT is not valid",
        (None, _) => "none",
        (Some(own), Some(run)) if own.trace_id == run.pipeline.trace_id && run.parent.is_none() => {
            "CI run"
        }
        (Some(_), _) => "TRACEPARENT",
    };
    let [of_flow, of_kind, of_id, of_service] = around.sources;
    let run = Ci::detect(world).and_then(|ci| ci.shown_run(world));
    let report = json!({
        "traceparent": context.map(|context| context.to_header()),
        "trace_id": context.map(|context| context.trace_id.to_string()),
        "span_id": context.map(|context| context.span_id.to_string()),
        "trace_flags": context.map(|context| context.flags.to_string()),
        "sampled": context.map(|context| context.flags.is_sampled()),
        "tracestate": around.trace_state,
        "baggage": around.baggage,
        "correlation_id": some(&around.correlation_id),
        "actor": around.actor,
        "service": around.service,
        "host": around.host,
        "ci_run": run,
        "resource": around.resource,
        "from": {
            "trace": of_trace,
            "correlation_id": of_flow,
            "actor.type": of_kind,
            "actor.id": of_id,
            "service": of_service,
        },
    });
    match report {
        Value::Object(report) => report,
        _ => Map::new(),
    }
}

fn some(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

fn human(report: &Map<String, Value>, page: Page) -> String {
    let text = |path: &[&str]| {
        let mut found = report.get(*path.first()?)?;
        for key in path.iter().skip(1) {
            found = found.get(*key)?;
        }
        match found {
            Value::String(text) => Some(text.clone()),
            Value::Array(items) if items.is_empty() => None,
            Value::Array(items) => {
                let names: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
                Some(names.join(", "))
            }
            _ => None,
        }
    };
    let rows: [(&str, &[&str], &str); 10] = [
        ("trace", &["trace_id"], "trace"),
        ("span", &["span_id"], ""),
        ("flags", &["trace_flags"], ""),
        ("tracestate", &["tracestate"], ""),
        ("baggage", &["baggage"], ""),
        ("correlation", &["correlation_id"], "correlation_id"),
        ("actor type", &["actor", "type"], "actor.type"),
        ("actor", &["actor", "id"], "actor.id"),
        ("service", &["service"], "service"),
        ("CI run", &["ci_run"], ""),
    ];
    let mut shown = String::new();
    for (name, path, source) in rows {
        let value = text(path);
        if value.is_none() && source.is_empty() {
            continue;
        }
        let value = fit(value.as_deref().unwrap_or("none"), page.columns);
        let from = text(&["from", source]).filter(|from| from != "none");
        let from = from.map_or_else(String::new, |from| format!("  ({from})"));
        shown.push_str(&format!(
            "{}{value}{}\n",
            page.paint(Style::Bold, &format!("{name:<13}")),
            page.paint(Style::Dim, &from)
        ));
    }
    for (key, value) in report
        .get("resource")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        let line = format!("{key}={}", value.as_str().unwrap_or_default());
        shown.push_str(&format!(
            "{}{}\n",
            page.paint(Style::Bold, &format!("{:<13}", "resource")),
            fit(&line, page.columns)
        ));
    }
    shown
}
