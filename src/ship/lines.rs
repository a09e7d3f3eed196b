//! Records as lines, for what a line each suits: a program's standard input, files, standard output, `obs export`.

use super::otlp::batch::sampled;
use super::otlp::message;
use super::{Form, Load, Stored, cdevents, cloudevents};
use crate::error::Error;
use crate::model::{Event, Record, Signal};
use crate::settings::SinkSettings;

/// How a record is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// CDEvents; events only.
    Cdevents,
    /// CloudEvents in structured mode; events only.
    Cloudevents,
    /// As journalled.
    Obs,
    /// OTLP/JSON, a request a line.
    OtlpJson,
}

impl Format {
    /// The format that the settings name, or the kind's own.
    pub(super) fn of(settings: &SinkSettings, default: Self) -> Result<Self, Error> {
        let format = match settings.text("format") {
            Some("cdevents") => Self::Cdevents,
            Some("cloudevents") => Self::Cloudevents,
            Some("obs") => Self::Obs,
            Some("otlp-json") => Self::OtlpJson,
            _ => default,
        };
        let named = settings.items("signals");
        let other = named.iter().find(|name| *name != Signal::Events.name());
        match other {
            Some(name) if format.is_for_events() => {
                let word = settings.text("format").unwrap_or("cloudevents");
                let wrong = settings.wrong("signals", format!("{name} are no {word}"));
                Err(wrong.hint("only events are; set `format = \"obs\"` for all else"))
            }
            _ => Ok(format),
        }
    }

    fn is_for_events(self) -> bool {
        matches!(self, Self::Cdevents | Self::Cloudevents)
    }

    /// In which form a signal is taken.
    pub fn takes(self, settings: &[Signal], signal: Signal) -> Option<Form> {
        let is_possible = signal == Signal::Events || !self.is_for_events();
        match (self, signal) {
            _ if !(settings.contains(&signal) && is_possible) => None,
            (Self::OtlpJson, Signal::Metrics) => Some(Form::Points { delta: false }),
            _ => Some(Form::Records),
        }
    }

    /// The lines that a sink gets of a load. To OTLP it is an exporter, so a span that no sampler let through stays here.
    pub(super) fn sent(self, load: Load<'_>) -> Result<Vec<u8>, String> {
        match (self, load) {
            (Self::OtlpJson, Load::Records(Signal::Spans, spans)) => {
                self.lines(Load::Records(Signal::Spans, &sampled(spans)))
            }
            _ => self.lines(load),
        }
    }

    /// The lines of a load; the reason where one of its records has none.
    pub fn lines(self, load: Load<'_>) -> Result<Vec<u8>, String> {
        let records = match load {
            _ if self == Self::OtlpJson => return otlp_json(load),
            Load::Points(_) => return Err("a series is no record".to_owned()),
            Load::Records(_, records) => records,
        };
        let mut lines = Vec::with_capacity(records.iter().map(|one| one.line.len()).sum());
        for stored in records {
            match self {
                Self::Cdevents => lines.extend(cdevents::line(event(stored)?)?),
                Self::Cloudevents => {
                    lines.extend(cloudevents::structured(event(stored)?)?);
                    lines.push(b'\n');
                }
                Self::Obs | Self::OtlpJson => lines.extend(&stored.line),
            }
        }
        Ok(lines)
    }
}

/// The event that a record is.
pub(super) fn event(stored: &Stored) -> Result<&Event, String> {
    match &stored.record {
        Record::Event(event) => Ok(event),
        _ => Err("only events have this format".to_owned()),
    }
}

/// A request a line, as the file exporter of the Collector writes it.
fn otlp_json(load: Load<'_>) -> Result<Vec<u8>, String> {
    match load {
        Load::Points(points) => request(message::metrics(points, false)),
        Load::Records(Signal::Events | Signal::Logs, records) => request(message::logs(records)),
        Load::Records(Signal::Spans, records) => request(message::traces(records)),
        Load::Records(Signal::Metrics, _) => Err("a metric is sent as a series".to_owned()),
    }
}

fn request<R: serde::Serialize>(built: message::Built<R>) -> Result<Vec<u8>, String> {
    if let Some((_, why)) = built.refused.into_iter().next() {
        return Err(why);
    }
    let mut line = built
        .request
        .map_or_else(Vec::new, |request| message::json(&request));
    if !line.is_empty() {
        line.push(b'\n');
    }
    Ok(line)
}
