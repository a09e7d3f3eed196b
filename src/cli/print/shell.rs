//! The functions for a shell's scripts, embedded whole; what is printed also knows which binary printed it.

use crate::world::World;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Most bytes of a script that are looked through.
const MOST: u64 = 1 << 20;

/// What help says of it.
pub(super) const MORE: &str = "\
Sourcing prints nothing and starts no process. Names taken: log_*, span_*, send_span, metric_*, emit_event, obs_*, __obs_*,
TRACE_ID, SPAN_ID. A script that calls obs_trace_script becomes one span; `trap` is then a function of ours in bash, an
alias in zsh, sh and posix mode, which keeps the script's own traps beside the one that ends the span. A signal ends the
script as soon as without us; dash, busybox ash and fish run nothing then, and the span is shown as abandoned. What bash
itself does not tell is not recorded: a signal that ends it between two programs may look like an end by exit code.

Which line called is told in bash, zsh and fish; in ksh, mksh and busybox ash where the script is a single file that
defines no functions of these names; in dash never, which does not know.

Examples:
  eval \"$(obs print shell bash)\"    # at the top of a script; zsh, sh likewise
  obs print shell fish | source";

/// A shell that there are functions for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Dialect {
    Bash,
    Fish,
    #[value(
        alias = "ash",
        alias = "dash",
        alias = "ksh",
        alias = "ksh93",
        alias = "mksh"
    )]
    Sh,
    Zsh,
}

impl Dialect {
    /// The functions, behind the name of this very binary, and behind what is known of the calling script.
    pub(super) fn functions(self, world: &World) -> Vec<u8> {
        let program = world.program().unwrap_or_else(|| PathBuf::from("obs"));
        let program = self.quoted(&program.to_string_lossy());
        let line = match self {
            Self::Fish => format!("set -g __obs_bin {program}\n"),
            // inside a function under warn_create_global an assignment alone would be remarked
            Self::Zsh => format!("'builtin' 'typeset' -g __obs_bin={program}\n"),
            Self::Bash | Self::Sh => format!("__obs_bin={program}\n"),
        };
        let single = match self {
            Self::Sh if script(world).is_some_and(|text| is_single(&text)) => "__obs_single=yes\n",
            _ => "",
        };
        [line.as_bytes(), single.as_bytes(), self.text().as_bytes()].concat()
    }

    fn text(self) -> &'static str {
        match self {
            Self::Bash => include_str!("../../../shell/obs.bash"),
            Self::Fish => include_str!("../../../shell/obs.fish"),
            Self::Sh => include_str!("../../../shell/obs.sh"),
            Self::Zsh => include_str!("../../../shell/obs.zsh"),
        }
    }

    /// One word of the shell, whatever is in it.
    fn quoted(self, word: &str) -> String {
        match self {
            Self::Fish => format!("'{}'", word.replace('\\', "\\\\").replace('\'', "\\'")),
            Self::Bash | Self::Sh | Self::Zsh => format!("'{}'", word.replace('\'', "'\\''")),
        }
    }
}

/// The text of the script that asks, where the command line of the calling shell names a plain file.
fn script(world: &World) -> Option<String> {
    let words = world.command_line(world.parent_pid());
    let words = words.iter().skip(1);
    let mut before = words
        .clone()
        .take_while(|word| !Path::new(word.as_str()).is_file());
    // what stands behind -c has lines, but of no file
    if before.any(|word| word.starts_with('-') && word.contains('c')) {
        return None;
    }
    // a pipe must not be read: the shell reads its script from it
    let file = words.map(Path::new).find(|word| word.is_file())?;
    let mut bytes = Vec::new();
    let mut file = fs::File::open(file).ok()?.take(MOST + 1);
    let length = file.read_to_end(&mut bytes).ok()? as u64;
    (length <= MOST).then(|| String::from_utf8_lossy(&bytes).into_owned())
}

/// True where a line's number says where it is: the script is one file, which reads no other. And where an alias for
/// our functions does no harm: it defines none of their names itself, and asks in no backquotes, which some shells
/// count by themselves.
fn is_single(text: &str) -> bool {
    let ours = |line: &str| {
        line.find("log_")
            .is_some_and(|at| line.contains('`') || line.get(at..).is_some_and(defines))
    };
    let reads = |line: &str| {
        let mut words = line.split([' ', '\t', ';', '&', '|', '{', '(']);
        words.any(|word| matches!(word, "." | "source" | "eval"))
    };
    !text
        .lines()
        .filter(|line| !line.contains("obs print shell"))
        .any(|line| ours(line) || reads(line))
}

/// True for `log_name ()` at the beginning.
fn defines(text: &str) -> bool {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
    rest.trim_start().starts_with('(')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_script_reads_and_defines_nothing() {
        for (text, single) in [
            ("log_info hi\n(log_info sub)\nf() { log_info x; }\n", true),
            ("eval \"$(obs print shell sh)\"\nlog_info a.b ./c\n", true),
            ("log_info() { echo; }\n", false),
            ("  log_error ( ) {\n", false),
            (". ./lib.sh\n", false),
            ("test -f x && . x\n", false),
            ("eval 'log_info x'\n", false),
            ("x=`log_info x`\n", false),
            ("# a `word`\nlog_info x\n", true),
        ] {
            assert_eq!(is_single(text), single, "{text}");
        }
    }

    #[test]
    fn odd_path_is_one_word() {
        assert_eq!(Dialect::Bash.quoted("/a b/o'bs"), "'/a b/o'\\''bs'");
        assert_eq!(Dialect::Fish.quoted("/a\\b/o'bs"), "'/a\\\\b/o\\'bs'");
    }

    #[test]
    fn every_file_is_of_this_version() {
        for dialect in [Dialect::Bash, Dialect::Fish, Dialect::Sh, Dialect::Zsh] {
            let text = dialect.text();
            assert!(text.contains(env!("CARGO_PKG_VERSION")), "{dialect:?}");
        }
    }
}
