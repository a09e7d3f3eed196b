//! Files of this machine as a sink, for what already reads files: Promtail, Alloy, the Collector, `tail -f`.
//!
//! A load is one append under the file's lock, so two writers never tear each other's lines, and is on disk before it is
//! acknowledged. A file that does not end in a line end, after a crash of whoever wrote it, gets one first. When it would grow
//! past its size it becomes `path.1`, that one `path.2`, as far as `keep` goes. Somebody else may rotate it as well: it is opened
//! anew for each load. Links are not followed, and the folder must be there.

mod append;

use super::lines::Format;
use super::{Answer, Form, Load, Most, Sink};
use crate::error::Error;
use crate::model::Signal;
use crate::settings::{Settings, SinkSettings};
use crate::world::World;
use append::Appending;
use rustix::fs::{Access, Gid, RawMode, access};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::PathBuf;

/// One write and one wait for the disk.
const MOST: Most = Most {
    records: 5000,
    bytes: 4 * 1024 * 1024,
};
/// What stands for the signal in a path.
const SIGNAL: &str = "{signal}";
/// Who belongs to which group; the one file that every Unix has.
const GROUPS: &str = "/etc/group";

/// Opens the sink.
pub(super) fn open(settings: &SinkSettings, world: &World) -> Result<Box<dyn Sink>, Error> {
    settings.needed("path")?;
    let path = settings.path("path", world)?.unwrap_or_default();
    if Settings::load(world)
        .home
        .is_some_and(|home| path.starts_with(home))
    {
        let wrong = settings.wrong(
            "path",
            "it is in the journal's own folder, which would feed itself",
        );
        return Err(wrong.hint("name a file elsewhere, such as /var/log/obs/{signal}.log"));
    }
    let path = path.to_string_lossy().into_owned();
    let format = Format::of(settings, Format::Obs)?;
    let signals = settings.signals();
    let taken = |signal: &&Signal| format.takes(&signals, **signal).is_some();
    if format == Format::OtlpJson
        && signals.iter().filter(taken).count() > 1
        && !path.contains(SIGNAL)
    {
        let wrong = settings.wrong("path", "readers of OTLP lines want one signal a file");
        return Err(wrong.hint(format!("put {SIGNAL} into it, or name one in `signals`")));
    }
    Ok(Box::new(Files {
        format,
        path,
        appending: Appending {
            mode: mode(settings)?,
            group: group(settings)?,
            user: world.user_id(),
            rotate_bytes: settings.number("rotate_bytes"),
            keep: settings.number("keep"),
            patience_ms: settings.number("timeout"),
        },
        place: format!("{}: `path`", settings.place),
        signals,
    }))
}

fn mode(settings: &SinkSettings) -> Result<RawMode, Error> {
    let text = settings.text("permissions").unwrap_or("0600");
    let mode = RawMode::from_str_radix(text, 8).ok();
    let fit = mode.filter(|mode| *mode <= 0o777 && mode & 0o600 == 0o600);
    fit.ok_or_else(|| {
        let wrong = settings.wrong("permissions", format!("{text} is no mode of such a file"));
        wrong.hint("write it in octal, as 0640; its owner reads and writes it")
    })
}

fn group(settings: &SinkSettings) -> Result<Option<Gid>, Error> {
    let Some(name) = settings.text("group") else {
        return Ok(None);
    };
    let number = name.parse().ok().or_else(|| {
        let groups = fs::read_to_string(GROUPS).unwrap_or_default();
        groups.lines().find_map(|line| {
            let mut fields = line.split(':');
            let is_it = fields.next() == Some(name);
            is_it.then(|| fields.nth(1)?.parse().ok()).flatten()
        })
    });
    match number {
        Some(number) => Ok(Some(Gid::from_raw(number))),
        None => Err(settings
            .wrong("group", format!("{name} is not in {GROUPS}"))
            .hint("a group's number will do, too")),
    }
}

struct Files {
    format: Format,
    signals: Vec<Signal>,
    path: String,
    appending: Appending,
    place: String,
}

impl Sink for Files {
    fn takes(&self, signal: Signal) -> Option<Form> {
        self.format.takes(&self.signals, signal)
    }

    fn most(&self) -> Most {
        MOST
    }

    fn send(&mut self, load: Load<'_>) -> Answer {
        let lines = match self.format.sent(load) {
            Ok(lines) if lines.is_empty() => return Answer::Delivered,
            Ok(lines) => lines,
            Err(why) => return Answer::Permanent(why),
        };
        let path = self.path(load.signal());
        match self.appending.append(&path, &lines) {
            Ok(()) => Answer::Delivered,
            Err(error) if is_hopeless(&error) => {
                let wrong = Error::usage(format!("{}: {}", self.place, path.display()));
                Answer::Misconfigured(wrong.because(&error).hint(hint(&error)))
            }
            Err(error) => Answer::Retry {
                after: None,
                why: Error::failure(format!("could not append to {}", path.display()))
                    .because(error),
            },
        }
    }

    fn probe(&mut self) -> Result<String, Error> {
        let path = self.path(Signal::Events);
        let folder = path.parent().unwrap_or(&path);
        match access(folder, Access::WRITE_OK | Access::EXEC_OK) {
            Ok(()) => Ok(format!("{} can be written to", folder.display())),
            Err(cause) => {
                let cause = io::Error::from(cause);
                let wrong = Error::usage(format!("{}: {}", self.place, folder.display()));
                Err(wrong.hint(hint(&cause)).because(cause))
            }
        }
    }
}

impl Files {
    fn path(&self, signal: Signal) -> PathBuf {
        PathBuf::from(self.path.replace(SIGNAL, signal.name()))
    }
}

/// True for what no waiting mends.
fn is_hopeless(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::InvalidFilename
            | ErrorKind::IsADirectory
            | ErrorKind::NotADirectory
            | ErrorKind::NotFound
            | ErrorKind::PermissionDenied
            | ErrorKind::ReadOnlyFilesystem
            | ErrorKind::Unsupported
    ) || error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::NotFound => "make the folder; obs makes the file",
        ErrorKind::PermissionDenied => "let the user who runs obs write there",
        _ => "name a plain file in a folder of its own",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_disk_is_not_hopeless() {
        use rustix::io::Errno;
        for passing in [Errno::NOSPC, Errno::DQUOT, Errno::FBIG, Errno::IO] {
            assert!(!is_hopeless(&passing.into()), "{passing}");
        }
        for lasting in [Errno::ACCESS, Errno::ROFS, Errno::LOOP, Errno::NOENT] {
            assert!(is_hopeless(&lasting.into()), "{lasting}");
        }
    }
}
