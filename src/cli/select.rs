//! The words that the reading commands share: which records, and in which form.

use crate::error::Error;
use crate::model::{Level, Signal, time};
use crate::query::{Condition, Filter};
use crate::world::{Stream, World};
use clap::Args;

/// Which records.
#[derive(Debug, Args)]
pub(super) struct Select {
    /// Not before TIME: RFC 3339, epoch, or an age such as 15m, 2h, 7d
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Before TIME
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Logs of this level and above
    #[arg(long, value_name = "LEVEL")]
    level: Option<String>,
    /// Logs of this logger; a trailing * takes any end
    #[arg(long, value_name = "NAME")]
    logger: Option<String>,
    /// Events of this type; a trailing * takes any end
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// Spans and metric points of this name; a trailing * takes any end
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Records of this trace: its id, the beginning of it, a traceparent
    #[arg(long, value_name = "ID")]
    trace: Option<String>,
    /// Records whose member or attribute has this value; may be repeated
    #[arg(long = "where", value_name = "K=V")]
    conditions: Vec<String>,
    /// Records whose line matches this regular expression
    #[arg(long, value_name = "REGEX")]
    grep: Option<String>,
}

impl Select {
    /// The options that mean nothing for a signal.
    pub(super) fn foreign(signal: Signal) -> &'static [&'static str] {
        match signal {
            Signal::Events => &["level", "logger", "name"],
            Signal::Logs => &["kind", "name"],
            Signal::Metrics | Signal::Spans => &["kind", "level", "logger"],
        }
    }

    /// The filter that these words mean at `now`.
    pub(super) fn filter(&self, now: i64) -> Result<Filter, Error> {
        let conditions = self.conditions.iter().map(|text| {
            Condition::parse(text)
                .map_err(|cause| Error::usage(format!("`--where {text}`")).because(cause))
        });
        let level = self.level.as_deref().map(|text| {
            Level::parse(text).ok_or_else(|| {
                Error::usage(format!("`--level {text}` is no level"))
                    .hint("debug, info, warning, error or critical")
            })
        });
        let trace = self.trace.as_deref().map(prefix).transpose()?;
        Ok(Filter {
            since: self
                .since
                .as_deref()
                .map(|text| moment("since", text, now))
                .transpose()?,
            until: self
                .until
                .as_deref()
                .map(|text| moment("until", text, now))
                .transpose()?,
            level: level.transpose()?,
            logger: self.logger.clone(),
            kind: self.kind.clone(),
            name: self.name.clone(),
            trace,
            conditions: conditions.collect::<Result<_, _>>()?,
            grep: self.grep.as_deref().map(Filter::pattern).transpose()?,
        })
    }
}

fn prefix(text: &str) -> Result<String, Error> {
    match crate::query::TraceId::parse(text)? {
        crate::query::TraceId::Prefix(id) => Ok(id),
        crate::query::TraceId::Latest => Err(Error::usage("`--trace latest` is not known here")
            .hint("`obs trace latest` shows the newest trace")),
    }
}

/// The moment that a word means at `now`.
pub(super) fn moment(option: &str, text: &str, now: i64) -> Result<i64, Error> {
    let age = time::parse_span(text).filter(|_| text.ends_with(|c: char| c.is_ascii_alphabetic()));
    age.map(|age| now.saturating_sub(age))
        .or_else(|| time::parse(text))
        .ok_or_else(|| {
            Error::usage(format!("`--{option} {text}` is no time"))
                .hint("RFC 3339 such as 2026-01-31T12:00:00Z, or an age such as 15m, 2h, 7d")
        })
}

/// In which form.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct Form {
    /// Print JSON, as when the output is no terminal
    #[arg(long)]
    json: bool,
    /// Print for a human, as on a terminal
    #[arg(long, conflicts_with = "json")]
    human: bool,
}

impl Form {
    /// For a human, on any output.
    pub(super) const HUMAN: Self = Self {
        json: false,
        human: true,
    };

    /// True where a human reads.
    pub(super) fn is_human(self, world: &World) -> bool {
        self.human || (!self.json && world.is_terminal(Stream::Out))
    }
}
