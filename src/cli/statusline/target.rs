//! Who shows the status line: how each marks colours, and which characters of a text it would act on.

use super::template::Field;
use clap::ValueEnum;

/// Who shows the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Target {
    /// bash, by a command substitution in PS1
    Bash,
    /// fish, in a prompt function
    Fish,
    /// A terminal, starship, a coding agent
    Plain,
    /// tmux, by #(…) in a status line
    Tmux,
    /// zsh, with prompt_subst
    Zsh,
}

impl Target {
    /// A text that shows as it is.
    pub(super) fn text(self, text: &str) -> String {
        match self {
            Self::Bash | Self::Fish | Self::Plain => text.to_owned(),
            Self::Tmux => text.replace('#', "##"),
            Self::Zsh => text.replace('%', "%%"),
        }
    }

    /// The same in the colour of its field.
    pub(super) fn painted(self, field: Option<Field>, text: &str) -> String {
        let (code, name) = match field {
            Some(Field::Age | Field::Error) => ("31", "fg=red"),
            Some(Field::Blocked | Field::Waiting) => ("33", "fg=yellow"),
            Some(Field::Trace) => ("2", "dim"),
            _ => return self.text(text),
        };
        let text = self.text(text);
        let (on, off) = (format!("\x1b[{code}m"), "\x1b[0m");
        match self {
            Self::Fish | Self::Plain => format!("{on}{text}{off}"),
            // readline's marks of what has no width
            Self::Bash => format!("\x01{on}\x02{text}\x01{off}\x02"),
            Self::Zsh => format!("%{{{on}%}}{text}%{{{off}%}}"),
            Self::Tmux => format!("#[{name}]{text}#[default]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_marks_colours_in_its_way() {
        let shown = |target: Target| target.painted(Some(Field::Error), "50% #[x]");
        assert_eq!(shown(Target::Plain), "\x1b[31m50% #[x]\x1b[0m");
        assert_eq!(
            shown(Target::Bash),
            "\x01\x1b[31m\x0250% #[x]\x01\x1b[0m\x02"
        );
        assert_eq!(shown(Target::Zsh), "%{\x1b[31m%}50%% #[x]%{\x1b[0m%}");
        assert_eq!(shown(Target::Tmux), "#[fg=red]50% ##[x]#[default]");
        assert_eq!(Target::Tmux.painted(None, "a"), "a");
    }
}
