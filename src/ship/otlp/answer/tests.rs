//! Tables of answers: what each status means for the records.

use super::*;
use crate::ship::otlp::variables;
use crate::world::World;
use reqwest::header::{HeaderName, HeaderValue};

fn target(env: &[(&str, &str)]) -> Target {
    let default = [(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "http://127.0.0.1:9/x?token=hush",
    )];
    let env: Vec<_> = default.into_iter().chain(env.iter().copied()).collect();
    let mut targets = variables::targets(&World::of(&env)).unwrap();
    targets.remove(2).1
}

fn reply(status: u16, headers: &[(&'static str, &'static str)], body: &[u8]) -> Reply {
    let pair = |(name, value): &(&'static str, &'static str)| {
        (
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        )
    };
    Reply {
        status,
        headers: headers.iter().map(pair).collect(),
        body: body.to_vec(),
    }
}

fn word(answer: &Answer) -> String {
    match answer {
        Answer::Delivered => "delivered".to_owned(),
        Answer::Failing(error) => format!("failing: {error}"),
        Answer::Gone(error) | Answer::Misconfigured(error) => {
            format!("misconfigured: {}", error.report())
        }
        Answer::Partial { rejected, why } => format!("partial {rejected}: {why}"),
        Answer::Permanent(why) => format!("permanent: {why}"),
        Answer::Retry { after, why } => format!("retry {after:?}: {why}"),
    }
}

fn of(status: u16, headers: &[(&'static str, &'static str)], body: &[u8]) -> String {
    word(&of_reply(&target(&[]), &reply(status, headers, body), 0))
}

#[test]
fn statuses_are_sorted_by_the_table() {
    let kind = |status| {
        of(status, &[], b"")
            .split([' ', ':'])
            .next()
            .unwrap()
            .to_owned()
    };
    for status in [200, 202, 204] {
        assert_eq!(kind(status), "delivered", "{status}");
    }
    for status in [429, 502, 503, 504] {
        assert_eq!(kind(status), "retry", "{status}");
    }
    for status in [301, 307, 308, 401, 403, 404, 405, 407, 415, 501] {
        assert_eq!(kind(status), "misconfigured", "{status}");
    }
    for status in [400, 408, 409, 413, 422, 500, 507] {
        assert_eq!(kind(status), "permanent", "{status}");
    }
}

#[test]
fn retry_after_is_seconds_or_a_date() {
    let date = "Sun, 06 Nov 1994 08:49:37 GMT";
    let later = "Sun, 06 Nov 1994 08:51:37 GMT";
    let after = |headers: &[_]| of(429, headers, b"").split(':').next().unwrap().to_owned();
    assert_eq!(after(&[("retry-after", "7")]), "retry Some(7s)");
    assert_eq!(
        after(&[("retry-after", later), ("date", date)]),
        "retry Some(120s)"
    );
    assert_eq!(
        after(&[("retry-after", date), ("date", later)]),
        "retry Some(0ns)"
    );
    assert_eq!(after(&[("retry-after", "soon")]), "retry None");
    let ever = "18446744073709551615";
    assert_eq!(after(&[("retry-after", ever)]), "retry Some(86400s)");
}

#[test]
fn partial_success_is_read_from_both_encodings() {
    let json = [("content-type", "application/json; charset=utf-8")];
    let proto = [("content-type", "application/x-protobuf")];
    let partial = br#"{"partialSuccess":{"rejectedLogRecords":"3","errorMessage":"too old"}}"#;
    assert_eq!(of(200, &json, partial), "partial 3: too old");
    assert_eq!(of(200, &json, br#"{"partialSuccess":{}}"#), "delivered");
    assert_eq!(of(200, &json, b"{}"), "delivered");
    assert_eq!(of(200, &json, b"no JSON"), "delivered");
    assert_eq!(
        of(200, &proto, b"\x0a\x07\x08\x02\x12\x03old"),
        "partial 2: old"
    );
    assert_eq!(of(200, &proto, b"\x0a\x05\x12\x03old"), "partial 0: old");
    assert_eq!(of(200, &proto, b"\xff\xff"), "delivered");
}

#[test]
fn web_page_is_no_receiver() {
    let html = [("content-type", "text/html")];
    assert!(
        of(200, &html, b"<html>").starts_with(
            "misconfigured: obs: http://127.0.0.1:9/x/v1/traces answers with a web page"
        )
    );
    assert_eq!(
        of(500, &html, b"<html>"),
        "permanent: http://127.0.0.1:9/x/v1/traces answers 500"
    );
}

#[test]
fn plain_request_to_a_port_with_tls_is_named() {
    let go = b"Client sent an HTTP request to an HTTPS server.\n";
    assert!(of(400, &[], go).contains("hint: the port speaks TLS"));
    let docs = of(400, &[], b"bad span, see https://docs.example.org");
    assert!(docs.starts_with("permanent"), "{docs}");
}

#[test]
fn words_of_a_receiver_are_escaped_and_cut() {
    let said = of(400, &[], "\x1b[31mno\n".repeat(200).as_bytes());
    assert!(
        said.starts_with(r"permanent: http://127.0.0.1:9/x/v1/traces answers 400: \u{1b}[31mno\n")
    );
    assert!(said.len() < 1600, "{}", said.len());
    let json = [("content-type", "application/json")];
    assert!(of(400, &json, br#"{"code":3,"message":"bad id"}"#).ends_with("400: bad id"));
    let proto = [("content-type", "application/x-protobuf")];
    assert!(of(400, &proto, b"\x08\x03\x12\x06bad id").ends_with("400: bad id"));
}

#[test]
fn our_headers_are_not_repeated() {
    let target = target(&[(
        "OTEL_EXPORTER_OTLP_HEADERS",
        "authorization=Bearer hush-hush",
    )]);
    let answer = of_reply(&target, &reply(401, &[], b"who is hush-hush?"), 0);
    let word = word(&answer);
    assert!(
        word.contains("who is …?") && !word.contains("hush"),
        "{word}"
    );
    let status = Status::unauthenticated("who is hush-hush?");
    assert!(!self::word(&of_status(&target, &status)).contains("hush"));
}

fn grpc(status: &Status) -> String {
    word(&of_status(&target(&[]), status))
}

#[test]
fn codes_are_sorted_by_the_table() {
    let kind = |code| {
        let word = grpc(&Status::new(code, "x"));
        word.split([' ', ':']).next().unwrap().to_owned()
    };
    for (expected, codes) in [
        (
            "retry",
            "Cancelled DeadlineExceeded Aborted OutOfRange Unavailable DataLoss",
        ),
        (
            "misconfigured",
            "PermissionDenied Unauthenticated Unimplemented",
        ),
        (
            "permanent",
            "Unknown InvalidArgument NotFound AlreadyExists FailedPrecondition Internal ResourceExhausted",
        ),
    ] {
        for name in codes.split(' ') {
            let mut all = (1..17).map(Code::from_i32);
            let code = all.find(|code| format!("{code:?}") == name).unwrap();
            assert_eq!(kind(code), expected, "{name}");
        }
    }
}

#[test]
fn exhausted_resources_come_back_only_with_retry_info() {
    let details = tonic_types::ErrorDetails::with_retry_info(Some(Duration::from_secs(3)));
    let status = Status::with_error_details(Code::ResourceExhausted, "slow down", details);
    assert_eq!(
        grpc(&status),
        "retry Some(3s): http://127.0.0.1:9/x/v1/traces answers RESOURCE_EXHAUSTED: slow down"
    );
    let large = Status::resource_exhausted("grpc: received message larger than max (9 vs. 4)");
    assert!(grpc(&large).starts_with("permanent"));
}

#[test]
fn answer_that_is_no_grpc_drops_nothing() {
    for (code, status) in [(Code::Unknown, 301), (Code::Internal, 400)] {
        let text = format!("grpc-status header missing, mapped from HTTP status code {status}");
        assert!(grpc(&Status::new(code, text)).starts_with("misconfigured"));
    }
    let cut = "protocol error: missing grpc-status trailer, stream was terminated";
    assert!(grpc(&Status::unknown(cut)).starts_with("retry"));
    assert!(grpc(&Status::unknown("Service was not ready: x")).starts_with("retry"));
    let mut torn = Status::unknown("transport error");
    torn.set_source(std::sync::Arc::new(std::io::Error::other("broken pipe")));
    assert!(grpc(&torn).starts_with("retry"));
}

#[test]
fn failures_name_the_address_and_the_cause() {
    let refused = std::io::Error::from_raw_os_error(111);
    let connect = std::io::Error::other(format!("tcp connect error: {refused}"));
    assert!(word(&of_failure(&target(&[]), &connect)).starts_with(
        "retry None: could not reach the collector at 127.0.0.1:9: tcp connect error: Connection refused"
    ));
    let local = std::io::Error::other(LINK_LOCAL);
    assert!(word(&of_failure(&target(&[]), &local)).contains("link-local address is not sent to"));
    let tls = std::io::Error::other(rustls::Error::InvalidCertificate(
        rustls::CertificateError::UnknownIssuer,
    ));
    assert_eq!(
        word(&of_failure(&target(&[]), &tls)),
        "misconfigured: obs: no TLS with 127.0.0.1:9: invalid peer certificate: UnknownIssuer\n\
         hint: name the file of the authority that signed the receiver's certificate: OTEL_EXPORTER_OTLP_CERTIFICATE, or `certificate` of a [[sink]]\n"
    );
}
