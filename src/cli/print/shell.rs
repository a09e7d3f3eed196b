//! The functions for a shell's scripts, embedded whole; what is printed also knows which binary printed it.

use crate::world::World;
use std::path::PathBuf;

/// What help says of it.
pub(super) const MORE: &str = "\
Examples:
  eval \"$(obs print shell bash)\"          # at the top of a script; zsh and sh likewise
  obs print shell fish | source

obs_trace_script, which a script may call, makes one span of the whole script. In bash it defines a function (in posix mode
an alias) named trap, which keeps the script's own traps beside the one that ends the span.";

/// A shell that there are functions for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Dialect {
    Bash,
    Fish,
    Sh,
    Zsh,
}

impl Dialect {
    /// The functions, behind the name of this very binary.
    pub(super) fn functions(self, world: &World) -> Vec<u8> {
        let program = world.program().unwrap_or_else(|| PathBuf::from("obs"));
        let program = self.quoted(&program.to_string_lossy());
        let line = match self {
            Self::Fish => format!("set -g __obs_bin {program}\n"),
            Self::Bash | Self::Sh | Self::Zsh => format!("__obs_bin={program}\n"),
        };
        [line.as_bytes(), self.text().as_bytes()].concat()
    }

    fn text(self) -> &'static str {
        match self {
            Self::Bash => include_str!("../../../shell/obs.bash"),
            Self::Fish => include_str!("../../../shell/obs.fish"),
            Self::Sh => include_str!("../../../shell/obs.sh"),
            Self::Zsh => include_str!("../../../shell/obs.zsh"),
        }
    }

    /// One word of the shell, whatever is in it.
    fn quoted(self, word: &str) -> String {
        match self {
            Self::Fish => format!("'{}'", word.replace('\\', "\\\\").replace('\'', "\\'")),
            Self::Bash | Self::Sh | Self::Zsh => format!("'{}'", word.replace('\'', "'\\''")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_path_is_one_word() {
        assert_eq!(Dialect::Bash.quoted("/a b/o'bs"), "'/a b/o'\\''bs'");
        assert_eq!(Dialect::Fish.quoted("/a\\b/o'bs"), "'/a\\\\b/o\\'bs'");
    }

    #[test]
    fn every_file_is_of_this_version() {
        for dialect in [Dialect::Bash, Dialect::Fish, Dialect::Sh, Dialect::Zsh] {
            let text = dialect.text();
            assert!(text.contains(env!("CARGO_PKG_VERSION")), "{dialect:?}");
        }
    }
}
