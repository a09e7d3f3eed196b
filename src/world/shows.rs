//! What the process shows: to whom, in which colours and how wide, and that no line of it acts on its reader.

use super::{Stream, World};
use crate::model::shown::{escape, without_commands};
use std::borrow::Cow;
use std::io;

impl World {
    /// Says something to the user, on standard error; nobody listening is no error.
    pub fn say(&self, text: &str) {
        let lines = text.lines().map(|line| format!("{}\n", escape(line)));
        let lines: String = lines.collect();
        let _ = self.write(Stream::Err, &self.shown(lines.as_bytes()));
    }

    /// Lines as they may be shown: in GitHub Actions none of them is a workflow command.
    pub fn shown<'a>(&self, lines: &'a [u8]) -> Cow<'a, [u8]> {
        match self.is_in_github() {
            true => without_commands(lines),
            false => Cow::Borrowed(lines),
        }
    }

    /// True where a runner of GitHub Actions reads what we show.
    pub fn is_in_github(&self) -> bool {
        self.var("GITHUB_ACTIONS") == Some("true")
    }

    /// True where a stream takes colours: a terminal that is not dumb, unless `NO_COLOR`, `CLICOLOR=0` or
    /// `FORCE_COLOR=0`; others only when forced.
    pub fn wants_colours(&self, stream: Stream) -> bool {
        self.forces_colours().unwrap_or_else(|| {
            let dumb = self.var("TERM") == Some("dumb");
            self.is_terminal(stream) && !dumb && self.var("CLICOLOR") != Some("0")
        })
    }

    /// What the environment says of colours whatever reads them; none where it depends on the stream.
    pub fn forces_colours(&self) -> Option<bool> {
        let says_no = |value: &str| value == "0" || value.eq_ignore_ascii_case("false");
        let force = self.var("FORCE_COLOR");
        if self.var("NO_COLOR").is_some() {
            return Some(false);
        }
        if self.var("CLICOLOR_FORCE").is_some_and(|value| value != "0") {
            return Some(true);
        }
        force.map(|value| !says_no(value))
    }

    /// The terminal's width in columns: the window's, else `COLUMNS`, else 80.
    pub fn columns(&self) -> usize {
        rustix::termios::tcgetwinsize(io::stdout())
            .ok()
            .map(|size| usize::from(size.ws_col))
            .filter(|columns| *columns > 0)
            .or_else(|| self.var("COLUMNS").and_then(|text| text.parse().ok()))
            .unwrap_or(80)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_color_beats_force() {
        let wants = |env: &[(&str, &str)]| World::of(env).wants_colours(Stream::Out);
        assert!(!wants(&[("NO_COLOR", "1"), ("FORCE_COLOR", "1")]));
        assert!(wants(&[("CLICOLOR_FORCE", "1")]) && wants(&[("FORCE_COLOR", "3")]));
        assert!(!wants(&[("FORCE_COLOR", "0")]) && !wants(&[("FORCE_COLOR", "false")]));
    }
}
