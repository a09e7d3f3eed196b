//! The webhook sink against an HTTP receiver.

use super::receiver::Receiver;
use super::{event, plain_event, said, send, sink, stored};
use crate::sandbox::{Sandbox, have};
use obs::model::{Record, Signal, to_line};
use obs::ship::{Answer, Load, Sink, cdevents, cloudevents};
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::Duration;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OTHER: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

fn hook(sandbox: &Sandbox, url: &str, more: &str, env: &[(&str, &str)]) -> Box<dyn Sink> {
    let keys = format!("type = \"webhook\"\nurl = \"{url}\"\n{more}");
    sink(sandbox, &keys, env).unwrap()
}

#[test]
fn structured_event_is_signed() {
    let sandbox = Sandbox::new();
    let receiver = Receiver::answering(&["204 No Content"]);
    let url = receiver.url("/hooks/in?token=t0ken");
    let env = [("HOOK_SECRET", SECRET)];
    let mut sink = hook(&sandbox, &url, "secret_env = \"HOOK_SECRET\"", &env);
    let most = sink.most();
    assert_eq!(
        (most.records, sink.schedule().map(<[_]>::len)),
        (1, Some(9))
    );
    let record = plain_event(1);
    assert_eq!(
        said(&send(&mut *sink, std::slice::from_ref(&record))).0,
        "delivered"
    );
    let [request] = &receiver.requests()[..] else {
        panic!()
    };
    assert_eq!(request.line, "POST /hooks/in?token=t0ken HTTP/1.1");
    assert_eq!(
        request.header("content-type"),
        "application/cloudevents+json"
    );
    assert_eq!(request.header("webhook-id"), record.record.identity());
    let sent: i64 = request.header("webhook-timestamp").parse().unwrap();
    assert!(sent > 1_700_000_000, "{sent}");
    assert!(request.is_signed_by(SECRET) && !request.is_signed_by(OTHER));
    assert!(request.header("user-agent").starts_with("obs/"));
    let back = cloudevents::read(&request.body).unwrap();
    assert_eq!(to_line(&back), record.line);
}

#[test]
fn binary_event_is_in_the_headers() {
    let sandbox = Sandbox::new();
    let receiver = Receiver::answering(&["200 OK"]);
    let mut sink = hook(&sandbox, &receiver.url("/"), "mode = \"binary\"", &[]);
    let record = event(
        1,
        r#"{"task_id":"TÄSK \"1\" 100%","x":18446744073709551616}"#,
    );
    assert_eq!(
        said(&send(&mut *sink, std::slice::from_ref(&record))).0,
        "delivered"
    );
    let [request] = &receiver.requests()[..] else {
        panic!()
    };
    assert_eq!(request.header("content-type"), "application/json");
    assert_eq!(request.header("ce-specversion"), "1.0");
    assert_eq!(request.header("ce-subject"), "T%C3%84SK%20%221%22%20100%25");
    assert_eq!(request.header("webhook-signature"), "");
    assert_eq!(
        request.body,
        "{\"task_id\":\"TÄSK \\\"1\\\" 100%\",\"x\":18446744073709551616}".as_bytes()
    );
}

#[test]
fn cdevent_goes_over_cloudevents() {
    let sandbox = Sandbox::new();
    let receiver = Receiver::answering(&["202 Accepted", "202 Accepted"]);
    let url = receiver.url("/");
    let record = plain_event(1);
    for mode in ["structured", "binary"] {
        let more = format!("format = \"cdevents\"\nmode = \"{mode}\"");
        let mut sink = hook(&sandbox, &url, &more, &[]);
        assert_eq!(
            said(&send(&mut *sink, std::slice::from_ref(&record))).0,
            "delivered"
        );
    }
    let requests = receiver.requests();
    let whole: serde_json::Value = serde_json::from_slice(&requests[0].body).unwrap();
    let kind = "dev.cdevents.ticket.created.0.2.0";
    assert_eq!(whole["type"], kind);
    assert_eq!(requests[1].header("ce-type"), kind);
    for made in [whole["data"].to_string().as_bytes(), &requests[1].body] {
        assert_eq!(to_line(&cdevents::read(made).unwrap()), record.line);
    }
}

#[test]
fn plain_record_is_posted_as_it_is() {
    let sandbox = Sandbox::new();
    let receiver = Receiver::answering(&["200 OK", "200 OK"]);
    let more = "format = \"obs\"\nsignals = [\"events\", \"logs\"]\nheaders_env = \"H\"";
    let env = [("H", "X-Team=core%2Cops,Authorization=Bearer a b")];
    let mut sink = hook(&sandbox, &receiver.url("/events"), more, &env);
    assert!(sink.takes(Signal::Logs).is_some() && sink.takes(Signal::Spans).is_none());
    let record = plain_event(1);
    let log = stored(
        Signal::Logs,
        r#"{"timestamp":"2026-11-22T11:47:00.000000Z","level":"INFO","logger":"bash.x","message":"m","id":"a.b/c"}"#,
    );
    assert_eq!(
        said(&send(&mut *sink, std::slice::from_ref(&record))).0,
        "delivered"
    );
    let answer = sink.send(Load::Records(Signal::Logs, std::slice::from_ref(&log)));
    assert_eq!(said(&answer).0, "delivered");
    let requests = receiver.requests();
    assert_eq!(requests[0].line, "POST /events HTTP/1.1");
    assert_eq!(requests[0].header("content-type"), "application/json");
    assert_eq!(requests[0].header("x-team"), "core,ops");
    assert_eq!(requests[0].header("authorization"), "Bearer a b");
    assert_eq!([&requests[0].body[..], b"\n"].concat(), record.line);
    assert_eq!(requests[1].header("webhook-id"), "a%2Eb%2Fc");
}

#[test]
fn both_secrets_sign_while_they_change() {
    let sandbox = Sandbox::new();
    let file = sandbox.path("work/secrets");
    fs::write(&file, format!("{SECRET} {OTHER}\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let receiver = Receiver::answering(&["200 OK"]);
    let more = format!("secret_file = \"{}\"", file.display());
    let mut sink = hook(&sandbox, &receiver.url("/"), &more, &[]);
    assert_eq!(said(&send(&mut *sink, &[plain_event(1)])).0, "delivered");
    let requests = receiver.requests();
    assert!(requests[0].is_signed_by(SECRET) && requests[0].is_signed_by(OTHER));
}

#[test]
fn status_decides() {
    for (status, word) in [
        (
            "301 Moved Permanently\nLocation: http://127.0.0.1:1/",
            "misconfigured",
        ),
        ("400 Bad Request", "permanent"),
        ("401 Unauthorized", "misconfigured"),
        ("403 Forbidden", "misconfigured"),
        ("404 Not Found", "misconfigured"),
        ("405 Method Not Allowed", "misconfigured"),
        ("408 Request Timeout", "retry"),
        ("409 Conflict", "permanent"),
        ("413 Content Too Large", "permanent"),
        ("422 Unprocessable Content", "permanent"),
        ("500 Internal Server Error", "failing"),
        ("502 Bad Gateway", "retry"),
        ("504 Gateway Timeout", "retry"),
        ("", "retry"),
        ("nonsense", "retry"),
    ] {
        let sandbox = Sandbox::new();
        let receiver = Receiver::answering(&[status]);
        let mut sink = hook(&sandbox, &receiver.url("/s3cret"), "", &[]);
        let (found, text) = said(&send(&mut *sink, &[plain_event(1)]));
        assert_eq!(found, word, "{status}: {text}");
        assert!(
            text.contains("127.0.0.1:") && !text.contains("s3cret"),
            "{text}"
        );
        assert_eq!(receiver.requests().len(), 1);
    }
}

#[test]
fn retry_after_is_honoured() {
    for (header, seconds) in [
        ("Retry-After: 120", Some(120)),
        (
            "Date: Sun, 06 Nov 1994 08:49:37 GMT\nRetry-After: Sun, 06 Nov 1994 08:50:07 GMT",
            Some(30),
        ),
        ("Retry-After: Sun, 06 Nov 1994 08:50:07 GMT", Some(0)),
        ("Retry-After: 18446744073709551615", Some(24 * 60 * 60)),
        ("Retry-After: soon", None),
        ("X: y", None),
    ] {
        for status in ["429 Too Many Requests", "503 Service Unavailable"] {
            let sandbox = Sandbox::new();
            let receiver = Receiver::answering(&[&format!("{status}\n{header}")]);
            let mut sink = hook(&sandbox, &receiver.url("/"), "", &[]);
            let answer = send(&mut *sink, &[plain_event(1)]);
            let Answer::Retry { after, .. } = answer else {
                panic!("{answer:?}")
            };
            assert_eq!(after, seconds.map(Duration::from_secs), "{header}");
        }
    }
}

#[test]
fn gone_webhook_is_not_wanted_any_more() {
    let sandbox = Sandbox::new();
    let receiver = Receiver::answering(&["410 Gone"]);
    let mut sink = hook(&sandbox, &receiver.url("/"), "", &[]);
    let answer = send(&mut *sink, &[plain_event(1)]);
    // the drain remembers it
    let Answer::Gone(error) = answer else {
        panic!("{answer:?}")
    };
    let text = error.report();
    assert!(
        text.contains("closed this webhook\nhint: it answers 410"),
        "{text}"
    );
}

#[test]
fn what_was_taken_is_not_sent_again() {
    let sandbox = Sandbox::new();
    let receiver = Receiver::answering(&["200 OK", "503 Service Unavailable", "200 OK"]);
    let mut sink = hook(&sandbox, &receiver.url("/"), "", &[]);
    let records: Vec<_> = (1..=2).map(plain_event).collect();
    // as the drain does it: a load is `most` large
    let loads: Vec<_> = records.chunks(sink.most().records).collect();
    let words = [loads[0], loads[1], loads[1]].map(|load| said(&send(&mut *sink, load)).0);
    assert_eq!(words, ["delivered", "retry", "delivered"]);
    let ids: Vec<_> = receiver
        .requests()
        .iter()
        .map(|one| one.header("webhook-id").to_owned())
        .collect();
    let [first, second] = [&records[0], &records[1]].map(|one| one.record.identity());
    assert_eq!(ids, [first, second.clone(), second]);
}

#[test]
fn receivers_words_are_made_harmless() {
    let sandbox = Sandbox::new();
    let body = format!(
        "\u{1b}[31mBearer s3cret-value {SECRET} {}",
        "x".repeat(2_000_000)
    );
    let receiver = Receiver::answering(&[&format!("400 Bad Request\n\n{body}")]);
    let env = [("H", "Authorization=Bearer s3cret-value"), ("S", SECRET)];
    let more = "headers_env = \"H\"\nsecret_env = \"S\"";
    let mut sink = hook(&sandbox, &receiver.url("/"), more, &env);
    let (word, text) = said(&send(&mut *sink, &[plain_event(1)]));
    assert_eq!(word, "permanent");
    assert!(text.len() < 1000 && !text.contains('\u{1b}'), "{text}");
    assert!(
        !text.contains("s3cret") && !text.contains("MfKQ9r8G"),
        "{text}"
    );
}

#[test]
fn nobody_there_is_a_retry() {
    let sandbox = Sandbox::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // accepted by the kernel, and never answered
    let mut sink = hook(
        &sandbox,
        &format!("http://{address}/"),
        "timeout = 300",
        &[],
    );
    let (word, text) = said(&send(&mut *sink, &[plain_event(1)]));
    assert!(word == "retry" && text.contains("no answer"), "{text}");
    drop(listener);
    let (word, text) = said(&send(&mut *sink, &[plain_event(1)]));
    // reset: what the kernel had accepted before
    let is_gone =
        |text: &str| text.contains("connection refused") || text.contains("connection reset");
    assert!(word == "retry" && is_gone(&text), "{text}");
    assert!(is_gone(&sink.probe().unwrap_err().report()));
}

#[test]
fn probe_sends_no_event() {
    let sandbox = Sandbox::new();
    let receiver = Receiver::answering(&["405 Method Not Allowed"]);
    let mut sink = hook(&sandbox, &receiver.url("/in"), "", &[]);
    let reached = sink.probe().unwrap();
    assert_eq!(reached, format!("{} answers 405", receiver.address));
    assert_eq!(receiver.requests()[0].line, "HEAD /in HTTP/1.1");
}

#[test]
fn hostile_event_is_sent_or_refused() {
    let sandbox = Sandbox::new();
    let hostile = stored(
        Signal::Events,
        r#"{"event_id":"e\r\nx: y\u0000","event_type":"t\n\u202e","event_version":"1\r\n.0","timestamp":"2026-11-22T11:47:00.123456Z","source":"\u0000 s/..","correlation_id":"a\r\nb","actor":{"type":"\u007f","id":"\n","host":"h o st"},"data":{"task_id":"\r\nSet-Cookie: a=b"},"metadata":{"git_branch":"\n"}}"#,
    );
    let Record::Event(inner) = &hostile.record else {
        panic!()
    };
    for mode in ["structured", "binary"] {
        let receiver = Receiver::answering(&["200 OK"]);
        let more = format!("mode = \"{mode}\"\nsecret_env = \"S\"");
        let mut sink = hook(&sandbox, &receiver.url("/"), &more, &[("S", SECRET)]);
        assert_eq!(
            said(&send(&mut *sink, std::slice::from_ref(&hostile))).0,
            "delivered"
        );
        let requests = receiver.requests();
        assert!(requests[0].is_signed_by(SECRET));
        assert!(
            !requests[0].headers.contains_key("x")
                && !requests[0].headers.contains_key("set-cookie")
        );
        if mode == "structured" {
            let back = cloudevents::read(&requests[0].body).unwrap();
            assert_eq!(to_line(&back), to_line(inner));
        }
    }
    let large = event(1, &format!(r#"{{"x":"{}"}}"#, "y".repeat(70_000)));
    let mut sink = hook(&sandbox, "http://127.0.0.1:1/", "", &[]);
    let (word, text) = said(&send(&mut *sink, &[large]));
    assert!(word == "permanent" && text.contains("65536"), "{text}");
}

#[test]
fn wrong_settings_are_named() {
    let sandbox = Sandbox::new();
    let env = [("BAD", "s3cret"), ("HEAD", "s3cret"), ("OK", SECRET)];
    let url = "url = \"https://u:s3cret@h/s3cret\"";
    for (keys, why) in [
        ("", "no `url`"),
        ("url = \"h/events\"", "`url`: it has no scheme"),
        ("url = \"ftp://h\"", "neither http nor https"),
        (
            "url = \"http://169.254.169.254/x\"",
            "a link-local address is not sent to",
        ),
        (
            "url = \"http://h\"\nformat = \"otlp-json\"",
            "a webhook takes single records",
        ),
        (
            "url = \"http://h\"\nsignals = [\"logs\"]",
            "`signals`: logs are no cloudevents",
        ),
        (
            &format!("{url}\nsecret_env = \"BAD\""),
            "secret 1: it does not begin with whsec_",
        ),
        (
            &format!("{url}\nsecret_env = \"NONE\""),
            "`secret_env` names NONE, which is not set",
        ),
        (
            &format!("{url}\nheaders_env = \"HEAD\""),
            "`headers_env`: header 1: no `=`",
        ),
        (
            &format!("{url}\ncertificate = \"/no/ca\""),
            "`certificate`: /no/ca: no such file",
        ),
        (
            &format!("{url}\nclient_key = \"/no/key\""),
            "`client_certificate` is missing",
        ),
    ] {
        let error = sink(&sandbox, &format!("type = \"webhook\"\n{keys}"), &env).err();
        let error = error.unwrap_or_default();
        assert!(
            error.contains(why) && error.contains("config.toml:1"),
            "{error}"
        );
        assert!(!error.contains("s3cret"), "{error}");
    }
}

/// Says its port, then takes what is posted to it under TLS.
const TLS_RECEIVER: &str = r#"
import http.server, ssl, sys
class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()
    def log_message(self, *words):
        pass
server = http.server.HTTPServer(("127.0.0.1", 0), Hook)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("cert.pem", "key.pem")
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
server.serve_forever()
"#;

#[test]
fn certificate_makes_a_receiver_trusted() {
    let sandbox = Sandbox::new();
    if !have("openssl") || !have("python3") {
        return;
    }
    let mut openssl = sandbox.command("openssl");
    openssl.args([
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
    ]);
    openssl.args([
        "-nodes", "-keyout", "key.pem", "-out", "cert.pem", "-days", "2",
    ]);
    openssl.args([
        "-subj",
        "/CN=hook",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
    ]);
    openssl.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
    let made = openssl.output().unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let mut python = sandbox.command("python3");
    let python = python.args(["-c", TLS_RECEIVER]).stdout(Stdio::piped());
    let mut python = python.spawn().unwrap();
    let mut port = String::new();
    BufReader::new(python.stdout.take().unwrap())
        .read_line(&mut port)
        .unwrap();
    let url = format!("https://127.0.0.1:{}/", port.trim());
    let file = sandbox.path("work/cert.pem");
    let trusting = format!("certificate = \"{}\"", file.display());
    let answers = ["", &trusting].map(|keys| {
        let mut sink = hook(&sandbox, &url, keys, &[]);
        said(&send(&mut *sink, &[plain_event(1)]))
    });
    python.kill().unwrap();
    python.wait().unwrap();
    let [(without, text), (with, more)] = answers;
    assert_eq!(without, "misconfigured");
    assert!(
        text.contains("no TLS with 127.0.0.1:") && text.contains("hint: "),
        "{text}"
    );
    assert_eq!(with, "delivered", "{more}");
}
