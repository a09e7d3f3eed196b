//! The keys of a `[[sink]]`: which kind takes which, and what each takes. A secret is never a value here: its key ends in
//! `_env` (the name of a variable) or `_file` (a path).

use super::SinkKind::{self, Command, File, Kafka, Nats, Otlp, Webhook};
use crate::settings::Shape;

/// One key of a `[[sink]]`.
#[derive(Debug)]
pub struct SinkKey {
    /// The key.
    pub key: &'static str,
    /// The kinds it belongs to.
    pub kinds: &'static [SinkKind],
    /// What it takes, or each item of it.
    pub shape: Shape,
    /// It takes a list of such.
    pub is_list: bool,
    /// Its value when nobody says otherwise; empty is none.
    pub default: &'static str,
    /// What it does.
    pub help: &'static str,
}

const fn key(
    key: &'static str,
    kinds: &'static [SinkKind],
    shape: Shape,
    default: &'static str,
    help: &'static str,
) -> SinkKey {
    SinkKey {
        key,
        kinds,
        shape,
        is_list: false,
        default,
        help,
    }
}

const fn list(
    name: &'static str,
    kinds: &'static [SinkKind],
    shape: Shape,
    default: &'static str,
    help: &'static str,
) -> SinkKey {
    SinkKey {
        is_list: true,
        ..key(name, kinds, shape, default, help)
    }
}

const ALL: &[SinkKind] = &SinkKind::ALL;
const BUSES: &[SinkKind] = &[Kafka, Nats, Webhook];
const NETWORK: &[SinkKind] = &[Kafka, Nats, Otlp, Webhook];
const SIGNALS: &[&str] = &["events", "logs", "metrics", "spans"];
const FORMATS: &[&str] = &["obs", "cloudevents", "cdevents", "otlp-json"];

/// The table.
pub const SINK_KEYS: &[SinkKey] = &[
    key(
        "name",
        ALL,
        Shape::Text,
        "",
        "its name: letters, digits, - and _; one sink each",
    ),
    key(
        "type",
        ALL,
        Shape::Choice(&["command", "file", "kafka", "nats", "otlp", "webhook"]),
        "",
        "what it speaks",
    ),
    list(
        "signals",
        ALL,
        Shape::Choice(SIGNALS),
        "",
        "what it gets; all for otlp and file, else events",
    ),
    key(
        "start",
        ALL,
        Shape::Choice(&["24h", "all", "now"]),
        "24h",
        "from where a new sink begins",
    ),
    key(
        "timeout",
        ALL,
        Shape::Millis,
        "10000",
        "milliseconds that one batch may take; 0: no limit",
    ),
    key(
        "format",
        &[Command, File, Kafka, Nats, Webhook],
        Shape::Choice(FORMATS),
        "",
        "cloudevents for buses, obs for command and file",
    ),
    key(
        "mode",
        BUSES,
        Shape::Choice(&["structured", "binary"]),
        "structured",
        "CloudEvents content mode",
    ),
    key(
        "allow_link_local",
        NETWORK,
        Shape::Bool,
        "false",
        "169.254.0.0/16 and fe80::/10 may be reached",
    ),
    key(
        "certificate",
        NETWORK,
        Shape::Text,
        "",
        "PEM file of the authorities that are trusted",
    ),
    key(
        "client_certificate",
        NETWORK,
        Shape::Text,
        "",
        "PEM file of our certificate",
    ),
    key(
        "client_key",
        NETWORK,
        Shape::Text,
        "",
        "PEM file of its key",
    ),
    key("endpoint", &[Otlp], Shape::Text, "", "base URL"),
    key(
        "protocol",
        &[Otlp],
        Shape::Choice(&["grpc", "http/protobuf", "http/json"]),
        "http/protobuf",
        "OTLP transport",
    ),
    key(
        "compression",
        &[Otlp],
        Shape::Choice(&["gzip", "none"]),
        "none",
        "of requests",
    ),
    key(
        "temporality",
        &[Otlp],
        Shape::Choice(&["cumulative", "delta"]),
        "cumulative",
        "of metrics",
    ),
    key(
        "headers_env",
        &[Otlp, Webhook],
        Shape::Text,
        "",
        "variable with headers, k=v,k2=v2",
    ),
    key(
        "headers_file",
        &[Otlp, Webhook],
        Shape::Text,
        "",
        "file with headers, k=v,k2=v2",
    ),
    key("url", &[Nats, Webhook], Shape::Text, "", "where"),
    key("stream", &[Nats], Shape::Text, "OBS", "JetStream stream"),
    key(
        "create",
        &[Kafka, Nats],
        Shape::Bool,
        "true",
        "make the stream or the topic where it is missing",
    ),
    key(
        "subject",
        &[Nats],
        Shape::Text,
        "obs.events",
        "what subjects begin with; the event's type follows",
    ),
    key("brokers", &[Kafka], Shape::Text, "", "host:port,host:port"),
    key("topic", &[Kafka], Shape::Text, "obs.events", "topic"),
    key(
        "partitions",
        &[Kafka],
        Shape::Number(1),
        "3",
        "of a topic that is made",
    ),
    key("tls", &[Kafka, Nats], Shape::Bool, "false", "encrypted"),
    key(
        "sasl",
        &[Kafka],
        Shape::Choice(&["plain", "scram-sha-256", "scram-sha-512"]),
        "",
        "SASL mechanism",
    ),
    key("user", &[Kafka, Nats], Shape::Text, "", "user name"),
    key(
        "password_env",
        &[Kafka, Nats],
        Shape::Text,
        "",
        "variable with the password",
    ),
    key(
        "password_file",
        &[Kafka, Nats],
        Shape::Text,
        "",
        "file with the password",
    ),
    key(
        "token_env",
        &[Nats],
        Shape::Text,
        "",
        "variable with the token",
    ),
    key(
        "token_file",
        &[Nats],
        Shape::Text,
        "",
        "file with the token",
    ),
    key(
        "nkey_env",
        &[Nats],
        Shape::Text,
        "",
        "variable with the nkey seed",
    ),
    key(
        "nkey_file",
        &[Nats],
        Shape::Text,
        "",
        "file with the nkey seed",
    ),
    key(
        "credentials_file",
        &[Nats],
        Shape::Text,
        "",
        "`.creds` file: JWT and seed",
    ),
    key(
        "secret_env",
        &[Webhook],
        Shape::Text,
        "",
        "variable with the signing secrets (whsec_…), by spaces",
    ),
    key(
        "secret_file",
        &[Webhook],
        Shape::Text,
        "",
        "file with the signing secrets",
    ),
    list(
        "command",
        &[Command],
        Shape::Text,
        "",
        "program and its words",
    ),
    key(
        "path",
        &[File],
        Shape::Text,
        "",
        "file; {signal} stands for events, logs, metrics or spans",
    ),
    key(
        "permissions",
        &[File],
        Shape::Text,
        "0600",
        "mode of the file, octal",
    ),
    key("group", &[File], Shape::Text, "", "group of the file"),
    key(
        "rotate_bytes",
        &[File],
        Shape::Bytes(4096),
        "67108864",
        "size at which it is rotated",
    ),
    key(
        "keep",
        &[File],
        Shape::Number(0),
        "5",
        "rotated files that stay",
    ),
];
