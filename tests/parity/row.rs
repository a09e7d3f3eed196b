//! One row of the matrix: a name, what it does on a stage, and when it may run.

use crate::stage::Stage;

/// What begins a result that counts for nothing here, with the reason behind it.
pub(crate) const SKIPPED: &str = "skipped: ";

type Act = dyn Fn(&Stage) -> String + Send + Sync;

/// A behaviour that must be the same in every way.
pub(crate) struct Row {
    pub(crate) name: String,
    /// It depends on timing, so nothing else runs meanwhile.
    pub(crate) alone: bool,
    /// It runs with a broken journal, too.
    pub(crate) in_modes: bool,
    /// What it answers depends on the machine and is not written down.
    pub(crate) local: bool,
    pub(crate) on_terminal: bool,
    act: Box<Act>,
}

impl Row {
    pub(crate) fn new(
        name: impl Into<String>,
        act: impl Fn(&Stage) -> String + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            alone: false,
            in_modes: false,
            local: false,
            on_terminal: false,
            act: Box::new(act),
        }
    }

    /// A script in bash, whose end and output are the result.
    pub(crate) fn bash(name: impl Into<String>, script: impl Into<String>) -> Self {
        let script = script.into();
        Self::new(name, move |stage| stage.bash(&script))
    }

    /// A row for each name and script.
    pub(crate) fn scripts(table: &'static [(&str, &str)]) -> impl Iterator<Item = Self> {
        table
            .iter()
            .map(|(name, script)| Self::bash(*name, *script))
    }

    pub(crate) fn alone(mut self) -> Self {
        self.alone = true;
        self
    }

    pub(crate) fn in_modes(mut self) -> Self {
        self.in_modes = true;
        self
    }

    pub(crate) fn local(mut self) -> Self {
        self.local = true;
        self
    }

    pub(crate) fn on_terminal(mut self) -> Self {
        self.on_terminal = true;
        self.name += ", on a terminal";
        self
    }

    /// Runs it; a panic is a result, too.
    pub(crate) fn act(&self, stage: &Stage) -> String {
        let act = std::panic::AssertUnwindSafe(|| (self.act)(stage));
        std::panic::catch_unwind(act).unwrap_or_else(|_| "panicked".to_owned())
    }
}

/// True where a program is installed.
pub(crate) fn have(tool: &str) -> bool {
    let folders = ["/usr/local/bin", "/usr/bin", "/bin"];
    folders
        .iter()
        .any(|folder| std::path::Path::new(folder).join(tool).exists())
}
