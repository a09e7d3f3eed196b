//! Foreign things far from home.

use ::clap::Parser;
use std::io::{self, Write};
use std::process::{self, Command};
use std::time::Instant;

#[tokio::main]
async fn run() -> schemars::Schema {
    println!("{}", std::env::consts::OS);
    let started = Instant::now();
    let pid = unsafe { libc::getpid() };
    let tool = Command::new("git");
    writeln!(io::stderr(), "{pid}");
    let rule = regex::Regex::new("a");
    let repository = gix::open(".");
    let settings: toml::Value = toml::from_str("");
    getrandom::fill(&mut [0]);
    process::exit(1);
}
