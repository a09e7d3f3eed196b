//! The ladder of design §3: a room looks down only, never sideways inside a rung, never across the bar.
//! Seen are `crate::room`, `super::` that climbs to the crate's root, and `obs::room` in the entry and
//! the builtin; test code is held too. `src/lib.rs` declares rooms and nothing else.

use super::Breach;
use super::lexer::{Token, closing, text_at, word_at};
use super::paths::{Found, Paths};
use super::tree::{Source, Tree};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Side {
    /// Outside the bar: used by both sides, or standing above them.
    Both,
    Cold,
    Hot,
}

struct Rung {
    height: u8,
    side: Side,
    rooms: &'static [&'static str],
}

const fn rung(height: u8, side: Side, rooms: &'static [&'static str]) -> Rung {
    Rung {
        height,
        side,
        rooms,
    }
}

/// Who stands where. A new room gets its place here and in design §3.
const LADDER: &[Rung] = &[
    rung(0, Side::Both, &["error", "model"]),
    rung(1, Side::Both, &["world"]),
    rung(2, Side::Both, &["settings", "journal", "redact"]),
    rung(3, Side::Hot, &["capture"]),
    rung(3, Side::Cold, &["query"]),
    rung(4, Side::Hot, &["child", "backlog", "git", "ci"]),
    rung(4, Side::Cold, &["metrics"]),
    rung(5, Side::Cold, &["ship"]),
    rung(6, Side::Cold, &["serve"]),
    rung(7, Side::Both, &["cli"]),
    rung(8, Side::Both, &["faces", "main", "builtin"]),
];

/// Hot rooms that the cold side may read too.
const READERS_OF_FACTS: &[&str] = &["backlog", "git"];

/// Pairs of one rung that may look sideways: the entry opens the table of faces.
const SIDEWAYS: &[(&str, &str)] = &[("main", "faces")];

/// Crates of their own over the library: they say `obs::room`, and nobody declares them as a room.
const ENTRIES: &[(&str, &str)] = &[("main", "src/main"), ("builtin", "shell/builtin")];

/// The library's name in the entries.
const LIBRARY: &str = "obs";

pub(super) fn check(tree: &Tree) -> Vec<Breach> {
    tree.rust_in(&["src", "shell"])
        .flat_map(|source| match entry(source) {
            Some(name) => check_entry(name, source),
            None if source.path == "src/lib.rs" => check_root(source),
            None if source.path.starts_with("src/") => check_room(source),
            None => Vec::new(),
        })
        .collect()
}

fn entry(source: &Source) -> Option<&'static str> {
    let found = ENTRIES.iter().find(|(_, place)| source.is_within(place));
    found.map(|(name, _)| *name)
}

fn place(room: &str) -> Option<&'static Rung> {
    LADDER.iter().find(|rung| rung.rooms.contains(&room))
}

fn check_room(source: &Source) -> Vec<Breach> {
    let room = room_of(&source.path);
    if place(room).is_none() {
        let text = format!(
            "`{room}` has no rung; move the file into a room, or place the new room in tests/house/ladder.rs and design §3"
        );
        return vec![Breach::new(&source.path, 1, text)];
    }
    let depth = depth_of(&source.path);
    let paths = Paths::of(source.tokens());
    let reached = paths
        .found
        .iter()
        .filter_map(|path| Some((path.line, reached(path, depth + path.modules)?)));
    judge(source, room, reached)
}

fn check_entry(name: &str, source: &Source) -> Vec<Breach> {
    let paths = Paths::of(source.tokens());
    let reached = paths.found.iter().filter_map(|path| {
        let (first, rest) = path.segments.split_first()?;
        let room = rest.first().map_or("", String::as_str);
        (first == LIBRARY).then_some((path.line, room))
    });
    let mut breaches = judge(source, name, reached);
    breaches.extend(copies(source));
    breaches
}

/// Rooms that an entry compiles a second time by declaring their file as its own.
fn copies(source: &Source) -> impl Iterator<Item = Breach> {
    let tokens = source.tokens();
    let declared = (1..tokens.len()).filter(|at| {
        text_at(tokens, at - 1) == "mod"
            && text_at(tokens, at + 1) == ";"
            && source.path == "src/main.rs"
    });
    declared.map(|at| {
        let name = text_at(tokens, at);
        let text = format!(
            "declares `{name}` as its own; declare it in src/lib.rs and use `{LIBRARY}::{name}`"
        );
        Breach::new(&source.path, line_at(tokens, at), text)
    })
}

fn judge<'a>(
    source: &Source,
    from: &str,
    reached: impl Iterator<Item = (usize, &'a str)>,
) -> Vec<Breach> {
    reached
        .filter_map(|(line, to)| Some((line, objection(from, to)?)))
        .map(|(line, text)| Breach::new(&source.path, line, text))
        .collect()
}

/// The room of a path under `src`.
fn room_of(path: &str) -> &str {
    let inside = path.strip_prefix("src/").unwrap_or(path);
    let first = inside.split('/').next().unwrap_or(inside);
    first.strip_suffix(".rs").unwrap_or(first)
}

/// How many modules below the crate's root the file is.
fn depth_of(path: &str) -> usize {
    path.matches('/').count() - usize::from(path.ends_with("/mod.rs"))
}

/// What a path names at the crate's root, if it goes there; empty is the root itself.
fn reached(path: &Found, depth: usize) -> Option<&str> {
    let mut segments = path.segments.iter().map(String::as_str).peekable();
    if segments.peek() == Some(&"crate") {
        return Some(segments.nth(1).unwrap_or(""));
    }
    segments.next_if_eq(&"self");
    let mut left = depth;
    while segments.next_if_eq(&"super").is_some() {
        left = left.saturating_sub(1);
    }
    (left == 0).then(|| segments.next().unwrap_or(""))
}

/// Why `from` may not look at `to`, if it may not.
fn objection(from: &str, to: &str) -> Option<String> {
    if from == to || SIDEWAYS.contains(&(from, to)) {
        return None;
    }
    if matches!(to, "" | "*") {
        return Some(format!(
            "`{from}` takes the crate's root as a whole; name the rooms it uses"
        ));
    }
    let here = place(from)?;
    let Some(there) = place(to) else {
        return Some(format!(
            "`{from}` uses `{to}`, which is no room; name the room it lives in, or place a new room in tests/house/ladder.rs and design §3"
        ));
    };
    if there.height > here.height {
        return Some(format!(
            "`{from}` (rung {}) looks up at `{to}` (rung {}); take what it needs as an argument, or let a higher room bring the two together",
            here.height, there.height
        ));
    }
    if there.height == here.height {
        return Some(format!(
            "`{from}` looks sideways at `{to}` (both rung {}); let a higher room bring them together, or move what they share down",
            here.height
        ));
    }
    let apart = here.side != there.side && here.side != Side::Both && there.side != Side::Both;
    (apart && !READERS_OF_FACTS.contains(&to)).then(|| {
        format!("`{from}` looks across the bar at `{to}`; hot and cold meet in `cli`, or move what they share to rung 2 or lower")
    })
}

/// In the root of the library, everything that does not declare a room of the ladder.
fn check_root(source: &Source) -> Vec<Breach> {
    let tokens = source.tokens();
    let mut breaches = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        at = after_attributes(tokens, at);
        let (declared, next) = declaration(tokens, at);
        let text = match declared {
            _ if at >= tokens.len() => None,
            Some(name) => undeclarable(name),
            None => Some("only declares rooms; move this into a room".to_owned()),
        };
        breaches.extend(text.map(|text| Breach::new(&source.path, line_at(tokens, at), text)));
        at = next;
    }
    breaches
}

fn undeclarable(name: &str) -> Option<String> {
    let is_entry = ENTRIES.iter().any(|(entry, _)| *entry == name);
    let is_room = place(name).is_some() && !is_entry;
    (!is_room).then(|| {
        format!(
            "declares `{name}`, which has no rung; place it in tests/house/ladder.rs and design §3"
        )
    })
}

fn after_attributes(tokens: &[Token], mut at: usize) -> usize {
    while text_at(tokens, at) == "#" {
        let inner = usize::from(text_at(tokens, at + 1) == "!");
        at = closing(tokens, at + 1 + inner) + 1;
    }
    at
}

/// The name that `mod name;` at `at` declares, and where the item ends.
fn declaration(tokens: &[Token], at: usize) -> (Option<&str>, usize) {
    let mut word = at;
    if text_at(tokens, word) == "pub" {
        word += 1;
        if text_at(tokens, word) == "(" {
            word = closing(tokens, word) + 1;
        }
    }
    let declares = text_at(tokens, word) == "mod" && text_at(tokens, word + 2) == ";";
    if declares && word_at(tokens, word + 1) {
        return (Some(text_at(tokens, word + 1)), word + 3);
    }
    let import = text_at(tokens, word) == "use";
    (None, item_end(tokens, at, import))
}

fn item_end(tokens: &[Token], mut at: usize, import: bool) -> usize {
    while at < tokens.len() {
        match text_at(tokens, at) {
            ";" => return at + 1,
            "{" if !import => return closing(tokens, at) + 1,
            "(" | "[" | "{" => at = closing(tokens, at) + 1,
            _ => at += 1,
        }
    }
    at
}

fn line_at(tokens: &[Token], at: usize) -> usize {
    tokens.get(at).map_or(1, |token| token.line)
}

#[cfg(test)]
mod tests {
    use super::super::tree::Tree;
    use super::{check, objection};

    fn said(path: &str, text: &str) -> Vec<String> {
        let breaches = check(&Tree::of(path, text));
        breaches
            .into_iter()
            .map(|b| format!("{}: {}", b.line, b.text))
            .collect()
    }

    fn count(path: &str, text: &str) -> usize {
        said(path, text).len()
    }

    fn kind(from: &str, to: &str) -> &'static str {
        let kinds = ["no room", "looks up", "sideways", "across", "as a whole"];
        let text = objection(from, to).unwrap_or_default();
        let found = kinds.into_iter().find(|kind| text.contains(kind));
        found.unwrap_or("")
    }

    #[test]
    fn looking_down_is_free() {
        for (from, to) in [
            ("world", "error"),
            ("journal", "world"),
            ("capture", "redact"),
            ("child", "capture"),
            ("metrics", "query"),
            ("serve", "ship"),
            ("cli", "serve"),
            ("cli", "child"),
            ("faces", "cli"),
            ("builtin", "capture"),
            ("main", "faces"),
            ("git", "git"),
        ] {
            assert_eq!(kind(from, to), "", "{from} -> {to}");
        }
    }

    #[test]
    fn other_looks_are_refused() {
        for (from, to, expected) in [
            ("error", "model", "sideways"),
            ("model", "error", "sideways"),
            ("journal", "redact", "sideways"),
            ("child", "git", "sideways"),
            ("capture", "query", "sideways"),
            ("metrics", "git", "sideways"),
            ("faces", "main", "sideways"),
            ("builtin", "faces", "sideways"),
            ("world", "settings", "looks up"),
            ("query", "backlog", "looks up"),
            ("capture", "ship", "looks up"),
            ("child", "ship", "looks up"),
            ("cli", "faces", "looks up"),
            ("child", "query", "across"),
            ("metrics", "capture", "across"),
            ("serve", "child", "across"),
            ("ship", "capture", "across"),
            ("cli", "nowhere", "no room"),
            ("cli", "*", "as a whole"),
        ] {
            assert_eq!(kind(from, to), expected, "{from} -> {to}");
        }
    }

    #[test]
    fn facts_are_read_from_both_sides() {
        for (from, to) in [("ship", "git"), ("serve", "backlog")] {
            assert_eq!(kind(from, to), "", "{from} -> {to}");
        }
    }

    #[test]
    fn groups_and_tests_are_seen() {
        assert_eq!(
            count("src/query/a.rs", "use crate::{error::E, cli, model};"),
            1
        );
        assert_eq!(
            count(
                "src/query.rs",
                "#[cfg(test)] mod t { fn f() { crate::cli::run() } }"
            ),
            1
        );
        assert_eq!(count("src/query/tests.rs", "use crate::cli::run;"), 1);
        assert_eq!(
            count(
                "src/query/a.rs",
                "// crate::cli\nconst A: &str = \"crate::cli\";"
            ),
            0
        );
    }

    #[test]
    fn climbing_out_is_seen() {
        assert_eq!(count("src/query.rs", "use super::cli;"), 1);
        assert_eq!(count("src/query/mod.rs", "use super::{cli, error};"), 1);
        assert_eq!(count("src/query/a.rs", "use super::super::cli;"), 1);
        assert_eq!(
            count("src/query/a/b.rs", "use self::super::super::super::cli;"),
            1
        );
        assert_eq!(
            count("src/query/a.rs", "use super::cli; pub(super) fn f() {}"),
            0
        );
        assert_eq!(count("src/query.rs", "mod t { use super::*; }"), 0);
        assert_eq!(count("src/query.rs", "mod t { use super::super::cli; }"), 1);
        assert_eq!(
            count(
                "src/query.rs",
                "use crate as all; use crate::*; use super::*;"
            ),
            3
        );
    }

    #[test]
    fn new_rooms_need_a_rung() {
        assert_eq!(count("src/attic.rs", ""), 1);
        assert_eq!(count("src/attic/mod.rs", ""), 1);
        assert_eq!(
            count(
                "src/query.rs",
                "crate::attic!(); pub(in crate::query) struct A;"
            ),
            1
        );
    }

    #[test]
    fn entries_use_the_library() {
        assert_eq!(
            count(
                "src/main.rs",
                "use obs::{faces, world}; mod t { use super::*; }"
            ),
            0
        );
        assert_eq!(count("src/main.rs", "mod world; use obs::attic;"), 2);
        assert_eq!(
            count(
                "shell/builtin/src/lib.rs",
                "use obs::capture; use crate::words;"
            ),
            0
        );
        assert_eq!(count("shell/builtin/src/lib.rs", "use obs::faces;"), 1);
    }

    #[test]
    fn root_only_declares_rooms() {
        let fine = "#![deny(x)]\npub mod error;\n#[cfg(unix)]\npub(crate) mod child;\nmod cli;\n";
        assert_eq!(count("src/lib.rs", fine), 0);
        assert_eq!(
            said(
                "src/lib.rs",
                "pub mod attic;\npub use error::{A, B};\nfn f() {}\nmod main;\n"
            )
            .iter()
            .map(|text| text.get(..10).unwrap_or(""))
            .collect::<Vec<_>>(),
            ["1: declare", "2: only de", "3: only de", "4: declare"]
        );
    }
}
