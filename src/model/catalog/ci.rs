//! What happens in continuous integration: pipeline runs, test results, coverage.

use schemars::JsonSchema;
use serde::Deserialize;

use super::terms::{Outcome, Timestamp};

/// Declares the data of a CI event: the run it belongs to, then its own fields.
macro_rules! run_data {
    ($(#[$about:meta])* $name:ident { $($own:tt)* }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Deserialize, JsonSchema)]
        pub struct $name {
            /// Name of the pipeline or workflow.
            pub pipeline: Option<String>,
            /// Name of the job inside the pipeline.
            pub job: Option<String>,
            /// The provider's id of the run.
            pub run_id: Option<String>,
            /// Which try of the run this is, from 1.
            pub attempt: Option<u64>,
            /// Address of the run's page.
            pub url: Option<String>,
            /// Branch or tag the run is for.
            pub branch: Option<String>,
            /// Whether that branch is the repository's default branch.
            pub default_branch: Option<bool>,
            /// Full id of the commit under test.
            pub commit_sha: Option<String>,
            /// Environment the run works in, e.g. `ci` or `staging`.
            pub environment: Option<String>,
            $($own)*
        }
    };
}

run_data! {
    /// Data of `ci.pipeline.queued`.
    PipelineQueued {
        /// What asked for the run, e.g. `push`, `schedule`.
        pub trigger: Option<String>,
    }
}

run_data! {
    /// Data of `ci.pipeline.started`.
    PipelineStarted {
        /// What asked for the run, e.g. `push`, `schedule`.
        pub trigger: Option<String>,
        /// When the run was queued, RFC 3339.
        pub queued_time: Option<Timestamp>,
        /// Milliseconds between the request and the start.
        pub queue_ms: Option<f64>,
    }
}

run_data! {
    /// Data of `ci.pipeline.completed`.
    PipelineCompleted {
        /// How the run ended.
        pub status: Option<PipelineStatus>,
        /// The same in the words of CDEvents; `error` tells a broken worker from a failed build.
        pub outcome: Option<Outcome>,
        /// When the run started, RFC 3339.
        pub started_time: Option<Timestamp>,
        /// Milliseconds from start to end.
        pub duration_ms: Option<f64>,
        /// Milliseconds between the request and the start.
        pub queue_ms: Option<f64>,
        /// Short class of the failure, few different values.
        pub error_type: Option<String>,
    }
}

/// How a pipeline run ended, in the words of the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PipelineStatus {
    Success,
    Failure,
    Cancelled,
    Skipped,
}

run_data! {
    /// Data of `ci.test.failed`.
    TestFailed {
        /// Name of the suite.
        pub suite: Option<String>,
        /// Name of the test case.
        pub test: Option<String>,
        /// Class or module of the test case.
        pub class_name: Option<String>,
        /// Source file of the test.
        pub file: Option<String>,
        /// Line in that file, from 1.
        pub line: Option<u64>,
        /// First lines of what the test said.
        pub message: Option<String>,
        /// Class of the failure, e.g. the exception's name.
        pub error_type: Option<String>,
        /// `failed`: an assertion; `errored`: the test could not run; `flaky`: it passed when repeated.
        pub result: Option<TestResult>,
        /// Milliseconds the test took.
        pub duration_ms: Option<f64>,
        /// Report file the result was read from.
        pub report: Option<String>,
    }
}

/// How a test case ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TestResult {
    Passed,
    Failed,
    Errored,
    Skipped,
    Flaky,
}

run_data! {
    /// Data of `ci.test.suite_completed`.
    TestSuiteCompleted {
        /// Name of the suite.
        pub suite: Option<String>,
        /// Test cases in all.
        pub total: Option<u64>,
        /// Test cases that passed at once.
        pub passed: Option<u64>,
        /// Test cases that failed an assertion.
        pub failed: Option<u64>,
        /// Test cases that could not run.
        pub errored: Option<u64>,
        /// Test cases left out.
        pub skipped: Option<u64>,
        /// Test cases that failed first and passed when repeated.
        pub flaky: Option<u64>,
        /// Ids (suite, class and name) of those.
        pub flaky_tests: Option<Vec<String>>,
        /// When the suite started, RFC 3339.
        pub started_time: Option<Timestamp>,
        /// Milliseconds the suite took.
        pub duration_ms: Option<f64>,
        /// Report file the counts were read from.
        pub report: Option<String>,
    }
}

run_data! {
    /// Data of `ci.coverage.reported`.
    CoverageReported {
        /// Name of the report, few different values; one series each.
        pub report: Option<String>,
        /// Format of the report: `lcov`, `cobertura`, `llvm-cov`.
        pub format: Option<String>,
        /// Lines that ran.
        pub lines_covered: Option<u64>,
        /// Lines that could have run.
        pub lines_total: Option<u64>,
        /// Branches that were taken.
        pub branches_covered: Option<u64>,
        /// Branches that could have been taken.
        pub branches_total: Option<u64>,
    }
}
