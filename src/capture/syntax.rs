//! How a shell sets a variable: code for it to eval, in which any value stays data.

use super::around::calling_shell;
use crate::world::World;

/// What shells have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    /// fish.
    Fish,
    /// bash, zsh, dash, ksh and what else does as POSIX says.
    Sh,
}

impl Syntax {
    /// Names of shells that take the same code as `sh`.
    pub const LIKE_SH: [&str; 5] = ["bash", "zsh", "dash", "ksh", "ash"];

    /// The syntax of a shell of this name.
    pub fn named(shell: &str) -> Option<Self> {
        match shell {
            "fish" => Some(Self::Fish),
            "sh" => Some(Self::Sh),
            other => Self::LIKE_SH.contains(&other).then_some(Self::Sh),
        }
    }

    /// The calling shell's.
    pub fn of_caller(world: &World) -> Self {
        Self::named(calling_shell(world)).unwrap_or(Self::Sh)
    }

    /// A line that sets and exports a variable.
    pub fn set(self, name: &str, value: &str) -> String {
        match self {
            Self::Fish => {
                let quoted = value.replace('\\', "\\\\").replace('\'', "\\'");
                format!("set -gx {name} '{quoted}';\n")
            }
            Self::Sh => format!("export {name}='{}';\n", value.replace('\'', "'\\''")),
        }
    }

    /// A line that takes a variable away; fish reports the removal of what is not there as a failure.
    pub fn unset(self, name: &str) -> String {
        match self {
            Self::Fish => format!("set -e {name};\n"),
            Self::Sh => format!("unset {name};\n"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_data() {
        const ODD: &str = "a'b\\ $(x)\n;";
        assert_eq!(Syntax::Sh.set("A", ODD), "export A='a'\\''b\\ $(x)\n;';\n");
        assert_eq!(
            Syntax::Fish.set("A", ODD),
            "set -gx A 'a\\'b\\\\ $(x)\n;';\n"
        );
    }

    #[test]
    fn shells_have_one_of_two() {
        assert_eq!(Syntax::named("fish"), Some(Syntax::Fish));
        for shell in ["sh", "bash", "zsh", "dash", "ksh", "ash"] {
            assert_eq!(Syntax::named(shell), Some(Syntax::Sh), "{shell}");
        }
        assert_eq!(Syntax::named("pwsh"), None);
        assert_eq!(Syntax::named(""), None);
    }
}
