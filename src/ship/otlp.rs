//! OTLP to any OpenTelemetry backend: spans as traces, logs and events as log records, metric points as series. Each signal
//! has a way of its own, with endpoint, transport, headers and TLS; signals whose ways are alike share a connection.

pub(super) mod answer;
pub(super) mod batch;
pub(super) mod endpoint;
mod grpc;
pub(super) mod headers;
pub(super) mod http;
pub mod message;
mod spoken;
pub(super) mod target;
pub(super) mod tls;
mod variables;

pub use variables::{Exporters, exporters, warnings};

use super::{Answer, Form, Load, Most, Sink};
use crate::error::Error;
use crate::model::Signal;
use crate::settings::SinkSettings;
use crate::world::World;
use batch::Batch;
use grpc::Grpc;
use http::Http;
use target::{Lane, Protocol, Target};

/// Who asks; of a webhook's receiver too.
const PRODUCT: &str = concat!("obs/", env!("CARGO_PKG_VERSION"));
/// The product, then the exporter, its language and its version (OTLP exporter specification, "User Agent").
const USER_AGENT: &str = concat!(
    "obs/",
    env!("CARGO_PKG_VERSION"),
    " OTel-OTLP-Exporter-Rust/",
    env!("CARGO_PKG_VERSION")
);
/// The difference of clocks that `probe` speaks of: an HTTP date has whole seconds.
const SKEW: i64 = 2_000_000_000;

struct Otlp {
    ways: Vec<Way>,
    wires: Vec<Wire>,
    signals: Vec<Signal>,
    is_delta: bool,
    has_exemplars: bool,
    /// The most records of a batch, where somebody says.
    batch_size: Option<usize>,
    world: World,
}

/// Where a signal goes, and by which of the wires.
struct Way {
    lane: Lane,
    target: Target,
    wire: usize,
}

enum Wire {
    Grpc(Grpc),
    Http(Http),
}

impl Wire {
    fn of(target: &Target) -> Result<Self, Error> {
        let wrong = |cause: &dyn std::error::Error| {
            let behind = cause
                .source()
                .map_or_else(|| cause.to_string(), ToString::to_string);
            Error::usage(target.place.as_str()).because(behind)
        };
        match target.protocol {
            Protocol::Grpc => Grpc::of(target)
                .map(Self::Grpc)
                .map_err(|cause| wrong(cause.as_ref())),
            Protocol::HttpJson | Protocol::HttpProtobuf => Http::of(target)
                .map(Self::Http)
                .map_err(|cause| wrong(&cause)),
        }
    }

    fn serves(&self, target: &Target) -> bool {
        match self {
            Self::Grpc(grpc) => target.protocol == Protocol::Grpc && grpc.serves(target),
            Self::Http(http) => target.protocol != Protocol::Grpc && http.serves(target),
        }
    }
}

/// Opens the sink.
pub(super) fn open(settings: &SinkSettings, world: &World) -> Result<Box<dyn Sink>, Error> {
    let (targets, is_delta) = match settings.is_from_variables {
        true => (variables::targets(world)?, variables::is_delta(world)),
        false => (
            target::of_sink(settings, world)?,
            settings.text("temporality") == Some("delta"),
        ),
    };
    let (mut ways, mut wires) = (Vec::new(), Vec::<Wire>::new());
    for (lane, target) in targets {
        let wire = match wires.iter().position(|wire| wire.serves(&target)) {
            Some(wire) => wire,
            None => {
                wires.push(Wire::of(&target)?);
                wires.len() - 1
            }
        };
        ways.push(Way { lane, target, wire });
    }
    Ok(Box::new(Otlp {
        ways,
        wires,
        signals: settings.signals(),
        is_delta,
        has_exemplars: !settings.is_from_variables || variables::has_exemplars(world),
        batch_size: settings
            .is_from_variables
            .then(|| variables::batch_size(world))
            .flatten(),
        world: world.clone(),
    }))
}

impl Sink for Otlp {
    fn takes(&self, signal: Signal) -> Option<Form> {
        let lane = Lane::of(signal);
        let is_taken =
            self.signals.contains(&signal) && self.ways.iter().any(|way| way.lane == lane);
        is_taken.then_some(match signal {
            Signal::Metrics => Form::Points {
                delta: self.is_delta,
            },
            Signal::Events | Signal::Logs | Signal::Spans => Form::Records,
        })
    }

    fn most(&self) -> Most {
        // many gRPC servers end at 4 MiB; OTLP/JSON is up to four times as long as our lines
        let is_json = |way: &Way| way.target.protocol == Protocol::HttpJson;
        let (records, bytes) = match self.ways.iter().any(is_json) {
            true => (1024, 1 << 19),
            false => (2048, 1 << 21),
        };
        Most {
            records: self.batch_size.map_or(records, |size| size.min(records)),
            bytes,
        }
    }

    fn send(&mut self, load: Load<'_>) -> Answer {
        let lane = match load {
            Load::Points(_) => Lane::Metrics,
            Load::Records(signal, _) => Lane::of(signal),
        };
        let batch = match load {
            Load::Points(points) if !self.has_exemplars => {
                let mut points = points.to_vec();
                points.iter_mut().for_each(|point| point.exemplars.clear());
                Batch::of(Load::Points(&points), self.is_delta)
            }
            _ => Batch::of(load, self.is_delta),
        };
        match batch {
            Ok(Some(batch)) => self.deliver(lane, batch).0,
            Ok(None) => Answer::Delivered,
            Err(why) => Answer::Permanent(why),
        }
    }

    fn probe(&mut self) -> Result<String, Error> {
        let lanes: Vec<Lane> = self.ways.iter().map(|way| way.lane).collect();
        let mut reached: Vec<String> = Vec::new();
        for lane in lanes {
            let (answer, clock) = self.deliver(lane, Batch::empty(lane));
            match answer {
                Answer::Delivered | Answer::Partial { .. } => {}
                Answer::Failing(why)
                | Answer::Gone(why)
                | Answer::Misconfigured(why)
                | Answer::Retry { why, .. } => {
                    return Err(why);
                }
                Answer::Permanent(why) => return Err(Error::failure(why)),
            }
            let way = self.ways.iter().find(|way| way.lane == lane);
            let words = way.map(|way| told(way, clock, self.world.now()));
            reached.extend(words.filter(|words| !reached.contains(words)));
        }
        match reached.is_empty() {
            true => Ok("nothing is sent: no signal has an exporter".to_owned()),
            false => Ok(reached.join("; ")),
        }
    }
}

impl Otlp {
    /// Sends a batch its way; with the answer comes the receiver's clock, where it shows that.
    fn deliver(&mut self, lane: Lane, batch: Batch) -> (Answer, Option<i64>) {
        let way = self.ways.iter().find(|way| way.lane == lane);
        let found = way.and_then(|way| Some((way, self.wires.get_mut(way.wire)?)));
        match found {
            Some((way, Wire::Grpc(grpc))) => (grpc.send(&way.target, batch, &self.world), None),
            Some((way, Wire::Http(http))) => http.send(&way.target, &batch, self.world.now()),
            None => {
                let error = Error::usage(format!("{} have no endpoint", lane.path()));
                (Answer::Misconfigured(error), None)
            }
        }
    }
}

/// What was reached, and how its clock differs from ours.
fn told(way: &Way, clock: Option<i64>, now: i64) -> String {
    let shown = way.target.endpoint.shown();
    let transport = match way.target.protocol {
        Protocol::Grpc => "grpc",
        Protocol::HttpJson => "http/json",
        Protocol::HttpProtobuf => "http/protobuf",
    };
    let skew = clock.map_or(0, |clock| clock.saturating_sub(now));
    let seconds = skew.unsigned_abs() / 1_000_000_000;
    match skew {
        skew if skew > SKEW => {
            format!("{shown} answers ({transport}); its clock is {seconds} s ahead of ours")
        }
        skew if skew < -SKEW => {
            format!("{shown} answers ({transport}); its clock is {seconds} s behind ours")
        }
        _ => format!("{shown} answers ({transport})"),
    }
}

#[cfg(test)]
mod tests;
