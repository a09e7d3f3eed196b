//! The ways to run a command: as it is, and through obs.

use std::path::Path;

/// How a command is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Way {
    Direct,
    Exec,
    Shim,
    /// A shim whose tool runs another one.
    Nested,
}

/// All ways through obs.
pub(crate) const WRAPPED: [Way; 3] = [Way::Exec, Way::Shim, Way::Nested];

impl Way {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Exec => "span exec",
            Self::Shim => "shim",
            Self::Nested => "nested",
        }
    }

    /// True where tools are found in the shim folder first.
    pub(crate) const fn has_shims(self) -> bool {
        matches!(self, Self::Shim | Self::Nested)
    }

    /// The words that stand before a command. A path is no shim's business, and what is not there has none: nested they
    /// go through obs twice.
    pub(crate) fn prefix(self, obs: &Path, tool: Option<&Path>) -> Vec<String> {
        let exec = || [obs.to_str().unwrap(), "span", "exec", "--"].map(str::to_owned);
        match self {
            Self::Direct | Self::Shim => Vec::new(),
            Self::Exec => exec().into(),
            Self::Nested if tool.is_none() => [exec(), exec()].concat(),
            Self::Nested => vec!["through".to_owned()],
        }
    }
}
