//! Hosts and ports as settings name them, and the addresses that are not reached by mistake: link-local ones belong to
//! cloud metadata services and to neighbours on the wire.

use super::Fault;
use crate::error::Error;
use crate::ship::otlp::endpoint::is_link_local;
use std::fmt;
use std::net::IpAddr;

/// A host and its port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::ship) struct Host {
    /// Name or address, without brackets.
    pub(in crate::ship) name: String,
    /// Port.
    pub(in crate::ship) port: u16,
}

impl Host {
    /// Reads `host`, `host:port` or `[address]:port`; the error says what is wrong and repeats none of it, for there
    /// may be a password in it.
    pub(in crate::ship) fn parse(text: &str, port: Option<u16>) -> Result<Self, &'static str> {
        if text.contains('@') {
            return Err("a user or password stands in it");
        }
        let (name, given) = match text.strip_prefix('[') {
            Some(rest) => {
                let (name, rest) = rest.split_once(']').ok_or("no ] behind the address")?;
                let given = match rest {
                    "" => None,
                    _ => Some(rest.strip_prefix(':').ok_or("not [address]:port")?),
                };
                (name, given)
            }
            None => match text.split_once(':') {
                Some((name, given)) => (name, Some(given)),
                None => (text, None),
            },
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let is_host = match text.starts_with('[') {
            true => name.parse::<IpAddr>().is_ok(),
            false => !name.is_empty() && name.chars().all(plain),
        };
        if !is_host {
            return Err("not a host name");
        }
        let port = match given {
            Some(digits) => digits.parse().ok().filter(|port| *port > 0),
            None => port,
        };
        Ok(Self {
            name: name.to_owned(),
            port: port.ok_or("no port")?,
        })
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name.contains(':') {
            true => write!(f, "[{}]:{}", self.name, self.port),
            false => write!(f, "{}:{}", self.name, self.port),
        }
    }
}

/// Whether these hosts may be reached: none of them leads to a link-local address, or such are allowed. A name that leads
/// nowhere is not our matter: the connection will say so.
pub(in crate::ship) async fn may_reach(hosts: &[Host], near_too: bool) -> Result<(), Fault> {
    for host in hosts.iter().filter(|_| !near_too) {
        let found = tokio::net::lookup_host((host.name.as_str(), host.port)).await;
        if found.is_ok_and(|mut all| all.any(|address| is_link_local(address.ip()))) {
            let error = Error::usage(format!("{host} leads to a link-local address"));
            let hint = "such an address is a cloud's metadata service or a neighbour; \
                        if it is meant, set allow_link_local = true";
            return Err(error.hint(hint).into());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_read_with_their_ports() {
        let read = |text| Host::parse(text, Some(4222)).map(|host| host.to_string());
        assert_eq!(read("h"), Ok("h:4222".to_owned()));
        assert_eq!(read("h.example:1"), Ok("h.example:1".to_owned()));
        assert_eq!(read("[::1]"), Ok("[::1]:4222".to_owned()));
        assert_eq!(read("[::1]:9"), Ok("[::1]:9".to_owned()));
        for wrong in [
            "", ":1", "h:", "h:0", "h:65536", "h:1:2", "[::1", "[x]:1", "h/x", "h\n", "[::1]9",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        assert!(Host::parse("h", None).is_err());
    }

    #[test]
    fn password_in_an_address_is_refused() {
        let error = Host::parse("ada:s3cret@h:1", None).unwrap_err();
        assert_eq!(error, "a user or password stands in it");
    }
}
