//! The sinks: where records are sent. Each is a `[[sink]]` of `config.toml` in the home, or the one that the OTLP exporter's
//! variables describe. What is known of one stands here; the table of keys and the reading have files of their own.

mod keys;
mod read;

pub use keys::{SINK_KEYS, SinkKey};
pub(super) use read::in_variables;
pub use read::sinks;

use crate::error::Error;
use crate::model::Signal;
use crate::world::World;
use std::path::PathBuf;

/// What a sink speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SinkKind {
    /// A program that gets lines on its standard input.
    Command,
    /// Files on this machine.
    File,
    /// Apache Kafka.
    Kafka,
    /// NATS JetStream.
    Nats,
    /// OTLP over gRPC or HTTP.
    Otlp,
    /// Standard output, which only the exporter's variables can ask for.
    Stdout,
    /// HTTP POST, an event at a time.
    Webhook,
}

use SinkKind::{Command, File, Kafka, Nats, Otlp, Stdout, Webhook};

impl SinkKind {
    /// Those that a `[[sink]]` can be.
    pub const ALL: [Self; 6] = [Command, File, Kafka, Nats, Otlp, Webhook];

    /// The word for `type`.
    pub fn name(self) -> &'static str {
        match self {
            Command => "command",
            File => "file",
            Kafka => "kafka",
            Nats => "nats",
            Otlp => "otlp",
            Stdout => "stdout",
            Webhook => "webhook",
        }
    }
}

/// From where a new sink begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// All that the journal has.
    All,
    /// Not older than a day.
    Day,
    /// Only what comes.
    Now,
}

/// What is known of one sink.
#[derive(Debug, Clone)]
pub struct SinkSettings {
    /// Its name.
    pub name: String,
    /// What it speaks.
    pub kind: SinkKind,
    /// Where it was described, for messages.
    pub place: String,
    /// The exporter's variables describe it, per signal forms included.
    pub is_from_variables: bool,
    values: Vec<(String, Vec<String>)>,
}

impl SinkSettings {
    /// A value, or its default; none where there is neither.
    pub fn text(&self, key: &str) -> Option<&str> {
        let given = self.values.iter().find(|(name, _)| name == key);
        let given = given
            .and_then(|(_, items)| items.first())
            .map(String::as_str);
        let row = || SINK_KEYS.iter().find(|row| row.key == key);
        given
            .or_else(|| row().map(|row| row.default))
            .filter(|text| !text.is_empty())
    }

    /// The items of a list.
    pub fn items(&self, key: &str) -> &[String] {
        let given = self.values.iter().find(|(name, _)| name == key);
        given.map(|(_, items)| items.as_slice()).unwrap_or_default()
    }

    /// A yes or no.
    pub fn flag(&self, key: &str) -> bool {
        self.text(key) == Some("true")
    }

    /// A number.
    pub fn number(&self, key: &str) -> u64 {
        self.text(key)
            .and_then(|text| text.parse().ok())
            .unwrap_or_default()
    }

    /// A value that the sink cannot do without.
    pub fn needed(&self, key: &str) -> Result<&str, Error> {
        self.text(key).ok_or_else(|| {
            let kind = self.kind.name();
            Error::usage(format!("{}: no `{key}`", self.place)).hint(format!(
                "a sink of type {kind} needs it; `obs print config` shows all keys"
            ))
        })
    }

    /// A path; absolute or below the user's home, because a background drain stands in another folder than its user.
    pub fn path(&self, key: &str, world: &World) -> Result<Option<PathBuf>, Error> {
        let Some(text) = self.text(key) else {
            return Ok(None);
        };
        let path = match (text.strip_prefix("~/"), world.user_home()) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => PathBuf::from(text),
        };
        match path.is_absolute() {
            true => Ok(Some(path)),
            false => {
                let wrong = self.wrong(key, format!("{text} is not absolute"));
                Err(wrong.hint("begin it with / or ~/"))
            }
        }
    }

    /// The variables that hold its secrets.
    pub fn secret_variables(&self) -> impl Iterator<Item = &str> {
        let named = self.values.iter().filter(|(key, _)| key.ends_with("_env"));
        named.flat_map(|(_, names)| names).map(String::as_str)
    }

    /// An error about one of its keys; its hint is for want of a better one.
    pub fn wrong(&self, key: &str, why: impl std::fmt::Display) -> Error {
        Error::usage(format!("{}: `{key}`", self.place))
            .because(why)
            .hint(read::KEYS)
    }

    /// From where it begins.
    pub fn start(&self) -> Start {
        match self.text("start") {
            Some("all") => Start::All,
            Some("now") => Start::Now,
            _ => Start::Day,
        }
    }

    /// What it gets.
    pub fn signals(&self) -> Vec<Signal> {
        let named = self.items("signals");
        let default = match self.kind {
            File | Otlp | Stdout => Signal::ALL.to_vec(),
            Command | Kafka | Nats | Webhook => vec![Signal::Events],
        };
        match named.is_empty() {
            true => default,
            false => Signal::ALL
                .into_iter()
                .filter(|signal| named.iter().any(|name| name == signal.name()))
                .collect(),
        }
    }
}
