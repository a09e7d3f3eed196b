//! What an answer, or none, means for the records that were sent (OTLP 1.11, "OTLP/gRPC Response", "OTLP/HTTP Response",
//! "Failures"). Where the specification lets a client drop data for a mistake in its settings, nothing is dropped here: the
//! answer is `Misconfigured`. What a receiver said is shown without our headers' values, escaped and cut.

use super::headers::Headers;
use super::spoken::{self, Spoken};
use super::target::{Protocol, Target};
use super::tls;
use crate::error::Error;
use crate::model::{shown, time};
use crate::redact;
use crate::ship::Answer;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;
use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, HeaderName, LOCATION, RETRY_AFTER};
use serde_json::Value;
use std::error::Error as Cause;
use std::time::Duration;
use tonic::{Code, Status};
use tonic_types::StatusExt;

/// The longest part of a receiver's words that is shown.
const SHOWN: usize = 300;

/// Nobody is waited for longer, whatever it asks for.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What a receiver said over HTTP.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    /// The beginning of a too long one.
    pub(super) body: Vec<u8>,
}

impl Reply {
    fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    fn is_of_type(&self, part: &str) -> bool {
        let kind = self.header(CONTENT_TYPE).unwrap_or_default();
        kind.to_ascii_lowercase().contains(part)
    }

    /// The receiver's clock.
    pub(super) fn date(&self) -> Option<i64> {
        date(&self.headers)
    }

    /// The error's text: of a `google.rpc.Status` in either encoding, else the body itself.
    fn said(&self) -> String {
        if self.is_of_type("protobuf")
            && let Ok(status) = tonic_types::Status::decode(self.body.as_slice())
        {
            return status.message;
        }
        let json: Option<Value> = serde_json::from_slice(&self.body).ok();
        let message = json.as_ref().and_then(|json| json.get("message")?.as_str());
        match message {
            Some(message) => message.to_owned(),
            None => String::from_utf8_lossy(&self.body).into_owned(),
        }
    }

    /// The partial success of any signal: their messages are alike on the wire, and are read by hand from JSON, in which
    /// 64-bit numbers are strings.
    fn partial(&self) -> Option<(u64, String)> {
        if self.is_of_type("json") {
            let json: Value = serde_json::from_slice(&self.body).ok()?;
            let partial = json.get("partialSuccess")?.as_object()?;
            let rejected = partial.iter().find(|(key, _)| key.starts_with("rejected"));
            let count = match rejected.map(|(_, count)| count) {
                Some(Value::String(text)) => text.parse().unwrap_or(0),
                Some(Value::Number(number)) => number.as_u64().unwrap_or(0),
                _ => 0,
            };
            let why = partial.get("errorMessage").and_then(Value::as_str);
            return Some((count, why.unwrap_or_default().to_owned()));
        }
        let response = ExportTraceServiceResponse::decode(self.body.as_slice()).ok()?;
        let partial = response.partial_success?;
        let count = u64::try_from(partial.rejected_spans).unwrap_or(0);
        Some((count, partial.error_message))
    }
}

fn date(headers: &HeaderMap) -> Option<i64> {
    time::parse_http(headers.get(DATE)?.to_str().ok()?)
}

/// Seconds, or a date, which is measured from the receiver's own clock where it shows that.
pub(in crate::ship) fn retry_after(headers: &HeaderMap, now: i64) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds).min(DAY));
    }
    let wait = time::parse_http(text)?.saturating_sub(date(headers).unwrap_or(now));
    Some(Duration::from_nanos(u64::try_from(wait).unwrap_or(0)).min(DAY))
}

/// What a partial success means; none said, or an empty one, is full success.
pub(super) fn of_partial(target: &Target, partial: Option<(u64, String)>) -> Answer {
    match partial {
        Some((rejected, why)) if rejected > 0 || !why.is_empty() => Answer::Partial {
            rejected,
            why: clean(&target.headers, &why),
        },
        _ => Answer::Delivered,
    }
}

/// What an HTTP answer means.
pub(super) fn of_reply(target: &Target, reply: &Reply, now: i64) -> Answer {
    let at = target.endpoint.shown();
    let said = clean(&target.headers, &reply.said());
    let status = match said.is_empty() || reply.is_of_type("html") {
        true => format!("{at} answers {}", reply.status),
        false => format!("{at} answers {}: {said}", reply.status),
    };
    let misconfigured = |hint: &str| Answer::Misconfigured(Error::usage(status.clone()).hint(hint));
    match reply.status {
        200..=299 if reply.is_of_type("html") => {
            Answer::Misconfigured(Error::usage(format!("{at} answers with a web page")).hint(
                format!("that is no OTLP receiver; correct {}", target.place),
            ))
        }
        200..=299 => of_partial(target, reply.partial()),
        300..=399 => {
            let to = reply.header(LOCATION).unwrap_or("another place");
            let to = to.split(['?', '#']).next().unwrap_or_default();
            let to = clean(&target.headers, to);
            misconfigured(&format!(
                "redirects are not followed: it points to {to}; set {}",
                target.place
            ))
        }
        400 if !target.endpoint.is_tls() && is_for_tls(&said) => {
            misconfigured("the port speaks TLS: write https://")
        }
        401 | 403 | 407 => misconfigured("give the credentials it wants as headers"),
        404 | 405 | 501 => misconfigured(&format!(
            "OTLP is usually below /v1/ on port 4318: correct {}; {SOME}",
            target.place
        )),
        415 => misconfigured("it does not take this protocol or compression: try another"),
        421 | 426 | 505 => misconfigured("it wants another version of HTTP, or TLS"),
        429 | 502 | 503 | 504 => Answer::Retry {
            after: retry_after(&reply.headers, now),
            why: Error::failure(status),
        },
        _ => Answer::Permanent(status),
    }
}

/// What servers in Go, and nginx, say to plain HTTP on a port with TLS.
fn is_for_tls(said: &str) -> bool {
    let said = said.to_ascii_lowercase();
    ["http request to an https server", "sent to https port"]
        .iter()
        .any(|part| said.contains(part))
}

/// What the status of a gRPC call means.
pub(super) fn of_status(target: &Target, status: &Status) -> Answer {
    if let Some(cause) = status.source() {
        if chain(cause).iter().any(|text| text == "Timeout expired") {
            return too_late(target);
        }
        return of_failure(target, cause);
    }
    let said = clean(&target.headers, status.message());
    let at = target.endpoint.shown();
    let whole = format!("{at} answers {}: {said}", name(status.code()));
    let retry = || Answer::Retry {
        after: status
            .get_details_retry_info()
            .and_then(|info| info.retry_delay)
            .map(|delay| delay.min(DAY)),
        why: Error::failure(whole.clone()),
    };
    let misconfigured = |hint: &str| Answer::Misconfigured(Error::usage(whole.clone()).hint(hint));
    let is_torn = ["missing grpc-status trailer", "Service was not ready"]
        .iter()
        .any(|part| said.contains(part));
    let is_too_large = ["larger than max", "too large"]
        .iter()
        .any(|part| said.contains(part));
    match status.code() {
        Code::Unknown if is_torn => retry(),
        Code::Internal | Code::Unimplemented | Code::Unknown
            if let Some(status) = http_status(&said) =>
        {
            match status {
                "429" | "502" | "503" | "504" => retry(),
                _ => misconfigured(NO_GRPC),
            }
        }
        Code::OutOfRange | Code::ResourceExhausted if is_too_large => Answer::Permanent(whole),
        Code::ResourceExhausted if status.get_details_retry_info().is_none() => {
            Answer::Permanent(whole)
        }
        Code::Aborted
        | Code::Cancelled
        | Code::DataLoss
        | Code::DeadlineExceeded
        | Code::OutOfRange
        | Code::ResourceExhausted
        | Code::Unavailable => retry(),
        Code::PermissionDenied | Code::Unauthenticated => {
            misconfigured("give the credentials it wants as headers")
        }
        Code::Unimplemented => misconfigured(&format!("try without compression; {SOME}")),
        Code::AlreadyExists
        | Code::FailedPrecondition
        | Code::Internal
        | Code::InvalidArgument
        | Code::NotFound
        | Code::Ok
        | Code::Unknown => Answer::Permanent(whole),
    }
}

/// For receivers of one signal only.
const SOME: &str = "if it takes only some signals, leave the others out with `signals` or OTEL_METRICS_EXPORTER=none and its like";

/// The HTTP status of an answer that was none of gRPC, which tonic tells in words only.
fn http_status(said: &str) -> Option<&str> {
    let marks = ["mapped from HTTP status code ", "response with status: "];
    let after = marks.iter().find_map(|mark| said.split(mark).nth(1))?;
    after.get(..3)
}

const NO_GRPC: &str =
    "that is no gRPC receiver: grpc is usually on port 4317, http/protobuf on 4318";

/// What it means that there was no answer. The records may have arrived or not.
pub(super) fn of_failure(target: &Target, error: &(dyn Cause + 'static)) -> Answer {
    let address = target.endpoint.address();
    if let Some(reason) = tls::reason(error) {
        let error = Error::usage(format!("no TLS with {address}")).because(reason);
        return Answer::Misconfigured(error.hint(tls::hint(reason)));
    }
    let words = chain(error);
    let innermost = words.last().cloned().unwrap_or_default();
    // what went through HTTP/2 is only a text
    if let Some(alert) = innermost.split("received fatal alert: ").nth(1) {
        let error = Error::usage(format!("no TLS with {address}")).because(&innermost);
        return Answer::Misconfigured(error.hint(tls::hint_of_alert(alert)));
    }
    let says = |part: &str| words.iter().any(|text| text.contains(part));
    if says(LINK_LOCAL) {
        return Answer::Misconfigured(super::target::link_local(&target.place));
    }
    if says("HTTP/2 was not negotiated") {
        let error = Error::usage(format!("{address} speaks no HTTP/2"));
        return Answer::Misconfigured(error.hint(NO_GRPC));
    }
    let is_before = [
        "dns error",
        "failed to lookup",
        "tcp connect error",
        "deadline",
        "timed out",
    ];
    let is_open = !is_before.iter().any(|part| says(part)) && !says("imeout");
    if is_open && let Some(error) = wrong_port(target) {
        return Answer::Misconfigured(error);
    }
    let place = &target.place;
    // a gRPC port under TLS says nothing else to HTTP
    let hint = match says("closed before message completed") && target.protocol != Protocol::Grpc {
        true => format!(
            "if that is a gRPC port (usually 4317; HTTP is on 4318), set the protocol grpc or correct {place}"
        ),
        false => format!("start it there, or correct {place}"),
    };
    Answer::Retry {
        after: None,
        why: Error::failure(format!("could not reach the collector at {address}"))
            .because(clean(&target.headers, &innermost))
            .hint(hint),
    }
}

/// No answer came in the time that one batch may take.
pub(super) fn too_late(target: &Target) -> Answer {
    let limit = target.timeout.unwrap_or_default().as_millis();
    let address = target.endpoint.address();
    Answer::Retry {
        after: None,
        why: Error::failure(format!(
            "no answer from the collector at {address} within {limit} ms"
        ))
        .hint("raise the timeout, where the receiver is only slow"),
    }
}

/// What the refusal of a name that leads to a link-local address says in itself.
pub(in crate::ship) const LINK_LOCAL: &str = "all its addresses are link-local";

/// The error of a port that surely speaks something else. Ports under TLS say so in the handshake.
fn wrong_port(target: &Target) -> Option<Error> {
    if target.endpoint.is_tls() {
        return None;
    }
    let is_grpc = target.protocol == Protocol::Grpc;
    let address = target.endpoint.address();
    let found = spoken::at(target.endpoint.host(), target.endpoint.port(), is_grpc)?;
    let (what, hint) = match (found, is_grpc) {
        (Spoken::Http1, true) => (
            "speaks HTTP, not gRPC",
            "use the gRPC port, usually 4317, or the protocol http/protobuf",
        ),
        (Spoken::Http2, false) => (
            "speaks gRPC, not HTTP",
            "use the HTTP port, usually 4318, or the protocol grpc",
        ),
        (Spoken::Tls, _) => ("speaks TLS", "write https:// before the host"),
        (Spoken::Http1, false) | (Spoken::Http2, true) => return None,
    };
    Some(Error::usage(format!("{address} {what}")).hint(hint))
}

/// What an error and those behind it say.
pub(in crate::ship) fn chain(error: &(dyn Cause + 'static)) -> Vec<String> {
    let mut words = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        words.push(error.to_string());
        next = error.source();
    }
    words
}

/// A receiver's words as they may be shown.
pub(in crate::ship) fn clean(headers: &Headers, text: &str) -> String {
    let text = headers.blanked(text.trim());
    let text = redact::text(&text);
    let cut: String = text.chars().take(SHOWN).collect();
    shown::escape(&cut).into_owned()
}

/// A code as gRPC writes it.
fn name(code: Code) -> String {
    let mut name = String::new();
    for letter in format!("{code:?}").chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}

#[cfg(test)]
mod tests;
