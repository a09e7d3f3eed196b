//! Records as lines of text: what files, programs and `obs export` get. One form, one shape of a line.

use super::otlp::message::{json, logs, metrics, traces};
use super::{Stored, cdevents, cloudevents};
use crate::metrics::Point;
use crate::model::{Record, Signal};

/// The shape of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// CDEvents 0.5.1 in a CloudEvent; events only.
    Cdevents,
    /// CloudEvents 1.0, structured; events only.
    Cloudevents,
    /// The line of the journal.
    Obs,
    /// A request of OTLP/JSON, as the file exporter of OpenTelemetry writes them.
    OtlpJson,
}

impl Format {
    /// The format of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "cdevents" => Self::Cdevents,
            "cloudevents" => Self::Cloudevents,
            "obs" | "jsonl" => Self::Obs,
            "otlp-json" => Self::OtlpJson,
            _ => return None,
        })
    }

    /// True where records of this signal have such a line.
    pub fn takes(self, signal: Signal) -> bool {
        match self {
            Self::Cdevents | Self::Cloudevents => signal == Signal::Events,
            Self::Obs | Self::OtlpJson => true,
        }
    }
}

/// Lines, each with its end, and what has none.
#[derive(Debug, Default)]
pub struct Lines {
    /// The text.
    pub text: Vec<u8>,
    /// The places of records that have no such line, each with the reason.
    pub refused: Vec<(usize, String)>,
}

impl Lines {
    fn add(&mut self, line: &[u8]) {
        self.text.extend_from_slice(line);
        self.text.push(b'\n');
    }

    fn request<R: serde::Serialize>(request: Option<R>, refused: Vec<(usize, String)>) -> Self {
        let mut lines = Self {
            text: Vec::new(),
            refused,
        };
        if let Some(request) = request {
            lines.add(&json(&request));
        }
        lines
    }
}

/// The lines of records of one signal; metric records have none in OTLP, whose points are folded.
pub fn lines(format: Format, signal: Signal, records: &[Stored]) -> Lines {
    match format {
        Format::Cdevents => events(records, |event| cdevents::cloud_event(event)?.structured()),
        Format::Cloudevents => events(records, cloudevents::structured),
        Format::Obs => Lines {
            text: records
                .iter()
                .flat_map(|stored| stored.line.iter().copied())
                .collect(),
            refused: Vec::new(),
        },
        Format::OtlpJson if signal == Signal::Spans => {
            let built = traces(records);
            Lines::request(built.request, built.refused)
        }
        Format::OtlpJson => {
            let built = logs(records);
            Lines::request(built.request, built.refused)
        }
    }
}

/// The line of OTLP/JSON of folded points.
pub fn points(points: &[Point], delta: bool) -> Lines {
    let built = metrics(points, delta);
    Lines::request(built.request, built.refused)
}

fn events(
    records: &[Stored],
    structured: impl Fn(&crate::model::Event) -> Result<Vec<u8>, String>,
) -> Lines {
    let mut lines = Lines::default();
    for (place, stored) in records.iter().enumerate() {
        match &stored.record {
            Record::Event(event) => match structured(event) {
                Ok(line) => lines.add(&line),
                Err(why) => lines.refused.push((place, why)),
            },
            _ => lines.refused.push((place, "not an event".to_owned())),
        }
    }
    lines
}
