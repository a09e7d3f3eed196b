//! The TLS files of a bus: there, readable and PEM before anything is sent. What they mean is told by rustls later.

use crate::error::Error;
use crate::settings::SinkSettings;
use crate::world::World;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
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
        let authorities = certificates(settings, "certificate", world)?;
        let certificate = certificates(settings, "client_certificate", world)?;
        let key = file(settings, "client_key", world)?;
        if let Some(path) = &key {
            PrivateKeyDer::from_pem_file(path)
                .map_err(|error| unread(settings, "client_key", path, error))?;
        }
        let identity = match (certificate, key) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            (Some(_), None) => return Err(missing(settings, "client_certificate", "client_key")),
            (None, Some(_)) => return Err(missing(settings, "client_key", "client_certificate")),
        };
        let is_asked = settings.flag("tls") || authorities.is_some() || identity.is_some();
        Ok(is_asked.then_some(Self {
            authorities,
            identity,
        }))
    }
}

fn missing(settings: &SinkSettings, there: &str, not_there: &str) -> Error {
    settings.wrong(there, format!("there is no `{not_there}`"))
}

fn file(settings: &SinkSettings, key: &str, world: &World) -> Result<Option<PathBuf>, Error> {
    settings.path(key, world)
}

fn certificates(
    settings: &SinkSettings,
    key: &str,
    world: &World,
) -> Result<Option<PathBuf>, Error> {
    let Some(path) = file(settings, key, world)? else {
        return Ok(None);
    };
    let wrong = |error| unread(settings, key, &path, error);
    let mut found = 0;
    for one in CertificateDer::pem_file_iter(&path).map_err(wrong)? {
        one.map_err(wrong)?;
        found += 1;
    }
    match found {
        0 => {
            let wrong = settings.wrong(key, format!("no certificate in {}", path.display()));
            Err(wrong.hint("name a PEM file: -----BEGIN CERTIFICATE-----"))
        }
        _ => Ok(Some(path)),
    }
}

fn unread(
    settings: &SinkSettings,
    key: &str,
    path: &std::path::Path,
    error: rustls::pki_types::pem::Error,
) -> Error {
    let why = match error {
        rustls::pki_types::pem::Error::Io(error) => error.to_string(),
        rustls::pki_types::pem::Error::NoItemsFound => "nothing of the kind in it".to_owned(),
        _ => "not a PEM file".to_owned(),
    };
    let wrong = settings.wrong(key, format!("{}: {why}", path.display()));
    wrong.hint("name a PEM file that whoever runs obs may read")
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
                "`certificate`: no certificate in ~/x.pem",
            ),
            (
                "certificate = \"/nowhere\"",
                "",
                "`certificate`: /nowhere: No such file or directory",
            ),
            (
                "certificate = \"x.pem\"",
                "",
                "`certificate`: x.pem is not absolute",
            ),
            (
                "client_key = \"FILE\"",
                "x",
                "`client_key`: ~/x.pem: nothing of the kind in it",
            ),
        ] {
            assert_eq!(read(keys, file).unwrap_err(), format!("{place}: {said}"));
        }
    }

    #[test]
    fn half_an_identity_is_refused() {
        let pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let error = read("client_certificate = \"FILE\"", pem).unwrap_err();
        assert!(
            error.ends_with("`client_certificate`: there is no `client_key`"),
            "{error}"
        );
    }
}
