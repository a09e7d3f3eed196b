//! The hot commands of obs as a loadable builtin of bash: `enable -f libobs.so obs`. The same rooms and the same words as
//! the binary, inside bash's own process, so a record costs no fork. What it may not do there: keep a descriptor, a
//! signal's disposition, the mask, a timer or the umask changed; start a thread; touch bash's buffers; unwind into C.
//! Whatever is no hot command, or reads standard input or a file, goes to the binary.
#![cfg(target_os = "linux")]
#![allow(unsafe_code)] // bash's C interface

mod bash;
mod binary;
mod caller;
mod quiet;
mod streams;

use bash::{Builtin, WordList};
use rooms::error::Error;
use rooms::world::{Host, World};
use rooms::{capture, cli, redact};
use std::borrow::Cow;
use std::ffi::{CStr, OsStr, OsString, c_char, c_int};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::panic::{self, AssertUnwindSafe, UnwindSafe};
use std::ptr;
use std::sync::OnceLock;

/// Our version, as a string of C.
const VERSION: &CStr = version(concat!(env!("CARGO_PKG_VERSION"), "\0"));

/// What `obs doctor` looks for in the library's bytes.
#[used]
static MARK: &str = concat!("obs-builtin-version=", env!("CARGO_PKG_VERSION"), ";");

/// The hot commands that need no process; `span exec` runs another program, and what is rare is the binary's.
const OURS: &[&str] = &[
    "emit",
    "log",
    "metric inc",
    "metric observe",
    "metric set",
    "span end",
    "span event",
    "span set",
    "span start",
];

/// What sets variables of the shell, which no process can.
const STEPS: &[&str] = &["span end", "span start"];

/// The structures that bash looks for, `<name>_struct`: it writes its handle into them. `__obs_hot` is the name that the
/// functions of `obs print shell` call, so that `obs` itself stays the program: of `obs … &` bash makes a shell that waits
/// for the program, where a builtin is called so, and a signal to `$!` reaches the shell only.
#[unsafe(no_mangle)]
static mut obs_struct: Builtin = builtin(c"obs", obs);
#[unsafe(no_mangle)]
static mut __obs_hot_struct: Builtin = builtin(c"__obs_hot", obs);

/// The functions `log_LEVEL` of `obs print shell` as builtins, which cost a third less than a function that calls one.
macro_rules! level {
    ($level:literal, $name:ident, $structure:ident, $load:ident) => {
        #[unsafe(no_mangle)]
        static mut $structure: Builtin = Builtin {
            short_doc: c"log_LEVEL message [attribute=value ...]".as_ptr(),
            ..builtin(
                match CStr::from_bytes_with_nul(concat!(stringify!($name), "\0").as_bytes()) {
                    Ok(name) => name,
                    Err(_) => c"",
                },
                $name,
            )
        };

        extern "C" fn $name(list: *const WordList) -> c_int {
            guarded(list, |words| said($level.as_bytes(), words))
        }

        #[unsafe(no_mangle)]
        extern "C" fn $load(_: *const c_char) -> c_int {
            loaded()
        }
    };
}

level!("debug", log_debug, log_debug_struct, log_debug_builtin_load);
level!("info", log_info, log_info_struct, log_info_builtin_load);
level!(
    "warning",
    log_warning,
    log_warning_struct,
    log_warning_builtin_load
);
level!("error", log_error, log_error_struct, log_error_builtin_load);
level!(
    "critical",
    log_critical,
    log_critical_struct,
    log_critical_builtin_load
);

const fn builtin(
    name: &'static CStr,
    function: extern "C" fn(*const WordList) -> c_int,
) -> Builtin {
    Builtin {
        name: name.as_ptr(),
        function,
        flags: bash::ENABLED,
        long_doc: HELP.0.as_ptr(),
        short_doc: c"obs log|emit|metric|span … ".as_ptr(),
        handle: ptr::null(),
    }
}

struct Help([*const c_char; 3]);

// SAFETY: the strings are constants
unsafe impl Sync for Help {}

static HELP: Help = Help([
    c"Record logs, spans, events and metrics without starting a process.".as_ptr(),
    c"Other commands are run by the program: where one goes to the background, call it by its path.".as_ptr(),
    ptr::null(),
]);

/// What becomes of a call.
enum Done {
    /// Its exit code.
    Code(c_int),
    /// The binary does it: the text that bash evaluates.
    Elsewhere(*mut c_char),
}

/// The builtin.
extern "C" fn obs(list: *const WordList) -> c_int {
    guarded(list, call)
}

/// Calls for the words that bash gave.
fn guarded(
    list: *const WordList,
    call: impl FnOnce(&[&'static [u8]]) -> Done + UnwindSafe,
) -> c_int {
    // SAFETY: bash calls a builtin with its words and waits
    let done = panic::catch_unwind(|| call(&unsafe { bash::words(list) }));
    match done {
        Ok(Done::Code(code)) => code,
        // SAFETY: everything of ours but the text has been dropped
        Ok(Done::Elsewhere(text)) => unsafe { binary::run(text) },
        Err(_) => 0,
    }
}

/// bash calls it when the library is loaded; 0 would refuse.
#[unsafe(no_mangle)]
extern "C" fn obs_builtin_load(_: *const c_char) -> c_int {
    loaded()
}

#[unsafe(no_mangle)]
extern "C" fn __obs_hot_builtin_load(_: *const c_char) -> c_int {
    loaded()
}

fn loaded() -> c_int {
    // a panic would be told on the script's standard error
    c_int::from(panic::catch_unwind(|| panic::set_hook(Box::new(|_| {}))).is_ok())
}

fn call(words: &[&'static [u8]]) -> Done {
    if *words == [b"--builtin-version".as_slice()] {
        bash::set(c"__obs_builtin", VERSION);
        return Done::Code(0);
    }
    hot(words)
}

/// A log record of whoever called, with one word at least: the message.
fn said(level: &[u8], words: &[&[u8]]) -> Done {
    let source = caller::source();
    let mut all = vec![b"log".as_slice(), &source, level, b"--"];
    all.extend(words);
    if words.is_empty() {
        all.push(b"");
    }
    hot(&all)
}

/// A command by its words.
fn hot(words: &[&[u8]]) -> Done {
    let argv = [b"obs".as_slice()].into_iter().chain(words.iter().copied());
    let argv = argv.map(|word| OsString::from_vec(word.to_vec()));
    let env = bash::environment().map(|pair| Cow::Borrowed(OsStr::from_bytes(pair)));
    let world = World::new(argv.collect(), env.collect()).inside(host());
    let args = world.args().get(1..).unwrap_or_default();
    let hot = capture::find(args).filter(|(hot, rest)| {
        OURS.contains(&hot.name)
            && !capture::wants_help(hot, rest)
            && (STEPS.contains(&hot.name) || !reads(rest))
    });
    let Some((hot, rest)) = hot else {
        return Done::Elsewhere(binary::command(words));
    };
    let _quiet = quiet::Quiet::new();
    let _streams = streams::Standard::open();
    let done = panic::catch_unwind(AssertUnwindSafe(|| {
        let ran = capture::run(hot, rest, &world)?;
        if let Some(program) = ran.wants_drain.then(binary::path).flatten() {
            cli::start_drain(&program, &world);
        }
        Ok::<_, Error>(ran.exit)
    }));
    Done::Code(match done {
        Ok(Ok(exit)) => c_int::from(exit.code()),
        Ok(Err(error)) => {
            world.say(&redact::text(&error.report()));
            c_int::from(error.code())
        }
        Err(_) => 0,
    })
}

const fn version(text: &'static str) -> &'static CStr {
    match CStr::from_bytes_with_nul(text.as_bytes()) {
        Ok(text) => text,
        Err(_) => c"",
    }
}

/// True where the words ask for standard input or a file, which may wait: an interrupt must reach whoever waits.
fn reads(words: &[OsString]) -> bool {
    let asks = |word: &OsString| {
        let word = word.as_bytes();
        word == b"-"
            || word.starts_with(b"@")
            || word.starts_with(b"--stdin")
            || memchr::memmem::find(word, b"=@").is_some()
            || memchr::memmem::find(word, b"@=").is_some()
            || word.ends_with(b"=-")
    };
    words.iter().any(asks)
}

/// The shell around us. Its words never change: they are read once.
fn host() -> Host {
    static WORDS: OnceLock<Vec<String>> = OnceLock::new();
    let words = WORDS.get_or_init(|| {
        let world = World::default();
        world.command_line(world.pid())
    });
    Host {
        words,
        bind: bash::bind,
        is_interrupted: bash::is_interrupted,
    }
}
