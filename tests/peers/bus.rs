//! What the tests of buses share: programs, ports, sinks made from settings, events, and servers that are killed.

use obs::model::{Event, Record, Signal, TraceRef};
use obs::settings::sinks;
use obs::ship::{Answer, Load, Sink, Stored, open};
use obs::world::World;
use std::borrow::Cow;
use std::ffi::OsString;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Where a program is; none, said aloud, where it is missing.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    let mut found = folders
        .map(|folder| folder.join(name))
        .filter(|path| path.is_file());
    found.next().or_else(|| missing(name))
}

/// Says that something is not there; under `tests/run` that is a failure.
pub(crate) fn missing<T>(name: &str) -> Option<T> {
    let strict = std::env::var_os("OBS_TESTS_STRICT").is_some();
    assert!(!strict, "{name} is missing");
    println!("skipped: {name} is missing");
    None
}

/// A port that nobody listens on.
pub(crate) fn free_port() -> u16 {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    free.local_addr().unwrap().port()
}

/// Waits until something holds.
#[track_caller]
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < end, "{what}: not within 30 s");
        sleep(Duration::from_millis(20));
    }
}

/// A server on a port of its own, killed when it goes.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) dir: TempDir,
    pub(crate) port: u16,
    program: PathBuf,
    words: Vec<OsString>,
    child: Child,
}

impl Server {
    /// Starts a program and waits for its port; `{dir}` and `{port}` stand in its words.
    pub(crate) fn start(program: &Path, dir: TempDir, port: u16, words: &[&str]) -> Self {
        let place = dir.path().to_str().unwrap();
        let fill = |word: &&str| {
            let word = word.replace("{dir}", place);
            OsString::from(word.replace("{port}", &port.to_string()))
        };
        let words: Vec<OsString> = words.iter().map(fill).collect();
        let child = spawn(program, &words, dir.path());
        let mut server = Self {
            dir,
            port,
            program: program.to_owned(),
            words,
            child,
        };
        server.wait();
        server
    }

    fn wait(&mut self) {
        let (port, log) = (self.port, self.dir.path().join("server.log"));
        until("the server's port", || {
            let ended = self.child.try_wait().unwrap();
            let said = || fs::read_to_string(&log).unwrap_or_default();
            assert!(ended.is_none(), "the server ended: {}", said());
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
    }

    /// Ends it at once, as a power cut would.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again where it was.
    pub(crate) fn again(&mut self) {
        self.child = spawn(&self.program, &self.words, self.dir.path());
        self.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(program: &Path, words: &[OsString], dir: &Path) -> Child {
    let log = fs::File::options()
        .create(true)
        .append(true)
        .open(dir.join("server.log"))
        .unwrap();
    Command::new(program)
        .args(words)
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap()
}

/// A sink of these keys and variables.
#[track_caller]
pub(crate) fn sink(keys: &str, env: &[(&str, &str)]) -> Box<dyn Sink> {
    let home = tempfile::tempdir().unwrap();
    let text = format!("[[sink]]\nname = \"bus\"\n{keys}\n");
    fs::write(home.path().join("config.toml"), text).unwrap();
    let pair = |(name, value): &(&str, &str)| Cow::Owned(format!("{name}={value}").into());
    let world = World::new(Vec::new(), env.iter().map(pair).collect());
    let (found, errors) = sinks(Some(home.path()), &world);
    assert!(errors.is_empty(), "{errors:?}");
    open(&found[0], &world).unwrap_or_else(|error| panic!("{}", error.report()))
}

/// Events of numbers, each with its own id.
pub(crate) fn events(numbers: std::ops::Range<u64>) -> Vec<Stored> {
    numbers.map(|number| stored(event(number))).collect()
}

/// An event of a number.
pub(crate) fn event(number: u64) -> Event {
    let mut event = Event {
        event_id: format!("evt_{number:026}"),
        event_type: "task.state_changed".to_owned(),
        event_version: "1.0".to_owned(),
        timestamp: 1_760_000_000_000_000_000,
        source: "board".to_owned(),
        correlation_id: format!("corr_{}", number % 16),
        trace_context: Some(TraceRef {
            trace_id: "0af7651916cd43dd8448eb211c80319c".to_owned(),
            span_id: "b7ad6b7169203331".to_owned(),
        }),
        ..Event::default()
    };
    event.data.insert("number".to_owned(), number.into());
    event
}

/// As the journal has it.
pub(crate) fn stored(event: Event) -> Stored {
    let record = Record::Event(Box::new(event));
    Stored {
        line: record.line(),
        record,
    }
}

/// Sends events; the answer in a word and what it says.
pub(crate) fn send(sink: &mut dyn Sink, load: &[Stored]) -> (&'static str, String) {
    match sink.send(Load::Records(Signal::Events, load)) {
        Answer::Delivered => ("delivered", String::new()),
        Answer::Failing(why) => ("failing", why.report()),
        Answer::Gone(error) => ("gone", error.report()),
        Answer::Misconfigured(error) => ("misconfigured", error.report()),
        Answer::Partial { why, .. } => ("partial", why),
        Answer::Permanent(why) => ("permanent", why),
        Answer::Retry { why, .. } => ("retry", why.report()),
    }
}

/// Sends until it is delivered: what the drain does. The answer is how often it had to be sent again.
#[track_caller]
pub(crate) fn deliver(sink: &mut dyn Sink, load: &[Stored]) -> u32 {
    let mut again = 0;
    until("a load is delivered", || match send(sink, load) {
        ("delivered", _) => true,
        ("retry", _) => {
            again += 1;
            false
        }
        other => panic!("{other:?}"),
    });
    again
}

/// Certificates made by openssl in a folder: an authority `ca`, `server` for 127.0.0.1 and localhost, and `client`; another
/// authority `other`.
pub(crate) fn certificates(dir: &Path) -> Option<()> {
    let openssl = program("openssl")?;
    let run = |words: &str| {
        let output = Command::new(&openssl)
            .args(words.split(' '))
            .current_dir(dir)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{words}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2";
    for name in ["ca", "other"] {
        run(&format!(
            "req -x509 {key} -keyout {name}.key -out {name}.pem -subj /CN={name}"
        ));
    }
    fs::write(
        dir.join("ext"),
        "subjectAltName=IP:127.0.0.1,DNS:localhost\nbasicConstraints=CA:FALSE\n",
    )
    .unwrap();
    for name in ["server", "client"] {
        run(&format!(
            "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout {name}.key -out {name}.csr -subj /CN={name}"
        ));
        run(&format!(
            "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ext -out {name}.pem"
        ));
    }
    Some(())
}
