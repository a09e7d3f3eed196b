//! The functions in zsh.
