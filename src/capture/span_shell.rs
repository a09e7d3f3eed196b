//! What `obs span start` and `end` print: the environment of the span or of its parent, for a shell to eval.

use super::parse::Parsed;
use super::scene::Caller;
use super::syntax::Syntax;
use crate::error::Error;
use crate::model::context::TraceContext;
use crate::world::{Stream, World};
use serde_json::json;

/// The contexts that were current before, innermost last; `-` stands for none.
const STACK: &str = "_OBS_STACK";
/// Stands for a start that was refused.
const REFUSED: &str = "!";
/// Deeper than this the outermost are forgotten: a loop that never ends its spans must not fill the environment.
const DEEPEST: usize = 64;

/// The form that the variables are printed in.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shell {
    /// Not printed: set in the shell that we are a part of.
    Bind(fn(&str, Option<&str>)),
    Code(Syntax),
    Json,
}

impl Shell {
    /// What was asked for, else the calling shell's.
    pub(super) fn of(parsed: &Parsed, caller: &Caller, world: &World) -> Result<Self, Error> {
        if parsed.has("bind") {
            let bound = world.binder().map(Self::Bind);
            return bound.ok_or_else(|| {
                Error::usage(
                    "`-v` needs the loadable builtin: a process cannot set its caller's variables",
                )
                .hint("eval \"$(obs span start NAME)\"; in bash `enable -f libobs.so obs` loads it")
            });
        }
        if parsed.has("json") {
            return Ok(Self::Json);
        }
        let Some(shell) = parsed.text("shell") else {
            return Ok(Self::of_caller(caller));
        };
        Syntax::named(&shell)
            .map(Self::Code)
            .ok_or_else(|| Error::usage(format!("unknown shell `{shell}`")).hint("sh or fish"))
    }

    /// The calling shell's.
    pub(super) fn of_caller(caller: &Caller) -> Self {
        Self::Code(Syntax::named(caller.shell).unwrap_or(Syntax::Sh))
    }

    /// Prints a step on standard output, or takes it.
    pub(super) fn print(self, world: &World, step: &Step) {
        if let Self::Bind(bind) = self {
            for (name, value) in &step.variables {
                bind(name, value.as_deref());
            }
            return;
        }
        let _ = world.write(Stream::Out, self.text(step).as_bytes());
    }

    fn text(self, step: &Step) -> String {
        let syntax = match self {
            Self::Json => return step.json(),
            Self::Code(syntax) => syntax,
            Self::Bind(_) => return String::new(),
        };
        let lines = step.variables.iter().map(|(name, value)| match value {
            Some(value) => syntax.set(name, value),
            None => syntax.unset(name),
        });
        lines.collect()
    }
}

/// A change of the environment.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Step {
    variables: Vec<(&'static str, Option<String>)>,
}

impl Step {
    /// Into a span that just started; `valid` says whether the environment has a context, `state` whether its
    /// TRACESTATE goes on.
    pub(super) fn into(world: &World, context: &TraceContext, valid: bool, state: bool) -> Self {
        let before = match (valid, world.var("TRACEPARENT")) {
            (true, Some(header)) => header.trim(),
            _ => "-",
        };
        let mut stack = stack(world);
        stack.push(before.to_owned());
        let from = stack.len().saturating_sub(DEEPEST);
        let stack = stack.get(from..).unwrap_or_default().join(",");
        let mut variables = vec![
            ("TRACEPARENT", Some(context.to_header())),
            (STACK, Some(stack)),
        ];
        // it belongs to a context that was not continued, or is broken
        if !state && world.var("TRACESTATE").is_some() {
            variables.push(("TRACESTATE", None));
        }
        Self { variables }
    }

    /// Into nothing: the context stays, and the stack notes that the next end has nothing to end.
    pub(super) fn refused(world: &World) -> Self {
        let mut stack = stack(world);
        stack.push(REFUSED.to_owned());
        Self {
            variables: vec![(STACK, Some(stack.join(",")))],
        }
    }

    /// Out of a start that was refused; none where the last one was not.
    pub(super) fn out_of_refused(world: &World) -> Option<Self> {
        let mut stack = stack(world);
        stack.pop().filter(|entry| entry == REFUSED)?;
        let rest = (!stack.is_empty()).then(|| stack.join(","));
        Some(Self {
            variables: vec![(STACK, rest)],
        })
    }

    /// Out of the current span.
    pub(super) fn out(world: &World) -> Self {
        let mut stack = stack(world);
        let before = stack.pop().filter(|header| header != "-");
        let rest = (!stack.is_empty()).then(|| stack.join(","));
        let mut variables = vec![("TRACEPARENT", before), (STACK, rest)];
        // fish reports the removal of what is not there as a failure
        variables.retain(|(name, value)| value.is_some() || world.var(name).is_some());
        Self { variables }
    }

    fn json(&self) -> String {
        let context = self
            .variables
            .iter()
            .find(|(name, _)| *name == "TRACEPARENT");
        let header = context.and_then(|(_, value)| value.as_deref());
        let mut parts = header.unwrap_or_default().split('-').skip(1);
        format!(
            "{}\n",
            json!({"traceparent": header, "trace_id": parts.next(), "span_id": parts.next()})
        )
    }
}

/// How many spans of this environment are inside each other.
pub(super) fn depth(world: &World) -> usize {
    stack(world).len()
}

/// The stack of the environment; one that is not ours to trust is empty.
fn stack(world: &World) -> Vec<String> {
    let text = world.var(STACK).unwrap_or_default();
    let good = |entry: &&str| {
        matches!(*entry, "-" | REFUSED)
            || crate::model::context::parse_traceparent(entry.as_bytes()).is_some()
    };
    text.split(',').filter(good).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::context::parse_traceparent;

    const OUTER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const INNER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b8-01";

    #[test]
    fn in_and_out_is_where_we_were() {
        let world = World::of(&[("TRACEPARENT", OUTER), ("TRACESTATE", "a=b")]);
        let step = Step::into(
            &world,
            &parse_traceparent(INNER.as_bytes()).unwrap(),
            true,
            true,
        );
        assert_eq!(
            Shell::Code(Syntax::Sh).text(&step),
            format!("export TRACEPARENT='{INNER}';\nexport _OBS_STACK='{OUTER}';\n")
        );
        let inside = World::of(&[("TRACEPARENT", INNER), ("_OBS_STACK", OUTER)]);
        assert_eq!(
            Shell::Code(Syntax::Fish).text(&Step::out(&inside)),
            format!("set -gx TRACEPARENT '{OUTER}';\nset -e _OBS_STACK;\n")
        );
    }

    #[test]
    fn invalid_parent_takes_its_state_with_it() {
        let world = World::of(&[
            ("TRACEPARENT", "junk'; rm -rf /"),
            ("TRACESTATE", "a=b"),
            ("_OBS_STACK", "$(x)"),
        ]);
        let step = Step::into(
            &world,
            &parse_traceparent(INNER.as_bytes()).unwrap(),
            false,
            false,
        );
        assert_eq!(
            Shell::Code(Syntax::Sh).text(&step),
            format!("export TRACEPARENT='{INNER}';\nexport _OBS_STACK='-';\nunset TRACESTATE;\n")
        );
    }

    #[test]
    fn json_names_the_context() {
        let world = World::of(&[("_OBS_STACK", OUTER)]);
        assert_eq!(
            Shell::Json.text(&Step::out(&world)),
            format!(
                "{{\"traceparent\":\"{OUTER}\",\"trace_id\":\"4bf92f3577b34da6a3ce929d0e0e4736\",\"span_id\":\"00f067aa0ba902b7\"}}\n"
            )
        );
    }
}
