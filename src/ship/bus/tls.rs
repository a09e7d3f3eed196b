//! The TLS files of a bus: there, readable and PEM before anything is sent. What they mean is told by rustls later.

use crate::error::Error;
use crate::settings::SinkSettings;
use crate::ship::otlp::tls;
use crate::world::World;
use std::path::PathBuf;

/// How an encrypted connection is checked, and who we are on it.
#[derive(Debug, Clone, Default)]
pub(in crate::ship) struct Tls {
    /// The authorities that are trusted; none: the system's.
    pub(in crate::ship) authorities: Option<PathBuf>,
    /// Our certificate and its key.
    pub(in crate::ship) identity: Option<(PathBuf, PathBuf)>,
}

impl Tls {
    /// What the settings say; none where they do not ask for TLS. A TLS file asks for it: nobody names one to be sent in the
    /// clear.
    pub(in crate::ship) fn read(
        settings: &SinkSettings,
        world: &World,
    ) -> Result<Option<Self>, Error> {
        let keys = ["certificate", "client_certificate", "client_key"];
        let [authorities, certificate, key] = keys.map(|key| settings.path(key, world));
        let (authorities, certificate, key) = (authorities?, certificate?, key?);
        let named = |name: &str, path: &Option<PathBuf>| {
            let place = format!("{}: `{name}`", settings.place);
            (
                place,
                path.as_ref()
                    .map(|path| path.to_string_lossy().into_owned()),
            )
        };
        tls::Tls::read([
            named("certificate", &authorities),
            named("client_certificate", &certificate),
            named("client_key", &key),
        ])?;
        let identity = certificate.zip(key);
        let is_asked = settings.flag("tls") || authorities.is_some() || identity.is_some();
        Ok(is_asked.then_some(Self {
            authorities,
            identity,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::sinks;
    use std::fs;

    fn read(keys: &str, file: &str) -> Result<Option<Tls>, String> {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("x.pem");
        fs::write(&path, file).unwrap();
        let keys = keys.replace("FILE", path.to_str().unwrap());
        let text = format!("[[sink]]\nname = \"a\"\ntype = \"nats\"\n{keys}\n");
        fs::write(home.path().join("config.toml"), text).unwrap();
        let world = World::of(&[]);
        let (found, errors) = sinks(Some(home.path()), &world);
        assert!(errors.is_empty(), "{errors:?}");
        let plain = |error: Error| {
            error
                .to_string()
                .replace(home.path().to_str().unwrap(), "~")
        };
        Tls::read(&found[0], &world).map_err(plain)
    }

    #[test]
    fn nothing_said_is_no_tls() {
        assert!(read("", "").unwrap().is_none());
        let tls = read("tls = true", "").unwrap().unwrap();
        assert!(tls.authorities.is_none() && tls.identity.is_none());
    }

    #[test]
    fn files_that_are_none_are_named() {
        let place = "~/config.toml:1";
        for (keys, file, said) in [
            (
                "certificate = \"FILE\"",
                "",
                "`certificate`: ~/x.pem: it holds no PEM certificate",
            ),
            (
                "certificate = \"/nowhere\"",
                "",
                "`certificate`: /nowhere: no such file or directory",
            ),
            (
                "certificate = \"x.pem\"",
                "",
                "`certificate`: x.pem is not absolute",
            ),
        ] {
            assert_eq!(read(keys, file).unwrap_err(), format!("{place}: {said}"));
        }
    }

    #[test]
    fn half_an_identity_is_refused() {
        let error = read("client_certificate = \"FILE\"", "").unwrap_err();
        assert!(error.ends_with("`client_key` is missing"), "{error}");
    }
}
