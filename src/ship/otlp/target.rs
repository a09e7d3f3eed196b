//! What is known of the way of one OTLP signal before anything is sent, from the keys of a `[[sink]]`.

use super::endpoint::Endpoint;
use super::headers::{self, Headers};
use super::tls::Tls;
use crate::error::Error;
use crate::model::Signal;
use crate::settings::SinkSettings;
use crate::ship::secret;
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
    let hint = "http://HOST:4318 for HTTP, http://HOST:4317 for gRPC; https where it speaks TLS";
    let wrong = |why: String| settings.wrong("endpoint", why).hint(hint);
    let is_tls = endpoint(Lane::Traces).map_err(wrong)?.is_tls();
    let tls = match is_tls {
        true => tls_of_sink(settings, world)?,
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

/// The TLS files that a sink names.
pub(in crate::ship) fn tls_of_sink(settings: &SinkSettings, world: &World) -> Result<Tls, Error> {
    let file = |key: &str| {
        let path = settings.path(key, world)?;
        let path = path.map(|path| path.display().to_string());
        Ok::<_, Error>((format!("{}: `{key}`", settings.place), path))
    };
    Tls::read([
        file("certificate")?,
        file("client_certificate")?,
        file("client_key")?,
    ])
}

/// The headers that `headers_env` or `headers_file` hold.
pub(in crate::ship) fn headers_of_sink(
    settings: &SinkSettings,
    world: &World,
) -> Result<Headers, Error> {
    let Some(text) = secret::read(settings, "headers", world)? else {
        return Ok(Headers::default());
    };
    headers::parse(text.reveal().trim()).map_err(|why| {
        let named = settings.text("headers_env").is_some();
        let key = if named { "headers_env" } else { "headers_file" };
        settings.wrong(key, why).hint(headers::HINT)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings;
    use std::fs;

    /// The ways of a sink with these keys, or what is wrong with it.
    fn read(keys: &str, env: &[(&str, &str)]) -> Result<Vec<(Lane, Target)>, String> {
        let home = tempfile::tempdir().unwrap();
        let text = format!("[[sink]]\nname = \"o\"\ntype = \"otlp\"\n{keys}");
        fs::write(home.path().join("config.toml"), text).unwrap();
        let world = World::of(env);
        let (sinks, errors) = settings::sinks(Some(home.path()), &world);
        assert!(errors.is_empty(), "{errors:?}");
        of_sink(&sinks[0], &world)
            .map_err(|error| error.report().replace(home.path().to_str().unwrap(), "~"))
    }

    #[test]
    fn base_url_serves_every_signal() {
        let ways = read("endpoint = \"http://c:4318/o\"\n", &[]).unwrap();
        let urls: Vec<_> = ways.iter().map(|(_, way)| way.endpoint.shown()).collect();
        assert_eq!(
            urls,
            ["logs", "metrics", "traces"].map(|path| format!("http://c:4318/o/v1/{path}"))
        );
        let grpc = "endpoint = \"https://c:4317\"\nprotocol = \"grpc\"\ntimeout = 0\ncompression = \"gzip\"\n";
        let ways = read(grpc, &[]).unwrap();
        assert!(ways.iter().all(|(_, way)| way == &ways[0].1));
        let way = &ways[0].1;
        assert!(way.protocol == Protocol::Grpc && way.is_gzip && way.timeout.is_none());
    }

    #[test]
    fn headers_come_from_a_variable() {
        let keys = "endpoint = \"http://c\"\nheaders_env = \"H\"\n";
        let ways = read(keys, &[("H", "x-scope=a b"), ("OTEL_API_KEY", "k")]).unwrap();
        assert_eq!(ways[0].1.headers.map()["x-scope"], "a b");
        assert_eq!(ways[0].1.headers.map().len(), 1);
        let wrong = read(keys, &[("H", "hush")]).err().unwrap();
        assert!(wrong.starts_with("obs: ~/config.toml:1: `headers_env`: header 1: no `=`\nhint: "));
        let missing = read(keys, &[]).err().unwrap();
        assert!(missing.contains("names H, which is not set"), "{missing}");
    }

    #[test]
    fn wrong_keys_name_their_place() {
        for (keys, expected) in [
            ("", "obs: ~/config.toml:1: no `endpoint`\n"),
            (
                "endpoint = \"c:4317\"\nprotocol = \"grpc\"\n",
                "obs: ~/config.toml:1: `endpoint`: it has no scheme: write",
            ),
            (
                "endpoint = \"http://169.254.169.254\"\n",
                "obs: ~/config.toml:1: `endpoint`: a link-local address is not sent to\nhint: ",
            ),
            (
                "endpoint = \"https://c\"\ncertificate = \"/nowhere.pem\"\n",
                "obs: ~/config.toml:1: `certificate`: /nowhere.pem: no such file or directory\n",
            ),
            (
                "endpoint = \"https://c\"\nclient_key = \"k.pem\"\n",
                "obs: ~/config.toml:1: `client_key`: k.pem is not absolute\n",
            ),
        ] {
            let wrong = read(keys, &[]).err().unwrap();
            assert!(wrong.starts_with(expected), "{keys}: {wrong}");
        }
        let allowed = "endpoint = \"http://169.254.169.254\"\nallow_link_local = true\n";
        assert!(read(allowed, &[]).is_ok());
    }
}
