//! Listed.
