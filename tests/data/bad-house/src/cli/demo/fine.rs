//! At home with clap and with starting a script; composes both sides of the bar.

use clap::Args;
use std::process::Command;

use crate::{capture, child, query, serve};
