//! The pipeline's own span by the conventions for CICD spans (semantic-conventions, docs/cicd/cicd-spans.md: kind server,
//! named `{action} {pipeline}`), and the events `ci.pipeline.started` and `ci.pipeline.completed`.

use super::ledger::Ledger;
use crate::capture::{
    BRANCH, Ci, OF_TASK, OwnSpan, PIPELINE, REVISION, RUN_ID, RUN_URL, RunTrace, TASK, Teller,
    Telling, event_id,
};
use crate::error::Error;
use crate::model::{Attributes, Kind, Span, StatusCode, time};
use crate::settings::Settings;
use crate::world::World;
use serde_json::{Number, Value};

/// How long a pipeline may take until it counts as abandoned, in nanoseconds.
const LONGEST: i64 = 24 * 3_600 * 1_000_000_000;

/// The action of a pipeline, of those that the conventions know: nobody tells us that it only builds or synchronises.
const ACTION: &str = "RUN";

/// How a pipeline ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Somebody stopped it.
    Cancelled,
    /// It broke: a worker, the CI itself.
    Error,
    /// A job failed.
    Failure,
    /// It had nothing to do.
    Skipped,
    /// All is well.
    Success,
    /// Its time was up.
    Timeout,
}

impl Outcome {
    /// Reads a result in the words of any CI, or an exit code.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text.to_ascii_lowercase().as_str() {
            "success" | "succeeded" | "succeededwithissues" | "completed" | "passed" | "ok" => {
                Self::Success
            }
            "failure" | "failed" | "failing" | "unstable" => Self::Failure,
            "cancelled" | "canceled" | "cancel" | "cancellation" | "aborted" => Self::Cancelled,
            "skipped" | "skip" | "not_built" | "none" => Self::Skipped,
            "error" | "errored" | "killed" => Self::Error,
            "timeout" | "timedout" | "timed_out" => Self::Timeout,
            // also -1 and more than 255: an agent that was lost, a code of Windows
            code => match code.parse::<i64>().ok()? {
                0 => Self::Success,
                _ => Self::Failure,
            },
        })
    }

    /// `cicd.pipeline.result`.
    fn convention(self) -> &'static str {
        match self {
            Self::Cancelled => "cancellation",
            Self::Error => "error",
            Self::Failure => "failure",
            Self::Skipped => "skip",
            Self::Success => "success",
            Self::Timeout => "timeout",
        }
    }

    /// `status` of the event, and `outcome` in the words of CDEvents.
    fn of_event(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Cancelled => ("cancelled", Some("cancel")),
            Self::Error => ("failure", Some("error")),
            Self::Failure => ("failure", Some("failure")),
            Self::Skipped => ("skipped", None),
            Self::Success => ("success", Some("success")),
            Self::Timeout => ("failure", Some("error")),
        }
    }

    fn is_bad(self) -> bool {
        matches!(self, Self::Error | Self::Failure | Self::Timeout)
    }
}

/// The run that we are a part of.
pub struct Pipeline<'a> {
    world: &'a World,
    settings: &'a Settings,
    ci: Ci,
    trace: RunTrace,
    attributes: Vec<(&'static str, String)>,
    /// What it is called where the CI does not say, or somebody else knows better.
    pub name: Option<String>,
    /// When it began, where somebody knows.
    pub start: Option<i64>,
}

impl<'a> Pipeline<'a> {
    /// The run of this CI; none where nothing names it.
    pub fn of(ci: Ci, world: &'a World, settings: &'a Settings) -> Option<Self> {
        Some(Self {
            world,
            settings,
            ci,
            trace: ci.trace(world, settings)?,
            attributes: ci.attributes(world),
            name: None,
            start: None,
        })
    }

    /// Tells that it has begun: its span lives without an owner, so that a later step can end it. Once said is enough.
    pub fn started(&self) -> Result<(), Error> {
        let teller = Teller::new(self.world, self.settings);
        if teller.is_disabled() {
            return Ok(());
        }
        let ledger = Ledger::open(teller.journal());
        let (begun, ended) = (self.told("started"), self.told("finished"));
        if ledger.knows(&begun) || ledger.knows(&ended) {
            return Ok(());
        }
        let own = self.span();
        let (id, start) = (own.context.span_id, own.start);
        // a live span that the ledger does not know is what a crash left, unless there is no ledger
        let is_new = teller.begin(own, LONGEST)?;
        if is_new || ledger.is_kept() {
            // the event that the crash may have told already has an id by the span's own start
            let left = teller.journal().live_span(&id).filter(|_| !is_new);
            let start = left.map_or(start, |live| live.span.timestamp);
            let mut data = self.data();
            self.add_queue(&mut data, start);
            self.tell(&teller, "ci.pipeline.started", data, start)?;
        }
        ledger.remember(&begun)
    }

    /// Tells that it has ended. Where it began on another machine, or nobody said so, its span is told whole.
    pub fn finished(&self, result: Outcome) -> Result<(), Error> {
        let teller = Teller::new(self.world, self.settings);
        if teller.is_disabled() {
            return Ok(());
        }
        let ledger = Ledger::open(teller.journal());
        let ended = self.told("finished");
        if ledger.knows(&ended) {
            return Ok(());
        }
        let now = self.world.now();
        let began = teller.end(self.span(), now, |span| settle(span, result))?;
        let mut data = self.data();
        let (status, outcome) = result.of_event();
        let mut add = |key: &str, value: Value| drop(data.insert(key.to_owned(), value));
        add("status", status.into());
        if let Some(outcome) = outcome {
            add("outcome", outcome.into());
        }
        add("started_time", time::micros_text(began).into());
        add(
            "duration_ms",
            Value::Number(time::millis(now.saturating_sub(began))),
        );
        if result.is_bad() {
            add("error_type", result.convention().into());
        }
        self.tell(&teller, "ci.pipeline.completed", data, began)?;
        ledger.remember(&ended)
    }

    fn told(&self, what: &str) -> String {
        let own = &self.trace.pipeline;
        format!("{} {} {what}", own.trace_id, own.span_id)
    }

    fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.as_str())
    }

    fn span(&self) -> OwnSpan {
        let named = self.name.as_deref().or_else(|| self.attribute(PIPELINE));
        let mut attributes = Attributes::new();
        attributes.insert("cicd.pipeline.action.name".to_owned(), ACTION.into());
        if let Some(name) = &self.name {
            attributes.insert(PIPELINE.to_owned(), name.as_str().into());
        }
        OwnSpan {
            name: named.map_or_else(|| ACTION.to_owned(), |name| format!("{ACTION} {name}")),
            kind: Kind::Server,
            context: self.trace.pipeline,
            parent: self.trace.parent,
            start: self.began(),
            attributes,
            without: OF_TASK,
        }
    }

    /// When it began, as far as we know: never in the future, as another machine's clock may say.
    fn began(&self) -> i64 {
        let now = self.world.now();
        let known = self.start.or_else(|| self.ci.start(self.world));
        known.unwrap_or(now).min(now)
    }

    /// What both events say of the run.
    fn data(&self) -> Attributes {
        let named = self.name.as_deref().or_else(|| self.attribute(PIPELINE));
        let known = [
            ("pipeline", named),
            ("job", self.attribute(TASK)),
            ("run_id", self.attribute(RUN_ID)),
            ("url", self.attribute(RUN_URL)),
            ("branch", self.attribute(BRANCH)),
            ("commit_sha", self.attribute(REVISION)),
        ];
        let known = known
            .into_iter()
            .filter_map(|(key, value)| Some((key.to_owned(), Value::from(value?))));
        let mut data: Attributes = known.collect();
        if let Some(attempt) = self.ci.attempt(self.world) {
            data.insert("attempt".to_owned(), Value::from(attempt));
        }
        if let (Some(branch), Some(default)) =
            (self.attribute(BRANCH), self.ci.default_branch(self.world))
        {
            data.insert("default_branch".to_owned(), Value::from(branch == default));
        }
        data
    }

    /// What only the beginning tells: what asked for the run, and how long it waited.
    fn add_queue(&self, data: &mut Attributes, start: i64) {
        if let Some(trigger) = self.ci.trigger(self.world) {
            data.insert("trigger".to_owned(), Value::from(trigger));
        }
        if let Some(queued) = self.ci.queued(self.world) {
            let wait: Number = time::millis(start.saturating_sub(queued));
            data.insert("queued_time".to_owned(), time::micros_text(queued).into());
            data.insert("queue_ms".to_owned(), Value::Number(wait));
        }
    }

    fn tell(
        &self,
        teller: &Teller<'_>,
        event_type: &str,
        data: Attributes,
        start: i64,
    ) -> Result<(), Error> {
        let (_, line) = teller.event(Telling {
            event_type,
            data,
            context: Some(self.trace.pipeline),
            id: Some(event_id(start, self.told(event_type).as_bytes())),
            ..Telling::default()
        });
        teller.keep(&line)
    }
}

/// What a result says of the span, by the conventions.
fn settle(span: &mut Span, result: Outcome) {
    let mut add =
        |key: &str, value: &str| drop(span.attributes.insert(key.to_owned(), value.into()));
    add("cicd.pipeline.result", result.convention());
    if result.is_bad() {
        add("error.type", result.convention());
        span.set_status(
            StatusCode::Error,
            &format!("the pipeline ended in {}", result.convention()),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_read_in_every_cis_words() {
        for (words, result) in [
            (
                ["success", "Succeeded", "SucceededWithIssues", "0"],
                Outcome::Success,
            ),
            (["failed", "Failed", "failure", "1"], Outcome::Failure),
            (
                ["canceled", "Canceled", "cancelled", "ABORTED"],
                Outcome::Cancelled,
            ),
            (["skipped", "skip", "None", "NOT_BUILT"], Outcome::Skipped),
            (["error", "killed", "ERROR", "errored"], Outcome::Error),
            (
                ["timeout", "timedout", "timed_out", "TIMEOUT"],
                Outcome::Timeout,
            ),
        ] {
            for word in words {
                assert_eq!(Outcome::parse(word), Some(result), "{word}");
            }
        }
        assert_eq!(Outcome::parse("running"), None);
        assert_eq!(Outcome::parse("$(x)"), None);
    }
}
