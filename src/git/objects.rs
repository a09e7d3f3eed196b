//! The objects of a repository, whoever reads them: gix from its files, or a `git cat-file` that we ask.

use super::damaged;
use super::place::Place;
use super::program::Batch;
use crate::error::Error;
use gix::hash::{Kind, oid};
use gix::objs::{self, Data, Find, FindHeader};
use gix::{ObjectId, odb};
use std::cell::RefCell;
use std::fmt;
use std::io;

/// The longest commit or tree that is read.
const LONGEST: u64 = 64 << 20;

/// Where objects come from.
pub(super) enum Objects {
    /// A running git.
    Asked { batch: RefCell<Batch>, kind: Kind },
    /// The files themselves.
    Own { store: odb::Handle, kind: Kind },
}

impl Objects {
    /// Opens the files. Packs are listed, and read when an object is wanted.
    pub(super) fn own(place: &Place, kind: Kind) -> io::Result<Self> {
        let options = odb::store::init::Options {
            current_dir: Some(place.git_dir.clone()),
            ..Default::default()
        };
        let store = odb::at_opts(place.common_dir.join("objects"), kind, None, options)?;
        Ok(Self::Own { store, kind })
    }

    /// The hash of the ids.
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Asked { kind, .. } | Self::Own { kind, .. } => *kind,
        }
    }

    /// True where the object is not there, as at the boundary of a shallow clone.
    pub(super) fn lacks(&self, id: ObjectId) -> bool {
        matches!(self.size(id), Ok(None))
    }

    /// The bytes of a commit.
    pub(super) fn commit(&self, id: ObjectId) -> Result<Vec<u8>, Error> {
        self.object(id, objs::Kind::Commit)
    }

    /// The bytes of a tree.
    pub(super) fn tree(&self, id: ObjectId) -> Result<Vec<u8>, Error> {
        self.object(id, objs::Kind::Tree)
    }

    fn object(&self, id: ObjectId, kind: objs::Kind) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        let found = self.try_find(&id, &mut bytes);
        match found.map_err(|cause| damaged(id, cause))? {
            Some(data) if data.kind == kind => Ok(bytes),
            Some(_) => Err(damaged(id, format!("it is no {kind}"))),
            None => Err(damaged(id, "it is not there")),
        }
    }

    /// The bytes of a blob; none where it is longer than `most` or not there.
    pub(super) fn blob(&self, id: ObjectId, most: u64) -> Result<Option<Vec<u8>>, Error> {
        if self.size(id)?.is_none_or(|size| size > most) {
            return Ok(None);
        }
        self.object(id, objs::Kind::Blob).map(Some)
    }

    fn size(&self, id: ObjectId) -> Result<Option<u64>, Error> {
        match self {
            Self::Asked { batch, .. } => batch
                .borrow_mut()
                .size(id)
                .map_err(|cause| damaged(id, cause)),
            Self::Own { store, .. } => store
                .try_header(&id)
                .map(|header| header.map(|header| header.size))
                .map_err(|cause| damaged(id, cause)),
        }
    }
}

impl Find for Objects {
    fn try_find<'a>(&self, id: &oid, buffer: &'a mut Vec<u8>) -> gix::Result<Option<Data<'a>>> {
        match self {
            Self::Asked { batch, kind } => {
                let found = batch.borrow_mut().object(id.to_owned(), LONGEST, buffer);
                let found = found.map_err(gix::Error::from_error)?;
                Ok(found.map(|of| Data::new(buffer, of, *kind)))
            }
            Self::Own { store, .. } => match store.try_header(id)? {
                Some(header) if header.size <= LONGEST => store.try_find(id, buffer),
                Some(_) => Err(gix::Error::from_error(io::Error::other("it is too long"))),
                None => Ok(None),
            },
        }
    }
}

impl fmt::Debug for Objects {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Asked { .. } => "Asked",
            Self::Own { .. } => "Own",
        })
    }
}
