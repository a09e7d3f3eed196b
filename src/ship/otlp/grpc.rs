//! OTLP over gRPC: one unary call a batch, on a runtime of its own that runs only inside `send`. The name is resolved and its
//! addresses are tried here, so that none of them is link-local and an error says which step failed. A channel that failed is
//! let go: the next call resolves anew. Proxies are not used.

use super::answer;
use super::batch::Batch;
use super::http::{self, ANSWER, CONNECT, routable};
use super::target::Target;
use super::tls;
use crate::error::Error;
use crate::ship::Answer;
use crate::world::World;
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_client::MetricsServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use std::error::Error as Cause;
use std::io;
use std::net::SocketAddr;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use tonic::codec::CompressionEncoding;
use tonic::metadata::MetadataMap;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity, Uri};
use tonic::{Code, Request, Status};

/// A connection that rested longer is not used again: nobody answered the other side's pings meanwhile.
const REST: i64 = 10_000_000_000;

type Failure = Box<dyn Cause + Send + Sync>;

/// A runtime and, while it holds, a connection.
pub(super) struct Grpc {
    runtime: Option<Runtime>,
    channel: Option<Channel>,
    /// When it was used last.
    used: i64,
    likeness: Target,
}

/// Why a call brought no answer of the service.
enum Ended {
    /// Before the request was on its way.
    Connecting(Failure),
    /// The settings of TLS.
    Settings(Failure),
    Status(Box<Status>),
}

type Partial = Option<(u64, String)>;

impl Grpc {
    /// A client for this way; the reason is one of its settings, or that the system gives no runtime.
    pub(super) fn of(target: &Target) -> Result<Self, Failure> {
        tls::install();
        if target.endpoint.is_tls() && target.tls != tls::Tls::default() {
            endpoint(
                target,
                SocketAddr::from(([127, 0, 0, 1], target.endpoint.port())),
            )?;
        }
        let runtime = Builder::new_current_thread().enable_all().build()?;
        Ok(Self {
            runtime: Some(runtime),
            channel: None,
            used: 0,
            likeness: target.clone(),
        })
    }

    /// True where the connection serves that way too.
    pub(super) fn serves(&self, target: &Target) -> bool {
        let own = &self.likeness;
        own.tls == target.tls
            && own.endpoint == target.endpoint
            && own.may_link_local == target.may_link_local
    }

    /// Sends and waits for the answer.
    pub(super) fn send(&mut self, target: &Target, batch: Batch, world: &World) -> Answer {
        let rested = world.now().saturating_sub(self.used);
        let channel = self.channel.take().filter(|_| rested < REST);
        let answer = self.exchanged(target, batch, channel);
        self.used = world.now();
        answer
    }

    fn exchanged(&mut self, target: &Target, batch: Batch, channel: Option<Channel>) -> Answer {
        let Some(runtime) = self.runtime.as_ref() else {
            return Answer::Misconfigured(Error::failure("the sink is closed"));
        };
        let exchange = exchange(target, batch, channel);
        let ended = runtime.block_on(async {
            match target.timeout {
                Some(limit) => timeout(limit, exchange).await.ok(),
                None => Some(exchange.await),
            }
        });
        match ended {
            None => answer::too_late(target),
            Some((channel, Ok(partial))) => {
                self.channel = channel;
                answer::of_partial(target, partial)
            }
            Some((channel, Err(Ended::Status(status)))) => {
                let is_whole = status.source().is_none() && status.code() != Code::Unknown;
                self.channel = channel.filter(|_| is_whole);
                let is_torn_tls = status.source().is_some() && target.endpoint.is_tls();
                match answer::of_status(target, &status) {
                    Answer::Retry { after, why } if is_torn_tls => {
                        http::refusal(target).unwrap_or(Answer::Retry { after, why })
                    }
                    answer => answer,
                }
            }
            Some((_, Err(Ended::Connecting(error)))) => answer::of_failure(target, error.as_ref()),
            Some((_, Err(Ended::Settings(error)))) => {
                let what = format!("no TLS with {}", target.endpoint.address());
                Answer::Misconfigured(
                    Error::usage(what).because(error).hint(
                        "install the system's certificate authorities, or name a file of them",
                    ),
                )
            }
        }
    }
}

impl Drop for Grpc {
    fn drop(&mut self) {
        // dropped as usual it would wait for a name that is still being resolved
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn exchange(
    target: &Target,
    batch: Batch,
    channel: Option<Channel>,
) -> (Option<Channel>, Result<Partial, Ended>) {
    let channel = match channel {
        Some(channel) => channel,
        None => match connect(target).await {
            Ok(channel) => channel,
            Err(ended) => return (None, Err(ended)),
        },
    };
    let called = call(target, batch, channel.clone()).await;
    let called = called.map_err(|status| Ended::Status(Box::new(status)));
    (Some(channel), called)
}

/// A channel to the first address that takes it.
async fn connect(target: &Target) -> Result<Channel, Ended> {
    let (host, port) = (target.endpoint.host(), target.endpoint.port());
    let found = match target.may_link_local {
        true => match tokio::net::lookup_host((host, port)).await {
            Ok(found) => Ok(found.collect()),
            Err(cause) => Err(cause),
        },
        false => routable(host, port).await,
    };
    let addresses: Vec<SocketAddr> = found.map_err(|cause| Ended::Connecting(cause.into()))?;
    let mut last: Failure = io::Error::other("the name has no address").into();
    for address in addresses {
        let endpoint = endpoint(target, address).map_err(Ended::Settings)?;
        match endpoint.connect().await {
            Ok(channel) => return Ok(channel),
            Err(error) if tls::reason(&error).is_some() => {
                return Err(Ended::Connecting(error.into()));
            }
            Err(error) => last = error.into(),
        }
    }
    Err(Ended::Connecting(last))
}

/// The endpoint for one address; the name stays what is asked for and what the certificate must bear.
fn endpoint(target: &Target, address: SocketAddr) -> Result<Endpoint, Failure> {
    let is_tls = target.endpoint.is_tls();
    let scheme = if is_tls { "https" } else { "http" };
    let origin: Uri = format!("{scheme}://{}", target.endpoint.address()).parse()?;
    let endpoint = Endpoint::from_shared(format!("{scheme}://{address}"))?
        .origin(origin)
        .user_agent(super::USER_AGENT)?
        .connect_timeout(CONNECT)
        .tcp_nodelay(true);
    if !is_tls {
        return Ok(endpoint);
    }
    let mut config = ClientTlsConfig::new()
        .domain_name(target.endpoint.host())
        .timeout(CONNECT);
    config = match &target.tls.authorities {
        Some(pem) => config.ca_certificate(Certificate::from_pem(pem)),
        None => config.with_native_roots(),
    };
    if let Some((certificate, key)) = &target.tls.identity {
        config = config.identity(Identity::from_pem(certificate, key));
    }
    Ok(endpoint.tls_config(config)?)
}

/// One call. Clients are made anew for each: they are only a name for the channel.
async fn call(target: &Target, batch: Batch, channel: Channel) -> Result<Partial, Status> {
    let most = usize::try_from(ANSWER).unwrap_or(usize::MAX);
    let packing = target.is_gzip.then_some(CompressionEncoding::Gzip);
    let count = |rejected: i64| u64::try_from(rejected).unwrap_or(0);
    Ok(match batch {
        Batch::Logs(request) => {
            let mut client = LogsServiceClient::new(channel).max_decoding_message_size(most);
            if let Some(packing) = packing {
                client = client.send_compressed(packing).accept_compressed(packing);
            }
            let response = client.export(with_headers(target, request)).await?;
            let partial = response.into_inner().partial_success;
            partial.map(|partial| (count(partial.rejected_log_records), partial.error_message))
        }
        Batch::Metrics(request) => {
            let mut client = MetricsServiceClient::new(channel).max_decoding_message_size(most);
            if let Some(packing) = packing {
                client = client.send_compressed(packing).accept_compressed(packing);
            }
            let response = client.export(with_headers(target, request)).await?;
            let partial = response.into_inner().partial_success;
            partial.map(|partial| (count(partial.rejected_data_points), partial.error_message))
        }
        Batch::Traces(request) => {
            let mut client = TraceServiceClient::new(channel).max_decoding_message_size(most);
            if let Some(packing) = packing {
                client = client.send_compressed(packing).accept_compressed(packing);
            }
            let response = client.export(with_headers(target, request)).await?;
            let partial = response.into_inner().partial_success;
            partial.map(|partial| (count(partial.rejected_spans), partial.error_message))
        }
    })
}

fn with_headers<R>(target: &Target, message: R) -> Request<R> {
    let mut request = Request::new(message);
    *request.metadata_mut() = MetadataMap::from_headers(target.headers.map().clone());
    if let Some(limit) = target.timeout {
        request.set_timeout(limit);
    }
    request
}
