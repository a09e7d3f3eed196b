//! A connection to Kafka: made, used, and given up at the first sign of trouble.

use super::super::bus::{Fault, Host, may_reach};
use super::{MOST_BYTES, Target};
use crate::error::Error;
use krafka::admin::{
    AdminClient, ConfigResource, CreateTopicsOptions, DescribeClusterOptions,
    DescribeConfigsOptions, DescribeTopicsOptions, NewTopic,
};
use krafka::error::ErrorCode;
use krafka::producer::{Acks, Producer};
use krafka::{CloseOptions, Kafka, KrafkaError, Record};
use std::collections::BTreeMap;
use std::time::Duration;

/// What a broker takes at most in one batch, where a topic does not say otherwise (`message.max.bytes`).
const LARGEST: usize = 1_048_588;

/// What a batch has beside its records.
const BATCH: usize = 128;

/// Bytes of one batch: half of what a broker takes by default.
const BATCH_BYTES: usize = 512 * 1024;

/// A connection with a producer, to topics that are there.
pub(super) struct Link {
    producer: Producer,
    place: String,
    brokers: usize,
    /// The largest record that each topic takes.
    largest: BTreeMap<String, usize>,
}

impl Link {
    /// Connects, and sees that the topics are there.
    pub(super) async fn open(target: &Target) -> Result<Self, Fault> {
        let place = target.place();
        may_reach(&target.hosts, target.may_be_link_local).await?;
        let fault = |error| unreached(&error, &place);
        let kafka = Kafka::builder(&place)
            .client_id("obs")
            .security(target.security.clone())
            .request_timeout(target.patience / 3)
            .connect_timeout(target.patience / 3)
            .connect();
        let kafka = kafka.await.map_err(fault)?;
        let admin = kafka.admin().default_api_timeout(target.patience);
        let cluster = admin.describe_cluster(DescribeClusterOptions::default());
        let cluster = cluster.await.map_err(fault)?;
        // a broker says where the others are
        let others = cluster.brokers.iter().filter_map(|broker| {
            let port = u16::try_from(broker.port).ok()?;
            let name = broker.host.clone();
            Some(Host { name, port })
        });
        let others: Vec<Host> = others.collect();
        may_reach(&others, target.may_be_link_local).await?;
        ensure(&admin, target, &place).await?;
        let largest = limits(&admin, target).await;
        let producer = kafka
            .producer()
            .acks(Acks::All)
            .idempotent(true)
            .batch_size(BATCH_BYTES)
            .buffer_memory(4 * MOST_BYTES)
            .linger(Duration::from_millis(5).min(target.patience / 10))
            .delivery_timeout(target.patience / 10 * 9)
            .max_block(target.patience / 10 * 9)
            .metrics_push(false)
            .build();
        Ok(Self {
            producer: producer.await.map_err(fault)?,
            place,
            brokers: cluster.brokers.len(),
            largest,
        })
    }

    /// What was reached, in a few words.
    pub(super) fn reached(&self) -> String {
        let topics: Vec<&str> = self.largest.keys().map(String::as_str).collect();
        let (count, place, topics) = (self.brokers, &self.place, topics.join(", "));
        format!("kafka at {place}, brokers: {count}, topics: {topics}")
    }

    /// Queues all, then waits for all acknowledgements.
    pub(super) async fn send(&self, load: &[Record]) -> Result<(), Fault> {
        // before anything is sent: those beside a record that is too large would be there twice
        for record in load {
            let largest = self.largest.get(&record.topic).copied().unwrap_or(LARGEST);
            let size = record.estimated_size() + BATCH;
            if size > largest {
                let topic = &record.topic;
                let why = format!("{size} bytes as a record, and topic {topic} takes {largest}");
                return Err(Fault::Permanent(why));
            }
        }
        let mut waiting = Vec::with_capacity(load.len());
        for record in load {
            let queued = self.producer.enqueue(record.clone()).await;
            waiting.push(queued.map_err(|error| unsent(&error, &self.place))?);
        }
        for acknowledgement in waiting {
            let acknowledged = acknowledgement.await;
            let _where = acknowledged.map_err(|error| unsent(&error, &self.place))?;
        }
        Ok(())
    }

    /// Drops what is still queued: the drain will send it again.
    pub(super) async fn forget(self) {
        let at_once = CloseOptions::new().timeout(Duration::ZERO);
        let _ = self.producer.close_with(at_once).await;
    }
}

/// Makes the topics that are missing, for neither a broker nor the producer does.
async fn ensure(admin: &AdminClient, target: &Target, place: &str) -> Result<(), Fault> {
    let names: Vec<&str> = target
        .topics
        .iter()
        .map(|(_, topic)| topic.as_str())
        .collect();
    let fault = |error| unreached(&error, place);
    let described = admin.describe_topics(&names, DescribeTopicsOptions::default());
    let mut missing = Vec::new();
    for (topic, described) in described.await.map_err(fault)? {
        match described {
            Ok(_) => {}
            Err(error) if is_unknown(&error) => missing.push(topic),
            Err(error) => return Err(unsent(&error, place)),
        }
    }
    missing.sort_unstable();
    match missing.first() {
        None => Ok(()),
        Some(topic) if !target.may_create => Err(unknown(topic)),
        Some(_) => make(admin, target, missing, place).await,
    }
}

async fn make(
    admin: &AdminClient,
    target: &Target,
    missing: Vec<String>,
    place: &str,
) -> Result<(), Fault> {
    let new = |topic: &String| NewTopic::new(topic, target.partitions, -1);
    let topics: Result<Vec<NewTopic>, KrafkaError> = missing.iter().map(new).collect();
    let topics = topics.map_err(|error| unreached(&error, place))?;
    let made = admin.create_topics(topics, CreateTopicsOptions::default());
    for (topic, made) in made.await.map_err(|error| unreached(&error, place))? {
        match made {
            Ok(()) => {}
            // somebody else was faster
            Err(KrafkaError::Broker {
                code: ErrorCode::TopicAlreadyExists,
                ..
            }) => {}
            Err(error) if error.is_retriable() => return Err(unsent(&error, place)),
            Err(error) => {
                let error = Error::usage(format!("could not make topic {topic}")).because(error);
                return Err(Fault::Misconfigured(error.hint("make it yourself")));
            }
        }
    }
    Ok(())
}

/// What each topic takes at most; the default where it may not be asked.
async fn limits(admin: &AdminClient, target: &Target) -> BTreeMap<String, usize> {
    let topics = target.topics.iter().map(|(_, topic)| topic);
    let mut limits: BTreeMap<String, usize> = topics
        .clone()
        .map(|topic| (topic.clone(), LARGEST))
        .collect();
    let wanted = DescribeConfigsOptions::default();
    let wanted = wanted.config_names(vec!["max.message.bytes".to_owned()]);
    let asked = admin.describe_configs(topics.map(ConfigResource::topic), wanted);
    for (resource, entries) in asked.await.unwrap_or_default() {
        let entries = entries.unwrap_or_default();
        let value = entries.first().and_then(|entry| entry.value.as_ref());
        if let Some(limit) = value.and_then(|value| value.parse().ok()) {
            limits.insert(resource.name, limit);
        }
    }
    limits
}

fn is_unknown(error: &KrafkaError) -> bool {
    let unknown = ErrorCode::UnknownTopicOrPartition;
    matches!(error, KrafkaError::UnknownTopic { .. })
        || matches!(error, KrafkaError::Broker { code, .. } if *code == unknown)
}

fn unknown(topic: &str) -> Fault {
    let error = Error::usage(format!("there is no topic {topic}"));
    Fault::Misconfigured(error.hint("make it, or set create = true"))
}

/// What an error means while a connection is made.
fn unreached(error: &KrafkaError, place: &str) -> Fault {
    let what = format!("could not reach Kafka at {place}");
    match error {
        KrafkaError::Auth { message, .. } => Fault::Misconfigured(unknown_to_us(what, message)),
        KrafkaError::Config { message } => {
            Fault::Misconfigured(Error::usage(what).because(message))
        }
        KrafkaError::Broker { code, .. } => of_code(*code, what, error),
        // with TLS 1.3 a certificate of ours is refused after the handshake, and the client calls that the network
        KrafkaError::Network(cause) if is_alert(cause) => {
            unknown_to_us(what, &cause.to_string()).into()
        }
        KrafkaError::Network(cause) => Fault::Retry(Error::failure(what).because(cause).hint(
            "is the broker running, does `brokers` name its client port, and does that speak TLS?",
        )),
        _ => Fault::Retry(Error::failure(what).because(error)),
    }
}

/// Whether it is what rustls says of an alert; the client keeps no more of it than the text.
fn is_alert(cause: &std::io::Error) -> bool {
    cause.to_string().contains("received fatal alert")
}

/// What an error means once there was a connection.
fn unsent(error: &KrafkaError, place: &str) -> Fault {
    let what = format!("Kafka at {place} did not acknowledge");
    match error {
        KrafkaError::Auth { message, .. } => Fault::Misconfigured(unknown_to_us(what, message)),
        KrafkaError::Broker { code, .. } => of_code(*code, what, error),
        KrafkaError::UnknownTopic { topic } => unknown(topic),
        // the client's own limits; whatever else it has against our settings is no record's fault
        KrafkaError::Config { message } if message.starts_with("record size") => {
            Fault::Permanent(message.clone())
        }
        KrafkaError::Config { message } => {
            Fault::Misconfigured(Error::usage(what).because(message))
        }
        _ => Fault::Retry(Error::failure(what).because(error)),
    }
}

fn unknown_to_us(what: String, why: &str) -> Error {
    let hint = "`sasl`, `user`, the password and `client_certificate` must be what the broker expects; \
                `certificate` names the authority that signed the broker's";
    Error::usage(what).because(why).hint(hint)
}

fn of_code(code: ErrorCode, what: String, error: &KrafkaError) -> Fault {
    use ErrorCode as Code;
    match code {
        Code::MessageTooLarge | Code::RecordListTooLarge | Code::InvalidRecord => {
            Fault::Permanent(error.to_string())
        }
        Code::SaslAuthenticationFailed | Code::UnsupportedSaslMechanism => {
            unknown_to_us(what, &error.to_string()).into()
        }
        Code::ClusterAuthorizationFailed
        | Code::InvalidTopic
        | Code::TopicAuthorizationFailed
        | Code::UnknownTopicOrPartition => {
            let error = Error::usage(what).because(error);
            let hint =
                "the user must be allowed to describe and write to the topic (and to create it)";
            Fault::Misconfigured(error.hint(hint))
        }
        _ => Fault::Retry(Error::failure(what).because(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(fault: &Fault) -> &'static str {
        match fault {
            Fault::Misconfigured(_) => "misconfigured",
            Fault::Permanent(_) => "permanent",
            Fault::Retry(_) => "retry",
        }
    }

    #[test]
    fn errors_mean_what_can_be_done_about_them() {
        let broker = |code| KrafkaError::broker(code, "said the broker");
        for (error, meaning) in [
            (broker(ErrorCode::MessageTooLarge), "permanent"),
            (broker(ErrorCode::NotEnoughReplicas), "retry"),
            (broker(ErrorCode::TopicAuthorizationFailed), "misconfigured"),
            (broker(ErrorCode::UnknownTopicOrPartition), "misconfigured"),
            (KrafkaError::auth("no"), "misconfigured"),
            (
                KrafkaError::config("record size 9 B exceeds 8"),
                "permanent",
            ),
            (KrafkaError::config("something else"), "misconfigured"),
            (KrafkaError::serialization("torn"), "retry"),
            (KrafkaError::timeout("produce"), "retry"),
            (KrafkaError::delivery_timeout(true, "late"), "retry"),
            (KrafkaError::closed("gone"), "retry"),
        ] {
            assert_eq!(word(&unsent(&error, "h:1")), meaning, "{error}");
        }
        let alert = rustls::Error::AlertReceived(rustls::AlertDescription::BadCertificate);
        let alert = KrafkaError::network(std::io::Error::other(alert));
        assert_eq!(word(&unreached(&alert, "h:1")), "misconfigured");
        let refused = std::io::Error::from_raw_os_error(111);
        let fault = unreached(&KrafkaError::network(refused), "h:1");
        assert_eq!(
            fault.error().to_string(),
            "could not reach Kafka at h:1: connection refused"
        );
    }
}
