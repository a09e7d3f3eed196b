//! The NATS sink against a real nats-server with JetStream.

use crate::bus::{
    Server, certificates, deliver, event, events, free_port, program, send, sink, stored,
};
use async_nats::jetstream::stream::{Info, StorageType};
use async_nats::jetstream::{self, Context};
use async_nats::{ConnectOptions, HeaderMap};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use obs::model::{Level, Log, Record, Signal};
use obs::ship::{Answer, Load, Stored};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::future::Future;
use std::os::unix::fs::PermissionsExt;
use std::sync::mpsc;
use std::thread;
use tempfile::TempDir;

const PASSWORD: &str = "s3cret-word";

/// A server that is configured by a text.
fn server(config: &str) -> Option<Server> {
    in_folder(tempfile::tempdir().unwrap(), config)
}

fn in_folder(dir: TempDir, config: &str) -> Option<Server> {
    let program = program("nats-server")?;
    let place = dir.path().to_str().unwrap();
    let port = free_port();
    let text = format!(
        "listen: \"127.0.0.1:{port}\"\n{}\n",
        config.replace("{dir}", place)
    );
    fs::write(dir.path().join("nats.conf"), text).unwrap();
    Some(Server::start(
        &program,
        dir,
        port,
        &["-c", "{dir}/nats.conf"],
    ))
}

const JETSTREAM: &str = "jetstream { store_dir: \"{dir}/data\" }";

fn plain() -> Option<Server> {
    server(JETSTREAM)
}

fn keys(server: &Server, more: &str) -> String {
    format!(
        "type = \"nats\"\nurl = \"nats://127.0.0.1:{}\"\ntimeout = 5000\n{more}",
        server.port
    )
}

/// Asks the server by the official client.
fn ask<T, F: Future<Output = T>>(server: &Server, question: impl FnOnce(Context) -> F) -> T {
    asked_by(server, ConnectOptions::new(), question)
}

fn asked_by<T, F: Future<Output = T>>(
    server: &Server,
    options: ConnectOptions,
    question: impl FnOnce(Context) -> F,
) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let address = format!("127.0.0.1:{}", server.port);
        let client = options.connect(address).await.unwrap();
        question(jetstream::new(client)).await
    })
}

fn info(server: &Server) -> Info {
    ask(server, async |jetstream| {
        let stream = jetstream.get_stream("OBS").await.unwrap();
        stream.cached_info().clone()
    })
}

/// A stored message: its subject, headers and body.
struct Kept {
    subject: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Kept {
    fn header(&self, name: &str) -> String {
        let value = self.headers.get(name);
        value.map(ToString::to_string).unwrap_or_default()
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

fn kept(server: &Server) -> Vec<Kept> {
    ask(server, async |jetstream| {
        let stream = jetstream.get_stream("OBS").await.unwrap();
        let state = stream.cached_info().state.clone();
        let mut all = Vec::new();
        for sequence in state.first_sequence..=state.last_sequence {
            let message = stream.get_raw_message(sequence).await.unwrap();
            all.push(Kept {
                subject: message.subject.to_string(),
                headers: message.headers,
                body: message.payload.to_vec(),
            });
        }
        all
    })
}

#[test]
fn events_are_stored_as_cloudevents() {
    let Some(server) = plain() else { return };
    let mut sink = sink(&keys(&server, ""), &[]);
    assert_eq!(send(&mut *sink, &events(0..100)).0, "delivered");
    let kept = kept(&server);
    assert_eq!(kept.len(), 100);
    let first = &kept[0];
    assert_eq!(first.subject, "obs.events.task.state_changed");
    assert_eq!(first.header("Nats-Msg-Id"), format!("evt_{:026}", 0));
    assert_eq!(first.header("Content-Type"), "application/cloudevents+json");
    assert_eq!(
        first.header("traceparent"),
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    );
    assert_eq!(first.json()["type"], "dev.obs.task.state_changed.v1");
    assert_eq!(first.json()["data"]["number"], 0);
    let said = sink.probe().unwrap();
    assert!(said.starts_with("nats-server 2."), "{said}");
    assert!(said.ends_with("stream OBS with 100 messages"), "{said}");
}

#[test]
fn binary_mode_has_attributes_in_headers() {
    let Some(server) = plain() else { return };
    let mut sink = sink(&keys(&server, "mode = \"binary\""), &[]);
    let mut event = event(1);
    event.event_type = "a b.*.>".to_owned();
    event.source = "büro \"1\"".to_owned();
    assert_eq!(send(&mut *sink, &[stored(event)]).0, "delivered");
    let kept = kept(&server);
    let one = &kept[0];
    assert_eq!(one.subject, "obs.events.a_b._._");
    assert_eq!(one.header("ce-specversion"), "1.0");
    assert_eq!(one.header("ce-id"), format!("evt_{:026}", 1));
    assert_eq!(one.header("ce-type"), "dev.obs.a%20b.*.>.v1");
    assert_eq!(one.header("ce-datacontenttype"), "application/json");
    assert_eq!(one.header("Content-Type"), "application/json");
    assert_eq!(one.json(), serde_json::json!({"number": 1}));
}

#[test]
fn other_signals_have_subjects_of_their_own() {
    let Some(server) = plain() else { return };
    let keys = keys(&server, "signals = [\"events\", \"logs\"]");
    let mut sink = sink(&keys, &[]);
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
    let kept = kept(&server);
    assert_eq!(kept[0].subject, "obs.logs.error");
    assert_eq!(kept[0].json()["message"], "no");
    assert_eq!(kept[0].header("Nats-Msg-Id"), "01J");
    let config = info(&server).config;
    assert_eq!(config.subjects, ["obs.events.>", "obs.logs.>"]);
}

#[test]
fn stream_is_made_to_last() {
    let Some(server) = plain() else { return };
    let mut sink = sink(&keys(&server, ""), &[]);
    assert_eq!(send(&mut *sink, &events(0..1)).0, "delivered");
    let config = info(&server).config;
    assert_eq!(config.subjects, ["obs.events.>"]);
    assert_eq!(config.storage, StorageType::File);
    assert_eq!(config.duplicate_window.as_secs(), 24 * 60 * 60);
    assert_eq!(config.max_age.as_secs(), 0);
}

#[test]
fn missing_stream_is_made_only_if_allowed() {
    let Some(server) = plain() else { return };
    let mut sink = sink(&keys(&server, "create = false"), &[]);
    let (word, said) = send(&mut *sink, &events(0..1));
    assert_eq!(word, "misconfigured");
    assert!(
        said.contains("there is no stream OBS") && said.contains("create = true"),
        "{said}"
    );
}

#[test]
fn stream_that_does_not_take_them_is_named() {
    let Some(server) = plain() else { return };
    ask(&server, async |jetstream| {
        let config = jetstream::stream::Config {
            name: "OBS".to_owned(),
            subjects: vec!["obs.events.task.*".to_owned()],
            ..Default::default()
        };
        jetstream.create_stream(config).await.unwrap();
    });
    let mut one = sink(&keys(&server, ""), &[]);
    let (word, said) = send(&mut *one, &events(0..1));
    assert_eq!(word, "misconfigured");
    assert!(said.contains("does not take obs.events.>"), "{said}");
    let mut other = sink(&keys(&server, "stream = \"MORE\""), &[]);
    let (word, said) = send(&mut *other, &events(0..1));
    assert_eq!(word, "misconfigured");
    assert!(
        said.contains("another stream takes these subjects"),
        "{said}"
    );
}

#[test]
fn events_sent_again_after_a_restart_are_stored_once() {
    let Some(mut server) = plain() else { return };
    let load = events(0..500);
    let mut one = sink(&keys(&server, ""), &[]);
    assert_eq!(send(&mut *one, &load).0, "delivered");
    server.kill();
    server.again();
    // the old connection is dead: made anew within the same call
    assert_eq!(send(&mut *one, &load).0, "delivered");
    let mut other = sink(&keys(&server, ""), &[]);
    assert_eq!(send(&mut *other, &load).0, "delivered");
    assert_eq!(info(&server).state.messages, 500);
}

#[test]
fn killed_server_loses_and_doubles_nothing() {
    let Some(mut server) = plain() else { return };
    let keys = keys(&server, "");
    let (sent, told) = mpsc::channel();
    let sending = thread::spawn(move || {
        let mut sink = sink(&keys, &[]);
        let mut again = 0;
        for load in 0..60_u64 {
            again += deliver(&mut *sink, &events(load * 500..(load + 1) * 500));
            sent.send(load).unwrap();
        }
        again
    });
    for stop in [5, 25, 45] {
        while told.recv().unwrap() < stop {}
        server.kill();
        server.again();
    }
    let again = sending.join().unwrap();
    let kept = kept(&server);
    let ids: BTreeSet<String> = kept.iter().map(|one| one.header("Nats-Msg-Id")).collect();
    println!("{again} loads were sent again");
    assert_eq!(ids.len(), 30_000);
    assert_eq!(kept.len(), 30_000);
}

#[test]
fn wrong_password_is_told_without_it() {
    let config = format!("{JETSTREAM}\nauthorization {{ user: ada, password: \"{PASSWORD}\" }}");
    let Some(server) = server(&config) else {
        return;
    };
    let keys = keys(&server, "user = \"ada\"\npassword_env = \"WORD\"");
    let mut wrong = sink(&keys, &[("WORD", "wr0ng-word")]);
    let (word, said) = send(&mut *wrong, &events(0..1));
    assert_eq!(word, "misconfigured");
    assert!(said.contains("the server does not know us"), "{said}");
    assert!(!said.contains("wr0ng"), "{said}");
    let mut right = sink(&keys, &[("WORD", PASSWORD)]);
    assert_eq!(send(&mut *right, &events(0..1)).0, "delivered");
}

#[test]
fn token_is_enough() {
    let config = format!("{JETSTREAM}\nauthorization {{ token: \"{PASSWORD}\" }}");
    let Some(server) = server(&config) else {
        return;
    };
    let mut nobody = sink(&keys(&server, ""), &[]);
    assert_eq!(send(&mut *nobody, &events(0..1)).0, "misconfigured");
    let keys = keys(&server, "token_env = \"TOKEN\"");
    let mut known = sink(&keys, &[("TOKEN", PASSWORD)]);
    assert_eq!(send(&mut *known, &events(0..1)).0, "delivered");
}

#[test]
fn nkey_signs_in() {
    // the pair of NATS's own documentation
    let public = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4";
    let seed = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY";
    let config = format!("{JETSTREAM}\nauthorization {{ users: [ {{ nkey: {public} }} ] }}");
    let Some(server) = server(&config) else {
        return;
    };
    let keys = keys(&server, "nkey_env = \"SEED\"");
    let mut known = sink(&keys, &[("SEED", seed)]);
    assert_eq!(send(&mut *known, &events(0..1)).0, "delivered");
    let mut broken = sink(&keys, &[("SEED", "SUAX")]);
    let (word, said) = send(&mut *broken, &events(0..1));
    assert_eq!(word, "misconfigured");
    assert!(
        said.contains("not valid") && !said.contains("SUAX"),
        "{said}"
    );
}

/// A claim of NATS's JWTs, signed by who issues it.
fn jwt(issuer: &nkeys::KeyPair, subject: &nkeys::KeyPair, nats: Value) -> String {
    let claims = serde_json::json!({
        "jti": "obs", "iat": 1_760_000_000, "iss": issuer.public_key(),
        "name": "obs", "sub": subject.public_key(), "nats": nats,
    });
    let head = URL_SAFE_NO_PAD.encode(br#"{"typ":"JWT","alg":"ed25519-nkey"}"#);
    let text = format!("{head}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
    let signature = issuer.sign(text.as_bytes()).unwrap();
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[test]
fn credentials_file_signs_in() {
    let operator = nkeys::KeyPair::new_operator();
    let account = nkeys::KeyPair::new_account();
    let user = nkeys::KeyPair::new_user();
    let of_operator = jwt(
        &operator,
        &operator,
        serde_json::json!({"type": "operator", "version": 2}),
    );
    let limits = serde_json::json!({
        "subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": true,
        "conn": -1, "leaf": -1, "mem_storage": -1, "disk_storage": -1, "streams": -1, "consumer": -1,
    });
    let account_claim = serde_json::json!({"type": "account", "version": 2, "limits": limits});
    let of_account = jwt(&operator, &account, account_claim);
    // JetStream answers in the name of this one
    let system = nkeys::KeyPair::new_account();
    let system_claim = serde_json::json!({"type": "account", "version": 2, "limits": {
        "subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": true,
        "conn": -1, "leaf": -1,
    }});
    let of_system = jwt(&operator, &system, system_claim);
    let limits =
        serde_json::json!({"type": "user", "version": 2, "subs": -1, "data": -1, "payload": -1});
    let of_user = jwt(&account, &user, limits);
    let config = format!(
        "{JETSTREAM}\noperator: {of_operator}\nsystem_account: {system}\nresolver: MEMORY\n\
         resolver_preload: {{ {}: {of_account}, {system}: {of_system} }}",
        account.public_key(),
        system = system.public_key(),
    );
    let Some(server) = server(&config) else {
        return;
    };
    let path = server.dir.path().join("user.creds");
    let text = format!(
        "-----BEGIN NATS USER JWT-----\n{of_user}\n------END NATS USER JWT------\n\n\
         -----BEGIN USER NKEY SEED-----\n{}\n------END USER NKEY SEED------\n",
        user.seed().unwrap()
    );
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let more = format!("credentials_file = \"{}\"", path.display());
    let mut known = sink(&keys(&server, &more), &[]);
    assert_eq!(
        send(&mut *known, &events(0..1)),
        ("delivered", String::new())
    );
    let mut nobody = sink(&keys(&server, ""), &[]);
    assert_eq!(send(&mut *nobody, &events(0..1)).0, "misconfigured");
}

#[test]
fn user_who_may_not_publish_is_told_so() {
    let config = format!(
        "{JETSTREAM}\nauthorization {{ users: [ {{ user: ada, password: \"{PASSWORD}\", \
         permissions: {{ publish: [\"$JS.API.>\"], subscribe: \"_INBOX.>\" }} }} ] }}"
    );
    let Some(server) = server(&config) else {
        return;
    };
    let keys = keys(&server, "user = \"ada\"\npassword_env = \"WORD\"");
    let mut sink = sink(&keys, &[("WORD", PASSWORD)]);
    let (word, said) = send(&mut *sink, &events(0..1));
    assert_eq!(word, "misconfigured", "{said}");
    assert!(said.contains("ermissions Violation"), "{said}");
}

#[test]
fn tls_is_checked_on_both_sides() {
    let dir = tempfile::tempdir().unwrap();
    if certificates(dir.path()).is_none() {
        return;
    }
    let config = format!(
        "{JETSTREAM}\ntls {{ cert_file: \"{{dir}}/server.pem\", key_file: \"{{dir}}/server.key\", \
         ca_file: \"{{dir}}/ca.pem\", verify: true }}"
    );
    let Some(server) = in_folder(dir, &config) else {
        return;
    };
    let place = server.dir.path().to_str().unwrap().to_owned();
    let keys = keys(&server, "").replace("nats://", "tls://");
    let with = |files: &str| sink(&format!("{keys}{}", files.replace("DIR", &place)), &[]);
    let ca = "certificate = \"DIR/ca.pem\"\n";
    let client = "client_certificate = \"DIR/client.pem\"\nclient_key = \"DIR/client.key\"\n";
    let mut good = with(&format!("{ca}{client}"));
    assert_eq!(send(&mut *good, &events(0..1)).0, "delivered");
    for (files, why) in [
        (client.to_owned(), "UnknownIssuer"),
        (
            format!("certificate = \"DIR/other.pem\"\n{client}"),
            "UnknownIssuer",
        ),
        (ca.to_owned(), "TLS: "),
    ] {
        let (word, said) = send(&mut *with(&files), &events(0..1));
        assert_eq!(word, "misconfigured", "{said}");
        assert!(said.contains(why), "{said}");
    }
}

#[test]
fn server_without_tls_gets_nothing_in_the_clear() {
    let Some(server) = plain() else { return };
    let mut sink = sink(
        &keys(&server, "tls = true\ntimeout = 3000").replace("timeout = 5000\n", ""),
        &[],
    );
    let (word, said) = send(&mut *sink, &events(0..1));
    assert_eq!(word, "misconfigured", "{said}");
    assert!(said.contains("TLS: "), "{said}");
}

#[test]
fn server_without_jetstream_is_named() {
    let Some(server) = server("") else { return };
    let mut sink = sink(&keys(&server, ""), &[]);
    let (word, said) = send(&mut *sink, &events(0..1));
    assert_eq!(word, "misconfigured");
    assert!(said.contains("nats-server -js"), "{said}");
}

#[test]
fn too_large_event_does_not_stop_the_others() {
    let Some(server) = server(&format!("{JETSTREAM}\nmax_payload: 4096")) else {
        return;
    };
    let mut sink = sink(&keys(&server, "format = \"obs\""), &[]);
    let mut large = event(1);
    large
        .data
        .insert("long".to_owned(), "x".repeat(8000).into());
    let (word, said) = send(&mut *sink, &[stored(large)]);
    assert_eq!(word, "permanent", "{said}");
    assert_eq!(send(&mut *sink, &events(2..3)).0, "delivered");
    assert_eq!(info(&server).state.messages, 1);
}

#[test]
fn second_server_is_tried_where_the_first_is_down() {
    let Some(server) = plain() else { return };
    let keys = keys(&server, "");
    let dead = free_port();
    let keys = keys.replace("nats://", &format!("nats://127.0.0.1:{dead},nats://"));
    for _ in 0..4 {
        let mut sink = sink(&keys, &[]);
        assert_eq!(send(&mut *sink, &events(0..1)).0, "delivered");
    }
}

#[test]
fn stream_deleted_meanwhile_is_made_again() {
    let Some(server) = plain() else { return };
    let mut sink = sink(&keys(&server, ""), &[]);
    assert_eq!(send(&mut *sink, &events(0..10)).0, "delivered");
    ask(&server, async |jetstream| {
        jetstream.delete_stream("OBS").await.unwrap();
    });
    assert_eq!(send(&mut *sink, &events(10..20)).0, "delivered");
    assert_eq!(info(&server).state.messages, 10);
}
