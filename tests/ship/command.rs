//! The command sink: lines in, a status out.

use super::{event, plain_event, said, send, sink};
use crate::sandbox::Sandbox;
use obs::model::Signal;
use obs::ship::Sink;
use std::fs;

/// A sink of this shell script, which a shell reads: a file that was just written may still be too busy to be started.
fn script(sandbox: &Sandbox, text: &str, more: &str, env: &[(&str, &str)]) -> Box<dyn Sink> {
    let (path, out) = (sandbox.path("work/program"), sandbox.path("work/out"));
    fs::write(&path, text).unwrap();
    let (path, out) = (path.display(), out.display());
    let keys =
        format!("type = \"command\"\ncommand = [\"sh\", \"{path}\", \"{out}\", \"a b\"]\n{more}");
    sink(sandbox, &keys, env).unwrap()
}

fn out(sandbox: &Sandbox) -> String {
    fs::read_to_string(sandbox.path("work/out")).unwrap()
}

#[test]
fn program_gets_every_line() {
    let sandbox = Sandbox::new();
    let mut sink = script(&sandbox, "echo \"$2\" >\"$1\"; cat >>\"$1\"", "", &[]);
    assert!(sink.takes(Signal::Events).is_some() && sink.takes(Signal::Logs).is_none());
    // more than a pipe holds
    let wide = |number| event(number, &format!(r#"{{"text":"{}"}}"#, "é".repeat(5_000)));
    let records: Vec<_> = (0..60).map(wide).collect();
    assert_eq!(
        said(&send(&mut *sink, &records)),
        ("delivered", String::new())
    );
    let lines = records.iter().flat_map(|one| one.line.clone()).collect();
    assert_eq!(
        out(&sandbox),
        format!("a b\n{}", String::from_utf8(lines).unwrap())
    );
    let reached = sink.probe().unwrap();
    assert!(reached.ends_with("/sh can be started"), "{reached}");
}

#[test]
fn formats_reach_the_program() {
    for (format, part) in [
        ("cloudevents", "\"specversion\":\"1.0\""),
        ("cdevents", "\"specversion\":\"0.5.1\""),
        ("otlp-json", "\"eventName\":\"backlog.task.created\""),
    ] {
        let sandbox = Sandbox::new();
        let more = format!("format = \"{format}\"");
        let mut sink = script(&sandbox, "cat >\"$1\"", &more, &[]);
        assert_eq!(said(&send(&mut *sink, &[plain_event(1)])).0, "delivered");
        let text = out(&sandbox);
        assert!(text.contains(part) && text.lines().count() == 1, "{text}");
    }
}

#[test]
fn status_decides() {
    for (text, word, why) in [
        (
            "cat >/dev/null; exit 1",
            "retry",
            "obs: sh ended with status 1\n",
        ),
        (
            "echo; echo one >&2; echo 'two ' >&2; exit 9",
            "retry",
            "obs: sh ended with status 9: two\n",
        ),
        ("exit 65", "permanent", "sh ended with status 65"),
        (
            "echo no broker >&2; exit 78",
            "misconfigured",
            "obs: sh ended with status 78: no broker\nhint: that status",
        ),
        ("kill -9 $$", "retry", "obs: sh was killed by signal 9\n"),
        ("exec <&-; sleep 0; exit 0", "delivered", ""),
    ] {
        let sandbox = Sandbox::new();
        let mut sink = script(&sandbox, text, "", &[]);
        let (found, said) = said(&send(&mut *sink, &[plain_event(1)]));
        assert!(
            found == word && said.starts_with(why),
            "{text}: {found} {said}"
        );
    }
}

#[test]
fn words_of_the_program_are_made_harmless() {
    let sandbox = Sandbox::new();
    let text = "printf 'x\\033[31m password=hunter2hunter2 %01000d\\n' 1 >&2; exit 1";
    let mut sink = script(&sandbox, text, "", &[]);
    let (_, said) = said(&send(&mut *sink, &[plain_event(1)]));
    assert!(said.contains("x\\u{1b}[31m"), "{said}");
    assert!(!said.contains('\u{1b}') && said.len() < 600, "{said}");
    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn slow_program_is_ended_with_its_children() {
    let sandbox = Sandbox::new();
    let text = "echo $$ >\"$1\"; sleep 1000 & echo $! >>\"$1\"; wait";
    let mut sink = script(&sandbox, text, "timeout = 2000", &[]);
    let (word, said) = said(&send(&mut *sink, &[plain_event(1)]));
    assert_eq!(word, "retry");
    assert!(said.contains("did not end within 2000 ms"), "{said}");
    let gone = |pid: &str| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let state = stat
            .rsplit_once(") ")
            .map_or("X", |(_, rest)| &rest[..1])
            .to_owned();
        matches!(state.as_str(), "Z" | "X")
    };
    let pids = out(&sandbox);
    assert_eq!(pids.lines().count(), 2);
    let mut patience = 3000;
    while !pids.lines().all(gone) && patience > 0 {
        patience -= 1;
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert!(pids.lines().all(gone), "{pids}");
}

#[test]
fn environment_loses_our_secrets() {
    let sandbox = Sandbox::new();
    let env = [
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=s3cret"),
        ("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "authorization=s3cret"),
        ("OTEL_API_KEY", "s3cret"),
        ("KCAT_CONFIG", "kept"),
    ];
    let mut sink = script(&sandbox, "cat >/dev/null; env >\"$1\"", "", &env);
    assert_eq!(said(&send(&mut *sink, &[plain_event(1)])).0, "delivered");
    let text = out(&sandbox);
    assert!(text.contains("KCAT_CONFIG=kept") && text.contains("OTEL_SDK_DISABLED=true"));
    assert!(!text.contains("s3cret"), "{text}");
}

#[test]
fn environment_loses_what_other_sinks_hide() {
    let sandbox = Sandbox::new();
    let home = sandbox.path("other");
    fs::create_dir(&home).unwrap();
    let other = "[[sink]]\nname = \"bus\"\ntype = \"nats\"\nurl = \"nats://h\"\ntoken_env = \"BUS_TOKEN\"\n";
    fs::write(home.join("config.toml"), other).unwrap();
    let env = [
        ("OBS_HOME", home.to_str().unwrap()),
        ("BUS_TOKEN", "s3cret"),
        ("BUS", "kept"),
    ];
    let mut sink = script(&sandbox, "cat >/dev/null; env >\"$1\"", "", &env);
    assert_eq!(said(&send(&mut *sink, &[plain_event(1)])).0, "delivered");
    let text = out(&sandbox);
    assert!(
        text.contains("BUS=kept") && !text.contains("s3cret"),
        "{text}"
    );
}

#[test]
fn missing_program_is_misconfigured() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("work/plain"), "x").unwrap();
    let plain = sandbox.path("work/plain").display().to_string();
    for (program, why) in [
        ("no-such-program", "not found on PATH"),
        ("/no/such/program", "no such file"),
        (plain.as_str(), "it is not executable"),
        ("/", "it is not executable"),
    ] {
        let keys = format!("type = \"command\"\ncommand = [\"{program}\", \"s3cret\"]");
        let mut sink = sink(&sandbox, &keys, &[]).unwrap();
        let (word, text) = said(&send(&mut *sink, &[plain_event(1)]));
        assert!(
            word == "misconfigured" && text.contains(why),
            "{program}: {text}"
        );
        assert!(
            text.contains("hint: ") && !text.contains("s3cret"),
            "{text}"
        );
        assert!(sink.probe().is_err());
    }
    for (keys, why) in [
        ("", "no `command`"),
        ("command = [\"\"]", "no `command`"),
        ("command = [\"bin/x\"]", "bin/x is not absolute"),
        (
            "command = [\"x\"]\nformat = \"cloudevents\"\nsignals = [\"spans\"]",
            "spans are no",
        ),
    ] {
        let error = sink(&sandbox, &format!("type = \"command\"\n{keys}"), &[]).err();
        assert!(error.clone().unwrap_or_default().contains(why), "{error:?}");
    }
}
