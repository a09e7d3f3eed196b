//! Foreign crates, the doors to the world and `unsafe` each have one home (style, "Who may use what").
//! Names are read through the file's imports; test code may use what it needs.

use super::Breach;
use super::lexer::text_at;
use super::paths::Paths;
use super::tree::{Source, Tree};

/// Some names, the places they may be used in, and what to do elsewhere.
struct Home {
    /// A path and all below it, a `macro!`, or a keyword.
    names: &'static [&'static str],
    /// Files or folders without `.rs`.
    places: &'static [&'static str],
    instead: &'static str,
}

const HOMES: &[Home] = &[
    Home {
        names: &["clap", "clap_complete", "clap_mangen"],
        places: &["src/cli"],
        instead: "give the room a plain struct that `cli` fills",
    },
    Home {
        names: &[
            "async_nats",
            "axum",
            "hyper",
            "hyper_util",
            "krafka",
            "reqwest",
            "tokio",
            "tonic",
        ],
        places: &["src/ship", "src/serve"],
        instead: "call a blocking function of `ship` or `serve`",
    },
    Home {
        names: &["libc", "unsafe"],
        places: &["src/child", "src/journal/file", "src/main", "shell/builtin"],
        instead: "put a safe function into one of these and call that",
    },
    Home {
        names: &[
            "getrandom",
            "std::env",
            "std::io::stderr",
            "std::io::stdin",
            "std::io::stdout",
            "std::time::SystemTime::now",
            "eprint!",
            "eprintln!",
            "print!",
            "println!",
        ],
        places: &["src/world"],
        instead: "ask `World`, or take the value as an argument",
    },
    Home {
        names: &["std::time::Instant::now"],
        places: &["src/world", "src/journal", "src/child", "src/ship/command"],
        instead: "ask `World`, or take the time as an argument",
    },
    Home {
        names: &["chrono::Local::now", "chrono::Utc::now"],
        places: &["src/world"],
        instead: "ask `World`, or take the time as an argument",
    },
    Home {
        names: &["std::process::exit"],
        places: &["src/main"],
        instead: "return an `Exit` or an `Error`",
    },
    Home {
        names: &["std::process::Command"],
        places: &["src/child", "src/git", "src/cli/demo", "src/ship/command"],
        instead: "start programs through `child`",
    },
    Home {
        names: &["regex"],
        places: &["src/redact", "src/query"],
        instead: "match by hand, or move the pattern to `redact` or `query`",
    },
    Home {
        names: &["gix"],
        places: &["src/git"],
        instead: "take the fact from `git` as a plain value",
    },
    Home {
        names: &["schemars"],
        places: &["src/model"],
        instead: "let `model` hand out the schema",
    },
    Home {
        names: &["granit_parser"],
        places: &["src/backlog/yaml"],
        instead: "read front matter through `backlog`",
    },
    Home {
        names: &["toml"],
        places: &["src/settings"],
        instead: "read the value from `Settings`",
    },
    Home {
        names: &["chrono"],
        places: &["src/model"],
        instead: "use the time type of `model`",
    },
];

pub(super) fn check(tree: &Tree) -> Vec<Breach> {
    tree.rust_in(&["src", "shell"])
        .flat_map(|source| {
            used(source)
                .into_iter()
                .flat_map(|(line, name)| strays(source, line, &name))
        })
        .collect()
}

/// What a file uses outside its tests: paths as meant, macros with their sign, and `unsafe`.
fn used(source: &Source) -> Vec<(usize, String)> {
    let paths = Paths::of(source.tokens());
    let mut used: Vec<(usize, String)> = paths
        .found
        .iter()
        .filter(|path| !path.test)
        .flat_map(|path| {
            paths
                .meanings(path)
                .into_iter()
                .map(|name| (path.line, name))
        })
        .collect();
    let tokens = source.tokens();
    for (at, token) in tokens.iter().enumerate().filter(|(_, token)| !token.test) {
        if token.text == "unsafe" {
            used.push((token.line, token.text.clone()));
        } else if text_at(tokens, at + 1) == "!" && text_at(tokens, at + 2) != "=" {
            used.push((token.line, format!("{}!", token.text)));
        }
    }
    used
}

fn strays(source: &Source, line: usize, used: &str) -> Vec<Breach> {
    HOMES
        .iter()
        .filter(|home| !home.places.iter().any(|place| source.is_within(place)))
        .filter_map(|home| {
            home.names
                .iter()
                .find(|name| covers(name, used))
                .map(|name| (home, name))
        })
        .map(|(home, name)| {
            let places = home.places.join(", ");
            let text = format!("`{name}` lives only in {places}; {}", home.instead);
            Breach::new(&source.path, line, text)
        })
        .collect()
}

/// Whether using `used` is using `name`: the same, below it, or a glob that takes it along.
fn covers(name: &str, used: &str) -> bool {
    let below = |whole: &str, part: &str| {
        let rest = whole.strip_prefix(part);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    };
    let glob = used.strip_suffix("::*");
    below(used, name) || glob.is_some_and(|parent| below(name, parent))
}

#[cfg(test)]
mod tests {
    use super::super::tree::Tree;
    use super::{check, covers};

    fn strays(path: &str, text: &str) -> Vec<String> {
        let breaches = check(&Tree::of(path, text));
        let name = |text: &str| text.split('`').nth(1).unwrap_or("").to_owned();
        breaches.iter().map(|breach| name(&breach.text)).collect()
    }

    #[test]
    fn names_cover_what_is_below() {
        assert!(covers("std::env", "std::env::var"));
        assert!(covers("clap", "clap"));
        assert!(covers("std::process::exit", "std::process::*"));
        assert!(!covers("std::env", "std::environment"));
        assert!(!covers("std::process::exit", "std::process::ExitCode"));
        assert!(!covers("std::io::stdin", "std::io::prelude::*"));
        assert!(!covers("clap", "clap_complete::generate"));
    }

    #[test]
    fn strays_are_found_through_imports() {
        assert_eq!(
            strays(
                "src/query.rs",
                "use std::{io, process as p}; fn f() { io::stdout(); p::exit(1) }"
            ),
            ["std::io::stdout", "std::process::exit"]
        );
        assert_eq!(
            strays(
                "src/query.rs",
                "use std::time::Instant; fn f(a: Instant) { g(Instant::now) }"
            ),
            ["std::time::Instant::now"]
        );
        assert_eq!(
            strays(
                "src/query.rs",
                "use ::clap::Parser; #[tokio::main] fn f() {}"
            ),
            ["clap", "tokio"]
        );
    }

    #[test]
    fn macros_and_unsafe_are_found() {
        assert_eq!(
            strays(
                "src/query.rs",
                "unsafe { f() } std::println!(); let eprint = a; print != b;"
            ),
            ["unsafe", "println!"]
        );
    }

    #[test]
    fn homes_are_free() {
        assert_eq!(strays("src/cli/log.rs", "use clap::Args;"), [""; 0]);
        assert_eq!(strays("src/world.rs", "use std::env; println!();"), [""; 0]);
        assert_eq!(
            strays("src/journal/file.rs", "unsafe { libc::flock(a, b) }"),
            [""; 0]
        );
        assert_eq!(
            strays("src/journal/lock.rs", "std::time::Instant::now()"),
            [""; 0]
        );
        assert_eq!(
            strays("shell/builtin/src/lib.rs", "#[unsafe(no_mangle)] fn f() {}"),
            [""; 0]
        );
        assert_eq!(
            strays("src/journal/filed.rs", "libc::flock(a, b)"),
            ["libc"]
        );
    }

    #[test]
    fn namesakes_are_free() {
        assert_eq!(
            strays(
                "src/query.rs",
                "let regex = 1; f(regex, toml.b, \"clap::x\");"
            ),
            [""; 0]
        );
        assert_eq!(
            strays("src/query.rs", "mod toml; fn f() { toml::read() }"),
            [""; 0]
        );
        assert_eq!(
            strays("src/query.rs", "use proto::tonic; fn f() { tonic::read() }"),
            [""; 0]
        );
        assert_eq!(
            strays("src/query.rs", "use std::process::ExitCode; env!(\"A\");"),
            [""; 0]
        );
    }

    #[test]
    fn tests_are_free() {
        assert_eq!(
            strays("src/query.rs", "#[cfg(test)] mod t { use std::env; }"),
            [""; 0]
        );
        assert_eq!(strays("src/query/tests.rs", "use std::env;"), [""; 0]);
    }
}
