//! Secrets of a sink: read from a variable (`<key>_env`) or a file (`<key>_file`), never from `config.toml` itself, and
//! never shown.

use crate::error::Error;
use crate::settings::SinkSettings;
use crate::world::World;
use rustix::fs::{Mode, OFlags};
use std::fmt;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// No secret is longer; a file that is was named by mistake.
const LONGEST: u64 = 64 * 1024;

/// A text that no message shows.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Secret(String);

impl Secret {
    /// Takes a text.
    pub(super) fn of(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the one place that needs it.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The secret that `<key>_env` or `<key>_file` names; none where neither is set.
pub(super) fn read(
    settings: &SinkSettings,
    key: &str,
    world: &World,
) -> Result<Option<Secret>, Error> {
    let (by_env, by_file) = (format!("{key}_env"), format!("{key}_file"));
    match (settings.text(&by_env), settings.text(&by_file)) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err(settings
            .wrong(&by_file, format!("`{by_env}` is there too"))
            .hint("keep one of them")),
        (Some(name), None) => {
            let unset = || {
                let wrong = named(settings, &by_env, &format!("{name}, which is not set"));
                wrong.hint(format!("export {name}, or name a file with `{by_file}`"))
            };
            world.var(name).map(Secret::of).ok_or_else(unset).map(Some)
        }
        (None, Some(_)) => {
            let path = settings.path(&by_file, world)?.unwrap_or_default();
            of_file(&path, world.user_id())
                .map_err(|(why, hint)| {
                    let what = format!("{}, which cannot be used", path.display());
                    named(settings, &by_file, &what).because(why).hint(hint)
                })
                .map(Some)
        }
    }
}

/// No colon behind the key: what stands there would be taken for the secret, and not shown.
fn named(settings: &SinkSettings, key: &str, what: &str) -> Error {
    Error::usage(format!("{}: `{key}` names {what}", settings.place))
}

/// Why a file is no secret, and what to do about it.
type Refusal = (String, String);

fn of_file(path: &Path, user: u32) -> Result<Secret, Refusal> {
    let unread = |error: io::Error| {
        let hint = "it is read by whoever runs obs, also in the background";
        (error.to_string(), hint.to_owned())
    };
    // a link is followed (mounted secrets are links), a FIFO is not waited for
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = rustix::fs::open(path, flags, Mode::empty());
    let file = File::from(opened.map_err(|error| unread(error.into()))?);
    fits(path, &file.metadata().map_err(unread)?, user)?;
    let mut text = String::new();
    let read = file.take(LONGEST + 1).read_to_string(&mut text);
    read.map_err(unread)?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    match text.is_empty() {
        true => Err((
            "it is empty".to_owned(),
            "write the secret into it".to_owned(),
        )),
        false => Ok(Secret::of(text)),
    }
}

fn fits(path: &Path, found: &Metadata, user: u32) -> Result<(), Refusal> {
    let refused = |why: &str, hint: String| Err((why.to_owned(), hint));
    let shown = path.display();
    match found {
        _ if !found.is_file() => refused(
            "not a regular file",
            "name a file that holds the secret alone".to_owned(),
        ),
        _ if found.len() > LONGEST => refused(
            "larger than 64 KiB",
            "name a file that holds the secret alone".to_owned(),
        ),
        _ if found.uid() != user => refused(
            "owned by another user",
            format!("chown it to user {user}, who runs obs"),
        ),
        _ if found.mode() & 0o077 != 0 => {
            refused("others may read it", format!("chmod 600 {shown}"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::sinks;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    fn webhook(keys: &str, env: &[(&str, &str)]) -> Result<Option<Secret>, String> {
        let home = tempfile::tempdir().unwrap();
        let text = format!("[[sink]]\nname = \"a\"\ntype = \"webhook\"\n{keys}\n");
        fs::write(home.path().join("config.toml"), text).unwrap();
        let world = World::of(env);
        let (found, errors) = sinks(Some(home.path()), &world);
        assert!(errors.is_empty(), "{errors:?}");
        let plain = |error: Error| error.report().replace(home.path().to_str().unwrap(), "~");
        read(&found[0], "secret", &world).map_err(plain)
    }

    fn of_mode(content: &[u8], mode: u32) -> Result<Option<Secret>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let path = path.to_str().unwrap();
        webhook(&format!("secret_file = \"{path}\""), &[])
            .map_err(|error| error.replace(path, "KEY"))
    }

    #[test]
    fn variable_holds_the_secret() {
        let env = [("HOOK", "s3cret")];
        let secret = webhook("secret_env = \"HOOK\"", &env).unwrap().unwrap();
        assert_eq!(secret.reveal(), "s3cret");
        assert_eq!(format!("{secret} {secret:?}"), "*** ***");
        assert_eq!(webhook("", &env), Ok(None));
        assert_eq!(
            webhook("secret_env = \"NONE\"", &env).unwrap_err(),
            "obs: ~/config.toml:1: `secret_env` names NONE, which is not set\n\
             hint: export NONE, or name a file with `secret_file`\n"
        );
    }

    #[test]
    fn file_loses_one_line_end() {
        let read = |content: &[u8]| of_mode(content, 0o600).unwrap().unwrap().0;
        assert_eq!(read(b"s3cret\n"), "s3cret");
        assert_eq!(read(b"s3cret\r\n"), "s3cret");
        assert_eq!(read(b" two\nlines \n\n"), " two\nlines \n");
        assert_eq!(of_mode(b"x", 0o400).unwrap(), Some(Secret::of("x")));
    }

    #[test]
    fn file_that_others_read_is_refused() {
        for mode in [0o640, 0o604, 0o666] {
            assert_eq!(
                of_mode(b"s3cret", mode).unwrap_err(),
                "obs: ~/config.toml:1: `secret_file` names KEY, which cannot be used: others may read it\nhint: chmod 600 KEY\n"
            );
        }
    }

    #[test]
    fn file_must_be_a_plain_one() {
        for (what, why) in [
            ("/dev/null", "not a regular file"),
            ("/", "not a regular file"),
            ("/nowhere/x", "no such file or directory"),
            ("key", "key is not absolute"),
        ] {
            let error = webhook(&format!("secret_file = \"{what}\""), &[]).unwrap_err();
            assert!(error.to_lowercase().contains(why), "{error}");
        }
        for wrong in [&b""[..], b"\n", b"\xff\xfe"] {
            let error = of_mode(wrong, 0o600).unwrap_err();
            assert!(
                error.contains("`secret_file` names KEY, which cannot be used: "),
                "{error}"
            );
        }
        let long = vec![b'x'; 70_000];
        assert!(of_mode(&long, 0o600).unwrap_err().contains("64 KiB"));
    }

    #[test]
    fn two_places_are_one_too_many() {
        let error = webhook("secret_env = \"A\"\nsecret_file = \"/b\"", &[]).unwrap_err();
        assert!(error.contains("`secret_env` is there too"), "{error}");
    }
}
