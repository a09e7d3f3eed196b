//! Reading the sinks: from the `[[sink]]` entries of the home's `config.toml` and from the exporter's variables. What is wrong
//! with one is told with its place, and the others are there all the same.

use super::SinkKind::{self, Otlp, Stdout};
use super::SinkSettings;
use super::keys::{SINK_KEYS, SinkKey};
use crate::error::Error;
use crate::model::Signal;
use crate::settings::check;
use crate::world::World;
use sha2::{Digest, Sha256};
use std::fs;
use std::path::Path;

/// Names of the variables that say where to.
const ENDPOINTS: [&str; 4] = [
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
];

/// True where the exporter's variables name an endpoint.
pub(in crate::settings) fn in_variables(world: &World) -> bool {
    ENDPOINTS.iter().any(|name| world.var_os(name).is_some())
}

/// All sinks: those of the home's `config.toml`, then the one of the variables. What is wrong with one is an error that names
/// the place; the others are there all the same.
pub fn sinks(home: Option<&Path>, world: &World) -> (Vec<SinkSettings>, Vec<Error>) {
    let (mut sinks, mut errors) = (Vec::new(), Vec::new());
    if let Some(home) = home {
        for one in of_file(&home.join("config.toml")) {
            match one {
                Ok(sink)
                    if sinks
                        .iter()
                        .any(|other: &SinkSettings| other.name == sink.name) =>
                {
                    let hint = "each sink needs a name of its own: its cursor bears it";
                    errors.push(
                        Error::usage(format!("{}: a second sink `{}`", sink.place, sink.name))
                            .hint(hint),
                    );
                }
                Ok(sink) => sinks.push(sink),
                Err(error) => errors.push(error),
            }
        }
    }
    sinks.extend(of_variables(world));
    sinks.extend(
        STDOUTS
            .iter()
            .filter_map(|(word, name, format)| of_list(world, word, (name, format))),
    );
    (sinks, errors)
}

/// The sink of the variables. Its name holds where it sends to, so that another endpoint begins with a cursor of its own.
fn of_variables(world: &World) -> Option<SinkSettings> {
    if !in_variables(world) {
        return None;
    }
    let mut hash = Sha256::new();
    let protocols = ENDPOINTS.map(|name| name.replace("ENDPOINT", "PROTOCOL"));
    for name in ENDPOINTS
        .into_iter()
        .chain(protocols.iter().map(String::as_str))
    {
        hash.update(world.var_os(name).unwrap_or_default().as_encoded_bytes());
        hash.update([0]);
    }
    let hash = hash.finalize();
    let name: String = hash
        .iter()
        .take(6)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Some(SinkSettings {
        name: format!("env-{name}"),
        kind: Otlp,
        place: "the variables OTEL_EXPORTER_OTLP_*".to_owned(),
        is_from_variables: true,
        values: Vec::new(),
    })
}

/// The words of OTEL_*_EXPORTER for standard output: the name of the sink and what its lines are.
const STDOUTS: &[(&str, &str, &str)] = &[
    ("console", "env-console", "obs"),
    ("otlp/stdout", "env-stdout", "otlp-json"),
];

/// The sink of the signals whose exporter list has this word. Events are log records to OpenTelemetry.
fn of_list(world: &World, word: &str, (name, format): (&str, &str)) -> Option<SinkSettings> {
    let has = |signal: &Signal| {
        let list = world.var(match signal {
            Signal::Events | Signal::Logs => "OTEL_LOGS_EXPORTER",
            Signal::Metrics => "OTEL_METRICS_EXPORTER",
            Signal::Spans => "OTEL_TRACES_EXPORTER",
        });
        let list = list.unwrap_or_default();
        let names = |wanted: &str| {
            list.split(',')
                .any(|one| one.trim().eq_ignore_ascii_case(wanted))
        };
        // beside `none` nothing is exported
        names(word) && !names("none")
    };
    let signals: Vec<String> = Signal::ALL
        .iter()
        .filter(|signal| has(signal))
        .map(|signal| signal.name().to_owned())
        .collect();
    (!signals.is_empty()).then(|| SinkSettings {
        name: name.to_owned(),
        kind: Stdout,
        place: "the variables OTEL_*_EXPORTER".to_owned(),
        is_from_variables: true,
        values: vec![
            ("signals".to_owned(), signals),
            ("format".to_owned(), vec![format.to_owned()]),
        ],
    })
}

/// The `[[sink]]` entries of a file; one that is not there has none.
fn of_file(path: &Path) -> Vec<Result<SinkSettings, Error>> {
    let Ok(text) = fs::read_to_string(path) else {
        return Vec::new(); // reading the settings has said why
    };
    let table = match text.parse::<toml::Table>() {
        Ok(table) => table,
        Err(error) => {
            let at = error.span().map_or(0, |span| span.start);
            let before = text.get(..at).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            let wrong = Error::usage(format!("{}:{line}: no sink is read", path.display()));
            return vec![Err(wrong.because(error.message()).hint(KEYS))];
        }
    };
    let lines: Vec<usize> = text
        .lines()
        .enumerate()
        .filter(|(_, line)| line.trim_start().starts_with("[[sink]]"))
        .map(|(number, _)| number + 1)
        .collect();
    let entries = match table.get("sink") {
        Some(toml::Value::Array(entries)) => entries.as_slice(),
        Some(_) => {
            let wrong = Error::usage(format!("{}: `sink` is no list", path.display()));
            return vec![Err(wrong.hint("write each sink under a line `[[sink]]`"))];
        }
        None => &[],
    };
    let read = entries.iter().enumerate().map(|(index, entry)| {
        let place = match lines.get(index) {
            Some(line) => format!("{}:{line}", path.display()),
            None => path.display().to_string(),
        };
        of_entry(entry, place)
    });
    read.collect()
}

/// What helps with any key.
pub(super) const KEYS: &str = "`obs print config` shows every key and what it takes";

fn of_entry(entry: &toml::Value, place: String) -> Result<SinkSettings, Error> {
    let wrong = |what: String| Error::usage(format!("{place}: {what}"));
    let toml::Value::Table(entry) = entry else {
        return Err(wrong("a sink is a table".to_owned()));
    };
    let word = |name: &str| {
        entry
            .get(name)
            .and_then(toml::Value::as_str)
            .unwrap_or_default()
    };
    let kind = SinkKind::ALL
        .into_iter()
        .find(|kind| kind.name() == word("type"));
    let names = SinkKind::ALL.map(SinkKind::name).join(", ");
    let kind = kind.ok_or_else(|| wrong(format!("`type`: expected one of {names}")).hint(KEYS))?;
    let name = word("name").to_owned();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if name.is_empty() || name.len() > 64 || !name.chars().all(plain) || name.starts_with("env-") {
        let hint = "letters, digits, - and _, at most 64, and not `env-` before it";
        return Err(wrong("`name` is missing or cannot be a file name".to_owned()).hint(hint));
    }
    let mut values = Vec::new();
    for (key, value) in entry {
        let row = SINK_KEYS.iter().find(|row| row.key == key);
        let Some(row) = row.filter(|row| row.kinds.contains(&kind)) else {
            let of_kind = SINK_KEYS.iter().filter(|row| row.kinds.contains(&kind));
            let keys: Vec<&str> = of_kind.map(|row| row.key).collect();
            return Err(wrong(format!("unknown key `{key}`")).hint(format!(
                "a sink of type {} takes {}",
                kind.name(),
                keys.join(", ")
            )));
        };
        let items =
            items(row, value).map_err(|why| wrong(format!("`{key}`")).because(why).hint(KEYS))?;
        values.push((key.clone(), items));
    }
    Ok(SinkSettings {
        name,
        kind,
        place,
        is_from_variables: false,
        values,
    })
}

/// The items of a value as the row wants them.
fn items(row: &SinkKey, value: &toml::Value) -> Result<Vec<String>, String> {
    let text = |value: &toml::Value| match value {
        toml::Value::String(text) => Ok(text.clone()),
        toml::Value::Integer(number) => Ok(number.to_string()),
        toml::Value::Boolean(flag) => Ok(flag.to_string()),
        _ => Err("expected a text, a number, true or false".to_owned()),
    };
    match value {
        toml::Value::Array(items) if row.is_list => items
            .iter()
            .map(|item| check(row.shape, &text(item)?))
            .collect(),
        _ if row.is_list => Err("expected a list".to_owned()),
        one => Ok(vec![check(row.shape, &text(one)?)?]),
    }
}

#[cfg(test)]
mod tests {
    use super::super::SinkKind::Nats;
    use super::super::Start;
    use super::*;

    fn read(text: &str) -> (Vec<SinkSettings>, Vec<String>) {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("config.toml"), text).unwrap();
        let (sinks, errors) = sinks(Some(home.path()), &World::of(&[]));
        let plain = |error: Error| error.report().replace(home.path().to_str().unwrap(), "~");
        (sinks, errors.into_iter().map(plain).collect())
    }

    #[test]
    fn sinks_stand_in_their_order() {
        let (sinks, errors) = read(
            "actor = \"a\"\n[[sink]]\nname = \"bus\"\ntype = \"nats\"\nurl = \"nats://h\"\n\
             [[sink]]\nname = \"here\"\ntype = \"file\"\npath = \"/x\"\nkeep = 3\nsignals = [\"logs\"]\nstart = \"all\"\n",
        );
        assert!(errors.is_empty(), "{errors:?}");
        let [bus, here] = sinks.as_slice() else {
            panic!("{sinks:?}")
        };
        assert_eq!(
            (bus.name.as_str(), bus.kind, bus.start()),
            ("bus", Nats, Start::Day)
        );
        assert_eq!(bus.signals(), [Signal::Events]);
        assert_eq!(bus.text("stream"), Some("OBS"));
        assert_eq!(here.signals(), [Signal::Logs]);
        assert_eq!((here.number("keep"), here.start()), (3, Start::All));
        assert_eq!(here.needed("path").unwrap(), "/x");
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let (sinks, errors) = read(
            "[[sink]]\nname = \"a\"\ntype = \"nats\"\n\n[[sink]]\nname = \"a\"\ntype = \"nats\"\n\
             [[sink]]\nname = \"b\"\ntype = \"smoke\"\n[[sink]]\nname = \"c/d\"\ntype = \"file\"\n\
             [[sink]]\nname = \"e\"\ntype = \"file\"\ntopic = \"x\"\n[[sink]]\nname = \"f\"\ntype = \"otlp\"\ntimeout = \"soon\"\n",
        );
        assert_eq!(sinks.len(), 1);
        let firsts: Vec<&str> = errors
            .iter()
            .map(|error| error.lines().next().unwrap())
            .collect();
        assert_eq!(
            firsts,
            [
                "obs: ~/config.toml:5: a second sink `a`",
                "obs: ~/config.toml:8: `type`: expected one of command, file, kafka, nats, otlp, webhook",
                "obs: ~/config.toml:11: `name` is missing or cannot be a file name",
                "obs: ~/config.toml:14: unknown key `topic`",
                "obs: ~/config.toml:18: `timeout`: expected a whole number",
            ]
        );
    }

    #[test]
    fn sink_of_the_variables_bears_its_endpoint() {
        let name = |env: &[(&str, &str)]| {
            let (sinks, _) = sinks(None, &World::of(env));
            sinks.first().map(|sink| sink.name.clone())
        };
        assert_eq!(name(&[]), None);
        assert_eq!(name(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "")]), None);
        let one = name(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a")]).unwrap();
        assert!(one.starts_with("env-") && one.len() == 16, "{one}");
        assert_ne!(
            name(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://b")]),
            Some(one.clone())
        );
        let grpc = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ];
        assert_ne!(name(&grpc), Some(one));
    }
}
