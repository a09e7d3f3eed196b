//! OTLP over HTTP: one POST a batch. Redirects are not followed, answers are capped, no proxy is asked for this machine, and
//! the folder of the system's authorities is read only where TLS needs it.

use super::answer::{self, Reply};
use super::batch::Batch;
use super::endpoint::{Endpoint, is_link_local};
use super::target::{Protocol, Target};
use super::tls::{self, Tls};
use crate::ship::Answer;
use flate2::Compression;
use flate2::write::GzEncoder;
use reqwest::blocking::{Client, RequestBuilder, Response};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, USER_AGENT};
use reqwest::redirect::Policy;
use reqwest::tls::{Certificate, Identity};
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::Duration;

/// How long one address may take to connect.
pub(super) const CONNECT: Duration = Duration::from_secs(3);
/// What is read of an answer (OTLP exporter specification: 4 MiB).
pub(super) const ANSWER: u64 = 4 << 20;

/// A client and its open connections.
pub(super) struct Http {
    client: Client,
    likeness: Target,
}

impl Http {
    /// A client for this way; the reason is one of its settings.
    pub(super) fn of(target: &Target) -> reqwest::Result<Self> {
        let (endpoint, tls) = (&target.endpoint, &target.tls);
        Ok(Self {
            client: client(endpoint, tls, target.timeout, target.may_link_local)?,
            likeness: target.clone(),
        })
    }

    /// True where the client serves that way too.
    pub(super) fn serves(&self, target: &Target) -> bool {
        let own = &self.likeness;
        own.tls == target.tls
            && own.timeout == target.timeout
            && own.may_link_local == target.may_link_local
            && own.endpoint.is_tls() == target.endpoint.is_tls()
            && own.endpoint.is_loopback() == target.endpoint.is_loopback()
    }

    /// Sends, and gives the receiver's clock where it shows that.
    pub(super) fn send(&self, target: &Target, batch: &Batch, now: i64) -> (Answer, Option<i64>) {
        let answered = self.request(target, batch).send().and_then(reply);
        match answered {
            Ok(reply) => (answer::of_reply(target, &reply, now), reply.date()),
            Err(error) if error.is_timeout() && !error.is_connect() => {
                (answer::too_late(target), None)
            }
            Err(error) => {
                let is_torn_tls = target.endpoint.is_tls() && !error.is_connect();
                let failed = answer::of_failure(target, &error.without_url());
                let refusal = match failed {
                    Answer::Retry { .. } if is_torn_tls => refusal(target),
                    _ => None,
                };
                (refusal.unwrap_or(failed), None)
            }
        }
    }

    fn request(&self, target: &Target, batch: &Batch) -> RequestBuilder {
        let (body, kind) = match target.protocol {
            Protocol::HttpJson => (batch.json(), "application/json"),
            Protocol::Grpc | Protocol::HttpProtobuf => (batch.protobuf(), "application/x-protobuf"),
        };
        let request = self
            .client
            .post(target.endpoint.url().clone())
            .header(USER_AGENT, super::USER_AGENT)
            .headers(target.headers.map().clone())
            .header(CONTENT_TYPE, kind);
        match target.is_gzip.then(|| gzip(&body)) {
            Some(Ok(packed)) => request.header(CONTENT_ENCODING, "gzip").body(packed),
            // compressing into memory does not fail; as it is, the body says the same
            Some(Err(_)) | None => request.body(body),
        }
    }
}

/// A client for an endpoint; the reason is one of its settings.
pub(in crate::ship) fn client(
    endpoint: &Endpoint,
    tls: &Tls,
    timeout: Option<Duration>,
    may_link_local: bool,
) -> reqwest::Result<Client> {
    tls::install();
    let mut builder = Client::builder()
        .user_agent(super::PRODUCT)
        .redirect(Policy::none())
        .connect_timeout(CONNECT)
        .timeout(timeout);
    if endpoint.is_loopback() {
        builder = builder.no_proxy();
    }
    if !may_link_local {
        builder = builder.dns_resolver(Arc::new(Routable));
    }
    let authorities = match (&tls.authorities, endpoint.is_tls()) {
        (Some(pem), true) => Some(Certificate::from_pem_bundle(pem)?),
        (None, true) => None,
        (_, false) => Some(Vec::new()),
    };
    if let Some(authorities) = authorities {
        builder = builder.tls_certs_only(authorities);
    }
    if let Some(pem) = tls.joined() {
        builder = builder.identity(Identity::from_pem(&pem)?);
    }
    builder.build()
}

/// What a receiver has against our side of TLS. Its alert may be lost behind the closed connection, over HTTP/2 often, so it
/// is asked once more with nothing to send; whatever else the port makes of that says nothing.
pub(super) fn refusal(target: &Target) -> Option<Answer> {
    let client = Http::of(target).ok()?.client;
    let asked = client.head(target.endpoint.url().clone()).timeout(CONNECT);
    let error = asked.send().err()?.without_url();
    tls::reason(&error)?;
    Some(answer::of_failure(target, &error))
}

/// Reads an answer, at most so much of it. One that breaks off says nothing of success.
fn reply(response: Response) -> reqwest::Result<Reply> {
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let mut body = Vec::new();
    let is_success = response.status().is_success();
    if let Err(cause) = response.take(ANSWER).read_to_end(&mut body)
        && is_success
        && let Some(inner) = cause.into_inner()
        && let Ok(error) = inner.downcast::<reqwest::Error>()
    {
        return Err(*error);
    }
    Ok(Reply {
        status,
        headers,
        body,
    })
}

fn gzip(body: &[u8]) -> io::Result<Vec<u8>> {
    let mut packer = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    packer.write_all(body)?;
    packer.finish()
}

/// Resolves names as the system does, and gives no link-local address: a name is not to lead to a cloud's credentials.
struct Routable;

impl Resolve for Routable {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<_> = routable(name.as_str(), 0).await?;
            Ok::<Addrs, _>(Box::new(found.into_iter()))
        })
    }
}

/// The addresses of a name that are not link-local.
pub(super) async fn routable(host: &str, port: u16) -> io::Result<Vec<std::net::SocketAddr>> {
    let all: Vec<_> = tokio::net::lookup_host((host, port)).await?.collect();
    let count = all.len();
    let found = all
        .into_iter()
        .filter(|address| !is_link_local(address.ip()));
    let found: Vec<_> = found.collect();
    match found.is_empty() && count > 0 {
        true => Err(io::Error::other(answer::LINK_LOCAL)),
        false => Ok(found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader};
    use std::net::{Ipv4Addr, TcpListener};
    use std::thread;

    #[test]
    fn redirect_is_an_answer_and_not_followed() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        thread::spawn(move || {
            for status in ["307 Temporary Redirect", "200 OK"] {
                let mut stream = listener.accept().unwrap().0;
                let lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let head = lines.map_while(Result::ok);
                head.take_while(|line| !line.is_empty()).for_each(drop);
                let rest = "Location: /elsewhere\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
                write!(stream, "HTTP/1.1 {status}\r\n{rest}").unwrap();
            }
        });
        let endpoint = Endpoint::exact(&url).unwrap();
        let limit = Some(Duration::from_secs(30));
        let client = client(&endpoint, &Tls::default(), limit, false).unwrap();
        let response = client.post(endpoint.url().clone()).send().unwrap();
        assert_eq!(response.status().as_u16(), 307);
    }
}
