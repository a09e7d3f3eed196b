//! Looks sideways at the other room of its rung.

use crate::model::Line;
