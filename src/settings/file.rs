//! `config.toml` and `hot`, its flat cache: a hot command reads one small file and no TOML. The cache is rebuilt when
//! the config's inode, size or modification time differ; a broken config keeps the last good values.

use super::{SETTINGS, check};
use crate::error::Error;
use crate::world::World;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

/// The key that tells how many sinks there are; they themselves are read when something is sent.
pub(super) const SINKS: &str = "sink";

type Pairs = Vec<(String, String)>;

/// The settings of the home's `config.toml`; what is wrong with it goes to `complaints`.
pub(super) fn load(home: &Path, world: &World, complaints: &mut Vec<Error>) -> Pairs {
    let config = home.join("config.toml");
    // a pipe would wait for somebody to write
    let Some(found) = fs::metadata(&config).ok().filter(fs::Metadata::is_file) else {
        return Pairs::new();
    };
    let stamp = format!(
        "{} {} {}.{}",
        found.ino(),
        found.size(),
        found.mtime(),
        found.mtime_nsec()
    );
    let cache = home.join("hot");
    let regular = fs::symlink_metadata(&cache).is_ok_and(|found| found.is_file());
    let cached = regular.then(|| fs::read_to_string(&cache).ok()).flatten();
    let cached = cached.unwrap_or_default();
    let (old_stamp, old) = cached.split_once('\n').unwrap_or_default();
    if old_stamp == stamp {
        return pairs(old);
    }
    match read(&config) {
        Ok(pairs) => {
            store(&cache, &stamp, &pairs, world);
            pairs
        }
        Err(error) => {
            complaints.push(error);
            pairs(old)
        }
    }
}

fn pairs(text: &str) -> Pairs {
    text.lines()
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

fn read(config: &Path) -> Result<Pairs, Error> {
    let wrong = |cause: &dyn std::fmt::Display| {
        Error::usage(format!("could not use `{}`", config.display()))
            .because(cause)
            .hint("`obs print config` shows every key with its default")
    };
    let text = fs::read_to_string(config).map_err(|error| wrong(&error))?;
    let table: toml::Table = text
        .parse()
        .map_err(|error: toml::de::Error| wrong(&error.message()))?;
    let mut pairs = Pairs::new();
    flatten("", &table, &mut pairs);
    for (key, value) in pairs.iter().filter(|(key, _)| key != SINKS) {
        let Some(setting) = SETTINGS.iter().find(|row| row.key == Some(key)) else {
            return Err(wrong(&format!("unknown key `{key}`")));
        };
        check(setting.shape, value).map_err(|cause| wrong(&format!("`{key}`: {cause}")))?;
    }
    Ok(pairs)
}

fn flatten(prefix: &str, table: &toml::Table, pairs: &mut Pairs) {
    for (key, value) in table {
        let key = format!("{prefix}{key}");
        match value {
            toml::Value::Table(inner) => flatten(&format!("{key}."), inner, pairs),
            toml::Value::String(text) => pairs.push((key, text.replace('\n', " "))),
            toml::Value::Integer(number) => pairs.push((key, number.to_string())),
            toml::Value::Array(sinks) if key == SINKS => pairs.push((key, sinks.len().to_string())),
            toml::Value::Boolean(flag) => pairs.push((key, flag.to_string())),
            other => pairs.push((key, format!("{other:?}"))), // no shape takes it: the check says so
        }
    }
}

/// Stores the cache by temporary file and rename; a home that cannot be written only costs time.
fn store(cache: &Path, stamp: &str, pairs: &Pairs, world: &World) {
    let temporary = cache.with_extension(format!("{}.tmp", world.pid()));
    let mut text = format!("{stamp}\n");
    for (key, value) in pairs {
        text.push_str(&format!("{key}={value}\n"));
    }
    let written = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temporary)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    if written.is_err() || fs::rename(&temporary, cache).is_err() {
        let _ = fs::remove_file(&temporary);
    }
}
