//! Standard output, for `console` and `otlp/stdout` in the lists of OTEL_*_EXPORTER. Only where `obs flush` or `obs relay` runs
//! in front of somebody.

use super::otlp::batch::sampled;
use super::{Answer, Form, Format, Load, Most, Sink};
use crate::error::Error;
use crate::model::Signal;
use crate::settings::SinkSettings;
use crate::world::{Stream, World};

/// The sink.
struct Stdout {
    world: World,
    format: Format,
    signals: Vec<Signal>,
}

/// Opens the sink.
pub(super) fn open(settings: &SinkSettings, world: &World) -> Result<Box<dyn Sink>, Error> {
    Ok(Box::new(Stdout {
        world: world.clone(),
        format: Format::of(settings, Format::Obs)?,
        signals: settings.signals(),
    }))
}

impl Stdout {
    /// An exporter, in whatever words: a span that no sampler let through is not shown.
    fn lines(&self, load: Load<'_>) -> Result<Vec<u8>, String> {
        match load {
            Load::Records(Signal::Spans, spans) => {
                let sampled = sampled(spans);
                self.format.lines(Load::Records(Signal::Spans, &sampled))
            }
            _ => self.format.lines(load),
        }
    }
}

impl Sink for Stdout {
    fn takes(&self, signal: Signal) -> Option<Form> {
        self.format.takes(&self.signals, signal)
    }

    fn most(&self) -> Most {
        Most {
            records: 512,
            bytes: 1 << 20,
        }
    }

    fn send(&mut self, load: Load<'_>) -> Answer {
        let lines = match self.lines(load) {
            Ok(lines) => lines,
            Err(why) => return Answer::Permanent(why),
        };
        match self.world.write(Stream::Out, &self.world.shown(&lines)) {
            Ok(()) => Answer::Delivered,
            Err(cause) => Answer::Retry {
                after: None,
                why: Error::failure("could not write to standard output").because(cause),
            },
        }
    }

    fn probe(&mut self) -> Result<String, Error> {
        Ok("standard output".to_owned())
    }
}
