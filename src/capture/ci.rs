//! Which CI this is, by the variables it documents: the run's identity, who started it, and resource attributes by the
//! cicd and vcs semantic conventions (v1.44).

use crate::world::World;

/// A CI system and its variables.
#[derive(Debug)]
struct Provider {
    name: &'static str,
    /// Set in every job of it.
    mark: &'static str,
    /// Together they name one run of one pipeline.
    run: &'static [&'static str],
    actor: &'static str,
    /// Attribute and the variable that holds it.
    attributes: &'static [(&'static str, &'static str)],
}

const PIPELINE: &str = "cicd.pipeline.name";
const RUN_ID: &str = "cicd.pipeline.run.id";
const RUN_URL: &str = "cicd.pipeline.run.url.full";
const TASK: &str = "cicd.pipeline.task.name";
const REVISION: &str = "vcs.ref.head.revision";
const BRANCH: &str = "vcs.ref.head.name";
const REPOSITORY: &str = "vcs.repository.url.full";

/// In the order they are tried: what sets another's marks comes first.
const PROVIDERS: &[Provider] = &[
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
            (BRANCH, "GITHUB_REF_NAME"),
        ],
    },
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
            (REVISION, "CI_COMMIT_SHA"),
            (BRANCH, "CI_COMMIT_REF_NAME"),
            (REPOSITORY, "CI_PROJECT_URL"),
        ],
    },
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
            (REVISION, "BUILDKITE_COMMIT"),
            (BRANCH, "BUILDKITE_BRANCH"),
        ],
    },
    Provider {
        name: "circleci",
        mark: "CIRCLECI",
        run: &["CIRCLE_WORKFLOW_ID"],
        actor: "CIRCLE_USERNAME",
        attributes: &[
            (PIPELINE, "CIRCLE_PROJECT_REPONAME"),
            (RUN_ID, "CIRCLE_WORKFLOW_ID"),
            (RUN_URL, "CIRCLE_BUILD_URL"),
            (TASK, "CIRCLE_JOB"),
            (REVISION, "CIRCLE_SHA1"),
            (BRANCH, "CIRCLE_BRANCH"),
        ],
    },
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
            (REVISION, "BUILD_SOURCEVERSION"),
            (BRANCH, "BUILD_SOURCEBRANCHNAME"),
        ],
    },
    Provider {
        name: "bitbucket",
        mark: "BITBUCKET_BUILD_NUMBER",
        run: &["BITBUCKET_REPO_FULL_NAME", "BITBUCKET_BUILD_NUMBER"],
        actor: "BITBUCKET_STEP_TRIGGERER_UUID",
        attributes: &[
            (PIPELINE, "BITBUCKET_REPO_SLUG"),
            (RUN_ID, "BITBUCKET_BUILD_NUMBER"),
            (REVISION, "BITBUCKET_COMMIT"),
            (BRANCH, "BITBUCKET_BRANCH"),
        ],
    },
    Provider {
        name: "woodpecker",
        mark: "CI_PIPELINE_NUMBER",
        run: &["CI_REPO", "CI_PIPELINE_NUMBER"],
        actor: "CI_COMMIT_AUTHOR",
        attributes: &[
            (PIPELINE, "CI_REPO"),
            (RUN_ID, "CI_PIPELINE_NUMBER"),
            (TASK, "CI_STEP_NAME"),
            (REVISION, "CI_COMMIT_SHA"),
            (BRANCH, "CI_COMMIT_BRANCH"),
        ],
    },
    Provider {
        name: "drone",
        mark: "DRONE",
        run: &["DRONE_REPO", "DRONE_BUILD_NUMBER"],
        actor: "DRONE_BUILD_TRIGGER",
        attributes: &[
            (PIPELINE, "DRONE_REPO"),
            (RUN_ID, "DRONE_BUILD_NUMBER"),
            (RUN_URL, "DRONE_BUILD_LINK"),
            (TASK, "DRONE_STEP_NAME"),
            (REVISION, "DRONE_COMMIT_SHA"),
            (BRANCH, "DRONE_BRANCH"),
        ],
    },
    Provider {
        name: "travis",
        mark: "TRAVIS",
        run: &["TRAVIS_REPO_SLUG", "TRAVIS_BUILD_ID"],
        actor: "TRAVIS_EVENT_TYPE",
        attributes: &[
            (PIPELINE, "TRAVIS_REPO_SLUG"),
            (RUN_ID, "TRAVIS_BUILD_ID"),
            (RUN_URL, "TRAVIS_BUILD_WEB_URL"),
            (TASK, "TRAVIS_JOB_NAME"),
            (REVISION, "TRAVIS_COMMIT"),
            (BRANCH, "TRAVIS_BRANCH"),
        ],
    },
    Provider {
        name: "teamcity",
        mark: "TEAMCITY_VERSION",
        run: &["TEAMCITY_PROJECT_NAME", "BUILD_NUMBER"],
        actor: "TEAMCITY_BUILD_TRIGGERED_BY",
        attributes: &[
            (PIPELINE, "TEAMCITY_BUILDCONF_NAME"),
            (RUN_ID, "BUILD_NUMBER"),
            (REVISION, "BUILD_VCS_NUMBER"),
        ],
    },
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
            (BRANCH, "GIT_BRANCH"),
        ],
    },
];

/// The CI that a call runs in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ci(&'static Provider);

impl Ci {
    /// The CI of this environment.
    pub(super) fn detect(world: &World) -> Option<Self> {
        let found = PROVIDERS
            .iter()
            .find(|provider| world.var_os(provider.mark).is_some());
        found.map(Self)
    }

    /// Provider and run, in a form that is the same in every job of the run.
    pub(super) fn run(self, world: &World) -> Option<String> {
        let ids: Option<Vec<&str>> = self.0.run.iter().map(|name| world.var(name)).collect();
        Some(format!("{}/{}", self.0.name, ids?.join("/")))
    }

    /// Who started the run.
    pub(super) fn actor(self, world: &World) -> Option<&str> {
        world.var(self.0.actor)
    }

    /// Resource attributes.
    pub(super) fn attributes(self, world: &World) -> Vec<(&'static str, String)> {
        let known = self.0.attributes.iter();
        let mut found: Vec<(&str, String)> = known
            .filter_map(|(attribute, name)| Some((*attribute, world.var(name)?.to_owned())))
            .collect();
        if self.0.name == "github"
            && let (Some(server), Some(repository)) = (
                world.var("GITHUB_SERVER_URL"),
                world.var("GITHUB_REPOSITORY"),
            )
        {
            found.push((REPOSITORY, format!("{server}/{repository}")));
            if let Some(run) = world.var("GITHUB_RUN_ID") {
                found.push((RUN_URL, format!("{server}/{repository}/actions/runs/{run}")));
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_job_of_a_run_is_the_same_run() {
        let job = |job: &str| {
            let world = World::of(&[
                ("GITHUB_ACTIONS", "true"),
                ("GITHUB_REPOSITORY", "o/r"),
                ("GITHUB_RUN_ID", "7"),
                ("GITHUB_RUN_ATTEMPT", "1"),
                ("GITHUB_JOB", job),
                ("GITHUB_SERVER_URL", "https://github.com"),
            ]);
            let ci = Ci::detect(&world).unwrap();
            (ci.run(&world), ci.attributes(&world))
        };
        let (run, attributes) = job("a");
        assert_eq!(run, job("b").0);
        assert_eq!(run.as_deref(), Some("github/o/r/7/1"));
        assert!(
            attributes.contains(&(RUN_URL, "https://github.com/o/r/actions/runs/7".to_owned()))
        );
        assert!(attributes.contains(&(TASK, "a".to_owned())));
    }

    #[test]
    fn incomplete_run_is_none() {
        let world = World::of(&[("GITLAB_CI", "true")]);
        assert_eq!(Ci::detect(&world).unwrap().run(&world), None);
        assert!(Ci::detect(&World::of(&[])).is_none());
    }
}
