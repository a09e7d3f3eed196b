//! A receiver of OTLP over HTTP that fails as it is told: for faults only. What works is tested with the real Collector.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use prost::Message;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) path: String,
    pub(crate) body: Vec<u8>,
}

/// What a request is answered with.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// The connection closes in the middle of the answer.
    Cut,
    /// A status line and headers, each with its end, and nothing in the body.
    Status(&'static str),
    /// Nothing is ever said; the connection stays.
    Silence,
}

/// Taken.
pub(crate) const OK: Reply = Reply::Status("200 OK\r\n");

/// A receiver that listens until the test ends.
pub(crate) struct Receiver {
    port: u16,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Receiver {
    /// Starts one; `reply` gets the number of each request, from 0, and the request.
    pub(crate) fn start(reply: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_as(0, true, reply)
    }

    /// One that keeps no request: `reply` does what is to be done with it.
    pub(crate) fn forgetful(
        reply: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::start_as(0, false, reply)
    }

    /// One that listens on this port.
    pub(crate) fn start_on(
        port: u16,
        reply: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::start_as(port, true, reply)
    }

    fn start_as(
        port: u16,
        keeps: bool,
        reply: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let kept = keeps.then(|| Arc::clone(&requests));
        let (counter, reply) = (Arc::new(AtomicUsize::new(0)), Arc::new(reply));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (kept, counter, reply) =
                    (kept.clone(), Arc::clone(&counter), Arc::clone(&reply));
                let answer = move |request: Request| {
                    if let Some(kept) = &kept {
                        kept.lock().unwrap().push(request.clone());
                    }
                    reply(counter.fetch_add(1, Ordering::Relaxed), &request)
                };
                thread::spawn(move || serve(stream, &answer));
            }
        });
        Self { port, requests }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// Messages of all logs in the order they came.
    pub(crate) fn messages(&self) -> Vec<String> {
        self.requests()
            .iter()
            .flat_map(|request| messages(&request.body))
            .collect()
    }

    /// Names of all spans in the order they came.
    pub(crate) fn spans(&self) -> Vec<String> {
        let of = |request: &Request| {
            let traces = ExportTraceServiceRequest::decode(&*request.body).unwrap();
            let scopes = traces
                .resource_spans
                .into_iter()
                .flat_map(|one| one.scope_spans);
            scopes
                .flat_map(|one| one.spans)
                .map(|span| span.name)
                .collect::<Vec<_>>()
        };
        let requests = self.requests();
        requests
            .iter()
            .filter(|request| request.path == "/v1/traces")
            .flat_map(of)
            .collect()
    }
}

/// The messages of a request of logs; of another there are none.
pub(crate) fn messages(body: &[u8]) -> Vec<String> {
    logs(body).filter_map(|log| text(log.body?.value)).collect()
}

/// What makes each log record of a request one.
pub(crate) fn ids(body: &[u8]) -> Vec<String> {
    let uid = |log: LogRecord| {
        let mut attributes = log.attributes.into_iter();
        let uid = attributes.find(|one| one.key == "log.record.uid");
        text(uid?.value?.value)
    };
    logs(body).filter_map(uid).collect()
}

fn logs(body: &[u8]) -> impl Iterator<Item = LogRecord> {
    let logs = ExportLogsServiceRequest::decode(body).unwrap_or_default();
    let scopes = logs
        .resource_logs
        .into_iter()
        .flat_map(|one| one.scope_logs);
    scopes.flat_map(|one| one.log_records)
}

fn text(value: Option<Value>) -> Option<String> {
    match value {
        Some(Value::StringValue(text)) => Some(text),
        _ => None,
    }
}

fn serve(stream: TcpStream, answer: &dyn Fn(Request) -> Reply) {
    let mut out = stream.try_clone().unwrap();
    let mut input = BufReader::new(stream);
    while let Some(request) = read(&mut input) {
        let sent = match answer(request) {
            Reply::Cut => {
                let _ = out.write_all(b"HTTP/1.1 200 OK\r\nContent-Le");
                return;
            }
            Reply::Status(status) => {
                let answer = format!("HTTP/1.1 {status}Content-Length: 0\r\n\r\n");
                out.write_all(answer.as_bytes())
            }
            Reply::Silence => loop {
                thread::park();
            },
        };
        if sent.is_err() {
            return;
        }
    }
}

fn read(input: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut first = String::new();
    input
        .read_line(&mut first)
        .ok()
        .filter(|count| *count > 0)?;
    let path = first.split(' ').nth(1)?.to_owned();
    let mut length = 0;
    loop {
        let mut line = String::new();
        input.read_line(&mut line).ok()?;
        if line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    input.read_exact(&mut body).ok()?;
    Some(Request { path, body })
}
