//! An HTTP receiver that says what it is told to say, keeps what it was sent, and checks signatures by its own code.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

/// A request as it came.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) line: String,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Vec<u8>,
}

/// Answers one connection after another, each with the next of its answers, and then goes.
pub(super) struct Receiver {
    pub(super) address: SocketAddr,
    thread: JoinHandle<Vec<Request>>,
}

impl Receiver {
    /// Each answer is what stands between `HTTP/1.1 ` and the end of the head; an empty one hangs up instead.
    pub(super) fn answering(answers: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let answers: Vec<String> = answers.iter().map(|&text| text.to_owned()).collect();
        let thread = thread::spawn(move || {
            let serve = |answer: &String| request(&mut listener.accept().unwrap().0, answer);
            answers.iter().map(serve).collect()
        });
        Self { address, thread }
    }

    pub(super) fn url(&self, rest: &str) -> String {
        format!("http://{}{rest}", self.address)
    }

    /// What it was sent, once every answer is given.
    pub(super) fn requests(self) -> Vec<Request> {
        self.thread.join().unwrap()
    }
}

fn request(stream: &mut TcpStream, answer: &str) -> Request {
    let mut bytes = Vec::new();
    let mut one = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut one).unwrap();
        bytes.push(one[0]);
    }
    let head = String::from_utf8(bytes).unwrap();
    let mut lines = head.lines();
    let line = lines.next().unwrap().to_owned();
    let headers: BTreeMap<_, _> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = headers
        .get("content-length")
        .map_or(0, |text| text.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    if !answer.is_empty() {
        let (head, said) = answer.split_once("\n\n").unwrap_or((answer, ""));
        let head = head.replace('\n', "\r\n");
        let length = said.len();
        // a client that has enough may hang up before
        let _ = write!(
            stream,
            "HTTP/1.1 {head}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{said}"
        );
    }
    Request {
        line,
        headers,
        body,
    }
}

impl Request {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// True where one of its signatures is this secret's: HMAC by RFC 2104, on SHA-256 alone.
    pub(super) fn is_signed_by(&self, secret: &str) -> bool {
        let mut key = STANDARD
            .decode(secret.strip_prefix("whsec_").unwrap())
            .unwrap();
        key.resize(64, 0);
        let pad = |with: u8| key.iter().map(|byte| byte ^ with).collect::<Vec<_>>();
        let mut inner = Sha256::new();
        inner.update(pad(0x36));
        for part in [
            self.header("webhook-id"),
            ".",
            self.header("webhook-timestamp"),
            ".",
        ] {
            inner.update(part);
        }
        inner.update(&self.body);
        let mut outer = Sha256::new();
        outer.update(pad(0x5c));
        outer.update(inner.finalize());
        let expected = format!("v1,{}", STANDARD.encode(outer.finalize()));
        let mut signatures = self.header("webhook-signature").split(' ');
        signatures.any(|signature| signature == expected)
    }
}
