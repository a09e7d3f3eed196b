//! Who calls, from where, in which trace: what a record carries besides what was said.

use super::agent::agent;
use super::{Call, git_head};
use crate::model::context::TraceContext;
use crate::model::{Actor, Attributes, Metadata, ids, resource};
use crate::world::World;
use serde_json::Value;

/// The program that called us, as far as its command line tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Caller {
    /// `bash`, `zsh`, `fish` or `sh`; empty where the caller is no shell.
    pub(super) shell: &'static str,
    /// The script's file name; empty for an interactive shell and for `sh -c`.
    pub(super) script: String,
    /// The program's name.
    pub(super) program: String,
}

/// Options of shells that take the next word.
const TAKES_WORD: &[&str] = &[
    "+o",
    "+O",
    "--rcfile",
    "--init-file",
    "-C",
    "--init-command",
];

impl Caller {
    /// Reads a command line.
    pub(super) fn of(words: &[String]) -> Self {
        let mut rest = words.iter().map(String::as_str);
        let mut program = base(rest.next().unwrap_or_default());
        if program == "busybox" {
            program = rest.next().unwrap_or(program);
        }
        let shell = match program {
            "bash" => "bash",
            "zsh" => "zsh",
            "fish" => "fish",
            "sh" | "dash" | "ash" | "ksh" | "ksh93" | "mksh" | "yash" => "sh",
            _ => "",
        };
        let script = match shell {
            "" => "",
            _ => script(&mut rest).unwrap_or_default(),
        };
        Self {
            shell,
            script: base(script).to_owned(),
            program: program.to_owned(),
        }
    }

    /// The logger's name: `<shell>.<script>`, as far as they are known.
    pub(super) fn logger(&self) -> String {
        match (self.shell, self.script.as_str()) {
            ("", _) => self.program.clone(),
            (shell, "") => shell.to_owned(),
            (shell, script) => format!("{shell}.{script}"),
        }
    }
}

/// The script among a shell's words: the first that is no option; with `-c` there is none.
fn script<'a>(words: &mut impl Iterator<Item = &'a str>) -> Option<&'a str> {
    while let Some(word) = words.next() {
        if TAKES_WORD.contains(&word) {
            words.next();
        } else if word == "--" || word == "-" {
            return words.next();
        } else if word.starts_with("--") {
        } else if let Some(letters) = word.strip_prefix('-') {
            if letters.contains(['c', 's', 'i']) {
                return None;
            }
            if letters.ends_with(['o', 'O']) {
                words.next(); // -euo pipefail
            }
        } else if !word.starts_with('+') {
            // a script that comes through a pipe has no name
            return Some(word).filter(|word| !word.contains("/fd/"));
        }
    }
    None
}

/// A path's last part; a login shell's leading dash is not part of its name.
fn base(path: &str) -> &str {
    let path = path.strip_prefix('-').unwrap_or(path);
    path.rsplit('/').next().unwrap_or(path)
}

/// The process that calls us and its words, past wrappers such as `timeout 5 obs …`, whose words end with our own.
pub(super) fn calling(world: &World) -> (u32, Vec<String>) {
    let mut pid = world.parent_pid();
    let mut words = world.command_line(pid);
    while wraps(&words, world) {
        let Some(parent) = world.process(pid).map(|process| process.parent) else {
            break;
        };
        pid = parent;
        words = world.command_line(pid);
    }
    (pid, words)
}

fn wraps(words: &[String], world: &World) -> bool {
    let own = world.args();
    let tail = words
        .len()
        .checked_sub(own.len())
        .filter(|before| *before > 0);
    let Some(tail) = tail.and_then(|before| words.get(before..)) else {
        return false;
    };
    let same = |(word, own): (&String, &std::ffi::OsString)| own.to_string_lossy() == **word;
    Caller::of(words).shell.is_empty() && tail.iter().zip(own).all(same)
}

/// What every record of a call carries.
#[derive(Debug, Clone)]
pub(super) struct Scene {
    pub(super) caller: Caller,
    pub(super) service: String,
    pub(super) version: String,
    pub(super) host: String,
    pub(super) pid: u32,
    pub(super) resource: Attributes,
}

impl Scene {
    /// Looks around. `script` is the file that `--source` named.
    pub(super) fn of(call: &Call<'_>, script: Option<&str>) -> Self {
        let world = call.world;
        let (pid, words) = calling(world);
        let mut caller = Caller::of(&words);
        if let Some(script) = script.map(base).filter(|script| !script.is_empty()) {
            script.clone_into(&mut caller.script);
        }
        let mut resource = resource_of(call);
        let mut take = |key: &str| match resource.shift_remove(key) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        };
        let given = take("service.name");
        let host = take("host.name").unwrap_or_else(|| world.host());
        let service = world.var("OTEL_SERVICE_NAME").map(str::to_owned).or(given);
        let service = service.unwrap_or_else(|| match caller.script.as_str() {
            "" => format!("unknown_service:{}", caller.program),
            script => script.to_owned(),
        });
        let version = resource.get("service.version").and_then(Value::as_str);
        Self {
            service,
            version: version.unwrap_or_default().to_owned(),
            host,
            pid,
            resource,
            caller,
        }
    }
}

/// Resource attributes: the CI's, then `OTEL_RESOURCE_ATTRIBUTES`, then the two variables of the seed design.
fn resource_of(call: &Call<'_>) -> Attributes {
    let world = call.world;
    let mut found = Attributes::new();
    if let Some(ci) = call.ci {
        for (key, value) in ci.attributes(world) {
            found.insert(key.to_owned(), Value::from(value));
        }
    }
    if let Some(text) = world.var("OTEL_RESOURCE_ATTRIBUTES") {
        match resource::parse_resource(text) {
            Ok(pairs) => found.extend(
                pairs
                    .into_iter()
                    .map(|(key, value)| (key, Value::from(value))),
            ),
            Err(cause) => call.note("resource", &format!("OTEL_RESOURCE_ATTRIBUTES: {cause}")),
        }
    }
    if let Some(version) = world.var("OTEL_SERVICE_VERSION") {
        found.insert("service.version".to_owned(), Value::from(version));
    }
    const ENVIRONMENT: &str = "deployment.environment.name";
    if let Some(name) = world.var("OTEL_DEPLOYMENT_ENVIRONMENT") {
        found.insert(ENVIRONMENT.to_owned(), Value::from(name));
    }
    // ENV is also the start-up file of POSIX shells: a path is none of an environment's names
    if let Some(name) = world
        .var("ENV")
        .filter(|name| !name.contains(['/', '~', '$']))
    {
        found
            .entry(ENVIRONMENT)
            .or_insert_with(|| Value::from(name));
    }
    found
}

/// Who acts, and what says so of the type and of the id.
pub(super) fn actor(call: &Call<'_>, host: &str) -> (Actor, [&'static str; 2]) {
    let world = call.world;
    let (named, ci) = (call.settings.actor.as_deref(), call.ci);
    let said = [
        (named, "OBS_ACTOR"),
        (ci.and_then(|ci| ci.actor(world)), "CI"),
        (world.var("USER"), "USER"),
    ];
    let said = said
        .into_iter()
        .find_map(|(id, by)| Some((id?.to_owned(), by)));
    let (id, of_id) = said.unwrap_or_else(|| (world.user_id().to_string(), "user id"));
    // an agent in a CI job acts for itself
    let (kind, of_kind) = match (&call.settings.actor_type, agent(world), ci) {
        (Some(kind), _, _) => (kind.as_str(), "OBS_ACTOR_TYPE"),
        (None, Some((mark, _)), _) => ("agent", mark),
        (None, None, Some(_)) => ("ci", "CI"),
        (None, None, None) => ("user", "default"),
    };
    let actor = Actor {
        kind: kind.to_owned(),
        id,
        host: host.to_owned(),
    };
    (actor, [of_kind, of_id])
}

/// The logical flow that a record of this span belongs to, and what names it; empty where nothing does.
pub(super) fn correlation(
    call: &Call<'_>,
    context: Option<&TraceContext>,
) -> (String, &'static str) {
    if let Some(given) = &call.settings.correlation_id {
        return (given.clone(), "OBS_CORRELATION_ID");
    }
    let run = call.ci.and_then(|ci| ci.correlation(call.world));
    match (run, context) {
        (Some(run), _) => (run, "CI run"),
        (None, Some(context)) => (flow(context.trace_id.to_bytes()), "trace"),
        (None, None) => (String::new(), "none"),
    }
}

/// A flow that is named by 128 bits.
pub(super) fn flow(bits: [u8; 16]) -> String {
    format!("corr_{}", ids::crockford(bits))
}

/// Where it happened.
pub(super) fn metadata(world: &World) -> Metadata {
    let Some(cwd) = world.cwd() else {
        return Metadata::default();
    };
    let head = git_head::read(&cwd, world);
    Metadata {
        git_branch: head.branch,
        git_commit: head.commit,
        repository: head.repository,
        working_directory: cwd.to_string_lossy().into_owned(),
        origin: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caller_is_read_from_its_command_line() {
        for (line, logger, script) in [
            ("/bin/bash ./deploy.sh -x", "bash.deploy.sh", "deploy.sh"),
            ("-bash", "bash", ""),
            ("bash -c obs log hi", "bash", ""),
            ("bash -euo pipefail /a/b.sh", "bash.b.sh", "b.sh"),
            ("bash -o pipefail b.sh", "bash.b.sh", "b.sh"),
            ("/bin/sh -e -- -odd.sh", "sh.odd.sh", "odd.sh"),
            ("busybox ash run", "sh.run", "run"),
            ("fish --no-config f.fish", "fish.f.fish", "f.fish"),
            ("/usr/bin/python3 x.py", "python3", ""),
            ("", "", ""),
        ] {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            let caller = Caller::of(&words);
            assert_eq!(
                (caller.logger().as_str(), caller.script.as_str()),
                (logger, script),
                "{line}"
            );
        }
    }
}
