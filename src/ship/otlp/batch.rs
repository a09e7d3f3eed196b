//! A request of any signal on its way out.

use super::message::{self, Built};
use super::target::Lane;
use crate::model::{Record, Signal};
use crate::ship::{Load, Stored};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use std::borrow::Cow;

/// The bit of the W3C trace flags that asks for export.
const SAMPLED: u8 = 1;

/// A request.
pub(super) enum Batch {
    Logs(ExportLogsServiceRequest),
    Metrics(ExportMetricsServiceRequest),
    Traces(ExportTraceServiceRequest),
}

impl Batch {
    /// The request of a load. None: nothing in it is to be sent.
    ///
    /// # Errors
    /// The reason why one of its records can be sent nowhere.
    pub(super) fn of(load: Load<'_>, is_delta: bool) -> Result<Option<Self>, String> {
        match load {
            Load::Points(points) => taken(
                message::metrics(points, is_delta),
                points.len(),
                Self::Metrics,
            ),
            Load::Records(Signal::Spans, records) => {
                let sampled = sampled(records);
                taken(message::traces(&sampled), sampled.len(), Self::Traces)
            }
            Load::Records(Signal::Events | Signal::Logs, records) => {
                taken(message::logs(records), records.len(), Self::Logs)
            }
            Load::Records(Signal::Metrics, _) => {
                Err("a metric point is sent only as a part of its series".to_owned())
            }
        }
    }

    /// One without content, which any receiver takes and keeps nothing of.
    pub(super) fn empty(lane: Lane) -> Self {
        match lane {
            Lane::Logs => Self::Logs(ExportLogsServiceRequest::default()),
            Lane::Metrics => Self::Metrics(ExportMetricsServiceRequest::default()),
            Lane::Traces => Self::Traces(ExportTraceServiceRequest::default()),
        }
    }

    /// As protobuf.
    pub(super) fn protobuf(&self) -> Vec<u8> {
        match self {
            Self::Logs(request) => request.encode_to_vec(),
            Self::Metrics(request) => request.encode_to_vec(),
            Self::Traces(request) => request.encode_to_vec(),
        }
    }

    /// As OTLP/JSON.
    pub(super) fn json(&self) -> Vec<u8> {
        match self {
            Self::Logs(request) => message::json(request),
            Self::Metrics(request) => message::json(request),
            Self::Traces(request) => message::json(request),
        }
    }
}

/// The request, if nothing was refused: a load with a record that nobody can take is refused whole, so that it is halved until
/// that record stands alone and is kept with the reason.
fn taken<R>(
    built: Built<R>,
    count: usize,
    batch: impl FnOnce(R) -> Batch,
) -> Result<Option<Batch>, String> {
    match built.refused.into_iter().next() {
        Some((_, why)) if count == 1 => Err(why),
        Some((at, why)) => Err(format!("record {} of {count}: {why}", at + 1)),
        None => Ok(built.request.map(batch)),
    }
}

/// The spans that a sampler let through; the journal keeps the others. One that does not say is exported.
pub(in crate::ship) fn sampled(records: &[Stored]) -> Cow<'_, [Stored]> {
    let is_sampled = |stored: &&Stored| match &stored.record {
        Record::Span(span) => {
            u8::from_str_radix(&span.trace_flags, 16).map_or(true, |flags| flags & SAMPLED != 0)
        }
        Record::Event(_) | Record::Log(_) | Record::Metric(_) => true,
    };
    match records.iter().all(|stored| is_sampled(&stored)) {
        true => Cow::Borrowed(records),
        false => Cow::Owned(records.iter().filter(is_sampled).cloned().collect()),
    }
}
