//! `config.toml` and `hot`, its cache: precedence, a broken file, unknown keys, and that nothing comes from the
//! folder one stands in.

use crate::capture::file;
use crate::sandbox::Sandbox;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// A sandbox whose home has this `config.toml`.
fn configured(text: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.journal()).unwrap();
    write(&sandbox, text);
    sandbox
}

/// Replaces `config.toml` as editors do: a new file, renamed over the old one.
fn write(sandbox: &Sandbox, text: &str) {
    let new = sandbox.journal().join("config.new");
    fs::write(&new, text).unwrap();
    fs::rename(new, sandbox.journal().join("config.toml")).unwrap();
}

/// The actor of an event emitted now.
fn actor(sandbox: &Sandbox) -> Value {
    sandbox.obs(["emit", "x"]).quiet();
    sandbox.records("events").pop().unwrap()["actor"]["id"].clone()
}

#[test]
fn environment_beats_file_beats_default() {
    assert_eq!(actor(&Sandbox::new()), "tester");
    let sandbox = configured("actor = \"file\"\n");
    assert_eq!(actor(&sandbox), "file");
    assert_eq!(actor(&sandbox.with("OBS_ACTOR", "variable")), "variable");
}

#[test]
fn empty_variable_is_unset() {
    let sandbox = configured("actor = \"file\"\n");
    let mut command = sandbox.command(crate::sandbox::program());
    command.args(["emit", "x"]).env("OBS_ACTOR", "");
    crate::sandbox::outcome(&command.output().unwrap()).quiet();
    assert_eq!(sandbox.records("events")[0]["actor"]["id"], "file");
}

#[test]
fn file_sets_console_and_threshold() {
    let sandbox =
        configured("[log]\nlevel = \"error\"\nstream = \"stdout\"\nformat = \"logfmt\"\n");
    assert_eq!(sandbox.obs(["log", "warning", "m"]).quiet().stdout, "");
    assert!(
        sandbox
            .obs(["log", "error", "m"])
            .quiet()
            .stdout
            .contains(" level=error msg=m ")
    );
    assert_eq!(sandbox.records("logs").len(), 1);
}

#[test]
fn cache_follows_every_change_of_the_file() {
    let sandbox = configured("actor = \"one\"\n");
    assert_eq!(actor(&sandbox), "one");
    let hot = file(&sandbox, "hot");
    assert!(hot.ends_with("\nactor=one\n"), "{hot}");
    assert_eq!(
        fs::metadata(sandbox.journal().join("hot"))
            .unwrap()
            .permissions()
            .mode()
            & 0o777,
        0o600
    );
    assert_eq!(actor(&sandbox), "one");
    assert_eq!(
        file(&sandbox, "hot"),
        hot,
        "an unchanged file leaves the cache alone"
    );
    for name in ["two", "six", "a longer one"] {
        write(&sandbox, &format!("actor = \"{name}\"\n"));
        assert_eq!(actor(&sandbox), name);
    }
    fs::remove_file(sandbox.journal().join("config.toml")).unwrap();
    assert_eq!(actor(&sandbox), "tester");
}

#[test]
fn every_default_can_be_written_down() {
    let sandbox = Sandbox::new();
    let printed = sandbox.obs(["print", "config"]).quiet().stdout;
    let settings: String = printed
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            // a sink is no default: its keys stand further in
            Some(setting) if setting.contains(" = ") && !setting.starts_with(' ') => {
                format!("{setting}\n")
            }
            _ => format!("{line}\n"),
        })
        .collect();
    let is_set = |line: &&str| line.contains(" = ") && !line.starts_with('#');
    let keys = obs::settings::SETTINGS.iter().filter_map(|row| row.key);
    assert_eq!(settings.lines().filter(is_set).count(), keys.count());
    let sandbox = configured(&settings);
    assert_eq!(actor(&sandbox), "tester");
    assert_eq!(file(&sandbox, "diagnostics.log"), "");
}

#[test]
fn broken_file_keeps_the_last_good_values() {
    for (broken, why) in [
        ("actor = \"two", "config.toml"),
        ("actor = \"two\"\nnonsense = 1\n", "unknown key `nonsense`"),
        (
            "actor = \"two\"\n[log]\nlevel = \"loud\"\n",
            "`log.level`: expected one of debug, info",
        ),
        (
            "actor = \"two\"\n[journal]\nrotate_bytes = 1\n",
            "`journal.rotate_bytes`: expected at least 4096",
        ),
        (
            "actor = \"two\"\n[journal]\nlock_timeout = \"soon\"\n",
            "`journal.lock_timeout`: expected a whole number",
        ),
        ("[home]\npath = \"/elsewhere\"\n", "unknown key `home.path`"),
        ("actor = [\"two\"]\nstrict = true\n", "unknown key `strict`"),
        ("\u{0}", "config.toml"),
    ] {
        let sandbox = configured("actor = \"one\"\n");
        assert_eq!(actor(&sandbox), "one");
        write(&sandbox, broken);
        for _ in 0..2 {
            assert_eq!(actor(&sandbox), "one", "{broken}");
        }
        let said = file(&sandbox, "diagnostics.log");
        assert!(
            said.contains(why) && said.contains("\"what\":\"setting\""),
            "{broken}: {said}"
        );
        let loud = sandbox.obs(["events", "--json"]);
        assert!(
            loud.code == 0 && loud.stderr.starts_with("obs: could not use `"),
            "{}",
            loud.shown()
        );
        write(&sandbox, "actor = \"three\"\n");
        assert_eq!(actor(&sandbox), "three");
    }
}

#[test]
fn broken_file_from_the_start_means_defaults() {
    let sandbox = configured("actor = ");
    assert_eq!(actor(&sandbox), "tester");
    assert!(!sandbox.journal().join("hot").exists());
}

#[test]
fn bad_variable_is_noted_and_the_file_holds() {
    let sandbox = configured("[log]\nstream = \"off\"\n").with("OBS_LOG_STREAM", "everywhere");
    assert_eq!(sandbox.obs(["log", "m"]).quiet().stdout, "");
    let said = file(&sandbox, "diagnostics.log");
    assert!(
        said.contains("`OBS_LOG_STREAM=everywhere` is not used: expected one of split, stdout"),
        "{said}"
    );
}

#[test]
fn broken_cache_is_built_again() {
    let sandbox = configured("actor = \"one\"\n");
    for junk in ["", "junk", "\u{0}\n=\n", "1 2 3.4\nactor=forged\n"] {
        fs::write(sandbox.journal().join("hot"), junk).unwrap();
        assert_eq!(actor(&sandbox), "one", "{junk:?}");
    }
}

#[test]
fn debug_says_on_stderr_what_was_wrong() {
    let sandbox = configured("actor = ")
        .with("OBS_DEBUG", "1")
        .with("TRACEPARENT", "junk");
    let outcome = sandbox.obs(["emit", "x"]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (0, ""));
    assert!(
        outcome
            .stderr
            .starts_with("obs: TRACEPARENT is not valid: junk\nobs: could not use `"),
        "{}",
        outcome.stderr
    );
}

/// A repository must not be able to say where records go, what is hidden, or what runs.
#[test]
fn nothing_is_read_from_the_folder_one_stands_in() {
    let sandbox = Sandbox::new();
    let plain = actor(&sandbox);
    let evil = "actor = \"repository\"\n[log]\nstream = \"off\"\nlevel = \"critical\"\n";
    for folder in [
        "work",
        "work/.specify",
        "work/.config/obs",
        "work/.obs",
        "work/obs",
    ] {
        fs::create_dir_all(sandbox.path(folder)).unwrap();
        for name in ["config.toml", "obs.toml", ".obs.toml", ".env", "hot"] {
            fs::write(sandbox.path(folder).join(name), evil).unwrap();
        }
    }
    assert_eq!(actor(&sandbox), plain);
    assert_ne!(sandbox.obs(["log", "info", "m"]).quiet().stdout, "");
    assert_eq!(sandbox.records("logs").len(), 1);
}
