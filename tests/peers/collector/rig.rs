//! A real Collector on free ports, the certificates it is given, and sinks that send to it.

use obs::error::Error;
use obs::model::Signal;
use obs::settings;
use obs::ship::{self, Answer, Sink, Stored};
use obs::world::World;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::ffi::OsString;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A file that `tests/run` puts into the cache; none, said aloud, where it is missing.
pub(crate) fn cached(path: &str) -> Option<PathBuf> {
    let home = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache"));
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let file = cache.or_else(home)?.join("obs-tests").join(path);
    if file.exists() {
        return Some(file);
    }
    let strict = std::env::var_os("OBS_TESTS_STRICT").is_some();
    assert!(!strict, "{} is missing", file.display());
    println!("skipped: {} is missing", file.display());
    None
}

/// A port that nobody has.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Asks until there is an answer.
#[track_caller]
pub(crate) fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(Instant::now() < end, "{what}: not within 30 s");
        thread::sleep(Duration::from_millis(20));
    }
}

/// A process that ends with the test.
pub(crate) struct Ended(pub(crate) Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How the lines to a Collector's port are secured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Line {
    Mutual,
    Plain,
    Tls,
}

/// A running Collector with a gRPC and an HTTP port for each kind of line, which writes what it gets to files.
pub(crate) struct Collector {
    pub(crate) dir: TempDir,
    ports: Vec<(Line, &'static str, u16)>,
    program: PathBuf,
    process: Option<Ended>,
}

impl Collector {
    /// Starts it; none where it is not built.
    pub(crate) fn start() -> Option<Self> {
        let program = cached("otelcol-0.130.0/otelcol")?;
        let dir = tempfile::tempdir().unwrap();
        make_certificates(dir.path());
        let mut collector = Self {
            dir,
            ports: Vec::new(),
            program,
            process: None,
        };
        // a port that was free a moment ago may be another's now
        until("a Collector on free ports", || {
            collector.ports.clear();
            for line in [Line::Mutual, Line::Plain, Line::Tls] {
                let ports = ["grpc", "http"].map(|transport| (line, transport, free_port()));
                collector.ports.extend(ports);
            }
            let config = settings_of(&collector.ports, collector.dir.path());
            fs::write(collector.path("config.yaml"), config).unwrap();
            collector.is_up().then_some(())
        });
        Some(collector)
    }

    /// Starts it, again on the same ports.
    pub(crate) fn run(&mut self) {
        until("the Collector on its ports", || self.is_up().then_some(()));
    }

    /// Starts it and waits until it is ready; false where it ended instead.
    fn is_up(&mut self) -> bool {
        let log = self.path("log");
        let mut command = Command::new(&self.program);
        command
            .arg("--config")
            .arg(self.path("config.yaml"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(&log).unwrap());
        let mut process = Ended(command.spawn().unwrap());
        let is_up = until("the Collector's word", || {
            let said = fs::read_to_string(&log).unwrap_or_default();
            match process.0.try_wait().unwrap() {
                Some(_) => Some(false),
                None => said.contains("Everything is ready").then_some(true),
            }
        });
        self.process = Some(process);
        is_up
    }

    /// Kills it.
    pub(crate) fn kill(&mut self) {
        self.process = None;
    }

    /// The port of a line.
    pub(crate) fn port(&self, line: Line, transport: &str) -> u16 {
        let mut ports = self.ports.iter();
        let found = ports.find(|(other, name, _)| *other == line && *name == transport);
        found.unwrap().2
    }

    /// A file of the test's folder.
    pub(crate) fn path(&self, name: &str) -> String {
        self.dir.path().join(name).display().to_string()
    }

    /// What was written for a signal, one request a line.
    pub(crate) fn written(&self, signal: &str) -> Vec<Value> {
        let text = fs::read_to_string(self.path(&format!("{signal}.jsonl"))).unwrap_or_default();
        let whole = text
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n'));
        whole
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

fn settings_of(ports: &[(Line, &str, u16)], dir: &Path) -> String {
    let dir = dir.display();
    let mut text = String::from("receivers:\n");
    for line in [Line::Mutual, Line::Plain, Line::Tls] {
        text.push_str(&format!("  otlp/{line:?}:\n    protocols:\n"));
        for (_, transport, port) in ports.iter().filter(|(other, _, _)| *other == line) {
            text.push_str(&format!(
                "      {transport}:\n        endpoint: 127.0.0.1:{port}\n"
            ));
            if line != Line::Plain {
                text.push_str(&format!(
                    "        tls:\n          cert_file: {dir}/server.pem\n          key_file: {dir}/server.key\n"
                ));
            }
            if line == Line::Mutual {
                text.push_str(&format!("          client_ca_file: {dir}/ca.pem\n"));
            }
        }
    }
    text.push_str("exporters:\n");
    for signal in ["traces", "logs", "metrics"] {
        text.push_str(&format!(
            "  file/{signal}: {{path: {dir}/{signal}.jsonl, flush_interval: 50ms}}\n"
        ));
    }
    text.push_str("service:\n  telemetry: {metrics: {level: none}}\n  pipelines:\n");
    for signal in ["traces", "logs", "metrics"] {
        text.push_str(&format!(
            "    {signal}: {{receivers: [otlp/Mutual, otlp/Plain, otlp/Tls], exporters: [file/{signal}]}}\n"
        ));
    }
    text
}

/// An authority, and a server's and a client's certificate of it; the server's is for the name only, not for its address.
pub(crate) fn make_certificates(dir: &Path) {
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    openssl(
        dir,
        &format!("req -x509 {key} -keyout ca.key -out ca.pem -days 2 -subj /CN=obs-tests"),
    );
    fs::write(dir.join("names"), "subjectAltName=DNS:localhost\n").unwrap();
    for (name, days) in [("server", "2"), ("client", "2"), ("ended", "-1")] {
        openssl(
            dir,
            &format!("req {key} -keyout {name}.key -out {name}.csr -subj /CN={name}"),
        );
        openssl(
            dir,
            &format!(
                "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days {days} -extfile names -out {name}.pem"
            ),
        );
    }
}

fn openssl(dir: &Path, words: &str) {
    let mut command = Command::new("openssl");
    let output = command.args(words.split(' ')).current_dir(dir).output();
    let output = output.unwrap();
    assert!(output.status.success(), "openssl {words}: {output:?}");
}

/// A world of these variables.
pub(crate) fn world(env: &[(&str, &str)]) -> World {
    let pair = |(name, value): &(&str, &str)| Cow::Owned(OsString::from(format!("{name}={value}")));
    World::new(vec!["obs".into()], env.iter().map(pair).collect())
}

/// The sink that these variables of the exporter describe, without their common beginning.
pub(crate) fn sink(env: &[(&str, &str)]) -> Result<Box<dyn Sink>, Error> {
    let names: Vec<String> = env
        .iter()
        .map(|(name, _)| format!("OTEL_EXPORTER_OTLP_{name}"))
        .collect();
    let pairs = names
        .iter()
        .map(String::as_str)
        .zip(env.iter().map(|(_, value)| *value));
    let world = world(&pairs.collect::<Vec<_>>());
    let (sinks, errors) = settings::sinks(None, &world);
    assert!(errors.is_empty(), "{errors:?}");
    ship::open(&sinks[0], &world)
}

/// The record of a line, as the drain hands it over.
pub(crate) fn stored(signal: Signal, line: &Value) -> Stored {
    let mut line = line.to_string().into_bytes();
    line.push(b'\n');
    let record = signal.read(&line).unwrap();
    Stored { line, record }
}

/// An answer in words.
pub(crate) fn word(answer: &Answer) -> String {
    match answer {
        Answer::Delivered => "delivered".to_owned(),
        Answer::Failing(why) => format!("failing: {}", why.report()),
        Answer::Gone(error) => format!("gone: {}", error.report()),
        Answer::Misconfigured(error) => format!("misconfigured: {}", error.report()),
        Answer::Partial { rejected, why } => format!("partial {rejected}: {why}"),
        Answer::Permanent(why) => format!("permanent: {why}"),
        Answer::Retry { after, why } => format!("retry {after:?}: {}", why.report()),
    }
}

/// JSON of protobuf without what is only a default, numbers in one form: writers differ there.
pub(crate) fn plain(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(plain).collect(),
        Value::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(key, value)| (key.clone(), plain(value)));
            let mut fields: Vec<_> = fields.filter(|(_, value)| !is_default(value)).collect();
            fields.sort_by(|(one, _), (other, _)| one.cmp(other));
            Value::Object(fields.into_iter().collect::<Map<_, _>>())
        }
        Value::Number(number) => Value::String(number.as_f64().unwrap().to_string()),
        other => other.clone(),
    }
}

fn is_default(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.is_empty(),
        Value::Bool(flag) => !flag,
        Value::Null => true,
        Value::Number(_) => false,
        Value::Object(fields) => fields.is_empty(),
        Value::String(text) => text.is_empty() || text == "0",
    }
}
