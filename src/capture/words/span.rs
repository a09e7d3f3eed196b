//! The words of the span commands.

use super::{
    ATTRIBUTES, DURABLE, OBJECT, Opt, Positional, TIME, Words, choice, flag, lettered, may, need,
    opt,
};

const SPAN: Opt = opt(
    "span",
    "ID",
    "The span: 16 hex digits or a traceparent; default the current one",
);
const SHELL: Opt = choice(
    "shell",
    "SHELL",
    "Print for this shell: sh, fish; default the caller's",
    &["sh", "fish"],
);
const JSON_OUT: Opt = flag("json", "Print a JSON object instead of shell code");
const BIND: Opt = lettered(
    'v',
    flag(
        "bind",
        "Print nothing and set the variables: only by the loadable builtin of bash",
    ),
);
const STATUS: &[&str] = &["ok", "error", "unset"];
const KINDS: &[&str] = &["client", "consumer", "internal", "producer", "server"];

pub(super) const START: Words = Words {
    name: "span start",
    about: "Start a span and print what the shell must eval to be inside it",
    more: "\
The span lives in a file until `obs span end`, from this or any other process; no daemon. It is the child of the current
span, or the root of a new trace. If its owner (the calling shell) goes away first, it is reported as abandoned.

In GitHub Actions and with OBS_LOG_GROUPS=true, what is shown between start and end of an outermost span is folded into a
group. The commands for that go to standard error: with OBS_LOG_STREAM=stderr all comes in order.

Examples:
  eval \"$(obs span start build target=all)\"
  eval (obs span start build | string collect)     # fish
  obs span start deploy --owner 0 --ttl 2h --json  # ended elsewhere",
    positionals: &[need("NAME", "Name of the span, of few different values"), ATTRIBUTES],
    options: &[
        choice("kind", "KIND", "client, consumer, internal, producer or server; default internal", KINDS),
        OBJECT,
        opt("parent", "TRACEPARENT", "The parent; default TRACEPARENT of the environment"),
        opt("as", "TRACEPARENT", "Its own ids, promised before it began; then only --parent makes it a child"),
        opt("owner", "PID", "The process it lives with; 0 for none; default the calling shell"),
        opt("ttl", "TIME", "Abandoned after this long, such as 2h"),
        opt("start", "TIME", "When it started; default now"),
        SHELL,
        JSON_OUT,
        BIND,
        DURABLE,
    ],
};

pub(super) const END: Words = Words {
    name: "span end",
    about: "End the current span and print what the shell must eval to be in its parent",
    more: "\
Examples:
  eval \"$(obs span end)\"
  eval \"$(obs span end --exit-code $?)\"             # error unless 0
  eval \"$(obs span end error 'no space left')\"",
    positionals: &[
        may("STATUS", "ok, error or unset"),
        may("MESSAGE", "Why, with error"),
        ATTRIBUTES,
    ],
    options: &[
        SPAN,
        opt("exit-code", "N", "Exit code of what it did: error unless 0"),
        OBJECT,
        opt("end", "TIME", "When it ended; default now"),
        SHELL,
        JSON_OUT,
        BIND,
        DURABLE,
    ],
};

pub(super) const EVENT: Words = Words {
    name: "span event",
    about: "Add a moment to the current span",
    more: "Example:\n  obs span event 'cache miss' key=abc",
    positionals: &[need("NAME", "What happened"), ATTRIBUTES],
    options: &[SPAN, OBJECT, TIME, DURABLE],
};

pub(super) const SET_ATTRIBUTES: Words = Words {
    name: "span set",
    about: "Set attributes of the current span",
    more: "Example:\n  obs span set files:=12 target=/srv",
    positionals: &[ATTRIBUTES],
    options: &[
        SPAN,
        OBJECT,
        opt("name", "NAME", "Rename the span"),
        DURABLE,
    ],
};

pub(super) const LINK: Words = Words {
    name: "span link",
    about: "Link the current span to another one",
    more: "Example:\n  obs span link \"$OTHER_TRACEPARENT\" reason=retry",
    positionals: &[need("TRACEPARENT", "The other span"), ATTRIBUTES],
    options: &[SPAN, OBJECT, DURABLE],
};

pub(super) const SET_STATUS: Words = Words {
    name: "span status",
    about: "Set the status of the current span",
    more: "Example:\n  obs span status error 'no space left'",
    positionals: &[
        need("STATUS", "ok, error or unset"),
        may("MESSAGE", "Why, with error"),
    ],
    options: &[SPAN, DURABLE],
};

pub(super) const RECORD: Words = Words {
    name: "span record",
    about: "Record a span that already happened",
    more: "\
Example:
  start=$(date +%s%N)
  archive_tasks
  obs span record archive_tasks --start \"$start\" --end \"$(date +%s%N)\"",
    positionals: &[
        need("NAME", "Name of the span, of few different values"),
        ATTRIBUTES,
    ],
    options: &[
        opt(
            "start",
            "TIME",
            "When it started: RFC 3339, or epoch s, ms, µs, ns",
        ),
        opt("end", "TIME", "When it ended; default now"),
        choice(
            "kind",
            "KIND",
            "client, consumer, internal, producer or server; default internal",
            KINDS,
        ),
        choice("status", "STATUS", "ok, error or unset", STATUS),
        opt("message", "TEXT", "Why, with --status error"),
        opt("span", "ID", "Its own id, 16 hex digits; default a new one"),
        opt(
            "parent",
            "TRACEPARENT",
            "The parent; default TRACEPARENT of the environment",
        ),
        opt(
            "as",
            "TRACEPARENT",
            "Its own ids, promised before it began; then only --parent makes it a child",
        ),
        OBJECT,
        flag("print-id", "Print its traceparent"),
        DURABLE,
    ],
};

/// `span exec`: its words end where those of the command begin.
pub const EXEC: Words = Words {
    name: "span exec",
    about: "Run a command inside a span, as if obs were not there",
    more: "\
The command gets TRACEPARENT, the same terminal, descriptors, signals and working directory; obs ends as it ends, by the
same exit code or the same signal. The span carries its words without secrets, exit code, CPU time and memory, and lives
in a file meanwhile, so that a killed wrapper leaves an abandoned span and no hole. A command that cannot be found ends
127, one that cannot be run 126. Attributes stand before the command, a `--` between them.

Examples:
  obs span exec -- make test
  obs span exec -n deploy target=eu -- ./deploy.sh --fast
  obs span exec --timeout 15m -- npm ci",
    positionals: &[
        ATTRIBUTES,
        Positional {
            name: "CMD",
            help: "The command and its words, all that follows",
            required: true,
            many: true,
        },
    ],
    options: &[
        lettered('n', opt("name", "NAME", "Name of the span, of few different values; default the program's")),
        choice("kind", "KIND", "client, consumer, internal, producer or server; default client", KINDS),
        OBJECT,
        opt("parent", "TRACEPARENT", "The parent; default TRACEPARENT of the environment"),
        opt("timeout", "TIME", "After this long send TERM to it and all below it, 10 s later KILL, and end 124"),
        opt("output-tail", "N", "Keep the last N lines of output in the span; the command then writes to pipes, no terminal, and the order between its two streams may change"),
        DURABLE,
    ],
};
