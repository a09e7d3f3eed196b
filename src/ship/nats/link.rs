//! A connection to NATS: made, used, and given up at the first sign of trouble.

use super::super::bus::{Fault, Message, may_reach};
use super::super::cloudevents::header_value;
use super::super::otlp::tls;
use super::{Target, stream};
use crate::error::Error;
use async_nats::jetstream::context::{ContextBuilder, PublishError, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::{self, Context, ErrorCode};
use async_nats::{ConnectError, ConnectErrorKind, Event, HeaderMap, HeaderName, HeaderValue};
use std::error::Error as StdError;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use tokio::sync::Notify;

/// How many messages may wait for their acknowledgement: a whole load.
pub(super) const IN_FLIGHT: usize = 4096;

/// A message with its place.
#[derive(Debug)]
pub(super) struct Envelope {
    subject: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Envelope {
    /// Puts the message's id, trace and CloudEvents attributes into headers, as the NATS binding of CloudEvents has them.
    pub(super) fn of(subject: String, message: Message) -> Result<Self, String> {
        let mut headers = HeaderMap::new();
        let mut put = |name: &str, value: &str| {
            let name: HeaderName = name.parse().map_err(|_| format!("header {name}"))?;
            let value: HeaderValue = header_value(value)
                .parse()
                .map_err(|_| format!("header {name}"))?;
            headers.insert(name, value);
            Ok::<(), String>(())
        };
        put("Nats-Msg-Id", &message.id)?;
        put("Content-Type", message.content_type)?;
        if !message.traceparent.is_empty() {
            put("traceparent", &message.traceparent)?;
        }
        for (name, value) in &message.attributes {
            put(&format!("ce-{name}"), value)?;
        }
        if !message.attributes.is_empty() {
            put("ce-datacontenttype", message.content_type)?;
        }
        Ok(Self {
            subject,
            headers,
            body: message.body,
        })
    }
}

/// What the connection complains of outside of any answer.
#[derive(Debug, Default)]
struct Trouble {
    said: Mutex<String>,
    is_there: Notify,
}

impl Trouble {
    fn tell(&self, event: &Event) {
        let text = match event {
            Event::ServerError(error) => error.to_string(),
            Event::Disconnected => "the connection was lost".to_owned(),
            Event::Closed => "the connection was closed".to_owned(),
            _ => return,
        };
        if let Ok(mut said) = self.said.lock()
            && said.is_empty()
        {
            *said = text.trim_start_matches("nats: ").to_owned();
        }
        self.is_there.notify_one();
    }

    fn fault(&self, target: &str) -> Fault {
        let said = self.said.lock().map(|said| said.clone());
        let said = said.unwrap_or_default();
        let lower = said.to_ascii_lowercase();
        let error = format!("NATS at {target} broke off");
        match lower.contains("permissions violation") || lower.contains("authoriz") {
            true => bad(error)
                .because(said)
                .hint("the account must be allowed to publish there and to subscribe to _INBOX.>")
                .into(),
            false => Fault::Retry(Error::failure(error).because(said)),
        }
    }

    /// Waits for the future, or for trouble.
    async fn or<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        let mut future = pin!(future);
        let mut trouble = pin!(self.is_there.notified());
        poll_fn(|context| {
            if let Poll::Ready(value) = future.as_mut().poll(context) {
                return Poll::Ready(Some(value));
            }
            trouble.as_mut().poll(context).map(|()| None)
        })
        .await
    }
}

/// A connection with a stream behind it.
#[derive(Debug)]
pub(super) struct Link {
    jetstream: Context,
    trouble: Arc<Trouble>,
    place: String,
    messages: u64,
}

impl Link {
    /// Connects, and sees that the stream is there.
    pub(super) async fn open(target: &Target) -> Result<Self, Fault> {
        may_reach(&target.hosts, target.may_be_link_local).await?;
        let trouble = Arc::new(Trouble::default());
        let told = Arc::clone(&trouble);
        let options = target.options.clone().event_callback(move |event| {
            told.tell(&event);
            std::future::ready(())
        });
        let connected = options.connect(target.servers.as_slice()).await;
        let place = target.place();
        let client = connected.map_err(|error| unconnected(&error, &place))?;
        let jetstream = ContextBuilder::new()
            .timeout(target.patience)
            .max_ack_inflight(IN_FLIGHT)
            .build(client);
        let found = trouble.or(stream::ensure(&jetstream, target)).await;
        let messages = found.ok_or_else(|| trouble.fault(&place))??;
        Ok(Self {
            jetstream,
            trouble,
            place,
            messages,
        })
    }

    /// What was reached, in a few words.
    pub(super) fn reached(&self, stream: &str) -> String {
        let server = self.jetstream.client().server_info();
        let (place, version, messages) = (&self.place, server.version, self.messages);
        format!("nats-server {version} at {place}, stream {stream} with {messages} messages")
    }

    /// Publishes all, then waits for all acknowledgements.
    pub(super) async fn publish(&self, load: &[Envelope]) -> Result<(), Fault> {
        let sent = self.trouble.or(self.publish_all(load)).await;
        sent.unwrap_or_else(|| Err(self.trouble.fault(&self.place)))
    }

    async fn publish_all(&self, load: &[Envelope]) -> Result<(), Fault> {
        let mut waiting = Vec::with_capacity(load.len());
        for envelope in load {
            let message = PublishMessage::build()
                .payload(envelope.body.clone().into())
                .headers(envelope.headers.clone());
            let subject = envelope.subject.clone();
            let sent = self.jetstream.send_publish(subject, message).await;
            waiting.push(sent.map_err(|error| unpublished(&error, &self.place))?);
        }
        for acknowledgement in waiting {
            acknowledgement
                .await
                .map_err(|error| unpublished(&error, &self.place))?;
        }
        Ok(())
    }
}

/// An error that the settings or the server must be changed for.
pub(super) fn bad(what: String) -> Error {
    Error::usage(what)
}

/// What lies behind an error of the client, without the client's own words for its kind.
pub(super) fn cause(error: &(dyn StdError + 'static)) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}

fn unconnected(error: &ConnectError, place: &str) -> Fault {
    let what = format!("could not reach NATS at {place}");
    if let Some(reason) = tls::reason(error) {
        return bad(what)
            .because(format!("TLS: {reason}"))
            .hint("`certificate` names the authority that signed the server's; `client_certificate` and `client_key` are ours")
            .into();
    }
    match error.kind() {
        ConnectErrorKind::AuthorizationViolation => bad(what)
            .because("the server does not know us")
            .hint("user and password, token, nkey or credentials_file of the sink must be what it expects")
            .into(),
        ConnectErrorKind::Authentication => bad(what)
            .because("the nkey seed or the credentials are not valid")
            .into(),
        ConnectErrorKind::Tls | ConnectErrorKind::ServerParse => {
            bad(what).because(cause(error)).into()
        }
        ConnectErrorKind::TimedOut => Fault::Retry(Error::failure(what).because("it did not answer")),
        _ => Fault::Retry(
            Error::failure(what)
                .because(cause(error))
                .hint("is the server running, and is `url` its client port?"),
        ),
    }
}

fn unpublished(error: &PublishError, place: &str) -> Fault {
    let what = format!("NATS at {place} did not acknowledge");
    let said = error.source();
    let said = said.and_then(|source| source.downcast_ref::<jetstream::Error>());
    match (error.kind(), said.map(jetstream::Error::error_code)) {
        (PublishErrorKind::MaxPayloadExceeded, _) => Fault::Permanent(cause(error)),
        (
            _,
            Some(
                ErrorCode::STREAM_MESSAGE_EXCEEDS_MAXIMUM
                | ErrorCode::STREAM_HEADER_EXCEEDS_MAXIMUM,
            ),
        ) => Fault::Permanent(cause(error)),
        (_, Some(ErrorCode::STREAM_SEALED)) => bad(what).because(cause(error)).into(),
        _ => Fault::Retry(Error::failure(what).because(cause(error))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_ids_make_no_header_of_their_own() {
        let message = Message {
            id: "evt_1\r\nNats-Rollup: all".to_owned(),
            content_type: "application/json",
            attributes: vec![("subject".to_owned(), "Euro € 😀".to_owned())],
            ..Message::default()
        };
        let made = Envelope::of("s".to_owned(), message).unwrap().headers;
        let value = |name: &str| made.get(name).map(ToString::to_string);
        assert_eq!(
            value("Nats-Msg-Id").unwrap(),
            "evt_1%0D%0ANats-Rollup:%20all"
        );
        assert_eq!(
            value("ce-subject").unwrap(),
            "Euro%20%E2%82%AC%20%F0%9F%98%80"
        );
        assert_eq!(made.len(), 4);
    }
}
