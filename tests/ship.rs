//! The sinks against what stands on their other side, and the forms of what they send. A sink is opened as the drain opens
//! it, from a `config.toml`, and given records as the drain gives them.

mod command;
mod file;
mod receiver;
mod schemas;
mod webhook;

use crate::sandbox::Sandbox;
use obs::model::Signal;
use obs::settings::{SinkSettings, sinks};
use obs::ship::{Answer, Load, Sink, Stored, open};
use obs::world::World;
use std::borrow::Cow;
use std::ffi::OsString;
use std::fs;

/// The one sink that these lines of `config.toml` describe, in an environment of these variables.
fn settings(
    sandbox: &Sandbox,
    keys: &str,
    env: &[(&str, &str)],
) -> Result<(SinkSettings, World), String> {
    fs::create_dir_all(sandbox.journal()).unwrap();
    let text = format!("[[sink]]\nname = \"there\"\n{keys}\n");
    fs::write(sandbox.journal().join("config.toml"), text).unwrap();
    let path = "PATH=/usr/local/bin:/usr/bin:/bin".to_owned();
    let env = env.iter().map(|(name, value)| format!("{name}={value}"));
    let env = env.chain([path]);
    let world = World::new(
        vec![OsString::from("obs")],
        env.map(|pair| Cow::Owned(OsString::from(pair))).collect(),
    );
    let (mut found, errors) = sinks(Some(&sandbox.journal()), &world);
    match errors.first() {
        Some(error) => Err(error.report()),
        None => Ok((found.remove(0), world)),
    }
}

/// Opens it.
fn sink(sandbox: &Sandbox, keys: &str, env: &[(&str, &str)]) -> Result<Box<dyn Sink>, String> {
    let (settings, world) = settings(sandbox, keys, env)?;
    open(&settings, &world).map_err(|error| error.report())
}

fn stored(signal: Signal, line: &str) -> Stored {
    let line = format!("{line}\n").into_bytes();
    Stored {
        record: signal.read(&line).unwrap(),
        line,
    }
}

/// An event as journalled.
fn event(number: u32, data: &str) -> Stored {
    stored(
        Signal::Events,
        &format!(
            r#"{{"event_id":"evt_01JD7M0W8QK5T4V3X2Y{number:07}","event_type":"backlog.task.created","event_version":"1.0","timestamp":"2026-11-22T11:47:00.123456Z","source":"jp-spec-kit","actor":{{"type":"user","id":"ann","host":"galway"}},"data":{data}}}"#
        ),
    )
}

fn plain_event(number: u32) -> Stored {
    event(number, &format!(r#"{{"task_id":"TASK-{number}"}}"#))
}

fn send(sink: &mut dyn Sink, records: &[Stored]) -> Answer {
    sink.send(Load::Records(Signal::Events, records))
}

/// The answer in one word and what it says.
fn said(answer: &Answer) -> (&'static str, String) {
    match answer {
        Answer::Delivered => ("delivered", String::new()),
        Answer::Failing(why) => ("failing", why.report()),
        Answer::Gone(error) | Answer::Misconfigured(error) => ("misconfigured", error.report()),
        Answer::Partial { why, .. } => ("partial", why.clone()),
        Answer::Permanent(why) => ("permanent", why.clone()),
        Answer::Retry { why, .. } => ("retry", why.report()),
    }
}
