//! A sink that answers as it is told, for the tests of the drain.

use super::{Answer, Form, Load, Most, Sink};
use crate::error::Error;
use crate::model::{Record, Signal};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What a load is answered with: by the texts of its records.
type Script = dyn FnMut(&[String]) -> Answer + Send;

/// The sink.
pub(super) struct Fault {
    script: Box<Script>,
    /// What was acknowledged, in order.
    pub(super) taken: Arc<Mutex<Vec<String>>>,
    /// How many at once.
    pub(super) most: usize,
    /// The waits that its protocol asks for.
    pub(super) schedule: Option<&'static [Duration]>,
}

impl Fault {
    pub(super) fn new(script: impl FnMut(&[String]) -> Answer + Send + 'static) -> Self {
        Self {
            script: Box::new(script),
            taken: Arc::default(),
            most: 4,
            schedule: None,
        }
    }
}

/// Not now.
pub(super) fn later(after: Option<Duration>) -> Answer {
    let why = Error::failure("the fault sink is not there");
    Answer::Retry { after, why }
}

fn text(record: &Record) -> String {
    match record {
        Record::Event(event) => event.event_type.clone(),
        Record::Log(log) => log.message.clone(),
        Record::Metric(metric) => metric.name.clone(),
        Record::Span(span) => span.name.clone(),
    }
}

impl Sink for Fault {
    fn takes(&self, signal: Signal) -> Option<Form> {
        Some(match signal {
            Signal::Metrics => Form::Points { delta: false },
            _ => Form::Records,
        })
    }

    fn most(&self) -> Most {
        Most {
            records: self.most,
            bytes: 1 << 20,
        }
    }

    fn send(&mut self, load: Load<'_>) -> Answer {
        let texts: Vec<String> = match load {
            Load::Points(points) => points
                .iter()
                .map(|point| format!("{}={:?}", point.series.name, point.value))
                .collect(),
            Load::Records(_, records) => {
                records.iter().map(|stored| text(&stored.record)).collect()
            }
        };
        let answer = (self.script)(&texts);
        if matches!(answer, Answer::Delivered | Answer::Partial { .. })
            && let Ok(mut taken) = self.taken.lock()
        {
            taken.extend(texts);
        }
        answer
    }

    fn schedule(&self) -> Option<&'static [Duration]> {
        self.schedule
    }

    fn probe(&mut self) -> Result<String, Error> {
        Ok("a fault sink".to_owned())
    }
}
