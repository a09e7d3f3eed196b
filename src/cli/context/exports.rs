//! Variables for others to take over: as code of a shell to eval, as JSON, as lines of a file. Their values may be
//! anybody's, and stay data in every form.

use super::super::print_out;
use super::named_file;
use crate::capture::Syntax;
use crate::error::Error;
use crate::model::context::TraceContext;
use crate::world::World;
use clap::builder::PossibleValue;
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};

/// Where they go to.
#[derive(Debug, clap::Args)]
pub(super) struct Target {
    /// The shell that evals it: sh (bash, zsh, dash, ksh) or fish; default the calling one
    #[arg(long, value_name = "SHELL", hide_possible_values = true)]
    shell: Option<Syntax>,
    /// Print one JSON object
    #[arg(long, conflicts_with = "shell")]
    json: bool,
    /// Append KEY=VALUE lines to FILE instead of printing, as GitLab's dotenv reports take them
    #[arg(long, value_name = "FILE", conflicts_with_all = ["shell", "json"])]
    pub(super) env_file: Option<PathBuf>,
}

impl clap::ValueEnum for Syntax {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Fish, Self::Sh]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Fish => PossibleValue::new("fish"),
            Self::Sh => PossibleValue::new("sh").aliases(Self::LIKE_SH),
        })
    }
}

/// Variables and their values; none takes the variable away.
#[derive(Debug)]
pub(super) struct Exports {
    context: TraceContext,
    variables: Vec<(&'static str, Option<String>)>,
    /// What JSON tells besides.
    pub(super) about: Map<String, Value>,
}

impl Exports {
    /// A trace context.
    pub(super) fn of(context: &TraceContext) -> Self {
        Self {
            context: *context,
            variables: vec![("TRACEPARENT", Some(context.to_header()))],
            about: Map::new(),
        }
    }

    /// Adds a variable.
    pub(super) fn set(&mut self, name: &'static str, value: String) {
        self.variables.push((name, Some(value)));
    }

    /// Takes a variable away.
    pub(super) fn unset(&mut self, name: &'static str) {
        self.variables.push((name, None));
    }

    /// Prints them, or appends them to a file.
    pub(super) fn give(&self, target: &Target, world: &World) -> Result<(), Error> {
        if let Some(file) = &target.env_file {
            return self.append(&world.absolute(file), Form::Lines, world);
        }
        let text = match target.json {
            true => format!("{}\n", self.json()),
            false => self.code(
                target.shell.unwrap_or_else(|| Syntax::of_caller(world)),
                world,
            ),
        };
        print_out(world, text.as_bytes()).map(drop)
    }

    /// Code of a shell.
    pub(super) fn code(&self, syntax: Syntax, world: &World) -> String {
        let mut code = String::new();
        for (name, value) in &self.variables {
            match value {
                Some(value) => code.push_str(&syntax.set(name, value)),
                None if syntax == Syntax::Fish && world.raw_var(name).is_none() => {}
                None => code.push_str(&syntax.unset(name)),
            }
        }
        code
    }

    fn json(&self) -> Value {
        let environment: Map<String, Value> = self
            .variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json!(value)))
            .collect();
        let mut object = Map::new();
        let mut add = |key: &str, value: Value| drop(object.insert(key.to_owned(), value));
        add("traceparent", self.context.to_header().into());
        add("trace_id", self.context.trace_id.to_string().into());
        add("span_id", self.context.span_id.to_string().into());
        for (key, value) in &self.about {
            add(key, value.clone());
        }
        add("environment", Value::Object(environment));
        Value::Object(object)
    }

    /// Appends to a file, in one write, what it does not say already.
    pub(super) fn append(&self, path: &Path, form: Form, world: &World) -> Result<(), Error> {
        let wrong = |error: io::Error| {
            Error::failure(format!("could not write to `{}`", path.display())).because(error)
        };
        let before = named_file::end(path).map_err(wrong)?;
        let mut text = String::new();
        for (name, value) in &self.variables {
            let value = value.as_deref().unwrap_or_default();
            // nothing is set there yet that could be taken away
            if value.is_empty() && world.raw_var(name).is_none() {
                continue;
            }
            let entry = form.entry(name, value, world);
            if form.said(&before, name).as_deref() != Some(form.kept(value).as_ref()) {
                text.push_str(&entry);
            }
        }
        named_file::add(path, &before, &text).map_err(wrong)
    }
}

/// What a file of variables looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// GitHub's: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#environment-files
    Github,
    /// KEY=VALUE, nothing quoted: https://docs.gitlab.com/ci/yaml/artifacts_reports/#artifactsreportsdotenv
    Lines,
}

impl Form {
    fn entry(self, name: &str, value: &str, world: &World) -> String {
        let is_one_line = !value.contains(['\n', '\r']);
        match self {
            Self::Github if !is_one_line => {
                let mut end = String::from("OBS");
                while value.contains(&end) {
                    end = format!("OBS_{:016x}", u64::from_le_bytes(world.random()));
                }
                format!("{name}<<{end}\n{value}\n{end}\n")
            }
            Self::Github => format!("{name}={value}\n"),
            Self::Lines => format!("{name}={}\n", one_line(value)),
        }
    }

    /// A value as a file of this form gives it back.
    fn kept(self, value: &str) -> Cow<'_, str> {
        match self {
            Self::Github => Cow::Borrowed(value),
            Self::Lines => one_line(value),
        }
    }

    /// The last value that a file gives a variable, read as its reader does: what stands inside a value is no entry.
    fn said(self, before: &str, name: &str) -> Option<String> {
        let mut last = None;
        let mut lines = before.split('\n');
        while let Some(line) = lines.next() {
            let block = line.split_once("<<").filter(|(key, _)| !key.contains('='));
            let (key, value) = match (self, block) {
                (Self::Github, Some((key, end))) => {
                    let body = lines.by_ref().take_while(|line| *line != end);
                    (key, body.collect::<Vec<_>>().join("\n"))
                }
                _ => match line.split_once('=') {
                    Some((key, value)) => (key, value.to_owned()),
                    None => continue,
                },
            };
            if key == name {
                last = Some(value);
            }
        }
        last
    }
}

/// A value that has to stand on one line: line ends become percent escapes, which is what they are in resource
/// attributes, the only one of our values that can hold any.
fn one_line(value: &str) -> Cow<'_, str> {
    match value.contains(['\n', '\r']) {
        true => Cow::Owned(value.replace('\n', "%0A").replace('\r', "%0D")),
        false => Cow::Borrowed(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::context::parse_traceparent;
    use std::fs;

    const HEADER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const ODD: &str = "a'b\\ $(touch x) `y` \"z\"\n;";

    fn exports() -> Exports {
        let mut exports = Exports::of(&parse_traceparent(HEADER.as_bytes()).unwrap());
        exports.set("ODD", ODD.to_owned());
        exports.unset("TRACESTATE");
        exports
    }

    #[test]
    fn values_stay_data_in_every_shell() {
        let world = World::of(&[]);
        assert_eq!(
            exports().code(Syntax::Sh, &world),
            format!(
                "export TRACEPARENT='{HEADER}';\nexport ODD='a'\\''b\\ $(touch x) `y` \"z\"\n;';\nunset TRACESTATE;\n"
            )
        );
        assert_eq!(
            exports().code(Syntax::Fish, &world),
            format!(
                "set -gx TRACEPARENT '{HEADER}';\nset -gx ODD 'a\\'b\\\\ $(touch x) `y` \"z\"\n;';\n"
            )
        );
    }

    #[test]
    fn lines_of_a_file_are_said_once() {
        let folder = tempfile::tempdir().unwrap();
        let (path, world) = (
            folder.path().join("env"),
            World::of(&[("TRACESTATE", "a=b")]),
        );
        fs::write(&path, "OTHER=1").unwrap();
        for _ in 0..2 {
            exports().append(&path, Form::Lines, &world).unwrap();
        }
        let line = ODD.replace('\n', "%0A");
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            format!("OTHER=1\nTRACEPARENT={HEADER}\nODD={line}\nTRACESTATE=\n")
        );
    }

    #[test]
    fn github_value_cannot_end_its_own_block() {
        let world = World::of(&[]);
        let entry = Form::Github.entry("A", "x\nOBS\nTRACEPARENT=evil", &world);
        let (first, rest) = entry.split_once('\n').unwrap();
        let end = first.strip_prefix("A<<").unwrap();
        assert_ne!(end, "OBS");
        assert_eq!(rest, format!("x\nOBS\nTRACEPARENT=evil\n{end}\n"));
        assert_eq!(Form::Github.entry("A", "x<<y", &world), "A=x<<y\n");
    }
}
