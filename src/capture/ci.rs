//! Which CI this is, by the variables it documents: the run's identity and its ids as a trace, who started it, and
//! resource attributes by the cicd and vcs semantic conventions (v1.44).

mod github;
mod providers;

use super::handed::handed;
use super::scene::flow;
use crate::model::context::{Flags, TraceContext, parse_traceparent};
use crate::model::ids::SpanId;
use crate::model::time;
use crate::redact;
use crate::settings::Settings;
use crate::world::World;
use github::Contract;
use providers::PROVIDERS;
use sha2::{Digest, Sha256};
use std::os::unix::ffi::OsStrExt;

/// A CI system and its variables.
#[derive(Debug)]
struct Provider {
    name: &'static str,
    /// Set in every job of it.
    mark: &'static str,
    /// Together they name one run of one pipeline.
    run: &'static [&'static str],
    /// Which server counted the run, where several may; the first that is set.
    server: &'static [&'static str],
    actor: &'static str,
    /// Attribute and the variable that holds it; of several for one attribute the first that is set.
    attributes: &'static [(&'static str, &'static str)],
    /// Attributes that are made of several variables.
    composed: &'static [(&'static str, &'static [Part])],
    /// When the run was asked for.
    queued: &'static str,
    /// When the run began.
    start: &'static [&'static str],
    /// How the job went so far.
    status: &'static [&'static str],
    trigger: &'static str,
    attempt: &'static str,
    default_branch: &'static str,
    /// The provider's own traceparent, where it is not in TRACEPARENT.
    parent: &'static str,
}

/// A piece of an attribute.
#[derive(Debug)]
enum Part {
    Text(&'static str),
    Var(&'static str),
}

/// Attribute: the pipeline's name.
pub const PIPELINE: &str = "cicd.pipeline.name";
/// Attribute: the provider's id of the run.
pub const RUN_ID: &str = "cicd.pipeline.run.id";
/// Attribute: the run's page.
pub const RUN_URL: &str = "cicd.pipeline.run.url.full";
/// Attribute: the job inside the pipeline.
pub const TASK: &str = "cicd.pipeline.task.name";
/// Attribute: the commit.
pub const REVISION: &str = "vcs.ref.head.revision";
/// Attribute: the branch or tag.
pub const BRANCH: &str = "vcs.ref.head.name";
const TASK_ID: &str = "cicd.pipeline.task.run.id";
const TASK_URL: &str = "cicd.pipeline.task.run.url.full";
const CHANGE: &str = "vcs.change.id";
const REPOSITORY: &str = "vcs.repository.url.full";

/// Most bytes of a value: all of them stand in one variable, which every later command is started with.
const MOST: usize = 1024;

/// A run of GitHub's own, which has one trace whatever the repository.
const RUN_OF_GITHUB: &str = "GITHUB_RUN_ID";

/// Attributes of one job rather than of the whole run.
pub const OF_TASK: &[&str] = &[TASK, TASK_ID, TASK_URL];

/// The CI that a call runs in.
#[derive(Debug, Clone, Copy)]
pub struct Ci(&'static Provider);

/// Where a run's trace comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// TRACEPARENT, which somebody outside set.
    Inherited,
    /// A traceparent that the CI hands out in a variable of its own.
    Provider,
    /// The run's id.
    Run,
}

/// The trace of a run: the same in every job of it.
#[derive(Debug, Clone, Copy)]
pub struct RunTrace {
    /// What the job's steps are to have for a parent.
    pub context: TraceContext,
    /// Where that comes from.
    pub origin: Origin,
    /// The pipeline's own span.
    pub pipeline: TraceContext,
    /// The parent of the pipeline's own span; none where that is the root.
    pub parent: Option<SpanId>,
}

impl Ci {
    /// The CI of this environment.
    pub fn detect(world: &World) -> Option<Self> {
        let mut found: Option<usize> = None;
        for pair in world.env() {
            let pair = pair.as_bytes();
            if !may_mark(pair) {
                continue;
            }
            let marks = |provider: &Provider| {
                let rest = pair.strip_prefix(provider.mark.as_bytes());
                matches!(rest, Some([b'=', value @ ..]) if says_yes(value))
            };
            let before = found.unwrap_or(PROVIDERS.len());
            let earlier = PROVIDERS.iter().take(before).position(marks);
            found = earlier.or(found);
        }
        found.and_then(|at| PROVIDERS.get(at)).map(Self)
    }

    /// The provider's name.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// Provider and run, in a form that is the same in every job of the run.
    pub fn run(self, world: &World) -> Option<String> {
        Some(format!("{}/{}", self.0.name, self.ids(world)?.join("/")))
    }

    /// The same for somebody to see, each part without the secrets that it may hold.
    pub fn shown_run(self, world: &World) -> Option<String> {
        let ids = self.ids(world)?.into_iter().map(redact::text);
        Some(format!(
            "{}/{}",
            self.0.name,
            ids.collect::<Vec<_>>().join("/")
        ))
    }

    fn ids(self, world: &World) -> Option<Vec<&str>> {
        let server = self.0.server.iter().find_map(|name| world.var(name));
        let ids = self.0.run.iter().map(|name| world.var(name));
        server.map(Some).into_iter().chain(ids).collect()
    }

    /// The `correlation_id` of everything that happens in the run.
    pub fn correlation(self, world: &World) -> Option<String> {
        let digest = Sha256::digest(self.run(world)?);
        Some(flow(*digest.first_chunk::<16>()?))
    }

    /// The variables that the run's trace needs and that are not set.
    pub fn missing(self, world: &World) -> Vec<&'static str> {
        let names = match self.is_github(world) {
            true => &[RUN_OF_GITHUB],
            false => self.0.run,
        };
        let names = names.iter().copied();
        names.filter(|name| world.var(name).is_none()).collect()
    }

    /// Who started the run.
    pub fn actor(self, world: &World) -> Option<&str> {
        world.var(self.0.actor)
    }

    /// What asked for the run, such as `push`.
    pub fn trigger(self, world: &World) -> Option<&str> {
        world.var(self.0.trigger)
    }

    /// Which try of the run this is, from 1.
    pub fn attempt(self, world: &World) -> Option<u64> {
        world.var(self.0.attempt)?.parse().ok()
    }

    /// The repository's default branch.
    pub fn default_branch(self, world: &World) -> Option<&str> {
        world.var(self.0.default_branch)
    }

    /// When the run began, in nanoseconds since the epoch.
    pub fn start(self, world: &World) -> Option<i64> {
        let given = self.0.start.iter().filter_map(|name| world.var(name));
        // 0 is what some write before the run has begun
        given.filter_map(time::parse).find(|at| *at > 0)
    }

    /// When the run was asked for, in nanoseconds since the epoch.
    pub fn queued(self, world: &World) -> Option<i64> {
        time::parse(world.var(self.0.queued)?).filter(|at| *at > 0)
    }

    /// How the job went so far: a variable, and in it the provider's own word or exit code.
    pub fn status(self, world: &World) -> Option<(&'static str, &str)> {
        let mut said = self.0.status.iter();
        said.find_map(|name| Some((*name, world.var(name)?)))
    }

    /// Resource attributes.
    pub fn attributes(self, world: &World) -> Vec<(&'static str, String)> {
        let mut found: Vec<(&str, String)> = Vec::new();
        let mut add = |attribute: &'static str, value: &str| {
            if !found.iter().any(|(known, _)| *known == attribute) {
                found.push((attribute, cut(value)));
            }
        };
        for (attribute, name) in self.0.attributes {
            match (*attribute, world.var(name)) {
                (_, None) | (CHANGE, Some("false")) => {} // Buildkite and Travis say so where there is none
                (REPOSITORY, Some(url)) => add(attribute, url.strip_suffix(".git").unwrap_or(url)),
                (BRANCH, Some(branch)) => add(attribute, short(name, branch)),
                (_, Some(value)) => add(attribute, value),
            }
        }
        for (attribute, parts) in self.0.composed {
            let pieces = parts.iter().map(|part| match part {
                Part::Text(text) => Some(*text),
                Part::Var(name) => world.var(name),
            });
            if let Some(value) = pieces.collect::<Option<String>>() {
                add(attribute, &value);
            }
        }
        found
    }

    /// The run's trace: a valid traceparent that somebody else handed to us goes on, else it is derived from the run's
    /// id. The pipeline's own span is the root of a derived trace, and a child in any other. None where nothing names
    /// the run.
    pub fn trace(self, world: &World, settings: &Settings) -> Option<RunTrace> {
        let derived = self.derived(world, settings);
        let of_provider = || parse_traceparent(world.var_os(self.0.parent)?.as_bytes());
        let given = handed(world)
            .map(|context| (context, Origin::Inherited))
            .or_else(|| Some((of_provider()?, Origin::Provider)));
        let Some((context, origin)) = given else {
            let pipeline = *derived.first()?;
            return Some(RunTrace {
                context: pipeline,
                origin: Origin::Run,
                pipeline,
                parent: None,
            });
        };
        let own = derived.iter().find(|own| own.trace_id == context.trace_id);
        if let Some(pipeline) = own {
            return Some(RunTrace {
                context,
                origin: Origin::Run,
                pipeline: *pipeline,
                parent: None,
            });
        }
        let run = self.run(world);
        let run = run.as_deref().unwrap_or(self.0.name);
        let seed = format!("obs {run} {}", context.trace_id);
        let pipeline = context.child(sha(&seed, 16))?;
        Some(RunTrace {
            context,
            origin,
            pipeline,
            parent: Some(context.span_id).filter(|parent| *parent != pipeline.span_id),
        })
    }

    /// The traces that the run's id may stand for, ours first; each with the pipeline's own span. All but GitHub have
    /// one: the Collector's gitlabreceiver hashes the time of the pipeline's end, which no job knows
    /// (receiver/gitlabreceiver/traces_event_handling.go, newTraceID); Jenkins' plugin and Buildkite hand theirs out.
    fn derived(self, world: &World, settings: &Settings) -> Vec<TraceContext> {
        let ours = |more: &str| {
            let run = self.run(world)?;
            derived_from(&format!("obs {run}{more}"), world)
        };
        match self.0.name {
            "github" if !self.is_github(world) => {
                let server = world.var("GITHUB_SERVER_URL").unwrap_or_default();
                ours(&format!(" {server}")).into_iter().collect()
            }
            "github" => {
                let Some(run) = world.var(RUN_OF_GITHUB) else {
                    return Vec::new();
                };
                let attempt = world.var("GITHUB_RUN_ATTEMPT").unwrap_or("1");
                let repository = world.var("GITHUB_REPOSITORY").unwrap_or_default();
                let wanted = Contract::named(&settings.ci_ids);
                let others = Contract::ALL.into_iter().filter(|other| *other != wanted);
                let all = std::iter::once(wanted)
                    .chain(others)
                    .filter_map(|contract| {
                        let (trace, span) = contract.ids(repository, run, attempt);
                        root(trace, span, world)
                    });
                all.collect()
            }
            _ => ours("").into_iter().collect(),
        }
    }

    /// Gitea and Forgejo pass for GitHub, but every server of theirs counts its runs from 1.
    fn is_github(self, world: &World) -> bool {
        let mut others = ["GITEA_ACTIONS", "FORGEJO_ACTIONS"].iter();
        self.0.name == "github" && !others.any(|name| world.var(name).is_some())
    }
}

/// A mark that is there to say that this is no job of it is none.
fn says_yes(value: &[u8]) -> bool {
    !matches!(value, b"" | b"0") && !value.eq_ignore_ascii_case(b"false")
}

/// Whether a variable begins as some mark does: most do not, and this is asked of all of them at every call.
fn may_mark(pair: &[u8]) -> bool {
    matches!(
        pair,
        [b'B', b'I' | b'U', ..]
            | [b'C' | b'G', b'I', ..]
            | [b'D', b'R', ..]
            | [b'J', b'E', ..]
            | [b'T', b'E' | b'F' | b'R', ..]
    )
}

/// A branch or tag without the folder that git keeps it in, and without the remote that Jenkins puts before it.
fn short<'a>(variable: &str, name: &'a str) -> &'a str {
    let folders = match variable {
        "GIT_BRANCH" => &["refs/heads/", "refs/tags/", "origin/"][..],
        _ => &["refs/heads/", "refs/tags/"],
    };
    let mut stripped = folders.iter().filter_map(|it| name.strip_prefix(it));
    stripped.next().unwrap_or(name)
}

/// A value, or as much of it as there is room for.
fn cut(value: &str) -> String {
    if value.len() <= MOST {
        return value.to_owned();
    }
    // half a secret at the cut would not be known for one
    let clean = redact::text(value);
    let end = (0..=MOST).rev().find(|at| clean.is_char_boundary(*at));
    end.and_then(|end| clean.get(..end))
        .unwrap_or(&clean)
        .to_owned()
}

/// The root of a trace whose id follows from a text that names it.
pub(super) fn derived_from(seed: &str, world: &World) -> Option<TraceContext> {
    root(sha(seed, 0), sha(seed, 16), world)
}

/// The root of a derived trace: sampled as a random one would be, but not said to be random.
fn root(trace: [u8; 16], span: [u8; 8], world: &World) -> Option<TraceContext> {
    let root = TraceContext::root(trace, span, true)?;
    let (sampled, _) = super::span::sampled(world, None, &root.trace_id);
    let flags = Flags::from_bits(0).with_sampled(sampled);
    Some(TraceContext { flags, ..root })
}

/// Bytes of a text's SHA-256, from one of them on.
fn sha<const N: usize>(text: &str, from: usize) -> [u8; N] {
    let digest = Sha256::digest(text);
    let found = digest.get(from..).and_then(|rest| rest.first_chunk::<N>());
    found.copied().unwrap_or([0; N])
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
        let ci = Ci::detect(&world).unwrap();
        assert_eq!(ci.run(&world), None);
        assert!(ci.trace(&world, &Settings::load(&world)).is_none());
        assert_eq!(ci.missing(&world), ["CI_SERVER_HOST", "CI_PIPELINE_ID"]);
        assert!(Ci::detect(&World::of(&[])).is_none());
        assert!(Ci::detect(&World::of(&[("GITLAB_CI", ""), ("GITLAB_CIX", "1")])).is_none());
    }

    #[test]
    fn first_of_the_table_wins() {
        let world = World::of(&[("JENKINS_URL", "u"), ("TRAVIS", "true"), ("DRONE", "true")]);
        assert_eq!(Ci::detect(&world).unwrap().name(), "drone");
    }

    #[test]
    fn every_mark_is_found() {
        for provider in PROVIDERS {
            let world = World::of(&[(provider.mark, "x")]);
            assert_eq!(Ci::detect(&world).unwrap().name(), provider.name);
        }
    }
}
