//! The CI systems and the variables that each documents. What is not documented as a variable stands nowhere here.

use super::{
    BRANCH, CHANGE, PIPELINE, Part, Provider, REPOSITORY, REVISION, RUN_ID, RUN_URL, TASK, TASK_ID,
    TASK_URL,
};
use Part::{Text, Var};

/// A provider of which nothing is known.
const NONE: Provider = Provider {
    name: "",
    mark: "",
    run: &[],
    server: &[],
    actor: "",
    attributes: &[],
    composed: &[],
    queued: "",
    start: &[],
    status: &[],
    trigger: "",
    attempt: "",
    default_branch: "",
    parent: "",
};

/// In the order they are tried: what sets another's marks comes first.
pub(super) const PROVIDERS: &[Provider] = &[
    // https://docs.github.com/en/actions/reference/workflows-and-actions/variables
    Provider {
        name: "github",
        mark: "GITHUB_ACTIONS",
        run: &["GITHUB_REPOSITORY", "GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT"],
        actor: "GITHUB_ACTOR",
        attributes: &[
            (PIPELINE, "GITHUB_WORKFLOW"),
            (RUN_ID, "GITHUB_RUN_ID"),
            (TASK, "GITHUB_JOB"),
            (REVISION, "GITHUB_SHA"),
            (BRANCH, "GITHUB_HEAD_REF"),
            (BRANCH, "GITHUB_REF_NAME"),
        ],
        composed: &[
            (
                REPOSITORY,
                &[
                    Var("GITHUB_SERVER_URL"),
                    Text("/"),
                    Var("GITHUB_REPOSITORY"),
                ],
            ),
            (
                RUN_URL,
                &[
                    Var("GITHUB_SERVER_URL"),
                    Text("/"),
                    Var("GITHUB_REPOSITORY"),
                    Text("/actions/runs/"),
                    Var("GITHUB_RUN_ID"),
                ],
            ),
        ],
        trigger: "GITHUB_EVENT_NAME",
        attempt: "GITHUB_RUN_ATTEMPT",
        ..NONE
    },
    // https://docs.gitlab.com/ci/variables/predefined_variables/
    Provider {
        name: "gitlab",
        mark: "GITLAB_CI",
        run: &["CI_SERVER_HOST", "CI_PIPELINE_ID"],
        actor: "GITLAB_USER_LOGIN",
        attributes: &[
            (PIPELINE, "CI_PROJECT_PATH"),
            (RUN_ID, "CI_PIPELINE_ID"),
            (RUN_URL, "CI_PIPELINE_URL"),
            (TASK, "CI_JOB_NAME"),
            (TASK_ID, "CI_JOB_ID"),
            (TASK_URL, "CI_JOB_URL"),
            (REVISION, "CI_COMMIT_SHA"),
            (BRANCH, "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME"),
            (BRANCH, "CI_COMMIT_REF_NAME"),
            (CHANGE, "CI_MERGE_REQUEST_IID"),
            (REPOSITORY, "CI_PROJECT_URL"),
        ],
        start: &["CI_PIPELINE_CREATED_AT"],
        status: &["CI_JOB_STATUS"],
        trigger: "CI_PIPELINE_SOURCE",
        default_branch: "CI_DEFAULT_BRANCH",
        ..NONE
    },
    // https://buildkite.com/docs/pipelines/configure/environment-variables; the traceparent of the build's trace comes from
    // the control plane to agents with `tracing-propagate-traceparent` (buildkite/agent pull request 3348)
    Provider {
        name: "buildkite",
        mark: "BUILDKITE",
        run: &["BUILDKITE_BUILD_ID"],
        actor: "BUILDKITE_BUILD_CREATOR",
        attributes: &[
            (PIPELINE, "BUILDKITE_PIPELINE_SLUG"),
            (RUN_ID, "BUILDKITE_BUILD_ID"),
            (RUN_URL, "BUILDKITE_BUILD_URL"),
            (TASK, "BUILDKITE_LABEL"),
            (TASK_ID, "BUILDKITE_JOB_ID"),
            (REVISION, "BUILDKITE_COMMIT"),
            (BRANCH, "BUILDKITE_BRANCH"),
            (CHANGE, "BUILDKITE_PULL_REQUEST"),
        ],
        status: &["BUILDKITE_COMMAND_EXIT_STATUS"],
        trigger: "BUILDKITE_SOURCE",
        default_branch: "BUILDKITE_PIPELINE_DEFAULT_BRANCH",
        parent: "BUILDKITE_TRACING_TRACEPARENT",
        ..NONE
    },
    // https://circleci.com/docs/reference/variables/
    Provider {
        name: "circleci",
        mark: "CIRCLECI",
        run: &["CIRCLE_WORKFLOW_ID"],
        actor: "CIRCLE_USERNAME",
        attributes: &[
            (PIPELINE, "CIRCLE_PROJECT_REPONAME"),
            (RUN_ID, "CIRCLE_WORKFLOW_ID"),
            (TASK, "CIRCLE_JOB"),
            (TASK_ID, "CIRCLE_WORKFLOW_JOB_ID"),
            (TASK_URL, "CIRCLE_BUILD_URL"),
            (REVISION, "CIRCLE_SHA1"),
            (BRANCH, "CIRCLE_BRANCH"),
            (BRANCH, "CIRCLE_TAG"),
            (CHANGE, "CIRCLE_PR_NUMBER"),
        ],
        ..NONE
    },
    // https://learn.microsoft.com/azure/devops/pipelines/build/variables
    Provider {
        name: "azure",
        mark: "TF_BUILD",
        run: &[
            "SYSTEM_COLLECTIONURI",
            "SYSTEM_TEAMPROJECTID",
            "BUILD_BUILDID",
        ],
        actor: "BUILD_REQUESTEDFOR",
        attributes: &[
            (PIPELINE, "BUILD_DEFINITIONNAME"),
            (RUN_ID, "BUILD_BUILDID"),
            (TASK, "AGENT_JOBNAME"),
            (TASK_ID, "SYSTEM_JOBID"),
            (REVISION, "BUILD_SOURCEVERSION"),
            (BRANCH, "SYSTEM_PULLREQUEST_SOURCEBRANCH"),
            (BRANCH, "BUILD_SOURCEBRANCH"),
            (CHANGE, "SYSTEM_PULLREQUEST_PULLREQUESTNUMBER"),
            (CHANGE, "SYSTEM_PULLREQUEST_PULLREQUESTID"),
            (REPOSITORY, "BUILD_REPOSITORY_URI"),
        ],
        composed: &[(
            RUN_URL,
            &[
                Var("SYSTEM_COLLECTIONURI"),
                Var("SYSTEM_TEAMPROJECTID"),
                Text("/_build/results?buildId="),
                Var("BUILD_BUILDID"),
            ],
        )],
        start: &["SYSTEM_PIPELINESTARTTIME"],
        status: &["AGENT_JOBSTATUS"],
        trigger: "BUILD_REASON",
        ..NONE
    },
    // https://support.atlassian.com/bitbucket-cloud/docs/variables-and-secrets/
    Provider {
        name: "bitbucket",
        mark: "BITBUCKET_BUILD_NUMBER",
        run: &["BITBUCKET_REPO_FULL_NAME", "BITBUCKET_BUILD_NUMBER"],
        actor: "BITBUCKET_STEP_TRIGGERER_UUID",
        attributes: &[
            (PIPELINE, "BITBUCKET_REPO_SLUG"),
            (RUN_ID, "BITBUCKET_BUILD_NUMBER"),
            (TASK_ID, "BITBUCKET_STEP_UUID"),
            (REVISION, "BITBUCKET_COMMIT"),
            (BRANCH, "BITBUCKET_BRANCH"),
            (BRANCH, "BITBUCKET_TAG"),
            (CHANGE, "BITBUCKET_PR_ID"),
            (REPOSITORY, "BITBUCKET_GIT_HTTP_ORIGIN"),
        ],
        status: &["BITBUCKET_EXIT_CODE"],
        ..NONE
    },
    // https://woodpecker-ci.org/docs/usage/environment
    Provider {
        name: "woodpecker",
        mark: "CI_PIPELINE_NUMBER",
        run: &["CI_REPO", "CI_PIPELINE_NUMBER"],
        server: &["CI_SYSTEM_URL", "CI_FORGE_URL"],
        actor: "CI_COMMIT_AUTHOR",
        attributes: &[
            (PIPELINE, "CI_REPO"),
            (RUN_ID, "CI_PIPELINE_NUMBER"),
            (RUN_URL, "CI_PIPELINE_URL"),
            (TASK, "CI_STEP_NAME"),
            (TASK_URL, "CI_STEP_URL"),
            (REVISION, "CI_COMMIT_SHA"),
            (BRANCH, "CI_COMMIT_SOURCE_BRANCH"),
            (BRANCH, "CI_COMMIT_BRANCH"),
            (BRANCH, "CI_COMMIT_TAG"),
            (CHANGE, "CI_COMMIT_PULL_REQUEST"),
            (REPOSITORY, "CI_REPO_URL"),
        ],
        queued: "CI_PIPELINE_CREATED",
        start: &["CI_PIPELINE_STARTED", "CI_PIPELINE_CREATED"],
        status: &["CI_PIPELINE_STATUS"],
        trigger: "CI_PIPELINE_EVENT",
        default_branch: "CI_REPO_DEFAULT_BRANCH",
        ..NONE
    },
    // https://docs.drone.io/pipeline/environment/reference/
    Provider {
        name: "drone",
        mark: "DRONE",
        run: &["DRONE_REPO", "DRONE_BUILD_NUMBER"],
        server: &["DRONE_SYSTEM_HOST", "DRONE_SYSTEM_HOSTNAME"],
        actor: "DRONE_BUILD_TRIGGER",
        attributes: &[
            (PIPELINE, "DRONE_REPO"),
            (RUN_ID, "DRONE_BUILD_NUMBER"),
            (RUN_URL, "DRONE_BUILD_LINK"),
            (TASK, "DRONE_STEP_NAME"),
            (REVISION, "DRONE_COMMIT_SHA"),
            (BRANCH, "DRONE_SOURCE_BRANCH"),
            (BRANCH, "DRONE_BRANCH"),
            (CHANGE, "DRONE_PULL_REQUEST"),
            (REPOSITORY, "DRONE_REPO_LINK"),
        ],
        queued: "DRONE_BUILD_CREATED",
        start: &["DRONE_BUILD_STARTED", "DRONE_BUILD_CREATED"],
        status: &["DRONE_BUILD_STATUS"],
        trigger: "DRONE_BUILD_EVENT",
        default_branch: "DRONE_REPO_BRANCH",
        ..NONE
    },
    // https://docs.travis-ci.com/user/environment-variables/#default-environment-variables
    Provider {
        name: "travis",
        mark: "TRAVIS",
        run: &["TRAVIS_REPO_SLUG", "TRAVIS_BUILD_ID"],
        attributes: &[
            (PIPELINE, "TRAVIS_REPO_SLUG"),
            (RUN_ID, "TRAVIS_BUILD_ID"),
            (RUN_URL, "TRAVIS_BUILD_WEB_URL"),
            (TASK, "TRAVIS_JOB_NAME"),
            (TASK_ID, "TRAVIS_JOB_ID"),
            (TASK_URL, "TRAVIS_JOB_WEB_URL"),
            (REVISION, "TRAVIS_COMMIT"),
            (BRANCH, "TRAVIS_PULL_REQUEST_BRANCH"),
            (BRANCH, "TRAVIS_BRANCH"),
            (CHANGE, "TRAVIS_PULL_REQUEST"),
        ],
        status: &["TRAVIS_TEST_RESULT"],
        trigger: "TRAVIS_EVENT_TYPE",
        ..NONE
    },
    // https://www.jetbrains.com/help/teamcity/predefined-build-parameters.html; a build number is one configuration's own
    Provider {
        name: "teamcity",
        mark: "TEAMCITY_VERSION",
        run: &[
            "TEAMCITY_PROJECT_NAME",
            "TEAMCITY_BUILDCONF_NAME",
            "BUILD_NUMBER",
        ],
        server: &["BUILD_URL"],
        attributes: &[
            (PIPELINE, "TEAMCITY_BUILDCONF_NAME"),
            (RUN_ID, "BUILD_NUMBER"),
            (RUN_URL, "BUILD_URL"),
            (REVISION, "BUILD_VCS_NUMBER"),
        ],
        ..NONE
    },
    // Tekton gives a step no variables; these are set by a Task's stepTemplate from the labels of its pod
    // (https://tekton.dev/docs/pipelines/labels/) and `$(tasks.status)` of a finally task
    // (https://tekton.dev/docs/pipelines/variables/): see `obs context ci --help`
    Provider {
        name: "tekton",
        mark: "TEKTON_PIPELINE_RUN",
        run: &["TEKTON_PIPELINE_RUN_UID"],
        attributes: &[
            (PIPELINE, "TEKTON_PIPELINE"),
            (RUN_ID, "TEKTON_PIPELINE_RUN"),
            (TASK, "TEKTON_PIPELINE_TASK"),
            (TASK_ID, "TEKTON_TASK_RUN"),
        ],
        status: &["TEKTON_STATUS"],
        ..NONE
    },
    // https://www.jenkins.io/doc/book/pipeline/jenkinsfile/#using-environment-variables; its OpenTelemetry plugin sets
    // TRACEPARENT itself (jenkinsci/opentelemetry-plugin docs/job-traces.md)
    Provider {
        name: "jenkins",
        mark: "JENKINS_URL",
        run: &["JENKINS_URL", "JOB_NAME", "BUILD_NUMBER"],
        actor: "BUILD_USER_ID",
        attributes: &[
            (PIPELINE, "JOB_NAME"),
            (RUN_ID, "BUILD_NUMBER"),
            (RUN_URL, "BUILD_URL"),
            (TASK, "STAGE_NAME"),
            (REVISION, "GIT_COMMIT"),
            (BRANCH, "CHANGE_BRANCH"),
            (BRANCH, "BRANCH_NAME"),
            (BRANCH, "GIT_BRANCH"),
            (CHANGE, "CHANGE_ID"),
        ],
        ..NONE
    },
];
