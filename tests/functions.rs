//! The functions of `obs print shell`, in the real shells: every function, every option of a shell, hostile words, traps.

mod bash;
mod both;
mod fish;
mod places;
mod posix;
mod stage;
mod zsh;
