//! What a port speaks, asked only after a request failed in a way that a wrong port explains: a gRPC port that was spoken to
//! by HTTP, the reverse, or TLS where none was meant. Such a mistake must be named, and must drop nothing.

use super::endpoint::is_link_local;
use super::tls;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

/// The connection preface of HTTP/2 with empty settings (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";
const WAIT: Duration = Duration::from_secs(2);

/// What answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spoken {
    Http1,
    Http2,
    Tls,
}

/// Asks the port, in plain text and first in the language that it is meant to speak. None: it does not say.
pub(super) fn at(host: &str, port: u16, is_grpc: bool) -> Option<Spoken> {
    let http1 = b"OPTIONS * HTTP/1.0\r\n\r\n".to_vec();
    let (own, other) = match is_grpc {
        true => (PREFACE.to_vec(), http1),
        false => (http1, PREFACE.to_vec()),
    };
    // before the other one: to HTTP many a TLS port answers in plain HTTP that it is none
    let questions = [Some(own), hello(), Some(other)];
    let addresses = (host, port).to_socket_addrs().ok()?;
    addresses
        .filter(|address| !is_link_local(address.ip()))
        .find_map(|address| {
            let mut questions = questions.iter().flatten();
            questions.find_map(|words| told(address, words))
        })
}

/// The first words of TLS. The handshake is not finished, so nothing is verified and nothing is said.
fn hello() -> Option<Vec<u8>> {
    tls::install(); // building a configuration without a provider would panic
    let config = ClientConfig::builder()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").ok()?;
    let mut connection = ClientConnection::new(Arc::new(config), name).ok()?;
    let mut words = Vec::new();
    connection.write_tls(&mut words).ok()?;
    Some(words)
}

fn told(address: SocketAddr, words: &[u8]) -> Option<Spoken> {
    let mut stream = TcpStream::connect_timeout(&address, WAIT).ok()?;
    stream.set_read_timeout(Some(WAIT)).ok()?;
    stream.set_write_timeout(Some(WAIT)).ok()?;
    stream.write_all(words).ok()?;
    let mut answer = [0; 9];
    let mut length = 0;
    while let Some(rest) = answer.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match stream.read(rest) {
            Ok(0) | Err(_) => break,
            Ok(count) => length += count,
        }
    }
    read(answer.get(..length)?)
}

fn read(answer: &[u8]) -> Option<Spoken> {
    match answer {
        [b'H', b'T', b'T', b'P', b'/', ..] => Some(Spoken::Http1),
        // an alert (21) or a handshake (22) of SSL 3 and above
        [21 | 22, 3, ..] => Some(Spoken::Tls),
        // a first frame of type SETTINGS on stream 0
        [0, _, _, 4, _, 0, 0, 0, 0] => Some(Spoken::Http2),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::thread;

    #[test]
    fn first_bytes_tell() {
        assert_eq!(read(b"HTTP/1.1 "), Some(Spoken::Http1));
        assert_eq!(
            read(b"\x00\x00\x06\x04\x00\x00\x00\x00\x00"),
            Some(Spoken::Http2)
        );
        assert_eq!(read(b"\x15\x03\x01\x00\x02\x02\x46"), Some(Spoken::Tls));
        assert_eq!(read(b"SSH-2.0-x"), None);
        assert_eq!(read(b""), None);
    }

    #[test]
    fn port_that_hangs_up_on_one_is_asked_again() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = thread::spawn(move || {
            drop(listener.accept().unwrap()); // HTTP/2
            drop(listener.accept().unwrap()); // TLS
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = [0; 22]; // all of it: bytes left unread reset the connection
            stream.read_exact(&mut asked).unwrap();
            stream
                .write_all(b"HTTP/1.0 400 Bad Request\r\n\r\n")
                .unwrap();
        });
        assert_eq!(at("127.0.0.1", port, true), Some(Spoken::Http1));
        server.join().unwrap();
    }
}
