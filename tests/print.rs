//! `obs print unit` and `obs print config`: what is printed is what others read.

use crate::sandbox::{Sandbox, have, outcome, program};
use obs::settings::SINK_KEYS;
use std::fs;

/// The values of a key in a unit.
fn values<'a>(unit: &'a str, key: &str) -> Vec<&'a str> {
    let of_key = |line: &'a str| line.strip_prefix(key)?.strip_prefix('=');
    unit.lines().filter_map(of_key).collect()
}

#[test]
fn unit_runs_the_relay_of_this_binary() {
    let sandbox = Sandbox::new().with("OBS_HOME", "");
    let unit = sandbox.obs(["print", "unit"]).quiet().stdout;
    let start = format!("\"{}\" relay", program());
    assert_eq!(values(&unit, "ExecStart"), [start]);
    assert_eq!(values(&unit, "Environment"), Vec::<&str>::new());
    assert_eq!(values(&unit, "EnvironmentFile"), ["-%h/.specify/relay.env"]);
    for section in ["[Unit]", "[Service]", "[Install]"] {
        assert_eq!(unit.lines().filter(|line| *line == section).count(), 1);
    }
}

#[test]
fn unit_keeps_the_home_it_was_printed_under() {
    let sandbox = Sandbox::new().with("OBS_HOME", "/srv/100% \"odd\"/obs");
    let unit = sandbox.obs(["print", "unit"]).quiet().stdout;
    assert_eq!(
        values(&unit, "Environment"),
        ["\"OBS_HOME=/srv/100%% \\\"odd\\\"/obs\""]
    );
}

#[test]
fn systemd_takes_the_unit() {
    if !have("systemd-analyze") {
        return;
    }
    for home in ["", "/srv/100% obs"] {
        let sandbox = Sandbox::new().with("OBS_HOME", home);
        let unit = sandbox.obs(["print", "unit"]).quiet().stdout;
        // no session of ours runs: it is read as a unit of the system
        let file = sandbox.path("work/obs-relay.service");
        fs::write(&file, unit).unwrap();
        let mut verify = sandbox.command("systemd-analyze");
        let verify = verify.args(["verify", "--man=no", "--recursive-errors=no"]);
        let verified = outcome(&verify.arg(&file).output().unwrap());
        if verified.stderr.contains("initialize manager") {
            println!("skipped: systemd-analyze finds no place to run in");
            return;
        }
        assert_eq!(verified.code, 0, "{}", verified.shown());
        assert!(
            !verified.stderr.contains("obs-relay"),
            "{}",
            verified.stderr
        );
    }
}

#[test]
fn every_key_of_a_sink_is_printed() {
    let sandbox = Sandbox::new();
    let config = sandbox.obs(["print", "config"]).quiet().stdout;
    assert!(config.contains("\n# [[sink]]\n"), "{config}");
    for row in SINK_KEYS {
        let begin = format!("#   {} = ", row.key);
        let line = config.lines().find(|line| line.starts_with(&begin));
        let line = line.unwrap_or_else(|| panic!("{} in {config}", row.key));
        assert!(line.contains(row.help), "{line}");
    }
    // it is a config.toml as it stands, and stays one without its marks
    fs::create_dir_all(sandbox.journal()).unwrap();
    let file = sandbox.journal().join("config.toml");
    fs::write(&file, &config).unwrap();
    sandbox.obs(["log", "info", "a"]).quiet();
    let bare: String = config
        .lines()
        .filter(|line| line.contains(" = ") || line.contains('['))
        .filter(|line| !line.starts_with("#   ") && !line.contains("[["))
        .map(|line| line.trim_start_matches("# ").to_owned() + "\n")
        .collect();
    let table: toml::Table = bare.parse().unwrap();
    assert!(table.contains_key("journal"), "{bare}");
}
