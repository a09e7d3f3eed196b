//! What security scanners say: scans and their findings.

use schemars::JsonSchema;
use serde::Deserialize;

use super::terms::{Severity, Timestamp};

/// Data of `security.scan.started`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct ScanStarted {
    /// Name of the scanner, e.g. `semgrep`.
    pub tool: Option<String>,
    /// Version of the scanner.
    pub tool_version: Option<String>,
    /// Kind of scan, e.g. `full`, `incremental`.
    pub scan_type: Option<String>,
    /// Id that joins start, end and findings of one scan.
    pub scan_id: Option<String>,
    /// What is scanned: a path, an image, an address.
    pub target: Option<String>,
    /// Branch that is scanned.
    pub branch: Option<String>,
    /// Full id of the commit that is scanned.
    pub commit_sha: Option<String>,
}

/// Data of `security.scan.completed`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct ScanCompleted {
    /// Name of the scanner, e.g. `semgrep`.
    pub tool: Option<String>,
    /// Version of the scanner.
    pub tool_version: Option<String>,
    /// Kind of scan, e.g. `full`, `incremental`.
    pub scan_type: Option<String>,
    /// Id that joins start, end and findings of one scan.
    pub scan_id: Option<String>,
    /// What was scanned: a path, an image, an address.
    pub target: Option<String>,
    /// Branch that was scanned.
    pub branch: Option<String>,
    /// Whether that branch is the repository's default branch.
    pub default_branch: Option<bool>,
    /// Full id of the commit that was scanned.
    pub commit_sha: Option<String>,
    /// Whether the scan ran to its end; findings are no failure.
    pub status: Option<ScanStatus>,
    /// When the scan started, RFC 3339.
    pub started_time: Option<Timestamp>,
    /// Milliseconds from start to end.
    pub duration_ms: Option<f64>,
    /// Findings open after this scan, in all.
    pub findings: Option<u64>,
    /// The same, counted by severity and category.
    pub open: Option<Vec<OpenFindings>>,
    /// Findings seen for the first time.
    pub new_findings: Option<u64>,
    /// Findings gone since the scan before.
    pub resolved_findings: Option<u64>,
    /// Files looked at.
    pub files_analyzed: Option<u64>,
    /// Files left out.
    pub files_skipped: Option<u64>,
    /// Report file this was read from.
    pub report: Option<String>,
}

/// Whether a scan ran to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScanStatus {
    Success,
    Failure,
}

/// How many findings of one severity and category are open.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct OpenFindings {
    /// How serious they are.
    pub severity: Severity,
    /// OWASP category `A01` to `A10`, or `other`.
    pub category: Option<String>,
    /// How many are open.
    pub count: u64,
}

/// Data of `security.finding.detected`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct FindingDetected {
    /// Fingerprint that stays the same while lines move.
    pub finding_id: Option<String>,
    /// Name of the scanner, e.g. `semgrep`.
    pub tool: Option<String>,
    /// Id that joins start, end and findings of one scan.
    pub scan_id: Option<String>,
    /// The scanner's rule.
    pub rule_id: Option<String>,
    /// How serious the finding is.
    pub severity: Option<Severity>,
    /// Score behind the severity, 0 to 10.
    pub score: Option<f64>,
    /// OWASP category `A01` to `A10`, or `other`.
    pub category: Option<String>,
    /// Weakness, e.g. `CWE-89`.
    pub cwe: Option<String>,
    /// What the scanner says.
    pub message: Option<String>,
    /// File, from the top of the repository.
    pub file: Option<String>,
    /// First line, from 1.
    pub line: Option<u64>,
    /// Full id of the commit that was scanned.
    pub commit_sha: Option<String>,
    /// Report file this was read from.
    pub report: Option<String>,
}

/// Data of `security.finding.resolved`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct FindingResolved {
    /// Fingerprint, as in the detection.
    pub finding_id: Option<String>,
    /// Name of the scanner, e.g. `semgrep`.
    pub tool: Option<String>,
    /// Id of the scan that no longer shows it.
    pub scan_id: Option<String>,
    /// The scanner's rule.
    pub rule_id: Option<String>,
    /// How serious the finding was.
    pub severity: Option<Severity>,
    /// OWASP category `A01` to `A10`, or `other`.
    pub category: Option<String>,
    /// Why it is no longer open.
    pub resolution: Option<Resolution>,
    /// When it was detected, RFC 3339.
    pub detected_time: Option<Timestamp>,
    /// Milliseconds it was open.
    pub open_duration_ms: Option<f64>,
    /// File, from the top of the repository.
    pub file: Option<String>,
    /// First line when last seen, from 1.
    pub line: Option<u64>,
    /// Full id of the commit that was scanned.
    pub commit_sha: Option<String>,
}

/// Why a finding is no longer open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    Fixed,
    FalsePositive,
    WontFix,
    Duplicate,
}
