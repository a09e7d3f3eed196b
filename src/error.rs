//! The one error of the program: what failed, why, and what to do about it, with the exit code it means.
//! Printing happens once, at the entry; message text lives at the call that failed.

use std::fmt;

/// How a command ended. The numbers are the process's exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done,
    /// Worked, but the answer is no: nothing found, unhealthy, not all done.
    No,
}

impl Exit {
    /// The process's exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::No => 1,
        }
    }
}

/// Which of the documented exit codes an error means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Our failure: disk, permissions, a record that could not be kept. Exit code 3.
    Failure,
    /// Wrong use or settings. Exit code 2.
    Usage,
}

/// An error with its cause and, where there is one, a hint.
#[derive(Debug, Clone)]
pub struct Error {
    kind: Kind,
    what: String,
    cause: Option<String>,
    hint: Option<String>,
}

impl Error {
    /// Our failure; `what` is lower case, without a full stop.
    pub fn failure(what: impl Into<String>) -> Self {
        Self::of(Kind::Failure, what.into())
    }

    /// Wrong use or settings; `what` is lower case, without a full stop.
    pub fn usage(what: impl Into<String>) -> Self {
        Self::of(Kind::Usage, what.into())
    }

    fn of(kind: Kind, what: String) -> Self {
        Self {
            kind,
            what,
            cause: None,
            hint: None,
        }
    }

    /// Adds what lies behind it; an operating system's errors lose their numbers.
    #[must_use]
    pub fn because(mut self, cause: impl fmt::Display) -> Self {
        let text = cause.to_string();
        let mut parts = text.split(" (os error ");
        let mut plain = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            plain.push_str(part.split_once(')').map_or("", |(_, rest)| rest));
        }
        self.cause = Some(plain.trim_end_matches('.').to_owned());
        self
    }

    /// Adds what the user can do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What the user can do next, where we know it.
    pub fn advice(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// The process's exit code.
    pub fn code(&self) -> u8 {
        match self.kind {
            Kind::Failure => 3,
            Kind::Usage => 2,
        }
    }

    /// What a user sees: the error line and the hint line, newline-terminated.
    pub fn report(&self) -> String {
        let mut text = format!("obs: {self}\n");
        if let Some(hint) = &self.hint {
            text.push_str("hint: ");
            text.push_str(hint);
            text.push('\n');
        }
        text
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        match &self.cause {
            Some(cause) => write!(f, ": {}", lower_first(cause)),
            None => Ok(()),
        }
    }
}

/// The first letter in lower case, unless the word is an acronym or a name in capitals.
fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    match (chars.next(), chars.clone().next()) {
        (Some(first), Some(second)) if first.is_uppercase() && second.is_lowercase() => {
            first.to_lowercase().chain(chars).collect()
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn report_names_cause_and_hint() {
        let error = Error::failure("could not open the journal")
            .because(std::io::Error::from_raw_os_error(13))
            .hint("check who owns it");
        assert_eq!(
            error.report(),
            "obs: could not open the journal: permission denied\nhint: check who owns it\n"
        );
        assert_eq!(error.code(), 3);
    }

    #[test]
    fn causes_lose_their_numbers() {
        let error =
            Error::failure("f").because("Not there (os error 2); spill: full (os error 28)");
        assert_eq!(error.to_string(), "f: not there; spill: full");
    }

    #[test]
    fn usage_is_two() {
        assert_eq!(Error::usage("unknown option `--x`").code(), 2);
    }
}
