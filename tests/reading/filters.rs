//! Every filter of the reading commands, as tables of words and what they find.

use super::{TRACE, log, put};
use crate::sandbox::Sandbox;
use serde_json::Value;

/// Five logs named a to e, a second apart.
fn logs() -> Sandbox {
    let sandbox = Sandbox::new();
    let other = TRACE.replace('4', "5");
    let (first, second) = (
        format!(",\"trace_id\":\"{TRACE}\""),
        format!(",\"trace_id\":\"{other}\""),
    );
    let lines = [
        log(
            0,
            "a",
            &format!(",\"context\":{{\"task_id\":\"TASK-1\",\"ok\":true}}{first}"),
        )
        .replace("INFO", "DEBUG"),
        log(
            1,
            "b",
            &format!(",\"context\":{{\"n\":1,\"tags\":[\"x\",\"y\"]}}{first}"),
        ),
        log(
            2,
            "c",
            &format!(",\"context\":{{\"a\":{{\"b\":\"c\"}},\"x.y\":\"z\"}}{second}"),
        )
        .replace("INFO", "WARNING"),
        log(
            3,
            "d",
            ",\"service\":\"web\",\"resource\":{\"deployment.environment.name\":\"prod\"}",
        )
        .replace("INFO", "ERROR"),
        log(4, "e", ",\"pid\":77,\"context\":{\"text\":\"1\"}").replace("INFO", "CRITICAL"),
    ];
    let loggers = ["bash.a.sh", "bash.b.sh", "sh.c", "python", "bash.a.sh"];
    let lines = lines.iter().zip(loggers).map(|(line, logger)| {
        line.replace(
            "\"message\"",
            &format!("\"logger\":\"{logger}\",\"message\""),
        )
    });
    put(&sandbox, "logs.log", lines.collect::<String>());
    sandbox
}

/// The members of the records found, joined.
#[track_caller]
fn found(sandbox: &Sandbox, command: &str, words: &str, member: &str) -> String {
    let words: Vec<&str> = words.split(' ').filter(|word| !word.is_empty()).collect();
    let outcome = sandbox.obs([&[command, "--json"], words.as_slice()].concat());
    assert_eq!(
        outcome.code,
        i32::from(outcome.stdout.is_empty()),
        "{words:?}: {}",
        outcome.shown()
    );
    assert_eq!(outcome.stderr, "", "{words:?}");
    let members = outcome.stdout.lines().map(|line| {
        let record: Value = serde_json::from_str(line).unwrap();
        record[member].as_str().unwrap().to_owned()
    });
    members.collect::<Vec<_>>().join(" ")
}

#[test]
fn times_narrow_logs() {
    let sandbox = logs();
    for (words, expected) in [
        ("--since 2025-12-04T10:00:03Z", "d e"),
        ("--until 2025-12-04T10:00:03Z", "a b c"),
        (
            "--since 2025-12-04T11:00:01+01:00 --until 2025-12-04T10:00:03.000001Z",
            "b c d",
        ),
        ("--since 1764842403", "d e"),
        ("--since 1764842402.5", "d e"),
        ("--since 1764842403000", "d e"),
        ("--since 1764842403000000", "d e"),
        ("--since 1764842403000000000", "d e"),
        ("--since 1764842403000000001", "e"),
        ("--since 2025-12-04T10:00:09Z", ""),
        ("--since 1h", ""),
        ("--until 1h", "a b c d e"),
        ("--since 5200w", "a b c d e"),
        ("--until 7d --since 100w", "a b c d e"),
    ] {
        assert_eq!(
            found(&sandbox, "logs", words, "message"),
            expected,
            "{words}"
        );
    }
    sandbox.obs(["log", "now"]);
    for age in ["15m", "90s", "2h", "1d", "1w", "900000ms"] {
        assert_eq!(
            found(&sandbox, "logs", &format!("--since {age}"), "message"),
            "now",
            "{age}"
        );
    }
}

#[test]
fn members_narrow_logs() {
    let sandbox = logs();
    let other = TRACE.replace('4', "5");
    for (words, expected) in [
        ("--level debug", "a b c d e"),
        ("--level warning", "c d e"),
        ("--level WARN", "c d e"),
        ("--level fatal", "e"),
        ("--logger bash.a.sh", "a e"),
        ("--logger bash.*", "a b e"),
        ("--logger bash", ""),
        (&format!("--trace {TRACE}"), "a b"),
        (&format!("--trace 00-{TRACE}-00f067aa0ba902b7-01"), "a b"),
        ("--trace 4BF92F", "a b"),
        (&format!("--trace {}", &other[..4]), "c"),
        ("--trace ffff", ""),
        ("--where task_id=TASK-1", "a"),
        ("--where context.task_id=TASK-1", "a"),
        ("--where ok=true", "a"),
        ("--where n=1", "b"),
        ("--where tags=y", "b"),
        ("--where a.b=c --where x.y=z", "c"),
        ("--where a.b=c --where n=1", ""),
        ("--where service=web", "d"),
        ("--where deployment.environment.name=prod", "d"),
        ("--where pid=77", "e"),
        ("--where text=1", "e"),
        ("--where level=ERROR", "d"),
        ("--grep TASK-\\d", "a"),
        ("--grep \"level\":\"(ERROR|CRITICAL)\"", "d e"),
        ("--grep (?i)task", "a"),
        ("--limit 2", "d e"),
        ("--limit 2 --logger bash.*", "b e"),
        ("--limit 0", ""),
        ("--limit 99", "a b c d e"),
        (
            "--level info --logger bash.* --until 2025-12-04T10:00:04Z --grep y",
            "b",
        ),
    ] {
        match words {
            // asked for none: that some are there is no failure
            "--limit 0" => assert_eq!(sandbox.obs(["logs", "--limit", "0"]).quiet().stdout, ""),
            _ => assert_eq!(
                found(&sandbox, "logs", words, "message"),
                expected,
                "{words}"
            ),
        }
    }
}

/// Command, filter, member, and the members of what is found.
const OTHERS: &str = "\
events | --type backlog.task.* | event_type | backlog.task.created backlog.task.archived
events | --type backlog | event_type | backlog
events | --where data.n=3 --type ci.* | event_type | ci.run
events | --where actor.id=tester --limit 1 | event_type | backlog
events | --grep archived | event_type | backlog.task.archived
spans | --name compile | name | compile
spans | --name comp* | name | compile compile-all
spans | --where target=all --name test | name | test
spans | --since 2025-12-04T10:00:01Z | name |
spans | --until 2025-12-04T10:00:01Z | name | compile compile-all test
metrics-points | --name compile* | name | compile_total compile_all_total
metrics-points | --where step=one --name test_total | name | test_total
metrics-points | --where type=counter --limit 1 | name | test_total
metrics-points | --where value=1 --grep all_total | name | compile_all_total";

#[test]
fn types_and_names_narrow_the_others() {
    let sandbox = Sandbox::new();
    for kind in [
        "backlog.task.created",
        "backlog.task.archived",
        "ci.run",
        "backlog",
    ] {
        sandbox
            .obs(["emit", kind, "task_id=TASK-7", "n:=3"])
            .quiet();
    }
    for name in ["compile", "compile-all", "test"] {
        let words = format!("span record {name} --start 1764842400 --end 1764842405 target=all");
        sandbox.obs(words.split(' ')).quiet();
        let words = format!("metric inc {}_total step=one", name.replace('-', "_"));
        sandbox.obs(words.split(' ')).quiet();
    }
    for row in OTHERS.lines() {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [command, words, member, expected] = cells[..] else {
            panic!("{row}")
        };
        assert_eq!(found(&sandbox, command, words, member), expected, "{row}");
    }
}

#[test]
fn wrong_words_are_named() {
    let sandbox = logs();
    for (words, said) in [
        (
            vec!["--since", "yesterday"],
            "obs: `--since yesterday` is no time",
        ),
        (vec!["--until", "12:00"], "obs: `--until 12:00` is no time"),
        (vec!["--level", "loud"], "obs: `--level loud` is no level"),
        (
            vec!["--grep", "("],
            "obs: `--grep` is no regular expression: ",
        ),
        (
            vec!["--where", "novalue"],
            "obs: `--where novalue`: expected KEY=VALUE",
        ),
        (
            vec!["--where", "=value"],
            "obs: `--where =value`: expected KEY=VALUE",
        ),
        (vec!["--trace", "xyz"], "obs: `xyz` is no trace id"),
        (
            vec!["--trace", "latest"],
            "obs: `--trace latest` is not known here",
        ),
        (vec!["--limit", "-1"], "obs: "),
        (vec!["--json", "--human"], "obs: "),
        (vec!["--type", "a.b"], "obs: `--type` does not filter logs"),
        (vec!["word"], "obs: unexpected argument `word` found"),
    ] {
        let outcome = sandbox.obs([&["logs"], words.as_slice()].concat());
        assert_eq!(
            (outcome.code, outcome.stdout.as_str()),
            (2, ""),
            "{words:?}: {}",
            outcome.shown()
        );
        assert!(
            outcome.stderr.starts_with(said),
            "{words:?}: {}",
            outcome.stderr
        );
        assert!(
            outcome.stderr.lines().count() <= 2,
            "{words:?}: {}",
            outcome.stderr
        );
    }
}
