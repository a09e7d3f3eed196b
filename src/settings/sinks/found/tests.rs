//! What is read of a config, and what is wrong with it.

use super::*;
use crate::settings::SinkKind::Nats;
use crate::settings::Start;

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
