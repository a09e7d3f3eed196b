//! The files of TLS, read and checked when a sink is opened, and what an error of the handshake means. rustls on ring; the
//! system's authorities are trusted where no file names others.

use crate::error::Error;
use reqwest::tls::{Certificate, Identity};
use rustls::{CertificateError, Error as Reason};
use std::error::Error as Cause;
use std::fs;
use std::io;

/// What a connection proves with and trusts.
#[derive(Clone, Default, PartialEq, Eq)]
pub(in crate::ship) struct Tls {
    /// PEM of the authorities that are trusted; none: the system's.
    pub(super) authorities: Option<Vec<u8>>,
    /// PEM of our certificate and of its key.
    pub(super) identity: Option<(Vec<u8>, Vec<u8>)>,
}

impl Tls {
    /// Reads authorities, certificate and key; each comes with the place that named it.
    pub(in crate::ship) fn read(files: [(String, Option<String>); 3]) -> Result<Self, Error> {
        let [
            (authorities, in_authorities),
            (ours, in_ours),
            (key, in_key),
        ] = files;
        let authorities = match in_authorities {
            Some(path) => {
                let pem = file(&authorities, &path)?;
                let count = Certificate::from_pem_bundle(&pem).map_or(0, |found| found.len());
                if count == 0 {
                    return Err(wrong(&authorities, &path, "it holds no PEM certificate"));
                }
                Some(pem)
            }
            None => None,
        };
        let identity = match (in_ours, in_key) {
            (Some(path), Some(key_path)) => {
                let (pem, key_pem) = (file(&ours, &path)?, file(&key, &key_path)?);
                if Identity::from_pem(&joined(&key_pem, &pem)).is_err() {
                    let why = "it and the key's file hold no PEM certificate and private key";
                    return Err(wrong(&ours, &path, why));
                }
                Some((pem, key_pem))
            }
            (None, None) => None,
            (Some(_), None) => return Err(alone(&key)),
            (None, Some(_)) => return Err(alone(&ours)),
        };
        Ok(Self {
            authorities,
            identity,
        })
    }

    /// Certificate and key in one text.
    pub(super) fn joined(&self) -> Option<Vec<u8>> {
        let (pem, key) = self.identity.as_ref()?;
        Some(joined(key, pem))
    }
}

fn joined(key: &[u8], certificate: &[u8]) -> Vec<u8> {
    [key, b"\n", certificate].concat()
}

fn file(place: &str, path: &str) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|cause| wrong(place, path, cause))
}

fn wrong(place: &str, path: &str, why: impl std::fmt::Display) -> Error {
    Error::usage(format!("{place}: {path}"))
        .because(why)
        .hint("name a PEM file that you can read")
}

fn alone(place: &str) -> Error {
    Error::usage(format!("{place} is missing"))
        .hint("a client certificate and its key are given together")
}

/// Makes ring the provider of this process. A second time changes nothing.
pub(super) fn install() {
    // refused where there is one already, which is as good
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// The error of TLS somewhere behind an error, if there is one.
pub(in crate::ship) fn reason<'a>(error: &'a (dyn Cause + 'static)) -> Option<&'a Reason> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        // what an io error wraps is not among its sources, only what lies behind that
        let wrapped = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        if let Some(found) = wrapped.and_then(|inner| reason(inner)) {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// What to do about an alert of the other side, by its name.
pub(super) fn hint_of_alert(name: &str) -> &'static str {
    match name {
        "CertificateRequired" | "HandshakeFailure" => {
            "the receiver asks for a client certificate: set the client certificate and its key"
        }
        "BadCertificate" | "CertificateExpired" | "CertificateRevoked" | "CertificateUnknown"
        | "UnknownCA" => {
            "the receiver does not trust our client certificate: check who signed it and when it ends"
        }
        "NoApplicationProtocol" => {
            "the port speaks another protocol: grpc is usually on 4317, HTTP on 4318"
        }
        _ => OTHER,
    }
}

const OTHER: &str = "compare the TLS settings of both sides";

/// What to do about it.
pub(in crate::ship) fn hint(reason: &Reason) -> &'static str {
    match reason {
        Reason::AlertReceived(alert) => hint_of_alert(&format!("{alert:?}")),
        Reason::InvalidCertificate(
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. },
        ) => "renew the receiver's certificate, or set this machine's clock",
        Reason::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => "use a host name that the receiver's certificate bears",
        Reason::InvalidCertificate(CertificateError::Other(_)) => {
            "a certificate that signed itself must be made for a server: basicConstraints=CA:FALSE, or sign it by an authority"
        }
        Reason::InvalidCertificate(_) => {
            "name the file of the authority that signed the receiver's certificate: OTEL_EXPORTER_OTLP_CERTIFICATE, or `certificate` of a [[sink]]"
        }
        Reason::InvalidMessage(_) => "this port speaks no TLS: write http:// or use its TLS port",
        _ => OTHER,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reason_is_found_inside_io_errors() {
        let inner = Reason::InvalidCertificate(CertificateError::UnknownIssuer);
        let io = io::Error::other(io::Error::other(inner));
        let found = reason(&io).unwrap();
        assert!(hint(found).contains("authority"));
        assert!(reason(&io::Error::other("x")).is_none());
    }

    #[test]
    fn files_are_checked_when_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.pem").display().to_string();
        let named = |name: &str, path: Option<&String>| (name.to_owned(), path.cloned());
        let read = |files: [Option<&String>; 3]| {
            let [a, b, c] = files;
            let files = [named("CA", a), named("CERT", b), named("KEY", c)];
            let text = Tls::read(files).err().map(|error| error.report());
            text.unwrap_or_default().replace(&path, "x.pem")
        };
        assert!(read([Some(&path), None, None]).starts_with("obs: CA: x.pem: no such file"));
        fs::write(&path, "no PEM").unwrap();
        assert!(read([Some(&path), None, None]).contains("holds no PEM certificate"));
        assert!(read([None, Some(&path), Some(&path)]).contains("private key"));
        assert!(read([None, Some(&path), None]).starts_with("obs: KEY is missing"));
        assert!(read([None, None, Some(&path)]).starts_with("obs: CERT is missing"));
        assert_eq!(read([None, None, None]), "");
    }
}
