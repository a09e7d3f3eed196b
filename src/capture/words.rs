//! The words of the hot commands, in one const table: the hot parser reads it, and help, man pages and completions are
//! made from it. Help text lives here and nowhere else.

/// An option of a hot command.
#[derive(Debug)]
pub struct Opt {
    /// Its name without the dashes.
    pub long: &'static str,
    /// What it takes; none for a flag.
    pub value: Option<&'static str>,
    /// One line of help.
    pub help: &'static str,
    /// The only values it takes, for completions; empty for any.
    pub choices: &'static [&'static str],
}

/// A hot command.
#[derive(Debug)]
pub struct Words {
    /// Its words, such as `span start`.
    pub name: &'static str,
    /// One line of help.
    pub about: &'static str,
    /// Everything else that help says.
    pub more: &'static str,
    /// Its positional words as help shows them: name, help, whether it must be there, whether it repeats.
    pub positionals: &'static [Positional],
    /// Its options.
    pub options: &'static [Opt],
}

/// A positional word as help shows it.
#[derive(Debug)]
pub struct Positional {
    /// Its name in capitals.
    pub name: &'static str,
    /// One line of help.
    pub help: &'static str,
    /// The command needs it.
    pub required: bool,
    /// It may come many times.
    pub many: bool,
}

const fn flag(long: &'static str, help: &'static str) -> Opt {
    Opt {
        long,
        value: None,
        help,
        choices: &[],
    }
}

const fn opt(long: &'static str, value: &'static str, help: &'static str) -> Opt {
    Opt {
        long,
        value: Some(value),
        help,
        choices: &[],
    }
}

const fn choice(
    long: &'static str,
    value: &'static str,
    help: &'static str,
    choices: &'static [&'static str],
) -> Opt {
    Opt {
        long,
        value: Some(value),
        help,
        choices,
    }
}

const fn need(name: &'static str, help: &'static str) -> Positional {
    Positional {
        name,
        help,
        required: true,
        many: false,
    }
}

const fn may(name: &'static str, help: &'static str) -> Positional {
    Positional {
        name,
        help,
        required: false,
        many: false,
    }
}

const ATTRIBUTES: Positional = Positional {
    name: "K=V",
    help: "Attributes: k=v is a string, k:=JSON is typed, k@=FILE reads a file, {…} is a JSON object",
    required: false,
    many: true,
};

const DURABLE: Opt = flag("durable", "Wait until the record is on the disk");
const TIME: Opt = opt(
    "time",
    "TIME",
    "When it happened: RFC 3339, or epoch s, ms, µs, ns",
);
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
const OBJECT: Opt = opt(
    "attributes",
    "JSON",
    "A JSON object of attributes; @FILE reads a file, - standard input",
);
const STATUS: &[&str] = &["ok", "error", "unset"];
const KINDS: &[&str] = &["client", "consumer", "internal", "producer", "server"];

const LOG: Words = Words {
    name: "log",
    about: "Record a log message, and show it as the script would have",
    more: "\
LEVEL is debug, info, warning, error or critical (trace, warn and fatal are taken too) and counts as one only when a
MESSAGE follows. Options stand before LEVEL or after MESSAGE. `--` ends them: write it where the message comes from a
variable, `obs log error -- \"$message\"`. No word is ever wrong here: what is no attribute is kept in context.args.

The message is also shown: DEBUG, INFO and WARNING on standard output, ERROR and CRITICAL on standard error; coloured on
a terminal, else as the JSON line. OBS_LOG_STREAM and OBS_LOG_FORMAT change that, OBS_LOG_LEVEL sets the threshold.

Examples:
  obs log info 'backup started' files:=12 target=/srv
  obs log --exception @trace.txt error -- \"$message\"
  make 2>&1 | obs log --stdin info step=build",
    positionals: &[
        may("LEVEL", "debug, info, warning, error or critical; default info"),
        may("MESSAGE", "The message"),
        ATTRIBUTES,
    ],
    options: &[
        flag("stdin", "Make a record of every line of standard input; takes no MESSAGE"),
        flag("json", "With --stdin: each line is a JSON log object, whose time, level, logger and ids are kept"),
        opt("context", "JSON", "A JSON object of attributes; @FILE reads a file, - standard input"),
        opt("source", "FILE:LINE:FUNCTION", "Where in the script it was logged"),
        opt("exception", "TEXT", "Stack trace or error text; @FILE reads a file, - standard input"),
        opt("logger", "NAME", "Name of the logger; default <shell>.<script>"),
        opt("status", "WORD", "How it ended, such as success or failure"),
        opt("duration-ms", "MS", "How long it took, in milliseconds"),
        TIME,
        DURABLE,
        flag("print-id", "Print the record's id instead of the message"),
    ],
};

const EMIT: Words = Words {
    name: "emit",
    about: "Record a domain event",
    more: "\
Known types have a schema (`obs print schema`); data that does not fit is named on standard error and kept as
obs.event.invalid with the original inside (OBS_STRICT=1 refuses it, exit 2). Unknown types take any data.

Examples:
  obs emit backlog.task.created task_id=TASK-7 title='Write the docs'
  obs emit deployment.finished --data @deploy.json
  id=$(obs emit build.started --print-id) && obs emit build.finished --causation \"$id\"",
    positionals: &[need("TYPE", "Dotted name of the event"), ATTRIBUTES],
    options: &[
        opt("data", "JSON", "A JSON object with the event's data; @FILE reads a file, - standard input"),
        opt("causation", "ID", "The event that caused this one"),
        opt("correlation", "ID", "The logical flow; default OBS_CORRELATION_ID, the CI run, the trace"),
        TIME,
        DURABLE,
        flag("print-id", "Print the event's id"),
    ],
};

const METRIC_OPTIONS: &[Opt] = &[
    opt(
        "labels",
        "JSON",
        "A JSON object of labels; @FILE reads a file, - standard input",
    ),
    opt("unit", "UNIT", "Unit by UCUM: s, By, {request}"),
    opt("help-text", "TEXT", "What the metric is, in one line"),
    TIME,
    DURABLE,
];

const LABELS: Positional = Positional {
    name: "K=V",
    help: "Labels: k=v is a string, k:=JSON is typed, k@=FILE reads a file",
    required: false,
    many: true,
};

const INC: Words = Words {
    name: "metric inc",
    about: "Add to a counter",
    more: "Example:\n  obs metric inc jobs_total 1 status=success",
    positionals: &[
        need("NAME", "Metric name"),
        may("VALUE", "Increment, not negative; default 1"),
        LABELS,
    ],
    options: METRIC_OPTIONS,
};

const SET: Words = Words {
    name: "metric set",
    about: "Set a gauge",
    more: "Example:\n  obs metric set queue_length 12 queue=mail",
    positionals: &[
        need("NAME", "Metric name"),
        need("VALUE", "The value"),
        LABELS,
    ],
    options: METRIC_OPTIONS,
};

const OBSERVE: Words = Words {
    name: "metric observe",
    about: "Add an observation to a histogram",
    more: "Example:\n  obs metric observe job_duration_seconds 1.7 --unit s --buckets 0.1,1,10",
    positionals: &[
        need("NAME", "Metric name"),
        need("VALUE", "The observed value"),
        LABELS,
    ],
    options: &[
        opt("buckets", "N,N,…", "Upper bounds of the buckets, rising"),
        opt(
            "labels",
            "JSON",
            "A JSON object of labels; @FILE reads a file, - standard input",
        ),
        opt("unit", "UNIT", "Unit by UCUM: s, By, {request}"),
        opt("help-text", "TEXT", "What the metric is, in one line"),
        TIME,
        DURABLE,
    ],
};

const START: Words = Words {
    name: "span start",
    about: "Start a span and print what the shell must eval to be inside it",
    more: "\
The span lives in a file until `obs span end`, from this or any other process; no daemon. It is the child of the current
span, or the root of a new trace. If its owner (the calling shell) goes away first, it is reported as abandoned.

Examples:
  eval \"$(obs span start build target=all)\"
  eval (obs span start build | string collect)     # fish
  obs span start deploy --owner 0 --ttl 2h --json  # ended elsewhere",
    positionals: &[need("NAME", "Name of the span, of few different values"), ATTRIBUTES],
    options: &[
        choice("kind", "KIND", "client, consumer, internal, producer or server; default internal", KINDS),
        OBJECT,
        opt("parent", "TRACEPARENT", "The parent; default TRACEPARENT of the environment"),
        opt("owner", "PID", "The process it lives with; 0 for none; default the calling shell"),
        opt("ttl", "TIME", "Abandoned after this long, such as 2h"),
        opt("start", "TIME", "When it started; default now"),
        SHELL,
        JSON_OUT,
        DURABLE,
    ],
};

const END: Words = Words {
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
        DURABLE,
    ],
};

const EVENT: Words = Words {
    name: "span event",
    about: "Add a moment to the current span",
    more: "Example:\n  obs span event 'cache miss' key=abc",
    positionals: &[need("NAME", "What happened"), ATTRIBUTES],
    options: &[SPAN, OBJECT, TIME, DURABLE],
};

const SET_ATTRIBUTES: Words = Words {
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

const LINK: Words = Words {
    name: "span link",
    about: "Link the current span to another one",
    more: "Example:\n  obs span link \"$OTHER_TRACEPARENT\" reason=retry",
    positionals: &[need("TRACEPARENT", "The other span"), ATTRIBUTES],
    options: &[SPAN, OBJECT, DURABLE],
};

const SET_STATUS: Words = Words {
    name: "span status",
    about: "Set the status of the current span",
    more: "Example:\n  obs span status error 'no space left'",
    positionals: &[
        need("STATUS", "ok, error or unset"),
        may("MESSAGE", "Why, with error"),
    ],
    options: &[SPAN, DURABLE],
};

const RECORD: Words = Words {
    name: "span record",
    about: "Record a span that already happened",
    more: "\
Example:
  s=$(date +%s%N); archive_tasks; obs span record archive_tasks --start \"$s\" --end \"$(date +%s%N)\"",
    positionals: &[need("NAME", "Name of the span, of few different values"), ATTRIBUTES],
    options: &[
        opt("start", "TIME", "When it started: RFC 3339, or epoch s, ms, µs, ns"),
        opt("end", "TIME", "When it ended; default now"),
        choice("kind", "KIND", "client, consumer, internal, producer or server; default internal", KINDS),
        choice("status", "STATUS", "ok, error or unset", STATUS),
        opt("message", "TEXT", "Why, with --status error"),
        opt("span", "ID", "Its own id, 16 hex digits; default a new one"),
        opt("parent", "TRACEPARENT", "The parent; default TRACEPARENT of the environment"),
        OBJECT,
        flag("print-id", "Print its traceparent"),
        DURABLE,
    ],
};

/// Every hot command.
pub const COMMANDS: &[&Words] = &[
    &LOG,
    &EMIT,
    &INC,
    &SET,
    &OBSERVE,
    &START,
    &END,
    &EVENT,
    &SET_ATTRIBUTES,
    &LINK,
    &SET_STATUS,
    &RECORD,
];

/// What a group of hot commands is about.
pub const GROUPS: &[(&str, &str)] = &[
    ("metric", "Record a metric point: inc, set, observe"),
    (
        "span",
        "Record spans: start, end, event, set, link, status, record",
    ),
];

/// The hot command of this name.
pub fn find(name: &str) -> Option<&'static Words> {
    COMMANDS.iter().find(|words| words.name == name).copied()
}
