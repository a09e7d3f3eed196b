//! A script that stops where it says so, to be looked at from outside while it runs.

use crate::sandbox::{Sandbox, outcome};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStderr, Stdio};

/// `stage NAME` in a POSIX shell: says the name, waits for a line.
pub(super) const STAGE: &str = r#"
exec 3<&0
stage() { echo "$1" >&2; read -r word <&3; }
start() { eval "$(obs span start "$1")"; }
"#;

/// The same in fish.
pub(super) const STAGE_IN_FISH: &str = r#"
function stage; echo $argv[1] >&2; read -l word; end
function start; eval (obs span start $argv[1] | string collect); end
"#;

/// How a shell is given its script.
#[derive(Debug, Clone, Copy)]
pub(super) enum Given {
    File,
    Inline,
}

/// A running script. Dropping it closes its standard input, which ends it.
pub(super) struct Staged {
    child: Child,
    said: BufReader<ChildStderr>,
}

impl Staged {
    pub(super) fn start(sandbox: &Sandbox, shell: &str, given: Given, text: &str) -> Self {
        let mut words = shell.split(' ');
        let mut command = sandbox.command(words.next().unwrap());
        command.args(words);
        match given {
            Given::File => {
                let file = sandbox.path("work/staged");
                fs::write(&file, text).unwrap();
                command.arg(file);
            }
            Given::Inline => {
                command.arg("-c").arg(text);
            }
        }
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let said = BufReader::new(child.stderr.take().unwrap());
        Self { child, said }
    }

    /// Waits until the script says that it is there.
    #[track_caller]
    pub(super) fn reach(&mut self, stage: &str) {
        let mut line = String::new();
        self.said.read_line(&mut line).unwrap();
        assert_eq!(line.trim_end(), stage);
    }

    /// Lets it go on.
    pub(super) fn go(&mut self) {
        let stdin = self.child.stdin.as_mut().unwrap();
        stdin.write_all(b"go\n").unwrap();
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the end; what it still says is an error.
    #[track_caller]
    pub(super) fn end(self) {
        let mut rest = String::new();
        let Self {
            mut child,
            mut said,
        } = self;
        std::io::Read::read_to_string(&mut said, &mut rest).unwrap();
        drop(said);
        child.stdin.take();
        let ended = outcome(&child.wait_with_output().unwrap());
        assert!(
            ended.code == 0 && rest.is_empty(),
            "{}{rest}",
            ended.shown()
        );
    }
}
