//! What the DORA metrics are made of: deployments, incidents, merged changes.
//! Required is only what those metrics cannot do without.

use schemars::JsonSchema;
use serde::Deserialize;

use super::terms::{Outcome, Severity, Timestamp};

/// Data of `deployment.started`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct DeploymentStarted {
    /// Id that joins start and finish.
    pub deployment_id: Option<String>,
    /// Service that is deployed.
    pub service: Option<String>,
    /// Environment, e.g. `production`.
    pub environment: Option<String>,
    /// Full id of the commit that is deployed.
    pub sha: Option<String>,
    /// Planned work, or rework made necessary by a failure.
    pub kind: Option<DeploymentKind>,
    /// Version name of what is deployed.
    pub release: Option<String>,
    /// Package address (purl) of what is deployed.
    pub artifact_id: Option<String>,
    /// Branch it was built from.
    pub branch: Option<String>,
    /// Address of the deployment's page.
    pub url: Option<String>,
}

/// Data of `deployment.finished`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct DeploymentFinished {
    /// How it ended; only `success` counts as a deployment.
    pub outcome: Outcome,
    /// Full id of the commit that runs now.
    pub sha: String,
    /// Service that was deployed.
    pub service: String,
    /// Environment, e.g. `production`.
    pub environment: String,
    /// Several finishes of one id are one deployment; absent: this event's own id.
    pub deployment_id: Option<String>,
    /// Planned work, or rework made necessary by a failure.
    pub kind: Option<DeploymentKind>,
    /// Incident this deployment repairs; makes it rework.
    pub incident_id: Option<String>,
    /// When the oldest commit in it was made, RFC 3339; for squashed commits.
    pub first_commit_time: Option<Timestamp>,
    /// When it was finished, RFC 3339; absent: the event's time.
    pub finished_time: Option<Timestamp>,
    /// Milliseconds from start to finish.
    pub duration_ms: Option<f64>,
    /// Version name of what was deployed.
    pub release: Option<String>,
    /// Package address (purl) of what was deployed.
    pub artifact_id: Option<String>,
    /// Branch it was built from; `hotfix/…` means rework.
    pub branch: Option<String>,
    /// Address of the deployment's page.
    pub url: Option<String>,
}

/// Data of `deployment.rolled_back`: itself a deployment, always rework.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct DeploymentRolledBack {
    /// Full id of the commit that runs again.
    pub sha: String,
    /// Service that was put back.
    pub service: String,
    /// Environment, e.g. `production`.
    pub environment: String,
    /// Id of the rollback itself; a `deployment.finished` of the same id is the same deployment.
    pub deployment_id: Option<String>,
    /// Deployment that failed; absent: the last one before.
    pub rolled_back_deployment_id: Option<String>,
    /// Full id of the commit that was taken out.
    pub from_sha: Option<String>,
    /// Incident that made it necessary.
    pub incident_id: Option<String>,
    /// Why it was put back.
    pub reason: Option<String>,
    /// When it was finished, RFC 3339; absent: the event's time.
    pub finished_time: Option<Timestamp>,
    /// Milliseconds from start to finish.
    pub duration_ms: Option<f64>,
    /// Package address (purl) of what runs again.
    pub artifact_id: Option<String>,
    /// Address of the deployment's page.
    pub url: Option<String>,
}

/// Why a deployment was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeploymentKind {
    Planned,
    Rework,
}

/// Data of `incident.detected`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct IncidentDetected {
    /// Service that suffers.
    pub service: String,
    /// Environment; absent: production.
    pub environment: Option<String>,
    /// Id that joins detection and resolution; absent: the deployment, else the service's open incident.
    pub incident_id: Option<String>,
    /// Deployment that caused it; absent: the last one finished before it started.
    pub deployment_id: Option<String>,
    /// Full id of the deployed commit that caused it.
    pub sha: Option<String>,
    /// What caused it; `external` (a provider, a cable) never counts as a failed deployment.
    pub cause: Option<String>,
    /// When it began, RFC 3339; absent: the event's time.
    pub started_time: Option<Timestamp>,
    /// How serious it is.
    pub severity: Option<Severity>,
    /// What is wrong, in a few words.
    pub title: Option<String>,
    /// Address of the incident's page.
    pub url: Option<String>,
}

/// Data of `incident.resolved`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct IncidentResolved {
    /// Service that suffered.
    pub service: String,
    /// Environment; absent: production.
    pub environment: Option<String>,
    /// Id as in the detection.
    pub incident_id: Option<String>,
    /// Deployment that caused it.
    pub deployment_id: Option<String>,
    /// Full id of the deployed commit that caused it.
    pub sha: Option<String>,
    /// What caused it, when that was found out later; `external` never counts as a failed deployment.
    pub cause: Option<String>,
    /// Deployment that repaired it.
    pub resolved_by_deployment_id: Option<String>,
    /// When it was over, RFC 3339; absent: the event's time.
    pub resolved_time: Option<Timestamp>,
    /// Milliseconds from its beginning to its end.
    pub duration_ms: Option<f64>,
    /// Address of the incident's page.
    pub url: Option<String>,
}

/// Data of `change.merged`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct ChangeMerged {
    /// Full id of the commit on the target branch that holds the change.
    pub sha: String,
    /// The forge's number of the pull or merge request.
    pub change_id: Option<String>,
    /// Title of the change.
    pub title: Option<String>,
    /// Branch it came from.
    pub source_branch: Option<String>,
    /// Branch it went into.
    pub target_branch: Option<String>,
    /// When its oldest commit was made, RFC 3339.
    pub first_commit_time: Option<Timestamp>,
    /// When it was opened, RFC 3339.
    pub opened_time: Option<Timestamp>,
    /// When it was first reviewed, RFC 3339.
    pub first_review_time: Option<Timestamp>,
    /// When it was merged, RFC 3339; absent: the event's time.
    pub merged_time: Option<Timestamp>,
    /// Milliseconds from opening to merging.
    pub cycle_time_ms: Option<f64>,
    /// Milliseconds from opening to the first review.
    pub review_turnaround_ms: Option<f64>,
    /// Number of commits in it.
    pub commits: Option<u64>,
    /// Ids of the backlog tasks it serves.
    pub task_ids: Option<Vec<String>>,
    /// Address of the change's page.
    pub url: Option<String>,
}
