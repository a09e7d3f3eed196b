//! What is read rather than run: man pages, completions, help, settings, README, shell files. Each is held to what the
//! program says and does.

mod completions;
mod readme;
mod shell_files;

use crate::sandbox::{Sandbox, have, outcome};
use obs::settings::SETTINGS;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The repository.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file of a folder: name and content.
fn contents(folder: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let one = |path: PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name, fs::read_to_string(&path).unwrap())
    };
    entries.map(|entry| one(entry.path())).collect()
}

/// The commands that a help text lists.
fn listed(help: &str) -> Vec<&str> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let lines = lines.take_while(|line| !line.is_empty());
    lines
        .filter_map(|line| line.strip_prefix("  ")?.split(' ').next())
        .filter(|name| !name.is_empty())
        .collect()
}

/// All commands, those of groups with their group: `log`, `span start`, …
fn commands(sandbox: &Sandbox) -> Vec<String> {
    let mut all = Vec::new();
    for name in listed(&sandbox.obs(["--help"]).quiet().stdout) {
        all.push(name.to_owned());
        if name == "backlog" {
            continue; // all its words are those of the real CLI, `--help` too
        }
        let help = sandbox.obs([name, "--help"]).quiet().stdout;
        all.extend(
            listed(&help)
                .iter()
                .map(|member| format!("{name} {member}")),
        );
    }
    all
}

/// Asks to rewrite what is kept in the repository.
#[expect(
    clippy::disallowed_methods,
    reason = "a word from the developer to the test"
)]
fn regenerates() -> bool {
    std::env::var_os("OBS_REGENERATE").is_some()
}

#[test]
fn man_pages_are_what_is_printed() {
    let sandbox = Sandbox::new();
    let printed = sandbox.path("work/man");
    sandbox
        .obs(["print", "man", "--all", printed.to_str().unwrap()])
        .quiet();
    let printed = contents(&printed);
    let folder = root().join("man");
    if regenerates() {
        for name in contents(&folder).keys() {
            fs::remove_file(folder.join(name)).unwrap();
        }
        fs::create_dir_all(&folder).unwrap();
        for (name, text) in &printed {
            fs::write(folder.join(name), text).unwrap();
        }
    }
    let kept = contents(&folder);
    let names = |pages: &BTreeMap<String, String>| pages.keys().cloned().collect::<Vec<_>>();
    let hint = "OBS_REGENERATE=1 cargo test man_pages";
    assert_eq!(names(&kept), names(&printed), "{hint}");
    for (name, text) in &printed {
        assert!(kept[name] == *text, "man/{name} is out of date: {hint}");
    }
    let pages: Vec<String> = commands(&sandbox)
        .iter()
        .map(|name| format!("obs-{}.1", name.replace(' ', "-")))
        .collect();
    for page in pages.iter().chain([&"obs.1".to_owned()]) {
        assert!(printed.contains_key(page), "{page} is missing");
    }
    assert_eq!(printed.len(), pages.len() + 1);
}

/// What mandoc says of the style of our pages, and is left as it is.
const ACCEPTED: [&str; 2] = [
    // the name of a page is that of its command, which has no capitals
    "STYLE: lower case character in document title",
    // a paragraph of help is one line: every reader fills lines
    "STYLE: input text line longer than 80 bytes",
];

#[test]
fn man_pages_are_well_formed() {
    if !have("mandoc") {
        return;
    }
    let sandbox = Sandbox::new();
    let folder = sandbox.path("work/man");
    sandbox
        .obs(["print", "man", "--all", folder.to_str().unwrap()])
        .quiet();
    let pages = contents(&folder);
    let mut command = sandbox.command("mandoc");
    command
        .current_dir(folder)
        .args(["-T", "lint", "-W", "style"])
        .args(pages.keys());
    let lint = outcome(&command.output().unwrap());
    assert_eq!(lint.stderr, "");
    let accepted = |line: &&str| ACCEPTED.iter().any(|note| line.contains(note));
    let (accepted, left): (Vec<&str>, Vec<&str>) = lint.stdout.lines().partition(accepted);
    assert_eq!(left, Vec::<&str>::new());
    assert!(accepted.len() >= pages.len(), "mandoc read too few pages");
    let one = sandbox
        .obs(["print", "man", "span", "start"])
        .quiet()
        .stdout;
    assert_eq!(one, pages["obs-span-start.1"]);
    assert_eq!(sandbox.obs(["print", "man"]).quiet().stdout, pages["obs.1"]);
    assert_eq!(sandbox.obs(["print", "man", "nothing"]).code, 2);
}

#[test]
fn every_command_says_what_it_does() {
    let sandbox = Sandbox::new();
    let mut seen = BTreeMap::new();
    let ours = commands(&sandbox)
        .into_iter()
        .filter(|name| name != "backlog");
    for name in ours {
        let words: Vec<&str> = name.split(' ').chain(["--help"]).collect();
        let help = sandbox.obs(words).quiet().stdout;
        let first = help.lines().next().unwrap().to_owned();
        assert!(
            first.len() < 92 && first.contains(' ') && !first.ends_with('.'),
            "{name}: {first}"
        );
        assert!(
            help.contains(&format!("Usage: obs {name}")),
            "{name}: {help}"
        );
        if let Some(other) = seen.insert(first.clone(), name.clone()) {
            panic!("`{other}` and `{name}` both say: {first}");
        }
    }
    assert!(seen.len() > 20, "{seen:?}");
}

/// The first words of lines that describe an option, by a pattern of them.
fn options(text: &str, line: &str) -> Vec<String> {
    let line = regex::Regex::new(line).unwrap();
    let found = line.captures_iter(text).map(|found| found[1].to_owned());
    found.collect()
}

#[test]
fn man_pages_list_the_options_of_help() {
    let sandbox = Sandbox::new();
    let folder = sandbox.path("work/man");
    sandbox
        .obs(["print", "man", "--all", folder.to_str().unwrap()])
        .quiet();
    let pages = contents(&folder);
    let ours = commands(&sandbox)
        .into_iter()
        .filter(|name| name != "backlog");
    for name in ours.chain([String::new()]) {
        let words: Vec<&str> = name.split_terminator(' ').chain(["--help"]).collect();
        let help = sandbox.obs(words).quiet().stdout;
        let called = format!("obs {name}").trim_end().to_owned();
        let page = &pages[&format!("{}.1", called.replace(' ', "-"))];
        let page = page.replace("\\-", "-");
        let listed = options(
            &page,
            r"(?m)^\.TP\n(?:\\fB-\w\\fR, )?\\fB(--[a-z0-9-]+)\\fR",
        );
        let helped = options(&help, r"(?m)^ {2,6}(?:-\w, )?(--[a-z0-9-]+)(?:[ =\[]|$)");
        assert!(!helped.is_empty(), "{name}");
        assert_eq!(listed, helped, "{name}");
        assert!(page.contains(&format!("\\fB{called}\\fR")), "{page}");
    }
}

#[test]
fn help_of_shell_functions_explains_trap_once() {
    let help = Sandbox::new().obs(["print", "shell", "--help"]).quiet();
    let told = help.stdout.split("\n\n");
    assert_eq!(
        told.filter(|paragraph| paragraph.contains("traps")).count(),
        1
    );
}

/// `obs print config` with every setting in force.
fn uncommented(sandbox: &Sandbox) -> String {
    let text = sandbox.obs(["print", "config"]).quiet().stdout;
    let setting = regex::Regex::new("(?m)^# ([a-z_]+ = )").unwrap();
    setting.replace_all(&text, "$1").into_owned()
}

#[test]
fn printed_config_names_every_setting() {
    let sandbox = Sandbox::new();
    let text = sandbox.obs(["print", "config"]).quiet().stdout;
    for setting in SETTINGS {
        let named = text.match_indices(setting.variable).filter(|(at, name)| {
            let next = text[at + name.len()..].bytes().next();
            !next.is_some_and(|next| next.is_ascii_uppercase() || next == b'_')
        });
        let named = named.count();
        assert_eq!(named, 1, "{} in\n{text}", setting.variable);
        assert!(text.contains(setting.help), "{}", setting.variable);
    }
    let table: toml::Table = uncommented(&sandbox).parse().unwrap();
    let table = serde_json::to_value(table).unwrap();
    for setting in SETTINGS {
        let Some(key) = setting.key else { continue };
        let value = table.pointer(&format!("/{}", key.replace('.', "/")));
        let value = match value.unwrap_or_else(|| panic!("{key} is not printed")) {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        assert_eq!(value, setting.default, "{key}");
    }
}

#[test]
fn printed_config_gives_the_defaults() {
    let sandbox = Sandbox::new();
    let event = |sandbox: &Sandbox| -> Value {
        sandbox.obs(["emit", "some.type"]).quiet();
        let line = sandbox.obs(["events", "--limit", "1"]).quiet().stdout;
        serde_json::from_str(&line).unwrap()
    };
    let before = event(&sandbox);
    fs::write(sandbox.path("journal/config.toml"), uncommented(&sandbox)).unwrap();
    let after = event(&sandbox);
    assert_eq!(after["actor"], before["actor"]);
    assert_eq!(
        sandbox.obs(["log", "shown"]).quiet().stdout.lines().count(),
        1
    );
    assert!(
        fs::read_to_string(sandbox.path("journal/hot"))
            .unwrap()
            .contains("journal.lock_timeout=250")
    );
}
