//! The words of the hot commands, in one const table: the hot parser reads it, and help, man pages and completions are
//! made from it. Help text lives here and nowhere else.

mod span;

pub use span::EXEC;

/// An option of a hot command.
#[derive(Debug)]
pub struct Opt {
    /// Its name without the dashes.
    pub long: &'static str,
    /// Its one letter, where it has one.
    pub short: Option<char>,
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
        short: None,
        value: None,
        help,
        choices: &[],
    }
}

const fn opt(long: &'static str, value: &'static str, help: &'static str) -> Opt {
    Opt {
        long,
        short: None,
        value: Some(value),
        help,
        choices: &[],
    }
}

const fn lettered(short: char, opt: Opt) -> Opt {
    Opt {
        short: Some(short),
        ..opt
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
        short: None,
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

/// The first word of a command whose further words come through standard input.
pub const STDIN0: &str = "--stdin0";

const DURABLE: Opt = flag("durable", "Wait until the record is on the disk");
const TIME: Opt = opt(
    "time",
    "TIME",
    "When it happened: RFC 3339, or epoch s, ms, µs, ns",
);
const OBJECT: Opt = opt(
    "attributes",
    "JSON",
    "A JSON object of attributes; @FILE reads a file, - standard input",
);

const LOG: Words = Words {
    name: "log",
    about: "Record a log message, and show it as the script would have",
    more: "\
LEVEL is debug, info, warning, error or critical (trace, warn and fatal are taken too) and counts as one only when a
MESSAGE follows. Options stand before LEVEL or after MESSAGE. `--` ends them: write it where the message comes from a
variable, `obs log error -- \"$message\"`. No word is ever wrong here: what is no attribute is kept in context.args.
With --stdin0 as the first word, as in all these commands, the others come through standard input, each ended by a NUL
byte: for a message that is too long for a command line.

The message is also shown: DEBUG, INFO and WARNING on standard output, ERROR and CRITICAL on standard error; coloured on
a terminal, else as the JSON line. OBS_LOG_STREAM and OBS_LOG_FORMAT change that, OBS_LOG_LEVEL sets the threshold. No
line is cut. In GitHub Actions warnings and errors are annotations too, and no message can make a command of its own.

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
  id=$(obs emit build.started --print-id)
  obs emit build.finished --causation \"$id\"",
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

/// Every hot command.
pub const COMMANDS: &[&Words] = &[
    &LOG,
    &EMIT,
    &INC,
    &SET,
    &OBSERVE,
    &span::START,
    &span::END,
    &span::EVENT,
    &span::SET_ATTRIBUTES,
    &span::LINK,
    &span::SET_STATUS,
    &span::RECORD,
    &span::EXEC,
];

/// What a group of hot commands is about.
pub const GROUPS: &[(&str, &str)] = &[
    ("metric", "Record a metric point: inc, set, observe"),
    (
        "span",
        "Record spans: exec, start, end, event, set, link, status, record",
    ),
];

/// The hot command of this name.
pub fn find(name: &str) -> Option<&'static Words> {
    COMMANDS.iter().find(|words| words.name == name).copied()
}
