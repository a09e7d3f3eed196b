//! NATS JetStream, by the official client. A load is published as a whole, then all its acknowledgements are awaited. Each
//! message bears the record's id as `Nats-Msg-Id`: what is sent again within the stream's duplicate window (24 hours where
//! we make it) is acknowledged and not stored twice, so a load that was acknowledged in part is sent again as a whole.
//! A connection that broke while it lay idle is made anew once within the same call; every other trouble is an answer, and
//! the drain decides when to come back.

mod link;
mod stream;
mod subject;

use super::bus::{Fault, Host, Lane, Tls, Wire, beside, is_sound};
use super::secret::{self, Secret};
use super::{Answer, Form, Load, Most, Sink};
use crate::error::Error;
use crate::model::Signal;
use crate::settings::SinkSettings;
use crate::world::World;
use async_nats::ConnectOptions;
use link::{Envelope, Link};
use std::time::Duration;

/// What the sink knows of the other side.
struct Target {
    /// `nats://` and `tls://` servers, each with its scheme.
    servers: Vec<String>,
    hosts: Vec<Host>,
    options: ConnectOptions,
    may_be_link_local: bool,
    patience: Duration,
    stream: String,
    may_create: bool,
    /// What the subjects of the signals begin with.
    subjects: Vec<(Signal, String)>,
}

struct Nats {
    target: Target,
    wire: Wire,
    lane: Lane,
    link: Option<Link>,
}

/// Opens the sink.
pub(super) fn open(settings: &SinkSettings, world: &World) -> Result<Box<dyn Sink>, Error> {
    let lane = Lane::open(settings)?;
    let (servers, hosts) = servers(settings)?;
    let options = options(settings, world, lane.patience(), servers.len())?;
    let target = Target {
        servers,
        hosts,
        options,
        may_be_link_local: settings.flag("allow_link_local"),
        patience: lane.patience(),
        stream: stream_name(settings)?,
        may_create: settings.flag("create"),
        subjects: subjects(settings)?,
    };
    Ok(Box::new(Nats {
        target,
        wire: Wire::read(settings)?,
        lane,
        link: None,
    }))
}

/// The servers of `url`, by commas, with their schemes, and the hosts that they name.
fn servers(settings: &SinkSettings) -> Result<(Vec<String>, Vec<Host>), Error> {
    let wrong = |why: &str| {
        let hint = "nats://host:4222 or tls://host:4222, several by commas; \
                    a user and password stand in `user` and `password_env`";
        settings.wrong("url", why).hint(hint)
    };
    let mut found = (Vec::new(), Vec::new());
    for text in settings.needed("url")?.split(',') {
        let text = text.trim();
        let (scheme, rest) = text.split_once("://").unwrap_or(("nats", text));
        if !matches!(scheme, "nats" | "tls") {
            return Err(wrong("the scheme is neither nats nor tls"));
        }
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let host = Host::parse(rest, Some(4222)).map_err(wrong)?;
        found.0.push(format!("{scheme}://{host}"));
        found.1.push(host);
    }
    Ok(found)
}

fn stream_name(settings: &SinkSettings) -> Result<String, Error> {
    let name = settings.needed("stream")?;
    match subject::is_token(name) {
        true => Ok(name.to_owned()),
        false => {
            let wrong = settings.wrong("stream", "not a stream's name");
            Err(wrong.hint("letters, digits, - and _"))
        }
    }
}

fn subjects(settings: &SinkSettings) -> Result<Vec<(Signal, String)>, Error> {
    let events = settings.needed("subject")?;
    if !events.split('.').all(subject::is_token) {
        let wrong = settings.wrong("subject", "not what a subject may begin with");
        return Err(wrong.hint("letters, digits, - and _ between dots, as in obs.events"));
    }
    let signals = settings.signals().into_iter();
    Ok(signals
        .map(|signal| (signal, beside(events, signal)))
        .collect())
}

fn options(
    settings: &SinkSettings,
    world: &World,
    patience: Duration,
    servers: usize,
) -> Result<ConnectOptions, Error> {
    let share = u32::try_from(servers).unwrap_or(1).max(1);
    let mut options = ConnectOptions::new()
        .name("obs")
        .connection_timeout(patience / share)
        .request_timeout(Some(patience))
        .ignore_discovered_servers()
        .max_reconnects(servers);
    options = authenticated(options, settings, world)?;
    if let Some(tls) = Tls::read(settings, world)? {
        options = options.require_tls(true);
        if let Some(path) = tls.authorities {
            options = options.add_root_certificates(path);
        }
        if let Some((certificate, key)) = tls.identity {
            options = options.add_client_certificate(certificate, key);
        }
    }
    Ok(options)
}

/// The one way of saying who we are that the settings name.
fn authenticated(
    options: ConnectOptions,
    settings: &SinkSettings,
    world: &World,
) -> Result<ConnectOptions, Error> {
    let read = |key| secret::read(settings, key, world);
    let password = read("password")?;
    let token = read("token")?;
    let nkey = read("nkey")?;
    let credentials = read("credentials")?;
    let text = |secret: &Secret| secret.reveal().trim().to_owned();
    match (settings.text("user"), password, token, nkey, credentials) {
        (None, None, None, None, None) => Ok(options),
        (Some(user), Some(password), None, None, None) => {
            Ok(options.user_and_password(user.to_owned(), password.reveal().to_owned()))
        }
        (None, None, Some(token), None, None) => Ok(options.token(token.reveal().to_owned())),
        (None, None, None, Some(seed), None) => Ok(options.nkey(text(&seed))),
        // the client wants the line end that a secret has lost
        (None, None, None, None, Some(file)) => options
            .credentials(&format!("{}\n", file.reveal()))
            .map_err(|_| settings.wrong("credentials_file", "not a .creds file: JWT and seed")),
        (Some(_), None, None, None, None) => Err(settings.wrong("user", "there is no password")),
        (None, Some(_), None, None, None) => Err(settings.wrong("password", "there is no `user`")),
        _ => {
            let wrong = Error::usage(format!(
                "{}: several ways to say who we are",
                settings.place
            ));
            let hint = "keep one: user and password, token, nkey or credentials_file";
            Err(wrong.hint(hint))
        }
    }
}

/// Publishes; a connection that was there already may have broken since, so its failure is worth one more try.
async fn deliver(target: &Target, kept: &mut Option<Link>, load: &[Envelope]) -> Result<(), Fault> {
    if let Some(link) = kept.take() {
        let sent = link.publish(load).await;
        if is_sound(&sent) {
            *kept = Some(link);
            return sent;
        }
    }
    let link = Link::open(target).await?;
    let sent = link.publish(load).await;
    if is_sound(&sent) {
        *kept = Some(link);
    }
    sent
}

impl Nats {
    fn envelopes(&self, load: Load<'_>) -> Result<Vec<Envelope>, String> {
        let Load::Records(signal, records) = load else {
            return Err("series are not for NATS".to_owned());
        };
        let prefix = self.target.subjects.iter().find(|(of, _)| *of == signal);
        let prefix = prefix.map_or("obs", |(_, prefix)| prefix.as_str());
        let envelope = |stored| {
            let message = self.wire.message(stored)?;
            Envelope::of(subject::of(prefix, &stored.record), message)
        };
        records.iter().map(envelope).collect()
    }
}

impl Target {
    /// The servers, for messages.
    fn place(&self) -> String {
        let hosts: Vec<String> = self.hosts.iter().map(Host::to_string).collect();
        hosts.join(", ")
    }

    fn silence(&self) -> Error {
        let place = self.place();
        let within = self.patience.as_millis();
        Error::failure(format!("NATS at {place} did not answer within {within} ms"))
            .hint("`timeout` of the sink is the limit, in milliseconds")
    }
}

impl Sink for Nats {
    fn takes(&self, signal: Signal) -> Option<Form> {
        let mut taken = self.target.subjects.iter().map(|(signal, _)| *signal);
        taken.any(|one| one == signal).then_some(Form::Records)
    }

    fn most(&self) -> Most {
        Most {
            records: link::IN_FLIGHT,
            bytes: 4 * 1024 * 1024,
        }
    }

    fn send(&mut self, load: Load<'_>) -> Answer {
        let load = match self.envelopes(load) {
            Ok(load) => load,
            Err(why) => return Answer::Permanent(why),
        };
        let sending = deliver(&self.target, &mut self.link, &load);
        self.lane.send(sending, || self.target.silence())
    }

    fn probe(&mut self) -> Result<String, Error> {
        let probing = async {
            let link = Link::open(&self.target).await?;
            Ok(link.reached(&self.target.stream))
        };
        self.lane.probe(probing, || self.target.silence())
    }
}

#[cfg(test)]
mod tests;
