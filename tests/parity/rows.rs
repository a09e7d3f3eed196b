//! All rows, by subject.

mod descriptors;
mod endings;
mod inherited;
mod jobs;
mod names;
mod namespaces;
mod races;
mod sessions;
mod shells;
mod signals;
mod streams;
mod terminals;

use crate::row::Row;

/// Every row; names are unique.
pub(crate) fn all() -> Vec<Row> {
    let rooms = [
        endings::rows(),
        names::rows(),
        signals::rows(),
        jobs::rows(),
        terminals::rows(),
        inherited::rows(),
        descriptors::rows(),
        streams::rows(),
        sessions::rows(),
        namespaces::rows(),
        shells::rows(),
        races::rows(),
    ];
    let rows: Vec<Row> = rooms.into_iter().flatten().collect();
    let names: std::collections::BTreeSet<&str> =
        rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names.len(), rows.len(), "two rows of one name");
    rows
}
