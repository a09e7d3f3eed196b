//! Every setting in one table: variable, key in `config.toml`, default, one line of help.

/// What a setting's text must look like.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// `true` or `false`.
    Bool,
    /// A number of bytes, at least the given one.
    Bytes(u64),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A number of milliseconds.
    Millis,
    /// A whole number, at least the given one.
    Number(u64),
    /// Any text.
    Text,
}

/// One row of the table.
#[derive(Debug)]
pub struct Setting {
    /// Its environment variable.
    pub variable: &'static str,
    /// Its key in `config.toml`; none where only the environment may say it.
    pub key: Option<&'static str>,
    /// Its value when nobody says otherwise.
    pub default: &'static str,
    /// What it takes.
    pub shape: Shape,
    /// What it does.
    pub help: &'static str,
}

const fn row(
    variable: &'static str,
    key: Option<&'static str>,
    default: &'static str,
    shape: Shape,
    help: &'static str,
) -> Setting {
    Setting {
        variable,
        key,
        default,
        shape,
        help,
    }
}

const ACTORS: &[&str] = &["user", "agent", "ci"];
const CONTRACTS: &[&str] = &["collector", "grafana", "runner"];
const LEVELS: &[&str] = &["debug", "info", "warning", "error", "critical"];
const STREAMS: &[&str] = &["split", "stdout", "stderr", "off"];
const FLUSHES: &[&str] = &["auto", "manual"];
const FORMATS: &[&str] = &["auto", "pretty", "json", "logfmt", "github"];

/// The table.
pub const SETTINGS: &[Setting] = &[
    row(
        "OBS_HOME",
        None,
        "~/.specify",
        Shape::Text,
        "folder of the journal",
    ),
    row(
        "OBS_STRICT",
        None,
        "false",
        Shape::Bool,
        "exit 3 when a record was not accepted, 2 when it was refused",
    ),
    row(
        "OBS_DEBUG",
        None,
        "false",
        Shape::Bool,
        "say on stderr what went wrong with a record",
    ),
    row(
        "OBS_ACTOR",
        Some("actor"),
        "",
        Shape::Text,
        "actor.id of events; else the CI's actor, USER, the user id",
    ),
    row(
        "OBS_ACTOR_TYPE",
        None,
        "",
        Shape::Choice(ACTORS),
        "actor.type of events; else agent, ci or user, as the environment tells",
    ),
    row(
        "OBS_CORRELATION_ID",
        None,
        "",
        Shape::Text,
        "correlation_id of events; else the CI run's or the trace's",
    ),
    row(
        "OBS_CI_IDS",
        None,
        "collector",
        Shape::Choice(CONTRACTS),
        "whose trace ids a run of GitHub Actions has, for `obs context ci`",
    ),
    row(
        "OBS_LOG_LEVEL",
        Some("log.level"),
        "info",
        Shape::Choice(LEVELS),
        "least level that is journalled and shown",
    ),
    row(
        "OBS_LOG_STREAM",
        Some("log.stream"),
        "split",
        Shape::Choice(STREAMS),
        "where `obs log` shows: split sends ERROR and CRITICAL to stderr",
    ),
    row(
        "OBS_LOG_FORMAT",
        Some("log.format"),
        "auto",
        Shape::Choice(FORMATS),
        "how `obs log` shows: auto is pretty on a terminal, else json",
    ),
    row(
        "OBS_LOG_GROUPS",
        Some("log.groups"),
        "false",
        Shape::Bool,
        "in GitHub Actions: what comes between start and end of an outermost span is a group",
    ),
    row(
        "OBS_DURABLE",
        Some("journal.durable"),
        "false",
        Shape::Bool,
        "wait for the disk after every record",
    ),
    row(
        "OBS_LOCK_TIMEOUT",
        Some("journal.lock_timeout"),
        "250",
        Shape::Millis,
        "milliseconds to wait for the journal's lock before spilling",
    ),
    row(
        "OBS_ROTATE_BYTES",
        Some("journal.rotate_bytes"),
        "16777216",
        Shape::Bytes(4096),
        "size at which an active file is sealed",
    ),
    row(
        "OBS_RECORD_BYTES",
        Some("journal.record_bytes"),
        "262144",
        Shape::Bytes(4096),
        "longest record; longer ones are cut and say so",
    ),
    row(
        "OBS_KEEP_BYTES",
        Some("journal.keep_bytes"),
        "1073741824",
        Shape::Bytes(0),
        "bytes of each signal that are kept once every sink has acknowledged them",
    ),
    row(
        "OBS_KEEP_DAYS",
        Some("journal.keep_days"),
        "30",
        Shape::Number(0),
        "days that records are kept once every sink has acknowledged them",
    ),
    row(
        "OBS_KEEP_FREE",
        Some("journal.keep_free"),
        "5",
        Shape::Number(0),
        "percent of the file system that stay free: below, what no sink has acknowledged goes too",
    ),
    row(
        "OBS_HARD_BYTES",
        Some("journal.hard_bytes"),
        "4294967296",
        Shape::Bytes(0),
        "bytes of each signal above which what no sink has acknowledged goes too",
    ),
    row(
        "OBS_FLUSH",
        Some("flush"),
        "auto",
        Shape::Choice(FLUSHES),
        "auto: where a sink is configured, calls start a drain in the background, once in 5 s at most",
    ),
    row(
        "OBS_SHIM",
        None,
        "true",
        Shape::Bool,
        "false: wrapped tools run alone, as if obs were not there at all",
    ),
];
