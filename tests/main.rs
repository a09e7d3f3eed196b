//! The integration tests, one binary. Each module is one subject; `sandbox` is what they run in.

mod house;
