//! Kafka.
use super::Sink;
use crate::error::Error;
use crate::settings::SinkSettings;
use crate::world::World;

/// Opens the sink.
pub(super) fn open(settings: &SinkSettings, _world: &World) -> Result<Box<dyn Sink>, Error> {
    Err(Error::usage(format!("sink `{}`: not built", settings.name)))
}
