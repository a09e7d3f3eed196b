//! The ids of a run of GitHub Actions, by the contracts that tools which trace such runs have published. Each has golden
//! values of its own, which the tests keep.

use super::sha;

/// Whose ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Contract {
    /// The OpenTelemetry Collector's githubreceiver: opentelemetry-collector-contrib,
    /// receiver/githubreceiver/trace_event_handling.go, newTraceID and newParentSpanID.
    Collector,
    /// Grafana's exporter: grafana/grafana-github-actions, gha-otel-export/src/trace-ids.ts, generateTraceID and
    /// generateParentSpanID.
    Grafana,
    /// The runner's own export: actions/runner pull request 4366, docs/otel-id-contract.md. It has no span of the whole
    /// run, only jobs, each without a parent; the one that we put beside them is ours.
    Runner,
}

impl Contract {
    /// All of them.
    pub(super) const ALL: [Self; 3] = [Self::Collector, Self::Grafana, Self::Runner];

    /// The contract that the setting names.
    pub(super) fn named(name: &str) -> Self {
        match name {
            "grafana" => Self::Grafana,
            "runner" => Self::Runner,
            _ => Self::Collector,
        }
    }

    /// The ids of the trace and of the run's own span.
    pub(super) fn ids(self, repository: &str, run: &str, attempt: &str) -> ([u8; 16], [u8; 8]) {
        let by_letters = |repository: &str| {
            let trace = sha(&format!("{repository}{run}{attempt}t"), 0);
            (trace, sha(&format!("{repository}{run}{attempt}s"), 8))
        };
        match self {
            Self::Collector => by_letters(""),
            Self::Grafana => by_letters(repository),
            Self::Runner => (
                sha(&format!("{run}-{attempt}"), 0),
                sha(&format!("pipeline-{run}-{attempt}"), 0),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::{SpanId, TraceId};

    fn shown(contract: Contract, repository: &str, run: &str) -> (String, String) {
        let (trace, span) = contract.ids(repository, run, "1");
        let trace = TraceId::from_bytes(trace).unwrap().to_string();
        (trace, SpanId::from_bytes(span).unwrap().to_string())
    }

    /// gha-otel-export/src/trace-ids.test.ts
    #[test]
    fn grafanas_values_are_kept() {
        let (trace, span) = shown(Contract::Grafana, "grafana/grafana", "20137834310");
        assert_eq!(trace, "29f022cfd2ef0bec231e3facb2e5e888");
        assert_eq!(span, "35dc80e3696a695f");
    }

    /// Vectors of docs/otel-id-contract.md, as actions-runner-controller's TestIDContractGoldenVectors has them.
    #[test]
    fn runners_values_are_kept() {
        let (trace, span) = shown(Contract::Runner, "o/r", "99999");
        assert_eq!(trace, "acad1e2a107636235fd56bb742499bd0");
        assert_ne!(span, "81606d47848a59c0"); // a job's
    }

    /// `printf 123451t | sha256sum | cut -c1-32` and `printf 123451s | sha256sum | cut -c17-32`
    #[test]
    fn collectors_values_are_kept() {
        let found = shown(Contract::Collector, "o/r", "12345");
        assert_eq!(found, (TRACE.to_owned(), SPAN.to_owned()));
    }

    const TRACE: &str = "5c89a9ce56397ace4b0fd1e7c1e458a5";
    const SPAN: &str = "c502e123463f2eea";
}
