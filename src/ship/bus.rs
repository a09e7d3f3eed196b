//! What NATS and Kafka have in common: the hosts they are reached at, TLS files, a runtime of one thread with a time
//! limit, and where each signal goes. What a record looks like on a bus is in `message`.

mod host;
mod message;
mod tls;

pub(super) use host::{Host, may_reach};
pub(super) use message::{Message, Wire};
pub(super) use tls::Tls;

use super::Answer;
use super::otlp::target::limit;
use crate::error::Error;
use crate::model::Signal;
use crate::settings::SinkSettings;
use std::future::Future;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

/// The runtime of one sink: nothing of it runs but while a call waits for its answer, so a connection that broke does not
/// go on knocking behind our back.
#[derive(Debug)]
pub(super) struct Lane {
    runtime: Option<Runtime>,
    /// How long one call may take; none: as long as it takes.
    pub(super) limit: Option<Duration>,
}

impl Lane {
    /// Makes the runtime; `timeout` of the settings is the limit.
    pub(super) fn open(settings: &SinkSettings) -> Result<Self, Error> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let failed = |error| Error::failure("could not make a runtime").because(error);
        Ok(Self {
            runtime: Some(runtime.map_err(failed)?),
            limit: limit(settings.number("timeout")),
        })
    }

    /// Waits for the future; none where the limit came first.
    pub(super) fn run<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        let runtime = self.runtime.as_ref()?;
        runtime.block_on(async {
            match self.limit {
                Some(limit) => tokio::time::timeout(limit, future).await.ok(),
                None => Some(future.await),
            }
        })
    }

    /// Waits for what sends a load; `silence` says that the limit came first.
    pub(super) fn send(
        &self,
        sending: impl Future<Output = Result<(), Fault>>,
        silence: impl FnOnce() -> Error,
    ) -> Answer {
        match self.run(sending) {
            Some(Ok(())) => Answer::Delivered,
            Some(Err(fault)) => fault.answer(),
            None => Fault::Retry(silence()).answer(),
        }
    }

    /// Waits for what says in a few words what was reached.
    pub(super) fn probe(
        &self,
        probing: impl Future<Output = Result<String, Fault>>,
        silence: impl FnOnce() -> Error,
    ) -> Result<String, Error> {
        match self.run(probing) {
            Some(said) => said.map_err(Fault::error),
            None => Err(silence()),
        }
    }

    /// The limit for libraries that need one.
    pub(super) fn patience(&self) -> Duration {
        self.limit.unwrap_or(Duration::from_secs(24 * 60 * 60))
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        // a name that is being looked up would be waited for
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Why a load did not arrive.
#[derive(Debug)]
pub(super) enum Fault {
    /// The settings or the other side are wrong.
    Misconfigured(Error),
    /// One of the records is what nobody takes.
    Permanent(String),
    /// Not now.
    Retry(Error),
}

impl Fault {
    /// As the drain wants it.
    pub(super) fn answer(self) -> Answer {
        match self {
            Self::Misconfigured(error) => Answer::Misconfigured(error),
            Self::Permanent(why) => Answer::Permanent(why),
            Self::Retry(why) => Answer::Retry { after: None, why },
        }
    }

    /// As a probe says it.
    pub(super) fn error(self) -> Error {
        match self {
            Self::Misconfigured(error) | Self::Retry(error) => error,
            Self::Permanent(why) => Error::failure("it was refused").because(why),
        }
    }
}

/// Whether the connection can go on after this.
pub(super) fn is_sound(sent: &Result<(), Fault>) -> bool {
    matches!(sent, Ok(()) | Err(Fault::Permanent(_)))
}

impl From<Error> for Fault {
    /// What somebody must change.
    fn from(error: Error) -> Self {
        Self::Misconfigured(error)
    }
}

/// Where a signal goes when events go to `events`: beside them, by its own name, where the last word is `events`
/// (`obs.events`, `obs.logs`), else below them.
pub(super) fn beside(events: &str, signal: Signal) -> String {
    let name = signal.name();
    match (signal, events.rsplit_once('.')) {
        (Signal::Events, _) => events.to_owned(),
        (_, Some((parent, "events"))) => format!("{parent}.{name}"),
        _ => format!("{events}.{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_stand_beside_events() {
        assert_eq!(beside("obs.events", Signal::Events), "obs.events");
        assert_eq!(beside("obs.events", Signal::Logs), "obs.logs");
        assert_eq!(beside("acme", Signal::Spans), "acme.spans");
        assert_eq!(beside("events", Signal::Metrics), "events.metrics");
    }
}
