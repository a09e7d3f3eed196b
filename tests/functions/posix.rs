//! The functions in posix.
