//! The integration tests, one binary. Each module is one subject; `sandbox` is what they run in.
#![cfg(test)]

mod backlog;
mod builtin;
mod capture;
mod ci;
mod config;
mod console;
mod context;
mod demo;
mod docs;
mod doctor;
mod emit;
mod exec;
mod export;
mod flush;
mod functions;
mod gc;
mod git;
mod hooks;
mod hostile;
mod house;
mod identity;
mod init;
mod log;
mod metadata;
mod metric;
mod print;
mod reading;
#[expect(dead_code, reason = "the faults use the rest")]
mod receiver;
mod sandbox;
mod secrets;
mod shells;
mod shim;
mod ship;
mod sizes;
mod span;
mod span_data;
mod statusline;
mod stdin;
mod terminal;
mod trace;
mod words;
