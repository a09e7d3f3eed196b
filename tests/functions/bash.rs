//! The functions in bash.
