//! Where records come from, and their grouping by it: resource, then scope.

use super::value::{extend, text, whole};
use crate::model::Attributes;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::resource::v1::Resource;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// What makes a resource.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin<'a> {
    /// `service.name`.
    pub(super) service: &'a str,
    /// `service.version`, where the record has a key of its own for it.
    pub(super) version: &'a str,
    /// `host.name`.
    pub(super) host: &'a str,
    /// `process.pid`.
    pub(super) pid: Option<u32>,
    /// What was recorded besides.
    pub(super) resource: &'a Attributes,
}

/// Who instrumented: a name and its version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ScopeName<'a>(pub(super) &'a str, pub(super) &'a str);

/// This program.
pub(super) const OBS: ScopeName<'static> = ScopeName("obs", env!("CARGO_PKG_VERSION"));

impl ScopeName<'_> {
    fn to_scope(self) -> InstrumentationScope {
        InstrumentationScope {
            name: self.0.to_owned(),
            version: self.1.to_owned(),
            ..InstrumentationScope::default()
        }
    }
}

impl Origin<'_> {
    fn is(&self, other: &Origin<'_>) -> bool {
        self.pid == other.pid
            && self.service == other.service
            && self.version == other.version
            && self.host == other.host
            && is_same(self.resource, other.resource)
    }

    fn key(&self) -> u64 {
        let mut state = DefaultHasher::new();
        (self.service, self.version, self.host, self.pid).hash(&mut state);
        // a sum: the order of attributes does not matter
        let entries = self.resource.iter().map(|entry| {
            let mut state = DefaultHasher::new();
            entry.hash(&mut state);
            state.finish()
        });
        entries.fold(0, u64::wrapping_add).hash(&mut state);
        state.finish()
    }

    fn to_resource(self) -> Resource {
        let mut attributes = Vec::with_capacity(self.resource.len() + 4);
        let own = [
            ("service.name", self.service),
            ("service.version", self.version),
            ("host.name", self.host),
        ];
        let own = own.iter().filter(|(_, value)| !value.is_empty());
        attributes.extend(own.map(|(key, value)| text(key, value)));
        attributes.extend(self.pid.map(|pid| whole("process.pid", u64::from(pid))));
        extend(&mut attributes, self.resource);
        if attributes.iter().all(|taken| taken.key != "service.name") {
            // resource semantic conventions, service: the name is required, and this is its fallback
            attributes.insert(0, text("service.name", "unknown_service"));
        }
        Resource {
            attributes,
            ..Resource::default()
        }
    }
}

/// Equality that is fast where the order is the same too, as it is in records of one script.
fn is_same(left: &Attributes, right: &Attributes) -> bool {
    left.len() == right.len() && (left.iter().eq(right) || left == right)
}

#[derive(Debug)]
struct Group<'a, T> {
    origin: Origin<'a>,
    scopes: Vec<(ScopeName<'a>, Vec<T>)>,
}

/// Items by resource and scope, each in order of first appearance.
#[derive(Debug)]
pub(super) struct Groups<'a, T> {
    groups: Vec<Group<'a, T>>,
    places: HashMap<u64, Vec<usize>>,
    last: usize,
}

impl<'a, T> Groups<'a, T> {
    /// None yet.
    pub(super) fn new() -> Self {
        Self {
            groups: Vec::new(),
            places: HashMap::new(),
            last: 0,
        }
    }

    /// True where there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Adds an item to its group.
    pub(super) fn push(&mut self, origin: Origin<'a>, scope: ScopeName<'a>, item: T) {
        self.change(origin, scope, |items| items.push(item));
    }

    /// Changes the items of a group, which is made where it is missing.
    pub(super) fn change(
        &mut self,
        origin: Origin<'a>,
        scope: ScopeName<'a>,
        change: impl FnOnce(&mut Vec<T>),
    ) {
        let last = self.groups.get(self.last);
        if !last.is_some_and(|group| group.origin.is(&origin)) {
            self.last = self.place(origin);
        }
        if self.groups.len() <= self.last {
            let scopes = Vec::new();
            self.groups.push(Group { origin, scopes });
        }
        let Some(group) = self.groups.get_mut(self.last) else {
            return;
        };
        let mut scopes = group.scopes.iter_mut();
        match scopes.find(|(name, _)| *name == scope) {
            Some((_, items)) => change(items),
            None => {
                let mut items = Vec::new();
                change(&mut items);
                group.scopes.push((scope, items));
            }
        }
    }

    /// Where the group of this origin is, or will be.
    fn place(&mut self, origin: Origin<'a>) -> usize {
        let places = self.places.entry(origin.key()).or_default();
        let groups = &self.groups;
        let mut known = places.iter().copied();
        let found = known.find(|place| {
            let group = groups.get(*place);
            group.is_some_and(|group| group.origin.is(&origin))
        });
        found.unwrap_or_else(|| {
            places.push(groups.len());
            groups.len()
        })
    }

    /// Makes a message of each resource with its scopes, and of each scope with its items.
    pub(super) fn build<S, R>(
        self,
        scoped: impl Fn(InstrumentationScope, Vec<T>) -> S,
        whole: impl Fn(Resource, Vec<S>) -> R,
    ) -> Vec<R> {
        let groups = self.groups.into_iter().map(|group| {
            let scopes = group.scopes.into_iter();
            let scopes = scopes.map(|(name, items)| scoped(name.to_scope(), items));
            whole(group.origin.to_resource(), scopes.collect())
        });
        groups.collect()
    }
}
