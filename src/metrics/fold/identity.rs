//! What makes a series one, borrowed from a point or a series: finding a series copies nothing.

use super::Series;
use crate::model::{Attributes, Metric, MetricType};
use std::hash::{DefaultHasher, Hash, Hasher};

/// The parts of an identity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Identity<'a> {
    pub(super) service: &'a str,
    pub(super) host: &'a str,
    pub(super) resource: &'a Attributes,
    pub(super) name: &'a str,
    pub(super) kind: MetricType,
    pub(super) unit: &'a str,
    pub(super) labels: &'a Attributes,
}

impl<'a> Identity<'a> {
    /// That of a point.
    pub(super) fn of(point: &'a Metric) -> Self {
        Self {
            service: &point.service,
            host: &point.host,
            resource: &point.resource,
            name: &point.name,
            kind: point.kind,
            unit: &point.unit,
            labels: &point.labels,
        }
    }

    /// That of a series.
    pub(super) fn of_series(series: &'a Series) -> Self {
        Self {
            service: &series.service,
            host: &series.host,
            resource: &series.resource,
            name: &series.name,
            kind: series.kind,
            unit: &series.unit,
            labels: &series.labels,
        }
    }

    /// A series of its own.
    pub(super) fn to_series(self) -> Series {
        Series {
            service: self.service.to_owned(),
            host: self.host.to_owned(),
            resource: self.resource.clone(),
            name: self.name.to_owned(),
            kind: self.kind,
            unit: self.unit.to_owned(),
            labels: self.labels.clone(),
        }
    }

    /// Equal for equal identities.
    pub(super) fn key(&self) -> u64 {
        let mut state = DefaultHasher::new();
        (self.service, self.host, self.name, self.unit).hash(&mut state);
        (self.kind as u8).hash(&mut state);
        (unordered(self.resource), unordered(self.labels)).hash(&mut state);
        state.finish()
    }
}

/// A sum over the entries, so that their order does not matter.
fn unordered(attributes: &Attributes) -> u64 {
    let entries = attributes.iter().map(|entry| {
        let mut state = DefaultHasher::new();
        entry.hash(&mut state);
        state.finish()
    });
    entries.fold(0, u64::wrapping_add)
}
