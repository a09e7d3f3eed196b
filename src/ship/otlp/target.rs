//! What is known of the way of one OTLP signal before anything is sent, from the keys of a `[[sink]]`.

use super::endpoint::Endpoint;
use super::headers::{self, Headers};
use super::tls::Tls;
use crate::error::Error;
use crate::model::Signal;
use crate::settings::SinkSettings;
use crate::world::World;
use std::time::Duration;

/// What OTLP calls a signal; events are log records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    Logs,
    Metrics,
    Traces,
}

impl Lane {
    pub(super) const ALL: [Self; 3] = [Self::Logs, Self::Metrics, Self::Traces];

    /// The lane of a signal of ours.
    pub(super) fn of(signal: Signal) -> Self {
        match signal {
            Signal::Events | Signal::Logs => Self::Logs,
            Signal::Metrics => Self::Metrics,
            Signal::Spans => Self::Traces,
        }
    }

    /// Its word in the names of variables.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Logs => "LOGS",
            Self::Metrics => "METRICS",
            Self::Traces => "TRACES",
        }
    }

    /// Its path below a base URL.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Logs => "v1/logs",
            Self::Metrics => "v1/metrics",
            Self::Traces => "v1/traces",
        }
    }
}

/// OTLP's transports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Grpc,
    HttpJson,
    HttpProtobuf,
}

impl Protocol {
    /// Reads its name, in any case.
    pub(super) fn parse(text: &str) -> Option<Self> {
        Some(match text.to_ascii_lowercase().as_str() {
            "grpc" => Self::Grpc,
            "http/json" => Self::HttpJson,
            "http/protobuf" => Self::HttpProtobuf,
            _ => return None,
        })
    }
}

/// The way of one signal.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) endpoint: Endpoint,
    pub(super) protocol: Protocol,
    pub(super) headers: Headers,
    pub(super) is_gzip: bool,
    /// None: no limit.
    pub(super) timeout: Option<Duration>,
    pub(super) tls: Tls,
    pub(super) may_link_local: bool,
    /// What named the endpoint, for messages.
    pub(super) place: String,
}

impl Target {
    /// Finishes what is common to both sources of settings.
    pub(super) fn checked(mut self) -> Result<Self, Error> {
        if self.endpoint.is_link_local() && !self.may_link_local {
            return Err(link_local(&self.place));
        }
        if let Some(basic) = self.endpoint.basic() {
            self.headers
                .add_authorization(basic)
                .map_err(|why| Error::usage(self.place.as_str()).because(why))?;
        }
        Ok(self)
    }
}

/// The refusal of addresses where clouds keep the credentials of their machines.
pub(in crate::ship) fn link_local(place: &str) -> Error {
    Error::usage(format!("{place}: a link-local address is not sent to"))
        .hint("if it is meant, use a [[sink]] of config.toml with allow_link_local = true")
}

/// Milliseconds as a limit; 0 is none.
pub(in crate::ship) fn limit(millis: u64) -> Option<Duration> {
    (millis > 0).then(|| Duration::from_millis(millis))
}

/// The ways of a `[[sink]]`: the same settings for every signal, and for HTTP a path each.
pub(super) fn of_sink(
    settings: &SinkSettings,
    world: &World,
) -> Result<Vec<(Lane, Target)>, Error> {
    let text = settings.needed("endpoint")?;
    let protocol = settings.text("protocol").and_then(Protocol::parse);
    let protocol = protocol.unwrap_or(Protocol::HttpProtobuf);
    let endpoint = |lane: Lane| match protocol {
        Protocol::Grpc => Endpoint::exact(text).and_then(|_| Endpoint::grpc(text, false)),
        Protocol::HttpJson | Protocol::HttpProtobuf => Endpoint::base(text, lane.path()),
    };
    let wrong = |why: String| settings.wrong("endpoint", why);
    let is_tls = endpoint(Lane::Traces).map_err(wrong)?.is_tls();
    let tls = match is_tls {
        true => Tls::read(
            ["certificate", "client_certificate", "client_key"].map(|key| {
                (
                    format!("{}: `{key}`", settings.place),
                    settings.text(key).map(str::to_owned),
                )
            }),
        )?,
        false => Tls::default(),
    };
    let headers = headers_of_sink(settings, world)?;
    let target = |lane: Lane| {
        Target {
            endpoint: endpoint(lane).map_err(wrong)?,
            protocol,
            headers: headers.clone(),
            is_gzip: settings.text("compression") == Some("gzip"),
            timeout: limit(settings.number("timeout")),
            tls: tls.clone(),
            may_link_local: settings.flag("allow_link_local"),
            place: format!("{}: `endpoint`", settings.place),
        }
        .checked()
    };
    Lane::ALL
        .into_iter()
        .map(|lane| Ok((lane, target(lane)?)))
        .collect()
}

fn headers_of_sink(settings: &SinkSettings, world: &World) -> Result<Headers, Error> {
    let (key, text) = match (settings.text("headers_env"), settings.text("headers_file")) {
        (Some(name), _) => {
            let missing = || settings.wrong("headers_env", "this variable is not set");
            (
                "headers_env",
                world.var(name).ok_or_else(missing)?.to_owned(),
            )
        }
        (None, Some(path)) => {
            let text = std::fs::read_to_string(path);
            (
                "headers_file",
                text.map_err(|cause| settings.wrong("headers_file", cause))?,
            )
        }
        (None, None) => return Ok(Headers::default()),
    };
    headers::parse(text.trim()).map_err(|why| {
        let hint = "write k=v,k2=v2; what stands for a comma or a percent sign is %2C, %25";
        settings.wrong(key, why).hint(hint)
    })
}
