//! HTTP POST, an event a request: CloudEvents (structured or binary), CDEvents over CloudEvents, or the plain record as JSON,
//! signed by the Standard Webhooks where there is a secret. The event's id is the receiver's key to what it saw already:
//! `webhook-id`, and the CloudEvent's `id`.

mod answer;
mod signature;

use super::lines::{Format, event};
use super::otlp::endpoint::Endpoint;
use super::otlp::headers::Headers;
use super::otlp::tls::Tls;
use super::otlp::{http, target};
use super::{Answer, Form, Load, Most, Sink, Stored, cdevents, cloudevents, secret};
use crate::error::Error;
use crate::model::Signal;
use crate::settings::SinkSettings;
use crate::world::World;
use reqwest::blocking::{Client, RequestBuilder};
use reqwest::header::CONTENT_TYPE;
use signature::Keys;
use std::time::Duration;

/// One at a time: what was taken is never sent again because the next one was not.
const MOST: Most = Most {
    records: 1,
    bytes: 1024 * 1024,
};

const fn minutes(count: u64) -> Duration {
    Duration::from_secs(60 * count)
}

/// The waits after each failure that the Standard Webhooks recommend ("Deliverability and reliability"); jitter is added.
const SCHEDULE: [Duration; 9] = [
    Duration::from_secs(5),
    minutes(5),
    minutes(30),
    minutes(2 * 60),
    minutes(5 * 60),
    minutes(10 * 60),
    minutes(14 * 60),
    minutes(20 * 60),
    minutes(24 * 60),
];

/// Opens the sink.
pub(super) fn open(settings: &SinkSettings, world: &World) -> Result<Box<dyn Sink>, Error> {
    let wrong = |why: String| settings.wrong("url", why);
    let endpoint = Endpoint::exact(settings.needed("url")?).map_err(wrong)?;
    let place = format!("{}: `url`", settings.place);
    let may_link_local = settings.flag("allow_link_local");
    if endpoint.is_link_local() && !may_link_local {
        return Err(target::link_local(&place));
    }
    let format = Format::of(settings, Format::Cloudevents)?;
    if format == Format::OtlpJson {
        let wrong = settings.wrong("format", "a webhook takes single records");
        return Err(wrong.hint("send OTLP by a sink of type otlp"));
    }
    let tls = match endpoint.is_tls() {
        true => target::tls_of_sink(settings, world)?,
        false => Tls::default(),
    };
    let limit = target::limit(settings.number("timeout"));
    let client = http::client(&endpoint, &tls, limit, may_link_local)
        .map_err(|cause| settings.wrong("certificate", cause.without_url()))?;
    Ok(Box::new(Webhook {
        client,
        headers: headers(settings, world, &endpoint)?,
        keys: keys(settings, world)?,
        endpoint,
        format,
        is_binary: settings.text("mode") == Some("binary"),
        signals: settings.signals(),
        world: world.clone(),
        place,
    }))
}

fn headers(settings: &SinkSettings, world: &World, at: &Endpoint) -> Result<Headers, Error> {
    let mut headers = target::headers_of_sink(settings, world)?;
    if let Some(basic) = at.basic() {
        let wrong = |why: String| settings.wrong("url", why);
        headers.add_authorization(basic).map_err(wrong)?;
    }
    Ok(headers)
}

fn keys(settings: &SinkSettings, world: &World) -> Result<Option<Keys>, Error> {
    let Some(text) = secret::read(settings, "secret", world)? else {
        return Ok(None);
    };
    let key = match settings.text("secret_env") {
        Some(_) => "secret_env",
        None => "secret_file",
    };
    let wrong = |why: String| {
        let hint = "a secret is whsec_ and the base64 of 24 to 64 random bytes";
        settings.wrong(key, why).hint(hint)
    };
    Keys::read(&text).map(Some).map_err(wrong)
}

struct Webhook {
    client: Client,
    endpoint: Endpoint,
    headers: Headers,
    keys: Option<Keys>,
    format: Format,
    is_binary: bool,
    signals: Vec<Signal>,
    world: World,
    place: String,
}

/// What a request says.
struct Message {
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Sink for Webhook {
    fn takes(&self, signal: Signal) -> Option<Form> {
        self.format.takes(&self.signals, signal)
    }

    fn most(&self) -> Most {
        MOST
    }

    fn schedule(&self) -> Option<&'static [Duration]> {
        Some(&SCHEDULE)
    }

    fn send(&mut self, load: Load<'_>) -> Answer {
        let Load::Records(_, records) = load else {
            return Answer::Permanent("a series is no record".to_owned());
        };
        for stored in records {
            match self.post(stored) {
                Answer::Delivered => {}
                other => return other,
            }
        }
        Answer::Delivered
    }

    fn probe(&mut self) -> Result<String, Error> {
        let request = self.client.head(self.endpoint.url().clone());
        let answered = request.headers(self.headers.map().clone()).send();
        match answered {
            Ok(response) => {
                let status = response.status().as_u16();
                Ok(format!("{} answers {status}", self.endpoint.address()))
            }
            Err(error) => Err(answer::failure(self, error).1),
        }
    }
}

impl Webhook {
    fn post(&mut self, stored: &Stored) -> Answer {
        let message = match self.message(stored) {
            Ok(message) => message,
            Err(why) => return Answer::Permanent(why),
        };
        match self.request(stored, message).send() {
            Ok(response) => answer::of_response(self, response),
            Err(error) => answer::of_failure(self, error),
        }
    }

    fn message(&self, stored: &Stored) -> Result<Message, String> {
        let made = match self.format {
            Format::Cdevents => cdevents::cloud_event(event(stored)?)?,
            Format::Cloudevents => cloudevents::of(event(stored)?)?,
            Format::Obs | Format::OtlpJson => {
                let body = stored.line.trim_ascii_end().to_vec();
                return Ok(Message::of(cloudevents::DATA, body));
            }
        };
        if !self.is_binary {
            return Ok(Message::of(cloudevents::STRUCTURED, made.structured()?));
        }
        let (attributes, body) = made.binary()?;
        let mut message = Message::of(cloudevents::DATA, body);
        let as_header = |(name, value): (String, String)| {
            (format!("ce-{name}"), cloudevents::header_value(&value))
        };
        message
            .headers
            .extend(attributes.into_iter().map(as_header));
        Ok(message)
    }

    fn request(&self, stored: &Stored, message: Message) -> RequestBuilder {
        let seconds = self.world.now() / 1_000_000_000;
        // a dot would end it in what is signed, and not every id was made by us
        let id = cloudevents::encode(&stored.record.identity()).replace('.', "%2E");
        let mut request = self.client.post(self.endpoint.url().clone());
        for (name, value) in &message.headers {
            request = request.header(name, value);
        }
        if let Some(keys) = &self.keys {
            let signature = keys.sign(&id, seconds, &message.body);
            request = request.header("webhook-signature", signature);
        }
        request
            .header("webhook-id", id)
            .header("webhook-timestamp", seconds.to_string())
            .headers(self.headers.map().clone())
            .body(message.body)
    }
}

impl Message {
    fn of(kind: &str, body: Vec<u8>) -> Self {
        Self {
            headers: vec![(CONTENT_TYPE.to_string(), kind.to_owned())],
            body,
        }
    }
}
