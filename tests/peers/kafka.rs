//! The Kafka sink against a real broker in KRaft mode; what it stored is read back by Kafka's own console consumer.

use crate::bus::{
    Server, certificates, deliver, event, events, free_port, missing, program, send, sink, stored,
};
use obs::model::{Level, Log, Record, Signal};
use obs::ship::{Answer, Load, Stored};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, Weak, mpsc};
use std::thread;

const PASSWORD: &str = "s3cret-word";

/// A broker, with where its other listeners are.
struct Broker {
    server: Server,
    java: PathBuf,
    classes: String,
    sasl: u16,
    tls: u16,
}

/// What a broker is configured with; `{…}` is filled in.
const PROPERTIES: &str = "\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller},SASL://127.0.0.1:{sasl},TLS://127.0.0.1:{tls}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},SASL://127.0.0.1:{sasl},TLS://127.0.0.1:{tls}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL:SASL_PLAINTEXT,TLS:SSL
listener.name.sasl.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.sasl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_ada=\"{password}\";
listener.name.sasl.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
ssl.keystore.type=PEM
ssl.keystore.location={dir}/keystore.pem
ssl.truststore.type=PEM
ssl.truststore.location={dir}/ca.pem
ssl.client.auth=required
log.dirs={dir}/data
auto.create.topics.enable=false
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
";

/// Where `tests/peers/kafka.sh` puts the broker's jars.
fn jars() -> Option<PathBuf> {
    let home = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache"));
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let jars = cache.or_else(home)?.join("obs-tests/kafka-3.9.1/lib");
    match jars.is_dir() {
        true => Some(jars),
        false => missing(&jars.display().to_string()),
    }
}

impl Broker {
    fn start() -> Option<Self> {
        let (java, jars) = (program("java")?, jars()?);
        let dir = tempfile::tempdir().unwrap();
        certificates(dir.path())?;
        let read = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap();
        let keystore = read("server.key") + &read("server.pem");
        fs::write(dir.path().join("keystore.pem"), keystore).unwrap();
        let [port, controller, sasl, tls] = [(); 4].map(|()| free_port());
        let mut text = PROPERTIES.replace("{dir}", dir.path().to_str().unwrap());
        for (name, port) in [
            ("{port}", port),
            ("{controller}", controller),
            ("{sasl}", sasl),
            ("{tls}", tls),
        ] {
            text = text.replace(name, &port.to_string());
        }
        let text = text.replace("{password}", PASSWORD);
        fs::write(dir.path().join("server.properties"), text).unwrap();
        let classes = format!("{}/*", jars.display());
        let scram = |size| format!("SCRAM-SHA-{size}=[name=ada,password={PASSWORD}]");
        let formatted = Command::new(&java)
            .args(["-cp", &classes, "kafka.tools.StorageTool", "format"])
            .args(["-t", "MkU3OEVBNTcwNTJENDM2Qg", "-c", "server.properties"])
            .args(["--add-scram", &scram(256), "--add-scram", &scram(512)])
            .current_dir(dir.path())
            .output()
            .unwrap();
        assert!(formatted.status.success(), "{formatted:?}");
        let words = [
            "-Xmx400m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-cp",
            &classes,
            "kafka.Kafka",
            "{dir}/server.properties",
        ];
        let server = Server::start(&java, dir, port, &words);
        Some(Self {
            server,
            java,
            classes,
            sasl,
            tls,
        })
    }

    fn keys(&self, topic: &str, more: &str) -> String {
        keys(self.server.port, topic, more)
    }

    /// All of a topic by Kafka's own consumer: headers, key and value, by tabs.
    fn consumed(&self, topic: &str) -> Vec<String> {
        let address = format!("127.0.0.1:{}", self.server.port);
        let output = Command::new(&self.java)
            .args(["-XX:TieredStopAtLevel=1", "-cp", &self.classes])
            .arg("org.apache.kafka.tools.consumer.ConsoleConsumer")
            .args(["--bootstrap-server", &address, "--topic", topic])
            .args(["--from-beginning", "--timeout-ms", "8000"])
            .args(["--property", "print.headers=true"])
            .args(["--property", "print.key=true"])
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(str::to_owned).collect()
    }
}

fn keys(port: u16, topic: &str, more: &str) -> String {
    format!(
        "type = \"kafka\"\nbrokers = \"127.0.0.1:{port}\"\ntopic = \"{topic}\"\ntimeout = 20000\n{more}"
    )
}

/// One broker for the tests that only add a topic; it goes with the last of them.
fn shared() -> Option<Arc<Broker>> {
    static SHARED: Mutex<Weak<Broker>> = Mutex::new(Weak::new());
    let mut shared = match SHARED.lock() {
        Ok(shared) => shared,
        Err(poisoned) => poisoned.into_inner(),
    };
    if let Some(broker) = shared.upgrade() {
        return Some(broker);
    }
    let broker = Arc::new(Broker::start()?);
    *shared = Arc::downgrade(&broker);
    Some(broker)
}

/// The `obs_id` header of a consumed line.
fn id(line: &str) -> String {
    let (_, rest) = line.split_once("obs_id:").unwrap();
    rest.split([',', '\t']).next().unwrap().to_owned()
}

#[test]
fn events_are_read_back_as_cloudevents() {
    let Some(broker) = shared() else { return };
    let mut sink = sink(&broker.keys("made", ""), &[]);
    deliver(&mut *sink, &events(0..100));
    let said = sink.probe().unwrap();
    assert!(said.ends_with("brokers: 1, topics: made"), "{said}");
    let lines = broker.consumed("made");
    assert_eq!(lines.len(), 100);
    let ids: BTreeSet<String> = lines.iter().map(|line| id(line)).collect();
    assert_eq!(ids.len(), 100);
    let first = format!("evt_{:026}", 0);
    let line = lines.iter().find(|line| id(line) == first).unwrap();
    let parts: Vec<&str> = line.splitn(3, '\t').collect();
    assert!(
        parts[0].contains("content-type:application/cloudevents+json,"),
        "{line}"
    );
    assert!(
        parts[0].contains("traceparent:00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        "{line}"
    );
    assert_eq!(parts[1], "corr_0");
    let value: serde_json::Value = serde_json::from_str(parts[2]).unwrap();
    assert_eq!(value["type"], "dev.obs.task.state_changed.v1");
    assert_eq!(value["data"]["number"], 0);
}

#[test]
fn binary_mode_and_other_signals_are_read_back() {
    let Some(broker) = shared() else { return };
    let more = "mode = \"binary\"\nsignals = [\"events\", \"logs\"]";
    let mut sink = sink(&broker.keys("two.events", more), &[]);
    let mut event = event(7);
    event.source = "büro".to_owned();
    deliver(&mut *sink, &[stored(event)]);
    let log = Log {
        id: "01J".to_owned(),
        level: Level::Error,
        message: "no".to_owned(),
        ..Log::default()
    };
    let record = Record::Log(Box::new(log));
    let line = record.line();
    let load = [Stored { line, record }];
    let answer = sink.send(Load::Records(Signal::Logs, &load));
    assert!(matches!(answer, Answer::Delivered), "{answer:?}");
    let lines = broker.consumed("two.events");
    assert_eq!(lines.len(), 1);
    for part in [
        "content-type:application/json,",
        "ce_specversion:1.0,",
        "ce_source:/obs/b%C3%BCro,",
        "\tcorr_7\t{\"number\":7}",
    ] {
        assert!(lines[0].contains(part), "{part}: {}", lines[0]);
    }
    let lines = broker.consumed("two.logs");
    assert!(
        lines.len() == 1 && lines[0].contains("\"message\":\"no\""),
        "{lines:?}"
    );
}

#[test]
fn missing_topic_is_made_only_if_allowed() {
    let Some(broker) = shared() else { return };
    deliver(&mut *sink(&broker.keys("first", ""), &[]), &events(0..1));
    let mut sink = sink(&broker.keys("never", "create = false"), &[]);
    let (word, said) = send(&mut *sink, &events(0..1));
    assert_eq!(word, "misconfigured", "{said}");
    assert!(
        said.contains("there is no topic never") && said.contains("create = true"),
        "{said}"
    );
}

#[test]
fn too_large_record_does_not_stop_the_others() {
    let Some(broker) = shared() else { return };
    let mut sink = sink(&broker.keys("large", "format = \"obs\""), &[]);
    let mut large = event(1);
    let long = "x".repeat(1_100_000);
    large.data.insert("long".to_owned(), long.into());
    deliver(&mut *sink, &events(0..1));
    let (word, said) = send(&mut *sink, &[stored(event(2)), stored(large)]);
    assert_eq!(word, "permanent", "{said}");
    deliver(&mut *sink, &events(2..3));
    assert_eq!(broker.consumed("large").len(), 2);
}

#[test]
fn sasl_lets_in_who_knows_the_password() {
    let Some(broker) = shared() else { return };
    deliver(&mut *sink(&broker.keys("secret", ""), &[]), &events(0..1));
    for mechanism in ["plain", "scram-sha-256", "scram-sha-512"] {
        let more = format!("sasl = \"{mechanism}\"\nuser = \"ada\"\npassword_env = \"WORD\"");
        let keys = keys(broker.sasl, "secret", &more);
        let mut known = sink(&keys, &[("WORD", PASSWORD)]);
        assert_eq!(
            send(&mut *known, &events(1..2)),
            ("delivered", String::new())
        );
        let mut unknown = sink(&keys, &[("WORD", "wr0ng-word")]);
        let (word, said) = send(&mut *unknown, &events(2..3));
        assert_eq!(word, "misconfigured", "{mechanism}: {said}");
        assert!(!said.contains("wr0ng"), "{said}");
    }
}

#[test]
fn tls_is_checked_on_both_sides() {
    let Some(broker) = shared() else { return };
    deliver(&mut *sink(&broker.keys("closed", ""), &[]), &events(0..1));
    let place = broker.server.dir.path().to_str().unwrap();
    let with = |files: &str| {
        let keys = keys(broker.tls, "closed", &files.replace("DIR", place));
        sink(&keys, &[])
    };
    let ca = "certificate = \"DIR/ca.pem\"\n";
    let client = "client_certificate = \"DIR/client.pem\"\nclient_key = \"DIR/client.key\"\n";
    let mut good = with(&format!("{ca}{client}"));
    assert_eq!(
        send(&mut *good, &events(1..2)),
        ("delivered", String::new())
    );
    for files in [
        client.to_owned(),
        format!("certificate = \"DIR/other.pem\"\n{client}"),
        ca.to_owned(),
    ] {
        let (word, said) = send(&mut *with(&files), &events(2..3));
        assert_eq!(word, "misconfigured", "{files}: {said}");
    }
}

#[test]
fn killed_broker_loses_nothing() {
    let Some(mut broker) = Broker::start() else {
        return;
    };
    let keys = broker.keys("killed", "");
    let (sent, told) = mpsc::channel();
    let sending = thread::spawn(move || {
        let mut sink = sink(&keys, &[]);
        let mut again = 0;
        for load in 0..40_u64 {
            again += deliver(&mut *sink, &events(load * 500..(load + 1) * 500));
            sent.send(load).unwrap();
        }
        again
    });
    while told.recv().unwrap() < 15 {}
    broker.server.kill();
    broker.server.again();
    let again = sending.join().unwrap();
    let lines = broker.consumed("killed");
    let ids: BTreeSet<String> = lines.iter().map(|line| id(line)).collect();
    println!(
        "{again} loads were sent again, {} records twice",
        lines.len() - ids.len()
    );
    assert_eq!(ids.len(), 20_000);
    let most = usize::try_from(again).unwrap() * 500;
    assert!(lines.len() <= 20_000 + most, "{}", lines.len());
}
