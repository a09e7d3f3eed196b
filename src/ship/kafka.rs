//! Apache Kafka, by an idempotent producer that waits for all replicas. A load is queued as a whole, then all its
//! acknowledgements are awaited. Records of one key keep their order. The producer's own retries double nothing; what the
//! drain sends again after a failure may be there twice, for a broker knows no ids: consumers drop what they have seen by
//! the `id` of the CloudEvent, or by the header `obs_id`.

mod link;

use super::bus::{Fault, Host, Lane, Tls, Wire, beside, is_sound};
use super::{Answer, Form, Load, Most, Sink, secret};
use crate::error::Error;
use crate::model::Signal;
use crate::settings::SinkSettings;
use crate::world::World;
use krafka::Record;
use krafka::auth::{AuthConfig, TlsConfig};
use link::Link;
use std::time::Duration;

/// How much goes at once; the producer may hold four times that.
const MOST_BYTES: usize = 2 * 1024 * 1024;

/// What the sink knows of the other side.
struct Target {
    hosts: Vec<Host>,
    security: AuthConfig,
    may_be_link_local: bool,
    patience: Duration,
    topics: Vec<(Signal, String)>,
    may_create: bool,
    partitions: i32,
}

struct Kafka {
    target: Target,
    wire: Wire,
    lane: Lane,
    link: Option<Link>,
}

/// Opens the sink.
pub(super) fn open(settings: &SinkSettings, world: &World) -> Result<Box<dyn Sink>, Error> {
    let lane = Lane::open(settings)?;
    let target = Target {
        hosts: hosts(settings)?,
        security: security(settings, world)?,
        may_be_link_local: settings.flag("allow_link_local"),
        patience: lane.patience(),
        topics: topics(settings)?,
        may_create: settings.flag("create"),
        partitions: i32::try_from(settings.number("partitions")).unwrap_or(i32::MAX),
    };
    Ok(Box::new(Kafka {
        target,
        wire: Wire::read(settings)?,
        lane,
        link: None,
    }))
}

fn hosts(settings: &SinkSettings) -> Result<Vec<Host>, Error> {
    let hosts = settings.needed("brokers")?.split(',');
    let read = hosts.map(|text| Host::parse(text.trim(), None));
    read.collect::<Result<_, _>>().map_err(|why| {
        let hint =
            "host:port, several by commas; a user and password stand in `user` and `password_env`";
        settings.wrong("brokers", why).hint(hint)
    })
}

fn topics(settings: &SinkSettings) -> Result<Vec<(Signal, String)>, Error> {
    let events = settings.needed("topic")?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    // the broker's own rule, with room for the names of other signals
    if events.len() > 240 || !events.chars().all(plain) || matches!(events, "." | "..") {
        let wrong = settings.wrong("topic", "not a topic's name");
        return Err(wrong.hint("letters, digits, dots, - and _, at most 240"));
    }
    let signals = settings.signals().into_iter();
    Ok(signals
        .map(|signal| (signal, beside(events, signal)))
        .collect())
}

fn security(settings: &SinkSettings, world: &World) -> Result<AuthConfig, Error> {
    let password = secret::read(settings, "password", world)?;
    let password = password.as_ref().map(|secret| secret.reveal());
    let security = match (settings.text("sasl"), settings.text("user"), password) {
        (None, None, None) => AuthConfig::plaintext(),
        (Some("plain"), Some(user), Some(password)) => AuthConfig::sasl_plain(user, password),
        (Some("scram-sha-256"), Some(user), Some(password)) => {
            AuthConfig::sasl_scram_sha256(user, password)
        }
        (Some(_), Some(user), Some(password)) => AuthConfig::sasl_scram_sha512(user, password),
        (None, _, _) => {
            let wrong = settings.wrong("sasl", "there is a user or a password, but no mechanism");
            return Err(wrong.hint("plain, scram-sha-256 or scram-sha-512"));
        }
        (Some(_), _, _) => {
            let wrong = settings.wrong("sasl", "it needs a user and a password");
            return Err(wrong.hint("set `user`, and `password_env` or `password_file`"));
        }
    };
    let Some(files) = Tls::read(settings, world)? else {
        return Ok(security);
    };
    let mut tls = match files.authorities {
        Some(path) => TlsConfig::new().with_ca_cert(path.to_string_lossy()),
        None => TlsConfig::new().with_native_roots(),
    };
    if let Some((certificate, key)) = files.identity {
        tls = tls.with_client_cert(certificate.to_string_lossy(), key.to_string_lossy());
    }
    Ok(security.with_tls(tls))
}

/// Sends; a connection that was there already may have broken since, so its failure is worth one more try.
async fn deliver(target: &Target, kept: &mut Option<Link>, load: &[Record]) -> Result<(), Fault> {
    if let Some(link) = kept.take() {
        let sent = link.send(load).await;
        if is_sound(&sent) {
            *kept = Some(link);
            return sent;
        }
        link.forget().await;
        // a broker that did not answer in time will not answer now
        if let Err(Fault::Retry(_)) = sent {
            return sent;
        }
    }
    let link = Link::open(target).await?;
    let sent = link.send(load).await;
    match is_sound(&sent) {
        true => *kept = Some(link),
        false => link.forget().await,
    }
    sent
}

impl Kafka {
    fn records(&self, load: Load<'_>) -> Result<Vec<Record>, String> {
        let Load::Records(signal, records) = load else {
            return Err("series are not for Kafka".to_owned());
        };
        let topic = self.target.topics.iter().find(|(of, _)| *of == signal);
        let topic = topic.map_or("obs", |(_, topic)| topic.as_str());
        let record = |stored| {
            let message = self.wire.message(stored)?;
            let mut record = Record::new(topic, message.body)
                .key(message.key)
                .header("content-type", message.content_type)
                .header("obs_id", message.id);
            if !message.traceparent.is_empty() {
                record = record.header("traceparent", message.traceparent);
            }
            for (name, value) in message.attributes {
                record = record.header(format!("ce_{name}"), value);
            }
            Ok(record)
        };
        records.iter().map(record).collect()
    }
}

impl Target {
    /// The brokers, as settings name them.
    fn place(&self) -> String {
        let hosts: Vec<String> = self.hosts.iter().map(Host::to_string).collect();
        hosts.join(",")
    }

    fn silence(&self) -> Error {
        let place = self.place();
        let within = self.patience.as_millis();
        Error::failure(format!(
            "Kafka at {place} did not answer within {within} ms"
        ))
        .hint("`timeout` of the sink is the limit, in milliseconds")
    }
}

impl Sink for Kafka {
    fn takes(&self, signal: Signal) -> Option<Form> {
        let mut taken = self.target.topics.iter().map(|(signal, _)| *signal);
        taken.any(|one| one == signal).then_some(Form::Records)
    }

    fn most(&self) -> Most {
        Most {
            records: 4096,
            bytes: MOST_BYTES,
        }
    }

    fn send(&mut self, load: Load<'_>) -> Answer {
        let load = match self.records(load) {
            Ok(load) => load,
            Err(why) => return Answer::Permanent(why),
        };
        let sending = deliver(&self.target, &mut self.link, &load);
        self.lane.send(sending, || self.target.silence())
    }

    fn probe(&mut self) -> Result<String, Error> {
        let probing = async {
            let link = Link::open(&self.target).await?;
            Ok(link.reached())
        };
        self.lane.probe(probing, || self.target.silence())
    }
}

#[cfg(test)]
mod tests;
