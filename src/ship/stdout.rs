//! Standard output, for `console` and `otlp/stdout` in the lists of OTEL_*_EXPORTER. Only where `obs flush` or `obs relay` runs
//! in front of somebody.

use super::{Answer, Form, Format, Lines, Load, Most, Sink, lines, points};
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
        format: settings
            .text("format")
            .and_then(Format::parse)
            .unwrap_or(Format::Obs),
        signals: settings.signals(),
    }))
}

impl Sink for Stdout {
    fn takes(&self, signal: Signal) -> Option<Form> {
        let is_folded = signal == Signal::Metrics && self.format == Format::OtlpJson;
        let form = match is_folded {
            true => Form::Points { delta: false },
            false => Form::Records,
        };
        self.signals.contains(&signal).then_some(form)
    }

    fn most(&self) -> Most {
        Most {
            records: 512,
            bytes: 1 << 20,
        }
    }

    fn send(&mut self, load: Load<'_>) -> Answer {
        let found: Lines = match load {
            Load::Points(folded) => points(folded, false),
            Load::Records(signal, records) => lines(self.format, signal, records),
        };
        if let Some((_, why)) = found.refused.into_iter().next() {
            return Answer::Permanent(why);
        }
        match self
            .world
            .write(Stream::Out, &self.world.shown(&found.text))
        {
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
