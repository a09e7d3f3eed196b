//! A cold room that reads git's facts and owns a runtime.

use crate::git::Range;
use tokio::runtime::Builder;
