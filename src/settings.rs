//! The settings of a call, as the table says. Precedence: environment,
//! then `config.toml`, then the default; an empty variable is unset. Nothing is read from the folder one stands in.

mod file;
mod sinks;
mod table;

pub use sinks::{SINK_KEYS, SinkKey, SinkKind, SinkSettings, Start, sinks};
pub use table::{SETTINGS, Setting, Shape};

use crate::error::Error;
use crate::world::World;
use std::path::{Path, PathBuf};

/// The settings of this call.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Folder of the journal; none where there is no place for one.
    pub home: Option<PathBuf>,
    /// The exit code tells whether the record was accepted.
    pub strict: bool,
    /// Our own troubles are said aloud.
    pub debug: bool,
    /// Who acts, where somebody says so.
    pub actor: Option<String>,
    /// What acts, where somebody says so: `user`, `agent` or `ci`.
    pub actor_type: Option<String>,
    /// The logical flow, where somebody says so.
    pub correlation_id: Option<String>,
    /// Whose trace ids a run of GitHub Actions has.
    pub ci_ids: String,
    /// Least level, in lower case.
    pub log_level: String,
    /// `split`, `stdout`, `stderr` or `off`.
    pub log_stream: String,
    /// `auto`, `pretty`, `json`, `logfmt` or `github`.
    pub log_format: String,
    /// Outermost spans are groups in GitHub Actions.
    pub log_groups: bool,
    /// Wait for the disk.
    pub durable: bool,
    /// Milliseconds to wait for a lock.
    pub lock_timeout: u64,
    /// Size at which an active file is sealed.
    pub rotate_bytes: u64,
    /// Longest record in bytes.
    pub record_bytes: usize,
    /// A sink is configured, and a drain may be started for it.
    pub flush: bool,
    /// Wrapped tools are recorded.
    pub shim: bool,
    /// What was wrong with the settings; each was left at its default.
    pub complaints: Vec<Error>,
}

/// How much of the journal is kept; no hot call asks.
#[derive(Debug, Clone)]
pub struct Keep {
    /// Bytes of a signal, once they are acknowledged.
    pub bytes: u64,
    /// Days, once they are acknowledged.
    pub days: u64,
    /// Percent of the file system that stay free.
    pub free: u64,
    /// Bytes of a signal, acknowledged or not.
    pub hard: u64,
    /// What was wrong with these settings; each was left at its default.
    pub complaints: Vec<Error>,
}

impl Keep {
    /// Reads what says how much is kept.
    pub fn load(world: &World) -> Self {
        let mut lookup = Lookup::new(world, home(world).as_deref());
        Self {
            bytes: lookup.number("OBS_KEEP_BYTES"),
            days: lookup.number("OBS_KEEP_DAYS"),
            free: lookup.number("OBS_KEEP_FREE"),
            hard: lookup.number("OBS_HARD_BYTES"),
            complaints: lookup.complaints,
        }
    }
}

impl Settings {
    /// Reads the settings of this call. Never fails: a bad one is a complaint and keeps its default.
    pub fn load(world: &World) -> Self {
        let home = home(world);
        let mut lookup = Lookup::new(world, home.as_deref());
        let rotate_bytes = lookup.number("OBS_ROTATE_BYTES");
        let record_bytes = usize::try_from(lookup.number("OBS_RECORD_BYTES")).unwrap_or(262_144);
        Self {
            home,
            strict: lookup.flag("OBS_STRICT"),
            debug: lookup.flag("OBS_DEBUG"),
            actor: lookup.optional("OBS_ACTOR"),
            actor_type: lookup.optional("OBS_ACTOR_TYPE"),
            correlation_id: lookup.optional("OBS_CORRELATION_ID"),
            ci_ids: lookup.text("OBS_CI_IDS"),
            log_level: lookup.log_level(),
            log_stream: lookup.text("OBS_LOG_STREAM"),
            log_format: lookup.text("OBS_LOG_FORMAT"),
            log_groups: lookup.flag("OBS_LOG_GROUPS"),
            durable: lookup.flag("OBS_DURABLE"),
            lock_timeout: lookup.number("OBS_LOCK_TIMEOUT"),
            rotate_bytes,
            record_bytes,
            flush: lookup.has_sink() && lookup.text("OBS_FLUSH") == "auto",
            shim: lookup.flag("OBS_SHIM"),
            complaints: lookup.complaints,
        }
    }
}

/// `OBS_HOME`; else `~/.specify`; else a folder of ours in the runtime folder.
fn home(world: &World) -> Option<PathBuf> {
    if let Some(home) = world.var_os("OBS_HOME") {
        // without a trailing slash: the second spill place is found by this path
        return Some(world.absolute(Path::new(home)).components().collect());
    }
    if let Some(home) = world.user_home() {
        return Some(home.join(".specify"));
    }
    let runtime = world.var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    runtime
        .filter(|dir| dir.is_absolute())
        .map(|dir| dir.join("obs"))
}

/// Checks a text against a shape; the answer is the text as it is used (choices and booleans in lower case).
fn check(shape: Shape, text: &str) -> Result<String, String> {
    let lower = text.trim().to_ascii_lowercase();
    match shape {
        Shape::Text => Ok(text.to_owned()),
        Shape::Bool => match lower.as_str() {
            "true" | "1" | "yes" | "on" => Ok("true".to_owned()),
            "false" | "0" | "no" | "off" => Ok("false".to_owned()),
            _ => Err("expected true or false".to_owned()),
        },
        Shape::Choice(words) => match words.contains(&lower.as_str()) {
            true => Ok(lower),
            false => Err(format!("expected one of {}", words.join(", "))),
        },
        Shape::Millis => number(&lower, 0),
        Shape::Bytes(least) | Shape::Number(least) => number(&lower, least),
    }
}

fn number(text: &str, least: u64) -> Result<String, String> {
    match text.parse::<u64>() {
        Ok(number) if number >= least => Ok(number.to_string()),
        Ok(_) => Err(format!("expected at least {least}")),
        Err(_) => Err("expected a whole number".to_owned()),
    }
}

struct Lookup<'a> {
    world: &'a World,
    file: Vec<(String, String)>,
    complaints: Vec<Error>,
}

impl<'a> Lookup<'a> {
    fn new(world: &'a World, home: Option<&Path>) -> Self {
        let mut lookup = Self {
            world,
            file: Vec::new(),
            complaints: Vec::new(),
        };
        if let Some(home) = home {
            lookup.file = file::load(home, world, &mut lookup.complaints);
        }
        lookup
    }

    fn optional(&mut self, variable: &str) -> Option<String> {
        let setting = SETTINGS.iter().find(|row| row.variable == variable)?;
        if let Some(text) = self.world.var(variable) {
            match check(setting.shape, text) {
                Ok(text) => return Some(text),
                Err(cause) => self
                    .complaints
                    .push(Error::usage(format!("`{variable}={text}` is not used")).because(cause)),
            }
        }
        let key = setting.key?;
        let (_, text) = self.file.iter().find(|(name, _)| name == key)?;
        check(setting.shape, text)
            .ok()
            .filter(|text| !text.is_empty())
    }

    fn text(&mut self, variable: &str) -> String {
        self.optional(variable).unwrap_or_else(|| {
            let row = SETTINGS.iter().find(|row| row.variable == variable);
            row.map_or_else(String::new, |row| row.default.to_owned())
        })
    }

    /// True where somewhere to send to is known.
    fn has_sink(&self) -> bool {
        self.file.iter().any(|(key, _)| key == file::SINKS) || sinks::in_variables(self.world)
    }

    fn flag(&mut self, variable: &str) -> bool {
        self.text(variable) == "true"
    }

    fn number(&mut self, variable: &str) -> u64 {
        self.text(variable).parse().unwrap_or_default()
    }

    /// `DEBUG=true` is the seed's word for the lowest threshold; the aliases of levels are taken too.
    fn log_level(&mut self) -> String {
        if self.world.var("DEBUG") == Some("true") {
            return "debug".to_owned();
        }
        let alias = self.world.var("OBS_LOG_LEVEL").map(str::to_ascii_lowercase);
        match alias.as_deref() {
            Some("trace") => "debug".to_owned(),
            Some("warn") => "warning".to_owned(),
            Some("fatal") => "critical".to_owned(),
            _ => self.text("OBS_LOG_LEVEL"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(env: &[(&str, &str)]) -> Settings {
        Settings::load(&World::of(env))
    }

    #[test]
    fn environment_beats_file_beats_default() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().to_str().unwrap();
        std::fs::write(
            home.path().join("config.toml"),
            "actor = \"file\"\n[journal]\nlock_timeout = 7\n[log]\nlevel = \"error\"\n",
        )
        .unwrap();
        let settings = load(&[("OBS_HOME", path), ("OBS_LOG_LEVEL", "warn")]);
        assert_eq!(settings.lock_timeout, 7);
        assert_eq!(settings.actor.as_deref(), Some("file"));
        assert_eq!(settings.log_level, "warning");
        assert_eq!(settings.rotate_bytes, 16_777_216);
        assert!(settings.complaints.is_empty());
    }

    #[test]
    fn broken_file_keeps_last_good_values() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().to_str().unwrap();
        let config = home.path().join("config.toml");
        std::fs::write(&config, "actor = \"one\"\n").unwrap();
        assert_eq!(load(&[("OBS_HOME", path)]).actor.as_deref(), Some("one"));
        std::fs::write(&config, "actor = \"two\n").unwrap();
        let settings = load(&[("OBS_HOME", path)]);
        assert_eq!(settings.actor.as_deref(), Some("one"));
        assert!(settings.complaints[0].to_string().contains("config.toml"));
    }

    #[test]
    fn bad_values_are_named_and_left_at_default() {
        let settings = load(&[
            ("HOME", "/h"),
            ("OBS_LOCK_TIMEOUT", "soon"),
            ("OBS_LOG_STREAM", "x"),
        ]);
        assert_eq!(settings.lock_timeout, 250);
        let said: Vec<String> = settings
            .complaints
            .iter()
            .map(ToString::to_string)
            .collect();
        assert!(
            said.contains(
                &"`OBS_LOCK_TIMEOUT=soon` is not used: expected a whole number".to_owned()
            )
        );
        assert_eq!(said.len(), 2);
    }

    #[test]
    fn keeping_is_said_by_file_and_environment() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().to_str().unwrap();
        let config = "[journal]\nkeep_days = 7\nhard_bytes = 10\n";
        std::fs::write(home.path().join("config.toml"), config).unwrap();
        let keep = Keep::load(&World::of(&[("OBS_HOME", path), ("OBS_KEEP_FREE", "12")]));
        assert_eq!((keep.bytes, keep.days), (1 << 30, 7));
        assert_eq!((keep.free, keep.hard), (12, 10));
        assert!(keep.complaints.is_empty());
    }

    #[test]
    fn home_falls_back_in_order() {
        assert_eq!(load(&[("HOME", "/h")]).home, Some("/h/.specify".into()));
        assert_eq!(
            load(&[("OBS_HOME", "/o"), ("HOME", "/h")]).home,
            Some("/o".into())
        );
        assert_eq!(
            load(&[("HOME", "rel"), ("XDG_RUNTIME_DIR", "/r")]).home,
            Some("/r/obs".into())
        );
    }
}
